// tests/sim/test_stats.c — quantiles, bootstrap, permutation test and Holm's correction against
// closed forms and textbook figures.
#include "cmocka_all.h"

#include <math.h>
#include <stdlib.h>

#include "sim/stats.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void near(const char *what, double got, double want, double tolerance)
{
    if (!(fabs(got - want) <= tolerance))
        fail_msg("%s: %.17g, expected %.17g", what, got, want);
}

// numpy.quantile([1, 2, 4, 8, 16], q), its default method.
static void quantiles_interpolate_between_neighbours(void **state)
{
    (void)state;
    const double v[] = {1, 2, 4, 8, 16};
    near("minimum", weir_stats_quantile(v, 5, 0), 1, 0);
    near("median", weir_stats_quantile(v, 5, 0.5), 4, 0);
    near("p95", weir_stats_quantile(v, 5, 0.95), 14.4, 1e-12);
    near("p10", weir_stats_quantile(v, 5, 0.1), 1.4, 1e-12);
    near("maximum", weir_stats_quantile(v, 5, 1), 16, 0);
    near("of one", weir_stats_quantile(v, 1, 0.3), 1, 0);
    assert_true(isnan(weir_stats_quantile(v, 0, 0.5)));
}

static void fill(double *v, size_t n)
{
    for (size_t i = 0; i < n; i++)
        v[i] = (double)((i * 7919) % 1000) / 1000;
}

// The bootstrap's interval of a mean comes to mean +- 1.96 s / sqrt(n) as n grows.
static void the_bootstrap_agrees_with_the_normal_interval(void **state)
{
    (void)state;
    double v[400], draws[2000], sum = 0, squares = 0;
    size_t n = COUNT(v);
    fill(v, n);
    for (size_t i = 0; i < n; i++)
        sum += v[i];
    for (size_t i = 0; i < n; i++)
        squares += (v[i] - sum / 400) * (v[i] - sum / 400);
    double half = 1.96 * sqrt(squares / 400) / 20;
    struct weir_interval got = weir_stats_bootstrap(v, NULL, n, 1, draws);
    near("low", got.low, sum / 400 - half, half * 0.12);
    near("high", got.high, sum / 400 + half, half * 0.12);
}

static void equal_seeds_draw_equal_intervals(void **state)
{
    (void)state;
    double v[50], draws[2000];
    fill(v, 50);
    struct weir_interval a = weir_stats_bootstrap(v, NULL, 50, 7, draws);
    struct weir_interval b = weir_stats_bootstrap(v, NULL, 50, 7, draws);
    struct weir_interval c = weir_stats_bootstrap(v, NULL, 50, 8, draws);
    assert_true(a.low == b.low && a.high == b.high);
    assert_true(a.low != c.low || a.high != c.high);
}

// Shifting every value by a constant shifts the interval by it: the resamples are the same.
static void equal_seeds_pair_what_is_compared(void **state)
{
    (void)state;
    double v[50], w[50], draws[2000];
    fill(v, 50);
    for (int i = 0; i < 50; i++)
        w[i] = v[i] + 3;
    struct weir_interval a = weir_stats_bootstrap(v, NULL, 50, 7, draws);
    struct weir_interval b = weir_stats_bootstrap(w, NULL, 50, 7, draws);
    near("low", b.low - a.low, 3, 1e-12);
    near("high", b.high - a.high, 3, 1e-12);
}

// Where every pair has the same ratio, the ratio of sums is certain.
static void a_ratio_of_sums_is_resampled_in_pairs(void **state)
{
    (void)state;
    double num[30], den[30], draws[2000];
    fill(den, 30);
    for (int i = 0; i < 30; i++)
        num[i] = den[i] * 0.75;
    struct weir_interval got = weir_stats_bootstrap(num, den, 30, 3, draws);
    near("low", got.low, 0.75, 1e-12);
    near("high", got.high, 0.75, 1e-12);
}

// All of n differences positive: of 2^n flips only none and all are as far, p = 2 / 2^n.
static void few_pairs_are_flipped_in_every_way(void **state)
{
    (void)state;
    const double up[] = {1, 2, 3, 4, 5, 6};
    const double mixed[] = {1, -1};
    const double none[] = {0, 0, 0};
    near("all positive", weir_stats_sign_flip(up, 6, 1), 2.0 / 64, 0);
    near("all of them", weir_stats_sign_flip(mixed, 2, 1), 1, 0);
    near("no difference", weir_stats_sign_flip(none, 3, 1), 1, 0);
    near("no pairs", weir_stats_sign_flip(none, 0, 1), 1, 0);
}

static void many_pairs_are_flipped_at_random(void **state)
{
    (void)state;
    double v[100];
    for (int i = 0; i < 100; i++)
        v[i] = 1 + (double)(i % 7);
    near("clearly different", weir_stats_sign_flip(v, 100, 5), 1.0 / 10001, 1e-9);
    for (int i = 0; i < 100; i += 2)
        v[i] = -v[i + 1];
    near("balanced", weir_stats_sign_flip(v, 100, 5), 1, 1e-9);
    assert_true(weir_stats_sign_flip(v, 99, 5) == weir_stats_sign_flip(v, 99, 5));
}

// Holm 1979, as R's p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm") gives it.
static void holm_steps_down_and_never_falls(void **state)
{
    (void)state;
    double p[] = {0.01, 0.04, NAN, 0.03, 0.005};
    const double want[] = {0.03, 0.06, NAN, 0.06, 0.02};
    weir_stats_holm(p, COUNT(p));
    for (size_t i = 0; i < COUNT(p); i++) {
        if (isnan(want[i]))
            assert_true(isnan(p[i]));
        else
            near("adjusted", p[i], want[i], 1e-15);
    }
    double large[] = {0.6, 0.7};
    weir_stats_holm(large, 2);
    near("at most 1", large[0], 1, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantiles_interpolate_between_neighbours),
        cmocka_unit_test(the_bootstrap_agrees_with_the_normal_interval),
        cmocka_unit_test(equal_seeds_draw_equal_intervals),
        cmocka_unit_test(equal_seeds_pair_what_is_compared),
        cmocka_unit_test(a_ratio_of_sums_is_resampled_in_pairs),
        cmocka_unit_test(few_pairs_are_flipped_in_every_way),
        cmocka_unit_test(many_pairs_are_flipped_at_random),
        cmocka_unit_test(holm_steps_down_and_never_falls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
