// sim/trace_generate.c — makes synthetic traces interval by interval. Random ones draw one number
// per step and compare it with step / hold, so no logarithm is needed that machines could disagree
// about.
#include "sim/trace_generate.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/rng.h"
#include "sim/trace_build.h"

int weir_recipe_kind_from(const char *name)
{
    static const char *const names[] = {"constant", "step", "markov", "on-off"};
    for (int i = 0; i < 4; i++)
        if (strcmp(name, names[i]) == 0)
            return i;
    return -1;
}

static int check(const struct weir_recipe *r, struct weir_error *e)
{
    size_t least = r->kind == WEIR_RECIPE_ON_OFF ? 2 : 1;
    if (r->count < least || r->count > WEIR_RECIPE_MAX_RATES)
        return weir_error_set(e, WEIR_ERR_INVAL, "recipe", "%zu rates, want %zu to %d", r->count,
                              least, WEIR_RECIPE_MAX_RATES);
    if (r->duration_us <= 0 || r->step_us <= 0)
        return weir_error_set(e, WEIR_ERR_INVAL, "recipe", "a time that is not positive");
    for (size_t i = 0; i < r->count; i++)
        if (r->holds_us[i] <= 0)
            return weir_error_set(e, WEIR_ERR_INVAL, "recipe", "a time that is not positive");
    return 0;
}

static bool leaves(const struct weir_recipe *r, size_t state, struct weir_rng *rng)
{
    // 53 bits of a number below 1 against the share of steps that are a hold's last.
    return weir_rng_unit(rng) * (double)r->holds_us[state] < (double)r->step_us;
}

// The rate that follows `state`, one hold (constant, step) or one step (markov, on-off) later.
static size_t next_state(const struct weir_recipe *r, size_t state, struct weir_rng *rng)
{
    switch (r->kind) {
    case WEIR_RECIPE_STEP:
        return (state + 1) % r->count;
    case WEIR_RECIPE_ON_OFF:
        return leaves(r, state, rng) ? 1 - state : state;
    case WEIR_RECIPE_MARKOV:
        if (!leaves(r, state, rng) || r->count == 1)
            return state;
        if (state == 0 || state == r->count - 1)
            return state == 0 ? 1 : state - 1;
        return weir_rng_below(rng, 2) ? state + 1 : state - 1;
    default:
        return state;
    }
}

static int fill(const struct weir_recipe *r, struct weir_trace *t)
{
    struct weir_rng rng;
    weir_rng_seed(&rng, r->seed);
    size_t state = r->kind == WEIR_RECIPE_MARKOV ? (size_t)weir_rng_below(&rng, r->count) : 0;
    int err = 0;
    for (size_t n = 1; !err && t->period_us < r->duration_us; n++) {
        int64_t left_us = r->duration_us - t->period_us, length_us = r->step_us;
        if (r->kind == WEIR_RECIPE_CONSTANT)
            length_us = left_us;
        else if (r->kind == WEIR_RECIPE_STEP)
            length_us = r->holds_us[state];
        if (length_us > left_us)
            length_us = left_us;
        err = weir_trace_add(t, t->period_us + length_us, r->rates_bps[state], r->latency_us,
                             "interval", n);
        state = next_state(r, state, &rng);
    }
    if (!err && !(t->period_bits > 0))
        err = weir_error_set(t->error, WEIR_ERR_SYNTAX, t->where,
                             "the trace never lets a bit through");
    return err;
}

int weir_trace_generate(const struct weir_recipe *r, struct weir_trace **out, struct weir_error *e)
{
    *out = NULL;
    int err = check(r, e);
    if (err)
        return err;
    // Steps of one rate join, so their number alone does not bound the work.
    if (r->duration_us > WEIR_TRACE_MAX_PERIOD_US ||
        (r->kind >= WEIR_RECIPE_MARKOV && r->duration_us / r->step_us >= WEIR_TRACE_MAX_INTERVALS))
        return weir_error_set(e, WEIR_ERR_TOO_BIG, "recipe",
                              "longer than a year, or more than 4 million steps");
    struct weir_trace *t = calloc(1, sizeof(*t));
    if (!t)
        return weir_error_set(e, WEIR_ERR_NOMEM, "recipe", "memory ran out");
    t->format = WEIR_TRACE_WEIR;
    t->where = "recipe";
    t->error = e;
    err = fill(r, t);
    t->where = NULL;
    t->error = NULL;
    if (err)
        weir_trace_destroy(&t);
    *out = t;
    return err;
}
