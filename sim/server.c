// sim/server.c — starting and stopping the trace-shaped server, and its pacing thread. Requests are
// answered in sim/server_request.c.
#include "sim/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/clock.h"
#include "sim/server_request.h"

// How often credit is given out: at 5 Mbit/s some 3 KiB, small beside any segment, yet 200 wake-ups
// a second cost little.
#define TICK_US 5000
// A tick also ends where the rate changes, or what a fast stretch offered last would be counted to
// the slow one after it; but no two of them are closer than this.
#define TICK_LEAST_US 1000

int64_t weir_server_now_us(void)
{
    struct weir_clock clock = weir_clock_monotonic();
    return weir_clock_now_us(&clock);
}

void weir_server_params_default(struct weir_server_params *p)
{
    *p = (struct weir_server_params){.bind_address = "127.0.0.1", .rtt_us = WEIR_TIME_NONE};
}

static void resume(struct weir_server_request *r)
{
    r->suspended = false;
    MHD_resume_connection(r->connection);
}

// Resume what has waited long enough or has credit. The time at which to look again; INT64_MAX:
// when signalled.
static int64_t serve_turn(struct weir_server *s, int64_t now_us)
{
    int64_t next_us = INT64_MAX;
    if (s->pacer.flows) {
        weir_pacer_tick(&s->pacer, now_us);
        int64_t change_us = weir_pacer_change_us(&s->pacer, now_us);
        next_us = change_us < now_us + TICK_LEAST_US ? now_us + TICK_LEAST_US
                  : change_us < now_us + TICK_US     ? change_us
                                                     : now_us + TICK_US;
    }
    for (struct weir_server_request *r = s->requests; r; r = r->next) {
        if (!r->suspended)
            continue;
        if (r->wait_until_us != WEIR_TIME_NONE) {
            if (r->wait_until_us <= now_us)
                resume(r);
            else if (r->wait_until_us < next_us)
                next_us = r->wait_until_us;
        } else if (r->flow.credit_bytes > 0) {
            resume(r);
        }
    }
    return next_us;
}

static void *pace(void *arg)
{
    struct weir_server *s = arg;
    (void)pthread_mutex_lock(&s->lock);
    while (!s->stopping) {
        int64_t next_us = serve_turn(s, weir_server_now_us());
        if (next_us == INT64_MAX) {
            (void)pthread_cond_wait(&s->wake, &s->lock);
        } else {
            struct timespec at = {.tv_sec = next_us / WEIR_SECOND_US,
                                  .tv_nsec = (long)(next_us % WEIR_SECOND_US) * 1000};
            (void)pthread_cond_timedwait(&s->wake, &s->lock, &at);
        }
    }
    // Suspended connections must be resumed before the daemon stops; their callbacks see
    // `stopping`.
    for (struct weir_server_request *r = s->requests; r; r = r->next) {
        if (r->suspended)
            resume(r);
    }
    (void)pthread_mutex_unlock(&s->lock);
    return NULL;
}

static int fail_errno(struct weir_error *e, int code, const char *where, const char *what)
{
    int saved = errno;
    int err = weir_error_set(e, code, where, "%s", what);
    weir_error_why(e, "%s", strerror(saved)); // NOLINT(concurrency-mt-unsafe)
    return err;
}

static int open_root(struct weir_server *s, const char *root, struct weir_error *e)
{
    struct stat st;
    s->root = realpath(root, NULL);
    if (!s->root || stat(s->root, &st) < 0)
        return fail_errno(e, WEIR_ERR_NOT_FOUND, root, "cannot serve this folder");
    if (!S_ISDIR(st.st_mode))
        return weir_error_set(e, WEIR_ERR_NOT_FOUND, root, "not a folder");
    if (access(s->root, R_OK | X_OK) < 0)
        return fail_errno(e, WEIR_ERR_NOT_FOUND, root, "cannot serve this folder");
    s->root_fd = open(s->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return 0;
}

// A listening socket of our own, because libmicrohttpd does not say why it could not make one.
static int listen_on(const struct addrinfo *a, int *out)
{
    int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    int on = 1;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, a->ai_addr, a->ai_addrlen) < 0 || listen(fd, 128) < 0) {
        int saved = errno;
        (void)close(fd);
        errno = saved;
        return -1;
    }
    *out = fd;
    return 0;
}

static int describe_socket(struct weir_server *s, int fd)
{
    struct sockaddr_storage address = {0};
    socklen_t len = sizeof(address);
    char host[INET6_ADDRSTRLEN], port[8];
    if (getsockname(fd, (struct sockaddr *)&address, &len) < 0 ||
        getnameinfo((struct sockaddr *)&address, len, host, sizeof(host), port, sizeof(port),
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        return -1;
    const char *scheme = s->certificate ? "https" : "http";
    s->port = (uint16_t)strtoul(port, NULL, 10);
    if (address.ss_family == AF_INET6)
        (void)snprintf(s->url, sizeof(s->url), "%s://[%s]:%s/", scheme, host, port);
    else
        (void)snprintf(s->url, sizeof(s->url), "%s://%s:%s/", scheme, host, port);
    return 0;
}

static int open_socket(struct weir_server *s, const struct weir_server_params *params, int *fd,
                       struct weir_error *e)
{
    char port[8], where[300];
    (void)snprintf(port, sizeof(port), "%u", (unsigned)params->port);
    (void)snprintf(where, sizeof(where), "%s:%s", params->bind_address, port);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV},
                    *list = NULL;
    int gai = getaddrinfo(params->bind_address, port, &hints, &list);
    if (gai != 0) {
        int err = weir_error_set(e, WEIR_ERR_OUTPUT, where, "cannot listen there");
        weir_error_why(e, "%s", gai_strerror(gai));
        return err;
    }
    int result = -1;
    for (const struct addrinfo *a = list; a && result < 0; a = a->ai_next)
        result = listen_on(a, fd);
    if (result < 0) {
        int err = fail_errno(e, WEIR_ERR_OUTPUT, where, "cannot listen there");
        freeaddrinfo(list);
        return err;
    }
    freeaddrinfo(list);
    if (describe_socket(s, *fd) < 0)
        return fail_errno(e, WEIR_ERR_OUTPUT, where, "cannot listen there");
    return 0;
}

static int start_daemon(struct weir_server *s, int fd, struct weir_error *e)
{
    unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME |
                     MHD_USE_ERROR_LOG;
    struct MHD_OptionItem tls[] = {{MHD_OPTION_HTTPS_MEM_CERT, 0, s->certificate},
                                   {MHD_OPTION_HTTPS_MEM_KEY, 0, s->key},
                                   {MHD_OPTION_END, 0, NULL}};
    struct MHD_OptionItem none[] = {{MHD_OPTION_END, 0, NULL}};
    if (s->certificate)
        flags |= MHD_USE_TLS;
    // Where nothing depends on the order of requests, as many threads as there are processors.
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned pool = s->trace || s->faults.count || processors < 2 ? 0 : (unsigned)processors;
    // The logger first: it tells about the options that follow.
    struct MHD_Daemon *daemon = MHD_start_daemon(
        flags, s->port, NULL, NULL, weir_server_on_request, s, MHD_OPTION_EXTERNAL_LOGGER,
        weir_server_on_message, s, MHD_OPTION_ARRAY, s->certificate ? tls : none,
        MHD_OPTION_LISTEN_SOCKET, (MHD_socket)fd, MHD_OPTION_NOTIFY_COMPLETED,
        weir_server_on_completed, s, MHD_OPTION_NOTIFY_CONNECTION, weir_server_on_connection, s,
        MHD_OPTION_THREAD_POOL_SIZE, pool < 8 ? pool : 8U, MHD_OPTION_END);
    if (daemon) {
        s->daemon = daemon;
        return 0;
    }
    (void)close(fd);
    int err =
        s->certificate
            ? weir_error_set(e, WEIR_ERR_TLS, s->url, "the certificate and key cannot be used")
            : weir_error_set(e, WEIR_ERR_NOMEM, s->url, "the HTTP server did not start");
    weir_error_why(e, "%s", s->message);
    return err;
}

static int init_sync(struct weir_server *s)
{
    pthread_condattr_t attributes;
    if (pthread_mutex_init(&s->lock, NULL) != 0)
        return WEIR_ERR_NOMEM;
    // pthread_cond_timedwait() takes the clock that weir_server_now_us() reads.
    if (pthread_condattr_init(&attributes) != 0 ||
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) != 0 ||
        pthread_cond_init(&s->wake, &attributes) != 0) {
        (void)pthread_mutex_destroy(&s->lock);
        return WEIR_ERR_NOMEM;
    }
    (void)pthread_condattr_destroy(&attributes);
    return 0;
}

static int64_t unix_now_us(void)
{
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * WEIR_SECOND_US + now.tv_nsec / 1000;
}

int weir_server_start(const struct weir_server_params *params, struct weir_server **out,
                      struct weir_error *e)
{
    *out = NULL;
    struct weir_server *s = calloc(1, sizeof(*s));
    if (!s)
        return weir_error_set(e, WEIR_ERR_NOMEM, params->root, "memory ran out");
    if (init_sync(s) < 0) {
        free(s);
        return weir_error_set(e, WEIR_ERR_NOMEM, params->root, "memory ran out");
    }
    s->root_fd = -1;
    s->trace = params->trace;
    s->rtt_us = params->rtt_us;
    s->log = params->log;
    s->faults = params->faults;
    s->start_us = weir_server_now_us();
    s->unix_us = unix_now_us() - s->start_us;
    if (s->trace)
        weir_pacer_init(&s->pacer, s->trace);
    int fd = -1;
    int err = open_root(s, params->root, e);
    if (!err && params->live)
        err = weir_live_create(s->root, params->live, s->unix_us + s->start_us, &s->live, e);
    if (!err && params->certificate_path)
        err = weir_server_tls_load(s, params->certificate_path, params->key_path, e);
    if (!err)
        err = open_socket(s, params, &fd, e);
    if (!err)
        err = start_daemon(s, fd, e);
    if (!err) {
        s->thread_started = pthread_create(&s->thread, NULL, pace, s) == 0;
        if (!s->thread_started)
            err = weir_error_set(e, WEIR_ERR_NOMEM, s->url, "the pacing thread did not start");
    }
    if (err) {
        weir_server_stop(&s);
        return err;
    }
    *out = s;
    return 0;
}

uint16_t weir_server_port(const struct weir_server *s)
{
    return s->port;
}

const char *weir_server_not_live(const struct weir_server *s, size_t i)
{
    return s->live ? weir_live_refused(s->live, i) : NULL;
}

const char *weir_server_url(const struct weir_server *s)
{
    return s->url;
}

void weir_server_stop(struct weir_server **server)
{
    struct weir_server *s = *server;
    if (!s)
        return;
    (void)pthread_mutex_lock(&s->lock);
    s->stopping = true;
    (void)pthread_cond_signal(&s->wake);
    (void)pthread_mutex_unlock(&s->lock);
    if (s->thread_started)
        (void)pthread_join(s->thread, NULL);
    if (s->daemon)
        MHD_stop_daemon(s->daemon);
    (void)pthread_cond_destroy(&s->wake);
    (void)pthread_mutex_destroy(&s->lock);
    weir_live_destroy(&s->live);
    free(s->certificate);
    free(s->key);
    if (s->root_fd >= 0)
        (void)close(s->root_fd);
    free(s->root);
    free(s);
    *server = NULL;
}
