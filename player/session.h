// player/session.h — the live host's insides: one struct weir_player, shared by the files that each
// do one of its jobs:
//   player.c          public API: create, destroy, commands, status (application threads)
//   session_loop.c    the I/O thread: transport and streams in, engine steps, timer
//   session_open.c    URL → presentation → selection → engine
//   session_perform.c   the engine's actions carried out
//   session_transfers.c the transport's events in
//   session_record.c  what the engine heard and did, into the event stream
//   present.c         which picture is due (application thread)
#ifndef WEIR_PLAYER_SESSION_H
#define WEIR_PLAYER_SESSION_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include <weir/player.h>

#include "core/spsc.h"
#include "core/wake.h"
#include "demux/playable.h"
#include "net/transport.h"
#include "player/audio_out.h"
#include "player/engine/engine.h"
#include "player/inject.h"
#include "player/playclock.h"
#include "player/record.h"
#include "player/select.h"
#include "player/stream.h"
#include "player/telemetry.h"

#define WEIR_FETCHES_MAX  16
#define WEIR_COMMANDS_MAX 32

// A transfer under way, and whose it is.
struct weir_session_fetch {
    bool used;
    struct weir_fetch what;
    struct weir_segment *segment; // one reference
    int64_t had_bytes;            // already in the segment when this transfer began
    char *effective_url;          // INDEX: after redirects
};

// An init segment, fetched once per session.
struct weir_session_init {
    const struct weir_init *init;
    struct weir_segment *segment;
};

// A segment handed to a stream, so that what its demuxer says later can name the URL.
struct weir_session_handed {
    const struct weir_representation *rep;
    int64_t index;
    uint64_t serial;
    size_t base;
};
#define WEIR_HANDED_MAX 64

// A command from the application, as the engine event it becomes.
struct weir_session_command {
    enum weir_engine_event_kind kind;
    int64_t value;
};

struct weir_player {
    struct weir_player_params params; // strings owned
    struct weir_inject inject;
    struct weir_pace *pace; // NULL: real time
    struct weir_clock clock;
    struct weir_budget budget;
    struct weir_copy_counters copies;
    struct weir_segment_pool *segments;
    struct weir_frame_store *frames;
    struct weir_playclock playclock;
    struct weir_timeline *timeline;
    struct weir_audio_out *audio;
    struct weir_stream
        *streams[WEIR_ENGINE_TRACKS]; // by what they decode; created before the I/O thread runs
    struct weir_transport *transport;
    struct weir_telemetry *telemetry;
    struct weir_wake app_wake;
    pthread_t io_thread;
    bool io_started;

    // The I/O thread's own.
    struct weir_presentation *presentation;
    struct weir_selection selection;
    struct weir_abr *abr[WEIR_ENGINE_TRACKS];
    bool abr_fault_told[WEIR_ENGINE_TRACKS];
    struct weir_engine *engine;
    struct weir_actions actions;
    struct weir_record_names names; // with inject.record
    struct weir_session_fetch fetches[WEIR_FETCHES_MAX];
    struct weir_session_init *inits;
    size_t init_count, init_room;
    struct weir_session_fetch
        media[WEIR_ENGINE_TRACKS]; // last unit handed to each track: a retry goes on in it
    struct weir_session_handed handed[WEIR_ENGINE_TRACKS][WEIR_HANDED_MAX]; // by serial, the latest
    struct weir_playable *playable[WEIR_ENGINE_TRACKS];
    struct weir_segment *document; // the manifest while it is read
    char *document_url;
    bool file_url_given;             // the user named a local file: it may name its neighbours
    struct weir_segment *whole_file; // a plain media file, complete or still arriving
    uint64_t whole_transfer,
        whole_fetch; // the transport's id of its transfer (0: none runs), the engine's
    struct weir_engine_event
        pending[WEIR_FETCHES_MAX]; // events of the host's own making, for after this step
    size_t pending_count;
    int64_t timer_at_us, last_position_event_us, last_playhead_us;
    int64_t stretch_start_us, played_before_us; // of media presented, see weir_telemetry_figures
    int64_t positions_delivered;                // pictures delivered at the last position event
    bool stream_ended[WEIR_ENGINE_TRACKS], stream_absent[WEIR_ENGINE_TRACKS];
    bool drained_sent, engine_ended;
    // The first failure since a track's last good segment: the cause when the engine gives up.
    struct weir_error failure[WEIR_ENGINE_TRACKS];
    int deferred_end; // the engine gave up, and what it had handed over is still being played

    // Written by the I/O thread, read by the application's.
    _Atomic uint32_t generation;     // of pictures wanted; rises at a seek
    _Atomic int64_t present_from_us; // pictures ending before it are not shown
    // Written by the application's thread.
    _Atomic int64_t delivered, dropped;
    _Atomic int64_t shown_end_us; // end of the picture given last; NONE before
    _Atomic int64_t first_shown_at_us, first_shown_pts_us; // NONE before
    int64_t last_wake_media_us; // application thread: untimed wake-ups of the I/O thread

    pthread_mutex_t lock;
    // Protected by lock from here down.
    struct weir_session_command commands[WEIR_COMMANDS_MAX];
    size_t command_count;
    bool stop_requested;
    bool clock_running; // as last told to the playclock
    bool start_pending; // START came; the clock begins when the pictures are ready (present.c)
    bool first_ready;   // the first picture of ready_generation was shown
    uint32_t ready_generation;
    int64_t start_media_us, ready_pts_us;
    bool clock_started_event; // telemetry has to note that the clock began
    int64_t clock_started_at_us;
    bool over; // ended, failed or stopped
    struct weir_error error;
    struct weir_player_status status;
    struct weir_telemetry_figures figures;
    struct weir_telemetry_counts counts;
};

// session_open.c, I/O thread. Fetch and read the manifest, choose tracks, create the engine. 0 when
// the engine was created; CANCELLED; or the error, in `error`.
int weir_session_open(struct weir_player *p, struct weir_error *error);
void weir_session_close(struct weir_player *p);

// session_perform.c, I/O thread.
void weir_session_step(struct weir_player *p,
                       const struct weir_engine_event *event); // step and perform
struct weir_session_fetch *weir_session_find_fetch(struct weir_player *p,
                                                   uint64_t id); // NULL: none runs
void weir_session_transfer_event(struct weir_player *p, const struct weir_transfer_event *t);
void weir_session_release_fetch(struct weir_session_fetch *f);
// End with this cause.
void weir_session_fail(struct weir_player *p, const struct weir_error *error);
// The engine's END, once everything was played.
void weir_session_end(struct weir_player *p, int err);
// A failure of this track, unless one is noted already.
void weir_session_note_failure(struct weir_player *p, enum weir_engine_track track,
                               const struct weir_error *e);

// session_record.c: no effect unless it was asked for.
int weir_session_record_engine(struct weir_player *p, const struct weir_engine_params *params);
void weir_session_record_index(struct weir_player *p, const struct weir_representation *rep);
void weir_session_record_step(struct weir_player *p, int64_t at_us,
                              const struct weir_engine_event *event);

// session_loop.c
// No further segments will come for any stream that is there: what they have plays out.
bool weir_session_all_ended(const struct weir_player *p);
void *weir_session_main(void *player);
bool weir_session_stopping(struct weir_player *p); // any thread
struct weir_telemetry_figures weir_session_figures(struct weir_player *p);

// present.c: START, from the I/O thread: the clock begins when pictures are ready, or now where
// there are none to wait for.
void weir_present_start(struct weir_player *p, int64_t media_us);
void weir_present_seek(struct weir_player *p, int64_t media_us, bool keep_buffered);

#endif
