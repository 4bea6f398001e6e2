// abr/mpc_oracle.c — the K-segment problem where the future is known (see mpc_solver.h): depth
// first, each download's time asked of the oracle at the moment its request would be made. What a
// later segment can bring is bounded by the ladder and by the fact that all bytes still to come
// cannot arrive sooner than as one request made now.
#include "abr/mpc_solver.h"

#include <float.h>

struct search {
    const struct weir_mpc_problem *p;
    const struct weir_mpc_oracle *oracle;
    double gain[WEIR_MPC_MAX_HORIZON + 1][WEIR_MPC_MAX_RUNGS]; // from k on after rung j, no stall
    double best, tolerance;
    size_t first, best_first;
    bool sorted[WEIR_MPC_MAX_HORIZON]; // sizes rise with the rung
    int64_t nodes;
};

struct state {
    int64_t at_us;  // when the request is made
    double level_s; // then
    double value, before;
    bool has_before;
};

static double distance(double a, double b)
{
    return a > b ? a - b : b - a;
}

// Waits, if the buffer has no room for a segment.
static void make_room(const struct weir_mpc_problem *p, struct state *s)
{
    double over_s = s->level_s - p->room_s;
    if (over_s <= 0)
        return;
    s->level_s = p->room_s;
    s->at_us += (int64_t)(over_s * 1e6 + 0.5);
}

static struct state after(const struct search *s, const struct state *at, size_t k, size_t rung)
{
    const struct weir_mpc_problem *p = s->p;
    int64_t done_us = s->oracle->done_us(s->oracle->ctx, at->at_us, s->oracle->bytes[k][rung]);
    double download_s = done_us > at->at_us ? (double)(done_us - at->at_us) / 1e6 : 0;
    double stall_s = download_s > at->level_s ? download_s - at->level_s : 0;
    struct state next = {
        .at_us = done_us > at->at_us ? done_us : at->at_us,
        .level_s = at->level_s - download_s + stall_s + p->duration_s,
        .value = at->value + p->quality[rung] - p->stall_weight * stall_s -
                 (at->has_before ? distance(p->quality[rung], at->before) : 0),
        .before = p->quality[rung],
        .has_before = true,
    };
    make_room(p, &next);
    return next;
}

static struct state root(const struct weir_mpc_problem *p, const struct weir_mpc_oracle *oracle)
{
    struct state s = {.at_us = oracle->now_us,
                      .level_s = p->buffer_s,
                      .before = p->before,
                      .has_before = p->has_before};
    make_room(p, &s);
    return s;
}

static bool promising(const struct search *s, double value)
{
    double needed = s->first < s->best_first ? s->best - s->tolerance : s->best + s->tolerance;
    return value > needed;
}

static void offer(struct search *s, double value)
{
    if (!promising(s, value))
        return;
    s->best = value > s->best ? value : s->best;
    s->best_first = s->first;
}

static void descend(struct search *s, size_t k, const struct state *at)
{
    const struct weir_mpc_problem *p = s->p;
    for (size_t j = 0; j < p->rungs; j++) {
        if (k == 0)
            s->first = j;
        double most = p->quality[j] - (at->has_before ? distance(p->quality[j], at->before) : 0) +
                      s->gain[k + 1][j];
        if (!promising(s, at->value + most))
            continue;
        struct state next = after(s, at, k, j);
        s->nodes++;
        if (k + 1 == p->horizon)
            offer(s, next.value);
        else if (promising(s, next.value + s->gain[k + 1][j]))
            descend(s, k + 1, &next);
        // Larger ones stall longer still.
        double stall_cost = at->value + most - (next.value + s->gain[k + 1][j]);
        if (s->sorted[k] && !promising(s, at->value + s->gain[k][p->rungs - 1] - stall_cost))
            break;
    }
}

// Without stalls: to the top at once, since each later segment gains what the first one loses.
static void bound_gains(struct search *s)
{
    const struct weir_mpc_problem *p = s->p;
    double top = p->quality[p->rungs - 1];
    for (size_t k = 0; k <= p->horizon; k++) {
        double left = (double)(p->horizon - k);
        for (size_t j = 0; j < p->rungs; j++)
            s->gain[k][j] = left > 0 ? left * top - (top - p->quality[j]) : 0;
    }
}

static void try_constants(struct search *s)
{
    for (size_t j = 0; j < s->p->rungs; j++) {
        struct state at = root(s->p, s->oracle);
        for (size_t k = 0; k < s->p->horizon; k++)
            at = after(s, &at, k, j);
        s->first = j;
        offer(s, at.value);
    }
}

static void look_at_sizes(struct search *s)
{
    for (size_t k = 0; k < s->p->horizon; k++) {
        s->sorted[k] = true;
        for (size_t j = 1; j < s->p->rungs; j++) {
            if (s->oracle->bytes[k][j] < s->oracle->bytes[k][j - 1])
                s->sorted[k] = false;
        }
    }
}

struct weir_mpc_answer weir_mpc_solve_oracle(const struct weir_mpc_problem *p,
                                             const struct weir_mpc_oracle *oracle)
{
    struct search s = {.p = p,
                       .oracle = oracle,
                       .best = -DBL_MAX,
                       .best_first = p->rungs,
                       .tolerance = weir_mpc_tolerance(p)};
    bound_gains(&s);
    look_at_sizes(&s);
    try_constants(&s);
    struct state at = root(p, oracle);
    descend(&s, 0, &at);
    return (struct weir_mpc_answer){.rung = s.best_first, .value = s.best, .nodes = s.nodes};
}
