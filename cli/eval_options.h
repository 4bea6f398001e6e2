// cli/eval_options.h — what `weir eval` was asked to do.
#ifndef WEIR_CLI_EVAL_OPTIONS_H
#define WEIR_CLI_EVAL_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "sim/sweep.h"

#define WEIR_EVAL_ABRS_MAX       1024
#define WEIR_EVAL_CONDITIONS_MAX 64

// Strings point into argv, but for `abrs`.
struct weir_eval_options {
    struct weir_sweep_params sweep;
    const char **traces, **contents; // [argc]
    size_t trace_count, content_count;
    char **abr_texts; // copies, cut into abrs
    size_t abr_text_count;
    const char *abrs[WEIR_EVAL_ABRS_MAX];
    size_t abr_count;
    const char *db, *csv, *segments, *jsonl, *report, *baseline;
    const char *conditions[WEIR_EVAL_CONDITIONS_MAX];
    size_t condition_count;
    bool skip_bad, quiet;
    bool done; // help was printed: nothing else is to be done
};

// WEIR_EXIT_OK, or the exit status of what was wrong, which has been said.
// weir_eval_options_clear() in either case.
int weir_eval_options_read(struct weir_eval_options *o, int argc, char **argv);
void weir_eval_options_clear(struct weir_eval_options *o);

// The command line as the database keeps it: what determines the results, and not where they go or
// how many threads and shards find them. NULL when memory runs out; free() it.
char *weir_eval_command(const struct weir_eval_options *o);

#endif
