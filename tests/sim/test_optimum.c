// tests/sim/test_optimum.c — the offline optimum on problems small enough to try every sequence,
// and its bound against players of every sort: those of Weir, and one that waits and abandons at
// random.
#include "cmocka_all.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "optimum_case.h"
#include "sim/model.h"

#define CASES    250
#define SEGMENTS 6
#define RUNGS    3

static double best_of_all(struct weir_optimum_solver *s, const struct optimum_case *c)
{
    int32_t rungs[SEGMENTS];
    double best = -INFINITY;
    struct weir_error e = {0};
    size_t sequences = 1;
    for (size_t i = 0; i < SEGMENTS; i++)
        sequences *= RUNGS;
    for (size_t n = 0; n < sequences; n++) {
        size_t rest = n;
        for (size_t i = 0; i < SEGMENTS; i++, rest /= RUNGS)
            rungs[i] = (int32_t)(rest % RUNGS);
        double value;
        assert_int_equal(weir_optimum_value(s, c->trace, &c->params, rungs, &value, &e), 0);
        best = value > best ? value : best;
    }
    return best;
}

static double figure(const struct optimum_case *c, const struct weir_summary *summary)
{
    struct weir_summary_figures f = weir_summary_measure(summary);
    return c->params.metric == WEIR_OPTIMUM_LOG ? f.qoe_log : f.qoe_lin;
}

static double play(const struct optimum_case *c, struct weir_model *m, struct weir_abr *abr)
{
    struct weir_model_params params = weir_model_params_default();
    params.link = c->params.link;
    params.buffer_max_us = c->params.buffer_max_us;
    struct weir_summary summary;
    struct weir_error e = {0};
    if (weir_model_run(m, c->trace, abr, &params, &summary, &e) != 0)
        fail_msg("%s", e.what);
    return figure(c, &summary);
}

static double quality_top(const struct optimum_case *c)
{
    const struct weir_content_track *v = &c->content->video;
    double top = (double)v->bitrates_bps[v->rung_count - 1];
    return c->params.metric == WEIR_OPTIMUM_LOG ? log(top / (double)v->bitrates_bps[0]) : top / 1e6;
}

// optimum <= the true best <= bound, the optimum is the true best, and the bracket is narrow.
static void every_sequence_lies_below_the_bound(void **state)
{
    (void)state;
    size_t wide = 0, missed = 0;
    for (uint64_t seed = 0; seed < CASES; seed++) {
        struct optimum_case c;
        struct weir_optimum_solver *s;
        struct weir_optimum found;
        struct weir_error e = {0};
        assert_true(optimum_case_make(&c, seed, SEGMENTS, RUNGS, 1));
        c.params.bracket = 0.001;
        assert_int_equal(weir_optimum_create(c.content, &s, &e), 0);
        double best = best_of_all(s, &c);
        assert_int_equal(weir_optimum_find(s, c.trace, &c.params, &found, &e), 0);
        assert_int_equal(found.rung_count, SEGMENTS);
        double unit = quality_top(&c); // of a session that plays; hopeless ones cost many
        unit = unit > -best ? unit : -best;
        if (found.value > best + 1e-9 || found.bound < best - 1e-9)
            fail_msg("seed %d: %.9f <= %.9f <= %.9f is wrong", (int)seed, found.value, best,
                     found.bound);
        missed += found.value < best - 1e-9;
        if (found.value < best - 0.01 * unit)
            fail_msg("seed %d: found %.9f where %.9f is possible", (int)seed, found.value, best);
        wide += found.bound - found.value > 0.01 * unit;
        weir_optimum_destroy(&s);
        optimum_case_free(&c);
    }
    if (missed > CASES / 50 || wide > 0)
        fail_msg("of %d: %zu best sequences missed, %zu brackets wide", CASES, missed, wide);
}

// What the solver says of a sequence is what the engine makes of it.
static void the_engine_agrees(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 100; seed++) {
        struct optimum_case c;
        struct weir_optimum_solver *s;
        struct weir_model *m;
        struct weir_abr *replay;
        struct weir_error e = {0};
        struct weir_rng r;
        int32_t rungs[40];
        double value;
        assert_true(optimum_case_make(&c, seed, 40, 5, 1));
        assert_int_equal(weir_optimum_create(c.content, &s, &e), 0);
        assert_int_equal(weir_model_create(c.content, &m, &e), 0);
        assert_int_equal(weir_optimum_replay_create("optimum-lin", &replay, &e), 0);
        weir_rng_seed(&r, seed);
        for (size_t i = 0; i < 40; i++)
            rungs[i] = (int32_t)weir_rng_below(&r, 5);
        assert_int_equal(weir_optimum_value(s, c.trace, &c.params, rungs, &value, &e), 0);
        weir_optimum_replay_set(replay, rungs, 40);
        double engine = play(&c, m, replay);
        if (!(fabs(engine - value) <= 1e-6))
            fail_msg("seed %d: the engine gets %.9f, the solver %.9f", (int)seed, engine, value);
        weir_abr_destroy(&replay);
        weir_model_destroy(&m);
        weir_optimum_destroy(&s);
        optimum_case_free(&c);
    }
}

// A player that does anything it may: rungs, waits and abandonments at random.
struct erratic {
    struct weir_rng rng;
    const int32_t *rungs; // mostly these
};

static int erratic_create(void *state, const struct weir_abr_options *o, struct weir_error *e)
{
    (void)state;
    (void)o;
    (void)e;
    return 0;
}

static void erratic_reset(void *state)
{
    (void)state;
}

static struct weir_abr_decision erratic_decide(void *state, const struct weir_abr_observation *o)
{
    struct erratic *s = state;
    struct weir_abr_decision d = {.rung = (size_t)s->rungs[o->segment_index]};
    if (weir_rng_below(&s->rng, 10) == 0)
        d.rung = (size_t)weir_rng_below(&s->rng, o->ladder->count);
    if (weir_rng_below(&s->rng, 8) == 0 && !o->starting && !o->stalled) {
        d.wait_us = (int64_t)weir_rng_below(&s->rng, 2000000);
        d.committed = true;
    }
    return d;
}

static struct weir_abr_watch erratic_watch(void *state, const struct weir_abr_observation *o,
                                           const struct weir_abr_transfer *t)
{
    (void)o;
    struct erratic *s = state;
    struct weir_abr_watch w = {.done_bytes = INT64_MAX, .elapsed_us = INT64_MAX};
    if (t->rung > 0 && weir_rng_below(&s->rng, 10) == 0)
        w = (struct weir_abr_watch){
            .abandon = t->done_bytes > 0, .rung = t->rung - 1, .done_bytes = t->size_bytes / 3};
    return w;
}

static void erratic_abandoned(void *state, const struct weir_abr_observation *o, size_t to_rung)
{
    (void)state;
    (void)o;
    (void)to_rung;
}

static const struct weir_abr_ops erratic_ops = {
    .name = "erratic",
    .summary = "anything a player may do",
    .params_help = "",
    .state_bytes = sizeof(struct erratic),
    .create = erratic_create,
    .reset = erratic_reset,
    .decide = erratic_decide,
    .watch = erratic_watch,
    .abandoned = erratic_abandoned,
};

static void nobody_exceeds_the_bound(void **state)
{
    (void)state;
    for (uint64_t seed = 1000; seed < 1040; seed++) {
        struct optimum_case c;
        struct weir_optimum_solver *s;
        struct weir_optimum found;
        struct weir_model *m;
        struct weir_abr *erratic;
        struct weir_error e = {0};
        assert_true(optimum_case_make(&c, seed, 40, 5, 1));
        assert_int_equal(weir_optimum_create(c.content, &s, &e), 0);
        assert_int_equal(weir_model_create(c.content, &m, &e), 0);
        assert_int_equal(weir_optimum_find(s, c.trace, &c.params, &found, &e), 0);
        assert_int_equal(weir_abr_create_from(&erratic_ops, "erratic", 0, &erratic, &e), 0);
        struct erratic *player = weir_abr_state(erratic);
        for (uint64_t n = 0; n < 30; n++) {
            *player = (struct erratic){.rungs = found.rungs};
            weir_rng_seed(&player->rng, n);
            double got = play(&c, m, erratic);
            if (got > found.bound)
                fail_msg("seed %d: an erratic player got %.9f, the bound is %.9f", (int)seed, got,
                         found.bound);
        }
        weir_abr_destroy(&erratic);
        const struct weir_abr_ops *const *all = weir_abr_registry();
        for (size_t i = 0; all[i]; i++) {
            struct weir_abr *abr;
            assert_int_equal(weir_abr_create(all[i]->name, 1, &abr, &e), 0);
            double got = play(&c, m, abr);
            weir_abr_destroy(&abr);
            if (got > found.bound)
                fail_msg("seed %d: %s got %.9f, the bound is %.9f", (int)seed, all[i]->name, got,
                         found.bound);
        }
        weir_model_destroy(&m);
        weir_optimum_destroy(&s);
        optimum_case_free(&c);
    }
}

// More bandwidth never lowers the bound below what was possible with less, and where the bracket
// is narrower than the gain it never lowers the bound at all.
static void a_better_trace_does_not_lower_the_bound(void **state)
{
    (void)state;
    for (uint64_t seed = 2000; seed < 2100; seed++) {
        struct optimum_case c, better;
        struct weir_optimum_solver *s;
        struct weir_optimum found, more;
        struct weir_error e = {0};
        assert_true(optimum_case_make(&c, seed, 30, 4, 1));
        assert_true(optimum_case_make(&better, seed, 30, 4, 1.1));
        assert_int_equal(weir_optimum_create(c.content, &s, &e), 0);
        assert_int_equal(weir_optimum_find(s, c.trace, &c.params, &found, &e), 0);
        double value = found.value, bound = found.bound;
        assert_int_equal(weir_optimum_find(s, better.trace, &c.params, &more, &e), 0);
        if (more.bound < value || more.bound < bound - 0.005 * quality_top(&c))
            fail_msg("seed %d: bound %.9f, of 1.1 times the trace %.9f", (int)seed, bound,
                     more.bound);
        weir_optimum_destroy(&s);
        optimum_case_free(&c);
        optimum_case_free(&better);
    }
}

// Constant bandwidth of several times the top rung: the top rung throughout, from the first moment
// that pays.
static void plenty_of_bandwidth_plays_the_top_rung(void **state)
{
    (void)state;
    static const char movie[] = "{\"segment_duration_ms\":2000,\"bitrates_kbps\":[500,1000],"
                                "\"segment_sizes_bits\":[[1000000,2000000],[1000000,2000000],"
                                "[1000000,2000000],[1000000,2000000]]}";
    static const char line[] =
        "[{\"duration_ms\":1000,\"bandwidth_kbps\":10000,\"latency_ms\":100}]";
    struct weir_content *content;
    struct weir_trace *trace;
    struct weir_optimum_solver *s;
    struct weir_optimum found;
    struct weir_error e = {0};
    assert_int_equal(weir_content_parse(movie, sizeof(movie) - 1, "movie", &content, &e), 0);
    assert_int_equal(weir_trace_parse(line, sizeof(line) - 1, "line", &trace, &e), 0);
    assert_int_equal(weir_optimum_create(content, &s, &e), 0);
    struct weir_optimum_params params = weir_optimum_params_default();
    assert_int_equal(weir_optimum_find(s, trace, &params, &found, &e), 0);
    for (size_t i = 0; i < found.rung_count; i++)
        assert_int_equal(found.rungs[i], 1);
    // Start-up: 0.1 s, then 2 Mbit at 10 Mbit/s; each second costs 1 Mbit/s, over four segments.
    assert_true(fabs(found.value - (1 - 0.3 / 4)) < 1e-9);
    assert_true(found.bound >= found.value && found.bound < found.value + 0.003);
    weir_optimum_destroy(&s);
    weir_content_destroy(&content);
    weir_trace_destroy(&trace);
}

static struct weir_content *movie_of(size_t segments, size_t rungs)
{
    static char text[1 << 18];
    struct weir_content *content;
    struct weir_error e = {0};
    size_t used = (size_t)snprintf(text, sizeof(text),
                                   "{\"segment_duration_ms\":2000,"
                                   "\"bitrates_kbps\":[");
    for (size_t k = 0; k < rungs; k++)
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%zu", k ? "," : "",
                                 300 + 200 * k);
    used += (size_t)snprintf(text + used, sizeof(text) - used, "],\"segment_sizes_bits\":[");
    for (size_t i = 0; i < segments; i++) {
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s[", i ? "," : "");
        for (size_t k = 0; k < rungs; k++)
            used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%zu", k ? "," : "",
                                     (300 + 200 * k) * (1400 + 16 * (i * 7 % 10)) / 8 * 8);
        used += (size_t)snprintf(text + used, sizeof(text) - used, "]");
    }
    used += (size_t)snprintf(text + used, sizeof(text) - used, "]}");
    if (weir_content_parse(text, used, "movie", &content, &e) != 0)
        fail_msg("%s", e.what);
    return content;
}

// Extremes are solved as well, and as narrowly.
static void extremes_are_bracketed(void **state)
{
    (void)state;
    static const struct {
        const char *name, *line; // the trace
        size_t segments, rungs;
        int64_t buffer_max_us;
    } extremes[] = {
        {"one segment", "[{\"duration_ms\":1000,\"bandwidth_kbps\":900,\"latency_ms\":80}]", 1, 3,
         25000000},
        {"one rung", "[{\"duration_ms\":1000,\"bandwidth_kbps\":900,\"latency_ms\":80}]", 20, 1,
         25000000},
        {"many rungs", "[{\"duration_ms\":9000,\"bandwidth_kbps\":2000,\"latency_ms\":80}]", 20, 40,
         25000000},
        {"hopeless", "[{\"duration_ms\":1000,\"bandwidth_kbps\":1,\"latency_ms\":80}]", 20, 3,
         25000000},
        {"next to nothing", "[{\"duration_ms\":1,\"bandwidth_kbps\":1e-7,\"latency_ms\":0}]", 20, 3,
         25000000},
        {"enormous", "[{\"duration_ms\":1000,\"bandwidth_kbps\":1e9,\"latency_ms\":0}]", 20, 3,
         25000000},
        {"an hour's latency at times",
         "[{\"duration_ms\":5000,\"bandwidth_kbps\":1500,\"latency_ms\":3600000},"
         "{\"duration_ms\":5000,\"bandwidth_kbps\":1500,\"latency_ms\":10}]",
         20, 3, 25000000},
        {"long outages",
         "[{\"duration_ms\":2000,\"bandwidth_kbps\":1500,\"latency_ms\":10},"
         "{\"duration_ms\":30000,\"bandwidth_kbps\":0,\"latency_ms\":10}]",
         20, 3, 25000000},
        {"a buffer smaller than a segment",
         "[{\"duration_ms\":1000,\"bandwidth_kbps\":900,\"latency_ms\":80}]", 20, 3, 1000000},
        {"an hour of buffer", "[{\"duration_ms\":1000,\"bandwidth_kbps\":900,\"latency_ms\":80}]",
         20, 3, 3600000000},
    };
    for (size_t i = 0; i < sizeof(extremes) / sizeof(extremes[0]); i++) {
        struct weir_content *content = movie_of(extremes[i].segments, extremes[i].rungs);
        struct weir_trace *trace;
        struct weir_optimum_solver *s;
        struct weir_error e = {0};
        const char *line = extremes[i].line;
        if (weir_trace_parse(line, strlen(line), "line", &trace, &e) != 0)
            fail_msg("%s: %s", extremes[i].name, e.what);
        assert_int_equal(weir_optimum_create(content, &s, &e), 0);
        for (int metric = 0; metric < 2; metric++) {
            struct weir_optimum_params params = weir_optimum_params_default();
            struct weir_optimum found;
            params.metric = (enum weir_optimum_metric)metric;
            params.buffer_max_us = extremes[i].buffer_max_us;
            assert_int_equal(weir_optimum_find(s, trace, &params, &found, &e), 0);
            double unit = fabs(found.bound) > 0.1 ? fabs(found.bound) : 0.1;
            if (!(found.bound >= found.value && found.bound - found.value <= 0.02 * unit))
                fail_msg("%s: from %.9f to %.9f", extremes[i].name, found.value, found.bound);
        }
        weir_optimum_destroy(&s);
        weir_trace_destroy(&trace);
        weir_content_destroy(&content);
    }
}

static void tcp_is_refused(void **state)
{
    (void)state;
    struct optimum_case c;
    struct weir_optimum_solver *s;
    struct weir_optimum found;
    struct weir_error e = {0};
    assert_true(optimum_case_make(&c, 1, SEGMENTS, RUNGS, 1));
    assert_int_equal(weir_optimum_create(c.content, &s, &e), 0);
    c.params.link.kind = WEIR_LINK_TCP;
    assert_int_equal(weir_optimum_find(s, c.trace, &c.params, &found, &e), WEIR_ERR_UNSUPPORTED);
    assert_non_null(strstr(e.what, "fluid"));
    weir_optimum_destroy(&s);
    optimum_case_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plenty_of_bandwidth_plays_the_top_rung),
        cmocka_unit_test(the_engine_agrees),
        cmocka_unit_test(every_sequence_lies_below_the_bound),
        cmocka_unit_test(nobody_exceeds_the_bound),
        cmocka_unit_test(a_better_trace_does_not_lower_the_bound),
        cmocka_unit_test(extremes_are_bracketed),
        cmocka_unit_test(tcp_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
