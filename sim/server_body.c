// sim/server_body.c — how a body leaves: by the kernel (sendfile), or piece by piece as the pacer's
// credit and the request's fault allow. Runs in libmicrohttpd's thread.
#include "sim/server_request.h"

#include <errno.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define BLOCK_BYTES (128 << 10)
// A suspended connection does not hear that its client left: look this often.
#define LOOK_US 100000
// How often a slow body moves, and how long a reset waits for what was sent before it to arrive.
#define SLOW_STEP_US  10000
#define DRAIN_STEP_US 1000
#define DRAIN_US      1000000

uint64_t weir_server_acked_bytes(struct MHD_Connection *connection)
{
    struct tcp_info tcp = {0};
    socklen_t len = sizeof(tcp);
    int fd = weir_server_socket(connection);
    if (fd < 0 || getsockopt(fd, IPPROTO_TCP, TCP_INFO, &tcp, &len) < 0)
        return 0;
    return tcp.tcpi_bytes_acked;
}

// Disconnecting a TCP socket sends a reset at once, where closing it would say goodbye first (Linux
// tcp(7), connect(2) with AF_UNSPEC).
void weir_server_reset_connection(struct MHD_Connection *connection)
{
    struct sockaddr nowhere = {.sa_family = AF_UNSPEC};
    int fd = weir_server_socket(connection);
    if (fd >= 0)
        (void)connect(fd, &nowhere, sizeof(nowhere));
}

// With the cork in, headers and body leave in the same packets: libmicrohttpd would send the
// headers alone, and wake the client twice.
void weir_server_cork(struct MHD_Connection *connection, bool in)
{
    int value = in;
    int fd = weir_server_socket(connection);
    if (fd >= 0)
        (void)setsockopt(fd, IPPROTO_TCP, TCP_CORK, &value, sizeof(value));
}

static bool peer_left(struct MHD_Connection *connection)
{
    struct pollfd p = {.fd = weir_server_socket(connection), .events = POLLRDHUP};
    return poll(&p, 1, 0) > 0 && (p.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

static int64_t unsent_bytes(struct MHD_Connection *connection)
{
    int left = 0;
    int fd = weir_server_socket(connection);
    return fd < 0 || ioctl(fd, SIOCOUTQ, &left) < 0 ? 0 : left;
}

// What may be sent next: how much, and when to look again where that is nothing.
struct allowance {
    int64_t bytes; // 0: wait; < 0: end the connection
    int64_t until_us;
};

// All that comes has been sent, and that was not all that was promised.
static struct allowance at_early_end(struct weir_server_request *r, int64_t now_us)
{
    struct allowance end = {-1, 0};
    if (r->fault.kind != WEIR_FAULT_RESET)
        return end;
    if (r->fault_us == WEIR_TIME_NONE)
        r->fault_us = now_us;
    // A reset throws away what the kernel has not sent yet.
    if (unsent_bytes(r->connection) > 0 && now_us - r->fault_us < DRAIN_US)
        return (struct allowance){0, now_us + DRAIN_STEP_US};
    weir_server_reset_connection(r->connection);
    return end;
}

static struct allowance while_stalled(struct weir_server_request *r, int64_t now_us, int64_t left)
{
    if (r->fault_us == WEIR_TIME_NONE)
        r->fault_us = now_us;
    int64_t waited_us = now_us - r->fault_us, for_us = r->fault.spec.for_us;
    if (waited_us >= for_us)
        return (struct allowance){left, 0};
    if (peer_left(r->connection))
        return (struct allowance){-1, 0};
    int64_t more_us = for_us - waited_us;
    return (struct allowance){0, now_us + (more_us < LOOK_US ? more_us : LOOK_US)};
}

static struct allowance while_slow(struct weir_server_request *r, int64_t now_us, int64_t sent,
                                   int64_t left)
{
    if (r->fault_us == WEIR_TIME_NONE)
        r->fault_us = now_us;
    double offered =
        (double)r->fault.spec.rate_bps * (double)(now_us - r->fault_us) / (8.0 * WEIR_SECOND_US);
    int64_t may = weir_fault_at(&r->fault, r->length) + (int64_t)offered - sent;
    if (may > 0)
        return (struct allowance){may < left ? may : left, 0};
    if (peer_left(r->connection))
        return (struct allowance){-1, 0};
    return (struct allowance){0, now_us + SLOW_STEP_US};
}

// What of a segment in the making is there beyond `sent`.
static struct allowance while_made(struct weir_server_request *r, int64_t now_us, int64_t sent,
                                   int64_t left)
{
    const struct weir_server_chunks *c = r->chunks;
    size_t next = 0; // the chunk that is wanted
    while (next + 1 < c->count && c->ends[next] <= sent)
        next++;
    int64_t there_us = c->begin_us + (int64_t)(next + 1) * c->duration_us / (int64_t)c->count;
    if (now_us < there_us)
        return (struct allowance){0, there_us};
    int64_t more = c->ends[next] - sent;
    return (struct allowance){more < left ? more : left, 0};
}

static struct allowance allowed(struct weir_server_request *r, int64_t sent, int64_t now_us)
{
    int64_t left = r->body_bytes - sent;
    if (left <= 0)
        return at_early_end(r, now_us);
    if (r->chunks) {
        struct allowance made = while_made(r, now_us, sent, left);
        if (made.bytes == 0)
            return made;
        left = made.bytes;
    }
    if (r->fault.kind != WEIR_FAULT_STALL && r->fault.kind != WEIR_FAULT_SLOW)
        return (struct allowance){left, 0};
    int64_t before = weir_fault_at(&r->fault, r->length) - sent;
    if (before > 0)
        return (struct allowance){before < left ? before : left, 0};
    return r->fault.kind == WEIR_FAULT_STALL ? while_stalled(r, now_us, left)
                                             : while_slow(r, now_us, sent, left);
}

// Bytes at `at` of the body, from wherever it is. < 0: the file shrank, or cannot be read.
static ssize_t read_source(struct weir_server_request *r, int64_t at, char *buffer, size_t want)
{
    ssize_t got = (ssize_t)want;
    if (r->text)
        memcpy(buffer, r->text + r->first + at, want);
    else
        got = pread(r->file.fd, buffer, want, r->first + at);
    if (got > 0)
        weir_fault_corrupt(&r->fault, r->length, at, (uint8_t *)buffer, (size_t)got);
    return got > 0 ? got : -1;
}

// libmicrohttpd wants the next bytes of the body.
static ssize_t read_body(void *closure, uint64_t at, char *buffer, size_t max)
{
    struct weir_server_request *r = closure;
    struct weir_server *s = r->server;
    int64_t now_us = weir_server_now_us();
    if ((int64_t)at >= r->length)
        return MHD_CONTENT_READER_END_OF_STREAM; // of a body whose size was not told
    struct allowance may = allowed(r, (int64_t)at, now_us);
    (void)pthread_mutex_lock(&s->lock);
    bool stopping = s->stopping;
    int64_t until_us = WEIR_TIME_NONE;
    if (may.bytes == 0)
        until_us = may.until_us;
    else if (r->sharing && r->flow.credit_bytes < may.bytes)
        may.bytes = r->flow.credit_bytes;
    if (!stopping && may.bytes == 0)
        weir_server_suspend(r, until_us);
    (void)pthread_mutex_unlock(&s->lock);
    if (stopping || may.bytes < 0)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    if (may.bytes == 0)
        return 0;
    size_t want = (int64_t)max < may.bytes ? max : (size_t)may.bytes;
    ssize_t got = read_source(r, (int64_t)at, buffer, want);
    if (got < 0)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    if (r->first_byte_us == WEIR_TIME_NONE)
        r->first_byte_us = now_us;
    if (r->sharing) {
        (void)pthread_mutex_lock(&s->lock);
        r->flow.credit_bytes -= got;
        (void)pthread_mutex_unlock(&s->lock);
    }
    r->sent_bytes += got;
    return got;
}

static void share(struct weir_server_request *r)
{
    (void)pthread_mutex_lock(&r->server->lock);
    r->flow.wanted_bytes = r->body_bytes;
    r->sharing = true;
    weir_pacer_add(&r->server->pacer, &r->flow, weir_server_now_us());
    (void)pthread_cond_signal(&r->server->wake);
    (void)pthread_mutex_unlock(&r->server->lock);
}

struct MHD_Response *weir_server_body_response(struct weir_server_request *r, bool body)
{
    bool whole = r->fault.kind == WEIR_FAULT_NONE || r->fault.kind == WEIR_FAULT_STATUS;
    if (r->length == 0)
        return MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
    if (!r->text && !r->chunks && whole && (!r->server->trace || !body)) {
        struct MHD_Response *response = MHD_create_response_from_fd_at_offset64(
            (uint64_t)r->length, r->file.fd, (uint64_t)r->first);
        if (response) {
            r->file.fd = -1; // the response closes it
            r->sendfile = body;
            if (body)
                weir_server_cork(r->connection, true);
            r->acked_at_start = r->server->log ? weir_server_acked_bytes(r->connection) : 0;
            r->first_byte_us = weir_server_now_us();
        }
        return response;
    }
    struct MHD_Response *response = MHD_create_response_from_callback(
        r->chunks ? MHD_SIZE_UNKNOWN : (uint64_t)r->length, BLOCK_BYTES, read_body, r, NULL);
    if (response && body && r->server->trace && r->body_bytes > 0)
        share(r);
    return response;
}
