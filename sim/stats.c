// sim/stats.c — see stats.h.
#include "sim/stats.h"

#include <math.h>
#include <stdlib.h>

#include "core/rng.h"

#define ROUNDS       2000
#define ROUNDS_LEAST 200
#define DRAWS_MAX    2000000 // values drawn for one interval, about
#define FLIP_ALL     12
#define FLIP_ROUNDS  10000
#define FLIP_LEAST   1000

#define FLIP_DRAWS_MAX 20000000

double weir_stats_mean(const double *values, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += values[i];
    return count ? sum / (double)count : (double)NAN;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void weir_stats_sort(double *values, size_t count)
{
    if (count)
        qsort(values, count, sizeof(*values), by_value);
}

double weir_stats_quantile(const double *sorted, size_t count, double q)
{
    if (count == 0)
        return NAN;
    double place = (double)(count - 1) * q;
    size_t below = (size_t)place;
    if (below + 1 >= count)
        return sorted[count - 1];
    return sorted[below] + (sorted[below + 1] - sorted[below]) * (place - (double)below);
}

int weir_stats_rounds(size_t count)
{
    if (count == 0)
        return 0;
    size_t rounds = DRAWS_MAX / count;
    return rounds > ROUNDS ? ROUNDS : rounds < ROUNDS_LEAST ? ROUNDS_LEAST : (int)rounds;
}

struct weir_interval weir_stats_bootstrap(const double *num, const double *den, size_t count,
                                          uint64_t seed, double *scratch)
{
    struct weir_rng rng;
    int rounds = weir_stats_rounds(count);
    if (rounds == 0 || count < 2) // one value says nothing of how others would fall
        return (struct weir_interval){NAN, NAN};
    weir_rng_seed(&rng, seed);
    for (int round = 0; round < rounds; round++) {
        double top = 0, bottom = 0;
        for (size_t i = 0; i < count; i++) {
            size_t drawn = (size_t)weir_rng_below(&rng, count);
            top += num[drawn];
            bottom += den ? den[drawn] : 1;
        }
        scratch[round] = top / bottom;
    }
    weir_stats_sort(scratch, (size_t)rounds);
    return (struct weir_interval){weir_stats_quantile(scratch, (size_t)rounds, 0.025),
                                  weir_stats_quantile(scratch, (size_t)rounds, 0.975)};
}

// Sum with the sign of value i turned where bit i of `signs` is set.
static double signed_sum(const double *values, size_t count, uint64_t signs)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += signs >> i & 1 ? -values[i] : values[i];
    return sum;
}

static double random_signed_sum(const double *values, size_t count, struct weir_rng *rng)
{
    double sum = 0;
    for (size_t i = 0; i < count; i += 64) {
        size_t part = count - i < 64 ? count - i : 64;
        sum += signed_sum(values + i, part, weir_rng_next(rng));
    }
    return sum;
}

double weir_stats_sign_flip(const double *differences, size_t count, uint64_t seed)
{
    double observed = 0, size = 0;
    for (size_t i = 0; i < count; i++) {
        observed += differences[i];
        size += fabs(differences[i]);
    }
    // Sums that differ by rounding alone are equal.
    observed = fabs(observed) - size * 1e-12;
    if (size == 0)
        return 1;
    int64_t as_far = 0;
    if (count <= FLIP_ALL) {
        uint64_t all = UINT64_C(1) << count;
        for (uint64_t signs = 0; signs < all; signs++)
            as_far += fabs(signed_sum(differences, count, signs)) >= observed;
        return (double)as_far / (double)all;
    }
    struct weir_rng rng;
    weir_rng_seed(&rng, seed);
    size_t rounds = FLIP_DRAWS_MAX / count;
    rounds = rounds > FLIP_ROUNDS ? FLIP_ROUNDS : rounds < FLIP_LEAST ? FLIP_LEAST : rounds;
    for (size_t round = 0; round < rounds; round++)
        as_far += fabs(random_signed_sum(differences, count, &rng)) >= observed;
    // The data themselves are one of the flips (Phipson, Smyth 2010).
    return (double)(as_far + 1) / (double)(rounds + 1);
}

void weir_stats_holm(double *p, size_t count)
{
    size_t left = 0;
    double before = 0;
    for (size_t i = 0; i < count; i++)
        left += !isnan(p[i]);
    // Smallest first; those adjusted already are marked by being negative.
    for (; left > 0; left--) {
        size_t at = count;
        for (size_t i = 0; i < count; i++)
            if (!isnan(p[i]) && p[i] >= 0 && (at == count || p[i] < p[at]))
                at = i;
        double adjusted = p[at] * (double)left;
        adjusted = adjusted > 1 ? 1 : adjusted;
        before = adjusted > before ? adjusted : before;
        p[at] = -1 - before;
    }
    for (size_t i = 0; i < count; i++)
        if (!isnan(p[i]))
            p[i] = -1 - p[i];
}
