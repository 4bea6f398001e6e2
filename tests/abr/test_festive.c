// tests/abr/test_festive.c — FESTIVE step by step (reference 9): harmonic mean, gradual climb,
// delayed update, randomised requests.
#include "tests/abr/abr_test.h"

static void sample(struct weir_abr *a, const struct weir_abr_observation *o, int64_t kbps,
                   int times)
{
    for (int i = 0; i < times; i++) {
        struct weir_throughput_sample s = {.bytes = kbps * 125, .duration_us = WEIR_SECOND_US};
        weir_abr_sampled(a, o, &s);
    }
}

static size_t next(struct weir_abr *a, struct weir_abr_observation *o)
{
    size_t rung = weir_abr_decide(a, o).rung;
    struct weir_abr_fetched f = {.rung = rung, .bytes = 1000, .elapsed_us = WEIR_SECOND_US};
    weir_abr_fetched(a, o, &f);
    o->last_rung = rung;
    o->segment_index++;
    o->now_us += 3 * WEIR_SECOND_US;
    return rung;
}

// Harmonic mean of the last 20: 10 at 500 and 10 at 1500 kbit/s are 750, 85 % of it 637.5: rung 2.
// An arithmetic mean would be 1000: rung 3.
static void means_harmonically_over_the_window(void **state)
{
    (void)state;
    struct weir_abr *a = must_create("festive:alpha=1000");
    struct weir_abr_observation o = usual_observation(&ten);
    sample(a, &o, 50, 100); // beyond the window
    sample(a, &o, 500, 10);
    sample(a, &o, 1500, 10);
    for (int i = 0; i < 40; i++)
        (void)next(a, &o);
    assert_int_equal(o.last_rung, 2);
    weir_abr_destroy(&a);
}

// Leaving rung q takes q + 1 decisions in a row that want more: rung 4 is reached with the
// 1 + 2 + 3 + 4th. With a large alpha, efficiency alone counts and no update is delayed.
static void climbs_the_slower_the_higher(void **state)
{
    (void)state;
    struct weir_abr *a = must_create("festive:alpha=1000000");
    struct weir_abr_observation o = usual_observation(&ten);
    sample(a, &o, 20000, 20);
    static const size_t expect[] = {1, 1, 2, 2, 2, 3, 3, 3, 3, 4, 4};
    for (size_t i = 0; i < sizeof(expect) / sizeof(expect[0]); i++) {
        (void)weir_abr_decide(a, &o); // asked twice is counted once
        assert_int_equal(next(a, &o), expect[i]);
    }
    weir_abr_destroy(&a);
}

static void a_pause_in_the_wish_starts_the_count_anew(void **state)
{
    (void)state;
    struct weir_abr *a = must_create("festive:alpha=1000000,samples=1");
    struct weir_abr_observation o = usual_observation(&ten);
    o.last_rung = 2; // wants three decisions
    sample(a, &o, 20000, 1);
    (void)next(a, &o);
    assert_int_equal(next(a, &o), 2);
    sample(a, &o, 600, 1); // 85 % of it: rung 2
    assert_int_equal(next(a, &o), 2);
    sample(a, &o, 20000, 1);
    (void)next(a, &o);
    assert_int_equal(next(a, &o), 2);
    assert_int_equal(next(a, &o), 3);
    weir_abr_destroy(&a);
}

static void falls_a_rung_at_once(void **state)
{
    (void)state;
    struct weir_abr *a = must_create("festive:samples=1");
    struct weir_abr_observation o = usual_observation(&ten);
    o.last_rung = 6;
    sample(a, &o, 500, 1);
    assert_int_equal(next(a, &o), 5);
    assert_int_equal(next(a, &o), 4);
    weir_abr_destroy(&a);
}

// From 688 to 991 kbit/s with 1200 known (target 1020): staying costs 2^n + 12 * |688/991 - 1| =
// 2^n + 3.669, switching 2^(n+1). With n = 1: 5.669 against 4; with n = 2: 7.669 against 8.
static void puts_off_what_unsettles_more_than_it_gains(void **state)
{
    (void)state;
    for (size_t switches = 0; switches <= 3; switches++) {
        struct weir_abr *a = must_create("festive:samples=1");
        struct weir_abr_observation o = usual_observation(&ten);
        o.now_us = 100 * WEIR_SECOND_US;
        for (size_t i = 0; i <= switches; i++) {
            struct weir_abr_fetched f = {.rung = 3 - (switches - i) % 2, .elapsed_us = 1};
            weir_abr_fetched(a, &o, &f);
        }
        o.last_rung = 3;
        sample(a, &o, 1200, 1);
        for (int i = 0; i < 4; i++) { // the count is not what holds it
            o.segment_index++;
            size_t expect = i < 3 ? 3 : switches < 2 ? 4 : 3;
            assert_int_equal(weir_abr_decide(a, &o).rung, expect);
        }
        o.segment_index++;
        o.now_us += 20 * WEIR_SECOND_US + 1; // forgotten
        if (switches >= 2)
            assert_int_equal(weir_abr_decide(a, &o).rung, 4);
        weir_abr_destroy(&a);
    }
}

// Capacity 25 s, segments of 3 s: asked for at levels evenly spread over 16 to 22 s.
static void asks_at_randomised_levels(void **state)
{
    (void)state;
    struct weir_abr *a = must_create("festive:seed=3");
    struct weir_abr *b = must_create("festive:seed=3");
    struct weir_abr *c = must_create("festive:seed=4");
    struct weir_abr_observation o = usual_observation(&ten);
    o.buffer_level_us = 22 * WEIR_SECOND_US;
    sample(a, &o, 1000, 1);
    sample(b, &o, 1000, 1);
    sample(c, &o, 1000, 1);
    int low = 0;
    int differ = 0;
    for (o.segment_index = 0; o.segment_index < 4000; o.segment_index++) {
        struct weir_abr_decision d = weir_abr_decide(a, &o);
        assert_int_equal(weir_abr_decide(b, &o).wait_us, d.wait_us);
        differ += weir_abr_decide(c, &o).wait_us != d.wait_us;
        assert_in_range(d.wait_us, 0, 6 * WEIR_SECOND_US);
        assert_true(d.committed);
        low += d.wait_us > 3 * WEIR_SECOND_US;
        // At the level drawn there is nothing to wait for.
        struct weir_abr_observation at = o;
        at.buffer_level_us -= d.wait_us;
        assert_int_equal(weir_abr_decide(a, &at).wait_us, 0);
    }
    assert_in_range(low, 1840, 2160); // half, give or take five standard deviations
    assert_true(differ > 3900);
    weir_abr_destroy(&a);
    weir_abr_destroy(&b);
    weir_abr_destroy(&c);
}

// A capacity of 10 s: never asked for with less than two segments in hand.
static void leaves_two_segments_in_a_small_buffer(void **state)
{
    (void)state;
    struct weir_abr *a = must_create("festive");
    struct weir_abr_observation o = usual_observation(&ten);
    o.buffer_max_us = 10 * WEIR_SECOND_US;
    o.buffer_level_us = 7 * WEIR_SECOND_US;
    sample(a, &o, 1000, 1);
    for (o.segment_index = 0; o.segment_index < 100; o.segment_index++)
        assert_in_range(weir_abr_decide(a, &o).wait_us, 0, WEIR_SECOND_US);
    weir_abr_destroy(&a);
}

static void forgets_on_reset(void **state)
{
    (void)state;
    struct weir_abr *a = must_create("festive");
    struct weir_abr_observation o = usual_observation(&ten);
    sample(a, &o, 20000, 20);
    assert_int_equal(next(a, &o), 1);
    weir_abr_reset(a);
    assert_int_equal(weir_abr_decide(a, &o).rung, 0);
    assert_string_equal(weir_abr_decide(a, &o).reason, "no sample yet");
    weir_abr_destroy(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(means_harmonically_over_the_window),
        cmocka_unit_test(climbs_the_slower_the_higher),
        cmocka_unit_test(a_pause_in_the_wish_starts_the_count_anew),
        cmocka_unit_test(falls_a_rung_at_once),
        cmocka_unit_test(puts_off_what_unsettles_more_than_it_gains),
        cmocka_unit_test(asks_at_randomised_levels),
        cmocka_unit_test(leaves_two_segments_in_a_small_buffer),
        cmocka_unit_test(forgets_on_reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
