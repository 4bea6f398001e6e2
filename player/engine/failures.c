// player/engine/failures.c — what a failure leads to, in one place. A transfer: again after a
// seeded back-off, at the next base URL, at another rung; then the segment is skipped, or, where
// the network itself is gone, tried for as long as there are media to play. At last: play what
// there is and end with the cause.
#include "core/rational.h"
#include "player/engine/internal.h"

// Segments given up in a row before the session is: chosen by hand.
#define SKIPS_MAX 3
// Bad segments in a row before a rung is held to be unusable.
#define BAD_RUN_MAX 3
// A server may ask for patience, but not for ever.
#define RETRY_AFTER_MAX_US (INT64_C(60) * WEIR_SECOND_US)

static int64_t jittered(struct weir_engine *e, int64_t delay_us)
{
    // ±25 %, so that many players do not return at the same moment.
    int64_t quarter_us = delay_us / 4;
    uint64_t draw = weir_rng_below(&e->rng, (uint64_t)(2 * quarter_us + 1));
    return delay_us - quarter_us + (int64_t)draw;
}

static int64_t backoff_us(const struct weir_engine *e, int tries)
{
    int64_t delay_us = e->params.backoff_first_us;
    for (int i = 1; i < tries && delay_us < e->params.backoff_max_us; i++)
        delay_us = weir_add_sat(delay_us, delay_us);
    return delay_us < e->params.backoff_max_us ? delay_us : e->params.backoff_max_us;
}

static void wait(struct weir_engine *e, struct weir_job *j, int64_t delay_us,
                 const struct weir_failure *f)
{
    int64_t asked_us =
        f->retry_after_us < RETRY_AFTER_MAX_US ? f->retry_after_us : RETRY_AFTER_MAX_US;
    delay_us = jittered(e, delay_us);
    if (delay_us < asked_us)
        delay_us = asked_us;
    j->state = WEIR_JOB_WAITING;
    j->retry_at_us = weir_add_sat(e->now_us, delay_us);
    weir_report_retry(e, j, f->err);
}

// The network rather than this one file: other rungs and later segments are just as far away.
static bool is_outage(int err)
{
    return err == WEIR_ERR_NETWORK || err == WEIR_ERR_TLS || err == WEIR_ERR_TIMEOUT ||
           err == WEIR_ERR_LIMIT;
}

// Keep trying while there is something to watch meanwhile.
static bool sit_out(struct weir_engine *e, struct weir_lane *l, struct weir_job *j,
                    const struct weir_failure *f)
{
    if (!is_outage(f->err) || !f->retryable || e->params.untimed ||
        e->state != WEIR_STATE_PLAYING || weir_lane_level_us(e, l) == 0)
        return false;
    j->tries = 0;
    j->bases_tried = 0;
    wait(e, j, e->params.backoff_max_us, f);
    return true;
}

static void finish_unit(struct weir_engine *e, const struct weir_lane *l)
{
    struct weir_action *a = weir_engine_emit(e, WEIR_ACTION_FINISH);
    a->discard.track = l->track;
    a->discard.segment_serial = l->next_serial;
}

void weir_engine_doom(struct weir_engine *e, int err, uint64_t id)
{
    if (e->doomed)
        return;
    e->doomed = true;
    e->doom_err = err;
    e->doom_id = id;
    for (int t = 0; t < WEIR_ENGINE_TRACKS; t++) {
        struct weir_lane *l = &e->lanes[t];
        bool unit = weir_job_busy(&l->media);
        int64_t playable_us = l->media.playable_us;
        weir_job_cancel(e, &l->media);
        weir_job_cancel(e, &l->init);
        weir_job_cancel(e, &l->index);
        if (!l->present || l->eos)
            continue;
        if (unit) {
            finish_unit(e, l);
            l->next_serial++;
            if (playable_us > l->end_us)
                l->end_us = playable_us;
        }
        l->eos = true;
        weir_engine_emit(e, WEIR_ACTION_EOS)->discard.track = l->track;
    }
}

static bool segments_follow(const struct weir_engine *e, const struct weir_lane *l)
{
    return l->period + 1 < e->content->period_count ||
           l->media.fetch.index + 1 < weir_index_count(l->media.fetch.rep);
}

// No rung has this segment. A missing last one, as rounded durations in manifests produce it, only
// ends a little early.
static void skip_segment(struct weir_engine *e, struct weir_lane *l, const struct weir_failure *f)
{
    struct weir_job *j = &l->media;
    bool rounded = l->completed > 0 && l->skipped == 0;
    if (l->skipped >= SKIPS_MAX || (!segments_follow(e, l) && !rounded)) {
        weir_engine_doom(e, f->err, j->fetch.id);
        return;
    }
    l->skipped++;
    weir_report_warning(e, l, l->next_serial, f->err, "segment given up in every rung: skipped");
    finish_unit(e, l);
    j->state = WEIR_JOB_IDLE;
    l->next_serial++;
    weir_lane_pass(l, j->fetch.rep, j->fetch.index, j->end_us);
}

static void give_up_media(struct weir_engine *e, struct weir_lane *l, const struct weir_failure *f)
{
    struct weir_job *j = &l->media;
    bool gone = f->err == WEIR_ERR_NETWORK || f->err == WEIR_ERR_TLS;
    l->tried[j->fetch.rung] = true;
    size_t rung = weir_lane_usable_rung(l, j->fetch.rung, true);
    if (!gone && rung != WEIR_RUNG_NONE) {
        weir_lane_replace(e, l, rung, "another rung failed");
        return;
    }
    if (sit_out(e, l, j, f)) {
        for (size_t i = 0; i < l->ladder.count; i++)
            l->tried[i] = false;
        return;
    }
    if (is_outage(f->err))
        weir_engine_doom(e, f->err, j->fetch.id);
    else
        skip_segment(e, l, f);
}

// A representation without its init segment or index cannot be used at all.
static void give_up_rung(struct weir_engine *e, struct weir_lane *l, size_t rung,
                         const char *reason, int err, uint64_t id)
{
    l->dead[rung] = true;
    size_t other = weir_lane_usable_rung(l, rung, false);
    if (other == WEIR_RUNG_NONE) {
        weir_engine_doom(e, err, id);
        return;
    }
    weir_report_warning(e, l, l->next_serial, err, reason);
    if (weir_job_busy(&l->media) && l->media.fetch.rung == rung)
        weir_lane_replace(e, l, other, "another rung failed");
    else if (l->planned && l->plan_rung == rung)
        l->plan_rung = other;
}

static void give_up(struct weir_engine *e, struct weir_lane *l, struct weir_job *j,
                    const struct weir_failure *f)
{
    switch (j->fetch.kind) {
    case WEIR_FETCH_MEDIA:
        give_up_media(e, l, f);
        return;
    case WEIR_FETCH_INIT:
    case WEIR_FETCH_INDEX:
        break;
    }
    if (sit_out(e, l, j, f))
        return;
    j->state = WEIR_JOB_IDLE;
    if (is_outage(f->err)) {
        weir_engine_doom(e, f->err, j->fetch.id);
        return;
    }
    bool init = j->fetch.kind == WEIR_FETCH_INIT;
    if (j->fetch.period == l->period)
        give_up_rung(e, l, j->fetch.rung,
                     init ? "no init segment: rung not used" : "no index: rung not used", f->err,
                     j->fetch.id);
}

void weir_job_failed(struct weir_engine *e, struct weir_lane *l, struct weir_job *j,
                     const struct weir_failure *f)
{
    const struct weir_representation *rep = j->fetch.rep;
    if (j->fetch.kind == WEIR_FETCH_MEDIA)
        j->unit_bytes = weir_add_sat(j->unit_bytes, j->done_bytes);
    j->done_bytes = 0;
    j->state = WEIR_JOB_WAITING; // the transfer is over, the job not yet
    j->retry_at_us = WEIR_NEVER_US;
    if (f->retryable && ++j->tries < e->params.max_attempts) {
        wait(e, j, backoff_us(e, j->tries), f);
        return;
    }
    if (j->bases_tried + 1 < rep->base_count) {
        j->bases_tried++;
        j->tries = 0;
        j->fetch.base = (j->fetch.base + 1) % rep->base_count;
        l->base = j->fetch.base; // and for the segments to come
        weir_report_failover(e, j);
        weir_job_again(e, j);
        return;
    }
    give_up(e, l, j, f);
}

void weir_bad_media(struct weir_engine *e, struct weir_lane *l, uint64_t serial, int err)
{
    if (!l->present || serial >= l->next_serial + (weir_job_busy(&l->media) ? 1 : 0))
        return;
    if (serial == l->bad_serial) // another part of the same segment
        return;
    weir_report_warning(e, l, serial, err, "bad media");
    l->bad_run = l->bad_serial != UINT64_MAX && serial == l->bad_serial + 1 ? l->bad_run + 1 : 1;
    l->bad_serial = serial;
    l->bad_err = err;
    l->bad_total++;
    if (l->bad_run < BAD_RUN_MAX || !l->ladder.count || l->last_rung >= l->ladder.count)
        return;
    // A rung that cannot be decoded; with no other, play on: part of each segment may still be
    // good.
    size_t rung = l->last_rung;
    l->dead[rung] = true;
    if (weir_lane_usable_rung(l, rung, false) == WEIR_RUNG_NONE) {
        l->dead[rung] = false;
        if (l->bad_total >= l->completed)
            weir_engine_doom(e, err, 0); // nothing was good since the start
        return;
    }
    if (l->planned && l->plan_rung == rung)
        l->planned = false;
    l->bad_run = 0;
}

int weir_bad_verdict(const struct weir_engine *e)
{
    for (int t = 0; t < WEIR_ENGINE_TRACKS; t++) {
        const struct weir_lane *l = &e->lanes[t];
        if (l->present && l->bad_total > 0 && l->bad_total >= l->completed)
            return l->bad_err;
    }
    return 0;
}
