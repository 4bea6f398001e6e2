// sim/export.c — see export.h. One reader of the database, several threads that print, one writer.
#include "sim/export.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sim/ordered.h"

#define UNIT_ROWS 256

struct unit {
    struct weir_row rows[UNIT_ROWS];
    size_t count;
    uint8_t *decisions; // of all rows, one after the other
    size_t decision_room;
    struct weir_textbuf text;
};

struct export
{
    struct weir_store *store;
    enum weir_export_format format;
    FILE *out;
    const char *name;
    uint64_t seed;
    struct weir_error *error;
    int read_error; // of the reader; it ends the run
};

static bool keep_decisions(struct unit *u, size_t used, const struct weir_row *row)
{
    if (used + row->decision_count > u->decision_room) {
        size_t room = (used + row->decision_count) * 2 + 4096;
        uint8_t *grown = realloc(u->decisions, room);
        if (!grown)
            return false;
        u->decisions = grown;
        u->decision_room = room;
    }
    if (row->decision_count)
        memcpy(u->decisions + used, row->decisions, row->decision_count);
    return true;
}

static bool claim(void *ctx, void *unit)
{
    struct export *x = ctx;
    struct unit *u = unit;
    size_t used = 0;
    int got = 1;
    u->count = 0;
    while (!x->read_error && u->count < UNIT_ROWS) {
        struct weir_row *row = &u->rows[u->count];
        got = weir_store_next(x->store, row, x->error);
        if (got <= 0)
            break;
        if (!keep_decisions(u, used, row)) {
            got = weir_error_set(x->error, WEIR_ERR_NOMEM, x->name, "memory ran out");
            break;
        }
        used += row->decision_count;
        u->count++;
    }
    if (got < 0)
        x->read_error = got;
    else if (got == 0)
        x->read_error = WEIR_ERR_END; // not asked again: SQLite would begin anew
    const uint8_t *at = u->decisions;
    for (size_t i = 0; i < u->count; i++) {
        u->rows[i].decisions = at;
        at += u->rows[i].decision_count;
    }
    return u->count > 0;
}

static int work(void *ctx, unsigned worker, void *unit)
{
    const struct export *x = ctx;
    struct unit *u = unit;
    (void)worker;
    u->text.size = 0;
    for (size_t i = 0; i < u->count; i++) {
        struct weir_row_key k = weir_row_key(u->rows[i].id);
        if ((size_t)k.trace >= weir_store_trace_count(x->store) ||
            (size_t)k.content >= weir_store_content_count(x->store) ||
            (size_t)k.abr >= weir_store_abr_count(x->store))
            return WEIR_ERR_SYNTAX;
        const struct weir_store_trace *t = weir_store_trace(x->store, (size_t)k.trace);
        struct weir_row_names names = {
            .set = t->set,
            .trace = t->name,
            .content = weir_store_content(x->store, (size_t)k.content)->name,
            .abr = weir_store_abr(x->store, (size_t)k.abr)->spec,
            .seed = x->seed,
        };
        if (x->format == WEIR_EXPORT_CSV)
            weir_row_csv(&u->rows[i], &names, &u->text);
        else
            weir_row_json(&u->rows[i], &names, &u->text);
    }
    return u->text.failed ? WEIR_ERR_NOMEM : 0;
}

static int cannot_write(struct export *x)
{
    int why = errno;
    weir_error_set(x->error, WEIR_ERR_OUTPUT, x->name, "cannot be written");
    weir_error_why(x->error, "%s", strerror(why)); // NOLINT(concurrency-mt-unsafe)
    return WEIR_ERR_OUTPUT;
}

static int sink(void *ctx, void *unit)
{
    struct export *x = ctx;
    const struct unit *u = unit;
    errno = 0;
    return fwrite(u->text.data, 1, u->text.size, x->out) == u->text.size ? 0 : cannot_write(x);
}

static void clear(void *unit)
{
    struct unit *u = unit;
    free(u->decisions);
    weir_textbuf_clear(&u->text);
}

static int write_header(struct export *x)
{
    struct weir_textbuf header = {0};
    if (x->format != WEIR_EXPORT_CSV)
        return 0;
    weir_row_csv_header(&header);
    errno = 0;
    bool good = !header.failed && fwrite(header.data, 1, header.size, x->out) == header.size;
    int err = good ? 0 : cannot_write(x);
    weir_textbuf_clear(&header);
    return err;
}

int weir_export(struct weir_store *store, enum weir_export_format format, unsigned jobs, FILE *out,
                const char *name, struct weir_error *e)
{
    struct weir_error local = {0};
    const char *seed = weir_store_meta(store, "seed");
    struct export x = {.store = store,
                       .format = format,
                       .out = out,
                       .name = name,
                       .seed = seed ? strtoull(seed, NULL, 10) : 0,
                       .error = e ? e : &local};
    struct weir_ordered pipeline = {.ctx = &x,
                                    .jobs = jobs,
                                    .unit_bytes = sizeof(struct unit),
                                    .claim = claim,
                                    .work = work,
                                    .sink = sink,
                                    .clear = clear};
    int err = weir_store_rewind(store, x.error);
    if (!err)
        err = write_header(&x);
    if (!err)
        err = weir_ordered_run(&pipeline);
    if (!err && x.read_error != WEIR_ERR_END)
        err = x.read_error;
    errno = 0;
    if (!err && fflush(out) != 0)
        err = cannot_write(&x);
    if (err && !x.error->code)
        weir_error_set(x.error, err, name, "%s", weir_strerror(err));
    return err;
}
