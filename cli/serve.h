// cli/serve.h — the verb `weir serve`.
#ifndef WEIR_CLI_SERVE_H
#define WEIR_CLI_SERVE_H

// argv[0] is the verb. Returns the command's exit code. Must run before any other thread starts,
// because it blocks SIGINT and SIGTERM to wait for them.
int weir_cli_serve(int argc, char **argv);

#endif
