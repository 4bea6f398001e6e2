// cli/main.c — the `weir` command: finds the verb and runs it. Process-wide settings are made here
// and nowhere else.
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <SDL_version.h>
#include <curl/curl.h>
#include <libavcodec/avcodec.h>
#include <libavutil/log.h>
#include <libxml/xmlversion.h>

#include "cli/content.h"
#include "cli/eval.h"
#include "cli/html.h"
#include "cli/inspect.h"
#include "cli/play.h"
#include "cli/replay.h"
#include "cli/report.h"
#include "cli/serve.h"
#include "cli/sim.h"
#include "cli/trace.h"
#include "demux/lavf_api.h"

static const struct verb {
    const char *name, *summary;
    int (*run)(int argc, char **argv);
} verbs[] = {
    {"play", "play a DASH or HLS stream, or a media file, adaptively", weir_cli_play},
    {"inspect", "print a manifest as Weir reads it", weir_cli_inspect},
    {"serve", "serve a folder over HTTP, shaped by a throughput trace", weir_cli_serve},
    {"sim", "play a content over a trace in virtual time", weir_cli_sim},
    {"eval", "compare algorithms over many traces and contents", weir_cli_eval},
    {"report", "draw the results of eval as one HTML file", weir_cli_html},
    {"replay", "run the engine again from a session's event log", weir_cli_replay},
    {"trace", "describe, convert and make throughput traces", weir_cli_trace},
    {"content", "record and describe what the simulator plays", weir_cli_content},
};
#define VERB_COUNT (sizeof(verbs) / sizeof(verbs[0]))

// Verbs of the interface that later versions bring: named, so that nobody looks for a typing error.
static const char *const planned[] = {"bench"};

static const struct verb *find_verb(const char *name)
{
    for (size_t i = 0; i < VERB_COUNT; i++)
        if (!strcmp(verbs[i].name, name))
            return &verbs[i];
    return NULL;
}

static void print_help(FILE *out)
{
    (void)fputs("weir — adaptive-bitrate video player\n\nusage: weir VERB [options] …\n\n", out);
    for (size_t i = 0; i < VERB_COUNT; i++)
        (void)fprintf(out, "  %-8s  %s\n", verbs[i].name, verbs[i].summary);
    (void)fputs("\n  weir help VERB    what a verb takes\n  weir --version    versions of Weir and "
                "its libraries\n",
                out);
}

static int print_version(void)
{
    const struct weir_lavf_api *lavf = weir_lavf_api();
    unsigned codec = avcodec_version(), format = lavf ? lavf->avformat_version() : 0;
    (void)printf("weir %s\n", WEIR_VERSION_STRING);
    (void)printf("libavcodec %u.%u.%u, libavformat %u.%u.%u, FFmpeg %s\n", AV_VERSION_MAJOR(codec),
                 AV_VERSION_MINOR(codec), AV_VERSION_MICRO(codec), AV_VERSION_MAJOR(format),
                 AV_VERSION_MINOR(format), AV_VERSION_MICRO(format), av_version_info());
    (void)printf("%s\n", curl_version());
    (void)printf("libxml2 %s, SDL %d.%d\n", LIBXML_DOTTED_VERSION, SDL_MAJOR_VERSION,
                 SDL_MINOR_VERSION);
    return WEIR_EXIT_OK;
}

static int unknown_verb(const char *name)
{
    for (size_t i = 0; i < sizeof(planned) / sizeof(planned[0]); i++) {
        if (!strcmp(planned[i], name)) {
            (void)fprintf(stderr, "weir: %s: not built yet\ntry: weir --help\n", name);
            return WEIR_EXIT_UNSUPPORTED;
        }
    }
    (void)fprintf(stderr, "weir: %s: no such verb\ntry: weir --help\n", name);
    return WEIR_EXIT_USAGE;
}

static int help(int argc, char **argv)
{
    if (argc < 2) {
        print_help(stdout);
        return WEIR_EXIT_OK;
    }
    const struct verb *v = find_verb(argv[1]);
    char option[] = "--help";
    char *help_argv[] = {argv[1], option, NULL};
    return v ? v->run(2, help_argv) : unknown_verb(argv[1]);
}

static int run(int argc, char **argv)
{
    if (argc < 2) {
        print_help(stderr);
        return WEIR_EXIT_USAGE;
    }
    const char *name = argv[1];
    if (!strcmp(name, "--help") || !strcmp(name, "-h"))
        return help(1, argv + 1);
    if (!strcmp(name, "help"))
        return help(argc - 1, argv + 1);
    if (!strcmp(name, "--version") || !strcmp(name, "-V"))
        return print_version();
    const struct verb *v = find_verb(name);
    return v ? v->run(argc - 1, argv + 1) : unknown_verb(name);
}

int main(int argc, char **argv)
{
    (void)signal(SIGPIPE,
                 SIG_IGN); // a closed pipe is a write error with a message, not a silent death
    av_log_set_level(AV_LOG_QUIET); // one line per error, Weir's own (--verbose lifts this)
    int code = run(argc, argv);
    // What was printed counts only once it is out: help into a full disk is an error like any
    // other.
    bool told = code == WEIR_EXIT_OUTPUT && !strcmp(argc > 1 ? argv[1] : "", "play");
    if ((fflush(stdout) || ferror(stdout)) && !told) {
        (void)fputs("weir: standard output: cannot be written\n", stderr);
        code = WEIR_EXIT_OUTPUT;
    }
    return code;
}
