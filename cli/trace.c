// cli/trace.c — `weir trace`: describe throughput traces, convert them, make synthetic ones.
#include "cli/trace.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/arguments.h"
#include "cli/outputs.h"
#include "cli/report.h"
#include "cli/trace_info.h"
#include "cli/values.h"
#include "sim/trace_generate.h"
#include "sim/trace_write.h"

#define MAX_BPS ((int64_t)WEIR_TRACE_MAX_BPS)

enum task { INFO = 1, CONVERT = 2, GENERATE = 4 };

struct options {
    enum task task;
    char **inputs; // NULL: what was asked for was the help
    int input_count;
    bool json;
    int64_t window_us, latency_us;
    const char *output;
    enum weir_trace_format format;
    bool format_given;
    struct weir_recipe recipe;
    size_t hold_count;
};

enum {
    OPT_JSON = 256,
    OPT_WINDOW,
    OPT_TO,
    OPT_LATENCY,
    OPT_RATE,
    OPT_HOLD,
    OPT_DURATION,
    OPT_STEP,
    OPT_SEED,
    OPT_HELP,
};

static const struct option long_options[] = {
    {"json", no_argument, NULL, OPT_JSON},
    {"window", required_argument, NULL, OPT_WINDOW},
    {"to", required_argument, NULL, OPT_TO},
    {"output", required_argument, NULL, 'o'},
    {"latency-ms", required_argument, NULL, OPT_LATENCY},
    {"rate", required_argument, NULL, OPT_RATE},
    {"hold", required_argument, NULL, OPT_HOLD},
    {"duration", required_argument, NULL, OPT_DURATION},
    {"step", required_argument, NULL, OPT_STEP},
    {"seed", required_argument, NULL, OPT_SEED},
    {"help", no_argument, NULL, OPT_HELP},
    {NULL, 0, NULL, 0},
};

// Which tasks take an option.
static const struct {
    int option, tasks;
} takers[] = {
    {OPT_JSON, INFO},
    {OPT_WINDOW, INFO},
    {OPT_TO, CONVERT | GENERATE},
    {'o', CONVERT | GENERATE},
    {OPT_LATENCY, CONVERT | GENERATE},
    {OPT_RATE, GENERATE},
    {OPT_HOLD, GENERATE},
    {OPT_DURATION, GENERATE},
    {OPT_STEP, GENERATE},
    {OPT_SEED, GENERATE},
};

static const char help[] =
    "usage: weir trace info [options] FILE…, weir trace convert --to FORMAT [options] FILE, or:\n"
    "       weir trace generate KIND --rate R,… [options]\n"
    "\n"
    "A trace is a link's throughput over time. FILE may be Sabre JSON, cooked columns\n"
    "(seconds, Mbit/s), Mahimahi's packet times, or weir.trace/1; its content says which.\n"
    "\n"
    "info prints a trace's duration, mean, spread, percentiles, outages and latency.\n"
    "\n"
    "convert writes a trace in another format. Cooked and Mahimahi have no latency; Mahimahi\n"
    "counts whole packets of 1500 bytes in whole milliseconds; Sabre's latency is 0 where\n"
    "none is known.\n"
    "\n"
    "generate makes a trace. KIND is constant (the first rate), step (each rate in turn for\n"
    "its time), markov (a random walk between neighbouring rates) or on-off (two rates in\n"
    "turn, for random times). Equal options make equal traces.\n"
    "\n"
    "  --json                  info: print weir.trace_info/1, a line for each FILE\n"
    "  --window S              info: rates are means over windows of S seconds, as suits\n"
    "                          Mahimahi (default: as the trace has them)\n"
    "  --to FORMAT             convert, generate: sabre, cooked, mahimahi or weir (generate's\n"
    "                          default)\n"
    "  --output PATH, -o PATH  convert, generate: where to write; - (default) for standard\n"
    "                          output\n"
    "  --latency-ms N          convert, generate: the latency of every interval (default:\n"
    "                          the trace's own, none)\n"
    "  --rate R,…              generate: bit/s with an optional suffix K, M, G (powers of\n"
    "                          1000); on-off: the second is 0 unless given\n"
    "  --hold S,…              generate: seconds that each rate holds, markov and on-off: on\n"
    "                          average (default 10; the last one given serves the rest)\n"
    "  --duration S            generate: length of the trace (default 300)\n"
    "  --step S                generate: markov, on-off: rates change at multiples of S only\n"
    "                          (default 1)\n"
    "  --seed N                generate: of what is random (default 0)\n"
    "  --help                  this text\n";

static int fail(const struct weir_error *e)
{
    weir_cli_print_error(e);
    return (int)weir_cli_exit_code(e->code, false);
}

// --- options ---

// The next of a comma's list, copied into item[room]; NULL when there is none. Too long: "".
static const char *next_item(const char *list, char *item, size_t room)
{
    size_t len = strcspn(list, ",");
    item[0] = '\0';
    if (len < room) {
        memcpy(item, list, len);
        item[len] = '\0';
    }
    return list[len] ? list + len + 1 : NULL;
}

static int read_rates(struct weir_recipe *r)
{
    char item[32];
    r->count = 0;
    for (const char *at = optarg; at;) {
        int64_t bps;
        at = next_item(at, item, sizeof(item));
        if (!weir_value_rate_bps(item, MAX_BPS, &bps))
            return weir_cli_usage("trace", "--rate",
                                  "want bits per second like 800K,2.5M, at most 1000G, not \"%s\"",
                                  optarg);
        if (r->count == WEIR_RECIPE_MAX_RATES)
            return weir_cli_usage("trace", "--rate", "at most %d rates", WEIR_RECIPE_MAX_RATES);
        r->rates_bps[r->count++] = (double)bps;
    }
    return WEIR_EXIT_OK;
}

static int read_holds(struct options *o)
{
    char item[32];
    o->hold_count = 0;
    for (const char *at = optarg; at;) {
        int64_t us;
        at = next_item(at, item, sizeof(item));
        if (!weir_value_time_us(item, &us) || us <= 0)
            return weir_cli_usage("trace", "--hold", "want seconds above 0 like 60,120, not \"%s\"",
                                  optarg);
        if (o->hold_count == WEIR_RECIPE_MAX_RATES)
            return weir_cli_usage("trace", "--hold", "at most %d times", WEIR_RECIPE_MAX_RATES);
        o->recipe.holds_us[o->hold_count++] = us;
    }
    return WEIR_EXIT_OK;
}

static int read_time(const char *name, int64_t *out_us)
{
    if (weir_value_time_us(optarg, out_us) && *out_us > 0)
        return WEIR_EXIT_OK;
    return weir_cli_usage("trace", name, "want seconds above 0 or [HH:]MM:SS, not \"%s\"", optarg);
}

static int read_number(const char *name, int64_t max, int64_t *out)
{
    if (weir_value_integer(optarg, 0, max, out))
        return WEIR_EXIT_OK;
    return weir_cli_usage("trace", name, "want a number from 0 to %lld, not \"%s\"", (long long)max,
                          optarg);
}

static int read_format(struct options *o)
{
    int format = weir_trace_format_from(optarg);
    if (format < 0)
        return weir_cli_usage("trace", "--to", "want sabre, cooked, mahimahi or weir, not \"%s\"",
                              optarg);
    o->format = (enum weir_trace_format)format;
    o->format_given = true;
    return WEIR_EXIT_OK;
}

static int read_option(struct options *o, int option)
{
    int64_t value = 0;
    int code;
    switch (option) {
    case OPT_JSON:
        o->json = true;
        return WEIR_EXIT_OK;
    case OPT_WINDOW:
        return read_time("--window", &o->window_us);
    case OPT_TO:
        return read_format(o);
    case 'o':
        o->output = optarg;
        return WEIR_EXIT_OK;
    case OPT_LATENCY:
        code = read_number("--latency-ms", 60000, &value);
        o->latency_us = value * 1000;
        return code;
    case OPT_RATE:
        return read_rates(&o->recipe);
    case OPT_HOLD:
        return read_holds(o);
    case OPT_DURATION:
        return read_time("--duration", &o->recipe.duration_us);
    case OPT_STEP:
        return read_time("--step", &o->recipe.step_us);
    default:
        code = read_number("--seed", INT64_MAX, &value);
        o->recipe.seed = (uint64_t)value;
        return code;
    }
}

static bool takes(enum task task, int option)
{
    for (size_t i = 0; i < sizeof(takers) / sizeof(takers[0]); i++)
        if (takers[i].option == option)
            return (takers[i].tasks & (int)task) != 0;
    return true;
}

static int check_recipe(struct options *o)
{
    struct weir_recipe *r = &o->recipe;
    if (o->input_count < 1)
        return weir_cli_usage("trace", "generate", "which kind? constant, step, markov or on-off");
    int kind = weir_recipe_kind_from(o->inputs[0]);
    if (kind < 0)
        return weir_cli_usage("trace", "generate",
                              "want constant, step, markov or on-off, not \"%s\"", o->inputs[0]);
    r->kind = (enum weir_recipe_kind)kind;
    if (o->input_count > 1)
        return weir_cli_usage("trace", o->inputs[1], "one kind only");
    if (r->count == 0)
        return weir_cli_usage("trace", "--rate", "which rates? They are missing");
    if (r->kind == WEIR_RECIPE_CONSTANT && r->count > 1)
        return weir_cli_usage("trace", "--rate", "a constant trace has one rate");
    if (r->kind == WEIR_RECIPE_ON_OFF && r->count > 2)
        return weir_cli_usage("trace", "--rate", "an on-off trace has two rates");
    if (r->kind == WEIR_RECIPE_ON_OFF)
        r->count = 2; // 0 unless given
    if (o->hold_count > r->count)
        return weir_cli_usage("trace", "--hold", "more times than rates");
    if (o->hold_count == 0)
        r->holds_us[o->hold_count++] = 10 * WEIR_SECOND_US;
    for (size_t i = o->hold_count; i < r->count; i++)
        r->holds_us[i] = r->holds_us[o->hold_count - 1];
    return WEIR_EXIT_OK;
}

static int check_options(struct options *o)
{
    if (o->task == GENERATE)
        return check_recipe(o);
    if (o->input_count < 1)
        return weir_cli_usage("trace", "FILE", "which trace? It is missing");
    if (o->task == CONVERT && o->input_count > 1)
        return weir_cli_usage("trace", o->inputs[1], "one trace only");
    if (o->task == CONVERT && !o->format_given)
        return weir_cli_usage("trace", "--to", "which format? sabre, cooked, mahimahi or weir");
    return WEIR_EXIT_OK;
}

// Options and inputs after the word that says what to do.
static int read_options(struct options *o, int argc, char **argv)
{
    struct weir_arguments a = weir_arguments_begin("trace", argc, argv, ":o:", long_options);
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
        if (!takes(o->task, option))
            return weir_cli_usage("trace", argv[a.at], "not an option of %s", argv[0]);
        int code = read_option(o, option);
        if (code != WEIR_EXIT_OK)
            return code;
    }
    o->inputs = argv + optind;
    o->input_count = argc - optind;
    return check_options(o);
}

// --- what to do ---

static int info_of(const struct options *o, const char *path)
{
    struct weir_error e = {0};
    struct weir_trace *t = NULL;
    if (weir_trace_load(path, &t, &e) != 0)
        return fail(&e);
    struct weir_trace_info info = {.path = path, .format = weir_trace_format(t)};
    int err = weir_trace_measure(t, o->window_us, &info.stats);
    weir_trace_destroy(&t);
    if (err == WEIR_ERR_INVAL)
        return weir_cli_usage("trace", "--window", "too short: more than %d windows in %s",
                              WEIR_TRACE_MAX_INTERVALS, path);
    char *json = NULL;
    if (!err && o->json) {
        json = weir_trace_info_json(&info);
        err = json ? 0 : WEIR_ERR_NOMEM;
    }
    if (err) {
        (void)weir_error_set(&e, err, path, "memory ran out");
        return fail(&e);
    }
    if (json)
        (void)puts(json);
    else
        weir_trace_info_text(&info, stdout);
    free(json);
    return WEIR_EXIT_OK;
}

// Every trace that can be read is described; the first failure is the exit code.
static int run_info(const struct options *o)
{
    int code = WEIR_EXIT_OK;
    for (int i = 0; i < o->input_count; i++) {
        int one = info_of(o, o->inputs[i]);
        code = code == WEIR_EXIT_OK ? one : code;
    }
    return code;
}

static int write_trace(const struct options *o, const struct weir_trace *t)
{
    struct weir_error e = {0};
    char *text = NULL;
    size_t size_bytes = 0;
    int err = weir_trace_text(t, o->format, o->latency_us, &text, &size_bytes, &e);
    if (!err) {
        text[size_bytes - 1] = '\0'; // a document ends in one newline, which is added again
        err = weir_outputs_document(o->output, text, &e);
    }
    free(text);
    return err ? fail(&e) : WEIR_EXIT_OK;
}

static int run_convert(const struct options *o)
{
    struct weir_error e = {0};
    struct weir_trace *t = NULL;
    int code = weir_trace_load(o->inputs[0], &t, &e) ? fail(&e) : write_trace(o, t);
    weir_trace_destroy(&t);
    return code;
}

static int run_generate(struct options *o)
{
    struct weir_error e = {0};
    struct weir_trace *t = NULL;
    o->recipe.latency_us = o->latency_us;
    if (weir_trace_generate(&o->recipe, &t, &e) != 0) {
        weir_cli_print_error(&e);
        return WEIR_EXIT_USAGE;
    }
    int code = write_trace(o, t);
    weir_trace_destroy(&t);
    return code;
}

int weir_cli_trace(int argc, char **argv)
{
    struct options o = {.latency_us = WEIR_TIME_NONE,
                        .output = "-",
                        .format = WEIR_TRACE_WEIR,
                        .recipe = {.duration_us = 300 * WEIR_SECOND_US, .step_us = WEIR_SECOND_US}};
    const char *task = argc > 1 ? argv[1] : "";
    if (strcmp(task, "--help") == 0) {
        (void)fputs(help, stdout);
        return WEIR_EXIT_OK;
    }
    if (strcmp(task, "info") == 0)
        o.task = INFO;
    else if (strcmp(task, "convert") == 0)
        o.task = CONVERT;
    else if (strcmp(task, "generate") == 0)
        o.task = GENERATE;
    else
        return weir_cli_usage("trace", argc > 1 ? task : "info", "want info, convert or generate");
    int code = read_options(&o, argc - 1, argv + 1);
    if (code != WEIR_EXIT_OK || !o.inputs)
        return code;
    if (o.task == INFO)
        return run_info(&o);
    return o.task == CONVERT ? run_convert(&o) : run_generate(&o);
}
