// sim/export.h — the sessions of a store as CSV or JSON lines, in canonical order.
#ifndef WEIR_SIM_EXPORT_H
#define WEIR_SIM_EXPORT_H

#include <stdio.h>

#include "sim/store.h"

enum weir_export_format {
    WEIR_EXPORT_CSV,
    WEIR_EXPORT_JSONL,
};

// Rows are made by `jobs` threads. 0, WEIR_ERR_OUTPUT (of `out`, called `name` in the message), or
// the store's error. `out` is flushed.
int weir_export(struct weir_store *store, enum weir_export_format format, unsigned jobs, FILE *out,
                const char *name, struct weir_error *e);

#endif
