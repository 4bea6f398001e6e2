// manifest/cues.c — WebM Cues into a segment index (Matroska, RFC 9559, 5.1.5). Cue positions count
// from the start of the Segment's data and in its TimestampScale, so the file's head is needed as
// well: it is asked for second.
#include <string.h>

#include "manifest/internal.h"

// How much of the file's head is asked for when no Initialization range says; chosen by hand.
#define HEAD_BYTES 4096

enum {
    ID_SEGMENT = 0x18538067,
    ID_INFO = 0x1549A966,
    ID_TIMESTAMP_SCALE = 0x2AD7B1,
    ID_CUES = 0x1C53BB6B,
    ID_CUE_POINT = 0xBB,
    ID_CUE_TIME = 0xB3,
    ID_CUE_TRACK_POSITIONS = 0xB7,
    ID_CUE_CLUSTER_POSITION = 0xF1,
};

struct cue {
    int64_t time, position;
};

struct weir_cue_state {
    struct cue *list;
    size_t count;
};

struct span {
    const uint8_t *at, *end;
};

struct element {
    uint32_t id;
    struct span body;   // cut to what is at hand
    int64_t size_bytes; // declared; -1 unknown
};

// An EBML variable-length number; with `keep` its marker bit stays in (ids). *unknown: all ones.
static bool read_vint(struct span *s, int most, bool keep, uint64_t *out, bool *unknown)
{
    int len = 1;
    if (s->at >= s->end || *s->at == 0)
        return false;
    while (!(*s->at & (0x80 >> (len - 1))))
        len++;
    if (len > most || s->end - s->at < len)
        return false;
    uint64_t v = keep ? *s->at : *s->at & (0xffu >> len);
    uint64_t all = (UINT64_C(1) << (7 * len)) - 1;
    for (int i = 1; i < len; i++)
        v = v << 8 | s->at[i];
    s->at += len;
    *unknown = !keep && v == all;
    *out = v;
    return true;
}

static bool next_element(struct span *s, struct element *e)
{
    uint64_t id, size;
    bool unknown;
    if (!read_vint(s, 4, true, &id, &unknown) || !read_vint(s, 8, false, &size, &unknown))
        return false;
    size_t left = (size_t)(s->end - s->at);
    size_t len = unknown || size > left ? left : (size_t)size;
    *e = (struct element){(uint32_t)id, {s->at, s->at + len}, unknown ? -1 : (int64_t)size};
    s->at += len;
    return true;
}

static bool find(struct span s, uint32_t id, struct element *e)
{
    while (next_element(&s, e)) {
        if (e->id == id)
            return true;
    }
    return false;
}

static bool read_uint(struct span s, int64_t *out)
{
    uint64_t v = 0;
    if (s.end - s.at > 8)
        return false;
    for (; s.at < s.end; s.at++)
        v = v << 8 | *s.at;
    *out = (int64_t)v;
    return v <= WEIR_MAX_TICKS;
}

static bool read_cue(struct span point, struct cue *out)
{
    struct element time, positions, cluster;
    return find(point, ID_CUE_TIME, &time) && read_uint(time.body, &out->time) &&
           find(point, ID_CUE_TRACK_POSITIONS, &positions) &&
           find(positions.body, ID_CUE_CLUSTER_POSITION, &cluster) &&
           read_uint(cluster.body, &out->position);
}

// Several cues may point into one cluster: a segment is a cluster (or more), so the first counts.
static int read_cues(struct weir_presentation *p, struct weir_source *src, struct span data)
{
    struct element cues, e;
    size_t room = 0;
    if (!find(data, ID_CUES, &cues))
        return WEIR_ERR_SYNTAX;
    for (struct span s = cues.body; next_element(&s, &e);)
        room += e.id == ID_CUE_POINT;
    if (room == 0 || room > WEIR_MAX_ENTRIES)
        return room ? WEIR_ERR_TOO_BIG : WEIR_ERR_SYNTAX;
    struct weir_cue_state *state = weir_arena_alloc(&p->arena, sizeof(*state));
    struct cue *list = weir_arena_array(&p->arena, room, sizeof(*list));
    if (!state || !list)
        return WEIR_ERR_NOMEM;
    size_t count = 0;
    for (struct span s = cues.body; next_element(&s, &e);) {
        struct cue c;
        if (e.id != ID_CUE_POINT)
            continue;
        if (!read_cue(e.body, &c))
            return WEIR_ERR_SYNTAX;
        if (count && c.position == list[count - 1].position)
            continue;
        if (count && (c.position < list[count - 1].position || c.time <= list[count - 1].time))
            return WEIR_ERR_SYNTAX;
        list[count++] = c;
    }
    *state = (struct weir_cue_state){list, count};
    src->cues = state;
    return 0;
}

static int finish(struct weir_presentation *p, struct weir_representation *r, struct span head,
                  int64_t head_offset)
{
    struct weir_source *src = r->parser;
    const struct weir_cue_state *c = src->cues;
    struct element segment, info, scale;
    int64_t scale_ns = 1000000;
    const uint8_t *start = head.at;
    if (!find(head, ID_SEGMENT, &segment))
        return WEIR_ERR_SYNTAX;
    if (find(segment.body, ID_INFO, &info) && find(info.body, ID_TIMESTAMP_SCALE, &scale) &&
        (!read_uint(scale.body, &scale_ns) || scale_ns <= 0 || scale_ns > INT64_C(1000000000)))
        return WEIR_ERR_SYNTAX;
    int64_t base = head_offset + (segment.body.at - start);
    int64_t end = segment.size_bytes >= 0 ? weir_add_sat(base, segment.size_bytes) - 1 : -1;
    struct weir_segment_index *x = weir_arena_alloc(&p->arena, sizeof(*x));
    struct weir_entry *entries = weir_arena_array(&p->arena, c->count, sizeof(*entries));
    if (!x || !entries)
        return WEIR_ERR_NOMEM;
    int64_t offset_us =
        weir_add_sat(src->period_start_us, -weir_ticks_to_us(src->offset_ticks, src->timescale));
    int64_t index_first = src->index_range.first;
    for (size_t i = 0; i < c->count; i++) {
        struct weir_entry *e = &entries[i];
        e->range.first = base + c->list[i].position;
        e->range.last = i + 1 < c->count ? base + c->list[i + 1].position - 1 : end;
        // Cues behind the last cluster are not media.
        if (i + 1 == c->count && index_first > e->range.first && (end < 0 || index_first <= end))
            e->range.last = index_first - 1;
        e->start_us = weir_add_sat(offset_us, weir_rescale(c->list[i].time, scale_ns, 1000));
        if (i)
            entries[i - 1].duration_us = weir_add_sat(e->start_us, -entries[i - 1].start_us);
    }
    struct weir_entry *last = &entries[c->count - 1];
    last->duration_us = src->period_end_us == WEIR_TIME_NONE || src->period_end_us <= last->start_us
                            ? WEIR_TIME_NONE
                            : src->period_end_us - last->start_us;
    *x = (struct weir_segment_index){
        .timing = WEIR_TIMING_ENTRIES,
        .entries = entries,
        .entry_count = (int64_t)c->count,
        .init = r->init,
        .count = (int64_t)c->count,
        .start_number = -1,
        .timescale = src->timescale,
        .offset_ticks = src->offset_ticks,
        .period_start_us = src->period_start_us,
        .period_end_us = src->period_end_us,
        .independent = true, // a cue is a place to seek to
        .timing_exact = true,
    };
    r->index = x;
    r->index_need = WEIR_INDEX_READY;
    return 0;
}

int weir_cues_load(struct weir_presentation *p, struct weir_representation *r,
                   const struct weir_manifest_input *in, int64_t data_offset,
                   struct weir_error *error)
{
    struct weir_source *src = r->parser;
    struct span data = {in->data, in->data + in->size_bytes};
    int err;
    if (data_offset < 0 || data_offset > WEIR_MAX_TICKS)
        return weir_error_set(error, WEIR_ERR_INVAL, in->url, "Cues: an impossible offset");
    if (!src->cues) {
        err = read_cues(p, src, data);
        // The head of the same resource, before the first cluster.
        r->index_range = (struct weir_byte_range){0, HEAD_BYTES - 1};
        if (r->init && r->init->range.first == 0 && r->init->range.last > 0)
            r->index_range = r->init->range;
        return err ? weir_error_set(error, err, in->url, "Cues: malformed") : 0;
    }
    err = finish(p, r, data, data_offset);
    return err ? weir_error_set(error, err, in->url, "WebM header: malformed") : 0;
}
