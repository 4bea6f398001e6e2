// cli/eval.h — the verb `weir eval`, with `weir eval merge`.
#ifndef WEIR_CLI_EVAL_H
#define WEIR_CLI_EVAL_H

// argv[0] is "eval". Returns the exit status.
int weir_cli_eval(int argc, char **argv);

#endif
