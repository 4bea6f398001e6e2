// abr/fixed.c — always the same rung, from the first segment on: for comparisons, `--rung N` and
// people who know best. A rung beyond the ladder is the top one (the registry clamps).
#include "abr/algorithms.h"
#include "abr/options.h"
#include "abr/rate.h"

struct fixed {
    size_t rung;
};

static int create(void *state, const struct weir_abr_options *options, struct weir_error *error)
{
    struct fixed *s = state;
    const struct weir_abr_param params[] = {
        {.key = "rung", .kind = WEIR_ABR_PARAM_COUNT, .value = &s->rung},
    };
    return weir_abr_options_read("fixed", options, params, 1, error);
}

static void reset(void *state)
{
    (void)state; // no history
}

static struct weir_abr_decision decide(void *state, const struct weir_abr_observation *o)
{
    const struct fixed *s = state;
    size_t top = o->ladder->count - 1;
    return (struct weir_abr_decision){.rung = s->rung < top ? s->rung : top, .reason = "fixed"};
}

const struct weir_abr_ops weir_abr_fixed = {
    .name = "fixed",
    .summary = "the same rung for every segment",
    .params_help = "rung=0: the rung, 0 the lowest, and beyond the highest it is the highest",
    .state_bytes = sizeof(struct fixed),
    .create = create,
    .reset = reset,
    .decide = decide,
};
