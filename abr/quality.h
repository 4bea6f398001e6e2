// abr/quality.h — what a rung is worth, in the two measures that results are judged by: linear
// (Mbit/s) and logarithmic (ln of the ratio to the lowest rung). Kept per ladder, so that a
// decision takes no logarithm.
#ifndef WEIR_ABR_QUALITY_H
#define WEIR_ABR_QUALITY_H

#include "abr/abr.h"

// Rungs above this many are not considered by the algorithms that use it.
#define WEIR_QUALITY_MAX_RUNGS 64

struct weir_quality {
    size_t count; // 0: nothing yet
    int64_t bitrates_bps[WEIR_QUALITY_MAX_RUNGS];
    double linear[WEIR_QUALITY_MAX_RUNGS];
    double log[WEIR_QUALITY_MAX_RUNGS];
};

// Bring it up to date with `ladder`; true if anything changed.
bool weir_quality_update(struct weir_quality *q, const struct weir_ladder *ladder);

#endif
