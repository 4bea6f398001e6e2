// abr/l2a_math.h — one step of L2A's learning, apart from when to take it: gradient, projection on
// the simplex, multiplier (reference 11, steps 1 to 4). Shared by L2A and its test.
#ifndef WEIR_ABR_L2A_MATH_H
#define WEIR_ABR_L2A_MATH_H

#include <stddef.h>

#define WEIR_L2A_RUNGS_MAX 128

struct weir_l2a {
    double vl, alpha; // of the horizon
    const double *rates_kbps;
    size_t count;
    double duration_s;
};

// VL = horizon^0.99, alpha = max(horizon, VL * sqrt(horizon)); the rest is zero.
struct weir_l2a weir_l2a_constants(double horizon);
// w[count] becomes the nearest point whose members are >= 0 and sum to 1.
void weir_l2a_project(double *w, size_t count);
// Moves weights and multiplier by what a segment at this throughput teaches.
void weir_l2a_step(const struct weir_l2a *p, double throughput_kbps, double *weights,
                   double *multiplier);
// The rung whose rate is nearest to the expected one; ties go to the lower.
size_t weir_l2a_nearest(const struct weir_l2a *p, const double *weights);

#endif
