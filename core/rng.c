// core/rng.c — xoshiro256** (Blackman, Vigna 2018), its state filled by splitmix64. Same seed, same
// numbers, on every machine: traces, jitter and fault injection are replayed by it.
#include "core/rng.h"

#include <assert.h>

static uint64_t rotate_left(uint64_t x, int bits)
{
    return (x << bits) | (x >> (64 - bits));
}

static uint64_t splitmix_next(uint64_t *state)
{
    *state += UINT64_C(0x9E3779B97F4A7C15);
    uint64_t z = *state;
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

void weir_rng_seed(struct weir_rng *r, uint64_t seed)
{
    for (int i = 0; i < 4; i++)
        r->s[i] = splitmix_next(&seed);
}

uint64_t weir_rng_next(struct weir_rng *r)
{
    uint64_t *s = r->s;
    uint64_t result = rotate_left(s[1] * 5, 7) * 9;
    uint64_t shifted = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = rotate_left(s[3], 45);
    return result;
}

uint64_t weir_rng_below(struct weir_rng *r, uint64_t n)
{
    assert(n > 0);
    uint64_t first_fair =
        (0 - n) % n; // 2^64 mod n: the numbers below it would favour small results
    uint64_t x;
    do {
        x = weir_rng_next(r);
    } while (x < first_fair);
    return x % n;
}

double weir_rng_unit(struct weir_rng *r)
{
    return (double)(weir_rng_next(r) >> 11) * 0x1p-53;
}
