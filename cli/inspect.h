// cli/inspect.h — the verb `weir inspect`.
#ifndef WEIR_CLI_INSPECT_H
#define WEIR_CLI_INSPECT_H

// argv[0] is "inspect". Returns the exit status.
int weir_cli_inspect(int argc, char **argv);

#endif
