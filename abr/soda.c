// abr/soda.c — SODA: smoothness optimised by planning a few intervals of clock time ahead, with a
// quadratic pull towards a target level in place of a term for stalls (Chen et al., SIGCOMM 2024).
// An interval is a segment's duration. The paper publishes neither its weights nor its target:
// those here are relative (distortion from 0 to 1, buffer as a share of the target), so that they
// suit any ladder and segment, and were tuned by hand over traces of seven sets.
#include "abr/abandon.h"
#include "abr/algorithms.h"
#include "abr/options.h"
#include "abr/rate.h"
#include "abr/soda_solver.h"
#include "core/detmath.h"

// The paper keeps the horizon within 10 s, as far as a prediction reaches.
#define HORIZON_MAX_S 10.0
// 70 % of 25 s, where the weights were tuned.
#define TARGET_S 17.5
// A bound on the work per decision for ladders far beyond the paper's six rungs: the number of
// monotone sequences, one direction.
#define SEQUENCES_MAX 20000.0

enum distortion {
    DISTORTION_LOG,     // ln(highest / rate), 1 at the lowest rung
    DISTORTION_INVERSE, // lowest / rate
};
static const char *const distortions[] = {"log", "inverse", NULL};
static const char *const switches[] = {"on", "off", NULL};

struct soda {
    size_t horizon; // parameters from here
    double beta, gamma, epsilon, safety, target;
    int distortion, cap_off;
    size_t count; // of the ladder that the tables below were made for; 0: none yet
    double rates[WEIR_SODA_RUNGS_MAX], distortions[WEIR_SODA_RUNGS_MAX];
};

static int create(void *state, const struct weir_abr_options *options, struct weir_error *error)
{
    struct soda *s = state;
    s->horizon = 5;
    s->beta = 6;
    s->gamma = 16;
    s->epsilon = 0.1;
    s->safety = 1;
    s->target = 0.7;
    const struct weir_abr_param params[] = {
        {.key = "horizon", .kind = WEIR_ABR_PARAM_COUNT, .value = &s->horizon},
        {.key = "beta", .kind = WEIR_ABR_PARAM_REAL, .value = &s->beta, .max = 1e6},
        {.key = "gamma", .kind = WEIR_ABR_PARAM_REAL, .value = &s->gamma, .max = 1e6},
        {.key = "epsilon", .kind = WEIR_ABR_PARAM_REAL, .value = &s->epsilon, .max = 1},
        {.key = "safety", .kind = WEIR_ABR_PARAM_REAL, .value = &s->safety, .min = 0.01, .max = 10},
        {.key = "target", .kind = WEIR_ABR_PARAM_REAL, .value = &s->target, .min = 0.01, .max = 1},
        {.key = "distortion",
         .kind = WEIR_ABR_PARAM_CHOICE,
         .value = &s->distortion,
         .choices = distortions},
        {.key = "cap", .kind = WEIR_ABR_PARAM_CHOICE, .value = &s->cap_off, .choices = switches},
    };
    int err = weir_abr_options_read("soda", options, params, 8, error);
    if (!err && (s->horizon == 0 || s->horizon > WEIR_SODA_HORIZON_MAX)) {
        weir_error_set(error, WEIR_ERR_INVAL, "--abr", "soda: bad value for horizon");
        weir_error_hint(error, "horizon: from 1 to %d", WEIR_SODA_HORIZON_MAX);
        return WEIR_ERR_INVAL;
    }
    return err;
}

static void reset(void *state)
{
    struct soda *s = state;
    s->count = 0;
}

static double rate_of(const struct weir_rung *rung)
{
    double bps = (double)rung->bitrate_bps;
    return bps > 1 ? bps : 1;
}

static size_t rungs_used(const struct weir_ladder *ladder)
{
    return ladder->count < WEIR_SODA_RUNGS_MAX ? ladder->count : WEIR_SODA_RUNGS_MAX;
}

// Another period's ladder comes at the same address: bitrates tell, and little else does.
static bool tables_are_of(const struct soda *s, const struct weir_ladder *ladder)
{
    size_t j = 0;
    if (!s->count || s->count != rungs_used(ladder))
        return false;
    while (j < s->count && s->rates[j] == rate_of(&ladder->rungs[j]))
        j++;
    return j == s->count;
}

static void make_tables(struct soda *s, const struct weir_ladder *ladder)
{
    s->count = rungs_used(ladder);
    for (size_t j = 0; j < s->count; j++)
        s->rates[j] = rate_of(&ladder->rungs[j]);
    double lowest = s->rates[0];
    double highest = s->rates[s->count - 1];
    double span = highest > lowest ? weir_ln(highest / lowest) : 1;
    for (size_t j = 0; j < s->count; j++)
        s->distortions[j] = s->distortion == DISTORTION_LOG ? weir_ln(highest / s->rates[j]) / span
                                                            : lowest / s->rates[j];
}

static size_t horizon(const struct soda *s, const struct weir_abr_observation *o, double interval_s,
                      size_t allowed)
{
    size_t n = s->horizon;
    while (n > 1 && (double)n * interval_s > HORIZON_MAX_S)
        n--;
    int64_t left = o->segment_count >= 0 ? o->segment_count - o->segment_index : INT64_MAX;
    while (n > 1 && (int64_t)n > left)
        n--;
    double sequences = 1; // (allowed + n) over n
    for (size_t i = 1; i <= n; i++) {
        sequences *= (double)(allowed + i) / (double)i;
        if (sequences > SEQUENCES_MAX)
            return i > 1 ? i - 1 : 1;
    }
    return n;
}

// The distance counts as a share of the target. In a large buffer that would pull less and less for
// each second missing, down to nothing while it runs dry: there the pull near empty stays as it is
// at TARGET_S.
static double buffer_weight(double beta, double target_s)
{
    double unit_s = target_s < TARGET_S ? target_s : TARGET_S;
    return target_s > 0 ? beta / (target_s * unit_s) : 0;
}

// No first rate keeps the buffer within bounds. Where it would overflow, there is time to spare, so
// the highest that does not run dry; the paper says nothing but that a full buffer fetches nothing.
static size_t fallback(const struct weir_soda *p, double bps, double buffer_s)
{
    size_t j = p->allowed - 1;
    while (j > 0 && buffer_s + bps * p->interval / p->rates[j] - p->interval < 0)
        j--;
    return j;
}

static struct weir_abr_decision decide(void *state, const struct weir_abr_observation *o)
{
    struct soda *s = state;
    if (weir_rate_unknown(o))
        return (struct weir_abr_decision){.rung = 0, .reason = "no sample yet"};
    if (!tables_are_of(s, o->ladder))
        make_tables(s, o->ladder);
    double bps = s->safety * (double)o->throughput_bps;
    double interval_s = o->segment_duration_us > 0 ? (double)o->segment_duration_us / 1e6 : 2;
    double capacity_s = (double)o->buffer_max_us / 1e6;
    double target_s = s->target * capacity_s;
    // Never above the lowest rung that the network does not quite carry.
    size_t allowed = s->count;
    if (!s->cap_off)
        for (allowed = 1; allowed < s->count && s->rates[allowed - 1] < bps;)
            allowed++;
    struct weir_soda p = {
        .rates = s->rates,
        .distortion = s->distortions,
        .count = s->count,
        .allowed = allowed,
        .horizon = horizon(s, o, interval_s, allowed),
        .interval = interval_s,
        .target = target_s,
        .capacity = capacity_s,
        // From relative weights to those of the objective, whose terms are per interval.
        .beta = buffer_weight(s->beta, target_s) * interval_s,
        .gamma = s->gamma * interval_s,
        .epsilon = s->epsilon,
    };
    size_t last = o->last_rung == WEIR_RUNG_NONE ? 0 : o->last_rung;
    last = last < s->count ? last : s->count - 1;
    double buffer_s = (double)o->buffer_level_us / 1e6;
    struct weir_soda_plan plan = weir_soda_solve(&p, bps, buffer_s, last);
    if (plan.feasible)
        return (struct weir_abr_decision){.rung = plan.rungs[0], .reason = "cheapest plan"};
    return (struct weir_abr_decision){.rung = fallback(&p, bps, buffer_s),
                                      .reason = "no plan within bounds"};
}

const struct weir_abr_ops weir_abr_soda = {
    .name = "soda",
    .summary = "smoothness by planning ahead towards a buffer level (Chen et al., \"SODA\", "
               "SIGCOMM 2024)",
    .params_help = "horizon=5: intervals planned, within 10 s; "
                   "beta=6: weight of the buffer's distance from the target; "
                   "gamma=16: weight of switching; "
                   "epsilon=0.1: of being above the target rather than below; "
                   "target=0.7: share of the buffer aimed at; "
                   "distortion=log: log(highest/rate), or inverse for lowest/rate; "
                   "safety=1: share of the estimate to use; "
                   "cap=on: never above the lowest rung that the estimate does not quite carry",
    .state_bytes = sizeof(struct soda),
    .create = create,
    .reset = reset,
    .decide = decide,
    .watch = weir_abandon_watch,
};
