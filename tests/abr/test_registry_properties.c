// tests/abr/test_registry_properties.c — what holds for every algorithm, whatever it is shown: a
// rung of the ladder, a bounded wait, abandonment downwards only, no answer that needs mending, the
// same answers for the same history and after a reset. Observations are drawn from a seed, hostile
// ones among them: sizes and durations that are 0, unknown or enormous, a rung or two hundred.
#include "tests/abr/abr_test.h"

#include <stdio.h>
#include <string.h>

#include "core/rng.h"

enum { RUNGS_MAX = 200, ROWS = 12, STEPS = 120, HISTORIES = 40 };

// A history: where the session stands, and lots for what comes next. Equal seeds, equal histories.
struct history {
    struct weir_rng rng;
    struct weir_rung rungs[RUNGS_MAX];
    struct weir_ladder ladder;
    int64_t sizes[ROWS * RUNGS_MAX];
    bool hostile;
    uint64_t size_seed;
    struct weir_abr_observation o;
};

static uint64_t below(struct history *h, uint64_t n)
{
    return weir_rng_below(&h->rng, n);
}

// Ordinary, or one of the values that break sums and quotients.
static int64_t amount(struct history *h, int64_t usual)
{
    static const int64_t odd[] = {0, 1, 2, 1000, INT64_C(1) << 40, INT64_C(1) << 58};
    if (h->hostile && below(h, 4) == 0)
        return odd[below(h, sizeof(odd) / sizeof(odd[0]))];
    return usual / 4 + (int64_t)below(h, (uint64_t)usual + 1);
}

static int64_t told_size(const void *ctx, int64_t ahead, size_t rung)
{
    const struct history *h = ctx;
    struct weir_rng rng;
    weir_rng_seed(&rng, h->size_seed + (uint64_t)(h->o.segment_index + ahead) * 1000 + rung);
    if (weir_rng_below(&rng, 5) == 0)
        return h->hostile ? (int64_t)weir_rng_below(&rng, 3) - 1 : -1;
    if (h->hostile && weir_rng_below(&rng, 20) == 0)
        return INT64_MAX;
    return 1 + (int64_t)weir_rng_below(&rng, 4000000);
}

static void begin(struct history *h, uint64_t seed)
{
    memset(h, 0, sizeof(*h));
    weir_rng_seed(&h->rng, seed);
    h->hostile = seed % 2;
    h->size_seed = seed;
    static const size_t counts[] = {1, 2, 3, 6, 10, 128, RUNGS_MAX};
    h->ladder.count = counts[below(h, h->hostile ? 7 : 5)];
    h->ladder.rungs = h->rungs;
    int64_t bps = h->hostile && below(h, 3) == 0 ? 0 : 100000;
    for (size_t j = 0; j < h->ladder.count; j++) {
        bool same = h->hostile && below(h, 5) == 0;
        bps += same ? 0 : (int64_t)below(h, 1000000) + 1;
        if (h->hostile && below(h, 40) == 0)
            bps += INT64_C(1) << 45;
        h->rungs[j].bitrate_bps = bps;
    }
    h->o = (struct weir_abr_observation){
        .ladder = &h->ladder,
        .last_rung = WEIR_ABR_NO_RUNG,
        .segment_count = below(h, 2) ? STEPS : -1,
        .segment_duration_us = 1000000 + (int64_t)below(h, 5000000),
        .buffer_max_us = (int64_t)below(h, 100) * 1000000,
        .starting = true,
    };
}

// The next thing the session would be shown.
static void advance(struct history *h)
{
    struct weir_abr_observation *o = &h->o;
    o->now_us += (int64_t)below(h, 5000000);
    o->segment_index += below(h, 10) > 0;
    if (h->hostile && below(h, 20) == 0)
        o->segment_index = (int64_t)below(h, 1000000);
    if (h->hostile && below(h, 6) == 0) {
        o->segment_duration_us = amount(h, 3000000);
        o->buffer_max_us = amount(h, 30000000);
    }
    int64_t room_us = o->buffer_max_us;
    o->buffer_level_us = room_us > 0 ? (int64_t)below(h, (uint64_t)room_us) : 0;
    if (h->hostile)
        o->buffer_level_us = amount(h, 20000000);
    o->since_start_us = amount(h, 100000000);
    o->until_end_us = below(h, 3) ? amount(h, 100000000) : WEIR_ABR_NO_TIME;
    o->starting = below(h, 20) == 0;
    o->stalled = below(h, 20) == 0;
    bool known = below(h, 10) > 0;
    o->throughput_bps = known ? amount(h, 4000000) : 0;
    o->latency_us = known ? amount(h, 100000) : 0;
    o->last_sample = (struct weir_throughput_sample){.bytes = amount(h, 800000),
                                                     .duration_us = amount(h, 2000000),
                                                     .latency_us = amount(h, 100000)};
    o->full_wait_us = below(h, 5) ? 0 : amount(h, 1000000);
    o->size_bytes = told_size;
    o->size_ctx = h;
    o->sizes = NULL;
    o->size_rows = 0;
    if (below(h, 2)) {
        o->size_rows = 1 + (int64_t)below(h, ROWS);
        o->sizes = h->sizes;
        for (size_t i = 0; i < (size_t)o->size_rows * h->ladder.count; i++)
            h->sizes[i] = told_size(h, (int64_t)(i / h->ladder.count), i % h->ladder.count);
    }
}

// What an algorithm answered, in a number that any difference changes.
static uint64_t mix(uint64_t sum, uint64_t value)
{
    return (sum ^ value) * UINT64_C(0x100000001b3);
}

static uint64_t ask(struct weir_abr *a, struct history *h, uint64_t sum)
{
    struct weir_abr_observation *o = &h->o;
    struct weir_abr_decision d = weir_abr_decide(a, o);
    assert_true(d.rung < h->ladder.count);
    assert_true(d.wait_us >= 0 && d.wait_us <= 60 * WEIR_SECOND_US);
    assert_non_null(d.reason);
    sum = mix(mix(mix(sum, d.rung), (uint64_t)d.wait_us), d.committed);

    struct weir_abr_transfer t = {.rung = d.rung, .size_bytes = 1 + amount(h, 1000000)};
    t.done_bytes = (int64_t)below(h, (uint64_t)t.size_bytes + 1);
    t.elapsed_us = amount(h, 4000000);
    t.since_first_byte_us = (int64_t)below(h, (uint64_t)t.elapsed_us + 1);
    struct weir_abr_watch w = weir_abr_watch(a, o, &t);
    assert_true(!w.abandon || w.rung < t.rung);
    sum = mix(mix(mix(sum, w.abandon), (uint64_t)w.done_bytes), (uint64_t)w.elapsed_us);
    if (w.abandon) {
        weir_abr_abandoned(a, o, w.rung);
        d.rung = w.rung;
    }
    struct weir_abr_fetched f = {.rung = d.rung, .bytes = t.size_bytes, .elapsed_us = t.elapsed_us};
    weir_abr_fetched(a, o, &f);
    if (below(h, 5)) {
        struct weir_abr_observation blind = *o;
        blind.sizes = NULL;
        blind.size_bytes = NULL; // tells no sizes
        weir_abr_sampled(a, &blind, &o->last_sample);
    }
    o->last_rung = h->hostile && below(h, 10) == 0 ? RUNGS_MAX + d.rung : d.rung;
    return sum;
}

static uint64_t live(struct weir_abr *a, uint64_t seed)
{
    static struct history h;
    uint64_t sum = 0;
    begin(&h, seed);
    for (int i = 0; i < STEPS; i++) {
        advance(&h);
        sum = ask(a, &h, sum);
    }
    return sum;
}

static void check(const char *spec)
{
    struct weir_abr *used = must_create(spec);
    for (uint64_t seed = 1; seed <= HISTORIES; seed++) {
        struct weir_abr *fresh = must_create(spec);
        uint64_t first = live(fresh, seed);
        const char *fault = NULL;
        if (weir_abr_faults(fresh, &fault))
            fail_msg("%s, seed %d: %s", spec, (int)seed, fault);
        weir_abr_reset(used); // after all the histories before
        if (live(used, seed) != first)
            fail_msg("%s, seed %d: another answer after a reset", spec, (int)seed);
        weir_abr_destroy(&fresh);
    }
    weir_abr_destroy(&used);
}

static void every_algorithm_answers_within_bounds_and_repeats_itself(void **state)
{
    (void)state;
    for (const struct weir_abr_ops *const *ops = weir_abr_registry(); *ops; ops++)
        check((*ops)->name);
}

// Their other ways of working. `mpc:oracle` is asked without an oracle here, as in a player.
static void variants_do_too(void **state)
{
    (void)state;
    static const char *const specs[] = {
        "bba1:window=prefix,protection=off",
        "bba0:reservoir=5,cushion=1",
        "bba2:reservoir=90,cushion=126",
        "bba-others:lookahead=all",
        "bola:variant=basic",
        "bola:variant=o",
        "bola:compat=sabre",
        "bolae:compat=sabre",
        "dynamic:compat=sabre",
        "throughput:compat=sabre",
        "throughput:cap=off",
        "festive:target=1,spread=100",
        "soda:distortion=inverse,cap=off",
        "soda:horizon=8,beta=0,gamma=0",
        "l2a:horizon=100,react=100",
        "mpc:oracle=5",
    };
    for (size_t i = 0; i < sizeof(specs) / sizeof(specs[0]); i++)
        check(specs[i]);
}

// --abr help depends on it: "key=default: meaning; …", and every key is one that create() takes.
static void describes_its_parameters(void **state)
{
    (void)state;
    for (const struct weir_abr_ops *const *ops = weir_abr_registry(); *ops; ops++) {
        assert_true(strlen((*ops)->summary) > 10);
        const char *p = (*ops)->params_help;
        while (*p) {
            size_t n = strcspn(p, ";");
            size_t key = strcspn(p, "=");
            if (key > 20 || key >= n || !memchr(p, ':', n) || memchr(p, ' ', key))
                fail_msg("%s: \"%.*s\"", (*ops)->name, (int)n, p);
            char spec[80];
            (void)snprintf(spec, sizeof(spec), "%s:%.*s=surely-not", (*ops)->name, (int)key, p);
            struct weir_abr *a = NULL;
            struct weir_error e = {0};
            assert_int_equal(weir_abr_create(spec, 1, &a, &e), WEIR_ERR_INVAL);
            if (!strstr(e.what, "bad value"))
                fail_msg("%s: %s", spec, e.what);
            p += n;
            p += strspn(p, "; ");
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_algorithm_answers_within_bounds_and_repeats_itself),
        cmocka_unit_test(variants_do_too),
        cmocka_unit_test(describes_its_parameters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
