// sim/optimum_replay.c — an algorithm whose decisions are given beforehand, so that the engine
// plays the best sequence found: what the optimum claims is a session's own figure.
#include "sim/optimum.h"

struct replay {
    const int32_t *rungs;
    size_t count;
};

static int create(void *state, const struct weir_abr_options *options, struct weir_error *error)
{
    (void)state;
    if (options->count)
        return weir_error_set(error, WEIR_ERR_INVAL, "--abr", "the optimum takes no parameters");
    return 0;
}

static void reset(void *state)
{
    (void)state; // the sequence stays
}

static struct weir_abr_decision decide(void *state, const struct weir_abr_observation *o)
{
    const struct replay *s = state;
    bool known = o->segment_index >= 0 && (uint64_t)o->segment_index < s->count;
    return (struct weir_abr_decision){
        .rung = known ? (size_t)s->rungs[o->segment_index] : 0,
        .reason = known ? "given" : "beyond the sequence",
    };
}

static const struct weir_abr_ops replay_ops = {
    .name = "optimum",
    .summary = "the best sequence known, segment by segment",
    .params_help = "",
    .state_bytes = sizeof(struct replay),
    .create = create,
    .reset = reset,
    .decide = decide,
};

int weir_optimum_replay_create(const char *name, struct weir_abr **out, struct weir_error *e)
{
    return weir_abr_create_from(&replay_ops, name, 0, out, e);
}

void weir_optimum_replay_set(struct weir_abr *replay, const int32_t *rungs, size_t rung_count)
{
    *(struct replay *)weir_abr_state(replay) = (struct replay){.rungs = rungs, .count = rung_count};
}
