// abr/l2a.c — L2A: online learning of a probability for every rung, by projected gradient steps
// under a constraint on the buffer (Karagkioules et al., "Learn2Adapt", arXiv 1905.11705; constants
// and flow of dash.js 5, rule L2A-LL). Made for low-latency live. Where dash.js mixes kbit/s and
// bit/s in one formula, every ratio here is of equal units; and the multiplier takes the paper's
// linear step from the old probabilities, which dash.js has overwritten by then.
#include "abr/abandon.h"
#include "abr/algorithms.h"
#include "abr/l2a_math.h"
#include "abr/options.h"
#include "abr/rate.h"

#define MULTIPLIER_MAX 1e6

struct l2a {
    double horizon, react, target_s, safety; // parameters
    bool learning;                           // past start-up
    double weights[WEIR_L2A_RUNGS_MAX], multiplier;
    size_t count;   // of weights
    int64_t index;  // of the segment last decided for
    size_t decided; // for it
};

static void reset(void *state)
{
    struct l2a *s = state;
    s->learning = false;
    s->index = -1;
}

static int create(void *state, const struct weir_abr_options *options, struct weir_error *error)
{
    struct l2a *s = state;
    s->horizon = 4;
    s->react = 2;
    s->target_s = 1.5;
    s->safety = 0.9;
    reset(s);
    const struct weir_abr_param params[] = {
        {.key = "horizon", .kind = WEIR_ABR_PARAM_REAL, .value = &s->horizon, .min = 1, .max = 100},
        {.key = "react", .kind = WEIR_ABR_PARAM_REAL, .value = &s->react, .min = 1, .max = 100},
        {.key = "target", .kind = WEIR_ABR_PARAM_REAL, .value = &s->target_s, .max = 3600},
        {.key = "safety", .kind = WEIR_ABR_PARAM_REAL, .value = &s->safety, .min = 0.01, .max = 10},
    };
    return weir_abr_options_read("l2a", options, params, 4, error);
}

static double last_sample_kbps(const struct weir_abr_observation *o)
{
    double kbps = (double)o->throughput_bps / 1000;
    if (o->last_sample.duration_us > 0)
        kbps = (double)o->last_sample.bytes * 8e3 / (double)o->last_sample.duration_us;
    return kbps > 1 ? kbps : 1;
}

static void begin(struct l2a *s, const struct weir_abr_observation *o, size_t last, double vl)
{
    s->learning = true;
    s->count = o->ladder->count < WEIR_L2A_RUNGS_MAX ? o->ladder->count : WEIR_L2A_RUNGS_MAX;
    for (size_t j = 0; j < s->count; j++)
        s->weights[j] = j == last ? 1 : 0;
    s->multiplier = vl;
}

static size_t learn(struct l2a *s, const struct weir_abr_observation *o, size_t last)
{
    struct weir_l2a p = weir_l2a_constants(s->horizon);
    double rates_kbps[WEIR_L2A_RUNGS_MAX];
    for (size_t j = 0; j < s->count; j++)
        rates_kbps[j] = (double)o->ladder->rungs[j].bitrate_bps / 1000;
    p.rates_kbps = rates_kbps;
    p.count = s->count;
    p.duration_s = o->segment_duration_us > 0 ? (double)o->segment_duration_us / 1e6 : 2;
    double throughput_kbps = last_sample_kbps(o);
    weir_l2a_step(&p, throughput_kbps, s->weights, &s->multiplier);
    size_t rung = weir_l2a_nearest(&p, s->weights);
    // Stepwise ascent, while the next rung fits.
    if (rung > last && rates_kbps[last + 1] <= throughput_kbps)
        rung = last + 1;
    // Beyond the throughput: react at the next step. Where even the lowest rung does not fit, this
    // grows for ever; the bound, far above where more makes a difference, keeps it a number.
    if (rates_kbps[rung] >= throughput_kbps)
        s->multiplier = s->react * (s->multiplier > p.vl ? s->multiplier : p.vl);
    if (s->multiplier > MULTIPLIER_MAX)
        s->multiplier = MULTIPLIER_MAX;
    return rung;
}

static struct weir_abr_decision decide(void *state, const struct weir_abr_observation *o)
{
    struct l2a *s = state;
    if (weir_rate_unknown(o))
        return (struct weir_abr_decision){.rung = 0, .reason = "no sample yet"};
    size_t top = o->ladder->count - 1;
    top = top < WEIR_L2A_RUNGS_MAX ? top : WEIR_L2A_RUNGS_MAX - 1;
    size_t last = o->last_rung == WEIR_RUNG_NONE ? 0 : o->last_rung < top ? o->last_rung : top;
    if (s->learning && s->count != top + 1)
        s->learning = false; // another ladder
    if (!s->learning) {
        if ((double)o->buffer_level_us < s->target_s * 1e6) {
            double bps = s->safety * (double)o->throughput_bps;
            return (struct weir_abr_decision){.rung = weir_rate_rung(o->ladder, bps),
                                              .reason = "start-up"};
        }
        begin(s, o, last, weir_l2a_constants(s->horizon).vl);
        s->index = -1;
    }
    // One step per segment, however often it is asked about.
    if (o->segment_index != s->index) {
        s->index = o->segment_index;
        s->decided = learn(s, o, last);
    }
    return (struct weir_abr_decision){.rung = s->decided, .reason = "learnt"};
}

const struct weir_abr_ops weir_abr_l2a = {
    .name = "l2a",
    .summary = "online learning under a buffer constraint, for low latency (Karagkioules et al., "
               "\"Learn2Adapt\", 2019; as in dash.js 5)",
    .params_help = "horizon=4: segments that the step size is made for; "
                   "react=2: factor on the multiplier when a rung exceeds the throughput; "
                   "target=1.5: seconds of buffer that end start-up; "
                   "safety=0.9: share of the estimate to use in start-up",
    .state_bytes = sizeof(struct l2a),
    .create = create,
    .reset = reset,
    .decide = decide,
    .watch = weir_abandon_watch,
};
