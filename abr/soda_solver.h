// abr/soda_solver.h — SODA's planning problem (Chen et al., SIGCOMM 2024): the cheapest sequence of
// rates for the next intervals, under one predicted throughput. The published solver looks only at
// sequences that rise or fall all along; the exhaustive one is its yardstick in tests.
#ifndef WEIR_ABR_SODA_SOLVER_H
#define WEIR_ABR_SODA_SOLVER_H

#include <stdbool.h>
#include <stddef.h>

#define WEIR_SODA_HORIZON_MAX 8
#define WEIR_SODA_RUNGS_MAX   128

// Rates in any one unit, ascending, > 0; times in any one unit; distortion >= 0, descending.
struct weir_soda {
    const double *rates, *distortion;
    size_t count;   // of rates
    size_t allowed; // how many of them, from the lowest, may be chosen; >= 1
    size_t horizon; // intervals; 1 to WEIR_SODA_HORIZON_MAX
    double interval;
    double target, capacity; // of the buffer
    double beta, gamma, epsilon;
};

struct weir_soda_plan {
    bool feasible; // else the rest is undefined
    size_t rungs[WEIR_SODA_HORIZON_MAX];
    double cost;
};

// The cheapest monotone sequence ("never change" is one), the falling one where both cost the same.
struct weir_soda_plan weir_soda_solve(const struct weir_soda *p, double throughput, double buffer,
                                      size_t last);
// The cheapest of all allowed^horizon sequences.
struct weir_soda_plan weir_soda_exhaust(const struct weir_soda *p, double throughput, double buffer,
                                        size_t last);

#endif
