// tests/abr/test_abandon.c — giving transfers up: asked only at the progress that watch() names, an
// algorithm abandons when it would have, asked at every millisecond.
#include "tests/abr/abr_test.h"

#include <string.h>

#include "abr/abandon.h"
#include "core/rng.h"

// A transfer over a network that changes every 100 ms, in steps of a millisecond; playback drains
// the buffer meanwhile.
#define STEPS 20000

struct course {
    size_t rung;
    int64_t size_bytes, latency_us, level_us;
    int64_t done[STEPS]; // after that many milliseconds
    int steps;           // until it is complete
};

static void draw_course(struct weir_rng *rng, struct course *c)
{
    double base_bps = 100e3 + 8e6 * weir_rng_unit(rng) * weir_rng_unit(rng);
    double bps = 0, bytes = 0;
    c->rung = 1 + (size_t)weir_rng_below(rng, 9);
    c->size_bytes = ten_rungs[c->rung].bitrate_bps * 3 / 8 / 2;
    c->size_bytes += (int64_t)weir_rng_below(rng, (uint64_t)c->size_bytes * 2);
    c->latency_us = (int64_t)weir_rng_below(rng, 200) * 1000;
    c->level_us = (int64_t)weir_rng_below(rng, 25000) * 1000;
    c->steps = STEPS;
    for (int i = 0; i < STEPS; i++) {
        if (i % 100 == 0)
            bps = weir_rng_below(rng, 8) ? base_bps * 2 * weir_rng_unit(rng) : 0;
        if (i * INT64_C(1000) >= c->latency_us)
            bytes += bps / 8e3;
        c->done[i] = (int64_t)bytes < c->size_bytes ? (int64_t)bytes : c->size_bytes;
        if (c->done[i] == c->size_bytes && c->steps == STEPS)
            c->steps = i;
    }
}

static struct weir_abr_watch ask(struct weir_abr *a, const struct course *c, int ms)
{
    struct weir_abr_observation o = usual_observation(&ten);
    int64_t elapsed_us = (int64_t)ms * 1000;
    o.buffer_level_us = c->level_us > elapsed_us ? c->level_us - elapsed_us : 0;
    o.now_us = elapsed_us;
    struct weir_abr_transfer t = {
        .rung = c->rung,
        .size_bytes = c->size_bytes,
        .done_bytes = c->done[ms],
        .elapsed_us = elapsed_us,
        .since_first_byte_us = c->done[ms] ? elapsed_us - c->latency_us : 0,
    };
    return weir_abr_watch(a, &o, &t);
}

// Asked at every millisecond: that of the first yes, and that from which on the answer stays yes
// for `run_ms`. -1: none.
static int ask_always(struct weir_abr *a, const struct course *c, int run_ms, int *steady)
{
    int first = -1, run = 0;
    for (int ms = 1; ms < c->steps; ms++) {
        bool yes = ask(a, c, ms).abandon;
        if (yes && first < 0)
            first = ms;
        run = yes ? run + 1 : 0;
        if (run > run_ms) {
            *steady = ms - run_ms;
            return first;
        }
    }
    *steady = -1;
    return first;
}

// Asked when it wants to be: the millisecond of the first yes; -1: none.
static int ask_when_named(struct weir_abr *a, const struct course *c)
{
    int64_t bytes = 0, elapsed_us = 0;
    for (int ms = 1; ms < c->steps; ms++) {
        if (c->done[ms] < bytes || ms * INT64_C(1000) < elapsed_us)
            continue;
        struct weir_abr_watch w = ask(a, c, ms);
        if (w.abandon)
            return ms;
        bytes = w.done_bytes;
        elapsed_us = w.elapsed_us;
        // What it names lies ahead, or it would be asked for ever.
        if (bytes <= c->done[ms] && elapsed_us <= ms * INT64_C(1000))
            fail_msg("named %lld us again at %d ms", (long long)elapsed_us, ms);
    }
    return -1;
}

// `late_ms`: how long an answer may be overdue where only more progress can say; 0 where the moment
// follows from what is known. A yes that passes sooner may be missed.
static void compare(const char *spec, int late_ms, int least_yes)
{
    struct weir_rng rng;
    static struct course c;
    weir_rng_seed(&rng, 7);
    int yes = 0, late = 0;
    for (int round = 0; round < 1500; round++) {
        struct weir_abr *a = must_create(spec);
        draw_course(&rng, &c);
        struct weir_abr_observation o = usual_observation(&ten);
        o.buffer_level_us = c.level_us;
        o.last_rung = c.rung;
        (void)weir_abr_decide(a, &o);
        int steady;
        int every = ask_always(a, &c, late_ms, &steady);
        int watched = ask_when_named(a, &c);
        if (watched >= 0 && (every < 0 || watched < every))
            fail_msg("%s, round %d: yes at %d ms, although at every step first at %d", spec, round,
                     watched, every);
        if (steady >= 0 && (watched < 0 || watched > steady + late_ms))
            fail_msg("%s, round %d: yes at %d ms, but for good from %d on, of %d", spec, round,
                     watched, steady, c.steps);
        yes += every >= 0;
        late += watched != every;
        weir_abr_destroy(&a);
    }
    if (yes < least_yes) // or the comparison says little
        fail_msg("%s: only %d of 1500 were given up", spec, yes);
    assert_true(late_ms || !late);
}

static void bola_gives_up_at_the_very_moment(void **state)
{
    (void)state;
    compare("bola", 0, 300);
    compare("bola:variant=o", 0, 300);
}

static void bolae_gives_up_within_a_step(void **state)
{
    (void)state;
    compare("bolae", 52, 300);
}

static void throughput_gives_up_within_a_step(void **state)
{
    (void)state;
    compare("throughput", 1, 300);
    compare("dynamic", 1, 300);
}

// It is asked rarely: most transfers are never in danger.
static void is_asked_rarely(void **state)
{
    (void)state;
    struct weir_rng rng;
    static struct course c;
    weir_rng_seed(&rng, 3);
    int64_t asked = 0, steps = 0;
    struct weir_abr *a = must_create("bola");
    for (int round = 0; round < 500; round++) {
        draw_course(&rng, &c);
        int64_t bytes = 0, elapsed_us = 0;
        for (int ms = 1; ms < c.steps; ms++) {
            steps += ms % 50 == 0; // Sabre's
            if (c.done[ms] < bytes || ms * INT64_C(1000) < elapsed_us)
                continue;
            asked++;
            struct weir_abr_watch w = ask(a, &c, ms);
            if (w.abandon)
                break;
            bytes = w.done_bytes;
            elapsed_us = w.elapsed_us;
        }
    }
    weir_abr_destroy(&a);
    if (asked * 5 > steps)
        fail_msg("asked %lld times, Sabre %lld", (long long)asked, (long long)steps);
}

// As Sabre: at steps of 50 ms and 1500 bytes, and sizes in proportion to the bitrates.
static void sabre_s_steps(void **state)
{
    (void)state;
    static const char *const specs[] = {"throughput:compat=sabre", "bola:compat=sabre",
                                        "bolae:compat=sabre", "dynamic:compat=sabre"};
    for (size_t i = 0; i < sizeof(specs) / sizeof(specs[0]); i++) {
        struct weir_abr *a = must_create(specs[i]);
        struct weir_abr_observation o = usual_observation(&ten);
        o.buffer_level_us = 20 * WEIR_SECOND_US;
        o.last_rung = 9;
        (void)weir_abr_decide(a, &o);
        struct weir_abr_transfer t = {.rung = 9, .size_bytes = 2250000};
        struct weir_abr_watch w = weir_abr_watch(a, &o, &t);
        assert_int_equal(w.done_bytes, 1500);
        assert_int_equal(w.elapsed_us, 50000);
        t.done_bytes = 2240000;
        t.elapsed_us = 1234567;
        t.since_first_byte_us = 1200000;
        w = weir_abr_watch(a, &o, &t);
        assert_false(w.abandon);
        assert_int_equal(w.done_bytes, t.done_bytes + 1500);
        assert_int_equal(w.elapsed_us, t.elapsed_us + 50000);
        weir_abr_destroy(&a);
    }
}

// 13.1's size test goes by the true size where it is known: rung 3 in proportion to the bitrates
// would be smaller than what is left, but is not.
static int64_t all_alike(const void *ctx, int64_t ahead, size_t rung)
{
    (void)ctx;
    (void)ahead;
    (void)rung;
    return 2250000;
}

static void knows_the_true_size_of_the_alternative(void **state)
{
    (void)state;
    struct weir_abr_observation o = usual_observation(&ten);
    struct weir_abr_transfer t = {.rung = 9,
                                  .size_bytes = 2250000,
                                  .done_bytes = 100000,
                                  .elapsed_us = 1000000,
                                  .since_first_byte_us = 1000000};
    assert_true(weir_abandon_throughput(&o, &t, 0.9, WEIR_ABANDON_TRUE_SIZES).abandon);
    o.size_bytes = all_alike;
    assert_false(weir_abandon_throughput(&o, &t, 0.9, WEIR_ABANDON_TRUE_SIZES).abandon);
    assert_true(weir_abandon_throughput(&o, &t, 0.9, WEIR_ABANDON_AS_SABRE).abandon);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bola_gives_up_at_the_very_moment),
        cmocka_unit_test(bolae_gives_up_within_a_step),
        cmocka_unit_test(throughput_gives_up_within_a_step),
        cmocka_unit_test(is_asked_rarely),
        cmocka_unit_test(sabre_s_steps),
        cmocka_unit_test(knows_the_true_size_of_the_alternative),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
