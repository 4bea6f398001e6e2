// cli/values.c — see values.h. Digits are read by hand: strtod and its like follow the locale and
// accept "0x1p3", "inf" and leading blanks.
#include "cli/values.h"

#include <string.h>

#include "core/clock.h"

#define TIME_MAX_S (INT64_C(10) * 366 * 24 * 3600)

// Digits at *at as a number of at most `max`; false when there is none or it is larger.
static bool digits(const char **at, int64_t max, int64_t *out)
{
    const char *p = *at;
    int64_t n = 0;
    if (*p < '0' || *p > '9')
        return false;
    for (; *p >= '0' && *p <= '9'; p++) {
        if (n > (max - (*p - '0')) / 10)
            return false;
        n = n * 10 + (*p - '0');
    }
    *at = p;
    *out = n;
    return true;
}

bool weir_value_integer(const char *text, int64_t min, int64_t max, int64_t *out)
{
    bool negative = *text == '-' && min < 0;
    const char *at = text + (negative || *text == '+');
    int64_t n;
    if (!digits(&at, INT64_MAX, &n) || *at)
        return false;
    *out = negative ? -n : n;
    return *out >= min && *out <= max;
}

// ".5", ".500", … as microseconds; digits beyond the sixth are read and dropped.
static bool fraction_us(const char **at, int64_t *out_us)
{
    int64_t us = 0, place = WEIR_SECOND_US / 10;
    if (**at != '.')
        return **at == '\0';
    if ((*at)[1] == '\0')
        return false; // a point and nothing behind it
    for ((*at)++; **at >= '0' && **at <= '9'; (*at)++, place /= 10)
        us += (**at - '0') * place;
    *out_us = us;
    return **at == '\0';
}

bool weir_value_time_us(const char *text, int64_t *out_us)
{
    const char *at = text;
    int64_t fields[3], us = 0;
    int count = 0;
    if (*at == '.') {
        fields[count++] = 0;
    } else {
        do {
            if (count == 3 || !digits(&at, TIME_MAX_S, &fields[count++]))
                return false;
        } while (*at == ':' && at++);
    }
    if (!fraction_us(&at, &us))
        return false;
    int64_t seconds = 0;
    for (int i = 0; i < count; i++) {
        if (i > 0 && fields[i] > 59)
            return false;
        seconds = seconds * 60 + fields[i];
    }
    if (seconds > TIME_MAX_S)
        return false;
    *out_us = seconds * WEIR_SECOND_US + us;
    return true;
}

bool weir_value_bytes(const char *text, int64_t *out)
{
    static const char suffixes[] = "KMG";
    const char *at = text;
    int64_t n;
    int shift = 0;
    if (!digits(&at, INT64_MAX, &n))
        return false;
    if (*at) {
        const char *s = strchr(suffixes, *at >= 'a' ? *at - 'a' + 'A' : *at);
        if (!s || at[1])
            return false;
        shift = 10 * (int)(s - suffixes + 1);
    }
    if (n > INT64_MAX >> shift)
        return false;
    *out = n << shift;
    return true;
}

bool weir_value_rate_bps(const char *text, int64_t max, int64_t *out)
{
    const char *at = text;
    int64_t whole, fraction = 0, unit = 1, place = WEIR_SECOND_US * 1000; // nine digits
    if (!digits(&at, max, &whole))
        return false;
    if (*at == '.') {
        if (at[1] < '0' || at[1] > '9')
            return false;
        for (at++; *at >= '0' && *at <= '9'; at++)
            fraction += (*at - '0') * (place /= 10);
    }
    if (*at) {
        static const char suffixes[] = "KMG";
        const char *s = strchr(suffixes, *at >= 'a' ? *at - 'a' + 'A' : *at);
        if (!s || at[1])
            return false;
        for (const char *u = suffixes; u <= s; u++)
            unit *= 1000;
    }
    if (whole > max / unit)
        return false;
    *out = whole * unit + fraction / (WEIR_SECOND_US * 1000 / unit);
    return *out <= max;
}
