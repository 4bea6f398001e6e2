// tests/net/server.h — a real HTTP server on 127.0.0.1 for the transport's tests, with routes that
// behave as good and bad servers do. Each connection has its own thread, so that a route may sleep.
#ifndef WEIR_TESTS_NET_SERVER_H
#define WEIR_TESTS_NET_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Routes (all GET):
//   /data?size=N        N bytes of server_byte(); ranges honoured
//   /norange?size=N     the same, ranges ignored
//   /wrongrange?size=N  answers a range one byte further on than asked
//   /halfrange?size=N   answers the first half of the range asked for
//   /flaky?size=N       cut off after half, unless a range is asked for
//   /slow?ms=N          sleeps, then answers "slow"
//   /stall              some bytes, then nothing for two seconds
//   /redirect?to=URL    code=N chooses the status (302)
//   /circle             to itself
//   /cookie-bounce      to itself until it sees the cookie it set
//   /cookie             sets sid=42
//   /gzip               "weir " 200 times; compressed where the client accepts it
//   /echo               the request's header, a line each
//   /auth               401 without Authorization: Basic, the header's value with it
//   /status?code=N      that status; 503 with Retry-After: 7

struct server;

struct server *server_start(const char *tls_key_pem,
                            const char *tls_cert_pem); // both NULL: plain HTTP
void server_stop(struct server **s);
int server_port(const struct server *s);
int server_connections(struct server *s); // accepted since the start
int server_requests(struct server *s);

static inline uint8_t server_byte(uint64_t offset)
{
    return (uint8_t)((offset * UINT64_C(2654435761)) >> 13);
}

#endif
