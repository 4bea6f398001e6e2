// player/engine/status.c — the engine at a glance, for status lines and tests. Changes nothing.
#include "core/rational.h"
#include "player/engine/internal.h"

// Media only: a period without this track is covered, yet nothing of it is buffered.
static int64_t buffered_us(const struct weir_lane *l, int64_t playhead_us)
{
    if (!l->ring_count)
        return 0;
    int64_t end_us = l->ring[(l->ring_first + l->ring_count - 1) % WEIR_LANE_RING].end_us;
    return end_us > playhead_us ? end_us - playhead_us : 0;
}

struct weir_engine_status weir_engine_status(const struct weir_engine *e, int64_t now_us)
{
    int64_t raw_us = weir_playback_raw_us(e, now_us);
    struct weir_engine_status s = {
        .state = e->state,
        .paused = e->paused,
        .playhead_us = raw_us > e->shown_us ? raw_us : e->shown_us,
        .throughput_bps = weir_engine_bps(e),
        .latency_us = weir_engine_latency_us(e),
        .rung_held = e->held,
        .duration_us = e->content_end_us,
    };
    s.playable_until_us = weir_playback_playable_us(e);
    if (s.playable_until_us == WEIR_NEVER_US)
        s.playable_until_us = s.duration_us;
    for (int t = 0; t < WEIR_ENGINE_TRACKS; t++) {
        const struct weir_lane *l = &e->lanes[t];
        s.rung[t] = weir_job_busy(&l->media) ? l->media.fetch.rung : l->last_rung;
        if (!l->present)
            continue;
        s.buffer_level_us[t] = buffered_us(l, s.playhead_us);
        s.buffered_bytes = weir_add_sat(s.buffered_bytes, l->bytes);
    }
    return s;
}

int64_t weir_engine_throughput_bps(const struct weir_engine *e)
{
    return weir_engine_bps(e);
}
