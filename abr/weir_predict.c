// abr/weir_predict.c — see weir_predict.h.
#include "abr/weir_predict.h"

#include "core/detmath.h"

#define LN2 0.69314718055994531
// A normal distribution's standard deviation over its mean absolute deviation, sqrt(pi / 2).
#define SPREAD_PER_ERROR 1.2533141373155003
// The prior error counts for so many transfers.
#define PRIOR_WEIGHT 2.0
// After an error of so many spreads the past counts half, beyond still less: another network.
#define SURPRISE_SPREADS 2.0
// Weight of the newest latency in their mean.
#define LATENCY_SHARE 0.3

void weir_predict_reset(struct weir_predict *p)
{
    p->keep = weir_exp2(-1 / p->half_life);
    p->keep_errors = 1 - 1 / (p->memory > 1 ? p->memory : 1);
    p->sum = p->weight = p->errors = p->errors_weight = 0;
    p->latency_s = p->ln_rate = p->rate = 0;
}

void weir_predict_add_rate(struct weir_predict *p, double rate)
{
    if (!(rate > 0))
        return;
    double ln_rate = weir_ln(rate);
    double keep = p->keep;
    if (p->weight > 0) {
        double error = ln_rate - p->ln_rate;
        double surprise = error / (SURPRISE_SPREADS * weir_predict_spread(p));
        keep /= 1 + surprise * surprise;
        p->errors = p->errors * p->keep_errors + (error < 0 ? -error : error);
        p->errors_weight = p->errors_weight * p->keep_errors + 1;
    }
    p->sum = p->sum * keep + ln_rate;
    p->weight = p->weight * keep + 1;
    p->ln_rate = p->sum / p->weight;
    p->rate = weir_exp2(p->ln_rate / LN2);
}

void weir_predict_add(struct weir_predict *p, const struct weir_throughput_sample *t)
{
    if (t->bytes <= 0 || t->duration_us <= 0)
        return;
    double latency_s = (double)(t->latency_us > 0 ? t->latency_us : 0) / 1e6;
    p->latency_s =
        p->weight > 0 ? p->latency_s + LATENCY_SHARE * (latency_s - p->latency_s) : latency_s;
    weir_predict_add_rate(p, (double)t->bytes * 1e6 / (double)t->duration_us);
}

bool weir_predict_knows(const struct weir_predict *p, const struct weir_abr_observation *o)
{
    return p->weight > 0 || o->throughput_bps > 0;
}

double weir_predict_rate(const struct weir_predict *p, const struct weir_abr_observation *o)
{
    return p->weight > 0 ? p->rate : (double)o->throughput_bps / 8;
}

double weir_predict_ln_rate(const struct weir_predict *p, const struct weir_abr_observation *o)
{
    return p->weight > 0 ? p->ln_rate : weir_ln((double)o->throughput_bps / 8);
}

double weir_predict_spread(const struct weir_predict *p)
{
    double mean = (p->prior_error * PRIOR_WEIGHT + p->errors) / (PRIOR_WEIGHT + p->errors_weight);
    return SPREAD_PER_ERROR * mean;
}

double weir_predict_latency_s(const struct weir_predict *p)
{
    return p->latency_s;
}
