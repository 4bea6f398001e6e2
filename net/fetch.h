// net/fetch.h — fetch one document and wait for it: what `weir inspect` and tests use instead of a
// loop of their own.
#ifndef WEIR_NET_FETCH_H
#define WEIR_NET_FETCH_H

#include "net/transport.h"

struct weir_fetch_request {
    const char *url;               // http, https, file URL
    int64_t first_byte, last_byte; // as in struct weir_transfer; whole resource: -1, -1
    size_t max_bytes;              // refuse more; 0: 64 MiB
    bool allow_file;
    const struct weir_curl_params *params; // NULL: defaults
};

struct weir_fetch_result {
    uint8_t *data; // malloc'd, NUL after the last byte; free with weir_fetch_result_clear
    size_t size_bytes;
    char *effective_url; // after redirects
    int http_status;
};

// 0 or an enum weir_err with `error` filled: NOT_FOUND (host, file, 404), NETWORK, TLS, TIMEOUT,
// HTTP, TOO_BIG, DENIED.
int weir_fetch_blocking(const struct weir_fetch_request *req, struct weir_fetch_result *out,
                        struct weir_error *error);
void weir_fetch_result_clear(struct weir_fetch_result *r);

#endif
