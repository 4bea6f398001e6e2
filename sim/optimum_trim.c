// sim/optimum_trim.c — what of a grid can still matter: forward through it, the most that a session
// can have got before each state; where that and the state's value together stay below what is
// already in hand, no session worth having passes, on this grid or a finer one. Finer grids leave
// those states out.
//
// A session's state on a finer grid is never earlier than on a coarser one (optimum_grid.c rounds
// down on both), so what it got by then is found here at or before that state: hence the running
// maxima over time and stall.
#include "sim/optimum_internal.h"

#include <string.h>

struct trim {
    struct weir_opt_grid *g;
    const struct weir_opt_problem *p;
    struct weir_opt_scratch *scratch;
    float *here, *next; // a layer each, as g's values, from the layer's first span on
};

static struct weir_opt_span *first_span(const struct trim *t, size_t layer)
{
    return t->g->spans + t->g->layers[layer].row * t->p->rungs;
}

static size_t layer_size(const struct trim *t, size_t layer)
{
    const struct weir_opt_layer *l = &t->g->layers[layer];
    if (l->last < l->first)
        return 0;
    const struct weir_opt_span *first = first_span(t, layer);
    const struct weir_opt_span *last = first + weir_opt_count(l->first, l->last) * t->p->rungs - 1;
    return last->at + weir_opt_width(last) - first->at;
}

// Of one rung at one level; NULL outside the layer.
static struct weir_opt_span *span_of(const struct trim *t, size_t layer, int32_t level, size_t rung)
{
    const struct weir_opt_row *r = weir_opt_grid_row(t->g, layer, level);
    return r ? &weir_opt_grid_spans(t->g, t->p, r)[rung] : NULL;
}

static float *totals_of(const struct trim *t, float *layer_totals, size_t layer,
                        const struct weir_opt_span *s)
{
    return layer_totals + (s->at - first_span(t, layer)->at);
}

static void clear(float *totals, size_t count)
{
    for (size_t i = 0; i < count; i++)
        totals[i] = WEIR_OPT_NOTHING;
}

static void offer(const struct trim *t, float *layer_totals, size_t layer,
                  const struct weir_opt_span *s, int32_t a, float total)
{
    if (!s || a < s->lo || a > s->hi)
        return;
    float *at = totals_of(t, layer_totals, layer, s) + (a - s->lo);
    *at = total > *at ? total : *at;
}

// One rung from one row: what was got by each of its times, which rises; and when it arrives.
struct pushed {
    const float *totals;
    const int32_t *arrival;
    size_t count, rung;
    float reward;
};

static size_t arriving_before(const struct pushed *p, size_t from, int32_t a)
{
    size_t low = from, high = p->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (p->arrival[middle] < a)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

// What arrives in time. Returns how many do.
static size_t push_timely(const struct trim *t, size_t layer, int32_t level, const struct pushed *p)
{
    int32_t lowest = weir_opt_grid_lowest(t->g, t->p, layer + 1);
    level = level > lowest ? level : lowest;
    const struct weir_opt_span *s = span_of(t, layer + 1, level, p->rung);
    int32_t earliest = weir_opt_grid_earliest(t->g, t->p, layer + 1, level);
    int32_t deadline = weir_opt_grid_deadline(t->g, t->p, layer + 1, level);
    size_t timely = arriving_before(p, 0, deadline + 1);
    size_t i = arriving_before(p, 0, earliest + 1);
    i = i < timely ? i : timely;
    if (i > 0) // for all that have to wait for the buffer
        offer(t, t->next, layer + 1, s, earliest, p->totals[i - 1] + p->reward);
    if (!s || !weir_opt_width(s))
        return timely;
    size_t to = arriving_before(p, i, s->hi + 1);
    to = to < timely ? to : timely;
    i = arriving_before(p, i, s->lo);
    float *at = totals_of(t, t->next, layer + 1, s);
    for (; i < to; i++) {
        float total = p->totals[i] + p->reward, *v = &at[p->arrival[i] - s->lo];
        *v = total > *v ? total : *v;
    }
    return timely;
}

// What arrives too late, from `i` on: of all that end at one level of stall, the last got most.
static void push_late(const struct trim *t, size_t layer, int32_t level, const struct pushed *p,
                      size_t i)
{
    const struct weir_opt_grid *g = t->g;
    const struct weir_opt_layer *n = &g->layers[layer + 1];
    int64_t media_us = t->p->start_us[layer];
    if (n->first > level) {
        int64_t from_us = g->level_us[n->first] + media_us;
        i = arriving_before(p, i, (int32_t)((from_us + g->step_us - 1) / g->step_us));
        level = n->first;
    }
    for (int32_t m = level; i < p->count && m <= n->last; m++) {
        int64_t to = INT32_MAX;
        if (m + 1 < g->level_count)
            to = (g->level_us[m + 1] + media_us + g->step_us - 1) / g->step_us;
        size_t end = arriving_before(p, i, (int32_t)to);
        if (end > i)
            offer(t, t->next, layer + 1, span_of(t, layer + 1, m, p->rung),
                  weir_opt_grid_latest(g, t->p, layer + 1, m), p->totals[end - 1] + p->reward);
        i = end;
    }
}

static int push_row(const struct trim *t, size_t layer, int32_t level, int32_t lo, size_t width)
{
    const struct weir_opt_row *r = weir_opt_grid_row(t->g, layer, level);
    struct weir_opt_scratch *scratch = t->scratch;
    size_t rungs = t->p->rungs, count = weir_opt_count(r->lo, r->hi);
    if (!weir_opt_scratch_room(&scratch->choices, &scratch->choice_room, count * rungs,
                               sizeof(*scratch->choices)))
        return WEIR_ERR_NOMEM;
    for (size_t k = 0; k < rungs; k++) {
        const struct weir_opt_span *s = span_of(t, layer, level, k);
        const float *totals = totals_of(t, t->here, layer, s);
        float *to = scratch->choices + k * count;
        size_t before = (size_t)(s->lo - r->lo), width_k = weir_opt_width(s);
        if (!width_k) {
            clear(to, count);
            continue;
        }
        clear(to, before);
        memcpy(to + before, totals, width_k * sizeof(*to));
        for (size_t i = before + width_k; i < count; i++)
            to[i] = totals[width_k - 1]; // by waiting
    }
    weir_opt_charge_changes(scratch->choices, count, t->p->quality, rungs);
    for (size_t k = 0; k < rungs; k++) {
        struct pushed p = {.totals = scratch->choices + k * count,
                           .arrival = scratch->arrival + k * width + (size_t)(r->lo - lo),
                           .count = count,
                           .rung = k,
                           .reward = (float)(t->p->quality[k] - t->g->reference[layer])};
        push_late(t, layer, level, &p, push_timely(t, layer, level, &p));
    }
    return 0;
}

static int push_layer(const struct trim *t, size_t layer)
{
    const struct weir_opt_layer *l = &t->g->layers[layer];
    int32_t lo, hi;
    if (!weir_opt_grid_times(t->g, layer, &lo, &hi) ||
        t->g->layers[layer + 1].last < t->g->layers[layer + 1].first)
        return 0;
    int err = weir_opt_grid_arrivals(t->g, t->p, t->scratch, layer, lo, hi);
    for (int32_t m = l->first; !err && m <= l->last; m++) {
        const struct weir_opt_row *r = weir_opt_grid_row(t->g, layer, m);
        if (r->hi >= r->lo)
            err = push_row(t, layer, m, lo, weir_opt_count(lo, hi));
    }
    return err;
}

// Running maxima over time, and over the level below (`under`, which may be NULL).
static void run_up(float *v, const struct weir_opt_span *s, const float *u,
                   const struct weir_opt_span *under)
{
    if (under && under->lo <= s->hi) {
        if (s->lo > under->hi) {
            float last = u[under->hi - under->lo];
            v[0] = last > v[0] ? last : v[0];
        }
        int32_t from = under->lo > s->lo ? under->lo : s->lo;
        int32_t to = under->hi < s->hi ? under->hi : s->hi;
        for (int32_t a = from; a <= to; a++) {
            float low = u[a - under->lo], *high = &v[a - s->lo];
            *high = low > *high ? low : *high;
        }
    }
    float most = WEIR_OPT_NOTHING;
    for (size_t i = 0; i < weir_opt_width(s); i++) {
        most = v[i] > most ? v[i] : most;
        v[i] = most;
    }
}

// Only a span's ends are taken away.
static void keep(struct weir_opt_span *s, const float *before, const float *after, float least)
{
    size_t lo = 0, hi = weir_opt_width(s);
    while (lo < hi && before[lo] + after[lo] < least)
        lo++;
    while (hi > lo && before[hi - 1] + after[hi - 1] < least)
        hi--;
    s->keep_lo = s->lo + (int32_t)lo;
    s->keep_hi = s->lo + (int32_t)hi - 1;
}

static void keep_layer(const struct trim *t, size_t layer, float least)
{
    const struct weir_opt_layer *l = &t->g->layers[layer];
    for (size_t k = 0; k < t->p->rungs; k++) {
        const struct weir_opt_span *under = NULL;
        const float *under_totals = NULL;
        for (int32_t m = l->first; m <= l->last; m++) {
            struct weir_opt_span *s = span_of(t, layer, m, k);
            s->keep_lo = 1;
            s->keep_hi = 0;
            if (!weir_opt_width(s))
                continue;
            float *totals = totals_of(t, t->here, layer, s);
            run_up(totals, s, under_totals, under);
            keep(s, totals, t->g->values + s->at, least);
            under = s;
            under_totals = totals;
        }
    }
}

static void begin(const struct trim *t)
{
    for (size_t k = 0; k < t->p->rungs; k++) {
        int64_t first_us = weir_opt_first_us(t->p, k);
        int32_t m = weir_opt_grid_level(t->g, first_us);
        if (t->g->level_us[m] == first_us)
            offer(t, t->here, 1, span_of(t, 1, m, k), weir_opt_grid_latest(t->g, t->p, 1, m),
                  (float)(t->p->quality[k] - t->g->reference[0]));
    }
}

int weir_opt_grid_trim(struct weir_opt_grid *g, const struct weir_opt_problem *p,
                       struct weir_opt_scratch *scratch, double sum)
{
    struct trim t = {.g = g, .p = p, .scratch = scratch};
    size_t largest = 1;
    for (size_t i = 1; i <= p->segments; i++) {
        size_t size = layer_size(&t, i);
        largest = size > largest ? size : largest;
    }
    if (!weir_opt_scratch_room(&scratch->passing, &scratch->passing_room, 2 * largest,
                               sizeof(*scratch->passing)))
        return WEIR_ERR_NOMEM;
    t.here = scratch->passing;
    t.next = scratch->passing + largest;
    float least = (float)(sum - g->reference_sum - 2 * g->slack - 1e-6);
    clear(t.here, largest);
    begin(&t);
    int err = 0;
    for (size_t i = 1; !err && i <= p->segments; i++) {
        keep_layer(&t, i, least);
        if (i == p->segments)
            break;
        clear(t.next, layer_size(&t, i + 1));
        err = push_layer(&t, i);
        float *swap = t.here;
        t.here = t.next;
        t.next = swap;
    }
    return err;
}
