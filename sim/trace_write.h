// sim/trace_write.h — a trace as text, in the formats that sim/trace.h reads. What is written reads
// back as the same trace, but for what the format cannot say: cooked and Mahimahi have no latency;
// Mahimahi counts whole packets in whole milliseconds, and Sabre's "none" is a latency of 0.
#ifndef WEIR_SIM_TRACE_WRITE_H
#define WEIR_SIM_TRACE_WRITE_H

#include <stddef.h>

#include "sim/trace.h"

// "sabre", "cooked", "mahimahi", "weir".
const char *weir_trace_format_name(enum weir_trace_format f);
int weir_trace_format_from(const char *name); // -1 for another word

// The whole text into *out, NUL-terminated, freed by the caller. `latency_us` replaces the trace's
// own unless WEIR_TIME_NONE. TOO_BIG where the text would be more than weir reads; UNSUPPORTED
// where Mahimahi would have no packet. Any locale, any thread.
int weir_trace_text(const struct weir_trace *t, enum weir_trace_format format, int64_t latency_us,
                    char **out, size_t *size_bytes, struct weir_error *e);

#endif
