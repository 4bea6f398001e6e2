// bench/serve_load.c — downloads over many connections at once and counts what comes when: the
// client of serve_rate.py and serve_speed.py. Keep-alive, one request after another on each
// connection until the time is over; body bytes alone count. Output: a line per window, `SECONDS
// BYTES`, time 0 being the first request, then `total SECONDS BYTES REQUESTS`.
//
//   serve_load PORT PATH CONNECTIONS SECONDS WINDOW_MS
//
#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_WINDOWS 100000
#define HEAD_BYTES  4096
#define READ_BYTES  (256 << 10)

struct connection {
    int fd;
    bool in_body;
    int64_t left; // of the body
    size_t head_len;
    char head[HEAD_BYTES];
};

struct load {
    const char *path;
    int64_t start_ns, window_ns, total_bytes;
    int64_t windows[MAX_WINDOWS];
    int64_t requests;
    char buffer[READ_BYTES];
};

static int64_t now_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void die(const char *what)
{
    (void)fprintf(stderr, "serve_load: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void request(const struct load *l, struct connection *c)
{
    char text[512];
    int n = snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\nHost: bench\r\n\r\n", l->path);
    if (write(c->fd, text, (size_t)n) != n)
        die("cannot ask");
    c->in_body = false;
    c->head_len = 0;
}

static void count(struct load *l, int64_t bytes)
{
    int64_t window = (now_ns() - l->start_ns) / l->window_ns;
    if (window < MAX_WINDOWS)
        l->windows[window] += bytes;
    l->total_bytes += bytes;
}

// Bytes of the head into c->head; what follows it is of the body. Returns how many were used.
static size_t read_head(struct connection *c, const char *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (c->head_len + 1 >= HEAD_BYTES)
            die("a head too long");
        c->head[c->head_len++] = data[i];
        if (c->head_len < 4 || memcmp(c->head + c->head_len - 4, "\r\n\r\n", 4) != 0)
            continue;
        c->head[c->head_len] = '\0';
        const char *length = strcasestr(c->head, "\r\nContent-Length:");
        if (strncmp(c->head, "HTTP/1.1 200", 12) != 0 || !length)
            die(c->head);
        c->left = strtoll(length + 17, NULL, 10);
        c->in_body = true;
        return i + 1;
    }
    return size;
}

static void on_readable(struct load *l, struct connection *c)
{
    ssize_t got = read(c->fd, l->buffer, READ_BYTES);
    if (got <= 0)
        die("the connection broke");
    size_t used = c->in_body ? 0 : read_head(c, l->buffer, (size_t)got);
    int64_t body = (int64_t)((size_t)got - used);
    if (!c->in_body)
        return;
    c->left -= body;
    count(l, body);
    if (c->left == 0) {
        l->requests++;
        request(l, c);
    }
}

static int connect_to(uint16_t port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
        die("cannot connect");
    return fd;
}

int main(int argc, char **argv)
{
    if (argc < 6) {
        (void)fprintf(stderr, "usage: serve_load PORT PATH CONNECTIONS SECONDS WINDOW_MS\n");
        return 2;
    }
    int connections = (int)strtol(argv[3], NULL, 10);
    int64_t length_ns = (int64_t)(strtod(argv[4], NULL) * 1e9);
    struct load *l = calloc(1, sizeof(*l));
    struct connection *c = calloc((size_t)connections, sizeof(*c));
    int ep = epoll_create1(0);
    if (!l || !c || ep < 0)
        die("cannot start");
    l->path = argv[2];
    l->window_ns = strtoll(argv[5], NULL, 10) * 1000000;
    for (int i = 0; i < connections; i++) {
        struct epoll_event e = {.events = EPOLLIN, .data.ptr = &c[i]};
        c[i].fd = connect_to((uint16_t)strtol(argv[1], NULL, 10));
        if (epoll_ctl(ep, EPOLL_CTL_ADD, c[i].fd, &e) < 0)
            die("epoll");
    }
    l->start_ns = now_ns();
    for (int i = 0; i < connections; i++)
        request(l, &c[i]);
    int64_t at_ns = 0;
    while ((at_ns = now_ns() - l->start_ns) < length_ns) {
        struct epoll_event events[64];
        int n = epoll_wait(ep, events, 64, 20);
        for (int i = 0; i < n; i++)
            on_readable(l, events[i].data.ptr);
    }
    for (int64_t i = 0; i < length_ns / l->window_ns && i < MAX_WINDOWS; i++)
        (void)printf("%.3f %lld\n", (double)(i * l->window_ns) / 1e9, (long long)l->windows[i]);
    (void)printf("total %.6f %lld %lld\n", (double)at_ns / 1e9, (long long)l->total_bytes,
                 (long long)l->requests);
    free(c);
    free(l);
    return 0;
}
