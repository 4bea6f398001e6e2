// sim/store.h — the results of a sweep in SQLite: one writer, large transactions, and after a crash
// all that was committed. Rows are sorted by id, so that equal sweeps make equal databases, to the
// byte, however they were run. docs/results-format.md describes the tables. One thread per store.
#ifndef WEIR_SIM_STORE_H
#define WEIR_SIM_STORE_H

#include <stddef.h>
#include <stdint.h>

#include <weir/error.h>

#include "sim/row.h"

#define WEIR_STORE_SCHEMA 1 // PRAGMA user_version

// What sessions refer to. Hashes are 16 hexadecimal digits, empty where there is nothing to hash.
struct weir_store_trace {
    const char *set, *name, *path, *hash;
    int64_t period_us;
    double mean_bps;
};
struct weir_store_content {
    const char *name, *path, *hash;
    int64_t segments, duration_us, lowest_bps, highest_bps;
};
struct weir_store_abr {
    const char *spec;
    const char *hash; // of a plug-in's file
};

struct weir_store;

enum weir_store_mode {
    WEIR_STORE_WRITE, // made where there is none; for one process at a time
    WEIR_STORE_READ,
};

// `path` NULL: a database of its own that is gone when it is closed. Refused: what is no database,
// one of another program or of another version (SYNTAX), one in use or not writable (OUTPUT).
int weir_store_open(const char *path, enum weir_store_mode mode, struct weir_store **out,
                    struct weir_error *e);
void weir_store_close(struct weir_store **s); // accepts a pointer to NULL
const char *weir_store_path(const struct weir_store *s);

// What holds for all sessions; NULL: not set.
const char *weir_store_meta(const struct weir_store *s, const char *key);
int weir_store_set_meta(struct weir_store *s, const char *key, const char *value,
                        struct weir_error *e);

// By id, 0 … count - 1.
size_t weir_store_trace_count(const struct weir_store *s);
const struct weir_store_trace *weir_store_trace(const struct weir_store *s, size_t id);
size_t weir_store_content_count(const struct weir_store *s);
const struct weir_store_content *weir_store_content(const struct weir_store *s, size_t id);
size_t weir_store_abr_count(const struct weir_store *s);
const struct weir_store_abr *weir_store_abr(const struct weir_store *s, size_t id);
// The id of a trace (by set and name), content or algorithm, added if it is new. INVAL: the one
// stored under that name has another hash.
int weir_store_add_trace(struct weir_store *s, const struct weir_store_trace *t, int32_t *id,
                         struct weir_error *e);
int weir_store_add_content(struct weir_store *s, const struct weir_store_content *c, int32_t *id,
                           struct weir_error *e);
int weir_store_add_abr(struct weir_store *s, const struct weir_store_abr *a, int32_t *id,
                       struct weir_error *e);

// Add a session, within a transaction that lasts until the next commit. WEIR_ERR_OUTPUT: nothing
// since the last commit is kept.
int weir_store_put(struct weir_store *s, const struct weir_row *row, struct weir_error *e);
int weir_store_commit(struct weir_store *s, struct weir_error *e);
// Commit, and make the file a function of its contents alone. Call before close, when all is well.
int weir_store_seal(struct weir_store *s, struct weir_error *e);
int64_t weir_store_row_count(struct weir_store *s);    // negative: an error
int64_t weir_store_failed_count(struct weir_store *s); // that ended by an error; likewise

// All sessions by rising id. One cursor at a time; nothing is put meanwhile.
int weir_store_rewind(struct weir_store *s, struct weir_error *e);
// 1: *row is the next one, its decisions borrowed until the next call. 0: the end.
int weir_store_next(struct weir_store *s, struct weir_row *row, struct weir_error *e);
// The same, ids alone.
int weir_store_rewind_ids(struct weir_store *s, struct weir_error *e);
int weir_store_next_id(struct weir_store *s, int64_t *id, struct weir_error *e);
// One session. 1: found.
int weir_store_find(struct weir_store *s, int64_t id, struct weir_row *row, struct weir_error *e);

// All sessions of several databases in one at `out_path`, which is replaced at once or not at all.
// Refused (INVAL): other conditions or versions, traces or contents that only share a name, and
// sessions that differ. The result does not depend on the order of `paths`.
int weir_store_merge(const char *const *paths, size_t count, const char *out_path,
                     struct weir_error *e);

#endif
