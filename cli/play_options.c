// cli/play_options.c — see play_options.h.
#include "cli/play_options.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "cli/abr_help.h"
#include "cli/report.h"
#include "cli/values.h"

enum option_id {
    OPT_VO = 256,
    OPT_AO,
    OPT_HEADLESS,
    OPT_UNTIMED,
    OPT_FULLSCREEN,
    OPT_TITLE,
    OPT_KEEP_OPEN,
    OPT_START,
    OPT_DURATION,
    OPT_LOOP,
    OPT_ABR,
    OPT_RUNG,
    OPT_MAX_HEIGHT,
    OPT_MAX_BITRATE,
    OPT_BUFFER_MAX,
    OPT_STARTUP,
    OPT_RESUME,
    OPT_ABANDON,
    OPT_ALANG,
    OPT_SLANG,
    OPT_NO_VIDEO,
    OPT_NO_AUDIO,
    OPT_NO_SUBS,
    OPT_AUDIO_ID,
    OPT_SUBS_ID,
    OPT_HEADER,
    OPT_USER_AGENT,
    OPT_REFERER,
    OPT_COOKIES,
    OPT_NETRC,
    OPT_PROXY,
    OPT_CA_FILE,
    OPT_INSECURE,
    OPT_HTTP,
    OPT_TIMEOUT,
    OPT_TRACE,
    OPT_RTT_MS,
    OPT_NET,
    OPT_OFFSET,
    OPT_FAULT,
    OPT_VIRTUAL,
    OPT_DECODE,
    OPT_SEED,
    OPT_EVENTS,
    OPT_RECORD,
    OPT_SUMMARY,
    OPT_FRAMEMD5,
    OPT_STATS,
    OPT_QUIET,
    OPT_VERBOSE,
    OPT_MEMORY_LIMIT,
    OPT_THREADS,
    OPT_HELP,
};

// `arg` NULL: a switch. `group` starts a new paragraph of the help.
static const struct spec {
    const char *name;
    int id;
    const char *arg, *group, *help;
} specs[] = {
    {"vo", OPT_VO, "sdl|null|y4m:PATH", "output", "where pictures go (default sdl: a window)"},
    {"ao", OPT_AO, "sdl|null|wav:PATH", NULL,
     "where sound goes (default: the sound device if there is one)"},
    {"headless", OPT_HEADLESS, NULL, NULL, "no window and no sound: both null"},
    {"untimed", OPT_UNTIMED, NULL, NULL,
     "no pacing, as fast as possible; implies --headless unless a file output is named"},
    {"fullscreen", OPT_FULLSCREEN, NULL, NULL, "start in full screen"},
    {"title", OPT_TITLE, "TEXT", NULL, "of the window"},
    {"keep-open", OPT_KEEP_OPEN, NULL, NULL,
     "at the end, keep the window with the last picture until q"},
    {"start", OPT_START, "T", "range (T: seconds or [HH:]MM:SS[.mmm])", "begin there"},
    {"duration", OPT_DURATION, "T", NULL, "play so much"},
    {"loop", OPT_LOOP, "N", NULL, "play N times"},
    {"abr", OPT_ABR, "NAME[:key=value,…]", "choice of rung",
     "algorithm (default weir); `--abr help` lists them"},
    {"rung", OPT_RUNG, "N", NULL, "hold this rung, 0 the lowest"},
    {"max-height", OPT_MAX_HEIGHT, "PX", NULL, "no rung with taller pictures"},
    {"max-bitrate", OPT_MAX_BITRATE, "BPS", NULL, "no rung with a higher bandwidth"},
    {"buffer-max", OPT_BUFFER_MAX, "S", NULL, "seconds of media to buffer at most (default 60)"},
    {"startup", OPT_STARTUP, "S", NULL,
     "media that must be playable before motion begins (default 0.24; the first picture shows at "
     "once)"},
    {"resume", OPT_RESUME, "S", NULL,
     "media that must be playable before a stall ends (default 2)"},
    {"abandon", OPT_ABANDON, "on|off", NULL,
     "let the algorithm give up transfers that take too long (default on)"},
    {"alang", OPT_ALANG, "LIST", "tracks", "languages of sound, most wanted first: en,fr"},
    {"slang", OPT_SLANG, "LIST", NULL, "languages of subtitles (not built yet)"},
    {"no-video", OPT_NO_VIDEO, NULL, NULL, "sound only"},
    {"no-audio", OPT_NO_AUDIO, NULL, NULL, "pictures only"},
    {"no-subs", OPT_NO_SUBS, NULL, NULL, "no subtitles"},
    {"audio-id", OPT_AUDIO_ID, "ID", NULL, "audio track by the id or label `weir inspect` prints"},
    {"subs-id", OPT_SUBS_ID, "ID", NULL, "subtitle track (not built yet)"},
    {"header", OPT_HEADER, "'K: V'", "network",
     "send this header to the URL's own origin; may be repeated"},
    {"user-agent", OPT_USER_AGENT, "TEXT", NULL, "instead of weir/VERSION"},
    {"referer", OPT_REFERER, "URL", NULL, "Referer header"},
    {"cookies", OPT_COOKIES, "FILE", NULL, "read cookies (Netscape format)"},
    {"netrc", OPT_NETRC, NULL, NULL, "user and password from ~/.netrc"},
    {"proxy", OPT_PROXY, "URL", NULL, "use this proxy"},
    {"ca-file", OPT_CA_FILE, "FILE", NULL, "certificate authorities (PEM)"},
    {"insecure", OPT_INSECURE, NULL, NULL, "do not check the server's certificate"},
    {"http", OPT_HTTP, "1.1|2|3", NULL, "HTTP version (default: the best offered)"},
    {"timeout", OPT_TIMEOUT, "S", NULL, "connect, first byte, and no progress"},
    {"trace", OPT_TRACE, "FILE", "simulation",
     "shape the session's own transfers by this throughput trace, whatever the server"},
    {"rtt-ms", OPT_RTT_MS, "N", NULL,
     "latency of every request (default: the trace's own, else 0)"},
    {"net", OPT_NET, "fluid|pensieve|tcp", NULL, "how transfers share the trace, as in `weir sim`"},
    {"offset", OPT_OFFSET, "S", NULL, "trace time of the session's first request (default 0)"},
    {"fault", OPT_FAULT, "SPEC", NULL,
     "servers misbehave, as with `weir serve --fault`; may be given several times"},
    {"virtual", OPT_VIRTUAL, NULL, NULL,
     "in virtual time, as fast as the machine can, to the bit the same each time; headless"},
    {"decode", OPT_DECODE, "on|off", NULL,
     "with --virtual: off fetches and times all media, and decodes none"},
    {"seed", OPT_SEED, "N", NULL, "of everything random (default 0)"},
    {"events", OPT_EVENTS, "PATH|-", "reports", "what happens, as JSON lines (docs/events.md)"},
    {"record", OPT_RECORD, NULL, NULL,
     "with --events: also all that the engine heard and did, for `weir replay`"},
    {"summary", OPT_SUMMARY, "PATH|-", NULL, "the session as JSON, at the end"},
    {"framemd5", OPT_FRAMEMD5, "PATH|-", NULL, "a checksum of every picture delivered"},
    {"stats", OPT_STATS, NULL, NULL, "statistics over the picture, or in the status line"},
    {"quiet", OPT_QUIET, NULL, NULL, "no status line"},
    {"verbose", OPT_VERBOSE, NULL, NULL, "messages of Weir and its libraries"},
    {"memory-limit", OPT_MEMORY_LIMIT, "BYTES", "limits",
     "of segments and pictures together; suffixes K M G"},
    {"threads", OPT_THREADS, "N", NULL, "decoder threads (default: one per core)"},
    {"help", OPT_HELP, NULL, "", "this text"},
};
#define SPEC_COUNT (sizeof(specs) / sizeof(specs[0]))

static const char keys_help[] =
    "keys, in the window and in the terminal\n"
    "  space p  pause             LEFT RIGHT  seek 5 s         UP DOWN  seek 60 s\n"
    "  [ ]      slower, faster    9 0  volume    m  mute       f  full screen\n"
    "  + -      hold a higher, lower rung        a  automatic again\n"
    "  i I      statistics        s  screenshot                q  quit\n";

static void print_help(void)
{
    (void)puts("usage: weir play [options] URL|FILE\n");
    for (size_t i = 0; i < SPEC_COUNT; i++) {
        if (specs[i].group)
            (void)printf("%s%s\n", i ? "\n" : "", specs[i].group);
        char left[64];
        (void)snprintf(left, sizeof(left), "--%s%s%s", specs[i].name, specs[i].arg ? " " : "",
                       specs[i].arg ? specs[i].arg : "");
        // "…" is three bytes and one column.
        int width = 28 + (strstr(left, "…") ? 2 : 0);
        (void)printf("  %-*s  %s\n", width, left, specs[i].help);
    }
    (void)printf("\n%s", keys_help);
}

static int bad(const char *option, const char *value, const char *wanted)
{
    char name[64];
    (void)snprintf(name, sizeof(name), "--%s", option);
    return weir_cli_usage("play", name, "%s: wants %s", value, wanted);
}

static int not_built(const char *option)
{
    (void)fprintf(stderr, "weir: --%s: not built yet\n", option);
    return WEIR_EXIT_UNSUPPORTED;
}

static int parse_vo(struct weir_play_options *o, const char *v)
{
    if (!strcmp(v, "sdl"))
        o->vo = WEIR_VO_SDL;
    else if (!strcmp(v, "null"))
        o->vo = WEIR_VO_NULL;
    else if (!strncmp(v, "y4m:", 4) && v[4]) {
        o->vo = WEIR_VO_Y4M;
        o->y4m_path = v + 4;
    } else if (!strcmp(v, "gpu") || !strncmp(v, "shm:", 4))
        return not_built("vo gpu|shm");
    else
        return bad("vo", v, "sdl, null or y4m:PATH");
    return 0;
}

static int parse_ao(struct weir_play_options *o, const char *v)
{
    if (!strcmp(v, "sdl")) {
        o->player.audio_output = WEIR_AUDIO_DEVICE;
        o->player.audio_required = true;
    } else if (!strcmp(v, "null"))
        o->player.audio_output = WEIR_AUDIO_NULL;
    else if (!strncmp(v, "wav:", 4) && v[4]) {
        o->player.audio_output = WEIR_AUDIO_WAV;
        o->player.wav_path = v + 4;
    } else
        return bad("ao", v, "sdl, null or wav:PATH");
    return 0;
}

static int parse_time(const char *name, const char *v, int64_t *out_us)
{
    return weir_value_time_us(v, out_us) ? 0 : bad(name, v, "seconds or [HH:]MM:SS[.mmm]");
}

static int parse_integer(const char *name, const char *v, int64_t min, int64_t max, int64_t *out)
{
    char wanted[80];
    (void)snprintf(wanted, sizeof(wanted), "a whole number from %lld to %lld", (long long)min,
                   (long long)max);
    return weir_value_integer(v, min, max, out) ? 0 : bad(name, v, wanted);
}

static int parse_http(struct weir_play_options *o, const char *v)
{
    if (!strcmp(v, "1.1"))
        o->player.http_version = 11;
    else if (!strcmp(v, "2"))
        o->player.http_version = 2;
    else if (!strcmp(v, "3"))
        o->player.http_version = 3;
    else
        return bad("http", v, "1.1, 2 or 3");
    return 0;
}

static int add_header(struct weir_play_options *o, const char *v)
{
    const char *colon = strchr(v, ':');
    if (!colon || colon == v || strpbrk(v, "\r\n"))
        return bad("header", v, "'Name: value'");
    if (o->player.header_count == WEIR_HEADERS_MAX)
        return bad("header", v, "no more than 32 of them");
    o->headers[o->player.header_count++] = v;
    return 0;
}

// Options with a number or a time.
static int parse_number(struct weir_play_options *o, int id, const char *name, const char *v)
{
    struct weir_player_params *p = &o->player;
    int64_t n = 0;
    int code = 0;
    switch (id) {
    case OPT_START:
        return parse_time(name, v, &p->start_us);
    case OPT_DURATION:
        code = parse_time(name, v, &p->duration_us);
        return code || p->duration_us > 0 ? code : bad(name, v, "more than 0 seconds");
    case OPT_BUFFER_MAX:
        code = parse_time(name, v, &p->buffer_max_us);
        return code || p->buffer_max_us > 0 ? code : bad(name, v, "more than 0 seconds");
    case OPT_STARTUP:
        return parse_time(name, v, &p->startup_us);
    case OPT_RESUME:
        return parse_time(name, v, &p->resume_us);
    case OPT_RTT_MS:
        code = parse_integer(name, v, 0, 60000, &n);
        o->link.rtt_us = n * 1000;
        return code;
    case OPT_OFFSET:
        return parse_time(name, v, &o->link.offset_us);
    case OPT_TIMEOUT:
        code = parse_time(name, v, &p->timeout_us);
        return code || p->timeout_us > 0 ? code : bad(name, v, "more than 0 seconds");
    case OPT_LOOP:
        code = parse_integer(name, v, 1, 1000000, &n);
        o->loops = (long)n;
        return code;
    case OPT_RUNG:
        code = parse_integer(name, v, 0, 999, &n);
        p->rung = (long)n;
        return code;
    case OPT_MAX_HEIGHT:
        code = parse_integer(name, v, 1, 65536, &n);
        p->max_height = (int)n;
        return code;
    case OPT_MAX_BITRATE:
        return parse_integer(name, v, 1, INT64_C(1000000000000), &p->max_bitrate_bps);
    case OPT_SEED:
        code = parse_integer(name, v, 0, INT64_MAX, &n);
        p->seed = (uint64_t)n;
        return code;
    case OPT_THREADS:
        code = parse_integer(name, v, 1, 16, &n);
        p->threads = (int)n;
        return code;
    case OPT_MEMORY_LIMIT:
        return weir_value_bytes(v, &p->memory_limit_bytes) && p->memory_limit_bytes > 0
                   ? 0
                   : bad(name, v, "a number of bytes, with K, M or G");
    default:
        return -1;
    }
}

static int add_fault(struct weir_play_options *o, const char *v)
{
    struct weir_fault_spec spec;
    struct weir_error e = {0};
    if (weir_fault_parse(v, &spec, &e))
        return weir_cli_usage("play", "--fault", "%s", e.what);
    if (weir_faults_add(&o->faults, &spec))
        return weir_cli_usage("play", "--fault", "at most %d of them", WEIR_FAULTS_MAX);
    return 0;
}

static int parse_simulation(struct weir_play_options *o, int id, const char *name, const char *v)
{
    int kind;
    switch (id) {
    case OPT_TRACE:
        o->trace_path = v;
        return 0;
    case OPT_NET:
        kind = weir_link_kind_from(v);
        o->link.kind = (enum weir_link_kind)kind;
        o->net_given = true;
        return kind < 0 ? bad(name, v, "fluid, pensieve or tcp") : 0;
    case OPT_FAULT:
        return add_fault(o, v);
    case OPT_VIRTUAL:
        o->virtual_time = true;
        return 0;
    default:
        if (strcmp(v, "on") != 0 && strcmp(v, "off") != 0)
            return bad(name, v, "on or off");
        o->no_decode = !strcmp(v, "off");
        return 0;
    }
}

// 0, an exit code, or -1 for "done, exit 0".
static int apply(struct weir_play_options *o, int id, const char *name, const char *v)
{
    struct weir_player_params *p = &o->player;
    switch (id) {
    case OPT_VO:
        return parse_vo(o, v);
    case OPT_AO:
        return parse_ao(o, v);
    case OPT_HEADLESS:
        o->vo = o->vo == WEIR_VO_SDL ? WEIR_VO_NULL : o->vo;
        if (p->audio_output == WEIR_AUDIO_DEVICE)
            p->audio_output = WEIR_AUDIO_NULL;
        return 0;
    case OPT_UNTIMED:
        p->untimed = true;
        return 0;
    case OPT_FULLSCREEN:
        o->fullscreen = true;
        return 0;
    case OPT_TITLE:
        o->title = v;
        return 0;
    case OPT_KEEP_OPEN:
        o->keep_open = true;
        return 0;
    case OPT_ABR:
        if (!strcmp(v, "help")) {
            weir_cli_print_abr_help(stdout);
            return -1;
        }
        p->abr = v;
        return 0;
    case OPT_ABANDON:
        if (strcmp(v, "on") != 0 && strcmp(v, "off") != 0)
            return bad(name, v, "on or off");
        p->abandon = !strcmp(v, "on");
        return 0;
    case OPT_ALANG:
        p->audio_languages = v;
        return 0;
    case OPT_NO_VIDEO:
        p->no_video = true;
        return 0;
    case OPT_NO_AUDIO:
        p->no_audio = true;
        return 0;
    case OPT_NO_SUBS:
        return 0; // there are none yet
    case OPT_AUDIO_ID:
        p->audio_id = v;
        return 0;
    case OPT_HEADER:
        return add_header(o, v);
    case OPT_USER_AGENT:
        p->user_agent = v;
        return 0;
    case OPT_REFERER:
        p->referer = v;
        return 0;
    case OPT_COOKIES:
        p->cookie_file = v;
        return 0;
    case OPT_NETRC:
        p->netrc = true;
        return 0;
    case OPT_PROXY:
        p->proxy = v;
        return 0;
    case OPT_CA_FILE:
        p->ca_file = v;
        return 0;
    case OPT_INSECURE:
        p->insecure = true;
        return 0;
    case OPT_HTTP:
        return parse_http(o, v);
    case OPT_SLANG:
    case OPT_SUBS_ID:
        return not_built(name);
    case OPT_TRACE:
    case OPT_NET:
    case OPT_FAULT:
    case OPT_VIRTUAL:
    case OPT_DECODE:
        return parse_simulation(o, id, name, v);
    case OPT_EVENTS:
        o->events_path = v;
        return 0;
    case OPT_RECORD:
        o->record = true;
        return 0;
    case OPT_SUMMARY:
        o->summary_path = v;
        return 0;
    case OPT_FRAMEMD5:
        o->framemd5_path = v;
        return 0;
    case OPT_STATS:
        o->stats = true;
        return 0;
    case OPT_QUIET:
        o->quiet = true;
        return 0;
    case OPT_VERBOSE:
        o->verbose = true;
        return 0;
    case OPT_HELP:
        print_help();
        return -1;
    default:
        return parse_number(o, id, name, v);
    }
}

static void long_options(struct option *out)
{
    for (size_t i = 0; i < SPEC_COUNT; i++)
        out[i] = (struct option){.name = specs[i].name,
                                 .has_arg = specs[i].arg ? required_argument : no_argument,
                                 .val = specs[i].id};
    out[SPEC_COUNT] = (struct option){0};
}

// What the simulation's options need of each other and of the rest.
static int check_simulation(const struct weir_play_options *o)
{
    bool shaped =
        o->link.rtt_us != WEIR_TIME_NONE || o->link.offset_us || o->net_given || o->faults.count;
    if (!o->trace_path && (shaped || o->virtual_time))
        return weir_cli_usage("play",
                              o->virtual_time ? "--virtual" : "--rtt-ms --net --offset --fault",
                              "needs a --trace");
    if (o->record && !o->events_path)
        return weir_cli_usage("play", "--record", "needs --events, to record into");
    if (o->no_decode && !o->virtual_time)
        return weir_cli_usage("play", "--decode", "only --virtual can do without");
    if (!o->virtual_time)
        return 0;
    if (o->player.untimed)
        return weir_cli_usage("play", "--untimed", "--virtual has a time of its own");
    if (o->player.audio_required)
        return weir_cli_usage("play", "--ao", "a sound device cannot follow --virtual time");
    if (o->keep_open)
        return weir_cli_usage("play", "--keep-open", "--virtual has no window");
    return 0;
}

// Two machine outputs cannot share standard output.
static int check_outputs(const struct weir_play_options *o)
{
    const char *paths[] = {o->events_path, o->summary_path, o->framemd5_path, o->y4m_path,
                           o->player.wav_path};
    int count = 0;
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
        count += paths[i] && !strcmp(paths[i], "-");
    if (o->loops > 1 && o->player.audio_output == WEIR_AUDIO_WAV)
        return weir_cli_usage("play", "--loop", "a WAV file holds one pass");
    return count < 2 ? 0 : weir_cli_usage("play", "-", "only one output can be standard output");
}

// Untimed without a file output means headless; a window cannot be fed as fast as possible, nor a
// sound device. Nor in virtual time.
static void settle_outputs(struct weir_play_options *o)
{
    if (!o->player.untimed && !o->virtual_time)
        return;
    if (o->vo == WEIR_VO_SDL)
        o->vo = WEIR_VO_NULL;
    if (o->player.audio_output == WEIR_AUDIO_DEVICE)
        o->player.audio_output = WEIR_AUDIO_NULL;
}

// What getopt_long stopped at. It has moved operands behind the options it has seen, so the one in
// question is the last of those, unless it is one letter of several.
static int refuse(char **argv, int id)
{
    char letter[] = {'-', (char)optopt, '\0'};
    bool is_letter = optopt > 0 && optopt < 256;
    const char *what = id == ':'          ? "needs a value"
                       : optopt >= OPT_VO ? "takes no value"
                                          : "no such option";
    return weir_cli_usage("play", is_letter ? letter : argv[optind - 1], "%s", what);
}

static int parse_all(int argc, char **argv, struct weir_play_options *o)
{
    struct option longs[SPEC_COUNT + 1];
    long_options(longs);
    optind = 0; // reset: a fresh scan (glibc)
    opterr = 0;
    for (;;) {
        int index = -1;
        int id = getopt_long(argc, argv, ":h", longs, &index);
        if (id == -1)
            break;
        if (id == '?' || id == ':')
            return refuse(argv, id);
        int code =
            id == 'h' ? apply(o, OPT_HELP, "help", NULL) : apply(o, id, longs[index].name, optarg);
        if (code)
            return code;
    }
    if (optind >= argc)
        return weir_cli_usage("play", "URL", "nothing to play was given");
    if (optind + 1 < argc)
        return weir_cli_usage("play", argv[optind + 1], "one URL at a time");
    o->player.url = argv[optind];
    int code = check_simulation(o);
    return code ? code : check_outputs(o);
}

int weir_play_options_parse(int argc, char **argv, struct weir_play_options *o, int *exit_code)
{
    *o = (struct weir_play_options){.player = weir_player_params_default(),
                                    .loops = 1,
                                    .link = {.kind = WEIR_LINK_FLUID, .rtt_us = WEIR_TIME_NONE}};
    int code = parse_all(argc, argv, o);
    o->player.headers = o->headers;
    settle_outputs(o);
    *exit_code = code == -1 ? WEIR_EXIT_OK : code;
    return code;
}
