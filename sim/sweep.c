// sim/sweep.c — see sweep.h. Registers what is to be run, finds out what is missing, hands groups
// out to threads (ordered.h) and stores their rows in canonical order, a transaction every second
// or two. What a thread does is sweep_work.c.
#include "sim/sweep.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/ordered.h"
#include "sim/sweep_internal.h"

#define COMMIT_US     (2 * WEIR_SECOND_US) // work that a crash may cost
#define UNIT_NS       INT64_C(20000000)    // how long a unit of work should take
#define UNIT_ROWS_MAX 256
#define DONE_BITS_MAX (INT64_C(1) << 36)

const char *const weir_sweep_optima[WEIR_SWEEP_OPTIMA] = {"optimum-lin", "optimum-log", "bound-lin",
                                                          "bound-log"};

bool weir_sweep_is_optimum(const char *abr)
{
    return !strcmp(abr, weir_sweep_optima[0]) || !strcmp(abr, weir_sweep_optima[1]);
}

bool weir_sweep_is_bound(const char *abr)
{
    return !strcmp(abr, weir_sweep_optima[2]) || !strcmp(abr, weir_sweep_optima[3]);
}

struct weir_sweep_params weir_sweep_params_default(void)
{
    return (struct weir_sweep_params){
        .model = weir_model_params_default(), .jobs = 1, .shard_count = 1, .offsets = 1};
}

int64_t weir_sweep_offset_us(int64_t period_us, int64_t index, int64_t count)
{
    // period * index / count without overflow
    return period_us / count * index + period_us % count * index / count;
}

struct weir_sweep_group weir_sweep_group(const struct weir_sweep_plan *p, int64_t number)
{
    struct weir_sweep_group g = {.number = number};
    int64_t offsets = p->params->offsets, traces = (int64_t)p->inputs->trace_count;
    g.offset = number % offsets;
    g.trace = (size_t)(number / offsets % traces);
    g.content = (size_t)(number / offsets / traces);
    g.offset_us = weir_sweep_offset_us(weir_trace_period_us(p->inputs->traces[g.trace].trace),
                                       g.offset, offsets);
    return g;
}

bool weir_sweep_is_done(const struct weir_sweep_plan *p, int64_t group, size_t column)
{
    int64_t bit = group * (int64_t)p->column_count + (int64_t)column;
    return p->done[bit / 8] >> (bit % 8) & 1;
}

void weir_sweep_set_done(struct weir_sweep_plan *p, int64_t group, size_t column)
{
    int64_t bit = group * (int64_t)p->column_count + (int64_t)column;
    p->done[bit / 8] |= (unsigned char)(1 << (bit % 8));
}

// --- the plan ---

static int out_of_memory(struct weir_error *e)
{
    (void)weir_error_set(e, WEIR_ERR_NOMEM, "sweep", "memory ran out");
    return WEIR_ERR_NOMEM;
}

static int want_setting(struct weir_store *s, const char *key, int64_t value, struct weir_error *e)
{
    char text[32];
    (void)snprintf(text, sizeof(text), "%lld", (long long)value);
    const char *old = weir_store_meta(s, key);
    if (!old)
        return weir_store_set_meta(s, key, text, e);
    if (strcmp(old, text) == 0)
        return 0;
    weir_error_set(e, WEIR_ERR_INVAL, weir_store_path(s),
                   "holds sessions of other conditions: %s is %s there, %s here", key, old, text);
    weir_error_hint(e, "another --db");
    return WEIR_ERR_INVAL;
}

// All sessions of a database are run under the same conditions, so that they can be compared.
static int want_conditions(struct weir_store *s, const struct weir_sweep_params *p,
                           struct weir_error *e)
{
    static const char *const nets[] = {"fluid", "pensieve", "tcp"};
    const char *net = nets[p->model.link.kind], *old = weir_store_meta(s, "net");
    if (old && strcmp(old, net) != 0)
        return weir_error_set(e, WEIR_ERR_INVAL, weir_store_path(s),
                              "holds sessions of other conditions: --net %s there, %s here", old,
                              net);
    int err = old ? 0 : weir_store_set_meta(s, "net", net, e);
    const struct {
        const char *key;
        int64_t value;
    } all[] = {
        {"buffer_max_us", p->model.buffer_max_us},
        {"startup_us", p->model.startup_us == WEIR_TIME_NONE ? -1 : p->model.startup_us},
        {"resume_us", p->model.resume_us == WEIR_TIME_NONE ? -1 : p->model.resume_us},
        {"rtt_us", p->model.link.rtt_us == WEIR_TIME_NONE ? -1 : p->model.link.rtt_us},
        {"abandon", p->model.abandon},
        {"offsets", p->offsets},
        {"seed", (int64_t)p->model.seed},
    };
    for (size_t i = 0; !err && i < sizeof(all) / sizeof(all[0]); i++)
        err = want_setting(s, all[i].key, all[i].value, e);
    return err;
}

static void hash_text(uint64_t hash, char out[17])
{
    (void)snprintf(out, 17, "%016llx", (unsigned long long)hash);
}

static int add_contents(struct weir_sweep_plan *p, struct weir_store *s, struct weir_error *e)
{
    int err = 0;
    for (size_t i = 0; !err && i < p->inputs->content_count; i++) {
        const struct weir_input_content *in = &p->inputs->contents[i];
        const struct weir_content_track *v = &in->content->video;
        char hash[17];
        hash_text(in->content->hash, hash);
        struct weir_store_content c = {
            .name = in->name,
            .path = in->path,
            .hash = hash,
            .segments = v->segment_count,
            .duration_us = v->starts_us[v->segment_count] - v->starts_us[0],
            .lowest_bps = v->bitrates_bps[0],
            .highest_bps = v->bitrates_bps[v->rung_count - 1],
        };
        err = weir_store_add_content(s, &c, &p->content_ids[i], e);
    }
    return err;
}

static int add_traces(struct weir_sweep_plan *p, struct weir_store *s, struct weir_error *e)
{
    int err = 0;
    for (size_t i = 0; !err && i < p->inputs->trace_count; i++) {
        const struct weir_input_trace *in = &p->inputs->traces[i];
        char hash[17];
        hash_text(in->hash, hash);
        struct weir_store_trace t = {
            .set = in->set,
            .name = in->name,
            .path = in->path,
            .hash = hash,
            .period_us = weir_trace_period_us(in->trace),
            .mean_bps = weir_trace_mean_bps(in->trace),
        };
        err = weir_store_add_trace(s, &t, &p->trace_ids[i], e);
    }
    return err;
}

// A plug-in is a file that may change between two runs: its bytes belong to the results.
static void plugin_hash(const char *spec, char out[17])
{
    out[0] = '\0';
    size_t length = strcspn(spec, ":");
    if (!memchr(spec, '/', length))
        return;
    char *path = strndup(spec, length);
    FILE *f = path ? fopen(path, "rbe") : NULL;
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (int c = f ? fgetc(f) : EOF; c != EOF; c = fgetc(f))
        hash = (hash ^ (uint64_t)c) * UINT64_C(0x100000001b3); // FNV-1a
    if (f) {
        (void)fclose(f);
        hash_text(hash, out);
    }
    free(path);
}

static int add_columns(struct weir_sweep_plan *p, struct weir_store *s, struct weir_error *e)
{
    int err = 0;
    for (size_t i = 0; !err && i < p->column_count; i++) {
        char hash[17] = "";
        struct weir_store_abr a = {.spec = i < p->abr_count ? p->abrs[i]
                                                            : weir_sweep_optima[i - p->abr_count],
                                   .hash = hash};
        if (i < p->abr_count)
            plugin_hash(a.spec, hash);
        err = weir_store_add_abr(s, &a, &p->column_ids[i], e);
    }
    return err;
}

// index[id] of what is stored under `id` among this sweep's, or -1.
static int32_t *reverse(const int32_t *ids, size_t count, size_t stored)
{
    int32_t *index = malloc((stored ? stored : 1) * sizeof(*index));
    for (size_t i = 0; index && i < stored; i++)
        index[i] = -1;
    for (size_t i = 0; index && i < count; i++)
        index[ids[i]] = (int32_t)i;
    return index;
}

static void mark_done(struct weir_sweep_plan *p, const int32_t *const index[3], int64_t id)
{
    struct weir_row_key k = weir_row_key(id);
    int32_t content = index[0][k.content], trace = index[1][k.trace], column = index[2][k.abr];
    if (content < 0 || trace < 0 || column < 0 || k.offset >= p->params->offsets)
        return;
    int64_t group = (content * (int64_t)p->inputs->trace_count + trace) * p->params->offsets;
    weir_sweep_set_done(p, group + k.offset, (size_t)column);
}

// The bit of each session that the store holds.
static int find_done(struct weir_sweep_plan *p, struct weir_store *s, struct weir_error *e)
{
    int32_t *content =
        reverse(p->content_ids, p->inputs->content_count, weir_store_content_count(s));
    int32_t *trace = reverse(p->trace_ids, p->inputs->trace_count, weir_store_trace_count(s));
    int32_t *column = reverse(p->column_ids, p->column_count, weir_store_abr_count(s));
    const int32_t *const index[3] = {content, trace, column};
    int err = content && trace && column ? weir_store_rewind_ids(s, e) : out_of_memory(e);
    int64_t id;
    int got = 0;
    while (!err && (got = weir_store_next_id(s, &id, e)) > 0) {
        struct weir_row_key k = weir_row_key(id);
        if ((size_t)k.content >= weir_store_content_count(s) ||
            (size_t)k.trace >= weir_store_trace_count(s) ||
            (size_t)k.abr >= weir_store_abr_count(s))
            err = weir_error_set(e, WEIR_ERR_SYNTAX, weir_store_path(s),
                                 "the database is damaged: a session of no trace");
        else
            mark_done(p, index, id);
    }
    free(content);
    free(trace);
    free(column);
    return err ? err : (got < 0 ? got : 0);
}

static int allocate(struct weir_sweep_plan *p, struct weir_error *e)
{
    p->content_ids = calloc(p->inputs->content_count, sizeof(int32_t));
    p->trace_ids = calloc(p->inputs->trace_count, sizeof(int32_t));
    p->column_ids = calloc(p->column_count, sizeof(int32_t));
    if (!p->content_ids || !p->trace_ids || !p->column_ids)
        return out_of_memory(e);
    p->group_count = (int64_t)p->inputs->content_count * (int64_t)p->inputs->trace_count;
    if (p->group_count > DONE_BITS_MAX / (int64_t)p->column_count / p->params->offsets) {
        (void)weir_error_set(e, WEIR_ERR_TOO_BIG, "sweep", "more than %lld sessions",
                             (long long)DONE_BITS_MAX);
        return WEIR_ERR_TOO_BIG;
    }
    p->group_count *= p->params->offsets;
    p->done = calloc((size_t)(p->group_count * (int64_t)p->column_count / 8 + 1), 1);
    return p->done ? 0 : out_of_memory(e);
}

static int make_plan(struct weir_sweep_plan *p, struct weir_store *s, struct weir_error *e)
{
    int err = allocate(p, e);
    if (!err)
        err = want_conditions(s, p->params, e);
    if (!err)
        err = add_contents(p, s, e);
    if (!err)
        err = add_traces(p, s, e);
    if (!err)
        err = add_columns(p, s, e);
    if (!err)
        err = find_done(p, s, e);
    return err ? err : weir_store_commit(s, e);
}

static void clear_plan(struct weir_sweep_plan *p)
{
    free(p->content_ids);
    free(p->trace_ids);
    free(p->column_ids);
    free(p->done);
}

// --- carrying it out ---

struct unit {
    int64_t first, count; // places within the shard's list of groups
    struct weir_sweep_rows results;
};

struct run {
    struct weir_sweep_plan plan;
    struct weir_store *store;
    struct weir_sweep_worker *workers;
    struct weir_error *worker_errors;
    struct weir_sweep_report *report;
    struct weir_error *error;
    int64_t next, place_count; // of the shard's groups
    _Atomic int64_t group_ns;  // how long one takes, about
    int64_t committed_us;
    struct weir_clock clock;
    struct weir_sweep_progress progress;
};

// The group at a place of this shard's list.
static int64_t group_at(const struct run *r, int64_t place)
{
    return place * r->plan.params->shard_count + r->plan.params->shard;
}

static int64_t missing_in(const struct weir_sweep_plan *p, int64_t group)
{
    int64_t missing = 0;
    for (size_t i = 0; i < p->column_count; i++)
        missing += !weir_sweep_is_done(p, group, i);
    return missing;
}

static bool claim(void *ctx, void *unit_)
{
    struct run *r = ctx;
    struct unit *u = unit_;
    while (r->next < r->place_count && !r->plan.again &&
           missing_in(&r->plan, group_at(r, r->next)) == 0)
        r->next++;
    int64_t group_ns = atomic_load_explicit(&r->group_ns, memory_order_relaxed);
    int64_t most = UNIT_ROWS_MAX / (int64_t)r->plan.column_count;
    int64_t count = group_ns > 0 ? UNIT_NS / group_ns : 1;
    count = count > most ? most : count;
    count = count < 1 ? 1 : count;
    if (count > r->place_count - r->next)
        count = r->place_count - r->next;
    u->first = r->next;
    u->count = count;
    r->next += count;
    return count > 0;
}

static int work(void *ctx, unsigned worker, void *unit_)
{
    struct run *r = ctx;
    struct unit *u = unit_;
    struct weir_error *e = &r->worker_errors[worker];
    int64_t began_us = weir_clock_now_us(&r->clock);
    int err = 0;
    u->results.count = u->results.decision_bytes = u->results.segments.size = 0;
    u->results.failed = 0;
    for (int64_t i = 0; !err && i < u->count; i++)
        err = weir_sweep_worker_run(&r->workers[worker], &r->plan, group_at(r, u->first + i),
                                    &u->results, e);
    int64_t took_ns = (weir_clock_now_us(&r->clock) - began_us) * 1000 / u->count;
    atomic_store_explicit(&r->group_ns, took_ns + 1, memory_order_relaxed);
    return err;
}

static int commit_now_and_then(struct run *r)
{
    int64_t now_us = weir_clock_now_us(&r->clock);
    if (now_us - r->committed_us < COMMIT_US)
        return 0;
    r->committed_us = now_us;
    return weir_store_commit(r->store, r->error);
}

static int sink(void *ctx, void *unit_)
{
    struct run *r = ctx;
    struct weir_sweep_rows *out = &((struct unit *)unit_)->results;
    const uint8_t *decisions = out->decisions;
    for (size_t i = 0; i < out->count; i++) {
        struct weir_row *row = &out->rows[i];
        row->decisions = decisions;
        decisions += row->decision_count;
        int err = weir_store_put(r->store, row, r->error);
        if (err)
            return err;
    }
    if (r->plan.params->segments && out->segments.size) {
        int err =
            r->plan.params->segments(r->plan.params->ctx, out->segments.data, out->segments.size);
        if (err)
            return err;
    }
    if (out->failed && !r->report->failed)
        r->report->first_failure = out->first_failure;
    r->report->failed += out->failed;
    r->report->run += (int64_t)out->count;
    r->progress.done += (int64_t)out->count;
    return commit_now_and_then(r);
}

static int tick(void *ctx)
{
    struct run *r = ctx;
    const struct weir_sweep_params *p = r->plan.params;
    if (p->progress)
        p->progress(p->ctx, &r->progress);
    if (p->stopped && p->stopped(p->ctx))
        return weir_error_set(r->error, WEIR_ERR_CANCELLED, weir_store_path(r->store),
                              "interrupted");
    return 0;
}

static void clear_unit(void *unit)
{
    weir_sweep_rows_clear(&((struct unit *)unit)->results);
}

// The first error of a thread, where the run ended by one.
static void take_error(struct run *r, unsigned jobs)
{
    for (unsigned i = 0; r->error && !r->error->code && i < jobs; i++)
        if (r->worker_errors[i].code)
            *r->error = r->worker_errors[i];
    if (r->error && !r->error->code)
        (void)out_of_memory(r->error);
}

static void count_faults(struct run *r, unsigned jobs)
{
    struct weir_sweep_report *report = r->report;
    for (size_t a = 0; a < r->plan.abr_count; a++) {
        for (unsigned i = 0; i < jobs; i++) {
            const char *what = NULL;
            int64_t faults = r->workers[i].abrs ? weir_abr_faults(r->workers[i].abrs[a], &what) : 0;
            if (faults && !report->faults) {
                (void)snprintf(report->fault_abr, sizeof(report->fault_abr), "%s", r->plan.abrs[a]);
                (void)snprintf(report->fault_what, sizeof(report->fault_what), "%s", what);
            }
            report->faults += faults;
        }
    }
}

static int carry_out(struct run *r, unsigned jobs, struct weir_error *e)
{
    struct weir_ordered pipeline = {.ctx = r,
                                    .jobs = jobs,
                                    .unit_bytes = sizeof(struct unit),
                                    .claim = claim,
                                    .work = work,
                                    .sink = sink,
                                    .tick = tick,
                                    .clear = clear_unit};
    int err = 0;
    r->workers = calloc(jobs, sizeof(*r->workers));
    r->worker_errors = calloc(jobs, sizeof(*r->worker_errors));
    if (!r->workers || !r->worker_errors)
        err = out_of_memory(e);
    for (unsigned i = 0; !err && i < jobs; i++)
        err = weir_sweep_worker_init(&r->workers[i], &r->plan, e);
    if (!err) {
        err = weir_ordered_run(&pipeline);
        if (err)
            take_error(r, jobs);
        count_faults(r, jobs);
    }
    for (unsigned i = 0; r->workers && i < jobs; i++)
        weir_sweep_worker_clear(&r->workers[i], &r->plan);
    free(r->workers);
    free(r->worker_errors);
    return err;
}

static void count_sessions(struct run *r)
{
    const struct weir_sweep_params *p = r->plan.params;
    int64_t groups = r->plan.group_count;
    r->place_count =
        p->shard < groups ? (groups - p->shard + p->shard_count - 1) / p->shard_count : 0;
    for (int64_t i = 0; i < r->place_count; i++)
        r->progress.total += missing_in(&r->plan, group_at(r, i));
    r->report->already = r->place_count * (int64_t)r->plan.column_count - r->progress.total;
}

int weir_sweep_run(struct weir_store *store, const struct weir_inputs *inputs,
                   const char *const *abrs, size_t abr_count,
                   const struct weir_sweep_params *params, struct weir_sweep_report *report,
                   struct weir_error *e)
{
    struct weir_error local = {0};
    struct run r = {.store = store, .report = report, .clock = weir_clock_monotonic()};
    r.error = e ? e : &local;
    r.plan = (struct weir_sweep_plan){
        .inputs = inputs,
        .params = params,
        .abrs = abrs,
        .abr_count = abr_count,
        .column_count = abr_count + (params->optimal ? WEIR_SWEEP_OPTIMA : 0),
        .again = params->segments != NULL,
    };
    *report = (struct weir_sweep_report){0};
    int err = make_plan(&r.plan, store, r.error);
    if (!err) {
        count_sessions(&r);
        r.committed_us = weir_clock_now_us(&r.clock);
        err = carry_out(&r, params->jobs, r.error);
        // Whatever ended it, what has been found is kept, where that is still possible.
        struct weir_error ignored;
        int kept = weir_store_commit(store, err ? &ignored : r.error);
        err = err ? err : kept;
    }
    clear_plan(&r.plan);
    return err;
}

// --- lists of algorithms ---

// Does a parameter follow, rather than another algorithm?
static bool is_parameter(const char *text)
{
    return text[strcspn(text, "=,;:")] == '=';
}

int weir_sweep_split_abrs(char *text, const char **list, size_t *count, size_t room,
                          struct weir_error *e)
{
    while (text) {
        char *end = text + strcspn(text, ",;");
        while (*end == ',' && is_parameter(end + 1))
            end += 1 + strcspn(end + 1, ",;");
        char *next = *end ? end + 1 : NULL;
        *end = '\0';
        if (!*text)
            return weir_error_set(e, WEIR_ERR_INVAL, "--abr", "an algorithm is missing");
        bool known = false;
        for (size_t i = 0; i < *count; i++)
            known = known || !strcmp(list[i], text);
        if (!known && *count == room)
            return weir_error_set(e, WEIR_ERR_TOO_BIG, "--abr", "more than %zu algorithms", room);
        if (!known)
            list[(*count)++] = text;
        text = next;
    }
    return 0;
}
