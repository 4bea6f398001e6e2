// sim/trace_json.c — reads the two JSON formats of traces: Sabre's array of intervals, and
// weir.trace/1.
#include "sim/trace_build.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

// A member's number in milliseconds as microseconds; WEIR_TIME_NONE where it is absent.
static int read_ms(struct weir_trace *t, const json_t *object, const char *key, const char *name,
                   size_t number, int64_t *out_us)
{
    *out_us = WEIR_TIME_NONE;
    const json_t *value = json_object_get(object, key);
    if (!value)
        return 0;
    double ms = json_number_value(value);
    if (!json_is_number(value) || !isfinite(ms) || ms < 0 ||
        ms > (double)WEIR_TRACE_MAX_PERIOD_S * 1e3)
        return weir_error_set(t->error, WEIR_ERR_SYNTAX, t->where,
                              "%s %zu: %s is not a number from 0 to a year", name, number, key);
    *out_us = (int64_t)llround(ms * 1000.0);
    return 0;
}

static int read_interval(struct weir_trace *t, const json_t *item, size_t number,
                         int64_t default_latency_us)
{
    if (!json_is_object(item))
        return weir_trace_fail(t, WEIR_ERR_SYNTAX, "interval", number, "not an object");
    int64_t duration_us, latency_us;
    int err = read_ms(t, item, "duration_ms", "interval", number, &duration_us);
    if (!err)
        err = read_ms(t, item, "latency_ms", "interval", number, &latency_us);
    if (err)
        return err;
    const json_t *rate = json_object_get(item, "bandwidth_kbps");
    if (duration_us == WEIR_TIME_NONE)
        return weir_trace_fail(t, WEIR_ERR_SYNTAX, "interval", number, "duration_ms is missing");
    if (!json_is_number(rate))
        return weir_trace_fail(t, WEIR_ERR_SYNTAX, "interval", number,
                               "bandwidth_kbps is missing or no number");
    if (duration_us == 0)
        return weir_trace_fail(t, WEIR_ERR_SYNTAX, "interval", number, "duration_ms is 0");
    if (latency_us == WEIR_TIME_NONE)
        latency_us = default_latency_us;
    // Both terms are at most a year, so the sum fits.
    return weir_trace_add(t, t->period_us + duration_us, json_number_value(rate) * 1000.0,
                          latency_us, "interval", number);
}

static int read_intervals(struct weir_trace *t, const json_t *array, int64_t latency_us)
{
    size_t count = json_array_size(array);
    if (count > WEIR_TRACE_MAX_INTERVALS)
        return weir_error_set(t->error, WEIR_ERR_TOO_BIG, t->where,
                              "more than 4 million intervals");
    for (size_t i = 0; i < count; i++) {
        int err = read_interval(t, json_array_get(array, i), i + 1, latency_us);
        if (err)
            return err;
    }
    return 0;
}

static int read_weir(struct weir_trace *t, const json_t *root)
{
    const char *schema = json_string_value(json_object_get(root, "schema"));
    if (!schema || strcmp(schema, "weir.trace/1") != 0)
        return weir_error_set(t->error, WEIR_ERR_SYNTAX, t->where,
                              "a JSON object without \"schema\": \"weir.trace/1\"");
    const json_t *intervals = json_object_get(root, "intervals");
    if (!json_is_array(intervals))
        return weir_error_set(t->error, WEIR_ERR_SYNTAX, t->where,
                              "\"intervals\" is missing or no array");
    int64_t latency_us;
    int err = read_ms(t, root, "latency_ms", "document", 1, &latency_us);
    return err ? err : read_intervals(t, intervals, latency_us);
}

int weir_trace_read_json(struct weir_trace *t, const char *data, size_t size_bytes)
{
    // A tree takes some forty bytes per byte of the densest text, so the bound is lower than for
    // columns.
    if (size_bytes > (size_t)WEIR_TRACE_MAX_JSON_BYTES)
        return weir_error_set(t->error, WEIR_ERR_TOO_BIG, t->where,
                              "a JSON trace of more than 16 MiB");
    json_error_t at;
    json_t *root = json_loadb(data, size_bytes, JSON_REJECT_DUPLICATES, &at);
    if (!root)
        return weir_error_set(t->error, WEIR_ERR_SYNTAX, t->where, "line %d: malformed JSON: %s",
                              at.line, at.text);
    int err;
    if (json_is_array(root)) {
        t->format = WEIR_TRACE_SABRE;
        err = read_intervals(t, root, WEIR_TIME_NONE);
    } else {
        t->format = WEIR_TRACE_WEIR;
        err = read_weir(t, root);
    }
    json_decref(root);
    return err;
}
