// tests/player/test_summary.c — a session's figures, worked out by hand from their definitions
// (INTERFACES: weir.session/1), and the JSON made of them.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "core/clock.h"
#include "player/summary.h"

static const struct weir_summary_segment three[] = {
    {.rung = 0, .vmaf = 40, .bitrate_bps = 1000000},
    {.rung = 2, .vmaf = 90, .bitrate_bps = 4000000},
    {.rung = 1, .vmaf = 60, .bitrate_bps = 2000000},
};

static struct weir_summary example(void)
{
    return (struct weir_summary){.abr = "bola",
                                 .content = "c",
                                 .trace = "t",
                                 .host = "model",
                                 .seed = 7,
                                 .startup_us = 500000,
                                 .played_us = 6000000,
                                 .stall_us = 1500000,
                                 .stall_count = 1,
                                 .bytes = 10,
                                 .wasted_bytes = 2,
                                 .abandoned = 1,
                                 .lowest_bps = 1000000,
                                 .highest_bps = 4000000,
                                 .segments = three,
                                 .segment_count = 3};
}

static void near(double got, double want)
{
    if (!(fabs(got - want) <= 1e-12))
        fail_msg("%.15g, not %.15g", got, want);
}

static void rates_are_means_over_segments(void **state)
{
    (void)state;
    struct weir_summary s = example();
    struct weir_summary_figures f = weir_summary_measure(&s);
    near(f.mean_bitrate_bps, 7e6 / 3);
    assert_int_equal(f.switch_count, 2);
    near(f.switch_bps, 5e6 / 2);
    near(f.rebuffer_ratio, 1.5 / 7.5);
}

// Two seconds of waiting in all, the start-up included, at the ladder's highest q.
static void qoe_charges_waiting_and_change(void **state)
{
    (void)state;
    struct weir_summary s = example();
    struct weir_summary_figures f = weir_summary_measure(&s);
    assert_true(f.has_qoe);
    near(f.qoe_lin, (1.0 + 4.0 + 2.0 - 4.0 * 2 - (3.0 + 2.0)) / 3);
    near(f.qoe_log, (log(4) + log(2) - log(4) * 2 - (log(4) + log(2))) / 3);
    assert_true(f.has_vmaf);
    near(f.qoe_vmaf, (2.0 + 4.5 + 3.0 - 5.0 * 2 - (2.5 + 1.5)) / 3);
}

static void one_unknown_vmaf_makes_it_unknown(void **state)
{
    (void)state;
    struct weir_summary_segment segments[3];
    memcpy(segments, three, sizeof(segments));
    segments[1].vmaf = -1;
    struct weir_summary s = example();
    s.segments = segments;
    struct weir_summary_figures f = weir_summary_measure(&s);
    assert_true(f.has_qoe);
    assert_false(f.has_vmaf);
}

static void one_segment_has_no_switches(void **state)
{
    (void)state;
    struct weir_summary s = example();
    s.segment_count = 1;
    struct weir_summary_figures f = weir_summary_measure(&s);
    assert_int_equal(f.switch_count, 0);
    near(f.switch_bps, 0);
    near(f.qoe_lin, 1.0 - 4.0 * 2);
}

// Another period's ladder under the same rung: q changes, the rung does not.
static void the_same_rung_is_no_switch(void **state)
{
    (void)state;
    const struct weir_summary_segment two[] = {{.rung = 1, .bitrate_bps = 1000000},
                                               {.rung = 1, .bitrate_bps = 3000000}};
    struct weir_summary s = example();
    s.segments = two;
    s.segment_count = 2;
    s.stall_us = s.startup_us = 0;
    struct weir_summary_figures f = weir_summary_measure(&s);
    assert_int_equal(f.switch_count, 0);
    near(f.switch_bps, 0);
    near(f.qoe_lin, (1.0 + 3.0 - 2.0) / 2);
}

static void a_session_of_nothing_has_no_qoe(void **state)
{
    (void)state;
    struct weir_summary s = example();
    s.segment_count = 0;
    s.startup_us = WEIR_TIME_NONE;
    s.played_us = s.stall_us = 0;
    struct weir_summary_figures f = weir_summary_measure(&s);
    assert_false(f.has_qoe);
    near(f.rebuffer_ratio, 0);
    json_t *o = weir_summary_json(&s);
    assert_non_null(o);
    assert_true(json_is_null(json_object_get(o, "startup_delay")));
    assert_true(json_is_null(json_object_get(json_object_get(o, "qoe"), "lin")));
    assert_int_equal(json_array_size(json_object_get(o, "decisions")), 0);
    json_decref(o);
}

static void json_has_every_common_member(void **state)
{
    (void)state;
    static const char *const members[] = {
        "schema",         "abr",           "content",      "trace",       "host",
        "seed",           "startup_delay", "played",       "stall_count", "stall_time",
        "rebuffer_ratio", "mean_bitrate",  "switch_count", "switch_bps",  "bytes",
        "wasted_bytes",   "abandoned",     "errors",       "decisions",   "qoe",
        "pool",           "frames"};
    struct weir_summary s = example();
    json_t *o = weir_summary_json(&s);
    assert_non_null(o);
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
        if (!json_object_get(o, members[i]))
            fail_msg("no %s", members[i]);
    assert_string_equal(json_string_value(json_object_get(o, "schema")), "weir.session/1");
    near(json_real_value(json_object_get(o, "startup_delay")), 0.5);
    near(json_real_value(json_object_get(o, "stall_time")), 1.5);
    json_t *decisions = json_object_get(o, "decisions");
    assert_int_equal(json_array_size(decisions), 3);
    assert_int_equal(json_integer_value(json_array_get(decisions, 1)), 2);
    json_decref(o);
    s.trace = NULL;
    o = weir_summary_json(&s);
    assert_true(json_is_null(json_object_get(o, "trace")));
    json_decref(o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rates_are_means_over_segments),
        cmocka_unit_test(qoe_charges_waiting_and_change),
        cmocka_unit_test(one_unknown_vmaf_makes_it_unknown),
        cmocka_unit_test(one_segment_has_no_switches),
        cmocka_unit_test(the_same_rung_is_no_switch),
        cmocka_unit_test(a_session_of_nothing_has_no_qoe),
        cmocka_unit_test(json_has_every_common_member),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
