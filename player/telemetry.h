// player/telemetry.h — what happened in a session: the event stream (weir.event/1, docs/events.md)
// and the summary (weir.session/1). Fed by the host with the engine's reports and the transfers'
// facts; used by every host, so that their results compare. One thread. Strings and JSON objects
// are made only when a sink is set.
#ifndef WEIR_PLAYER_TELEMETRY_H
#define WEIR_PLAYER_TELEMETRY_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include <weir/error.h>

#include "player/engine/engine.h"
#include "player/select.h"

struct weir_telemetry;

struct weir_telemetry_params {
    void (*event)(void *ctx, const char *json); // NULL: no event stream
    void *ctx;
    int64_t t0_us;                     // events count from here
    const char *host;                  // "live", "replay", "model"
    const char *abr, *content, *trace; // trace may be NULL
    uint64_t seed;
    bool record; // every line carries a checksum over all up to it
};

// Figures that the host keeps; all from one moment.
struct weir_telemetry_figures {
    int64_t segment_hits, segment_misses, frame_hits, frame_misses, foreign_frames,
        high_water_bytes;
    int64_t copied_net, copied_demux, copied_decode, copied_render;
    int64_t delivered, dropped, repeated;
    int64_t played_us; // media presented, over all stretches between seeks
    int64_t now_us;
};

int weir_telemetry_create(const struct weir_telemetry_params *params, struct weir_telemetry **out);
void weir_telemetry_destroy(struct weir_telemetry **t);

void weir_telemetry_open(struct weir_telemetry *t, int64_t now_us);
// `selection` is borrowed until destroy; warnings of the presentation are taken over.
void weir_telemetry_presentation(struct weir_telemetry *t, int64_t now_us,
                                 const struct weir_presentation *p,
                                 const struct weir_selection *selection);
void weir_telemetry_request(struct weir_telemetry *t, int64_t now_us, const struct weir_fetch *f,
                            const char *url);
void weir_telemetry_request_document(struct weir_telemetry *t, int64_t now_us,
                                     const char *url); // id 0
struct weir_telemetry_response {
    uint64_t id;
    int status, err;
    int64_t bytes, t_request_us, t_first_byte_us, t_last_us;
    bool from_cache;
    const struct weir_error *error; // failed transfers
};
void weir_telemetry_response(struct weir_telemetry *t, int64_t now_us,
                             const struct weir_telemetry_response *r);
void weir_telemetry_report(struct weir_telemetry *t, int64_t now_us, const struct weir_report *r);
void weir_telemetry_first_frame(struct weir_telemetry *t, int64_t shown_at_us, int64_t media_us);
// What was decided for media from here on was never played (a seek away, a stop): decisions forget
// it.
void weir_telemetry_cut(struct weir_telemetry *t, int64_t media_us);
void weir_telemetry_started(struct weir_telemetry *t, int64_t now_us); // the clock began to move
void weir_telemetry_position(struct weir_telemetry *t, int64_t now_us, int64_t media_us,
                             int64_t buffer_us, size_t rung, int64_t dropped);
void weir_telemetry_warning(struct weir_telemetry *t, int64_t now_us, const struct weir_error *e);
void weir_telemetry_error(struct weir_telemetry *t, int64_t now_us, const struct weir_error *e);
void weir_telemetry_end(struct weir_telemetry *t, int64_t now_us, const char *reason);

// A line of the engine's life (player/record.h); takes over `o`.
void weir_telemetry_record(struct weir_telemetry *t, int64_t now_us, const char *event, json_t *o);

// Moments' values for an overlay. The telemetry's thread.
struct weir_telemetry_counts {
    int64_t startup_us; // NONE before playback began
    int64_t stall_count, stall_us, switch_count;
};
struct weir_telemetry_counts weir_telemetry_counts(const struct weir_telemetry *t, int64_t now_us);

// weir.session/1; a new reference, NULL when memory runs out.
json_t *weir_telemetry_summary(const struct weir_telemetry *t,
                               const struct weir_telemetry_figures *f);

#endif
