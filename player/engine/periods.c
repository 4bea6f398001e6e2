// player/engine/periods.c — where a lane's next segment is: within a representation by index,
// across representations by time, across periods in order. Also what is known of the whole: its end
// and number of segments.
#include <string.h>

#include "core/rational.h"
#include "player/engine/internal.h"

// Boundaries of the same segment in two rungs may differ by rounding; nearer than this they are
// one.
#define BOUNDARY_US INT64_C(100000)

// The end of a period as far as the manifest tells: its own, else where the next begins.
static int64_t period_end_us(const struct weir_engine *e, size_t p)
{
    const struct weir_engine_period *period = &e->content->periods[p];
    if (period->end_us != WEIR_TIME_NONE)
        return period->end_us;
    if (p + 1 < e->content->period_count)
        return e->content->periods[p + 1].start_us;
    return WEIR_TIME_NONE;
}

static int64_t count_in(const struct weir_engine_rungs *rungs)
{
    for (size_t i = 0; i < rungs->count; i++) {
        if (rungs->rungs[i]->index_need == WEIR_INDEX_READY)
            return weir_index_count(rungs->rungs[i]);
    }
    return rungs->count ? -1 : 0;
}

static int64_t segment_count(const struct weir_engine *e, const struct weir_lane *l)
{
    int64_t sum = 0;
    for (size_t p = 0; p < e->content->period_count; p++) {
        int64_t count = count_in(&e->content->periods[p].tracks[l->track]);
        if (count < 0)
            return -1;
        sum += count;
    }
    return sum;
}

// The rung of another ladder that comes nearest without costing more.
static size_t map_rung(const struct weir_lane *l)
{
    size_t rung = 0;
    if (l->last_rung == WEIR_RUNG_NONE)
        return WEIR_RUNG_NONE;
    while (rung + 1 < l->ladder.count && l->rungs[rung + 1].bitrate_bps <= l->last_bitrate_bps)
        rung++;
    return rung;
}

void weir_lane_note_sizes(const struct weir_engine *e, struct weir_lane *l)
{
    const struct weir_engine_rungs *rungs = weir_lane_rungs(e, l);
    l->placed = false;
    l->sizes = NULL;
    l->size_rows = 0;
    struct weir_index_sizes first = {0};
    for (size_t i = 0; i < rungs->count; i++) {
        struct weir_index_sizes s = weir_index_sizes(rungs->rungs[i]);
        if (i == 0)
            first = s;
        if (!s.bytes || s.stride != (int64_t)rungs->count || s.bytes != first.bytes + i)
            return;
    }
    l->sizes = first.bytes;
    l->size_rows = first.count;
}

static void enter(struct weir_engine *e, struct weir_lane *l, size_t p)
{
    l->period = p;
    l->period_end_us = period_end_us(e, p);
    l->rungs_now = weir_lane_rungs(e, l);
    l->fresh = true;
    l->next_rep = NULL;
    l->planned = false;
    memset(l->dead, 0, e->rung_room * sizeof(bool));
    memset(l->tried, 0, e->rung_room * sizeof(bool));
    const struct weir_engine_rungs *rungs = weir_lane_rungs(e, l);
    for (size_t i = 0; i < rungs->count; i++) {
        const struct weir_representation *rep = rungs->rungs[i];
        l->rungs[i] = (struct weir_rung){
            // Algorithms divide by it and take its logarithm.
            .bitrate_bps = rep->bandwidth_bps > 0 ? rep->bandwidth_bps : 1,
            .width = rep->width,
            .height = rep->height,
        };
    }
    l->ladder = (struct weir_ladder){.rungs = l->rungs, .count = rungs->count};
    weir_lane_note_sizes(e, l);
    if (rungs->count)
        l->last_rung = map_rung(l);
    l->index_base = 0;
    for (size_t i = 0; i < p; i++) {
        int64_t count = count_in(&e->content->periods[i].tracks[l->track]);
        l->index_base += count > 0 ? count : 0;
    }
    weir_lane_note_view(e, l);
}

void weir_lane_aim(struct weir_engine *e, struct weir_lane *l, int64_t at_us)
{
    size_t p = 0;
    while (p + 1 < e->content->period_count && e->content->periods[p + 1].start_us <= at_us)
        p++;
    l->eos = false;
    l->end_us = l->aimed_us = at_us;
    l->first_us = WEIR_TIME_NONE;
    l->skipped = 0;
    l->wait_level_us = WEIR_NEVER_US;
    l->full_since_us = WEIR_TIME_NONE;
    l->ring_count = 0;
    l->bytes = 0;
    enter(e, l, p);
}

static int64_t find(const struct weir_lane *l, const struct weir_representation *rep)
{
    if (rep == l->next_rep)
        return l->next_index;
    int64_t i = weir_index_find(rep, l->end_us);
    struct weir_segment_info info;
    if (i < 0 || l->fresh || weir_index_segment(rep, i, &info))
        return i;
    // Another rung's boundary may lie a little later than where the last segment ended: not that
    // segment again.
    int64_t end_us = weir_add_sat(info.start_us, info.duration_us);
    int64_t near_us = info.duration_us / 4 < BOUNDARY_US ? info.duration_us / 4 : BOUNDARY_US;
    return end_us - l->end_us <= near_us ? i + 1 : i;
}

bool weir_lane_place(const struct weir_lane *l, struct weir_representation *rep,
                     struct weir_place *out)
{
    out->rep = rep;
    out->index = find(l, rep);
    if (out->index < 0 || weir_index_segment(rep, out->index, &out->info))
        return false;
    int64_t border_us = l->period_end_us;
    out->start_us = out->info.start_us;
    if (border_us != WEIR_TIME_NONE && out->start_us >= border_us)
        return false;
    bool timed = out->info.duration_us > 0;
    out->end_us = timed ? weir_add_sat(out->start_us, out->info.duration_us) : out->start_us;
    if (border_us != WEIR_TIME_NONE && (!timed || out->end_us > border_us))
        out->end_us = border_us;
    out->duration_us = out->end_us - out->start_us;
    return true;
}

bool weir_lane_settle(const struct weir_engine *e, struct weir_lane *l, size_t rung)
{
    struct weir_representation *rep = weir_lane_rungs(e, l)->rungs[rung];
    if (l->placed && l->place.rep == rep)
        return true;
    if (l->placed && l->sizes) { // rungs of one table differ in nothing else
        l->place.rep = rep;
        l->place.info.size_bytes =
            l->sizes[l->place.index * (int64_t)l->ladder.count + (int64_t)rung];
        l->place.info.init = rep->init;
        return true;
    }
    l->placed = weir_lane_place(l, rep, &l->place);
    return l->placed;
}

// The rung to count segments by: the planned one, the last one, or any whose index is there.
static size_t reference(const struct weir_lane *l, const struct weir_engine_rungs *rungs)
{
    if (l->planned)
        return rungs->rungs[l->plan_rung]->index_need == WEIR_INDEX_READY ? l->plan_rung
                                                                          : WEIR_RUNG_NONE;
    if (l->last_rung < rungs->count && rungs->rungs[l->last_rung]->index_need == WEIR_INDEX_READY)
        return l->last_rung;
    for (size_t i = 0; i < rungs->count; i++) {
        if (rungs->rungs[i]->index_need == WEIR_INDEX_READY)
            return i;
    }
    return WEIR_RUNG_NONE;
}

static bool next_period(struct weir_engine *e, struct weir_lane *l)
{
    if (l->period + 1 >= e->content->period_count)
        return false;
    enter(e, l, l->period + 1);
    int64_t start_us = e->content->periods[l->period].start_us;
    if (start_us > l->end_us)
        l->end_us = start_us; // a period without this track, or a hole, is passed through
    return true;
}

static void guess_place(struct weir_lane *l)
{
    l->placed = false;
    l->place = (struct weir_place){
        .start_us = l->end_us, .end_us = l->end_us, .duration_us = l->last_duration_us};
}

bool weir_lane_locate(struct weir_engine *e, struct weir_lane *l)
{
    do {
        const struct weir_engine_rungs *rungs = weir_lane_rungs(e, l);
        if (!rungs->count)
            continue;
        size_t rung = reference(l, rungs);
        if (rung == WEIR_RUNG_NONE)
            guess_place(l);
        else if (!weir_lane_settle(e, l, rung))
            continue;
        return e->params.end_at_us == WEIR_TIME_NONE || l->place.start_us < e->params.end_at_us;
    } while (next_period(e, l));
    return false;
}

void weir_lane_pass(struct weir_lane *l, const struct weir_representation *rep, int64_t index,
                    int64_t end_us)
{
    l->fresh = false;
    l->placed = false;
    l->next_rep = rep;
    l->next_index = index + 1;
    if (end_us > l->end_us)
        l->end_us = end_us;
    l->planned = false;
    for (size_t i = 0; i < l->ladder.count; i++)
        l->tried[i] = false;
}

static int64_t index_end_us(const struct weir_engine_rungs *rungs)
{
    for (size_t i = 0; i < rungs->count; i++) {
        const struct weir_representation *rep = rungs->rungs[i];
        struct weir_segment_info info;
        if (rep->index_need != WEIR_INDEX_READY || weir_index_count(rep) <= 0)
            continue;
        if (weir_index_segment(rep, weir_index_count(rep) - 1, &info) || info.duration_us <= 0)
            continue;
        return weir_add_sat(info.start_us, info.duration_us);
    }
    return WEIR_TIME_NONE;
}

static int64_t content_end_us(const struct weir_engine *e)
{
    const struct weir_engine_period *last = &e->content->periods[e->content->period_count - 1];
    int64_t end_us = last->end_us;
    for (int t = 0; end_us == WEIR_TIME_NONE && t < WEIR_ENGINE_TRACKS; t++)
        end_us = index_end_us(&last->tracks[t]);
    int64_t limit_us = e->params.end_at_us;
    if (limit_us != WEIR_TIME_NONE && (end_us == WEIR_TIME_NONE || limit_us < end_us))
        return limit_us;
    return end_us;
}

void weir_content_note(struct weir_engine *e)
{
    e->content_end_us = content_end_us(e);
    for (int t = 0; t < WEIR_ENGINE_TRACKS; t++)
        e->lanes[t].segment_count = segment_count(e, &e->lanes[t]);
}
