// tests/sim/test_optimum_real.c — the offline optimum on public traces: the bracket is narrow, the
// engine gets what the solver says, and none of Weir's algorithms, nor the one that is told the
// future, exceeds the bound. Traces and contents are read in place: WEIR_SHARED.
#include "cmocka_all.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/model.h"
#include "sim/optimum.h"

static char shared[4096];

static const struct {
    const char *set, *content;
    enum weir_optimum_metric metric;
} cases[] = {
    {"hsdpa", "bbb.json", WEIR_OPTIMUM_LIN}, {"norway", "bbb.json", WEIR_OPTIMUM_LOG},
    {"oboe", "bbb.json", WEIR_OPTIMUM_LIN},  {"puffer", "bbb.json", WEIR_OPTIMUM_LOG},
    {"fcc-sd", "envivio", WEIR_OPTIMUM_LIN}, {"fcc-hd", "bbb4k.json", WEIR_OPTIMUM_LOG},
    {"lte", "bbb4k.json", WEIR_OPTIMUM_LIN},
};

static int is_trace(const struct dirent *d)
{
    return d->d_name[0] != '.';
}

// The first and the last trace of a set, in order of name.
static size_t pick(const char *set, char paths[2][8192])
{
    char folder[4500];
    struct dirent **names;
    (void)snprintf(folder, sizeof(folder), "%s/traces/%s", shared, set);
    int count = scandir(folder, &names, is_trace, alphasort);
    if (count < 1)
        fail_msg("no traces in %s", folder);
    (void)snprintf(paths[0], 8192, "%s/%s", folder, names[0]->d_name);
    (void)snprintf(paths[1], 8192, "%s/%s", folder, names[count - 1]->d_name);
    for (int i = 0; i < count; i++)
        free(names[i]);
    free(names);
    return 2;
}

struct bench {
    struct weir_content *content;
    struct weir_model *model;
    struct weir_optimum_solver *solver;
    struct weir_optimum_params params;
};

static double play(const struct bench *b, const struct weir_trace *trace, struct weir_abr *abr)
{
    struct weir_model_params params = weir_model_params_default();
    struct weir_summary summary;
    struct weir_error e = {0};
    if (weir_model_run(b->model, trace, abr, &params, &summary, &e) != 0)
        fail_msg("%s", e.what);
    struct weir_summary_figures f = weir_summary_measure(&summary);
    return b->params.metric == WEIR_OPTIMUM_LOG ? f.qoe_log : f.qoe_lin;
}

static void expect_below(const struct bench *b, const struct weir_trace *trace, const char *path,
                         const char *spec, double bound)
{
    struct weir_abr *abr;
    struct weir_error e = {0};
    if (weir_abr_create(spec, 1, &abr, &e) != 0)
        fail_msg("%s: %s", spec, e.what);
    double got = play(b, trace, abr);
    weir_abr_destroy(&abr);
    if (got > bound)
        fail_msg("%s: %s got %.9f, the bound is %.9f", path, spec, got, bound);
}

static void check(struct bench *b, const char *path)
{
    struct weir_trace *trace;
    struct weir_abr *replay;
    struct weir_optimum found;
    struct weir_error e = {0};
    if (weir_trace_load(path, &trace, &e) != 0)
        fail_msg("%s: %s", path, e.what);
    assert_int_equal(weir_optimum_find(b->solver, trace, &b->params, &found, &e), 0);
    double unit = fabs(found.bound) > 0.2 ? fabs(found.bound) : 0.2;
    if (found.bound < found.value || found.bound - found.value > 0.02 * unit)
        fail_msg("%s: bracket %.6f to %.6f", path, found.value, found.bound);
    assert_int_equal(weir_optimum_replay_create("optimum", &replay, &e), 0);
    weir_optimum_replay_set(replay, found.rungs, found.rung_count);
    double engine = play(b, trace, replay);
    if (!(fabs(engine - found.value) <= 1e-6))
        fail_msg("%s: the engine gets %.9f, the solver %.9f", path, engine, found.value);
    weir_abr_destroy(&replay);
    const struct weir_abr_ops *const *all = weir_abr_registry();
    for (size_t i = 0; all[i]; i++)
        expect_below(b, trace, path, all[i]->name, found.bound);
    expect_below(b, trace, path, "mpc:oracle=5", found.bound);
    weir_trace_destroy(&trace);
}

static void no_algorithm_exceeds_the_bound(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct bench b = {.params = weir_optimum_params_default()};
        struct weir_error e = {0};
        char path[8192], traces[2][8192];
        (void)snprintf(path, sizeof(path), "%s/contents/%s", shared, cases[i].content);
        if (weir_content_load(path, &b.content, &e) != 0)
            fail_msg("%s: %s", path, e.what);
        b.params.metric = cases[i].metric;
        assert_int_equal(weir_model_create(b.content, &b.model, &e), 0);
        assert_int_equal(weir_optimum_create(b.content, &b.solver, &e), 0);
        size_t count = pick(cases[i].set, traces);
        for (size_t j = 0; j < count; j++)
            check(&b, traces[j]);
        weir_optimum_destroy(&b.solver);
        weir_model_destroy(&b.model);
        weir_content_destroy(&b.content);
    }
}

int main(void)
{
    const char *from = getenv("WEIR_SHARED"); // NOLINT(concurrency-mt-unsafe)
    (void)snprintf(shared, sizeof(shared), "%s", from ? from : WEIR_SOURCE_DIR "/../shared");
    char path[4500];
    (void)snprintf(path, sizeof(path), "%s/contents/bbb.json", shared);
    FILE *f = fopen(path, "re");
    if (!f) {
        (void)printf("skipped: no public data at %s (set WEIR_SHARED)\n", shared);
        return 77;
    }
    (void)fclose(f);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_algorithm_exceeds_the_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
