// sim/inputs.c — see inputs.h. Walks folders, names sets, reads every trace and content once.
#include "sim/inputs.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/text.h"

// Bounds on a search; beyond them: WEIR_ERR_TOO_BIG.
#define DEPTH_MAX  32
#define TRACES_MAX 2000000

// A trace file before it is read.
struct found {
    const char *folder; // as the user sees it
    const char *path;   // absolute, links resolved
    const char *name;
    const char *set;
};

struct search {
    struct weir_arena *arena;
    struct found *items;
    size_t count, room;
    struct weir_error *error;
};

static int out_of_memory(struct weir_error *e)
{
    (void)weir_error_set(e, WEIR_ERR_NOMEM, "--traces", "memory ran out");
    return WEIR_ERR_NOMEM;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

// What the name of a folder or file tells nothing about: ".", "..", "" (a trailing slash).
static bool says_nothing(const char *name)
{
    return !*name || strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

// realpath() into the arena; NULL with the error set.
static const char *absolute(struct search *s, const char *path)
{
    char *real = realpath(path, NULL);
    if (!real) {
        weir_error_set(s->error, WEIR_ERR_NOT_FOUND, path, "cannot be opened");
        weir_error_why(s->error, "%s", strerror(errno)); // NOLINT(concurrency-mt-unsafe)
        return NULL;
    }
    const char *copy = weir_arena_strdup(s->arena, real);
    free(real);
    if (!copy)
        out_of_memory(s->error);
    return copy;
}

// `path` without trailing slashes, in the arena.
static char *trimmed(struct search *s, const char *path)
{
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/')
        length--;
    char *copy = weir_arena_strndup(s->arena, path, length);
    if (!copy)
        out_of_memory(s->error);
    return copy;
}

static int add_file(struct search *s, const char *path)
{
    if (s->count == s->room) {
        if (s->count >= TRACES_MAX)
            return weir_error_set(s->error, WEIR_ERR_TOO_BIG, path, "more than %d traces",
                                  TRACES_MAX);
        size_t room = s->room ? s->room * 2 : 256;
        struct found *grown = realloc(s->items, room * sizeof(*grown));
        if (!grown)
            return out_of_memory(s->error);
        s->items = grown;
        s->room = room;
    }
    const char *real = absolute(s, path);
    if (!real)
        return s->error ? s->error->code : WEIR_ERR_NOT_FOUND;
    // The folder by the name that was given, were it a link; or, where that says nothing, by its
    // own.
    const char *name = base_name(path);
    char *folder =
        name > path ? weir_arena_strndup(s->arena, path, (size_t)(name - path - 1)) : NULL;
    const char *given = folder ? base_name(folder) : "";
    if (says_nothing(given))
        folder = weir_arena_strndup(s->arena, real, (size_t)(base_name(real) - real - 1));
    char *clean = weir_arena_strdup(s->arena, name);
    if (!folder || !clean)
        return out_of_memory(s->error);
    (void)weir_text_clean(clean); // names go into JSON and onto terminals
    (void)weir_text_clean(folder);
    name = clean;
    s->items[s->count++] = (struct found){.folder = folder, .path = real, .name = name};
    return 0;
}

static bool passed_over(const char *name)
{
    size_t length = strlen(name);
    return name[0] == '.' || (length > 3 && strcmp(name + length - 3, ".md") == 0) ||
           strncmp(name, "README", 6) == 0 || strncmp(name, "LICENSE", 7) == 0 ||
           strncmp(name, "COPYING", 7) == 0;
}

static int walk(struct search *s, const char *path, int depth);

static int walk_entry(struct search *s, const char *folder, const char *name, int depth)
{
    if (passed_over(name))
        return 0;
    const char *path = weir_arena_printf(s->arena, "%s/%s", folder, name);
    return path ? walk(s, path, depth + 1) : out_of_memory(s->error);
}

static int walk_folder(struct search *s, const char *path, int depth)
{
    if (depth > DEPTH_MAX)
        return weir_error_set(s->error, WEIR_ERR_TOO_BIG, path, "folders nested beyond %d levels",
                              DEPTH_MAX);
    DIR *dir = opendir(path);
    if (!dir) {
        weir_error_set(s->error, WEIR_ERR_NOT_FOUND, path, "the folder cannot be read");
        weir_error_why(s->error, "%s", strerror(errno)); // NOLINT(concurrency-mt-unsafe)
        return WEIR_ERR_NOT_FOUND;
    }
    int err = 0;
    struct dirent *entry;
    while (!err && (entry = readdir(dir)) != NULL) // NOLINT(concurrency-mt-unsafe): own stream
        err = walk_entry(s, path, entry->d_name, depth);
    (void)closedir(dir);
    return err;
}

static int walk(struct search *s, const char *path, int depth)
{
    struct stat st;
    if (stat(path, &st) != 0) {
        weir_error_set(s->error, WEIR_ERR_NOT_FOUND, path, "cannot be opened");
        weir_error_why(s->error, "%s", strerror(errno)); // NOLINT(concurrency-mt-unsafe)
        return WEIR_ERR_NOT_FOUND;
    }
    return S_ISDIR(st.st_mode) ? walk_folder(s, path, depth) : add_file(s, path);
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const struct found *)a)->path, ((const struct found *)b)->path);
}

static int by_set_and_name(const void *a, const void *b)
{
    const struct found *x = a, *y = b;
    int order = strcmp(x->set, y->set);
    if (!order)
        order = strcmp(x->name, y->name);
    return order ? order : strcmp(x->path, y->path);
}

// The last `parts` parts of the path.
static const char *tail(const char *path, int parts)
{
    const char *at = path + strlen(path);
    while (at > path && parts > 0) {
        at--;
        if (*at == '/' && --parts == 0)
            return at + 1;
    }
    return at[0] == '/' && at[1] ? at + 1 : at;
}

static int by_set_and_folder(const void *a, const void *b)
{
    const struct found *x = a, *y = b;
    int order = strcmp(x->set, y->set);
    return order ? order : strcmp(x->folder, y->folder);
}

// One more part of the path for folders that share a name. True: another round is needed.
static bool tell_apart(struct search *s, int parts)
{
    bool again = false;
    qsort(s->items, s->count, sizeof(*s->items), by_set_and_folder);
    for (size_t begin = 0, end; begin < s->count; begin = end) {
        bool shared = false;
        for (end = begin; end < s->count && !strcmp(s->items[end].set, s->items[begin].set); end++)
            shared = shared || strcmp(s->items[end].folder, s->items[begin].folder) != 0;
        for (size_t i = begin; shared && i < end; i++) {
            const char *longer = tail(s->items[i].folder, parts);
            again = again || longer != s->items[i].set;
            s->items[i].set = longer;
        }
    }
    return again;
}

static void name_sets(struct search *s)
{
    for (size_t i = 0; i < s->count; i++)
        s->items[i].set = tail(s->items[i].folder, 1);
    for (int parts = 2; parts <= DEPTH_MAX && tell_apart(s, parts); parts++) {
    }
    qsort(s->items, s->count, sizeof(*s->items), by_set_and_name);
}

static void drop_twins(struct search *s)
{
    size_t kept = 0;
    qsort(s->items, s->count, sizeof(*s->items), by_path);
    for (size_t i = 0; i < s->count; i++)
        if (!kept || strcmp(s->items[kept - 1].path, s->items[i].path) != 0)
            s->items[kept++] = s->items[i];
    s->count = kept;
}

static uint64_t hash_number(uint64_t hash, uint64_t value)
{
    for (int i = 0; i < 8; i++, value >>= 8)
        hash = (hash ^ (value & 0xff)) * UINT64_C(0x100000001b3); // FNV-1a
    return hash;
}

uint64_t weir_trace_hash(const struct weir_trace *t)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < weir_trace_count(t); i++) {
        const struct weir_trace_interval *at = weir_trace_at(t, i);
        uint64_t bps;
        memcpy(&bps, &at->bps, sizeof(bps));
        hash = hash_number(hash, (uint64_t)at->start_us);
        hash = hash_number(hash, bps);
        hash = hash_number(hash, (uint64_t)at->latency_us);
    }
    return hash_number(hash, (uint64_t)weir_trace_period_us(t));
}

static int read_traces(struct search *s, struct weir_inputs *out)
{
    out->traces = calloc(s->count, sizeof(*out->traces));
    out->bad = calloc(WEIR_INPUTS_BAD_KEPT, sizeof(*out->bad));
    if (!out->traces || !out->bad)
        return out_of_memory(s->error);
    for (size_t i = 0; i < s->count; i++) {
        const struct found *f = &s->items[i];
        struct weir_trace *trace = NULL;
        bool kept = out->bad_count < WEIR_INPUTS_BAD_KEPT;
        if (weir_trace_load(f->path, &trace, kept ? &out->bad[out->bad_count] : NULL) < 0) {
            out->bad_count++;
            continue;
        }
        out->traces[out->trace_count++] = (struct weir_input_trace){
            .set = f->set,
            .name = f->name,
            .path = f->path,
            .trace = trace,
            .hash = weir_trace_hash(trace),
        };
    }
    return 0;
}

static int load_traces(const char *const *paths, size_t count, struct weir_inputs *out,
                       struct weir_error *e)
{
    struct search s = {.arena = &out->arena, .error = e};
    int err = 0;
    for (size_t i = 0; !err && i < count; i++) {
        const char *path = trimmed(&s, paths[i]);
        err = path ? walk(&s, path, 0) : WEIR_ERR_NOMEM;
    }
    if (!err && s.count == 0) {
        (void)weir_error_set(e, WEIR_ERR_NOT_FOUND, count ? paths[0] : "--traces",
                             "no traces there");
        err = WEIR_ERR_NOT_FOUND;
    }
    if (!err) {
        drop_twins(&s);
        name_sets(&s);
        err = read_traces(&s, out);
    }
    free(s.items);
    return err;
}

// The part of a content's path that people know it by.
static const char *content_name(struct search *s, const char *path)
{
    const char *name = base_name(path);
    if (strcmp(name, "size") != 0 || name - path < 2)
        return name;
    const char *folder = weir_arena_strndup(s->arena, path, (size_t)(name - path - 1));
    return folder ? base_name(folder) : name;
}

static int load_content(struct search *s, const char *path, struct weir_inputs *out)
{
    struct weir_input_content c = {.path = absolute(s, path)};
    if (!c.path)
        return s->error ? s->error->code : WEIR_ERR_NOT_FOUND;
    c.name = content_name(s, c.path);
    for (size_t i = 0; i < out->content_count; i++) {
        if (!strcmp(out->contents[i].path, c.path))
            return 0;
        if (!strcmp(out->contents[i].name, c.name))
            return weir_error_set(s->error, WEIR_ERR_INVAL, path,
                                  "another content is called \"%s\", too", c.name);
    }
    int err = weir_content_load(path, &c.content, s->error);
    if (!err)
        out->contents[out->content_count++] = c;
    return err;
}

int weir_inputs_load(const char *const *trace_paths, size_t trace_path_count,
                     const char *const *content_paths, size_t content_path_count,
                     struct weir_inputs *out, struct weir_error *e)
{
    struct weir_error local;
    memset(out, 0, sizeof(*out));
    weir_arena_init(&out->arena, 0);
    struct search s = {.arena = &out->arena, .error = e ? e : &local};
    out->contents = calloc(content_path_count ? content_path_count : 1, sizeof(*out->contents));
    int err = out->contents ? 0 : out_of_memory(s.error);
    for (size_t i = 0; !err && i < content_path_count; i++)
        err = load_content(&s, content_paths[i], out);
    return err ? err : load_traces(trace_paths, trace_path_count, out, s.error);
}

void weir_inputs_clear(struct weir_inputs *in)
{
    for (size_t i = 0; i < in->trace_count; i++)
        weir_trace_destroy(&in->traces[i].trace);
    for (size_t i = 0; i < in->content_count; i++)
        weir_content_destroy(&in->contents[i].content);
    free(in->traces);
    free(in->contents);
    free(in->bad);
    weir_arena_clear(&in->arena);
    memset(in, 0, sizeof(*in));
}
