// manifest/hls.c — an m3u8 document into a presentation: tells multivariant from media playlists,
// and fills in media playlists that were fetched for a multivariant one. Called by
// weir_presentation_parse and _load_index.
#include "manifest/hls.h"

#include <string.h>

static bool is_multivariant(const struct weir_manifest_input *in)
{
    static const char *const tags[] = {"#EXT-X-STREAM-INF",  "#EXT-X-I-FRAME-STREAM-INF",
                                       "#EXT-X-MEDIA",       "#EXT-X-SESSION-DATA",
                                       "#EXT-X-SESSION-KEY", "#EXT-X-CONTENT-STEERING"};
    struct weir_hls_lines l = weir_hls_lines_begin(in->data, in->size_bytes);
    struct weir_slice line, value;
    while (weir_hls_lines_next(&l, &line)) {
        for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
            if (weir_hls_is_tag(line, tags[i], &value))
                return true;
        }
        if (weir_hls_is_tag(line, "#EXTINF", &value))
            return false;
    }
    return false;
}

// The first line is exactly #EXTM3U (4.4.1.1); a mark or blank lines before it are let pass.
static int check_first_line(struct weir_hls *h)
{
    struct weir_hls_lines l = weir_hls_lines_begin(h->in->data, h->in->size_bytes);
    struct weir_slice line, value;
    if (!weir_hls_lines_next(&l, &line) || !weir_hls_is_tag(line, "#EXTM3U", &value))
        return weir_error_set(h->error, WEIR_ERR_SYNTAX, h->in->url,
                              "the playlist does not begin with #EXTM3U");
    if (l.number > 1)
        weir_presentation_warn(h->p, "#EXTM3U is not the first line");
    return 0;
}

static struct weir_live_info *keep_live(struct weir_hls *h, const struct weir_hls_media *media)
{
    struct weir_live_info *l = weir_arena_alloc(h->arena, sizeof(*l));
    if (l)
        *l = media->live;
    return l;
}

// A presentation is as long as its longest playlist, and live while any of them is.
static int apply(struct weir_hls *h, struct weir_period *period, const struct weir_hls_media *media,
                 bool leading)
{
    struct weir_presentation *p = h->p;
    p->low_latency = p->low_latency || media->low_latency;
    if (media->live_now && (!p->live || leading)) {
        p->live = true;
        p->live_info = keep_live(h, media);
        if (!p->live_info)
            return weir_hls_fail(h, WEIR_ERR_NOMEM, "out of memory");
    }
    if (p->live)
        p->duration_us = period->duration_us = WEIR_TIME_NONE;
    else if (period->duration_us == WEIR_TIME_NONE || media->duration_us > period->duration_us)
        p->duration_us = period->duration_us = media->duration_us;
    return 0;
}

static enum weir_track_type type_by_name(const struct weir_segment_index *x)
{
    static const struct {
        const char *ending;
        enum weir_track_type type;
    } endings[] = {
        {".vtt", WEIR_TRACK_TEXT},  {".webvtt", WEIR_TRACK_TEXT}, {".aac", WEIR_TRACK_AUDIO},
        {".mp3", WEIR_TRACK_AUDIO}, {".ac3", WEIR_TRACK_AUDIO},   {".ec3", WEIR_TRACK_AUDIO},
        {".m4a", WEIR_TRACK_AUDIO}, {".cmfa", WEIR_TRACK_AUDIO},  {".jpg", WEIR_TRACK_IMAGE}};
    if (x->entry_count == 0)
        return WEIR_TRACK_VIDEO;
    struct weir_url u;
    weir_url_parse(x->entries[0].url, &u);
    for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
        size_t len = strlen(endings[i].ending);
        if (u.path.len > len && memcmp(u.path.ptr + u.path.len - len, endings[i].ending, len) == 0)
            return endings[i].type;
    }
    return WEIR_TRACK_VIDEO;
}

// A media playlist opened directly: one variant, one rendition.
static int read_media_alone(struct weir_hls *h)
{
    struct weir_arena *a = h->arena;
    struct weir_hls_media media;
    int err = weir_hls_media_read(h, h->p->url, &media);
    if (err)
        return err;
    struct weir_period *period = weir_arena_alloc(a, sizeof(*period));
    struct weir_track *track = weir_arena_alloc(a, sizeof(*track));
    struct weir_representation *r = weir_arena_alloc(a, sizeof(*r));
    struct weir_source *src = weir_arena_alloc(a, sizeof(*src));
    const char **bases = weir_arena_array(a, 1, sizeof(*bases));
    const char **names = weir_arena_array(a, 1, sizeof(*names));
    if (!period || !track || !r || !src || !bases || !names)
        return weir_hls_fail(h, WEIR_ERR_NOMEM, "out of memory");
    bases[0] = h->p->url;
    *src = (struct weir_source){.bases = bases,
                                .base_count = 1,
                                .playlist_urls = bases,
                                .period = period,
                                .video = true,
                                .index_range = WEIR_RANGE_ALL};
    *r = (struct weir_representation){.id = "0",
                                      .init = media.init,
                                      .index = media.index,
                                      .parser = src,
                                      .index_range = WEIR_RANGE_ALL,
                                      .base_count = 1,
                                      .service_locations = names};
    *track = (struct weir_track){.type = type_by_name(media.index),
                                 .id = "0",
                                 .representations = r,
                                 .representation_count = 1,
                                 .is_default = true};
    r->muxed = track->type == WEIR_TRACK_VIDEO ? WEIR_MUXED_UNKNOWN : WEIR_MUXED_NO;
    *period = (struct weir_period){
        .id = "0", .duration_us = WEIR_TIME_NONE, .tracks = track, .track_count = 1};
    h->p->periods = period;
    h->p->period_count = 1;
    return apply(h, period, &media, true);
}

int weir_hls_read(struct weir_presentation *p, const struct weir_manifest_input *in,
                  struct weir_error *error)
{
    struct weir_error own = {0};
    struct weir_hls h = {.p = p, .in = in, .arena = &p->arena, .error = error ? error : &own};
    int err = check_first_line(&h);
    if (err)
        return err;
    if (!is_multivariant(in))
        return read_media_alone(&h);
    err = weir_hls_multivariant_read(&h);
    struct weir_variables *vars = weir_arena_alloc(&p->arena, sizeof(*vars));
    if (err || !vars)
        return err ? err : weir_hls_fail(&h, WEIR_ERR_NOMEM, "out of memory");
    *vars = h.vars;
    p->variables = vars;
    return 0;
}

int weir_hls_load(struct weir_presentation *p, struct weir_representation *r,
                  const struct weir_manifest_input *in, struct weir_error *error)
{
    struct weir_error own = {0};
    struct weir_hls h = {.p = p,
                         .in = in,
                         .arena = &p->arena,
                         .error = error ? error : &own,
                         .parent = p->variables};
    struct weir_source *src = r->parser;
    struct weir_hls_media media;
    int err = check_first_line(&h);
    if (err)
        return err;
    if (is_multivariant(in))
        return weir_error_set(error, WEIR_ERR_SYNTAX, in->url,
                              "a multivariant playlist where a media playlist should be");
    const char *base = weir_arena_strdup(&p->arena, in->url);
    const char **bases = weir_arena_array(&p->arena, src->base_count, sizeof(*bases));
    if (!base || !bases)
        return weir_hls_fail(&h, WEIR_ERR_NOMEM, "out of memory");
    err = weir_hls_media_read(&h, base, &media);
    if (err)
        return err;
    // The copy this one came from resolves against where it was found after redirects.
    size_t from = 0;
    for (size_t i = 0; i < src->base_count; i++) {
        bases[i] = src->playlist_urls[i];
        if (strcmp(bases[i], base) == 0)
            from = i;
    }
    bases[from] = base;
    src->bases = bases;
    r->index = media.index;
    r->init = media.init;
    r->index_need = WEIR_INDEX_READY;
    return apply(&h, src->period, &media, src->video);
}
