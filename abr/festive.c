// abr/festive.c — FESTIVE: fair, efficient and stable among players that share a link (Jiang,
// Sekar, Zhang, CoNEXT 2012). Harmonic mean of throughputs, a gradual climb that is slower the
// higher the rung, an update that is put off while it would cost more stability than it gains
// efficiency, and requests at randomised buffer levels, so that players do not fall into step. The
// lots are a function of the seed and the segment alone: asking twice gives the same answer.
#include "abr/abandon.h"
#include "abr/algorithms.h"
#include "abr/options.h"
#include "abr/rate.h"
#include "core/rng.h"

#define SAMPLES_MAX  64
#define SWITCHES_MAX 32 // remembered; 2^32 outweighs everything

struct festive {
    size_t sample_window;             // parameters from here
    double safety, alpha, scheduling; // scheduling: half the width of the lots, in segments
    int64_t horizon_us, target_us;
    uint64_t seed;
    double samples_bps[SAMPLES_MAX]; // a ring
    size_t sample_count;             // ever
    int64_t switched_us[SWITCHES_MAX];
    size_t switch_count; // ever
    size_t rung;         // of the last segment fetched; WEIR_RUNG_NONE before the first
    // Consecutive decisions for more than the rung before, not counting segment `index`; and with
    // it.
    size_t wishes_before, wishes;
    int64_t index;
};

static void reset(void *state)
{
    struct festive *s = state;
    s->sample_count = 0;
    s->switch_count = 0;
    s->rung = WEIR_RUNG_NONE;
    s->wishes_before = s->wishes = 0;
    s->index = -1;
}

static int create(void *state, const struct weir_abr_options *options, struct weir_error *error)
{
    struct festive *s = state;
    s->sample_window = 20;
    s->safety = 0.85;
    s->alpha = 12;
    s->scheduling = 1;
    s->horizon_us = 20 * WEIR_SECOND_US;
    s->seed = options->seed;
    reset(s);
    const struct weir_abr_param params[] = {
        {.key = "samples", .kind = WEIR_ABR_PARAM_COUNT, .value = &s->sample_window},
        {.key = "safety", .kind = WEIR_ABR_PARAM_REAL, .value = &s->safety, .min = 0.01, .max = 10},
        {.key = "alpha", .kind = WEIR_ABR_PARAM_REAL, .value = &s->alpha, .max = 1e6},
        {.key = "horizon", .kind = WEIR_ABR_PARAM_SECONDS, .value = &s->horizon_us, .max = 86400},
        {.key = "target", .kind = WEIR_ABR_PARAM_SECONDS, .value = &s->target_us, .max = 86400},
        {.key = "spread", .kind = WEIR_ABR_PARAM_REAL, .value = &s->scheduling, .max = 100},
        {.key = "seed", .kind = WEIR_ABR_PARAM_SEED, .value = &s->seed},
    };
    int err = weir_abr_options_read("festive", options, params, 7, error);
    if (!err && (s->sample_window == 0 || s->sample_window > SAMPLES_MAX)) {
        weir_error_set(error, WEIR_ERR_INVAL, "--abr", "festive: bad value for samples");
        weir_error_hint(error, "samples: from 1 to %d", SAMPLES_MAX);
        return WEIR_ERR_INVAL;
    }
    return err;
}

// The harmonic mean of the last samples: one burst does not lift it. 0 before the first.
static double estimate_bps(const struct festive *s)
{
    size_t n = s->sample_count < s->sample_window ? s->sample_count : s->sample_window;
    double inverse = 0;
    for (size_t i = 0; i < n; i++)
        inverse += 1 / s->samples_bps[(s->sample_count - 1 - i) % SAMPLES_MAX];
    return n ? (double)n / inverse : 0;
}

static size_t recent_switches(const struct festive *s, int64_t now_us)
{
    size_t n = 0;
    while (n < s->switch_count && n < SWITCHES_MAX &&
           s->switched_us[(s->switch_count - 1 - n) % SWITCHES_MAX] >= now_us - s->horizon_us)
        n++;
    return n;
}

// Step 3, one rung at a time: down at once; up from rung q at the (q + 1)-th decision in a row that
// wants more.
static size_t reference_rung(struct festive *s, const struct weir_abr_observation *o, size_t last,
                             size_t target)
{
    if (o->segment_index != s->index)
        s->wishes_before = s->wishes;
    s->index = o->segment_index;
    s->wishes = target > last ? s->wishes_before + 1 : 0;
    if (target < last)
        return last - 1;
    return s->wishes > last ? last + 1 : last;
}

// Step 4: how far a rung is from what the network gives, and what a switch costs so soon after
// others.
static double score(const struct festive *s, const struct weir_abr_observation *o, size_t rung,
                    size_t reference, double bps, bool is_switch)
{
    const struct weir_rung *rungs = o->ladder->rungs;
    double fair_bps = (double)rungs[reference].bitrate_bps;
    if (bps < fair_bps)
        fair_bps = bps;
    double off = (double)rungs[rung].bitrate_bps / fair_bps - 1;
    double stability = (double)(UINT64_C(1) << (recent_switches(s, o->now_us) + is_switch));
    return stability + s->alpha * (off < 0 ? -off : off);
}

// Step 5: the level at which to ask for this segment, drawn evenly around the target.
static int64_t request_level_us(const struct festive *s, const struct weir_abr_observation *o)
{
    double duration_us = (double)o->segment_duration_us;
    double spread_us = s->scheduling * duration_us;
    double highest_us = (double)o->buffer_max_us - duration_us;
    // Unless given: as high as the draw leaves a segment's room below capacity.
    double target_us = s->target_us ? (double)s->target_us : highest_us - spread_us;
    struct weir_rng rng;
    weir_rng_seed(&rng, s->seed ^ ((uint64_t)o->segment_index * UINT64_C(0x9e3779b97f4a7c15)));
    double level_us = target_us + spread_us * (2 * weir_rng_unit(&rng) - 1);
    // In a buffer of a few segments the draw must leave two, or as many as fit.
    double least_us = 2 * duration_us < highest_us ? 2 * duration_us : highest_us;
    level_us = level_us > least_us ? level_us : least_us;
    return level_us <= 0 ? 0 : level_us < 9e18 ? (int64_t)level_us : INT64_MAX;
}

static struct weir_abr_decision scheduled(const struct festive *s,
                                          const struct weir_abr_observation *o, size_t rung,
                                          const char *reason)
{
    int64_t over_us = o->buffer_level_us - request_level_us(s, o);
    // Once held back to the level drawn, the same lot says: now.
    return (struct weir_abr_decision){.rung = rung,
                                      .wait_us = over_us > 0 ? over_us : 0,
                                      .committed = over_us > 0,
                                      .reason = reason};
}

static struct weir_abr_decision decide(void *state, const struct weir_abr_observation *o)
{
    struct festive *s = state;
    double bps = estimate_bps(s);
    if (bps <= 0)
        return (struct weir_abr_decision){.rung = 0, .reason = "no sample yet"};
    size_t top = o->ladder->count - 1;
    size_t last = o->last_rung == WEIR_RUNG_NONE ? 0 : o->last_rung < top ? o->last_rung : top;
    size_t target = weir_rate_rung(o->ladder, s->safety * bps);
    size_t reference = reference_rung(s, o, last, target);
    if (reference == last)
        return scheduled(s, o, last, target > last ? "gradual" : "at target");
    if (!(score(s, o, reference, reference, bps, true) < score(s, o, last, reference, bps, false)))
        return scheduled(s, o, last, "delayed update");
    if (reference > last)
        s->wishes = 0;
    return scheduled(s, o, reference, reference > last ? "step up" : "step down");
}

static void fetched(void *state, const struct weir_abr_observation *o,
                    const struct weir_abr_fetched *f)
{
    struct festive *s = state;
    if (s->rung != WEIR_RUNG_NONE && s->rung != f->rung)
        s->switched_us[s->switch_count++ % SWITCHES_MAX] = o->now_us;
    s->rung = f->rung;
}

static void sampled(void *state, const struct weir_abr_observation *o,
                    const struct weir_throughput_sample *sample)
{
    struct festive *s = state;
    (void)o;
    if (sample->bytes > 0 && sample->duration_us > 0)
        s->samples_bps[s->sample_count++ % SAMPLES_MAX] =
            (double)sample->bytes * 8e6 / (double)sample->duration_us;
}

const struct weir_abr_ops weir_abr_festive = {
    .name = "festive",
    .summary = "fair, efficient and stable among players (Jiang, Sekar, Zhang, CoNEXT 2012)",
    .params_help = "samples=20: throughputs in the harmonic mean; "
                   "safety=0.85: share of it to use; "
                   "alpha=12: weight of efficiency against stability; "
                   "horizon=20: seconds in which switches count against another; "
                   "target=two segments below capacity: seconds of buffer at which to ask; "
                   "spread=1: how far, in segments, lots move that level up or down; "
                   "seed=the session's: of the lots",
    .state_bytes = sizeof(struct festive),
    .create = create,
    .reset = reset,
    .decide = decide,
    .fetched = fetched,
    .sampled = sampled,
    .watch = weir_abandon_watch,
};
