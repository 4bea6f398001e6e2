// player/telemetry_state.h — what the two halves of telemetry share: the counters (telemetry.c) and
// the event stream (telemetry_events.c).
#ifndef WEIR_PLAYER_TELEMETRY_STATE_H
#define WEIR_PLAYER_TELEMETRY_STATE_H

#include "player/summary.h"
#include "player/telemetry.h"

struct weir_telemetry_segment {
    uint64_t serial;
    struct weir_summary_segment s;
};

struct weir_telemetry_level {
    int64_t at_us, buffer_us;
};

struct weir_telemetry {
    struct weir_telemetry_params params;
    char *abr, *content, *trace;
    const struct weir_selection *selection;
    enum weir_engine_track main_track; // whose rungs count
    int64_t lowest_bps, highest_bps;   // of the main track's ladder
    struct weir_telemetry_segment *segments;
    size_t segment_count, segment_room;
    struct weir_telemetry_level *levels; // of the buffer, with an event sink
    size_t level_count, level_room;
    int64_t opened_us, playing_since_us, startup_us; // NONE until then
    int64_t stall_began_us, stall_us;
    int64_t stalls, switches, bytes, wasted_bytes, abandoned, errors;
    bool first_frame_seen;
    json_t *warnings;
    uint64_t sum; // with params.record, of the lines so far
};

json_t *weir_telemetry_seconds(int64_t us); // null for NONE
void weir_telemetry_note_buffer(struct weir_telemetry *t, int64_t now_us, int64_t buffer_us);

// The event stream's half; no effect without a sink.
void weir_telemetry_emit_presentation(struct weir_telemetry *t, int64_t now_us,
                                      const struct weir_presentation *p);
void weir_telemetry_emit_response(struct weir_telemetry *t, int64_t now_us,
                                  const struct weir_telemetry_response *r);
void weir_telemetry_emit_report(struct weir_telemetry *t, int64_t now_us,
                                const struct weir_report *r);
void weir_telemetry_emit_first_frame(struct weir_telemetry *t, int64_t shown_at_us,
                                     int64_t media_us);
void weir_telemetry_emit_warning(struct weir_telemetry *t, int64_t now_us,
                                 const struct weir_error *e);
void weir_telemetry_emit_error(struct weir_telemetry *t, int64_t now_us,
                               const struct weir_error *e);
void weir_telemetry_emit_end(struct weir_telemetry *t, int64_t now_us, const char *reason);

#endif
