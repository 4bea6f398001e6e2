// player/engine/internal.h — the engine's state, shared by its event handlers and by nobody else. A
// *lane* is one track's way from "next segment" to "played": its place on the timeline, its
// transfers (*jobs*), and what it has buffered. One block of memory holds all of it; handlers
// change it and append actions, and never call each other in circles: events → transfers, failures,
// seek, playback; then schedule and playback until nothing changes.
#ifndef WEIR_PLAYER_ENGINE_INTERNAL_H
#define WEIR_PLAYER_ENGINE_INTERNAL_H

#include "abr/estimate.h"
#include "core/rng.h"
#include "player/engine/engine.h"

// Complete segments remembered per lane until the playhead has passed them; a full ring delays the
// next fetch.
#define WEIR_LANE_RING 512

#define WEIR_NEVER_US INT64_MAX

enum weir_job_state {
    WEIR_JOB_IDLE,
    WEIR_JOB_FLYING,  // asked for
    WEIR_JOB_WAITING, // failed; asked for again at retry_at_us
    WEIR_JOB_HELD,    // MEDIA: complete, but its init segment is not
};

struct weir_job {
    enum weir_job_state state;
    struct weir_fetch fetch; // as last asked for
    int64_t end_us;          // MEDIA: where its segment ends
    int64_t request_us, first_byte_us;
    int64_t unit_request_us;         // MEDIA: of the first of the transfers that this one resumes
    int64_t done_us;                 // HELD: when its last byte came
    int64_t done_bytes, total_bytes; // of this transfer; total -1: not declared
    int64_t unit_bytes;              // MEDIA: of the transfers that this one resumes
    int64_t counted_bytes;           // of done_bytes, already in the busy interval
    bool receiving;                  // part of the busy interval
    int64_t playable_us;             // MEDIA: decodable up to here; WEIR_TIME_NONE unknown
    int64_t retry_at_us;
    int tries;          // failed ones at this base
    size_t bases_tried; // before this one
    struct weir_abr_watch watch;
};

struct weir_buffered {
    int64_t end_us, bytes;
};

// A segment of a representation, as the lane's next one. rep NULL: no index is known yet, start_us
// is a guess.
struct weir_place {
    struct weir_representation *rep;
    int64_t index;
    struct weir_segment_info info;
    int64_t start_us, end_us, duration_us; // end clipped to the period; duration 0 unknown
};

struct weir_lane {
    enum weir_engine_track track;
    struct weir_abr *abr;
    bool present; // false: no such track, or it turned out to carry nothing
    bool eos;

    // Where the next segment is. Moves on only when a segment is complete or skipped, so that
    // giving a transfer up needs no way back.
    size_t period;
    int64_t period_end_us; // WEIR_TIME_NONE: until the segments end
    bool fresh;            // the next segment is the first after a start, seek or change of period
    const struct weir_representation *next_rep;
    int64_t next_index; // in next_rep
    int64_t end_us;     // media are complete (or given up) to here
    uint64_t next_serial;
    // That segment, in place.rep, as long as `placed`: looked up once, and again only when the lane
    // goes on or an index changes.
    struct weir_place place;
    bool placed;

    int64_t aimed_us; // position of the start or last seek
    int64_t first_us; // where its first segment starts; WEIR_TIME_NONE before one was asked for
    int64_t last_duration_us;
    int64_t index_base;    // segments in the periods before
    int64_t segment_count; // in all periods, -1 unknown; as of the last weir_content_note()
    int64_t completed;     // segments, since create

    struct weir_ladder ladder;                 // of `period`
    struct weir_rung *rungs;                   // its storage
    const struct weir_engine_rungs *rungs_now; // the representations behind it
    // Sizes of all rungs of `ladder` in one table, where the indexes have it so; else NULL.
    const int64_t *sizes;
    int64_t size_rows;
    bool *dead;       // rungs of `period` that cannot be used
    bool *tried;      // rungs that failed for the next segment
    size_t last_rung; // of the segment before
    int64_t last_bitrate_bps;

    struct weir_abr_observation seen; // what the algorithm is shown; kept, as much of it stays

    bool planned; // a rung is chosen for the next segment
    size_t plan_rung;
    const char *plan_reason;
    int64_t
        wait_level_us; // the algorithm wants no fetch above this level; WEIR_NEVER_US: no such wish
    int64_t full_since_us; // held back by buffer_max since then; WEIR_TIME_NONE: not
    int64_t recheck_us;    // playhead position at which a fetch may become possible

    struct weir_job media, init, index;
    size_t base; // alternative base URL in use
    int skipped; // segments given up in a row
    bool in_gap; // the segment before was a listed gap

    uint64_t bad_serial; // last segment reported as bad
    int bad_run, bad_total;
    int bad_err;

    struct weir_buffered *ring; // WEIR_LANE_RING of them
    size_t ring_first, ring_count;
    int64_t bytes;
};

// Time during which at least one media transfer was receiving.
struct weir_busy {
    bool open;
    int64_t start_us, closed_us;
    int64_t bytes, latency_us;
    int receiving, begun, finished;
};

struct weir_engine {
    struct weir_engine_params params;
    const struct weir_engine_content *content;
    size_t rung_room, init_room;    // sizes of the arrays at the end of the block
    const struct weir_init **inits; // fetched, oldest overwritten first
    size_t init_count, init_next;

    int64_t content_end_us; // WEIR_TIME_NONE unknown; as of the last weir_content_note()

    int64_t now_us;
    enum weir_engine_state state;
    bool paused;
    int rate_permille;
    // The playhead: raw_us at now_us, moving while PLAYING. shown_us never goes back but by a seek.
    int64_t raw_us, shown_us;
    int64_t wait_since_us; // of STARTING and STALLED
    bool seeking;          // STARTING because of a seek
    bool doomed; // nothing more can be fetched: play what there is, then end with doom_err
    int doom_err;
    uint64_t doom_id;

    uint64_t next_id;
    int64_t timer_us;
    struct weir_rng rng;
    bool held;
    size_t held_rung;

    struct weir_estimate estimate;
    struct weir_throughput_sample last_sample;
    struct weir_busy busy;

    struct weir_lane lanes[WEIR_ENGINE_TRACKS];
    struct weir_actions *out; // of the step in progress
};

// engine.c
struct weir_action *weir_engine_emit(struct weir_engine *e, enum weir_action_kind kind);
void weir_engine_end(struct weir_engine *e, int err, uint64_t id);

// periods.c
void weir_lane_aim(struct weir_engine *e, struct weir_lane *l, int64_t at_us);
// The next segment in `rep` (whose index is READY). False: rep has none left in this period.
bool weir_lane_place(const struct weir_lane *l, struct weir_representation *rep,
                     struct weir_place *out);
// Make l->place the next segment at this rung (whose index is READY). False: as above.
bool weir_lane_settle(const struct weir_engine *e, struct weir_lane *l, size_t rung);
// The same in whatever representation is known, entering later periods; with none, a guess. False:
// there is none.
bool weir_lane_locate(struct weir_engine *e, struct weir_lane *l);
// Go on behind this segment.
void weir_lane_pass(struct weir_lane *l, const struct weir_representation *rep, int64_t index,
                    int64_t end_us);
// After an index was loaded, or another ladder came into force.
void weir_lane_note_sizes(const struct weir_engine *e, struct weir_lane *l);
// What is known of the whole content, once more: when it begins, and after an index was loaded.
void weir_content_note(struct weir_engine *e);

// schedule.c
void weir_schedule(struct weir_engine *e);
bool weir_init_ready(const struct weir_engine *e, const struct weir_init *init);

// decide.c
// Plans the rung of the next segment, if none is yet. False: the algorithm wants to wait.
bool weir_decide(struct weir_engine *e, struct weir_lane *l);
void weir_lane_note_view(const struct weir_engine *e, struct weir_lane *l);
void weir_watch(struct weir_engine *e, struct weir_lane *l);
// The lane's media job is complete and credited.
void weir_tell_fetched(struct weir_engine *e, struct weir_lane *l, int64_t bytes);
void weir_tell_sampled(struct weir_engine *e, const struct weir_throughput_sample *s);
// The best usable rung at or near `wanted`: lower ones first. WEIR_RUNG_NONE: none. `untried`: only
// those that have not failed for this segment.
size_t weir_lane_usable_rung(const struct weir_lane *l, size_t wanted, bool untried);
int64_t weir_expected_bytes(const struct weir_representation *rep, const struct weir_place *place);

// transfers.c
// Ask for j->fetch, which the caller has filled but for what tells the attempts apart.
void weir_job_start(struct weir_engine *e, struct weir_job *j);
void weir_job_again(struct weir_engine *e, struct weir_job *j);
void weir_job_cancel(struct weir_engine *e, struct weir_job *j);
void weir_lane_replace(struct weir_engine *e, struct weir_lane *l, size_t rung, const char *reason);
void weir_jobs_wake(struct weir_engine *e); // those whose retry time has come
void weir_transfer_progress(struct weir_engine *e, const struct weir_engine_event *event);
void weir_transfer_done(struct weir_engine *e, const struct weir_engine_event *event);
void weir_transfer_failed(struct weir_engine *e, const struct weir_engine_event *event);
void weir_transfer_index(struct weir_engine *e, const struct weir_engine_event *event);

// measure.c
void weir_measure_begin(struct weir_engine *e, struct weir_job *j, int64_t at_us);
void weir_measure_bytes(struct weir_engine *e, struct weir_job *j);
void weir_measure_finish(struct weir_engine *e, struct weir_lane *l, int64_t at_us,
                         bool from_cache);
void weir_measure_cancel(struct weir_engine *e, struct weir_job *j);

// failures.c
struct weir_failure {
    int err;
    bool retryable;
    int64_t retry_after_us;
};
void weir_job_failed(struct weir_engine *e, struct weir_lane *l, struct weir_job *j,
                     const struct weir_failure *f);
void weir_engine_doom(struct weir_engine *e, int err, uint64_t id);
void weir_bad_media(struct weir_engine *e, struct weir_lane *l, uint64_t serial, int err);
// An error for the end of a session of which no segment at all could be used, or 0.
int weir_bad_verdict(const struct weir_engine *e);

// playback.c
void weir_playback_sync(struct weir_engine *e, int64_t now_us);
int64_t weir_playback_raw_us(const struct weir_engine *e, int64_t now_us);
int64_t weir_playback_playable_us(const struct weir_engine *e);
bool weir_playback_update(struct weir_engine *e); // whether the state changed
void weir_playback_drop_played(struct weir_engine *e);
void weir_playback_correct(struct weir_engine *e, int64_t media_us);
void weir_playback_pause(struct weir_engine *e, bool paused);
void weir_playback_timer(struct weir_engine *e);
void weir_playback_drained(struct weir_engine *e);

// seek.c
void weir_seek(struct weir_engine *e, int64_t media_us);
int64_t weir_seek_clamp(const struct weir_engine *e, int64_t media_us);

// report.c: nothing is emitted where the host wants no reports.
void weir_report_decision(struct weir_engine *e, const struct weir_lane *l,
                          const struct weir_fetch *fetch);
void weir_report_segment(struct weir_engine *e, const struct weir_lane *l,
                         const struct weir_job *j);
void weir_report_abandon(struct weir_engine *e, const struct weir_lane *l, size_t to_rung);
void weir_report_playback(struct weir_engine *e, enum weir_report_kind kind, int64_t duration_us);
void weir_report_retry(struct weir_engine *e, const struct weir_job *j, int err);
void weir_report_failover(struct weir_engine *e, const struct weir_job *j);
void weir_report_warning(struct weir_engine *e, const struct weir_lane *l, uint64_t serial, int err,
                         const char *reason);

static inline int64_t weir_engine_bps(const struct weir_engine *e)
{
    return (int64_t)(weir_estimate_throughput_bps(&e->estimate) + 0.5);
}

static inline int64_t weir_engine_latency_us(const struct weir_engine *e)
{
    return (int64_t)(weir_estimate_latency_us(&e->estimate) + 0.5);
}

static inline int64_t weir_playback_head_us(const struct weir_engine *e)
{
    return e->shown_us;
}

static inline int64_t weir_lane_level_us(const struct weir_engine *e, const struct weir_lane *l)
{
    return l->end_us > e->shown_us ? l->end_us - e->shown_us : 0;
}

static inline const struct weir_engine_rungs *weir_lane_rungs(const struct weir_engine *e,
                                                              const struct weir_lane *l)
{
    return &e->content->periods[l->period].tracks[l->track];
}

static inline bool weir_job_busy(const struct weir_job *j)
{
    return j->state != WEIR_JOB_IDLE;
}

// Where the segment after all that was asked for starts.
static inline int64_t weir_lane_next_us(const struct weir_lane *l)
{
    return weir_job_busy(&l->media) ? l->media.end_us : l->end_us;
}

#endif
