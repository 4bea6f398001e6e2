// sim/rerun_engine.c — an engine, its content and its algorithms from the "engine" line of a log.
// Logs are outside data: numbers are checked before they index anything.
#include <stdlib.h>
#include <string.h>

#include "sim/rerun_internal.h"

#define REPS_MAX    65536
#define PERIODS_MAX 4096
#define INITS_MAX   65536
#define TIME_MAX_US (INT64_C(1) << 53)

static int bad(struct weir_error *error, const char *what)
{
    return weir_error_set(error, WEIR_ERR_SYNTAX, "engine", "%s", what);
}

static int64_t integer(const json_t *o, const char *name)
{
    return json_integer_value(json_object_get(o, name));
}

static int64_t time_of(const json_t *v)
{
    int64_t n = json_integer_value(v);
    if (!json_is_integer(v))
        return WEIR_TIME_NONE;
    return n > TIME_MAX_US ? TIME_MAX_US : n < -TIME_MAX_US ? -TIME_MAX_US : n;
}

// --- representations ---

// Number 0 is none.
static int init_numbered(struct weir_rerun_engine *e, int64_t number, const struct weir_init **out)
{
    struct weir_record_names *n = &e->names;
    *out = NULL;
    if (number < 0 || number > INITS_MAX)
        return WEIR_ERR_SYNTAX;
    while ((size_t)number > n->init_count) {
        if (n->init_count == n->init_room) {
            size_t room = n->init_room ? 2 * n->init_room : 32;
            void *grown = realloc((void *)n->inits, room * sizeof(*n->inits));
            if (!grown)
                return WEIR_ERR_NOMEM;
            n->inits = grown;
            n->init_room = room;
        }
        const struct weir_init *init = weir_presentation_new_init(e->presentation);
        if (!init)
            return WEIR_ERR_NOMEM;
        n->inits[n->init_count++] = init;
    }
    if (number > 0)
        *out = n->inits[number - 1];
    return 0;
}

static int read_segment(struct weir_rerun_engine *e, const json_t *v,
                        struct weir_listed_segment *out)
{
    if (json_array_size(v) != 5)
        return WEIR_ERR_SYNTAX;
    out->start_us = time_of(json_array_get(v, 0));
    out->duration_us = time_of(json_array_get(v, 1));
    out->size_bytes = json_integer_value(json_array_get(v, 2));
    out->gap = json_integer_value(json_array_get(v, 4)) != 0;
    bool timed = out->start_us != WEIR_TIME_NONE &&
                 (out->duration_us >= 0 || out->duration_us == WEIR_TIME_NONE);
    if (!timed || out->size_bytes < -1 || out->size_bytes > TIME_MAX_US)
        return WEIR_ERR_SYNTAX;
    return init_numbered(e, json_integer_value(json_array_get(v, 3)), &out->init);
}

static int read_segments(struct weir_rerun_engine *e, struct weir_representation *rep,
                         const json_t *list)
{
    size_t count = json_array_size(list);
    struct weir_listed_segment *segments = calloc(count + 1, sizeof(*segments));
    int err = segments ? 0 : WEIR_ERR_NOMEM;
    for (size_t i = 0; i < count && !err; i++)
        err = read_segment(e, json_array_get(list, i), &segments[i]);
    if (!err)
        err = weir_presentation_set_list(e->presentation, rep, segments, (int64_t)count);
    free(segments);
    return err == WEIR_ERR_INVAL ? WEIR_ERR_SYNTAX : err;
}

static int read_index(struct weir_rerun_engine *e, struct weir_representation *rep, const json_t *o)
{
    int64_t need = integer(o, "need");
    if (need < WEIR_INDEX_READY || need > WEIR_INDEX_CUES)
        return WEIR_ERR_SYNTAX;
    int err = init_numbered(e, integer(o, "init"), &rep->init);
    if (err || need == WEIR_INDEX_READY)
        return err ? err : read_segments(e, rep, json_object_get(o, "segments"));
    rep->index_need = (enum weir_index_need)need;
    return 0;
}

int weir_rerun_engine_index(struct weir_rerun_engine *e, const json_t *line)
{
    int64_t number = integer(line, "representation");
    if (number < 0 || (size_t)number >= e->rep_count)
        return WEIR_ERR_SYNTAX;
    return read_index(e, &e->reps[number], line);
}

static int read_representation(struct weir_rerun_engine *e, struct weir_representation *rep,
                               const json_t *o)
{
    int64_t bases = integer(o, "bases"), width = integer(o, "width"), height = integer(o, "height");
    rep->bandwidth_bps = integer(o, "bandwidth");
    if (bases < 1 || bases > 1024 || rep->bandwidth_bps < 0 || rep->bandwidth_bps > TIME_MAX_US ||
        width < 0 || width > 65536 || height < 0 || height > 65536)
        return WEIR_ERR_SYNTAX;
    rep->base_count = (size_t)bases;
    rep->width = (int)width;
    rep->height = (int)height;
    return read_index(e, rep, o);
}

static int read_representations(struct weir_rerun_engine *e, const json_t *list)
{
    e->rep_count = json_array_size(list);
    if (e->rep_count < 1 || e->rep_count > REPS_MAX)
        return WEIR_ERR_SYNTAX;
    int err = weir_presentation_for_lists("log", e->rep_count, &e->presentation);
    if (err)
        return err;
    e->reps = e->presentation->periods[0].tracks[0].representations;
    for (size_t i = 0; i < e->rep_count && !err; i++)
        err = read_representation(e, &e->reps[i], json_array_get(list, i));
    return err;
}

// --- periods ---

static int read_rungs(struct weir_rerun_engine *e, const json_t *list, size_t *used,
                      struct weir_engine_rungs *out)
{
    out->rungs = e->rungs + *used;
    out->count = json_array_size(list);
    if (out->count > e->rep_count - *used)
        return WEIR_ERR_SYNTAX;
    for (size_t i = 0; i < out->count; i++) {
        int64_t number = json_integer_value(json_array_get(list, i));
        if (number < 0 || (size_t)number >= e->rep_count)
            return WEIR_ERR_SYNTAX;
        if (i > 0 && e->reps[number].bandwidth_bps < out->rungs[i - 1]->bandwidth_bps)
            return WEIR_ERR_SYNTAX;
        e->rungs[(*used)++] = &e->reps[number];
    }
    return 0;
}

static int read_periods(struct weir_rerun_engine *e, const json_t *list)
{
    size_t count = json_array_size(list), used = 0;
    int err = 0;
    if (count < 1 || count > PERIODS_MAX)
        return WEIR_ERR_SYNTAX;
    e->periods = calloc(count, sizeof(*e->periods));
    e->rungs = calloc(e->rep_count, sizeof(struct weir_representation *));
    if (!e->periods || !e->rungs)
        return WEIR_ERR_NOMEM;
    for (size_t i = 0; i < count && !err; i++) {
        const json_t *o = json_array_get(list, i), *tracks = json_object_get(o, "tracks");
        e->periods[i].start_us = time_of(json_object_get(o, "start"));
        e->periods[i].end_us = time_of(json_object_get(o, "end"));
        if (e->periods[i].start_us == WEIR_TIME_NONE)
            return WEIR_ERR_SYNTAX;
        for (size_t k = 0; k < WEIR_ENGINE_TRACKS && !err; k++)
            err = read_rungs(e, json_array_get(tracks, k), &used, &e->periods[i].tracks[k]);
    }
    e->content = (struct weir_engine_content){.periods = e->periods, .period_count = count};
    return err;
}

// --- algorithms, engine ---

static int make_abr(struct weir_rerun_engine *e, const json_t *line, const char *given,
                    struct weir_error *error)
{
    for (size_t k = 0; k < WEIR_ENGINE_TRACKS; k++) {
        const char *spec = json_string_value(json_array_get(json_object_get(line, "abr"), k));
        uint64_t seed =
            (uint64_t)json_integer_value(json_array_get(json_object_get(line, "abr_seeds"), k));
        if (!spec)
            return bad(error, "no algorithm is named");
        if (!given && strchr(spec, '/')) {
            weir_error_set(error, WEIR_ERR_UNSUPPORTED, spec,
                           "an algorithm from a file is not run because a log says so");
            weir_error_hint(error, "--abr %s", spec);
            return WEIR_ERR_UNSUPPORTED;
        }
        int err = weir_abr_create(given ? given : spec, seed, &e->abr[k], error);
        if (err)
            return err;
    }
    return 0;
}

static int make_engine(struct weir_rerun_engine *e, const json_t *line, struct weir_error *error)
{
    struct weir_engine_params params;
    if (weir_record_read_params(json_object_get(line, "params"), &params))
        return bad(error, "its parameters are damaged");
    for (int k = 0; k < WEIR_ENGINE_TRACKS; k++)
        params.abr[k] = e->abr[k];
    int err = weir_engine_create(&params, &e->content, &e->engine);
    return err ? weir_error_set(error, err, "engine", "cannot be made: %s", weir_strerror(err)) : 0;
}

// The numbers that the log gives: representations in their order in the log, each once.
static int name_representations(struct weir_rerun_engine *e)
{
    e->names.reps = calloc(e->rep_count, sizeof(struct weir_representation *));
    if (!e->names.reps)
        return WEIR_ERR_NOMEM;
    for (size_t i = 0; i < e->rep_count; i++)
        e->names.reps[e->names.rep_count++] = &e->reps[i];
    return 0;
}

int weir_rerun_engine_make(struct weir_rerun_engine *e, const json_t *line, const char *abr,
                           struct weir_error *error)
{
    *e = (struct weir_rerun_engine){0};
    int err = read_representations(e, json_object_get(line, "representations"));
    if (!err)
        err = read_periods(e, json_object_get(line, "periods"));
    if (!err)
        err = name_representations(e);
    if (err)
        return weir_error_set(error, err, "engine",
                              err == WEIR_ERR_SYNTAX ? "its content is damaged" : "out of memory");
    err = make_abr(e, line, abr, error);
    return err ? err : make_engine(e, line, error);
}

void weir_rerun_engine_clear(struct weir_rerun_engine *e)
{
    weir_engine_destroy(&e->engine);
    for (int k = 0; k < WEIR_ENGINE_TRACKS; k++)
        weir_abr_destroy(&e->abr[k]);
    weir_record_names_clear(&e->names);
    free(e->periods);
    free((void *)e->rungs);
    weir_presentation_destroy(&e->presentation);
    *e = (struct weir_rerun_engine){0};
}
