// abr/bba0.c — BBA-0: the next rung from the buffer level alone (Huang et al., SIGCOMM 2014,
// Algorithm 1). The paper's 90 s reservoir and 126 s cushion of a 240 s buffer are kept as shares
// of the buffer: 37.5 % and 52.5 %. Must not estimate throughput, and keeps no state: the last rung
// is part of the observation.
#include "abr/abandon.h"
#include "abr/algorithms.h"
#include "abr/bba.h"

static int create(void *state, const struct weir_abr_options *options, struct weir_error *error)
{
    struct weir_abr_param params[WEIR_BBA_PARAMS_MAX];
    weir_bba_params(state, params);
    return weir_abr_options_read("bba0", options, params, 2, error);
}

static void reset(void *state)
{
    (void)state;
}

static struct weir_abr_decision decide(void *state, const struct weir_abr_observation *o)
{
    struct weir_bba_map map = weir_bba_fixed_map(state, o);
    size_t last = weir_bba_last(o);
    size_t rung = weir_bba_rate_rung(&map, o, last);
    return (struct weir_abr_decision){.rung = rung, .reason = weir_bba_reason(&map, o, last, rung)};
}

const struct weir_abr_ops weir_abr_bba0 = {
    .name = "bba0",
    .summary = "buffer to rate, straight and sticky (Huang et al., SIGCOMM 2014, Algorithm 1)",
    .params_help = "reservoir=37.5 % of the buffer: seconds of it kept for the lowest rung; "
                   "cushion=52.5 %: seconds over which the map rises",
    .state_bytes = sizeof(struct weir_bba),
    .create = create,
    .reset = reset,
    .decide = decide,
    .watch = weir_abandon_watch,
};
