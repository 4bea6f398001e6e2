// tests/abr/test_weir.c — Weir's own algorithm: how it behaves on links that are easy to judge,
// what it answers in a player that knows less than a simulator, and its value function's shape.
#include "tests/abr/abr_test.h"

#include <string.h>

#include "abr/weir_value.h"

// A link of `count` periods that repeat.
struct period {
    double seconds, kbps;
};
struct link {
    const struct period *periods;
    size_t count;
    double latency_s;
};

static double bits_until(const struct link *l, double at_s)
{
    double bits = 0;
    for (size_t i = 0;; i = (i + 1) % l->count) {
        if (at_s <= l->periods[i].seconds)
            return bits + at_s * l->periods[i].kbps * 1e3;
        bits += l->periods[i].seconds * l->periods[i].kbps * 1e3;
        at_s -= l->periods[i].seconds;
    }
}

// To the millisecond, from above.
static double time_of_bits(const struct link *l, double from_s, double bits)
{
    double target = bits_until(l, from_s) + bits, low = from_s, high = from_s + 1;
    while (bits_until(l, high) < target)
        high += high - from_s;
    while (high - low > 5e-4) {
        double middle = (low + high) / 2;
        *(bits_until(l, middle) < target ? &low : &high) = middle;
    }
    return high;
}

struct played {
    double stall_s;
    size_t switches, given_up;
    size_t rungs[400];
};

struct session {
    const struct link *link;
    struct weir_abr *abr;
    struct weir_abr_observation o;
    double now_s, level_s, full_s; // full: the buffer's capacity
};

// Asks at every moment the algorithm names, until it gives up or the transfer is over.
static bool watch(struct session *s, double sent_s, double end_s, size_t rung, size_t *to)
{
    double first_s = sent_s + s->link->latency_s;
    double bytes = (double)ten_rungs[rung].bitrate_bps * 3 / 8;
    struct weir_abr_watch w = {.done_bytes = 1};
    for (double at_s = first_s + 0.01;;) {
        if (at_s >= end_s || w.elapsed_us == INT64_MAX)
            return false;
        double done = (bits_until(s->link, at_s) - bits_until(s->link, first_s)) / 8;
        struct weir_abr_observation o = s->o;
        double level_s = s->level_s - (at_s - s->now_s);
        o.buffer_level_us = level_s > 0 ? (int64_t)(level_s * 1e6) : 0;
        struct weir_abr_transfer t = {
            .rung = rung,
            .size_bytes = (int64_t)bytes,
            .done_bytes = (int64_t)done,
            .elapsed_us = (int64_t)((at_s - sent_s) * 1e6),
            .since_first_byte_us = (int64_t)((at_s - first_s) * 1e6),
        };
        if (t.done_bytes >= w.done_bytes && t.elapsed_us >= w.elapsed_us) {
            w = weir_abr_watch(s->abr, &o, &t);
            if (w.abandon) {
                weir_abr_abandoned(s->abr, &o, w.rung);
                *to = w.rung;
                s->level_s = (double)o.buffer_level_us / 1e6;
                s->now_s = at_s;
                return true;
            }
        }
        at_s += 0.05;
    }
}

static void fetch(struct session *s, size_t rung, struct played *p)
{
    double asked_s = s->now_s, level_s = s->level_s;
    double sent_s, end_s;
    bool again;
    do {
        sent_s = s->now_s;
        double bits = (double)ten_rungs[rung].bitrate_bps * 3;
        end_s = time_of_bits(s->link, sent_s + s->link->latency_s, bits);
        again = s->o.segment_index > 0 && rung > 0 && watch(s, sent_s, end_s, rung, &rung);
        p->given_up += again;
    } while (again);
    double took_s = end_s - asked_s;
    if (s->o.segment_index > 0 && took_s > level_s)
        p->stall_s += took_s - level_s;
    s->level_s = (took_s < level_s ? level_s - took_s : 0) + 3;
    s->now_s = end_s;
    s->o.last_rung = rung;
    s->o.throughput_bps = 1; // known; its worth is for others
    p->rungs[s->o.segment_index] = rung;
    struct weir_throughput_sample sample = {
        .bytes = ten_rungs[rung].bitrate_bps * 3 / 8,
        .duration_us = (int64_t)((end_s - sent_s - s->link->latency_s) * 1e6) + 1,
        .latency_us = (int64_t)(s->link->latency_s * 1e6),
    };
    weir_abr_sampled(s->abr, &s->o, &sample);
}

static int64_t nominal(const void *ctx, int64_t ahead, size_t rung)
{
    (void)ctx;
    (void)ahead;
    return ten_rungs[rung].bitrate_bps * 3 / 8;
}

static struct played play(struct weir_abr *a, const struct link *link, int64_t segments, bool sizes)
{
    struct played p = {0};
    struct session s = {.link = link, .abr = a, .full_s = 25};
    weir_abr_reset(a);
    s.o = usual_observation(&ten);
    s.o.last_rung = WEIR_ABR_NO_RUNG;
    s.o.throughput_bps = 0;
    s.o.size_bytes = sizes ? nominal : NULL;
    s.o.segment_count = segments;
    for (int64_t i = 0; i < segments; i++) {
        if (s.level_s + 3 > s.full_s) {
            s.now_s += s.level_s + 3 - s.full_s;
            s.level_s = s.full_s - 3;
        }
        s.o.segment_index = i;
        s.o.since_start_us = i * 3 * WEIR_SECOND_US;
        s.o.until_end_us = (segments - i) * 3 * WEIR_SECOND_US;
        s.o.buffer_level_us = (int64_t)(s.level_s * 1e6);
        s.o.now_us = (int64_t)(s.now_s * 1e6);
        size_t last = s.o.last_rung;
        fetch(&s, weir_abr_decide(a, &s.o).rung, &p);
        p.switches += i > 0 && s.o.last_rung != last;
    }
    return p;
}

static struct played play_default(const struct link *link, int64_t segments)
{
    struct weir_abr *a = must_create("weir");
    struct played p = play(a, link, segments, true);
    assert_int_equal(weir_abr_faults(a, NULL), 0);
    weir_abr_destroy(&a);
    return p;
}

static void climbs_on_a_fast_link(void **state)
{
    (void)state;
    const struct period fast[] = {{100, 30000}};
    struct played p = play_default(&(struct link){fast, 1, 0.05}, 60);
    assert_int_equal(p.rungs[0], 0); // nothing is known yet
    for (size_t i = 5; i < 60; i++)
        assert_int_equal(p.rungs[i], 9);
    assert_true(p.stall_s == 0);
}

static void stays_low_on_a_slow_link(void **state)
{
    (void)state;
    const struct period slow[] = {{100, 260}};
    struct played p = play_default(&(struct link){slow, 1, 0.05}, 60);
    assert_true(p.stall_s == 0);
    for (size_t i = 0; i < 20; i++)
        assert_int_equal(p.rungs[i], 0);
}

// 4 Mbit/s between rungs of 2.96 and 5.03: it may go up and down as the buffer fills and empties,
// but in long runs.
static void does_not_oscillate_between_rungs(void **state)
{
    (void)state;
    const struct period between[] = {{100, 4000}};
    struct played p = play_default(&(struct link){between, 1, 0.05}, 200);
    assert_true(p.stall_s == 0);
    assert_true(p.switches <= 30);
    for (size_t i = 20; i < 200; i++)
        assert_true(p.rungs[i] == 7 || p.rungs[i] == 8 || i > 190);
}

// Minutes of 6 Mbit/s, then 12 seconds of nothing: the buffer was kept for that.
static void survives_an_outage(void **state)
{
    (void)state;
    const struct period outage[] = {{60, 6500}, {10, 20}, {60, 6500}};
    struct played p = play_default(&(struct link){outage, 3, 0.05}, 100);
    assert_true(p.stall_s < 1);
}

// A link that falls to a tenth for a minute: the transfer that is caught in it is given up, and the
// rungs after it fit.
static void follows_a_fall(void **state)
{
    (void)state;
    const struct period fall[] = {{60, 6500}, {60, 400}};
    struct played p = play_default(&(struct link){fall, 2, 0.05}, 150);
    assert_true(p.stall_s < 3);
    assert_true(p.given_up > 0);
}

// Whatever was fetched before: with one segment buffered nothing is asked for that would, at the
// throughput seen, come too late.
static void asks_for_nothing_that_comes_too_late(void **state)
{
    (void)state;
    for (int64_t kbps = 250; kbps <= 20000; kbps = kbps * 5 / 4) {
        for (size_t last = 0; last < 10; last++) {
            struct weir_abr *a = must_create("weir");
            struct weir_abr_observation o = usual_observation(&ten);
            o.last_rung = last;
            o.buffer_level_us = 3 * WEIR_SECOND_US;
            for (int i = 0; i < 8; i++) {
                struct weir_throughput_sample s = {.bytes = kbps * 125,
                                                   .duration_us = WEIR_SECOND_US};
                weir_abr_sampled(a, &o, &s);
            }
            size_t rung = weir_abr_decide(a, &o).rung;
            assert_true(rung == 0 || ten_rungs[rung].bitrate_bps <= kbps * 1000);
            weir_abr_destroy(&a);
        }
    }
}

// More buffer or more throughput never asks for less.
static void rises_with_level_and_throughput(void **state)
{
    (void)state;
    size_t before[23] = {0};
    for (int64_t kbps = 200; kbps <= 20000; kbps = kbps * 6 / 5) {
        size_t below = 0;
        for (int64_t level_s = 0; level_s <= 22; level_s++) {
            struct weir_abr *a = must_create("weir");
            struct weir_abr_observation o = usual_observation(&ten);
            o.last_rung = WEIR_ABR_NO_RUNG;
            o.buffer_level_us = level_s * WEIR_SECOND_US;
            struct weir_throughput_sample s = {.bytes = kbps * 125, .duration_us = WEIR_SECOND_US};
            weir_abr_sampled(a, &o, &s);
            size_t rung = weir_abr_decide(a, &o).rung;
            assert_true(rung >= below);
            assert_true(rung >= before[level_s]);
            below = before[level_s] = rung;
            weir_abr_destroy(&a);
        }
    }
}

static void uses_the_true_size(void **state)
{
    (void)state;
    static int64_t sizes[10];
    struct weir_abr *a = must_create("weir");
    struct weir_abr_observation o = usual_observation(&ten);
    o.last_rung = 5;
    o.buffer_level_us = 6 * WEIR_SECOND_US;
    o.sizes = sizes;
    o.size_rows = 1;
    struct weir_throughput_sample s = {.bytes = 250000, .duration_us = WEIR_SECOND_US};
    weir_abr_sampled(a, &o, &s);
    for (size_t j = 0; j < 10; j++)
        sizes[j] = nominal(NULL, 0, j) / 3; // a quiet scene
    size_t quiet = weir_abr_decide(a, &o).rung;
    for (size_t j = 0; j < 10; j++)
        sizes[j] = nominal(NULL, 0, j) * 3; // a busy one
    size_t busy = weir_abr_decide(a, &o).rung;
    assert_true(quiet > busy);
    weir_abr_destroy(&a);
}

static void plays_without_sizes_and_without_an_end(void **state)
{
    (void)state;
    const struct period between[] = {{30, 4000}, {30, 1500}};
    struct weir_abr *a = must_create("weir");
    struct played p = play(a, &(struct link){between, 2, 0.05}, 100, false);
    assert_true(p.stall_s < 1);
    struct weir_abr_observation o = usual_observation(&ten); // live
    o.segment_count = -1;
    o.until_end_us = WEIR_ABR_NO_TIME;
    o.buffer_max_us = 60 * WEIR_SECOND_US;
    o.buffer_level_us = 8 * WEIR_SECOND_US;
    assert_true(weir_abr_decide(a, &o).rung < 10);
    assert_int_equal(weir_abr_faults(a, NULL), 0);
    weir_abr_destroy(&a);
}

// A clip of six segments, shorter than one step of a minute's buffer, is no reason to stay low.
static void climbs_in_a_short_clip(void **state)
{
    (void)state;
    struct weir_abr *a = must_create("weir");
    struct weir_abr_observation o = usual_observation(&ten);
    o.buffer_max_us = 60 * WEIR_SECOND_US;
    o.segment_duration_us = 2 * WEIR_SECOND_US;
    o.segment_count = 6;
    o.segment_index = 2;
    o.until_end_us = 4 * o.segment_duration_us;
    o.buffer_level_us = 4 * WEIR_SECOND_US;
    struct weir_throughput_sample s = {.bytes = 1000000, .duration_us = WEIR_SECOND_US};
    weir_abr_sampled(a, &o, &s);
    assert_true(weir_abr_decide(a, &o).rung >= 7);
    weir_abr_destroy(&a);
}

// After a seek the engine's estimate serves until there is a sample again.
static void starts_anew_from_what_the_engine_knows(void **state)
{
    (void)state;
    struct weir_abr *a = must_create("weir");
    struct weir_abr_observation o = usual_observation(&ten);
    o.last_rung = WEIR_ABR_NO_RUNG;
    o.buffer_level_us = 6 * WEIR_SECOND_US;
    o.throughput_bps = 0;
    assert_int_equal(weir_abr_decide(a, &o).rung, 0);
    o.throughput_bps = 40000000;
    assert_int_equal(weir_abr_decide(a, &o).rung, 9);
    weir_abr_destroy(&a);
}

// A session's decisions do not depend on the sessions before it.
static void forgets_the_session_before(void **state)
{
    (void)state;
    const struct period one[] = {{20, 4000}, {7, 300}, {9, 1500}};
    const struct period other[] = {{11, 900}, {3, 9000}, {5, 50}};
    struct weir_abr *a = must_create("weir");
    struct played first = play(a, &(struct link){one, 3, 0.05}, 120, true);
    (void)play(a, &(struct link){other, 3, 0.1}, 77, false);
    struct weir_abr_observation o = usual_observation(&(struct weir_ladder){ten_rungs + 2, 5});
    o.segment_duration_us = 6 * WEIR_SECOND_US;
    (void)weir_abr_decide(a, &o); // tables for something else
    struct played again = play(a, &(struct link){one, 3, 0.05}, 120, true);
    assert_memory_equal(&first, &again, sizeof(first));
    weir_abr_destroy(&a);
}

// Ladders that no one would make: equal, zero and enormous bitrates, one rung, a hundred.
static void takes_any_ladder(void **state)
{
    (void)state;
    static struct weir_rung many[100];
    const struct {
        size_t count;
        int64_t first, step;
    } ladders[] = {{1, 500000, 0},       {3, 0, 0},
                   {2, 1000000, 0},      {100, 100, 77},
                   {40, 1000, 50000000}, {5, INT64_MAX / 2, 0}};
    for (size_t k = 0; k < sizeof(ladders) / sizeof(ladders[0]); k++) {
        for (size_t j = 0; j < ladders[k].count; j++)
            many[j].bitrate_bps = ladders[k].first + (int64_t)j * ladders[k].step;
        struct weir_ladder ladder = {many, ladders[k].count};
        struct weir_abr *a = must_create("weir");
        struct weir_abr_observation o = usual_observation(&ladder);
        o.size_bytes = NULL;
        for (int64_t n = 0; n < 20; n++) {
            o.buffer_level_us = n * WEIR_SECOND_US;
            o.buffer_max_us = n % 3 ? 25 * WEIR_SECOND_US : 0;
            o.segment_duration_us = n % 5 ? 3 * WEIR_SECOND_US : n % 2;
            o.last_rung = (size_t)n % 7;
            struct weir_throughput_sample s = {.bytes = n % 4 ? INT64_C(1) << (2 * n) : 0,
                                               .duration_us = n % 3 ? 1 + n * 1000000 : 0};
            weir_abr_sampled(a, &o, &s);
            struct weir_abr_decision d = weir_abr_decide(a, &o);
            assert_true(d.rung < ladder.count);
            struct weir_abr_transfer t = {.rung = d.rung,
                                          .size_bytes = 1000000,
                                          .done_bytes = n * 1000,
                                          .elapsed_us = n * 500000,
                                          .since_first_byte_us = n * 400000};
            (void)weir_abr_watch(a, &o, &t);
        }
        assert_int_equal(weir_abr_faults(a, NULL), 0);
        weir_abr_destroy(&a);
    }
}

static struct weir_value value;

static void fill_value(size_t horizon)
{
    struct weir_value_shape shape;
    memset(&shape, 0, sizeof(shape));
    shape.rungs = 10;
    for (size_t j = 0; j < 10; j++) {
        shape.quality[j] = (double)ten_rungs[j].bitrate_bps / 6e6;
        shape.bytes[j] = (double)ten_rungs[j].bitrate_bps * 3 / 8;
    }
    shape.segments = 1;
    shape.step_s = 3;
    shape.room_s = 22;
    shape.carry = 0.15;
    shape.collapse = 0.003;
    shape.horizon = (double)horizon;
    weir_value_set(&value, &shape);
}

static void worth_grows_with_level_and_rate(void **state)
{
    (void)state;
    fill_value(16);
    const weir_value_layer *layer = weir_value_with(&value, 0.3, 100);
    for (size_t c = 0; c < WEIR_VALUE_RATES; c++) {
        for (size_t b = 0; b < WEIR_VALUE_LEVELS; b++) {
            for (size_t j = 0; j < 10; j++) {
                float here = (*layer)[c][b][j];
                assert_true(b == 0 || here >= (*layer)[c][b - 1][j] - 1e-4F);
                assert_true(c == 0 || here >= (*layer)[c - 1][b][j] - 1e-4F);
            }
        }
    }
}

// With nothing uncertain, one step to come and buffer for anything, the best is to stay: going up
// costs what it brings. With two, to go to the top.
static void worth_of_the_last_steps(void **state)
{
    (void)state;
    fill_value(16);
    value.shape.collapse = 0;
    double ln_fast = value.ln_low + value.ln_step * (WEIR_VALUE_RATES - 1);
    struct weir_value_rate rate = weir_value_rate_at(&value, ln_fast);
    memset(value.built, 0, sizeof(value.built));
    const weir_value_layer *one = weir_value_with(&value, 0.15, 1);
    const weir_value_layer *two = weir_value_with(&value, 0.15, 2);
    assert_null(weir_value_with(&value, 0.15, 0.05));
    for (size_t j = 0; j < 10; j++) {
        assert_near(weir_value_at(&value, one, rate, 22, j), value.shape.quality[j], 1e-5);
        assert_near(weir_value_at(&value, two, rate, 22, j), 1 + value.shape.quality[j], 1e-5);
    }
    memset(&value.shape, 0, sizeof(value.shape)); // not what the other test should find
}

static void bad_parameters_are_named(void **state)
{
    (void)state;
    static const char *const specs[] = {"weir:horizon=0",  "weir:horizon=33", "weir:linear=2",
                                        "weir:halflife=0", "weir:error=0",    "weir:nosuch=1"};
    for (size_t i = 0; i < sizeof(specs) / sizeof(specs[0]); i++) {
        struct weir_abr *a = NULL;
        struct weir_error error = {0};
        if (weir_abr_create(specs[i], 1, &a, &error) != WEIR_ERR_INVAL)
            fail_msg("%s was taken", specs[i]);
        assert_null(a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(climbs_on_a_fast_link),
        cmocka_unit_test(stays_low_on_a_slow_link),
        cmocka_unit_test(does_not_oscillate_between_rungs),
        cmocka_unit_test(survives_an_outage),
        cmocka_unit_test(follows_a_fall),
        cmocka_unit_test(asks_for_nothing_that_comes_too_late),
        cmocka_unit_test(rises_with_level_and_throughput),
        cmocka_unit_test(uses_the_true_size),
        cmocka_unit_test(plays_without_sizes_and_without_an_end),
        cmocka_unit_test(climbs_in_a_short_clip),
        cmocka_unit_test(starts_anew_from_what_the_engine_knows),
        cmocka_unit_test(forgets_the_session_before),
        cmocka_unit_test(takes_any_ladder),
        cmocka_unit_test(worth_grows_with_level_and_rate),
        cmocka_unit_test(worth_of_the_last_steps),
        cmocka_unit_test(bad_parameters_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
