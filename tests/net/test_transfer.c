// tests/net/test_transfer.c — bodies, ranges, resumes and every way in which a transfer fails,
// against a server.
#include "harness.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <cmocka.h>

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

static void test_whole_body_is_copied_once(void **state)
{
    struct fixture *f = *state;
    struct weir_segment *s = harness_segment(&f->h);
    struct weir_transfer t = {.url = server_url(f->server, "/data?size=3000001"),
                              .first_byte = -1,
                              .last_byte = -1,
                              .segment = s};
    struct outcome o = harness_run(&f->h, t);
    assert_int_equal(o.err, 0);
    assert_int_equal(o.http_status, 200);
    assert_int_equal(o.bytes, 3000001);
    assert_int_equal(o.length_bytes, 3000001);
    assert_int_equal(o.headers, 1);
    assert_string_equal(o.effective_url, t.url);
    assert_false(o.from_cache);
    assert_int_equal(f->h.copies.net_bytes, 3000001);
    assert_int_equal(weir_segment_state(s), WEIR_SEGMENT_COMPLETE);
    harness_check_pattern(s, 0, 3000001);
    assert_true(
        weir_slots_contains(weir_segment_pool_slots(f->h.pool), weir_segment_data(s), 3000001));
    assert_true(o.t_request_us <= o.t_first_byte_us);
    assert_true(o.t_first_byte_us <= o.t_last_us);
    weir_segment_unref(&s);
}

// HEAD tells the size; the connection and the handle serve for bodies again.
static void test_head_brings_the_length_alone(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *path;
        int err;
        int64_t length_bytes;
    } cases[] = {
        {"/data?size=123457", 0, 123457},
        {"/status?code=404", WEIR_ERR_NOT_FOUND, -2},
        {"/data?size=77", 0, 77},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct weir_segment *s = harness_segment(&f->h);
        struct weir_transfer t = {.url = server_url(f->server, cases[i].path),
                                  .first_byte = -1,
                                  .last_byte = -1,
                                  .segment = s,
                                  .head = true};
        struct outcome o = harness_run(&f->h, t);
        assert_int_equal(o.err, cases[i].err);
        assert_int_equal(o.length_bytes, cases[i].length_bytes);
        assert_int_equal(o.bytes, 0);
        weir_segment_unref(&s);
    }
    struct weir_segment *s = harness_segment(&f->h);
    struct weir_transfer t = {.url = server_url(f->server, "/data?size=5000"),
                              .first_byte = -1,
                              .last_byte = -1,
                              .segment = s};
    assert_int_equal(harness_run(&f->h, t).bytes, 5000);
    harness_check_pattern(s, 0, 5000);
    assert_int_equal(f->h.copies.net_bytes, 5000);
    assert_int_equal(server_connections(f->server), 1);
    weir_segment_unref(&s);
}

struct range_case {
    const char *name, *path;
    int64_t first, last, resume;
    int64_t from, count; // what must be in the segment at the end
    int err;
    bool retryable;
};

static const struct range_case range_cases[] = {
    {"a range in the middle", "/data", 1000, 2999, 0, 1000, 2000, 0, false},
    {"from a byte to the end", "/data", 99000, -1, 0, 99000, 1000, 0, false},
    {"the first byte alone", "/data", 0, 0, 0, 0, 1, 0, false},
    {"a range cut by the end", "/data", 99990, 100100, 0, 99990, 10, 0, false},
    {"ignored: skipped and stopped", "/norange", 1000, 2999, 0, 1000, 2000, 0, false},
    {"ignored by a large resource", "/norange?size=4000000", 1000, 2999, 0, 1000, 2000, 0, false},
    {"ignored: to the end", "/norange", 1000, -1, 0, 1000, 99000, 0, false},
    {"ignored: cut by the end", "/norange", 99000, 200000, 0, 99000, 1000, 0, false},
    {"ignored: beyond the end", "/norange?size=500", 1000, 2999, 0, 0, 0, WEIR_ERR_HTTP, false},
    {"beyond the end", "/data", 100000, 100010, 0, 0, 0, WEIR_ERR_HTTP, false},
    {"another range than asked", "/wrongrange", 1000, 2999, 0, 0, 0, WEIR_ERR_HTTP, false},
    {"half of the range", "/halfrange", 1000, 2999, 0, 1000, 1000, WEIR_ERR_NETWORK, true},
    {"resumed range", "/data", 1000, 2999, 500, 1000, 2000, 0, false},
    {"resumed whole", "/data", -1, -1, 500, 0, 100000, 0, false},
    {"resumed, range ignored", "/norange", 1000, 2999, 500, 1000, 2000, 0, false},
    {"resumed whole, range ignored", "/norange", -1, -1, 500, 0, 100000, 0, false},
    {"nothing left of a range", "/data", 1000, 2999, 2000, 1000, 2000, 0, false},
    {"nothing left of the whole", "/data", -1, -1, 100000, 0, 100000, 0, false},
    {"empty resource", "/data?size=0", -1, -1, 0, 0, 0, 0, false},
    {"empty for a range", "/norange?size=0", 0, 9, 0, 0, 0, WEIR_ERR_HTTP, false},
};

static void run_range_case(struct fixture *f, const struct range_case *c)
{
    struct weir_segment *s = harness_segment(&f->h);
    int64_t first = c->first > 0 ? c->first : 0;
    for (int64_t i = 0; i < c->resume; i++) {
        uint8_t b = server_byte((uint64_t)(first + i));
        assert_int_equal(weir_segment_append(s, &b, 1), 0);
    }
    struct weir_transfer t = {.url = server_url(f->server, c->path),
                              .first_byte = c->first,
                              .last_byte = c->last,
                              .resume_bytes = c->resume,
                              .segment = s};
    struct outcome o = harness_run(&f->h, t);
    if (o.err != c->err || o.retryable != c->retryable)
        fail_msg("%s: %d (%s, %s), retryable %d", c->name, o.err, o.error.what, o.error.why,
                 o.retryable);
    if (weir_segment_length(s) != (size_t)c->count)
        fail_msg("%s: %zu bytes", c->name, weir_segment_length(s));
    harness_check_pattern(s, (uint64_t)c->from, (size_t)c->count);
    if (!o.err)
        assert_int_equal(o.bytes, c->count - c->resume);
    weir_segment_unref(&s);
}

static void test_ranges(void **state)
{
    for (size_t i = 0; i < sizeof range_cases / sizeof *range_cases; i++)
        run_range_case(*state, &range_cases[i]);
}

static void test_cut_body_is_resumed(void **state)
{
    struct fixture *f = *state;
    struct weir_segment *s = harness_segment(&f->h);
    struct weir_transfer t = {.url = server_url(f->server, "/flaky?size=100000"),
                              .first_byte = -1,
                              .last_byte = -1,
                              .segment = s};
    struct outcome o = harness_run(&f->h, t);
    assert_int_equal(o.err, WEIR_ERR_NETWORK);
    assert_true(o.retryable);
    assert_int_equal(weir_segment_state(s), WEIR_SEGMENT_OPEN);
    assert_int_equal(weir_segment_length(s), o.bytes);
    assert_true(o.bytes > 0 && o.bytes < 100000);
    t.resume_bytes = o.bytes;
    struct outcome rest = harness_run(&f->h, t);
    assert_int_equal(rest.err, 0);
    assert_int_equal(rest.bytes, 100000 - o.bytes);
    assert_int_equal(f->h.copies.net_bytes, 100000);
    harness_check_pattern(s, 0, 100000);
    weir_segment_unref(&s);
}

static const struct {
    int status, err;
    bool retryable;
    int64_t retry_after_us;
} status_cases[] = {
    {204, WEIR_ERR_HTTP, false, WEIR_TIME_NONE},
    {304, WEIR_ERR_HTTP, false, WEIR_TIME_NONE},
    {400, WEIR_ERR_HTTP, false, WEIR_TIME_NONE},
    {401, WEIR_ERR_HTTP, false, WEIR_TIME_NONE},
    {403, WEIR_ERR_HTTP, false, WEIR_TIME_NONE},
    {404, WEIR_ERR_NOT_FOUND, false, WEIR_TIME_NONE},
    {408, WEIR_ERR_HTTP, true, WEIR_TIME_NONE},
    {410, WEIR_ERR_NOT_FOUND, false, WEIR_TIME_NONE},
    {429, WEIR_ERR_HTTP, true, WEIR_TIME_NONE},
    {500, WEIR_ERR_HTTP, true, WEIR_TIME_NONE},
    {503, WEIR_ERR_HTTP, true, 7 * WEIR_SECOND_US},
};

static void test_statuses(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof status_cases / sizeof *status_cases; i++) {
        char path[64], text[256];
        snprintf(path, sizeof path, "/status?code=%d", status_cases[i].status);
        struct outcome o = harness_get(&f->h, server_url(f->server, path), NULL, text, sizeof text);
        assert_int_equal(o.err, status_cases[i].err);
        assert_int_equal(o.http_status, status_cases[i].status);
        assert_int_equal(o.error.http_status, status_cases[i].status);
        assert_int_equal(o.retryable, status_cases[i].retryable);
        assert_true(o.retry_after_us == status_cases[i].retry_after_us);
        assert_string_equal(text, ""); // an error's page is not media
    }
}

static void test_refused_connection(void **state)
{
    struct fixture *f = *state;
    char text[64];
    struct server *gone = server_start(NULL, NULL);
    const char *url = server_url(gone, "/data");
    server_stop(&gone);
    struct outcome o = harness_get(&f->h, url, NULL, text, sizeof text);
    assert_int_equal(o.err, WEIR_ERR_NETWORK);
    assert_true(o.retryable);
    assert_int_equal(o.http_status, 0);
    assert_string_equal(o.error.where, url);
    assert_non_null(strstr(o.error.why, "refused"));
    assert_true(o.t_request_us == WEIR_TIME_NONE);
}

static void test_unknown_host(void **state)
{
    struct fixture *f = *state;
    char text[64];
    struct outcome o = harness_get(&f->h, "http://no.such.host.invalid/", NULL, text, sizeof text);
    assert_int_equal(o.err, WEIR_ERR_NOT_FOUND);
    assert_false(o.retryable);
}

static void test_urls_that_are_refused(void **state)
{
    struct fixture *f = *state;
    char text[64];
    assert_int_equal(harness_get(&f->h, "ftp://127.0.0.1/x", NULL, text, sizeof text).err,
                     WEIR_ERR_UNSUPPORTED);
    assert_int_equal(harness_get(&f->h, "relative/path", NULL, text, sizeof text).err,
                     WEIR_ERR_UNSUPPORTED);
    assert_int_equal(harness_get(&f->h, "file:///etc/hostname", NULL, text, sizeof text).err,
                     WEIR_ERR_DENIED);
    struct outcome o = harness_get(&f->h, "http://exa mple:99999999/", NULL, text, sizeof text);
    assert_int_not_equal(o.err, 0);
    assert_false(o.retryable);
}

static void test_first_byte_timeout(void **state)
{
    struct fixture *f = *state;
    struct weir_curl_params p = {.first_byte_timeout_us = 100000};
    struct harness h;
    char text[64];
    harness_init(&h, &p, 0, 0);
    struct outcome o =
        harness_get(&h, server_url(f->server, "/slow?ms=1500"), NULL, text, sizeof text);
    assert_int_equal(o.err, WEIR_ERR_TIMEOUT);
    assert_true(o.retryable);
    assert_true(o.t_request_us != WEIR_TIME_NONE && o.t_first_byte_us == WEIR_TIME_NONE);
    o = harness_get(&h, server_url(f->server, "/slow?ms=1"), NULL, text, sizeof text);
    assert_int_equal(o.err, 0);
    assert_string_equal(text, "slow");
    harness_clear(&h);
}

static void test_stalled_body_times_out(void **state)
{
    struct fixture *f = *state;
    struct weir_curl_params p = {.low_speed_time_us = 300000};
    struct harness h;
    char text[4096];
    harness_init(&h, &p, 0, 0);
    struct outcome o = harness_get(&h, server_url(f->server, "/stall"), NULL, text, sizeof text);
    assert_int_equal(o.err, WEIR_ERR_TIMEOUT);
    assert_true(o.retryable);
    assert_int_equal(o.bytes, 1000);
    harness_clear(&h);
}

static void test_body_larger_than_a_segment(void **state)
{
    struct fixture *f = *state;
    struct harness h;
    harness_init(&h, NULL, 1 << 20, 0);
    struct weir_segment *s = harness_segment(&h);
    struct weir_transfer t = {.url = server_url(f->server, "/data?size=3000000"),
                              .first_byte = -1,
                              .last_byte = -1,
                              .segment = s};
    struct outcome o = harness_run(&h, t);
    assert_int_equal(o.err, WEIR_ERR_TOO_BIG);
    assert_false(o.retryable);
    weir_segment_unref(&s);
    harness_clear(&h);
}

static void test_memory_limit(void **state)
{
    struct fixture *f = *state;
    struct harness h;
    harness_init(&h, NULL, 8 << 20, 1 << 20);
    struct weir_segment *s = harness_segment(&h);
    struct weir_transfer t = {.url = server_url(f->server, "/data?size=3000000"),
                              .first_byte = -1,
                              .last_byte = -1,
                              .segment = s};
    assert_int_equal(harness_run(&h, t).err, WEIR_ERR_LIMIT);
    weir_segment_unref(&s);
    harness_clear(&h);
}

static void test_document_is_unpacked(void **state)
{
    struct fixture *f = *state;
    char text[2048];
    struct outcome o = harness_get(&f->h, server_url(f->server, "/gzip"), NULL, text, sizeof text);
    assert_int_equal(o.err, 0);
    assert_int_equal(strlen(text), 1000);
    assert_memory_equal(text, "weir weir ", 10);
    assert_int_equal(o.length_bytes, -1); // the declared one is that of the packed form
}

static void test_garbage_instead_of_http(void **state)
{
    struct fixture *f = *state;
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof addr;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof addr), 0);
    assert_int_equal(listen(fd, 4), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&addr, &len), 0);
    char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%d/", ntohs(addr.sin_port));
    struct weir_segment *s = harness_segment(&f->h);
    struct weir_transfer t = {
        .id = 77, .url = url, .origin_url = url, .first_byte = -1, .last_byte = -1, .segment = s};
    struct weir_transfer_event ev[2];
    assert_int_equal(f->h.transport->ops->start(f->h.transport, &t, NULL), 0);
    assert_int_equal(f->h.transport->ops->pump(f->h.transport, 0, ev, 2), 0);
    int con = accept(fd, NULL, NULL);
    assert_true(con >= 0);
    assert_int_equal(write(con, "SSH-2.0-OpenSSH_9\r\n", 19), 19);
    close(con);
    int count = 0;
    for (int i = 0; i < 20 && !count; i++)
        count = f->h.transport->ops->pump(f->h.transport, WEIR_SECOND_US, ev, 2);
    assert_int_equal(count, 1);
    assert_int_equal(ev[0].kind, WEIR_TRANSFER_FAILED);
    assert_int_equal(ev[0].err, WEIR_ERR_HTTP);
    close(fd);
    weir_segment_unref(&s);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_whole_body_is_copied_once),
        CASE(test_head_brings_the_length_alone),
        CASE(test_ranges),
        CASE(test_cut_body_is_resumed),
        CASE(test_statuses),
        CASE(test_refused_connection),
        CASE(test_unknown_host),
        CASE(test_urls_that_are_refused),
        CASE(test_first_byte_timeout),
        CASE(test_stalled_body_times_out),
        CASE(test_body_larger_than_a_segment),
        CASE(test_memory_limit),
        CASE(test_document_is_unpacked),
        CASE(test_garbage_instead_of_http),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
