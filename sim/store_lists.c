// sim/store_lists.c — the tables of a database of results, and the lists in it that are short
// enough for memory: settings, traces, contents, algorithms.
#include <stdlib.h>
#include <string.h>

#include "sim/store_internal.h"

static const char tables[] =
    "CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE traces(id INTEGER PRIMARY KEY, trace_set TEXT NOT NULL, name TEXT NOT NULL,"
    " path TEXT NOT NULL, hash TEXT NOT NULL, period_us INTEGER NOT NULL, mean_bps REAL NOT NULL,"
    " UNIQUE(trace_set, name));"
    "CREATE TABLE contents(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, path TEXT NOT NULL,"
    " hash TEXT NOT NULL, segments INTEGER NOT NULL, duration_us INTEGER NOT NULL,"
    " lowest_bps INTEGER NOT NULL, highest_bps INTEGER NOT NULL);"
    "CREATE TABLE algorithms(id INTEGER PRIMARY KEY, spec TEXT NOT NULL UNIQUE,"
    " hash TEXT NOT NULL);";

static void add_sessions_table(struct weir_textbuf *sql)
{
    weir_textbuf_put(sql, "CREATE TABLE sessions(id INTEGER PRIMARY KEY, offset_us INTEGER NOT "
                          "NULL");
    for (size_t i = 0; i < WEIR_ROW_MEMBERS; i++)
        weir_textbuf_printf(sql, ", %s %s", weir_row_members[i].column,
                            weir_row_members[i].real ? "REAL" : "INTEGER");
    weir_textbuf_put(sql, ", decisions BLOB);");
}

// The same with names and in seconds, for people and scripts.
static void add_session_view(struct weir_textbuf *sql)
{
    weir_textbuf_put(sql, "CREATE VIEW session AS SELECT t.trace_set AS trace_set, a.spec AS abr, "
                          "c.name AS content, t.name AS trace, s.offset_us / 1e6 AS \"offset\"");
    for (size_t i = 0; i < WEIR_ROW_MEMBERS; i++)
        weir_textbuf_printf(sql, ", s.%s%s AS \"%s\"", weir_row_members[i].column,
                            weir_row_members[i].time ? " / 1e6" : "", weir_row_members[i].name);
    weir_textbuf_printf(sql,
                        ", s.decisions AS decisions FROM sessions s"
                        " JOIN algorithms a ON a.id = s.id & %d"
                        " JOIN traces t ON t.id = s.id >> 32 & %d"
                        " JOIN contents c ON c.id = s.id >> 53;",
                        WEIR_ROW_MAX_ABRS - 1, WEIR_ROW_MAX_TRACES - 1);
}

int weir_store_create_tables(struct weir_store *s, struct weir_error *e)
{
    struct weir_textbuf sql = {0};
    weir_textbuf_put(&sql, tables);
    add_sessions_table(&sql);
    add_session_view(&sql);
    weir_textbuf_add(&sql, "", 1);
    int err = sql.failed ? weir_error_set(e, WEIR_ERR_NOMEM, s->path, "memory ran out")
                         : weir_store_exec(s, sql.data, e);
    weir_textbuf_clear(&sql);
    return err;
}

// Room for one more in a list; NULL without memory.
static void *grow(void *list, size_t count, size_t *room, size_t item_bytes)
{
    if (count < *room)
        return list;
    size_t wanted = *room ? *room * 2 : 16;
    void *grown = realloc(list, wanted * item_bytes);
    if (grown)
        *room = wanted;
    return grown;
}

static int out_of_memory(struct weir_store *s, struct weir_error *e)
{
    return weir_error_set(e, WEIR_ERR_NOMEM, s->path, "memory ran out");
}

static const char *keep(struct weir_store *s, const char *text)
{
    return weir_arena_strdup(&s->arena, text ? text : "");
}

static int remember_setting(struct weir_store *s, const char *key, const char *value,
                            struct weir_error *e)
{
    for (size_t i = 0; i < s->setting_count; i++) {
        if (strcmp(s->settings[i].key, key) == 0) {
            s->settings[i].value = weir_arena_strdup(&s->arena, value);
            return s->settings[i].value ? 0 : out_of_memory(s, e);
        }
    }
    void *list = grow(s->settings, s->setting_count, &s->setting_room, sizeof(*s->settings));
    if (!list)
        return out_of_memory(s, e);
    s->settings = list;
    struct weir_store_setting *at = &s->settings[s->setting_count];
    at->key = weir_arena_strdup(&s->arena, key);
    at->value = weir_arena_strdup(&s->arena, value);
    if (!at->key || !at->value)
        return out_of_memory(s, e);
    s->setting_count++;
    return 0;
}

static int remember_trace(struct weir_store *s, const struct weir_store_trace *t,
                          struct weir_error *e)
{
    void *list = grow(s->traces, s->trace_count, &s->trace_room, sizeof(*s->traces));
    if (!list)
        return out_of_memory(s, e);
    s->traces = list;
    struct weir_store_trace own = *t;
    own.set = keep(s, t->set);
    own.name = keep(s, t->name);
    own.path = keep(s, t->path);
    own.hash = keep(s, t->hash);
    if (!own.set || !own.name || !own.path || !own.hash)
        return out_of_memory(s, e);
    s->traces[s->trace_count++] = own;
    return 0;
}

static int remember_content(struct weir_store *s, const struct weir_store_content *c,
                            struct weir_error *e)
{
    void *list = grow(s->contents, s->content_count, &s->content_room, sizeof(*s->contents));
    if (!list)
        return out_of_memory(s, e);
    s->contents = list;
    struct weir_store_content own = *c;
    own.name = keep(s, c->name);
    own.path = keep(s, c->path);
    own.hash = keep(s, c->hash);
    if (!own.name || !own.path || !own.hash)
        return out_of_memory(s, e);
    s->contents[s->content_count++] = own;
    return 0;
}

static int remember_abr(struct weir_store *s, const struct weir_store_abr *a, struct weir_error *e)
{
    void *list = grow(s->abrs, s->abr_count, &s->abr_room, sizeof(*s->abrs));
    if (!list)
        return out_of_memory(s, e);
    s->abrs = list;
    struct weir_store_abr own = {.spec = keep(s, a->spec), .hash = keep(s, a->hash)};
    if (!own.spec || !own.hash)
        return out_of_memory(s, e);
    s->abrs[s->abr_count++] = own;
    return 0;
}

static const char *text_at(sqlite3_stmt *q, int column)
{
    const char *text = (const char *)sqlite3_column_text(q, column);
    return text ? text : "";
}

static int take_setting(struct weir_store *s, sqlite3_stmt *q, struct weir_error *e)
{
    return remember_setting(s, text_at(q, 0), text_at(q, 1), e);
}

// Ids count from 0 without gaps, or the database is damaged.
static int check_id(struct weir_store *s, sqlite3_stmt *q, size_t count, struct weir_error *e)
{
    if (sqlite3_column_int64(q, 0) == (int64_t)count)
        return 0;
    return weir_error_set(e, WEIR_ERR_SYNTAX, s->path, "the database is damaged: a gap in its ids");
}

static int take_trace(struct weir_store *s, sqlite3_stmt *q, struct weir_error *e)
{
    struct weir_store_trace t = {
        .set = text_at(q, 1),
        .name = text_at(q, 2),
        .path = text_at(q, 3),
        .hash = text_at(q, 4),
        .period_us = sqlite3_column_int64(q, 5),
        .mean_bps = sqlite3_column_double(q, 6),
    };
    int err = check_id(s, q, s->trace_count, e);
    return err ? err : remember_trace(s, &t, e);
}

static int take_content(struct weir_store *s, sqlite3_stmt *q, struct weir_error *e)
{
    struct weir_store_content c = {
        .name = text_at(q, 1),
        .path = text_at(q, 2),
        .hash = text_at(q, 3),
        .segments = sqlite3_column_int64(q, 4),
        .duration_us = sqlite3_column_int64(q, 5),
        .lowest_bps = sqlite3_column_int64(q, 6),
        .highest_bps = sqlite3_column_int64(q, 7),
    };
    int err = check_id(s, q, s->content_count, e);
    return err ? err : remember_content(s, &c, e);
}

static int take_abr(struct weir_store *s, sqlite3_stmt *q, struct weir_error *e)
{
    struct weir_store_abr a = {.spec = text_at(q, 1), .hash = text_at(q, 2)};
    int err = check_id(s, q, s->abr_count, e);
    return err ? err : remember_abr(s, &a, e);
}

static int read_list(struct weir_store *s, const char *sql,
                     int (*take)(struct weir_store *, sqlite3_stmt *, struct weir_error *),
                     struct weir_error *e)
{
    sqlite3_stmt *q = NULL;
    int err = weir_store_prepare(s, sql, &q, e);
    while (!err) {
        int result = sqlite3_step(q);
        if (result == SQLITE_DONE)
            break;
        err = result == SQLITE_ROW ? take(s, q, e) : weir_store_fail(s, e);
    }
    (void)sqlite3_finalize(q);
    return err;
}

int weir_store_read_lists(struct weir_store *s, struct weir_error *e)
{
    int err = read_list(s, "SELECT key, value FROM meta", take_setting, e);
    if (!err)
        err = read_list(s, "SELECT * FROM traces ORDER BY id", take_trace, e);
    if (!err)
        err = read_list(s, "SELECT * FROM contents ORDER BY id", take_content, e);
    return err ? err : read_list(s, "SELECT * FROM algorithms ORDER BY id", take_abr, e);
}

const char *weir_store_meta(const struct weir_store *s, const char *key)
{
    for (size_t i = 0; i < s->setting_count; i++)
        if (strcmp(s->settings[i].key, key) == 0)
            return s->settings[i].value;
    return NULL;
}

size_t weir_store_trace_count(const struct weir_store *s)
{
    return s->trace_count;
}

const struct weir_store_trace *weir_store_trace(const struct weir_store *s, size_t id)
{
    return &s->traces[id];
}

size_t weir_store_content_count(const struct weir_store *s)
{
    return s->content_count;
}

const struct weir_store_content *weir_store_content(const struct weir_store *s, size_t id)
{
    return &s->contents[id];
}

size_t weir_store_abr_count(const struct weir_store *s)
{
    return s->abr_count;
}

const struct weir_store_abr *weir_store_abr(const struct weir_store *s, size_t id)
{
    return &s->abrs[id];
}

// Run a statement whose first parameter is `id` and whose others are the texts, then the numbers.
static int insert(struct weir_store *s, const char *sql, size_t id, const char *const *texts,
                  int text_count, const int64_t *numbers, int number_count, const double *real,
                  struct weir_error *e)
{
    sqlite3_stmt *q = NULL;
    int err = weir_store_begin(s, e);
    if (!err)
        err = weir_store_prepare(s, sql, &q, e);
    if (!err) {
        int at = 1;
        (void)sqlite3_bind_int64(q, at++, (int64_t)id);
        for (int i = 0; i < text_count; i++)
            (void)sqlite3_bind_text(q, at++, texts[i], -1, SQLITE_STATIC);
        for (int i = 0; i < number_count; i++)
            (void)sqlite3_bind_int64(q, at++, numbers[i]);
        if (real)
            (void)sqlite3_bind_double(q, at, *real);
        if (sqlite3_step(q) != SQLITE_DONE)
            err = weir_store_fail(s, e);
    }
    (void)sqlite3_finalize(q);
    return err;
}

int weir_store_set_meta(struct weir_store *s, const char *key, const char *value,
                        struct weir_error *e)
{
    const char *old = weir_store_meta(s, key);
    if (old && strcmp(old, value) == 0)
        return 0;
    sqlite3_stmt *q = NULL;
    int err = weir_store_begin(s, e);
    if (!err)
        err = weir_store_prepare(s, "INSERT OR REPLACE INTO meta VALUES(?, ?)", &q, e);
    if (!err) {
        (void)sqlite3_bind_text(q, 1, key, -1, SQLITE_STATIC);
        (void)sqlite3_bind_text(q, 2, value, -1, SQLITE_STATIC);
        if (sqlite3_step(q) != SQLITE_DONE)
            err = weir_store_fail(s, e);
    }
    (void)sqlite3_finalize(q);
    return err ? err : remember_setting(s, key, value, e);
}

static int mismatch(struct weir_store *s, const char *what, const char *name, struct weir_error *e)
{
    weir_error_set(e, WEIR_ERR_INVAL, s->path,
                   "%s \"%s\" is not the one that results are stored of", what, name);
    weir_error_hint(e, "another --db: the old results hold for what it was before");
    return WEIR_ERR_INVAL;
}

static int too_many(struct weir_store *s, const char *what, int max, struct weir_error *e)
{
    return weir_error_set(e, WEIR_ERR_TOO_BIG, s->path, "more than %d %s", max, what);
}

#define NOT_THERE INT64_MIN

// By the index that UNIQUE keeps: there may be many. The id, NOT_THERE, or a negative error.
static int64_t find_trace(struct weir_store *s, const struct weir_store_trace *t,
                          struct weir_error *e)
{
    sqlite3_stmt *q = NULL;
    int64_t id = NOT_THERE;
    int err =
        weir_store_prepare(s, "SELECT id FROM traces WHERE trace_set = ? AND name = ?", &q, e);
    if (!err) {
        (void)sqlite3_bind_text(q, 1, t->set, -1, SQLITE_STATIC);
        (void)sqlite3_bind_text(q, 2, t->name, -1, SQLITE_STATIC);
        int result = sqlite3_step(q);
        if (result == SQLITE_ROW)
            id = sqlite3_column_int64(q, 0);
        else if (result != SQLITE_DONE)
            err = weir_store_fail(s, e);
    }
    (void)sqlite3_finalize(q);
    return err ? err : id;
}

int weir_store_add_trace(struct weir_store *s, const struct weir_store_trace *t, int32_t *id,
                         struct weir_error *e)
{
    int64_t found = find_trace(s, t, e);
    if (found >= 0) {
        *id = (int32_t)found;
        return strcmp(s->traces[found].hash, t->hash) == 0 ? 0 : mismatch(s, "trace", t->name, e);
    }
    if (found != NOT_THERE)
        return (int)found;
    if (s->trace_count >= WEIR_ROW_MAX_TRACES)
        return too_many(s, "traces", WEIR_ROW_MAX_TRACES, e);
    *id = (int32_t)s->trace_count;
    const char *texts[] = {t->set, t->name, t->path, t->hash};
    int err = insert(s, "INSERT INTO traces VALUES(?,?,?,?,?,?,?)", s->trace_count, texts, 4,
                     &t->period_us, 1, &t->mean_bps, e);
    return err ? err : remember_trace(s, t, e);
}

int weir_store_add_content(struct weir_store *s, const struct weir_store_content *c, int32_t *id,
                           struct weir_error *e)
{
    for (size_t i = 0; i < s->content_count; i++) {
        if (strcmp(s->contents[i].name, c->name) != 0)
            continue;
        *id = (int32_t)i;
        return strcmp(s->contents[i].hash, c->hash) == 0 ? 0 : mismatch(s, "content", c->name, e);
    }
    if (s->content_count >= WEIR_ROW_MAX_CONTENTS)
        return too_many(s, "contents", WEIR_ROW_MAX_CONTENTS, e);
    *id = (int32_t)s->content_count;
    const char *texts[] = {c->name, c->path, c->hash};
    const int64_t numbers[] = {c->segments, c->duration_us, c->lowest_bps, c->highest_bps};
    int err = insert(s, "INSERT INTO contents VALUES(?,?,?,?,?,?,?,?)", s->content_count, texts, 3,
                     numbers, 4, NULL, e);
    return err ? err : remember_content(s, c, e);
}

int weir_store_add_abr(struct weir_store *s, const struct weir_store_abr *a, int32_t *id,
                       struct weir_error *e)
{
    for (size_t i = 0; i < s->abr_count; i++) {
        if (strcmp(s->abrs[i].spec, a->spec) != 0)
            continue;
        *id = (int32_t)i;
        return strcmp(s->abrs[i].hash, a->hash) == 0 ? 0 : mismatch(s, "algorithm", a->spec, e);
    }
    if (s->abr_count >= WEIR_ROW_MAX_ABRS)
        return too_many(s, "algorithms", WEIR_ROW_MAX_ABRS, e);
    *id = (int32_t)s->abr_count;
    const char *texts[] = {a->spec, a->hash};
    int err =
        insert(s, "INSERT INTO algorithms VALUES(?,?,?)", s->abr_count, texts, 2, NULL, 0, NULL, e);
    return err ? err : remember_abr(s, a, e);
}
