// tests/abr/test_hyb.c — HYB: the highest rung with size / throughput < beta * buffer, strictly.
#include "tests/abr/abr_test.h"

// 3 s at 2 Mbit/s: rung j takes 1.5 * R[j] seconds (R in Mbit/s); beta * B are 0.25 * B.
static const struct {
    const char *name;
    int64_t level_us;
    size_t expect;
} rows[] = {
    {"empty", 0, 0},
    {"rung 4 takes 1.4865 s", 5946001, 4},
    {"exactly: not in time", 5946000, 3},
    {"rung 7 takes 4.443 s", 17772001, 7},
    {"all fit", 36000001, 9},
};

static void takes_what_arrives_within_a_share_of_the_buffer(void **state)
{
    (void)state;
    struct weir_abr *a = must_create("hyb");
    struct weir_abr *half = must_create("hyb:beta=0.5");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct weir_abr_observation o = usual_observation(&ten);
        o.buffer_level_us = rows[i].level_us;
        size_t got = weir_abr_decide(a, &o).rung;
        if (got != rows[i].expect)
            fail_msg("%s: rung %zu", rows[i].name, got);
        o.buffer_level_us = (rows[i].level_us + 1) / 2;
        assert_int_equal(weir_abr_decide(half, &o).rung, rows[i].expect);
    }
    weir_abr_destroy(&a);
    weir_abr_destroy(&half);
}

static void uses_true_sizes(void **state)
{
    (void)state;
    struct weir_abr *a = must_create("hyb");
    int64_t sizes[10];
    struct weir_abr_observation o = usual_observation(&ten);
    for (size_t j = 0; j < 10; j++)
        sizes[j] = ten_rungs[j].bitrate_bps * 3 / 8;
    o.sizes = sizes;
    o.size_rows = 1;
    o.buffer_level_us = 6 * WEIR_SECOND_US; // 3 Mbit, 375 000 bytes
    assert_int_equal(weir_abr_decide(a, &o).rung, 4);
    sizes[4] = 375000;
    assert_int_equal(weir_abr_decide(a, &o).rung, 3);
    sizes[8] = 374999; // a still picture
    assert_int_equal(weir_abr_decide(a, &o).rung, 8);
    weir_abr_destroy(&a);
}

static void knows_nothing_at_first(void **state)
{
    (void)state;
    struct weir_abr *a = must_create("hyb");
    struct weir_abr_observation o = usual_observation(&ten);
    o.throughput_bps = 0;
    o.buffer_level_us = 25 * WEIR_SECOND_US;
    assert_int_equal(weir_abr_decide(a, &o).rung, 0);
    weir_abr_destroy(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_what_arrives_within_a_share_of_the_buffer),
        cmocka_unit_test(uses_true_sizes),
        cmocka_unit_test(knows_nothing_at_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
