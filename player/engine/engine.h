// player/engine/engine.h — the engine: a deterministic state machine that decides what to fetch, at
// which rung, when to start, stall, resume, retry, fail over, seek and end. Events and the time go
// in, actions come out; it has no socket, thread, file, clock or random source. The live, replay
// and model hosts run this same code.
//
// Times are int64_t microseconds: `now_us` from any fixed origin, media times on the presentation
// timeline. Equal params and equal sequences of (now_us, event) give equal actions, bit for bit, on
// any machine. Thread-safety: one thread at a time per engine; engines are independent.
#ifndef WEIR_PLAYER_ENGINE_H
#define WEIR_PLAYER_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/error.h>

#include "abr/abr.h"
#include "manifest/presentation.h"

// The tracks an engine keeps in step. Sound carried inside video representations has no track of
// its own.
enum weir_engine_track {
    WEIR_ENGINE_VIDEO,
    WEIR_ENGINE_AUDIO,
    WEIR_ENGINE_TRACKS,
};

// One track in one period: the representations it may use, by rising bandwidth. count 0: absent
// here.
struct weir_engine_rungs {
    struct weir_representation *const *rungs;
    size_t count;
};

struct weir_engine_period {
    int64_t start_us, end_us; // end WEIR_TIME_NONE: not known until the segments end
    struct weir_engine_rungs tracks[WEIR_ENGINE_TRACKS];
};

// What is to be played: made by player/select.c from a presentation and the user's choices.
// Borrowed by the engine; only the indexes of its representations change while it plays
// (WEIR_EVENT_INDEX says when).
struct weir_engine_content {
    const struct weir_engine_period *periods;
    size_t period_count;
};

struct weir_engine_params {
    struct weir_abr *abr[WEIR_ENGINE_TRACKS]; // required for each track present; borrowed
    int64_t buffer_max_us; // no fetch that would bring a track above this level (default 60 s)
    // Below this level no algorithm's wish to wait is granted (default 0). BOLA's rule for the ends
    // (FINITE) and its pauses hold the buffer of a fresh session at a few seconds; a player would
    // rather have them in hand.
    int64_t wait_floor_us;
    int64_t startup_us;  // playable media before START (default 0: the first picture and sound)
    int64_t resume_us;   // playable media before RESUME (default 2 s)
    int64_t start_at_us; // first position wanted (default 0)
    int64_t end_at_us;   // last position wanted; WEIR_TIME_NONE: the end (default)
    int64_t memory_limit_bytes; // bound on buffered segments; 0: none (default)
    bool abandon;               // let the algorithm abandon transfers (default true)
    // The host's clock is not real or virtual time but the pace of its sinks (--untimed): the
    // playhead moves only by WEIR_EVENT_PLAYHEAD, and running dry is no stall.
    bool untimed;
    // What is over in a moment tells of the line as well as anything (default false: such samples
    // are left out once there are better). For hosts whose network has neither slow start nor
    // scheduling.
    bool small_samples;
    bool report;   // emit REPORT actions (default true)
    uint64_t seed; // of back-off jitter
    // Simulators only, else NULL: shown to the algorithms (weir/abr.h), for those that know the
    // future.
    int64_t (*oracle_done_us)(const void *ctx, int64_t at_us, int64_t bytes);
    const void *oracle_ctx;
    int max_attempts; // per base URL and rung before the next is tried (default 3)
    int64_t backoff_first_us,
        backoff_max_us; // defaults 250 ms, 8 s; doubled each time, ±25 % jitter
};
struct weir_engine_params weir_engine_params_default(void);

enum weir_fetch_kind {
    WEIR_FETCH_MEDIA,
    WEIR_FETCH_INIT,
    WEIR_FETCH_INDEX, // playlist or sidx of a representation: the host parses it and answers with
                      // WEIR_EVENT_INDEX
};

// What one transfer is for. `segment_serial` names one place in a track's sequence of segments: it
// rises by one per segment played, and stays when that segment is retried or fetched again at
// another rung.
struct weir_fetch {
    uint64_t id; // of the transfer, unique in the session
    enum weir_fetch_kind kind;
    enum weir_engine_track track;
    size_t period, rung;
    struct weir_representation *rep;
    const struct weir_init *init; // INIT: which; MEDIA: the one it needs, or NULL
    int64_t index;                // MEDIA: segment of rep's index
    uint64_t segment_serial;      // MEDIA
    size_t base;                  // which of the alternative base URLs
    int attempt;                  // 0 for the first
    bool resume; // MEDIA: the transfer before it failed part-way: go on behind the bytes already
                 // there
    struct weir_segment_info info; // MEDIA
    int64_t expected_bytes;        // exact or guessed from the bandwidth; 0 unknown
};

enum weir_engine_event_kind {
    WEIR_EVENT_OPEN,    // begin; the first event
    WEIR_EVENT_HEADERS, // transfer.{id,bytes=declared length or -1}
    // transfer.{id,bytes,playable_until_us,t_first_byte_us}; the last counts only in the first
    // event of a transfer, where it lies between request and now; else its first byte came now.
    WEIR_EVENT_PROGRESS,
    WEIR_EVENT_DONE,   // transfer, all members
    WEIR_EVENT_FAILED, // transfer.{id,bytes,err,http_status,retryable,retry_after_us}
    WEIR_EVENT_INDEX, // index: an index fetched with FETCH_INDEX was loaded (err 0) or was unusable
    WEIR_EVENT_PLAYHEAD, // playhead_us: the media time being presented now
    WEIR_EVENT_STREAMS, // media_us: a track turned out to carry nothing (no such stream): forget it
    WEIR_EVENT_BAD_MEDIA, // segment: the demuxer or decoder could not use a segment, or part of it
    WEIR_EVENT_DRAINED,   // everything handed over has been presented
    WEIR_EVENT_PAUSE,
    WEIR_EVENT_PLAY,
    WEIR_EVENT_SEEK,      // media_us: where to
    WEIR_EVENT_RATE,      // rate: playback speed in thousandths
    WEIR_EVENT_HOLD_RUNG, // rung: for the video track (audio without video), from the next segment
                          // on
    WEIR_EVENT_AUTO_RUNG,
    WEIR_EVENT_STOP,
    WEIR_EVENT_TIMER, // the time of the last TIMER action has come
};

struct weir_engine_event {
    enum weir_engine_event_kind kind;
    union {
        struct {
            uint64_t id;
            int64_t bytes; // of this transfer alone, not of those that it resumes
            // End of the media that could be decoded already; NONE unknown.
            int64_t playable_until_us;
            int64_t t_request_us, t_first_byte_us, t_last_us;
            bool from_cache;
            int err, http_status;
            bool retryable;
            int64_t retry_after_us;
        } transfer;
        struct {
            uint64_t id; // of the FETCH_INDEX transfer
            int err;
        } index;
        struct {
            enum weir_engine_track track;
            uint64_t segment_serial;
            int err;
        } segment;
        int64_t media_us;             // SEEK, PLAYHEAD
        enum weir_engine_track track; // STREAMS
        int rate_permille;
        size_t rung;
    };
};

enum weir_action_kind {
    WEIR_ACTION_FETCH,
    WEIR_ACTION_CANCEL,  // id
    WEIR_ACTION_DISCARD, // discard: forget segments handed over, from segment_serial on, of one
                         // track (abandonment, failure)
    WEIR_ACTION_FINISH,  // discard.{track,segment_serial}: this segment will get no more bytes: use
                         // what there is
    WEIR_ACTION_START,   // begin presenting at media_us
    WEIR_ACTION_STALL,   // hold the presentation clock
    WEIR_ACTION_RESUME,
    WEIR_ACTION_PAUSE,
    WEIR_ACTION_PLAY,
    WEIR_ACTION_RATE,
    WEIR_ACTION_SEEK,  // seek: what was handed over before it is stale, except that keep_buffered
                       // lets media at or after media_us be used; nothing before media_us is
                       // presented
    WEIR_ACTION_EOS,   // discard.track: no further segments will come for it
    WEIR_ACTION_END,   // end.err 0: played to the end; else the cause (STOP: CANCELLED)
    WEIR_ACTION_TIMER, // at_us: replaces the timer before it; INT64_MAX: none is needed
    WEIR_ACTION_REPORT,
};

enum weir_report_kind {
    WEIR_REPORT_DECISION, // track, rung, buffer_us, throughput_bps, reason, segment_serial
    WEIR_REPORT_SWITCH,   // track, from, rung, media_us
    WEIR_REPORT_SEGMENT,  // track, number, media_us (start), duration_us, rung, bytes,
                          // segment_serial: complete
    WEIR_REPORT_ABANDON,  // track, id, from, rung, bytes (wasted)
    WEIR_REPORT_PLAYING,
    WEIR_REPORT_STALL,
    WEIR_REPORT_RESUME, // media_us, duration_us (of the wait that ended)
    WEIR_REPORT_SEEK,
    WEIR_REPORT_SEEKED,   // media_us
    WEIR_REPORT_RETRY,    // id, err, attempt, at_us
    WEIR_REPORT_FAILOVER, // track, base
    WEIR_REPORT_WARNING,  // err, reason
};

struct weir_report {
    enum weir_report_kind kind;
    enum weir_engine_track track;
    uint64_t id, segment_serial;
    size_t rung, from, base;
    int64_t number, media_us, duration_us, bytes, buffer_us, throughput_bps, bitrate_bps, at_us;
    int err, attempt;
    const char *reason; // static string
};

// Only the members named for its kind are set.
struct weir_action {
    enum weir_action_kind kind;
    union {
        struct weir_fetch fetch;
        uint64_t id;
        struct {
            enum weir_engine_track track;
            uint64_t segment_serial;
        } discard;
        int64_t media_us;
        struct {
            int64_t media_us;
            bool keep_buffered;
        } seek;
        int rate_permille;
        struct {
            int err;
            uint64_t id; // the transfer that failed last, 0 if none
        } end;
        int64_t at_us;
        struct weir_report report;
    };
};

// More than one step can ever need; the engine asserts so.
#define WEIR_ACTIONS_MAX 48
struct weir_actions {
    size_t count;
    struct weir_action items[WEIR_ACTIONS_MAX];
};

struct weir_engine;

// `params` is copied; `content` is borrowed. 0 and *out, or WEIR_ERR_INVAL / WEIR_ERR_NOMEM /
// WEIR_ERR_LIMIT.
int weir_engine_create(const struct weir_engine_params *params,
                       const struct weir_engine_content *content, struct weir_engine **out);
void weir_engine_destroy(struct weir_engine **e);
// Back to the state after create, with other params and content, without allocating.
int weir_engine_reset(struct weir_engine *e, const struct weir_engine_params *params,
                      const struct weir_engine_content *content);
// Advance by one event. Never blocks, never calls back (but the algorithm's pure functions),
// allocates nothing. 0, or with the engine unchanged WEIR_ERR_INVAL: now_us went back, or the event
// cannot happen in this state. Events of transfers that the engine has cancelled are ignored, not
// errors.
int weir_engine_step(struct weir_engine *e, int64_t now_us, const struct weir_engine_event *event,
                     struct weir_actions *out);

// Hosts that know when bytes will arrive need not tell of every one: the progress of media transfer
// `id`, in bytes, at which the algorithm wants to be asked; INT64_MAX: never, or when the timer
// comes.
int64_t weir_engine_watch_bytes(const struct weir_engine *e, uint64_t id);

enum weir_engine_state {
    WEIR_STATE_IDLE,
    WEIR_STATE_STARTING, // before START, and after a seek
    WEIR_STATE_PLAYING,
    WEIR_STATE_STALLED,
    WEIR_STATE_ENDED,
};

struct weir_engine_status {
    enum weir_engine_state state;
    bool paused;
    int64_t playhead_us;
    int64_t buffer_level_us[WEIR_ENGINE_TRACKS]; // media ahead of the playhead, complete segments
    int64_t playable_until_us;                   // all tracks
    int64_t buffered_bytes;
    int64_t throughput_bps, latency_us; // estimates; 0 before the first sample
    size_t rung[WEIR_ENGINE_TRACKS];    // of the segment last asked for
    bool rung_held;
    int64_t duration_us; // NONE while unknown
};
int64_t weir_engine_throughput_bps(const struct weir_engine *e); // the same without the rest
struct weir_engine_status weir_engine_status(const struct weir_engine *e, int64_t now_us);

#endif
