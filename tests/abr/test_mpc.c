// tests/abr/test_mpc.c — model-predictive control: the solvers against every sequence there is, on
// random states; the prediction and its discount; the ends; the yardstick without its oracle.
#include "tests/abr/abr_test.h"

#include "abr/mpc_solver.h"
#include "core/rng.h"

static double uniform(struct weir_rng *rng, double low, double high)
{
    return low + (high - low) * weir_rng_unit(rng);
}

static const double ladder_q[10] = {0.230, 0.331, 0.477, 0.688, 0.991,
                                    1.427, 2.056, 2.962, 5.027, 6.0};

// Sizes follow the rung, with each segment's own weight and some noise; now and then not even that.
static void random_problem(struct weir_rng *rng, struct weir_mpc_problem *p, double *quality)
{
    p->horizon = 1 + (size_t)uniform(rng, 0, 4.999);
    p->rungs = p->horizon == 5 ? 1 + (size_t)uniform(rng, 0, 5) : 1 + (size_t)uniform(rng, 0, 7);
    size_t skip = (size_t)uniform(rng, 0, (double)(10 - p->rungs));
    for (size_t j = 0; j < p->rungs; j++) {
        quality[j] = ladder_q[skip + j];
        if (j && uniform(rng, 0, 1) < 0.05)
            quality[j] = quality[j - 1]; // two rungs of one bitrate
    }
    p->quality = quality;
    p->stall_weight = uniform(rng, 0, 1) < 0.1 ? 0 : uniform(rng, 0.1, 8);
    p->has_before = uniform(rng, 0, 1) < 0.9;
    p->before = p->has_before ? quality[(size_t)uniform(rng, 0, (double)p->rungs - 0.001)] : 0;
    p->duration_s = uniform(rng, 1, 6);
    p->room_s = uniform(rng, 0, 25);
    p->buffer_s = uniform(rng, 0, p->room_s + p->duration_s);
    double rate = uniform(rng, 0.2, 3) * uniform(rng, 0.2, 3);
    double noise = uniform(rng, 0, 1) < 0.1 ? 2 : 0.1;
    for (size_t k = 0; k < p->horizon; k++) {
        double weight = uniform(rng, 0.4, 1.6) * p->duration_s / rate;
        for (size_t j = 0; j < p->rungs; j++)
            p->download_s[k][j] = weight * ladder_q[skip + j] * uniform(rng, 1, 1 + noise);
    }
}

// The best value of every first rung, by trying all sequences.
static void try_all(const struct weir_mpc_problem *p, double *best_of)
{
    size_t count = 1;
    for (size_t k = 0; k < p->horizon; k++)
        count *= p->rungs;
    for (size_t j = 0; j < p->rungs; j++)
        best_of[j] = -1e300;
    for (size_t n = 0; n < count; n++) {
        uint8_t sequence[WEIR_MPC_MAX_HORIZON];
        size_t left = n;
        for (size_t k = 0; k < p->horizon; k++, left /= p->rungs)
            sequence[k] = (uint8_t)(left % p->rungs);
        double value = weir_mpc_value(p, sequence);
        if (value > best_of[sequence[0]])
            best_of[sequence[0]] = value;
    }
}

static void check_answer(struct weir_mpc_answer a, const double *best_of, size_t rungs,
                         uint64_t seed)
{
    double best = best_of[0];
    for (size_t j = 1; j < rungs; j++)
        best = best_of[j] > best ? best_of[j] : best;
    // A tie goes to the lowest: none below is as good, and this one is among the best.
    if (best_of[a.rung] < best - 1e-7)
        fail_msg("seed %llu: rung %zu is not among the best", (unsigned long long)seed, a.rung);
    for (size_t j = 0; j < a.rung; j++) {
        if (best_of[j] >= best)
            fail_msg("seed %llu: rung %zu is as good as %zu", (unsigned long long)seed, j, a.rung);
    }
    if (a.value > best_of[a.rung] + 1e-7)
        fail_msg("seed %llu: value %.9g is none of rung %zu's", (unsigned long long)seed, a.value,
                 a.rung);
}

static void finds_what_trying_all_finds(void **state)
{
    (void)state;
    static struct weir_mpc_problem p;
    static struct weir_mpc_space space;
    for (uint64_t seed = 1; seed <= 20000; seed++) {
        struct weir_rng rng;
        weir_rng_seed(&rng, seed);
        double quality[WEIR_MPC_MAX_RUNGS], best_of[WEIR_MPC_MAX_RUNGS];
        random_problem(&rng, &p, quality);
        try_all(&p, best_of);
        check_answer(weir_mpc_solve(&p, &space), best_of, p.rungs, seed);
    }
}

// The full size of the task: five segments, ten rungs.
static void finds_the_best_of_a_hundred_thousand(void **state)
{
    (void)state;
    static struct weir_mpc_problem p;
    static struct weir_mpc_space space;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct weir_rng rng;
        weir_rng_seed(&rng, seed);
        p = (struct weir_mpc_problem){.horizon = 5,
                                      .rungs = 10,
                                      .quality = ladder_q,
                                      .stall_weight = 6,
                                      .before = ladder_q[seed % 10],
                                      .has_before = true,
                                      .buffer_s = uniform(&rng, 0, 22),
                                      .room_s = 22,
                                      .duration_s = 3};
        double rate = uniform(&rng, 0.2, 7);
        for (size_t k = 0; k < 5; k++) {
            double weight = uniform(&rng, 0.5, 1.5);
            for (size_t j = 0; j < 10; j++)
                p.download_s[k][j] = 3 * weight * ladder_q[j] / rate;
        }
        double best_of[10];
        try_all(&p, best_of);
        check_answer(weir_mpc_solve(&p, &space), best_of, 10, seed);
    }
}

// A link of alternating rates, with latency.
struct wave {
    double fast, slow; // bytes per microsecond
    int64_t half_us, latency_us;
};

static int64_t wave_done_us(const void *ctx, int64_t at_us, int64_t bytes)
{
    const struct wave *w = ctx;
    double now = (double)(at_us + w->latency_us), left = (double)bytes;
    for (;;) {
        int64_t half = (int64_t)(now / (double)w->half_us);
        double rate = half % 2 ? w->slow : w->fast;
        double until = (double)((half + 1) * w->half_us);
        if (left <= rate * (until - now))
            return (int64_t)(now + left / rate) + 1;
        left -= rate * (until - now);
        now = until;
    }
}

// One sequence on the wave, counted by the rules of the engine.
static double wave_value(const struct weir_mpc_problem *p, const struct weir_mpc_oracle *o,
                         const size_t *sequence)
{
    double level_s = p->buffer_s, value = 0, before = p->before;
    int64_t now_us = o->now_us;
    for (size_t k = 0; k < p->horizon; k++) {
        if (level_s > p->room_s) {
            now_us += (int64_t)((level_s - p->room_s) * 1e6 + 0.5);
            level_s = p->room_s;
        }
        int64_t done_us = o->done_us(o->ctx, now_us, o->bytes[k][sequence[k]]);
        double took_s = (double)(done_us - now_us) / 1e6;
        double stall_s = took_s > level_s ? took_s - level_s : 0;
        value += p->quality[sequence[k]] - p->stall_weight * stall_s;
        if (k > 0 || p->has_before)
            value -= fabs(p->quality[sequence[k]] - before);
        before = p->quality[sequence[k]];
        level_s = level_s - took_s + stall_s + p->duration_s;
        now_us = done_us;
    }
    return value;
}

static void oracle_finds_what_trying_all_finds(void **state)
{
    (void)state;
    static struct weir_mpc_problem p;
    static struct weir_mpc_oracle oracle;
    for (uint64_t seed = 1; seed <= 3000; seed++) {
        struct weir_rng rng;
        weir_rng_seed(&rng, seed);
        double quality[WEIR_MPC_MAX_RUNGS], best_of[WEIR_MPC_MAX_RUNGS];
        random_problem(&rng, &p, quality);
        if (p.horizon > 4)
            p.horizon = 4;
        struct wave wave = {.fast = uniform(&rng, 0.05, 1),
                            .slow = uniform(&rng, 0.01, 0.3),
                            .half_us = (int64_t)uniform(&rng, 2e5, 9e6),
                            .latency_us = (int64_t)uniform(&rng, 0, 2e5)};
        oracle.done_us = wave_done_us;
        oracle.ctx = &wave;
        oracle.now_us = (int64_t)uniform(&rng, 0, 2e7);
        for (size_t k = 0; k < p.horizon; k++) {
            for (size_t j = 0; j < p.rungs; j++)
                oracle.bytes[k][j] = (int64_t)(p.download_s[k][j] * 1e5) + 1;
        }
        size_t count = 1;
        for (size_t k = 0; k < p.horizon; k++)
            count *= p.rungs;
        for (size_t j = 0; j < p.rungs; j++)
            best_of[j] = -1e300;
        for (size_t n = 0; n < count; n++) {
            size_t sequence[WEIR_MPC_MAX_HORIZON], left = n;
            for (size_t k = 0; k < p.horizon; k++, left /= p.rungs)
                sequence[k] = left % p.rungs;
            double value = wave_value(&p, &oracle, sequence);
            if (value > best_of[sequence[0]])
                best_of[sequence[0]] = value;
        }
        check_answer(weir_mpc_solve_oracle(&p, &oracle), best_of, p.rungs, seed);
    }
}

// Segments of the declared bitrate, exactly.
static int64_t nominal_size(const void *ctx, int64_t ahead, size_t rung)
{
    (void)ctx;
    (void)ahead;
    return ten_rungs[rung].bitrate_bps * 3 / 8;
}

// A segment of the lowest rung came at `kbps`, latency included.
static void feed(struct weir_abr *a, const struct weir_abr_observation *o, double kbps)
{
    int64_t bytes = nominal_size(NULL, 0, 0);
    struct weir_abr_fetched f = {
        .rung = 0, .bytes = bytes, .elapsed_us = (int64_t)((double)bytes * 8e3 / kbps)};
    weir_abr_fetched(a, o, &f);
}

static size_t choice_after(const char *spec, const double *kbps, size_t count, int64_t level_s,
                           size_t last)
{
    struct weir_abr *a = must_create(spec);
    struct weir_abr_observation o = usual_observation(&ten);
    o.size_bytes = nominal_size;
    o.buffer_level_us = level_s * WEIR_SECOND_US;
    o.last_rung = last;
    for (size_t i = 0; i < count; i++)
        feed(a, &o, kbps[i]);
    size_t rung = weir_abr_decide(a, &o).rung;
    weir_abr_destroy(&a);
    return rung;
}

static void steady_link_gets_the_rung_it_carries(void **state)
{
    (void)state;
    const double steady[] = {2100, 2100, 2100, 2100, 2100};
    // 2056 kbit/s fits; with an empty buffer anything above it would stall. All agree: no error.
    const char *specs[] = {"mpc", "fastmpc", "robustmpc"};
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(choice_after(specs[i], steady, 5, 3, 6), 6);
}

// 4000 and 1000 kbit/s by turns. The last five transfers were predicted at 1600, 2000, 1600, 1818
// and 1429 kbit/s: the worst error is 1 (2000 for 1000). Their harmonic mean, 1818, halves.
static void robust_discounts_by_its_worst_error(void **state)
{
    (void)state;
    const double shaky[] = {4000, 1000, 4000, 1000, 4000, 1000, 4000};
    const double mean[] = {20000.0 / 11}, halved[] = {10000.0 / 11};
    for (size_t last = 0; last < 10; last++) {
        for (int64_t level_s = 0; level_s <= 22; level_s++) {
            assert_int_equal(choice_after("robustmpc", shaky, 7, level_s, last),
                             choice_after("mpc", halved, 1, level_s, last));
            assert_int_equal(choice_after("fastmpc", shaky, 7, level_s, last),
                             choice_after("mpc", mean, 1, level_s, last));
        }
    }
    assert_true(choice_after("robustmpc", shaky, 7, 3, 5) <
                choice_after("fastmpc", shaky, 7, 3, 5));
}

static void before_a_sample_takes_the_lowest(void **state)
{
    (void)state;
    const char *specs[] = {"mpc", "fastmpc", "robustmpc", "mpc:oracle=5"};
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(choice_after(specs[i], NULL, 0, 0, WEIR_ABR_NO_RUNG), 0);
}

// With one segment left, going up gains nothing (quality and switch cancel): the tie stays low.
static void shortens_the_horizon_at_the_end(void **state)
{
    (void)state;
    struct weir_abr *a = must_create("mpc");
    struct weir_abr_observation o = usual_observation(&ten);
    o.size_bytes = nominal_size;
    o.buffer_level_us = 20 * WEIR_SECOND_US;
    o.last_rung = 3;
    feed(a, &o, 50000);
    assert_int_equal(weir_abr_decide(a, &o).rung, 9);
    o.segment_index = o.segment_count - 1;
    assert_int_equal(weir_abr_decide(a, &o).rung, 3);
    weir_abr_destroy(&a);
}

static void oracle_sees_an_outage_coming(void **state)
{
    (void)state;
    struct wave wave = {.fast = 0.75, .slow = 0.01, .half_us = 20000000, .latency_us = 0};
    struct weir_abr *a = must_create("mpc:oracle=5");
    struct weir_abr_observation o = usual_observation(&ten);
    o.size_bytes = nominal_size;
    o.buffer_level_us = 5 * WEIR_SECOND_US;
    o.last_rung = 8;
    o.oracle_done_us = wave_done_us;
    o.oracle_ctx = &wave;
    o.now_us = 0;
    assert_true(weir_abr_decide(a, &o).rung >= 8); // 6 Mbit/s for 20 s
    o.now_us = 18500000;                           // and then 80 kbit/s: only what still fits
    assert_true(weir_abr_decide(a, &o).rung < 5);
    weir_abr_destroy(&a);
}

static void without_an_oracle_the_yardstick_is_robust(void **state)
{
    (void)state;
    const double shaky[] = {4000, 1000, 4000, 1000, 4000, 1000, 4000};
    for (int64_t level_s = 0; level_s <= 22; level_s++)
        assert_int_equal(choice_after("mpc:oracle=5", shaky, 7, level_s, 5),
                         choice_after("robustmpc", shaky, 7, level_s, 5));
}

static void bad_parameters_are_named(void **state)
{
    (void)state;
    static const char *const specs[] = {"mpc:oracle=9", "mpc:horizon=0", "robustmpc:oracle=5",
                                        "fastmpc:objective=vmaf", "mpc:stall=0"};
    for (size_t i = 0; i < sizeof(specs) / sizeof(specs[0]); i++) {
        struct weir_abr *a = NULL;
        struct weir_error error = {0};
        if (weir_abr_create(specs[i], 1, &a, &error) != WEIR_ERR_INVAL)
            fail_msg("%s was taken", specs[i]);
        assert_null(a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_what_trying_all_finds),
        cmocka_unit_test(finds_the_best_of_a_hundred_thousand),
        cmocka_unit_test(oracle_finds_what_trying_all_finds),
        cmocka_unit_test(steady_link_gets_the_rung_it_carries),
        cmocka_unit_test(robust_discounts_by_its_worst_error),
        cmocka_unit_test(before_a_sample_takes_the_lowest),
        cmocka_unit_test(shortens_the_horizon_at_the_end),
        cmocka_unit_test(oracle_sees_an_outage_coming),
        cmocka_unit_test(without_an_oracle_the_yardstick_is_robust),
        cmocka_unit_test(bad_parameters_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
