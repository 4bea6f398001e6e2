// sim/trace_generate.h — synthetic traces, equal for equal recipes on any machine.
#ifndef WEIR_SIM_TRACE_GENERATE_H
#define WEIR_SIM_TRACE_GENERATE_H

#include <stddef.h>

#include "sim/trace.h"

#define WEIR_RECIPE_MAX_RATES 32

enum weir_recipe_kind {
    WEIR_RECIPE_CONSTANT, // the first rate
    WEIR_RECIPE_STEP,     // each rate in turn for its hold time, and again
    WEIR_RECIPE_MARKOV,   // a random walk: from a rate to one of its neighbours in the list
    WEIR_RECIPE_ON_OFF,   // the first rate and the second in turn, for random times
};
int weir_recipe_kind_from(const char *name); // "constant", "step", "markov", "on-off"; else -1

struct weir_recipe {
    enum weir_recipe_kind kind;
    int64_t duration_us;
    double rates_bps[WEIR_RECIPE_MAX_RATES];
    // How long a rate holds; markov and on-off: on average, geometrically distributed in whole
    // `step_us` (but for a step_us longer than it: that).
    int64_t holds_us[WEIR_RECIPE_MAX_RATES];
    size_t count; // of rates
    int64_t step_us;
    int64_t latency_us; // WEIR_TIME_NONE: the trace gives none
    uint64_t seed;
};

// The caller owns *out. INVAL: no rate, a time that is not positive; or what weir_trace_parse()
// refuses in a trace.
int weir_trace_generate(const struct weir_recipe *r, struct weir_trace **out, struct weir_error *e);

#endif
