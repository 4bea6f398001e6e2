// player/record.c — see record.h: what is written. Reading is in record_read.c.
#include "player/record.h"

#include <stdlib.h>

#include "player/record_fields.h"

// --- numbers for pointers ---

static int add_rungs(struct weir_record_names *n, const struct weir_engine_rungs *r)
{
    for (size_t i = 0; i < r->count; i++)
        n->reps[n->rep_count++] = r->rungs[i];
    return 0;
}

int weir_record_names_fill(struct weir_record_names *n, const struct weir_engine_content *content)
{
    size_t count = 0;
    *n = (struct weir_record_names){0};
    for (size_t p = 0; p < content->period_count; p++)
        for (int k = 0; k < WEIR_ENGINE_TRACKS; k++)
            count += content->periods[p].tracks[k].count;
    n->reps = calloc(count + 1, sizeof(struct weir_representation *));
    if (!n->reps)
        return WEIR_ERR_NOMEM;
    for (size_t p = 0; p < content->period_count; p++)
        for (int k = 0; k < WEIR_ENGINE_TRACKS; k++)
            (void)add_rungs(n, &content->periods[p].tracks[k]);
    return 0;
}

void weir_record_names_clear(struct weir_record_names *n)
{
    free((void *)n->reps);
    free((void *)n->inits);
    *n = (struct weir_record_names){0};
}

static int64_t rep_number(const struct weir_record_names *n, const struct weir_representation *rep)
{
    for (size_t i = 0; i < n->rep_count; i++)
        if (n->reps[i] == rep)
            return (int64_t)i;
    return -1;
}

// From 1; 0: none.
static int64_t init_number(struct weir_record_names *n, const struct weir_init *init)
{
    if (!init)
        return 0;
    for (size_t i = 0; i < n->init_count; i++)
        if (n->inits[i] == init)
            return (int64_t)i + 1;
    if (n->init_count == n->init_room) {
        size_t room = n->init_room ? 2 * n->init_room : 32;
        void *grown = realloc((void *)n->inits, room * sizeof(*n->inits));
        if (!grown)
            return 0;
        n->inits = grown;
        n->init_room = room;
    }
    n->inits[n->init_count++] = init;
    return (int64_t)n->init_count;
}

// --- values ---

static json_t *number(int64_t v)
{
    return v == WEIR_TIME_NONE ? json_null() : json_integer(v);
}

static void put(json_t *o, const char *name, int64_t v)
{
    if (v)
        (void)json_object_set_new(o, name, number(v));
}

static void put_fields(json_t *o, const struct weir_record_field *fields, const void *from)
{
    for (const struct weir_record_field *f = fields; f->name; f++)
        put(o, f->name, weir_record_field_get(f, from));
}

// --- what the engine is made of ---

static json_t *segment_json(struct weir_record_names *n, const struct weir_segment_info *s)
{
    return json_pack("[o, o, I, I, i]", number(s->start_us), number(s->duration_us),
                     (json_int_t)s->size_bytes, (json_int_t)init_number(n, s->init), (int)s->gap);
}

json_t *weir_record_index(struct weir_record_names *n, const struct weir_representation *rep)
{
    json_t *segments = json_array();
    bool ready = rep->index_need == WEIR_INDEX_READY;
    int64_t count = ready ? weir_index_count(rep) : 0;
    struct weir_segment_info info;
    for (int64_t i = 0; segments && i < count && !weir_index_segment(rep, i, &info); i++)
        (void)json_array_append_new(segments, segment_json(n, &info));
    return json_pack("{s:I, s:i, s:I, s:o}", "representation", (json_int_t)rep_number(n, rep),
                     "need", (int)rep->index_need, "init", (json_int_t)init_number(n, rep->init),
                     "segments", segments);
}

static json_t *representation_json(struct weir_record_names *n,
                                   const struct weir_representation *rep)
{
    json_t *o = weir_record_index(n, rep);
    if (!o)
        return NULL;
    put(o, "bandwidth", rep->bandwidth_bps);
    put(o, "width", rep->width);
    put(o, "height", rep->height);
    put(o, "bases", (int64_t)rep->base_count);
    return o;
}

static json_t *period_json(const struct weir_record_names *n, const struct weir_engine_period *p)
{
    json_t *tracks = json_array();
    for (int k = 0; tracks && k < WEIR_ENGINE_TRACKS; k++) {
        json_t *rungs = json_array();
        for (size_t i = 0; rungs && i < p->tracks[k].count; i++)
            (void)json_array_append_new(rungs, number(rep_number(n, p->tracks[k].rungs[i])));
        (void)json_array_append_new(tracks, rungs);
    }
    return json_pack("{s:o, s:o, s:o}", "start", number(p->start_us), "end", number(p->end_us),
                     "tracks", tracks);
}

json_t *weir_record_engine(struct weir_record_names *n, const struct weir_engine_params *params,
                           const uint64_t abr_seeds[WEIR_ENGINE_TRACKS],
                           const struct weir_engine_content *content)
{
    json_t *p = json_object(), *reps = json_array(), *periods = json_array(), *abr = json_array();
    json_t *seeds = json_array();
    if (p)
        put_fields(p, weir_record_params_fields, params);
    for (int k = 0; abr && seeds && k < WEIR_ENGINE_TRACKS; k++) {
        (void)json_array_append_new(abr, json_string(weir_abr_spec(params->abr[k])));
        (void)json_array_append_new(seeds, json_integer((json_int_t)abr_seeds[k]));
    }
    for (size_t i = 0; reps && i < n->rep_count; i++)
        (void)json_array_append_new(reps, representation_json(n, n->reps[i]));
    for (size_t i = 0; periods && i < content->period_count; i++)
        (void)json_array_append_new(periods, period_json(n, &content->periods[i]));
    return json_pack("{s:o, s:o, s:o, s:o, s:o}", "params", p, "abr", abr, "abr_seeds", seeds,
                     "representations", reps, "periods", periods);
}

// --- what it heard and did ---

json_t *weir_record_event(const struct weir_engine_event *e)
{
    json_t *o = json_object();
    if (!o)
        return NULL;
    (void)json_object_set_new(o, "kind", json_string(weir_record_event_name(e->kind)));
    put_fields(o, weir_record_event_fields(e->kind), e);
    return o;
}

static void put_fetch(json_t *o, struct weir_record_names *n, const struct weir_fetch *f)
{
    put_fields(o, weir_record_fetch_fields, f);
    put(o, "representation", rep_number(n, f->rep));
    put(o, "init", init_number(n, f->init));
}

static json_t *action_json(struct weir_record_names *n, const struct weir_action *a)
{
    json_t *o = json_object();
    if (!o)
        return NULL;
    (void)json_object_set_new(o, "kind", json_string(weir_record_action_name(a->kind)));
    if (a->kind == WEIR_ACTION_FETCH) {
        put_fetch(o, n, &a->fetch);
    } else if (a->kind == WEIR_ACTION_REPORT) {
        (void)json_object_set_new(o, "report",
                                  json_string(weir_record_report_name(a->report.kind)));
        put_fields(o, weir_record_report_fields(a->report.kind), &a->report);
        if (a->report.kind == WEIR_REPORT_DECISION && a->report.reason)
            (void)json_object_set_new(o, "reason", json_string(a->report.reason));
    } else {
        put_fields(o, weir_record_action_fields(a->kind), a);
    }
    return o;
}

json_t *weir_record_actions(struct weir_record_names *n, const struct weir_actions *actions)
{
    json_t *list = json_array();
    for (size_t i = 0; list && i < actions->count; i++)
        (void)json_array_append_new(list, action_json(n, &actions->items[i]));
    return list;
}

json_t *weir_record_state(const struct weir_engine *engine, int64_t now_us)
{
    struct weir_engine_status s = weir_engine_status(engine, now_us);
    return json_pack("[i, o, o, o, o, I, I]", (int)s.state, number(s.playhead_us),
                     number(s.buffer_level_us[WEIR_ENGINE_VIDEO]),
                     number(s.buffer_level_us[WEIR_ENGINE_AUDIO]), number(s.playable_until_us),
                     (json_int_t)s.throughput_bps, (json_int_t)s.latency_us);
}
