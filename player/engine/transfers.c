// player/engine/transfers.c — the life of a transfer: asked for, headers, progress, done,
// cancelled, asked for again. What a failure leads to is decided in failures.c.
#include <assert.h>

#include "core/rational.h"
#include "player/engine/internal.h"

static void emit_fetch(struct weir_engine *e, struct weir_job *j)
{
    j->state = WEIR_JOB_FLYING;
    j->fetch.id = e->next_id++;
    j->fetch.resume = j->unit_bytes > 0;
    j->request_us = e->now_us;
    if (!j->unit_bytes)
        j->unit_request_us = e->now_us;
    j->first_byte_us = WEIR_TIME_NONE;
    j->done_bytes = j->counted_bytes = 0;
    j->total_bytes = -1;
    j->watch = (struct weir_abr_watch){0}; // to be asked at once when it is to look
    weir_engine_emit(e, WEIR_ACTION_FETCH)->fetch = j->fetch;
}

void weir_job_start(struct weir_engine *e, struct weir_job *j)
{
    assert(j->state == WEIR_JOB_IDLE);
    j->fetch.attempt = 0;
    j->unit_bytes = 0;
    j->receiving = false;
    j->playable_us = WEIR_TIME_NONE;
    j->retry_at_us = WEIR_NEVER_US;
    j->tries = 0;
    j->bases_tried = 0;
    emit_fetch(e, j);
}

void weir_job_again(struct weir_engine *e, struct weir_job *j)
{
    j->fetch.attempt++;
    emit_fetch(e, j);
}

void weir_job_cancel(struct weir_engine *e, struct weir_job *j)
{
    if (j->state == WEIR_JOB_FLYING) {
        weir_measure_cancel(e, j);
        weir_engine_emit(e, WEIR_ACTION_CANCEL)->id = j->fetch.id;
    }
    j->state = WEIR_JOB_IDLE;
}

void weir_lane_replace(struct weir_engine *e, struct weir_lane *l, size_t rung, const char *reason)
{
    weir_job_cancel(e, &l->media);
    struct weir_action *a = weir_engine_emit(e, WEIR_ACTION_DISCARD);
    a->discard.track = l->track;
    a->discard.segment_serial = l->next_serial;
    l->planned = true;
    l->plan_rung = rung;
    l->plan_reason = reason;
}

void weir_jobs_wake(struct weir_engine *e)
{
    for (int t = 0; t < WEIR_ENGINE_TRACKS; t++) {
        struct weir_lane *l = &e->lanes[t];
        if (!l->present)
            continue;
        struct weir_job *jobs[] = {&l->media, &l->init, &l->index};
        for (int i = 0; i < 3; i++) {
            if (jobs[i]->state == WEIR_JOB_WAITING && jobs[i]->retry_at_us <= e->now_us)
                weir_job_again(e, jobs[i]);
        }
        weir_watch(e, l); // the time alone may have made a transfer too slow
    }
}

// The job in flight with this id; NULL for one that was cancelled.
static struct weir_job *find(struct weir_engine *e, uint64_t id, struct weir_lane **lane)
{
    for (int t = 0; t < WEIR_ENGINE_TRACKS; t++) {
        struct weir_lane *l = &e->lanes[t];
        struct weir_job *jobs[] = {&l->media, &l->init, &l->index};
        for (int i = 0; i < 3; i++) {
            if (jobs[i]->state == WEIR_JOB_FLYING && jobs[i]->fetch.id == id) {
                *lane = l;
                return jobs[i];
            }
        }
    }
    return NULL;
}

// Bytes never go back, whatever the host says.
static void note_bytes(struct weir_engine *e, struct weir_job *j, int64_t bytes)
{
    if (bytes > j->done_bytes)
        j->done_bytes = bytes;
    if (j->fetch.kind == WEIR_FETCH_MEDIA && j->receiving)
        weir_measure_bytes(e, j);
}

static void note_first_byte(struct weir_engine *e, struct weir_job *j, int64_t at_us)
{
    if (j->first_byte_us != WEIR_TIME_NONE)
        return;
    if (at_us < j->request_us || at_us > e->now_us)
        at_us = e->now_us;
    j->first_byte_us = at_us;
    if (j->fetch.kind == WEIR_FETCH_MEDIA)
        weir_measure_begin(e, j, at_us);
}

static void note_playable(struct weir_job *j, int64_t playable_us)
{
    if (playable_us != WEIR_TIME_NONE &&
        (j->playable_us == WEIR_TIME_NONE || playable_us > j->playable_us))
        j->playable_us = playable_us;
}

void weir_transfer_progress(struct weir_engine *e, const struct weir_engine_event *event)
{
    struct weir_lane *l;
    struct weir_job *j = find(e, event->transfer.id, &l);
    if (!j)
        return;
    bool told = event->kind == WEIR_EVENT_PROGRESS && event->transfer.t_first_byte_us > 0;
    note_first_byte(e, j, told ? event->transfer.t_first_byte_us : e->now_us);
    if (event->kind == WEIR_EVENT_HEADERS) {
        j->total_bytes = event->transfer.bytes;
        return;
    }
    note_bytes(e, j, event->transfer.bytes);
    note_playable(j, event->transfer.playable_until_us);
}

static void complete_media(struct weir_engine *e, struct weir_lane *l)
{
    struct weir_job *j = &l->media;
    int64_t end_us = j->end_us;
    if (j->fetch.info.duration_us <= 0 && j->playable_us > end_us)
        end_us = j->playable_us; // only the media knew
    int64_t bytes = weir_add_sat(j->unit_bytes, j->done_bytes);
    size_t at = (l->ring_first + l->ring_count++) % WEIR_LANE_RING;
    l->ring[at] = (struct weir_buffered){.end_us = end_us, .bytes = bytes};
    l->bytes = weir_add_sat(l->bytes, bytes);
    weir_report_segment(e, l, j);
    l->last_rung = j->fetch.rung;
    l->last_bitrate_bps = l->rungs[j->fetch.rung].bitrate_bps;
    l->next_serial++;
    l->completed++;
    l->skipped = 0;
    l->in_gap = false;
    j->state = WEIR_JOB_IDLE;
    weir_lane_pass(l, j->fetch.rep, j->fetch.index, end_us);
    weir_tell_fetched(e, l, bytes);
}

static void init_ready(struct weir_engine *e, const struct weir_init *init)
{
    e->inits[e->init_next] = init;
    e->init_next = (e->init_next + 1) % e->init_room;
    if (e->init_count < e->init_room)
        e->init_count++;
    for (int t = 0; t < WEIR_ENGINE_TRACKS; t++) {
        struct weir_lane *l = &e->lanes[t];
        if (l->media.state == WEIR_JOB_HELD && l->media.fetch.init == init)
            complete_media(e, l);
    }
}

// Credited first, then told, then sampled: what an algorithm makes of a segment still sees the
// estimates that it was chosen by. (A segment that waits for its init segment is sampled at once.)
static void done_media(struct weir_engine *e, struct weir_lane *l,
                       const struct weir_engine_event *event)
{
    struct weir_job *j = &l->media;
    int64_t at_us = event->transfer.t_last_us;
    note_first_byte(e, j, event->transfer.t_first_byte_us);
    note_bytes(e, j, event->transfer.bytes);
    note_playable(j, event->transfer.playable_until_us);
    j->done_us = at_us < j->first_byte_us || at_us > e->now_us ? e->now_us : at_us;
    j->state = WEIR_JOB_HELD;
    if (weir_init_ready(e, j->fetch.init))
        complete_media(e, l);
    weir_measure_finish(e, l, at_us, event->transfer.from_cache);
}

void weir_transfer_done(struct weir_engine *e, const struct weir_engine_event *event)
{
    struct weir_lane *l;
    struct weir_job *j = find(e, event->transfer.id, &l);
    if (!j)
        return;
    switch (j->fetch.kind) {
    case WEIR_FETCH_MEDIA:
        done_media(e, l, event);
        break;
    case WEIR_FETCH_INIT:
        j->state = WEIR_JOB_IDLE;
        init_ready(e, j->fetch.init);
        break;
    case WEIR_FETCH_INDEX:
        break; // not of use before WEIR_EVENT_INDEX
    }
}

void weir_transfer_failed(struct weir_engine *e, const struct weir_engine_event *event)
{
    struct weir_lane *l;
    struct weir_job *j = find(e, event->transfer.id, &l);
    if (!j)
        return;
    note_bytes(e, j, event->transfer.bytes);
    note_playable(j, event->transfer.playable_until_us);
    weir_measure_cancel(e, j);
    struct weir_failure f = {.err = event->transfer.err ? event->transfer.err : WEIR_ERR_NETWORK,
                             .retryable = event->transfer.retryable,
                             .retry_after_us = event->transfer.retry_after_us};
    weir_job_failed(e, l, j, &f);
}

void weir_transfer_index(struct weir_engine *e, const struct weir_engine_event *event)
{
    struct weir_lane *l;
    struct weir_job *j = find(e, event->index.id, &l);
    if (!j || j->fetch.kind != WEIR_FETCH_INDEX)
        return;
    if (event->index.err) {
        // Unusable as it is: the same server would send the same again.
        struct weir_failure f = {.err = event->index.err};
        weir_job_failed(e, l, j, &f);
        return;
    }
    weir_content_note(e);
    weir_lane_note_sizes(e, l);
    weir_lane_note_view(e, l);
    j->state = WEIR_JOB_IDLE; // where it named a further index, the schedule asks for that
}
