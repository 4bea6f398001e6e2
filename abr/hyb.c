// abr/hyb.c — HYB: the highest rung whose next segment would arrive before a share of the buffer
// has played (Akhtar et al., "Oboe", SIGCOMM 2018). True sizes, no look-ahead, no cost of
// switching; with an empty buffer always the lowest. Oboe tunes beta to the network; no default was
// published, 0.25 is the one usually quoted.
#include "abr/abandon.h"
#include "abr/algorithms.h"
#include "abr/options.h"
#include "abr/rate.h"

struct hyb {
    double beta;
};

static int create(void *state, const struct weir_abr_options *options, struct weir_error *error)
{
    struct hyb *s = state;
    s->beta = 0.25;
    const struct weir_abr_param params[] = {
        {.key = "beta", .kind = WEIR_ABR_PARAM_REAL, .value = &s->beta, .min = 0.01, .max = 1},
    };
    return weir_abr_options_read("hyb", options, params, 1, error);
}

static void reset(void *state)
{
    (void)state;
}

static struct weir_abr_decision decide(void *state, const struct weir_abr_observation *o)
{
    const struct hyb *s = state;
    if (weir_rate_unknown(o))
        return (struct weir_abr_decision){.rung = 0, .reason = "no sample yet"};
    double allowed_bits = s->beta * (double)o->buffer_level_us / 1e6 * (double)o->throughput_bps;
    size_t rung = o->ladder->count - 1;
    while (rung > 0 && !(weir_rate_size_bytes(o, 0, rung) * 8 < allowed_bits))
        rung--;
    return (struct weir_abr_decision){.rung = rung, .reason = "arrives in time"};
}

const struct weir_abr_ops weir_abr_hyb = {
    .name = "hyb",
    .summary = "the rung that arrives within a share of the buffer (Akhtar et al., \"Oboe\", "
               "SIGCOMM 2018)",
    .params_help = "beta=0.25: share of the buffer that a transfer may take",
    .state_bytes = sizeof(struct hyb),
    .create = create,
    .reset = reset,
    .decide = decide,
    .watch = weir_abandon_watch,
};
