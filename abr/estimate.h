// abr/estimate.h — throughput and latency from transfers: two exponentially weighted means, a fast
// and a slow one, the cautious of the two taken (Spiteri et al., MMSys 2018; Sabre's and dash.js's
// estimator). Fed by the engine.
#ifndef WEIR_ABR_ESTIMATE_H
#define WEIR_ABR_ESTIMATE_H

#include "abr/abr.h"

// A pair of means over one weight, each started from zero and corrected for it.
struct weir_ewma {
    double fast, slow;               // raw
    double fast_weight, slow_weight; // so far, in units of each half-life
};

struct weir_estimate {
    struct weir_ewma throughput; // weighted by transfer time; half-lives 3 s and 8 s
    struct weir_ewma latency;    // one per sample; half-lives 3 s and 8 s worth of segments
};

void weir_estimate_reset(struct weir_estimate *e);
// `segment_duration_us` scales the half-lives of the latency; <= 0: unknown, taken as one second.
// Samples without bytes or duration are dropped.
void weir_estimate_add(struct weir_estimate *e, const struct weir_throughput_sample *s,
                       int64_t segment_duration_us);
// The smaller mean; 0 before the first sample.
double weir_estimate_throughput_bps(const struct weir_estimate *e);
// The larger mean; 0 before the first sample.
double weir_estimate_latency_us(const struct weir_estimate *e);

#endif
