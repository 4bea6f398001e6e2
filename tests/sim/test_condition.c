// tests/sim/test_condition.c — the language of --fail-if: what it reads, what it refuses.
#include "cmocka_all.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sim/condition.h"

static const struct {
    const char *text;
    enum weir_condition_function function;
    const char *member;
    enum weir_condition_operator operator;
    double number;
    const char *filters; // joined by '@'
} good[] = {
    {"mean(qoe.lin) < 1.2", WEIR_CONDITION_MEAN, "qoe.lin", WEIR_CONDITION_LESS, 1.2, ""},
    {"  p95( stall_time )>=8", WEIR_CONDITION_P95, "stall_time", WEIR_CONDITION_MORE_EQUAL, 8, ""},
    {"share(stall_time) > 5%", WEIR_CONDITION_SHARE, "stall_time", WEIR_CONDITION_MORE, 0.05, ""},
    {"median(played) @bola:variant=u,gp=5 @hsdpa != -1.5e2", WEIR_CONDITION_MEDIAN, "played",
     WEIR_CONDITION_UNEQUAL, -150, "bola:variant=u,gp=5@hsdpa"},
    {"max(errors@bola)==0", WEIR_CONDITION_MAX, "errors", WEIR_CONDITION_EQUAL, 0, "bola"},
    {"min(qoe.vmaf) <= .5", WEIR_CONDITION_MIN, "qoe.vmaf", WEIR_CONDITION_LESS_EQUAL, 0.5, ""},
};

static void every_part_is_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct weir_condition c;
        struct weir_error e = {0};
        char filters[1200] = "";
        if (weir_condition_parse(good[i].text, &c, &e) != 0)
            fail_msg("%s: %s (%s)", good[i].text, e.what, e.why);
        for (size_t f = 0; f < c.filter_count; f++) {
            strcat(filters, f ? "@" : "");
            strcat(filters, c.filters[f]);
        }
        if (c.function != good[i].function || strcmp(c.member->name, good[i].member) != 0 ||
            c.operator!= good[i].operator|| fabs(c.number - good[i].number) > 1e-12 ||
            strcmp(filters, good[i].filters) != 0)
            fail_msg("%s: read as %d(%s) %s %d %g", good[i].text, (int)c.function, c.member->name,
                     filters, (int)c.operator, c.number);
    }
}

static const char *const bad[] = {
    "",
    "mean",
    "mean(qoe.lin)",
    "mean(qoe.lin) <",
    "mean(qoe.lin) < x",
    "mean(qoe.lin) < 1 2",
    "mean(qoe.lin < 1",
    "mean(decisions) < 1",
    "mean(abr) < 1",
    "sum(qoe.lin) < 1",
    "mean qoe.lin < 1",
    "mean(qoe.lin) ~ 1",
    "mean(qoe.lin) @ < 1",
    "mean(qoe.lin) @a @b @c @d @e < 1",
    "mean(qoe.lin) < 1e999",
};

static void what_is_no_condition_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct weir_condition c;
        struct weir_error e = {0};
        if (weir_condition_parse(bad[i], &c, &e) != WEIR_ERR_INVAL || !e.what[0])
            fail_msg("\"%s\" was accepted", bad[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_part_is_read),
        cmocka_unit_test(what_is_no_condition_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
