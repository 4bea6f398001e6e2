// core/url_text.c — what is done with whole URLs: compare origins, make them fit for a request
// line, for the file system, or for a message. Parsing and resolution are in url.c.
#include <limits.h>
#include <stdint.h>
#include <strings.h>
#include <unistd.h>

#include "core/text.h"
#include "core/url_buf.h"

static bool equal_nocase(struct weir_url_part a, struct weir_url_part b)
{
    return a.len == b.len && (a.len == 0 || strncasecmp(a.ptr, b.ptr, a.len) == 0);
}

// Bytes of user info in an authority, its '@' included. The last '@' counts: what stands before it
// is never a host.
static size_t userinfo_length(struct weir_url_part authority)
{
    for (size_t i = authority.len; i > 0; i--) {
        if (authority.ptr[i - 1] == '@')
            return i;
    }
    return 0;
}

static int default_port(struct weir_url_part scheme)
{
    static const struct {
        const char *name;
        int port;
    } known[] = {{"http", 80}, {"https", 443}};
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        struct weir_url_part name = {known[i].name, strlen(known[i].name)};
        if (equal_nocase(scheme, name))
            return known[i].port;
    }
    return 0;
}

// Split an authority into host and port; false when the port is not a number up to 65535.
static bool split_host(const struct weir_url *u, struct weir_url_part *host, int *port)
{
    size_t skip = userinfo_length(u->authority);
    host->ptr = u->authority.ptr + skip;
    host->len = u->authority.len - skip;
    *port = default_port(u->scheme);
    size_t colon = host->len;
    while (colon > 0 && host->ptr[colon - 1] != ':' && host->ptr[colon - 1] != ']')
        colon--;
    if (colon == 0 || host->ptr[colon - 1] == ']')
        return true;
    int value = 0;
    for (size_t i = colon; i < host->len; i++) {
        char c = host->ptr[i];
        if (c < '0' || c > '9')
            return false;
        value = value * 10 + (c - '0');
        if (value > 65535)
            return false;
    }
    if (colon < host->len)
        *port = value;
    host->len = colon - 1;
    return true;
}

bool weir_url_same_origin(const char *a, const char *b)
{
    struct weir_url ua, ub;
    struct weir_url_part host_a, host_b;
    int port_a, port_b;
    weir_url_parse(a, &ua);
    weir_url_parse(b, &ub);
    if (!ua.scheme.ptr || !equal_nocase(ua.scheme, ub.scheme))
        return false;
    if (weir_url_has_scheme(a, "file")) // "file:/x" and "file:///x" both name this machine
        return equal_nocase(ua.authority, ub.authority);
    if (!ua.authority.ptr || !ub.authority.ptr)
        return false;
    if (!split_host(&ua, &host_a, &port_a) || !split_host(&ub, &host_b, &port_b))
        return false;
    return equal_nocase(host_a, host_b) && port_a == port_b;
}

static void put_encoded(struct weir_url_buf *b, struct weir_url_part p, bool keep_non_ascii)
{
    for (size_t i = 0; i < p.len; i++) {
        unsigned char c = (unsigned char)p.ptr[i];
        bool refused =
            c <= ' ' || c == 0x7F || (c > 0x7F && !keep_non_ascii) || strchr("\"<>\\^`{|}", c);
        if (refused)
            weir_url_buf_escape(b, (char)c);
        else
            weir_url_buf_put(b, p.ptr + i, 1);
    }
}

int weir_url_for_request(const char *url, char *out, size_t out_size_bytes)
{
    struct weir_url u;
    weir_url_parse(url, &u);
    struct weir_url_buf b = weir_url_buf_over(out, out_size_bytes);
    if (u.scheme.ptr) {
        weir_url_buf_put(&b, u.scheme.ptr, u.scheme.len);
        weir_url_buf_puts(&b, ":");
    }
    if (u.authority.ptr) {
        weir_url_buf_puts(&b, "//");
        put_encoded(&b, u.authority,
                    true); // an international host name is for the transport to translate
    }
    put_encoded(&b, u.path, false);
    if (u.query.ptr) {
        weir_url_buf_puts(&b, "?");
        put_encoded(&b, u.query, false);
    }
    return weir_url_buf_end(&b);
}

// Characters that stand for themselves in a path (3.3: pchar and the slash).
static bool is_path_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("/-._~!$&'()*+,;=:@", c));
}

static void put_path_text(struct weir_url_buf *b, const char *path)
{
    for (; *path; path++) {
        if (is_path_char(*path))
            weir_url_buf_put(b, path, 1);
        else
            weir_url_buf_escape(b, *path);
    }
}

int weir_url_from_path(const char *path, char *out, size_t out_size_bytes)
{
    struct weir_url_buf b = weir_url_buf_over(out, out_size_bytes);
    weir_url_buf_puts(&b, "file://");
    if (path[0] != '/') {
        char cwd[PATH_MAX];
        if (!getcwd(cwd, sizeof(cwd)) ||
            cwd[0] != '/') // "(unreachable)…" after a chroot or unmount
            return WEIR_ERR_NOT_FOUND;
        put_path_text(&b, cwd);
        if (strcmp(cwd, "/") != 0)
            weir_url_buf_puts(&b, "/");
        while (path[0] == '.' && path[1] == '/')
            path += 2;
    }
    put_path_text(&b, path);
    return weir_url_buf_end(&b);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

int weir_url_to_path(const char *file_url, char *out, size_t out_size_bytes)
{
    struct weir_url u;
    struct weir_url_part localhost = {"localhost", 9};
    weir_url_parse(file_url, &u);
    if (!weir_url_has_scheme(file_url, "file") || u.path.len == 0 || u.path.ptr[0] != '/')
        return WEIR_ERR_INVAL;
    if (u.authority.len > 0 && !equal_nocase(u.authority, localhost))
        return WEIR_ERR_UNSUPPORTED;
    struct weir_url_buf b = weir_url_buf_over(out, out_size_bytes);
    for (size_t i = 0; i < u.path.len; i++) {
        char c = u.path.ptr[i];
        if (c == '%' && u.path.len - i > 2) {
            int high = hex_digit(u.path.ptr[i + 1]);
            int low = hex_digit(u.path.ptr[i + 2]);
            if (high >= 0 && low >= 0) {
                c = (char)(high * 16 + low);
                i += 2;
                if (c == '\0' || c == '/') // no file name holds these: an attempt to smuggle a path
                    return WEIR_ERR_INVAL;
            }
        }
        weir_url_buf_put(&b, &c, 1);
    }
    return weir_url_buf_end(&b);
}

#define ELLIPSIS "\xE2\x80\xA6" // "…"

// For messages, what does not fit is cut rather than refused.
static void put_cut(struct weir_url_buf *b, const char *s, size_t len)
{
    size_t room = b->size - b->len - 1;
    weir_url_buf_put(b, s, len < room ? len : room);
}

// Names stay, values go; a piece without a name may be a token itself.
static void put_redacted_query(struct weir_url_buf *b, struct weir_url_part query)
{
    size_t at = 0;
    while (at < query.len) {
        const char *s = query.ptr + at;
        size_t piece = 0, name = SIZE_MAX;
        while (at + piece < query.len && s[piece] != '&') {
            if (s[piece] == '=' && name == SIZE_MAX)
                name = piece;
            piece++;
        }
        if (name != SIZE_MAX)
            put_cut(b, s, name + 1);
        if (piece > 0)
            put_cut(b, ELLIPSIS, 3);
        at += piece;
        if (at < query.len) {
            put_cut(b, "&", 1);
            at++;
        }
    }
}

void weir_url_redact(const char *url, char *out, size_t out_size_bytes)
{
    struct weir_url u;
    struct weir_url_buf b = weir_url_buf_over(out, out_size_bytes);
    if (out_size_bytes == 0)
        return;
    weir_url_parse(url, &u);
    if (u.scheme.ptr) {
        put_cut(&b, u.scheme.ptr, u.scheme.len);
        put_cut(&b, ":", 1);
    }
    if (u.authority.ptr) {
        size_t secret = userinfo_length(u.authority);
        put_cut(&b, "//", 2);
        if (secret > 0)
            put_cut(&b, ELLIPSIS "@", 4);
        put_cut(&b, u.authority.ptr + secret, u.authority.len - secret);
    }
    put_cut(&b, u.path.ptr, u.path.len);
    if (u.query.ptr) {
        put_cut(&b, "?", 1);
        put_redacted_query(&b, u.query);
    }
    if (u.fragment.ptr)
        put_cut(&b, "#" ELLIPSIS, 4);
    out[b.len] = '\0';
    weir_text_clean(out);
}
