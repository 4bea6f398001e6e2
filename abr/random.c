// abr/random.c — a random rung for every segment: the hardest test of seamless switching. The rung
// is a function of the seed and the segment's place alone, so that asking twice, or seeking back,
// gives the same answer.
#include "abr/algorithms.h"
#include "abr/options.h"
#include "abr/rate.h"
#include "core/rng.h"

struct lots {
    uint64_t seed;
};

static int create(void *state, const struct weir_abr_options *options, struct weir_error *error)
{
    struct lots *s = state;
    s->seed = options->seed;
    const struct weir_abr_param params[] = {
        {.key = "seed", .kind = WEIR_ABR_PARAM_SEED, .value = &s->seed},
    };
    return weir_abr_options_read("random", options, params, 1, error);
}

static void reset(void *state)
{
    (void)state;
}

static struct weir_abr_decision decide(void *state, const struct weir_abr_observation *o)
{
    const struct lots *s = state;
    struct weir_rng rng;
    // An odd multiplier keeps neighbouring places apart; the generator's own seeding mixes the
    // rest.
    weir_rng_seed(&rng, s->seed ^ ((uint64_t)o->segment_index * UINT64_C(0x9e3779b97f4a7c15)));
    return (struct weir_abr_decision){
        .rung = (size_t)weir_rng_below(&rng, o->ladder->count),
        .reason = "random",
    };
}

const struct weir_abr_ops weir_abr_random = {
    .name = "random",
    .summary = "a uniformly random rung for every segment, from a seed (for tests)",
    .params_help = "seed=the session's: of the lots drawn",
    .state_bytes = sizeof(struct lots),
    .create = create,
    .reset = reset,
    .decide = decide,
};
