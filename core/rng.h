// core/rng.h — a small seeded generator (xoshiro256**, seeded by splitmix64). Never for secrets.
#ifndef WEIR_CORE_RNG_H
#define WEIR_CORE_RNG_H

#include <stdint.h>

struct weir_rng {
    uint64_t s[4];
};

void weir_rng_seed(struct weir_rng *r, uint64_t seed);
uint64_t weir_rng_next(struct weir_rng *r);
// Uniform in [0, n), without modulo bias; n > 0.
uint64_t weir_rng_below(struct weir_rng *r, uint64_t n);
// Uniform in [0, 1), 53 bits.
double weir_rng_unit(struct weir_rng *r);

#endif
