// cli/eval.c — `weir eval`: loads traces and contents, runs the sweep (sim/sweep.c) into a
// database, and writes what was asked for: CSV, JSON lines, tables, a report, an exit status.
#include "cli/eval.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/eval_check.h"
#include "cli/eval_merge.h"
#include "cli/eval_options.h"
#include "cli/eval_table.h"
#include "cli/html.h"
#include "cli/report.h"
#include "sim/condition.h"
#include "sim/export.h"

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
    (void)number;
    interrupted = 1;
}

struct eval {
    struct weir_eval_options o;
    struct weir_inputs inputs;
    struct weir_store *store;
    FILE *segments;
    struct weir_error *error; // of the sweep, while it runs
    struct weir_clock clock;
    int64_t began_us, drawn_us; // progress
    bool terminal;
    int64_t done, total;
};

static int fail(const struct weir_error *e)
{
    weir_cli_print_error(e);
    return (int)weir_cli_exit_code(e->code, false);
}

// --- progress ---

static void duration_text(int64_t us, char *out, size_t size)
{
    int64_t s = us / WEIR_SECOND_US;
    if (s < 60)
        (void)snprintf(out, size, "%lld s", (long long)s);
    else if (s < 3600)
        (void)snprintf(out, size, "%lld min %02lld s", (long long)(s / 60), (long long)(s % 60));
    else
        (void)snprintf(out, size, "%lld h %02lld min", (long long)(s / 3600),
                       (long long)(s / 60 % 60));
}

static void on_progress(void *ctx, const struct weir_sweep_progress *p)
{
    struct eval *v = ctx;
    v->done = p->done;
    v->total = p->total;
    int64_t now_us = weir_clock_now_us(&v->clock);
    if (!v->terminal || now_us - v->drawn_us < 200000)
        return;
    v->drawn_us = now_us;
    int64_t spent_us = now_us - v->began_us;
    char bar[31], left[40] = "";
    int full = p->total ? (int)(p->done * 30 / p->total) : 30;
    memset(bar, '.', 30);
    memset(bar, '#', (size_t)full);
    bar[30] = '\0';
    if (p->done > 0 && spent_us > 1000000)
        duration_text((int64_t)((double)spent_us * (double)(p->total - p->done) / (double)p->done),
                      left, sizeof(left));
    (void)fprintf(stderr, "\r[%s] %lld/%lld sessions, %.0f/s%s%s\x1b[K", bar, (long long)p->done,
                  (long long)p->total, (double)p->done * 1e6 / (double)(spent_us + 1),
                  *left ? ", left: " : "", left);
}

static void end_progress(struct eval *v)
{
    if (v->terminal)
        (void)fputs("\r\x1b[K", stderr);
}

static bool was_stopped(void *ctx)
{
    (void)ctx;
    return interrupted != 0;
}

// --- outputs ---

static bool is_stdout(const char *path)
{
    return path && strcmp(path, "-") == 0;
}

static int cannot(const char *path, int why)
{
    (void)fprintf(stderr, "weir: %s: cannot be written (%s)\n", path,
                  strerror(why)); // NOLINT(concurrency-mt-unsafe)
    return WEIR_EXIT_OUTPUT;
}

static int open_output(const char *path, FILE **out)
{
    *out = is_stdout(path) ? stdout : fopen(path, "we");
    return *out ? WEIR_EXIT_OK : cannot(path, errno);
}

static int close_output(const char *path, FILE *f)
{
    errno = 0;
    if ((f == stdout ? fflush(f) : fclose(f)) != 0)
        return cannot(path, errno);
    return WEIR_EXIT_OK;
}

static int export_to(struct eval *v, const char *path, enum weir_export_format format)
{
    struct weir_error e = {0};
    FILE *f = NULL;
    if (!path)
        return WEIR_EXIT_OK;
    int code = open_output(path, &f);
    if (code != WEIR_EXIT_OK)
        return code;
    if (weir_export(v->store, format, v->o.sweep.jobs, f, path, &e) < 0)
        code = fail(&e);
    int closed = code == WEIR_EXIT_OK || f != stdout ? close_output(path, f) : WEIR_EXIT_OK;
    return code != WEIR_EXIT_OK ? code : closed;
}

static int on_segments(void *ctx, const char *text, size_t size)
{
    struct eval *v = ctx;
    errno = 0;
    if (fwrite(text, 1, size, v->segments) == size)
        return 0;
    weir_error_set(v->error, WEIR_ERR_OUTPUT, v->o.segments, "cannot be written");
    weir_error_why(v->error, "%s", strerror(errno)); // NOLINT(concurrency-mt-unsafe)
    return WEIR_ERR_OUTPUT;
}

static int open_segments(struct eval *v)
{
    if (!v->o.segments)
        return WEIR_EXIT_OK;
    int code = open_output(v->o.segments, &v->segments);
    if (code != WEIR_EXIT_OK)
        return code;
    struct weir_textbuf header = {0};
    weir_row_segments_header(&header);
    (void)fwrite(header.data, 1, header.size, v->segments); // an error shows when it is closed
    weir_textbuf_clear(&header);
    v->o.sweep.segments = on_segments;
    return WEIR_EXIT_OK;
}

// --- the sweep ---

// Every algorithm can be made, before anything is run.
static int check_abrs(const struct weir_eval_options *o)
{
    for (size_t i = 0; i < o->abr_count; i++) {
        struct weir_error e = {0};
        struct weir_abr *abr = NULL;
        if (weir_abr_create(o->abrs[i], o->sweep.model.seed, &abr, &e) < 0)
            return fail(&e);
        weir_abr_destroy(&abr);
    }
    return WEIR_EXIT_OK;
}

static int tell_bad(const struct eval *v)
{
    const struct weir_inputs *in = &v->inputs;
    size_t named = in->bad_count < WEIR_INPUTS_BAD_KEPT ? in->bad_count : WEIR_INPUTS_BAD_KEPT;
    for (size_t i = 0; i < named; i++)
        weir_cli_print_error(&in->bad[i]);
    if (in->bad_count > named)
        (void)fprintf(stderr, "weir: --traces: and %zu more that cannot be read\n",
                      in->bad_count - named);
    if (!in->bad_count)
        return WEIR_EXIT_OK;
    if (v->o.skip_bad && in->trace_count) {
        (void)fprintf(stderr, "weir: --traces: %zu left out, %zu remain\n", in->bad_count,
                      in->trace_count);
        return WEIR_EXIT_OK;
    }
    (void)fprintf(stderr, "try: --skip-bad, to leave %s out\n", in->bad_count == 1 ? "it" : "them");
    return WEIR_EXIT_INPUT;
}

static int load(struct eval *v)
{
    struct weir_error e = {0};
    int code = check_abrs(&v->o);
    if (code == WEIR_EXIT_OK)
        code = weir_eval_check_outputs(&v->o);
    if (code != WEIR_EXIT_OK)
        return code;
    if (weir_inputs_load(v->o.traces, v->o.trace_count, v->o.contents, v->o.content_count,
                         &v->inputs, &e) < 0)
        return fail(&e);
    code = tell_bad(v);
    if (code != WEIR_EXIT_OK)
        return code;
    bool fresh = !v->o.db || access(v->o.db, F_OK) != 0;
    if (fresh) // a refusal leaves no database behind
        code = weir_eval_check_names(&v->o, &v->inputs, NULL);
    if (code != WEIR_EXIT_OK)
        return code;
    if (weir_store_open(v->o.db, WEIR_STORE_WRITE, &v->store, &e) < 0)
        return fail(&e);
    return fresh ? WEIR_EXIT_OK : weir_eval_check_names(&v->o, &v->inputs, v->store);
}

static void tell_report(const struct weir_sweep_report *r)
{
    if (r->failed) {
        (void)fprintf(stderr, "weir: %s: %s", r->first_failure.where, r->first_failure.what);
        if (*r->first_failure.why)
            (void)fprintf(stderr, " (%s)", r->first_failure.why);
        (void)fprintf(stderr, "; %lld such sessions, kept as far as they got\n",
                      (long long)r->failed);
    }
    if (r->faults)
        (void)fprintf(stderr, "weir: %s: answered with %s; %lld such answers were mended\n",
                      r->fault_abr, r->fault_what, (long long)r->faults);
}

static int stopped_early(struct eval *v, const struct weir_error *e)
{
    weir_cli_print_error(e);
    int64_t kept = v->o.db && !e->hint[0] ? weir_store_row_count(v->store) : -1;
    if (kept >= 0)
        (void)fprintf(stderr,
                      "try: the same command again: %lld sessions are stored, it goes on from "
                      "there\n",
                      (long long)kept);
    return (int)weir_cli_exit_code(e->code, e->code != WEIR_ERR_SYNTAX);
}

static int sweep(struct eval *v)
{
    struct weir_error e = {0};
    struct weir_sweep_report report;
    int code = open_segments(v);
    if (code != WEIR_EXIT_OK)
        return code;
    v->error = &e;
    v->began_us = weir_clock_now_us(&v->clock);
    v->terminal = !v->o.quiet && isatty(STDERR_FILENO);
    v->o.sweep.progress = on_progress;
    v->o.sweep.stopped = was_stopped;
    v->o.sweep.ctx = v;
    char *command = weir_eval_command(&v->o);
    int err = command ? weir_store_set_meta(v->store, "command", command, &e)
                      : weir_error_set(&e, WEIR_ERR_NOMEM, "eval", "memory ran out");
    if (!err)
        err = weir_sweep_run(v->store, &v->inputs, v->o.abrs, v->o.abr_count, &v->o.sweep, &report,
                             &e);
    end_progress(v);
    v->error = NULL;
    if (!err)
        err = weir_store_seal(v->store, &e);
    free(command);
    if (v->segments) {
        int closed = close_output(v->o.segments, v->segments);
        code = err ? code : closed;
    }
    if (err)
        return stopped_early(v, &e);
    tell_report(&report);
    if (!v->o.quiet && v->o.db && report.already)
        (void)fprintf(stderr, "weir: %s: %lld sessions were there, %lld were run\n", v->o.db,
                      (long long)report.already, (long long)report.run);
    return code;
}

// --- what came out ---

static void print_tables(const struct eval *v, const struct weir_results *r)
{
    bool taken = is_stdout(v->o.csv) || is_stdout(v->o.jsonl) || is_stdout(v->o.segments) ||
                 is_stdout(v->o.report);
    if (!v->o.quiet)
        weir_eval_print_tables(r, taken ? stderr : stdout);
}

static int check_conditions(struct eval *v, const struct weir_results *r)
{
    int code = WEIR_EXIT_OK;
    for (size_t i = 0; i < v->o.condition_count; i++) {
        struct weir_condition c;
        struct weir_condition_finding found;
        struct weir_error e = {0};
        if (weir_condition_parse(v->o.conditions[i], &c, &e) < 0 ||
            weir_condition_evaluate(&c, v->store, r, &found, &e) < 0)
            return fail(&e);
        if (!found.holds)
            continue;
        (void)fprintf(stderr, "weir: --fail-if: %s: it is %.6g (%s)\n", v->o.conditions[i],
                      found.value, found.abr);
        code = WEIR_EXIT_NO;
    }
    return code;
}

static int tell(struct eval *v)
{
    struct weir_error e = {0};
    struct weir_results *results = NULL;
    int code = export_to(v, v->o.csv, WEIR_EXPORT_CSV);
    if (code == WEIR_EXIT_OK)
        code = export_to(v, v->o.jsonl, WEIR_EXPORT_JSONL);
    bool wanted = !v->o.quiet || v->o.report || v->o.condition_count || v->o.baseline;
    if (code != WEIR_EXIT_OK || !wanted)
        return code;
    if (weir_results_make(v->store, v->o.baseline, &results, &e) < 0)
        return fail(&e);
    print_tables(v, results);
    struct weir_report_params page = {.results = results, .store = v->store, .inputs = &v->inputs};
    if (v->o.report)
        code = weir_cli_html_write(&page, v->o.report);
    int judged = check_conditions(v, results);
    code = code != WEIR_EXIT_OK ? code : judged;
    weir_results_destroy(&results);
    return code;
}

// A session that failed is one whether it was run now or was there.
static int tell_failed(struct eval *v)
{
    int64_t failed = weir_store_failed_count(v->store);
    return failed > 0 ? WEIR_EXIT_FAILED : WEIR_EXIT_OK;
}

int weir_cli_eval(int argc, char **argv)
{
    if (argc > 1 && !strcmp(argv[1], "merge"))
        return weir_cli_eval_merge(argc - 1, argv + 1);
    struct eval v = {.clock = weir_clock_monotonic()};
    int code = weir_eval_options_read(&v.o, argc, argv);
    if (code == WEIR_EXIT_OK && !v.o.done) {
        struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESETHAND};
        (void)sigaction(SIGINT, &action, NULL);
        (void)sigaction(SIGTERM, &action, NULL);
        code = load(&v);
        if (code == WEIR_EXIT_OK)
            code = sweep(&v);
        if (code == WEIR_EXIT_OK)
            code = tell(&v);
        if (code == WEIR_EXIT_OK && v.store)
            code = tell_failed(&v);
    }
    weir_store_close(&v.store);
    weir_inputs_clear(&v.inputs);
    weir_eval_options_clear(&v.o);
    return code;
}
