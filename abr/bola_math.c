// abr/bola_math.c — see bola_math.h. Nominal sizes, as in the papers; logarithms from core/, equal
// on every machine.
#include "abr/bola_math.h"

#include "core/detmath.h"

double weir_bola_utility(const struct weir_ladder *ladder, size_t rung)
{
    return weir_ln((double)ladder->rungs[rung].bitrate_bps / (double)ladder->rungs[0].bitrate_bps);
}

double weir_bola_vp_us(const struct weir_ladder *ladder, double gp, double capacity_us,
                       double duration_us)
{
    // Below two segments no V satisfies the theorem; room for one is the least that can work.
    double room_us = capacity_us - duration_us;
    if (room_us < duration_us)
        room_us = duration_us;
    return room_us / (weir_bola_utility(ladder, ladder->count - 1) + gp);
}

double weir_bola_score(const struct weir_bola *b, size_t rung, double level_us)
{
    return (weir_bola_max_level_us(b, rung) - level_us) /
           (double)b->ladder->rungs[rung].bitrate_bps;
}

size_t weir_bola_best(const struct weir_bola *b, double level_us)
{
    size_t best = 0;
    double best_score = weir_bola_score(b, 0, level_us);
    for (size_t j = 1; j < b->ladder->count; j++) {
        double score = weir_bola_score(b, j, level_us);
        if (score > best_score) {
            best = j;
            best_score = score;
        }
    }
    return best;
}

double weir_bola_max_level_us(const struct weir_bola *b, size_t rung)
{
    return b->vp_us * (weir_bola_utility(b->ladder, rung) + b->gp);
}

double weir_bola_overtake_us(const struct weir_bola *b, size_t low, size_t high)
{
    double low_bps = (double)b->ladder->rungs[low].bitrate_bps;
    double high_bps = (double)b->ladder->rungs[high].bitrate_bps;
    if (high_bps <= low_bps)
        return 0;
    double low_u = weir_bola_utility(b->ladder, low);
    double high_u = weir_bola_utility(b->ladder, high);
    return b->vp_us * (b->gp + (high_bps * low_u - low_bps * high_u) / (high_bps - low_bps));
}
