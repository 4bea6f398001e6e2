// tests/core/test_numbers.c — rescaling against 128-bit arithmetic, saturation, the generator
// against published vectors, ln and 2^x against long double.
#include "core_test.h"

#include <float.h>
#include <math.h>

#include "core/clock.h"
#include "core/detmath.h"
#include "core/rational.h"
#include "core/rng.h"

static void rescale_rounds_to_nearest_and_saturates(void **state)
{
    (void)state;
    static const struct {
        int64_t value, num, den, want;
    } cases[] = {
        {1, 1, 2, 1},
        {-1, 1, 2, -1},
        {1, 1, 3, 0},
        {2, 1, 3, 1},
        {-5, 3, 10, -2},
        {0, 7, 9, 0},
        {5, 0, 9, 0},
        {INT64_MAX, 1, 1, INT64_MAX},
        {INT64_MIN, 1, 1, INT64_MIN + 1},
        {INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX},
        {INT64_MAX, 2, 1, INT64_MAX},
        {INT64_MIN, 2, 1, INT64_MIN + 1},
        {INT64_MIN, INT64_MAX, 1, INT64_MIN + 1},
        {INT64_MAX, INT64_MAX - 1, INT64_MAX, INT64_MAX - 1},
        {INT64_MAX - 1, 1, INT64_MAX, 1},
        {90000, 1000000, 90000, 1000000},
        {3003, 1000000, 90000, 33367},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_int_equal(weir_rescale(cases[i].value, cases[i].num, cases[i].den), cases[i].want);
}

#ifdef __SIZEOF_INT128__
__extension__ typedef __int128 wide;

static int64_t rescale_wide(int64_t value, int64_t num, int64_t den)
{
    wide product = (wide)value * num;
    wide mag = product < 0 ? -product : product;
    wide quotient = mag / den + (mag % den * 2 >= den ? 1 : 0);
    if (quotient > INT64_MAX)
        quotient = INT64_MAX;
    return (int64_t)(product < 0 ? -quotient : quotient);
}

// Values of every magnitude, so that each path (64 bits, 128 bits, saturation) is met often.
static int64_t any_magnitude(struct weir_rng *r)
{
    uint64_t shift = weir_rng_below(r, 64);
    return (int64_t)(weir_rng_next(r) >> shift >> 1);
}

static void rescale_equals_128_bit_arithmetic(void **state)
{
    (void)state;
    struct weir_rng r;
    weir_rng_seed(&r, 1);
    for (int i = 0; i < 1000000; i++) {
        int64_t value = any_magnitude(&r), num = any_magnitude(&r), den = any_magnitude(&r);
        if (weir_rng_below(&r, 2))
            value = -value;
        if (den == 0)
            den = 1;
        int64_t got = weir_rescale(value, num, den);
        if (got != rescale_wide(value, num, den))
            fail_msg("step %d: %lld * %lld / %lld gave %lld", i, (long long)value, (long long)num,
                     (long long)den, (long long)got);
    }
}
#endif

// A day of 1001/30000 s frames: each is converted by itself, so the error stays below a
// microsecond.
static void ticks_do_not_drift(void **state)
{
    (void)state;
    for (int64_t n = 0; n < 24 * 3600 * 30; n += 997) {
        int64_t us = weir_ticks_to_us(n * 1001, 30000);
        assert_int_equal(weir_us_to_ticks(us, 30000), n * 1001);
    }
    // Since 1970 in units of 100 ns, as DASH manifests do it.
    assert_int_equal(weir_ticks_to_us(INT64_C(17000000000000000), 10000000),
                     INT64_C(1700000000000000));
}

static void sums_and_products_saturate(void **state)
{
    (void)state;
    assert_int_equal(weir_add_sat(1, 2), 3);
    assert_int_equal(weir_add_sat(INT64_MAX, 1), INT64_MAX);
    assert_int_equal(weir_add_sat(INT64_MIN, -1), INT64_MIN + 1);
    assert_int_equal(weir_add_sat(INT64_MIN, 0), INT64_MIN + 1);
    assert_int_equal(weir_add_sat(INT64_MIN, INT64_MAX), -1);
    assert_int_equal(weir_mul_sat(-3, 4), -12);
    assert_int_equal(weir_mul_sat(INT64_MAX, 2), INT64_MAX);
    assert_int_equal(weir_mul_sat(INT64_MAX, -2), INT64_MIN + 1);
    assert_int_equal(weir_mul_sat(INT64_MIN, -1), INT64_MAX);
    assert_int_equal(weir_mul_sat(INT64_MIN, 1), INT64_MIN + 1);
}

// The authors' reference implementations give these.
static void the_generator_follows_its_definition(void **state)
{
    (void)state;
    static const uint64_t splitmix[] = {
        UINT64_C(6457827717110365317), UINT64_C(3203168211198807973), UINT64_C(9817491932198370423),
        UINT64_C(4593380528125082431)};
    struct weir_rng r;
    weir_rng_seed(&r, 1234567);
    assert_memory_equal(r.s, splitmix, sizeof(splitmix));

    static const uint64_t want[] = {11520,
                                    0,
                                    UINT64_C(1509978240),
                                    UINT64_C(1215971899390074240),
                                    UINT64_C(1216172134540287360),
                                    UINT64_C(607988272756665600),
                                    UINT64_C(16172922978634559625),
                                    UINT64_C(8476171486693032832)};
    r = (struct weir_rng){{1, 2, 3, 4}};
    for (size_t i = 0; i < COUNT(want); i++)
        assert_true(weir_rng_next(&r) == want[i]);
}

static void bounded_numbers_are_in_bounds_and_even(void **state)
{
    (void)state;
    struct weir_rng r;
    int seen[7] = {0};
    weir_rng_seed(&r, 7);
    for (int i = 0; i < 70000; i++)
        seen[weir_rng_below(&r, 7)]++;
    for (int i = 0; i < 7; i++)
        assert_in_range(seen[i], 9500, 10500); // 5 sigma is 465
    assert_true(weir_rng_below(&r, 1) == 0);
    for (int i = 0; i < 1000; i++)
        assert_true(weir_rng_below(&r, UINT64_C(3) << 62) < UINT64_C(3) << 62);
    double sum = 0;
    for (int i = 0; i < 10000; i++) {
        double u = weir_rng_unit(&r);
        assert_true(u >= 0 && u < 1);
        sum += u;
    }
    assert_true(fabs(sum / 10000 - 0.5) < 0.02);
}

// Distance of `got` from the true value in units of the last place of the true value.
static long double error_ulp(double got, long double want)
{
    int e;
    frexpl(want, &e);
    if (e < DBL_MIN_EXP)
        e = DBL_MIN_EXP;
    return fabsl(((long double)got - want) / ldexpl(1, e - DBL_MANT_DIG));
}

static void check_ln(double x, long double *worst)
{
    long double error = error_ulp(weir_ln(x), logl((long double)x));
    if (error >= 1)
        fail_msg("ln(%a): %.3Lf ulp", x, error);
    if (error > *worst)
        *worst = error;
}

static void check_exp2(double x, long double *worst)
{
    long double error = error_ulp(weir_exp2(x), exp2l((long double)x));
    if (error >= 1)
        fail_msg("2^%a: %.3Lf ulp", x, error);
    if (error > *worst)
        *worst = error;
}

static double random_bits_double(struct weir_rng *r)
{
    uint64_t bits = weir_rng_next(r) >> 1; // positive
    double x;
    memcpy(&x, &bits, sizeof(x));
    return x;
}

static void ln_is_right_to_the_last_place(void **state)
{
    (void)state;
    struct weir_rng r;
    long double worst = 0;
    weir_rng_seed(&r, 2);
    static const double special[] = {DBL_MIN,
                                     DBL_MAX,
                                     0x1p-1074,
                                     0x1.fffffffffffffp-1023,
                                     2.0,
                                     0.5,
                                     10.0,
                                     0x1.6a09e667f3bcdp+0,
                                     0x1.6a09e667f3bccp+0,
                                     0x1.6a09e667f3bcep+0};
    for (size_t i = 0; i < COUNT(special); i++)
        check_ln(special[i], &worst);
    for (int i = 0; i < 300000; i++) {
        double x = random_bits_double(&r);
        if (isfinite(x) && x > 0)
            check_ln(x, &worst);
        check_ln(0.5 + 1.5 * weir_rng_unit(&r), &worst);
        check_ln(weir_rng_unit(&r) * 0x1p-1022 + 0x1p-1074, &worst);
    }
    for (double step = 0x1p-53; step < 0.25; step *= 1.1) { // around 1, where ln crosses zero
        check_ln(1 - step, &worst);
        check_ln(1 + 2 * step, &worst);
    }
    print_message("ln: worst %.3Lf ulp\n", worst);
    assert_true(weir_ln(1.0) == 0.0);
    assert_true(weir_ln(0.0) == -HUGE_VAL);
    assert_true(weir_ln(-0.0) == -HUGE_VAL);
    assert_true(weir_ln(HUGE_VAL) == HUGE_VAL);
    assert_true(isnan(weir_ln(-1.0)));
    assert_true(isnan(weir_ln(-HUGE_VAL)));
    assert_true(isnan(weir_ln((double)NAN)));
}

static void exp2_is_right_to_the_last_place(void **state)
{
    (void)state;
    struct weir_rng r;
    long double worst = 0;
    weir_rng_seed(&r, 3);
    for (int i = 0; i < 300000; i++) {
        check_exp2(2 * weir_rng_unit(&r) - 1, &worst);
        check_exp2(2098 * weir_rng_unit(&r) - 1074, &worst);
        check_exp2(-1075 + 60 * weir_rng_unit(&r), &worst); // subnormal results
        check_exp2(ldexp(weir_rng_unit(&r) - 0.5, -(int)weir_rng_below(&r, 80)), &worst);
    }
    check_exp2(0x1.fffffffffffffp+9, &worst);
    check_exp2(-0x1.0cbffffffffffp+10, &worst); // just above -1075
    print_message("exp2: worst %.3Lf ulp\n", worst);
    for (int k = -1074; k <= 1023; k++)
        assert_true(weir_exp2(k) == ldexp(1, k));
    assert_true(weir_exp2(1024) == HUGE_VAL);
    assert_true(weir_exp2(HUGE_VAL) == HUGE_VAL);
    assert_true(weir_exp2(-1076) == 0);
    assert_true(weir_exp2(-HUGE_VAL) == 0);
    assert_true(isnan(weir_exp2((double)NAN)));
}

// The bits themselves, so that a compiler that contracts or reorders is found out. Checked with
// 60-digit arithmetic.
static void results_are_the_same_bits_everywhere(void **state)
{
    (void)state;
    assert_true(weir_ln(10.0) == 0x1.26bb1bbb55516p+1);
    assert_true(weir_ln(0.1) == -0x1.26bb1bbb55515p+1);
    assert_true(weir_exp2(0.5) == 0x1.6a09e667f3bcdp+0);
    uint64_t hash = 0;
    struct weir_rng r;
    weir_rng_seed(&r, 4);
    for (int i = 0; i < 100000; i++) {
        double values[2] = {weir_ln(1000 * weir_rng_unit(&r) + 1e-9),
                            weir_exp2(40 * weir_rng_unit(&r) - 20)};
        uint64_t bits[2];
        memcpy(bits, values, sizeof(bits));
        hash = (hash ^ bits[0]) * UINT64_C(0x100000001B3);
        hash = (hash ^ bits[1]) * UINT64_C(0x100000001B3);
    }
    assert_true(hash == UINT64_C(0x7cef5134c6b8d420));
}

static void the_monotonic_clock_does_not_go_back(void **state)
{
    (void)state;
    struct weir_clock c = weir_clock_monotonic();
    int64_t before = weir_clock_now_us(&c);
    assert_true(before > 0);
    for (int i = 0; i < 1000; i++) {
        int64_t now = weir_clock_now_us(&c);
        assert_true(now >= before);
        before = now;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rescale_rounds_to_nearest_and_saturates),
#ifdef __SIZEOF_INT128__
        cmocka_unit_test(rescale_equals_128_bit_arithmetic),
#endif
        cmocka_unit_test(ticks_do_not_drift),
        cmocka_unit_test(sums_and_products_saturate),
        cmocka_unit_test(the_generator_follows_its_definition),
        cmocka_unit_test(bounded_numbers_are_in_bounds_and_even),
        cmocka_unit_test(ln_is_right_to_the_last_place),
        cmocka_unit_test(exp2_is_right_to_the_last_place),
        cmocka_unit_test(results_are_the_same_bits_everywhere),
        cmocka_unit_test(the_monotonic_clock_does_not_go_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
