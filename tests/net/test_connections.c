// tests/net/test_connections.c — connections kept, opened ahead (warm) and thrown away; many
// transfers at once, pause, cancel and wake.
#include "harness.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <poll.h>

struct fixture {
    struct harness h;
    struct server *server;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    f->server = server_start(NULL, NULL);
    assert_non_null(f->server);
    harness_init(&f->h, NULL, 0, 0);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    harness_clear(&f->h);
    server_stop(&f->server);
    free(f);
    return 0;
}

static void start(struct fixture *f, uint64_t id, const char *url, struct weir_segment *s)
{
    struct weir_transfer t = {
        .id = id, .url = url, .origin_url = url, .first_byte = -1, .last_byte = -1, .segment = s};
    struct weir_error error = {0};
    assert_int_equal(f->h.transport->ops->start(f->h.transport, &t, &error), 0);
}

static int pump(struct fixture *f, int64_t timeout_us, struct weir_transfer_event *ev, size_t room)
{
    int count = f->h.transport->ops->pump(f->h.transport, timeout_us, ev, room);
    assert_in_range(count, 0, room);
    return count;
}

// Start `count` transfers together and wait for all. Room for one event at a time, to see that none
// is lost.
static void run_together(struct fixture *f, const char *url, int count)
{
    struct weir_segment *s[16];
    int done = 0;
    uint64_t seen = 0;
    for (int i = 0; i < count; i++) {
        s[i] = harness_segment(&f->h);
        start(f, 100 + (uint64_t)i, url, s[i]);
    }
    for (int turns = 0; done < count && turns < 100000; turns++) {
        struct weir_transfer_event ev;
        if (!pump(f, WEIR_SECOND_US, &ev, 1))
            continue;
        assert_int_not_equal(ev.kind, WEIR_TRANSFER_FAILED);
        if (ev.kind != WEIR_TRANSFER_DONE)
            continue;
        assert_int_equal(seen & (UINT64_C(1) << (ev.id - 100)), 0);
        seen |= UINT64_C(1) << (ev.id - 100);
        done++;
    }
    assert_int_equal(done, count);
    for (int i = 0; i < count; i++) {
        assert_int_equal(weir_segment_state(s[i]), WEIR_SEGMENT_COMPLETE);
        weir_segment_unref(&s[i]);
    }
}

static void wait_connections(struct fixture *f, int count)
{
    for (int i = 0; i < 500 && server_connections(f->server) < count; i++)
        usleep(10000);
    assert_int_equal(server_connections(f->server), count);
}

static void test_connection_is_reused(void **state)
{
    struct fixture *f = *state;
    char text[64];
    for (int i = 0; i < 5; i++) {
        const char *path = i == 2 ? "/status?code=404" : "/slow?ms=1";
        harness_get(&f->h, server_url(f->server, path), NULL, text, sizeof text);
    }
    assert_int_equal(server_requests(f->server), 5);
    assert_int_equal(server_connections(f->server), 1);
}

static void test_warm_connections_are_used(void **state)
{
    struct fixture *f = *state;
    f->h.transport->ops->warm(f->h.transport, server_url(f->server, "/data"), 3);
    wait_connections(f, 3); // before any request
    assert_int_equal(server_requests(f->server), 0);
    run_together(f, server_url(f->server, "/slow?ms=100"), 3);
    assert_int_equal(server_requests(f->server), 3);
    assert_int_equal(server_connections(f->server), 3);
    run_together(f, server_url(f->server, "/slow?ms=100"), 4); // one more than there are
    assert_int_equal(server_connections(f->server), 4);
}

// The server listens on IPv4 only, so that where "localhost" is ::1 first the spares must follow
// libcurl to the second address.
static void test_warm_learns_the_address(void **state)
{
    struct fixture *f = *state;
    char url[64], text[64];
    snprintf(url, sizeof url, "http://localhost:%d/slow?ms=100", server_port(f->server));
    f->h.transport->ops->warm(f->h.transport, url, 2);
    usleep(50000);
    assert_int_equal(server_connections(f->server), 0); // nobody looked the name up yet
    assert_int_equal(harness_get(&f->h, url, NULL, text, sizeof text).err, 0);
    wait_connections(f, 3);
    run_together(f, url, 3);
    assert_int_equal(server_connections(f->server), 3);
}

// A listener of our own, for what a proper server would not do.
static int listener(char *url, size_t size)
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof addr;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof addr), 0);
    assert_int_equal(listen(fd, 4), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&addr, &len), 0);
    snprintf(url, size, "http://127.0.0.1:%d/", ntohs(addr.sin_port));
    return fd;
}

static void test_dead_spare_is_not_used(void **state)
{
    struct fixture *f = *state;
    char url[64];
    int fd = listener(url, sizeof url);
    f->h.transport->ops->warm(f->h.transport, url, 1);
    int spare = accept(fd, NULL, NULL);
    assert_true(spare >= 0);
    close(spare); // the server lost patience
    usleep(20000);
    struct weir_segment *s = harness_segment(&f->h);
    struct weir_transfer_event ev;
    start(f, 1, url, s);
    pump(f, 0, &ev, 1);
    int con = accept(fd, NULL, NULL);
    assert_true(con >= 0);
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
    assert_int_equal(write(con, answer, sizeof answer - 1), sizeof answer - 1);
    do {
        while (!pump(f, WEIR_SECOND_US, &ev, 1))
            ;
    } while (ev.kind != WEIR_TRANSFER_DONE && ev.kind != WEIR_TRANSFER_FAILED);
    assert_int_equal(ev.kind, WEIR_TRANSFER_DONE);
    assert_memory_equal(weir_segment_data(s), "hi", 2);
    close(con);
    close(fd);
    weir_segment_unref(&s);
}

static int64_t fake_now_us(void *ctx)
{
    return *(int64_t *)ctx;
}

static void test_unused_spares_are_closed(void **state)
{
    int64_t now_us = 1000;
    struct weir_curl_params p = {.clock = {fake_now_us, &now_us}};
    struct fixture f = {0};
    struct weir_transfer_event ev;
    char url[64], byte;
    (void)state;
    harness_init(&f.h, &p, 0, 0);
    int fd = listener(url, sizeof url);
    f.h.transport->ops->warm(f.h.transport, url, 1);
    int spare = accept(fd, NULL, NULL);
    assert_true(spare >= 0);
    now_us += 9 * WEIR_SECOND_US;
    pump(&f, 0, &ev, 1);
    assert_int_equal(recv(spare, &byte, 1, MSG_DONTWAIT), -1); // open and silent
    now_us += 2 * WEIR_SECOND_US;
    pump(&f, 0, &ev, 1);
    assert_int_equal(recv(spare, &byte, 1, 0), 0); // closed
    close(spare);
    close(fd);
    harness_clear(&f.h);
}

static void test_many_at_once(void **state)
{
    struct fixture *f = *state;
    run_together(f, server_url(f->server, "/data?size=200000"), 16);
    assert_int_equal(f->h.copies.net_bytes, 16 * 200000);
}

static void test_more_than_can_run(void **state)
{
    struct fixture *f = *state;
    struct weir_segment *s = harness_segment(&f->h);
    const char *url = server_url(f->server, "/slow?ms=1000");
    for (uint64_t id = 1; id <= 16; id++)
        start(f, id, url, s);
    struct weir_transfer t = {
        .id = 17, .url = url, .origin_url = url, .first_byte = -1, .last_byte = -1, .segment = s};
    assert_int_equal(f->h.transport->ops->start(f->h.transport, &t, NULL), WEIR_ERR_AGAIN);
    t.id = 5; // in use
    assert_int_equal(f->h.transport->ops->start(f->h.transport, &t, NULL), WEIR_ERR_INVAL);
    for (uint64_t id = 1; id <= 16; id++)
        f->h.transport->ops->cancel(f->h.transport, id);
    weir_segment_unref(&s); // the pool would complain of a reference still held
}

static void test_cancel_is_silent(void **state)
{
    struct fixture *f = *state;
    struct weir_segment *s = harness_segment(&f->h);
    struct weir_transfer_event ev[4];
    start(f, 1, server_url(f->server, "/stall"), s);
    while (weir_segment_length(s) == 0)
        pump(f, WEIR_SECOND_US, ev, 4);
    f->h.transport->ops->cancel(f->h.transport, 1);
    f->h.transport->ops->cancel(f->h.transport, 99);
    assert_int_equal(pump(f, 50000, ev, 4), 0);
    assert_int_equal(weir_segment_state(s), WEIR_SEGMENT_OPEN);
    start(f, 1, server_url(f->server, "/slow?ms=1"), s); // the id is free again
    f->h.transport->ops->cancel(f->h.transport, 1);
    weir_segment_unref(&s);
}

// Pump for a while and return the bytes there then.
static size_t bytes_after(struct fixture *f, struct weir_segment *s, int turns, bool *done)
{
    struct weir_transfer_event ev[4];
    for (int i = 0; i < turns && !*done; i++) {
        int count = pump(f, 20000, ev, 4);
        for (int k = 0; k < count; k++)
            *done = *done || ev[k].kind == WEIR_TRANSFER_DONE;
    }
    return weir_segment_length(s);
}

static void test_pause(void **state)
{
    struct fixture *f = *state;
    struct weir_segment *s = harness_segment(&f->h);
    bool done = false;
    start(f, 1, server_url(f->server, "/data?size=15000000"), s);
    f->h.transport->ops->pause(f->h.transport, 1, true); // before the request went out
    assert_int_equal(bytes_after(f, s, 10, &done), 0);
    f->h.transport->ops->pause(f->h.transport, 1, false);
    while (weir_segment_length(s) == 0)
        bytes_after(f, s, 1, &done);
    f->h.transport->ops->pause(f->h.transport, 1, true);
    size_t before = weir_segment_length(s);
    assert_false(done);
    assert_int_equal(bytes_after(f, s, 10, &done), before);
    f->h.transport->ops->pause(f->h.transport, 1, false);
    while (!done)
        bytes_after(f, s, 1, &done);
    harness_check_pattern(s, 0, 15000000);
    assert_int_equal(f->h.copies.net_bytes, 15000000);
    weir_segment_unref(&s);
}

static void *wake_later(void *transport)
{
    struct weir_transport *t = transport;
    usleep(100000);
    t->ops->wake(t);
    return NULL;
}

static void test_wake_ends_a_wait(void **state)
{
    struct fixture *f = *state;
    struct weir_transfer_event ev;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, wake_later, f->h.transport), 0);
    assert_int_equal(pump(f, -1, &ev, 1), 0); // CTest's timeout is the failure
    pthread_join(thread, NULL);
    f->h.transport->ops->wake(f->h.transport); // before the wait: not lost
    assert_int_equal(pump(f, -1, &ev, 1), 0);
}

// What an event points to stays until the next pump, though its slot is done and others start.
static void test_events_outlive_starts(void **state)
{
    struct fixture *f = *state;
    struct weir_segment *s = harness_segment(&f->h);
    struct weir_transfer_event ev;
    start(f, 1, server_url(f->server, "/status?code=404"), s);
    while (!pump(f, WEIR_SECOND_US, &ev, 1))
        ;
    assert_int_equal(ev.kind, WEIR_TRANSFER_FAILED);
    for (uint64_t id = 2; id <= 16; id++)
        start(f, id, server_url(f->server, "/slow?ms=500"), s);
    assert_string_equal(ev.error->what, "HTTP 404");
    assert_int_equal(ev.error->http_status, 404);
    for (uint64_t id = 2; id <= 16; id++)
        f->h.transport->ops->cancel(f->h.transport, id);
    weir_segment_unref(&s);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_connection_is_reused),
        CASE(test_warm_connections_are_used),
        CASE(test_warm_learns_the_address),
        CASE(test_dead_spare_is_not_used),
        cmocka_unit_test(test_unused_spares_are_closed),
        CASE(test_many_at_once),
        CASE(test_more_than_can_run),
        CASE(test_cancel_is_silent),
        CASE(test_pause),
        CASE(test_wake_ends_a_wait),
        CASE(test_events_outlive_starts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
