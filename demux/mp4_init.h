// demux/mp4_init.h — the `moov` of fragmented MP4: which tracks there are, how their ticks count,
// and what their fragments default to. Read in place without allocating, so that the I/O thread's
// playable scan can use it too; decoder parameters are built apart (mp4_codec.c), on the demuxer's
// thread.
#ifndef WEIR_DEMUX_MP4_INIT_H
#define WEIR_DEMUX_MP4_INIT_H

#include <libavcodec/avcodec.h>

#include "demux/box.h"

#define WEIR_MP4_MAX_TRACKS 32
#define WEIR_MP4_MAX_DEPTH  8

// Where a parser stopped and why. `what` is a string constant; NULL while nothing went wrong.
struct weir_mp4_fault {
    uint32_t type;
    size_t at;
    const char *what;
};

// Fill in the fault (may be NULL) and return `code`.
int weir_mp4_fail(struct weir_mp4_fault *f, int code, uint32_t type, size_t at, const char *what);

struct weir_mp4_track {
    uint32_t id;
    enum AVMediaType kind; // VIDEO, AUDIO or UNKNOWN
    bool enabled;          // tkhd flags: the default choice among alternatives
    int64_t timescale;     // > 0
    int64_t
        time_offset; // ticks that the edit list puts before presentation time 0; may be negative
    int rotation;    // degrees clockwise
    uint32_t default_description, default_duration, default_size_bytes, default_flags; // trex
    size_t stsd_body, stsd_end; // 0, 0: absent
    uint32_t sample_count;      // samples listed in the moov itself: not a fragmented track
    // While parsing:
    int64_t edit_empty, edit_media_time; // in movie and media ticks
};

struct weir_mp4_init {
    struct weir_mp4_track tracks[WEIR_MP4_MAX_TRACKS];
    size_t track_count;
    int64_t movie_timescale;
    bool fragmented; // mvex is present and no track lists samples
};

// `moov` must be wholly published. 0, SYNTAX or TOO_BIG with the fault.
int weir_mp4_init_parse(const uint8_t *data, const struct weir_box *moov, struct weir_mp4_init *out,
                        struct weir_mp4_fault *fault);
// The `choice`-th track of a kind (0: the first enabled one, or the first); NULL when there are
// fewer.
const struct weir_mp4_track *weir_mp4_init_track(const struct weir_mp4_init *init,
                                                 enum AVMediaType kind, int choice);

// Decoder parameters of sample description `description` (1-based) of the track: fills `par` (reset
// first) and `encryption` (scheme fourcc, empty when clear). SYNTAX, UNSUPPORTED (a codec not known
// here), NOMEM.
int weir_mp4_codec(const uint8_t *data, const struct weir_mp4_track *t, uint32_t description,
                   AVCodecParameters *par, char encryption[5], struct weir_mp4_fault *fault);

#endif
