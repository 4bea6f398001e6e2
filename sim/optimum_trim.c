// sim/optimum_trim.c — what of a grid can still matter: forward through it, the most that a session
// can have got before each state; where that and the state's value together stay below what is
// already in hand, no session worth having passes, on this grid or a finer one. Finer grids leave
// those states out.
//
// A session's state on a finer grid is never earlier than on a coarser one (optimum_grid.c rounds
// down on both), so what it got by then is found here at or before that state: hence the running
// maxima over time and stall.
#include "sim/optimum_internal.h"

#include <stdlib.h>

struct trim {
    struct weir_opt_grid *g;
    const struct weir_opt_problem *p;
    struct weir_opt_scratch *scratch;
    float *here, *next; // a layer each, as g's values, from the layer's first row on
};

static size_t layer_at(const struct weir_opt_grid *g, size_t layer)
{
    return g->layers[layer].last < g->layers[layer].first ? 0 : g->rows[g->layers[layer].row].at;
}

static size_t width_of(const struct weir_opt_row *r)
{
    return r->hi >= r->lo ? (size_t)(r->hi - r->lo + 1) : 0;
}

static size_t layer_size(const struct weir_opt_grid *g, const struct weir_opt_problem *p,
                         size_t layer)
{
    size_t size = 0;
    for (int32_t m = g->layers[layer].first; m <= g->layers[layer].last; m++)
        size += width_of(weir_opt_grid_row(g, layer, m)) * p->rungs;
    return size;
}

static void offer(float *values, const struct weir_opt_row *r, size_t rung, int32_t a, float value)
{
    if (!r || a < r->lo || a > r->hi)
        return;
    float *at = values + rung * width_of(r) + (size_t)(a - r->lo);
    *at = value > *at ? value : *at;
}

static float *row_values(const struct trim *t, float *layer_values, size_t layer,
                         const struct weir_opt_row *r)
{
    return r ? layer_values + (r->at - layer_at(t->g, layer)) : NULL;
}

// One rung from one row: every state's total goes to where the rung leads.
static void push(const struct trim *t, size_t layer, int32_t level, size_t rung,
                 const float *totals, const int32_t *arrival, size_t count)
{
    struct weir_opt_grid *g = t->g;
    const struct weir_opt_layer *n = &g->layers[layer + 1];
    float reward = (float)(t->p->quality[rung] - g->reference[layer]);
    int32_t lowest = weir_opt_grid_lowest(g, t->p, layer + 1);
    level = level > lowest ? level : lowest;
    const struct weir_opt_row *row = weir_opt_grid_row(g, layer + 1, level);
    float *to = row_values(t, t->next, layer + 1, row);
    int32_t earliest = weir_opt_grid_earliest(g, t->p, layer + 1, level);
    int32_t deadline = weir_opt_grid_deadline(g, t->p, layer + 1, level);
    size_t i = 0;
    for (; i < count && arrival[i] <= earliest && arrival[i] <= deadline; i++)
        offer(to, row, rung, earliest, totals[i] + reward);
    if (row && row->hi >= row->lo) {
        int32_t last = deadline < row->hi ? deadline : row->hi;
        float *at = to + rung * width_of(row) - row->lo;
        while (i < count && arrival[i] < row->lo && arrival[i] <= deadline)
            i++;
        for (; i < count && arrival[i] <= last; i++) {
            float total = totals[i] + reward, *v = &at[arrival[i]];
            *v = total > *v ? total : *v;
        }
    }
    while (i < count && arrival[i] <= deadline)
        i++;
    int64_t media_us = t->p->start_us[layer];
    int32_t m = n->first > level ? n->first : level, at = -1;
    for (; i < count && arrival[i] != INT32_MAX; i++) {
        int64_t stall_us = arrival[i] * g->step_us - media_us;
        if (stall_us < g->level_us[m])
            continue;
        while (m <= n->last && m + 1 < g->level_count && g->level_us[m + 1] <= stall_us)
            m++;
        if (m > n->last)
            return;
        if (m != at) {
            at = m;
            row = weir_opt_grid_row(g, layer + 1, m);
            to = row_values(t, t->next, layer + 1, row);
        }
        offer(to, row, rung, weir_opt_grid_latest(g, t->p, layer + 1, m), totals[i] + reward);
    }
}

static int push_layer(const struct trim *t, size_t layer)
{
    struct weir_opt_grid *g = t->g;
    const struct weir_opt_layer *l = &g->layers[layer];
    int32_t lo = INT32_MAX, hi = INT32_MIN;
    for (int32_t m = l->first; m <= l->last; m++) {
        const struct weir_opt_row *r = weir_opt_grid_row(g, layer, m);
        lo = r->hi >= r->lo && r->lo < lo ? r->lo : lo;
        hi = r->hi >= r->lo && r->hi > hi ? r->hi : hi;
    }
    if (hi < lo || g->layers[layer + 1].last < g->layers[layer + 1].first)
        return 0;
    int err = weir_opt_grid_arrivals(g, t->p, t->scratch, layer, lo, hi);
    if (err)
        return err;
    size_t width = (size_t)(hi - lo + 1);
    for (int32_t m = l->first; m <= l->last; m++) {
        const struct weir_opt_row *r = weir_opt_grid_row(g, layer, m);
        size_t count = width_of(r);
        float *values = row_values(t, t->here, layer, r);
        if (!count)
            continue;
        weir_opt_charge_changes(values, count, t->p->quality, t->p->rungs);
        for (size_t k = 0; k < t->p->rungs; k++)
            push(t, layer, m, k, values + k * count,
                 t->scratch->arrival + k * width + (size_t)(r->lo - lo), count);
    }
    return 0;
}

// Running maxima over time, and over the level below (`under`, which may be NULL).
static void run_up(const struct trim *t, float *values, const struct weir_opt_row *r,
                   const float *under_values, const struct weir_opt_row *under)
{
    size_t width = width_of(r), under_width = under ? width_of(under) : 0;
    for (size_t k = 0; k < t->p->rungs; k++) {
        float *v = values + k * width;
        if (under && under->lo <= r->hi) {
            const float *u = under_values + k * under_width;
            int32_t a = under->lo > r->lo ? under->lo : r->lo;
            if (r->lo > under->hi)
                v[0] = u[under_width - 1] > v[0] ? u[under_width - 1] : v[0];
            for (; a <= r->hi && a <= under->hi; a++) {
                float low = u[a - under->lo], *high = &v[a - r->lo];
                *high = low > *high ? low : *high;
            }
        }
        float most = WEIR_OPT_NOTHING;
        for (size_t i = 0; i < width; i++) {
            most = v[i] > most ? v[i] : most;
            v[i] = most;
        }
    }
}

static bool alive(const struct trim *t, const float *before, const float *after, size_t width,
                  size_t at, float least)
{
    for (size_t k = 0; k < t->p->rungs; k++, before += width, after += width)
        if (before[at] + after[at] >= least)
            return true;
    return false;
}

// Only a row's ends are taken away.
static void keep(const struct trim *t, struct weir_opt_row *r, const float *before, float least)
{
    size_t width = width_of(r), lo = 0, hi = width;
    const float *after = t->g->values + r->at;
    while (lo < hi && !alive(t, before, after, width, lo, least))
        lo++;
    while (hi > lo && !alive(t, before, after, width, hi - 1, least))
        hi--;
    r->keep_lo = r->lo + (int32_t)lo;
    r->keep_hi = r->lo + (int32_t)hi - 1;
}

static void keep_layer(const struct trim *t, size_t layer, float least)
{
    struct weir_opt_layer *l = &t->g->layers[layer];
    const struct weir_opt_row *under = NULL;
    const float *under_values = NULL;
    for (int32_t m = l->first; m <= l->last; m++) {
        struct weir_opt_row *r = weir_opt_grid_row(t->g, layer, m);
        float *values = row_values(t, t->here, layer, r);
        if (!width_of(r)) {
            r->keep_lo = 1;
            r->keep_hi = 0;
            continue;
        }
        run_up(t, values, r, under_values, under);
        keep(t, r, values, least);
        under = r;
        under_values = values;
    }
}

static void begin(const struct trim *t)
{
    for (size_t k = 0; k < t->p->rungs; k++) {
        int64_t first_us = weir_opt_first_us(t->p, k);
        int32_t m = weir_opt_grid_level(t->g, first_us);
        if (t->g->level_us[m] != first_us)
            continue;
        const struct weir_opt_row *r = weir_opt_grid_row(t->g, 1, m);
        offer(row_values(t, t->here, 1, r), r, k, weir_opt_grid_latest(t->g, t->p, 1, m),
              (float)(t->p->quality[k] - t->g->reference[0]));
    }
}

int weir_opt_grid_trim(struct weir_opt_grid *g, const struct weir_opt_problem *p,
                       struct weir_opt_scratch *scratch, double sum)
{
    size_t largest = 1;
    for (size_t i = 1; i <= p->segments; i++) {
        size_t size = layer_size(g, p, i);
        largest = size > largest ? size : largest;
    }
    if (!weir_opt_scratch_room(&scratch->passing, &scratch->passing_room, 2 * largest,
                               sizeof(*scratch->passing)))
        return WEIR_ERR_NOMEM;
    struct trim t = {.g = g,
                     .p = p,
                     .scratch = scratch,
                     .here = scratch->passing,
                     .next = scratch->passing + largest};
    float least = (float)(sum - g->reference_sum - 2 * g->slack - 1e-6);
    for (size_t i = 0; i < largest; i++)
        t.here[i] = WEIR_OPT_NOTHING;
    begin(&t);
    int err = 0;
    for (size_t i = 1; !err && i <= p->segments; i++) {
        keep_layer(&t, i, least);
        if (i == p->segments)
            break;
        size_t size = layer_size(g, p, i + 1);
        for (size_t j = 0; j < size; j++)
            t.next[j] = WEIR_OPT_NOTHING;
        err = push_layer(&t, i);
        float *swap = t.here;
        t.here = t.next;
        t.next = swap;
    }
    return err;
}
