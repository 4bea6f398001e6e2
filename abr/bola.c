// abr/bola.c — BOLA: the rung with the best ratio of (utility less buffer) to size (Spiteri,
// Urgaonkar, Sitaraman, INFOCOM 2016; variants from ToN 2020). basic: constant V. finite: V shrinks
// near the ends of the video, and slow transfers are abandoned. o, u: finite, and held back from
// rungs above what the network carries.
#include "abr/algorithms.h"
#include "abr/bola_math.h"
#include "abr/options.h"
#include "abr/rate.h"

enum variant {
    VARIANT_BASIC,
    VARIANT_FINITE,
    VARIANT_O,
    VARIANT_U,
};
static const char *const variants[] = {"basic", "finite", "o", "u", NULL};

// How often a transfer is looked at: Sabre's steps of 50 ms and 12 000 bits.
#define STEP_US    INT64_C(50000)
#define STEP_BYTES INT64_C(1500)

struct bola {
    int variant;
    double gp;
    // The longest segment seen: a short last segment must not shrink the virtual buffer to next to
    // nothing.
    int64_t duration_us;
};

static int create(void *state, const struct weir_abr_options *options, struct weir_error *error)
{
    struct bola *s = state;
    s->variant = VARIANT_U;
    s->gp = 5;
    const struct weir_abr_param params[] = {
        {.key = "variant",
         .kind = WEIR_ABR_PARAM_CHOICE,
         .value = &s->variant,
         .choices = variants},
        {.key = "gp", .kind = WEIR_ABR_PARAM_REAL, .value = &s->gp, .min = 0.01, .max = 1000},
    };
    return weir_abr_options_read("bola", options, params, 2, error);
}

static void reset(void *state)
{
    struct bola *s = state;
    s->duration_us = 0;
}

static double min(double a, double b)
{
    return a < b ? a : b;
}

static double max(double a, double b)
{
    return a > b ? a : b;
}

// The buffer that BOLA aims to fill. FINITE: half the play time since the start, or to the end,
// whichever is less, but at least three segments (ToN, BOLA-FINITE).
static double capacity_us(const struct bola *s, const struct weir_abr_observation *o)
{
    double capacity = (double)o->buffer_max_us;
    if (s->variant == VARIANT_BASIC)
        return capacity;
    double play_us = (double)o->since_start_us;
    if (o->until_end_us != WEIR_TIME_NONE)
        play_us = min(play_us, (double)o->until_end_us);
    return min(capacity, max(play_us / 2, 3 * (double)s->duration_us));
}

static struct weir_bola parameters(struct bola *s, const struct weir_abr_observation *o)
{
    if (o->segment_duration_us > s->duration_us)
        s->duration_us = o->segment_duration_us;
    if (s->duration_us <= 0)
        s->duration_us = 2 * WEIR_SECOND_US; // nothing says: a usual length
    return (struct weir_bola){
        .ladder = o->ladder,
        .gp = s->gp,
        .vp_us = weir_bola_vp_us(o->ladder, s->gp, capacity_us(s, o), (double)s->duration_us),
    };
}

// BOLA-O and -U: an increase stays within what the last transfer's throughput carries. Without it
// BOLA swings between the rungs on either side of the network's rate. Never used to go down.
static struct weir_abr_decision guard(const struct bola *s, const struct weir_abr_observation *o,
                                      const struct weir_bola *b, size_t wanted, size_t last)
{
    double bps = 0;
    if (o->last_sample.duration_us > 0)
        bps = (double)o->last_sample.bytes * 8e6 / (double)o->last_sample.duration_us;
    size_t carried = weir_rate_rung(o->ladder, bps);
    if (carried >= wanted)
        return (struct weir_abr_decision){.rung = wanted, .reason = "best score"};
    if (carried < last)
        return (struct weir_abr_decision){.rung = last, .reason = "held: throughput"};
    if (s->variant == VARIANT_U)
        return (struct weir_abr_decision){.rung = carried + 1, .reason = "one above throughput"};
    // Wait until the level is back where this rung is BOLA's own choice, or the next segment would
    // swing up again.
    double over_us = (double)o->buffer_level_us - weir_bola_overtake_us(b, carried, carried + 1);
    return (struct weir_abr_decision){
        .rung = carried, .wait_us = over_us > 0 ? (int64_t)over_us : 0, .reason = "at throughput"};
}

static struct weir_abr_decision decide(void *state, const struct weir_abr_observation *o)
{
    struct bola *s = state;
    struct weir_bola b = parameters(s, o);
    size_t top = o->ladder->count - 1;
    size_t last = o->last_rung == WEIR_RUNG_NONE ? 0 : o->last_rung < top ? o->last_rung : top;
    if (weir_rate_unknown(o))
        return (struct weir_abr_decision){.rung = 0, .reason = "no sample yet"};

    double level_us = (double)o->buffer_level_us;
    double over_us = level_us - weir_bola_max_level_us(&b, top);
    // Every score is negative: among those the division by size would turn the preference round, so
    // wait instead. In FINITE this is also the paper's pause, p * (Q - Q_D + 1).
    if (over_us > 0)
        return (struct weir_abr_decision){
            .rung = last, .wait_us = (int64_t)over_us + 1, .reason = "buffer full"};
    size_t wanted = weir_bola_best(&b, level_us);
    bool guarded = s->variant == VARIANT_O || s->variant == VARIANT_U;
    if (guarded && wanted > last)
        return guard(s, o, &b, wanted, last);
    return (struct weir_abr_decision){.rung = wanted, .reason = "best score"};
}

static struct weir_abr_watch watch(void *state, const struct weir_abr_observation *o,
                                   const struct weir_abr_transfer *t)
{
    struct bola *s = state;
    struct weir_abr_watch never = {.done_bytes = INT64_MAX, .elapsed_us = INT64_MAX};
    int64_t left_bytes = t->size_bytes - t->done_bytes;
    if (s->variant == VARIANT_BASIC || t->rung == 0 || left_bytes <= 0)
        return never;
    struct weir_abr_watch later = {.done_bytes = t->done_bytes + STEP_BYTES,
                                   .elapsed_us = t->elapsed_us + STEP_US};
    if (t->done_bytes < STEP_BYTES || t->elapsed_us < STEP_US)
        return later;

    // (ToN, abandonment) The lower rung pays its whole size, this one only what is left.
    struct weir_bola b = parameters(s, o);
    double level_us = (double)o->buffer_level_us;
    double best = (weir_bola_max_level_us(&b, t->rung) - level_us) / (double)left_bytes;
    if (best < 0)
        return later;
    size_t rung = t->rung;
    for (size_t a = 0; a < t->rung; a++) {
        double bytes = (double)t->size_bytes * (double)o->ladder->rungs[a].bitrate_bps /
                       (double)o->ladder->rungs[t->rung].bitrate_bps;
        double score = (weir_bola_max_level_us(&b, a) - level_us) / bytes;
        // A larger download than what is left helps nobody; the scores do not imply it at high
        // levels (Sabre).
        if (score > best && bytes < (double)left_bytes) {
            best = score;
            rung = a;
        }
    }
    if (rung == t->rung)
        return later;
    return (struct weir_abr_watch){.abandon = true, .rung = rung};
}

const struct weir_abr_ops weir_abr_bola = {
    .name = "bola",
    .summary = "utility against buffer (Spiteri et al., INFOCOM 2016; variants ToN 2020)",
    .params_help = "variant=u: basic, finite, o or u; gp=5: weight of not stalling",
    .state_bytes = sizeof(struct bola),
    .create = create,
    .reset = reset,
    .decide = decide,
    .watch = watch,
};
