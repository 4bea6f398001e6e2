// abr/insufficient.c — see insufficient.h.
#include "abr/insufficient.h"

#define SAFETY_FIRST 0.9
#define SAFETY_DECAY 0.9
#define SAFETY_LEAST 0.5

void weir_insufficient_reset(struct weir_insufficient *s)
{
    s->safety = SAFETY_FIRST;
}

static double size_bits(const struct weir_insufficient *s, const struct weir_abr_observation *o,
                        size_t rung)
{
    int64_t bytes = s->nominal ? -1 : weir_abr_size(o, 0, rung);
    if (bytes > 0)
        return (double)bytes * 8;
    return (double)o->ladder->rungs[rung].bitrate_bps * ((double)o->segment_duration_us / 1e6);
}

size_t weir_insufficient_cap(struct weir_insufficient *s, const struct weir_abr_observation *o,
                             size_t rung)
{
    double media_us = (double)(o->buffer_level_us - o->latency_us);
    double bits = s->safety * media_us / 1e6 * (double)o->throughput_bps;
    s->safety *= SAFETY_DECAY;
    if (s->safety < SAFETY_LEAST)
        s->safety = SAFETY_LEAST;
    // From the lowest up, as Sabre does: with true sizes, which need not rise with the rung, a
    // higher one that happens to be small is left alone.
    for (size_t j = 0; j < rung; j++) {
        if (size_bits(s, o, j + 1) > bits)
            return j;
    }
    return rung;
}
