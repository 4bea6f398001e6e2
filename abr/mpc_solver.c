// abr/mpc_solver.c — see mpc_solver.h. Branch and bound. The bound prices the one resource that the
// segments compete for, download time: stalls are never less than the time that the downloads take
// beyond what the buffer and the segments to come can cover, so for any price 0 … stall_weight a
// second, a small dynamic programme over rungs (switches included) bounds what is left. The price
// that matters is found as the crossing of tangents of that (convex) bound.
#include "abr/mpc_solver.h"

#include <float.h>

static double min(double a, double b)
{
    return a < b ? a : b;
}

static double max(double a, double b)
{
    return a > b ? a : b;
}

static double distance(double a, double b)
{
    return a > b ? a - b : b - a;
}

// Ties: values nearer than this are equal. Rounding in sums of K terms stays far below.
double weir_mpc_tolerance(const struct weir_mpc_problem *p)
{
    double scale = max(distance(p->quality[p->rungs - 1], 0), distance(p->quality[0], 0));
    return 1e-9 * max(scale, 1e-3);
}

// max over j' of (tail[j'] − |quality j' − quality j|), in place: a rung is reached through its
// neighbours, since the cost of switching adds up along the ladder.
static void spread(const struct weir_mpc_problem *p, double *tail)
{
    const double *q = p->quality;
    for (size_t j = 1; j < p->rungs; j++)
        tail[j] = max(tail[j], tail[j - 1] - (q[j] - q[j - 1]));
    for (size_t j = p->rungs - 1; j-- > 0;)
        tail[j] = max(tail[j], tail[j + 1] - (q[j + 1] - q[j]));
}

static void price_tails(const struct weir_mpc_problem *p, struct weir_mpc_space *w, double price)
{
    double(*tail)[WEIR_MPC_MAX_RUNGS] = w->tail[w->duals];
    double(*choice)[WEIR_MPC_MAX_RUNGS] = w->choice[w->duals];
    w->price[w->duals++] = price;
    for (size_t j = 0; j < p->rungs; j++)
        tail[p->horizon][j] = 0;
    for (size_t k = p->horizon; k-- > 0;) {
        for (size_t j = 0; j < p->rungs; j++)
            tail[k][j] = choice[k][j] =
                p->quality[j] - price * p->download_s[k][j] + tail[k + 1][j];
        if (k > 0) // at the root only the choices themselves count
            spread(p, tail[k]);
    }
}

struct state {
    double level_s; // when the request is made
    double value;   // so far
    double before;
    bool has_before;
};

static struct state root(const struct weir_mpc_problem *p)
{
    return (struct state){
        .level_s = min(p->buffer_s, p->room_s), .before = p->before, .has_before = p->has_before};
}

static inline struct state after(const struct weir_mpc_problem *p, const struct state *s,
                                 size_t rung, double download_s)
{
    double stall_s = max(download_s - s->level_s, 0);
    double switch_cost = s->has_before ? distance(p->quality[rung], s->before) : 0;
    return (struct state){
        .level_s = min(max(s->level_s - download_s, 0) + p->duration_s, p->room_s),
        .value = s->value + p->quality[rung] - switch_cost - p->stall_weight * stall_s,
        .before = p->quality[rung],
        .has_before = true,
    };
}

double weir_mpc_value(const struct weir_mpc_problem *p, const uint8_t *sequence)
{
    struct state s = root(p);
    for (size_t k = 0; k < p->horizon; k++)
        s = after(p, &s, sequence[k], p->download_s[k][sequence[k]]);
    return s.value;
}

// The sequence that is best at the last price, into w->path; its value without stalls, and how long
// its downloads take.
static double follow(const struct weir_mpc_problem *p, struct weir_mpc_space *w, double *total_s)
{
    double(*choice)[WEIR_MPC_MAX_RUNGS] = w->choice[w->duals - 1];
    double plain = 0, before = p->before;
    bool has_before = p->has_before;
    *total_s = 0;
    for (size_t k = 0; k < p->horizon; k++) {
        size_t best = 0;
        double best_value = -DBL_MAX;
        for (size_t j = 0; j < p->rungs; j++) {
            double value = choice[k][j] - (has_before ? distance(p->quality[j], before) : 0);
            if (value > best_value) {
                best_value = value;
                best = j;
            }
        }
        w->path[k] = (uint8_t)best;
        plain += p->quality[best] - (has_before ? distance(p->quality[best], before) : 0);
        before = p->quality[best];
        has_before = true;
        *total_s += p->download_s[k][best];
    }
    return plain;
}

struct search {
    const struct weir_mpc_problem *p;
    const struct weir_mpc_space *w;
    double best, tolerance;
    size_t first, best_first;
    bool sorted; // downloads rise with the rung
    int64_t nodes;
};

// Whether a sequence worth at most `value`, begun with s->first, could still win.
static bool promising(const struct search *s, double value)
{
    double needed = s->first < s->best_first ? s->best - s->tolerance : s->best + s->tolerance;
    return value > needed;
}

// More than every sequence of ten rungs and five segments: a ladder far beyond what anybody offers
// must not stop the player, so there the best that was found stands.
#define NODES_MAX 500000

// Whether anything from segment k on, the rung before it being j, could still win. The price found
// last is the likeliest to say no.
static bool has_hope(const struct search *s, size_t k, size_t j, const struct state *at)
{
    if (s->nodes > NODES_MAX)
        return false;
    if (k == s->p->horizon)
        return promising(s, at->value);
    double covered_s = at->level_s + (double)(s->p->horizon - k - 1) * s->p->duration_s;
    for (size_t d = s->w->duals; d-- > 0;) {
        if (!promising(s, at->value + s->w->tail[d][k][j] + s->w->price[d] * covered_s))
            return false;
    }
    return true;
}

static void offer(struct search *s, double value)
{
    if (!promising(s, value))
        return;
    s->best = max(s->best, value);
    s->best_first = s->first;
}

// The last segment: going up costs as much as it brings, so nothing above the rung before can be
// better than that rung unless it is smaller; down from it only while the stall shrinks.
static void finish(struct search *s, const struct state *at, size_t before, size_t held)
{
    const struct weir_mpc_problem *p = s->p;
    const double *download_s = p->download_s[p->horizon - 1];
    size_t least = s->p->horizon - 1 < held ? before : 0;
    for (size_t j = before + 1; j-- > least;) {
        s->nodes++;
        double gain = 2 * p->quality[j] - at->before;
        double stall_s = download_s[j] - at->level_s;
        if (stall_s <= 0) {
            offer(s, at->value + gain);
            return;
        }
        offer(s, at->value + gain - p->stall_weight * stall_s);
    }
}

// The last two segments. Up from the rung before pays only for both, and without a stall at that
// rung nothing below it can be better.
static void finish_two(struct search *s, const struct state *at, size_t before, size_t held)
{
    const struct weir_mpc_problem *p = s->p;
    size_t k = p->horizon - 2;
    double most = at->value + at->before + p->quality[p->rungs - 1];
    double stay_s = 0;
    for (size_t j = before; j < p->rungs; j++) {
        s->nodes++;
        double left_s = at->level_s - p->download_s[k][j];
        double level_s = min(max(left_s, 0) + p->duration_s, p->room_s);
        double stall_s = max(-left_s, 0) + max(p->download_s[k + 1][j] - level_s, 0);
        double lost = p->stall_weight * stall_s;
        if (j == before)
            stay_s = stall_s;
        offer(s, at->value + at->before + p->quality[j] - lost);
        if (stall_s > 0 && !promising(s, most - lost))
            break;
    }
    if (stay_s <= 0)
        return;
    size_t least = k < held ? before : 0;
    for (size_t j = before + 1; j-- > least;) {
        struct state next = after(p, at, j, p->download_s[k][j]);
        s->nodes++;
        finish(s, &next, j, held);
        if (p->download_s[k][j] <= at->level_s && p->download_s[k + 1][j] <= next.level_s)
            break;
    }
}

// Nobody climbs for fewer than three segments to come down again: up and down cost as much as two
// segments gain, and the download time comes on top. So after a step up at segment k the next one
// down is at k + 3 or later: `held`.
static void descend(struct search *s, size_t k, const struct state *at, size_t before, size_t held)
{
    const struct weir_mpc_problem *p = s->p;
    if (k == p->horizon) {
        offer(s, at->value);
        return;
    }
    if (s->sorted && k + 2 == p->horizon) {
        finish_two(s, at, before, held);
        return;
    }
    if (s->sorted && k + 1 == p->horizon) {
        finish(s, at, before, held);
        return;
    }
    // A bound that needs no state: without a stall, and with room for all, it is has_hope's.
    size_t d = s->w->duals - 1;
    double covered_s = at->level_s + (double)(p->horizon - k - 1) * p->duration_s;
    double most = at->value + s->w->price[d] * covered_s;
    const double *choice = s->w->choice[d][k];
    for (size_t j = k < held ? before : 0; j < p->rungs; j++) {
        if (!promising(s, most + choice[j] - distance(p->quality[j], at->before)))
            continue;
        struct state next = after(p, at, j, p->download_s[k][j]);
        s->nodes++;
        if (has_hope(s, k + 1, j, &next))
            descend(s, k + 1, &next, j, s->sorted && next.before > at->before ? k + 3 : held);
    }
}

// Whether a sequence that begins with rung j could still win; `next` is the state after it.
static bool first_has_hope(struct search *s, size_t j, struct state *next)
{
    struct state at = root(s->p);
    *next = after(s->p, &at, j, s->p->download_s[0][j]);
    s->first = j;
    s->nodes++;
    return has_hope(s, 1, j, next);
}

// Only the first rung is wanted: that of the best sequence so far wins if no other has hope.
static bool is_settled(struct search *s)
{
    struct state next;
    for (size_t j = 0; j < s->p->rungs; j++) {
        if (j != s->best_first && first_has_hope(s, j, &next))
            return false;
    }
    return true;
}

// Every first rung but the one that leads; the leader's own sequences only when it is overtaken.
static void look_at_firsts(struct search *s)
{
    const struct weir_mpc_problem *p = s->p;
    bool seen[WEIR_MPC_MAX_RUNGS] = {false};
    for (size_t j = 0; j < p->rungs; j++) {
        struct state next;
        if (seen[j] || j == s->best_first || !first_has_hope(s, j, &next))
            continue;
        seen[j] = true;
        size_t leader = s->best_first;
        bool climbs = s->sorted && p->has_before && next.before > p->before;
        descend(s, 1, &next, j, climbs ? 3 : 0);
        if (s->best_first != leader && leader < j)
            j = leader - 1; // back to it (and wraps round to 0)
    }
}

// One more price: its tails, its best sequence (what that is worth without stalls and how long its
// downloads take), which is also a first answer.
static double price_and_try(struct search *s, struct weir_mpc_space *w, double value,
                            double *total_s)
{
    price_tails(s->p, w, value);
    double plain = follow(s->p, w, total_s);
    s->first = w->path[0];
    offer(s, weir_mpc_value(s->p, w->path));
    return plain;
}

// Downloads at no price: up to the top at once, since every later segment gains what the first one
// loses.
static void price_nothing(const struct weir_mpc_problem *p, struct weir_mpc_space *w)
{
    double top = p->quality[p->rungs - 1];
    for (size_t k = 0; k <= p->horizon; k++) {
        double left = (double)(p->horizon - k);
        for (size_t j = 0; j < p->rungs; j++)
            w->tail[0][k][j] = left > 0 ? left * top - (top - p->quality[j]) : 0;
    }
    for (size_t k = 0; k < p->horizon; k++) {
        for (size_t j = 0; j < p->rungs; j++)
            w->choice[0][k][j] = p->quality[j] + w->tail[0][k + 1][j];
    }
    w->price[0] = 0;
    w->duals = 1;
}

struct tangent {
    double price, plain, total_s;
    bool known;
};

// The next price to try, between or beyond those known; < 0: none would bring anything new.
static double next_price(const struct weir_mpc_problem *p, const struct weir_mpc_space *w,
                         const struct tangent *low, const struct tangent *high)
{
    if (high->known) {
        if (low->total_s <= high->total_s)
            return -1;
        double crossing = (low->plain - high->plain) / (low->total_s - high->total_s);
        return crossing > low->price && crossing < high->price ? crossing : -1;
    }
    if (low->price >= p->stall_weight)
        return -1;
    double beyond = low->price > 0 ? 2 * low->price : w->hint > 0 ? w->hint : p->stall_weight / 16;
    return min(beyond, p->stall_weight);
}

// Prices: nought (is the buffer enough for all?), the last decision's, and from there on by the
// crossing of tangents on either side. True: the first rung is found.
static bool price(struct search *s, struct weir_mpc_space *w)
{
    const struct weir_mpc_problem *p = s->p;
    double covered_s = min(p->buffer_s, p->room_s) + (double)(p->horizon - 1) * p->duration_s;
    struct tangent low = {.known = true}, high = {0};
    price_nothing(p, w);
    low.plain = follow(p, w, &low.total_s);
    s->first = w->path[0];
    offer(s, weir_mpc_value(p, w->path));
    while (low.total_s > covered_s && w->duals < WEIR_MPC_MAX_DUALS) {
        struct tangent t = {.price = next_price(p, w, &low, &high), .known = true};
        if (t.price < 0)
            return false;
        t.plain = price_and_try(s, w, t.price, &t.total_s);
        w->hint = t.price;
        if (is_settled(s))
            return true;
        *(t.total_s > covered_s ? &low : &high) = t;
        if (t.total_s == covered_s)
            return false;
    }
    return false;
}

static bool is_sorted(const struct weir_mpc_problem *p)
{
    for (size_t k = 0; k < p->horizon; k++) {
        for (size_t j = 1; j < p->rungs; j++) {
            if (p->download_s[k][j] < p->download_s[k][j - 1])
                return false;
        }
    }
    return true;
}

struct weir_mpc_answer weir_mpc_solve(const struct weir_mpc_problem *p, struct weir_mpc_space *w)
{
    struct search s = {.p = p,
                       .w = w,
                       .best = -DBL_MAX,
                       .best_first = p->rungs,
                       .tolerance = weir_mpc_tolerance(p),
                       .sorted = is_sorted(p)};
    if (!price(&s, w))
        look_at_firsts(&s);
    return (struct weir_mpc_answer){.rung = s.best_first, .value = s.best, .nodes = s.nodes};
}
