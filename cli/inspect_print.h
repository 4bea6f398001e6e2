// cli/inspect_print.h — a presentation as a table for people.
#ifndef WEIR_CLI_INSPECT_PRINT_H
#define WEIR_CLI_INSPECT_PRINT_H

#include <stdio.h>

#include "manifest/presentation.h"

// With `list`, the segments too, at most `max_segments` of each representation (0: all). 0, or EOF
// when writing failed.
int weir_inspect_print(const struct weir_presentation *p, size_t max_segments, bool list,
                       FILE *out);

#endif
