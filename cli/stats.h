// cli/stats.h — the statistics overlay's text: the status line's figures and those of decoder,
// buffers and copies.
#ifndef WEIR_CLI_STATS_H
#define WEIR_CLI_STATS_H

#include <stddef.h>
#include <stdint.h>

#include "cli/status.h"

struct weir_stats_view {
    struct weir_status_view status;
    const char *title, *video_codec, *pixel_format, *audio_codec, *abr; // borrowed; NULL: none
    int width, height, audio_rate_hz, audio_channels;
    int64_t startup_us; // negative: not started yet
    int64_t stall_count, stall_us, switch_count, delivered;
    int64_t audio_buffer_us; // WEIR_TIME_NONE: no sound
    int64_t av_offset_us;    // picture minus sound, of the last picture
    int64_t segment_hits, segment_misses, frame_hits, frame_misses, foreign_frames;
    int64_t held_bytes, high_water_bytes, limit_bytes; // limit 0: none
    int64_t net_bytes, demux_bytes, decode_bytes, render_bytes;
};

enum { WEIR_STATS_MAX_BYTES = 4096 };

// Lines for weir_video_sink_ops.set_overlay (with blocks for the bar) or a terminal. Returns the
// length in bytes.
size_t weir_stats_format(const struct weir_stats_view *view, char out[WEIR_STATS_MAX_BYTES]);

#endif
