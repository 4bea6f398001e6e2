// abr/estimate.c — see estimate.h. Not a mean of samples alike: a sample's weight is the time it
// took, else a burst of small segments would outvote the one large one that says more.
#include "abr/estimate.h"

#include <string.h>

#include "core/detmath.h"

#define FAST_HALF_LIFE_S 3.0
#define SLOW_HALF_LIFE_S 8.0

static void add(double *mean, double *total, double value, double weight)
{
    double keep = weir_exp2(-weight);
    *mean = keep * *mean + (1 - keep) * value;
    *total += weight;
}

// Divides out the share that the zero at the start still has.
static double corrected(double mean, double total)
{
    return total > 0 ? mean / (1 - weir_exp2(-total)) : 0;
}

static void ewma_add(struct weir_ewma *m, double value, double fast_weight, double slow_weight)
{
    add(&m->fast, &m->fast_weight, value, fast_weight);
    add(&m->slow, &m->slow_weight, value, slow_weight);
}

void weir_estimate_reset(struct weir_estimate *e)
{
    memset(e, 0, sizeof(*e));
}

void weir_estimate_add(struct weir_estimate *e, const struct weir_throughput_sample *s,
                       int64_t segment_duration_us)
{
    if (s->bytes <= 0 || s->duration_us <= 0)
        return;
    double seconds = (double)s->duration_us / 1e6;
    double bps = (double)s->bytes * 8.0 / seconds;
    ewma_add(&e->throughput, bps, seconds / FAST_HALF_LIFE_S, seconds / SLOW_HALF_LIFE_S);

    double segment_s = segment_duration_us > 0 ? (double)segment_duration_us / 1e6 : 1.0;
    double latency_us = s->latency_us > 0 ? (double)s->latency_us : 0;
    ewma_add(&e->latency, latency_us, segment_s / FAST_HALF_LIFE_S, segment_s / SLOW_HALF_LIFE_S);
}

double weir_estimate_throughput_bps(const struct weir_estimate *e)
{
    double fast = corrected(e->throughput.fast, e->throughput.fast_weight);
    double slow = corrected(e->throughput.slow, e->throughput.slow_weight);
    return fast < slow ? fast : slow;
}

double weir_estimate_latency_us(const struct weir_estimate *e)
{
    double fast = corrected(e->latency.fast, e->latency.fast_weight);
    double slow = corrected(e->latency.slow, e->latency.slow_weight);
    return fast > slow ? fast : slow;
}
