// player/engine/decide.c — asking the algorithm: what it is shown, and what is made of its answer.
#include "core/rational.h"
#include "player/engine/internal.h"

// The least time between two looks at a transfer. Chosen by hand.
#define WATCH_STEP_US INT64_C(1000)

int64_t weir_expected_bytes(const struct weir_representation *rep, const struct weir_place *place)
{
    if (place->info.size_bytes >= 0)
        return place->info.size_bytes;
    if (place->info.range.first >= 0 && place->info.range.last >= place->info.range.first)
        return place->info.range.last - place->info.range.first + 1;
    if (rep->bandwidth_bps <= 0 || place->duration_us <= 0)
        return 0;
    return weir_rescale(place->duration_us, rep->bandwidth_bps, 8 * WEIR_SECOND_US);
}

// The context is the observation's own lane.
static int64_t true_size(const void *ctx, int64_t ahead, size_t rung)
{
    const struct weir_lane *l = ctx;
    const struct weir_engine_rungs *rungs = l->rungs_now;
    struct weir_place place;
    if (ahead < 0 || rung >= rungs->count || rungs->rungs[rung]->index_need != WEIR_INDEX_READY ||
        !weir_lane_place(l, rungs->rungs[rung], &place))
        return -1;
    if (ahead && weir_index_segment(place.rep, weir_add_sat(place.index, ahead), &place.info))
        return -1;
    place.duration_us = 0; // no guesses here
    int64_t bytes = weir_expected_bytes(place.rep, &place);
    return bytes > 0 ? bytes : -1;
}

static int64_t no_sizes(const void *ctx, int64_t ahead, size_t rung)
{
    (void)ctx;
    (void)ahead;
    (void)rung;
    return -1;
}

// What stays from one question to the next.
void weir_lane_note_view(const struct weir_engine *e, struct weir_lane *l)
{
    l->seen = (struct weir_abr_observation){
        .ladder = &l->ladder,
        .buffer_max_us = e->params.buffer_max_us,
        .segment_count = l->segment_count,
        .size_ctx = l,
        .oracle_done_us = e->params.oracle_done_us,
        .oracle_ctx = e->params.oracle_ctx,
    };
}

static struct weir_abr_observation *observe(const struct weir_engine *e, struct weir_lane *l,
                                            int64_t start_us, int64_t duration_us)
{
    struct weir_abr_observation *o = &l->seen;
    int64_t end_us = e->content_end_us;
    o->now_us = e->now_us;
    o->buffer_level_us = weir_lane_level_us(e, l);
    o->segment_duration_us = duration_us;
    o->since_start_us = start_us > l->aimed_us ? start_us - l->aimed_us : 0;
    o->until_end_us = end_us == WEIR_TIME_NONE ? WEIR_TIME_NONE
                      : end_us <= start_us     ? 0
                                               : end_us - start_us;
    o->last_rung = l->last_rung;
    o->starting = e->state == WEIR_STATE_STARTING;
    o->stalled = e->state == WEIR_STATE_STALLED;
    o->throughput_bps = weir_engine_bps(e);
    o->latency_us = weir_engine_latency_us(e);
    o->last_sample = e->last_sample;
    o->full_wait_us = 0;
    return o;
}

// For a choice about the segment at l->place.
static struct weir_abr_observation *observe_place(const struct weir_engine *e, struct weir_lane *l)
{
    const struct weir_place *p = &l->place;
    struct weir_abr_observation *o = observe(e, l, p->start_us, p->duration_us);
    bool table = l->sizes && p->rep && p->index < l->size_rows;
    o->segment_index = l->index_base + (p->rep ? p->index : 0);
    o->size_bytes = true_size;
    o->sizes = table ? l->sizes + p->index * (int64_t)l->ladder.count : NULL;
    o->size_rows = table ? l->size_rows - p->index : 0;
    return o;
}

// Which segment is next is not settled here, so there are no sizes.
static struct weir_abr_observation *observe_news(const struct weir_engine *e, struct weir_lane *l)
{
    struct weir_abr_observation *o = observe(e, l, weir_lane_next_us(l), l->last_duration_us);
    o->segment_index = l->index_base;
    o->size_bytes = no_sizes;
    o->sizes = NULL;
    o->size_rows = 0;
    return o;
}

size_t weir_lane_usable_rung(const struct weir_lane *l, size_t wanted, bool untried)
{
    for (size_t i = wanted + 1; i-- > 0;) {
        if (!l->dead[i] && !(untried && l->tried[i]))
            return i;
    }
    for (size_t i = wanted + 1; i < l->ladder.count; i++) {
        if (!l->dead[i] && !(untried && l->tried[i]))
            return i;
    }
    return WEIR_RUNG_NONE;
}

static bool is_held(const struct weir_engine *e, const struct weir_lane *l)
{
    return e->held && (l->track == WEIR_ENGINE_VIDEO || !e->lanes[WEIR_ENGINE_VIDEO].present);
}

// A wish to wait is granted while it keeps a segment in hand, unless it is part of a decision that
// is made; before playback, after it ran dry, and where sinks set the pace there is nothing to wait
// for.
static bool grant_wait(struct weir_engine *e, struct weir_lane *l, int64_t wait_us, bool committed)
{
    int64_t level_us = weir_lane_level_us(e, l);
    int64_t least_us = committed ? 0 : l->place.duration_us;
    if (wait_us <= 0 || e->params.untimed || e->state != WEIR_STATE_PLAYING ||
        level_us <= least_us || level_us < e->params.wait_floor_us)
        return false;
    int64_t until_us = level_us - wait_us;
    l->wait_level_us = until_us > least_us ? until_us : least_us;
    l->recheck_us = l->end_us - l->wait_level_us;
    return true;
}

static void plan(struct weir_lane *l, size_t rung, const char *reason)
{
    if (rung >= l->ladder.count)
        rung = l->ladder.count - 1;
    size_t usable = weir_lane_usable_rung(l, rung, false);
    l->planned = true;
    // None usable: the session is doomed already, and the lane at its end.
    l->plan_rung = usable == WEIR_RUNG_NONE ? rung : usable;
    l->plan_reason = reason;
}

// Whether a wish to wait is still in force.
static bool is_waiting(struct weir_engine *e, struct weir_lane *l)
{
    if (l->wait_level_us == WEIR_NEVER_US)
        return false;
    if (e->state == WEIR_STATE_PLAYING && weir_lane_level_us(e, l) > l->wait_level_us) {
        l->recheck_us = l->end_us - l->wait_level_us;
        return true;
    }
    l->wait_level_us = WEIR_NEVER_US;
    return false;
}

bool weir_decide(struct weir_engine *e, struct weir_lane *l)
{
    if (is_waiting(e, l))
        return false;
    if (l->planned)
        return true;
    if (is_held(e, l)) {
        plan(l, e->held_rung, "held");
        return true;
    }
    struct weir_abr_observation *o = observe_place(e, l);
    if (l->full_since_us != WEIR_TIME_NONE)
        o->full_wait_us = e->now_us - l->full_since_us;
    l->full_since_us = WEIR_TIME_NONE;
    struct weir_abr_decision d = weir_abr_decide(l->abr, o);
    bool wait = grant_wait(e, l, d.wait_us, d.committed);
    if (!wait || d.committed)
        plan(l, d.rung, d.reason);
    return !wait;
}

void weir_tell_fetched(struct weir_engine *e, struct weir_lane *l, int64_t bytes)
{
    if (!weir_abr_ops(l->abr)->fetched)
        return;
    const struct weir_job *j = &l->media;
    struct weir_abr_fetched f = {
        .rung = j->fetch.rung, .bytes = bytes, .elapsed_us = j->done_us - j->unit_request_us};
    weir_abr_fetched(l->abr, observe_news(e, l), &f);
}

void weir_tell_sampled(struct weir_engine *e, const struct weir_throughput_sample *s)
{
    for (int t = 0; t < WEIR_ENGINE_TRACKS; t++) {
        struct weir_lane *l = &e->lanes[t];
        if (l->present && l->ladder.count && weir_abr_ops(l->abr)->sampled)
            weir_abr_sampled(l->abr, observe_news(e, l), s);
    }
}

static struct weir_abr_transfer transfer_of(const struct weir_engine *e, const struct weir_job *j)
{
    int64_t done = j->done_bytes;
    int64_t size = j->total_bytes >= 0 ? j->total_bytes : j->fetch.expected_bytes;
    return (struct weir_abr_transfer){
        .rung = j->fetch.rung,
        .size_bytes = size > done ? size : done,
        .done_bytes = done,
        .elapsed_us = e->now_us - j->request_us,
        .since_first_byte_us =
            j->first_byte_us == WEIR_TIME_NONE ? 0 : e->now_us - j->first_byte_us,
    };
}

// Whether this transfer may be given up at all.
static bool is_watched(const struct weir_engine *e, const struct weir_lane *l)
{
    const struct weir_job *j = &l->media;
    // The first segment is not abandoned: playback waits for it, and any throughput is news. One
    // that resumes another says too little of the whole.
    return e->params.abandon && weir_abr_ops(l->abr)->watch && !is_held(e, l) && l->completed > 0 &&
           j->fetch.rung > 0 && j->unit_bytes == 0;
}

static void look(struct weir_engine *e, struct weir_lane *l, const struct weir_abr_transfer *t)
{
    struct weir_job *j = &l->media;
    const struct weir_abr_observation *o = observe_place(e, l);
    struct weir_abr_watch w = weir_abr_watch(l->abr, o, t);
    if (w.abandon) {
        size_t rung = weir_lane_usable_rung(l, w.rung, true);
        if (rung >= j->fetch.rung) // the lower ones cannot be used
            return;
        weir_abr_abandoned(l->abr, o, rung);
        weir_report_abandon(e, l, rung);
        weir_lane_replace(e, l, rung, "abandoned a higher rung");
        return;
    }
    j->watch = w;
    if (j->watch.elapsed_us < t->elapsed_us + WATCH_STEP_US) // not twice at the same moment
        j->watch.elapsed_us = t->elapsed_us + WATCH_STEP_US;
}

int64_t weir_engine_watch_bytes(const struct weir_engine *e, uint64_t id)
{
    for (int t = 0; t < WEIR_ENGINE_TRACKS; t++) {
        const struct weir_lane *l = &e->lanes[t];
        const struct weir_job *j = &l->media;
        if (j->state != WEIR_JOB_FLYING || j->fetch.id != id || !is_watched(e, l) ||
            j->done_bytes >= j->watch.done_bytes || e->now_us - j->request_us < j->watch.elapsed_us)
            continue; // by the time it is late enough, more will have come: the timer first
        return j->watch.done_bytes;
    }
    return INT64_MAX;
}

void weir_watch(struct weir_engine *e, struct weir_lane *l)
{
    struct weir_job *j = &l->media;
    if (j->state != WEIR_JOB_FLYING)
        return;
    if (j->done_bytes < j->watch.done_bytes || e->now_us - j->request_us < j->watch.elapsed_us)
        return;
    j->watch.done_bytes = j->watch.elapsed_us = WEIR_NEVER_US; // unless the algorithm says when
    if (!is_watched(e, l) || !weir_lane_settle(e, l, j->fetch.rung))
        return;
    struct weir_abr_transfer t = transfer_of(e, j);
    look(e, l, &t);
}
