// tests/abr/test_bba_others.c — BBA-Others: looks ahead for increases only, by either reading, and
// never lets its reservoir shrink.
#include "tests/abr/bba_test.h"

static int64_t sizes[PAPER_ROWS * PAPER_RUNGS];

static struct weir_abr *past_start_up(const char *spec, struct weir_abr_observation *o)
{
    struct weir_abr *a = must_create(spec);
    (void)weir_abr_decide(a, o);
    struct weir_abr_fetched f = {.rung = 0, .bytes = 1, .elapsed_us = 60 * WEIR_SECOND_US};
    weir_abr_fetched(a, o, &f);
    (void)weir_abr_decide(a, o);
    return a;
}

#define MAP "reservoir=90,cushion=126"

// 100 s of buffer are 25 chunks; S(B) is 454.4 kbit/s, 227 222 bytes; rung 1 is nominally 187 500.
static void looks_over_what_the_buffer_holds(void **state)
{
    (void)state;
    static const struct {
        const char *name, *spec;
        size_t row, rung;
        int64_t bytes;
        size_t expect;
    } rows[] = {
        {"nominal", "bba-others:" MAP, 0, 0, 117500, 1},
        {"mean: large enough to lift the mean", "bba-others:" MAP, 24, 1, 187500 + 25 * 39723, 0},
        {"mean: not quite", "bba-others:" MAP, 24, 1, 187500 + 25 * 39722, 1},
        {"mean: beyond the window", "bba-others:" MAP, 25, 1, 187500 + 25 * 39723, 1},
        {"all: one that brings it down again", "bba-others:" MAP ",lookahead=all", 24, 0, 227223,
         0},
        {"all: just not", "bba-others:" MAP ",lookahead=all", 24, 0, 227222, 1},
        {"all: beyond the window", "bba-others:" MAP ",lookahead=all", 25, 0, 227223, 1},
        {"off", "bba-others:" MAP ",lookahead=off", 24, 1, 187500 + 25 * 39723, 1},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct weir_abr_observation o = paper_observation(sizes);
        o.buffer_level_us = 100 * WEIR_SECOND_US;
        o.last_rung = 0;
        sizes[rows[i].row * PAPER_RUNGS + rows[i].rung] = rows[i].bytes;
        struct weir_abr *a = past_start_up(rows[i].spec, &o);
        size_t got = weir_abr_decide(a, &o).rung;
        if (got != rows[i].expect)
            fail_msg("%s: rung %zu", rows[i].name, got);
        weir_abr_destroy(&a);
    }
}

// Downwards the next chunk alone decides: the vectors of falling hold whatever comes later.
static void goes_down_without_looking(void **state)
{
    (void)state;
    struct weir_abr_observation o = paper_observation(sizes);
    for (size_t k = 1; k < PAPER_ROWS; k++)
        for (size_t j = 0; j < PAPER_RUNGS; j++)
            sizes[k * PAPER_RUNGS + j] /= 10;
    o.buffer_level_us = 150 * WEIR_SECOND_US;
    o.last_rung = 7;
    struct weir_abr *a = past_start_up("bba-others:" MAP, &o);
    assert_int_equal(weir_abr_decide(a, &o).rung, 5);
    weir_abr_destroy(&a);
}

static void reservoir_never_shrinks(void **state)
{
    (void)state;
    struct weir_abr_observation o = paper_observation(sizes);
    for (size_t k = 0; k < PAPER_ROWS; k++)
        sizes[k * PAPER_RUNGS] = 117500 * 110 / 100; // 48 s
    o.buffer_level_us = 48 * WEIR_SECOND_US;
    o.last_rung = 0;
    struct weir_abr *a = past_start_up("bba-others", &o);
    assert_string_equal(weir_abr_decide(a, &o).reason, "reservoir");
    (void)paper_observation(sizes); // nominal again: 8 s
    o.segment_index = 7;
    assert_string_equal(weir_abr_decide(a, &o).reason, "reservoir");
    weir_abr_reset(a);
    assert_string_not_equal(weir_abr_decide(a, &o).reason, "reservoir");
    weir_abr_destroy(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(looks_over_what_the_buffer_holds),
        cmocka_unit_test(goes_down_without_looking),
        cmocka_unit_test(reservoir_never_shrinks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
