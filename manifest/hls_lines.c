// manifest/hls_lines.c — a playlist's lines, tags and attribute lists, as slices of the fetched
// bytes (RFC 8216bis, 4.1 and 4.2). Copies nothing.
#include <string.h>

#include "manifest/hls.h"

struct weir_hls_lines weir_hls_lines_begin(const uint8_t *data, size_t size_bytes)
{
    struct weir_hls_lines l = {(const char *)data, (const char *)data + size_bytes, 0};
    if (size_bytes >= 3 && memcmp(data, "\xEF\xBB\xBF", 3) == 0)
        l.at += 3;
    return l;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\0';
}

bool weir_hls_lines_next(struct weir_hls_lines *l, struct weir_slice *line)
{
    while (l->at < l->end) {
        const char *start = l->at, *stop = start;
        while (stop < l->end && *stop != '\n' && *stop != '\r')
            stop++;
        l->number++;
        l->at = stop;
        if (l->at < l->end)
            l->at += *stop == '\r' && stop + 1 < l->end && stop[1] == '\n' ? 2 : 1;
        while (start < stop && is_blank(*start))
            start++;
        while (stop > start && is_blank(stop[-1]))
            stop--;
        bool comment =
            start < stop && *start == '#' && (stop - start < 4 || memcmp(start, "#EXT", 4) != 0);
        if (start == stop || comment)
            continue;
        *line = (struct weir_slice){start, (size_t)(stop - start)};
        return true;
    }
    return false;
}

bool weir_hls_is_tag(struct weir_slice line, const char *name, struct weir_slice *value)
{
    size_t len = strlen(name);
    if (line.len < len || memcmp(line.ptr, name, len) != 0)
        return false;
    if (line.len == len) {
        *value = (struct weir_slice){line.ptr + len, 0};
        return true;
    }
    if (line.ptr[len] != ':')
        return false;
    *value = (struct weir_slice){line.ptr + len + 1, line.len - len - 1};
    return true;
}

// One "NAME=value" at *s, which then stands behind its comma.
static bool next_attr(const char **s, const char *end, struct weir_slice *name,
                      struct weir_slice *value)
{
    const char *p = *s;
    while (p < end && (*p == ' ' || *p == '\t' || *p == ','))
        p++;
    const char *start = p;
    while (p < end && *p != '=' && *p != ',')
        p++;
    const char *stop = p;
    while (stop > start && is_blank(stop[-1]))
        stop--;
    *name = (struct weir_slice){start, (size_t)(stop - start)};
    *value = (struct weir_slice){p, 0};
    if (p == end) {
        *s = p;
        return name->len > 0;
    }
    if (*p == '=') {
        p++;
        while (p < end && is_blank(*p))
            p++;
        if (p < end && *p == '"') {
            const char *close = memchr(p + 1, '"', (size_t)(end - p - 1));
            stop = close ? close : end;
            *value = (struct weir_slice){p + 1, (size_t)(stop - p - 1)};
            p = stop;
        } else {
            const char *comma = memchr(p, ',', (size_t)(end - p));
            stop = comma ? comma : end;
            *value = (struct weir_slice){p, (size_t)(stop - p)};
            while (value->len && is_blank(value->ptr[value->len - 1]))
                value->len--;
            p = stop;
        }
        while (p < end && *p != ',')
            p++;
    }
    *s = p;
    return true;
}

bool weir_hls_attr(struct weir_slice list, const char *name, struct weir_slice *value)
{
    const char *s = list.ptr, *end = list.ptr + list.len;
    struct weir_slice n;
    while (s < end && next_attr(&s, end, &n, value)) {
        if (weir_slice_equals(n, name))
            return true;
    }
    return false;
}

bool weir_slice_equals(struct weir_slice s, const char *text)
{
    return s.len == strlen(text) && memcmp(s.ptr, text, s.len) == 0;
}

bool weir_slice_int64(struct weir_slice s, int64_t *out)
{
    char text[32];
    if (s.len >= sizeof(text))
        return false;
    memcpy(text, s.ptr, s.len);
    text[s.len] = '\0';
    return weir_parse_int64(text, out);
}

bool weir_hls_byte_range(struct weir_slice s, int64_t *length, int64_t *offset)
{
    const char *at = memchr(s.ptr, '@', s.len);
    struct weir_slice n = {s.ptr, at ? (size_t)(at - s.ptr) : s.len};
    *offset = -1;
    if (!weir_slice_int64(n, length) || *length <= 0 || *length > WEIR_MAX_TICKS)
        return false;
    if (!at)
        return true;
    struct weir_slice o = {at + 1, s.len - n.len - 1};
    return weir_slice_int64(o, offset) && *offset >= 0 && *offset <= WEIR_MAX_TICKS;
}
