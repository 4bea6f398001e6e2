// sim/trace_text.c — reads the two column formats of traces: cooked (seconds, Mbit/s) and Mahimahi
// (the milliseconds at which packets may leave). Which of them it is, the first line's number of
// columns says.
#include "sim/trace_build.h"

#include <locale.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define MAX_LINE_BYTES 256
#define PACKET_BITS    12000.0 // 1500 bytes

struct columns {
    double value[2];
    int count; // 0: an empty line; 3: more than two
};

struct reader {
    struct weir_trace *trace;
    locale_t locale; // "C": a decimal point, whatever the user's locale
    size_t line;
    bool any; // a row was read
    double origin_s;
    int64_t packet_ms, packets; // Mahimahi: the millisecond being gathered
};

static bool read_number(const char **at, double *out, locale_t locale)
{
    // strtod also takes hexadecimal, "inf" and "nan", which no trace may hold.
    size_t len = strspn(*at, "0123456789.eE+-");
    if (len == 0)
        return false;
    char *end = NULL;
    *out = strtod_l(*at, &end, locale);
    bool whole = end == *at + len;
    *at = end;
    return whole && isfinite(*out);
}

static bool read_columns(const char *line, struct columns *out, locale_t locale)
{
    out->count = 0;
    for (const char *at = line + strspn(line, " \t\r"); *at; at += strspn(at, " \t\r")) {
        double value;
        if (!read_number(&at, &value, locale) || (*at && !strchr(" \t\r", *at)))
            return false;
        if (out->count < 2)
            out->value[out->count] = value;
        if (++out->count > 2)
            return false;
    }
    return true;
}

static int cooked_row(struct reader *r, const struct columns *c)
{
    struct weir_trace *t = r->trace;
    if (c->count != 2)
        return weir_trace_fail(t, WEIR_ERR_SYNTAX, "line", r->line,
                               "want two columns: seconds and Mbit/s");
    if (!r->any) { // row 0 only sets the origin
        r->origin_s = c->value[0];
        if (c->value[0] < 0 || c->value[1] < 0)
            return weir_trace_fail(t, WEIR_ERR_SYNTAX, "line", r->line, "a negative value");
        return 0;
    }
    double end_s = c->value[0] - r->origin_s;
    if (end_s > (double)WEIR_TRACE_MAX_PERIOD_S)
        return weir_trace_fail(t, WEIR_ERR_TOO_BIG, "line", r->line,
                               "the trace is longer than a year");
    if (!(end_s > 0))
        return weir_trace_fail(t, WEIR_ERR_SYNTAX, "line", r->line, "time does not go forward");
    return weir_trace_add(t, (int64_t)llround(end_s * 1e6), c->value[1] * 1e6, WEIR_TIME_NONE,
                          "line", r->line);
}

// The packets of millisecond m leave during the millisecond that ends at m, so that the last one's
// belong to this repetition. Those of millisecond 0 leave during the first.
static int flush_packets(struct reader *r)
{
    struct weir_trace *t = r->trace;
    if (r->packets == 0)
        return 0;
    int64_t end_us = r->packet_ms * 1000;
    int err = 0;
    if (end_us - 1000 > t->period_us)
        err = weir_trace_add(t, end_us - 1000, 0.0, WEIR_TIME_NONE, "line", r->line);
    if (!err)
        err = weir_trace_add(t, end_us, (double)r->packets * PACKET_BITS * 1000.0, WEIR_TIME_NONE,
                             "line", r->line);
    r->packets = 0;
    return err;
}

static int mahimahi_row(struct reader *r, const struct columns *c)
{
    struct weir_trace *t = r->trace;
    double ms = c->value[0];
    if (c->count != 1 || ms < 0 || ms != floor(ms))
        return weir_trace_fail(t, WEIR_ERR_SYNTAX, "line", r->line,
                               "want one whole number of milliseconds");
    if (ms > (double)WEIR_TRACE_MAX_PERIOD_S * 1e3)
        return weir_trace_fail(t, WEIR_ERR_TOO_BIG, "line", r->line,
                               "the trace is longer than a year");
    int64_t at_ms = ms < 1 ? 1 : (int64_t)ms;
    if (at_ms < r->packet_ms)
        return weir_trace_fail(t, WEIR_ERR_SYNTAX, "line", r->line, "time does not go forward");
    if (at_ms > r->packet_ms) {
        int err = flush_packets(r);
        if (err)
            return err;
        r->packet_ms = at_ms;
    }
    r->packets++;
    return 0;
}

static int read_line(struct reader *r, const char *start, size_t len)
{
    struct weir_trace *t = r->trace;
    char line[MAX_LINE_BYTES];
    if (len >= sizeof(line))
        return weir_trace_fail(t, WEIR_ERR_TOO_BIG, "line", r->line, "longer than 255 bytes");
    memcpy(line, start, len);
    line[len] = '\0';
    struct columns c;
    if (strlen(line) != len || !read_columns(line, &c, r->locale))
        return weir_trace_fail(t, WEIR_ERR_SYNTAX, "line", r->line, "not one or two numbers");
    if (c.count == 0)
        return 0;
    if (!r->any)
        t->format = c.count == 2 ? WEIR_TRACE_COOKED : WEIR_TRACE_MAHIMAHI;
    int err = t->format == WEIR_TRACE_COOKED ? cooked_row(r, &c) : mahimahi_row(r, &c);
    r->any = true;
    return err;
}

int weir_trace_read_text(struct weir_trace *t, const char *data, size_t size_bytes)
{
    struct reader r = {.trace = t, .locale = newlocale(LC_ALL_MASK, "C", (locale_t)0)};
    if (r.locale == (locale_t)0)
        return weir_error_set(t->error, WEIR_ERR_NOMEM, t->where, "memory ran out");
    int err = 0;
    for (size_t at = 0; at < size_bytes && !err;) {
        const char *newline = memchr(data + at, '\n', size_bytes - at);
        size_t len = newline ? (size_t)(newline - (data + at)) : size_bytes - at;
        r.line++;
        err = read_line(&r, data + at, len);
        at += len + 1;
    }
    if (!err)
        err = flush_packets(&r);
    if (!err && t->format == WEIR_TRACE_COOKED && t->count == 0)
        err = weir_error_set(t->error, WEIR_ERR_SYNTAX, t->where,
                             "a cooked trace needs at least two rows");
    freelocale(r.locale);
    return err;
}
