// sim/server_headers.c — the headers of a response: what it is, which part of it, and that scripts
// of any origin may read it.
#include "sim/server_request.h"

#include <string.h>

static void add(struct MHD_Response *response, const char *name, const char *value)
{
    (void)MHD_add_response_header(response, name, value);
}

// Web players under test come from another origin (Fetch standard, 3.2).
static void add_cross_origin(struct MHD_Response *response, const struct weir_server_request *r)
{
    add(response, MHD_HTTP_HEADER_ACCESS_CONTROL_ALLOW_ORIGIN, "*");
    add(response, MHD_HTTP_HEADER_ACCESS_CONTROL_EXPOSE_HEADERS,
        "Content-Range, Content-Length, Accept-Ranges, Date, ETag, Last-Modified");
    add(response, "Timing-Allow-Origin", "*");
    if (strcmp(r->method, MHD_HTTP_METHOD_OPTIONS) != 0)
        return;
    add(response, MHD_HTTP_HEADER_ACCESS_CONTROL_ALLOW_METHODS, "GET, HEAD, OPTIONS");
    // What is asked for is allowed: nothing here depends on a request header but ranges and
    // conditions. libmicrohttpd refuses values that would end the header.
    const char *asked = MHD_lookup_connection_value(r->connection, MHD_HEADER_KIND,
                                                    "Access-Control-Request-Headers");
    add(response, MHD_HTTP_HEADER_ACCESS_CONTROL_ALLOW_HEADERS, asked ? asked : "Range");
    add(response, MHD_HTTP_HEADER_ACCESS_CONTROL_MAX_AGE, "86400");
}

void weir_server_add_headers(struct MHD_Response *response, const struct weir_server_request *r)
{
    char text[96];
    add_cross_origin(response, r);
    if (r->status == MHD_HTTP_METHOD_NOT_ALLOWED || r->status == MHD_HTTP_NO_CONTENT)
        add(response, MHD_HTTP_HEADER_ALLOW, r->control ? "POST" : "GET, HEAD, OPTIONS");
    if (r->status == MHD_HTTP_RANGE_NOT_SATISFIABLE) {
        (void)snprintf(text, sizeof(text), "bytes */%lld", (long long)r->size_bytes);
        add(response, MHD_HTTP_HEADER_CONTENT_RANGE, text);
    }
    if (r->status != MHD_HTTP_OK && r->status != MHD_HTTP_PARTIAL_CONTENT) {
        add(response, MHD_HTTP_HEADER_CONTENT_TYPE, "text/plain; charset=utf-8");
        return;
    }
    add(response, MHD_HTTP_HEADER_CONTENT_TYPE, r->type);
    add(response, MHD_HTTP_HEADER_ACCEPT_RANGES, "bytes");
    if (r->text) {
        add(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-cache");
    } else {
        add(response, MHD_HTTP_HEADER_ETAG, r->file.etag);
        add(response, MHD_HTTP_HEADER_LAST_MODIFIED, r->file.last_modified);
    }
    if (r->status == MHD_HTTP_PARTIAL_CONTENT) {
        (void)snprintf(text, sizeof(text), "bytes %lld-%lld/%lld", (long long)r->first,
                       (long long)(r->first + r->length - 1), (long long)r->size_bytes);
        add(response, MHD_HTTP_HEADER_CONTENT_RANGE, text);
    }
}
