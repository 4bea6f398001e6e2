// abr/bolae.c — BOLA-E: BOLA that chooses at buffer plus placeholder, so that it starts at the
// network's rate and keeps its levels apart with small buffers; and the insufficient-buffer rule
// (Spiteri, Sitaraman, Sparacio, MMSys 2018 / TOMM 2019; reference 4). The placeholder is virtual:
// it is never played.
#include "abr/abandon.h"
#include "abr/algorithms.h"
#include "abr/bola_math.h"
#include "abr/insufficient.h"
#include "abr/options.h"
#include "abr/rate.h"

// The lowest rung is preferred below the first; each rung above adds the second to the least buffer
// that BOLA-E aims at (MMSys 2018; Sabre and dash.js).
#define LEAST_US          1e7
#define LEAST_PER_RUNG_US 2e6

enum variant {
    VARIANT_O,
    VARIANT_U,
};
static const char *const variants[] = {"o", "u", NULL};

struct bolae {
    int variant, compat;
    bool steady; // past the start-up decision
    double placeholder_us;
    struct weir_insufficient insufficient;
    // With the paper's v = 1 + u: b.gp is its gp + 1, so that vp * (u + b.gp) is its vp * (v + gp).
    struct weir_bola b;
    int64_t buffer_max_us; // that b was made for
    double min_level_us[WEIR_BOLA_RUNGS_MAX];
    struct weir_bola_table table;
};

static void reset(void *state)
{
    struct bolae *s = state;
    s->steady = false;
    s->placeholder_us = 0;
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

// gp and vp from the two levels that they are to have (reference 4.1): the lowest rung below 10 s,
// the top at the aim.
static void tune(struct bolae *s, const struct weir_abr_observation *o)
{
    bool new_table = weir_bola_table_update(&s->table, o->ladder);
    if (!new_table && s->buffer_max_us == o->buffer_max_us && s->b.table)
        return;
    s->buffer_max_us = o->buffer_max_us;
    double aim_us =
        max((double)o->buffer_max_us, LEAST_US + LEAST_PER_RUNG_US * (double)s->table.count);
    double top = s->table.utility[s->table.count - 1];
    double gp = top / (aim_us / LEAST_US - 1);
    if (gp < 1e-6) // one rung, or equal ones: any will do
        gp = 1;
    s->b = (struct weir_bola){.table = &s->table, .gp = gp + 1, .vp_us = LEAST_US / gp};
    for (size_t j = 0; j < s->table.count; j++)
        s->min_level_us[j] = weir_bola_min_level_us(&s->b, j);
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
    s->placeholder_us = max(0, s->min_level_us[rung] - (double)o->buffer_level_us);
    return (struct weir_abr_decision){.rung = rung, .reason = "start: throughput"};
}

// How long the rung would rather wait: taken out of the placeholder first; what then remains is
// real.
static double wait_us(struct bolae *s, size_t rung, double level_us)
{
    double over_us = level_us + s->placeholder_us - weir_bola_max_level_us(&s->b, rung);
    if (over_us <= 0)
        return 0;
    double virtual_us = min(over_us, s->placeholder_us);
    s->placeholder_us -= virtual_us;
    return rung == s->table.count - 1 ? 0 : over_us - virtual_us;
}

static struct weir_abr_decision decide(void *state, const struct weir_abr_observation *o)
{
    struct bolae *s = state;
    tune(s, o);
    // Time in which nothing could be fetched must not lower the level that is decided at.
    s->placeholder_us += (double)o->full_wait_us;
    if (weir_rate_unknown(o))
        return (struct weir_abr_decision){.rung = 0, .reason = "no sample yet"};
    if (!s->steady)
        return start(s, o);

    struct weir_abr_decision d = {.committed = true, .reason = "best score"};
    double level_us = (double)o->buffer_level_us;
    size_t top = s->table.count - 1;
    size_t last = o->last_rung == WEIR_RUNG_NONE ? 0 : o->last_rung < top ? o->last_rung : top;
    d.rung = weir_bola_best(&s->b, level_us + s->placeholder_us);
    if (d.rung > last) {
        size_t most = carried(o);
        if (d.rung > most) {
            d.rung = (most > last ? most : last) + (s->variant == VARIANT_U ? 1 : 0);
            d.reason = "held: throughput";
        }
    }
    d.wait_us = (int64_t)(wait_us(s, d.rung, level_us) + 0.5);
    size_t allowed = weir_insufficient_cap(&s->insufficient, o, d.rung);
    if (allowed < d.rung) {
        double most_us = max(0, s->min_level_us[allowed] - level_us);
        s->placeholder_us = min(s->placeholder_us, most_us);
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
    double before_us = (double)(o->buffer_level_us + f->elapsed_us);
    double most_us = max(0, weir_bola_max_level_us(&s->b, rung) - before_us);
    s->placeholder_us = min(s->placeholder_us, most_us);
    if (o->buffer_level_us > 0)
        s->placeholder_us = max(s->placeholder_us, s->min_level_us[rung] - before_us);
}

static void abandoned(void *state, const struct weir_abr_observation *o, size_t to_rung)
{
    struct bolae *s = state;
    tune(s, o);
    size_t rung = to_rung < s->table.count ? to_rung : s->table.count - 1;
    double least_us = rung > 0 ? s->min_level_us[rung] : LEAST_US;
    s->placeholder_us = min(s->placeholder_us, max(0, least_us - (double)o->buffer_level_us));
}

static struct weir_abr_watch watch(void *state, const struct weir_abr_observation *o,
                                   const struct weir_abr_transfer *t)
{
    struct bolae *s = state;
    tune(s, o);
    return weir_abandon_bola(&s->b, o, t, s->placeholder_us, true,
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
