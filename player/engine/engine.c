// player/engine/engine.c — the engine's outside: create, reset, and one step: check, dispatch by
// event, then let the schedule and the playback state follow until nothing changes. No event
// handler does I/O or waits.
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/rational.h"
#include "player/engine/internal.h"

#define RATE_MIN_PERMILLE 100
#define RATE_MAX_PERMILLE 16000

struct weir_engine_params weir_engine_params_default(void)
{
    return (struct weir_engine_params){
        .buffer_max_us = 60 * WEIR_SECOND_US,
        .resume_us = 2 * WEIR_SECOND_US,
        .end_at_us = WEIR_TIME_NONE,
        .abandon = true,
        .report = true,
        .max_attempts = 3,
        .backoff_first_us = WEIR_SECOND_US / 4,
        .backoff_max_us = 8 * WEIR_SECOND_US,
    };
}

static bool has_track(const struct weir_engine_content *content, enum weir_engine_track track)
{
    for (size_t p = 0; p < content->period_count; p++) {
        if (content->periods[p].tracks[track].count)
            return true;
    }
    return false;
}

static int check(const struct weir_engine_params *params, const struct weir_engine_content *content)
{
    bool any = false;
    if (!content || !content->period_count || params->buffer_max_us <= 0 ||
        params->startup_us < 0 || params->resume_us < 0 || params->memory_limit_bytes < 0 ||
        params->max_attempts < 1 || params->backoff_first_us < 0 || params->backoff_max_us < 0)
        return WEIR_ERR_INVAL;
    for (int t = 0; t < WEIR_ENGINE_TRACKS; t++) {
        bool has = has_track(content, (enum weir_engine_track)t);
        if (has && !params->abr[t])
            return WEIR_ERR_INVAL;
        any = any || has;
    }
    return any ? 0 : WEIR_ERR_INVAL;
}

static size_t most_rungs(const struct weir_engine_content *content)
{
    size_t most = 1;
    for (size_t p = 0; p < content->period_count; p++) {
        for (int t = 0; t < WEIR_ENGINE_TRACKS; t++) {
            if (content->periods[p].tracks[t].count > most)
                most = content->periods[p].tracks[t].count;
        }
    }
    return most;
}

// Everything but the arrays behind the struct and their sizes starts from zero.
static void fill(struct weir_engine *e, const struct weir_engine_params *params,
                 const struct weir_engine_content *content)
{
    size_t rung_room = e->rung_room;
    size_t init_room = e->init_room;
    memset(e, 0, sizeof(*e));
    e->rung_room = rung_room;
    e->init_room = init_room;
    e->params = *params;
    e->content = content;
    e->now_us = INT64_MIN;
    e->rate_permille = 1000;
    e->timer_us = WEIR_NEVER_US;
    e->next_id = 1;
    weir_rng_seed(&e->rng, params->seed);
    weir_estimate_reset(&e->estimate);

    e->inits = (const struct weir_init **)(e + 1);
    struct weir_buffered *ring = (struct weir_buffered *)(e->inits + init_room);
    struct weir_rung *rungs =
        (struct weir_rung *)(ring + (size_t)WEIR_ENGINE_TRACKS * WEIR_LANE_RING);
    bool *flags = (bool *)(rungs + WEIR_ENGINE_TRACKS * rung_room);
    for (int t = 0; t < WEIR_ENGINE_TRACKS; t++) {
        struct weir_lane *l = &e->lanes[t];
        l->track = (enum weir_engine_track)t;
        l->abr = params->abr[t];
        l->present = has_track(content, l->track);
        l->ring = ring + (size_t)t * WEIR_LANE_RING;
        l->rungs = rungs + (size_t)t * rung_room;
        l->dead = flags + (size_t)t * 2 * rung_room;
        l->tried = l->dead + rung_room;
        l->last_rung = WEIR_RUNG_NONE;
        l->wait_level_us = WEIR_NEVER_US;
        l->recheck_us = WEIR_NEVER_US;
        l->full_since_us = WEIR_TIME_NONE;
        l->bad_serial = UINT64_MAX;
    }
}

static size_t block_bytes(size_t rung_room, size_t init_room)
{
    return sizeof(struct weir_engine) + init_room * sizeof(struct weir_init *) +
           (size_t)WEIR_ENGINE_TRACKS * WEIR_LANE_RING * sizeof(struct weir_buffered) +
           WEIR_ENGINE_TRACKS * rung_room * (sizeof(struct weir_rung) + 2 * sizeof(bool));
}

int weir_engine_create(const struct weir_engine_params *params,
                       const struct weir_engine_content *content, struct weir_engine **out)
{
    *out = NULL;
    int err = check(params, content);
    if (err)
        return err;
    size_t rungs = most_rungs(content);
    if (rungs > 65536)
        return WEIR_ERR_LIMIT;
    // Enough for every rung of both tracks, twice: a playlist may change its init segment now and
    // then.
    size_t inits = 32 + 4 * rungs;
    struct weir_engine *e = calloc(1, block_bytes(rungs, inits));
    if (!e)
        return WEIR_ERR_NOMEM;
    e->rung_room = rungs;
    e->init_room = inits;
    fill(e, params, content);
    *out = e;
    return 0;
}

void weir_engine_destroy(struct weir_engine **e)
{
    free(*e);
    *e = NULL;
}

int weir_engine_reset(struct weir_engine *e, const struct weir_engine_params *params,
                      const struct weir_engine_content *content)
{
    int err = check(params, content);
    if (err)
        return err;
    if (most_rungs(content) > e->rung_room)
        return WEIR_ERR_LIMIT;
    fill(e, params, content);
    return 0;
}

struct weir_action *weir_engine_emit(struct weir_engine *e, enum weir_action_kind kind)
{
    assert(e->out->count < WEIR_ACTIONS_MAX);
    struct weir_action *a = &e->out->items[e->out->count++];
    a->kind = kind;
    return a;
}

void weir_engine_end(struct weir_engine *e, int err, uint64_t id)
{
    for (int t = 0; t < WEIR_ENGINE_TRACKS; t++) {
        weir_job_cancel(e, &e->lanes[t].media);
        weir_job_cancel(e, &e->lanes[t].init);
        weir_job_cancel(e, &e->lanes[t].index);
    }
    struct weir_action *a = weir_engine_emit(e, WEIR_ACTION_END);
    a->end.err = err;
    a->end.id = id;
    e->state = WEIR_STATE_ENDED;
    e->timer_us = WEIR_NEVER_US;
}

static void on_open(struct weir_engine *e)
{
    e->state = WEIR_STATE_STARTING;
    weir_content_note(e);
    e->wait_since_us = e->now_us;
    e->raw_us = e->shown_us = weir_seek_clamp(e, e->params.start_at_us);
    for (int t = 0; t < WEIR_ENGINE_TRACKS; t++) {
        if (!e->lanes[t].present)
            continue;
        weir_abr_reset(e->lanes[t].abr);
        weir_lane_aim(e, &e->lanes[t], e->raw_us);
    }
}

static void on_streams(struct weir_engine *e, enum weir_engine_track track)
{
    struct weir_lane *l = &e->lanes[track];
    weir_job_cancel(e, &l->media);
    weir_job_cancel(e, &l->init);
    weir_job_cancel(e, &l->index);
    l->present = false;
    l->ring_count = 0;
    l->bytes = 0;
    for (int t = 0; t < WEIR_ENGINE_TRACKS; t++) {
        if (e->lanes[t].present)
            return;
    }
    weir_engine_end(e, WEIR_ERR_UNSUPPORTED, 0); // nothing is left to play
}

static void hold_rung(struct weir_engine *e, bool held, size_t rung)
{
    e->held = held;
    e->held_rung = rung;
    struct weir_lane *l =
        &e->lanes[e->lanes[WEIR_ENGINE_VIDEO].present ? WEIR_ENGINE_VIDEO : WEIR_ENGINE_AUDIO];
    l->wait_level_us = WEIR_NEVER_US;
    if (!weir_job_busy(&l->media))
        l->planned = false;
}

static void set_rate(struct weir_engine *e, int rate_permille)
{
    e->rate_permille = rate_permille;
    weir_engine_emit(e, WEIR_ACTION_RATE)->rate_permille = rate_permille;
}

static void dispatch(struct weir_engine *e, const struct weir_engine_event *event)
{
    switch (event->kind) {
    case WEIR_EVENT_OPEN:
        on_open(e);
        break;
    case WEIR_EVENT_HEADERS:
    case WEIR_EVENT_PROGRESS:
        weir_transfer_progress(e, event);
        break;
    case WEIR_EVENT_DONE:
        weir_transfer_done(e, event);
        break;
    case WEIR_EVENT_FAILED:
        weir_transfer_failed(e, event);
        break;
    case WEIR_EVENT_INDEX:
        weir_transfer_index(e, event);
        break;
    case WEIR_EVENT_PLAYHEAD:
        weir_playback_correct(e, event->media_us);
        break;
    case WEIR_EVENT_STREAMS:
        on_streams(e, event->track);
        break;
    case WEIR_EVENT_BAD_MEDIA:
        weir_bad_media(e, &e->lanes[event->segment.track], event->segment.segment_serial,
                       event->segment.err);
        break;
    case WEIR_EVENT_DRAINED:
        weir_playback_drained(e);
        break;
    case WEIR_EVENT_PAUSE:
        weir_playback_pause(e, true);
        break;
    case WEIR_EVENT_PLAY:
        weir_playback_pause(e, false);
        break;
    case WEIR_EVENT_SEEK:
        weir_seek(e, event->media_us);
        break;
    case WEIR_EVENT_RATE:
        set_rate(e, event->rate_permille);
        break;
    case WEIR_EVENT_HOLD_RUNG:
        hold_rung(e, true, event->rung);
        break;
    case WEIR_EVENT_AUTO_RUNG:
        hold_rung(e, false, 0);
        break;
    case WEIR_EVENT_STOP:
        weir_engine_end(e, WEIR_ERR_CANCELLED, 0);
        break;
    case WEIR_EVENT_TIMER:
        e->timer_us = WEIR_NEVER_US; // it is spent; what is still due is asked for anew
        break;
    }
}

static bool can_happen(const struct weir_engine *e, int64_t now_us,
                       const struct weir_engine_event *event)
{
    bool idle = e->state == WEIR_STATE_IDLE;
    if (now_us < e->now_us)
        return false;
    if (event->kind == WEIR_EVENT_OPEN ? !idle : idle && event->kind != WEIR_EVENT_STOP)
        return false;
    if (event->kind == WEIR_EVENT_RATE)
        return event->rate_permille >= RATE_MIN_PERMILLE &&
               event->rate_permille <= RATE_MAX_PERMILLE;
    if (event->kind == WEIR_EVENT_STREAMS)
        return (unsigned)event->track < WEIR_ENGINE_TRACKS;
    if (event->kind == WEIR_EVENT_BAD_MEDIA)
        return (unsigned)event->segment.track < WEIR_ENGINE_TRACKS;
    return true;
}

int weir_engine_step(struct weir_engine *e, int64_t now_us, const struct weir_engine_event *event,
                     struct weir_actions *out)
{
    out->count = 0;
    if (!can_happen(e, now_us, event))
        return WEIR_ERR_INVAL;
    e->out = out;
    weir_playback_sync(e, now_us);
    if (e->state != WEIR_STATE_ENDED)
        dispatch(e, event);
    // A change of the playback state changes what may be fetched, and the end of fetching changes
    // the state.
    for (int turn = 0; turn < 4 && e->state != WEIR_STATE_ENDED; turn++) {
        weir_playback_drop_played(e);
        weir_jobs_wake(e);
        weir_schedule(e);
        if (!weir_playback_update(e))
            break;
    }
    if (e->state != WEIR_STATE_ENDED)
        weir_playback_timer(e);
    e->out = NULL;
    return 0;
}
