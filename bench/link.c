// bench/link.c — a network link in user space: whatever enters the TUN device A leaves B after the
// given delay, at no more than the given rate, and the other way about. It stands in for
// `tc netem`, which many kernels lack, and is as honest: real TCP runs over it end to end, with its
// handshake, slow start and acknowledgements paying the round trip. Needs CAP_NET_ADMIN; the caller
// puts each device into a network namespace of its own (start.py does).
//
// One queue a direction, drop-tail at QUEUE_BYTES (a quarter of a second at 5 Mbit/s).
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include <linux/if.h>
#include <linux/if_tun.h>

#define MTU_BYTES   1600
#define PACKETS     1024 // per direction, a power of two
#define QUEUE_BYTES (160 * 1024)

struct packet {
    int64_t due_ns;
    size_t bytes;
    uint8_t data[MTU_BYTES];
};

struct direction {
    int from, to;
    int64_t ns_per_byte_1024; // nanoseconds per 1024 bytes
    int64_t delay_ns, wire_free_ns;
    size_t head, tail;
    struct packet *ring;
};

static int64_t now_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void die(const char *what)
{
    perror(what);
    exit(2);
}

static int open_tun(const char *name)
{
    int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        die("/dev/net/tun");
    struct ifreq r = {.ifr_flags = IFF_TUN | IFF_NO_PI};
    (void)snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", name);
    if (ioctl(fd, TUNSETIFF, &r))
        die(name);
    return fd;
}

// What is waiting for the wire at this rate, in bytes.
static int64_t backlog_bytes(const struct direction *d, int64_t at_ns)
{
    int64_t wait_ns = d->wire_free_ns - at_ns;
    return wait_ns > 0 && d->ns_per_byte_1024 > 0 ? wait_ns * 1024 / d->ns_per_byte_1024 : 0;
}

static void take(struct direction *d)
{
    for (;;) {
        uint8_t spill[MTU_BYTES];
        struct packet *p = &d->ring[d->tail % PACKETS];
        int full = d->tail - d->head == PACKETS;
        ssize_t n = read(d->from, full ? spill : p->data, MTU_BYTES);
        if (n <= 0)
            return;
        int64_t at_ns = now_ns();
        if (full || backlog_bytes(d, at_ns) + n > QUEUE_BYTES)
            continue; // dropped
        int64_t begin_ns = d->wire_free_ns > at_ns ? d->wire_free_ns : at_ns;
        d->wire_free_ns = begin_ns + (int64_t)n * d->ns_per_byte_1024 / 1024;
        p->bytes = (size_t)n;
        p->due_ns = d->wire_free_ns + d->delay_ns;
        d->tail++;
    }
}

static void give(struct direction *d)
{
    while (d->head != d->tail && d->ring[d->head % PACKETS].due_ns <= now_ns()) {
        struct packet *p = &d->ring[d->head++ % PACKETS];
        if (write(d->to, p->data, p->bytes) < 0 && errno != EAGAIN && errno != EIO)
            die("write");
    }
}

static int64_t next_due_ns(const struct direction *d)
{
    return d->head == d->tail ? INT64_MAX : d->ring[d->head % PACKETS].due_ns;
}

int main(int argc, char **argv)
{
    if (argc != 5) {
        (void)fprintf(stderr, "usage: link TUN_A TUN_B KBIT_S RTT_MS\n");
        return 2;
    }
    long kbit_s = strtol(argv[3], NULL, 10), rtt_ms = strtol(argv[4], NULL, 10);
    int a = open_tun(argv[1]), b = open_tun(argv[2]);
    struct direction d[2] = {{.from = a, .to = b}, {.from = b, .to = a}};
    for (int i = 0; i < 2; i++) {
        d[i].ns_per_byte_1024 = kbit_s > 0 ? INT64_C(8) * 1024 * 1000000 / kbit_s : 0;
        d[i].delay_ns = rtt_ms * 500000;
        d[i].ring = calloc(PACKETS, sizeof(*d[i].ring));
        if (!d[i].ring)
            die("ring");
    }
    (void)printf("ready\n");
    (void)fflush(stdout);
    for (;;) {
        for (int i = 0; i < 2; i++) {
            take(&d[i]);
            give(&d[i]);
        }
        int64_t due_ns =
            next_due_ns(&d[0]) < next_due_ns(&d[1]) ? next_due_ns(&d[0]) : next_due_ns(&d[1]);
        int64_t wait_ns = due_ns == INT64_MAX ? 1000000000 : due_ns - now_ns();
        struct timespec t = {wait_ns > 0 ? wait_ns / 1000000000 : 0,
                             wait_ns > 0 ? wait_ns % 1000000000 : 0};
        struct pollfd fds[2] = {{.fd = a, .events = POLLIN}, {.fd = b, .events = POLLIN}};
        if (ppoll(fds, 2, &t, NULL) < 0 && errno != EINTR)
            die("ppoll");
    }
}
