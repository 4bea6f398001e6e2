// cli/eval_table.h — the tables that `weir eval` prints.
#ifndef WEIR_CLI_EVAL_TABLE_H
#define WEIR_CLI_EVAL_TABLE_H

#include <stdio.h>

#include "sim/results.h"

// A block per content and trace set, no wider than 120 columns.
void weir_eval_print_tables(const struct weir_results *r, FILE *out);

#endif
