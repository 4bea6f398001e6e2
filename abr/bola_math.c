// abr/bola_math.c — see bola_math.h. Nominal sizes, as in the papers; logarithms from core/, equal
// on every machine.
#include "abr/bola_math.h"

#include "core/detmath.h"

static bool is_current(const struct weir_bola_table *t, const struct weir_ladder *ladder)
{
    size_t count = ladder->count < WEIR_BOLA_RUNGS_MAX ? ladder->count : WEIR_BOLA_RUNGS_MAX;
    if (t->count != count)
        return false;
    for (size_t j = 0; j < count; j++) {
        if (t->bitrates[j] != ladder->rungs[j].bitrate_bps)
            return false;
    }
    return true;
}

// y at which `high` overtakes `low`: (u[low] - y) / R[low] = (u[high] - y) / R[high].
static double overtake(const struct weir_bola_table *t, size_t low, size_t high)
{
    double low_bps = t->rates[low];
    double high_bps = t->rates[high];
    return (high_bps * t->utility[low] - low_bps * t->utility[high]) / (high_bps - low_bps);
}

// The scores are straight lines over the level, the steeper the lower the rung, so the best ones
// follow each other by rising bitrate: the upper envelope, built from the lowest rung up. A rung
// whose reign would begin no sooner than the next one's is never best.
static void find_best(struct weir_bola_table *t)
{
    t->best_count = 1;
    t->best[0] = 0;
    t->best_above[0] = 0; // not used: the lowest needs no level
    for (size_t j = 1; j < t->count; j++) {
        if (t->bitrates[j] <= t->bitrates[t->best[t->best_count - 1]])
            continue; // equal: the lower place wins
        double above = overtake(t, t->best[t->best_count - 1], j);
        while (t->best_count > 1 && above <= t->best_above[t->best_count - 1]) {
            t->best_count--;
            above = overtake(t, t->best[t->best_count - 1], j);
        }
        t->best[t->best_count] = j;
        t->best_above[t->best_count++] = above;
    }
}

bool weir_bola_table_update(struct weir_bola_table *t, const struct weir_ladder *ladder)
{
    if (is_current(t, ladder))
        return false;
    t->count = ladder->count < WEIR_BOLA_RUNGS_MAX ? ladder->count : WEIR_BOLA_RUNGS_MAX;
    for (size_t j = 0; j < t->count; j++) {
        t->bitrates[j] = ladder->rungs[j].bitrate_bps;
        t->rates[j] = t->bitrates[j] > 0 ? (double)t->bitrates[j] : 1;
        t->utility[j] = weir_ln(t->rates[j] / t->rates[0]);
    }
    find_best(t);
    return true;
}

double weir_bola_vp_us(const struct weir_bola_table *t, double gp, double capacity_us,
                       double duration_us)
{
    // Below two segments no V satisfies the theorem; room for one is the least that can work.
    double room_us = capacity_us - duration_us;
    if (room_us < duration_us)
        room_us = duration_us;
    return room_us / (t->utility[t->count - 1] + gp);
}

double weir_bola_score(const struct weir_bola *b, size_t rung, double level_us)
{
    return (weir_bola_max_level_us(b, rung) - level_us) / b->table->rates[rung];
}

size_t weir_bola_best(const struct weir_bola *b, double level_us)
{
    const struct weir_bola_table *t = b->table;
    double y = level_us / b->vp_us - b->gp;
    size_t k = 1;
    while (k < t->best_count && y > t->best_above[k])
        k++;
    return t->best[k - 1];
}

double weir_bola_max_level_us(const struct weir_bola *b, size_t rung)
{
    return b->vp_us * (b->table->utility[rung] + b->gp);
}

double weir_bola_overtake_us(const struct weir_bola *b, size_t low, size_t high)
{
    if (b->table->bitrates[high] <= b->table->bitrates[low])
        return 0;
    return b->vp_us * (b->gp + overtake(b->table, low, high));
}

double weir_bola_min_level_us(const struct weir_bola *b, size_t rung)
{
    double level_us = 0;
    for (size_t a = 0; a < rung; a++) {
        double above_us = weir_bola_overtake_us(b, a, rung);
        if (above_us > level_us)
            level_us = above_us;
    }
    return level_us;
}
