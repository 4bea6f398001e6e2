// tests/sim/test_link.c — the virtual link by closed forms worked out by hand, one network model
// after the other, and what hosts rely on: marks, cancelling, bounds, the oracle.
#include "cmocka_all.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/link.h"

#define MS 1e3
// One byte per microsecond.
#define EIGHT_MBPS "\"bandwidth_kbps\":8000"

static struct weir_trace *trace;
static struct weir_link *link_;

static int setup(void **state)
{
    (void)state;
    return weir_link_create(&link_);
}

static int teardown(void **state)
{
    (void)state;
    weir_trace_destroy(&trace);
    weir_link_destroy(&link_);
    return 0;
}

static void open_link(const char *text, enum weir_link_kind kind, int64_t rtt_us, int64_t offset_us)
{
    struct weir_error e = {0};
    weir_trace_destroy(&trace);
    if (weir_trace_parse(text, strlen(text), "test", &trace, &e) != 0)
        fail_msg("%s: %s", e.where, e.what);
    struct weir_link_params p = {.kind = kind, .rtt_us = rtt_us, .offset_us = offset_us};
    weir_link_reset(link_, trace, &p);
}

static void expect_at(double got_us, double want_us)
{
    if (!(fabs(got_us - want_us) <= 1e-6))
        fail_msg("at %.9f us, not %.9f us", got_us, want_us);
}

static struct weir_link_event expect_event(enum weir_link_event_kind kind, uint64_t id,
                                           double at_us)
{
    struct weir_link_event e;
    if (!weir_link_advance(link_, 1e12, &e))
        fail_msg("no event");
    assert_int_equal(e.kind, kind);
    assert_int_equal(e.id, id);
    expect_at(e.at_us, at_us);
    expect_at(weir_link_now_us(link_), at_us);
    return e;
}

static void go(double until_us)
{
    struct weir_link_event e;
    assert_false(weir_link_advance(link_, until_us, &e));
    expect_at(weir_link_now_us(link_), until_us);
}

static void start(uint64_t id, int64_t bytes, int connection)
{
    assert_int_equal(weir_link_start(link_, id, bytes, connection), 0);
}

static void kinds_have_names(void **state)
{
    (void)state;
    assert_int_equal(weir_link_kind_from("fluid"), WEIR_LINK_FLUID);
    assert_int_equal(weir_link_kind_from("pensieve"), WEIR_LINK_PENSIEVE);
    assert_int_equal(weir_link_kind_from("tcp"), WEIR_LINK_TCP);
    assert_int_equal(weir_link_kind_from("udp"), -1);
}

static void a_request_costs_the_latency_and_then_its_bytes(void **state)
{
    (void)state;
    open_link("[{\"duration_ms\":9000," EIGHT_MBPS ",\"latency_ms\":50}]", WEIR_LINK_FLUID,
              WEIR_TIME_NONE, 0);
    start(7, 1000000, 0);
    struct weir_link_event e = expect_event(WEIR_LINK_DONE, 7, 1050 * MS);
    expect_at(e.requested_us, 0);
    expect_at(e.first_byte_us, 50 * MS);
    assert_int_equal(e.bytes, 1000000);
    go(2000 * MS);
    start(8, 500, 0);
    e = expect_event(WEIR_LINK_DONE, 8, 2050.5 * MS);
    expect_at(e.requested_us, 2000 * MS);
}

static void a_given_round_trip_replaces_the_traces_own(void **state)
{
    (void)state;
    open_link("[{\"duration_ms\":9000," EIGHT_MBPS ",\"latency_ms\":50}]", WEIR_LINK_FLUID, 0, 0);
    start(1, 1000, 0);
    expect_event(WEIR_LINK_DONE, 1, 1 * MS);
    open_link("[{\"duration_ms\":20," EIGHT_MBPS ",\"latency_ms\":50}]", WEIR_LINK_FLUID, 30000, 0);
    start(1, 1000, 0);
    expect_event(WEIR_LINK_DONE, 1, 31 * MS);
}

// Half the latency is done in 100 ms at 200 ms' pace, the other half takes 25 ms at 50 ms'.
static void latency_is_work_at_each_periods_pace(void **state)
{
    (void)state;
    open_link("[{\"duration_ms\":100," EIGHT_MBPS ",\"latency_ms\":200},"
              "{\"duration_ms\":900," EIGHT_MBPS ",\"latency_ms\":50}]",
              WEIR_LINK_FLUID, WEIR_TIME_NONE, 0);
    start(1, 1000, 0);
    struct weir_link_event e = expect_event(WEIR_LINK_DONE, 1, 126 * MS);
    expect_at(e.first_byte_us, 125 * MS);
}

// An exact fit stays in the period it filled, whose latency the next request then begins with: of
// 100 ms nothing is served in no time, so the next period's 10 ms count; of 0 ms, all is.
static void an_exact_fit_does_not_go_on_to_the_next_period(void **state)
{
    (void)state;
    open_link("[{\"duration_ms\":1100," EIGHT_MBPS ",\"latency_ms\":100},"
              "{\"duration_ms\":1000," EIGHT_MBPS ",\"latency_ms\":10}]",
              WEIR_LINK_FLUID, WEIR_TIME_NONE, 0);
    start(1, 1000000, 0);
    expect_event(WEIR_LINK_DONE, 1, 1100 * MS);
    start(2, 1000, 0);
    expect_event(WEIR_LINK_DONE, 2, 1111 * MS);
    open_link("[{\"duration_ms\":1000," EIGHT_MBPS ",\"latency_ms\":0},"
              "{\"duration_ms\":1000," EIGHT_MBPS ",\"latency_ms\":10}]",
              WEIR_LINK_FLUID, WEIR_TIME_NONE, 0);
    start(1, 1000000, 0);
    expect_event(WEIR_LINK_DONE, 1, 1000 * MS);
    start(2, 1000, 0);
    expect_event(WEIR_LINK_DONE, 2, 1001 * MS);
}

static void a_latency_longer_than_many_repetitions_ends(void **state)
{
    (void)state;
    // Each repetition of 2 us serves 1/3600e6 + 1/1800e6 of the unit: 1.2e9 repetitions.
    open_link("[{\"duration_ms\":0.001," EIGHT_MBPS ",\"latency_ms\":3600000},"
              "{\"duration_ms\":0.001," EIGHT_MBPS ",\"latency_ms\":1800000}]",
              WEIR_LINK_FLUID, WEIR_TIME_NONE, 0);
    start(1, 1000, 0);
    struct weir_link_event e;
    assert_true(weir_link_advance(link_, 1e12, &e));
    assert_true(fabs(e.at_us - 2.4e9 - 1000) < 100); // a sum of 1e9 terms, jumped over
}

static void nothing_flows_while_the_rate_is_zero_and_the_trace_repeats(void **state)
{
    (void)state;
    open_link("[{\"duration_ms\":1000,\"bandwidth_kbps\":0},{\"duration_ms\":1000," EIGHT_MBPS "}]",
              WEIR_LINK_FLUID, WEIR_TIME_NONE, 0);
    start(1, 1500000, 0);
    go(900 * MS);
    assert_int_equal(weir_link_bytes(link_, 1), 0);
    go(1250 * MS);
    assert_int_equal(weir_link_bytes(link_, 1), 250000);
    go(2700 * MS);
    assert_int_equal(weir_link_bytes(link_, 1), 1000000);
    expect_event(WEIR_LINK_DONE, 1, 3500 * MS);
    assert_int_equal(weir_link_bytes(link_, 1), 0);
}

static void the_offset_is_a_place_in_the_repeating_trace(void **state)
{
    (void)state;
    const char *two = "[{\"duration_ms\":1000," EIGHT_MBPS "},"
                      "{\"duration_ms\":1000,\"bandwidth_kbps\":16000}]";
    static const struct {
        int64_t offset_us;
        double done_us; // of 1.2 MB
    } cases[] = {{0, 1100 * MS},         {500000, 850 * MS},   {1000000, 600 * MS},
                 {1900000, 1100 * MS},   {2000000, 1100 * MS}, {7000000, 600 * MS},
                 {999999, 600.0005 * MS}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        open_link(two, WEIR_LINK_FLUID, WEIR_TIME_NONE, cases[i].offset_us);
        start(1, 1200000, 0);
        expect_event(WEIR_LINK_DONE, 1, cases[i].done_us);
    }
}

// Processor sharing: 100 kB and 300 kB together flow at half the rate each until the first is
// done at 200 ms; 100 kB more, asked for at 250 ms, share what is left.
static void transfers_at_once_share_equally(void **state)
{
    (void)state;
    open_link("[{\"duration_ms\":9000," EIGHT_MBPS "}]", WEIR_LINK_FLUID, WEIR_TIME_NONE, 0);
    start(1, 300000, 0);
    start(2, 100000, 1);
    expect_event(WEIR_LINK_DONE, 2, 200 * MS);
    go(250 * MS);
    assert_int_equal(weir_link_bytes(link_, 1), 150000);
    start(3, 100000, 1);
    expect_event(WEIR_LINK_DONE, 3, 450 * MS);
    expect_event(WEIR_LINK_DONE, 1, 500 * MS);
}

static void one_that_waits_takes_no_share(void **state)
{
    (void)state;
    open_link("[{\"duration_ms\":9000," EIGHT_MBPS ",\"latency_ms\":100}]", WEIR_LINK_FLUID,
              WEIR_TIME_NONE, 0);
    start(1, 200000, 0);
    go(150 * MS);
    start(2, 10000, 1); // flows from 250 ms on, when 150 kB of the first have arrived
    expect_event(WEIR_LINK_DONE, 2, 270 * MS);
    expect_event(WEIR_LINK_DONE, 1, 310 * MS);
}

static void equal_transfers_end_together_in_order_of_their_start(void **state)
{
    (void)state;
    open_link("[{\"duration_ms\":70,\"bandwidth_kbps\":3000},"
              "{\"duration_ms\":31,\"bandwidth_kbps\":977}]",
              WEIR_LINK_FLUID, WEIR_TIME_NONE, 0);
    start(99, 30000 * WEIR_LINK_MAX_TRANSFERS, 0);
    struct weir_link_event e;
    assert_true(weir_link_advance(link_, 1e12, &e));
    double alone_us = e.at_us;
    open_link("[{\"duration_ms\":70,\"bandwidth_kbps\":3000},"
              "{\"duration_ms\":31,\"bandwidth_kbps\":977}]",
              WEIR_LINK_FLUID, WEIR_TIME_NONE, 0);
    for (uint64_t id = 0; id < WEIR_LINK_MAX_TRANSFERS; id++)
        start(id, 30000, (int)id);
    assert_int_equal(weir_link_start(link_, 1000, 1, 0), WEIR_ERR_LIMIT);
    for (uint64_t id = 0; id < WEIR_LINK_MAX_TRANSFERS; id++)
        expect_event(WEIR_LINK_DONE, id, alone_us);
    start(1000, 1, 0); // there is room again
}

static void a_mark_is_reached_once_and_can_be_moved(void **state)
{
    (void)state;
    open_link("[{\"duration_ms\":9000," EIGHT_MBPS ",\"latency_ms\":10}]", WEIR_LINK_FLUID,
              WEIR_TIME_NONE, 0);
    start(1, 100000, 0);
    weir_link_mark(link_, 1, 40000);
    struct weir_link_event e = expect_event(WEIR_LINK_MARK, 1, 50 * MS);
    assert_int_equal(e.bytes, 40000);
    expect_at(e.first_byte_us, 10 * MS);
    go(60 * MS);
    weir_link_mark(link_, 1, 70000);
    weir_link_mark(link_, 1, 75000);
    expect_event(WEIR_LINK_MARK, 1, 85 * MS);
    weir_link_mark(link_, 1, 20000); // passed already: at once
    e = expect_event(WEIR_LINK_MARK, 1, 85 * MS);
    assert_int_equal(e.bytes, 75000);
    weir_link_mark(link_, 1, 80000);
    weir_link_mark(link_, 1, INT64_MAX);
    weir_link_mark(link_, 5, 1); // not in flight
    expect_event(WEIR_LINK_DONE, 1, 110 * MS);
    start(2, 1000, 0);
    weir_link_mark(link_, 2, 1000); // the end is no mark
    expect_event(WEIR_LINK_DONE, 2, 121 * MS);
}

static void cancelling_gives_the_share_back_and_forgets(void **state)
{
    (void)state;
    open_link("[{\"duration_ms\":9000," EIGHT_MBPS "}]", WEIR_LINK_FLUID, WEIR_TIME_NONE, 0);
    start(1, 100000, 0);
    start(2, 100000, 1);
    start(3, 100000, 2);
    go(30 * MS);
    weir_link_cancel(link_, 2);
    weir_link_cancel(link_, 2);
    weir_link_cancel(link_, 77);
    assert_int_equal(weir_link_bytes(link_, 2), 0);
    go(50 * MS);
    assert_int_equal(weir_link_bytes(link_, 1), 20000);
    weir_link_cancel(link_, 1);
    expect_event(WEIR_LINK_DONE, 3, 130 * MS);
    go(9999 * MS); // and nothing more
}

// 8 Mbit/s for a second, then 4: 0.95 MB and 0.475 MB of payload.
static void pensieve_pays_the_round_trip_off_the_traces_clock(void **state)
{
    (void)state;
    open_link("0 99\n1 8\n2 4\n", WEIR_LINK_PENSIEVE, WEIR_TIME_NONE, 0);
    start(1, 950000, 0);
    struct weir_link_event e = expect_event(WEIR_LINK_DONE, 1, 1080 * MS);
    expect_at(e.first_byte_us, 80 * MS);
    start(2, 475000, 0); // all of the second row's second, though 1.08 s have passed
    expect_event(WEIR_LINK_DONE, 2, 2160 * MS);
    go(2660 * MS); // a nap moves the trace's clock: to 0.5 s
    start(3, 475000 + 475000, 0);
    expect_event(WEIR_LINK_DONE, 3, 2660 * MS + 80 * MS + 1500 * MS);
}

static void pensieve_takes_another_round_trip_where_one_is_given(void **state)
{
    (void)state;
    open_link("0 99\n1 8\n2 4\n", WEIR_LINK_PENSIEVE, 10000, 1000000);
    start(1, 475000, 0);
    expect_event(WEIR_LINK_DONE, 1, 1010 * MS);
    open_link("[{\"duration_ms\":9000," EIGHT_MBPS ",\"latency_ms\":50}]", WEIR_LINK_PENSIEVE,
              WEIR_TIME_NONE, 0);
    start(1, 950, 0);
    expect_event(WEIR_LINK_DONE, 1, 51 * MS);
}

// A round trip of 100 ms at 1 byte/us. Windows of 14,600, 29,200 and 58,400 bytes leave the link
// waiting; the fourth, 116,800, does not.
static void tcp_starts_slowly(void **state)
{
    (void)state;
    static const struct {
        int64_t bytes;
        double done_us; // from the first byte, two round trips after the request
    } cases[] = {{1, 0.001 * MS},        {14600, 14.6 * MS},   {14601, 100.001 * MS},
                 {43800, 129.2 * MS},    {50000, 206.2 * MS},  {102200, 258.4 * MS},
                 {102201, 300.001 * MS}, {500000, 697.8 * MS}, {2000000, 2197.8 * MS}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        open_link("[{\"duration_ms\":9000," EIGHT_MBPS "}]", WEIR_LINK_TCP, 100000, 0);
        start(1, cases[i].bytes, 0);
        struct weir_link_event e = expect_event(WEIR_LINK_DONE, 1, 200 * MS + cases[i].done_us);
        expect_at(e.first_byte_us, 200 * MS);
    }
}

static void tcp_keeps_its_window_unless_idle(void **state)
{
    (void)state;
    const char *constant = "[{\"duration_ms\":9000," EIGHT_MBPS ",\"latency_ms\":100}]";
    open_link(constant, WEIR_LINK_TCP, WEIR_TIME_NONE, 0);
    start(1, 43800, 0);
    expect_event(WEIR_LINK_DONE, 1, 329.2 * MS);
    // 58,400 bytes of window by now; a request at once, so its bytes come 100 ms after the last.
    start(2, 60000, 0);
    expect_event(WEIR_LINK_DONE, 2, 329.2 * MS + 200 * MS + 1.6 * MS);
    // Bytes 200 ms apart are within the timeout, 200.001 ms are not.
    double now_us = weir_link_now_us(link_);
    go(now_us + 100 * MS);
    start(3, 60000, 0); // 58,400 + 60,000 by now
    expect_event(WEIR_LINK_DONE, 3, now_us + 200 * MS + 60 * MS);
    now_us = weir_link_now_us(link_);
    go(now_us + 100.001 * MS);
    start(4, 14601, 0);
    expect_event(WEIR_LINK_DONE, 4, now_us + 100.001 * MS + 200 * MS + 0.001 * MS);
    // Another connection begins with its handshake.
    now_us = weir_link_now_us(link_);
    start(5, 1000, 3);
    expect_event(WEIR_LINK_DONE, 5, now_us + 200 * MS + 1 * MS);
}

// A timeout is at least two round trips: 600 ms here.
static void tcp_waits_two_round_trips_before_it_forgets_a_window(void **state)
{
    (void)state;
    for (int late = 0; late < 2; late++) {
        open_link("[{\"duration_ms\":9000," EIGHT_MBPS "}]", WEIR_LINK_TCP, 300000, 0);
        start(1, 14600, 0);
        expect_event(WEIR_LINK_DONE, 1, 614.6 * MS);
        go((914.6 + late) * MS);
        start(2, 14700, 0);
        expect_event(WEIR_LINK_DONE, 2, late ? (1215.6 + 300 + 0.1) * MS : (1214.6 + 14.7) * MS);
    }
}

static void tcp_connections_share_the_link(void **state)
{
    (void)state;
    open_link("[{\"duration_ms\":9000," EIGHT_MBPS "}]", WEIR_LINK_TCP, 100000, 0);
    start(1, 14600, 0);
    start(2, 20000, 1);
    expect_event(WEIR_LINK_DONE, 1, 200 * MS + 29.2 * MS);
    expect_event(WEIR_LINK_DONE, 2, 300 * MS + 5.4 * MS);
    // Where the share is the bound, both flow on: 117 kB and more each at half a byte/us.
    open_link("[{\"duration_ms\":99000,\"bandwidth_kbps\":800}]", WEIR_LINK_TCP, 100000, 0);
    start(1, 100000, 0); // 14,600 bytes take 292 ms: no second window is waited for
    start(2, 100000, 1);
    expect_event(WEIR_LINK_DONE, 1, 2200 * MS);
    expect_event(WEIR_LINK_DONE, 2, 2200 * MS);
}

static void tcp_without_a_round_trip_is_fluid(void **state)
{
    (void)state;
    open_link("0 99\n1 8\n2 4\n", WEIR_LINK_TCP, WEIR_TIME_NONE, 0);
    start(1, 1250000, 0);
    expect_event(WEIR_LINK_DONE, 1, 1500 * MS);
}

static void a_link_that_never_gets_there_ends_all_the_same(void **state)
{
    (void)state;
    struct weir_link_event e;
    open_link("[{\"duration_ms\":0.001,\"bandwidth_kbps\":1e-300}]", WEIR_LINK_FLUID,
              WEIR_TIME_NONE, 0);
    assert_true(isinf(weir_link_oracle_us(link_, 0, 1000)));
    start(1, 1000, 0);
    assert_false(weir_link_advance(link_, 8.64e11, &e));
    expect_at(weir_link_now_us(link_), 8.64e11);
    assert_int_equal(weir_link_bytes(link_, 1), 0);
    assert_false(weir_link_advance(link_, HUGE_VAL, &e));
    // One bit in two microseconds of 500 kbit/s: a day of them.
    open_link("[{\"duration_ms\":0.001,\"bandwidth_kbps\":1000},"
              "{\"duration_ms\":0.001,\"bandwidth_kbps\":0}]",
              WEIR_LINK_FLUID, WEIR_TIME_NONE, 0);
    start(1, INT64_C(86400) * 500000 / 8, 0);
    assert_true(weir_link_advance(link_, 1e12, &e));
    assert_true(fabs(e.at_us - 86400e6) <= 2);
    go(1e12); // and idle for long
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kinds_have_names),
        cmocka_unit_test(a_request_costs_the_latency_and_then_its_bytes),
        cmocka_unit_test(a_given_round_trip_replaces_the_traces_own),
        cmocka_unit_test(latency_is_work_at_each_periods_pace),
        cmocka_unit_test(an_exact_fit_does_not_go_on_to_the_next_period),
        cmocka_unit_test(a_latency_longer_than_many_repetitions_ends),
        cmocka_unit_test(nothing_flows_while_the_rate_is_zero_and_the_trace_repeats),
        cmocka_unit_test(the_offset_is_a_place_in_the_repeating_trace),
        cmocka_unit_test(transfers_at_once_share_equally),
        cmocka_unit_test(one_that_waits_takes_no_share),
        cmocka_unit_test(equal_transfers_end_together_in_order_of_their_start),
        cmocka_unit_test(a_mark_is_reached_once_and_can_be_moved),
        cmocka_unit_test(cancelling_gives_the_share_back_and_forgets),
        cmocka_unit_test(pensieve_pays_the_round_trip_off_the_traces_clock),
        cmocka_unit_test(pensieve_takes_another_round_trip_where_one_is_given),
        cmocka_unit_test(tcp_starts_slowly),
        cmocka_unit_test(tcp_keeps_its_window_unless_idle),
        cmocka_unit_test(tcp_waits_two_round_trips_before_it_forgets_a_window),
        cmocka_unit_test(tcp_connections_share_the_link),
        cmocka_unit_test(tcp_without_a_round_trip_is_fluid),
        cmocka_unit_test(a_link_that_never_gets_there_ends_all_the_same),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
