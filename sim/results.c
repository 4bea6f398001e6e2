// sim/results.c — see results.h: sets and cells, and the pass over the sessions. What is computed
// of them is results_figures.c.
#include "sim/results.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/results_internal.h"
#include "sim/sweep.h"

static int out_of_memory(struct weir_error *e)
{
    (void)weir_error_set(e, WEIR_ERR_NOMEM, "results", "memory ran out");
    return WEIR_ERR_NOMEM;
}

struct order {
    const char *set;
    const char *name;
    int32_t id;
};

static int by_set_and_name(const void *a, const void *b)
{
    const struct order *x = a, *y = b;
    int order = strcmp(x->set, y->set);
    return order ? order : strcmp(x->name, y->name);
}

static void clear_cell(struct weir_result_cell *c)
{
    for (int m = 0; m < WEIR_RESULT_METRICS; m++)
        free(c->by_trace[m]);
    free(c->sample_trace);
    free(c->sample_lin);
    free(c->sample_log);
    free(c->sample_stall_s);
    free(c->sessions_of);
    free(c->stalled_of);
    free(c->failed_of);
}

void weir_results_destroy(struct weir_results **r)
{
    if (*r) {
        for (size_t i = 0; i < (*r)->set_count; i++) {
            struct weir_result_set *s = &(*r)->sets[i];
            for (size_t a = 0; s->cells && a < (*r)->abr_count; a++)
                clear_cell(&s->cells[a]);
            free(s->cells);
            free(s->traces);
            free(s->hopeless);
            free(s->left_out);
            free(s->unshared[0]);
            free(s->unshared[1]);
        }
        free((*r)->sets);
    }
    free(*r);
    *r = NULL;
}

// Where a trace stands: its set among those of one content, and its place in it.
struct place {
    uint32_t set, index;
};

struct pass {
    struct weir_results *r;
    struct place *places; // by trace id
    size_t sets_each;     // sets of one content
};

static bool make_set(struct weir_result_set *s, const struct order *traces, size_t count,
                     size_t abr_count, const struct weir_store *store, int32_t content)
{
    *s = (struct weir_result_set){.name = traces[0].set, .content = content, .trace_count = count};
    s->traces = calloc(count, sizeof(*s->traces));
    s->hopeless = calloc(count, sizeof(bool));
    s->left_out = calloc(count, sizeof(bool));
    s->unshared[0] = calloc(count, sizeof(bool));
    s->unshared[1] = calloc(count, sizeof(bool));
    s->cells = calloc(abr_count ? abr_count : 1, sizeof(*s->cells));
    if (!s->traces || !s->hopeless || !s->left_out || !s->unshared[0] || !s->unshared[1] ||
        !s->cells)
        return false;
    double lowest = (double)weir_store_content(store, (size_t)content)->lowest_bps;
    for (size_t i = 0; i < count; i++) {
        s->traces[i] = traces[i].id;
        s->hopeless[i] = weir_store_trace(store, (size_t)traces[i].id)->mean_bps < lowest;
        s->hopeless_count += s->hopeless[i];
    }
    return true;
}

// A set per content and name; the sets of a content have the same traces in the same order.
static int make_sets(struct pass *p, struct weir_error *e)
{
    const struct weir_store *store = p->r->store;
    size_t traces = weir_store_trace_count(store), contents = weir_store_content_count(store);
    struct order *all = calloc(traces ? traces : 1, sizeof(*all));
    p->places = calloc(traces ? traces : 1, sizeof(*p->places));
    if (!all || !p->places) {
        free(all);
        return out_of_memory(e);
    }
    for (size_t i = 0; i < traces; i++)
        all[i] = (struct order){.set = weir_store_trace(store, i)->set,
                                .name = weir_store_trace(store, i)->name,
                                .id = (int32_t)i};
    if (traces)
        qsort(all, traces, sizeof(*all), by_set_and_name);
    for (size_t i = 0; i < traces; i++)
        p->sets_each += i == 0 || strcmp(all[i].set, all[i - 1].set) != 0;
    p->r->sets = calloc(p->sets_each * contents + 1, sizeof(*p->r->sets));
    bool good = p->r->sets != NULL;
    for (size_t c = 0; good && c < contents; c++) {
        for (size_t begin = 0, end = 0, set = 0; good && begin < traces; begin = end, set++) {
            for (end = begin; end < traces && !strcmp(all[end].set, all[begin].set); end++)
                p->places[all[end].id] =
                    (struct place){.set = (uint32_t)set, .index = (uint32_t)(end - begin)};
            good = make_set(&p->r->sets[p->r->set_count++], all + begin, end - begin,
                            p->r->abr_count, store, (int32_t)c);
        }
    }
    free(all);
    return good ? 0 : out_of_memory(e);
}

static bool begin_cell(struct weir_result_cell *c, size_t traces)
{
    bool good = true;
    for (int m = 0; m < WEIR_RESULT_METRICS; m++) {
        c->by_trace[m] = calloc(traces, sizeof(double));
        good = good && c->by_trace[m];
    }
    c->sessions_of = calloc(traces, sizeof(*c->sessions_of));
    c->stalled_of = calloc(traces, sizeof(*c->stalled_of));
    c->failed_of = calloc(traces, sizeof(*c->failed_of));
    c->sample_trace = calloc(WEIR_RESULT_SAMPLES, sizeof(*c->sample_trace));
    c->sample_lin = calloc(WEIR_RESULT_SAMPLES, sizeof(float));
    c->sample_log = calloc(WEIR_RESULT_SAMPLES, sizeof(float));
    c->sample_stall_s = calloc(WEIR_RESULT_SAMPLES, sizeof(float));
    c->sample_stride = 1;
    return good && c->sessions_of && c->stalled_of && c->failed_of && c->sample_trace &&
           c->sample_lin && c->sample_log && c->sample_stall_s;
}

static void move_sample(struct weir_result_cell *c, size_t from, size_t to)
{
    c->sample_trace[to] = c->sample_trace[from];
    c->sample_lin[to] = c->sample_lin[from];
    c->sample_log[to] = c->sample_log[from];
    c->sample_stall_s[to] = c->sample_stall_s[from];
}

// Every second sample goes: what is left are the multiples of twice the stride.
static void thin_out(struct weir_result_cell *c)
{
    for (size_t i = 0; i < c->sample_count / 2; i++)
        move_sample(c, i * 2, i);
    c->sample_count /= 2;
    c->sample_stride *= 2;
}

static void add_sample(struct weir_result_cell *c, const struct weir_row *row, uint32_t trace,
                       double stall_s)
{
    if (c->sessions % c->sample_stride != 0)
        return;
    if (c->sample_count == WEIR_RESULT_SAMPLES) {
        thin_out(c);
        if (c->sessions % c->sample_stride != 0)
            return;
    }
    c->sample_trace[c->sample_count] = trace;
    c->sample_lin[c->sample_count] = (float)row->reals[WEIR_ROW_QOE_LIN];
    c->sample_log[c->sample_count] = (float)row->reals[WEIR_ROW_QOE_LOG];
    c->sample_stall_s[c->sample_count++] = (float)stall_s;
}

static double seconds(int64_t us)
{
    return us == WEIR_ROW_UNKNOWN ? (double)NAN : (double)us / 1e6;
}

static int add_row(struct pass *p, const struct weir_row *row, struct weir_error *e)
{
    struct weir_row_key k = weir_row_key(row->id);
    const struct weir_store *store = p->r->store;
    if ((size_t)k.trace >= weir_store_trace_count(store) ||
        (size_t)k.content >= weir_store_content_count(store) || (size_t)k.abr >= p->r->abr_count)
        return weir_error_set(e, WEIR_ERR_SYNTAX, weir_store_path(store),
                              "the database is damaged: a session of no trace");
    struct place at = p->places[k.trace];
    struct weir_result_set *set = &p->r->sets[(size_t)k.content * p->sets_each + at.set];
    if (!set->cells)
        return weir_error_set(e, WEIR_ERR_SYNTAX, weir_store_path(store),
                              "the database is damaged: a session of no set");
    struct weir_result_cell *c = &set->cells[k.abr];
    p->r->sessions++;
    if (!c->sessions_of && !begin_cell(c, set->trace_count))
        return out_of_memory(e);
    if (row->integers[WEIR_ROW_ERRORS] > 0) { // told of, and in no mean
        c->failed++;
        c->failed_of[at.index]++;
        p->r->failed++;
        return 0;
    }
    int64_t stall_us = row->integers[WEIR_ROW_STALL_US];
    int64_t switches = row->integers[WEIR_ROW_SWITCH_COUNT];
    const double values[WEIR_RESULT_METRICS] = {
        [WEIR_RESULT_LIN] = row->reals[WEIR_ROW_QOE_LIN],
        [WEIR_RESULT_LOG] = row->reals[WEIR_ROW_QOE_LOG],
        [WEIR_RESULT_VMAF] = row->reals[WEIR_ROW_QOE_VMAF],
        [WEIR_RESULT_BITRATE] = row->reals[WEIR_ROW_MEAN_BITRATE],
        [WEIR_RESULT_REBUFFER] = row->reals[WEIR_ROW_REBUFFER_RATIO],
        [WEIR_RESULT_STARTUP] = seconds(row->integers[WEIR_ROW_STARTUP_US]),
        [WEIR_RESULT_SWITCHES] = switches == WEIR_ROW_UNKNOWN ? (double)NAN : (double)switches,
    };
    for (int m = 0; m < WEIR_RESULT_METRICS; m++)
        c->by_trace[m][at.index] += values[m]; // sums until the pass is over
    add_sample(c, row, at.index, seconds(stall_us));
    c->sessions++;
    c->sessions_of[at.index]++;
    c->stalled += stall_us > 0;
    c->stalled_of[at.index] += stall_us > 0;
    set->has_vmaf = set->has_vmaf || !isnan(values[WEIR_RESULT_VMAF]);
    return 0;
}

// A trace counts where every player that finished any trace of the set finished this one: means
// over other traces could not be compared.
static void find_left_out(const struct weir_results *r, struct weir_result_set *set)
{
    for (size_t a = 0; a < r->abr_count; a++) {
        struct weir_result_cell *c = &set->cells[a];
        const char *spec = weir_store_abr(r->store, a)->spec;
        if (!c->sessions || weir_sweep_is_bound(spec) || weir_sweep_is_optimum(spec))
            continue;
        for (size_t t = 0; t < set->trace_count; t++) {
            bool missed = c->failed_of[t] > 0 || c->sessions_of[t] == 0;
            c->missed += missed;
            set->left_out_count += missed && !set->left_out[t];
            set->left_out[t] = set->left_out[t] || missed;
        }
    }
}

static void leave_out(const struct weir_result_set *set, struct weir_result_cell *c)
{
    size_t kept = 0;
    for (size_t t = 0; t < set->trace_count; t++) {
        if (!set->left_out[t])
            continue;
        c->sessions -= c->sessions_of[t];
        c->stalled -= c->stalled_of[t];
        c->sessions_of[t] = c->stalled_of[t] = 0;
    }
    for (size_t i = 0; i < c->sample_count; i++)
        if (!set->left_out[c->sample_trace[i]])
            move_sample(c, i, kept++);
    c->sample_count = kept;
}

static void compare_like_with_like(struct weir_results *r)
{
    for (size_t s = 0; s < r->set_count; s++) {
        find_left_out(r, &r->sets[s]);
        for (size_t a = 0; r->sets[s].left_out_count && a < r->abr_count; a++)
            if (r->sets[s].cells[a].sessions)
                leave_out(&r->sets[s], &r->sets[s].cells[a]);
    }
}

static void sums_to_means(struct weir_results *r)
{
    for (size_t s = 0; s < r->set_count; s++) {
        for (size_t a = 0; a < r->abr_count; a++) {
            struct weir_result_cell *c = &r->sets[s].cells[a];
            for (size_t t = 0; c->sessions && t < r->sets[s].trace_count; t++)
                for (int m = 0; m < WEIR_RESULT_METRICS; m++)
                    c->by_trace[m][t] = c->sessions_of[t]
                                            ? c->by_trace[m][t] / (double)c->sessions_of[t]
                                            : (double)NAN;
        }
    }
}

static int read_sessions(struct pass *p, struct weir_store *store, struct weir_error *e)
{
    struct weir_row row;
    int got = 0, err = weir_store_rewind(store, e);
    while (!err && (got = weir_store_next(store, &row, e)) > 0)
        err = add_row(p, &row, e);
    if (got < 0)
        return got;
    if (!err) {
        compare_like_with_like(p->r);
        sums_to_means(p->r);
    }
    return err;
}

static int find_baseline(struct weir_results *r, const char *spec, struct weir_error *e)
{
    r->baseline = -1;
    for (size_t i = 0; spec && i < r->abr_count; i++)
        if (strcmp(weir_store_abr(r->store, i)->spec, spec) == 0)
            r->baseline = (int32_t)i;
    if (!spec || r->baseline >= 0)
        return 0;
    return weir_error_set(e, WEIR_ERR_INVAL, "--baseline", "no sessions of \"%s\"", spec);
}

int weir_results_make(struct weir_store *store, const char *baseline, struct weir_results **out,
                      struct weir_error *e)
{
    struct weir_results *r = calloc(1, sizeof(*r));
    *out = NULL;
    if (!r)
        return out_of_memory(e);
    r->store = store;
    r->abr_count = weir_store_abr_count(store);
    struct pass p = {.r = r};
    int err = find_baseline(r, baseline, e);
    if (!err)
        err = make_sets(&p, e);
    if (!err)
        err = read_sessions(&p, store, e);
    if (!err && !weir_results_figures(r))
        err = out_of_memory(e);
    free(p.places);
    if (err)
        weir_results_destroy(&r);
    *out = r;
    return err;
}
