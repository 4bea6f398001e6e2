// tests/sim/http_client.h — a client with nothing between the test and the socket: what was sent
// when, byte by byte. Blocking; every wait ends after 20 s.
#ifndef WEIR_TESTS_SIM_HTTP_CLIENT_H
#define WEIR_TESTS_SIM_HTTP_CLIENT_H

#include <stddef.h>
#include <stdint.h>

struct http_reply {
    int status;
    char head[4096]; // status line and headers
    unsigned char *body;
    size_t body_bytes;
    int64_t sent_us, first_us, last_us; // the request; the reply's first and last byte
};

// A connection to 127.0.0.1, or -1.
int http_connect(uint16_t port);
// Send a request (method, path, further header lines each with CRLF or "") and read the whole
// reply; 0, or -1 when the connection broke. http_reply_clear() frees the body.
int http_ask(int fd, const char *method, const char *path, const char *headers,
             struct http_reply *out);
// A header's value copied into out, or "" where it is absent.
void http_header(const struct http_reply *r, const char *name, char *out, size_t out_size_bytes);
void http_reply_clear(struct http_reply *r);

#endif
