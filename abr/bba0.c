// abr/bba0.c — BBA-0: the next rung from the buffer level alone (Huang et al., SIGCOMM 2014,
// Algorithm 1). The paper's 90 s reservoir and 126 s cushion of a 240 s buffer are kept as shares
// of the buffer: 37.5 % and 52.5 %. Must not estimate throughput, and keeps no state: the last rung
// is part of the observation.
#include "abr/algorithms.h"
#include "abr/options.h"
#include "abr/rate.h"

struct bba0 {
    int64_t reservoir_us, cushion_us; // 0: a share of the buffer
};

static int create(void *state, const struct weir_abr_options *options, struct weir_error *error)
{
    struct bba0 *s = state;
    const struct weir_abr_param params[] = {
        {.key = "reservoir",
         .kind = WEIR_ABR_PARAM_SECONDS,
         .value = &s->reservoir_us,
         .max = 86400},
        {.key = "cushion", .kind = WEIR_ABR_PARAM_SECONDS, .value = &s->cushion_us, .max = 86400},
    };
    return weir_abr_options_read("bba0", options, params, 2, error);
}

static void reset(void *state)
{
    (void)state;
}

// The paper's f(B) between reservoir and the end of the cushion: a straight line over the ladder's
// rates.
static double rate_map_bps(const struct weir_ladder *ladder, double reservoir_us, double cushion_us,
                           double level_us)
{
    double min_bps = (double)ladder->rungs[0].bitrate_bps;
    double max_bps = (double)ladder->rungs[ladder->count - 1].bitrate_bps;
    return min_bps + (max_bps - min_bps) * (level_us - reservoir_us) / cushion_us;
}

static size_t below(const struct weir_ladder *ladder, double rate_bps)
{
    size_t rung = 0;
    while (rung + 1 < ladder->count && (double)ladder->rungs[rung + 1].bitrate_bps < rate_bps)
        rung++;
    return rung;
}

static size_t above(const struct weir_ladder *ladder, double rate_bps)
{
    size_t rung = ladder->count - 1;
    while (rung > 0 && (double)ladder->rungs[rung - 1].bitrate_bps > rate_bps)
        rung--;
    return rung;
}

static struct weir_abr_decision decide(void *state, const struct weir_abr_observation *o)
{
    const struct bba0 *s = state;
    const struct weir_ladder *ladder = o->ladder;
    const struct weir_rung *rungs = ladder->rungs;
    size_t top = ladder->count - 1;
    size_t last = o->last_rung == WEIR_RUNG_NONE ? 0 : o->last_rung < top ? o->last_rung : top;
    double max_us = (double)o->buffer_max_us;
    double reservoir_us = s->reservoir_us ? (double)s->reservoir_us : 0.375 * max_us;
    double cushion_us = s->cushion_us ? (double)s->cushion_us : 0.525 * max_us;
    double level_us = (double)o->buffer_level_us;

    if (level_us <= reservoir_us)
        return (struct weir_abr_decision){.rung = 0, .reason = "reservoir"};
    if (level_us >= reservoir_us + cushion_us)
        return (struct weir_abr_decision){.rung = top, .reason = "above the cushion"};
    // Hold the rung until f(B) crosses a neighbour (Rate+ and Rate-): that gap alone stops the
    // choice from flapping where the level hovers at a boundary. At the ends of the ladder the
    // neighbour is the rung itself.
    double f_bps = rate_map_bps(ladder, reservoir_us, cushion_us, level_us);
    double up_bps = (double)rungs[last < top ? last + 1 : top].bitrate_bps;
    double down_bps = (double)rungs[last > 0 ? last - 1 : 0].bitrate_bps;
    if (f_bps >= up_bps)
        return (struct weir_abr_decision){.rung = below(ladder, f_bps), .reason = "map rises"};
    if (f_bps <= down_bps)
        return (struct weir_abr_decision){.rung = above(ladder, f_bps), .reason = "map falls"};
    return (struct weir_abr_decision){.rung = last, .reason = "between neighbours"};
}

const struct weir_abr_ops weir_abr_bba0 = {
    .name = "bba0",
    .summary = "buffer to rate, straight and sticky (Huang et al., SIGCOMM 2014, Algorithm 1)",
    .params_help = "reservoir=37.5 % of the buffer: seconds of it kept for the lowest rung; "
                   "cushion=52.5 %: seconds over which the map rises",
    .state_bytes = sizeof(struct bba0),
    .create = create,
    .reset = reset,
    .decide = decide,
};
