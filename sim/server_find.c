// sim/server_find.c — what a path names: the server's own pages, a file, or with --live whatever
// the broadcast has there by now.
#include "sim/server_request.h"

#include <stdlib.h>
#include <string.h>

static bool is_method(const struct weir_server_request *r, const char *method)
{
    return strcmp(r->method, method) == 0;
}

static unsigned decide_control(struct weir_server_request *r)
{
    struct weir_server *s = r->server;
    if (is_method(r, MHD_HTTP_METHOD_OPTIONS))
        return MHD_HTTP_NO_CONTENT;
    if (!is_method(r, MHD_HTTP_METHOD_POST))
        return MHD_HTTP_METHOD_NOT_ALLOWED;
    if (s->faults.count > 0) // one thread then
        weir_faults_reset(&s->faults);
    (void)pthread_mutex_lock(&s->lock);
    weir_pacer_reset(&s->pacer);
    (void)pthread_mutex_unlock(&s->lock);
    return MHD_HTTP_NO_CONTENT;
}

static int64_t unix_now_us(const struct weir_server *s)
{
    return s->unix_us + weir_server_now_us();
}

static void use_text(struct weir_server_request *r, char *text, size_t size_bytes, const char *type)
{
    r->text = text;
    r->size_bytes = (int64_t)size_bytes;
    r->type = type;
}

static unsigned find_time(struct weir_server_request *r)
{
    char text[32];
    weir_live_iso8601(unix_now_us(r->server), text);
    char *copy = strdup(text);
    if (!copy)
        return MHD_HTTP_INTERNAL_SERVER_ERROR;
    use_text(r, copy, strlen(copy), "text/plain; charset=utf-8");
    return MHD_HTTP_OK;
}

static unsigned find_file(struct weir_server_request *r, const char *path)
{
    unsigned status = weir_http_file_open(r->server->root, r->server->root_fd, path, &r->file);
    r->size_bytes = r->file.size_bytes;
    r->type = r->file.type;
    return status;
}

// What the client calls this server, where that is a plain host and port.
static void origin_of(const struct weir_server_request *r, char *out, size_t out_size_bytes)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-:[]";
    const struct weir_server *s = r->server;
    const char *host =
        MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_HOST);
    if (host && *host && strspn(host, plain) == strlen(host) && strlen(host) < 200)
        (void)snprintf(out, out_size_bytes, "%s://%s", s->certificate ? "https" : "http", host);
    else
        (void)snprintf(out, out_size_bytes, "%.*s", (int)strlen(s->url) - 1, s->url);
}

static unsigned find_partly(struct weir_server_request *r, const struct weir_live_answer *a)
{
    unsigned status = find_file(r, a->path);
    if (status != MHD_HTTP_OK)
        return status;
    r->chunks = calloc(1, sizeof(*r->chunks));
    if (!r->chunks)
        return MHD_HTTP_INTERNAL_SERVER_ERROR;
    r->chunks->begin_us = a->begin_us - r->server->unix_us;
    r->chunks->duration_us = a->duration_us;
    r->chunks->count =
        weir_live_chunks(r->file.fd, r->size_bytes, r->chunks->ends, WEIR_SERVER_CHUNKS);
    return status;
}

static unsigned find_live(struct weir_server_request *r)
{
    struct weir_live_answer a;
    char origin[256];
    origin_of(r, origin, sizeof(origin));
    if (weir_live_answer(r->server->live, r->path, origin, unix_now_us(r->server), &a) < 0)
        return MHD_HTTP_INTERNAL_SERVER_ERROR;
    switch (a.verdict) {
    case WEIR_LIVE_FILE:
        return find_file(r, a.path);
    case WEIR_LIVE_MANIFEST:
        use_text(r, a.text, a.text_bytes, weir_http_type(r->path));
        return MHD_HTTP_OK;
    case WEIR_LIVE_PARTLY:
        return find_partly(r, &a);
    case WEIR_LIVE_EARLY:
        r->why = "not there yet";
        break;
    case WEIR_LIVE_GONE:
        r->why = "it left the window";
        break;
    case WEIR_LIVE_REFUSED:
        r->why = "this manifest cannot be live";
        break;
    }
    return MHD_HTTP_NOT_FOUND;
}

unsigned weir_server_find(struct weir_server_request *r)
{
    if (r->control)
        return decide_control(r);
    if (is_method(r, MHD_HTTP_METHOD_OPTIONS))
        return MHD_HTTP_NO_CONTENT;
    if (!is_method(r, MHD_HTTP_METHOD_GET) && !is_method(r, MHD_HTTP_METHOD_HEAD))
        return MHD_HTTP_METHOD_NOT_ALLOWED;
    if (r->fault.kind == WEIR_FAULT_STATUS)
        return (unsigned)r->fault.spec.code;
    if (strcmp(r->path, WEIR_SERVER_TIME_PATH) == 0)
        return find_time(r);
    return r->server->live ? find_live(r) : find_file(r, r->path);
}
