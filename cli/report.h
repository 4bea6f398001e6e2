// cli/report.h — what people read on standard error, and the exit codes of every verb.
#ifndef WEIR_CLI_REPORT_H
#define WEIR_CLI_REPORT_H

#include <stdbool.h>

#include <weir/error.h>

enum weir_exit {
    WEIR_EXIT_OK = 0,
    WEIR_EXIT_NO = 1,          // ran, and the answer is no
    WEIR_EXIT_USAGE = 2,       // unknown flag, bad value, a limit that cannot work
    WEIR_EXIT_INPUT = 3,       // the input cannot be opened
    WEIR_EXIT_UNSUPPORTED = 4, // understood, not supported
    WEIR_EXIT_FAILED = 5,      // started, and failed later
    WEIR_EXIT_OUTPUT = 6,      // an output cannot be opened or written
    WEIR_EXIT_INTERRUPTED = 130,
};

// "weir: WHERE: WHAT (WHY)", and "try: …" where there is a hint.
void weir_cli_print_error(const struct weir_error *e);
// The exit code for an error; `started`: the input had been opened when it happened.
enum weir_exit weir_cli_exit_code(int err, bool started);
// Print a usage error about `option` and return WEIR_EXIT_USAGE.
int weir_cli_usage(const char *verb, const char *option, const char *what_fmt, ...)
    WEIR_PRINTF(3, 4);

#endif
