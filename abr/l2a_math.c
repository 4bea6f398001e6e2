// abr/l2a_math.c — see l2a_math.h.
#include "abr/l2a_math.h"

#include <math.h>
#include <string.h>

#include "core/detmath.h"

#define LN2 0x1.62e42fefa39efp-1

struct weir_l2a weir_l2a_constants(double horizon)
{
    struct weir_l2a p = {.vl = weir_exp2(0.99 * weir_ln(horizon) / LN2)};
    double step = p.vl * sqrt(horizon);
    p.alpha = step > horizon ? step : horizon;
    return p;
}

static void sort_descending(double *x, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        double v = x[i];
        size_t k = i;
        for (; k > 0 && x[k - 1] < v; k--)
            x[k] = x[k - 1];
        x[k] = v;
    }
}

void weir_l2a_project(double *w, size_t count)
{
    double sorted[WEIR_L2A_RUNGS_MAX];
    memcpy(sorted, w, count * sizeof(*w));
    sort_descending(sorted, count);
    // The threshold tau with sum of max(w - tau, 0) = 1, from the largest members that stay above.
    double sum = 0;
    double tau = 0;
    for (size_t i = 0; i < count; i++) {
        sum += sorted[i];
        double candidate = (sum - 1) / (double)(i + 1);
        if (sorted[i] > candidate)
            tau = candidate;
    }
    for (size_t j = 0; j < count; j++)
        w[j] = w[j] > tau ? w[j] - tau : 0;
}

static double expected_kbps(const struct weir_l2a *p, const double *weights)
{
    double sum = 0;
    for (size_t j = 0; j < p->count; j++)
        sum += weights[j] * p->rates_kbps[j];
    return sum;
}

void weir_l2a_step(const struct weir_l2a *p, double throughput_kbps, double *weights,
                   double *multiplier)
{
    double step = p->duration_s / (2 * p->alpha) * (*multiplier + p->vl);
    double sign = 1;
    for (size_t j = 0; j < p->count; j++) {
        double ratio = p->rates_kbps[j] / throughput_kbps;
        if (ratio > 1)
            sign = -1; // from the first rung that does not fit
        weights[j] += sign * step * ratio;
    }
    weir_l2a_project(weights, p->count);
    // The constraint, linear around the old weights, is then that of the new ones:
    // R.w_old + R.(w_new - w_old) = R.w_new.
    double load = expected_kbps(p, weights) / throughput_kbps;
    double next = *multiplier + p->duration_s * (load - 1);
    *multiplier = next > 0 ? next : 0;
}

size_t weir_l2a_nearest(const struct weir_l2a *p, const double *weights)
{
    double wanted = expected_kbps(p, weights);
    size_t best = 0;
    for (size_t j = 1; j < p->count; j++)
        if (fabs(p->rates_kbps[j] - wanted) < fabs(p->rates_kbps[best] - wanted))
            best = j;
    return best;
}
