// abr/estimate.h — throughput and latency from transfers: two exponentially weighted means, a fast
// and a slow one, the cautious of the two taken (Spiteri et al., MMSys 2018; Sabre's and dash.js's
// estimator). Fed by the engine.
#ifndef WEIR_ABR_ESTIMATE_H
#define WEIR_ABR_ESTIMATE_H

#include "abr/abr.h"

// A mean started from zero, and the share that this zero still has of it.
struct weir_ewma {
    double mean, zero;
};

struct weir_estimate {
    struct weir_ewma fast_bps, slow_bps; // weighted by transfer time; half-lives 3 s and 8 s
    struct weir_ewma fast_us, slow_us;   // latency, one a sample; 3 s and 8 s worth of segments
    int64_t segment_duration_us;         // that the latency's weights are for
    double fast_keep, slow_keep;         // of the means of latency
    double throughput_bps, latency_us;   // the answers
};

void weir_estimate_reset(struct weir_estimate *e);
// `segment_duration_us` scales the half-lives of the latency; <= 0: unknown, taken as one second.
// Samples without bytes or duration are dropped.
void weir_estimate_add(struct weir_estimate *e, const struct weir_throughput_sample *s,
                       int64_t segment_duration_us);

// The smaller mean; 0 before the first sample.
static inline double weir_estimate_throughput_bps(const struct weir_estimate *e)
{
    return e->throughput_bps;
}

// The larger mean; 0 before the first sample.
static inline double weir_estimate_latency_us(const struct weir_estimate *e)
{
    return e->latency_us;
}

#endif
