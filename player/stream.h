// player/stream.h — one elementary stream: a thread that demuxes and decodes the segments handed to
// it and puts pictures into a queue, or sound into weir_audio_out. Commands come from the I/O
// thread through a single-producer ring; what the I/O thread must know goes back the same way;
// pictures go to the application's thread.
#ifndef WEIR_PLAYER_STREAM_H
#define WEIR_PLAYER_STREAM_H

#include <stdbool.h>
#include <stdint.h>

#include <libavutil/frame.h>

#include "core/clock.h"
#include "demux/demux.h"
#include "demux/timeline.h"
#include "player/audio_out.h"
#include "player/decode.h"
#include "player/pace.h"

struct weir_stream;

struct weir_stream_params {
    enum weir_demux_want kind;
    int track_choice;
    struct weir_frame_store *store; // video
    struct weir_audio_out *audio;   // audio
    struct weir_timeline *timeline;
    struct weir_copy_counters *copies;
    struct weir_slots *segment_slots;
    int threads;
    bool untimed;           // nobody waits for the first picture
    struct weir_pace *pace; // NULL: real time
    int64_t start_us,
        end_us; // nothing that ends before start or begins at end or later is put out; NONE: open
    void (*wake_io)(void *ctx);  // the I/O thread should look at notices
    void (*wake_app)(void *ctx); // a picture, or the end, is there
    void *wake_ctx;
    const struct weir_log *log;
};

enum weir_notice_kind {
    WEIR_NOTICE_ABSENT,      // no stream of this kind in the first segment
    WEIR_NOTICE_DAMAGE,      // part of a segment was unusable; playback goes on behind it: error
    WEIR_NOTICE_BAD_MEDIA,   // nothing of a segment was usable
    WEIR_NOTICE_UNSUPPORTED, // cannot be played at all: error
    WEIR_NOTICE_OUTPUT,      // the sound output failed: error
    WEIR_NOTICE_FORMAT,      // the decoder was opened, or opened anew
    WEIR_NOTICE_DRAINED,     // decoded to the end
};

struct weir_notice {
    enum weir_notice_kind kind;
    uint64_t serial; // segment
    struct weir_error error;
    char codec[64];
};

// A decoded picture in the queue. `frame` is a shell of the stream's: hand it back with
// weir_stream_return().
struct weir_stream_picture {
    AVFrame *frame;
    int64_t pts_us, duration_us;
    uint32_t generation;
    int rotation;
};

int weir_stream_create(const struct weir_stream_params *params, struct weir_stream **out);
// Stops the thread and joins it: afterwards nothing is decoded or written. Pictures in the queue
// stay. I/O thread, or whoever comes after it. Twice is once.
void weir_stream_stop(struct weir_stream *s);
// Stops, and frees; pictures taken must have been returned.
void weir_stream_destroy(struct weir_stream **s);

// --- I/O thread ---
struct weir_wake *weir_stream_wake(struct weir_stream *s); // for weir_segment_watch()
void weir_stream_unit(struct weir_stream *s,
                      const struct weir_media_unit *unit); // takes over the unit's references
void weir_stream_discard(struct weir_stream *s, uint64_t from_serial);
void weir_stream_seek(struct weir_stream *s, int64_t media_us, bool keep_buffered,
                      uint32_t generation);
void weir_stream_eos(struct weir_stream *s);
bool weir_stream_notice(struct weir_stream *s, struct weir_notice *out);

// --- application thread ---
bool weir_stream_peek(struct weir_stream *s, struct weir_stream_picture *out); // stays in the queue
void weir_stream_take(struct weir_stream *s, struct weir_stream_picture *out); // after a true peek
void weir_stream_return(struct weir_stream *s, AVFrame *frame);
size_t weir_stream_queued(const struct weir_stream *s); // pictures in the queue
// Decoded to the end and nothing is left in the queue, in this generation. Any thread.
bool weir_stream_drained(const struct weir_stream *s, uint32_t generation);

#endif
