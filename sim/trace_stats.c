// sim/trace_stats.c — a trace's statistics: one pass over its rates, and one sorting for the
// percentiles.
#include "sim/trace_stats.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

const int weir_trace_percentiles[WEIR_TRACE_PERCENTILES] = {1, 5, 25, 50, 75, 95, 99};

struct sample {
    double bps, us;
};

static int by_rate(const void *a, const void *b)
{
    double x = ((const struct sample *)a)->bps, y = ((const struct sample *)b)->bps;
    return (x > y) - (x < y);
}

static int64_t end_us(const struct weir_trace *t, size_t i)
{
    return i + 1 < weir_trace_count(t) ? weir_trace_at(t, i + 1)->start_us
                                       : weir_trace_period_us(t);
}

// The trace's rates, by interval or window.
static int take_samples(const struct weir_trace *t, int64_t window_us, struct sample **out,
                        size_t *count)
{
    int64_t period_us = weir_trace_period_us(t);
    *count = weir_trace_count(t);
    if (window_us > 0) {
        int64_t windows = (period_us - 1) / window_us + 1;
        if (windows > WEIR_TRACE_MAX_INTERVALS)
            return WEIR_ERR_INVAL;
        *count = (size_t)windows;
    }
    struct sample *s = malloc(*count * sizeof(*s));
    if (!s)
        return WEIR_ERR_NOMEM;
    for (size_t i = 0; i < *count; i++) {
        if (window_us > 0) {
            int64_t from_us = (int64_t)i * window_us;
            int64_t length_us = period_us - from_us < window_us ? period_us - from_us : window_us;
            // The period's end is the next one's beginning, so its bits are those of the whole.
            double bits =
                weir_trace_bits_until(t, from_us + length_us) - weir_trace_bits_until(t, from_us);
            s[i] =
                (struct sample){bits > 0 ? bits * 1e6 / (double)length_us : 0, (double)length_us};
        } else {
            const struct weir_trace_interval *v = weir_trace_at(t, i);
            s[i] = (struct sample){v->bps, (double)(end_us(t, i) - v->start_us)};
        }
    }
    *out = s;
    return 0;
}

static void measure_rates(struct sample *s, size_t count, struct weir_trace_stats *out)
{
    double squares = 0, duration_us = (double)out->duration_us;
    for (size_t i = 0; i < count; i++) {
        double off = s[i].bps - out->mean_bps;
        squares += off * off * (s[i].us / duration_us);
    }
    out->std_bps = sqrt(squares);
    out->cv = out->std_bps / out->mean_bps;
    qsort(s, count, sizeof(*s), by_rate);
    out->min_bps = s[0].bps;
    out->max_bps = s[count - 1].bps;
    size_t at = 0;
    double until_us = s[0].us; // lengths are whole, so sums are exact
    for (size_t p = 0; p < WEIR_TRACE_PERCENTILES; p++) {
        while (at + 1 < count && until_us * 100 < duration_us * weir_trace_percentiles[p])
            until_us += s[++at].us;
        out->percentile_bps[p] = s[at].bps;
    }
}

static void measure_outages(const struct weir_trace *t, struct weir_trace_stats *out)
{
    int64_t zero_us = 0, run_us = 0;
    for (size_t i = 0; i < out->intervals; i++) {
        const struct weir_trace_interval *v = weir_trace_at(t, i);
        if (v->bps > 0) {
            run_us = 0;
            continue;
        }
        zero_us += end_us(t, i) - v->start_us;
        run_us += end_us(t, i) - v->start_us;
        if (run_us > out->longest_outage_us)
            out->longest_outage_us = run_us;
    }
    out->zero_share = (double)zero_us / (double)out->duration_us;
}

static void measure_latency(const struct weir_trace *t, struct weir_trace_stats *out)
{
    double sum = 0, us = 0;
    out->latency_min_us = out->latency_max_us = WEIR_TIME_NONE;
    for (size_t i = 0; i < out->intervals; i++) {
        const struct weir_trace_interval *v = weir_trace_at(t, i);
        if (v->latency_us == WEIR_TIME_NONE)
            continue;
        if (!(us > 0) || v->latency_us < out->latency_min_us)
            out->latency_min_us = v->latency_us;
        if (!(us > 0) || v->latency_us > out->latency_max_us)
            out->latency_max_us = v->latency_us;
        double length_us = (double)(end_us(t, i) - v->start_us);
        us += length_us;
        sum += length_us * (double)v->latency_us;
    }
    out->latency_mean_us = us > 0 ? sum / us : 0;
}

int weir_trace_measure(const struct weir_trace *t, int64_t window_us, struct weir_trace_stats *out)
{
    struct sample *s = NULL;
    size_t count;
    int err = take_samples(t, window_us, &s, &count);
    if (err)
        return err;
    *out = (struct weir_trace_stats){.duration_us = weir_trace_period_us(t),
                                     .intervals = weir_trace_count(t),
                                     .mean_bps = weir_trace_mean_bps(t)};
    measure_rates(s, count, out);
    measure_outages(t, out);
    measure_latency(t, out);
    free(s);
    return 0;
}
