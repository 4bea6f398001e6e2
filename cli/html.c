// cli/html.c — `weir report`: the results in a database of `weir eval` as one HTML file.
#include "cli/html.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/arguments.h"
#include "cli/report.h"

enum { OPT_OUTPUT = 'o', OPT_TRACES = 256, OPT_CONTENTS, OPT_BASELINE, OPT_HELP };
#define OPT_PLAIN 1 // what getopt calls an argument that is no option

static const struct option long_options[] = {
    {"output", required_argument, NULL, OPT_OUTPUT},
    {"traces", required_argument, NULL, OPT_TRACES},
    {"contents", required_argument, NULL, OPT_CONTENTS},
    {"baseline", required_argument, NULL, OPT_BASELINE},
    {"help", no_argument, NULL, OPT_HELP},
    {NULL, 0, NULL, 0},
};

static const char help[] =
    "usage: weir report DB -o FILE.html [options]\n"
    "\n"
    "Draws the results that `weir eval --db` keeps: one HTML file, readable without a\n"
    "network. For sessions over time, some are run again; traces and contents are\n"
    "looked for where they were.\n"
    "\n"
    "  --output FILE     where to, also -o; - for standard output\n"
    "  --baseline NAME   add each algorithm's difference from this one\n"
    "  --traces PATH…    where the traces are now\n"
    "  --contents PATH…  where the contents are now\n"
    "  --help            this text\n";

struct options {
    const char *db, *output, *baseline;
    const char **traces, **contents; // [argc]
    size_t trace_count, content_count;
    bool done;
};

static int fail(const struct weir_error *e)
{
    weir_cli_print_error(e);
    return (int)weir_cli_exit_code(e->code, false);
}

static int cannot(const char *path, int why)
{
    (void)fprintf(stderr, "weir: %s: cannot be written (%s)\n", path,
                  strerror(why)); // NOLINT(concurrency-mt-unsafe)
    return WEIR_EXIT_OUTPUT;
}

int weir_cli_html_write(const struct weir_report_params *params, const char *path)
{
    struct weir_error e = {0};
    bool standard = strcmp(path, "-") == 0;
    FILE *f = standard ? stdout : fopen(path, "we");
    if (!f)
        return cannot(path, errno);
    int code = weir_report_write(params, f, path, &e) < 0 ? fail(&e) : WEIR_EXIT_OK;
    if (!standard && fclose(f) != 0 && code == WEIR_EXIT_OK)
        code = cannot(path, errno);
    return code;
}

static int read_plain(struct options *o, int list)
{
    if (list == OPT_TRACES)
        o->traces[o->trace_count++] = optarg;
    else if (list == OPT_CONTENTS)
        o->contents[o->content_count++] = optarg;
    else if (!o->db)
        o->db = optarg;
    else
        return weir_cli_usage("report", optarg, "one database only");
    return WEIR_EXIT_OK;
}

static int read_option(struct options *o, int option)
{
    switch (option) {
    case OPT_OUTPUT:
        o->output = optarg;
        return WEIR_EXIT_OK;
    case OPT_BASELINE:
        o->baseline = optarg;
        return WEIR_EXIT_OK;
    case OPT_HELP:
        (void)fputs(help, stdout);
        o->done = true;
        return WEIR_EXIT_OK;
    default:
        return read_plain(o, option);
    }
}

static int read_options(struct options *o, int argc, char **argv)
{
    int list = 0;
    struct weir_arguments a = weir_arguments_begin("report", argc, argv, "-:o:", long_options);
    while (!o->done) {
        int option = weir_arguments_next(&a);
        if (option == WEIR_ARGUMENTS_END)
            break;
        if (option == WEIR_ARGUMENTS_WRONG)
            return WEIR_EXIT_USAGE;
        int code = option == OPT_PLAIN ? read_plain(o, list) : read_option(o, option);
        if (option != OPT_PLAIN)
            list = option;
        if (code != WEIR_EXIT_OK)
            return code;
    }
    if (o->done)
        return WEIR_EXIT_OK;
    if (!o->db)
        return weir_cli_usage("report", "DB", "which database? It is missing");
    if (!o->output)
        return weir_cli_usage("report", "-o", "where to? It is missing");
    if ((o->trace_count > 0) != (o->content_count > 0))
        return weir_cli_usage("report", "--traces", "it needs --contents, and the reverse");
    return WEIR_EXIT_OK;
}

static int draw(const struct options *o)
{
    struct weir_error e = {0};
    struct weir_inputs inputs = {0};
    struct weir_report_params p = {0};
    struct weir_results *results = NULL;
    int err = weir_store_open(o->db, WEIR_STORE_READ, &p.store, &e);
    if (!err && o->trace_count) {
        err =
            weir_inputs_load(o->traces, o->trace_count, o->contents, o->content_count, &inputs, &e);
        p.inputs = &inputs;
    }
    if (!err)
        err = weir_results_make(p.store, o->baseline, &results, &e);
    p.results = results;
    int code = err ? fail(&e) : weir_cli_html_write(&p, o->output);
    weir_results_destroy(&results);
    weir_inputs_clear(&inputs);
    weir_store_close(&p.store);
    return code;
}

int weir_cli_html(int argc, char **argv)
{
    struct options o = {0};
    o.traces = calloc((size_t)argc + 1, sizeof(char *));
    o.contents = calloc((size_t)argc + 1, sizeof(char *));
    int code = WEIR_EXIT_USAGE;
    if (o.traces && o.contents)
        code = read_options(&o, argc, argv);
    else
        (void)weir_cli_usage("report", "options", "memory ran out");
    if (code == WEIR_EXIT_OK && !o.done && o.output)
        code = draw(&o);
    free(o.traces);
    free(o.contents);
    return code;
}
