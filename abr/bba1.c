// abr/bba1.c — BBA-1: the buffer level allows a chunk size instead of a rate, compared with the
// true sizes of the next segment, and the reservoir is as large as the segments to come need it
// (Huang et al., SIGCOMM 2014, section 5; protection against outages 7.1). The paper leaves open
// what the cushion does as the reservoir moves: here its end stays at 90 % of the buffer.
#include "abr/abandon.h"
#include "abr/algorithms.h"
#include "abr/bba.h"

static int create(void *state, const struct weir_abr_options *options, struct weir_error *error)
{
    struct weir_abr_param params[WEIR_BBA_PARAMS_MAX];
    weir_bba_params(state, params);
    weir_bba_reset(state);
    return weir_abr_options_read("bba1", options, params, 4, error);
}

static void reset(void *state)
{
    weir_bba_reset(state);
}

static struct weir_abr_decision decide(void *state, const struct weir_abr_observation *o)
{
    struct weir_bba *s = state;
    double reservoir_us = weir_bba_reservoir_us(s, o) + weir_bba_protection_us(s, o);
    struct weir_bba_map map = weir_bba_moving_map(s, o, reservoir_us);
    s->duration_us = (int64_t)weir_bba_duration_us(o);
    size_t last = weir_bba_last(o);
    size_t rung = weir_bba_chunk_rung(&map, o, last);
    return (struct weir_abr_decision){.rung = rung, .reason = weir_bba_reason(&map, o, last, rung)};
}

static void fetched(void *state, const struct weir_abr_observation *o,
                    const struct weir_abr_fetched *f)
{
    weir_bba_fetched(state, o, f);
}

const struct weir_abr_ops weir_abr_bba1 = {
    .name = "bba1",
    .summary = "buffer to chunk size, with a reservoir for the segments to come (Huang et al., "
               "SIGCOMM 2014, section 5)",
    .params_help = WEIR_BBA_PARAMS_HELP,
    .state_bytes = sizeof(struct weir_bba),
    .create = create,
    .reset = reset,
    .decide = decide,
    .fetched = fetched,
    .watch = weir_abandon_watch,
};
