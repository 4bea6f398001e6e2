// core/rational.c — exact value * num / den. Portable: no 128-bit type, because 32-bit targets have
// none. value = q * den + r, so the result is q * num + r * num / den, where only the last term can
// need 128 bits, and its quotient is below num.
#include "core/rational.h"

#include <assert.h>
#include <stdbool.h>

#include "core/clock.h"

// The 128-bit product a * b.
static void multiply_wide(uint64_t a, uint64_t b, uint64_t *hi, uint64_t *lo)
{
    uint64_t a_lo = (uint32_t)a, a_hi = a >> 32;
    uint64_t b_lo = (uint32_t)b, b_hi = b >> 32;
    uint64_t low = a_lo * b_lo;
    uint64_t mid = a_hi * b_lo + (low >> 32); // cannot overflow: (2^32-1)^2 + 2^32-1 < 2^64
    uint64_t mid2 = a_lo * b_hi + (uint32_t)mid;
    *lo = (mid2 << 32) | (uint32_t)low;
    *hi = a_hi * b_hi + (mid >> 32) + (mid2 >> 32);
}

// hi:lo / den with hi < den < 2^63, bit by bit: rare (only products beyond 64 bits come here).
static uint64_t divide_wide(uint64_t hi, uint64_t lo, uint64_t den, uint64_t *rem)
{
    uint64_t quotient = 0;
    for (int i = 63; i >= 0; i--) {
        hi = (hi << 1) | ((lo >> i) & 1); // hi < den < 2^63 before the shift
        quotient <<= 1;
        if (hi >= den) {
            hi -= den;
            quotient |= 1;
        }
    }
    *rem = hi;
    return quotient;
}

// Magnitude * num / den, halves up; false when it does not fit 63 bits.
static bool rescale_magnitude(uint64_t mag, uint64_t num, uint64_t den, uint64_t *out)
{
    uint64_t whole, product, part, rem;
    if (__builtin_mul_overflow(mag / den, num, &whole))
        return false;
    if (!__builtin_mul_overflow(mag % den, num, &product)) {
        part = product / den;
        rem = product % den;
    } else {
        uint64_t hi, lo;
        multiply_wide(mag % den, num, &hi, &lo); // < den * num, so hi < den: the quotient fits
        part = divide_wide(hi, lo, den, &rem);
    }
    part += rem >= den - rem;
    return !__builtin_add_overflow(whole, part, out) && *out <= INT64_MAX;
}

int64_t weir_rescale(int64_t value, int64_t num, int64_t den)
{
    assert(num >= 0);
    assert(den > 0);
    uint64_t mag = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    uint64_t result;
    if (!rescale_magnitude(mag, (uint64_t)num, (uint64_t)den, &result))
        result = INT64_MAX;
    return value < 0 ? -(int64_t)result : (int64_t)result;
}

int64_t weir_ticks_to_us(int64_t ticks, int64_t timescale)
{
    return weir_rescale(ticks, WEIR_SECOND_US, timescale);
}

int64_t weir_us_to_ticks(int64_t us, int64_t timescale)
{
    return weir_rescale(us, timescale, WEIR_SECOND_US);
}

// INT64_MIN means "no such time" (WEIR_TIME_NONE), so no arithmetic may end there.
static int64_t saturate(bool overflow, bool negative, int64_t result)
{
    if (overflow)
        return negative ? -INT64_MAX : INT64_MAX;
    return result == INT64_MIN ? -INT64_MAX : result;
}

int64_t weir_mul_sat(int64_t a, int64_t b)
{
    int64_t result;
    bool overflow = __builtin_mul_overflow(a, b, &result);
    return saturate(overflow, (a < 0) != (b < 0), result);
}
