// net/curl_warm.c — TCP connections opened ahead of need, so that the first media requests after
// the manifest pay no round trip for connecting. The address is learnt from the socket that libcurl
// opens for the first request (or read off a numeric host); the spares are connected beside it and
// handed to libcurl when it asks for a socket to the same address. Best effort throughout: without
// a spare, libcurl's own connection is made.
#include "net/curl_internal.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SPARE_LIFE_US (10 * WEIR_SECOND_US)
#define MAX_WANTED    8

void weir_curl_warm_init(struct weir_curl *c)
{
    c->connected_fd = -1;
    for (int i = 0; i < WEIR_CURL_MAX_SPARES; i++)
        c->spares[i].fd = -1;
}

static void spare_close(struct weir_curl_spare *spare)
{
    close(spare->fd);
    spare->fd = -1;
}

void weir_curl_warm_clear(struct weir_curl *c)
{
    for (int i = 0; i < WEIR_CURL_MAX_SPARES; i++)
        if (c->spares[i].fd >= 0)
            spare_close(&c->spares[i]);
}

// --- hosts ---

// "scheme://host:port" of a URL, without user info. False when it is too long to keep.
static bool origin_of(const char *url, char *out, size_t out_size_bytes)
{
    struct weir_url u;
    weir_url_parse(url, &u);
    if (!u.scheme.ptr || !u.authority.ptr)
        return false;
    const char *host = u.authority.ptr;
    size_t len = u.authority.len;
    const char *at = memrchr(host, '@', len);
    if (at) {
        len -= (size_t)(at + 1 - host);
        host = at + 1;
    }
    int n = snprintf(out, out_size_bytes, "%.*s://%.*s", (int)u.scheme.len, u.scheme.ptr, (int)len,
                     host);
    return n > 0 && (size_t)n < out_size_bytes;
}

struct weir_curl_host *weir_curl_host_find(struct weir_curl *c, const char *url)
{
    for (int i = 0; i < WEIR_CURL_MAX_HOSTS; i++)
        if (c->hosts[i].origin[0] && weir_url_same_origin(c->hosts[i].origin, url))
            return &c->hosts[i];
    return NULL;
}

// Found or made, in place of the one not used for longest. NULL for a name too long to keep.
static struct weir_curl_host *host_use(struct weir_curl *c, const char *url)
{
    struct weir_curl_host *host = weir_curl_host_find(c, url);
    if (!host) {
        char origin[WEIR_CURL_MAX_ORIGIN_BYTES];
        if (!origin_of(url, origin, sizeof origin))
            return NULL;
        host = &c->hosts[0];
        for (int i = 1; i < WEIR_CURL_MAX_HOSTS; i++)
            if (c->hosts[i].last_use < host->last_use)
                host = &c->hosts[i];
        *host = (struct weir_curl_host){0};
        memcpy(host->origin, origin, sizeof origin);
    }
    host->last_use = ++c->host_uses;
    return host;
}

// --- spares ---

static struct weir_curl_spare *spare_open(struct weir_curl *c, const struct weir_curl_host *host)
{
    struct weir_curl_spare *spare = NULL;
    for (int i = 0; i < WEIR_CURL_MAX_SPARES && !spare; i++)
        if (c->spares[i].fd < 0)
            spare = &c->spares[i];
    if (!spare)
        return NULL;
    int fd = socket(host->family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, host->protocol);
    if (fd < 0)
        return NULL;
    if (connect(fd, (const struct sockaddr *)&host->addr, host->addr_len) != 0 &&
        errno != EINPROGRESS) {
        close(fd);
        return NULL;
    }
    spare->fd = fd;
    spare->expires_us = weir_curl_now_us(c) + SPARE_LIFE_US;
    spare->addr = host->addr;
    spare->addr_len = host->addr_len;
    return spare;
}

// A failure leaves `wanted` standing: libcurl may go on to another address of the host.
static void open_wanted(struct weir_curl *c, struct weir_curl_host *host)
{
    while (host->wanted > 0 && spare_open(c, host))
        host->wanted--;
}

// 1: connected and silent, 0: still connecting, -1: refused, closed, or speaking before it was
// asked.
static int spare_state(const struct weir_curl_spare *spare)
{
    struct pollfd p = {.fd = spare->fd, .events = POLLIN | POLLOUT};
    if (poll(&p, 1, 0) <= 0)
        return 0;
    if (p.revents & (POLLIN | POLLERR | POLLHUP | POLLNVAL))
        return -1;
    return p.revents & POLLOUT ? 1 : 0;
}

int64_t weir_curl_warm_expire(struct weir_curl *c, int64_t now_us)
{
    int64_t next_us = WEIR_TIME_NONE;
    for (int i = 0; i < WEIR_CURL_MAX_SPARES; i++) {
        struct weir_curl_spare *spare = &c->spares[i];
        if (spare->fd < 0)
            continue;
        if (now_us >= spare->expires_us)
            spare_close(spare);
        else if (next_us == WEIR_TIME_NONE || spare->expires_us < next_us)
            next_us = spare->expires_us;
    }
    return next_us;
}

// The first usable spare to this address, which then is the caller's; -1 without one.
static int spare_take(struct weir_curl *c, const struct curl_sockaddr *address)
{
    for (int i = 0; i < WEIR_CURL_MAX_SPARES; i++) {
        struct weir_curl_spare *spare = &c->spares[i];
        if (spare->fd < 0 || spare->addr_len != address->addrlen ||
            memcmp(&spare->addr, &address->addr, spare->addr_len) != 0)
            continue;
        int state = spare_state(spare);
        if (state == 0)
            continue; // libcurl's connect() would fail with EALREADY on it
        int fd = spare->fd;
        if (state > 0) {
            spare->fd = -1;
            return fd;
        }
        spare_close(spare);
    }
    return -1;
}

// --- what libcurl calls ---

static void learn(struct weir_curl_slot *s, const struct curl_sockaddr *address)
{
    struct weir_curl_host *host = host_use(s->owner, s->url);
    if (!host || address->addrlen > sizeof host->addr)
        return;
    host->family = address->family;
    host->protocol = address->protocol;
    memcpy(&host->addr, &address->addr, address->addrlen);
    host->addr_len = (socklen_t)address->addrlen;
    host->resolved = true;
}

curl_socket_t weir_curl_open_socket(void *slot, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct weir_curl_slot *s = slot;
    struct weir_curl *c = s->owner;
    if (purpose != CURLSOCKTYPE_IPCXN)
        return CURL_SOCKET_BAD;
    bool is_tcp = address->socktype == SOCK_STREAM;
    if (is_tcp) {
        int fd = spare_take(c, address);
        if (fd >= 0) {
            c->connected_fd = fd;
            return fd;
        }
    }
    int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
    if (fd >= 0 && is_tcp) {
        learn(s, address);
        struct weir_curl_host *host = weir_curl_host_find(c, s->url);
        if (host)
            open_wanted(c, host);
    }
    return fd < 0 ? CURL_SOCKET_BAD : fd;
}

int weir_curl_socket_opened(void *slot, curl_socket_t fd, curlsocktype purpose)
{
    struct weir_curl *c = ((struct weir_curl_slot *)slot)->owner;
    (void)purpose;
    if (fd != c->connected_fd)
        return CURL_SOCKOPT_OK;
    c->connected_fd = -1;
    return CURL_SOCKOPT_ALREADY_CONNECTED;
}

// --- asking for spares ---

// Host (without the brackets of an IPv6 literal) and port of a URL; both to be freed with
// curl_free.
static bool split_origin(const char *origin, char **host, char **port)
{
    CURLU *u = curl_url();
    *host = *port = NULL;
    bool ok = u && curl_url_set(u, CURLUPART_URL, origin, 0) == CURLUE_OK &&
              curl_url_get(u, CURLUPART_HOST, host, 0) == CURLUE_OK &&
              curl_url_get(u, CURLUPART_PORT, port, CURLU_DEFAULT_PORT) == CURLUE_OK;
    curl_url_cleanup(u);
    size_t len = ok ? strlen(*host) : 0;
    if (len > 2 && (*host)[0] == '[' && (*host)[len - 1] == ']') {
        memmove(*host, *host + 1, len - 2);
        (*host)[len - 2] = 0;
    }
    return ok;
}

// A numeric host needs no resolver, hence no waiting: its address is known at once.
static void resolve_numeric(struct weir_curl_host *host)
{
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
                             .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    char *name, *port;
    if (split_origin(host->origin, &name, &port) && getaddrinfo(name, port, &hints, &found) == 0) {
        host->family = found->ai_family;
        host->protocol = found->ai_protocol;
        memcpy(&host->addr, found->ai_addr, found->ai_addrlen);
        host->addr_len = found->ai_addrlen;
        host->resolved = true;
        freeaddrinfo(found);
    }
    curl_free(name);
    curl_free(port);
}

void weir_curl_warm(struct weir_curl *c, const char *url, int count)
{
    if (!weir_url_has_scheme(url, "http") && !weir_url_has_scheme(url, "https"))
        return;
    struct weir_curl_host *host = host_use(c, url);
    if (!host || count <= 0 || host->multiplexed)
        return;
    host->wanted = count < MAX_WANTED ? count : MAX_WANTED;
    if (!host->resolved && !c->env_proxy) // a proxy must see it all
        resolve_numeric(host);
    if (host->resolved)
        open_wanted(c, host);
}
