// sim/live_hls.c — a VOD media playlist as a sliding one (RFC 8216bis, 6.2.2): the segments of the
// window, numbered on for ever; a discontinuity where the content begins again. Multivariant
// playlists stay as they are.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/url.h"
#include "manifest/hls.h"
#include "sim/live_internal.h"

// Beyond this a playlist's numbers are not believed: they are counted on.
#define MAX_SEQUENCE (INT64_C(1) << 53)

struct lines {
    struct weir_slice *items;
    size_t count, room;
};

struct segment {
    int64_t start_us, duration_us;
    struct weir_slice extinf, uri;
    int64_t range_length, range_offset; // length < 0: the whole resource
    bool discontinuity;
    size_t key_first, key_count;     // lines in force, of `keys`
    size_t map;                      // the line in force, of `maps`, + 1; 0: none
    size_t other_first, other_count; // lines of `others` that stand before it
    size_t discontinuities_before;   // in the round, of the segments before this one
};

struct weir_live_hls {
    bool multivariant;
    int64_t media_sequence, target_s;
    size_t discontinuities; // in a round
    struct lines globals, keys, maps, others, uris;
    struct segment *segments;
    size_t count, room;
    bool failed; // memory ran out
};

static void remember(struct weir_live_hls *h, struct lines *l, struct weir_slice line)
{
    if (l->count == l->room) {
        size_t room = l->room ? l->room * 2 : 8;
        struct weir_slice *grown = realloc(l->items, room * sizeof(*grown));
        if (!grown) {
            h->failed = true;
            return;
        }
        l->items = grown;
        l->room = room;
    }
    l->items[l->count++] = line;
}

static struct segment *new_segment(struct weir_live_hls *h)
{
    if (h->count == h->room) {
        size_t room = h->room ? h->room * 2 : 64;
        struct segment *grown = realloc(h->segments, room * sizeof(*grown));
        if (!grown) {
            h->failed = true;
            return NULL;
        }
        h->segments = grown;
        h->room = room;
    }
    struct segment *s = &h->segments[h->count++];
    *s = (struct segment){.range_length = -1};
    return s;
}

// "6.006,title" in microseconds; -1: not a number.
static int64_t duration_of(struct weir_slice s)
{
    int64_t value = 0, scale = WEIR_SECOND_US;
    bool point = false;
    size_t i = 0;
    for (; i < s.len && s.ptr[i] != ','; i++) {
        int digit = s.ptr[i] - '0';
        if (s.ptr[i] == '.' && !point)
            point = true;
        else if (digit < 0 || digit > 9 || value > INT64_C(1000000) * WEIR_SECOND_US)
            return -1;
        else if (point)
            value += digit * (scale /= 10);
        else
            value = value * 10 + digit * WEIR_SECOND_US;
    }
    return i > 0 ? value : -1;
}

static bool one_of(struct weir_slice line, const char *const *names, size_t count)
{
    struct weir_slice value;
    for (size_t i = 0; i < count; i++) {
        if (weir_hls_is_tag(line, names[i], &value))
            return true;
    }
    return false;
}

#define ONE_OF(line, names) one_of(line, names, sizeof(names) / sizeof((names)[0]))

// Said once for the playlist, and still true.
static const char *const kept_globals[] = {
    "#EXT-X-VERSION",       "#EXT-X-INDEPENDENT-SEGMENTS", "#EXT-X-DEFINE",
    "#EXT-X-I-FRAMES-ONLY", "#EXT-X-ALLOW-CACHE",
};
// True of the recording alone, or written anew.
static const char *const dropped[] = {
    "#EXTM3U",          "#EXT-X-PLAYLIST-TYPE",          "#EXT-X-ENDLIST",
    "#EXT-X-START",     "#EXT-X-DISCONTINUITY-SEQUENCE", "#EXT-X-PROGRAM-DATE-TIME",
    "#EXT-X-DATERANGE",
};
static const char *const multivariant[] = {
    "#EXT-X-STREAM-INF",
    "#EXT-X-MEDIA",
    "#EXT-X-I-FRAME-STREAM-INF",
    "#EXT-X-SESSION-KEY",
};

// What the tags so far say about the next segment.
struct pending {
    struct segment s;
    bool keys_used; // by a segment: the next key line begins a new set
};

static void read_tag(struct weir_live_hls *h, struct pending *next, struct weir_slice line)
{
    struct weir_slice value;
    if (ONE_OF(line, multivariant)) {
        const char *colon = memchr(line.ptr, ':', line.len);
        size_t head = colon ? (size_t)(colon + 1 - line.ptr) : line.len;
        h->multivariant = true;
        if (weir_hls_attr((struct weir_slice){line.ptr + head, line.len - head}, "URI", &value))
            remember(h, &h->uris, value);
    } else if (weir_hls_is_tag(line, "#EXTINF", &value)) {
        next->s.extinf = value;
        next->s.duration_us = duration_of(value);
    } else if (weir_hls_is_tag(line, "#EXT-X-BYTERANGE", &value)) {
        if (!weir_hls_byte_range(value, &next->s.range_length, &next->s.range_offset))
            next->s.range_length = -1;
    } else if (weir_hls_is_tag(line, "#EXT-X-DISCONTINUITY", &value)) {
        next->s.discontinuity = true;
    } else if (weir_hls_is_tag(line, "#EXT-X-KEY", &value)) {
        if (next->keys_used || next->s.key_count == 0) {
            next->s.key_first = h->keys.count;
            next->s.key_count = 0;
            next->keys_used = false;
        }
        remember(h, &h->keys, value);
        next->s.key_count++;
    } else if (weir_hls_is_tag(line, "#EXT-X-MAP", &value)) {
        remember(h, &h->maps, value);
        next->s.map = h->maps.count;
    } else if (weir_hls_is_tag(line, "#EXT-X-MEDIA-SEQUENCE", &value)) {
        if (!weir_slice_int64(value, &h->media_sequence) || h->media_sequence > MAX_SEQUENCE)
            h->media_sequence = 0;
    } else if (weir_hls_is_tag(line, "#EXT-X-TARGETDURATION", &value)) {
        (void)weir_slice_int64(value, &h->target_s);
    } else if (ONE_OF(line, kept_globals)) {
        remember(h, &h->globals, line);
    } else if (!ONE_OF(line, dropped)) {
        remember(h, &h->others, line);
        next->s.other_count++;
    }
}

static void read_uri(struct weir_live_hls *h, struct pending *next, struct weir_slice line)
{
    remember(h, &h->uris, line);
    if (h->multivariant || next->s.duration_us < 0)
        return;
    struct segment *s = new_segment(h);
    if (!s)
        return;
    const struct segment *before = h->count > 1 ? &h->segments[h->count - 2] : NULL;
    *s = next->s;
    s->uri = line;
    s->discontinuity = before && s->discontinuity;
    s->start_us = before ? before->start_us + before->duration_us : 0;
    s->discontinuities_before = h->discontinuities;
    h->discontinuities += s->discontinuity;
    // A range without a place follows the one before (4.4.4.2).
    if (s->range_length >= 0 && s->range_offset < 0)
        s->range_offset =
            before && before->range_length >= 0 ? before->range_offset + before->range_length : 0;
    struct segment fresh = {
        .duration_us = -1,
        .range_length = -1,
        .key_first = s->key_first,
        .key_count = s->key_count,
        .map = s->map,
        .other_first = h->others.count,
    };
    next->s = fresh;
    next->keys_used = true;
}

static bool resolve(const char *base, struct weir_slice uri, char *out, size_t out_size_bytes)
{
    char ref[4096];
    if (uri.len >= sizeof(ref))
        return false;
    memcpy(ref, uri.ptr, uri.len);
    ref[uri.len] = '\0';
    return weir_url_resolve(base, ref, out, out_size_bytes) >= 0;
}

static int add_gates(struct weir_live *l, size_t i, const char *base)
{
    struct weir_live_manifest *m = &l->manifests[i];
    const struct weir_live_hls *h = m->hls;
    for (size_t k = 0; k < h->count; k++) {
        const struct segment *s = &h->segments[k];
        char url[8192];
        if (s->duration_us > m->longest_us)
            m->longest_us = s->duration_us;
        if (!resolve(base, s->uri, url, sizeof(url)))
            continue;
        int err = weir_live_add_gate(l, i, url, s->start_us, s->start_us + s->duration_us);
        if (err)
            return err;
    }
    return 0;
}

int weir_live_hls_read(struct weir_live *l, size_t i)
{
    struct weir_live_manifest *m = &l->manifests[i];
    char base[8192];
    struct weir_slice line;
    if (strncmp(m->data, "#EXTM3U", 7) != 0 && strncmp(m->data, "\xef\xbb\xbf#EXTM3U", 10) != 0) {
        weir_live_refuse(m, "it does not begin with #EXTM3U");
        return 0;
    }
    if (weir_live_url(m->path, base, sizeof(base)) < 0) {
        weir_live_refuse(m, "its path is too long");
        return 0;
    }
    struct weir_live_hls *h = m->hls = calloc(1, sizeof(*h));
    if (!h)
        return WEIR_ERR_NOMEM;
    struct pending next = {.s = {.duration_us = -1, .range_length = -1}};
    struct weir_hls_lines lines = weir_hls_lines_begin((const uint8_t *)m->data, m->size_bytes);
    while (!h->failed && weir_hls_lines_next(&lines, &line)) {
        if (line.ptr[0] == '#')
            read_tag(h, &next, line);
        else
            read_uri(h, &next, line);
    }
    if (h->failed)
        return WEIR_ERR_NOMEM;
    if (h->multivariant)
        return 0;
    int err = add_gates(l, i, base);
    const struct segment *last = h->count ? &h->segments[h->count - 1] : NULL;
    if (!err && (!last || m->longest_us <= 0))
        weir_live_refuse(m, "no segment in it");
    else if (!err)
        m->duration_us = last->start_us + last->duration_us;
    return err;
}

bool weir_live_hls_names(const struct weir_live_manifest *m, size_t n, char *out,
                         size_t out_size_bytes)
{
    char base[8192], url[8192];
    if (!m->hls || !m->hls->multivariant || weir_live_url(m->path, base, sizeof(base)) < 0)
        return false;
    if (n >= m->hls->uris.count)
        return false;
    if (!resolve(base, m->hls->uris.items[n], url, sizeof(url)) ||
        !weir_live_url_path(url, out, out_size_bytes))
        out[0] = '\0'; // elsewhere: no manifest of ours
    return true;
}

void weir_live_hls_destroy(struct weir_live_hls **hls)
{
    struct weir_live_hls *h = *hls;
    if (!h)
        return;
    free(h->globals.items);
    free(h->keys.items);
    free(h->maps.items);
    free(h->others.items);
    free(h->uris.items);
    free(h->segments);
    free(h);
    *hls = NULL;
}

// --- writing ---

static void put_line(struct weir_textbuf *out, const char *before, struct weir_slice s)
{
    weir_textbuf_put(out, before);
    weir_textbuf_add(out, s.ptr, s.len);
    weir_textbuf_put(out, "\n");
}

// The keys in force. Without an IV it is the number of the segment in the recording, which is not
// its number here (5.2): then it is said, and `true` returned, for it holds for one segment alone.
static bool put_keys(const struct weir_live_hls *h, const struct segment *s, size_t index,
                     bool renumbered, struct weir_textbuf *out)
{
    bool single = false;
    for (size_t k = s->key_first; k < s->key_first + s->key_count; k++) {
        struct weir_slice key = h->keys.items[k], value;
        weir_textbuf_put(out, "#EXT-X-KEY:");
        weir_textbuf_add(out, key.ptr, key.len);
        bool clear = weir_hls_attr(key, "METHOD", &value) && weir_slice_equals(value, "NONE");
        bool other =
            weir_hls_attr(key, "KEYFORMAT", &value) && !weir_slice_equals(value, "identity");
        if (renumbered && !clear && !other && !weir_hls_attr(key, "IV", &value)) {
            weir_textbuf_printf(out, ",IV=0x%032llx",
                                (unsigned long long)h->media_sequence + index);
            single = true;
        }
        weir_textbuf_put(out, "\n");
    }
    return single;
}

// What stands before segments and holds until said otherwise.
struct state {
    size_t keys, map; // the first line of the set in force, the map's, + 1; 0: nothing yet
    bool first;
};

static void put_segment(const struct weir_live_hls *h, const struct weir_live_view *v,
                        int64_t duration_us, int64_t round, size_t index, struct state *state,
                        struct weir_textbuf *out)
{
    const struct segment *s = &h->segments[index];
    bool broken = s->discontinuity || (round > 0 && index == 0);
    if (broken)
        weir_textbuf_put(out, "#EXT-X-DISCONTINUITY\n");
    if (s->key_count && state->keys != s->key_first + 1)
        state->keys = put_keys(h, s, index, round > 0, out) ? 0 : s->key_first + 1;
    if (s->map && state->map != s->map) {
        put_line(out, "#EXT-X-MAP:", h->maps.items[s->map - 1]);
        state->map = s->map;
    }
    if (broken || state->first) {
        char date[32];
        weir_live_iso8601(v->epoch_us + round * duration_us + s->start_us, date);
        weir_textbuf_printf(out, "#EXT-X-PROGRAM-DATE-TIME:%s\n", date);
    }
    state->first = false;
    for (size_t k = 0; k < s->other_count; k++)
        put_line(out, "", h->others.items[s->other_first + k]);
    put_line(out, "#EXTINF:", s->extinf);
    if (s->range_length >= 0)
        weir_textbuf_printf(out, "#EXT-X-BYTERANGE:%lld@%lld\n", (long long)s->range_length,
                            (long long)s->range_offset);
    bool relative = s->uri.ptr[0] != '/' && !memchr(s->uri.ptr, ':', s->uri.len);
    if (round > 0 && relative)
        weir_textbuf_printf(out, "~%lld/", (long long)round);
    put_line(out, "", s->uri);
}

// The first segment of all rounds that is over after `at_us`.
static int64_t first_after(const struct weir_live_hls *h, int64_t duration_us, bool loop,
                           int64_t at_us)
{
    if (at_us < 0)
        return 0;
    int64_t round = loop ? at_us / duration_us : 0, left_us = at_us - round * duration_us;
    size_t low = 0, high = h->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (h->segments[middle].start_us + h->segments[middle].duration_us <= left_us)
            low = middle + 1;
        else
            high = middle;
    }
    return round * (int64_t)h->count + (int64_t)low;
}

static void put_head(const struct weir_live_manifest *m, const struct weir_live_view *v,
                     int64_t first, struct weir_textbuf *out)
{
    const struct weir_live_hls *h = m->hls;
    int64_t round = first / (int64_t)h->count, index = first % (int64_t)h->count;
    int64_t target_s = (m->longest_us + WEIR_SECOND_US / 2) / WEIR_SECOND_US;
    weir_textbuf_put(out, "#EXTM3U\n");
    for (size_t i = 0; i < h->globals.count; i++)
        put_line(out, "", h->globals.items[i]);
    weir_textbuf_printf(out, "#EXT-X-TARGETDURATION:%lld\n",
                        (long long)(h->target_s > 0 ? h->target_s : target_s));
    weir_textbuf_put(out, "#EXT-X-MEDIA-SEQUENCE:");
    weir_textbuf_integer(out, h->media_sequence + first);
    weir_textbuf_put(out, "\n");
    // Those whose segment has left (6.2.2): of whole rounds, the one that began this round unless
    // it is listed, and of this round.
    int64_t gone = round * (int64_t)h->discontinuities +
                   (int64_t)h->segments[index].discontinuities_before +
                   (index > 0 || round == 0 ? round : round - 1);
    if (v->loop || h->discontinuities)
        weir_textbuf_printf(out, "#EXT-X-DISCONTINUITY-SEQUENCE:%lld\n", (long long)gone);
}

int weir_live_hls_render(const struct weir_live_manifest *m, const struct weir_live_view *v,
                         struct weir_textbuf *out)
{
    const struct weir_live_hls *h = m->hls;
    bool over = !v->loop && v->at_us >= m->duration_us;
    // The window of what is over stands still.
    int64_t at_us = over ? m->duration_us : v->at_us;
    int64_t first = first_after(h, m->duration_us, v->loop, at_us - v->window_us);
    int64_t end = first_after(h, m->duration_us, v->loop, at_us);
    if (over)
        end = (int64_t)h->count;
    if (v->at_us < 0 || first >= end)
        return WEIR_ERR_END;
    put_head(m, v, first, out);
    struct state state = {.first = true};
    for (int64_t g = first; g < end; g++)
        put_segment(h, v, m->duration_us, g / (int64_t)h->count, (size_t)(g % (int64_t)h->count),
                    &state, out);
    if (over)
        weir_textbuf_put(out, "#EXT-X-ENDLIST\n");
    return 0;
}
