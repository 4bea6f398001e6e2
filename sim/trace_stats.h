// sim/trace_stats.h — the figures by which one trace is told from another. All weighted by time,
// over one repetition of the trace.
#ifndef WEIR_SIM_TRACE_STATS_H
#define WEIR_SIM_TRACE_STATS_H

#include "sim/trace.h"

#define WEIR_TRACE_PERCENTILES 7
extern const int weir_trace_percentiles[WEIR_TRACE_PERCENTILES]; // 1 5 25 50 75 95 99

struct weir_trace_stats {
    int64_t duration_us;
    size_t intervals;
    double mean_bps, std_bps, cv; // coefficient of variation: std / mean
    double min_bps, max_bps;
    // The lowest rate that the trace keeps below or at for that share of the time.
    double percentile_bps[WEIR_TRACE_PERCENTILES];
    double zero_share;         // of the time, with nothing offered
    int64_t longest_outage_us; // of that time in one piece
    // Over the time for which the trace gives one; WEIR_TIME_NONE: it never does.
    int64_t latency_min_us, latency_max_us;
    double latency_mean_us;
};

// `window_us` > 0: rates are means over windows of that length (the last one may be shorter), as
// suits traces of single packets; 0: the trace's own intervals. Outages and zero time are always
// the intervals'. 0, INVAL (more than WEIR_TRACE_MAX_INTERVALS windows) or NOMEM.
int weir_trace_measure(const struct weir_trace *t, int64_t window_us, struct weir_trace_stats *out);

#endif
