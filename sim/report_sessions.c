// sim/report_sessions.c — sessions over time for the report: on the worst, the median and the best
// trace of each set, every algorithm's session is run again by the model host and thinned out. A
// session that does not come out as it is stored is not shown.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/model.h"
#include "sim/optimum.h"
#include "sim/report_internal.h"
#include "sim/sweep.h"

#define POINTS_MAX 400 // of one session, and of a trace

struct weir_report_sessions {
    const struct weir_report_params *p;
    struct weir_model_params params;
    size_t left; // bytes
    char missing[400];
    // Of the content last used.
    int32_t content;
    const struct weir_content *loaded;
    struct weir_content *own;
    struct weir_model *model;
    struct weir_abr **abrs; // [abr_count]; NULL: not made yet, or not a player
    int32_t *rungs;         // [WEIR_CONTENT_MAX_SEGMENTS], of the optimum
};

static void note_missing(struct weir_report_sessions *s, const char *what, const char *why)
{
    if (!s->missing[0])
        (void)snprintf(s->missing, sizeof(s->missing), "%.200s: %.180s", what, why);
}

static int64_t setting(const struct weir_store *store, const char *name, int64_t otherwise)
{
    const char *text = weir_store_meta(store, name);
    return text ? strtoll(text, NULL, 10) : otherwise;
}

static int64_t time_setting(const struct weir_store *store, const char *name)
{
    int64_t us = setting(store, name, -1);
    return us < 0 ? WEIR_TIME_NONE : us;
}

static struct weir_model_params params_of(const struct weir_store *store)
{
    struct weir_model_params p = weir_model_params_default();
    const char *net = weir_store_meta(store, "net");
    int kind = net ? weir_link_kind_from(net) : -1;
    p.link.kind = kind < 0 ? WEIR_LINK_FLUID : (enum weir_link_kind)kind;
    p.link.rtt_us = time_setting(store, "rtt_us");
    p.buffer_max_us = setting(store, "buffer_max_us", p.buffer_max_us);
    p.startup_us = time_setting(store, "startup_us");
    p.resume_us = time_setting(store, "resume_us");
    p.abandon = setting(store, "abandon", 1) != 0;
    p.seed = (uint64_t)setting(store, "seed", 0);
    return p;
}

struct weir_report_sessions *weir_report_sessions_begin(const struct weir_report_params *p)
{
    struct weir_report_sessions *s = calloc(1, sizeof(*s));
    if (!s)
        return NULL;
    s->p = p;
    s->params = params_of(p->store);
    s->left = WEIR_REPORT_SESSIONS_MAX;
    s->content = -1;
    s->abrs = calloc(p->results->abr_count + 1, sizeof(struct weir_abr *));
    s->rungs = calloc(WEIR_CONTENT_MAX_SEGMENTS, sizeof(*s->rungs));
    if (!s->abrs || !s->rungs)
        weir_report_sessions_end(&s);
    return s;
}

void weir_report_sessions_end(struct weir_report_sessions **s)
{
    if (*s) {
        weir_model_destroy(&(*s)->model);
        weir_content_destroy(&(*s)->own);
        for (size_t i = 0; (*s)->abrs && i < (*s)->p->results->abr_count; i++)
            weir_abr_destroy(&(*s)->abrs[i]);
        free((*s)->abrs);
        free((*s)->rungs);
    }
    free(*s);
    *s = NULL;
}

const char *weir_report_sessions_missing(const struct weir_report_sessions *s)
{
    return s->missing[0] ? s->missing : NULL;
}

static bool same_hash(uint64_t hash, const char *text)
{
    return hash == strtoull(text, NULL, 16);
}

static const struct weir_content *find_content(struct weir_report_sessions *s,
                                               const struct weir_store_content *c)
{
    const struct weir_inputs *in = s->p->inputs;
    struct weir_error e = {0};
    for (size_t i = 0; in && i < in->content_count; i++)
        if (same_hash(in->contents[i].content->hash, c->hash))
            return in->contents[i].content;
    if (weir_content_load(c->path, &s->own, &e) < 0) {
        note_missing(s, c->path, e.what);
        return NULL;
    }
    if (same_hash(s->own->hash, c->hash))
        return s->own;
    note_missing(s, c->path, "not the content that the results are of");
    return NULL;
}

static bool turn_to_content(struct weir_report_sessions *s, int32_t content)
{
    struct weir_error e = {0};
    if (s->content == content)
        return s->model != NULL;
    weir_model_destroy(&s->model);
    weir_content_destroy(&s->own);
    s->content = content;
    s->loaded = find_content(s, weir_store_content(s->p->store, (size_t)content));
    if (s->loaded && weir_model_create(s->loaded, &s->model, &e) < 0)
        note_missing(s, e.where, e.what);
    return s->model != NULL;
}

// The trace: *own is to be destroyed where it is not NULL.
static const struct weir_trace *find_trace(struct weir_report_sessions *s,
                                           const struct weir_store_trace *t,
                                           struct weir_trace **own)
{
    const struct weir_inputs *in = s->p->inputs;
    struct weir_error e = {0};
    *own = NULL;
    for (size_t i = 0; in && i < in->trace_count; i++)
        if (same_hash(in->traces[i].hash, t->hash) && !strcmp(in->traces[i].name, t->name))
            return in->traces[i].trace;
    if (weir_trace_load(t->path, own, &e) < 0) {
        note_missing(s, t->path, e.what);
        return NULL;
    }
    if (same_hash(weir_trace_hash(*own), t->hash))
        return *own;
    note_missing(s, t->path, "not the trace that the results are of");
    return NULL;
}

// The algorithm that plays a stored session; of the optimum, one that repeats its decisions. NULL:
// a bound, which no one plays, or an algorithm that is not there.
static struct weir_abr *find_abr(struct weir_report_sessions *s, size_t abr,
                                 const struct weir_row *row)
{
    const char *spec = weir_store_abr(s->p->store, abr)->spec;
    struct weir_error e = {0};
    bool given = weir_sweep_is_optimum(spec);
    int err = 0;
    if (weir_sweep_is_bound(spec) || row->decision_count > WEIR_CONTENT_MAX_SEGMENTS)
        return NULL;
    if (!s->abrs[abr])
        err = given ? weir_optimum_replay_create(spec, &s->abrs[abr], &e)
                    : weir_abr_create(spec, s->params.seed, &s->abrs[abr], &e);
    if (err < 0)
        note_missing(s, spec, e.what);
    if (given && s->abrs[abr]) {
        for (size_t i = 0; i < row->decision_count; i++)
            s->rungs[i] = row->decisions[i];
        weir_optimum_replay_set(s->abrs[abr], s->rungs, row->decision_count);
    }
    return s->abrs[abr];
}

// One series of a session, every `stride`-th segment.
enum series { REQUESTED, BUFFER, RUNG, THROUGHPUT, STALL, SERIES };

static double value_of(const struct weir_summary_segment *g, enum series series)
{
    switch (series) {
    case REQUESTED:
        return g->requested_us == WEIR_TIME_NONE ? (double)NAN : (double)g->requested_us / 1e6;
    case BUFFER:
        return g->buffer_us == WEIR_TIME_NONE ? (double)NAN : (double)g->buffer_us / 1e6;
    case RUNG:
        return g->rung;
    case THROUGHPUT:
        return (double)g->throughput_bps / 1e6;
    default:
        return (double)g->stall_us / 1e6;
    }
}

static void short_number(struct weir_textbuf *out, double value)
{
    char text[32];
    if (!isfinite(value)) {
        weir_textbuf_put(out, "null");
        return;
    }
    int length = snprintf(text, sizeof(text), "%.4g", value);
    weir_textbuf_add(out, text, (size_t)length);
}

static void add_series(const struct weir_summary *sum, enum series series, size_t stride,
                       struct weir_textbuf *out)
{
    weir_textbuf_put(out, "[");
    for (size_t i = 0; i < sum->segment_count; i += stride) {
        weir_textbuf_put(out, i ? "," : "");
        double value = value_of(&sum->segments[i], series);
        if (series == STALL) // of all segments that one point stands for
            for (size_t k = i + 1; k < i + stride && k < sum->segment_count; k++)
                value += value_of(&sum->segments[k], series);
        if (series == REQUESTED)
            weir_report_number(out, value);
        else
            short_number(out, value);
    }
    weir_textbuf_put(out, "]");
}

static void add_session(const struct weir_summary *sum, size_t abr, struct weir_textbuf *out)
{
    static const char *const names[SERIES] = {"t", "buffer", "rung", "throughput", "stall"};
    size_t stride = (sum->segment_count + POINTS_MAX - 1) / POINTS_MAX;
    weir_textbuf_printf(out, "{\"abr\":%zu,\"end\":", abr);
    weir_report_number(out, (double)sum->ended_us / 1e6);
    weir_textbuf_put(out, ",\"startup\":");
    weir_report_number(out, sum->startup_us == WEIR_TIME_NONE ? (double)NAN
                                                              : (double)sum->startup_us / 1e6);
    for (int i = 0; i < SERIES; i++) {
        weir_textbuf_printf(out, ",\"%s\":", names[i]);
        add_series(sum, (enum series)i, stride ? stride : 1, out);
    }
    weir_textbuf_put(out, "}");
}

// Run a stored session again. False: it cannot be, or does not come out as it is stored.
static bool run_again(struct weir_report_sessions *s, int64_t id, const struct weir_trace *trace,
                      size_t abr, struct weir_summary *sum)
{
    struct weir_row row;
    struct weir_error e = {0};
    if (weir_store_find(s->p->store, id, &row, &e) != 1)
        return false;
    struct weir_abr *a = find_abr(s, abr, &row);
    if (!a)
        return false;
    double stored = row.reals[WEIR_ROW_QOE_LIN];
    if (weir_model_run(s->model, trace, a, &s->params, sum, &e) < 0)
        return false;
    struct weir_summary_figures f = weir_summary_measure(sum);
    if (f.has_qoe && f.qoe_lin == stored)
        return true;
    note_missing(s, weir_store_abr(s->p->store, abr)->spec,
                 "a session comes out differently from what is stored");
    return false;
}

// The trace's rate over its first repetition, in Mbit/s, averaged over POINTS_MAX stretches.
static void add_rate(const struct weir_trace *trace, struct weir_textbuf *out)
{
    int64_t period_us = weir_trace_period_us(trace);
    int64_t points = period_us / WEIR_SECOND_US;
    points = points < 1 ? 1 : points > POINTS_MAX ? POINTS_MAX : points;
    weir_textbuf_put(out, "{\"period\":");
    weir_textbuf_seconds(out, period_us);
    weir_textbuf_put(out, ",\"mbps\":[");
    double before = 0;
    for (int64_t i = 1; i <= points; i++) {
        int64_t from_us = weir_sweep_offset_us(period_us, i - 1, points);
        int64_t until_us = weir_sweep_offset_us(period_us, i, points);
        double bits = weir_trace_bits_until(trace, until_us);
        weir_textbuf_put(out, i > 1 ? "," : "");
        short_number(out, (bits - before) / (double)(until_us - from_us));
        before = bits;
    }
    weir_textbuf_put(out, "]}");
}

static void add_example(struct weir_report_sessions *s, const struct weir_result_set *set,
                        size_t at, const char *label, struct weir_textbuf *out)
{
    const struct weir_store_trace *t = weir_store_trace(s->p->store, (size_t)set->traces[at]);
    struct weir_trace *own = NULL;
    const struct weir_trace *trace = find_trace(s, t, &own);
    struct weir_textbuf text = {0};
    bool any = false;
    weir_textbuf_printf(&text, "{\"label\":\"%s\",\"trace\":", label);
    weir_textbuf_json(&text, t->name);
    weir_textbuf_put(&text, ",\"path\":");
    weir_textbuf_json(&text, t->path);
    weir_textbuf_put(&text, ",\"rate\":");
    if (trace)
        add_rate(trace, &text);
    weir_textbuf_put(&text, ",\"sessions\":[");
    for (size_t a = 0; trace && a < s->p->results->abr_count; a++) {
        struct weir_row_key key = {
            .content = set->content, .trace = set->traces[at], .offset = 0, .abr = (int32_t)a};
        struct weir_summary sum = {0};
        if (!set->cells[a].sessions || !run_again(s, weir_row_id(key), trace, a, &sum))
            continue;
        weir_textbuf_put(&text, any ? "," : "");
        add_session(&sum, a, &text);
        any = true;
    }
    weir_textbuf_put(&text, "]}");
    out->failed = out->failed || text.failed;
    if (any && text.size > s->left) {
        note_missing(s, set->name, "left out: the file would become too large");
    } else if (any) {
        s->left -= text.size;
        weir_textbuf_put(out, out->data[out->size - 1] == '[' ? "" : ",");
        weir_textbuf_add(out, text.data, text.size);
    }
    weir_textbuf_clear(&text);
    weir_trace_destroy(&own);
}

struct place {
    double qoe;
    size_t at;
};

static int by_qoe(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    int order = (x->qoe > y->qoe) - (x->qoe < y->qoe);
    return order ? order : (x->at > y->at) - (x->at < y->at);
}

// Traces by the mean of qoe.lin over the players that ran on them.
static size_t rank(const struct weir_report_sessions *s, const struct weir_result_set *set,
                   struct place *places)
{
    size_t count = 0;
    for (size_t t = 0; t < set->trace_count; t++) {
        double sum = 0;
        size_t n = 0;
        for (size_t a = 0; a < s->p->results->abr_count; a++) {
            const struct weir_result_cell *c = &set->cells[a];
            const char *spec = weir_store_abr(s->p->store, a)->spec;
            if (!c->sessions || isnan(c->by_trace[WEIR_RESULT_LIN][t]) ||
                weir_sweep_is_bound(spec) || weir_sweep_is_optimum(spec))
                continue;
            sum += c->by_trace[WEIR_RESULT_LIN][t];
            n++;
        }
        if (n)
            places[count++] = (struct place){.qoe = sum / (double)n, .at = t};
    }
    if (count)
        qsort(places, count, sizeof(*places), by_qoe);
    return count;
}

void weir_report_sessions_add(struct weir_report_sessions *s, const struct weir_result_set *set,
                              struct weir_textbuf *out)
{
    struct place *places = calloc(set->trace_count + 1, sizeof(*places));
    weir_textbuf_put(out, "[");
    if (!places) {
        out->failed = true;
        return;
    }
    size_t count = rank(s, set, places);
    if (count && turn_to_content(s, set->content)) {
        add_example(s, set, places[0].at, "worst", out);
        if (count > 2)
            add_example(s, set, places[count / 2].at, "median", out);
        if (count > 1)
            add_example(s, set, places[count - 1].at, "best", out);
    }
    weir_textbuf_put(out, "]");
    free(places);
}
