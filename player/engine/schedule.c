// player/engine/schedule.c — what to fetch next. Two lanes in step, one media transfer each; the
// init segment and index it needs go out with it; nothing above the buffer's or memory's bound,
// nothing for rungs not chosen.
#include "core/rational.h"
#include "player/engine/internal.h"

// Segments skipped in one step, so that a playlist of nothing but gaps cannot hold a step up.
#define SKIPS_PER_STEP 16

bool weir_init_ready(const struct weir_engine *e, const struct weir_init *init)
{
    if (!init)
        return true;
    for (size_t i = 0; i < e->init_count; i++) {
        if (e->inits[i] == init)
            return true;
    }
    return false;
}

static bool init_in_flight(const struct weir_engine *e, const struct weir_init *init)
{
    for (int t = 0; t < WEIR_ENGINE_TRACKS; t++) {
        const struct weir_job *j = &e->lanes[t].init;
        if (weir_job_busy(j) && j->fetch.init == init)
            return true;
    }
    return false;
}

static size_t base_of(const struct weir_lane *l, const struct weir_representation *rep)
{
    return l->base < rep->base_count ? l->base : l->base % (rep->base_count ? rep->base_count : 1);
}

// An init segment or an index.
static struct weir_fetch describe(const struct weir_lane *l, enum weir_fetch_kind kind, size_t rung,
                                  struct weir_representation *rep)
{
    return (struct weir_fetch){
        .kind = kind,
        .track = l->track,
        .period = l->period,
        .rung = rung,
        .rep = rep,
        .base = base_of(l, rep),
    };
}

static void ask_init(struct weir_engine *e, struct weir_lane *l, size_t rung,
                     struct weir_representation *rep, const struct weir_init *init)
{
    if (weir_init_ready(e, init) || init_in_flight(e, init))
        return;
    weir_job_cancel(e, &l->init); // of a rung that is no longer wanted
    l->init.fetch = describe(l, WEIR_FETCH_INIT, rung, rep);
    l->init.fetch.init = init;
    weir_job_start(e, &l->init);
}

static void ask_index(struct weir_engine *e, struct weir_lane *l, size_t rung,
                      struct weir_representation *rep)
{
    if (weir_job_busy(&l->index)) {
        if (l->index.fetch.rep == rep)
            return;
        weir_job_cancel(e, &l->index);
    }
    l->index.fetch = describe(l, WEIR_FETCH_INDEX, rung, rep);
    weir_job_start(e, &l->index);
}

static void ask_media(struct weir_engine *e, struct weir_lane *l)
{
    const struct weir_place *place = &l->place;
    struct weir_fetch *f = &l->media.fetch;
    f->kind = WEIR_FETCH_MEDIA;
    f->track = l->track;
    f->period = l->period;
    f->rung = l->plan_rung;
    f->rep = place->rep;
    f->init = place->info.init;
    f->index = place->index;
    f->segment_serial = l->next_serial;
    f->base = base_of(l, place->rep);
    f->info = place->info;
    f->expected_bytes = weir_expected_bytes(place->rep, place);
    weir_report_decision(e, l, f);
    weir_job_start(e, &l->media);
    l->full_since_us = WEIR_TIME_NONE;
    l->media.end_us = place->end_us > l->end_us ? place->end_us : l->end_us;
    if (l->first_us == WEIR_TIME_NONE)
        l->first_us = place->start_us;
    if (place->duration_us > 0)
        l->last_duration_us = place->duration_us;
    if (f->init)
        ask_init(e, l, l->plan_rung, place->rep, f->init);
    weir_watch(e, l);
}

// Sound and picture in step: neither runs more than about a segment ahead of the other. While
// nothing plays yet, sound does not even take bandwidth from the picture's segment in flight.
static bool in_step(const struct weir_engine *e, const struct weir_lane *l, int64_t duration_us)
{
    const struct weir_lane *other =
        &e->lanes[l->track == WEIR_ENGINE_VIDEO ? WEIR_ENGINE_AUDIO : WEIR_ENGINE_VIDEO];
    if (!other->present || other->eos)
        return true;
    bool waiting = e->state != WEIR_STATE_PLAYING && l->track == WEIR_ENGINE_AUDIO;
    int64_t other_us = waiting ? other->end_us : weir_lane_next_us(other);
    return l->end_us <= weir_add_sat(other_us, duration_us / 2);
}

static int64_t held_bytes(const struct weir_engine *e)
{
    int64_t sum = 0;
    for (int t = 0; t < WEIR_ENGINE_TRACKS; t++) {
        const struct weir_job *j = &e->lanes[t].media;
        sum = weir_add_sat(sum, e->lanes[t].bytes);
        if (!weir_job_busy(j))
            continue;
        int64_t declared = weir_add_sat(
            j->unit_bytes, j->total_bytes > j->done_bytes ? j->total_bytes : j->done_bytes);
        sum = weir_add_sat(sum,
                           declared > j->fetch.expected_bytes ? declared : j->fetch.expected_bytes);
    }
    return sum;
}

static int64_t first_release_us(const struct weir_engine *e)
{
    int64_t first = WEIR_NEVER_US;
    for (int t = 0; t < WEIR_ENGINE_TRACKS; t++) {
        const struct weir_lane *l = &e->lanes[t];
        if (l->ring_count && l->ring[l->ring_first].end_us < first)
            first = l->ring[l->ring_first].end_us;
    }
    return first;
}

// Whether the segment at l->place may come on top; if not, recheck_us is when it may.
static bool has_room(struct weir_engine *e, struct weir_lane *l)
{
    int64_t level_us = weir_lane_level_us(e, l);
    int64_t duration_us = l->place.duration_us;
    if (l->ring_count == WEIR_LANE_RING) {
        l->recheck_us = l->ring[l->ring_first].end_us;
        return false;
    }
    // With nothing to play, any segment must do, however long. A playhead that only sinks move
    // stops short of the end of the media, so there less than a segment counts as nothing.
    int64_t usual_us = duration_us > l->last_duration_us ? duration_us : l->last_duration_us;
    if (level_us == 0 || (e->params.untimed && level_us < usual_us))
        return true;
    if (level_us + duration_us > e->params.buffer_max_us) {
        if (l->full_since_us == WEIR_TIME_NONE)
            l->full_since_us = e->now_us;
        l->recheck_us = l->end_us + duration_us - e->params.buffer_max_us;
        return false;
    }
    int64_t limit = e->params.memory_limit_bytes;
    if (!limit)
        return true;
    // Where no index is known, neither is the size. (A lane with nothing in hand asks all the same:
    // to wait would be to wait for ever, and the host's refusal is an answer.)
    int64_t bytes = l->place.rep ? weir_expected_bytes(l->place.rep, &l->place) : 0;
    if (weir_add_sat(held_bytes(e), bytes) > limit) {
        l->recheck_us = first_release_us(e);
        return false;
    }
    return true;
}

static void set_eos(struct weir_engine *e, struct weir_lane *l)
{
    l->eos = true;
    weir_job_cancel(e, &l->init); // of a rung planned for a segment that is not there
    weir_job_cancel(e, &l->index);
    weir_engine_emit(e, WEIR_ACTION_EOS)->discard.track = l->track;
}

// A segment that no rung has is passed over. Nothing was asked for, so nothing needs finishing.
static void skip_gap(struct weir_engine *e, struct weir_lane *l)
{
    if (!l->in_gap)
        weir_report_warning(e, l, l->next_serial, WEIR_ERR_NOT_FOUND, "gap in every rung: skipped");
    l->in_gap = true;
    weir_lane_pass(l, l->place.rep, l->place.index, l->place.end_us);
}

// A rung that has this segment although the planned one lists it as a gap.
static bool around_gap(struct weir_engine *e, struct weir_lane *l)
{
    const struct weir_engine_rungs *rungs = weir_lane_rungs(e, l);
    struct weir_place other;
    l->tried[l->plan_rung] = true;
    size_t rung = weir_lane_usable_rung(l, l->plan_rung, true);
    while (rung != WEIR_RUNG_NONE) {
        struct weir_representation *rep = rungs->rungs[rung];
        if (rep->index_need != WEIR_INDEX_READY)
            break; // its playlist may know better
        if (weir_lane_place(l, rep, &other) && !other.info.gap)
            break;
        l->tried[rung] = true;
        rung = weir_lane_usable_rung(l, l->plan_rung, true);
    }
    if (rung == WEIR_RUNG_NONE)
        return false;
    l->plan_rung = rung;
    l->plan_reason = "gap";
    return true;
}

// With a memory limit the first segment must fit as well: come down until one does.
static void fit_memory(struct weir_engine *e, struct weir_lane *l)
{
    const struct weir_engine_rungs *rungs = weir_lane_rungs(e, l);
    int64_t limit = e->params.memory_limit_bytes;
    while (limit && l->plan_rung > 0 &&
           weir_add_sat(held_bytes(e), weir_expected_bytes(l->place.rep, &l->place)) > limit) {
        struct weir_representation *rep = rungs->rungs[l->plan_rung - 1];
        struct weir_place lower;
        if (l->dead[l->plan_rung - 1] || rep->index_need != WEIR_INDEX_READY ||
            !weir_lane_place(l, rep, &lower))
            return;
        l->plan_rung--;
        l->plan_reason = "memory limit";
        l->place = lower;
    }
}

// One attempt at the lane's next segment. True: it was passed over, try the next one.
static bool try_segment(struct weir_engine *e, struct weir_lane *l)
{
    const struct weir_place *place = &l->place;
    if (!weir_lane_locate(e, l)) {
        set_eos(e, l);
        return false;
    }
    int64_t guess_us = place->duration_us;
    if (!in_step(e, l, guess_us) || !has_room(e, l) || !weir_decide(e, l))
        return false;
    struct weir_representation *rep = weir_lane_rungs(e, l)->rungs[l->plan_rung];
    if (rep->index_need != WEIR_INDEX_READY) {
        ask_index(e, l, l->plan_rung, rep);
        ask_init(e, l, l->plan_rung, rep, rep->init);
        return false;
    }
    if (!weir_lane_settle(e, l, l->plan_rung))
        return true; // this rung ends earlier than the others: its period is over
    if (place->info.gap) {
        if (!around_gap(e, l))
            skip_gap(e, l);
        return true;
    }
    if (weir_lane_level_us(e, l) == 0)
        fit_memory(e, l);
    bool as_guessed = place->duration_us == guess_us && !e->params.memory_limit_bytes;
    if (as_guessed || has_room(e, l)) {
        ask_media(e, l);
        if (!weir_job_busy(&l->media)) // given up with the request: another rung, in the next step
            l->recheck_us = INT64_MIN;
    }
    return false;
}

static void try_lane(struct weir_engine *e, struct weir_lane *l)
{
    l->recheck_us = WEIR_NEVER_US;
    if (!l->present || l->eos || weir_job_busy(&l->media))
        return;
    for (int i = 0; i < SKIPS_PER_STEP; i++) {
        if (!try_segment(e, l))
            return;
    }
    l->recheck_us = INT64_MIN; // more to skip: go on in the next step
}

void weir_schedule(struct weir_engine *e)
{
    struct weir_lane *video = &e->lanes[WEIR_ENGINE_VIDEO];
    struct weir_lane *audio = &e->lanes[WEIR_ENGINE_AUDIO];
    bool audio_first = audio->present && weir_lane_next_us(audio) < weir_lane_next_us(video);
    try_lane(e, audio_first ? audio : video);
    try_lane(e, audio_first ? video : audio);
}
