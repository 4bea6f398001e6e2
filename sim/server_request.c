// sim/server_request.c — one request from its headers to its line in the log: find the file, hold
// the response back for the round trip, send it by the kernel (unshaped) or as the pacer's credit
// allows.
#include "sim/server_request.h"

#include <errno.h>
#include <jansson.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/text.h"

#define BLOCK_BYTES (128 << 10)

void weir_server_on_connection(void *closure, struct MHD_Connection *connection, void **context,
                               enum MHD_ConnectionNotificationCode code)
{
    (void)closure;
    (void)connection;
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        struct weir_server_connection *c = calloc(1, sizeof(*c));
        if (c)
            c->accepted_us = weir_server_now_us();
        *context = c;
    } else {
        free(*context);
        *context = NULL;
    }
}

static struct weir_server_connection *connection_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    return info ? info->socket_context : NULL;
}

// Body and header bytes that the peer has acknowledged so far on this connection; 0 where the
// kernel is silent.
static uint64_t acked_bytes(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct tcp_info tcp = {0};
    socklen_t len = sizeof(tcp);
    if (!info || getsockopt(info->connect_fd, IPPROTO_TCP, TCP_INFO, &tcp, &len) < 0)
        return 0;
    return tcp.tcpi_bytes_acked;
}

static int64_t rtt_us(const struct weir_server *s, int64_t now_us)
{
    int64_t rtt = s->rtt_us;
    if (rtt == WEIR_TIME_NONE && s->trace)
        rtt = weir_pacer_latency_us(&s->pacer, now_us);
    return rtt == WEIR_TIME_NONE ? 0 : rtt;
}

// Called with the lock held.
static void link_request(struct weir_server_request *r)
{
    struct weir_server *s = r->server;
    r->next = s->requests;
    if (s->requests)
        s->requests->prev = r;
    s->requests = r;
    if (s->trace)
        weir_pacer_request_begin(&s->pacer, r->start_us);
    struct weir_server_connection *c = connection_of(r->connection);
    int64_t rtt = rtt_us(s, r->start_us);
    int64_t until_us = r->start_us + rtt;
    // A new connection costs its own round trip, which began when it was made, not when it was
    // used.
    if (c && !c->used && c->accepted_us + 2 * rtt > until_us)
        until_us = c->accepted_us + 2 * rtt;
    if (c)
        c->used = true;
    r->wait_until_us = rtt > 0 && until_us > r->start_us ? until_us : WEIR_TIME_NONE;
}

static void suspend(struct weir_server_request *r)
{
    r->suspended = true;
    MHD_suspend_connection(r->connection);
    (void)pthread_cond_signal(&r->server->wake);
}

static struct weir_server_request *open_request(struct weir_server *s,
                                                struct MHD_Connection *connection, const char *path)
{
    struct weir_server_request *r = calloc(1, sizeof(*r));
    if (!r)
        return NULL;
    r->server = s;
    r->connection = connection;
    r->file.fd = -1;
    r->start_us = weir_server_now_us();
    r->first_byte_us = WEIR_TIME_NONE;
    const char *range =
        MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_RANGE);
    r->path = strdup(path);
    r->range = range ? strdup(range) : NULL;
    if (!r->path || (range && !r->range)) {
        free(r->path);
        free(r->range);
        free(r);
        return NULL;
    }
    (void)pthread_mutex_lock(&s->lock);
    link_request(r);
    (void)pthread_mutex_unlock(&s->lock);
    return r;
}

// Which file, which bytes of it, and the status that says so.
static void decide(struct weir_server_request *r, const char *method)
{
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0) {
        r->status = strcmp(method, MHD_HTTP_METHOD_OPTIONS) == 0 ? MHD_HTTP_NO_CONTENT
                                                                 : MHD_HTTP_METHOD_NOT_ALLOWED;
        return;
    }
    r->status = weir_http_file_open(r->server->root, r->path, &r->file);
    if (r->status != MHD_HTTP_OK)
        return;
    // If-Range: the part only of the very file that the client knows (RFC 9110, 13.1.5).
    const char *known =
        MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_IF_RANGE);
    bool same =
        !known || strcmp(known, r->file.etag) == 0 || strcmp(known, r->file.last_modified) == 0;
    int64_t last = r->file.size_bytes - 1;
    switch (weir_http_range_parse(same ? r->range : NULL, r->file.size_bytes, &r->first, &last)) {
    case WEIR_HTTP_RANGE_ALL:
        break;
    case WEIR_HTTP_RANGE_PART:
        r->status = MHD_HTTP_PARTIAL_CONTENT;
        break;
    case WEIR_HTTP_RANGE_BAD:
        r->status = MHD_HTTP_RANGE_NOT_SATISFIABLE;
        return;
    }
    r->length = last - r->first + 1;
}

// libmicrohttpd wants the next bytes of a paced body.
static ssize_t read_paced(void *closure, uint64_t at, char *buffer, size_t max)
{
    struct weir_server_request *r = closure;
    struct weir_server *s = r->server;
    (void)pthread_mutex_lock(&s->lock);
    int64_t credit = r->flow.credit_bytes;
    bool stopping = s->stopping;
    if (!stopping && credit == 0)
        suspend(r);
    (void)pthread_mutex_unlock(&s->lock);
    if (stopping)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    if (credit == 0)
        return 0;
    size_t want = (int64_t)max < credit ? max : (size_t)credit;
    ssize_t got = pread(r->file.fd, buffer, want, r->first + (int64_t)at);
    if (got <= 0)
        return MHD_CONTENT_READER_END_WITH_ERROR; // the file shrank, or cannot be read
    if (r->first_byte_us == WEIR_TIME_NONE)
        r->first_byte_us = weir_server_now_us();
    (void)pthread_mutex_lock(&s->lock);
    r->flow.credit_bytes -= got;
    (void)pthread_mutex_unlock(&s->lock);
    r->sent_bytes += got;
    return got;
}

static struct MHD_Response *paced_response(struct weir_server_request *r)
{
    struct MHD_Response *response =
        MHD_create_response_from_callback((uint64_t)r->length, BLOCK_BYTES, read_paced, r, NULL);
    if (!response)
        return NULL;
    (void)pthread_mutex_lock(&r->server->lock);
    r->flow.wanted_bytes = r->length;
    r->sharing = true;
    weir_pacer_add(&r->server->pacer, &r->flow, weir_server_now_us());
    (void)pthread_cond_signal(&r->server->wake);
    (void)pthread_mutex_unlock(&r->server->lock);
    return response;
}

static struct MHD_Response *file_response(struct weir_server_request *r, bool body)
{
    if (r->length == 0)
        return MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
    if (r->server->trace && body)
        return paced_response(r);
    struct MHD_Response *response = MHD_create_response_from_fd_at_offset64(
        (uint64_t)r->length, r->file.fd, (uint64_t)r->first);
    if (response) {
        r->file.fd = -1; // the response closes it
        r->sendfile = body;
        r->acked_at_start = acked_bytes(r->connection);
    }
    return response;
}

static struct MHD_Response *message_response(struct weir_server_request *r)
{
    static const struct {
        unsigned status;
        const char *text;
    } messages[] = {
        {MHD_HTTP_NO_CONTENT, ""},
        {MHD_HTTP_FORBIDDEN, "403: this file may not be read\n"},
        {MHD_HTTP_NOT_FOUND, "404: no such file\n"},
        {MHD_HTTP_METHOD_NOT_ALLOWED, "405: only GET and HEAD\n"},
        {MHD_HTTP_RANGE_NOT_SATISFIABLE, "416: the range lies outside the file\n"},
    };
    char text[64] = "";
    for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
        if (messages[i].status == r->status)
            (void)snprintf(text, sizeof(text), "%s", messages[i].text);
    }
    r->length = (int64_t)strlen(text);
    return MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_COPY);
}

static void add_headers(struct MHD_Response *response, const struct weir_server_request *r)
{
    char text[96];
    // Web players under test come from another origin.
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_ACCESS_CONTROL_ALLOW_ORIGIN, "*");
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_ACCESS_CONTROL_EXPOSE_HEADERS,
                                  "Content-Range, Content-Length");
    if (r->status == MHD_HTTP_NO_CONTENT)
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_ACCESS_CONTROL_ALLOW_HEADERS,
                                      "Range");
    if (r->status == MHD_HTTP_METHOD_NOT_ALLOWED)
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
    if (r->status == MHD_HTTP_RANGE_NOT_SATISFIABLE) {
        (void)snprintf(text, sizeof(text), "bytes */%lld", (long long)r->file.size_bytes);
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_RANGE, text);
    }
    if (r->status != MHD_HTTP_OK && r->status != MHD_HTTP_PARTIAL_CONTENT) {
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
                                      "text/plain; charset=utf-8");
        return;
    }
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, r->file.type);
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_ACCEPT_RANGES, "bytes");
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_ETAG, r->file.etag);
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_LAST_MODIFIED, r->file.last_modified);
    if (r->status == MHD_HTTP_PARTIAL_CONTENT) {
        (void)snprintf(text, sizeof(text), "bytes %lld-%lld/%lld", (long long)r->first,
                       (long long)(r->first + r->length - 1), (long long)r->file.size_bytes);
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_RANGE, text);
    }
}

static enum MHD_Result respond(struct weir_server_request *r, const char *method)
{
    decide(r, method);
    bool body = strcmp(method, MHD_HTTP_METHOD_HEAD) != 0;
    bool file = r->status == MHD_HTTP_OK || r->status == MHD_HTTP_PARTIAL_CONTENT;
    struct MHD_Response *response = file ? file_response(r, body) : message_response(r);
    if (!response)
        return MHD_NO; // closes the connection
    add_headers(response, r);
    if (!body)
        r->length = 0;
    if (!r->sharing)
        r->first_byte_us = weir_server_now_us();
    enum MHD_Result result = MHD_queue_response(r->connection, r->status, response);
    MHD_destroy_response(response);
    return result;
}

enum MHD_Result weir_server_on_request(void *closure, struct MHD_Connection *connection,
                                       const char *path, const char *method, const char *version,
                                       const char *upload, size_t *upload_bytes, void **request)
{
    struct weir_server *s = closure;
    (void)version;
    (void)upload;
    if (!*request) {
        *request = open_request(s, connection, path);
        // A response queued in the first call would count as given before the request was read, and
        // close the connection; so would one after being suspended in it. Wait in the second call.
        return *request ? MHD_YES : MHD_NO;
    }
    struct weir_server_request *r = *request;
    if (*upload_bytes > 0) { // read and forgotten; then comes its 405
        *upload_bytes = 0;
        return MHD_YES;
    }
    (void)pthread_mutex_lock(&s->lock);
    bool stopping = s->stopping;
    bool wait = !stopping && r->wait_until_us > weir_server_now_us();
    if (wait)
        suspend(r); // called again when resumed
    else
        r->wait_until_us = WEIR_TIME_NONE;
    (void)pthread_mutex_unlock(&s->lock);
    if (stopping)
        return MHD_NO;
    return wait || r->status ? MHD_YES : respond(r, method);
}

static json_t *seconds(const struct weir_server *s, int64_t at_us)
{
    return at_us == WEIR_TIME_NONE ? json_null() : json_real((double)(at_us - s->start_us) / 1e6);
}

static void log_request(const struct weir_server_request *r, int64_t end_us)
{
    struct weir_server *s = r->server;
    (void)weir_text_clean(r->path);
    if (r->range)
        (void)weir_text_clean(r->range);
    json_t *line = json_pack("{s:o, s:s, s:s?, s:i, s:I, s:o, s:o, s:o}", "t", seconds(s, end_us),
                             "path", r->path, "range", r->range, "status", (int)r->status, "bytes",
                             (json_int_t)r->sent_bytes, "start", seconds(s, r->start_us),
                             "first_byte", seconds(s, r->first_byte_us), "end", seconds(s, end_us));
    char *text = line ? json_dumps(line, JSON_COMPACT | JSON_REAL_PRECISION(12)) : NULL;
    if (text) {
        (void)fprintf(s->log, "%s\n", text);
        (void)fflush(s->log);
    }
    free(text);
    json_decref(line);
}

// How much of the body went out. What the kernel sent of a transfer that broke off is known from
// the acknowledgements, headers included: an upper bound.
static void count_sent(struct weir_server_request *r, enum MHD_RequestTerminationCode code)
{
    if (code == MHD_REQUEST_TERMINATED_COMPLETED_OK) {
        r->sent_bytes = r->length;
    } else if (r->sendfile) {
        int64_t acked = (int64_t)(acked_bytes(r->connection) - r->acked_at_start);
        r->sent_bytes = acked < 0 ? 0 : acked < r->length ? acked : r->length;
    }
}

void weir_server_on_completed(void *closure, struct MHD_Connection *connection, void **request,
                              enum MHD_RequestTerminationCode code)
{
    struct weir_server *s = closure;
    struct weir_server_request *r = *request;
    (void)connection;
    if (!r)
        return;
    *request = NULL;
    int64_t end_us = weir_server_now_us();
    (void)pthread_mutex_lock(&s->lock);
    if (r->sharing)
        weir_pacer_remove(&s->pacer, &r->flow);
    if (s->trace)
        weir_pacer_request_end(&s->pacer, end_us);
    if (r->prev)
        r->prev->next = r->next;
    else
        s->requests = r->next;
    if (r->next)
        r->next->prev = r->prev;
    (void)pthread_mutex_unlock(&s->lock);
    count_sent(r, code);
    if (s->log)
        log_request(r, end_us);
    if (r->file.fd >= 0)
        (void)close(r->file.fd);
    free(r->path);
    free(r->range);
    free(r);
}
