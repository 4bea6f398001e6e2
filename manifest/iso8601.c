// manifest/iso8601.c — dates and durations of manifests, in integers only. Called by the parsers on
// hostile text. Must not use the C library's time functions: they know about the local zone and the
// locale.
#include "manifest/iso8601.h"

#include <stddef.h>
#include <string.h>

#include "manifest/internal.h"

static const char *skip_blanks(const char *s)
{
    return s + strspn(s, " \t\r\n");
}

// One field "12" or "12.5" of a duration before its letter: in millionths of the unit.
static bool read_field(const char **s, int64_t *out_micro)
{
    size_t len = strspn(*s, "0123456789.");
    if (len == 0 || len > 40 || !weir_parse_micro(*s, len, out_micro))
        return false;
    *s += len;
    return true;
}

bool weir_iso8601_duration(const char *s, int64_t *out_us, bool *approximate)
{
    static const struct {
        char letter;
        bool time;
        int64_t seconds;
    } units[] = {{'Y', false, 31536000}, {'M', false, 2592000}, {'W', false, 604800},
                 {'D', false, 86400},    {'H', true, 3600},     {'M', true, 60},
                 {'S', true, 1}};
    size_t next = 0;
    bool in_time = false, any = false;
    int64_t total = 0;
    if (approximate)
        *approximate = false;
    if (!s)
        return false;
    s = skip_blanks(s);
    bool negative = *s == '-';
    if (negative)
        s++;
    if (*s++ != 'P')
        return false;
    while (*s && *skip_blanks(s)) {
        if (*s == 'T' && !in_time) {
            in_time = true;
            s++;
            continue;
        }
        int64_t micro, part;
        if (!read_field(&s, &micro))
            return false;
        while (next < 7 && (units[next].letter != *s || units[next].time != in_time))
            next++;
        if (next == 7)
            return false;
        if (next < 2 && approximate)
            *approximate = true;
        if (__builtin_mul_overflow(micro, units[next].seconds, &part) ||
            __builtin_add_overflow(total, part, &total))
            return false;
        next++;
        s++;
        any = true;
    }
    if (!any)
        return false;
    *out_us = negative ? -total : total;
    return true;
}

// Exactly `n` digits.
static bool read_fixed(const char **s, int n, int *out)
{
    int v = 0;
    for (int i = 0; i < n; i++) {
        char c = (*s)[i];
        if (c < '0' || c > '9')
            return false;
        v = v * 10 + (c - '0');
    }
    *s += n;
    *out = v;
    return true;
}

// Days since 1970-01-01 of a proleptic Gregorian date: years counted from March, so that leap days
// come last.
static int64_t days_from_date(int year, int month, int day)
{
    int64_t y = year - (month <= 2);
    int64_t era = y / 400; // years are never negative here
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

// "Z", "+01:00", "-0130", "+01" or nothing: seconds east of UTC.
static bool read_zone(const char **s, int *out_seconds)
{
    *out_seconds = 0;
    if (**s == 'Z' || **s == 'z') {
        (*s)++;
        return true;
    }
    if (**s != '+' && **s != '-')
        return true;
    int sign = **s == '-' ? -1 : 1, hours, minutes = 0;
    (*s)++;
    if (!read_fixed(s, 2, &hours))
        return false;
    if (**s == ':')
        (*s)++;
    if (**s >= '0' && **s <= '9' && !read_fixed(s, 2, &minutes))
        return false;
    if (hours > 14 || minutes > 59) // xs:dateTime: at most 14 hours
        return false;
    *out_seconds = sign * (hours * 3600 + minutes * 60);
    return true;
}

// "T12:34:56.789", seconds and fraction optional, after the date.
static bool read_clock(const char **s, int64_t *out_us)
{
    int hour, minute, second = 0;
    int64_t fraction_us = 0;
    if (!read_fixed(s, 2, &hour) || *(*s)++ != ':' || !read_fixed(s, 2, &minute))
        return false;
    if (**s == ':') {
        (*s)++;
        if (!read_fixed(s, 2, &second))
            return false;
        size_t len = **s == '.' ? strspn(*s + 1, "0123456789") + 1 : 0;
        if (len == 1 || len > 40 || (len && !weir_parse_micro(*s, len, &fraction_us)))
            return false;
        *s += len;
    }
    bool end_of_day = hour == 24 && minute == 0 && second == 0 && fraction_us == 0;
    if ((hour > 23 && !end_of_day) || minute > 59 || second > 60) // 60: a leap second
        return false;
    int64_t of_day_s = hour * 3600 + minute * 60 + second;
    *out_us = of_day_s * 1000000 + fraction_us;
    return true;
}

bool weir_iso8601_datetime(const char *s, int64_t *out_us)
{
    static const int month_days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year, month, day, zone_s = 0;
    int64_t clock_us = 0;
    if (!s)
        return false;
    s = skip_blanks(s);
    if (!read_fixed(&s, 4, &year) || *s++ != '-' || !read_fixed(&s, 2, &month) || *s++ != '-' ||
        !read_fixed(&s, 2, &day))
        return false;
    if (month < 1 || month > 12 || day < 1 || day > month_days[month - 1])
        return false;
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (month == 2 && day == 29 && !leap)
        return false;
    if (*s == 'T' || *s == 't' || *s == ' ') {
        s++;
        if (!read_clock(&s, &clock_us))
            return false;
    }
    if (!read_zone(&s, &zone_s) || *skip_blanks(s))
        return false;
    *out_us = days_from_date(year, month, day) * 86400000000 + clock_us - (int64_t)zone_s * 1000000;
    return true;
}
