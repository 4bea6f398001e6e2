// abr/lolp.c — LoL+: a self-organising map with a neuron for every rung picks the one nearest to
// what the network gives and learns from what came of it (Bentaleb et al., "LoL+"; Lim et al.,
// MMSys 2020; flow of dash.js 5, rule LoLp). Made for low-latency live. Departures: the interface
// tells no live latency, so it counts as 0, as on demand; one unit of rate throughout; and the
// random start of the weights is seeded.
#include <string.h>

#include "abr/abandon.h"
#include "abr/algorithms.h"
#include "abr/lolp_som.h"
#include "abr/options.h"
#include "abr/rate.h"

#define LEAST_BUFFER_S 0.3

struct lolp {
    double safety; // parameters
    uint64_t seed;
    struct weir_lolp_som som;
    double drawn[WEIR_LOLP_FEATURES]; // weights to start from, of drawn_count rungs
    size_t drawn_count;
    int64_t index; // of the segment last decided for
    struct weir_abr_decision decided;
};

static void reset(void *state)
{
    struct lolp *s = state;
    s->som.count = 0;
    s->index = -1;
}

static int create(void *state, const struct weir_abr_options *options, struct weir_error *error)
{
    struct lolp *s = state;
    s->safety = 0.9;
    s->seed = options->seed;
    reset(s);
    const struct weir_abr_param params[] = {
        {.key = "safety", .kind = WEIR_ABR_PARAM_REAL, .value = &s->safety, .min = 0.01, .max = 10},
        {.key = "seed", .kind = WEIR_ABR_PARAM_SEED, .value = &s->seed},
    };
    return weir_abr_options_read("lolp", options, params, 2, error);
}

static void make(struct lolp *s, const struct weir_ladder *ladder)
{
    weir_lolp_som_make(&s->som, ladder);
    if (s->drawn_count != s->som.count) {
        weir_lolp_som_draw_weights(&s->som, s->seed);
        memcpy(s->drawn, s->som.weights, sizeof(s->drawn));
        s->drawn_count = s->som.count;
    }
    memcpy(s->som.weights, s->drawn, sizeof(s->drawn));
}

// Step 2: the buffer will not outlast another segment like the last.
static size_t emergency(const struct weir_lolp_som *som, const struct weir_lolp_input *in,
                        size_t current)
{
    for (size_t j = current; j-- > 0;) {
        if (som->rates_kbps[j] < in->throughput_kbps)
            return j;
    }
    return current;
}

static struct weir_abr_decision choose(struct lolp *s, const struct weir_lolp_input *in,
                                       size_t current)
{
    struct weir_lolp_som *som = &s->som;
    double download_s = som->rates_kbps[current] * in->duration_s / in->throughput_kbps;
    if (in->buffer_s - download_s < LEAST_BUFFER_S)
        return (struct weir_abr_decision){.rung = emergency(som, in, current),
                                          .reason = "buffer too low"};
    weir_lolp_som_search(som, in);
    size_t winner = weir_lolp_som_winner(som, in);
    weir_lolp_som_learn(som, in, current, winner);
    return (struct weir_abr_decision){.rung = winner, .reason = "nearest neuron"};
}

static struct weir_abr_decision decide(void *state, const struct weir_abr_observation *o)
{
    struct lolp *s = state;
    if (weir_rate_unknown(o))
        return (struct weir_abr_decision){.rung = 0, .reason = "no sample yet"};
    if (!weir_lolp_som_is_of(&s->som, o->ladder)) {
        make(s, o->ladder);
        s->index = -1;
    }
    // One step per segment, however often it is asked about.
    if (o->segment_index == s->index)
        return s->decided;
    struct weir_lolp_input in = {
        .throughput_kbps = s->safety * (double)o->throughput_bps / 1000,
        .buffer_s = (double)o->buffer_level_us / 1e6,
        .duration_s = o->segment_duration_us > 0 ? (double)o->segment_duration_us / 1e6 : 2,
    };
    size_t top = s->som.count - 1;
    size_t last = o->last_rung == WEIR_RUNG_NONE ? 0 : o->last_rung < top ? o->last_rung : top;
    s->index = o->segment_index;
    s->decided = choose(s, &in, last);
    return s->decided;
}

const struct weir_abr_ops weir_abr_lolp = {
    .name = "lolp",
    .summary =
        "a self-organising map of the rungs, for low latency (Bentaleb et al., \"LoL+\"; Lim "
        "et al., MMSys 2020; as in dash.js 5)",
    .params_help = "safety=0.9: share of the estimate to use; "
                   "seed=the session's: of the weights to start from",
    .state_bytes = sizeof(struct lolp),
    .create = create,
    .reset = reset,
    .decide = decide,
    .watch = weir_abandon_watch,
};
