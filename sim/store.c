// sim/store.c — see store.h: the connection, transactions and rows. Tables and lists are
// store_lists.c, joining shards is store_merge.c.
#include "sim/store.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/store_internal.h"

#define APPLICATION_ID 0x57656972 // "Weir"

int weir_store_fail(const struct weir_store *s, struct weir_error *e)
{
    int code = sqlite3_errcode(s->db) & 0xff;
    const char *what = "the database cannot be written";
    int err = WEIR_ERR_OUTPUT;
    switch (code) {
    case SQLITE_FULL:
        what = "the disk is full";
        break;
    case SQLITE_NOTADB:
        what = "not a database";
        err = WEIR_ERR_SYNTAX;
        break;
    case SQLITE_CORRUPT:
        what = "the database is damaged";
        err = WEIR_ERR_SYNTAX;
        break;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        what = "the database is locked: in use by another process";
        break;
    case SQLITE_CANTOPEN:
        what = "the database cannot be opened";
        break;
    case SQLITE_NOMEM:
        what = "memory ran out";
        err = WEIR_ERR_NOMEM;
        break;
    case SQLITE_ERROR: // a table or column that should be there
        what = "not a database of this version's results";
        err = WEIR_ERR_SYNTAX;
        break;
    default:
        break;
    }
    weir_error_set(e, err, s->path, "%s", what);
    weir_error_why(e, "%s", sqlite3_errmsg(s->db));
    return err;
}

int weir_store_exec(struct weir_store *s, const char *sql, struct weir_error *e)
{
    return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : weir_store_fail(s, e);
}

int weir_store_prepare(struct weir_store *s, const char *sql, sqlite3_stmt **out,
                       struct weir_error *e)
{
    int result = sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL);
    return result == SQLITE_OK ? 0 : weir_store_fail(s, e);
}

int weir_store_begin(struct weir_store *s, struct weir_error *e)
{
    if (s->in_transaction)
        return 0;
    int err = weir_store_exec(s, "BEGIN IMMEDIATE", e);
    s->in_transaction = !err;
    s->changed = s->changed || !err;
    return err;
}

int weir_store_commit(struct weir_store *s, struct weir_error *e)
{
    if (!s->in_transaction)
        return 0;
    int err = weir_store_exec(s, "COMMIT", e);
    if (err) // SQLite may have rolled back already
        (void)sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    s->in_transaction = false;
    return err;
}

static int pragma_integer(struct weir_store *s, const char *sql, int64_t *out, struct weir_error *e)
{
    sqlite3_stmt *q = NULL;
    int err = weir_store_prepare(s, sql, &q, e);
    if (!err && sqlite3_step(q) == SQLITE_ROW)
        *out = sqlite3_column_int64(q, 0);
    else if (!err)
        err = weir_store_fail(s, e);
    (void)sqlite3_finalize(q);
    return err;
}

// Is it ours, and of this version? *fresh: there is nothing in it yet.
static int check_kind(struct weir_store *s, bool *fresh, struct weir_error *e)
{
    int64_t tables = 0, application = 0, schema = 0;
    int err = pragma_integer(s, "SELECT count(*) FROM sqlite_schema", &tables, e);
    if (!err)
        err = pragma_integer(s, "PRAGMA application_id", &application, e);
    if (!err)
        err = pragma_integer(s, "PRAGMA user_version", &schema, e);
    if (err)
        return err;
    *fresh = tables == 0;
    if (*fresh)
        return 0;
    if (application != APPLICATION_ID)
        return weir_error_set(e, WEIR_ERR_SYNTAX, s->path, "a database, but not of Weir's results");
    if (schema != WEIR_STORE_SCHEMA) {
        weir_error_set(e, WEIR_ERR_SYNTAX, s->path,
                       "results of another version: format %lld, this is format %d",
                       (long long)schema, WEIR_STORE_SCHEMA);
        weir_error_hint(e, "another file, or the Weir that made it");
        return WEIR_ERR_SYNTAX;
    }
    return 0;
}

// A journal (not a log ahead) suits rows that are only appended: little of them is written twice.
static int configure(struct weir_store *s, enum weir_store_mode mode, struct weir_error *e)
{
    if (mode == WEIR_STORE_READ)
        return weir_store_exec(s, "PRAGMA cache_size=-16384", e);
    int err = weir_store_exec(s,
                              "PRAGMA page_size=16384; PRAGMA locking_mode=EXCLUSIVE;"
                              "PRAGMA journal_mode=DELETE; PRAGMA cache_size=-32768;",
                              e);
    if (!err && s->temporary)
        err = weir_store_exec(s, "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF", e);
    // Two sweeps into one file would do everything twice: take the lock now, keep it.
    return err ? err : weir_store_exec(s, "BEGIN EXCLUSIVE; COMMIT", e);
}

static int prepare_fresh(struct weir_store *s, enum weir_store_mode mode, struct weir_error *e)
{
    if (mode == WEIR_STORE_READ)
        return weir_error_set(e, WEIR_ERR_SYNTAX, s->path, "there are no results in it");
    int err = weir_store_begin(s, e);
    if (!err)
        err = weir_store_create_tables(s, e);
    char sql[128];
    sqlite3_snprintf(sizeof(sql), sql, "PRAGMA application_id=%d; PRAGMA user_version=%d",
                     APPLICATION_ID, WEIR_STORE_SCHEMA);
    if (!err)
        err = weir_store_exec(s, sql, e);
    return err ? err : weir_store_set_meta(s, "weir_version", WEIR_VERSION_STRING, e);
}

static int check_version(struct weir_store *s, enum weir_store_mode mode, struct weir_error *e)
{
    const char *version = weir_store_meta(s, "weir_version");
    if (mode == WEIR_STORE_READ || (version && !strcmp(version, WEIR_VERSION_STRING)))
        return 0;
    weir_error_set(e, WEIR_ERR_SYNTAX, s->path, "results of Weir %s; this is %s",
                   version ? version : "unknown", WEIR_VERSION_STRING);
    weir_error_hint(e, "another file: what different versions find is not to be mixed");
    return WEIR_ERR_SYNTAX;
}

// Statements over all columns: "SELECT id, offset_us, …, decisions FROM sessions".
static int prepare_rows(struct weir_store *s, struct weir_error *e)
{
    struct weir_textbuf columns = {0}, sql = {0};
    weir_textbuf_put(&columns, "id, offset_us");
    for (size_t i = 0; i < WEIR_ROW_MEMBERS; i++)
        weir_textbuf_printf(&columns, ", %s", weir_row_members[i].column);
    weir_textbuf_put(&columns, ", decisions");
    weir_textbuf_add(&columns, "", 1);
    weir_textbuf_printf(&sql, "SELECT %s FROM sessions ORDER BY id", columns.data);
    weir_textbuf_add(&sql, "", 1);
    int err = sql.failed ? WEIR_ERR_NOMEM : weir_store_prepare(s, sql.data, &s->all, e);
    sql.size = 0;
    weir_textbuf_printf(&sql, "SELECT %s FROM sessions WHERE id = ?", columns.data);
    weir_textbuf_add(&sql, "", 1);
    if (!err)
        err = sql.failed ? WEIR_ERR_NOMEM : weir_store_prepare(s, sql.data, &s->one, e);
    sql.size = 0;
    weir_textbuf_printf(&sql, "INSERT INTO sessions(%s) VALUES(?", columns.data);
    for (size_t i = 0; i < WEIR_ROW_MEMBERS + 2; i++)
        weir_textbuf_put(&sql, ",?");
    weir_textbuf_add(&sql, ")", 2);
    if (!err)
        err = sql.failed ? WEIR_ERR_NOMEM : weir_store_prepare(s, sql.data, &s->put, e);
    weir_textbuf_clear(&columns);
    weir_textbuf_clear(&sql);
    return err;
}

static int open_database(struct weir_store *s, const char *path, enum weir_store_mode mode,
                         struct weir_error *e)
{
    // To read, too, the file is opened for writing where that is allowed: a sweep that was killed
    // leaves a journal that is to be rolled back.
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
    if (mode == WEIR_STORE_WRITE)
        flags |= SQLITE_OPEN_CREATE;
    // An empty name is SQLite's word for a temporary file.
    if (sqlite3_open_v2(path ? path : "", &s->db, flags, NULL) != SQLITE_OK)
        return weir_store_fail(s, e);
    (void)sqlite3_busy_timeout(s->db, 1000);
    bool fresh = false;
    int err = configure(s, mode, e);
    if (!err)
        err = check_kind(s, &fresh, e);
    if (!err)
        err = fresh ? prepare_fresh(s, mode, e) : weir_store_read_lists(s, e);
    if (!err)
        err = check_version(s, mode, e);
    return err ? err : prepare_rows(s, e);
}

int weir_store_open(const char *path, enum weir_store_mode mode, struct weir_store **out,
                    struct weir_error *e)
{
    struct weir_store *s = calloc(1, sizeof(*s));
    *out = NULL;
    if (s)
        s->path = strdup(path ? path : "temporary results");
    if (!s || !s->path) {
        free(s);
        return weir_error_set(e, WEIR_ERR_NOMEM, path, "memory ran out");
    }
    s->temporary = path == NULL;
    weir_arena_init(&s->arena, 0);
    int err = open_database(s, path, mode, e);
    if (err) {
        if (err == WEIR_ERR_OUTPUT && mode == WEIR_STORE_READ) {
            err = WEIR_ERR_NOT_FOUND;
            if (e)
                e->code = err;
        }
        weir_store_close(&s);
    }
    *out = s;
    return err;
}

void weir_store_close(struct weir_store **s)
{
    if (*s) {
        (void)sqlite3_finalize((*s)->put);
        (void)sqlite3_finalize((*s)->all);
        (void)sqlite3_finalize((*s)->one);
        (void)sqlite3_finalize((*s)->ids);
        (void)sqlite3_close((*s)->db); // rolls back what is not committed
        weir_arena_clear(&(*s)->arena);
        free((*s)->settings);
        free((*s)->traces);
        free((*s)->contents);
        free((*s)->abrs);
        free((*s)->path);
    }
    free(*s);
    *s = NULL;
}

const char *weir_store_path(const struct weir_store *s)
{
    return s->path;
}

static void bind_member(sqlite3_stmt *q, int at, const struct weir_row *row,
                        const struct weir_row_member *m)
{
    if (m->real) {
        if (!isnan(row->reals[m->index])) // unbound is NULL
            (void)sqlite3_bind_double(q, at, row->reals[m->index]);
    } else if (row->integers[m->index] != WEIR_ROW_UNKNOWN) {
        (void)sqlite3_bind_int64(q, at, row->integers[m->index]);
    }
}

int weir_store_put(struct weir_store *s, const struct weir_row *row, struct weir_error *e)
{
    int err = weir_store_begin(s, e);
    if (err)
        return err;
    int at = 1;
    (void)sqlite3_clear_bindings(s->put);
    (void)sqlite3_bind_int64(s->put, at++, row->id);
    (void)sqlite3_bind_int64(s->put, at++, row->offset_us);
    for (size_t i = 0; i < WEIR_ROW_MEMBERS; i++)
        bind_member(s->put, at++, row, &weir_row_members[i]);
    if (row->decision_count)
        (void)sqlite3_bind_blob64(s->put, at, row->decisions, row->decision_count, SQLITE_STATIC);
    if (sqlite3_step(s->put) != SQLITE_DONE) {
        err = weir_store_fail(s, e);
        (void)sqlite3_reset(s->put);
        (void)sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
        s->in_transaction = false;
        return err;
    }
    (void)sqlite3_reset(s->put);
    return 0;
}

static void write_counter(sqlite3_file *file, uint32_t count)
{
    unsigned char bytes[4] = {(unsigned char)(count >> 24), (unsigned char)(count >> 16),
                              (unsigned char)(count >> 8), (unsigned char)count};
    (void)file->pMethods->xWrite(file, bytes, 4, 24); // file change counter
    (void)file->pMethods->xWrite(file, bytes, 4, 92); // the counter that the version is valid for
}

// A database's header counts the connections that have changed it: the one thing in the file that
// tells how it came about. It is set to the number of sessions, under the lock that
// locking_mode=EXCLUSIVE keeps; to any reader it is a counter that has changed, as it should.
int weir_store_seal(struct weir_store *s, struct weir_error *e)
{
    int err = weir_store_commit(s, e);
    if (err || s->temporary || !s->changed)
        return err;
    int64_t rows = weir_store_row_count(s);
    sqlite3_file *file = NULL;
    if (rows < 0 ||
        sqlite3_file_control(s->db, "main", SQLITE_FCNTL_FILE_POINTER, &file) != SQLITE_OK)
        return weir_store_fail(s, e);
    if (file && file->pMethods)
        write_counter(file, (uint32_t)rows + 1);
    return 0;
}

int64_t weir_store_row_count(struct weir_store *s)
{
    int64_t count = -1;
    return pragma_integer(s, "SELECT count(*) FROM sessions", &count, NULL) ? -1 : count;
}

int64_t weir_store_failed_count(struct weir_store *s)
{
    int64_t count = -1;
    return pragma_integer(s, "SELECT count(*) FROM sessions WHERE errors > 0", &count, NULL)
               ? -1
               : count;
}

static void read_row(sqlite3_stmt *q, struct weir_row *row)
{
    int at = 0;
    weir_row_init(row, sqlite3_column_int64(q, 0), sqlite3_column_int64(q, 1));
    at = 2;
    for (size_t i = 0; i < WEIR_ROW_MEMBERS; i++, at++) {
        const struct weir_row_member *m = &weir_row_members[i];
        if (sqlite3_column_type(q, at) == SQLITE_NULL)
            continue;
        if (m->real)
            row->reals[m->index] = sqlite3_column_double(q, at);
        else
            row->integers[m->index] = sqlite3_column_int64(q, at);
    }
    row->decisions = sqlite3_column_blob(q, at);
    row->decision_count = (size_t)sqlite3_column_bytes(q, at);
}

int weir_store_rewind(struct weir_store *s, struct weir_error *e)
{
    return sqlite3_reset(s->all) == SQLITE_OK ? 0 : weir_store_fail(s, e);
}

static int step(struct weir_store *s, sqlite3_stmt *q, struct weir_row *row, struct weir_error *e)
{
    switch (sqlite3_step(q)) {
    case SQLITE_ROW:
        read_row(q, row);
        return 1;
    case SQLITE_DONE:
        (void)sqlite3_reset(q);
        return 0;
    default:
        return weir_store_fail(s, e);
    }
}

int weir_store_next(struct weir_store *s, struct weir_row *row, struct weir_error *e)
{
    return step(s, s->all, row, e);
}

int weir_store_rewind_ids(struct weir_store *s, struct weir_error *e)
{
    (void)sqlite3_finalize(s->ids);
    s->ids = NULL;
    return weir_store_prepare(s, "SELECT id FROM sessions ORDER BY id", &s->ids, e);
}

int weir_store_next_id(struct weir_store *s, int64_t *id, struct weir_error *e)
{
    switch (sqlite3_step(s->ids)) {
    case SQLITE_ROW:
        *id = sqlite3_column_int64(s->ids, 0);
        return 1;
    case SQLITE_DONE:
        (void)sqlite3_reset(s->ids);
        return 0;
    default:
        return weir_store_fail(s, e);
    }
}

int weir_store_find(struct weir_store *s, int64_t id, struct weir_row *row, struct weir_error *e)
{
    (void)sqlite3_reset(s->one);
    (void)sqlite3_bind_int64(s->one, 1, id);
    return step(s, s->one, row, e);
}
