// sim/link_cursor.h — internal to sim/link*.c: a place in a trace that repeats for ever, and the
// time. The trace's intervals end at whole microseconds, so the time is exact at every one of them
// and errors do not add up. Cheap to copy: to look ahead, move a copy.
#ifndef WEIR_SIM_LINK_CURSOR_H
#define WEIR_SIM_LINK_CURSOR_H

#include "sim/trace.h"

// Beyond this (285 years) microseconds in a double are no longer exact; nothing goes further.
#define WEIR_CURSOR_FAR_US 9e15
// Work is counted in bits times microseconds per second: interval lengths times rates, undivided.
#define WEIR_CURSOR_WORK_PER_BYTE 8e6

struct weir_cursor {
    const struct weir_trace_interval *first, *last; // of the trace
    const struct weir_trace_interval *at;           // in force
    double now_us;
    double end_us; // when `at` ends, >= now_us. An interval that just ended is still in force
                   // (reference 17: an exact fit does not go on to the next).
    double period_us, period_work;
};

// At time 0, which is `offset_us` >= 0 on the trace.
void weir_cursor_reset(struct weir_cursor *c, const struct weir_trace *t, int64_t offset_us);
// Go on to `until_us` >= now.
void weir_cursor_go(struct weir_cursor *c, double until_us);
// Let time pass until `until_us` >= now, while the trace stands still.
void weir_cursor_stand(struct weir_cursor *c, double until_us);
// Go on until the trace has offered `work` > 0, but not beyond `until_us`. Returns what is left of
// it: 0 when all was offered.
double weir_cursor_serve(struct weir_cursor *c, double work, double until_us);
// When one unit of latency asked for now has been served: each interval serves it at the pace of
// its own latency (reference 17). An interval that says nothing has none.
double weir_cursor_latency_end_us(const struct weir_cursor *from);

#endif
