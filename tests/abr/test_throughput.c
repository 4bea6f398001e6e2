// tests/abr/test_throughput.c — the throughput rule: rate to rung (reference 1.4), the buffer cap
// (4.4), abandonment (13.1).
#include "tests/abr/abr_test.h"

#include "abr/rate.h"

static const struct {
    int64_t kbps, latency_ms;
    size_t expect;
} vectors[] = {{2000, 0, 5}, {2000, 100, 5}, {2000, 1000, 4}, {5100, 50, 7}};

static void accounts_for_latency(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        size_t got = weir_rate_rung_latency(&ten, (double)vectors[i].kbps * 1e3,
                                            (double)vectors[i].latency_ms * 1e3, 3e6);
        if (got != vectors[i].expect)
            fail_msg("%lld kbit/s, %lld ms: rung %zu, expected %zu", (long long)vectors[i].kbps,
                     (long long)vectors[i].latency_ms, got, vectors[i].expect);
    }
}

static void takes_nine_tenths_of_the_estimate(void **state)
{
    (void)state;
    struct weir_abr_observation o = usual_observation(&ten);
    o.buffer_level_us = 20 * WEIR_SECOND_US;
    struct weir_abr *a = must_create("throughput");
    o.throughput_bps = 1580000; // 1422 kbit/s: not quite rung 5
    assert_int_equal(weir_abr_decide(a, &o).rung, 4);
    o.throughput_bps = 1590000;
    assert_int_equal(weir_abr_decide(a, &o).rung, 5);
    o.throughput_bps = 0;
    assert_int_equal(weir_abr_decide(a, &o).rung, 0);
    weir_abr_destroy(&a);
}

// 2 s buffered, 10 Mbit/s: at a discount of 0.9 a segment of at most 18 Mbit can still come in
// time: 6 Mbit/s for 3 s just does. The discount falls with every decision, down to 0.5: 10 Mbit.
static void caps_by_the_buffer(void **state)
{
    (void)state;
    static const size_t expected[] = {9, 8, 7, 7, 7, 7, 7, 7};
    struct weir_abr_observation o = usual_observation(&ten);
    o.throughput_bps = 10000000;
    o.buffer_level_us = 2000001;
    struct weir_abr *a = must_create("throughput");
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
        assert_int_equal(weir_abr_decide(a, &o).rung, expected[i]);
    o.buffer_level_us = 1780000; // 8.9 Mbit: 2.962 * 3 still fits
    assert_int_equal(weir_abr_decide(a, &o).rung, 7);
    o.buffer_level_us = 1770000;
    assert_int_equal(weir_abr_decide(a, &o).rung, 6);
    weir_abr_reset(a);
    o.buffer_level_us = 2000001;
    assert_int_equal(weir_abr_decide(a, &o).rung, 9);
    weir_abr_destroy(&a);
    a = must_create("throughput:cap=off");
    o.buffer_level_us = 1000000;
    assert_int_equal(weir_abr_decide(a, &o).rung, 9);
    weir_abr_destroy(&a);
}

// Where the segment's true size is known it decides, not the declared bitrate's.
static int64_t small_top(const void *ctx, int64_t ahead, size_t rung)
{
    (void)ctx;
    (void)ahead;
    return rung == 9 ? 100000 : 50000;
}

static void caps_by_the_true_size(void **state)
{
    (void)state;
    struct weir_abr_observation o = usual_observation(&ten);
    o.throughput_bps = 10000000;
    o.buffer_level_us = 1000000;
    o.size_bytes = small_top;
    struct weir_abr *a = must_create("throughput");
    assert_int_equal(weir_abr_decide(a, &o).rung, 9);
    weir_abr_destroy(&a);
    a = must_create("throughput:compat=sabre");
    assert_int_equal(weir_abr_decide(a, &o).rung, 7);
    weir_abr_destroy(&a);
}

static struct weir_abr_transfer slow_transfer(void)
{
    // 6 Mbit/s for 3 s is 2.25 MB; 100 kB came in 1 s: 23 s in all.
    return (struct weir_abr_transfer){.rung = 9,
                                      .size_bytes = 2250000,
                                      .done_bytes = 100000,
                                      .elapsed_us = 1000000,
                                      .since_first_byte_us = 1000000};
}

static void abandons_a_transfer_that_takes_far_too_long(void **state)
{
    (void)state;
    struct weir_abr_observation o = usual_observation(&ten);
    struct weir_abr_transfer t = slow_transfer();
    struct weir_abr *a = must_create("throughput");
    struct weir_abr_watch w = weir_abr_watch(a, &o, &t);
    assert_true(w.abandon);
    assert_int_equal(w.rung, 3); // 0.9 * 800 kbit/s
    t.rung = 0;
    assert_false(weir_abr_watch(a, &o, &t).abandon);
    weir_abr_destroy(&a);
}

// The watch names the moment before which the answer cannot be yes, and at that moment it can be.
static void names_the_earliest_moment(void **state)
{
    (void)state;
    struct weir_abr_observation o = usual_observation(&ten);
    struct weir_abr_transfer t = slow_transfer();
    t.done_bytes = 1000000; // 1.8 * 3 s allows for 2.25 MB only from 2.4 s on
    struct weir_abr *a = must_create("throughput");
    struct weir_abr_watch w = weir_abr_watch(a, &o, &t);
    assert_false(w.abandon);
    assert_near((double)w.elapsed_us, 2400000, 2);
    t.elapsed_us = t.since_first_byte_us = w.elapsed_us - 2;
    assert_false(weir_abr_watch(a, &o, &t).abandon);
    t.elapsed_us = t.since_first_byte_us = w.elapsed_us + 1;
    w = weir_abr_watch(a, &o, &t);
    assert_true(w.abandon); // 1.25 MB left; 0.9 * 3.3 Mbit/s is rung 7, 1.1 MB
    assert_int_equal(w.rung, 7);
    weir_abr_destroy(&a);
}

static void waits_for_the_first_half_second(void **state)
{
    (void)state;
    struct weir_abr_observation o = usual_observation(&ten);
    struct weir_abr_transfer t = slow_transfer();
    t.elapsed_us = 100000;
    t.since_first_byte_us = 0;
    t.done_bytes = 0;
    struct weir_abr *a = must_create("throughput");
    struct weir_abr_watch w = weir_abr_watch(a, &o, &t);
    assert_false(w.abandon);
    assert_int_equal(w.elapsed_us, 500000);
    assert_int_equal(w.done_bytes, 1);
    weir_abr_destroy(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accounts_for_latency),
        cmocka_unit_test(takes_nine_tenths_of_the_estimate),
        cmocka_unit_test(caps_by_the_buffer),
        cmocka_unit_test(caps_by_the_true_size),
        cmocka_unit_test(abandons_a_transfer_that_takes_far_too_long),
        cmocka_unit_test(names_the_earliest_moment),
        cmocka_unit_test(waits_for_the_first_half_second),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
