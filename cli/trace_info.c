// cli/trace_info.c — see trace_info.h.
#include "cli/trace_info.h"

#include <jansson.h>

#include "sim/trace_write.h"

static double seconds(int64_t us)
{
    return (double)us / 1e6;
}

void weir_trace_info_text(const struct weir_trace_info *i, FILE *out)
{
    const struct weir_trace_stats *s = &i->stats;
    (void)fprintf(out, "%s: %s\n", i->path, weir_trace_format_name(i->format));
    (void)fprintf(out, "  duration   %.3f s, %zu intervals\n", seconds(s->duration_us),
                  s->intervals);
    (void)fprintf(out, "  mean       %.0f kbit/s, standard deviation %.0f (%.3f of the mean)\n",
                  s->mean_bps / 1e3, s->std_bps / 1e3, s->cv);
    (void)fprintf(out, "  rates      %.0f to %.0f kbit/s;", s->min_bps / 1e3, s->max_bps / 1e3);
    for (size_t p = 0; p < WEIR_TRACE_PERCENTILES; p++)
        (void)fprintf(out, "%s %d %%: %.0f", p ? "," : "", weir_trace_percentiles[p],
                      s->percentile_bps[p] / 1e3);
    (void)fprintf(out, "\n  outages    %.2f %% of the time, the longest %.3f s\n",
                  100 * s->zero_share, seconds(s->longest_outage_us));
    if (s->latency_min_us == WEIR_TIME_NONE)
        (void)fputs("  latency    none is given\n", out);
    else
        (void)fprintf(out, "  latency    %g to %g ms, mean %.3f ms\n",
                      (double)s->latency_min_us / 1e3, (double)s->latency_max_us / 1e3,
                      s->latency_mean_us / 1e3);
}

static json_t *percentiles_json(const struct weir_trace_stats *s)
{
    json_t *o = json_object();
    for (size_t p = 0; o && p < WEIR_TRACE_PERCENTILES; p++) {
        char name[8];
        (void)snprintf(name, sizeof(name), "p%d", weir_trace_percentiles[p]);
        (void)json_object_set_new(o, name, json_real(s->percentile_bps[p]));
    }
    return o;
}

static json_t *latency_json(const struct weir_trace_stats *s)
{
    if (s->latency_min_us == WEIR_TIME_NONE)
        return json_null();
    return json_pack("{s:f, s:f, s:f}", "min", seconds(s->latency_min_us), "mean",
                     s->latency_mean_us / 1e6, "max", seconds(s->latency_max_us));
}

char *weir_trace_info_json(const struct weir_trace_info *i)
{
    const struct weir_trace_stats *s = &i->stats;
    // A path that is no UTF-8 cannot stand in JSON.
    json_t *path = json_string(i->path);
    json_t *o =
        json_pack("{s:s, s:o, s:s, s:f, s:I, s:f, s:f, s:f, s:f, s:f, s:o, s:f, s:f, s:o}",
                  "schema", "weir.trace_info/1", "trace", path ? path : json_null(), "format",
                  weir_trace_format_name(i->format), "duration", seconds(s->duration_us),
                  "intervals", (json_int_t)s->intervals, "mean_bps", s->mean_bps, "std_bps",
                  s->std_bps, "cv", s->cv, "min_bps", s->min_bps, "max_bps", s->max_bps,
                  "percentiles_bps", percentiles_json(s), "zero_share", s->zero_share,
                  "longest_outage", seconds(s->longest_outage_us), "latency", latency_json(s));
    char *text = o ? json_dumps(o, JSON_COMPACT | JSON_REAL_PRECISION(15)) : NULL;
    json_decref(o);
    return text;
}
