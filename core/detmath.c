// core/detmath.c — ln and 2^x from + - * / alone, so that every machine gives the same bits. Both
// carry the few bits lost by rounding in a second double, which keeps the error near half an ulp.
// Must not call libm and must be compiled without contraction (-ffp-contract=off).
#include "core/detmath.h"

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#if FLT_EVAL_METHOD != 0
#error "doubles must be evaluated as doubles: on 32-bit x86 compile with -msse2 -mfpmath=sse"
#endif

// ln 2 to 107 bits; the high part has 40, so that its product with an exponent is exact.
#define LN2_HIGH 0x1.62e42fefa4000p-1
#define LN2_LOW  (-0x1.8432a1b0e2634p-43)

struct pair { // the sum of both, unevaluated
    double hi, lo;
};

// a * b exactly, by splitting each into halves of 26 bits (Dekker 1971).
static struct pair multiply_exact(double a, double b)
{
    const double splitter = 0x1p27 + 1.0;
    double ca = splitter * a, cb = splitter * b;
    double ah = ca - (ca - a), bh = cb - (cb - b);
    double al = a - ah, bl = b - bh;
    double hi = a * b;
    return (struct pair){hi, ((ah * bh - hi) + ah * bl + al * bh) + al * bl};
}

// a + b exactly, where |a| >= |b| or a is 0.
static struct pair add_exact(double a, double b)
{
    double hi = a + b;
    return (struct pair){hi, b - (hi - a)};
}

// 2^k for -1022 <= k <= 1023.
static double power_of_two(int k)
{
    uint64_t bits = (uint64_t)(k + 1023) << 52;
    double x;
    memcpy(&x, &bits, sizeof(x));
    return x;
}

// x = 2^k * m with m in [sqrt(1/2), sqrt 2); x positive, finite.
static double split_exponent(double x, int *k)
{
    *k = 0;
    if (x < DBL_MIN) { // subnormal: make it normal, exactly
        x *= 0x1p54;
        *k = -54;
    }
    uint64_t bits;
    memcpy(&bits, &x, sizeof(bits));
    *k += (int)(bits >> 52) - 1023;
    bits = (bits & UINT64_C(0x000FFFFFFFFFFFFF)) | UINT64_C(0x3FF0000000000000);
    double m;
    memcpy(&m, &bits, sizeof(m));
    if (m > 0x1.6a09e667f3bcdp+0) { // sqrt 2
        m *= 0.5;
        (*k)++;
    }
    return m;
}

// 2 atanh(s) - 2s = s * R(z), z = s^2 <= 0.0295: the Taylor series, whose next term is below 2^-62
// of the result.
static double atanh_tail(double z)
{
    double r = 2.0 / 23;
    for (int n = 21; n >= 3; n -= 2)
        r = r * z + 2.0 / n;
    return r * z;
}

double weir_ln(double x)
{
    if (x != x || x < 0)
        return (double)NAN;
    if (x == 0)
        return -HUGE_VAL;
    if (x > DBL_MAX)
        return x;
    int k;
    double f = split_exponent(x, &k) - 1.0; // exact
    // ln(1+f) = 2 atanh(s), s = f / (2+f), as the pair s + s_low.
    struct pair d = add_exact(2.0, f);
    double s = f / d.hi;
    struct pair sd = multiply_exact(s, d.hi);
    double s_low = (((f - sd.hi) - sd.lo) - s * d.lo) / d.hi;
    double tail = 2.0 * s_low + s * atanh_tail(s * s);
    if (k == 0)
        return 2.0 * s + tail;
    struct pair sum = add_exact(k * LN2_HIGH, 2.0 * s); // |2s| <= ln(2)/2
    return sum.hi + (sum.lo + (k * LN2_LOW + tail));
}

// e^t - 1 - t for |t| <= ln(2)/2, by the Taylor series to t^15 / 15!: coefficients in constants and
// in groups of four, because divisions, or one long chain of products, would take several times as
// long.
static double exp_tail(double t)
{
    const double c3 = 1.0 / 6, c4 = 1.0 / 24, c5 = 1.0 / 120, c6 = 1.0 / 720, c7 = 1.0 / 5040;
    const double c8 = 1.0 / 40320, c9 = 1.0 / 362880, c10 = 1.0 / 3628800, c11 = 1.0 / 39916800;
    const double c12 = 1.0 / 479001600, c13 = 1.0 / 6227020800.0, c14 = 1.0 / 87178291200.0;
    const double c15 = 1.0 / 1307674368000.0;
    double t2 = t * t, t4 = t2 * t2;
    double a = (c3 + c4 * t) + (c5 + c6 * t) * t2;
    double b = (c7 + c8 * t) + (c9 + c10 * t) * t2;
    double c = (c11 + c12 * t) + (c13 + c14 * t) * t2 + c15 * t4;
    return 0.5 * t2 + (a + (b + c * t4) * t4) * (t2 * t);
}

double weir_exp2(double x)
{
    if (x != x)
        return x;
    if (x >= 1024.0)
        return HUGE_VAL;
    if (x <= -1075.0)
        return 0.0;
    int k = (int)(x + (x < 0 ? -0.5 : 0.5)); // nearest integer
    double r = x - k;                        // exact, |r| <= 1/2
    // t = r ln 2 as the pair t + low; e^t = 1 + t + tail(t). The tail takes longest, and begins
    // with the rounded product, which is there at once.
    double t = r * (LN2_HIGH + LN2_LOW);
    struct pair exact = multiply_exact(r, LN2_HIGH);
    double low = ((exact.hi - t) + exact.lo) + r * LN2_LOW;
    struct pair sum = add_exact(1.0, t);
    double m = sum.hi + (sum.lo + (low + (exp_tail(t) + t * low)));
    if (k > 1000)
        return m * power_of_two(k - 10) * 0x1p10; // 2^1024 is no double
    if (k < -1000)
        return m * power_of_two(k + 100) * 0x1p-100; // the only rounding is the last product's
    return m * power_of_two(k);
}
