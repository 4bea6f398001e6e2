// sim/results_internal.h — internal to sim/results*.c.
#ifndef WEIR_SIM_RESULTS_INTERNAL_H
#define WEIR_SIM_RESULTS_INTERNAL_H

#include "sim/results.h"

// Means, intervals, shares and differences of what was read. False: memory ran out.
bool weir_results_figures(struct weir_results *r);

#endif
