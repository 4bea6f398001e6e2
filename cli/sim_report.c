// cli/sim_report.c — see sim_report.h.
#include "cli/sim_report.h"

#include <stdlib.h>
#include <string.h>

#include "cli/outputs.h"
#include "sim/sabre.h"

// Jain's index of fairness: 1 when all have the same, 1/n when one has everything.
static double jain(const struct weir_sim_report *r)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < r->count; i++) {
        double x = weir_summary_measure(&r->summaries[i]).mean_bitrate_bps;
        sum += x;
        squares += x * x;
    }
    return squares > 0 ? sum * sum / ((double)r->count * squares) : 1.0;
}

// --- for people ---

static void print_rungs(const struct weir_summary *s, const struct weir_content_track *v, FILE *out)
{
    (void)fputs("  rungs     ", out);
    for (size_t j = 0; j < v->rung_count; j++) {
        size_t n = 0;
        for (size_t i = 0; i < s->segment_count; i++)
            n += (size_t)s->segments[i].rung == j;
        if (n)
            (void)fprintf(out, " %zu: %.0f %%", j, 100.0 * (double)n / (double)s->segment_count);
    }
    (void)fputc('\n', out);
}

static void print_session(const struct weir_sim_report *r, const struct weir_summary *s, FILE *out)
{
    struct weir_summary_figures f = weir_summary_measure(s);
    (void)fprintf(out, "  start-up   %.3f s\n", (double)s->startup_us / 1e6);
    (void)fprintf(out, "  played     %.1f s, %lld stalls of %.3f s in all (%.2f %%)\n",
                  (double)s->played_us / 1e6, (long long)s->stall_count, (double)s->stall_us / 1e6,
                  100 * f.rebuffer_ratio);
    (void)fprintf(out, "  bitrate    %.0f kbit/s on average, %lld switches\n",
                  f.mean_bitrate_bps / 1e3, (long long)f.switch_count);
    (void)fprintf(out, "  bytes      %.2f MB, %.2f MB of them wasted in %lld abandoned transfers\n",
                  (double)s->bytes / 1e6, (double)s->wasted_bytes / 1e6, (long long)s->abandoned);
    (void)fprintf(out, "  QoE        lin %.4f, log %.4f", f.qoe_lin, f.qoe_log);
    if (f.has_vmaf)
        (void)fprintf(out, ", vmaf %.4f", f.qoe_vmaf);
    (void)fputc('\n', out);
    print_rungs(s, &r->content->video, out);
}

static void print_warnings(const struct weir_sim_report *r, FILE *out)
{
    for (size_t i = 0; i < r->content->warning_count; i++)
        (void)fprintf(out, "  warning    %s\n", r->content->warnings[i]);
    for (size_t i = 0; i < r->count; i++) {
        const char *first;
        int64_t faults = weir_abr_faults(r->abrs[i], &first);
        if (faults)
            (void)fprintf(out, "  warning    %s: %lld answers were mended, the first: %s\n",
                          weir_abr_spec(r->abrs[i]), (long long)faults, first);
    }
}

void weir_sim_report_text(const struct weir_sim_report *r, FILE *out)
{
    (void)fprintf(out, "%s: %s over %s (%s)\n", r->summaries[0].abr, r->content->name,
                  r->summaries[0].trace, r->net);
    for (size_t i = 0; i < r->count; i++) {
        if (r->count > 1)
            (void)fprintf(out, "client %zu\n", i + 1);
        print_session(r, &r->summaries[i], out);
    }
    if (r->count > 1)
        (void)fprintf(out, "fairness   %.4f (Jain's index of the mean bitrates)\n", jain(r));
    print_warnings(r, out);
}

// --- JSON ---

static json_t *warnings_json(const struct weir_sim_report *r, const struct weir_abr *abr)
{
    json_t *list = json_array();
    for (size_t i = 0; list && i < r->content->warning_count; i++)
        (void)json_array_append_new(list, json_string(r->content->warnings[i]));
    const char *first;
    int64_t faults = weir_abr_faults(abr, &first);
    if (list && faults)
        (void)json_array_append_new(list,
                                    json_sprintf("%s: %lld answers were mended, the first: %s",
                                                 weir_abr_spec(abr), (long long)faults, first));
    return list;
}

static void add_level(json_t *list, int64_t at_us, int64_t level_us)
{
    if (at_us != WEIR_TIME_NONE && level_us != WEIR_TIME_NONE)
        (void)json_array_append_new(
            list, json_pack("[f, f]", (double)at_us / 1e6, (double)level_us / 1e6));
}

static json_t *buffer_json(const struct weir_summary *s)
{
    json_t *list = json_array();
    for (size_t i = 0; list && i < s->segment_count; i++) {
        add_level(list, s->segments[i].requested_us, s->segments[i].buffer_us);
        add_level(list, s->segments[i].done_us, s->segments[i].buffer_done_us);
    }
    if (list)
        add_level(list, s->ended_us, 0);
    return list;
}

static json_t *sabre_json(const struct weir_sim_report *r, const struct weir_summary *s)
{
    const struct weir_content_track *v = &r->content->video;
    struct weir_sabre_figures f =
        weir_sabre_measure(s, v->bitrates_bps, v->rung_count, r->trace, &r->link);
    return weir_sabre_json(&f);
}

static json_t *session_json(const struct weir_sim_report *r, size_t i)
{
    const struct weir_summary *s = &r->summaries[i];
    json_t *o = weir_summary_json(s);
    if (!o)
        return NULL;
    if (r->full)
        (void)json_object_set_new(o, "buffer", buffer_json(s));
    if (weir_sabre_is_wanted(s->abr))
        (void)json_object_set_new(o, "sabre", sabre_json(r, s));
    (void)json_object_set_new(o, "net", json_string(r->net));
    (void)json_object_set_new(o, "ended", json_real((double)s->ended_us / 1e6));
    (void)json_object_set_new(o, "warnings", warnings_json(r, r->abrs[i]));
    return o;
}

static json_t *document(const struct weir_sim_report *r)
{
    if (r->count == 1)
        return session_json(r, 0);
    json_t *list = json_array();
    for (size_t i = 0; list && i < r->count; i++)
        (void)json_array_append_new(list, session_json(r, i));
    return json_pack("{s:s, s:f, s:o}", "schema", "weir.sessions/1", "jain", jain(r), "clients",
                     list);
}

int weir_sim_report_json(const struct weir_sim_report *r, const char *path, struct weir_error *e)
{
    json_t *o = document(r);
    char *text = o ? json_dumps(o, JSON_INDENT(2) | JSON_REAL_PRECISION(15)) : NULL;
    json_decref(o);
    if (!text)
        return weir_error_set(e, WEIR_ERR_NOMEM, path, "memory ran out");
    int err = weir_outputs_document(path, text, e);
    free(text);
    return err;
}
