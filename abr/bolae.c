// abr/bolae.c — BOLA-E: BOLA that chooses at buffer plus placeholder, so that it starts at the
// network's rate and keeps its levels apart with small buffers; and the insufficient-buffer rule
// (Spiteri, Sitaraman, Sparacio, MMSys 2018 / TOMM 2019; reference 4). The placeholder is virtual:
// it is never played.
//
// Levels are milliseconds and rates kbit/s here, and sums are done in Sabre's order: after a stall
// the effective level is often exactly the one at which two rungs score alike, and then the
// rounding of doubles decides.
#include "abr/abandon.h"
#include "abr/algorithms.h"
#include "abr/bola_math.h"
#include "abr/insufficient.h"
#include "abr/options.h"
#include "abr/rate.h"
#include "core/detmath.h"

// The lowest rung is preferred below the first; each rung above adds the second to the least buffer
// that BOLA-E aims at (MMSys 2018; Sabre and dash.js).
#define LEAST_MS          10000.0
#define LEAST_PER_RUNG_MS 2000.0

enum variant {
    VARIANT_O,
    VARIANT_U,
};
static const char *const variants[] = {"o", "u", NULL};

struct bolae {
    int variant, compat;
    bool steady; // past the start-up decision
    double placeholder_ms;
    struct weir_insufficient insufficient;
    // Of this ladder and buffer:
    int64_t buffer_max_us;
    double rate_kbps[WEIR_BOLA_RUNGS_MAX];
    // Up to which level the rung is preferred to waiting, from which on to every lower rung.
    double max_level_ms[WEIR_BOLA_RUNGS_MAX], min_level_ms[WEIR_BOLA_RUNGS_MAX];
    struct weir_bola b; // the same for abandonment
    struct weir_bola_table table;
};

static void reset(void *state)
{
    struct bolae *s = state;
    s->steady = false;
    s->placeholder_ms = 0;
    s->insufficient.nominal = s->compat != 0;
    weir_insufficient_reset(&s->insufficient);
}

static int create(void *state, const struct weir_abr_options *options, struct weir_error *error)
{
    struct bolae *s = state;
    s->variant = VARIANT_U;
    const struct weir_abr_param params[] = {
        {.key = "variant",
         .kind = WEIR_ABR_PARAM_CHOICE,
         .value = &s->variant,
         .choices = variants},
        {.key = "compat",
         .kind = WEIR_ABR_PARAM_CHOICE,
         .value = &s->compat,
         .choices = weir_abr_compat_choices},
    };
    int err = weir_abr_options_read("bolae", options, params, 2, error);
    reset(s);
    return err;
}

static double min(double a, double b)
{
    return a < b ? a : b;
}

static double max(double a, double b)
{
    return a > b ? a : b;
}

// With utilities v = 1 + u, gp and Vp from the two levels that they are to have (reference 4.1):
// the lowest rung below 10 s, the top at the aim.
static void fill_levels(struct bolae *s)
{
    double v[WEIR_BOLA_RUNGS_MAX];
    double top = 1;
    size_t count = s->table.count;
    for (size_t j = 0; j < count; j++) {
        s->rate_kbps[j] = s->table.rates[j] / 1000;
        v[j] = weir_ln(s->rate_kbps[j]) + (1 - weir_ln(s->rate_kbps[0]));
        top = v[j];
    }
    double aim_ms =
        max((double)s->buffer_max_us / 1000, LEAST_MS + LEAST_PER_RUNG_MS * (double)count);
    double gp = (top - 1) / (aim_ms / LEAST_MS - 1);
    if (gp < 1e-6) // one rung, or equal ones: any will do
        gp = 1;
    double vp_ms = LEAST_MS / gp;
    for (size_t j = 0; j < count; j++) {
        s->max_level_ms[j] = vp_ms * (v[j] + gp);
        s->min_level_ms[j] = 0;
        for (size_t a = 0; a < j && s->rate_kbps[a] < s->rate_kbps[j]; a++) {
            double above_ms = vp_ms * (gp + (s->rate_kbps[j] * v[a] - s->rate_kbps[a] * v[j]) /
                                                (s->rate_kbps[j] - s->rate_kbps[a]));
            s->min_level_ms[j] = max(s->min_level_ms[j], above_ms);
        }
    }
    s->b = (struct weir_bola){.table = &s->table, .gp = gp + 1, .vp_us = vp_ms * 1000};
}

static void tune(struct bolae *s, const struct weir_abr_observation *o)
{
    if (!weir_bola_table_update(&s->table, o->ladder) && s->buffer_max_us == o->buffer_max_us)
        return;
    s->buffer_max_us = o->buffer_max_us;
    fill_levels(s);
}

static size_t best_rung(const struct bolae *s, double level_ms)
{
    size_t best = 0;
    double best_score = (s->max_level_ms[0] - level_ms) / s->rate_kbps[0];
    for (size_t j = 1; j < s->table.count; j++) {
        double score = (s->max_level_ms[j] - level_ms) / s->rate_kbps[j];
        if (score > best_score) {
            best_score = score;
            best = j;
        }
    }
    return best;
}

static double ms(int64_t us)
{
    return (double)us / 1000;
}

static size_t carried(const struct weir_abr_observation *o)
{
    size_t rung = weir_rate_rung_latency(o->ladder, (double)o->throughput_bps,
                                         (double)o->latency_us, (double)o->segment_duration_us);
    return rung < WEIR_BOLA_RUNGS_MAX ? rung : WEIR_BOLA_RUNGS_MAX - 1;
}

// The first decision with a throughput: as if the buffer stood where its rung begins.
static struct weir_abr_decision start(struct bolae *s, const struct weir_abr_observation *o)
{
    size_t rung = carried(o);
    s->steady = true;
    s->placeholder_ms = max(0, s->min_level_ms[rung] - ms(o->buffer_level_us));
    return (struct weir_abr_decision){.rung = rung, .reason = "start: throughput"};
}

// How long the rung would rather wait: taken out of the placeholder first; what then remains is
// real.
static double wait_ms(struct bolae *s, size_t rung, double level_ms)
{
    double over_ms = level_ms + s->placeholder_ms - s->max_level_ms[rung];
    if (over_ms <= 0)
        return 0;
    double virtual_ms = min(over_ms, s->placeholder_ms);
    s->placeholder_ms -= virtual_ms;
    return rung == s->table.count - 1 ? 0 : over_ms - virtual_ms;
}

static struct weir_abr_decision decide(void *state, const struct weir_abr_observation *o)
{
    struct bolae *s = state;
    tune(s, o);
    // Time in which nothing could be fetched must not lower the level that is decided at.
    s->placeholder_ms += ms(o->full_wait_us);
    if (weir_rate_unknown(o))
        return (struct weir_abr_decision){.rung = 0, .reason = "no sample yet"};
    if (!s->steady)
        return start(s, o);

    struct weir_abr_decision d = {.committed = true, .reason = "best score"};
    double level_ms = ms(o->buffer_level_us);
    size_t top = s->table.count - 1;
    size_t last = o->last_rung == WEIR_RUNG_NONE ? 0 : o->last_rung < top ? o->last_rung : top;
    d.rung = best_rung(s, level_ms + s->placeholder_ms);
    if (d.rung > last) {
        size_t most = carried(o);
        if (d.rung > most) {
            d.rung = (most > last ? most : last) + (s->variant == VARIANT_U ? 1 : 0);
            d.reason = "held: throughput";
        }
    }
    d.wait_us = (int64_t)(wait_ms(s, d.rung, level_ms) * 1000 + 0.5);
    size_t allowed = weir_insufficient_cap(&s->insufficient, o, d.rung);
    if (allowed < d.rung) {
        double most_ms = max(0, s->min_level_ms[allowed] - level_ms);
        s->placeholder_ms = min(s->placeholder_ms, most_ms);
        d = (struct weir_abr_decision){.rung = allowed, .reason = "insufficient buffer"};
    }
    return d;
}

// Keeps the placeholder honest (reference 4.3): not so large that this rung would have been waited
// for, not so small that a higher one's level is lost.
static void fetched(void *state, const struct weir_abr_observation *o,
                    const struct weir_abr_fetched *f)
{
    struct bolae *s = state;
    tune(s, o);
    size_t rung = f->rung < s->table.count ? f->rung : s->table.count - 1;
    double before_ms = ms(o->buffer_level_us + f->elapsed_us);
    s->placeholder_ms = min(s->placeholder_ms, max(0, s->max_level_ms[rung] - before_ms));
    if (o->buffer_level_us > 0)
        s->placeholder_ms = max(s->placeholder_ms, s->min_level_ms[rung] - before_ms);
}

static void abandoned(void *state, const struct weir_abr_observation *o, size_t to_rung)
{
    struct bolae *s = state;
    tune(s, o);
    size_t rung = to_rung < s->table.count ? to_rung : s->table.count - 1;
    double least_ms = rung > 0 ? s->min_level_ms[rung] : LEAST_MS;
    s->placeholder_ms = min(s->placeholder_ms, max(0, least_ms - ms(o->buffer_level_us)));
}

static struct weir_abr_watch watch(void *state, const struct weir_abr_observation *o,
                                   const struct weir_abr_transfer *t)
{
    struct bolae *s = state;
    tune(s, o);
    return weir_abandon_bola(&s->b, o, t, s->placeholder_ms * 1000, true,
                             s->compat ? WEIR_ABANDON_AS_SABRE : WEIR_ABANDON_TRUE_SIZES);
}

const struct weir_abr_ops weir_abr_bolae = {
    .name = "bolae",
    .summary = "BOLA with a placeholder buffer (Spiteri et al., MMSys 2018 / TOMM 2019)",
    .params_help = "variant=u: o or u: hold rises to the throughput, or one rung above; "
                   "compat=off: sabre for exactly Sabre's behaviour",
    .state_bytes = sizeof(struct bolae),
    .create = create,
    .reset = reset,
    .decide = decide,
    .fetched = fetched,
    .watch = watch,
    .abandoned = abandoned,
};
