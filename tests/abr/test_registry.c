// tests/abr/test_registry.c — specs in, errors that help, and answers that stay within the ladder;
// `fixed` and `random`.
#include "tests/abr/abr_test.h"

#include <string.h>

static void lists_by_name(void **state)
{
    (void)state;
    const struct weir_abr_ops *const *all = weir_abr_registry();
    assert_non_null(all[0]);
    for (size_t i = 1; all[i]; i++)
        assert_true(strcmp(all[i - 1]->name, all[i]->name) < 0);
}

static const struct {
    const char *spec, *what, *hint;
} refused[] = {
    {"bobba", "bobba", "bba-others bba0 bba1 bba2 bola"},
    {"", "no algorithm", "bola"},
    {"bola:variants=u", "variants", "variant gp compat"},
    {"bola:variant=x", "variant", "basic finite o u"},
    {"bola:gp=0", "gp", "0.01"},
    {"bola:gp=1e9", "gp", ""},
    {"bola:gp=", "gp", ""},
    {"bola:gp", "KEY=VALUE", ""},
    {"bba0:reservoir=-3", "reservoir", "86400"},
    {"bba0:reservoir=1,5", "KEY=VALUE", ""}, // a decimal comma is no decimal point
    {"fixed:rung=two", "rung", "whole number"},
    {"fixed:rung=99999999999999999999", "rung", ""},
    {"random:rung=1", "rung", "seed"},
};

static void refuses_with_the_name_and_what_there_is(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        struct weir_abr *a = NULL;
        struct weir_error error = {0};
        int err = weir_abr_create(refused[i].spec, 0, &a, &error);
        assert_null(a);
        if (err != WEIR_ERR_INVAL || !strstr(error.what, refused[i].what) ||
            !strstr(error.hint, refused[i].hint))
            fail_msg("%s: %d \"%s\" try: \"%s\"", refused[i].spec, err, error.what, error.hint);
    }
}

static void keeps_the_spec(void **state)
{
    (void)state;
    struct weir_abr *a = must_create("bola:variant=o,gp=4.5");
    assert_string_equal(weir_abr_spec(a), "bola:variant=o,gp=4.5");
    assert_string_equal(weir_abr_ops(a)->name, "bola");
    weir_abr_destroy(&a);
    assert_null(a);
    weir_abr_destroy(&a);
}

static void fixed_is_fixed_and_clamped(void **state)
{
    (void)state;
    struct weir_abr_observation o = usual_observation(&ten);
    o.throughput_bps = 0;
    o.last_rung = WEIR_RUNG_NONE;
    struct weir_abr *a = must_create("fixed:rung=4");
    assert_int_equal(weir_abr_decide(a, &o).rung, 4);
    weir_abr_destroy(&a);
    a = must_create("fixed:rung=400");
    assert_int_equal(weir_abr_decide(a, &o).rung, 9);
    weir_abr_destroy(&a);
    a = must_create("fixed");
    assert_int_equal(weir_abr_decide(a, &o).rung, 0);
    weir_abr_destroy(&a);
}

// Uniform: over 10 000 segments each of ten rungs comes 1000 times, give or take five standard
// deviations (30 each).
static void random_is_uniform_and_repeatable(void **state)
{
    (void)state;
    struct weir_abr_observation o = usual_observation(&ten);
    struct weir_abr *a = must_create("random:seed=7");
    struct weir_abr *b = must_create("random:seed=7");
    struct weir_abr *c = must_create("random:seed=8");
    int seen[10] = {0};
    int differ = 0;
    for (int64_t i = 0; i < 10000; i++) {
        o.segment_index = i;
        size_t rung = weir_abr_decide(a, &o).rung;
        seen[rung]++;
        assert_int_equal(weir_abr_decide(b, &o).rung, rung);
        differ += weir_abr_decide(c, &o).rung != rung;
    }
    for (int j = 0; j < 10; j++)
        assert_in_range(seen[j], 850, 1150);
    assert_in_range(differ, 8700, 9300);
    weir_abr_destroy(&a);
    weir_abr_destroy(&b);
    weir_abr_destroy(&c);
}

// Rungs of one ladder that are not there in the next, a ladder of one, and equal bitrates: no
// algorithm trips.
static void every_algorithm_survives_odd_ladders(void **state)
{
    (void)state;
    static const struct weir_rung same[] = {{500000, 0, 0}, {500000, 0, 0}, {500000, 0, 0}};
    static const struct weir_ladder ladders[] = {{ten_rungs, 1}, {same, 3}, {ten_rungs, 10}};
    const struct weir_abr_ops *const *all = weir_abr_registry();
    for (size_t i = 0; all[i]; i++) {
        struct weir_abr *a = must_create(all[i]->name);
        for (size_t l = 0; l < 3; l++) {
            for (int64_t level_s = 0; level_s <= 60; level_s++) {
                struct weir_abr_observation o = usual_observation(&ladders[l]);
                o.buffer_level_us = level_s * WEIR_SECOND_US;
                o.last_rung = (size_t)level_s; // often beyond the ladder
                o.buffer_max_us = level_s % 3 ? 25 * WEIR_SECOND_US : WEIR_SECOND_US;
                o.segment_duration_us = level_s % 2 ? 0 : 3 * WEIR_SECOND_US;
                o.until_end_us = level_s % 5 ? WEIR_TIME_NONE : 0;
                struct weir_abr_decision d = weir_abr_decide(a, &o);
                assert_true(d.rung < ladders[l].count);
                assert_true(d.wait_us >= 0 && d.wait_us <= 60 * WEIR_SECOND_US);
                assert_non_null(d.reason);
            }
        }
        weir_abr_destroy(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_by_name),
        cmocka_unit_test(refuses_with_the_name_and_what_there_is),
        cmocka_unit_test(keeps_the_spec),
        cmocka_unit_test(fixed_is_fixed_and_clamped),
        cmocka_unit_test(random_is_uniform_and_repeatable),
        cmocka_unit_test(every_algorithm_survives_odd_ladders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
