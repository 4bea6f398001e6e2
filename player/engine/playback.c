// player/engine/playback.c — the playhead and the playback state: start, stall, resume, pause, end,
// and the one timer that wakes the engine for the next of them. Decisions to fetch count whole
// segments; START, STALL and RESUME count what is playable, down to the part of a segment that has
// arrived.
#include "core/rational.h"
#include "player/engine/internal.h"

static bool is_moving(const struct weir_engine *e)
{
    return e->state == WEIR_STATE_PLAYING && !e->paused && !e->params.untimed;
}

// Media played in so much time, and the time so much media take.
static int64_t media_in(const struct weir_engine *e, int64_t time_us)
{
    return e->rate_permille == 1000 ? time_us : weir_rescale(time_us, e->rate_permille, 1000);
}

static int64_t time_for(const struct weir_engine *e, int64_t media_us)
{
    if (e->rate_permille == 1000)
        return media_us;
    int64_t time_us = weir_rescale(media_us, 1000, e->rate_permille);
    return media_in(e, time_us) < media_us ? time_us + 1 : time_us;
}

static int64_t lane_playable_us(const struct weir_engine *e, const struct weir_lane *l)
{
    const struct weir_job *j = &l->media;
    if (l->eos && !e->doomed)
        return WEIR_NEVER_US;
    if (!weir_job_busy(j) || j->playable_us == WEIR_TIME_NONE || !weir_init_ready(e, j->fetch.init))
        return l->end_us;
    // Only as far as its own segment goes, where that is known.
    int64_t us = j->playable_us;
    if (j->fetch.info.duration_us > 0 && us > j->end_us)
        us = j->end_us;
    return us > l->end_us ? us : l->end_us;
}

int64_t weir_playback_playable_us(const struct weir_engine *e)
{
    int64_t least = WEIR_NEVER_US;
    for (int t = 0; t < WEIR_ENGINE_TRACKS; t++) {
        if (!e->lanes[t].present)
            continue;
        int64_t us = lane_playable_us(e, &e->lanes[t]);
        if (us < least)
            least = us;
    }
    return least;
}

static int64_t capped(const struct weir_engine *e, int64_t us)
{
    int64_t cap_us = weir_playback_playable_us(e);
    if (cap_us == WEIR_NEVER_US) {
        cap_us = e->content_end_us;
        if (cap_us == WEIR_TIME_NONE)
            return us;
    }
    return us < cap_us ? us : cap_us;
}

int64_t weir_playback_raw_us(const struct weir_engine *e, int64_t now_us)
{
    if (!is_moving(e) || now_us <= e->now_us)
        return e->raw_us;
    int64_t moved_us = capped(e, weir_add_sat(e->raw_us, media_in(e, now_us - e->now_us)));
    return moved_us > e->raw_us ? moved_us : e->raw_us;
}

// Brings the playhead up to the time of the event, by what was known before it.
void weir_playback_sync(struct weir_engine *e, int64_t now_us)
{
    if (e->state != WEIR_STATE_IDLE)
        e->raw_us = weir_playback_raw_us(e, now_us);
    if (e->raw_us > e->shown_us)
        e->shown_us = e->raw_us;
    e->now_us = now_us;
}

void weir_playback_drop_played(struct weir_engine *e)
{
    for (int t = 0; t < WEIR_ENGINE_TRACKS; t++) {
        struct weir_lane *l = &e->lanes[t];
        while (l->ring_count && l->ring[l->ring_first].end_us <= e->shown_us) {
            l->bytes -= l->ring[l->ring_first].bytes;
            l->ring_first = (l->ring_first + 1) % WEIR_LANE_RING;
            l->ring_count--;
        }
    }
}

// The host knows best where its clock is. What was shown does not go back: it waits for the clock
// to catch up.
void weir_playback_correct(struct weir_engine *e, int64_t media_us)
{
    if (e->state != WEIR_STATE_PLAYING && e->state != WEIR_STATE_STALLED)
        return; // from before a seek
    int64_t us = capped(e, media_us);
    if (e->state == WEIR_STATE_STALLED && us < e->raw_us)
        return;
    e->raw_us = us;
    if (us > e->shown_us)
        e->shown_us = us;
}

void weir_playback_pause(struct weir_engine *e, bool paused)
{
    if (e->paused == paused)
        return;
    e->paused = paused;
    weir_engine_emit(e, paused ? WEIR_ACTION_PAUSE : WEIR_ACTION_PLAY);
}

// Nothing in flight after the schedule had its turn: buffer and memory bounds allow no more.
static bool is_full(const struct weir_engine *e)
{
    for (int t = 0; t < WEIR_ENGINE_TRACKS; t++) {
        const struct weir_lane *l = &e->lanes[t];
        if (weir_job_busy(&l->media) || weir_job_busy(&l->init) || weir_job_busy(&l->index) ||
            l->recheck_us == INT64_MIN)
            return false;
    }
    return true;
}

static bool enough(const struct weir_engine *e, int64_t from_us, int64_t wanted_us)
{
    int64_t playable_us = weir_playback_playable_us(e);
    if (playable_us == WEIR_NEVER_US)
        return true;
    if (playable_us <= from_us)
        return false;
    return playable_us - from_us >= wanted_us || e->doomed || is_full(e);
}

// Where playback can begin: the position, or where the first media are if they start later.
static int64_t start_us(const struct weir_engine *e)
{
    int64_t first_us = INT64_MAX;
    for (int t = 0; t < WEIR_ENGINE_TRACKS; t++) {
        const struct weir_lane *l = &e->lanes[t];
        if (l->present && l->first_us != WEIR_TIME_NONE && l->first_us < first_us)
            first_us = l->first_us;
    }
    return first_us != INT64_MAX && first_us > e->raw_us ? first_us : e->raw_us;
}

static bool try_start(struct weir_engine *e)
{
    int64_t from_us = start_us(e);
    if (!e->params.untimed && !enough(e, from_us, e->params.startup_us)) {
        if (e->doomed)
            weir_engine_end(e, e->doom_err, e->doom_id);
        return false;
    }
    e->state = WEIR_STATE_PLAYING;
    e->raw_us = e->shown_us = from_us;
    weir_engine_emit(e, WEIR_ACTION_START)->media_us = from_us;
    weir_report_playback(e, e->seeking ? WEIR_REPORT_SEEKED : WEIR_REPORT_PLAYING,
                         e->now_us - e->wait_since_us);
    e->seeking = false;
    return true;
}

static bool try_stall(struct weir_engine *e)
{
    if (e->params.untimed || e->raw_us < weir_playback_playable_us(e))
        return false;
    if (e->doomed) {
        weir_engine_end(e, e->doom_err, e->doom_id);
        return false;
    }
    if (e->paused)
        return false; // nobody notices; PLAY will tell
    e->state = WEIR_STATE_STALLED;
    e->wait_since_us = e->now_us;
    weir_engine_emit(e, WEIR_ACTION_STALL);
    weir_report_playback(e, WEIR_REPORT_STALL, 0);
    return true;
}

static bool try_resume(struct weir_engine *e)
{
    if (!enough(e, e->raw_us, e->params.resume_us)) {
        if (e->doomed)
            weir_engine_end(e, e->doom_err, e->doom_id);
        return false;
    }
    e->state = WEIR_STATE_PLAYING;
    weir_engine_emit(e, WEIR_ACTION_RESUME);
    weir_report_playback(e, WEIR_REPORT_RESUME, e->now_us - e->wait_since_us);
    return true;
}

bool weir_playback_update(struct weir_engine *e)
{
    switch (e->state) {
    case WEIR_STATE_STARTING:
        return try_start(e);
    case WEIR_STATE_PLAYING:
        return try_stall(e);
    case WEIR_STATE_STALLED:
        return try_resume(e);
    case WEIR_STATE_IDLE:
    case WEIR_STATE_ENDED:
        break;
    }
    return false;
}

void weir_playback_drained(struct weir_engine *e)
{
    if (e->state != WEIR_STATE_PLAYING && e->state != WEIR_STATE_STALLED)
        return; // from before a seek
    for (int t = 0; t < WEIR_ENGINE_TRACKS; t++) {
        if (e->lanes[t].present && !e->lanes[t].eos)
            return;
    }
    if (e->doomed)
        weir_engine_end(e, e->doom_err, e->doom_id);
    else
        weir_engine_end(e, weir_bad_verdict(e), 0);
}

// When the playhead, moving on as it does, reaches a media time.
static int64_t time_of_us(const struct weir_engine *e, int64_t media_us)
{
    if (media_us == WEIR_NEVER_US || !is_moving(e))
        return WEIR_NEVER_US;
    if (media_us <= e->raw_us)
        return e->now_us;
    return weir_add_sat(e->now_us, time_for(e, media_us - e->raw_us));
}

static int64_t earlier(int64_t a_us, int64_t b_us)
{
    return a_us < b_us ? a_us : b_us;
}

static int64_t lane_timer_us(const struct weir_engine *e, const struct weir_lane *l)
{
    int64_t at_us = WEIR_NEVER_US;
    const struct weir_job *jobs[] = {&l->media, &l->init, &l->index};
    for (int i = 0; i < 3; i++) {
        if (jobs[i]->state == WEIR_JOB_WAITING)
            at_us = earlier(at_us, jobs[i]->retry_at_us);
    }
    const struct weir_job *j = &l->media;
    // Once it is late enough, only bytes can make it time to look.
    int64_t look_us = weir_add_sat(j->request_us, j->watch.elapsed_us);
    if (j->state == WEIR_JOB_FLYING && !j->unit_bytes && look_us > e->now_us)
        at_us = earlier(at_us, look_us);
    if (l->recheck_us == INT64_MIN)
        return e->now_us;
    return earlier(at_us, time_of_us(e, l->recheck_us));
}

void weir_playback_timer(struct weir_engine *e)
{
    int64_t at_us = time_of_us(e, weir_playback_playable_us(e));
    for (int t = 0; t < WEIR_ENGINE_TRACKS; t++) {
        if (e->lanes[t].present)
            at_us = earlier(at_us, lane_timer_us(e, &e->lanes[t]));
    }
    if (at_us != WEIR_NEVER_US && at_us <= e->now_us)
        at_us = e->now_us + 1;
    if (at_us == e->timer_us)
        return;
    e->timer_us = at_us;
    weir_engine_emit(e, WEIR_ACTION_TIMER)->at_us = at_us;
}
