// cli/eval_check.h — what can be known to be wrong before a sweep of hours rather than after it.
#ifndef WEIR_CLI_EVAL_CHECK_H
#define WEIR_CLI_EVAL_CHECK_H

#include "cli/eval_options.h"

// Outputs can be written, and the names given to --baseline and --fail-if are of something that
// will be among the results. WEIR_EXIT_OK, or the exit status of what was wrong, which has been
// said. `store`: what is there already may be named as well; NULL: nothing is.
int weir_eval_check_outputs(const struct weir_eval_options *o);
int weir_eval_check_names(const struct weir_eval_options *o, const struct weir_inputs *inputs,
                          const struct weir_store *store);

#endif
