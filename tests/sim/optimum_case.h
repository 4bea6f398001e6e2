// tests/sim/optimum_case.h — small random problems for the offline optimum: few enough sequences to
// try them all.
#ifndef WEIR_TESTS_SIM_OPTIMUM_CASE_H
#define WEIR_TESTS_SIM_OPTIMUM_CASE_H

#include "core/rng.h"
#include "sim/optimum.h"

struct optimum_case {
    struct weir_content *content;
    struct weir_trace *trace;
    struct weir_optimum_params params;
};

// Seeded; rates are multiplied by `scale` and are otherwise the same for the same seed. Outages,
// latencies that change, buffers from less than two segments to many, sizes that need not rise with
// the rung. False: it could not be made.
bool optimum_case_make(struct optimum_case *c, uint64_t seed, size_t segments, size_t rungs,
                       double scale);
void optimum_case_free(struct optimum_case *c);

#endif
