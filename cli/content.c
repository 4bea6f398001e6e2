// cli/content.c — `weir content`: record what a real presentation weighs, for the simulator, and
// say what a content holds.
#include "cli/content.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/arguments.h"
#include "cli/content_info.h"
#include "cli/outputs.h"
#include "cli/report.h"
#include "cli/values.h"
#include "sim/content.h"

#define MAX_HEADERS 32

struct options {
    const char *input, *output;
    bool json, done;
    struct weir_content_record_params record;
    struct weir_curl_params net;
    const char *headers[MAX_HEADERS];
};

enum { OPT_JSON = 256, OPT_JOBS, OPT_HEADER, OPT_AGENT, OPT_CA, OPT_INSECURE, OPT_PROXY, OPT_HELP };

static const struct option long_options[] = {
    {"output", required_argument, NULL, 'o'},
    {"json", no_argument, NULL, OPT_JSON},
    {"jobs", required_argument, NULL, OPT_JOBS},
    {"header", required_argument, NULL, OPT_HEADER},
    {"user-agent", required_argument, NULL, OPT_AGENT},
    {"ca-file", required_argument, NULL, OPT_CA},
    {"insecure", no_argument, NULL, OPT_INSECURE},
    {"proxy", required_argument, NULL, OPT_PROXY},
    {"help", no_argument, NULL, OPT_HELP},
    {NULL, 0, NULL, 0},
};

static const char help[] =
    "usage: weir content make [options] URL|FILE -o PATH, or: weir content info [--json] FILE\n"
    "\n"
    "A content is what the simulator plays: the size of every segment of every rung.\n"
    "\n"
    "make records a real presentation (an MPD or playlist) as weir.content/1: its manifest,\n"
    "init segments and indexes, every segment of every video rung and of the sound. Sizes\n"
    "come from the index or byte ranges; what these do not tell, the server is asked for.\n"
    "\n"
    "info prints the rungs of a content: declared, mean and peak bitrate, segments, warnings.\n"
    "FILE is a Sabre movie, a folder of Pensieve's video_size_* files, weir.content/1, or an\n"
    "MPD or playlist on this machine.\n"
    "\n"
    "  --output PATH, -o PATH  make: where to write; - for standard output\n"
    "  --jobs N                make: requests at once, 1 to 16 (default 6)\n"
    "  --header 'K: V'         make: send a header, to the manifest's origin only\n"
    "  --user-agent TEXT       make: what to call itself\n"
    "  --proxy URL             make: go through a proxy\n"
    "  --ca-file FILE          make: trust these certificates\n"
    "  --insecure              make: trust any certificate\n"
    "  --json                  info: print weir.content-info/1\n"
    "  --help                  this text\n";

static int read_option(struct options *o, int option)
{
    int64_t value;
    switch (option) {
    case 'o':
        o->output = optarg;
        return WEIR_EXIT_OK;
    case OPT_JSON:
        o->json = true;
        return WEIR_EXIT_OK;
    case OPT_JOBS:
        if (!weir_value_integer(optarg, 1, 16, &value))
            return weir_cli_usage("content", "--jobs", "want a number from 1 to 16");
        o->record.jobs = (int)value;
        return WEIR_EXIT_OK;
    case OPT_HEADER:
        if (o->net.header_count == MAX_HEADERS || !strchr(optarg, ':'))
            return weir_cli_usage("content", "--header", "want 'K: V', at most %d of them",
                                  MAX_HEADERS);
        o->headers[o->net.header_count++] = optarg;
        return WEIR_EXIT_OK;
    case OPT_AGENT:
        o->net.user_agent = optarg;
        return WEIR_EXIT_OK;
    case OPT_CA:
        o->net.ca_file = optarg;
        return WEIR_EXIT_OK;
    case OPT_INSECURE:
        o->net.insecure = true;
        return WEIR_EXIT_OK;
    case OPT_PROXY:
        o->net.proxy = optarg;
        return WEIR_EXIT_OK;
    default:
        (void)fputs(help, stdout);
        o->done = true;
        return WEIR_EXIT_OK;
    }
}

// Options and one input after the word "make" or "info".
static int read_options(struct options *o, int argc, char **argv)
{
    struct weir_arguments a = weir_arguments_begin("content", argc, argv, ":o:", long_options);
    for (;;) {
        int option = weir_arguments_next(&a);
        if (option == WEIR_ARGUMENTS_END)
            break;
        if (option == WEIR_ARGUMENTS_WRONG)
            return WEIR_EXIT_USAGE;
        int code = read_option(o, option);
        if (code != WEIR_EXIT_OK || o->done)
            return code;
    }
    if (optind >= argc)
        return weir_cli_usage("content", argv[0], "a URL or FILE is missing");
    if (optind + 1 < argc)
        return weir_cli_usage("content", argv[optind + 1], "one URL or FILE only");
    o->input = argv[optind];
    o->net.headers = o->headers;
    o->record.net = &o->net;
    return WEIR_EXIT_OK;
}

static int fail(const struct weir_error *e)
{
    weir_cli_print_error(e);
    return (int)weir_cli_exit_code(e->code, false);
}

static void draw_progress(void *ctx, int64_t done, int64_t total)
{
    (void)ctx;
    (void)fprintf(stderr, "\r\033[K%lld of %lld sizes", (long long)done, (long long)total);
    (void)fflush(stderr);
}

static void clear_progress(void)
{
    (void)fputs("\r\033[K", stderr);
}

// A line per segment: jansson writes all in one line or every number in a line of its own.
static char *break_rows(const char *json)
{
    char *out = malloc(2 * strlen(json) + 1), *to = out;
    bool quoted = false;
    for (const char *at = json; out && *at; at++) {
        *to++ = *at;
        if (quoted && *at == '\\' && at[1])
            *to++ = *++at;
        else if (*at == '"')
            quoted = !quoted;
        else if (!quoted && ((at[0] == ',' && at > json && at[-1] == ']' && at[1] == '[') ||
                             (at[0] == '[' && at[1] == '[')))
            *to++ = '\n';
    }
    if (out)
        *to = '\0';
    return out;
}

static int write_content(const struct weir_content *c, const char *path, struct weir_error *e)
{
    json_t *doc = weir_content_json(c);
    char *line = doc ? json_dumps(doc, JSON_COMPACT | JSON_REAL_PRECISION(15)) : NULL;
    char *text = line ? break_rows(line) : NULL;
    int err = text ? weir_outputs_document(path, text, e)
                   : weir_error_set(e, WEIR_ERR_NOMEM, path, "memory ran out");
    free(text);
    free(line);
    json_decref(doc);
    return err;
}

static void print_warnings(const struct weir_content *c)
{
    for (size_t i = 0; i < c->warning_count; i++)
        (void)fprintf(stderr, "weir: %s: warning: %s\n", c->name, c->warnings[i]);
}

static int make(struct options *o)
{
    struct weir_content *c = NULL;
    struct weir_error e = {0};
    if (!o->output)
        return weir_cli_usage("content", "--output", "where to write is missing");
    if (o->json)
        return weir_cli_usage("content", "--json", "make writes weir.content/1 in any case");
    bool draw = isatty(STDERR_FILENO);
    if (draw)
        o->record.progress = draw_progress;
    int err = weir_content_record(o->input, &o->record, &c, &e);
    if (draw)
        clear_progress();
    if (!err) {
        print_warnings(c);
        err = write_content(c, o->output, &e);
    }
    weir_content_destroy(&c);
    return err ? fail(&e) : WEIR_EXIT_OK;
}

static int info(const struct options *o)
{
    struct weir_content *c = NULL;
    struct weir_error e = {0};
    if (o->output)
        return weir_cli_usage("content", "--output", "info prints to standard output");
    int err = weir_content_load(o->input, &c, &e);
    if (!err && o->json) {
        json_t *doc = weir_content_info_json(c);
        char *text = doc ? json_dumps(doc, JSON_INDENT(1) | JSON_REAL_PRECISION(15)) : NULL;
        err = text ? weir_outputs_document("-", text, &e)
                   : weir_error_set(&e, WEIR_ERR_NOMEM, o->input, "memory ran out");
        free(text);
        json_decref(doc);
    } else if (!err) {
        weir_content_info_print(c, stdout);
    }
    weir_content_destroy(&c);
    return err ? fail(&e) : WEIR_EXIT_OK;
}

int weir_cli_content(int argc, char **argv)
{
    struct options o = {0};
    if (argc < 2)
        return weir_cli_usage("content", "content", "make or info? It is missing");
    if (!strcmp(argv[1], "--help")) {
        (void)fputs(help, stdout);
        return WEIR_EXIT_OK;
    }
    bool making = !strcmp(argv[1], "make");
    if (!making && strcmp(argv[1], "info") != 0)
        return weir_cli_usage("content", argv[1], "neither make nor info");
    int code = read_options(&o, argc - 1, argv + 1);
    if (code != WEIR_EXIT_OK || o.done)
        return code;
    return making ? make(&o) : info(&o);
}
