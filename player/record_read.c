// player/record_read.c — see record.h: what a log holds, back into the engine's structs. Logs are
// outside data: whatever is in them, the structs come out whole.
#include <limits.h>

#include "player/record.h"
#include "player/record_fields.h"

static int read_fields(const json_t *o, const struct weir_record_field *fields, void *to)
{
    for (const struct weir_record_field *f = fields; f->name; f++) {
        const json_t *v = json_object_get(o, f->name);
        if (v && !json_is_integer(v) && !json_is_null(v))
            return WEIR_ERR_SYNTAX;
        int64_t n = json_is_null(v) ? WEIR_TIME_NONE : json_integer_value(v); // NULL: 0
        if (f->type == WEIR_RECORD_INT && (n < INT_MIN || n > INT_MAX))
            return WEIR_ERR_SYNTAX;
        if (f->type == WEIR_RECORD_SIZE && n < 0)
            return WEIR_ERR_SYNTAX;
        weir_record_field_set(f, to, n);
    }
    return 0;
}

int weir_record_read_event(const json_t *o, struct weir_engine_event *out)
{
    const char *name = json_string_value(json_object_get(o, "kind"));
    int kind = name ? weir_record_event_kind(name) : -1;
    *out = (struct weir_engine_event){0};
    if (kind < 0)
        return WEIR_ERR_SYNTAX;
    out->kind = (enum weir_engine_event_kind)kind;
    int err = read_fields(o, weir_record_event_fields(out->kind), out);
    if (err)
        return err;
    bool names_track = out->kind == WEIR_EVENT_STREAMS || out->kind == WEIR_EVENT_BAD_MEDIA;
    int track = out->kind == WEIR_EVENT_STREAMS ? (int)out->track : (int)out->segment.track;
    if (names_track && (track < 0 || track >= WEIR_ENGINE_TRACKS))
        return WEIR_ERR_SYNTAX;
    return 0;
}

int weir_record_read_params(const json_t *o, struct weir_engine_params *out)
{
    *out = (struct weir_engine_params){0};
    return json_is_object(o) ? read_fields(o, weir_record_params_fields, out) : WEIR_ERR_SYNTAX;
}

uint64_t weir_record_sum(uint64_t before, const char *line, size_t size_bytes)
{
    uint64_t h = before ^ UINT64_C(0xcbf29ce484222325); // FNV-1a
    for (size_t i = 0; i < size_bytes; i++)
        h = (h ^ (unsigned char)line[i]) * UINT64_C(0x100000001b3);
    return h;
}
