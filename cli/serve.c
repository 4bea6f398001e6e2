// cli/serve.c — `weir serve`: a folder over HTTP, all connections together shaped by a trace. Reads
// the options, starts sim/server.c, waits for SIGINT or SIGTERM.
#include "cli/serve.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/arguments.h"
#include "cli/report.h"
#include "cli/values.h"
#include "core/clock.h"
#include "sim/server.h"

struct options {
    struct weir_server_params params;
    const char *trace_path, *log_path;
    struct weir_live_spec live;
    char *certificate_path; // owned; the key's path is in the same memory
};

enum {
    OPT_BIND = 256,
    OPT_PORT,
    OPT_TRACE,
    OPT_RTT,
    OPT_LOG,
    OPT_FAULT,
    OPT_TLS,
    OPT_LIVE,
    OPT_HELP
};

static const struct option long_options[] = {
    {"bind", required_argument, NULL, OPT_BIND},   {"port", required_argument, NULL, OPT_PORT},
    {"trace", required_argument, NULL, OPT_TRACE}, {"rtt-ms", required_argument, NULL, OPT_RTT},
    {"log", required_argument, NULL, OPT_LOG},     {"fault", required_argument, NULL, OPT_FAULT},
    {"live", required_argument, NULL, OPT_LIVE},   {"tls", required_argument, NULL, OPT_TLS},
    {"help", no_argument, NULL, OPT_HELP},         {NULL, 0, NULL, 0},
};

static const char help[] =
    "usage: weir serve [options] DIR\n"
    "\n"
    "Serves the files below DIR over HTTP/1.1, with ranges, keep-alive and CORS, and\n"
    "prints `listening on http://ADDR:PORT/` as its first line. Ends on SIGINT or\n"
    "SIGTERM.\n"
    "\n"
    "  --bind ADDR    address to listen on (default 127.0.0.1)\n"
    "  --port N       port; 0 (default) takes a free one\n"
    "  --trace FILE   all connections together get no more than this trace offers: Sabre\n"
    "                 JSON, cooked columns, Mahimahi or weir.trace/1. Its time 0 is the\n"
    "                 first request after 2 s without one, or after a POST to\n"
    "                 /.weir/reset.\n"
    "  --rtt-ms N     wait before the first byte of each response, and once more on a new\n"
    "                 connection (default: the latency that the trace gives, else 0)\n"
    "  --fault SPEC   misbehave, KIND[:key=value,...]; may be given several times, and\n"
    "                 the first that strikes a request has it\n"
    "  --live SPEC    make the packages below DIR live: `on`, or key=value,...: window=S\n"
    "                 seconds listed (default 30), start=S seconds there at the beginning\n"
    "                 (three segments), loop=on|off what follows the end (on), ll=on|off\n"
    "                 DASH segments chunk by chunk (off)\n"
    "  --tls CERT:KEY HTTPS alone, with this certificate and key (PEM files)\n"
    "  --log PATH     a JSON line per request; - for standard output\n"
    "  --help         this text\n"
    "\n"
    "KIND of a fault:\n"
    "  status         answer code= (400 to 599; default 503)\n"
    "  reset          at= bytes of the body, then a TCP reset\n"
    "  truncate       promise the whole, end the connection after at= bytes\n"
    "  stall          nothing after at= bytes, for= seconds (default: for ever)\n"
    "  slow           from at= bytes on (default 0) rate= bits per second (16000)\n"
    "  corrupt        change bytes= bytes (16) from at= on\n"
    "  refuse         end the connection without a response\n"
    "Without at=, half the body. Which requests: match=GLOB (| between several; * ? and\n"
    "[a-z]; against the path or what follows one of its slashes), of these from=N on,\n"
    "every=N of them, count=N at most, each with the chance p=0..1 drawn from seed=N.\n";

static int fail(const struct weir_error *e)
{
    weir_cli_print_error(e);
    return (int)weir_cli_exit_code(e->code, false);
}

static int read_fault(struct options *o)
{
    struct weir_fault_spec spec;
    struct weir_error e = {0};
    if (weir_fault_parse(optarg, &spec, &e) < 0)
        return weir_cli_usage("serve", "--fault", "%s", e.what);
    if (weir_faults_add(&o->params.faults, &spec) < 0)
        return weir_cli_usage("serve", "--fault", "at most %d of them", WEIR_FAULTS_MAX);
    return WEIR_EXIT_OK;
}

static int read_live(struct options *o)
{
    struct weir_error e = {0};
    if (weir_live_parse(optarg, &o->live, &e) < 0)
        return weir_cli_usage("serve", "--live", "%s", e.what);
    o->params.live = &o->live;
    return WEIR_EXIT_OK;
}

static int read_tls(struct options *o)
{
    const char *colon = strchr(optarg, ':');
    if (!colon || colon == optarg || !colon[1])
        return weir_cli_usage("serve", "--tls", "want CERT:KEY, two files in PEM format");
    free(o->certificate_path);
    o->certificate_path = strdup(optarg);
    if (!o->certificate_path) {
        struct weir_error e = {0};
        (void)weir_error_set(&e, WEIR_ERR_NOMEM, "--tls", "memory ran out");
        return fail(&e);
    }
    char *key = o->certificate_path + (colon - optarg);
    *key++ = '\0';
    o->params.certificate_path = o->certificate_path;
    o->params.key_path = key;
    return WEIR_EXIT_OK;
}

static int read_option(struct options *o, int option)
{
    int64_t value;
    switch (option) {
    case OPT_BIND:
        o->params.bind_address = optarg;
        return WEIR_EXIT_OK;
    case OPT_PORT:
        if (!weir_value_integer(optarg, 0, 65535, &value))
            return weir_cli_usage("serve", "--port", "want a number from 0 to 65535");
        o->params.port = (uint16_t)value;
        return WEIR_EXIT_OK;
    case OPT_TRACE:
        o->trace_path = optarg;
        return WEIR_EXIT_OK;
    case OPT_RTT:
        if (!weir_value_integer(optarg, 0, 60000, &value))
            return weir_cli_usage("serve", "--rtt-ms",
                                  "want a number of milliseconds from 0 to 60000");
        o->params.rtt_us = value * 1000;
        return WEIR_EXIT_OK;
    case OPT_LOG:
        o->log_path = optarg;
        return WEIR_EXIT_OK;
    case OPT_FAULT:
        return read_fault(o);
    case OPT_TLS:
        return read_tls(o);
    case OPT_LIVE:
        return read_live(o);
    default:
        return WEIR_EXIT_USAGE;
    }
}

// Options and DIR into *o. WEIR_EXIT_OK with params.root NULL means that the help was printed.
static int read_options(struct options *o, int argc, char **argv)
{
    weir_server_params_default(&o->params);
    struct weir_arguments a = weir_arguments_begin("serve", argc, argv, ":", long_options);
    for (;;) {
        int option = weir_arguments_next(&a);
        if (option == WEIR_ARGUMENTS_END)
            break;
        if (option == WEIR_ARGUMENTS_WRONG)
            return WEIR_EXIT_USAGE;
        if (option == OPT_HELP) {
            (void)fputs(help, stdout);
            return WEIR_EXIT_OK;
        }
        int code = read_option(o, option);
        if (code != WEIR_EXIT_OK)
            return code;
    }
    if (optind >= argc)
        return weir_cli_usage("serve", "DIR", "which folder? It is missing");
    if (optind + 1 < argc)
        return weir_cli_usage("serve", argv[optind + 1], "one folder only");
    o->params.root = argv[optind];
    return WEIR_EXIT_OK;
}

static int open_log(struct options *o)
{
    if (!o->log_path)
        return WEIR_EXIT_OK;
    if (strcmp(o->log_path, "-") == 0) {
        o->params.log = stdout;
        return WEIR_EXIT_OK;
    }
    o->params.log = fopen(o->log_path, "ae");
    if (o->params.log)
        return WEIR_EXIT_OK;
    (void)fprintf(stderr, "weir: %s: cannot write the log (%s)\n", o->log_path,
                  strerror(errno)); // NOLINT(concurrency-mt-unsafe)
    return WEIR_EXIT_OUTPUT;
}

// Serve until a signal comes.
static int serve(const struct weir_server_params *params)
{
    struct weir_error e = {0};
    struct weir_server *server = NULL;
    sigset_t wanted, before;
    (void)sigemptyset(&wanted);
    (void)sigaddset(&wanted, SIGINT);
    (void)sigaddset(&wanted, SIGTERM);
    (void)signal(SIGPIPE, SIG_IGN);
    // Blocked before the server's threads exist, so that they inherit it and only sigwait() sees
    // them.
    (void)pthread_sigmask(SIG_BLOCK, &wanted, &before);
    if (weir_server_start(params, &server, &e) < 0)
        return fail(&e);
    const char *why;
    for (size_t i = 0; (why = weir_server_not_live(server, i)) != NULL; i++)
        (void)fprintf(stderr, "weir: %s (not served)\n", why);
    (void)printf("listening on %s\n", weir_server_url(server));
    (void)fflush(stdout);
    int got = 0;
    while (sigwait(&wanted, &got) != 0) {
    }
    weir_server_stop(&server);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    // Asked to end is done as asked; ^C is an interruption.
    return got == SIGINT ? WEIR_EXIT_INTERRUPTED : WEIR_EXIT_OK;
}

int weir_cli_serve(int argc, char **argv)
{
    struct options o = {0};
    struct weir_trace *trace = NULL;
    struct weir_error e = {0};
    int code = read_options(&o, argc, argv);
    bool go = code == WEIR_EXIT_OK && o.params.root;
    if (go && o.trace_path && weir_trace_load(o.trace_path, &trace, &e) < 0) {
        code = fail(&e);
        go = false;
    }
    o.params.trace = trace;
    if (go)
        code = open_log(&o);
    if (go && code == WEIR_EXIT_OK)
        code = serve(&o.params);
    if (o.params.log && o.params.log != stdout && fclose(o.params.log) != 0 &&
        code == WEIR_EXIT_OK) {
        (void)fprintf(stderr, "weir: %s: the log is incomplete (%s)\n", o.log_path,
                      strerror(errno)); // NOLINT(concurrency-mt-unsafe)
        code = WEIR_EXIT_OUTPUT;
    }
    weir_trace_destroy(&trace);
    free(o.certificate_path);
    return code;
}
