// tests/sim/test_sabre.c — Sabre's figures on a session small enough to count by hand. Whole
// sessions: tests/e2e/test_sabre.py.
#include "tests/sim/cmocka_all.h"

#include <math.h>
#include <string.h>

#include "sim/sabre.h"

static void near(double got, double want)
{
    if (!(fabs(got - want) <= 1e-9))
        fail_msg("%.12g, expected %.12g", got, want);
}

static const int64_t ladder[] = {1000000, 2000000, 4000000};

// 1 Mbit/s for 5 s, then 4; segments of 2 s. The third waits for 1 s of stall, and ends the
// download in the faster stretch.
static const struct weir_summary_segment segments[] = {
    {.rung = 0,
     .bitrate_bps = 1000000,
     .duration_us = 2000000,
     .requested_us = 0,
     .done_us = 1000000,
     .stall_us = 1000000},
    {.rung = 0,
     .bitrate_bps = 1000000,
     .duration_us = 2000000,
     .requested_us = 1000000,
     .done_us = 2500000},
    {.rung = 2,
     .bitrate_bps = 4000000,
     .duration_us = 2000000,
     .requested_us = 2500000,
     .done_us = 6000000,
     .stall_us = 1000000},
    {.rung = 2,
     .bitrate_bps = 4000000,
     .duration_us = 2000000,
     .requested_us = 6000000,
     .done_us = 7000000,
     .stall_us = 1}, // rounding
};

static struct weir_summary session(size_t count)
{
    return (struct weir_summary){
        .abr = "bola:compat=sabre",
        .startup_us = 1000000,
        .played_us = 8000000,
        .stall_us = 1000000,
        .ended_us = 10000000,
        .segments = segments,
        .segment_count = count,
    };
}

static struct weir_sabre_figures measure(const char *trace_json, int64_t rtt_us, size_t count)
{
    struct weir_trace *trace;
    struct weir_error e = {0};
    assert_int_equal(weir_trace_parse(trace_json, strlen(trace_json), "t", &trace, &e), 0);
    struct weir_summary s = session(count);
    struct weir_link_params link = {.kind = WEIR_LINK_FLUID, .rtt_us = rtt_us};
    struct weir_sabre_figures f = weir_sabre_measure(&s, ladder, 3, trace, &link);
    weir_trace_destroy(&trace);
    return f;
}

#define SLOW_THEN_FAST                                                                             \
    "[{\"duration_ms\":5000,\"bandwidth_kbps\":1999,\"latency_ms\":0},"                            \
    "{\"duration_ms\":5000,\"bandwidth_kbps\":4100,\"latency_ms\":0}]"
#define FAST                                                                                       \
    "[{\"duration_ms\":5000,\"bandwidth_kbps\":4000,\"latency_ms\":0},"                            \
    "{\"duration_ms\":5000,\"bandwidth_kbps\":4100,\"latency_ms\":0}]"

// Ten seconds are worth five segments.
static void averages_over_the_session_s_time(void **state)
{
    (void)state;
    struct weir_sabre_figures f = measure(FAST, WEIR_TIME_NONE, 4);
    near(f.played_utility, 2 * log(4));
    near(f.avg_bitrate_kbps, 10000.0 / 5);
    near(f.avg_switch_kbps, 3000.0 / 5);
    near(f.rebuffer_s, 1);
    assert_int_equal(f.rebuffer_events, 1);
    near(f.time_avg_score, (2 * log(4) - 5 * 0.5) / 5);
}

static void ramp_up_ends_with_a_rung_the_trace_carries(void **state)
{
    (void)state;
    // 4 Mbit/s carry the top: the first of it plays at 1 + 2 + 2 + 1 s.
    near(measure(FAST, WEIR_TIME_NONE, 4).startup_or_rampup_s, 6);
    // At first only rung 0 is carried: the first segment will do.
    near(measure(SLOW_THEN_FAST, WEIR_TIME_NONE, 4).startup_or_rampup_s, 1);
    // With half a segment's duration of latency 4 Mbit/s carry rung 1, which is not played before
    // rung 2.
    near(measure(FAST, 1000000, 4).startup_or_rampup_s, 6);
    near(measure(FAST, WEIR_TIME_NONE, 2).startup_or_rampup_s, 4); // never: the media's length
}

static void nothing_played_has_no_figures(void **state)
{
    (void)state;
    struct weir_sabre_figures f = measure(FAST, WEIR_TIME_NONE, 0);
    near(f.avg_bitrate_kbps, 0);
    near(f.startup_or_rampup_s, 0);
}

static void is_wanted_with_the_parameter_alone(void **state)
{
    (void)state;
    static const struct {
        const char *spec;
        bool wanted;
    } specs[] = {
        {"bola:compat=sabre", true},       {"bola:variant=basic,compat=sabre", true},
        {"bola:compat=sabre,gp=4", true},  {"bola", false},
        {"bola:compat=off", false},        {"./compat=sabre.so", false},
        {"./x.so:notcompat=sabre", false}, {"./x.so:compat=sabre2", false},
    };
    for (size_t i = 0; i < sizeof(specs) / sizeof(specs[0]); i++) {
        if (weir_sabre_is_wanted(specs[i].spec) != specs[i].wanted)
            fail_msg("%s", specs[i].spec);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(averages_over_the_session_s_time),
        cmocka_unit_test(ramp_up_ends_with_a_rung_the_trace_carries),
        cmocka_unit_test(nothing_played_has_no_figures),
        cmocka_unit_test(is_wanted_with_the_parameter_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
