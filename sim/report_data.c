// sim/report_data.c — results as JSON for the report's page: weir.report/1. Sets hold a cell per
// algorithm, null where there are no sessions; [mean, low, high] are means with 95 % intervals.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/report_internal.h"
#include "sim/sweep.h"

#define CURVE_POINTS 101 // of a CDF: every percent

void weir_report_number(struct weir_textbuf *out, double value)
{
    char text[40];
    if (!isfinite(value)) {
        weir_textbuf_put(out, "null");
        return;
    }
    int length = snprintf(text, sizeof(text), "%.6g", value);
    char *comma = strchr(text, ','); // where a host program has set a locale
    if (comma)
        *comma = '.';
    weir_textbuf_add(out, text, (size_t)length);
}

static void key(struct weir_textbuf *out, const char *name)
{
    weir_textbuf_printf(out, ",\"%s\":", name);
}

static void list(struct weir_textbuf *out, const double *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        weir_textbuf_put(out, i ? "," : "[");
        weir_report_number(out, values[i]);
    }
    weir_textbuf_put(out, "]");
}

static void add_mean(struct weir_textbuf *out, const char *name, const struct weir_result_cell *c,
                     int metric)
{
    key(out, name);
    list(out, (const double[]){c->mean[metric], c->interval[metric].low, c->interval[metric].high},
         3);
}

static void add_plain(struct weir_textbuf *out, const char *name, double value)
{
    key(out, name);
    weir_report_number(out, value);
}

// Quantiles of what is known of the samples.
static void add_curve(struct weir_textbuf *out, const char *name, const float *samples,
                      size_t count)
{
    double *sorted = malloc((count ? count : 1) * sizeof(*sorted));
    double points[CURVE_POINTS];
    size_t n = 0;
    if (!sorted) {
        out->failed = true;
        return;
    }
    for (size_t i = 0; i < count; i++)
        if (!isnan(samples[i]))
            sorted[n++] = (double)samples[i];
    weir_stats_sort(sorted, n);
    for (int i = 0; n && i < CURVE_POINTS; i++)
        points[i] = weir_stats_quantile(sorted, n, i / (CURVE_POINTS - 1.0));
    key(out, name);
    if (n)
        list(out, points, CURVE_POINTS);
    else
        weir_textbuf_put(out, "null");
    free(sorted);
}

static void add_cell(struct weir_textbuf *out, const struct weir_result_cell *c)
{
    weir_textbuf_printf(out, "{\"sessions\":%lld,\"stalled\":%lld,\"failed\":%lld,\"missed\":%zu",
                        (long long)c->sessions, (long long)c->stalled, (long long)c->failed,
                        c->missed);
    add_mean(out, "lin", c, WEIR_RESULT_LIN);
    add_mean(out, "log", c, WEIR_RESULT_LOG);
    add_mean(out, "vmaf", c, WEIR_RESULT_VMAF);
    add_plain(out, "bitrate", c->mean[WEIR_RESULT_BITRATE]);
    add_plain(out, "rebuffer", c->mean[WEIR_RESULT_REBUFFER]);
    add_plain(out, "startup", c->mean[WEIR_RESULT_STARTUP]);
    add_plain(out, "switches", c->mean[WEIR_RESULT_SWITCHES]);
    add_plain(out, "p95", c->p95_stall_s);
    key(out, "share");
    for (int m = 0; m < 2; m++) {
        const struct weir_result_share *s = &c->share[m];
        weir_textbuf_put(out, m ? "," : "[");
        list(out, (const double[]){s->share, s->interval.low, s->interval.high, s->bracket}, 4);
    }
    weir_textbuf_put(out, "]");
    key(out, "difference");
    for (int m = 0; m < 2; m++) {
        const struct weir_result_difference *d = &c->difference[m];
        weir_textbuf_put(out, m ? "," : "[");
        list(out, (const double[]){d->mean, d->interval.low, d->interval.high, d->p}, 4);
    }
    weir_textbuf_put(out, "]");
    add_curve(out, "curve_lin", c->sample_lin, c->sample_count);
    add_curve(out, "curve_log", c->sample_log, c->sample_count);
    weir_textbuf_put(out, "}");
}

static void add_names(struct weir_textbuf *out, const struct weir_results *r,
                      const struct weir_result_set *set, const bool *which)
{
    bool first = true;
    weir_textbuf_put(out, "[");
    for (size_t t = 0; t < set->trace_count; t++) {
        if (!which[t])
            continue;
        weir_textbuf_put(out, first ? "" : ",");
        weir_textbuf_json(out, weir_store_trace(r->store, (size_t)set->traces[t])->name);
        first = false;
    }
    weir_textbuf_put(out, "]");
}

static bool any_sessions(const struct weir_results *r, const struct weir_result_set *set)
{
    for (size_t a = 0; a < r->abr_count; a++)
        if (set->cells[a].sessions)
            return true;
    return false;
}

static void add_set(struct weir_textbuf *out, const struct weir_results *r,
                    const struct weir_result_set *set, struct weir_report_sessions *sessions)
{
    weir_textbuf_put(out, "{\"name\":");
    weir_textbuf_json(out, set->name);
    weir_textbuf_printf(out, ",\"content\":%d,\"traces\":%zu", set->content, set->trace_count);
    key(out, "hopeless");
    add_names(out, r, set, set->hopeless);
    key(out, "unshared");
    weir_textbuf_put(out, "[");
    add_names(out, r, set, set->unshared[0]);
    weir_textbuf_put(out, ",");
    add_names(out, r, set, set->unshared[1]);
    weir_textbuf_put(out, "]");
    key(out, "left_out");
    add_names(out, r, set, set->left_out);
    key(out, "cells");
    for (size_t a = 0; a < r->abr_count; a++) {
        weir_textbuf_put(out, a ? "," : "[");
        if (set->cells[a].sessions)
            add_cell(out, &set->cells[a]);
        else
            weir_textbuf_put(out, "null");
    }
    weir_textbuf_put(out, "]");
    key(out, "examples");
    weir_report_sessions_add(sessions, set, out);
    weir_textbuf_put(out, "}");
}

static void add_setting(struct weir_textbuf *out, const struct weir_store *store, const char *name)
{
    const char *value = weir_store_meta(store, name);
    key(out, name);
    weir_textbuf_json(out, value ? value : "");
}

static void add_head(struct weir_textbuf *out, const struct weir_results *r)
{
    static const char *const settings[] = {"weir_version", "command",  "net",  "buffer_max_us",
                                           "abandon",      "offsets",  "seed", "rtt_us",
                                           "startup_us",   "resume_us"};
    weir_textbuf_put(out, "{\"schema\":\"weir.report/1\"");
    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
        add_setting(out, r->store, settings[i]);
    weir_textbuf_printf(out, ",\"sessions\":%lld,\"failed\":%lld,\"baseline\":%d",
                        (long long)r->sessions, (long long)r->failed, r->baseline);
    key(out, "contents");
    for (size_t i = 0; i < weir_store_content_count(r->store); i++) {
        const struct weir_store_content *c = weir_store_content(r->store, i);
        weir_textbuf_put(out, i ? ",{\"name\":" : "[{\"name\":");
        weir_textbuf_json(out, c->name);
        key(out, "path");
        weir_textbuf_json(out, c->path);
        weir_textbuf_printf(out, ",\"segments\":%lld,\"duration\":", (long long)c->segments);
        weir_textbuf_seconds(out, c->duration_us);
        weir_textbuf_printf(out, ",\"lowest\":%lld,\"highest\":%lld}", (long long)c->lowest_bps,
                            (long long)c->highest_bps);
    }
    weir_textbuf_put(out, "]");
    key(out, "abrs");
    for (size_t i = 0; i < r->abr_count; i++) {
        const char *spec = weir_store_abr(r->store, i)->spec;
        weir_textbuf_put(out, i ? ",{\"name\":" : "[{\"name\":");
        weir_textbuf_json(out, spec);
        weir_textbuf_printf(out, ",\"kind\":\"%s\"}",
                            weir_sweep_is_bound(spec)     ? "bound"
                            : weir_sweep_is_optimum(spec) ? "optimum"
                                                          : "player");
    }
    weir_textbuf_put(out, "]");
}

void weir_report_data(const struct weir_report_params *p, struct weir_textbuf *out)
{
    const struct weir_results *r = p->results;
    struct weir_report_sessions *sessions = weir_report_sessions_begin(p);
    if (!sessions) {
        out->failed = true;
        return;
    }
    bool first = true;
    add_head(out, r);
    key(out, "sets");
    weir_textbuf_put(out, "[");
    for (size_t i = 0; i < r->set_count; i++) {
        if (!any_sessions(r, &r->sets[i]))
            continue;
        weir_textbuf_put(out, first ? "" : ",");
        add_set(out, r, &r->sets[i], sessions);
        first = false;
    }
    weir_textbuf_put(out, "]");
    key(out, "missing");
    const char *missing = weir_report_sessions_missing(sessions);
    if (missing)
        weir_textbuf_json(out, missing);
    else
        weir_textbuf_put(out, "null");
    weir_textbuf_put(out, "}");
    weir_report_sessions_end(&sessions);
}
