// cli/sim.c — `weir sim`: one session in virtual time (or several on one link) with the model host.
// Reads the options, loads content and trace, runs; what is printed is cli/sim_report.c's.
#include "cli/sim.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/abr_help.h"
#include "cli/arguments.h"
#include "cli/outputs.h"
#include "cli/report.h"
#include "cli/sim_report.h"
#include "cli/values.h"

#define CLIENTS_MAX 16

struct options {
    struct weir_model_params params;
    const char *content_path, *trace_path, *abr, *net, *json_path, *events_path;
    int64_t clients, stagger_us;
    bool full, helped;
};

enum {
    OPT_CONTENT = 256,
    OPT_TRACE,
    OPT_ABR,
    OPT_NET,
    OPT_RTT,
    OPT_BUFFER_MAX,
    OPT_STARTUP,
    OPT_RESUME,
    OPT_ABANDON,
    OPT_OFFSET,
    OPT_SEED,
    OPT_CLIENTS,
    OPT_STAGGER,
    OPT_JSON,
    OPT_EVENTS,
    OPT_FULL,
    OPT_HELP,
};

static const struct option long_options[] = {
    {"content", required_argument, NULL, OPT_CONTENT},
    {"trace", required_argument, NULL, OPT_TRACE},
    {"abr", required_argument, NULL, OPT_ABR},
    {"net", required_argument, NULL, OPT_NET},
    {"rtt-ms", required_argument, NULL, OPT_RTT},
    {"buffer-max", required_argument, NULL, OPT_BUFFER_MAX},
    {"startup", required_argument, NULL, OPT_STARTUP},
    {"resume", required_argument, NULL, OPT_RESUME},
    {"abandon", required_argument, NULL, OPT_ABANDON},
    {"offset", required_argument, NULL, OPT_OFFSET},
    {"seed", required_argument, NULL, OPT_SEED},
    {"clients", required_argument, NULL, OPT_CLIENTS},
    {"stagger", required_argument, NULL, OPT_STAGGER},
    {"json", required_argument, NULL, OPT_JSON},
    {"events", required_argument, NULL, OPT_EVENTS},
    {"full", no_argument, NULL, OPT_FULL},
    {"help", no_argument, NULL, OPT_HELP},
    {NULL, 0, NULL, 0},
};

static const char help[] =
    "usage: weir sim --content FILE --trace FILE --abr NAME[:key=value,…] [options]\n"
    "\n"
    "Plays a content over a throughput trace in virtual time, with the engine of\n"
    "`weir play`, and prints how it went.\n"
    "\n"
    "  --content FILE    MPD or playlist, Sabre movie JSON, folder of Pensieve's\n"
    "                    video_size files, or weir.content/1 (`weir content make`)\n"
    "  --trace FILE      Sabre JSON, cooked columns, Mahimahi or weir.trace/1\n"
    "  --abr SPEC        algorithm and its parameters; `--abr help` lists them all\n"
    "  --net MODEL       fluid (default: each request costs the latency, then runs at\n"
    "                    exactly the trace's rate), pensieve, or tcp (slow start)\n"
    "  --rtt-ms N        latency of every request (default: the trace's own, else 0;\n"
    "                    80 in pensieve)\n"
    "  --buffer-max S    seconds of media to hold at most (default 25)\n"
    "  --startup S       media needed before playback starts (default: one segment;\n"
    "                    tcp: 0.24, as it arrives)\n"
    "  --resume S        and after a stall (default: one segment; tcp: 2)\n"
    "  --abandon on|off  let the algorithm give up transfers (default on)\n"
    "  --offset S        trace time of the session's first request (default 0)\n"
    "  --seed N          of whatever draws lots (default 0)\n"
    "  --clients N       so many sessions on one link, and how evenly they share it\n"
    "  --stagger S       each client begins so much after the one before (default 0)\n"
    "  --json PATH       write weir.session/1; - for standard output\n"
    "  --events PATH     write the events of the session as JSON lines; - likewise\n"
    "  --full            with --json: the buffer's level over time as well\n"
    "  --help            this text\n";

static int fail(const struct weir_error *e)
{
    weir_cli_print_error(e);
    return (int)weir_cli_exit_code(e->code, false);
}

static int read_seconds(const char *name, int64_t *out)
{
    if (weir_value_time_us(optarg, out))
        return WEIR_EXIT_OK;
    return weir_cli_usage("sim", name, "want seconds or [HH:]MM:SS, not \"%s\"", optarg);
}

static int read_integer(const char *name, int64_t min, int64_t max, int64_t *out)
{
    if (weir_value_integer(optarg, min, max, out))
        return WEIR_EXIT_OK;
    return weir_cli_usage("sim", name, "want a number from %lld to %lld, not \"%s\"",
                          (long long)min, (long long)max, optarg);
}

static int read_network(struct options *o, int option, const char *name)
{
    int64_t value;
    int code;
    switch (option) {
    case OPT_NET:
        o->net = optarg;
        int kind = weir_link_kind_from(optarg);
        if (kind < 0)
            return weir_cli_usage("sim", name, "want fluid, pensieve or tcp, not \"%s\"", optarg);
        o->params.link.kind = (enum weir_link_kind)kind;
        return WEIR_EXIT_OK;
    case OPT_RTT:
        code = read_integer(name, 0, 60000, &value);
        o->params.link.rtt_us = value * 1000;
        return code;
    case OPT_OFFSET:
        return read_seconds(name, &o->params.link.offset_us);
    case OPT_CLIENTS:
        return read_integer(name, 1, CLIENTS_MAX, &o->clients);
    default:
        return read_seconds(name, &o->stagger_us);
    }
}

static int read_session(struct options *o, int option, const char *name)
{
    int64_t value;
    int code;
    switch (option) {
    case OPT_BUFFER_MAX:
        code = read_seconds(name, &o->params.buffer_max_us);
        if (code == WEIR_EXIT_OK && o->params.buffer_max_us <= 0)
            return weir_cli_usage("sim", name, "a player needs a buffer");
        return code;
    case OPT_STARTUP:
        return read_seconds(name, &o->params.startup_us);
    case OPT_RESUME:
        return read_seconds(name, &o->params.resume_us);
    case OPT_ABANDON:
        if (strcmp(optarg, "on") != 0 && strcmp(optarg, "off") != 0)
            return weir_cli_usage("sim", name, "want on or off, not \"%s\"", optarg);
        o->params.abandon = strcmp(optarg, "on") == 0;
        return WEIR_EXIT_OK;
    default:
        code = read_integer(name, 0, INT64_MAX, &value);
        o->params.seed = (uint64_t)value;
        return code;
    }
}

static int read_option(struct options *o, int option, const char *name)
{
    switch (option) {
    case OPT_CONTENT:
        o->content_path = optarg;
        return WEIR_EXIT_OK;
    case OPT_TRACE:
        o->trace_path = optarg;
        return WEIR_EXIT_OK;
    case OPT_ABR:
        o->abr = optarg;
        return WEIR_EXIT_OK;
    case OPT_NET:
    case OPT_RTT:
    case OPT_OFFSET:
    case OPT_CLIENTS:
    case OPT_STAGGER:
        return read_network(o, option, name);
    case OPT_JSON:
        o->json_path = optarg;
        return WEIR_EXIT_OK;
    case OPT_EVENTS:
        o->events_path = optarg;
        return WEIR_EXIT_OK;
    case OPT_FULL:
        o->full = true;
        return WEIR_EXIT_OK;
    default:
        return read_session(o, option, name);
    }
}

static int check_options(const struct options *o)
{
    if (!o->content_path)
        return weir_cli_usage("sim", "--content", "which content? It is missing");
    if (!o->trace_path)
        return weir_cli_usage("sim", "--trace", "which trace? It is missing");
    if (!o->abr)
        return weir_cli_usage("sim", "--abr", "which algorithm? It is missing");
    if (o->clients > 1 && o->events_path)
        return weir_cli_usage("sim", "--events", "of one client only");
    if (o->json_path && o->events_path && !strcmp(o->json_path, "-") &&
        !strcmp(o->events_path, "-"))
        return weir_cli_usage("sim", "--events", "standard output is taken by --json");
    return WEIR_EXIT_OK;
}

// helped means that what was asked for was printed.
static int read_options(struct options *o, int argc, char **argv)
{
    *o = (struct options){.params = weir_model_params_default(), .net = "fluid", .clients = 1};
    struct weir_arguments a = weir_arguments_begin("sim", argc, argv, ":", long_options);
    for (;;) {
        int option = weir_arguments_next(&a);
        if (option == WEIR_ARGUMENTS_END)
            break;
        if (option == WEIR_ARGUMENTS_WRONG)
            return WEIR_EXIT_USAGE;
        if (option == OPT_HELP || (option == OPT_ABR && !strcmp(optarg, "help"))) {
            if (option == OPT_HELP)
                (void)fputs(help, stdout);
            else
                weir_cli_print_abr_help(stdout);
            o->helped = true;
            return WEIR_EXIT_OK;
        }
        char name[32];
        (void)snprintf(name, sizeof(name), "--%s", a.index >= 0 ? long_options[a.index].name : "?");
        int code = read_option(o, option, name);
        if (code != WEIR_EXIT_OK)
            return code;
    }
    if (optind < argc)
        return weir_cli_usage("sim", argv[optind], "not an option");
    return check_options(o);
}

// --- running ---

struct run {
    const struct options *o;
    struct weir_content *content;
    struct weir_trace *trace;
    struct weir_model *models[CLIENTS_MAX];
    struct weir_abr *abrs[CLIENTS_MAX];
    struct weir_summary summaries[CLIENTS_MAX];
    FILE *events;
    int events_errno; // of the first failed write
};

static void on_event(void *ctx, const char *json)
{
    struct run *r = ctx;
    errno = 0;
    if ((fputs(json, r->events) == EOF || fputc('\n', r->events) == EOF) && !r->events_errno)
        r->events_errno = errno ? errno : EIO;
}

static int make(struct run *r, struct weir_error *e)
{
    int err = weir_content_load(r->o->content_path, &r->content, e);
    if (!err)
        err = weir_trace_load(r->o->trace_path, &r->trace, e);
    for (int64_t i = 0; !err && i < r->o->clients; i++) {
        err = weir_abr_create(r->o->abr, r->o->params.seed + (uint64_t)(2 * i), &r->abrs[i], e);
        if (!err)
            err = weir_model_create(r->content, &r->models[i], e);
    }
    return err;
}

static void clear(struct run *r)
{
    for (int i = 0; i < CLIENTS_MAX; i++) {
        weir_model_destroy(&r->models[i]);
        weir_abr_destroy(&r->abrs[i]);
    }
    weir_trace_destroy(&r->trace);
    weir_content_destroy(&r->content);
}

static int open_events(struct run *r)
{
    const char *path = r->o->events_path;
    if (!path)
        return WEIR_EXIT_OK;
    r->events = strcmp(path, "-") == 0 ? stdout : fopen(path, "we");
    if (r->events)
        return WEIR_EXIT_OK;
    (void)fprintf(stderr, "weir: %s: cannot write the events (%s)\n", path,
                  strerror(errno)); // NOLINT(concurrency-mt-unsafe)
    return WEIR_EXIT_OUTPUT;
}

static int close_events(struct run *r)
{
    if (!r->events)
        return WEIR_EXIT_OK;
    int failed = fflush(r->events) ? errno : 0;
    if (r->events != stdout && fclose(r->events))
        failed = errno;
    if (!r->events_errno)
        r->events_errno = failed;
    if (!r->events_errno)
        return WEIR_EXIT_OK;
    (void)fprintf(stderr, "weir: %s: the events are incomplete (%s)\n", r->o->events_path,
                  strerror(r->events_errno)); // NOLINT(concurrency-mt-unsafe)
    return WEIR_EXIT_OUTPUT;
}

static int report(struct run *r)
{
    struct weir_sim_report what = {.summaries = r->summaries,
                                   .abrs = r->abrs,
                                   .count = (size_t)r->o->clients,
                                   .content = r->content,
                                   .trace = r->trace,
                                   .net = r->o->net,
                                   .link = r->o->params.link,
                                   .full = r->o->full};
    if (r->o->json_path) {
        struct weir_error e = {0};
        return weir_sim_report_json(&what, r->o->json_path, &e) ? fail(&e) : WEIR_EXIT_OK;
    }
    bool taken = r->o->events_path && !strcmp(r->o->events_path, "-");
    weir_sim_report_text(&what, taken ? stderr : stdout);
    return WEIR_EXIT_OK;
}

static int run(struct run *r)
{
    struct weir_error e = {0};
    int code = open_events(r);
    if (code != WEIR_EXIT_OK)
        return code;
    struct weir_model_params params = r->o->params;
    params.event = r->events ? on_event : NULL;
    params.ctx = r;
    int err = weir_model_run_shared(r->models, r->abrs, (size_t)r->o->clients, r->o->stagger_us,
                                    r->trace, &params, r->summaries, &e);
    code = close_events(r);
    if (err) {
        weir_cli_print_error(&e);
        return (int)weir_cli_exit_code(err, true);
    }
    for (int64_t i = 0; i < r->o->clients; i++)
        r->summaries[i].trace = r->o->trace_path;
    int told = report(r);
    return code != WEIR_EXIT_OK ? code : told;
}

int weir_cli_sim(int argc, char **argv)
{
    struct options o;
    int code = read_options(&o, argc, argv);
    if (code != WEIR_EXIT_OK || o.helped)
        return code;
    struct run r = {.o = &o};
    struct weir_error e = {0};
    code = make(&r, &e) ? fail(&e) : run(&r);
    clear(&r);
    return code;
}
