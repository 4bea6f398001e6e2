// cli/report.c — see report.h.
#include "cli/report.h"

#include <stdarg.h>
#include <stdio.h>

void weir_cli_print_error(const struct weir_error *e)
{
    (void)fprintf(stderr, "weir: %s: %s", e->where, e->what);
    if (e->why[0])
        (void)fprintf(stderr, " (%s)", e->why);
    (void)fputc('\n', stderr);
    if (e->hint[0])
        (void)fprintf(stderr, "try: %s\n", e->hint);
}

enum weir_exit weir_cli_exit_code(int err, bool started)
{
    switch (err) {
    case 0:
        return WEIR_EXIT_OK;
    case WEIR_ERR_INVAL:
        return WEIR_EXIT_USAGE;
    case WEIR_ERR_LIMIT:
        return started ? WEIR_EXIT_FAILED : WEIR_EXIT_USAGE;
    case WEIR_ERR_UNSUPPORTED:
        return WEIR_EXIT_UNSUPPORTED;
    case WEIR_ERR_OUTPUT:
        return WEIR_EXIT_OUTPUT;
    case WEIR_ERR_CANCELLED:
        return WEIR_EXIT_INTERRUPTED;
    default:
        return started ? WEIR_EXIT_FAILED : WEIR_EXIT_INPUT;
    }
}

int weir_cli_usage(const char *verb, const char *option, const char *what_fmt, ...)
{
    va_list args;
    va_start(args, what_fmt);
    (void)fprintf(stderr, "weir: %s: ", option);
    (void)vfprintf(stderr, what_fmt, args);
    (void)fprintf(stderr, "\ntry: weir %s --help\n", verb);
    va_end(args);
    return WEIR_EXIT_USAGE;
}
