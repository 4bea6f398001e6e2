// player/engine/seek.c — going elsewhere: within what is buffered ahead, nothing is fetched again;
// otherwise everything in flight and buffered is dropped, and the lanes aim at the new place.
#include "player/engine/internal.h"

int64_t weir_seek_clamp(const struct weir_engine *e, int64_t media_us)
{
    int64_t start_us = e->content->periods[0].start_us;
    int64_t end_us = e->content_end_us;
    if (end_us != WEIR_TIME_NONE && media_us > end_us)
        media_us = end_us;
    return media_us > start_us ? media_us : start_us;
}

static bool is_buffered(const struct weir_engine *e, int64_t target_us)
{
    if (target_us < weir_playback_head_us(e))
        return false; // media behind the playhead are gone
    for (int t = 0; t < WEIR_ENGINE_TRACKS; t++) {
        const struct weir_lane *l = &e->lanes[t];
        if (!l->present)
            continue;
        if (l->completed == 0 || l->ring_count == 0 || target_us >= l->end_us)
            return false;
    }
    return true;
}

static void flush(struct weir_engine *e, int64_t target_us)
{
    e->doomed = false;
    for (int t = 0; t < WEIR_ENGINE_TRACKS; t++) {
        struct weir_lane *l = &e->lanes[t];
        if (!l->present)
            continue;
        if (weir_job_busy(&l->media))
            l->next_serial++; // its unit was opened; the number is used up
        weir_job_cancel(e, &l->media);
        weir_abr_reset(l->abr);
        size_t period = l->period;
        weir_lane_aim(e, l, target_us);
        if (l->period == period)
            continue;
        weir_job_cancel(e, &l->init); // of a period that is not played now
        weir_job_cancel(e, &l->index);
    }
}

void weir_seek(struct weir_engine *e, int64_t media_us)
{
    int64_t target_us = weir_seek_clamp(e, media_us);
    bool keep = is_buffered(e, target_us);
    if (!keep)
        flush(e, target_us);
    e->raw_us = e->shown_us = target_us;
    e->state = WEIR_STATE_STARTING;
    e->seeking = true;
    e->wait_since_us = e->now_us;
    struct weir_action *a = weir_engine_emit(e, WEIR_ACTION_SEEK);
    a->seek.media_us = target_us;
    a->seek.keep_buffered = keep;
    weir_report_playback(e, WEIR_REPORT_SEEK, 0);
}
