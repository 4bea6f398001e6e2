// cli/trace.h — the verb `weir trace`.
#ifndef WEIR_CLI_TRACE_H
#define WEIR_CLI_TRACE_H

// argv[0] is the verb. Returns the command's exit code.
int weir_cli_trace(int argc, char **argv);

#endif
