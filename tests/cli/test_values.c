// tests/cli/test_values.c — option values: whole or not at all.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli/values.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define NO       INT64_MIN // is refused

static void whole_numbers_within_bounds(void **state)
{
    static const struct {
        const char *text;
        int64_t min, max, value;
    } cases[] = {
        {"0", 0, 9, 0},
        {"9", 0, 9, 9},
        {"10", 0, 9, NO},
        {"+7", 0, 9, 7},
        {"-7", -9, 9, -7},
        {"-7", 0, 9, NO},
        {"007", 0, 9, 7},
        {"", 0, 9, NO},
        {"-", -9, 9, NO},
        {"+", 0, 9, NO},
        {" 7", 0, 9, NO},
        {"7 ", 0, 9, NO},
        {"7x", 0, 9, NO},
        {"0x7", 0, 9, NO},
        {"7.0", 0, 9, NO},
        {"9223372036854775807", 0, INT64_MAX, INT64_MAX},
        {"9223372036854775808", 0, INT64_MAX, NO},
        {"99999999999999999999999999", 0, INT64_MAX, NO},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t n = 0;
        if (!weir_value_integer(cases[i].text, cases[i].min, cases[i].max, &n))
            n = NO;
        if (n != cases[i].value)
            fail_msg("\"%s\" is %lld", cases[i].text, (long long)n);
    }
}

static void times_in_every_form(void **state)
{
    static const struct {
        const char *text;
        int64_t us;
    } cases[] = {
        {"0", 0},
        {"90", 90000000},
        {"1.5", 1500000},
        {".25", 250000},
        {"0.000001", 1},
        {"0.0000019", 1},
        {"1:30", 90000000},
        {"01:30.5", 90500000},
        {"1:00:00", INT64_C(3600000000)},
        {"100:00:00", INT64_C(360000000000)},
        {"90:00", INT64_C(5400000000)},
        {"1:60", NO},
        {"1:60:00", NO},
        {"1:2:3:4", NO},
        {"", NO},
        {".", NO},
        {"5.", NO},
        {":", NO},
        {"1:", NO},
        {":30", NO},
        {"-1", NO},
        {"+1", NO},
        {"1e3", NO},
        {"1,5", NO},
        {"1.5.5", NO},
        {"inf", NO},
        {"nan", NO},
        {"316224000", INT64_C(316224000000000)}, // ten years
        {"316224001", NO},
        {"87840:00:01", NO},
        {"99999999999999999999", NO},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t us = 0;
        if (!weir_value_time_us(cases[i].text, &us))
            us = NO;
        if (us != cases[i].us)
            fail_msg("\"%s\" is %lld", cases[i].text, (long long)us);
    }
}

static void sizes_with_and_without_suffix(void **state)
{
    static const struct {
        const char *text;
        int64_t bytes;
    } cases[] = {
        {"0", 0},
        {"1000", 1000},
        {"3000000000", INT64_C(3000000000)},
        {"64K", 65536},
        {"64k", 65536},
        {"1M", 1048576},
        {"2g", INT64_C(2147483648)},
        {"8589934591G", INT64_C(8589934591) << 30},
        {"8589934592G", NO},
        {"9223372036854775807", INT64_MAX},
        {"9223372036854775807K", NO},
        {"1T", NO},
        {"1KB", NO},
        {"K", NO},
        {"", NO},
        {"-1", NO},
        {"1.5G", NO},
        {"1 M", NO},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t bytes = 0;
        if (!weir_value_bytes(cases[i].text, &bytes))
            bytes = NO;
        if (bytes != cases[i].bytes)
            fail_msg("\"%s\" is %lld", cases[i].text, (long long)bytes);
    }
}

static void rates_with_decimal_suffixes(void **state)
{
    static const struct {
        const char *text;
        int64_t value;
    } cases[] = {
        {"0", 0},
        {"1500", 1500},
        {"800K", 800000},
        {"2.5M", 2500000},
        {"1.25g", 1250000000},
        {"0.0005k", 0},
        {"1.5", 1},
        {"1.23456789012G", 1234567890},
        {"1000G", 1000000000000},
        {"1000.1G", NO},
        {"1001G", NO},
        {"", NO},
        {"K", NO},
        {".5M", NO},
        {"1.M", NO},
        {"-1", NO},
        {"1T", NO},
        {"1KK", NO},
        {"1e6", NO},
        {"nan", NO},
        {"99999999999999999999", NO},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t n = 0;
        if (!weir_value_rate_bps(cases[i].text, INT64_C(1000000000000), &n))
            n = NO;
        if (n != cases[i].value)
            fail_msg("\"%s\" is %lld", cases[i].text, (long long)n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rates_with_decimal_suffixes),
        cmocka_unit_test(whole_numbers_within_bounds),
        cmocka_unit_test(times_in_every_form),
        cmocka_unit_test(sizes_with_and_without_suffix),
    };
    return cmocka_run_group_tests_name("values", tests, NULL, NULL);
}
