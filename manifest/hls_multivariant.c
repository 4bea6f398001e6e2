// manifest/hls_multivariant.c — a multivariant playlist into tracks (RFC 8216bis, 4.4.6): every
// variant a representation of the video track (of an audio track when it carries only sound), every
// EXT-X-MEDIA a track. The media playlists behind them are loaded later.
#include <limits.h>
#include <string.h>
#include <strings.h>

#include "manifest/hls.h"

#define MAX_VARIANTS   1024
#define MAX_RENDITIONS 1024

struct variant {
    struct weir_representation r;
    struct weir_slice attributes; // to tell redundant copies
    const char *uri;              // absolute
    const char *copies[WEIR_MAX_BASES];
    const char *pathways[WEIR_MAX_BASES];
    size_t copy_count;
    bool audio_only;
};

struct rendition {
    struct weir_track track;
    const char *uri; // absolute, NULL: in band
    struct weir_representation r;
};

struct multivariant {
    struct weir_hls *h;
    struct variant *variants;
    struct rendition *renditions;
    size_t variant_count, variant_room, rendition_count, rendition_room;
    struct weir_slice pending; // a STREAM-INF that waits for its URI
    bool waiting;
    size_t denied;
};

static void warn(struct multivariant *v, const char *what)
{
    weir_presentation_warn(v->h->p, "line %ld: %s", v->h->line, what);
}

static const char *absolute(struct multivariant *v, const char *uri)
{
    const char *url = weir_url_resolve_in(v->h->arena, v->h->in->url, uri);
    if (url && weir_url_check(url, v->h->in->allow_file_urls) == 0)
        return url;
    v->denied++;
    warn(v, "names something that may not be fetched from here: dropped");
    return NULL;
}

static bool is_yes(struct weir_slice list, const char *name)
{
    struct weir_slice s;
    return weir_hls_attr(list, name, &s) && weir_slice_equals(s, "YES");
}

static void read_resolution(struct weir_slice list, struct weir_representation *r)
{
    struct weir_slice s;
    int64_t w, h;
    if (!weir_hls_attr(list, "RESOLUTION", &s))
        return;
    const char *x = memchr(s.ptr, 'x', s.len);
    if (!x)
        x = memchr(s.ptr, 'X', s.len);
    if (!x)
        return;
    struct weir_slice a = {s.ptr, (size_t)(x - s.ptr)}, b = {x + 1, s.len - a.len - 1};
    if (weir_slice_int64(a, &w) && weir_slice_int64(b, &h) && w > 0 && h > 0 && w <= INT_MAX &&
        h <= INT_MAX) {
        r->width = (int)w;
        r->height = (int)h;
    }
}

static int64_t read_rate(struct weir_slice list, const char *name)
{
    struct weir_slice s;
    int64_t n;
    return weir_hls_attr(list, name, &s) && weir_slice_int64(s, &n) && n > 0 ? n : 0;
}

static int read_variant(struct multivariant *v, struct weir_slice list, struct variant *out)
{
    struct weir_hls *h = v->h;
    struct weir_representation *r = &out->r;
    int err = 0;
    const char *rate = weir_hls_attr_text(h, list, "FRAME-RATE", &err);
    const char *text = weir_hls_attr_text(h, list, "SUBTITLES", &err);
    r->codecs = weir_hls_attr_text(h, list, "CODECS", &err);
    r->audio_group = weir_hls_attr_text(h, list, "AUDIO", &err);
    r->text_group = text && strcmp(text, "NONE") != 0 ? text : NULL;
    r->id = weir_hls_attr_text(h, list, "STABLE-VARIANT-ID", &err);
    out->pathways[0] = weir_hls_attr_text(h, list, "PATHWAY-ID", &err);
    if (err)
        return err;
    r->bandwidth_bps = read_rate(list, "BANDWIDTH");
    r->average_bandwidth_bps = read_rate(list, "AVERAGE-BANDWIDTH");
    if (r->bandwidth_bps == 0)
        warn(v, "EXT-X-STREAM-INF without BANDWIDTH: ranked last");
    if (rate && !weir_parse_ratio(rate, &r->frame_rate_num, &r->frame_rate_den))
        warn(v, "FRAME-RATE is no rate: ignored");
    read_resolution(list, r);
    struct weir_codec_kinds k = weir_codec_kinds(r->codecs);
    out->audio_only = k.audio && !k.video && !k.unknown && !r->width;
    out->attributes = list;
    return 0;
}

// The list without PATHWAY-ID and STABLE-VARIANT-ID is what copies of one variant share.
static bool same_attributes(const struct variant *a, const struct variant *b)
{
    const struct weir_representation *x = &a->r, *y = &b->r;
    const char *p[][2] = {
        {x->codecs, y->codecs}, {x->audio_group, y->audio_group}, {x->text_group, y->text_group}};
    for (size_t i = 0; i < sizeof(p) / sizeof(p[0]); i++) {
        if (p[i][0] != p[i][1] && (!p[i][0] || !p[i][1] || strcmp(p[i][0], p[i][1]) != 0))
            return false;
    }
    if (!a->pathways[0] && !b->pathways[0] &&
        (a->attributes.len != b->attributes.len ||
         memcmp(a->attributes.ptr, b->attributes.ptr, a->attributes.len) != 0))
        return false;
    return x->bandwidth_bps == y->bandwidth_bps &&
           x->average_bandwidth_bps == y->average_bandwidth_bps && x->width == y->width &&
           x->height == y->height &&
           x->frame_rate_num * y->frame_rate_den == y->frame_rate_num * x->frame_rate_den;
}

// One video in several STREAM-INFs (one per audio group) is one rung; the same attributes with
// another URI are a copy to fail over to. Neither is a further level of quality.
static bool fold(struct multivariant *v, struct variant *one)
{
    for (size_t i = 0; i < v->variant_count; i++) {
        struct variant *old = &v->variants[i];
        if (strcmp(old->uri, one->uri) == 0)
            return true;
        if (same_attributes(old, one)) {
            if (old->copy_count < WEIR_MAX_BASES) {
                old->pathways[old->copy_count] = one->pathways[0];
                old->copies[old->copy_count++] = one->uri;
            }
            return true;
        }
    }
    return false;
}

static int add_variant(struct multivariant *v, struct weir_slice line)
{
    struct variant one = {.copy_count = 1};
    const char *uri = weir_hls_expand(v->h, line);
    if (!uri)
        return v->h->error->code;
    int err = read_variant(v, v->pending, &one);
    if (err)
        return err;
    v->waiting = false;
    one.uri = one.copies[0] = absolute(v, uri);
    if (!one.uri || fold(v, &one))
        return 0;
    if (v->variant_count == v->variant_room) {
        warn(v, "too many variants: ignored");
        return 0;
    }
    v->variants[v->variant_count++] = one;
    return 0;
}

static bool rendition_type(const char *type, enum weir_track_type *out)
{
    if (strcmp(type, "AUDIO") == 0)
        *out = WEIR_TRACK_AUDIO;
    else if (strcmp(type, "SUBTITLES") == 0 || strcmp(type, "CLOSED-CAPTIONS") == 0)
        *out = WEIR_TRACK_TEXT;
    else if (strcmp(type, "VIDEO") == 0)
        *out = WEIR_TRACK_VIDEO;
    else
        return false;
    return true;
}

static void read_channels(struct weir_slice list, struct weir_representation *r)
{
    struct weir_slice s;
    int64_t n;
    if (!weir_hls_attr(list, "CHANNELS", &s))
        return;
    const char *slash = memchr(s.ptr, '/', s.len); // "16/JOC"
    s.len = slash ? (size_t)(slash - s.ptr) : s.len;
    if (weir_slice_int64(s, &n) && n > 0 && n <= INT_MAX)
        r->channels = (int)n;
}

// CHARACTERISTICS as descriptors; INSTREAM-ID too, because captions are found by it.
static int read_traits(struct multivariant *v, struct weir_slice list, struct weir_track *t)
{
    int err = 0;
    const char *words = weir_hls_attr_text(v->h, list, "CHARACTERISTICS", &err);
    const char *instream = weir_hls_attr_text(v->h, list, "INSTREAM-ID", &err);
    struct weir_descriptor *d = weir_arena_array(v->h->arena, 2, sizeof(*d));
    if (err || !d)
        return err ? err : weir_hls_fail(v->h, WEIR_ERR_NOMEM, "out of memory");
    if (words)
        d[t->accessibility_count++] =
            (struct weir_descriptor){.scheme = "CHARACTERISTICS", .value = words};
    if (instream)
        d[t->accessibility_count++] =
            (struct weir_descriptor){.scheme = "INSTREAM-ID", .value = instream};
    t->accessibility = d;
    return 0;
}

static int read_media(struct multivariant *v, struct weir_slice list)
{
    struct weir_hls *h = v->h;
    struct rendition one = {0};
    struct weir_track *t = &one.track;
    int err = 0;
    const char *type = weir_hls_attr_text(h, list, "TYPE", &err);
    const char *uri = weir_hls_attr_text(h, list, "URI", &err);
    t->group_id = weir_hls_attr_text(h, list, "GROUP-ID", &err);
    t->label = weir_hls_attr_text(h, list, "NAME", &err);
    t->lang = weir_hls_attr_text(h, list, "LANGUAGE", &err);
    if (!err)
        err = read_traits(v, list, t);
    if (err)
        return err;
    if (!type || !t->group_id || !rendition_type(type, &t->type)) {
        warn(v, "EXT-X-MEDIA without a usable TYPE and GROUP-ID: dropped");
        return 0;
    }
    if (t->type == WEIR_TRACK_VIDEO) {
        if (uri)
            warn(v, "camera angles (EXT-X-MEDIA:TYPE=VIDEO) are not supported: ignored");
        return 0;
    }
    if (!t->label)
        warn(v, "EXT-X-MEDIA without NAME");
    t->is_default = is_yes(list, "DEFAULT");
    t->autoselect = t->is_default || is_yes(list, "AUTOSELECT");
    t->forced = is_yes(list, "FORCED");
    t->id = weir_arena_printf(h->arena, "%s/%s", t->group_id, t->label ? t->label : "");
    read_channels(list, &one.r);
    one.r.audio_rate = (int)(read_rate(list, "SAMPLE-RATE") & INT_MAX);
    if (uri && !(one.uri = absolute(v, uri)))
        return 0;
    if (!uri && strcmp(type, "SUBTITLES") == 0) {
        warn(v, "EXT-X-MEDIA:TYPE=SUBTITLES without URI: dropped");
        return 0;
    }
    if (v->rendition_count < v->rendition_room)
        v->renditions[v->rendition_count++] = one;
    return 0;
}

static int read_steering(struct multivariant *v, struct weir_slice list)
{
    int err = 0;
    const char *uri = weir_hls_attr_text(v->h, list, "SERVER-URI", &err);
    struct weir_content_steering *s = weir_arena_alloc(v->h->arena, sizeof(*s));
    if (err || !s)
        return err ? err : weir_hls_fail(v->h, WEIR_ERR_NOMEM, "out of memory");
    if (!uri) {
        warn(v, "EXT-X-CONTENT-STEERING without SERVER-URI: ignored");
        return 0;
    }
    s->url = absolute(v, uri);
    s->default_location = weir_hls_attr_text(v->h, list, "PATHWAY-ID", &err);
    if (s->url)
        v->h->p->steering = s;
    return err;
}

static int read_line(struct multivariant *v, struct weir_slice line)
{
    struct weir_slice value;
    if (line.ptr[0] != '#') {
        if (v->waiting)
            return add_variant(v, line);
        warn(v, "a URI without EXT-X-STREAM-INF: skipped");
        return 0;
    }
    if (weir_hls_is_tag(line, "#EXT-X-DEFINE", &value))
        return weir_hls_define(v->h, value);
    int err = weir_hls_check_references(v->h, line);
    if (err)
        return err;
    if (weir_hls_is_tag(line, "#EXTINF", &value) ||
        weir_hls_is_tag(line, "#EXT-X-TARGETDURATION", &value))
        return weir_hls_fail(v->h, WEIR_ERR_SYNTAX,
                             "tags of both a multivariant and a media playlist");
    if (weir_hls_is_tag(line, "#EXT-X-STREAM-INF", &value)) {
        if (v->waiting)
            warn(v, "EXT-X-STREAM-INF without a URI: dropped");
        v->pending = value;
        v->waiting = true;
        return 0;
    }
    if (weir_hls_is_tag(line, "#EXT-X-MEDIA", &value))
        return read_media(v, value);
    if (weir_hls_is_tag(line, "#EXT-X-CONTENT-STEERING", &value))
        return read_steering(v, value);
    return 0;
}

// --- from what was read to tracks ---

static bool in_group(const struct rendition *t, enum weir_track_type type, const char *group)
{
    return t->track.type == type && group && strcmp(t->track.group_id, group) == 0;
}

// Whether a variant's own segments carry its sound.
static enum weir_muxed muxed(const struct multivariant *v, const struct variant *one)
{
    bool group = false, in_band = false;
    for (size_t i = 0; i < v->rendition_count; i++) {
        if (in_group(&v->renditions[i], WEIR_TRACK_AUDIO, one->r.audio_group)) {
            group = true;
            in_band = in_band || !v->renditions[i].uri;
        }
    }
    if (in_band)
        return WEIR_MUXED_YES;
    if (!one->r.codecs)
        return WEIR_MUXED_UNKNOWN;
    return weir_codec_kinds(one->r.codecs).audio && !group ? WEIR_MUXED_YES : WEIR_MUXED_NO;
}

static int set_source(struct multivariant *v, struct weir_representation *r,
                      const char *const *urls, const char *const *names, size_t count,
                      struct weir_period *period, bool video)
{
    struct weir_arena *a = v->h->arena;
    struct weir_source *src = weir_arena_alloc(a, sizeof(*src));
    const char **bases = weir_arena_array(a, count, sizeof(*bases));
    const char **playlists = weir_arena_array(a, count, sizeof(*playlists));
    const char **locations = weir_arena_array(a, count, sizeof(*locations));
    if (!src || !bases || !playlists || !locations)
        return weir_hls_fail(v->h, WEIR_ERR_NOMEM, "out of memory");
    for (size_t i = 0; i < count; i++) {
        bases[i] = playlists[i] = urls[i];
        locations[i] = names ? names[i] : NULL;
    }
    *src = (struct weir_source){.bases = bases,
                                .base_count = count,
                                .playlist_urls = playlists,
                                .period = period,
                                .video = video};
    src->index_range = r->index_range = WEIR_RANGE_ALL;
    r->parser = src;
    r->base_count = count;
    r->service_locations = locations;
    r->index_need = WEIR_INDEX_PLAYLIST;
    r->index_url = urls[0];
    return 0;
}

// The variants with or without a picture as one track.
static int add_variants(struct multivariant *v, struct weir_period *period, bool audio_only)
{
    struct weir_track *t = &period->tracks[period->track_count];
    size_t count = 0;
    for (size_t i = 0; i < v->variant_count; i++)
        count += v->variants[i].audio_only == audio_only;
    if (count == 0)
        return 0;
    *t = (struct weir_track){.type = audio_only ? WEIR_TRACK_AUDIO : WEIR_TRACK_VIDEO,
                             .id = audio_only ? "audio-variants" : "variants",
                             .is_default = !audio_only};
    t->representations = weir_arena_array(v->h->arena, count, sizeof(*t->representations));
    if (!t->representations)
        return weir_hls_fail(v->h, WEIR_ERR_NOMEM, "out of memory");
    for (size_t i = 0; i < v->variant_count; i++) {
        struct variant *one = &v->variants[i];
        if (one->audio_only != audio_only)
            continue;
        struct weir_representation *r = &t->representations[t->representation_count++];
        *r = one->r;
        if (!r->id)
            r->id = weir_arena_printf(v->h->arena, "%zu", i);
        r->muxed = audio_only ? WEIR_MUXED_NO : muxed(v, one);
        int err =
            set_source(v, r, one->copies, one->pathways, one->copy_count, period, !audio_only);
        if (err)
            return err;
    }
    period->track_count++;
    return 0;
}

// The sound part of the CODECS of the first variant that plays with the group.
static const char *group_codecs(struct multivariant *v, const char *group)
{
    for (size_t i = 0; i < v->variant_count; i++) {
        const char *c = v->variants[i].r.codecs;
        const char *g = v->variants[i].r.audio_group;
        if (!g || !c || strcmp(g, group) != 0)
            continue;
        for (; *c; c += strcspn(c, ","), c += *c == ',') {
            c += strspn(c, " ");
            char *name = weir_arena_strndup(v->h->arena, c, strcspn(c, ", "));
            if (name && weir_codec_kinds(name).audio)
                return name;
        }
    }
    return NULL;
}

static int add_rendition(struct multivariant *v, struct weir_period *period, struct rendition *one)
{
    struct weir_track *t = &period->tracks[period->track_count++];
    *t = one->track;
    t->in_band = !one->uri;
    if (!one->uri)
        return 0;
    t->representations = weir_arena_array(v->h->arena, 1, sizeof(*t->representations));
    if (!t->representations)
        return weir_hls_fail(v->h, WEIR_ERR_NOMEM, "out of memory");
    t->representation_count = 1;
    *t->representations = one->r;
    t->representations[0].id = t->id;
    t->representations[0].muxed = WEIR_MUXED_NO;
    if (t->type == WEIR_TRACK_AUDIO)
        t->representations[0].codecs = group_codecs(v, t->group_id);
    return set_source(v, t->representations, &one->uri, NULL, 1, period, false);
}

static int build(struct multivariant *v)
{
    struct weir_presentation *p = v->h->p;
    struct weir_period *period = weir_arena_alloc(v->h->arena, sizeof(*period));
    if (!period)
        return weir_hls_fail(v->h, WEIR_ERR_NOMEM, "out of memory");
    *period = (struct weir_period){.id = "0", .duration_us = WEIR_TIME_NONE};
    period->tracks = weir_arena_array(v->h->arena, v->rendition_count + 2, sizeof(*period->tracks));
    if (!period->tracks)
        return weir_hls_fail(v->h, WEIR_ERR_NOMEM, "out of memory");
    int err = add_variants(v, period, false);
    for (size_t i = 0; i < v->rendition_count && !err; i++)
        err = add_rendition(v, period, &v->renditions[i]);
    if (!err)
        err = add_variants(v, period, true);
    p->periods = period;
    p->period_count = 1;
    return err;
}

static int prepare(struct multivariant *v)
{
    struct weir_hls_lines l = weir_hls_lines_begin(v->h->in->data, v->h->in->size_bytes);
    struct weir_slice line, value;
    while (weir_hls_lines_next(&l, &line)) {
        v->variant_room += weir_hls_is_tag(line, "#EXT-X-STREAM-INF", &value);
        v->rendition_room += weir_hls_is_tag(line, "#EXT-X-MEDIA", &value);
    }
    v->variant_room = v->variant_room < MAX_VARIANTS ? v->variant_room : MAX_VARIANTS;
    v->rendition_room = v->rendition_room < MAX_RENDITIONS ? v->rendition_room : MAX_RENDITIONS;
    v->variants = weir_arena_array(v->h->arena, v->variant_room + 1, sizeof(*v->variants));
    v->renditions = weir_arena_array(v->h->arena, v->rendition_room + 1, sizeof(*v->renditions));
    return v->variants && v->renditions ? 0 : weir_hls_fail(v->h, WEIR_ERR_NOMEM, "out of memory");
}

int weir_hls_multivariant_read(struct weir_hls *h)
{
    struct multivariant v = {.h = h};
    struct weir_hls_lines l = weir_hls_lines_begin(h->in->data, h->in->size_bytes);
    struct weir_slice line;
    int err = prepare(&v);
    while (!err && weir_hls_lines_next(&l, &line)) {
        h->line = l.number;
        err = read_line(&v, line);
    }
    if (err)
        return err;
    if (v.waiting)
        warn(&v, "EXT-X-STREAM-INF without a URI: dropped");
    if (v.variant_count == 0)
        return weir_error_set(h->error, v.denied ? WEIR_ERR_DENIED : WEIR_ERR_SYNTAX, h->in->url,
                              "no playable variant in the playlist");
    return build(&v);
}
