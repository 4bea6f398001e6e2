// manifest/sidx.c — the `sidx` box (ISO/IEC 14496-12, 8.16.3) into a segment index. Read in place
// from fetched bytes; references to further sidx boxes are followed when they lie in the same
// bytes, else asked for one by one.
#include <string.h>

#include "manifest/bytes.h"
#include "manifest/internal.h"

// A nested sidx of unknown length is fetched this far; chosen by hand, holds over 5000 references.
#define NESTED_FETCH_BYTES 65536
// References below references; real files have two levels.
#define MAX_NESTING 8

// A reference: media, or a further index that must be read first.
struct weir_sidx_item {
    int64_t offset, size_bytes; // place in the resource
    int64_t start_ticks, duration_ticks, timescale;
    bool is_index, independent;
    int depth;
};

struct sidx {
    int64_t timescale, earliest_ticks, first_offset;
    int64_t after; // resource offset of the first byte behind the box
    uint32_t count;
    const uint8_t *references;
};

// The bytes at hand: [offset, offset + size) of the resource.
struct view {
    const uint8_t *data;
    size_t size_bytes;
    int64_t offset;
};

enum found {
    FOUND,
    FOUND_CUT, // a sidx begins here but is not all there
    FOUND_NONE,
};

// Box header at `at`: header length and box size; false when there is none.
static bool read_header(const struct view *v, size_t at, size_t *header, uint64_t *size,
                        uint32_t *type)
{
    if (v->size_bytes - at < 8)
        return false;
    *size = weir_be32(v->data + at);
    *type = weir_be32(v->data + at + 4);
    *header = 8;
    if (*size == 1) {
        if (v->size_bytes - at < 16)
            return false;
        *size = weir_be64(v->data + at + 8);
        *header = 16;
    } else if (*size == 0) {
        *size = v->size_bytes - at;
    }
    return *size >= *header;
}

static enum found parse_body(const struct view *v, size_t at, size_t header, uint64_t size,
                             struct sidx *out)
{
    const uint8_t *b = v->data + at + header;
    uint64_t left = size - header;
    size_t fixed = left >= 1 && b[0] == 0 ? 24 : 32;
    if (left < fixed || b[0] > 1)
        return FOUND_NONE;
    out->timescale = weir_be32(b + 8);
    uint64_t earliest = b[0] ? weir_be64(b + 12) : weir_be32(b + 12);
    uint64_t first = b[0] ? weir_be64(b + 20) : weir_be32(b + 16);
    out->count = weir_be16(b + fixed - 2);
    out->references = b + fixed;
    if (out->timescale == 0 || earliest > WEIR_MAX_TICKS || first > WEIR_MAX_TICKS ||
        (left - fixed) / 12 < out->count)
        return FOUND_NONE;
    out->earliest_ticks = (int64_t)earliest;
    out->first_offset = (int64_t)first;
    out->after = v->offset + (int64_t)at + (int64_t)size;
    return FOUND;
}

// The first sidx at or after `at`, other boxes skipped.
static enum found find_sidx(const struct view *v, size_t at, struct sidx *out)
{
    size_t header;
    uint64_t size;
    uint32_t type;
    while (at < v->size_bytes && read_header(v, at, &header, &size, &type)) {
        bool whole = size <= v->size_bytes - at;
        if (type == 0x73696478) // "sidx"
            return whole ? parse_body(v, at, header, size, out) : FOUND_CUT;
        if (!whole)
            return FOUND_NONE;
        at += (size_t)size;
    }
    return FOUND_NONE;
}

// The references of one box as items; false when they run beyond all bounds.
static bool expand(const struct sidx *s, int depth, struct weir_sidx_item *out)
{
    int64_t offset = s->after + s->first_offset, ticks = s->earliest_ticks;
    for (uint32_t i = 0; i < s->count; i++) {
        const uint8_t *b = s->references + (size_t)i * 12;
        uint32_t word = weir_be32(b);
        out[i] = (struct weir_sidx_item){
            .offset = offset,
            .size_bytes = word & 0x7fffffff,
            .start_ticks = ticks,
            .duration_ticks = weir_be32(b + 4),
            .timescale = s->timescale,
            .is_index = word >> 31,
            // starts_with_SAP with SAP type 1 or 2 (or 0: unknown type) is a place to begin.
            .independent = b[8] >> 7 && ((b[8] >> 4) & 7) <= 2,
            .depth = depth,
        };
        if (out[i].size_bytes == 0)
            return false;
        offset += out[i].size_bytes;
        ticks += out[i].duration_ticks;
        if (offset > WEIR_MAX_TICKS || ticks > WEIR_MAX_TICKS)
            return false;
    }
    return true;
}

// Put the references of `s` where item `at` (an index, or nothing for the first box) stood.
static int splice(struct weir_presentation *p, struct weir_source *src, size_t at, bool replace,
                  const struct sidx *s, int depth)
{
    size_t removed = replace ? 1 : 0, total = src->item_count - removed + s->count;
    if (total > WEIR_MAX_ENTRIES || depth > MAX_NESTING)
        return WEIR_ERR_TOO_BIG;
    struct weir_sidx_item *items = weir_arena_array(&p->arena, total ? total : 1, sizeof(*items));
    if (!items)
        return WEIR_ERR_NOMEM;
    if (at)
        memcpy(items, src->items, at * sizeof(*items));
    if (!expand(s, depth, items + at))
        return WEIR_ERR_SYNTAX;
    size_t tail = src->item_count - at - removed;
    if (src->items && tail)
        memcpy(items + at + s->count, src->items + at + removed, tail * sizeof(*items));
    src->items = items;
    src->item_count = total;
    return 0;
}

static size_t next_index(const struct weir_source *src)
{
    size_t i = 0;
    while (i < src->item_count && !src->items[i].is_index)
        i++;
    return i;
}

// Whether a nested index sent time backwards: then nothing could be found by time.
static bool goes_back(const struct weir_source *src)
{
    for (size_t i = 1; i < src->item_count; i++) {
        const struct weir_sidx_item *a = &src->items[i - 1], *b = &src->items[i];
        if (weir_ticks_to_us(b->start_ticks, b->timescale) <
                weir_ticks_to_us(a->start_ticks, a->timescale) ||
            b->offset < a->offset)
            return true;
    }
    return false;
}

static int finish(struct weir_presentation *p, struct weir_representation *r)
{
    struct weir_source *src = r->parser;
    struct weir_segment_index *x = weir_arena_alloc(&p->arena, sizeof(*x));
    struct weir_entry *entries =
        weir_arena_array(&p->arena, src->item_count ? src->item_count : 1, sizeof(*entries));
    if (!x || !entries)
        return WEIR_ERR_NOMEM;
    // The offset counts in the MPD's timescale, the index in its own.
    int64_t offset_us = weir_ticks_to_us(src->offset_ticks, src->timescale);
    int64_t base_us = weir_add_sat(src->period_start_us, -offset_us);
    bool independent = src->item_count > 0;
    for (size_t i = 0; i < src->item_count; i++) {
        const struct weir_sidx_item *it = &src->items[i];
        int64_t end_us = weir_add_sat(
            base_us, weir_ticks_to_us(it->start_ticks + it->duration_ticks, it->timescale));
        entries[i].range = (struct weir_byte_range){it->offset, it->offset + it->size_bytes - 1};
        entries[i].start_us =
            weir_add_sat(base_us, weir_ticks_to_us(it->start_ticks, it->timescale));
        entries[i].duration_us = weir_add_sat(end_us, -entries[i].start_us);
        independent = independent && it->independent;
    }
    *x = (struct weir_segment_index){
        .timing = WEIR_TIMING_ENTRIES,
        .entries = entries,
        .entry_count = (int64_t)src->item_count,
        .init = r->init,
        .count = (int64_t)src->item_count,
        .start_number = -1,
        .timescale = src->timescale,
        .offset_ticks = src->offset_ticks,
        .period_start_us = src->period_start_us,
        .period_end_us = src->period_end_us,
        .independent = independent,
        .timing_exact = true,
    };
    r->index = x;
    r->index_need = WEIR_INDEX_READY;
    return 0;
}

static int bad(const struct weir_manifest_input *in, struct weir_error *error, int code,
               const char *what)
{
    return weir_error_set(error, code, in->url, "sidx: %s", what);
}

// Ask for item i. The declared length of a nested reference includes its media, so only the head is
// asked for.
static void ask_for(struct weir_representation *r, const struct weir_sidx_item *it, bool whole)
{
    int64_t size =
        !whole && it->size_bytes > NESTED_FETCH_BYTES ? NESTED_FETCH_BYTES : it->size_bytes;
    r->index_range = (struct weir_byte_range){it->offset, it->offset + size - 1};
}

// Expand every index that lies in `v`; asks for the next one that does not.
static int follow(struct weir_presentation *p, struct weir_representation *r, const struct view *v,
                  const struct weir_manifest_input *in, struct weir_error *error)
{
    struct weir_source *src = r->parser;
    for (size_t i = next_index(src); i < src->item_count; i = next_index(src)) {
        struct weir_sidx_item it = src->items[i];
        struct sidx s;
        bool here = it.offset >= v->offset && it.offset - v->offset < (int64_t)v->size_bytes;
        bool asked = r->index_range.first == it.offset;
        bool all = asked && r->index_range.last >= it.offset + it.size_bytes - 1;
        enum found f = here ? find_sidx(v, (size_t)(it.offset - v->offset), &s) : FOUND_NONE;
        if (++src->load_count > WEIR_MAX_SIDX_LOADS)
            return bad(in, error, WEIR_ERR_TOO_BIG, "too many nested indexes");
        if (f != FOUND) {
            if (asked && (all || f == FOUND_NONE))
                return bad(in, error, WEIR_ERR_SYNTAX, "a nested index is not where it should be");
            ask_for(r, &it, asked);
            return 0;
        }
        int err = splice(p, src, i, true, &s, it.depth + 1);
        if (err)
            return bad(in, error, err, "a nested index is malformed or too big");
    }
    if (goes_back(src))
        return bad(in, error, WEIR_ERR_SYNTAX, "a nested index goes back in time");
    return finish(p, r) ? bad(in, error, WEIR_ERR_NOMEM, "out of memory") : 0;
}

int weir_sidx_load(struct weir_presentation *p, struct weir_representation *r,
                   const struct weir_manifest_input *in, int64_t data_offset,
                   struct weir_error *error)
{
    struct weir_source *src = r->parser;
    struct view v = {in->data, in->size_bytes, data_offset};
    if (data_offset < 0 || data_offset > WEIR_MAX_TICKS || in->size_bytes > WEIR_MAX_TICKS)
        return bad(in, error, WEIR_ERR_INVAL, "an impossible offset");
    if (!src->items) {
        struct sidx s;
        enum found f = find_sidx(&v, 0, &s);
        if (f != FOUND)
            return bad(in, error, WEIR_ERR_SYNTAX,
                       f == FOUND_CUT ? "the box is longer than its range"
                                      : "no such box in the index range");
        // In a file of its own an index counts from the start of the media it describes (8.16.3.1).
        if (src->index_reference)
            s.after = 0;
        int err = splice(p, src, 0, false, &s, 0);
        if (err)
            return bad(in, error, err, "malformed or too big");
    }
    return follow(p, r, &v, in, error);
}
