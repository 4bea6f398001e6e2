// sim/store_internal.h — internal to sim/store*.c: the connection and what it keeps in memory.
#ifndef WEIR_SIM_STORE_INTERNAL_H
#define WEIR_SIM_STORE_INTERNAL_H

#include <stdbool.h>

#include <sqlite3.h>

#include "core/arena.h"
#include "sim/store.h"

struct weir_store_setting {
    char *key, *value;
};

struct weir_store {
    sqlite3 *db;
    char *path; // as messages call it
    bool temporary, in_transaction, changed;
    sqlite3_stmt *put, *all, *one, *ids;
    struct weir_arena arena; // what the lists below point to
    struct weir_store_setting *settings;
    struct weir_store_trace *traces;
    struct weir_store_content *contents;
    struct weir_store_abr *abrs;
    size_t setting_count, trace_count, content_count, abr_count;
    size_t setting_room, trace_room, content_room, abr_room;
};

// Report what SQLite says about the last call. Returns a negative enum weir_err.
int weir_store_fail(const struct weir_store *s, struct weir_error *e);
int weir_store_exec(struct weir_store *s, const char *sql, struct weir_error *e);
int weir_store_prepare(struct weir_store *s, const char *sql, sqlite3_stmt **out,
                       struct weir_error *e);
int weir_store_begin(struct weir_store *s, struct weir_error *e);
// Tables and views of a new database; the lists of an old one.
int weir_store_create_tables(struct weir_store *s, struct weir_error *e);
int weir_store_read_lists(struct weir_store *s, struct weir_error *e);

#endif
