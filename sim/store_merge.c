// sim/store_merge.c — the databases of shards into one: lists united, sessions merged by id, into a
// file beside the target that takes its place when it is complete.
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/store_internal.h"

// In the order in which a sweep writes them, so that the file comes out the same.
static const char *const settings[] = {"weir_version", "command",   "net",    "buffer_max_us",
                                       "startup_us",   "resume_us", "rtt_us", "abandon",
                                       "offsets",      "seed"};
#define SETTING_COUNT (sizeof(settings) / sizeof(settings[0]))

struct input {
    struct weir_store *store;
    int32_t *contents, *traces, *abrs; // ids here → ids in the union
    struct weir_row row;               // the next one, by its id in the union
    bool more;
};

struct merge {
    struct input *inputs;
    size_t count;
    struct weir_store *out;
    struct weir_error *error;
};

static int out_of_memory(struct merge *m)
{
    return weir_error_set(m->error, WEIR_ERR_NOMEM, "merge", "memory ran out");
}

static int open_inputs(struct merge *m, const char *const *paths, size_t count,
                       const char *existing)
{
    m->inputs = calloc(count + 1, sizeof(*m->inputs));
    if (!m->inputs)
        return out_of_memory(m);
    int err = 0;
    for (size_t i = 0; !err && i < count; i++) {
        err = weir_store_open(paths[i], WEIR_STORE_READ, &m->inputs[m->count].store, m->error);
        m->count += !err;
    }
    if (!err && existing) {
        err = weir_store_open(existing, WEIR_STORE_READ, &m->inputs[m->count].store, m->error);
        m->count += !err;
    }
    return err;
}

static const char *setting(const struct input *in, const char *key)
{
    const char *value = weir_store_meta(in->store, key);
    return value ? value : "";
}

static int check_settings(struct merge *m)
{
    for (size_t s = 0; s < SETTING_COUNT; s++) {
        const char *want = s == 0 ? WEIR_VERSION_STRING : setting(&m->inputs[0], settings[s]);
        for (size_t i = 0; i < m->count; i++) {
            const char *have = setting(&m->inputs[i], settings[s]);
            if (strcmp(settings[s], "command") == 0 || strcmp(have, want) == 0)
                continue;
            return weir_error_set(m->error, WEIR_ERR_INVAL, weir_store_path(m->inputs[i].store),
                                  "cannot be joined: %s is %s, not %s", settings[s], have, want);
        }
    }
    return 0;
}

// The conditions, which are the same everywhere; of several command lines the least by byte order.
static int copy_settings(struct merge *m)
{
    int err = 0;
    for (size_t s = 1; !err && s < SETTING_COUNT; s++) {
        const char *value = setting(&m->inputs[0], settings[s]);
        for (size_t i = 1; i < m->count; i++) { // the least of them, whatever the order
            const char *other = setting(&m->inputs[i], settings[s]);
            value = strcmp(other, value) < 0 ? other : value;
        }
        if (*value)
            err = weir_store_set_meta(m->out, settings[s], value, m->error);
    }
    return err;
}

// --- lists ---

struct named {
    const char *set, *name;
    size_t input, id;
};

static int by_name(const void *a, const void *b)
{
    const struct named *x = a, *y = b;
    int order = strcmp(x->set, y->set);
    if (!order)
        order = strcmp(x->name, y->name);
    if (!order)
        order = (x->input > y->input) - (x->input < y->input);
    return order;
}

enum list { CONTENTS, TRACES, ABRS, LISTS };

static size_t list_count(const struct weir_store *s, enum list list)
{
    return list == CONTENTS ? weir_store_content_count(s)
           : list == TRACES ? weir_store_trace_count(s)
                            : weir_store_abr_count(s);
}

static struct named list_item(const struct weir_store *s, enum list list, size_t id)
{
    switch (list) {
    case CONTENTS:
        return (struct named){"", weir_store_content(s, id)->name, 0, id};
    case TRACES:
        return (struct named){weir_store_trace(s, id)->set, weir_store_trace(s, id)->name, 0, id};
    default:
        return (struct named){"", weir_store_abr(s, id)->spec, 0, id};
    }
}

static int32_t *list_map(struct input *in, enum list list)
{
    return list == CONTENTS ? in->contents : list == TRACES ? in->traces : in->abrs;
}

static int add_item(struct merge *m, enum list list, const struct named *item)
{
    struct input *in = &m->inputs[item->input];
    int32_t *id = &list_map(in, list)[item->id];
    switch (list) {
    case CONTENTS:
        return weir_store_add_content(m->out, weir_store_content(in->store, item->id), id,
                                      m->error);
    case TRACES:
        return weir_store_add_trace(m->out, weir_store_trace(in->store, item->id), id, m->error);
    default:
        return weir_store_add_abr(m->out, weir_store_abr(in->store, item->id), id, m->error);
    }
}

// Do all inputs list the same in the same order? Shards of one command do.
static bool all_alike(const struct merge *m, enum list list)
{
    size_t count = list_count(m->inputs[0].store, list);
    for (size_t i = 1; i < m->count; i++) {
        if (list_count(m->inputs[i].store, list) != count)
            return false;
        for (size_t id = 0; id < count; id++) {
            struct named a = list_item(m->inputs[0].store, list, id);
            struct named b = list_item(m->inputs[i].store, list, id);
            if (strcmp(a.set, b.set) != 0 || strcmp(a.name, b.name) != 0)
                return false;
        }
    }
    return true;
}

static int unite(struct merge *m, enum list list)
{
    size_t total = 0, at = 0;
    for (size_t i = 0; i < m->count; i++)
        total += list_count(m->inputs[i].store, list);
    struct named *all = calloc(total ? total : 1, sizeof(*all));
    if (!all)
        return out_of_memory(m);
    for (size_t i = 0; i < m->count; i++) {
        for (size_t id = 0; id < list_count(m->inputs[i].store, list); id++) {
            all[at] = list_item(m->inputs[i].store, list, id);
            all[at++].input = i;
        }
    }
    if (total && !all_alike(m, list))
        qsort(all, total, sizeof(*all), by_name);
    int err = 0;
    for (size_t i = 0; !err && i < total; i++)
        err = add_item(m, list, &all[i]);
    free(all);
    return err;
}

static int unite_lists(struct merge *m)
{
    for (size_t i = 0; i < m->count; i++) {
        struct input *in = &m->inputs[i];
        in->contents = calloc(weir_store_content_count(in->store) + 1, sizeof(int32_t));
        in->traces = calloc(weir_store_trace_count(in->store) + 1, sizeof(int32_t));
        in->abrs = calloc(weir_store_abr_count(in->store) + 1, sizeof(int32_t));
        if (!in->contents || !in->traces || !in->abrs)
            return out_of_memory(m);
    }
    int err = 0;
    for (int list = 0; !err && list < LISTS; list++)
        err = unite(m, (enum list)list);
    return err;
}

// --- sessions ---

static int next(struct merge *m, struct input *in)
{
    int got = weir_store_next(in->store, &in->row, m->error);
    in->more = got > 0;
    if (got <= 0)
        return got;
    struct weir_row_key k = weir_row_key(in->row.id);
    if ((size_t)k.content >= weir_store_content_count(in->store) ||
        (size_t)k.trace >= weir_store_trace_count(in->store) ||
        (size_t)k.abr >= weir_store_abr_count(in->store))
        return weir_error_set(m->error, WEIR_ERR_SYNTAX, weir_store_path(in->store),
                              "the database is damaged: a session of no trace");
    k.content = in->contents[k.content];
    k.trace = in->traces[k.trace];
    k.abr = in->abrs[k.abr];
    in->row.id = weir_row_id(k);
    return 0;
}

// Equal, or both unknown.
static bool same_reals(const struct weir_row *a, const struct weir_row *b)
{
    for (int i = 0; i < WEIR_ROW_REALS; i++)
        if (a->reals[i] != b->reals[i] && !(isnan(a->reals[i]) && isnan(b->reals[i])))
            return false;
    return true;
}

static bool same_row(const struct weir_row *a, const struct weir_row *b)
{
    return a->offset_us == b->offset_us &&
           memcmp(a->integers, b->integers, sizeof(a->integers)) == 0 && same_reals(a, b) &&
           a->decision_count == b->decision_count &&
           (!a->decision_count || memcmp(a->decisions, b->decisions, a->decision_count) == 0);
}

static int disagree(struct merge *m, const struct input *in, const struct weir_row *row)
{
    struct weir_row_key k = weir_row_key(row->id);
    const struct weir_store_trace *t = weir_store_trace(m->out, (size_t)k.trace);
    return weir_error_set(m->error, WEIR_ERR_INVAL, weir_store_path(in->store),
                          "cannot be joined: its session of %s over %s/%s differs from another's",
                          weir_store_abr(m->out, (size_t)k.abr)->spec, t->set, t->name);
}

// Put the session with the lowest id, and take it out of every input that has it. 1: done.
static int merge_one(struct merge *m)
{
    struct input *first = NULL;
    for (size_t i = 0; i < m->count; i++) {
        struct input *in = &m->inputs[i];
        if (in->more && (!first || in->row.id < first->row.id))
            first = in;
    }
    if (!first)
        return 1;
    int err = weir_store_put(m->out, &first->row, m->error);
    int64_t id = first->row.id;
    for (size_t i = 0; !err && i < m->count; i++) {
        struct input *in = &m->inputs[i];
        if (in == first || !in->more || in->row.id != id)
            continue;
        err = same_row(&in->row, &first->row) ? next(m, in) : disagree(m, in, &in->row);
    }
    return err ? err : next(m, first);
}

static int merge_sessions(struct merge *m)
{
    int err = 0;
    for (size_t i = 0; !err && i < m->count; i++) {
        err = weir_store_rewind(m->inputs[i].store, m->error);
        if (!err)
            err = next(m, &m->inputs[i]);
    }
    while (!err)
        err = merge_one(m);
    return err < 0 ? err : 0;
}

static int merge_into(struct merge *m, const char *path)
{
    int err = check_settings(m);
    if (!err)
        err = weir_store_open(path, WEIR_STORE_WRITE, &m->out, m->error);
    if (!err)
        err = copy_settings(m);
    if (!err)
        err = unite_lists(m);
    if (!err)
        err = merge_sessions(m);
    return err ? err : weir_store_seal(m->out, m->error);
}

static void clear(struct merge *m)
{
    weir_store_close(&m->out);
    for (size_t i = 0; m->inputs && i < m->count; i++) {
        weir_store_close(&m->inputs[i].store);
        free(m->inputs[i].contents);
        free(m->inputs[i].traces);
        free(m->inputs[i].abrs);
    }
    free(m->inputs);
}

int weir_store_merge(const char *const *paths, size_t count, const char *out_path,
                     struct weir_error *e)
{
    struct weir_error local = {0};
    struct merge m = {.error = e ? e : &local};
    char *partial = malloc(strlen(out_path) + sizeof(".partial"));
    if (!partial)
        return out_of_memory(&m);
    (void)sprintf(partial, "%s.partial", out_path);
    (void)unlink(partial); // of a merge that was killed
    int err = open_inputs(&m, paths, count, access(out_path, F_OK) == 0 ? out_path : NULL);
    if (!err)
        err = merge_into(&m, partial);
    clear(&m);
    if (!err && rename(partial, out_path) != 0) {
        int why = errno;
        err = weir_error_set(m.error, WEIR_ERR_OUTPUT, out_path, "cannot be written");
        weir_error_why(m.error, "%s", strerror(why)); // NOLINT(concurrency-mt-unsafe)
    }
    if (err)
        (void)unlink(partial);
    free(partial);
    return err;
}
