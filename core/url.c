// core/url.c — takes URLs apart and resolves references (RFC 3986, 5.2, strict). Manifests and
// redirects hand their URLs in here; everything is bounded by WEIR_URL_MAX_BYTES. See url_text.c
// for origins and encodings.
#include "core/url.h"

#include <strings.h>

#include "core/url_buf.h"

static bool is_space(char c)
{
    return c > 0 && c <= ' ';
}

static bool is_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// Length of the scheme (3.1) that [s, end) starts with; 0 if there is none.
static size_t scheme_length(const char *s, const char *end)
{
    if (s == end || !is_alpha(*s))
        return 0;
    for (const char *p = s + 1; p < end; p++) {
        if (*p == ':')
            return (size_t)(p - s);
        if (!is_alpha(*p) && !(*p >= '0' && *p <= '9') && *p != '+' && *p != '-' && *p != '.')
            return 0;
    }
    return 0;
}

static struct weir_url_part part(const char *from, const char *to)
{
    return (struct weir_url_part){.ptr = from, .len = (size_t)(to - from)};
}

static const char *find_any(const char *s, const char *end, const char *set)
{
    while (s < end && !strchr(set, *s))
        s++;
    return s;
}

void weir_url_parse(const char *s, struct weir_url *out)
{
    *out = (struct weir_url){0};
    if (!s)
        s = "";
    while (is_space(*s))
        s++;
    const char *end = s + strlen(s);
    while (end > s && is_space(end[-1]))
        end--;
    size_t scheme_len = scheme_length(s, end);
    if (scheme_len > 0) {
        out->scheme = part(s, s + scheme_len);
        s += scheme_len + 1;
    }
    if (end - s >= 2 && s[0] == '/' && s[1] == '/') {
        const char *stop = find_any(s + 2, end, "/?#");
        out->authority = part(s + 2, stop);
        s = stop;
    }
    const char *stop = find_any(s, end, "?#");
    out->path = part(s, stop);
    if (stop < end && *stop == '?') {
        s = stop + 1;
        stop = find_any(s, end, "#");
        out->query = part(s, stop);
    }
    if (stop < end)
        out->fragment = part(stop + 1, end);
}

// Where the result stands when its dot segments go.
struct path_rules {
    bool keep_up;       // a relative result: leading ".." cannot be resolved yet and stay
    bool has_scheme;    // otherwise "a:b" at the start would read as one
    bool has_authority; // otherwise "//" at the start would read as one
};

// Put `prefix` in front of a path whose meaning the removal of dot segments would otherwise change.
// There is room for it, because the removal made the path shorter by at least two bytes.
static size_t guard_path(char *p, size_t len, size_t room, const struct path_rules *rules,
                         bool absolute)
{
    const char *prefix = NULL;
    bool needs_dot = len == 0 || p[0] == '/' || is_space(p[0]) || scheme_length(p, p + len) > 0;
    if (!absolute && !rules->has_scheme && needs_dot)
        prefix = "./";
    else if (!rules->has_authority && len > 1 && p[0] == '/' && p[1] == '/')
        prefix = "/.";
    if (!prefix || room < len + 2)
        return len;
    memmove(p + 2, p, len);
    memcpy(p, prefix, 2);
    return len + 2;
}

// 5.2.4 in place, one segment at a time. ".." at the root of an absolute path is dropped.
static size_t remove_dot_segments(char *p, size_t len, const struct path_rules *rules)
{
    bool absolute = len > 0 && p[0] == '/';
    size_t floor = absolute ? 1 : 0; // what ".." cannot take away
    size_t write = floor;
    for (size_t read = floor; read < len;) {
        size_t stop = (size_t)(find_any(p + read, p + len, "/") - p);
        size_t seg_len = stop - read;
        size_t next = stop < len ? stop + 1 : len; // with its slash
        bool dot = seg_len == 1 && p[read] == '.';
        bool up = seg_len == 2 && p[read] == '.' && p[read + 1] == '.';
        if (up && write > floor) {
            write--; // the slash of the segment before
            while (write > floor && p[write - 1] != '/')
                write--;
        } else if (!dot && !(up && (absolute || !rules->keep_up))) {
            memmove(p + write, p + read, next - read);
            write += next - read;
            if (up)
                floor = write;
        }
        read = next;
    }
    return guard_path(p, write, len, rules, absolute);
}

static void put_part(struct weir_url_buf *b, struct weir_url_part p)
{
    weir_url_buf_put(b, p.ptr, p.len);
}

// 5.2.3: everything of the base path up to its last slash, then the reference.
static void put_merged(struct weir_url_buf *b, const struct weir_url *base,
                       struct weir_url_part ref)
{
    size_t keep = base->path.len;
    while (keep > 0 && base->path.ptr[keep - 1] != '/')
        keep--;
    if (base->authority.ptr && base->path.len == 0)
        weir_url_buf_put(b, "/", 1);
    weir_url_buf_put(b, base->path.ptr, keep);
    put_part(b, ref);
}

static void put_path(struct weir_url_buf *b, const struct weir_url *base,
                     const struct weir_url *ref, const struct path_rules *rules)
{
    size_t start = b->len;
    bool ref_rules = ref->scheme.ptr || ref->authority.ptr;
    if (!ref_rules && ref->path.len == 0) {
        put_part(b, base->path);
        return;
    }
    bool rooted = ref->path.len > 0 && ref->path.ptr[0] == '/';
    if (ref_rules || rooted)
        put_part(b, ref->path);
    else
        put_merged(b, base, ref->path);
    // "data:", "urn:" and the like: no hierarchy, so no dot segments.
    bool opaque = ref->scheme.ptr && !ref->authority.ptr && !rooted;
    if (!b->overflow && !opaque)
        b->len = start + remove_dot_segments(b->data + start, b->len - start, rules);
}

int weir_url_resolve(const char *base_url, const char *ref_url, char *out, size_t out_size_bytes)
{
    struct weir_url base, ref;
    weir_url_parse(base_url, &base);
    weir_url_parse(ref_url, &ref);
    struct weir_url_part scheme = ref.scheme.ptr ? ref.scheme : base.scheme;
    bool own_authority = ref.scheme.ptr || ref.authority.ptr;
    struct weir_url_part authority = own_authority ? ref.authority : base.authority;
    bool same_document = !own_authority && ref.path.len == 0;
    struct weir_url_part query = same_document && !ref.query.ptr ? base.query : ref.query;
    struct path_rules rules = {.keep_up = !scheme.ptr && !authority.ptr,
                               .has_scheme = scheme.ptr || authority.ptr,
                               .has_authority = authority.ptr};

    struct weir_url_buf b = weir_url_buf_over(out, out_size_bytes);
    if (scheme.ptr) {
        put_part(&b, scheme);
        weir_url_buf_puts(&b, ":");
    }
    if (authority.ptr) {
        weir_url_buf_puts(&b, "//");
        put_part(&b, authority);
    }
    put_path(&b, &base, &ref, &rules);
    if (query.ptr) {
        weir_url_buf_puts(&b, "?");
        put_part(&b, query);
    }
    if (ref.fragment.ptr) {
        weir_url_buf_puts(&b, "#");
        put_part(&b, ref.fragment);
    }
    return weir_url_buf_end(&b);
}

bool weir_url_is_absolute(const char *s)
{
    struct weir_url u;
    weir_url_parse(s, &u);
    return u.scheme.ptr != NULL;
}

bool weir_url_has_scheme(const char *s, const char *scheme)
{
    struct weir_url u;
    weir_url_parse(s, &u);
    return u.scheme.ptr && u.scheme.len == strlen(scheme) &&
           strncasecmp(u.scheme.ptr, scheme, u.scheme.len) == 0;
}
