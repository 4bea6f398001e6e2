// cli/inspect.c — `weir inspect`: a presentation as read, as a table for people or
// weir.presentation/1 for scripts. Fetches what is needed to list segments (media playlists, sidx)
// unless told not to; decides nothing itself.
#include "cli/inspect.h"

#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/inspect_print.h"
#include "core/url.h"
#include "manifest/dump.h"
#include "net/fetch.h"

// Segments listed per representation unless --max-segments says otherwise. A 200-byte MPD can ask
// for 10^12.
#define DEFAULT_MAX_SEGMENTS 100000

enum {
    STATUS_OK = 0,
    STATUS_USAGE = 2,
    STATUS_INPUT = 3,
    STATUS_UNSUPPORTED = 4,
    STATUS_OUTPUT = 6,
};

struct options {
    const char *input, *base_url;
    bool json, no_fetch, verbose;
    size_t max_segments;
};

static const char help_text[] =
    "usage: weir inspect [--json] [--base-url URL] [--no-fetch] [--max-segments N] URL|FILE\n"
    "\n"
    "Print a DASH or HLS presentation as Weir reads it.\n"
    "\n"
    "  --json            print weir.presentation/1 instead of a table\n"
    "  --base-url URL    read FILE as if it had come from URL; fetch nothing\n"
    "  --no-fetch        fetch no media playlists and no segment indexes\n"
    "  --max-segments N  list at most N segments of each representation (100000; 0: all)\n"
    "  --verbose         for people: list the segments too\n";

static int usage(const char *what, const char *value)
{
    fprintf(stderr, "weir: inspect: %s%s%s\ntry: weir help inspect\n", what, value ? " " : "",
            value ? value : "");
    return STATUS_USAGE;
}

static int read_options(int argc, char **argv, struct options *o)
{
    static const struct option table[] = {
        {"json", no_argument, NULL, 'j'},
        {"base-url", required_argument, NULL, 'b'},
        {"no-fetch", no_argument, NULL, 'n'},
        {"max-segments", required_argument, NULL, 'm'},
        {"verbose", no_argument, NULL, 'v'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    char *end;
    int c;
    *o = (struct options){.max_segments = DEFAULT_MAX_SEGMENTS};
    optind = 0; // start over: another verb's parser may have run
    opterr = 0;
    while ((c = getopt_long(argc, argv, "", table, NULL)) != -1) {
        switch (c) {
        case 'j':
            o->json = true;
            break;
        case 'b':
            o->base_url = optarg;
            break;
        case 'n':
            o->no_fetch = true;
            break;
        case 'v':
            o->verbose = true;
            break;
        case 'm':
            errno = 0;
            o->max_segments = (size_t)strtoul(optarg, &end, 10);
            if (errno || *end || end == optarg || *optarg == '-')
                return usage("--max-segments wants a number, not", optarg);
            break;
        case 'h':
            fputs(help_text, stdout);
            return -1;
        default:
            return usage("unknown option or missing value:", argv[optind - 1]);
        }
    }
    if (optind + 1 != argc)
        return usage(optind < argc ? "one URL or FILE, not also" : "a URL or FILE is missing",
                     optind < argc ? argv[optind + 1] : NULL);
    o->input = argv[optind];
    if (o->base_url && !weir_url_is_absolute(o->base_url))
        return usage("--base-url wants an absolute URL, not", o->base_url);
    return STATUS_OK;
}

static int report(const struct weir_error *e)
{
    fprintf(stderr, "weir: %s: %s", e->where, e->what);
    if (e->why[0])
        fprintf(stderr, " (%s)", e->why);
    fputc('\n', stderr);
    if (e->hint[0])
        fprintf(stderr, "try: %s\n", e->hint);
    return e->code == WEIR_ERR_UNSUPPORTED ? STATUS_UNSUPPORTED : STATUS_INPUT;
}

// A path or URL as given on the command line to an absolute URL.
static int input_url(const char *input, char *out, size_t room, struct weir_error *error)
{
    bool url = weir_url_has_scheme(input, "http") || weir_url_has_scheme(input, "https") ||
               weir_url_has_scheme(input, "file");
    int len = url ? weir_url_resolve(NULL, input, out, room) : weir_url_from_path(input, out, room);
    return len < 0 ? weir_error_set(error, len, input, "not a usable URL or path") : 0;
}

static int64_t wall_clock_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static bool is_file(const char *url)
{
    return weir_url_has_scheme(url, "file");
}

// What one index needs, until it is ready.
static int load(struct weir_presentation *p, struct weir_representation *r,
                struct weir_error *error)
{
    int err = 0;
    while (!err && r->index_need != WEIR_INDEX_READY) {
        struct weir_fetch_request req = {.url = r->index_url,
                                         .first_byte = r->index_range.first,
                                         .last_byte = r->index_range.last,
                                         .allow_file = is_file(p->url)};
        struct weir_fetch_result got = {0};
        err = weir_fetch_blocking(&req, &got, error);
        if (!err) {
            struct weir_manifest_input in = {.data = got.data,
                                             .size_bytes = got.size_bytes,
                                             .url = got.effective_url,
                                             .allow_file_urls = is_file(got.effective_url),
                                             .wall_clock_us = WEIR_TIME_NONE};
            int64_t offset = r->index_range.first < 0 ? 0 : r->index_range.first;
            err = weir_presentation_load_index(p, r, &in, offset, error);
        }
        weir_fetch_result_clear(&got);
    }
    return err;
}

// Every index there is. A representation whose index fails is reported and left without; it is an
// error when none of the presentation's is left.
static int load_all(struct weir_presentation *p, struct weir_error *error)
{
    size_t ready = 0, failed = 0;
    for (size_t i = 0; i < p->period_count; i++) {
        for (size_t t = 0; t < p->periods[i].track_count; t++) {
            struct weir_track *track = &p->periods[i].tracks[t];
            for (size_t k = 0; k < track->representation_count; k++) {
                struct weir_error own = {0};
                int err = load(p, &track->representations[k], &own);
                ready += !err;
                if (!err)
                    continue;
                if (failed++ == 0)
                    *error = own;
                weir_presentation_warn(p, "%s: %s%s%s", own.where, own.what, own.why[0] ? ": " : "",
                                       own.why);
            }
        }
    }
    return ready || !failed ? 0 : error->code;
}

static int read_input(const struct options *o, struct weir_presentation **out,
                      struct weir_error *error)
{
    char url[WEIR_URL_MAX_BYTES];
    struct weir_fetch_result got = {0};
    int err = input_url(o->input, url, sizeof(url), error);
    if (err)
        return err;
    struct weir_fetch_request req = {
        .url = url, .first_byte = -1, .last_byte = -1, .allow_file = is_file(url)};
    err = weir_fetch_blocking(&req, &got, error);
    if (err)
        return err;
    struct weir_manifest_input in = {
        .data = got.data,
        .size_bytes = got.size_bytes,
        .url = o->base_url ? o->base_url : got.effective_url,
        // As if from elsewhere and at no particular time: the same answer every day.
        .wall_clock_us = o->base_url ? WEIR_TIME_NONE : wall_clock_us()};
    in.allow_file_urls = is_file(in.url);
    err = weir_presentation_parse(&in, out, error);
    weir_fetch_result_clear(&got);
    return err;
}

static int print(const struct options *o, const struct weir_presentation *p)
{
    if (!o->json)
        return weir_inspect_print(p, o->verbose ? o->max_segments : 0, o->verbose, stdout)
                   ? STATUS_OUTPUT
                   : STATUS_OK;
    json_t *doc = weir_presentation_to_json(p, o->max_segments);
    // Fifteen digits hold the microseconds we keep; more would show the rounding of doubles.
    int err = !doc || json_dumpf(doc, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(15)) ||
              fputc('\n', stdout) == EOF;
    json_decref(doc);
    return err || fflush(stdout) ? STATUS_OUTPUT : STATUS_OK;
}

int weir_cli_inspect(int argc, char **argv)
{
    struct weir_presentation *p = NULL;
    struct weir_error error = {0};
    struct options o;
    int status = read_options(argc, argv, &o);
    if (status)
        return status < 0 ? STATUS_OK : status;
    int err = read_input(&o, &p, &error);
    if (!err && !o.base_url && !o.no_fetch)
        err = load_all(p, &error);
    status = err ? report(&error) : print(&o, p);
    weir_presentation_destroy(&p);
    return status;
}
