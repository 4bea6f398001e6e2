// abr/soda_solver.c — see soda_solver.h. Depth first; every term of the objective is >= 0, so a
// branch that already costs as much as the best is left, which changes no answer.
#include "abr/soda_solver.h"

enum direction {
    FALLING,
    RISING,
    ANY,
};

struct search {
    const struct weir_soda *p;
    enum direction direction;
    double gain[WEIR_SODA_RUNGS_MAX]; // media fetched in an interval, less what is played
    double cost[WEIR_SODA_RUNGS_MAX]; // distortion, weighted by the media that get it
    size_t rungs[WEIR_SODA_HORIZON_MAX];
    struct weir_soda_plan best;
};

// b(x): full weight below the target, a fraction of it above.
static double buffer_cost(const struct weir_soda *p, double x)
{
    double off = p->target - x;
    return off >= 0 ? off * off : p->epsilon * off * off;
}

static void descend(struct search *s, size_t depth, size_t last, double x, double so_far)
{
    const struct weir_soda *p = s->p;
    if (depth == p->horizon) {
        s->best.feasible = true;
        s->best.cost = so_far;
        for (size_t i = 0; i < depth; i++)
            s->best.rungs[i] = s->rungs[i];
        return;
    }
    size_t from = s->direction == RISING ? last : 0;
    size_t end = s->direction == FALLING && last < p->allowed ? last + 1 : p->allowed;
    for (size_t j = from; j < end; j++) {
        double next = x + s->gain[j];
        if (next < 0 || next > p->capacity)
            continue;
        double change = p->distortion[j] - p->distortion[last];
        double cost =
            so_far + s->cost[j] + p->beta * buffer_cost(p, next) + p->gamma * change * change;
        if (s->best.feasible && cost >= s->best.cost)
            continue;
        s->rungs[depth] = j;
        descend(s, depth + 1, j, next, cost);
    }
}

static void prepare(struct search *s, const struct weir_soda *p, double throughput)
{
    s->p = p;
    s->best = (struct weir_soda_plan){0};
    for (size_t j = 0; j < p->allowed; j++) {
        double media = throughput * p->interval / p->rates[j];
        s->gain[j] = media - p->interval;
        s->cost[j] = p->distortion[j] * media;
    }
}

struct weir_soda_plan weir_soda_solve(const struct weir_soda *p, double throughput, double buffer,
                                      size_t last)
{
    struct search s;
    prepare(&s, p, throughput);
    s.direction = FALLING;
    descend(&s, 0, last, buffer, 0);
    // Only what is strictly cheaper replaces the falling one.
    s.direction = RISING;
    descend(&s, 0, last, buffer, 0);
    return s.best;
}

struct weir_soda_plan weir_soda_exhaust(const struct weir_soda *p, double throughput, double buffer,
                                        size_t last)
{
    struct search s;
    prepare(&s, p, throughput);
    s.direction = ANY;
    descend(&s, 0, last, buffer, 0);
    return s.best;
}
