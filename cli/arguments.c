// cli/arguments.c — see arguments.h.
#include "cli/arguments.h"

#include "cli/report.h"

struct weir_arguments weir_arguments_begin(const char *verb, int argc, char **argv,
                                           const char *shorts, const struct option *longs)
{
    optind = 0; // glibc: start afresh, whatever was parsed before
    opterr = 0;
    return (struct weir_arguments){
        .verb = verb, .argc = argc, .argv = argv, .shorts = shorts, .longs = longs, .index = -1};
}

int weir_arguments_next(struct weir_arguments *a)
{
    a->at = optind ? optind : 1;
    a->index = -1;
    int option = getopt_long(a->argc, a->argv, a->shorts, a->longs,
                             &a->index); // NOLINT(concurrency-mt-unsafe)
    if (option == ':') {
        (void)weir_cli_usage(a->verb, a->argv[optind - 1], "a value is missing");
        return WEIR_ARGUMENTS_WRONG;
    }
    if (option == '?') {
        (void)weir_cli_usage(a->verb, a->argv[optind > a->at ? optind - 1 : a->at],
                             "unknown option");
        return WEIR_ARGUMENTS_WRONG;
    }
    return option == -1 ? WEIR_ARGUMENTS_END : option;
}
