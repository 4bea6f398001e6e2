// demux/demux.h — segment bytes into packets. Fragmented MP4 is read in place: packets reference
// the segment's slot and nothing is copied. MPEG-TS, packed audio, WebM and whole files go through
// libavformat over the slot; bytes it reassembles are counted as copies.
//
// One weir_demux belongs to one elementary stream's thread and lives as long as that stream. A
// segment that carries sound and pictures is given to two of them, each taking its own.
#ifndef WEIR_DEMUX_H
#define WEIR_DEMUX_H

#include <stdbool.h>
#include <stdint.h>

#include <libavcodec/avcodec.h>

#include <weir/error.h>
#include <weir/log.h>

#include "core/budget.h"
#include "core/clock.h"
#include "core/segment.h"

enum weir_demux_want {
    WEIR_DEMUX_VIDEO,
    WEIR_DEMUX_AUDIO,
};

struct weir_timeline; // demux/timeline.h

// One segment to be read, and how its ticks become presentation time (see struct
// weir_segment_info).
struct weir_media_unit {
    struct weir_segment *media; // referenced by whoever holds the unit
    struct weir_segment *init;  // NULL where media need none; may still be arriving
    uint64_t serial;            // the engine's segment_serial
    size_t period, rung;        // for reports
    int64_t number;
    int64_t start_us, duration_us;
    bool timing_exact;
    int64_t origin_us, offset_ticks, offset_timescale;
    int64_t discontinuity_sequence;
    int64_t clip_start_us, clip_end_us; // packets outside are dropped or marked; NONE: open
    bool discontinuity;                 // decoders are flushed first
    bool whole_file;                    // a plain media file, which can be sought in
    bool gap;                           // nothing to read
};

struct weir_demux_params {
    enum weir_demux_want want;
    int track_choice; // which stream of that kind in a muxed segment, 0 the first (or the default
                      // one)
    // Sleeps until more than `have_bytes` are published or the segment is no longer OPEN. Non-zero:
    // give up (seek, stop); read() then returns WEIR_ERR_CANCELLED. Called on the thread that calls
    // begin() and read().
    int (*wait)(void *ctx, const struct weir_segment *s, size_t have_bytes);
    // Sleeps for a little while a follower waits for the leader's timeline; NULL: demux does so
    // itself, in real time.
    void (*nap)(void *ctx);
    void *wait_ctx;
    struct weir_timeline
        *timeline; // shared by the streams of a session; required for inexact timing
    struct weir_copy_counters *copies; // may be NULL
    struct weir_slots *slots;          // where the segments live; for assertions only, may be NULL
    const struct weir_log *log;
};

// What a decoder must be opened with. Valid until the next begin()/read(); `generation` rises when
// it changed.
struct weir_stream_format {
    const AVCodecParameters *codecpar;
    uint32_t generation;
    int rotation;           // degrees clockwise to turn pictures for display: 0, 90, 180, 270
    const char *encryption; // scheme fourcc ("cenc", "cbcs") of protected samples, NULL when clear
};

struct weir_demux;

int weir_demux_create(const struct weir_demux_params *params, struct weir_demux **out);
void weir_demux_destroy(struct weir_demux **d);

// Start on the next segment; the unit is copied, its segments referenced until the next begin() or
// reset(). Waits for the init segment and the first bytes. 0; END: the segment carries no stream of
// this kind; SYNTAX, UNSUPPORTED, TOO_BIG, CANCELLED with `error` naming URL-less place ("segment
// 12, box trun at byte 840") and reason.
int weir_demux_begin(struct weir_demux *d, const struct weir_media_unit *unit,
                     struct weir_error *error);
// The next packet (what `pkt` held before is unreferenced): pts, dts and duration in microseconds
// on the presentation timeline (time_base 1/1000000), flags, side data (skip samples, new extradata
// when the parameters changed mid-stream). pkt->buf references the segment's slot (fMP4) or
// libavformat's buffer (counted). The caller owns the reference. 0; END: segment finished; SYNTAX:
// damaged here (the next read() goes on behind the damage where that is possible, else END);
// CANCELLED.
int weir_demux_read(struct weir_demux *d, AVPacket *pkt, struct weir_error *error);
// Within a file that is one unit (no init segment of its own): go to the key frame at or before
// `target_us`. 0; UNSUPPORTED: the unit is a segment, or the file cannot be sought in (yet);
// CANCELLED and others as read().
int weir_demux_seek(struct weir_demux *d, int64_t target_us);
// Drop what is held; the next unit follows a seek.
void weir_demux_reset(struct weir_demux *d);
const struct weir_stream_format *
weir_demux_format(const struct weir_demux *d); // NULL before the first begin()

#endif
