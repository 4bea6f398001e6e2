// abr/weir_predict.h — the throughput of the next transfer, and how far that may be wrong: an
// exponentially weighted mean of ln(throughput) over transfers, which forgets faster after a
// surprise, and of its own recent errors.
#ifndef WEIR_ABR_WEIR_PREDICT_H
#define WEIR_ABR_WEIR_PREDICT_H

#include "abr/abr.h"

struct weir_predict {
    double half_life;   // of the mean, in transfers
    double prior_error; // mean |error| of ln(throughput) before there is any
    double memory;      // transfers over which errors are remembered
    // State.
    double sum, weight;           // of ln(bytes per second)
    double errors, errors_weight; // of |error|
    double keep, keep_errors;     // what the weights fall to with each transfer
    double latency_s;
    double ln_rate, rate; // prediction
};

void weir_predict_reset(struct weir_predict *p);
void weir_predict_add(struct weir_predict *p, const struct weir_throughput_sample *t);
// A rate seen otherwise, in bytes per second.
void weir_predict_add_rate(struct weir_predict *p, double rate);
// After a reset the engine's own estimate serves until the first sample.
bool weir_predict_knows(const struct weir_predict *p, const struct weir_abr_observation *o);
double weir_predict_rate(const struct weir_predict *p, const struct weir_abr_observation *o);
double weir_predict_ln_rate(const struct weir_predict *p, const struct weir_abr_observation *o);
// Standard deviation of ln(throughput) about the prediction.
double weir_predict_spread(const struct weir_predict *p);
double weir_predict_latency_s(const struct weir_predict *p);

#endif
