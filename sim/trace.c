// sim/trace.c — a trace in memory and what is asked of it. Reading is in trace_json.c and
// trace_text.c; here are the checks common to all formats, and the exact account of bits over time.
#include "sim/trace_build.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int weir_trace_fail(struct weir_trace *t, int code, const char *name, size_t number,
                    const char *what)
{
    return weir_error_set(t->error, code, t->where, "%s %zu: %s", name, number, what);
}

static bool grow(struct weir_trace *t)
{
    size_t room = t->room ? t->room * 2 : 256;
    struct weir_trace_interval *grown = realloc(t->intervals, room * sizeof(*grown));
    if (!grown) {
        (void)weir_error_set(t->error, WEIR_ERR_NOMEM, t->where, "memory ran out");
        return false;
    }
    t->intervals = grown;
    t->room = room;
    return true;
}

int weir_trace_add(struct weir_trace *t, int64_t end_us, double bps, int64_t latency_us,
                   const char *name, size_t number)
{
    if (!isfinite(bps) || bps < 0)
        return weir_trace_fail(t, WEIR_ERR_SYNTAX, name, number,
                               "the rate is negative or no number");
    if (bps > WEIR_TRACE_MAX_BPS)
        return weir_trace_fail(t, WEIR_ERR_TOO_BIG, name, number, "the rate is above 1 Tbit/s");
    if (end_us <= t->period_us)
        return weir_trace_fail(t, WEIR_ERR_SYNTAX, name, number, "time does not go forward");
    if (end_us > WEIR_TRACE_MAX_PERIOD_US)
        return weir_trace_fail(t, WEIR_ERR_TOO_BIG, name, number,
                               "the trace is longer than a year");
    if (latency_us != WEIR_TIME_NONE && (latency_us < 0 || latency_us > WEIR_TRACE_MAX_LATENCY_US))
        return weir_trace_fail(t, WEIR_ERR_SYNTAX, name, number,
                               "the latency is negative or above an hour");
    double bits = bps * (double)(end_us - t->period_us) / 1e6;
    const struct weir_trace_interval *last = t->count ? &t->intervals[t->count - 1] : NULL;
    bool same = last && last->bps == bps && last->latency_us == latency_us;
    if (!same) {
        if (t->count >= WEIR_TRACE_MAX_INTERVALS)
            return weir_trace_fail(t, WEIR_ERR_TOO_BIG, name, number,
                                   "more than 4 million intervals");
        if ((!t->intervals || t->count == t->room) && !grow(t))
            return WEIR_ERR_NOMEM;
        t->intervals[t->count++] = (struct weir_trace_interval){.start_us = t->period_us,
                                                                .bps = bps,
                                                                .latency_us = latency_us,
                                                                .bits_before = t->period_bits};
    }
    t->period_us = end_us;
    t->period_bits += bits;
    return 0;
}

static size_t skip_space(const char *data, size_t size_bytes)
{
    size_t i = 0;
    while (i < size_bytes && strchr(" \t\r\n", data[i]) && data[i])
        i++;
    return i;
}

int weir_trace_parse(const char *data, size_t size_bytes, const char *where,
                     struct weir_trace **out, struct weir_error *e)
{
    *out = NULL;
    if (size_bytes > (size_t)WEIR_TRACE_MAX_BYTES)
        return weir_error_set(e, WEIR_ERR_TOO_BIG, where, "a trace of more than 64 MiB");
    struct weir_trace *t = calloc(1, sizeof(*t));
    if (!t)
        return weir_error_set(e, WEIR_ERR_NOMEM, where, "memory ran out");
    t->where = where;
    t->error = e;
    size_t first = skip_space(data, size_bytes);
    int err;
    if (first == size_bytes)
        err = weir_error_set(e, WEIR_ERR_SYNTAX, where, "an empty file is no trace");
    else if (data[first] == '[' || data[first] == '{')
        err = weir_trace_read_json(t, data, size_bytes);
    else
        err = weir_trace_read_text(t, data, size_bytes);
    if (!err && t->count == 0)
        err = weir_error_set(e, WEIR_ERR_SYNTAX, where, "the trace has no interval");
    // A trace of zeros alone would let no transfer ever end.
    if (!err && !(t->period_bits > 0))
        err = weir_error_set(e, WEIR_ERR_SYNTAX, where, "the trace never lets a bit through");
    if (err) {
        weir_trace_destroy(&t);
        return err;
    }
    t->where = NULL;
    t->error = NULL;
    *out = t;
    return 0;
}

static int read_file(FILE *f, const char *path, char **out, size_t *size_bytes,
                     struct weir_error *e)
{
    size_t room = 1 << 16, used = 0;
    char *data = NULL;
    int err = 0;
    for (;;) {
        char *grown = realloc(data, room);
        if (!grown) {
            err = weir_error_set(e, WEIR_ERR_NOMEM, path, "memory ran out");
            break;
        }
        data = grown;
        used += fread(data + used, 1, room - used, f);
        if (ferror(f)) {
            err = weir_error_set(e, WEIR_ERR_NOT_FOUND, path, "cannot read the trace");
            weir_error_why(e, "%s", strerror(errno)); // NOLINT(concurrency-mt-unsafe)
            break;
        }
        if (used < room)
            break;
        if (used > (size_t)WEIR_TRACE_MAX_BYTES) {
            err = weir_error_set(e, WEIR_ERR_TOO_BIG, path, "a trace of more than 64 MiB");
            break;
        }
        room *= 2;
    }
    if (err) {
        free(data);
        return err;
    }
    *out = data;
    *size_bytes = used;
    return 0;
}

int weir_trace_load(const char *path, struct weir_trace **out, struct weir_error *e)
{
    *out = NULL;
    FILE *f = fopen(path, "rbe");
    if (!f) {
        int err = weir_error_set(e, WEIR_ERR_NOT_FOUND, path, "cannot open the trace");
        weir_error_why(e, "%s", strerror(errno)); // NOLINT(concurrency-mt-unsafe)
        return err;
    }
    char *data = NULL;
    size_t size_bytes = 0;
    int err = read_file(f, path, &data, &size_bytes, e);
    (void)fclose(f);
    if (!err)
        err = weir_trace_parse(data, size_bytes, path, out, e);
    free(data);
    return err;
}

void weir_trace_destroy(struct weir_trace **t)
{
    if (!*t)
        return;
    free((*t)->intervals);
    free(*t);
    *t = NULL;
}

enum weir_trace_format weir_trace_format(const struct weir_trace *t)
{
    return t->format;
}

int64_t weir_trace_period_us(const struct weir_trace *t)
{
    return t->period_us;
}

double weir_trace_mean_bps(const struct weir_trace *t)
{
    return t->period_bits * 1e6 / (double)t->period_us;
}

size_t weir_trace_count(const struct weir_trace *t)
{
    return t->count;
}

const struct weir_trace_interval *weir_trace_at(const struct weir_trace *t, size_t index)
{
    return &t->intervals[index];
}

// The last interval that starts at or before `within_us`, which lies in [0, period).
static const struct weir_trace_interval *interval_at(const struct weir_trace *t, int64_t within_us)
{
    size_t low = 0,
           high = t->count; // intervals[low].start_us <= within_us < intervals[high].start_us
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (t->intervals[middle].start_us <= within_us)
            low = middle;
        else
            high = middle;
    }
    return &t->intervals[low];
}

double weir_trace_bits_until(const struct weir_trace *t, int64_t at_us)
{
    int64_t turns = at_us / t->period_us, within_us = at_us % t->period_us;
    const struct weir_trace_interval *i = interval_at(t, within_us);
    double within_bits = i->bits_before + i->bps * (double)(within_us - i->start_us) / 1e6;
    return (double)turns * t->period_bits + within_bits;
}

int64_t weir_trace_latency_us(const struct weir_trace *t, int64_t at_us)
{
    return interval_at(t, at_us % t->period_us)->latency_us;
}
