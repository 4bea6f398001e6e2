// tests/sim/test_pacer.c — shares of a trace: exact over time, fair among responses, lost when
// unused. Time is set by assignment.
#include "cmocka_all.h"

#include <string.h>

#include "sim/pacer.h"

#define S        WEIR_SECOND_US
#define START_US (100 * S) // any time: the pacer's own zero is the first request
#define PLENTY   (INT64_C(1) << 40)

struct fixture {
    struct weir_trace *trace;
    struct weir_pacer pacer;
};

// 8 Mbit/s for 1 s, then 0.8 Mbit/s for 1 s: 1 byte per microsecond, then a tenth of it.
static int setup(void **state)
{
    static const char text[] = "[{\"duration_ms\":1000,\"bandwidth_kbps\":8000,\"latency_ms\":7},"
                               "{\"duration_ms\":1000,\"bandwidth_kbps\":800,\"latency_ms\":9}]";
    static struct fixture f;
    if (weir_trace_parse(text, strlen(text), "test", &f.trace, NULL) != 0)
        return -1;
    weir_pacer_init(&f.pacer, f.trace);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    weir_trace_destroy(&f->trace);
    return 0;
}

// What the sender takes as it comes.
static int64_t take(struct weir_pacer_flow *f)
{
    int64_t bytes = f->credit_bytes;
    f->credit_bytes = 0;
    return bytes;
}

static void grants_add_up_exactly_however_uneven_the_ticks(void **state)
{
    struct weir_pacer *p = &((struct fixture *)*state)->pacer;
    struct weir_pacer_flow flow = {.wanted_bytes = PLENTY};
    weir_pacer_request_begin(p, START_US);
    weir_pacer_add(p, &flow, START_US);
    int64_t taken = 0;
    for (int64_t t = 0; t < 10 * S; t += 1237 + t % 5) {
        weir_pacer_tick(p, START_US + t);
        taken += take(&flow);
    }
    weir_pacer_tick(p, START_US + 10 * S);
    taken += take(&flow);
    assert_int_equal(taken, 5 * 1100000);
}

static void responses_share_equally_and_leave_the_rest_to_others(void **state)
{
    struct weir_pacer *p = &((struct fixture *)*state)->pacer;
    struct weir_pacer_flow small = {.wanted_bytes = 1000}, a = {.wanted_bytes = PLENTY},
                           b = {.wanted_bytes = PLENTY};
    weir_pacer_request_begin(p, START_US);
    weir_pacer_add(p, &small, START_US);
    weir_pacer_add(p, &a, START_US);
    weir_pacer_add(p, &b, START_US);
    weir_pacer_tick(p, START_US + 30001);
    assert_int_equal(small.credit_bytes, 1000);
    assert_int_equal(a.credit_bytes + b.credit_bytes, 29001);
    assert_in_range(a.credit_bytes, 14500, 14501);
}

// A client that does not read must not keep the link from the one that does.
static void a_blocked_response_gives_its_share_away(void **state)
{
    struct weir_pacer *p = &((struct fixture *)*state)->pacer;
    struct weir_pacer_flow stuck = {.wanted_bytes = PLENTY}, reader = {.wanted_bytes = PLENTY};
    weir_pacer_request_begin(p, START_US);
    weir_pacer_add(p, &stuck, START_US);
    weir_pacer_add(p, &reader, START_US);
    int64_t taken = 0;
    for (int64_t t = 5000; t <= S; t += 5000) {
        weir_pacer_tick(p, START_US + t);
        taken += take(&reader);
    }
    assert_in_range(stuck.credit_bytes, 1, 100000);
    assert_int_equal(taken, 1000000 - stuck.credit_bytes);
}

static void what_goes_by_without_a_response_is_lost(void **state)
{
    struct weir_pacer *p = &((struct fixture *)*state)->pacer;
    struct weir_pacer_flow flow = {.wanted_bytes = PLENTY};
    weir_pacer_request_begin(p, START_US);
    weir_pacer_add(p, &flow, START_US + S / 2); // after half a second of round trip
    weir_pacer_tick(p, START_US + S);
    assert_int_equal(take(&flow), 500000);
    weir_pacer_remove(p, &flow);
    weir_pacer_add(p, &flow, START_US + 2 * S);
    weir_pacer_tick(p, START_US + 2 * S + 10);
    assert_int_equal(take(&flow), 10);
}

static void the_trace_begins_again_after_two_idle_seconds(void **state)
{
    struct weir_pacer *p = &((struct fixture *)*state)->pacer;
    weir_pacer_request_begin(p, START_US);
    assert_int_equal(weir_pacer_latency_us(p, START_US), 7000);
    assert_int_equal(weir_pacer_latency_us(p, START_US + 3 * S / 2), 9000);
    weir_pacer_request_end(p, START_US + S / 2);
    weir_pacer_request_begin(p, START_US + 5 * S / 2 - 1); // not quite two seconds later
    assert_int_equal(p->origin_us, START_US);
    weir_pacer_request_begin(p, START_US + 9 * S); // another one while it is open
    weir_pacer_request_end(p, START_US + 10 * S);
    weir_pacer_request_end(p, START_US + 10 * S);
    weir_pacer_request_begin(p, START_US + 12 * S);
    assert_int_equal(p->origin_us, START_US + 12 * S);
    assert_int_equal(weir_pacer_latency_us(p, START_US + 12 * S), 7000);
}

static void a_clock_that_stands_still_grants_nothing(void **state)
{
    struct weir_pacer *p = &((struct fixture *)*state)->pacer;
    struct weir_pacer_flow flow = {.wanted_bytes = PLENTY};
    weir_pacer_request_begin(p, START_US);
    weir_pacer_add(p, &flow, START_US);
    weir_pacer_tick(p, START_US);
    weir_pacer_tick(p, START_US - 1);
    assert_int_equal(flow.credit_bytes, 0);
}

static void a_reset_makes_the_next_request_time_zero(void **state)
{
    struct fixture *f = *state;
    struct weir_pacer *p = &f->pacer;
    weir_pacer_request_begin(p, START_US);
    assert_int_equal(weir_pacer_latency_us(p, START_US + 3 * S / 2), 9000);
    weir_pacer_reset(p);
    assert_int_equal(weir_pacer_latency_us(p, START_US + 3 * S / 2), 9000); // not before it comes
    weir_pacer_request_begin(p, START_US + 3 * S / 2); // with the other one still open
    assert_int_equal(weir_pacer_latency_us(p, START_US + 3 * S / 2), 7000);
    weir_pacer_request_begin(p, START_US + 5 * S / 2); // and once only
    assert_int_equal(weir_pacer_latency_us(p, START_US + 5 * S / 2), 9000);
}

static void changes_of_the_rate_are_foretold(void **state)
{
    struct fixture *f = *state;
    struct weir_pacer *p = &f->pacer;
    weir_pacer_request_begin(p, START_US);
    assert_int_equal(weir_pacer_change_us(p, START_US), START_US + S);
    assert_int_equal(weir_pacer_change_us(p, START_US + S - 1), START_US + S);
    assert_int_equal(weir_pacer_change_us(p, START_US + S), START_US + 2 * S);
    assert_int_equal(weir_pacer_change_us(p, START_US + 7 * S / 2), START_US + 4 * S);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(grants_add_up_exactly_however_uneven_the_ticks, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(responses_share_equally_and_leave_the_rest_to_others, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_blocked_response_gives_its_share_away, setup, teardown),
        cmocka_unit_test_setup_teardown(what_goes_by_without_a_response_is_lost, setup, teardown),
        cmocka_unit_test_setup_teardown(the_trace_begins_again_after_two_idle_seconds, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_clock_that_stands_still_grants_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(a_reset_makes_the_next_request_time_zero, setup, teardown),
        cmocka_unit_test_setup_teardown(changes_of_the_rate_are_foretold, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
