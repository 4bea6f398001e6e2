// sim/optimum_layout.c — which states a grid has: levels of stall, and at each level and before
// each segment the times that are worth a look; all there are, or what a coarser grid left of them.
// The values are optimum_grid.c's.
#include "sim/optimum_internal.h"

#include <stdlib.h>
#include <string.h>

bool weir_opt_scratch_room(void *at, size_t *room, size_t count, size_t item_bytes)
{
    void *old;
    memcpy(&old, at, sizeof(old)); // a pointer to any type of pointer
    if (count <= *room)
        return true;
    free(old);
    *room = count + count / 2;
    void *made = malloc(*room * item_bytes);
    memcpy(at, &made, sizeof(made));
    if (!made)
        *room = 0;
    return made;
}

void weir_opt_scratch_free(struct weir_opt_scratch *s)
{
    free(s->arrival);
    free(s->stalled);
    free(s->values);
    free(s->passing);
    free(s->choices);
    memset(s, 0, sizeof(*s));
}

void weir_opt_grid_free(struct weir_opt_grid *g)
{
    free(g->level_us);
    free(g->layers);
    free(g->rows);
    free(g->spans);
    free(g->reference);
    memset(g, 0, sizeof(*g));
}

int32_t weir_opt_grid_earliest(const struct weir_opt_grid *g, const struct weir_opt_problem *p,
                               size_t layer, int32_t level)
{
    if (layer == p->segments) // nothing is requested any more: one state is enough
        return weir_opt_grid_latest(g, p, layer, level);
    int64_t us = weir_opt_room_us(p, layer, g->level_us[level]);
    us = us > p->least_done_us[layer] ? us : p->least_done_us[layer];
    return (int32_t)(us / g->step_us);
}

int32_t weir_opt_grid_deadline(const struct weir_opt_grid *g, const struct weir_opt_problem *p,
                               size_t layer, int32_t level)
{
    return (int32_t)((g->level_us[level] + p->start_us[layer - 1]) / g->step_us);
}

int32_t weir_opt_grid_latest(const struct weir_opt_grid *g, const struct weir_opt_problem *p,
                             size_t layer, int32_t level)
{
    int32_t latest = weir_opt_grid_deadline(g, p, layer, level);
    if (layer == p->segments)
        return latest;
    int32_t earliest = weir_opt_grid_earliest(g, p, layer, level);
    return latest > earliest ? latest : earliest;
}

struct weir_opt_row *weir_opt_grid_row(const struct weir_opt_grid *g, size_t layer, int32_t level)
{
    const struct weir_opt_layer *l = &g->layers[layer];
    if (level < l->first || level > l->last)
        return NULL;
    return &g->rows[l->row + (size_t)(level - l->first)];
}

struct weir_opt_span *weir_opt_grid_spans(const struct weir_opt_grid *g,
                                          const struct weir_opt_problem *p,
                                          const struct weir_opt_row *row)
{
    return g->spans + (size_t)(row - g->rows) * p->rungs;
}

bool weir_opt_grid_times(const struct weir_opt_grid *g, size_t layer, int32_t *lo, int32_t *hi)
{
    *lo = INT32_MAX;
    *hi = INT32_MIN;
    for (int32_t m = g->layers[layer].first; m <= g->layers[layer].last; m++) {
        const struct weir_opt_row *r = weir_opt_grid_row(g, layer, m);
        if (r->hi < r->lo)
            continue;
        *lo = r->lo < *lo ? r->lo : *lo;
        *hi = r->hi > *hi ? r->hi : *hi;
    }
    return *hi >= *lo;
}

int32_t weir_opt_grid_level(const struct weir_opt_grid *g, int64_t stall_us)
{
    int32_t low = 0, high = g->level_count;
    while (high - low > 1) {
        int32_t middle = low + (high - low) / 2;
        if (g->level_us[middle] <= stall_us)
            low = middle;
        else
            high = middle;
    }
    return low;
}

int32_t weir_opt_grid_lowest(const struct weir_opt_grid *g, const struct weir_opt_problem *p,
                             size_t layer)
{
    return weir_opt_grid_level(g, p->least_stall_us[layer]);
}

int64_t weir_opt_first_us(const struct weir_opt_problem *p, size_t rung)
{
    struct weir_opt_session s = weir_opt_session_begin(p);
    double bits;
    weir_opt_session_request(p, &s, 0, &bits);
    weir_opt_session_complete(p, &s, 0, bits + p->size_bits[rung]);
    double us = s.done_us - WEIR_OPT_EARLY_US;
    return us > 0 ? (int64_t)us : 0;
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

// Multiples of the step, and the start-ups there are: most sessions worth having stall no more.
static int lay_levels(struct weir_opt_grid *g, const struct weir_opt_problem *p,
                      int64_t stall_max_us)
{
    int64_t least_us = INT64_MAX;
    for (size_t k = 0; k < p->rungs; k++) {
        int64_t us = weir_opt_first_us(p, k);
        least_us = us < least_us ? us : least_us;
    }
    int64_t first = least_us / g->level_step_us + 1, last = stall_max_us / g->level_step_us;
    size_t count = p->rungs + 1 + (size_t)(last >= first ? last - first + 1 : 0);
    g->level_us = malloc(count * sizeof(*g->level_us));
    if (!g->level_us)
        return WEIR_ERR_NOMEM;
    size_t n = 0;
    for (size_t k = 0; k < p->rungs; k++) {
        int64_t us = weir_opt_first_us(p, k);
        if (us <= stall_max_us || us == least_us)
            g->level_us[n++] = us;
    }
    for (int64_t i = first; i <= last; i++)
        g->level_us[n++] = i * g->level_step_us;
    qsort(g->level_us, n, sizeof(*g->level_us), by_value);
    size_t unique = 1;
    for (size_t i = 1; i < n; i++)
        if (g->level_us[i] != g->level_us[unique - 1])
            g->level_us[unique++] = g->level_us[i];
    g->level_count = (int32_t)unique;
    return 0;
}

static bool make_row_room(struct weir_opt_grid *g, size_t rungs)
{
    if (g->row_count < g->row_room)
        return true;
    size_t room = g->row_room ? g->row_room * 2 : 4096;
    struct weir_opt_row *rows = realloc(g->rows, room * sizeof(*rows));
    g->rows = rows ? rows : g->rows;
    struct weir_opt_span *spans = realloc(g->spans, (room * rungs + 1) * sizeof(*spans));
    g->spans = spans ? spans : g->spans;
    if (!rows || !spans)
        return false;
    g->row_room = room;
    return true;
}

// What is left of a coarser span: its cells cover `ratio` of ours each; times beyond its end belong
// to the last, to which it moved them.
static void narrow(struct weir_opt_span *s, const struct weir_opt_span *coarse,
                   int32_t coarse_latest, int32_t ratio)
{
    if (coarse->keep_hi < coarse->keep_lo) {
        s->hi = s->lo - 1;
        return;
    }
    int32_t lo = coarse->keep_lo * ratio, hi = coarse->keep_hi * ratio + (ratio - 1);
    s->lo = lo > s->lo ? lo : s->lo;
    if (coarse->keep_hi < coarse_latest && hi < s->hi)
        s->hi = hi;
}

// Make the grid's next row. False: no memory.
static bool lay_row(struct weir_opt_grid *g, const struct weir_opt_problem *p, size_t layer,
                    int32_t level, const struct weir_opt_grid *coarse)
{
    if (!make_row_room(g, p->rungs))
        return false;
    struct weir_opt_row *r = &g->rows[g->row_count];
    struct weir_opt_span *spans = weir_opt_grid_spans(g, p, r);
    const struct weir_opt_span *above = NULL;
    int32_t above_latest = 0, ratio = 1;
    if (coarse) {
        int32_t m = weir_opt_grid_level(coarse, g->level_us[level]);
        const struct weir_opt_row *row = weir_opt_grid_row(coarse, layer, m);
        above = row ? weir_opt_grid_spans(coarse, p, row) : NULL;
        above_latest = weir_opt_grid_latest(coarse, p, layer, m);
        ratio = (int32_t)(coarse->step_us / g->step_us);
    }
    *r = (struct weir_opt_row){.lo = INT32_MAX, .hi = INT32_MIN};
    int32_t earliest = weir_opt_grid_earliest(g, p, layer, level);
    int32_t latest = weir_opt_grid_latest(g, p, layer, level);
    for (size_t k = 0; k < p->rungs; k++) {
        spans[k] = (struct weir_opt_span){.lo = earliest, .hi = latest};
        if (above)
            narrow(&spans[k], &above[k], above_latest, ratio);
        else if (coarse)
            spans[k].hi = spans[k].lo - 1;
        if (spans[k].hi < spans[k].lo)
            continue;
        r->lo = spans[k].lo < r->lo ? spans[k].lo : r->lo;
        r->hi = spans[k].hi > r->hi ? spans[k].hi : r->hi;
    }
    return true;
}

static int lay_layer(struct weir_opt_grid *g, const struct weir_opt_problem *p, size_t layer,
                     const struct weir_opt_grid *coarse)
{
    struct weir_opt_layer *l = &g->layers[layer];
    *l = (struct weir_opt_layer){.first = 0, .last = -1, .row = g->row_count};
    int32_t from = weir_opt_grid_lowest(g, p, layer), to = g->level_count - 1;
    if (coarse) {
        const struct weir_opt_layer *c = &coarse->layers[layer];
        if (c->last < c->first)
            return 0;
        int32_t first = weir_opt_grid_level(g, coarse->level_us[c->first]);
        from = from > first ? from : first;
        if (c->last + 1 < coarse->level_count)
            to = weir_opt_grid_level(g, coarse->level_us[c->last + 1] - 1);
    }
    size_t filled = g->row_count; // rows up to the last that is not empty
    for (int32_t m = from; m <= to; m++) {
        if (!lay_row(g, p, layer, m, coarse))
            return WEIR_ERR_NOMEM;
        bool empty = g->rows[g->row_count].hi < g->rows[g->row_count].lo;
        if (empty && l->last < l->first)
            continue;
        if (l->last < l->first)
            l->first = m;
        g->row_count++;
        l->last = m;
        filled = empty ? filled : g->row_count;
    }
    l->last -= (int32_t)(g->row_count - filled);
    g->row_count = filled;
    return 0;
}

// Where each span's values go: all in turn, or two layers alternately.
static void place(struct weir_opt_grid *g, const struct weir_opt_problem *p, size_t values_max)
{
    size_t largest = 0;
    g->cells = 0;
    for (size_t i = 1; i <= p->segments; i++) {
        struct weir_opt_span *s = g->spans + g->layers[i].row * p->rungs;
        size_t rows = weir_opt_count(g->layers[i].first, g->layers[i].last), size = 0;
        for (size_t n = 0; n < rows * p->rungs; n++) {
            s[n].at = g->cells + size;
            size += weir_opt_width(&s[n]);
        }
        largest = size > largest ? size : largest;
        g->cells += size;
    }
    g->kept = g->cells <= values_max;
    g->value_count = g->kept ? g->cells : 2 * largest;
    for (size_t i = 1; !g->kept && i <= p->segments; i++) {
        struct weir_opt_span *s = g->spans + g->layers[i].row * p->rungs;
        size_t rows = weir_opt_count(g->layers[i].first, g->layers[i].last);
        size_t first = rows ? s->at : 0;
        for (size_t n = 0; n < rows * p->rungs; n++)
            s[n].at = s[n].at - first + (i & 1) * largest;
    }
}

int weir_opt_grid_lay(struct weir_opt_grid *g, const struct weir_opt_problem *p,
                      const struct weir_opt_sizes *sizes, const struct weir_opt_grid *coarse)
{
    weir_opt_grid_free(g);
    g->step_us = sizes->step_us;
    g->level_step_us = sizes->level_step_us;
    int64_t end_us = p->start_us[p->segments] + sizes->stall_max_us;
    if (end_us / g->step_us > WEIR_OPT_MAX_STEPS)
        return WEIR_ERR_TOO_BIG;
    int err = lay_levels(g, p, sizes->stall_max_us);
    g->layers = calloc(p->segments + 1, sizeof(*g->layers));
    g->reference = calloc(p->segments, sizeof(*g->reference));
    if (!err && (!g->layers || !g->reference))
        err = WEIR_ERR_NOMEM;
    for (size_t i = 1; !err && i <= p->segments; i++)
        err = lay_layer(g, p, i, coarse);
    if (!err)
        place(g, p, sizes->values_max);
    return err;
}
