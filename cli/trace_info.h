// cli/trace_info.h — what `weir trace info` prints about one trace.
#ifndef WEIR_CLI_TRACE_INFO_H
#define WEIR_CLI_TRACE_INFO_H

#include <stdio.h>

#include "sim/trace_stats.h"

struct weir_trace_info {
    const char *path;
    enum weir_trace_format format;
    struct weir_trace_stats stats;
};

void weir_trace_info_text(const struct weir_trace_info *i, FILE *out);
// weir.trace_info/1 on one line; freed by the caller, NULL when memory runs out.
char *weir_trace_info_json(const struct weir_trace_info *i);

#endif
