// sim/optimum_grid.c — the bound: dynamic programming, from the end, over (segment, total stall,
// buffer, last rung).
//
// Why no player can exceed it. Before segment i a session is described by the time t at which
// segment i - 1 was complete and the total stall S so far (start-up included); the buffer follows:
// B = S + media of i segments - t. A session that is earlier at no more stall is never worse: it
// can make the other's requests at the other's times, by waiting; the line being first come, first
// served (also in its latency, which is work done), its segments then arrive no later; S is the
// greatest lateness so far, so it does not exceed the other's; and the less S, the sooner the
// buffer has room. Hence, if every state is moved to one on the grid with no greater t and no
// greater S, what the grid's best session gets is at least what any session gets, one that waits
// on purpose or abandons included. That the times are taken 2 us early covers the engine's whole
// microseconds and this file's arithmetic; the slack added to the bound, single precision.
#include "sim/optimum_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NEVER     INT32_MAX
#define MAX_STEPS (INT32_MAX / 4)

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
    *s = (struct weir_opt_scratch){0};
}

void weir_opt_grid_free(struct weir_opt_grid *g)
{
    free(g->level_us);
    free(g->layers);
    free(g->rows);
    free(g->reference);
    *g = (struct weir_opt_grid){0};
}

// ---- levels and rows

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

static struct weir_opt_row *add_row(struct weir_opt_grid *g)
{
    if (g->row_count == g->row_room) {
        size_t room = g->row_room ? g->row_room * 2 : 4096;
        struct weir_opt_row *grown = realloc(g->rows, room * sizeof(*grown));
        if (!grown)
            return NULL;
        g->rows = grown;
        g->row_room = room;
    }
    return &g->rows[g->row_count++];
}

// What is left of a coarser row: its cells cover `ratio` of ours each; times beyond its ends belong
// to the end cells, to which it moved them.
static void narrow(struct weir_opt_row *r, const struct weir_opt_row *coarse, int32_t coarse_latest,
                   int32_t ratio)
{
    if (!coarse || coarse->keep_hi < coarse->keep_lo) {
        r->hi = r->lo - 1;
        return;
    }
    int32_t lo = coarse->keep_lo * ratio, hi = coarse->keep_hi * ratio + (ratio - 1);
    r->lo = lo > r->lo ? lo : r->lo;
    if (coarse->keep_hi < coarse_latest && hi < r->hi)
        r->hi = hi;
}

static int lay_layer(struct weir_opt_grid *g, const struct weir_opt_problem *p, size_t layer,
                     const struct weir_opt_grid *coarse)
{
    struct weir_opt_layer *l = &g->layers[layer];
    *l = (struct weir_opt_layer){.first = 0, .last = -1, .row = g->row_count};
    int32_t ratio = coarse ? (int32_t)(coarse->step_us / g->step_us) : 1;
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
    for (int32_t m = from; m <= to; m++) {
        struct weir_opt_row r = {.lo = weir_opt_grid_earliest(g, p, layer, m),
                                 .hi = weir_opt_grid_latest(g, p, layer, m)};
        if (coarse) {
            int32_t above = weir_opt_grid_level(coarse, g->level_us[m]);
            narrow(&r, weir_opt_grid_row(coarse, layer, above),
                   weir_opt_grid_latest(coarse, p, layer, above), ratio);
        }
        bool empty = r.hi < r.lo;
        if (empty && l->last < l->first)
            continue;
        struct weir_opt_row *row = add_row(g);
        if (!row)
            return WEIR_ERR_NOMEM;
        *row = r;
        if (l->last < l->first)
            l->first = m;
        l->last = m;
    }
    while (l->last >= l->first && g->rows[g->row_count - 1].hi < g->rows[g->row_count - 1].lo) {
        g->row_count--;
        l->last--;
    }
    return 0;
}

// Where each row's values go: all in turn, or two layers alternately.
static int place(struct weir_opt_grid *g, const struct weir_opt_problem *p, size_t values_max)
{
    size_t largest = 0, all = 0;
    for (size_t i = 1; i <= p->segments; i++) {
        size_t layer = 0;
        for (int32_t m = g->layers[i].first; m <= g->layers[i].last; m++) {
            struct weir_opt_row *r = weir_opt_grid_row(g, i, m);
            r->at = layer;
            layer += r->hi >= r->lo ? (size_t)(r->hi - r->lo + 1) * p->rungs : 0;
        }
        largest = layer > largest ? layer : largest;
        all += layer;
    }
    g->cells = all;
    g->kept = all <= values_max;
    g->value_count = g->kept ? all : 2 * largest;
    size_t at = 0;
    for (size_t i = 1; i <= p->segments; i++) {
        size_t layer = 0;
        if (!g->kept)
            at = (i & 1) * largest;
        for (int32_t m = g->layers[i].first; m <= g->layers[i].last; m++) {
            struct weir_opt_row *r = weir_opt_grid_row(g, i, m);
            r->at += at;
            layer += r->hi >= r->lo ? (size_t)(r->hi - r->lo + 1) * p->rungs : 0;
        }
        if (g->kept)
            at += layer;
    }
    return 0;
}

int weir_opt_grid_lay(struct weir_opt_grid *g, const struct weir_opt_problem *p,
                      const struct weir_opt_sizes *sizes, const struct weir_opt_grid *coarse)
{
    weir_opt_grid_free(g);
    g->step_us = sizes->step_us;
    g->level_step_us = sizes->level_step_us;
    int64_t end_us = p->start_us[p->segments] + sizes->stall_max_us;
    if (end_us / g->step_us > MAX_STEPS)
        return WEIR_ERR_TOO_BIG;
    int err = lay_levels(g, p, sizes->stall_max_us);
    g->layers = calloc(p->segments + 1, sizeof(*g->layers));
    g->reference = calloc(p->segments, sizeof(*g->reference));
    if (!err && (!g->layers || !g->reference))
        err = WEIR_ERR_NOMEM;
    for (size_t i = 1; !err && i <= p->segments; i++)
        err = lay_layer(g, p, i, coarse);
    if (!err)
        err = place(g, p, sizes->values_max);
    return err;
}

// ---- values

int weir_opt_grid_arrivals(const struct weir_opt_grid *g, const struct weir_opt_problem *p,
                           struct weir_opt_scratch *scratch, size_t segment, int32_t lo, int32_t hi)
{
    size_t width = (size_t)(hi - lo + 1);
    if (!weir_opt_scratch_room(&scratch->arrival, &scratch->arrival_room, width * p->rungs,
                               sizeof(*scratch->arrival)))
        return WEIR_ERR_NOMEM;
    struct weir_opt_cursor asked, done[WEIR_CONTENT_MAX_RUNGS];
    double offset_us = (double)p->offset_us;
    double early_us = offset_us + (g->guide ? -(double)g->step_us / 2 : WEIR_OPT_EARLY_US);
    double steps_per_us = 1 / (double)g->step_us;
    asked = weir_opt_cursor_at(&p->line, (double)lo * (double)g->step_us + offset_us);
    const double *size_bits = p->size_bits + segment * p->rungs;
    for (int32_t a = lo; a <= hi; a++) {
        double us = (double)a * (double)g->step_us + offset_us;
        weir_opt_cursor_go(&p->line, &asked, us);
        struct weir_opt_cursor flowing = asked;
        us = weir_opt_cursor_latency(&p->line, &flowing, us);
        double bits = weir_opt_cursor_bits(&p->line, &flowing, us);
        int32_t *out = scratch->arrival + (a - lo);
        for (size_t k = 0; k < p->rungs; k++, out += width) {
            if (a == lo)
                done[k] = flowing;
            us = weir_opt_cursor_reach(&p->line, &done[k], bits + size_bits[k]);
            double steps = (us - early_us) * steps_per_us;
            *out = steps < (double)MAX_STEPS ? (int32_t)steps : NEVER;
        }
    }
    return 0;
}

// The state that a stall ends in: the segment that was late, alone in the buffer.
static float value_after_stall(const struct weir_opt_grid *g, const struct weir_opt_problem *p,
                               size_t layer, int32_t level, size_t rung)
{
    const struct weir_opt_row *r = weir_opt_grid_row(g, layer, level);
    int32_t a = weir_opt_grid_latest(g, p, layer, level);
    if (!r || a < r->lo || a > r->hi)
        return WEIR_OPT_NOTHING;
    return g->values[r->at + rung * (size_t)(r->hi - r->lo + 1) + (size_t)(a - r->lo)];
}

struct stalls { // of one layer: values[rung][a - lo] of arriving at a, too late
    int32_t lo, hi;
};

static int fill_stalls(const struct weir_opt_grid *g, const struct weir_opt_problem *p,
                       struct weir_opt_scratch *scratch, size_t layer, struct stalls *out)
{
    const struct weir_opt_layer *l = &g->layers[layer];
    int64_t media_us = p->start_us[layer - 1];
    int64_t end_us = l->last + 1 < g->level_count ? g->level_us[l->last + 1]
                                                  : g->level_us[l->last] + g->level_step_us;
    out->lo = (int32_t)((g->level_us[l->first] + media_us + g->step_us - 1) / g->step_us);
    out->hi = (int32_t)((end_us + media_us - 1) / g->step_us);
    if (out->hi < out->lo)
        out->hi = out->lo;
    size_t width = (size_t)(out->hi - out->lo + 1);
    if (!weir_opt_scratch_room(&scratch->stalled, &scratch->stalled_room, width * p->rungs,
                               sizeof(*scratch->stalled)))
        return WEIR_ERR_NOMEM;
    for (size_t k = 0; k < p->rungs; k++) {
        int32_t a = out->lo;
        for (int32_t m = l->first; m <= l->last; m++) {
            float value = value_after_stall(g, p, layer, m, k);
            int64_t to_us = m < l->last ? g->level_us[m + 1] : end_us;
            if (g->guide && m < l->last)
                to_us = (to_us + g->level_us[m]) / 2;
            for (; a <= out->hi && a * g->step_us - media_us < to_us; a++)
                scratch->stalled[k * width + (size_t)(a - out->lo)] = value;
        }
        for (; a <= out->hi; a++)
            scratch->stalled[k * width + (size_t)(a - out->lo)] = WEIR_OPT_NOTHING;
    }
    return 0;
}

// The first place in arrival[0 .. count) that is >= bound.
static int32_t first_at_least(const int32_t *arrival, int32_t from, int32_t count, int32_t bound)
{
    int32_t low = from, high = count;
    while (low < high) {
        int32_t middle = low + (high - low) / 2;
        if (arrival[middle] < bound)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void fill(float *out, int32_t from, int32_t to, float value)
{
    for (int32_t i = from; i < to; i++)
        out[i] = value;
}

// What fetching one rung leads to, from every time of a row.
struct step {
    const int32_t *arrival; // [count]
    int32_t count;
    float reward;
    const struct weir_opt_row *next; // before the next segment, without a stall, or NULL
    const float *next_values;        // of this rung
    int32_t earliest, deadline;      // of that level
    const float *stalled;            // of this rung
    struct stalls stalls;
};

static void take(float *restrict out, const struct step *s)
{
    int32_t late = first_at_least(s->arrival, 0, s->count, s->deadline + 1);
    int32_t i = 0;
    if (s->next && s->next->hi >= s->next->lo) {
        const struct weir_opt_row *n = s->next;
        int32_t to = first_at_least(s->arrival, 0, late, n->hi + 1);
        if (s->earliest >= n->lo && s->earliest <= n->hi) {
            int32_t full = first_at_least(s->arrival, 0, to, s->earliest);
            fill(out, 0, full, s->next_values[s->earliest - n->lo] + s->reward);
            i = full;
        } else {
            i = first_at_least(s->arrival, 0, to, n->lo);
            fill(out, 0, i, WEIR_OPT_NOTHING);
        }
        const float *values = s->next_values - n->lo;
        for (; i < to; i++)
            out[i] = values[s->arrival[i]] + s->reward;
    }
    fill(out, i, late, WEIR_OPT_NOTHING);
    i = first_at_least(s->arrival, late, s->count, s->stalls.lo);
    fill(out, late, i, WEIR_OPT_NOTHING);
    int32_t to = first_at_least(s->arrival, i, s->count, s->stalls.hi + 1);
    for (; i < to; i++)
        out[i] = s->stalled[s->arrival[i] - s->stalls.lo] + s->reward;
    fill(out, i, s->count, WEIR_OPT_NOTHING);
}

// values[rung][count]: from "after this rung was chosen" to "when that was the last one": the best
// choice, less the change. Each pass goes one rung further.
void weir_opt_charge_changes(float *values, size_t count, const double *quality, size_t rungs)
{
    for (size_t k = 1; k < rungs; k++) {
        float change = (float)(quality[k] - quality[k - 1]);
        float *restrict to = values + k * count;
        const float *restrict from = values + (k - 1) * count;
        for (size_t a = 0; a < count; a++) {
            float other = from[a] - change;
            to[a] = other > to[a] ? other : to[a];
        }
    }
    for (size_t k = rungs - 1; k > 0; k--) {
        float change = (float)(quality[k] - quality[k - 1]);
        float *restrict to = values + (k - 1) * count;
        const float *restrict from = values + k * count;
        for (size_t a = 0; a < count; a++) {
            float other = from[a] - change;
            to[a] = other > to[a] ? other : to[a];
        }
    }
}

static float largest(const float *values, size_t count, float so_far)
{
    float lanes[8] = {0};
    size_t i = 0;
    for (; i + 8 <= count; i += 8) {
        for (size_t j = 0; j < 8; j++) {
            float v = -values[i + j];
            v = v < 1e29F ? v : 0;
            lanes[j] = v > lanes[j] ? v : lanes[j];
        }
    }
    for (; i < count; i++) {
        float v = -values[i];
        v = v < 1e29F ? v : 0;
        lanes[0] = v > lanes[0] ? v : lanes[0];
    }
    for (size_t j = 0; j < 8; j++)
        so_far = lanes[j] > so_far ? lanes[j] : so_far;
    return so_far;
}

static int solve_layer(struct weir_opt_grid *g, const struct weir_opt_problem *p,
                       struct weir_opt_scratch *scratch, size_t layer, float *magnitude)
{
    const struct weir_opt_layer *l = &g->layers[layer], *n = &g->layers[layer + 1];
    int32_t lo = INT32_MAX, hi = INT32_MIN;
    for (int32_t m = l->first; m <= l->last; m++) {
        const struct weir_opt_row *r = weir_opt_grid_row(g, layer, m);
        lo = r->hi >= r->lo && r->lo < lo ? r->lo : lo;
        hi = r->hi >= r->lo && r->hi > hi ? r->hi : hi;
    }
    if (hi < lo || n->last < n->first)
        return 0; // no row: nothing reads them
    struct stalls stalls;
    int err = weir_opt_grid_arrivals(g, p, scratch, layer, lo, hi);
    if (!err)
        err = fill_stalls(g, p, scratch, layer + 1, &stalls);
    if (err)
        return err;
    size_t width = (size_t)(hi - lo + 1), stalls_width = (size_t)(stalls.hi - stalls.lo + 1);
    int32_t lowest = weir_opt_grid_lowest(g, p, layer + 1);
    for (int32_t m = l->first; m <= l->last; m++) {
        const struct weir_opt_row *r = weir_opt_grid_row(g, layer, m);
        if (r->hi < r->lo)
            continue;
        size_t count = (size_t)(r->hi - r->lo + 1);
        int32_t then = m > lowest ? m : lowest;
        struct step s = {.count = (int32_t)count,
                         .next = weir_opt_grid_row(g, layer + 1, then),
                         .earliest = weir_opt_grid_earliest(g, p, layer + 1, then),
                         .deadline = weir_opt_grid_deadline(g, p, layer + 1, then),
                         .stalls = stalls};
        for (size_t k = 0; k < p->rungs; k++) {
            s.arrival = scratch->arrival + k * width + (r->lo - lo);
            s.stalled = scratch->stalled + k * stalls_width;
            s.reward = (float)(p->quality[k] - g->reference[layer]);
            if (s.next)
                s.next_values = g->values + s.next->at + k * (size_t)(s.next->hi - s.next->lo + 1);
            take(g->values + r->at + k * count, &s);
        }
        weir_opt_charge_changes(g->values + r->at, count, p->quality, p->rungs);
        *magnitude = largest(g->values + r->at, count * p->rungs, *magnitude);
    }
    return 0;
}

// The last layer: no segment is left; the stalls are paid.
static void end(struct weir_opt_grid *g, const struct weir_opt_problem *p, int64_t stall_us)
{
    const struct weir_opt_layer *l = &g->layers[p->segments];
    for (int32_t m = l->first; m <= l->last; m++) {
        const struct weir_opt_row *r = weir_opt_grid_row(g, p->segments, m);
        float value = (float)(p->stall_cost * (double)(stall_us - g->level_us[m]));
        if (r->hi >= r->lo)
            fill(g->values + r->at, 0, (r->hi - r->lo + 1) * (int32_t)p->rungs, value);
    }
}

int weir_opt_grid_solve(struct weir_opt_grid *g, const struct weir_opt_problem *p,
                        struct weir_opt_scratch *scratch, const struct weir_opt_best *best)
{
    double rewards = 0;
    for (size_t i = 0; i < p->segments; i++) {
        g->reference[i] = weir_opt_reward(p, i, i ? best->rungs[i - 1] : 0, best->rungs[i]);
        rewards += g->reference[i];
    }
    int64_t stall_us = (int64_t)((rewards - best->sum) / p->stall_cost);
    g->reference_sum = rewards - p->stall_cost * (double)stall_us;
    if (!weir_opt_scratch_room(&scratch->values, &scratch->value_room, g->value_count + 1,
                               sizeof(*scratch->values)))
        return WEIR_ERR_NOMEM;
    g->values = scratch->values;
    end(g, p, stall_us);
    float magnitude = (float)p->quality[p->rungs - 1];
    int err = 0;
    for (size_t i = p->segments - 1; !err && i > 0; i--)
        err = solve_layer(g, p, scratch, i, &magnitude);
    if (err)
        return err;
    double most = 0; // the reference itself
    for (size_t k = 0; k < p->rungs; k++) {
        int64_t first_us = weir_opt_first_us(p, k);
        int32_t m = weir_opt_grid_level(g, first_us);
        if (g->level_us[m] != first_us)
            continue; // beyond stall_max_us
        double v = (double)value_after_stall(g, p, 1, m, k) + p->quality[k] - g->reference[0];
        most = v > most ? v : most;
    }
    // Each of a layer's sums is rounded to 24 bits: the move, the rewards' own rounding, and the
    // changes, of which a session of the grid may take one step per rung.
    double roundings = (double)p->segments * (double)(2 * p->rungs + 3);
    g->slack = roundings * (double)magnitude / 16777216;
    g->bound = g->reference_sum + most + g->slack;
    return 0;
}
