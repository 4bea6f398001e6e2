// abr/quality.c — see quality.h. Compared bitrate by bitrate: a ladder's address says nothing about
// its contents.
#include "abr/quality.h"

#include "core/detmath.h"

bool weir_quality_update(struct weir_quality *q, const struct weir_ladder *ladder)
{
    size_t count = ladder->count < WEIR_QUALITY_MAX_RUNGS ? ladder->count : WEIR_QUALITY_MAX_RUNGS;
    size_t j = 0;
    if (q->count == count) {
        while (j < count && q->bitrates_bps[j] == ladder->rungs[j].bitrate_bps)
            j++;
        if (j == count)
            return false;
    }
    q->count = count;
    for (j = 0; j < count; j++) {
        q->bitrates_bps[j] = ladder->rungs[j].bitrate_bps;
        double bps = q->bitrates_bps[j] > 0 ? (double)q->bitrates_bps[j] : 1;
        q->linear[j] = bps / 1e6;
        q->log[j] = weir_ln(q->linear[j] / q->linear[0]);
    }
    return true;
}
