// tests/net/test_http2.c — many streams on one TLS connection to nghttpd. libcurl 7.88 forgets
// streams there; the transport must not. Skipped (exit 77) without the nghttpd or openssl command.
#include "certificate.h"
#include "harness.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <cmocka.h>

enum { BODY_BYTES = 3000000, STREAMS = 8, ROUNDS = 4 };

static struct {
    struct certificate cert;
    char body_path[96], url[64];
    int port;
    pid_t server;
} shared;

static bool write_body(void)
{
    snprintf(shared.body_path, sizeof shared.body_path, "%s/body", shared.cert.directory);
    FILE *file = fopen(shared.body_path, "wb");
    if (!file)
        return false;
    for (uint64_t i = 0; i < BODY_BYTES; i++)
        fputc(server_byte(i), file);
    return fclose(file) == 0;
}

static int socket_on(struct sockaddr_in *addr, int port)
{
    *addr = (struct sockaddr_in){.sin_family = AF_INET,
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                 .sin_port = htons((uint16_t)port)};
    return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static int free_port(void)
{
    struct sockaddr_in addr;
    socklen_t len = sizeof addr;
    int fd = socket_on(&addr, 0);
    int port = bind(fd, (struct sockaddr *)&addr, len) == 0 &&
                       getsockname(fd, (struct sockaddr *)&addr, &len) == 0
                   ? ntohs(addr.sin_port)
                   : 0;
    close(fd);
    return port;
}

static bool listens(void)
{
    struct sockaddr_in addr;
    for (int i = 0; i < 200; i++) {
        int fd = socket_on(&addr, shared.port);
        int result = connect(fd, (struct sockaddr *)&addr, sizeof addr);
        close(fd);
        if (result == 0)
            return true;
        if (waitpid(shared.server, NULL, WNOHANG) == shared.server) { // no such command, say
            shared.server = 0;
            return false;
        }
        usleep(20000);
    }
    return false;
}

static bool start_server(void)
{
    char port[16];
    shared.port = free_port();
    snprintf(port, sizeof port, "%d", shared.port);
    snprintf(shared.url, sizeof shared.url, "https://127.0.0.1:%d/body", shared.port);
    shared.server = fork();
    if (shared.server == 0) {
        execlp("nghttpd", "nghttpd", "-a", "127.0.0.1", "-d", shared.cert.directory, port,
               shared.cert.key_path, shared.cert.cert_path, (char *)NULL);
        _exit(127);
    }
    return shared.server > 0 && listens();
}

static void start(struct harness *h, uint64_t id, struct weir_segment *s)
{
    struct weir_transfer t = {.id = id,
                              .url = shared.url,
                              .origin_url = shared.url,
                              .first_byte = -1,
                              .last_byte = -1,
                              .segment = s};
    struct weir_error error = {0};
    assert_int_equal(h->transport->ops->start(h->transport, &t, &error), 0);
}

// All streams of a round to their end; `paused` (0: none) is held until the others are done.
static void run_round(struct harness *h, uint64_t paused)
{
    struct weir_segment *s[STREAMS];
    int done = 0;
    for (int i = 0; i < STREAMS; i++) {
        s[i] = harness_segment(h);
        start(h, (uint64_t)i + 1, s[i]);
    }
    if (paused)
        h->transport->ops->pause(h->transport, paused, true);
    while (done < STREAMS) {
        struct weir_transfer_event ev[8];
        int count = h->transport->ops->pump(h->transport, WEIR_SECOND_US, ev, 8);
        assert_true(count >= 0);
        for (int i = 0; i < count; i++) {
            if (ev[i].kind == WEIR_TRANSFER_FAILED)
                fail_msg("%s (%s), %d done", ev[i].error->what, ev[i].error->why, done);
            if (ev[i].kind == WEIR_TRANSFER_DONE && ++done == STREAMS - 1 && paused)
                h->transport->ops->pause(h->transport, paused, false);
        }
    }
    for (int i = 0; i < STREAMS; i++) {
        harness_check_pattern(s[i], 0, BODY_BYTES);
        weir_segment_unref(&s[i]);
    }
}

static void test_streams(void **state)
{
    struct weir_curl_params p = {.ca_file = shared.cert.cert_path, .low_speed_time_us = 5000000};
    struct harness h;
    (void)state;
    harness_init(&h, &p, 0, 0);
    for (int round = 0; round < ROUNDS; round++)
        run_round(&h, 0);
    harness_clear(&h);
}

static void test_paused_stream_holds_up_no_other(void **state)
{
    struct weir_curl_params p = {.ca_file = shared.cert.cert_path, .low_speed_time_us = 5000000};
    struct harness h;
    (void)state;
    harness_init(&h, &p, 0, 0);
    run_round(&h, 0); // from now on the host is known to multiplex
    run_round(&h, 1);
    run_round(&h, 4);
    harness_clear(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_streams),
        cmocka_unit_test(test_paused_stream_holds_up_no_other),
    };
    int result = 77;
    if (certificate_make(&shared.cert) && write_body() && start_server())
        result = cmocka_run_group_tests(tests, NULL, NULL);
    else
        fputs("skipped: no openssl or no nghttpd command\n", stderr);
    if (shared.server > 0) {
        kill(shared.server, SIGTERM);
        waitpid(shared.server, NULL, 0);
    }
    unlink(shared.body_path);
    certificate_remove(&shared.cert);
    return result;
}
