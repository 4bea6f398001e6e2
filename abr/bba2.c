// abr/bba2.c — BBA-2: BBA-1 behind a start-up that climbs a rung at a time while segments arrive
// much faster than they play (Huang et al., SIGCOMM 2014, section 6). Start-up ends, until the next
// seek, when the buffer shrinks or when the chunk map asks for a higher rung; protection against
// outages accumulates from then on.
#include "abr/abandon.h"
#include "abr/algorithms.h"
#include "abr/bba.h"

static int create(void *state, const struct weir_abr_options *options, struct weir_error *error)
{
    struct weir_abr_param params[WEIR_BBA_PARAMS_MAX];
    weir_bba_params(state, params);
    weir_bba_reset(state);
    return weir_abr_options_read("bba2", options, params, 4, error);
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
    if (s->starting_up)
        rung = weir_bba_start_up(s, &map, o, last, rung);
    const char *reason = s->starting_up ? "start-up" : weir_bba_reason(&map, o, last, rung);
    return (struct weir_abr_decision){.rung = rung, .reason = reason};
}

static void fetched(void *state, const struct weir_abr_observation *o,
                    const struct weir_abr_fetched *f)
{
    struct weir_bba *s = state;
    weir_bba_fetched(s, o, f);
    if (s->starting_up)
        s->protection_chunks = 0;
}

const struct weir_abr_ops weir_abr_bba2 = {
    .name = "bba2",
    .summary = "BBA-1 with a start-up that follows the first segments' speed (Huang et al., "
               "SIGCOMM 2014, section 6)",
    .params_help = WEIR_BBA_PARAMS_HELP,
    .state_bytes = sizeof(struct weir_bba),
    .create = create,
    .reset = reset,
    .decide = decide,
    .fetched = fetched,
    .watch = weir_abandon_watch,
};
