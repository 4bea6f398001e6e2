// player/summary.h — the figures of one session, however it was run, and weir.session/1 made of
// them. Filled by the telemetry of a live session and by the model host; one way to compute QoE and
// rates for both.
#ifndef WEIR_PLAYER_SUMMARY_H
#define WEIR_PLAYER_SUMMARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

// One video segment (audio, where there is no video), in order of playback. Times count from the
// session's first request.
struct weir_summary_segment {
    int32_t rung;
    float vmaf; // 0 to 100; < 0 unknown
    int64_t bitrate_bps, bytes, start_us, duration_us;
    // At its decision, and its transfer; WEIR_TIME_NONE / 0 where the host does not keep them.
    int64_t buffer_us, throughput_bps, requested_us, done_us;
    int64_t buffer_done_us; // when it was complete, itself included
    int64_t stall_us;       // charged to it: waited for it, start-up included for the first
};

struct weir_summary {
    const char *abr, *content, *trace, *host; // trace may be NULL
    uint64_t seed;
    int64_t startup_us; // WEIR_TIME_NONE: never played
    int64_t played_us, stall_us, stall_count, ended_us;
    int64_t bytes, wasted_bytes, abandoned, errors;
    int64_t lowest_bps, highest_bps; // of the ladder
    const struct weir_summary_segment *segments;
    size_t segment_count;
};

// Computed from the above (INTERFACES: weir.session/1).
struct weir_summary_figures {
    double mean_bitrate_bps, switch_bps, rebuffer_ratio;
    int64_t switch_count;
    double qoe_lin, qoe_log, qoe_vmaf;
    bool has_qoe, has_vmaf; // no segments: no QoE
};
struct weir_summary_figures weir_summary_measure(const struct weir_summary *s);

// The members of weir.session/1 that every host has, pool and frames all zero; hosts with media set
// those, and add theirs (buffer, warnings). A new reference, NULL when memory runs out.
json_t *weir_summary_json(const struct weir_summary *s);

#endif
