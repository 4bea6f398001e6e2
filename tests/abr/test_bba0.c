// tests/abr/test_bba0.c — BBA-0 on the paper's ladder and buffer, against the reference's vectors
// (2.1).
#include "tests/abr/bba_test.h"

static void follows_the_papers_map(void **state)
{
    (void)state;
    struct weir_abr *a = must_create("bba0");
    for (size_t i = 0; i < PAPER_CASES; i++) {
        struct weir_abr_observation o = usual_observation(&paper);
        o.buffer_max_us = 240 * WEIR_SECOND_US;
        o.buffer_level_us = paper_cases[i].level_s * WEIR_SECOND_US;
        o.last_rung = rung_of(paper_cases[i].last_kbps);
        struct weir_abr_decision d = weir_abr_decide(a, &o);
        if (d.rung != rung_of(paper_cases[i].expect_kbps) || d.wait_us != 0)
            fail_msg("%s: rung %zu, expected %zu", paper_cases[i].name, d.rung,
                     rung_of(paper_cases[i].expect_kbps));
    }
    weir_abr_destroy(&a);
}

// The same shape on a 60 s buffer with the reservoir and cushion given in seconds.
static void takes_reservoir_and_cushion(void **state)
{
    (void)state;
    struct weir_abr *a = must_create("bba0:reservoir=5,cushion=10");
    struct weir_abr_observation o = usual_observation(&paper);
    o.buffer_max_us = 60 * WEIR_SECOND_US;
    o.last_rung = 0;
    o.buffer_level_us = 5 * WEIR_SECOND_US;
    assert_int_equal(weir_abr_decide(a, &o).rung, 0);
    o.buffer_level_us = 15 * WEIR_SECOND_US;
    assert_int_equal(weir_abr_decide(a, &o).rung, 7);
    o.buffer_level_us = 10 * WEIR_SECOND_US; // f = 1617.5 kbit/s
    assert_int_equal(weir_abr_decide(a, &o).rung, 4);
    weir_abr_destroy(&a);
}

// At 25 s and 3 s segments decisions are taken at 22 s and below, where 90 % of the buffer (22.5 s)
// never comes: the top rung must not be out of reach.
static void reaches_the_top_in_a_small_buffer(void **state)
{
    (void)state;
    struct weir_abr *a = must_create("bba0");
    struct weir_abr_observation o = usual_observation(&ten);
    o.buffer_level_us = 22 * WEIR_SECOND_US;
    o.last_rung = 8;
    assert_int_equal(weir_abr_decide(a, &o).rung, 9);
    // The reservoir is the paper's share.
    o.buffer_level_us = 9375000;
    assert_int_equal(weir_abr_decide(a, &o).rung, 0);
    o.buffer_level_us = 12 * WEIR_SECOND_US; // f = 230 + 5770 * 2.625 / 12.325 = 1459 kbit/s
    assert_int_equal(weir_abr_decide(a, &o).rung, 6);
    weir_abr_destroy(&a);
}

static void starts_at_the_lowest_rung(void **state)
{
    (void)state;
    struct weir_abr *a = must_create("bba0");
    struct weir_abr_observation o = usual_observation(&paper);
    o.last_rung = WEIR_RUNG_NONE;
    o.throughput_bps = 0;
    o.buffer_level_us = 0;
    o.starting = true;
    assert_int_equal(weir_abr_decide(a, &o).rung, 0);
    weir_abr_destroy(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(follows_the_papers_map),
        cmocka_unit_test(takes_reservoir_and_cushion),
        cmocka_unit_test(reaches_the_top_in_a_small_buffer),
        cmocka_unit_test(starts_at_the_lowest_rung),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
