// sim/stats.h — the statistics of a comparison: bootstrap intervals, paired tests, quantiles. Every
// draw comes from a seed, so equal data give equal figures. Pure: arrays in, numbers out.
#ifndef WEIR_SIM_STATS_H
#define WEIR_SIM_STATS_H

#include <stddef.h>
#include <stdint.h>

struct weir_interval {
    double low, high;
};

double weir_stats_mean(const double *values, size_t count); // NaN for none
// Linear interpolation between order statistics, as R's type 7 and numpy; `sorted` rises.
double weir_stats_quantile(const double *sorted, size_t count, double q);
void weir_stats_sort(double *values, size_t count);

// How many resamples a set of `count` gets: 2000, fewer beyond a thousand values, 200 at least.
int weir_stats_rounds(size_t count);
// 95 % percentile bootstrap (Efron 1979) of sum(num) / sum(den), resampled in pairs; den NULL: of
// the mean. Equal seeds and counts draw equal resamples, so that what is compared is paired.
// `scratch` has room for weir_stats_rounds(count) values.
struct weir_interval weir_stats_bootstrap(const double *num, const double *den, size_t count,
                                          uint64_t seed, double *scratch);
// Two-sided p of a mean difference of 0, by flipping signs at random (Fisher's permutation test for
// pairs): all 2^count flips for count <= 12, else 10000 draws (fewer beyond 2000 values, 1000 at
// least). 1 where all are 0 or there are none.
double weir_stats_sign_flip(const double *differences, size_t count, uint64_t seed);
// Holm's step-down correction (1979), in place: adjusted p-values. NaN are left out.
void weir_stats_holm(double *p, size_t count);

#endif
