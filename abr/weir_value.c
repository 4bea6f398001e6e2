// abr/weir_value.c — see weir_value.h. Only + - * / and core/detmath.h: equal tables everywhere.
#include "abr/weir_value.h"

#include <string.h>

#include "core/detmath.h"

#define LN2 0.69314718055994531

// Middles of the fifths of the standard normal distribution.
#define OUTER_FIFTH 1.4
#define INNER_FIFTH 0.53
// A collapse leaves this much of the throughput.
#define COLLAPSE_FACTOR 0.125
// Less than this to come is nothing.
#define STEPS_LEAST 0.1
// Grid of throughputs: from this share of the lowest rung's rate to so many times the highest's.
#define RATES_FROM 0.12
#define RATES_TO   4.0

// Spreads of the classes, and the counts of steps that are kept (the last is the horizon).
static const double spreads[WEIR_VALUE_SPREADS] = {0.15, 0.3, 0.53, 0.9};
static const size_t counts[WEIR_VALUE_KEPT] = {1, 2, 3, 4, 6, 8, WEIR_VALUE_STEPS};

static double min(double a, double b)
{
    return a < b ? a : b;
}

static double max(double a, double b)
{
    return a > b ? a : b;
}

void weir_scenarios_fill(struct weir_scenarios *s, double spread, double collapse)
{
    double outer = weir_exp2(OUTER_FIFTH * spread / LN2);
    double inner = weir_exp2(INNER_FIFTH * spread / LN2);
    *s = (struct weir_scenarios){
        .ln_factor = {-OUTER_FIFTH * spread, -INNER_FIFTH * spread, 0, INNER_FIFTH * spread,
                      OUTER_FIFTH * spread, weir_ln(COLLAPSE_FACTOR)},
        .per_factor = {outer, inner, 1, 1 / inner, 1 / outer, 1 / COLLAPSE_FACTOR},
    };
    for (size_t k = 0; k + 1 < WEIR_VALUE_SCENARIOS; k++)
        s->weight[k] = (1 - collapse) / (WEIR_VALUE_SCENARIOS - 1);
    s->weight[WEIR_VALUE_SCENARIOS - 1] = collapse;
}

static bool is_same(const struct weir_value_shape *a, const struct weir_value_shape *b)
{
    if (a->rungs != b->rungs || a->segments != b->segments || a->step_s != b->step_s ||
        a->room_s != b->room_s || a->carry != b->carry || a->collapse != b->collapse ||
        a->horizon != b->horizon)
        return false;
    for (size_t j = 0; j < a->rungs; j++) {
        if (a->quality[j] != b->quality[j] || a->bytes[j] != b->bytes[j])
            return false;
    }
    return true;
}

void weir_value_set(struct weir_value *v, const struct weir_value_shape *shape)
{
    if (is_same(&v->shape, shape))
        return;
    v->shape = *shape;
    memset(v->built, 0, sizeof(v->built));
    double low = shape->bytes[0] / shape->step_s * RATES_FROM;
    double high = shape->bytes[shape->rungs - 1] / shape->step_s * RATES_TO;
    v->ln_low = weir_ln(low);
    v->ln_step = weir_ln(high / low) / (WEIR_VALUE_RATES - 1);
    v->level_step_s = shape->room_s / (WEIR_VALUE_LEVELS - 1);
}

struct weir_value_rate weir_value_rate_at(const struct weir_value *v, double ln_rate)
{
    double place = min(max((ln_rate - v->ln_low) / v->ln_step, 0), WEIR_VALUE_RATES - 1);
    size_t index = place < WEIR_VALUE_RATES - 2 ? (size_t)place : WEIR_VALUE_RATES - 2;
    return (struct weir_value_rate){.index = index, .share = (float)(place - (double)index)};
}

// One rate of the grid: what the scenarios make of it.
struct outlook {
    double download_s[WEIR_VALUE_SCENARIOS][WEIR_VALUE_RUNGS];
    double weight[WEIR_VALUE_SCENARIOS];
    struct weir_value_rate then[WEIR_VALUE_SCENARIOS];
};

static void look_out(const struct weir_value *v, const struct weir_scenarios *s, size_t rate,
                     struct outlook *out)
{
    double ln_rate = v->ln_low + (double)rate * v->ln_step;
    double per_byte_s = weir_exp2(-ln_rate / LN2);
    for (size_t k = 0; k < WEIR_VALUE_SCENARIOS; k++) {
        out->weight[k] = s->weight[k];
        out->then[k] = weir_value_rate_at(v, ln_rate + v->shape.carry * s->ln_factor[k]);
        for (size_t j = 0; j < v->shape.rungs; j++)
            out->download_s[k][j] = v->shape.bytes[j] * per_byte_s * s->per_factor[k];
    }
}

// The best of every rung before: choices, spread along the ladder at the cost of switching.
static void choose(const struct weir_value_shape *s, const double *choice, float *best)
{
    double value[WEIR_VALUE_RUNGS];
    memcpy(value, choice, sizeof(value));
    for (size_t j = 1; j < s->rungs; j++)
        value[j] = max(value[j], value[j - 1] - (s->quality[j] - s->quality[j - 1]));
    for (size_t j = s->rungs - 1; j-- > 0;)
        value[j] = max(value[j], value[j + 1] - (s->quality[j + 1] - s->quality[j]));
    for (size_t j = 0; j < s->rungs; j++)
        best[j] = (float)value[j];
}

static void step_back(const struct weir_value *v, const struct weir_scenarios *s,
                      const weir_value_layer *later, weir_value_layer *now)
{
    const struct weir_value_shape *shape = &v->shape;
    for (size_t rate = 0; rate < WEIR_VALUE_RATES; rate++) {
        struct outlook o;
        look_out(v, s, rate, &o);
        for (size_t b = 0; b < WEIR_VALUE_LEVELS; b++) {
            double level_s = (double)b * v->level_step_s;
            double choice[WEIR_VALUE_RUNGS] = {0};
            for (size_t j = 0; j < shape->rungs; j++) {
                double expected = 0;
                for (size_t k = 0; k < WEIR_VALUE_SCENARIOS; k++) {
                    double left_s = level_s - o.download_s[k][j];
                    double then_s = min(max(left_s, 0) + shape->step_s, shape->room_s);
                    double future = later ? weir_value_at(v, later, o.then[k], then_s, j) : 0;
                    expected += o.weight[k] * (future - max(-left_s, 0));
                }
                choice[j] = shape->segments * shape->quality[j] + expected;
            }
            choose(shape, choice, (*now)[rate][b]);
        }
    }
}

static void build(struct weir_value *v, size_t class)
{
    struct weir_scenarios s;
    weir_scenarios_fill(&s, spreads[class], v->shape.collapse);
    const weir_value_layer *later = NULL;
    size_t kept = 0;
    for (size_t n = 1; (double)n <= v->shape.horizon; n++) {
        weir_value_layer *now = &v->scratch[n % 2];
        step_back(v, &s, later, now);
        if (n == counts[kept])
            memcpy(v->kept[class][kept++], now, sizeof(*now));
        later = now;
    }
    if (later) // horizon >= 1
        memcpy(v->kept[class][WEIR_VALUE_KEPT - 1], later, sizeof(*later));
    v->built[class] = true;
}

const weir_value_layer *weir_value_with(struct weir_value *v, double spread, double steps)
{
    if (steps < STEPS_LEAST)
        return NULL;
    size_t class = 0;
    while (class + 1 < WEIR_VALUE_SPREADS && spread > (spreads[class] + spreads[class + 1]) / 2)
        class ++;
    if (!v->built[class])
        build(v, class);
    size_t kept = WEIR_VALUE_KEPT - 1;
    if (steps < v->shape.horizon) {
        while (kept > 0 && (kept == WEIR_VALUE_KEPT - 1 || (double)counts[kept] > steps))
            kept--;
    }
    return &v->kept[class][kept];
}
