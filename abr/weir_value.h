// abr/weir_value.h — what a level of buffer is worth: the value function of the algorithm `weir`.
// By backward induction over steps of media, for every throughput, level and rung, with throughput
// that wanders: the best expected quality of the steps to come, less switches and stalls. Computed
// once per ladder, then only looked up.
#ifndef WEIR_ABR_WEIR_VALUE_H
#define WEIR_ABR_WEIR_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WEIR_VALUE_RUNGS     16 // of the ladder; of a longer one an even choice
#define WEIR_VALUE_RATES     20 // evenly spaced in the logarithm
#define WEIR_VALUE_LEVELS    20
#define WEIR_VALUE_SPREADS   4 // classes of uncertainty
#define WEIR_VALUE_STEPS     32
#define WEIR_VALUE_KEPT      7 // counts of steps that are kept
#define WEIR_VALUE_SCENARIOS 6

// How the next transfer's throughput may differ from what is predicted: five fifths of a normal
// distribution of ln(throughput), and a collapse.
struct weir_scenarios {
    double ln_factor[WEIR_VALUE_SCENARIOS];
    double per_factor[WEIR_VALUE_SCENARIOS]; // 1 / factor
    double weight[WEIR_VALUE_SCENARIOS];     // sum 1
};
void weir_scenarios_fill(struct weir_scenarios *s, double spread, double collapse);

// What the function depends on.
struct weir_value_shape {
    size_t rungs;
    double quality[WEIR_VALUE_RUNGS]; // of one segment
    double bytes[WEIR_VALUE_RUNGS];   // of one step
    double segments;                  // in a step
    double step_s;                    // media in a step
    double room_s;                    // the highest level at which a request is made
    double carry;                     // share of a surprise in ln(throughput) that stays
    double collapse;                  // probability per step
    double horizon;                   // steps looked ahead, at most WEIR_VALUE_STEPS
};

typedef float weir_value_layer[WEIR_VALUE_RATES][WEIR_VALUE_LEVELS][WEIR_VALUE_RUNGS];

struct weir_value {
    struct weir_value_shape shape;
    double ln_low, ln_step, level_step_s; // the grids
    bool built[WEIR_VALUE_SPREADS];
    weir_value_layer kept[WEIR_VALUE_SPREADS][WEIR_VALUE_KEPT];
    weir_value_layer scratch[2];
};

// Forgets what was computed for another shape.
void weir_value_set(struct weir_value *v, const struct weir_value_shape *shape);
// The function with `steps` to come, at the class nearest to `spread`; computes that class at its
// first use. Of less than one step, that of one: to be taken in part. NULL: nothing to come.
const weir_value_layer *weir_value_with(struct weir_value *v, double spread, double steps);

// A place between two rates of the grid.
struct weir_value_rate {
    size_t index;
    float share; // of index + 1
};
struct weir_value_rate weir_value_rate_at(const struct weir_value *v, double ln_rate);

static inline double weir_value_at(const struct weir_value *v, const weir_value_layer *layer,
                                   struct weir_value_rate rate, double level_s, size_t rung)
{
    double place = level_s / v->level_step_s;
    place = place < 0 ? 0 : place;
    size_t b = place < WEIR_VALUE_LEVELS - 2 ? (size_t)place : WEIR_VALUE_LEVELS - 2;
    float y = (float)(place - (double)b);
    y = y < 1 ? y : 1;
    const float(*low)[WEIR_VALUE_RUNGS] = (*layer)[rate.index];
    const float(*high)[WEIR_VALUE_RUNGS] = (*layer)[rate.index + 1];
    float at_low = low[b][rung] + y * (low[b + 1][rung] - low[b][rung]);
    float at_high = high[b][rung] + y * (high[b + 1][rung] - high[b][rung]);
    return (double)(at_low + rate.share * (at_high - at_low));
}

#endif
