// sim/trace.h — throughput over time, read from the formats that researchers exchange: Sabre's
// JSON, cooked two-column text, Mahimahi's packet times, and weir.trace/1. A trace repeats for
// ever. Immutable once read, so any number of threads may use it.
#ifndef WEIR_SIM_TRACE_H
#define WEIR_SIM_TRACE_H

#include <stddef.h>
#include <stdint.h>

#include <weir/error.h>

#include "core/clock.h"

// Bounds on what is read. Beyond them: WEIR_ERR_TOO_BIG.
#define WEIR_TRACE_MAX_BYTES      (INT64_C(64) << 20)
#define WEIR_TRACE_MAX_JSON_BYTES (INT64_C(16) << 20)
#define WEIR_TRACE_MAX_INTERVALS  4000000
#define WEIR_TRACE_MAX_PERIOD_S   (INT64_C(366) * 86400)
#define WEIR_TRACE_MAX_PERIOD_US  (WEIR_TRACE_MAX_PERIOD_S * WEIR_SECOND_US)
#define WEIR_TRACE_MAX_BPS        1e12
#define WEIR_TRACE_MAX_LATENCY_US (INT64_C(3600) * WEIR_SECOND_US)

struct weir_trace;

enum weir_trace_format {
    WEIR_TRACE_SABRE,    // [{"duration_ms", "bandwidth_kbps", "latency_ms"}, …]
    WEIR_TRACE_COOKED,   // seconds, Mbit/s: a row holds for the interval that ends at its time
    WEIR_TRACE_MAHIMAHI, // a millisecond per line, at which one packet of 1500 bytes may leave
    WEIR_TRACE_WEIR, // {"schema": "weir.trace/1", "latency_ms", "intervals": [{"duration_ms", …}]}
};

// One stretch of constant rate.
struct weir_trace_interval {
    int64_t start_us;   // from the trace's beginning, rounded once from what the file says
    double bps;         // bits per second, >= 0
    int64_t latency_us; // WEIR_TIME_NONE where the trace says nothing
    double bits_before; // offered from the trace's beginning to start_us
};

// Read a trace, recognised by its content. `where` is what messages call it. On failure *out is
// NULL and `e` (may be NULL) says which line or interval is at fault. The caller owns *out.
int weir_trace_parse(const char *data, size_t size_bytes, const char *where,
                     struct weir_trace **out, struct weir_error *e);
int weir_trace_load(const char *path, struct weir_trace **out, struct weir_error *e);
void weir_trace_destroy(struct weir_trace **t); // accepts a pointer to NULL

enum weir_trace_format weir_trace_format(const struct weir_trace *t);
int64_t weir_trace_period_us(const struct weir_trace *t); // > 0; then it begins again
double weir_trace_mean_bps(const struct weir_trace *t);   // > 0
size_t weir_trace_count(const struct weir_trace *t);
// The interval at `index` < weir_trace_count(t); each lasts until the next one's start or the
// period's end.
const struct weir_trace_interval *weir_trace_at(const struct weir_trace *t, size_t index);

// Bits offered between the trace's beginning and time `at_us` >= 0, over all repetitions so far.
// Differences of this function add up without drift, however finely time is cut.
double weir_trace_bits_until(const struct weir_trace *t, int64_t at_us);
// Latency in force at `at_us` >= 0; WEIR_TIME_NONE where the trace says nothing.
int64_t weir_trace_latency_us(const struct weir_trace *t, int64_t at_us);

#endif
