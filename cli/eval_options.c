// cli/eval_options.c — the options of `weir eval`, and their help.
#include "cli/eval_options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/abr_help.h"
#include "cli/arguments.h"
#include "cli/report.h"
#include "cli/values.h"
#include "sim/condition.h"

#define JOBS_MAX   1024
#define SHARDS_MAX 1000000

enum {
    OPT_TRACES = 256,
    OPT_CONTENTS,
    OPT_ABR,
    OPT_NET,
    OPT_RTT,
    OPT_BUFFER_MAX,
    OPT_STARTUP,
    OPT_RESUME,
    OPT_ABANDON,
    OPT_OFFSETS,
    OPT_SEED,
    OPT_OPTIMAL,
    OPT_JOBS,
    OPT_SHARD,
    OPT_SKIP_BAD,
    OPT_DB,
    OPT_CSV,
    OPT_SEGMENTS,
    OPT_JSONL,
    OPT_REPORT,
    OPT_BASELINE,
    OPT_FAIL_IF,
    OPT_QUIET,
    OPT_HELP,
};
#define OPT_PLAIN 1 // what getopt calls an argument that is no option

static const struct option long_options[] = {
    {"traces", required_argument, NULL, OPT_TRACES},
    {"contents", required_argument, NULL, OPT_CONTENTS},
    {"abr", required_argument, NULL, OPT_ABR},
    {"net", required_argument, NULL, OPT_NET},
    {"rtt-ms", required_argument, NULL, OPT_RTT},
    {"buffer-max", required_argument, NULL, OPT_BUFFER_MAX},
    {"startup", required_argument, NULL, OPT_STARTUP},
    {"resume", required_argument, NULL, OPT_RESUME},
    {"abandon", required_argument, NULL, OPT_ABANDON},
    {"offsets", required_argument, NULL, OPT_OFFSETS},
    {"seed", required_argument, NULL, OPT_SEED},
    {"optimal", no_argument, NULL, OPT_OPTIMAL},
    {"jobs", required_argument, NULL, OPT_JOBS},
    {"shard", required_argument, NULL, OPT_SHARD},
    {"skip-bad", no_argument, NULL, OPT_SKIP_BAD},
    {"db", required_argument, NULL, OPT_DB},
    {"csv", required_argument, NULL, OPT_CSV},
    {"segments", required_argument, NULL, OPT_SEGMENTS},
    {"jsonl", required_argument, NULL, OPT_JSONL},
    {"report", required_argument, NULL, OPT_REPORT},
    {"baseline", required_argument, NULL, OPT_BASELINE},
    {"fail-if", required_argument, NULL, OPT_FAIL_IF},
    {"quiet", no_argument, NULL, OPT_QUIET},
    {"help", no_argument, NULL, OPT_HELP},
    {NULL, 0, NULL, 0},
};

static const char help[] =
    "usage: weir eval --traces PATH… --contents PATH… --abr LIST [options]\n"
    "       weir eval merge DB… --db OUT\n"
    "\n"
    "Plays every content over every trace with every algorithm, on all cores, with\n"
    "the engine of `weir play`, and prints a table per trace set: means with 95 %\n"
    "bootstrap intervals (resampled by trace), and tails. Results depend neither on\n"
    "--jobs nor on --shard. `merge` joins the databases of shards.\n"
    "\n"
    "what to run\n"
    "  --traces PATH…    traces, or folders of them, searched to the bottom (hidden\n"
    "                    files, *.md, README*, LICENSE* and COPYING* are passed over);\n"
    "                    a trace's set is the name of its folder\n"
    "  --contents PATH…  as `weir sim --content`\n"
    "  --abr LIST        algorithms, separated by commas: bola,mpc:oracle=5,weir. What\n"
    "                    follows a comma belongs to the algorithm before if it is\n"
    "                    key=value; ; always separates. Several --abr add up;\n"
    "                    `--abr help` lists all\n"
    "  --optimal         also the offline optimum and a bound on any player, of qoe.lin\n"
    "                    and qoe.log: optimum-lin optimum-log bound-lin bound-log\n"
    "  --offsets N       begin at N points of each trace, evenly spread (default 1)\n"
    "\n"
    "conditions\n"
    "  --net MODEL       fluid (default), pensieve or tcp\n"
    "  --rtt-ms N        latency of every request (default: the trace's own, else 0;\n"
    "                    80 in pensieve)\n"
    "  --buffer-max S    seconds of media to hold at most (default 25)\n"
    "  --startup S       media needed before playback starts (default as `weir sim`)\n"
    "  --resume S        and after a stall (default as `weir sim`)\n"
    "  --abandon on|off  let algorithms give up transfers (default on)\n"
    "  --seed N          of whatever draws lots (default 0)\n"
    "\n"
    "how\n"
    "  --jobs N          threads (default: the machine's cores)\n"
    "  --shard K/N       only the K-th of N parts, K from 1 to N (0 is N); join them\n"
    "                    with `weir eval merge`\n"
    "  --skip-bad        leave traces out that cannot be read (default: name them and\n"
    "                    run nothing)\n"
    "  --quiet           no progress, no table\n"
    "\n"
    "results\n"
    "  --db FILE         keep them in a SQLite database; what is in it already is not\n"
    "                    run again, and the outputs below tell of all it holds\n"
    "  --csv FILE        a row a session; - for standard output\n"
    "  --segments FILE   a row a segment, likewise\n"
    "  --jsonl FILE      weir.session/1 as JSON lines, likewise\n"
    "  --report FILE     draw them: an HTML file that needs no network\n"
    "  --baseline NAME   add each algorithm's difference from this one, with p-values\n"
    "                    (sign-flip permutation, Holm's correction per set)\n"
    "  --fail-if EXPR    exit 1 if it holds of any algorithm, e.g.\n"
    "                    'mean(qoe.lin) < 1.2' or 'p95(stall_time) @bola @lte > 8';\n"
    "                    mean median p5 p95 max min, or share: of qoe the share of the\n"
    "                    bound, of others the part of sessions where it is above 0.\n"
    "                    @ names an algorithm, a trace set or a content\n"
    "  --help            this text\n"
    "\n"
    "A trace that an algorithm did not finish is in no figure of any algorithm of its\n"
    "set; the table says which, and by whom. If any session failed the exit status is\n"
    "5, once all outputs are written (1 if a --fail-if holds).\n";

static int read_seconds(const char *name, int64_t *out)
{
    if (weir_value_time_us(optarg, out))
        return WEIR_EXIT_OK;
    return weir_cli_usage("eval", name, "want seconds or [HH:]MM:SS, not \"%s\"", optarg);
}

static int read_integer(const char *name, int64_t min, int64_t max, int64_t *out)
{
    if (weir_value_integer(optarg, min, max, out))
        return WEIR_EXIT_OK;
    return weir_cli_usage("eval", name, "want a number from %lld to %lld, not \"%s\"",
                          (long long)min, (long long)max, optarg);
}

static int read_shard(struct weir_eval_options *o)
{
    char text[64];
    int64_t k = -1, n = 0;
    char *slash = NULL;
    if (strlen(optarg) < sizeof(text)) {
        memcpy(text, optarg, strlen(optarg) + 1);
        slash = strchr(text, '/');
    }
    if (slash)
        *slash = '\0';
    if (!slash || !weir_value_integer(slash + 1, 1, SHARDS_MAX, &n) ||
        !weir_value_integer(text, 0, n, &k))
        return weir_cli_usage("eval", "--shard", "want K/N with K from 1 to N, not \"%s\"", optarg);
    o->sweep.shard = k % n;
    o->sweep.shard_count = n;
    return WEIR_EXIT_OK;
}

static int read_abrs(struct weir_eval_options *o)
{
    struct weir_error e = {0};
    char *text = strdup(optarg);
    if (!text)
        return weir_cli_usage("eval", "--abr", "memory ran out");
    o->abr_texts[o->abr_text_count++] = text;
    if (weir_sweep_split_abrs(text, o->abrs, &o->abr_count, WEIR_EVAL_ABRS_MAX, &e) == 0)
        return WEIR_EXIT_OK;
    weir_cli_print_error(&e);
    return WEIR_EXIT_USAGE;
}

static int read_condition(struct weir_eval_options *o)
{
    struct weir_condition parsed;
    struct weir_error e = {0};
    if (o->condition_count == WEIR_EVAL_CONDITIONS_MAX)
        return weir_cli_usage("eval", "--fail-if", "more than %d", WEIR_EVAL_CONDITIONS_MAX);
    if (weir_condition_parse(optarg, &parsed, &e) != 0) {
        weir_cli_print_error(&e);
        return WEIR_EXIT_USAGE;
    }
    o->conditions[o->condition_count++] = optarg;
    return WEIR_EXIT_OK;
}

static int read_session(struct weir_eval_options *o, int option, const char *name)
{
    struct weir_model_params *model = &o->sweep.model;
    int64_t value = 0;
    int code, kind;
    switch (option) {
    case OPT_NET:
        kind = weir_link_kind_from(optarg);
        if (kind < 0)
            return weir_cli_usage("eval", name, "want fluid, pensieve or tcp, not \"%s\"", optarg);
        model->link.kind = (enum weir_link_kind)kind;
        return WEIR_EXIT_OK;
    case OPT_RTT:
        code = read_integer(name, 0, 60000, &value);
        model->link.rtt_us = value * 1000;
        return code;
    case OPT_BUFFER_MAX:
        code = read_seconds(name, &model->buffer_max_us);
        if (code == WEIR_EXIT_OK && model->buffer_max_us <= 0)
            return weir_cli_usage("eval", name, "a player needs a buffer");
        return code;
    case OPT_STARTUP:
        return read_seconds(name, &model->startup_us);
    case OPT_RESUME:
        return read_seconds(name, &model->resume_us);
    case OPT_ABANDON:
        if (strcmp(optarg, "on") != 0 && strcmp(optarg, "off") != 0)
            return weir_cli_usage("eval", name, "want on or off, not \"%s\"", optarg);
        model->abandon = strcmp(optarg, "on") == 0;
        return WEIR_EXIT_OK;
    case OPT_OFFSETS:
        return read_integer(name, 1, WEIR_ROW_MAX_OFFSETS, &o->sweep.offsets);
    default:
        code = read_integer(name, 0, INT64_MAX, &value);
        model->seed = (uint64_t)value;
        return code;
    }
}

static int read_output(struct weir_eval_options *o, int option)
{
    switch (option) {
    case OPT_DB:
        o->db = optarg;
        return *optarg ? WEIR_EXIT_OK : weir_cli_usage("eval", "--db", "which file?");
    case OPT_CSV:
        o->csv = optarg;
        return WEIR_EXIT_OK;
    case OPT_SEGMENTS:
        o->segments = optarg;
        return WEIR_EXIT_OK;
    case OPT_JSONL:
        o->jsonl = optarg;
        return WEIR_EXIT_OK;
    case OPT_REPORT:
        o->report = optarg;
        return WEIR_EXIT_OK;
    case OPT_BASELINE:
        o->baseline = optarg;
        return WEIR_EXIT_OK;
    default:
        return read_condition(o);
    }
}

static int read_option(struct weir_eval_options *o, int option, const char *name)
{
    int64_t value = 0;
    int code;
    switch (option) {
    case OPT_TRACES:
        o->traces[o->trace_count++] = optarg;
        return WEIR_EXIT_OK;
    case OPT_CONTENTS:
        o->contents[o->content_count++] = optarg;
        return WEIR_EXIT_OK;
    case OPT_ABR:
        return read_abrs(o);
    case OPT_OPTIMAL:
        o->sweep.optimal = true;
        return WEIR_EXIT_OK;
    case OPT_JOBS:
        code = read_integer(name, 1, JOBS_MAX, &value);
        o->sweep.jobs = (unsigned)value;
        return code;
    case OPT_SHARD:
        return read_shard(o);
    case OPT_SKIP_BAD:
        o->skip_bad = true;
        return WEIR_EXIT_OK;
    case OPT_QUIET:
        o->quiet = true;
        return WEIR_EXIT_OK;
    case OPT_DB:
    case OPT_CSV:
    case OPT_SEGMENTS:
    case OPT_JSONL:
    case OPT_REPORT:
    case OPT_BASELINE:
    case OPT_FAIL_IF:
        return read_output(o, option);
    default:
        return read_session(o, option, name);
    }
}

// An argument without an option belongs to the list before it.
static int read_plain(struct weir_eval_options *o, int list)
{
    if (list == OPT_TRACES || list == OPT_CONTENTS)
        return read_option(o, list, "");
    return weir_cli_usage("eval", optarg, "not an option");
}

static int check_options(const struct weir_eval_options *o)
{
    const char *const outputs[] = {o->csv, o->segments, o->jsonl, o->report};
    int taken = 0;
    for (size_t i = 0; i < sizeof(outputs) / sizeof(outputs[0]); i++)
        taken += outputs[i] && !strcmp(outputs[i], "-");
    if (!o->trace_count)
        return weir_cli_usage("eval", "--traces", "which traces? They are missing");
    if (!o->content_count)
        return weir_cli_usage("eval", "--contents", "which contents? They are missing");
    if (!o->abr_count && !o->sweep.optimal)
        return weir_cli_usage("eval", "--abr", "which algorithms? They are missing");
    if (taken > 1)
        return weir_cli_usage("eval", "-", "only one output can be standard output");
    bool custom =
        o->sweep.model.startup_us != WEIR_TIME_NONE || o->sweep.model.resume_us != WEIR_TIME_NONE;
    if (o->sweep.optimal && (o->sweep.model.link.kind != WEIR_LINK_FLUID || custom)) {
        (void)fprintf(stderr, "weir: --optimal: the optimum is known for --net fluid only, without "
                              "--startup and --resume\n");
        return WEIR_EXIT_UNSUPPORTED;
    }
    return WEIR_EXIT_OK;
}

static int read_all(struct weir_eval_options *o, int argc, char **argv)
{
    int list = 0;
    struct weir_arguments a = weir_arguments_begin("eval", argc, argv, "-:", long_options);
    for (;;) {
        int option = weir_arguments_next(&a);
        int code = WEIR_EXIT_OK;
        if (option == WEIR_ARGUMENTS_END)
            break;
        if (option == WEIR_ARGUMENTS_WRONG)
            return WEIR_EXIT_USAGE;
        if (option == OPT_HELP || (option == OPT_ABR && !strcmp(optarg, "help"))) {
            if (option == OPT_HELP)
                (void)fputs(help, stdout);
            else
                weir_cli_print_abr_help(stdout);
            o->done = true;
            return WEIR_EXIT_OK;
        }
        if (option == OPT_PLAIN) {
            code = read_plain(o, list);
        } else {
            char name[32];
            (void)snprintf(name, sizeof(name), "--%s", long_options[a.index].name);
            list = option;
            code = read_option(o, option, name);
        }
        if (code != WEIR_EXIT_OK)
            return code;
    }
    return check_options(o);
}

int weir_eval_options_read(struct weir_eval_options *o, int argc, char **argv)
{
    *o = (struct weir_eval_options){.sweep = weir_sweep_params_default()};
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    o->sweep.jobs = cores < 1 ? 1 : cores > JOBS_MAX ? JOBS_MAX : (unsigned)cores;
    o->traces = calloc((size_t)argc + 1, sizeof(char *));
    o->contents = calloc((size_t)argc + 1, sizeof(char *));
    o->abr_texts = calloc((size_t)argc + 1, sizeof(char *));
    if (!o->traces || !o->contents || !o->abr_texts)
        return weir_cli_usage("eval", "options", "memory ran out");
    return read_all(o, argc, argv);
}

void weir_eval_options_clear(struct weir_eval_options *o)
{
    for (size_t i = 0; o->abr_texts && i < o->abr_text_count; i++)
        free(o->abr_texts[i]);
    free(o->abr_texts);
    free(o->traces);
    free(o->contents);
}

// As a shell reads it.
static void add_word(struct weir_textbuf *b, const char *word)
{
    bool plain = *word && !word[strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                             "0123456789_-./:=,@%+")];
    weir_textbuf_add(b, " ", 1);
    if (plain) {
        weir_textbuf_put(b, word);
        return;
    }
    weir_textbuf_add(b, "'", 1);
    for (; *word; word++) {
        if (*word == '\'')
            weir_textbuf_put(b, "'\\'");
        weir_textbuf_add(b, word, 1);
    }
    weir_textbuf_add(b, "'", 1);
}

static void add_conditions(struct weir_textbuf *b, const struct weir_sweep_params *p)
{
    static const char *const nets[] = {"fluid", "pensieve", "tcp"};
    weir_textbuf_printf(b, " --net %s --buffer-max ", nets[p->model.link.kind]);
    weir_textbuf_seconds(b, p->model.buffer_max_us);
    weir_textbuf_printf(b, " --abandon %s --offsets %lld --seed %llu",
                        p->model.abandon ? "on" : "off", (long long)p->offsets,
                        (unsigned long long)p->model.seed);
    if (p->model.link.rtt_us != WEIR_TIME_NONE)
        weir_textbuf_printf(b, " --rtt-ms %lld", (long long)(p->model.link.rtt_us / 1000));
    if (p->model.startup_us != WEIR_TIME_NONE) {
        weir_textbuf_put(b, " --startup ");
        weir_textbuf_seconds(b, p->model.startup_us);
    }
    if (p->model.resume_us != WEIR_TIME_NONE) {
        weir_textbuf_put(b, " --resume ");
        weir_textbuf_seconds(b, p->model.resume_us);
    }
    if (p->optimal)
        weir_textbuf_put(b, " --optimal");
}

char *weir_eval_command(const struct weir_eval_options *o)
{
    struct weir_textbuf b = {0};
    weir_textbuf_put(&b, "weir eval --traces");
    for (size_t i = 0; i < o->trace_count; i++)
        add_word(&b, o->traces[i]);
    weir_textbuf_put(&b, " --contents");
    for (size_t i = 0; i < o->content_count; i++)
        add_word(&b, o->contents[i]);
    for (size_t i = 0; i < o->abr_count; i++) {
        weir_textbuf_put(&b, " --abr");
        add_word(&b, o->abrs[i]);
    }
    add_conditions(&b, &o->sweep);
    weir_textbuf_add(&b, "", 1);
    if (!b.failed)
        return b.data;
    weir_textbuf_clear(&b);
    return NULL;
}
