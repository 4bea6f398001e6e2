// abr/bola_math.h — BOLA's formulae (Spiteri, Urgaonkar, Sitaraman, INFOCOM 2016 / ToN 2020) in
// units of time: buffer and control parameter in microseconds, so that segments of any length fit.
// What depends on the ladder alone is computed once per ladder. Shared by BOLA, BOLA-E, DYNAMIC and
// their tests.
#ifndef WEIR_ABR_BOLA_MATH_H
#define WEIR_ABR_BOLA_MATH_H

#include "abr/abr.h"

// Rungs beyond are never chosen: no ladder that is published has a third as many.
#define WEIR_BOLA_RUNGS_MAX 128

// Levels here are in units of vp, without gp: a level B stands for y = B / vp - gp.
struct weir_bola_table {
    size_t count;                          // of rungs; 0: nothing computed yet
    int64_t bitrates[WEIR_BOLA_RUNGS_MAX]; // bits per second: what it was computed for
    double rates[WEIR_BOLA_RUNGS_MAX];     // the same
    double utility[WEIR_BOLA_RUNGS_MAX];   // ln(bitrate / lowest bitrate)
    // The rungs that score best at some level, rising, and from which level on (exclusive): ties go
    // to the lower rung, as in Sabre.
    size_t best_count, best[WEIR_BOLA_RUNGS_MAX];
    double best_above[WEIR_BOLA_RUNGS_MAX];
};

struct weir_bola {
    const struct weir_bola_table *table;
    double gp;    // gamma * p: weight of not stalling
    double vp_us; // V * p
};

// Computes the table unless it is this ladder's already; true where it was not.
bool weir_bola_table_update(struct weir_bola_table *t, const struct weir_ladder *ladder);
// The largest vp that lets a whole segment still fit into `capacity_us`: (capacity - duration) /
// (u[top] + gp).
double weir_bola_vp_us(const struct weir_bola_table *t, double gp, double capacity_us,
                       double duration_us);
// (vp * (u + gp) - level) / bitrate; its sign says whether to fetch at all.
double weir_bola_score(const struct weir_bola *b, size_t rung, double level_us);
// The best rung by score; ties go to the lower one.
size_t weir_bola_best(const struct weir_bola *b, double level_us);
// The level up to which the rung is preferred to waiting.
double weir_bola_max_level_us(const struct weir_bola *b, size_t rung);
// The level at which `high` overtakes `low`; 0 where their bitrates are equal.
double weir_bola_overtake_us(const struct weir_bola *b, size_t low, size_t high);
// The level from which on the rung is preferred to every lower one; 0 for the lowest.
double weir_bola_min_level_us(const struct weir_bola *b, size_t rung);

#endif
