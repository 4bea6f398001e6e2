// abr/bola_math.h — BOLA's formulae (Spiteri, Urgaonkar, Sitaraman, INFOCOM 2016 / ToN 2020) in
// units of time: buffer and control parameter in microseconds, so that segments of any length fit.
// Shared by BOLA and its test.
#ifndef WEIR_ABR_BOLA_MATH_H
#define WEIR_ABR_BOLA_MATH_H

#include "abr/abr.h"

struct weir_bola {
    const struct weir_ladder *ladder;
    double gp;    // gamma * p: weight of not stalling
    double vp_us; // V * p
};

// u = ln(bitrate / lowest bitrate).
double weir_bola_utility(const struct weir_ladder *ladder, size_t rung);
// The largest vp that lets a whole segment still fit into `capacity_us`: (capacity - duration) /
// (u[top] + gp).
double weir_bola_vp_us(const struct weir_ladder *ladder, double gp, double capacity_us,
                       double duration_us);
// (vp * (u + gp) - level) / bitrate; its sign says whether to fetch at all.
double weir_bola_score(const struct weir_bola *b, size_t rung, double level_us);
// The best rung by score; ties go to the lower one, as in Sabre.
size_t weir_bola_best(const struct weir_bola *b, double level_us);
// The level up to which the rung is preferred to waiting.
double weir_bola_max_level_us(const struct weir_bola *b, size_t rung);
// The level at which `high` overtakes `low`; 0 where their bitrates are equal.
double weir_bola_overtake_us(const struct weir_bola *b, size_t low, size_t high);

#endif
