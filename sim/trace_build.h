// sim/trace_build.h — internal to sim/trace*.c: a trace under construction, and its parsers.
#ifndef WEIR_SIM_TRACE_BUILD_H
#define WEIR_SIM_TRACE_BUILD_H

#include "sim/trace.h"

struct weir_trace {
    enum weir_trace_format format;
    struct weir_trace_interval *intervals;
    size_t count, room;
    int64_t period_us;
    double period_bits;
    const char *where;        // while reading only
    struct weir_error *error; // while reading only; may be NULL
};

// Add an interval that lasts until `end_us` (from the trace's beginning, beyond the last one's
// end). `name` and `number` say in messages what it was read from ("line" 7, "interval" 3). Equal
// neighbours become one.
int weir_trace_add(struct weir_trace *t, int64_t end_us, double bps, int64_t latency_us,
                   const char *name, size_t number);
// Report what is wrong with `name` `number`; returns `code`.
int weir_trace_fail(struct weir_trace *t, int code, const char *name, size_t number,
                    const char *what);

int weir_trace_read_json(struct weir_trace *t, const char *data, size_t size_bytes);
int weir_trace_read_text(struct weir_trace *t, const char *data, size_t size_bytes);

#endif
