// sim/server_request.c — one request from its headers to its line in the log: which fault it has,
// which bytes it asks for, the wait for the round trip, the response (sim/server_body.c).
#include "sim/server_request.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

int weir_server_socket(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    return info ? info->connect_fd : -1;
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
    if (r->control)
        return;
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

void weir_server_suspend(struct weir_server_request *r, int64_t until_us)
{
    r->wait_until_us = until_us;
    r->suspended = true;
    MHD_suspend_connection(r->connection);
    (void)pthread_cond_signal(&r->server->wake);
}

static bool is_method(const struct weir_server_request *r, const char *method)
{
    return strcmp(r->method, method) == 0;
}

static struct weir_server_request *open_request(struct weir_server *s,
                                                struct MHD_Connection *connection, const char *path,
                                                const char *method)
{
    struct weir_server_request *r = calloc(1, sizeof(*r));
    if (!r)
        return NULL;
    r->server = s;
    r->connection = connection;
    r->file.fd = -1;
    r->start_us = weir_server_now_us();
    r->first_byte_us = r->fault_us = r->wait_until_us = WEIR_TIME_NONE;
    (void)snprintf(r->method, sizeof(r->method), "%s", method);
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
    r->control = strcmp(path, WEIR_SERVER_RESET_PATH) == 0;
    if (!r->control && (is_method(r, MHD_HTTP_METHOD_GET) || is_method(r, MHD_HTTP_METHOD_HEAD)))
        r->fault = weir_faults_next(&s->faults, path);
    (void)pthread_mutex_lock(&s->lock);
    link_request(r);
    (void)pthread_mutex_unlock(&s->lock);
    return r;
}

// Which file, which bytes of it, and the status that says so.
static void decide(struct weir_server_request *r)
{
    r->status = weir_server_find(r);
    if (r->status != MHD_HTTP_OK)
        return;
    // If-Range: the part only of the very file that the client knows (RFC 9110, 13.1.5).
    const char *known =
        MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_IF_RANGE);
    bool same = !known || (!r->text && (strcmp(known, r->file.etag) == 0 ||
                                        strcmp(known, r->file.last_modified) == 0));
    int64_t last = r->size_bytes - 1;
    switch (weir_http_range_parse(same && !r->chunks ? r->range : NULL, r->size_bytes, &r->first,
                                  &last)) {
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
    r->body_bytes = weir_fault_body_bytes(&r->fault, r->length);
}

static struct MHD_Response *message_response(struct weir_server_request *r)
{
    static const struct {
        unsigned status;
        const char *text;
    } messages[] = {
        {MHD_HTTP_FORBIDDEN, "this file may not be read"},
        {MHD_HTTP_NOT_FOUND, "no such file"},
        {MHD_HTTP_METHOD_NOT_ALLOWED, "not for this path"},
        {MHD_HTTP_RANGE_NOT_SATISFIABLE, "the range lies outside the file"},
    };
    char text[96] = "";
    const char *why = "no";
    for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
        if (messages[i].status == r->status)
            why = messages[i].text;
    }
    if (r->why)
        why = r->why;
    if (r->fault.kind == WEIR_FAULT_STATUS)
        why = "as --fault has it";
    if (r->status != MHD_HTTP_NO_CONTENT)
        (void)snprintf(text, sizeof(text), "%u: %s\n", r->status, why);
    r->length = r->body_bytes = (int64_t)strlen(text);
    r->first_byte_us = weir_server_now_us();
    return MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_COPY);
}

// A fault that leaves no response at all.
static bool ends_at_once(struct weir_server_request *r)
{
    bool file = r->status == MHD_HTTP_OK || r->status == MHD_HTTP_PARTIAL_CONTENT;
    if (r->fault.kind == WEIR_FAULT_RESET && (r->body_bytes == 0 || !file)) {
        weir_server_reset_connection(r->connection);
        return true;
    }
    return r->fault.kind == WEIR_FAULT_REFUSE;
}

static enum MHD_Result respond(struct weir_server_request *r)
{
    decide(r);
    if (ends_at_once(r)) {
        r->status = 0;
        return MHD_NO; // closes the connection
    }
    bool body = !is_method(r, MHD_HTTP_METHOD_HEAD);
    bool file = r->status == MHD_HTTP_OK || r->status == MHD_HTTP_PARTIAL_CONTENT;
    struct MHD_Response *response = file ? weir_server_body_response(r, body) : message_response(r);
    if (!response)
        return MHD_NO;
    weir_server_add_headers(response, r);
    if (!body || r->length == 0) {
        r->body_bytes = 0;
        r->first_byte_us = weir_server_now_us();
    }
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
        *request = open_request(s, connection, path, method);
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
        weir_server_suspend(r, r->wait_until_us); // called again when resumed
    else
        r->wait_until_us = WEIR_TIME_NONE;
    (void)pthread_mutex_unlock(&s->lock);
    if (stopping)
        return MHD_NO;
    return wait || r->status ? MHD_YES : respond(r);
}

// How much of the body went out. What the kernel sent of a transfer that broke off is known from
// the acknowledgements, headers included: an upper bound.
static void count_sent(struct weir_server_request *r, enum MHD_RequestTerminationCode code)
{
    if (code == MHD_REQUEST_TERMINATED_COMPLETED_OK) {
        r->sent_bytes = r->body_bytes;
    } else if (r->sendfile) {
        int64_t acked = (int64_t)(weir_server_acked_bytes(r->connection) - r->acked_at_start);
        r->sent_bytes = acked < 0 ? 0 : acked < r->length ? acked : r->length;
    }
}

void weir_server_on_completed(void *closure, struct MHD_Connection *connection, void **request,
                              enum MHD_RequestTerminationCode code)
{
    struct weir_server *s = closure;
    struct weir_server_request *r = *request;
    if (!r)
        return;
    *request = NULL;
    int64_t end_us = weir_server_now_us();
    (void)pthread_mutex_lock(&s->lock);
    if (r->sharing)
        weir_pacer_remove(&s->pacer, &r->flow);
    if (s->trace && !r->control)
        weir_pacer_request_end(&s->pacer, end_us);
    if (r->prev)
        r->prev->next = r->next;
    else
        s->requests = r->next;
    if (r->next)
        r->next->prev = r->prev;
    (void)pthread_mutex_unlock(&s->lock);
    if (r->sendfile)
        weir_server_cork(connection, false);
    count_sent(r, code);
    if (s->log && !r->control)
        weir_server_log(r, end_us);
    if (r->file.fd >= 0)
        (void)close(r->file.fd);
    free(r->text);
    free(r->chunks);
    free(r->path);
    free(r->range);
    free(r);
}
