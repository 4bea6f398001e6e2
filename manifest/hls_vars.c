// manifest/hls_vars.c — EXT-X-DEFINE and the replacement of {$name} (RFC 8216bis, 4.3 and 4.4.2.3).
// A playlist with an undefined reference or a name defined twice fails to parse, as the draft
// demands.
#include <string.h>

#include "manifest/hls.h"

// Longest text after replacement; chosen by hand, eight times the longest URL.
#define EXPANDED_MAX_BYTES 65536

int weir_hls_fail(struct weir_hls *h, int code, const char *what)
{
    return weir_error_set(h->error, code, h->in->url, "line %ld: %s", h->line, what);
}

static bool same(struct weir_slice a, struct weir_slice b)
{
    return a.len == b.len && memcmp(a.ptr, b.ptr, a.len) == 0;
}

static const struct weir_slice *lookup(const struct weir_variables *v, struct weir_slice name)
{
    for (size_t i = 0; v && i < v->count; i++) {
        if (same(v->names[i], name))
            return &v->values[i];
    }
    return NULL;
}

static int add(struct weir_hls *h, struct weir_slice name, struct weir_slice value)
{
    struct weir_variables *v = &h->vars;
    if (lookup(v, name))
        return weir_hls_fail(h, WEIR_ERR_SYNTAX, "EXT-X-DEFINE: the variable is defined twice");
    if (v->count == WEIR_MAX_VARIABLES)
        return weir_hls_fail(h, WEIR_ERR_TOO_BIG, "too many EXT-X-DEFINE");
    if (!v->names) {
        v->names = weir_arena_array(h->arena, WEIR_MAX_VARIABLES, sizeof(*v->names));
        v->values = weir_arena_array(h->arena, WEIR_MAX_VARIABLES, sizeof(*v->values));
    }
    // The playlist's bytes go away; a multivariant playlist's variables are imported later.
    char *n = weir_arena_strndup(h->arena, name.ptr, name.len);
    char *t = weir_arena_strndup(h->arena, value.ptr, value.len);
    if (!v->names || !v->values || !n || !t)
        return weir_hls_fail(h, WEIR_ERR_NOMEM, "out of memory");
    v->names[v->count] = (struct weir_slice){n, name.len};
    v->values[v->count++] = (struct weir_slice){t, value.len};
    return 0;
}

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

// The value of query parameter `name`, percent-decoded, in `out`; its length, or -1 when there is
// none.
static int query_value(const char *url, struct weir_slice name, char *out, size_t room)
{
    struct weir_url u;
    weir_url_parse(url, &u);
    const char *s = u.query.ptr, *end = s ? s + u.query.len : s;
    while (s && s < end) {
        const char *amp = memchr(s, '&', (size_t)(end - s));
        const char *stop = amp ? amp : end, *eq = memchr(s, '=', (size_t)(stop - s));
        struct weir_slice key = {s, (size_t)((eq ? eq : stop) - s)};
        if (same(key, name)) {
            size_t len = 0;
            for (const char *c = eq ? eq + 1 : stop; c < stop && len + 1 < room; c++) {
                bool escaped = *c == '%' && stop - c > 2 && hex(c[1]) >= 0 && hex(c[2]) >= 0;
                out[len++] = (char)(escaped ? hex(c[1]) * 16 + hex(c[2]) : *c);
                c += escaped ? 2 : 0;
            }
            return (int)len;
        }
        s = amp ? amp + 1 : end;
    }
    return -1;
}

int weir_hls_define(struct weir_hls *h, struct weir_slice list)
{
    struct weir_slice name, value;
    if (weir_hls_attr(list, "NAME", &name)) {
        if (!weir_hls_attr(list, "VALUE", &value))
            return weir_hls_fail(h, WEIR_ERR_SYNTAX, "EXT-X-DEFINE has a NAME but no VALUE");
        return add(h, name, value); // as it stands: nothing is replaced in what is inserted
    }
    if (weir_hls_attr(list, "IMPORT", &name)) {
        const struct weir_slice *found = lookup(h->parent, name);
        if (!found)
            return weir_hls_fail(
                h, WEIR_ERR_SYNTAX,
                h->parent ? "EXT-X-DEFINE imports what the multivariant playlist does not define"
                          : "EXT-X-DEFINE:IMPORT needs a multivariant playlist");
        return add(h, name, *found);
    }
    if (weir_hls_attr(list, "QUERYPARAM", &name)) {
        char text[WEIR_URL_MAX_BYTES];
        int len = query_value(h->in->url, name, text, sizeof(text));
        if (len <= 0)
            return weir_hls_fail(h, WEIR_ERR_SYNTAX,
                                 "EXT-X-DEFINE:QUERYPARAM names what the URL does not have");
        return add(h, name, (struct weir_slice){text, (size_t)len});
    }
    return weir_hls_fail(h, WEIR_ERR_SYNTAX, "EXT-X-DEFINE without NAME, IMPORT or QUERYPARAM");
}

// The next "{$name}" in [s, end): where it starts, its name, and the byte behind it.
static const char *next_reference(const char *s, const char *end, struct weir_slice *name,
                                  const char **behind)
{
    for (; end - s >= 4; s++) {
        if (s[0] != '{' || s[1] != '$')
            continue;
        const char *e = s + 2;
        while (e < end && ((*e >= 'a' && *e <= 'z') || (*e >= 'A' && *e <= 'Z') ||
                           (*e >= '0' && *e <= '9') || *e == '-' || *e == '_'))
            e++;
        if (e < end && *e == '}' && e > s + 2) {
            *name = (struct weir_slice){s + 2, (size_t)(e - s - 2)};
            *behind = e + 1;
            return s;
        }
    }
    return NULL;
}

int weir_hls_check_references(struct weir_hls *h, struct weir_slice text)
{
    const char *s = text.ptr, *end = s + text.len;
    struct weir_slice name;
    while ((s = next_reference(s, end, &name, &s)) != NULL) {
        if (!lookup(&h->vars, name))
            return weir_hls_fail(h, WEIR_ERR_SYNTAX,
                                 "a variable is used that is not defined before");
        s = name.ptr + name.len + 1;
    }
    return 0;
}

const char *weir_hls_expand(struct weir_hls *h, struct weir_slice text)
{
    const char *s = text.ptr, *end = s + text.len, *at, *behind;
    char out[EXPANDED_MAX_BYTES];
    struct weir_slice name;
    size_t len = 0;
    at = next_reference(s, end, &name, &behind);
    if (!at) {
        char *copy = weir_arena_strndup(h->arena, s, text.len);
        if (!copy)
            weir_hls_fail(h, WEIR_ERR_NOMEM, "out of memory");
        return copy;
    }
    for (; at; at = next_reference(s, end, &name, &behind)) {
        const struct weir_slice *v = lookup(&h->vars, name);
        size_t plain = (size_t)(at - s);
        if (!v) {
            weir_hls_fail(h, WEIR_ERR_SYNTAX, "a variable is used that is not defined before");
            return NULL;
        }
        if (len + plain + v->len > sizeof(out)) {
            weir_hls_fail(h, WEIR_ERR_TOO_BIG, "text is too long once its variables are replaced");
            return NULL;
        }
        memcpy(out + len, s, plain);
        memcpy(out + len + plain, v->ptr, v->len);
        len += plain + v->len;
        s = behind;
    }
    if (len + (size_t)(end - s) > sizeof(out)) {
        weir_hls_fail(h, WEIR_ERR_TOO_BIG, "text is too long once its variables are replaced");
        return NULL;
    }
    memcpy(out + len, s, (size_t)(end - s));
    len += (size_t)(end - s);
    char *copy = weir_arena_strndup(h->arena, out, len);
    if (!copy)
        weir_hls_fail(h, WEIR_ERR_NOMEM, "out of memory");
    return copy;
}

const char *weir_hls_attr_text(struct weir_hls *h, struct weir_slice list, const char *name,
                               int *err)
{
    struct weir_slice value;
    if (!weir_hls_attr(list, name, &value))
        return NULL;
    const char *text = weir_hls_expand(h, value);
    if (!text)
        *err = h->error->code;
    return text;
}
