// tests/net/harness.h — one transport with a segment pool, and "run this transfer to its end"
// around it.
#ifndef WEIR_TESTS_NET_HARNESS_H
#define WEIR_TESTS_NET_HARNESS_H

#include "net/transport.h"
#include "server.h"

struct harness {
    struct weir_budget budget;
    struct weir_copy_counters copies;
    struct weir_segment_pool *pool;
    struct weir_transport *transport;
    uint64_t next_id;
};

struct outcome {
    int err; // of start() or FAILED; 0 when DONE
    bool retryable, from_cache;
    int http_status;
    int64_t bytes, length_bytes, retry_after_us; // length as HEADERS said; -2 without HEADERS
    int64_t t_request_us, t_first_byte_us, t_last_us;
    int headers, progress;
    char effective_url[1024];
    struct weir_error error;
};

// `params` NULL for defaults, its clock may be unset. `range_bytes` 0: 16 MiB. Fails the test when
// it cannot.
void harness_init(struct harness *h, const struct weir_curl_params *params, size_t range_bytes,
                  int64_t limit_bytes);
void harness_clear(struct harness *h);
struct weir_segment *harness_segment(struct harness *h);
// Fill id, origin (the URL) and a whole range where unset, start, pump until it ends.
struct outcome harness_run(struct harness *h, struct weir_transfer transfer);
// A whole resource into a segment; its text goes to `text`.
struct outcome harness_get(struct harness *h, const char *url, const char *origin, char *text,
                           size_t text_size_bytes);
// `count` bytes of the server's pattern from `offset` on, nothing else.
void harness_check_pattern(const struct weir_segment *s, uint64_t offset, size_t count);
// "http://127.0.0.1:PORT" + path, in one of eight static buffers.
const char *server_url(const struct server *s, const char *path);

#endif
