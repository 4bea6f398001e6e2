// manifest/presentation.c — the life of a presentation: recognising what a document is, handing it
// to its parser, loading indexes, remembering warnings, and taking everything down with the arena.
#include "manifest/presentation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/text.h"
#include "manifest/internal.h"

#define WARNING_BYTES 400

struct weir_presentation *weir_presentation_new(enum weir_protocol protocol, const char *url)
{
    struct weir_presentation *p = calloc(1, sizeof(*p));
    if (!p)
        return NULL;
    weir_arena_init(&p->arena, WEIR_ARENA_LIMIT_BYTES);
    p->protocol = protocol;
    p->duration_us = p->min_buffer_time_us = WEIR_TIME_NONE;
    p->url = weir_arena_strdup(&p->arena, url ? url : "");
    p->warnings = weir_arena_array(&p->arena, WEIR_MAX_WARNINGS, sizeof(*p->warnings));
    p->warning_room = WEIR_MAX_WARNINGS;
    p->warning_more = weir_arena_alloc(&p->arena, WARNING_BYTES);
    if (!p->url || !p->warnings || !p->warning_more)
        weir_presentation_destroy(&p);
    return p;
}

void weir_presentation_destroy(struct weir_presentation **p)
{
    if (!*p)
        return;
    weir_arena_clear(&(*p)->arena);
    free(*p);
    *p = NULL;
}

// The last line kept says how many are missing.
void weir_presentation_warn(struct weir_presentation *p, const char *fmt, ...)
{
    char line[WARNING_BYTES];
    p->warning_total++;
    if (p->warning_total > WEIR_MAX_WARNINGS) {
        snprintf(p->warning_more, WARNING_BYTES, "%zu more warnings are not shown",
                 p->warning_total - WEIR_MAX_WARNINGS + 1);
        p->warnings[WEIR_MAX_WARNINGS - 1] = p->warning_more;
        return;
    }
    va_list args;
    va_start(args, fmt);
    weir_text_vformat(line, sizeof(line), fmt, args);
    va_end(args);
    char *copy = weir_arena_strdup(&p->arena, line);
    if (copy)
        p->warnings[p->warning_count++] = copy;
}

int weir_url_check(const char *url, bool allow_file_urls)
{
    static const char *const remote[] = {"http", "https", "data"};
    for (size_t i = 0; i < sizeof(remote) / sizeof(remote[0]); i++) {
        if (weir_url_has_scheme(url, remote[i]))
            return 0;
    }
    if (weir_url_has_scheme(url, "file") || !weir_url_is_absolute(url))
        return allow_file_urls ? 0 : WEIR_ERR_DENIED;
    return WEIR_ERR_DENIED;
}

const char *weir_url_resolve_in(struct weir_arena *arena, const char *base, const char *ref)
{
    char out[WEIR_URL_MAX_BYTES];
    if (weir_url_resolve(base, ref, out, sizeof(out)) < 0)
        return NULL;
    return weir_arena_strdup(arena, out);
}

enum shape {
    SHAPE_UNKNOWN,
    SHAPE_XML,
    SHAPE_M3U8,
};

// By content alone: names and types are often wrong. A byte order mark and blanks may stand before
// it.
static enum shape shape_of(const uint8_t *data, size_t size)
{
    size_t at = size >= 3 && memcmp(data, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    // UTF-16 XML begins with its mark; libxml2 knows what to do.
    if (size >= 4 && (memcmp(data, "\xFF\xFE<\0", 4) == 0 || memcmp(data, "\xFE\xFF\0<", 4) == 0))
        return SHAPE_XML;
    while (at < size && strchr(" \t\r\n", data[at]) && data[at])
        at++;
    if (at < size && data[at] == '<')
        return SHAPE_XML;
    if (size - at >= 7 && memcmp(data + at, "#EXTM3U", 7) == 0)
        return SHAPE_M3U8;
    return SHAPE_UNKNOWN;
}

bool weir_presentation_sniff(const uint8_t *data, size_t size_bytes)
{
    return shape_of(data, size_bytes < 4096 ? size_bytes : 4096) != SHAPE_UNKNOWN;
}

int weir_presentation_parse(const struct weir_manifest_input *in, struct weir_presentation **out,
                            struct weir_error *error)
{
    enum shape shape = shape_of(in->data, in->size_bytes);
    struct weir_manifest_input input = *in;
    *out = NULL;
    if (!input.url)
        input.url = "";
    if (in->size_bytes > WEIR_MANIFEST_MAX_BYTES)
        return weir_error_set(error, WEIR_ERR_TOO_BIG, input.url,
                              "the manifest is larger than %u MiB", WEIR_MANIFEST_MAX_BYTES >> 20);
    if (shape == SHAPE_UNKNOWN)
        return weir_error_set(error, WEIR_ERR_SYNTAX, input.url,
                              in->size_bytes ? "neither an MPD nor an HLS playlist"
                                             : "the manifest is empty");
    struct weir_presentation *p = weir_presentation_new(
        shape == SHAPE_XML ? WEIR_PROTOCOL_DASH : WEIR_PROTOCOL_HLS, input.url);
    if (!p)
        return weir_error_set(error, WEIR_ERR_NOMEM, input.url, "out of memory");
    int err =
        shape == SHAPE_XML ? weir_mpd_read(p, &input, error) : weir_hls_read(p, &input, error);
    if (err)
        weir_presentation_destroy(&p);
    *out = p;
    return err;
}

// An MPD that states no duration is as long as its index says; only its last period can be without
// an end.
static void learn_duration(struct weir_presentation *p, const struct weir_representation *r)
{
    struct weir_segment_info s;
    int64_t n = weir_index_count(r);
    if (p->live || p->duration_us != WEIR_TIME_NONE || n == 0 || weir_index_segment(r, n - 1, &s) ||
        s.clip_end_us != WEIR_TIME_NONE || s.duration_us == WEIR_TIME_NONE)
        return;
    struct weir_period *last = &p->periods[p->period_count - 1];
    p->duration_us = weir_add_sat(s.start_us, s.duration_us);
    last->duration_us = weir_add_sat(p->duration_us, -last->start_us);
}

int weir_presentation_load_index(struct weir_presentation *p, struct weir_representation *r,
                                 const struct weir_manifest_input *in, int64_t data_offset,
                                 struct weir_error *error)
{
    struct weir_manifest_input input = *in;
    if (!input.url)
        input.url = "";
    if (in->size_bytes > WEIR_MANIFEST_MAX_BYTES)
        return weir_error_set(error, WEIR_ERR_TOO_BIG, input.url, "the index is larger than %u MiB",
                              WEIR_MANIFEST_MAX_BYTES >> 20);
    int err = 0;
    switch (r->index_need) {
    case WEIR_INDEX_PLAYLIST:
        return weir_hls_load(p, r, &input, error);
    case WEIR_INDEX_SIDX:
        err = weir_sidx_load(p, r, &input, data_offset, error);
        break;
    case WEIR_INDEX_CUES:
        err = weir_cues_load(p, r, &input, data_offset, error);
        break;
    case WEIR_INDEX_READY:
        return weir_error_set(error, WEIR_ERR_INVAL, input.url,
                              "this representation needs no index");
    }
    if (!err && r->index_need == WEIR_INDEX_READY)
        learn_duration(p, r);
    return err;
}

int weir_presentation_for_file(const char *url, const struct weir_file_description *file,
                               struct weir_presentation **out)
{
    struct weir_presentation *p = weir_presentation_new(WEIR_PROTOCOL_FILE, url);
    *out = NULL;
    if (!p)
        return WEIR_ERR_NOMEM;
    struct weir_period *period = weir_arena_alloc(&p->arena, sizeof(*period));
    struct weir_track *track = weir_arena_alloc(&p->arena, sizeof(*track));
    struct weir_representation *r = weir_arena_alloc(&p->arena, sizeof(*r));
    struct weir_segment_index *x = weir_arena_alloc(&p->arena, sizeof(*x));
    struct weir_source *src = weir_arena_alloc(&p->arena, sizeof(*src));
    const char **bases = weir_arena_array(&p->arena, 1, sizeof(*bases));
    const char **names = weir_arena_array(&p->arena, 1, sizeof(*names));
    if (!period || !track || !r || !x || !src || !bases || !names) {
        weir_presentation_destroy(&p);
        return WEIR_ERR_NOMEM;
    }
    bases[0] = p->url;
    *src = (struct weir_source){.bases = bases, .base_count = 1};
    *x = (struct weir_segment_index){.timing = WEIR_TIMING_SINGLE,
                                     .count = 1,
                                     .start_number = -1,
                                     .timescale = 1,
                                     .period_end_us = file->duration_us};
    enum weir_muxed muxed = file->has_video && file->has_audio ? WEIR_MUXED_YES : WEIR_MUXED_NO;
    *r = (struct weir_representation){.id = "0",
                                      .muxed = muxed,
                                      .index = x,
                                      .parser = src,
                                      .width = file->width,
                                      .height = file->height,
                                      .bandwidth_bps = file->bandwidth_bps,
                                      .index_range = WEIR_RANGE_ALL,
                                      .base_count = 1,
                                      .service_locations = names};
    *track = (struct weir_track){.type = file->has_video ? WEIR_TRACK_VIDEO : WEIR_TRACK_AUDIO,
                                 .id = "0",
                                 .representations = r,
                                 .representation_count = 1,
                                 .is_default = true};
    *period = (struct weir_period){
        .id = "0", .duration_us = file->duration_us, .tracks = track, .track_count = 1};
    p->duration_us = file->duration_us;
    p->periods = period;
    p->period_count = 1;
    *out = p;
    return 0;
}
