// sim/trace_write.c — writes the four trace formats into memory. Numbers are the shortest that read
// back as the same rate; times are exact, for traces keep whole microseconds.
#include "sim/trace_write.h"

#include <locale.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PACKET_BITS 12000.0 // 1500 bytes

struct writer {
    const struct weir_trace *t;
    int64_t latency_us; // WEIR_TIME_NONE: the trace's own
    FILE *to;
    size_t room; // what may still be written
};

static const char *const names[] = {"sabre", "cooked", "mahimahi", "weir"};

const char *weir_trace_format_name(enum weir_trace_format f)
{
    return names[f];
}

int weir_trace_format_from(const char *name)
{
    for (int i = 0; i < 4; i++)
        if (strcmp(name, names[i]) == 0)
            return i;
    return -1;
}

static bool put(struct writer *w, const char *text)
{
    size_t len = strlen(text);
    if (len > w->room)
        return false;
    w->room -= len;
    return fputs(text, w->to) >= 0;
}

// value / unit, as the shortest decimal that, read and multiplied by the unit, is the value again.
// Where no decimal is (one in a hundred), the nearest.
static void decimal(char *out, size_t room, double value, double unit)
{
    double scaled = value / unit;
    if (scaled == floor(scaled) && scaled < 1e15 && scaled * unit == value) {
        (void)snprintf(out, room, "%.0f", scaled);
        return;
    }
    for (int digits = 6; digits <= 17; digits++) {
        (void)snprintf(out, room, "%.*g", digits, scaled);
        if (strtod(out, NULL) * unit == value)
            return;
    }
    const double near[] = {nextafter(scaled, 0), nextafter(scaled, HUGE_VAL), scaled};
    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(out, room, "%.17g", near[i]);
        if (near[i] * unit == value)
            return;
    }
}

// Whole microseconds in units of 10^digits of them.
static void exact(char *out, size_t room, int64_t us, int digits)
{
    int64_t unit = digits == 3 ? 1000 : 1000000;
    int len =
        snprintf(out, room, "%lld.%0*lld", (long long)(us / unit), digits, (long long)(us % unit));
    while (len > 0 && out[len - 1] == '0')
        out[--len] = '\0';
    if (len > 0 && out[len - 1] == '.')
        out[len - 1] = '\0';
}

static int64_t end_us(const struct weir_trace *t, size_t i)
{
    return i + 1 < weir_trace_count(t) ? weir_trace_at(t, i + 1)->start_us
                                       : weir_trace_period_us(t);
}

static double period_bits(const struct weir_trace *t)
{
    return weir_trace_mean_bps(t) * (double)weir_trace_period_us(t) / 1e6;
}

static bool write_interval(struct writer *w, size_t i, bool latency_wanted)
{
    const struct weir_trace_interval *v = weir_trace_at(w->t, i);
    char line[256], duration[48], rate[48], latency[48] = "0";
    exact(duration, sizeof(duration), end_us(w->t, i) - v->start_us, 3);
    decimal(rate, sizeof(rate), v->bps, 1000);
    int64_t latency_us = w->latency_us != WEIR_TIME_NONE ? w->latency_us : v->latency_us;
    if (latency_us != WEIR_TIME_NONE) {
        exact(latency, sizeof(latency), latency_us, 3);
        latency_wanted = true;
    }
    (void)snprintf(line, sizeof(line), "%s    {\"duration_ms\": %s, \"bandwidth_kbps\": %s%s%s}",
                   i ? ",\n" : "\n", duration, rate, latency_wanted ? ", \"latency_ms\": " : "",
                   latency_wanted ? latency : "");
    return put(w, line);
}

static bool write_json(struct writer *w, bool sabre)
{
    bool ok = put(w, sabre ? "[" : "{\"schema\": \"weir.trace/1\", \"intervals\": [");
    for (size_t i = 0; ok && i < weir_trace_count(w->t); i++)
        ok = write_interval(w, i, sabre);
    return ok && put(w, sabre ? "\n]\n" : "\n]}\n");
}

static bool write_cooked(struct writer *w)
{
    bool ok = true;
    for (size_t i = 0; ok && i < weir_trace_count(w->t); i++) {
        char line[128], time[48], rate[48];
        decimal(rate, sizeof(rate), weir_trace_at(w->t, i)->bps, 1e6);
        if (i == 0) { // sets the origin; its rate is never used
            (void)snprintf(line, sizeof(line), "0\t%s\n", rate);
            ok = put(w, line);
        }
        exact(time, sizeof(time), end_us(w->t, i), 6);
        (void)snprintf(line, sizeof(line), "%s\t%s\n", time, rate);
        ok = ok && put(w, line);
    }
    return ok;
}

// A packet leaves in the millisecond in which its last bit is offered, so that less than a packet
// is lost in all. The last line is the period: a packet is held back for it where the trace's last
// millisecond has none.
static bool write_mahimahi(struct writer *w)
{
    const struct weir_trace *t = w->t;
    int64_t period_ms = (int64_t)llround((double)weir_trace_period_us(t) / 1000);
    if (period_ms < 1)
        period_ms = 1;
    int64_t total = (int64_t)floor(period_bits(t) / PACKET_BITS + 1e-9);
    size_t i = 0, count = weir_trace_count(t);
    bool ok = true;
    for (int64_t n = 1; ok && n <= total; n++) {
        double bits = (double)n * PACKET_BITS * (1 - 1e-14);
        while (i + 1 < count && weir_trace_at(t, i + 1)->bits_before < bits)
            i++;
        const struct weir_trace_interval *v = weir_trace_at(t, i);
        double at_us = (double)v->start_us + (bits - v->bits_before) * 1e6 / v->bps;
        double ms = ceil(at_us / 1000 * (1 - 1e-15) - 1e-9);
        int64_t at_ms = n == total || !(ms < (double)period_ms) ? period_ms : (int64_t)ms;
        char line[32];
        (void)snprintf(line, sizeof(line), "%lld\n", (long long)(at_ms < 1 ? 1 : at_ms));
        ok = put(w, line);
    }
    return ok;
}

static bool write_format(struct writer *w, enum weir_trace_format format)
{
    switch (format) {
    case WEIR_TRACE_COOKED:
        return write_cooked(w);
    case WEIR_TRACE_MAHIMAHI:
        return write_mahimahi(w);
    default:
        return write_json(w, format == WEIR_TRACE_SABRE);
    }
}

int weir_trace_text(const struct weir_trace *t, enum weir_trace_format format, int64_t latency_us,
                    char **out, size_t *size_bytes, struct weir_error *e)
{
    *out = NULL;
    const char *name = weir_trace_format_name(format);
    bool json = format == WEIR_TRACE_SABRE || format == WEIR_TRACE_WEIR;
    if (format == WEIR_TRACE_MAHIMAHI && period_bits(t) / PACKET_BITS + 1e-9 < 1)
        return weir_error_set(e, WEIR_ERR_UNSUPPORTED, name,
                              "the trace offers less than one packet of 1500 bytes");
    struct writer w = {.t = t,
                       .latency_us = latency_us,
                       .room = (size_t)(json ? WEIR_TRACE_MAX_JSON_BYTES : WEIR_TRACE_MAX_BYTES)};
    locale_t c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    w.to = c == (locale_t)0 ? NULL : open_memstream(out, size_bytes);
    if (!w.to) {
        if (c != (locale_t)0)
            freelocale(c);
        return weir_error_set(e, WEIR_ERR_NOMEM, name, "memory ran out");
    }
    locale_t before = uselocale(c); // of this thread only
    bool ok = write_format(&w, format);
    (void)uselocale(before);
    freelocale(c);
    bool out_of_memory = ferror(w.to) != 0;
    out_of_memory = fclose(w.to) != 0 || out_of_memory;
    if (ok && !out_of_memory)
        return 0;
    free(*out);
    *out = NULL;
    if (out_of_memory)
        return weir_error_set(e, WEIR_ERR_NOMEM, name, "memory ran out");
    return weir_error_set(e, WEIR_ERR_TOO_BIG, name, "the trace would be more than %d MiB of text",
                          json ? (int)(WEIR_TRACE_MAX_JSON_BYTES >> 20)
                               : (int)(WEIR_TRACE_MAX_BYTES >> 20));
}
