// manifest/hls_media.c — a media playlist into a segment index (RFC 8216bis, 4.4.3–4.4.5). Hostile
// input: whatever can be replaced by a safe default is, with a warning; what would change which
// bytes are played is an error.
#include <string.h>

#include "manifest/hls.h"
#include "manifest/iso8601.h"

// What applies to the next segment, and what the playlist has said so far.
struct media {
    struct weir_hls *h;
    const char *base;
    struct weir_hls_media *out;
    struct weir_entry *entries;
    struct weir_playlist_entry *more;
    int64_t count, room;
    // the next segment
    int64_t duration_us;                // NONE: no EXTINF yet
    int64_t range_length, range_offset; // length -1: the whole resource
    bool discontinuity, gap;
    // in force until replaced
    const struct weir_key *key;
    bool key_group; // KEY tags in a row are alternatives
    const struct weir_init *init;
    struct weir_init *inits[16]; // the last ones made, to find equal ones again
    size_t init_count;
    int64_t bitrate_bps;
    // where an implied offset continues
    const char *last_url;
    int64_t last_end;
    int64_t end_us; // of the last segment
    int64_t discontinuities;
    int64_t longest_us;
    int64_t first_date_us, first_date_at_us; // EXT-X-PROGRAM-DATE-TIME and the time it belongs to
    bool have_target, have_sequence, have_discontinuity_sequence, end_list, vod, have_type, parts,
        independent;
    bool iframes_only;
    int64_t skipped;
};

static void warn(struct media *m, const char *what)
{
    weir_presentation_warn(m->h->p, "line %ld: %s", m->h->line, what);
}

static bool slice_micro(struct weir_slice s, int64_t *out)
{
    return weir_parse_micro(s.ptr, s.len, out);
}

// "9.009,title": decimal or integer, the comma may be missing.
static void read_extinf(struct media *m, struct weir_slice v)
{
    const char *comma = memchr(v.ptr, ',', v.len);
    struct weir_slice n = {v.ptr, comma ? (size_t)(comma - v.ptr) : v.len};
    while (n.len && (n.ptr[n.len - 1] == ' ' || n.ptr[n.len - 1] == '\t'))
        n.len--;
    while (n.len && (*n.ptr == ' ' || *n.ptr == '\t'))
        n.ptr++, n.len--;
    if (slice_micro(n, &m->duration_us) && m->duration_us >= 0 && m->duration_us < WEIR_MAX_TICKS)
        return;
    warn(m, "EXTINF is no duration: the target duration is used");
    m->duration_us =
        m->out->live.target_duration_us != WEIR_TIME_NONE ? m->out->live.target_duration_us : 0;
}

static void read_target(struct media *m, struct weir_slice v)
{
    int64_t us;
    if (m->have_target) {
        warn(m, "EXT-X-TARGETDURATION appears twice: the first counts");
        return;
    }
    if (!slice_micro(v, &us) || us <= 0) {
        warn(m, "EXT-X-TARGETDURATION is no duration: ignored");
        return;
    }
    m->have_target = true;
    m->out->live.target_duration_us = us;
}

static void read_sequence(struct media *m, struct weir_slice v, const char *name, bool *have,
                          int64_t *out)
{
    int64_t n;
    if (*have || m->count > 0)
        weir_presentation_warn(m->h->p, "line %ld: %s %s: ignored", m->h->line, name,
                               *have ? "appears twice" : "stands behind a segment");
    else if (!weir_slice_int64(v, &n) || n < 0 || n > WEIR_MAX_TICKS)
        weir_presentation_warn(m->h->p, "line %ld: %s is no number: taken as 0", m->h->line, name);
    else {
        *out = n;
        *have = true;
    }
}

static void read_type(struct media *m, struct weir_slice v)
{
    // Two that contradict each other say nothing: go on reloading until the end is marked.
    if (m->have_type) {
        warn(m, "EXT-X-PLAYLIST-TYPE appears twice");
        m->vod = m->vod && weir_slice_equals(v, "VOD");
    } else if (weir_slice_equals(v, "VOD"))
        m->vod = true;
    else if (!weir_slice_equals(v, "EVENT"))
        warn(m, "EXT-X-PLAYLIST-TYPE is unknown: ignored");
    m->have_type = true;
}

static int resolve(struct media *m, const char *ref, const char **out)
{
    *out = weir_url_resolve_in(m->h->arena, m->base, ref);
    return *out ? 0 : weir_hls_fail(m->h, WEIR_ERR_TOO_BIG, "a URL is too long");
}

// A reference that a player would fetch: those with a scheme of their own are checked.
static int check(struct media *m, const char *url)
{
    if (url && weir_url_is_absolute(url) && weir_url_check(url, m->h->in->allow_file_urls) < 0)
        return weir_hls_fail(m->h, WEIR_ERR_DENIED,
                             "a playlist from the network may not name this URL");
    return 0;
}

static int read_key(struct media *m, struct weir_slice list)
{
    int err = 0;
    const char *method = weir_hls_attr_text(m->h, list, "METHOD", &err);
    const char *uri = weir_hls_attr_text(m->h, list, "URI", &err);
    const char *iv = weir_hls_attr_text(m->h, list, "IV", &err);
    const char *format = weir_hls_attr_text(m->h, list, "KEYFORMAT", &err);
    if (err)
        return err;
    if (!method)
        return weir_hls_fail(m->h, WEIR_ERR_SYNTAX, "EXT-X-KEY without METHOD");
    if (strcmp(method, "NONE") == 0) {
        m->key = NULL;
        m->key_group = false;
        return 0;
    }
    // Of several in a row, the plain one can be played here; else the first stands for all
    // (4.4.4.4).
    if (m->key_group && m->key && (format && strcmp(format, "identity") != 0))
        return 0;
    struct weir_key *k = weir_arena_alloc(m->h->arena, sizeof(*k));
    if (!k)
        return weir_hls_fail(m->h, WEIR_ERR_NOMEM, "out of memory");
    *k = (struct weir_key){.method = method, .iv = iv, .key_format = format};
    // "skd:" and the like are names for a key system, not places.
    if (uri && (err = resolve(m, uri, &k->uri)) != 0)
        return err;
    if (uri && weir_url_has_scheme(k->uri, "file") && !m->h->in->allow_file_urls)
        return weir_hls_fail(m->h, WEIR_ERR_DENIED,
                             "a playlist from the network may not name this key");
    if (!uri)
        warn(m, "EXT-X-KEY without URI");
    m->key = k;
    m->key_group = true;
    return 0;
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static int read_map(struct media *m, struct weir_slice list)
{
    int err = 0;
    struct weir_slice range;
    int64_t length, offset;
    const char *uri = weir_hls_attr_text(m->h, list, "URI", &err);
    struct weir_init want = {.range = WEIR_RANGE_ALL, .key = m->key, .reference = uri};
    if (err)
        return err;
    if (!uri) {
        warn(m, "EXT-X-MAP without URI: ignored");
        return 0;
    }
    if (weir_hls_attr(list, "BYTERANGE", &range)) {
        if (!weir_hls_byte_range(range, &length, &offset))
            warn(m, "EXT-X-MAP:BYTERANGE is no byte range: ignored");
        else
            want.range = (struct weir_byte_range){offset < 0 ? 0 : offset,
                                                  (offset < 0 ? 0 : offset) + length - 1};
    }
    size_t most = sizeof(m->inits) / sizeof(m->inits[0]);
    for (size_t i = 0; i < m->init_count && i < most; i++) {
        const struct weir_init *old = m->inits[i];
        if (same_text(old->reference, uri) && old->key == want.key &&
            old->range.first == want.range.first && old->range.last == want.range.last) {
            m->init = old;
            return 0;
        }
    }
    if ((err = check(m, uri)) != 0 || (err = resolve(m, uri, &want.url)) != 0)
        return err;
    struct weir_init *init = weir_arena_alloc(m->h->arena, sizeof(*init));
    if (!init)
        return weir_hls_fail(m->h, WEIR_ERR_NOMEM, "out of memory");
    *init = want;
    m->inits[m->init_count++ % most] = init;
    m->init = init;
    if (!m->out->init)
        m->out->init = init;
    return 0;
}

static void read_byte_range(struct media *m, struct weir_slice v)
{
    if (!weir_hls_byte_range(v, &m->range_length, &m->range_offset)) {
        warn(m, "EXT-X-BYTERANGE is no byte range: ignored");
        m->range_length = -1;
    }
}

// Where an implied offset continues: the byte behind the previous sub-range of the same resource
// (4.4.4.2).
static struct weir_byte_range take_range(struct media *m, const char *url)
{
    if (m->range_length < 0) {
        m->last_url = NULL;
        return WEIR_RANGE_ALL;
    }
    int64_t offset = m->range_offset;
    if (offset < 0) {
        offset = same_text(m->last_url, url) ? m->last_end : 0;
        if (!m->last_url || offset == 0)
            warn(m, "EXT-X-BYTERANGE continues nothing: taken from the start");
    }
    m->last_url = url;
    m->last_end = weir_add_sat(offset, m->range_length);
    return (struct weir_byte_range){offset, m->last_end - 1};
}

static int read_segment(struct media *m, struct weir_slice line)
{
    const char *url = weir_hls_expand(m->h, line);
    if (!url)
        return m->h->error->code;
    int err = check(m, url);
    if (err)
        return err;
    if (m->duration_us == WEIR_TIME_NONE) {
        warn(m, "a URI without EXTINF: skipped");
        return 0;
    }
    struct weir_entry *e = &m->entries[m->count];
    *e = (struct weir_entry){url, take_range(m, url), m->end_us, m->duration_us};
    m->discontinuities += m->discontinuity;
    m->more[m->count++] = (struct weir_playlist_entry){
        .init = m->init,
        .key = m->key,
        .discontinuity_sequence = m->discontinuities, // the playlist's own is added at the end
        .size_bytes = m->bitrate_bps > 0 && m->range_length < 0
                          ? weir_rescale(m->duration_us, m->bitrate_bps, 8 * WEIR_SECOND_US)
                          : -1,
        .discontinuity = m->discontinuity,
        .gap = m->gap,
    };
    m->end_us = weir_add_sat(m->end_us, m->duration_us);
    m->longest_us = m->duration_us > m->longest_us ? m->duration_us : m->longest_us;
    m->duration_us = WEIR_TIME_NONE;
    m->range_length = -1;
    m->discontinuity = m->gap = m->key_group = false;
    return 0;
}

static void read_date(struct media *m, struct weir_slice v)
{
    char text[64];
    int64_t us;
    if (v.len >= sizeof(text))
        return;
    memcpy(text, v.ptr, v.len);
    text[v.len] = '\0';
    if (!weir_iso8601_datetime(text, &us)) {
        warn(m, "EXT-X-PROGRAM-DATE-TIME is no date: ignored");
        return;
    }
    if (m->first_date_us != WEIR_TIME_NONE)
        return;
    m->first_date_us = us;
    m->first_date_at_us = m->end_us;
}

static void read_skip(struct media *m, struct weir_slice list)
{
    struct weir_slice v;
    int64_t n;
    if (!weir_hls_attr(list, "SKIPPED-SEGMENTS", &v) || !weir_slice_int64(v, &n) || n < 0 ||
        n > WEIR_MAX_TICKS)
        return;
    warn(m, "EXT-X-SKIP without an earlier playlist: the skipped segments are not known");
    m->skipped = n;
}

static void read_part_target(struct media *m, struct weir_slice list)
{
    struct weir_slice v;
    int64_t us;
    if (weir_hls_attr(list, "PART-TARGET", &v) && slice_micro(v, &us) && us > 0)
        m->out->live.part_target_us = us;
}

// Tags with an attribute list or a value that can make the playlist fail.
static int read_strict_tag(struct media *m, struct weir_slice line, bool *known)
{
    struct weir_slice v;
    *known = true;
    if (weir_hls_is_tag(line, "#EXT-X-KEY", &v))
        return read_key(m, v);
    if (weir_hls_is_tag(line, "#EXT-X-MAP", &v))
        return read_map(m, v);
    if (weir_hls_is_tag(line, "#EXT-X-DEFINE", &v))
        return weir_hls_define(m->h, v);
    *known = false;
    return 0;
}

static void read_whole_tag(struct media *m, struct weir_slice line)
{
    struct weir_slice v;
    if (weir_hls_is_tag(line, "#EXT-X-TARGETDURATION", &v))
        read_target(m, v);
    else if (weir_hls_is_tag(line, "#EXT-X-MEDIA-SEQUENCE", &v))
        read_sequence(m, v, "EXT-X-MEDIA-SEQUENCE", &m->have_sequence,
                      &m->out->live.media_sequence);
    else if (weir_hls_is_tag(line, "#EXT-X-DISCONTINUITY-SEQUENCE", &v))
        read_sequence(m, v, "EXT-X-DISCONTINUITY-SEQUENCE", &m->have_discontinuity_sequence,
                      &m->out->live.discontinuity_sequence);
    else if (weir_hls_is_tag(line, "#EXT-X-PLAYLIST-TYPE", &v))
        read_type(m, v);
    else if (weir_hls_is_tag(line, "#EXT-X-ENDLIST", &v))
        m->end_list = true;
    else if (weir_hls_is_tag(line, "#EXT-X-I-FRAMES-ONLY", &v))
        m->iframes_only = true;
    else if (weir_hls_is_tag(line, "#EXT-X-INDEPENDENT-SEGMENTS", &v))
        m->independent = true;
    else if (weir_hls_is_tag(line, "#EXT-X-PART-INF", &v))
        read_part_target(m, v);
    else if (weir_hls_is_tag(line, "#EXT-X-SKIP", &v))
        read_skip(m, v);
}

static bool is_part_hint(struct weir_slice list)
{
    struct weir_slice type;
    return weir_hls_attr(list, "TYPE", &type) && weir_slice_equals(type, "PART");
}

static void read_segment_tag(struct media *m, struct weir_slice line)
{
    struct weir_slice v;
    int64_t n;
    if (weir_hls_is_tag(line, "#EXTINF", &v))
        read_extinf(m, v);
    else if (weir_hls_is_tag(line, "#EXT-X-BYTERANGE", &v))
        read_byte_range(m, v);
    else if (weir_hls_is_tag(line, "#EXT-X-DISCONTINUITY", &v))
        m->discontinuity = true;
    else if (weir_hls_is_tag(line, "#EXT-X-GAP", &v))
        m->gap = true;
    else if (weir_hls_is_tag(line, "#EXT-X-BITRATE", &v))
        m->bitrate_bps = weir_slice_int64(v, &n) && n > 0 && n < INT64_MAX / 1000 ? n * 1000 : 0;
    else if (weir_hls_is_tag(line, "#EXT-X-PROGRAM-DATE-TIME", &v))
        read_date(m, v);
    else if (weir_hls_is_tag(line, "#EXT-X-PART", &v))
        m->parts = true;
    else if (weir_hls_is_tag(line, "#EXT-X-PRELOAD-HINT", &v))
        m->parts = m->parts || is_part_hint(v);
    else
        read_whole_tag(m, line);
}

static int read_line(struct media *m, struct weir_slice line)
{
    struct weir_slice v;
    bool known;
    if (line.ptr[0] != '#')
        return read_segment(m, line);
    if (weir_hls_is_tag(line, "#EXT-X-STREAM-INF", &v) || weir_hls_is_tag(line, "#EXT-X-MEDIA", &v))
        return weir_hls_fail(m->h, WEIR_ERR_SYNTAX,
                             "tags of both a multivariant and a media playlist");
    int err = read_strict_tag(m, line, &known);
    if (err || known)
        return err;
    if (!weir_hls_is_tag(line, "#EXTINF", &v) && (err = weir_hls_check_references(m->h, line)) != 0)
        return err; // a title is no attribute and holds no variables
    read_segment_tag(m, line);
    return 0;
}

static int finish(struct media *m)
{
    struct weir_segment_index *x = m->out->index;
    struct weir_live_info *l = &m->out->live;
    bool all_gaps = m->count > 0;
    for (int64_t i = 0; i < m->count; i++) {
        m->more[i].discontinuity_sequence += l->discontinuity_sequence;
        all_gaps = all_gaps && m->more[i].gap;
    }
    if (all_gaps)
        return weir_hls_fail(m->h, WEIR_ERR_UNSUPPORTED, "every segment of the playlist is a gap");
    if (m->duration_us != WEIR_TIME_NONE)
        warn(m, "EXTINF without a URI at the end: ignored");
    // A playlist may be empty for now, but has to say how long its segments will be (RFC
    // 8216, 4.3.3.1).
    if (!m->have_target && m->count == 0 && !m->parts)
        return weir_hls_fail(m->h, WEIR_ERR_SYNTAX,
                             "the playlist lists nothing and has no target duration");
    if (!m->have_target) {
        weir_presentation_warn(m->h->p,
                               "EXT-X-TARGETDURATION is missing: the longest segment counts");
        l->target_duration_us = m->longest_us;
    }
    if (m->vod && !m->end_list)
        weir_presentation_warn(m->h->p, "a VOD playlist without EXT-X-ENDLIST: taken as complete");
    m->out->live_now = !m->end_list && !m->vod;
    m->out->low_latency = m->parts || l->part_target_us != WEIR_TIME_NONE;
    if (m->count == 0 && !m->out->live_now)
        weir_presentation_warn(m->h->p, "the playlist has no segments");
    m->out->duration_us = m->end_us;
    *x = (struct weir_segment_index){
        .timing = WEIR_TIMING_ENTRIES,
        .entries = m->entries,
        .playlist = m->more,
        .entry_count = m->count,
        .init = m->out->init,
        .count = m->count,
        .start_number = weir_add_sat(l->media_sequence, m->skipped),
        .timescale = WEIR_SECOND_US,
        .period_end_us = WEIR_TIME_NONE,
        .independent = m->independent || m->iframes_only,
    };
    return weir_hls_read_dates(m->h, m->first_date_us, m->first_date_at_us);
}

static int prepare(struct media *m)
{
    struct weir_hls *h = m->h;
    struct weir_hls_lines l = weir_hls_lines_begin(h->in->data, h->in->size_bytes);
    struct weir_slice line;
    while (weir_hls_lines_next(&l, &line))
        m->room += line.ptr[0] != '#';
    if (m->room > WEIR_MAX_ENTRIES)
        return weir_hls_fail(h, WEIR_ERR_TOO_BIG, "too many segments");
    size_t room = m->room ? (size_t)m->room : 1;
    m->entries = weir_arena_array(h->arena, room, sizeof(*m->entries));
    m->more = weir_arena_array(h->arena, room, sizeof(*m->more));
    m->out->index = weir_arena_alloc(h->arena, sizeof(*m->out->index));
    if (!m->entries || !m->more || !m->out->index)
        return weir_hls_fail(h, WEIR_ERR_NOMEM, "out of memory");
    return 0;
}

int weir_hls_media_read(struct weir_hls *h, const char *base, struct weir_hls_media *out)
{
    struct media m = {.h = h,
                      .base = base,
                      .out = out,
                      .duration_us = WEIR_TIME_NONE,
                      .range_length = -1,
                      .first_date_us = WEIR_TIME_NONE};
    struct weir_hls_lines l = weir_hls_lines_begin(h->in->data, h->in->size_bytes);
    struct weir_slice line;
    *out = (struct weir_hls_media){0};
    out->live = (struct weir_live_info){
        .availability_start_us = WEIR_TIME_NONE,
        .publish_time_us = WEIR_TIME_NONE,
        .minimum_update_period_us = WEIR_TIME_NONE,
        .time_shift_buffer_depth_us = WEIR_TIME_NONE,
        .suggested_presentation_delay_us = WEIR_TIME_NONE,
        .target_duration_us = WEIR_TIME_NONE,
        .part_target_us = WEIR_TIME_NONE,
    };
    int err = prepare(&m);
    while (!err && weir_hls_lines_next(&l, &line)) {
        h->line = l.number;
        err = read_line(&m, line);
    }
    return err ? err : finish(&m);
}
