// core/rational.h — exact conversions between tick scales, so that long timelines do not drift.
#ifndef WEIR_CORE_RATIONAL_H
#define WEIR_CORE_RATIONAL_H

#include <stdint.h>

// value * num / den, rounded to nearest (halves away from zero), through 128 bits; saturates at
// INT64_MIN+1 / INT64_MAX. num >= 0, den > 0.
int64_t weir_rescale(int64_t value, int64_t num, int64_t den);

// Ticks of `timescale` per second to microseconds, and back. timescale > 0. Round to nearest.
int64_t weir_ticks_to_us(int64_t ticks, int64_t timescale);
int64_t weir_us_to_ticks(int64_t us, int64_t timescale);

// a + b, a * b with saturation instead of overflow, for values read from outside. Never INT64_MIN,
// which is WEIR_TIME_NONE: the lowest result is INT64_MIN+1.
static inline int64_t weir_add_sat(int64_t a, int64_t b)
{
    int64_t result;
    if (__builtin_add_overflow(a, b, &result))
        return a < 0 ? -INT64_MAX : INT64_MAX;
    return result == INT64_MIN ? -INT64_MAX : result;
}
int64_t weir_mul_sat(int64_t a, int64_t b);

#endif
