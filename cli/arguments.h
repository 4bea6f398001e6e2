// cli/arguments.h — a verb's command line, option by option (getopt_long), with the same words in
// every verb for what is wrong with it. One at a time in a process: getopt keeps its place
// globally.
#ifndef WEIR_CLI_ARGUMENTS_H
#define WEIR_CLI_ARGUMENTS_H

#include <getopt.h>

struct weir_arguments {
    const char *verb;
    int argc;
    char **argv;
    const char *shorts; // getopt's, beginning with ":" or "-:"
    const struct option *longs;
    int at;    // place in argv of the option read last
    int index; // in `longs` of the option read last; -1: a short one
};

#define WEIR_ARGUMENTS_END   (-1) // optind is the first argument that is no option
#define WEIR_ARGUMENTS_WRONG (-2) // said why already: the exit code is WEIR_EXIT_USAGE

struct weir_arguments weir_arguments_begin(const char *verb, int argc, char **argv,
                                           const char *shorts, const struct option *longs);
// The next option's value, its argument in optarg; or one of the above.
int weir_arguments_next(struct weir_arguments *a);

#endif
