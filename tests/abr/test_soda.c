// tests/abr/test_soda.c — SODA's solver against the reference's vectors (10.3) and against
// exhaustive search, and the controller around it.
#include "tests/abr/abr_test.h"

#include "abr/soda_solver.h"
#include "core/rng.h"

static const double rates[] = {1.5, 4, 7.5, 12, 24, 60};

static struct weir_soda problem(double *distortion, double gamma)
{
    for (size_t j = 0; j < 6; j++)
        distortion[j] = 1 / rates[j];
    return (struct weir_soda){
        .rates = rates,
        .distortion = distortion,
        .count = 6,
        .allowed = 6,
        .horizon = 4,
        .interval = 2,
        .target = 12,
        .capacity = 20,
        .beta = 0.01,
        .gamma = gamma,
        .epsilon = 0.1,
    };
}

static void solves_the_references_vectors(void **state)
{
    (void)state;
    static const struct {
        double throughput, buffer;
        size_t last, expect[4];
        double cost;
        size_t best[4];
        double best_cost;
    } rows[] = {
        {10, 6, 1, {2, 2, 3, 4}, 2.052917, {2, 2, 3, 4}, 2.052917},
        {10, 14, 2, {4, 4, 4, 4}, 0.251111, {4, 4, 4, 4}, 0.251111},
        {30, 12, 3, {4, 5, 5, 5}, 0.246639, {4, 5, 5, 5}, 0.246639},
        {5, 3, 3, {1, 1, 1, 1}, 4.970556, {1, 1, 2, 3}, 4.665556},
    };
    double distortion[6];
    struct weir_soda p = problem(distortion, 2);
    for (size_t i = 0; i < 4; i++) {
        struct weir_soda_plan a =
            weir_soda_solve(&p, rows[i].throughput, rows[i].buffer, rows[i].last);
        struct weir_soda_plan b =
            weir_soda_exhaust(&p, rows[i].throughput, rows[i].buffer, rows[i].last);
        assert_true(a.feasible);
        assert_true(b.feasible);
        assert_near(a.cost, rows[i].cost, 5e-7);
        assert_near(b.cost, rows[i].best_cost, 5e-7);
        for (size_t k = 0; k < 4; k++) {
            assert_int_equal(a.rungs[k], rows[i].expect[k]);
            assert_int_equal(b.rungs[k], rows[i].best[k]);
        }
    }
}

// Every sequence by counting in base 6, costs summed anew: the searches' own cost and choice.
static double plain_cost(const struct weir_soda *p, double w, double x, size_t last,
                         const size_t *rungs)
{
    double cost = 0;
    for (size_t k = 0; k < p->horizon; k++) {
        double media = w * p->interval / p->rates[rungs[k]];
        x = x + (media - p->interval);
        if (x < 0 || x > p->capacity)
            return (double)INFINITY;
        double off = p->target - x;
        double change = p->distortion[rungs[k]] - p->distortion[last];
        cost += p->distortion[rungs[k]] * media + p->beta * off * off * (off < 0 ? p->epsilon : 1) +
                p->gamma * change * change;
        last = rungs[k];
    }
    return cost;
}

static void searches_what_they_say(void **state)
{
    (void)state;
    struct weir_rng rng;
    weir_rng_seed(&rng, 11);
    double distortion[6];
    struct weir_soda p = problem(distortion, 2);
    for (int i = 0; i < 300; i++) {
        double w = 1 + 39 * weir_rng_unit(&rng);
        double x = 20 * weir_rng_unit(&rng);
        size_t last = (size_t)weir_rng_below(&rng, 6);
        double best = (double)INFINITY;
        double best_monotone = (double)INFINITY;
        for (size_t n = 0; n < 6 * 6 * 6 * 6; n++) {
            size_t rungs[4] = {n / 216, n / 36 % 6, n / 6 % 6, n % 6};
            double cost = plain_cost(&p, w, x, last, rungs);
            bool up = rungs[0] >= last;
            bool down = rungs[0] <= last;
            for (size_t k = 1; k < 4; k++) {
                up = up && rungs[k] >= rungs[k - 1];
                down = down && rungs[k] <= rungs[k - 1];
            }
            best = fmin(best, cost);
            if (up || down)
                best_monotone = fmin(best_monotone, cost);
        }
        struct weir_soda_plan all = weir_soda_exhaust(&p, w, x, last);
        struct weir_soda_plan monotone = weir_soda_solve(&p, w, x, last);
        assert_int_equal(all.feasible, best < (double)INFINITY);
        assert_int_equal(monotone.feasible, best_monotone < (double)INFINITY);
        if (all.feasible)
            assert_near(all.cost, best, 1e-9);
        if (monotone.feasible)
            assert_near(monotone.cost, best_monotone, 1e-9);
    }
}

// Logarithmic distortion from 0 to 1 and weights relative to it, as abr/soda.c has them.
static struct weir_soda relative_problem(double *distortion, double gamma)
{
    struct weir_soda p = problem(distortion, 2 * gamma);
    for (size_t j = 0; j < 6; j++)
        distortion[j] = log(rates[5] / rates[j]) / log(rates[5] / rates[0]);
    p.beta = p.interval / (p.target * p.target);
    return p;
}

// The share of random states in which the first rate differs from the unrestricted optimum's falls
// as switching weighs more; the paper measures less than 5 % at a relative weight of 2, with states
// drawn in a way of its own.
static void disagrees_with_the_optimum_less_as_switching_weighs_more(void **state)
{
    (void)state;
    enum { STATES = 20000 };
    static const struct {
        double gamma, below;
    } rows[] = {{0, 0.2}, {1, 0.1}, {2, 0.06}, {4, 0.03}, {8, 0.01}};
    double distortion[6];
    double before = 1;
    for (size_t g = 0; g < sizeof(rows) / sizeof(rows[0]); g++) {
        struct weir_rng rng;
        weir_rng_seed(&rng, 2024);
        struct weir_soda p = relative_problem(distortion, rows[g].gamma);
        int differ = 0;
        for (int i = 0; i < STATES; i++) {
            double w = 1 + 59 * weir_rng_unit(&rng);
            double x = 20 * weir_rng_unit(&rng);
            size_t last = (size_t)weir_rng_below(&rng, 6);
            struct weir_soda_plan a = weir_soda_solve(&p, w, x, last);
            struct weir_soda_plan b = weir_soda_exhaust(&p, w, x, last);
            differ += a.feasible != b.feasible || (a.feasible && a.rungs[0] != b.rungs[0]);
        }
        double share = (double)differ / STATES;
        print_message("gamma %g: %.2f %% of first rates differ\n", rows[g].gamma, 100 * share);
        assert_true(share < before);
        assert_true(share < rows[g].below);
        before = share;
    }
}

// Never above the lowest rung that is >= the estimate, unless told.
static void is_capped_near_the_estimate(void **state)
{
    (void)state;
    struct weir_abr *a = must_create("soda");
    struct weir_abr *free = must_create("soda:cap=off");
    struct weir_abr_observation o = usual_observation(&ten);
    o.throughput_bps = 1000000; // rung 5, 1427 kbit/s, is the lowest above
    o.last_rung = 9;
    o.buffer_level_us = 22 * WEIR_SECOND_US;
    assert_true(weir_abr_decide(a, &o).rung <= 5);
    assert_true(weir_abr_decide(free, &o).rung > 5);
    weir_abr_destroy(&a);
    weir_abr_destroy(&free);
}

// The network carries ten times the top rung and the buffer is full: every rate overflows it. That
// is no reason to take the lowest.
static void stays_high_where_every_plan_overflows(void **state)
{
    (void)state;
    struct weir_abr *a = must_create("soda");
    struct weir_abr_observation o = usual_observation(&ten);
    o.throughput_bps = 60000000;
    o.last_rung = 9;
    for (o.buffer_level_us = 0; o.buffer_level_us <= 22 * WEIR_SECOND_US;
         o.buffer_level_us += WEIR_SECOND_US)
        assert_int_equal(weir_abr_decide(a, &o).rung, 9);
    // And one below the lowest rung, with little in hand: every rate runs dry.
    o.throughput_bps = 100000;
    o.buffer_level_us = WEIR_SECOND_US;
    assert_int_equal(weir_abr_decide(a, &o).rung, 0);
    weir_abr_destroy(&a);
}

// More buffer never lowers the rung, here: the pull towards the target is monotone.
static void follows_the_buffer(void **state)
{
    (void)state;
    struct weir_abr *a = must_create("soda");
    struct weir_abr_observation o = usual_observation(&ten);
    o.last_rung = 5;
    size_t before = 0;
    for (o.buffer_level_us = 0; o.buffer_level_us <= 20 * WEIR_SECOND_US;
         o.buffer_level_us += WEIR_SECOND_US / 2) {
        size_t rung = weir_abr_decide(a, &o).rung;
        assert_true(rung >= before);
        before = rung;
    }
    assert_true(before >= 6);
    weir_abr_destroy(&a);
}

// A large buffer that is nearly empty is as close to a stall as a small one: the choice there is
// the same, and within what the network carries.
static void heeds_the_last_seconds_of_a_large_buffer(void **state)
{
    (void)state;
    struct weir_abr *a = must_create("soda");
    struct weir_abr_observation o = usual_observation(&ten);
    o.throughput_bps = 1000000;
    o.last_rung = 5;
    o.buffer_level_us = 3 * WEIR_SECOND_US;
    size_t small = weir_abr_decide(a, &o).rung;
    o.buffer_max_us = 240 * WEIR_SECOND_US;
    assert_true(weir_abr_decide(a, &o).rung <= small);
    assert_true(small <= 4); // 991 kbit/s
    weir_abr_destroy(&a);
}

// Another period's ladder lies where the last one lay: what was made for that one does not count.
static void a_ladder_that_changes_in_place_is_another(void **state)
{
    (void)state;
    struct weir_rung rungs[] = {{1000000, 0, 0}, {4000000, 0, 0}, {16000000, 0, 0}};
    const struct weir_ladder ladder = {rungs, 3};
    struct weir_abr *a = must_create("soda");
    struct weir_abr *fresh = must_create("soda");
    struct weir_abr_observation o = usual_observation(&ladder);
    o.throughput_bps = 2000000;
    o.buffer_level_us = 15 * WEIR_SECOND_US;
    size_t before = weir_abr_decide(a, &o).rung;
    for (size_t j = 0; j < 3; j++)
        rungs[j].bitrate_bps /= 10;
    o.segment_index++;
    size_t after = weir_abr_decide(a, &o).rung;
    assert_int_equal(after, weir_abr_decide(fresh, &o).rung);
    assert_true(after > before);
    weir_abr_destroy(&a);
    weir_abr_destroy(&fresh);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(solves_the_references_vectors),
        cmocka_unit_test(searches_what_they_say),
        cmocka_unit_test(disagrees_with_the_optimum_less_as_switching_weighs_more),
        cmocka_unit_test(is_capped_near_the_estimate),
        cmocka_unit_test(stays_high_where_every_plan_overflows),
        cmocka_unit_test(follows_the_buffer),
        cmocka_unit_test(heeds_the_last_seconds_of_a_large_buffer),
        cmocka_unit_test(a_ladder_that_changes_in_place_is_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
