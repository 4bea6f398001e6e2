// sim/optimum_search.c — a good sequence: sessions grown segment by segment with exact times, the
// most promising kept at every one, as a grid's values of what is left to get tell. What is found
// is feasible whatever the grid says; the grid only guides.
#include "sim/optimum_internal.h"

#include <stdlib.h>
#include <string.h>

// States this close to each other are one, of which the best is enough.
#define SAME_TIME_US  50000
#define SAME_STALL_US 100000
// Of a wider neighbourhood a few are kept, so that sessions with more in the buffer than seems
// needed are still there when the line fails.
#define NEAR_STALL_US 500000
#define NEAR_TIMES    25 // in the buffer
#define NEAR_SLOTS    4096

struct branch {
    struct weir_opt_session session;
    double got;   // rewards so far, relative to the grid's reference
    double score; // got, and what the grid expects of the rest
    int32_t rung;
    int32_t parent; // in the step before
    uint64_t place; // its cell of the grid: of several there, the best is enough
};

struct choice {
    int32_t parent, rung;
};

struct rank {
    double score;
    uint64_t place;
    size_t at; // in next
};

struct search {
    const struct weir_opt_problem *p;
    const struct weir_opt_grid *g;
    size_t width, near_most;
    struct branch *here, *next; // [width], [width * rungs]
    struct rank *ranks;         // of next
    struct choice *choices;     // [segments][width]
    int32_t *slots;             // hash table of places: index into next + 1
    size_t slot_count;          // a power of two
    uint8_t near[NEAR_SLOTS];   // kept so far
};

// The value of a row at a time, interpolated: as a bound it would have to be that of the cell's
// beginning, as a guide the mean is better.
static double value_at(const struct search *s, size_t layer, int32_t level, double steps,
                       int32_t rung)
{
    const struct weir_opt_grid *g = s->g;
    const struct weir_opt_row *r = weir_opt_grid_row(g, layer, level);
    if (!r)
        return (double)WEIR_OPT_NOTHING;
    const struct weir_opt_span *span = &weir_opt_grid_spans(g, s->p, r)[rung];
    double earliest = (double)weir_opt_grid_earliest(g, s->p, layer, level);
    steps = steps > earliest ? steps : earliest;
    int32_t a = steps < (double)span->hi ? (int32_t)steps : span->hi;
    if (!weir_opt_width(span) || a < span->lo)
        return (double)WEIR_OPT_NOTHING;
    const float *v = g->values + span->at + (size_t)(a - span->lo);
    double value = (double)v[0], part = steps - (double)a;
    if (a < span->hi && part > 0 && v[1] > WEIR_OPT_NOTHING / 2)
        value += (part < 1 ? part : 1) * (double)(v[1] - v[0]);
    return value;
}

// What the grid expects of the rest after `layer` segments.
static double expect(const struct search *s, size_t layer, const struct weir_opt_session *session,
                     int32_t rung)
{
    const struct weir_opt_grid *g = s->g;
    int32_t m = weir_opt_grid_level(g, session->stall_us);
    if (m + 1 < g->level_count &&
        session->stall_us - g->level_us[m] > g->level_us[m + 1] - session->stall_us)
        m++;
    double paid = s->p->stall_cost * (double)(session->stall_us - g->level_us[m]);
    return value_at(s, layer, m, session->done_us / (double)g->step_us, rung) - paid;
}

static uint64_t place_of(const struct weir_opt_session *session, int32_t rung)
{
    uint64_t stall = (uint64_t)(session->stall_us / SAME_STALL_US);
    uint64_t done = (uint64_t)(session->done_us / SAME_TIME_US);
    return stall << 40 ^ done << 8 ^ (uint64_t)rung;
}

static int32_t *slot_of(const struct search *s, uint64_t place)
{
    size_t at = (size_t)((place * UINT64_C(0x9E3779B97F4A7C15)) >> 32) & (s->slot_count - 1);
    while (s->slots[at] && s->next[s->slots[at] - 1].place != place)
        at = (at + 1) & (s->slot_count - 1);
    return &s->slots[at];
}

static void add(struct search *s, size_t *count, const struct branch *b)
{
    int32_t *slot = slot_of(s, b->place);
    if (!*slot) {
        s->next[*count] = *b;
        *slot = (int32_t)++ * count;
    } else if (b->score > s->next[*slot - 1].score) {
        s->next[*slot - 1] = *b;
    }
}

static size_t grow(struct search *s, size_t segment, size_t count)
{
    const struct weir_opt_problem *p = s->p;
    const double *size_bits = p->size_bits + segment * p->rungs;
    size_t grown = 0;
    memset(s->slots, 0, s->slot_count * sizeof(*s->slots));
    for (size_t i = 0; i < count; i++) {
        struct weir_opt_session asked = s->here[i].session, at;
        double bits;
        weir_opt_session_request(p, &asked, segment, &bits);
        at = asked;
        for (size_t k = 0; k < p->rungs; k++) {
            struct branch b = {.rung = (int32_t)k, .parent = (int32_t)i};
            bool further = k > 0 && size_bits[k] >= size_bits[k - 1];
            b.session = further ? at : asked; // go on from the smaller one's end
            b.session.stall_us = asked.stall_us;
            weir_opt_session_complete(p, &b.session, segment, bits + size_bits[k]);
            at = b.session;
            b.got = s->here[i].got + weir_opt_reward(p, segment, s->here[i].rung, b.rung) -
                    s->g->reference[segment];
            double rest = expect(s, segment + 1, &b.session, b.rung);
            b.place = place_of(&b.session, b.rung);
            b.score = b.got + rest;
            if (rest > (double)WEIR_OPT_NOTHING / 2)
                add(s, &grown, &b);
        }
    }
    return grown;
}

static int by_score(const void *a, const void *b)
{
    const struct rank *x = a, *y = b;
    if (x->score != y->score)
        return x->score < y->score ? 1 : -1;
    return (x->place > y->place) - (x->place < y->place);
}

static size_t select_best(struct search *s, size_t segment, size_t grown)
{
    for (size_t i = 0; i < grown; i++)
        s->ranks[i] = (struct rank){s->next[i].score, s->next[i].place, i};
    qsort(s->ranks, grown, sizeof(*s->ranks), by_score);
    size_t count = 0;
    memset(s->near, 0, sizeof(s->near));
    for (size_t i = 0; i < grown && count < s->width; i++) {
        const struct branch *b = &s->next[s->ranks[i].at];
        const struct weir_opt_session *at = &b->session;
        uint64_t stall = (uint64_t)(at->stall_us / NEAR_STALL_US);
        uint64_t done = (uint64_t)(at->done_us * NEAR_TIMES / (double)s->p->buffer_max_us);
        uint8_t *near = &s->near[(stall * 61 + done) % NEAR_SLOTS];
        if (*near == s->near_most)
            continue;
        ++*near;
        s->here[count++] = *b;
    }
    for (size_t i = 0; i < count; i++)
        s->choices[segment * s->width + i] =
            (struct choice){.parent = s->here[i].parent, .rung = s->here[i].rung};
    return count;
}

static void trace_back(const struct search *s, int32_t *rungs)
{
    int32_t at = 0;
    for (size_t i = s->p->segments; i-- > 0;) {
        const struct choice *c = &s->choices[i * s->width + (size_t)at];
        rungs[i] = c->rung;
        at = c->parent;
    }
}

int weir_opt_search(const struct weir_opt_problem *p, const struct weir_opt_grid *g, size_t width,
                    uint8_t near_most, struct weir_opt_best *best)
{
    struct search s = {.p = p, .g = g, .width = width, .near_most = near_most, .slot_count = 64};
    while (s.slot_count < 2 * width * p->rungs)
        s.slot_count *= 2;
    s.here = malloc(width * sizeof(*s.here));
    s.next = malloc(width * p->rungs * sizeof(*s.next));
    s.ranks = malloc(width * p->rungs * sizeof(*s.ranks));
    s.choices = calloc(p->segments * width, sizeof(*s.choices));
    s.slots = malloc(s.slot_count * sizeof(*s.slots));
    int32_t *rungs = malloc(p->segments * sizeof(*rungs));
    int err = s.here && s.next && s.ranks && s.choices && s.slots && rungs ? 0 : WEIR_ERR_NOMEM;
    size_t count = 1;
    if (!err)
        s.here[0] = (struct branch){.session = weir_opt_session_begin(p)};
    for (size_t i = 0; !err && i < p->segments && count; i++) {
        size_t grown = grow(&s, i, count);
        count = select_best(&s, i, grown);
    }
    if (!err && count) {
        trace_back(&s, rungs);
        double sum = weir_opt_play(p, rungs);
        if (sum > best->sum) {
            memcpy(best->rungs, rungs, p->segments * sizeof(*rungs));
            best->sum = sum;
        }
    }
    free(s.here);
    free(s.next);
    free(s.ranks);
    free(s.choices);
    free(s.slots);
    free(rungs);
    return err;
}
