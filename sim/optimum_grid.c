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

#define NEVER INT32_MAX

int weir_opt_grid_arrivals(const struct weir_opt_grid *g, const struct weir_opt_problem *p,
                           struct weir_opt_scratch *scratch, size_t segment, int32_t lo, int32_t hi)
{
    size_t width = weir_opt_count(lo, hi);
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
            *out = steps < (double)WEIR_OPT_MAX_STEPS ? (int32_t)steps : NEVER;
        }
    }
    return 0;
}

// The state that a stall ends in: the segment that was late, alone in the buffer.
static float value_after_stall(const struct weir_opt_grid *g, const struct weir_opt_problem *p,
                               size_t layer, int32_t level, size_t rung)
{
    const struct weir_opt_row *r = weir_opt_grid_row(g, layer, level);
    if (!r)
        return WEIR_OPT_NOTHING;
    const struct weir_opt_span *s = &weir_opt_grid_spans(g, p, r)[rung];
    int32_t a = weir_opt_grid_latest(g, p, layer, level);
    return a >= s->lo && a <= s->hi ? g->values[s->at + (size_t)(a - s->lo)] : WEIR_OPT_NOTHING;
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
    size_t width = weir_opt_count(out->lo, out->hi);
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

struct arrivals { // of one layer: arrival[rung][a - lo]
    int32_t lo;
    size_t width;
};

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
    const struct weir_opt_span *next; // before the next segment, without a stall; may be empty
    const float *next_values;
    int32_t earliest, deadline; // of that level
    const float *stalled;       // of this rung
    struct stalls stalls;
};

static void take(float *restrict out, const struct step *s)
{
    int32_t late = first_at_least(s->arrival, 0, s->count, s->deadline + 1);
    int32_t i = 0;
    if (weir_opt_width(s->next)) {
        const struct weir_opt_span *n = s->next;
        int32_t to = first_at_least(s->arrival, 0, late, n->hi + 1);
        if (s->earliest >= n->lo && s->earliest <= n->hi) {
            int32_t full = first_at_least(s->arrival, 0, to, s->earliest);
            fill(out, 0, full, s->next_values[s->earliest - n->lo] + s->reward);
            i = full;
        } else {
            i = first_at_least(s->arrival, 0, to, n->lo);
            fill(out, 0, i, WEIR_OPT_NOTHING);
        }
        for (; i < to; i++)
            out[i] = s->next_values[s->arrival[i] - n->lo] + s->reward;
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

// The largest magnitude in a span: as later is never better, it is that of the last value there is,
// or of the first.
static float largest(const float *values, size_t count, float so_far)
{
    while (count > 0 && values[count - 1] <= WEIR_OPT_NOTHING / 2)
        count--;
    if (count == 0)
        return so_far;
    float low = -values[count - 1], high = values[0];
    so_far = low > so_far ? low : so_far;
    return high > so_far ? high : so_far;
}

static const struct weir_opt_span no_span = {.hi = -1};

// The values of a row: every choice from every time, then what changing to it costs.
static int solve_row(struct weir_opt_grid *g, const struct weir_opt_problem *p,
                     struct weir_opt_scratch *scratch, size_t layer, int32_t level,
                     const struct arrivals *arrivals, struct stalls stalls)
{
    const struct weir_opt_row *r = weir_opt_grid_row(g, layer, level);
    size_t count = weir_opt_count(r->lo, r->hi);
    if (!weir_opt_scratch_room(&scratch->choices, &scratch->choice_room, count * p->rungs,
                               sizeof(*scratch->choices)))
        return WEIR_ERR_NOMEM;
    int32_t lowest = weir_opt_grid_lowest(g, p, layer + 1);
    level = level > lowest ? level : lowest;
    const struct weir_opt_row *next = weir_opt_grid_row(g, layer + 1, level);
    const struct weir_opt_span *nexts = next ? weir_opt_grid_spans(g, p, next) : NULL;
    struct step s = {.count = (int32_t)count,
                     .earliest = weir_opt_grid_earliest(g, p, layer + 1, level),
                     .deadline = weir_opt_grid_deadline(g, p, layer + 1, level),
                     .stalls = stalls};
    for (size_t k = 0; k < p->rungs; k++) {
        s.arrival = scratch->arrival + k * arrivals->width + (r->lo - arrivals->lo);
        s.stalled = scratch->stalled + k * weir_opt_count(stalls.lo, stalls.hi);
        s.reward = (float)(p->quality[k] - g->reference[layer]);
        s.next = nexts ? &nexts[k] : &no_span;
        s.next_values = g->values + s.next->at;
        take(scratch->choices + k * count, &s);
    }
    weir_opt_charge_changes(scratch->choices, count, p->quality, p->rungs);
    const struct weir_opt_span *span = weir_opt_grid_spans(g, p, r);
    for (size_t k = 0; k < p->rungs; k++, span++)
        if (weir_opt_width(span))
            memcpy(g->values + span->at, scratch->choices + k * count + (span->lo - r->lo),
                   weir_opt_width(span) * sizeof(*g->values));
    return 0;
}

static int solve_layer(struct weir_opt_grid *g, const struct weir_opt_problem *p,
                       struct weir_opt_scratch *scratch, size_t layer, float *magnitude)
{
    const struct weir_opt_layer *l = &g->layers[layer], *n = &g->layers[layer + 1];
    int32_t lo, hi;
    if (!weir_opt_grid_times(g, layer, &lo, &hi))
        return 0;
    if (n->last < n->first) { // nothing leads on from here
        for (int32_t m = l->first; m <= l->last; m++) {
            const struct weir_opt_span *s =
                weir_opt_grid_spans(g, p, weir_opt_grid_row(g, layer, m));
            for (size_t k = 0; k < p->rungs; k++)
                fill(g->values + s[k].at, 0, (int32_t)weir_opt_width(&s[k]), WEIR_OPT_NOTHING);
        }
        return 0;
    }
    struct stalls stalls;
    struct arrivals arrivals = {.lo = lo, .width = weir_opt_count(lo, hi)};
    int err = weir_opt_grid_arrivals(g, p, scratch, layer, lo, hi);
    if (!err)
        err = fill_stalls(g, p, scratch, layer + 1, &stalls);
    for (int32_t m = l->first; !err && m <= l->last; m++) {
        const struct weir_opt_row *r = weir_opt_grid_row(g, layer, m);
        if (r->hi < r->lo)
            continue;
        err = solve_row(g, p, scratch, layer, m, &arrivals, stalls);
        const struct weir_opt_span *s = weir_opt_grid_spans(g, p, r);
        for (size_t k = 0; !err && k < p->rungs; k++)
            *magnitude = largest(g->values + s[k].at, weir_opt_width(&s[k]), *magnitude);
    }
    return err;
}

// The last layer: no segment is left; the stalls are paid.
static void end(struct weir_opt_grid *g, const struct weir_opt_problem *p, int64_t stall_us)
{
    const struct weir_opt_layer *l = &g->layers[p->segments];
    for (int32_t m = l->first; m <= l->last; m++) {
        const struct weir_opt_span *s =
            weir_opt_grid_spans(g, p, weir_opt_grid_row(g, p->segments, m));
        float value = (float)(p->stall_cost * (double)(stall_us - g->level_us[m]));
        for (size_t k = 0; k < p->rungs; k++)
            fill(g->values + s[k].at, 0, (int32_t)weir_opt_width(&s[k]), value);
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
