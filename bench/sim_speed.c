// bench/sim_speed.c — sessions and decisions a second of the model host, on one core, with their
// figures and decisions written. One JSON object per algorithm; run by bench/sim.py.
//
//     sim_speed CONTENT ALGORITHM on|off SECONDS OUT TRACE…
//
// Every trace is played in turn, round after round, until SECONDS of CPU time have passed. OUT gets
// a record a session, as results are stored: integers, reals, a byte a decision.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "sim/model.h"
#include "sim/row.h"

struct bench {
    struct weir_content *content;
    struct weir_trace **traces;
    size_t trace_count;
    struct weir_abr *abr;
    struct weir_model *model;
    struct weir_model_params params;
    FILE *out;
    uint8_t *decisions;
};

static double cpu_s(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static long peak_kib(void)
{
    struct rusage u;
    (void)getrusage(RUSAGE_SELF, &u);
    return u.ru_maxrss;
}

static int fail(const struct weir_error *e)
{
    (void)fprintf(stderr, "sim_speed: %s: %s %s\n", e->where, e->what, e->why);
    return 1;
}

static bool write_session(struct bench *b, const struct weir_summary *s)
{
    struct weir_row row;
    weir_row_init(&row, 0, 0);
    weir_row_from_summary(&row, s);
    for (size_t i = 0; i < s->segment_count; i++)
        b->decisions[i] = (uint8_t)s->segments[i].rung;
    return fwrite(row.integers, sizeof(row.integers), 1, b->out) == 1 &&
           fwrite(row.reals, sizeof(row.reals), 1, b->out) == 1 &&
           fwrite(b->decisions, 1, s->segment_count, b->out) == s->segment_count;
}

// All traces once. False with `e` filled.
static bool play_round(struct bench *b, size_t *segments, struct weir_error *e)
{
    for (size_t i = 0; i < b->trace_count; i++) {
        struct weir_summary s;
        if (weir_model_run(b->model, b->traces[i], b->abr, &b->params, &s, e))
            return false;
        if (!write_session(b, &s)) {
            (void)weir_error_set(e, WEIR_ERR_OUTPUT, "results", "cannot be written");
            return false;
        }
        *segments += s.segment_count;
    }
    return true;
}

static int measure(struct bench *b, double seconds)
{
    struct weir_error e = {0};
    size_t segments = 0, rounds = 0;
    if (!play_round(b, &segments, &e)) // warms up
        return fail(&e);
    long peak_before = peak_kib();
    double began = cpu_s(), took;
    segments = 0;
    do {
        if (!play_round(b, &segments, &e))
            return fail(&e);
        rounds++;
        took = cpu_s() - began;
    } while (took < seconds);
    size_t sessions = rounds * b->trace_count;
    (void)printf("{\"abr\": \"%s\", \"abandon\": %s, \"sessions\": %zu, \"cpu_s\": %.6f, "
                 "\"sessions_per_s\": %.1f, \"decisions_per_s\": %.0f, \"peak_kib_first\": %ld, "
                 "\"peak_kib_last\": %ld}\n",
                 weir_abr_spec(b->abr), b->params.abandon ? "true" : "false", sessions, took,
                 (double)sessions / took, (double)segments / took, peak_before, peak_kib());
    return 0;
}

static int load(struct bench *b, char **argv, int argc, struct weir_error *e)
{
    int err = weir_content_load(argv[1], &b->content, e);
    if (!err)
        err = weir_abr_create(argv[2], 0, &b->abr, e);
    if (!err)
        err = weir_model_create(b->content, &b->model, e);
    if (err)
        return err;
    b->params = weir_model_params_default();
    b->params.abandon = strcmp(argv[3], "on") == 0;
    b->trace_count = (size_t)(argc - 6);
    b->traces = calloc(b->trace_count, sizeof(struct weir_trace *));
    b->decisions = malloc((size_t)b->content->video.segment_count);
    b->out = fopen(argv[5], "wb");
    if (!b->traces || !b->decisions || !b->out)
        return weir_error_set(e, WEIR_ERR_OUTPUT, argv[5], "cannot be written");
    for (size_t i = 0; !err && i < b->trace_count; i++)
        err = weir_trace_load(argv[6 + i], &b->traces[i], e);
    return err;
}

static void clear(struct bench *b)
{
    weir_model_destroy(&b->model);
    weir_abr_destroy(&b->abr);
    for (size_t i = 0; b->traces && i < b->trace_count; i++)
        weir_trace_destroy(&b->traces[i]);
    free(b->traces);
    free(b->decisions);
    weir_content_destroy(&b->content);
    if (b->out)
        (void)fclose(b->out);
}

int main(int argc, char **argv)
{
    if (argc < 7) {
        (void)fputs("usage: sim_speed CONTENT ALGORITHM on|off SECONDS OUT TRACE…\n", stderr);
        return 2;
    }
    struct bench b = {0};
    struct weir_error e = {0};
    int code = load(&b, argv, argc, &e) ? fail(&e) : measure(&b, strtod(argv[4], NULL));
    clear(&b);
    return code;
}
