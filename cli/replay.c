// cli/replay.c — `weir replay`: the engine runs again from a session's event log; the first thing
// it does otherwise, if any.
#include "cli/replay.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/abr_help.h"
#include "cli/arguments.h"
#include "cli/report.h"
#include "sim/rerun.h"

enum { OPT_ABR = 256, OPT_HELP };

static const struct option long_options[] = {
    {"abr", required_argument, NULL, OPT_ABR},
    {"help", no_argument, NULL, OPT_HELP},
    {NULL, 0, NULL, 0},
};

static const char help[] =
    "usage: weir replay [--abr SPEC] EVENTS.jsonl\n"
    "\n"
    "Runs the engine again from the event log of a session, recorded with\n"
    "`weir play --events EVENTS.jsonl --record URL`, and shows the first decision that\n"
    "differs from the recorded one, if any. Needs neither the server nor the media.\n"
    "\n"
    "  --abr SPEC  ask this algorithm instead of the session's; `--abr help` lists them\n"
    "  --help      this text\n"
    "\n"
    "EVENTS.jsonl may be - for standard input.\n"
    "Exit status: 0 when everything was done again as recorded, 1 when not.\n";

struct options {
    struct weir_rerun_params params;
    const char *path;
    bool helped;
};

static int read_options(struct options *o, int argc, char **argv)
{
    *o = (struct options){0};
    struct weir_arguments a = weir_arguments_begin("replay", argc, argv, ":", long_options);
    for (;;) {
        int option = weir_arguments_next(&a);
        if (option == WEIR_ARGUMENTS_END)
            break;
        if (option == WEIR_ARGUMENTS_WRONG)
            return WEIR_EXIT_USAGE;
        if (option == ':' || option == '?')
            return weir_cli_usage("replay", argv[optind - 1], "%s",
                                  option == ':' ? "a value is missing" : "unknown option");
        o->helped = option == OPT_HELP || !strcmp(optarg, "help");
        if (option == OPT_HELP)
            (void)fputs(help, stdout);
        else if (o->helped)
            weir_cli_print_abr_help(stdout);
        if (o->helped)
            return WEIR_EXIT_OK;
        o->params.abr = optarg;
    }
    if (optind >= argc)
        return weir_cli_usage("replay", "EVENTS.jsonl", "no event log was given");
    if (optind + 1 < argc)
        return weir_cli_usage("replay", argv[optind + 1], "one log at a time");
    o->path = argv[optind];
    return WEIR_EXIT_OK;
}

static int conclude(const char *path, const struct weir_rerun_result *r)
{
    switch (r->finding) {
    case WEIR_RERUN_SAME:
        (void)printf("%s: %lld steps, %lld decisions: all the same\n", path, (long long)r->steps,
                     (long long)r->decisions);
        return WEIR_EXIT_OK;
    case WEIR_RERUN_CHANGED:
        (void)printf("%s: line %lld, t %.6f: not as it was written (its checksum does not fit)\n",
                     path, (long long)r->line, r->t);
        break;
    case WEIR_RERUN_DIFFERS:
        (void)printf("%s: line %lld, t %.6f: the engine does otherwise\n", path, (long long)r->line,
                     r->t);
        (void)printf("  it heard  %s\n  recorded  %s\n  now       %s\n", r->event ? r->event : "",
                     r->logged ? r->logged : "", r->now ? r->now : "");
        break;
    }
    (void)printf("  %lld steps and %lld decisions before it were the same\n", (long long)r->steps,
                 (long long)r->decisions);
    return WEIR_EXIT_NO;
}

int weir_cli_replay(int argc, char **argv)
{
    struct options o;
    int code = read_options(&o, argc, argv);
    if (code != WEIR_EXIT_OK || !o.path) // --help was answered
        return code;
    struct weir_error error = {0};
    FILE *log = strcmp(o.path, "-") ? fopen(o.path, "re") : stdin;
    if (!log) {
        weir_error_set(&error, WEIR_ERR_NOT_FOUND, o.path, "cannot be opened");
        weir_error_why(&error, "%s", strerror(errno)); // NOLINT(concurrency-mt-unsafe)
        weir_cli_print_error(&error);
        return WEIR_EXIT_INPUT;
    }
    struct weir_rerun_result result;
    int err = weir_rerun(log, o.path, &o.params, &result, &error);
    if (log != stdin)
        (void)fclose(log);
    if (err) {
        weir_cli_print_error(&error);
        code = (int)weir_cli_exit_code(err, false);
    } else {
        code = conclude(o.path, &result);
    }
    weir_rerun_result_clear(&result);
    return code;
}
