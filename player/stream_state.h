// player/stream_state.h — what the files of a stream share: stream.c (lifecycle, and what other
// threads call), stream_thread.c (the thread: commands and segments) and stream_output.c (decoding,
// and what comes of it).
#ifndef WEIR_PLAYER_STREAM_STATE_H
#define WEIR_PLAYER_STREAM_STATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "core/spsc.h"
#include "core/wake.h"
#include "player/stream.h"

#define WEIR_STREAM_UNITS        512 // the engine's ring of buffered segments (player/engine/internal.h)
#define WEIR_STREAM_QUEUE_FRAMES 4 // DESIGN: output queue of 3–4

enum weir_stream_command_kind {
    COMMAND_UNIT,
    COMMAND_DISCARD,
    COMMAND_SEEK,
    COMMAND_EOS,
    COMMAND_QUIT,
};

struct weir_stream_command {
    enum weir_stream_command_kind kind;
    bool keep_buffered;
    uint32_t generation;
    uint64_t serial;
    int64_t media_us;
    struct weir_media_unit unit;
};

struct weir_stream {
    struct weir_stream_params params;
    struct weir_wake wake;
    pthread_t thread;
    bool started;
    struct weir_spsc commands; // I/O → stream
    struct weir_spsc notices;  // stream → I/O
    struct weir_spsc pictures; // stream → application
    struct weir_spsc shells;   // application → stream: empty AVFrames
    // The generation in which everything was decoded; UINT32_MAX: not at the end.
    _Atomic uint32_t drained_generation;
    // The thread's own from here down.
    struct weir_demux *demux;
    struct weir_decoder decoder;
    struct weir_media_unit *units; // ring of WEIR_STREAM_UNITS
    size_t unit_first, unit_count;
    struct weir_media_unit current;
    bool has_current, abort_current, quit, eos, seen_media, need_flush, need_drain, previewed;
    uint32_t generation, format_generation;
    int64_t drop_until_us;  // pictures ending at or before it are not shown (seek)
    int64_t unit_first_us;  // earliest media sent to the decoder of the current segment
    int64_t keep_before_us; // while the decoder is drained for a discard: later pictures are not
                            // put out
    int64_t last_pts_us;    // of the last one put out; an overlapping replacement goes on behind it
    bool overlap;           // after a discard: skip what was already put out
    int damages;            // in the current segment
    bool useful;            // something of the current segment was decoded
    bool out_of_room;       // a picture found no slot
    AVFrame *scratch;
    AVPacket *packet;
    int rotation;
};

// --- stream_thread.c ---

void *weir_stream_main(void *stream); // of pthread_create
// The one place where the thread sleeps: for commands, bytes and returned pictures.
void weir_stream_sleep(struct weir_stream *s, int64_t timeout_us);
enum weir_pace_role weir_stream_role(const struct weir_stream *s);
void weir_stream_release_unit(struct weir_media_unit *u);
struct weir_media_unit *weir_stream_unit_at(struct weir_stream *s, size_t i);
// Take the commands that came; whether what is being done has to be left off.
bool weir_stream_interrupted(struct weir_stream *s);
// struct weir_demux_params.wait
int weir_stream_wait_for_bytes(void *ctx, const struct weir_segment *segment, size_t have_bytes);
void weir_stream_notify(struct weir_stream *s, struct weir_notice *n);
void weir_stream_notify_error(struct weir_stream *s, enum weir_notice_kind kind,
                              const struct weir_error *error);
void weir_stream_notify_damage(struct weir_stream *s, const struct weir_error *error);
void weir_stream_report_damage(struct weir_stream *s, const char *why);

// --- stream_output.c ---

// The decoder follows the stream's format. 0, or the error that makes the stream unplayable.
int weir_stream_follow_format(struct weir_stream *s, struct weir_error *error);
void weir_stream_decode(struct weir_stream *s); // the packet that was read
// Everything the decoder holds comes out; it is ready for new packets afterwards.
void weir_stream_drain(struct weir_stream *s);

#endif
