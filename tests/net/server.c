// tests/net/server.c — see server.h. libmicrohttpd does the HTTP; the routes here say what goes
// wrong.
#include "server.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>

struct server {
    struct MHD_Daemon *daemon;
    int port;
    _Atomic int connections, requests;
};

// gzip of "weir " 200 times
static const uint8_t gzip_body[] = {0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02,
                                    0x03, 0x2b, 0x4f, 0xcd, 0x2c, 0x52, 0x28, 0x1f, 0x25,
                                    0x46, 0x89, 0x51, 0x62, 0x38, 0x13, 0x00, 0x91, 0xfd,
                                    0xeb, 0x7b, 0xe8, 0x03, 0x00, 0x00};

struct body {
    uint64_t offset, length;
    uint64_t cut_at; // the connection ends here
    bool stall;      // sleep before the cut
};

static ssize_t read_body(void *ctx, uint64_t pos, char *buf, size_t max)
{
    const struct body *b = ctx;
    if (pos >= b->cut_at) {
        if (b->stall)
            usleep(2000000);
        return MHD_CONTENT_READER_END_WITH_ERROR;
    }
    uint64_t left = b->cut_at - pos;
    size_t size = left < max ? (size_t)left : max;
    for (size_t i = 0; i < size; i++)
        buf[i] = (char)server_byte(b->offset + pos + i);
    return (ssize_t)size;
}

static struct MHD_Response *pattern(uint64_t offset, uint64_t length, uint64_t cut_at, bool stall)
{
    struct body *b = malloc(sizeof *b);
    if (!b)
        abort();
    *b = (struct body){offset, length, cut_at, stall};
    return MHD_create_response_from_callback(length, 65536, read_body, b, free);
}

static struct MHD_Response *text(const char *s)
{
    return MHD_create_response_from_buffer(strlen(s), (void *)(uintptr_t)s, MHD_RESPMEM_MUST_COPY);
}

static const char *query(struct MHD_Connection *con, const char *name)
{
    return MHD_lookup_connection_value(con, MHD_GET_ARGUMENT_KIND, name);
}

static uint64_t query_number(struct MHD_Connection *con, const char *name, uint64_t fallback)
{
    const char *value = query(con, name);
    return value ? strtoull(value, NULL, 10) : fallback;
}

static const char *request_header(struct MHD_Connection *con, const char *name)
{
    return MHD_lookup_connection_value(con, MHD_HEADER_KIND, name);
}

// "bytes=a-b" or "bytes=a-" within a resource of `size`. False without a range.
static bool range_of(struct MHD_Connection *con, uint64_t size, uint64_t *first, uint64_t *last)
{
    const char *range = request_header(con, "Range");
    char *end;
    if (!range || strncmp(range, "bytes=", 6) != 0)
        return false;
    *first = strtoull(range + 6, &end, 10);
    *last = end[1] ? strtoull(end + 1, NULL, 10) : size - 1;
    if (*last >= size)
        *last = size - 1;
    return true;
}

static struct MHD_Response *partial(uint64_t first, uint64_t last, uint64_t size)
{
    char value[96];
    struct MHD_Response *r = pattern(first, last - first + 1, last - first + 1, false);
    snprintf(value, sizeof value, "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, first, last, size);
    MHD_add_response_header(r, "Content-Range", value);
    return r;
}

static struct MHD_Response *not_satisfiable(uint64_t size, int *status)
{
    char value[64];
    struct MHD_Response *r = text("");
    snprintf(value, sizeof value, "bytes */%" PRIu64, size);
    MHD_add_response_header(r, "Content-Range", value);
    *status = 416;
    return r;
}

static struct MHD_Response *data_route(struct MHD_Connection *con, const char *url, int *status)
{
    uint64_t size = query_number(con, "size", 100000), first, last;
    if (strcmp(url, "/norange") == 0 || !range_of(con, size, &first, &last))
        return pattern(0, size, strcmp(url, "/flaky") == 0 ? size / 2 : size, false);
    if (first >= size)
        return not_satisfiable(size, status);
    *status = 206;
    if (strcmp(url, "/wrongrange") == 0)
        first++;
    if (strcmp(url, "/halfrange") == 0)
        last = first + (last - first) / 2;
    return partial(first, last, size);
}

static struct MHD_Response *redirect(const char *to, uint64_t code, int *status)
{
    struct MHD_Response *r = text("moved");
    MHD_add_response_header(r, "Location", to);
    *status = (int)code;
    return r;
}

struct echo {
    char text[8192];
    size_t length;
};

static enum MHD_Result echo_line(void *ctx, enum MHD_ValueKind kind, const char *key,
                                 const char *value)
{
    struct echo *e = ctx;
    (void)kind;
    int n = snprintf(e->text + e->length, sizeof e->text - e->length, "%s: %s\n", key, value);
    if (n > 0 && e->length + (size_t)n < sizeof e->text)
        e->length += (size_t)n;
    return MHD_YES;
}

static struct MHD_Response *echo_route(struct MHD_Connection *con)
{
    struct echo e = {0};
    MHD_get_connection_values(con, MHD_HEADER_KIND, echo_line, &e);
    return text(e.text);
}

static struct MHD_Response *cookie_route(struct MHD_Connection *con, const char *url, int *status)
{
    const char *cookie = request_header(con, "Cookie");
    if (cookie && strstr(cookie, "sid=42"))
        return text("welcome");
    struct MHD_Response *r =
        strcmp(url, "/cookie") == 0 ? text("set") : redirect("/cookie-bounce", 302, status);
    MHD_add_response_header(r, "Set-Cookie", "sid=42; Path=/");
    return r;
}

static struct MHD_Response *auth_route(struct MHD_Connection *con, int *status)
{
    const char *value = request_header(con, "Authorization");
    if (value && strncmp(value, "Basic ", 6) == 0)
        return text(value);
    struct MHD_Response *r = text("who are you?");
    MHD_add_response_header(r, "WWW-Authenticate", "Basic realm=\"weir\"");
    *status = 401;
    return r;
}

static struct MHD_Response *gzip_route(struct MHD_Connection *con)
{
    const char *accept = request_header(con, "Accept-Encoding");
    if (!accept || !strstr(accept, "gzip")) {
        char plain[1001] = "";
        for (int i = 0; i < 200; i++)
            memcpy(plain + i * 5, "weir ", 5);
        return text(plain);
    }
    struct MHD_Response *r = MHD_create_response_from_buffer(
        sizeof gzip_body, (void *)(uintptr_t)gzip_body, MHD_RESPMEM_PERSISTENT);
    MHD_add_response_header(r, "Content-Encoding", "gzip");
    return r;
}

static struct MHD_Response *status_route(struct MHD_Connection *con, int *status)
{
    *status = (int)query_number(con, "code", 500);
    struct MHD_Response *r = text(*status == 204 || *status == 304 ? "" : "as you asked");
    if (*status == 503)
        MHD_add_response_header(r, "Retry-After", "7");
    return r;
}

static struct MHD_Response *route(struct MHD_Connection *con, const char *url, int *status)
{
    if (strcmp(url, "/data") == 0 || strcmp(url, "/flaky") == 0 || strstr(url, "range"))
        return data_route(con, url, status);
    if (strcmp(url, "/slow") == 0) {
        usleep((useconds_t)query_number(con, "ms", 100) * 1000);
        return text("slow");
    }
    if (strcmp(url, "/stall") == 0)
        return pattern(0, 100000, 1000, true);
    if (strcmp(url, "/redirect") == 0)
        return redirect(query(con, "to"), query_number(con, "code", 302), status);
    if (strcmp(url, "/circle") == 0)
        return redirect("/circle", 301, status);
    if (strncmp(url, "/cookie", 7) == 0)
        return cookie_route(con, url, status);
    if (strcmp(url, "/gzip") == 0)
        return gzip_route(con);
    if (strcmp(url, "/echo") == 0)
        return echo_route(con);
    if (strcmp(url, "/auth") == 0)
        return auth_route(con, status);
    if (strcmp(url, "/status") == 0)
        return status_route(con, status);
    *status = 404;
    return text("no such route");
}

static enum MHD_Result on_request(void *ctx, struct MHD_Connection *con, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_size, void **state)
{
    struct server *s = ctx;
    static int seen;
    (void)method;
    (void)version;
    (void)upload;
    (void)upload_size;
    if (!*state) { // first call: header only
        *state = &seen;
        return MHD_YES;
    }
    s->requests++;
    int status = 200;
    struct MHD_Response *r = route(con, url, &status);
    enum MHD_Result result = MHD_queue_response(con, (unsigned)status, r);
    MHD_destroy_response(r);
    return result;
}

static void on_connection(void *ctx, struct MHD_Connection *con, void **socket_ctx,
                          enum MHD_ConnectionNotificationCode code)
{
    struct server *s = ctx;
    (void)con;
    (void)socket_ctx;
    if (code == MHD_CONNECTION_NOTIFY_STARTED)
        s->connections++;
}

struct server *server_start(const char *tls_key_pem, const char *tls_cert_pem)
{
    struct server *s = calloc(1, sizeof *s);
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION | MHD_USE_POLL;
    if (!s)
        return NULL;
    struct MHD_OptionItem tls[] = {
        {MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)tls_key_pem},
        {MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(uintptr_t)tls_cert_pem},
        {MHD_OPTION_END, 0, NULL},
    };
    s->daemon = MHD_start_daemon(tls_key_pem ? flags | MHD_USE_TLS : flags, 0, NULL, NULL,
                                 on_request, s, MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&addr,
                                 MHD_OPTION_NOTIFY_CONNECTION, on_connection, s, MHD_OPTION_ARRAY,
                                 tls_key_pem ? tls : &tls[2], MHD_OPTION_END);
    const union MHD_DaemonInfo *info =
        s->daemon ? MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_BIND_PORT) : NULL;
    if (!info) {
        free(s);
        return NULL;
    }
    s->port = info->port;
    return s;
}

void server_stop(struct server **s)
{
    if (!*s)
        return;
    MHD_stop_daemon((*s)->daemon);
    free(*s);
    *s = NULL;
}

int server_port(const struct server *s)
{
    return s->port;
}

int server_connections(struct server *s)
{
    return s->connections;
}

int server_requests(struct server *s)
{
    return s->requests;
}
