// cli/eval_merge.h — `weir eval merge`.
#ifndef WEIR_CLI_EVAL_MERGE_H
#define WEIR_CLI_EVAL_MERGE_H

// argv[0] is "merge". Returns the exit status.
int weir_cli_eval_merge(int argc, char **argv);

#endif
