// tests/abr/test_bba0.c — BBA-0 on the paper's ladder and buffer, against the reference's vectors
// (2.1).
#include "tests/abr/abr_test.h"

static const struct weir_rung paper_rungs[] = {
    {235000, 0, 0},  {375000, 0, 0},  {560000, 0, 0},  {750000, 0, 0},
    {1050000, 0, 0}, {1750000, 0, 0}, {2350000, 0, 0}, {3000000, 0, 0},
};
static const struct weir_ladder paper = {paper_rungs, 8};

static const struct {
    const char *name;
    int64_t last_kbps, level_s, expect_kbps;
} cases[] = {
    {"reservoir", 235, 80, 235},
    {"holds until the map reaches the next rate", 235, 95, 235},
    {"steps up when it does", 235, 100, 375},
    {"holds between neighbours", 560, 100, 560},
    {"holds high up", 1750, 150, 1750},
    {"falls to the rate just above the map", 3000, 150, 1750},
    {"holds the top", 3000, 190, 3000},
    {"not yet the top", 2350, 215, 2350},
    {"cushion full", 2350, 216, 3000},
};

static size_t rung_of(int64_t kbps)
{
    for (size_t i = 0; i < paper.count; i++) {
        if (paper_rungs[i].bitrate_bps == kbps * 1000)
            return i;
    }
    fail_msg("no rung of %lld kbit/s", (long long)kbps);
    return 0;
}

static void follows_the_papers_map(void **state)
{
    (void)state;
    struct weir_abr *a = must_create("bba0");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct weir_abr_observation o = usual_observation(&paper);
        o.buffer_max_us = 240 * WEIR_SECOND_US;
        o.buffer_level_us = cases[i].level_s * WEIR_SECOND_US;
        o.last_rung = rung_of(cases[i].last_kbps);
        struct weir_abr_decision d = weir_abr_decide(a, &o);
        if (d.rung != rung_of(cases[i].expect_kbps) || d.wait_us != 0)
            fail_msg("%s: rung %zu, expected %zu", cases[i].name, d.rung,
                     rung_of(cases[i].expect_kbps));
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
        cmocka_unit_test(starts_at_the_lowest_rung),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
