// tests/sim/http_client.c — see tests/sim/http_client.h.
#include "http_client.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/clock.h"

static int64_t now_us(void)
{
    struct weir_clock clock = weir_clock_monotonic();
    return weir_clock_now_us(&clock);
}

int http_connect(uint16_t port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    struct timeval patience = {.tv_sec = 20};
    int on = 1;
    if (fd < 0)
        return -1;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

void http_header(const struct http_reply *r, const char *name, char *out, size_t out_size_bytes)
{
    size_t len = strlen(name);
    out[0] = '\0';
    for (const char *line = strstr(r->head, "\r\n"); line; line = strstr(line, "\r\n")) {
        line += 2;
        if (strncasecmp(line, name, len) != 0 || line[len] != ':')
            continue;
        const char *value = line + len + 1 + strspn(line + len + 1, " ");
        (void)snprintf(out, out_size_bytes, "%.*s", (int)strcspn(value, "\r"), value);
        return;
    }
}

// The reply up to its empty line, a byte at a time, so that nothing of the body is taken.
static int read_head(int fd, struct http_reply *r)
{
    size_t used = 0;
    while (used + 1 < sizeof(r->head)) {
        if (recv(fd, r->head + used, 1, 0) != 1)
            return -1;
        if (used++ == 0)
            r->first_us = now_us();
        r->head[used] = '\0';
        if (used >= 4 && strcmp(r->head + used - 4, "\r\n\r\n") == 0)
            return sscanf(r->head, "HTTP/1.1 %d", &r->status) == 1 ? 0 : -1; // NOLINT(cert-err34-c)
    }
    return -1;
}

int http_ask(int fd, const char *method, const char *path, const char *headers,
             struct http_reply *out)
{
    char request[2048], length[32];
    *out = (struct http_reply){0};
    int n = snprintf(request, sizeof(request), "%s %s HTTP/1.1\r\nHost: test\r\n%s\r\n", method,
                     path, headers);
    out->sent_us = now_us();
    if (n < 0 || (size_t)n >= sizeof(request) || send(fd, request, (size_t)n, MSG_NOSIGNAL) != n ||
        read_head(fd, out) < 0)
        return -1;
    http_header(out, "Content-Length", length, sizeof(length));
    size_t want = strcmp(method, "HEAD") == 0 ? 0 : strtoul(length, NULL, 10);
    out->body = malloc(want + 1);
    if (!out->body)
        return -1;
    while (out->body_bytes < want) {
        ssize_t got = recv(fd, out->body + out->body_bytes, want - out->body_bytes, 0);
        if (got <= 0)
            return -1;
        out->body_bytes += (size_t)got;
    }
    out->body[out->body_bytes] = '\0';
    out->last_us = now_us();
    return 0;
}

void http_reply_clear(struct http_reply *r)
{
    free(r->body);
    r->body = NULL;
}
