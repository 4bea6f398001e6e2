// tests/sim/test_server.c — the trace-shaped server over real sockets: ranges, keep-alive, the
// round trip, the rate, the log. Bounds on time are wide below, since a busy machine only makes
// things later, and the server may never be faster than the link it plays.
#include "cmocka_all.h"

#include <jansson.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "http_client.h"
#include "sim/server.h"

#define FILE_BYTES 2000000

static char folder[] = "/tmp/weir-server-XXXXXX";
static unsigned char content[FILE_BYTES];

static int setup(void **state)
{
    (void)state;
    char path[128];
    (void)signal(SIGPIPE, SIG_IGN);
    if (!mkdtemp(folder))
        return -1;
    for (size_t i = 0; i < FILE_BYTES; i++)
        content[i] = (unsigned char)((i * 2654435761U) >> 13);
    (void)snprintf(path, sizeof(path), "%s/media.mp4", folder);
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(content, 1, FILE_BYTES, f) != FILE_BYTES)
        return -1;
    return fclose(f);
}

static int teardown(void **state)
{
    (void)state;
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/media.mp4", folder);
    (void)unlink(path);
    return rmdir(folder);
}

static struct weir_server *serve(const struct weir_trace *trace, int64_t rtt_us, FILE *log)
{
    struct weir_server_params params;
    struct weir_server *server = NULL;
    struct weir_error e = {0};
    weir_server_params_default(&params);
    params.root = folder;
    params.trace = trace;
    params.rtt_us = rtt_us;
    params.log = log;
    if (weir_server_start(&params, &server, &e) != 0)
        fail_msg("%s: %s (%s)", e.where, e.what, e.why);
    return server;
}

static struct weir_trace *trace_of(const char *text)
{
    struct weir_trace *t = NULL;
    assert_int_equal(weir_trace_parse(text, strlen(text), "test", &t, NULL), 0);
    return t;
}

static const struct {
    const char *name, *method, *path, *headers;
    int status;
    size_t first, bytes; // of the body within the file; bytes 0: not compared
    const char *header, *value;
} cases[] = {
    {"whole", "GET", "/media.mp4", "", 200, 0, FILE_BYTES, "Content-Type", "video/mp4"},
    {"says that it takes ranges", "GET", "/media.mp4", "", 200, 0, FILE_BYTES, "Accept-Ranges",
     "bytes"},
    {"a range", "GET", "/media.mp4", "Range: bytes=1000-1999\r\n", 206, 1000, 1000, "Content-Range",
     "bytes 1000-1999/2000000"},
    {"an open range", "GET", "/media.mp4", "Range: bytes=1999990-\r\n", 206, 1999990, 10,
     "Content-Length", "10"},
    {"a suffix", "GET", "/media.mp4", "Range: bytes=-5\r\n", 206, 1999995, 5, "Content-Range",
     "bytes 1999995-1999999/2000000"},
    {"a range outside", "GET", "/media.mp4", "Range: bytes=2000000-\r\n", 416, 0, 0,
     "Content-Range", "bytes */2000000"},
    {"a range of a file that changed", "GET", "/media.mp4",
     "Range: bytes=0-1\r\nIf-Range: \"old\"\r\n", 200, 0, FILE_BYTES, "Content-Length", "2000000"},
    {"HEAD", "HEAD", "/media.mp4", "", 200, 0, 0, "Content-Length", "2000000"},
    {"HEAD of a range", "HEAD", "/media.mp4", "Range: bytes=0-9\r\n", 206, 0, 0, "Content-Length",
     "10"},
    {"nothing there", "GET", "/none.mp4", "", 404, 0, 0, NULL, NULL},
    {"a folder", "GET", "/", "", 404, 0, 0, NULL, NULL},
    {"outside", "GET", "/../../../../../../etc/passwd", "", 404, 0, 0, NULL, NULL},
    {"outside, encoded", "GET", "/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd", "", 404, 0, 0, NULL,
     NULL},
    {"outside, slashes encoded", "GET", "/..%2f..%2f..%2f..%2fetc%2fpasswd", "", 404, 0, 0, NULL,
     NULL},
    {"an upload", "POST", "/media.mp4", "Content-Length: 0\r\n", 405, 0, 0, "Allow",
     "GET, HEAD, OPTIONS"},
};

// All over one connection: whatever the answer was, the next request is answered too.
static void ask_every_case(struct weir_server *server)
{
    int fd = http_connect(weir_server_port(server));
    assert_true(fd >= 0);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct http_reply r;
        char value[128];
        if (http_ask(fd, cases[i].method, cases[i].path, cases[i].headers, &r) != 0)
            fail_msg("%s: the connection broke", cases[i].name);
        if (r.status != cases[i].status)
            fail_msg("%s: status %d", cases[i].name, r.status);
        if (cases[i].bytes && (r.body_bytes != cases[i].bytes ||
                               memcmp(r.body, content + cases[i].first, r.body_bytes) != 0))
            fail_msg("%s: other bytes", cases[i].name);
        if (cases[i].header) {
            http_header(&r, cases[i].header, value, sizeof(value));
            if (strcmp(value, cases[i].value) != 0)
                fail_msg("%s: %s: %s", cases[i].name, cases[i].header, value);
        }
        http_reply_clear(&r);
    }
    (void)close(fd);
}

static void files_and_ranges_are_served_over_one_connection(void **state)
{
    (void)state;
    struct weir_server *server = serve(NULL, WEIR_TIME_NONE, NULL);
    ask_every_case(server);
    weir_server_stop(&server);
    assert_null(server);
}

static void shaping_changes_no_byte(void **state)
{
    (void)state;
    struct weir_trace *t =
        trace_of("[{\"duration_ms\":1000,\"bandwidth_kbps\":400000,\"latency_ms\":1}]");
    struct weir_server *server = serve(t, WEIR_TIME_NONE, NULL);
    ask_every_case(server);
    weir_server_stop(&server);
    weir_trace_destroy(&t);
}

static void a_new_connection_costs_two_round_trips_and_a_warm_one_costs_one(void **state)
{
    (void)state;
    const int64_t rtt_us = 100000;
    struct weir_server *server = serve(NULL, rtt_us, NULL);
    int fd = http_connect(weir_server_port(server));
    assert_true(fd >= 0);
    struct http_reply first, second;
    assert_int_equal(http_ask(fd, "GET", "/media.mp4", "Range: bytes=0-9\r\n", &first), 0);
    assert_int_equal(http_ask(fd, "GET", "/media.mp4", "Range: bytes=0-9\r\n", &second), 0);
    // The connection was accepted a moment before the request was sent: hence the 10 ms.
    assert_in_range(first.first_us - first.sent_us, 2 * rtt_us - 10000, 2 * rtt_us + 2000000);
    assert_in_range(second.first_us - second.sent_us, rtt_us, rtt_us + 2000000);
    http_reply_clear(&first);
    http_reply_clear(&second);
    (void)close(fd);
    // One that was opened in advance has its own round trip behind it.
    fd = http_connect(weir_server_port(server));
    assert_true(fd >= 0);
    (void)usleep(150000);
    assert_int_equal(http_ask(fd, "GET", "/none", "", &first), 0);
    assert_int_equal(first.status, 404);
    assert_true(first.first_us - first.sent_us >= rtt_us);
    http_reply_clear(&first);
    (void)close(fd);
    weir_server_stop(&server);
}

static void the_latency_of_the_trace_is_the_round_trip_unless_one_is_given(void **state)
{
    (void)state;
    struct weir_trace *t =
        trace_of("[{\"duration_ms\":1000,\"bandwidth_kbps\":100000,\"latency_ms\":100}]");
    struct weir_server *server = serve(t, WEIR_TIME_NONE, NULL);
    struct http_reply r;
    int fd = http_connect(weir_server_port(server));
    assert_int_equal(http_ask(fd, "GET", "/none", "", &r), 0);
    assert_true(r.first_us - r.sent_us >= 190000);
    http_reply_clear(&r);
    (void)close(fd);
    weir_server_stop(&server);
    weir_trace_destroy(&t);
}

// 4 Mbit/s: 1 MB takes 2 s. The pacer's own test shows that shares are exact; here the socket
// follows.
static void the_rate_is_the_trace_s(void **state)
{
    (void)state;
    struct weir_trace *t = trace_of("[{\"duration_ms\":1000,\"bandwidth_kbps\":4000}]");
    struct weir_server *server = serve(t, WEIR_TIME_NONE, NULL);
    struct http_reply r;
    int fd = http_connect(weir_server_port(server));
    assert_int_equal(http_ask(fd, "GET", "/media.mp4", "Range: bytes=0-999999\r\n", &r), 0);
    assert_int_equal(r.body_bytes, 1000000);
    assert_memory_equal(r.body, content, 1000000);
    assert_in_range(r.last_us - r.sent_us, 1940000, 3000000);
    http_reply_clear(&r);
    (void)close(fd);
    weir_server_stop(&server);
    weir_trace_destroy(&t);
}

struct downloader {
    pthread_t thread;
    uint16_t port;
    int failed;
    int64_t last_us;
};

static void *download(void *arg)
{
    struct downloader *d = arg;
    struct http_reply r;
    int fd = http_connect(d->port);
    d->failed = http_ask(fd, "GET", "/media.mp4", "Range: bytes=0-249999\r\n", &r) != 0 ||
                memcmp(r.body, content, 250000) != 0;
    d->last_us = r.last_us;
    http_reply_clear(&r);
    (void)close(fd);
    return NULL;
}

static void connections_share_one_link(void **state)
{
    (void)state;
    struct weir_trace *t = trace_of("[{\"duration_ms\":1000,\"bandwidth_kbps\":4000}]");
    struct weir_server *server = serve(t, WEIR_TIME_NONE, NULL);
    struct downloader d[4];
    struct weir_clock clock = weir_clock_monotonic();
    int64_t began_us = weir_clock_now_us(&clock), first_us = INT64_MAX, last_us = 0;
    for (size_t i = 0; i < 4; i++) {
        d[i].port = weir_server_port(server);
        assert_int_equal(pthread_create(&d[i].thread, NULL, download, &d[i]), 0);
    }
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(d[i].thread, NULL), 0);
        assert_int_equal(d[i].failed, 0);
        first_us = d[i].last_us < first_us ? d[i].last_us : first_us;
        last_us = d[i].last_us > last_us ? d[i].last_us : last_us;
    }
    // 1 MB together in 2 s, all of them to the end: served one after another the first would take
    // 0.5 s.
    assert_in_range(last_us - began_us, 1940000, 3500000);
    assert_true(first_us - began_us > 1200000);
    weir_server_stop(&server);
    weir_trace_destroy(&t);
}

static void the_log_has_a_line_for_each_request(void **state)
{
    (void)state;
    char *text = NULL;
    size_t size_bytes = 0;
    FILE *log = open_memstream(&text, &size_bytes);
    assert_non_null(log);
    struct weir_server *server = serve(NULL, WEIR_TIME_NONE, log);
    struct http_reply r;
    int fd = http_connect(weir_server_port(server));
    assert_int_equal(http_ask(fd, "GET", "/media.mp4", "Range: bytes=5-9\r\n", &r), 0);
    http_reply_clear(&r);
    assert_int_equal(http_ask(fd, "GET", "/%22%0a%ff", "", &r), 0); // a quote, a newline, no UTF-8
    http_reply_clear(&r);
    (void)close(fd);
    weir_server_stop(&server);
    (void)fclose(log);
    json_t *first = json_loads(text, JSON_DISABLE_EOF_CHECK, NULL);
    const char *newline = strchr(text, '\n');
    assert_non_null(newline);
    json_t *second = json_loads(newline + 1, JSON_DISABLE_EOF_CHECK, NULL);
    assert_non_null(first);
    assert_non_null(second);
    assert_string_equal(json_string_value(json_object_get(first, "path")), "/media.mp4");
    assert_string_equal(json_string_value(json_object_get(first, "range")), "bytes=5-9");
    assert_int_equal(json_integer_value(json_object_get(first, "status")), 206);
    assert_int_equal(json_integer_value(json_object_get(first, "bytes")), 5);
    double start = json_number_value(json_object_get(first, "start"));
    double first_byte = json_number_value(json_object_get(first, "first_byte"));
    double end = json_number_value(json_object_get(first, "end"));
    assert_true(start >= 0 && start <= first_byte && first_byte <= end);
    assert_true(json_number_value(json_object_get(first, "t")) >= end);
    assert_true(json_is_null(json_object_get(second, "range")));
    assert_int_equal(json_integer_value(json_object_get(second, "status")), 404);
    json_decref(first);
    json_decref(second);
    free(text);
}

// Stopped in the middle of everything: responses without credit, round trips not over.
static void it_stops_with_requests_open(void **state)
{
    (void)state;
    struct weir_trace *t = trace_of("[{\"duration_ms\":1000,\"bandwidth_kbps\":8}]");
    struct weir_server *server = serve(t, 50000, NULL);
    int fds[3];
    for (size_t i = 0; i < 3; i++) {
        static const char request[] = "GET /media.mp4 HTTP/1.1\r\nHost: test\r\n\r\n";
        fds[i] = http_connect(weir_server_port(server));
        assert_true(fds[i] >= 0);
        assert_int_equal(write(fds[i], request, sizeof(request) - 1), sizeof(request) - 1);
        (void)usleep(60000); // the first sends by then, the last waits
    }
    weir_server_stop(&server);
    assert_null(server);
    for (size_t i = 0; i < 3; i++)
        (void)close(fds[i]);
    weir_trace_destroy(&t);
}

static void a_client_that_goes_away_leaves_the_link_to_others(void **state)
{
    (void)state;
    struct weir_trace *t = trace_of("[{\"duration_ms\":1000,\"bandwidth_kbps\":8000}]");
    struct weir_server *server = serve(t, 0, NULL);
    static const char request[] = "GET /media.mp4 HTTP/1.1\r\nHost: test\r\n\r\n";
    for (int i = 0; i < 5; i++) {
        int fd = http_connect(weir_server_port(server));
        assert_int_equal(write(fd, request, sizeof(request) - 1), sizeof(request) - 1);
        (void)usleep(20000);
        (void)close(fd);
    }
    struct http_reply r;
    int fd = http_connect(weir_server_port(server));
    assert_int_equal(http_ask(fd, "GET", "/media.mp4", "Range: bytes=0-999999\r\n", &r), 0);
    assert_in_range(r.last_us - r.sent_us, 940000,
                    2500000); // 1 s alone; 6 s if the dead had shares
    http_reply_clear(&r);
    (void)close(fd);
    weir_server_stop(&server);
    weir_trace_destroy(&t);
}

static void what_cannot_be_served_is_refused(void **state)
{
    (void)state;
    struct weir_server_params params;
    struct weir_server *server = NULL;
    struct weir_error e = {0};
    weir_server_params_default(&params);
    params.root = "/nonexistent";
    assert_int_equal(weir_server_start(&params, &server, &e), WEIR_ERR_NOT_FOUND);
    assert_null(server);
    params.root = "/dev/null";
    assert_int_equal(weir_server_start(&params, &server, &e), WEIR_ERR_NOT_FOUND);
    struct weir_server *other = serve(NULL, WEIR_TIME_NONE, NULL);
    params.root = folder;
    params.port = weir_server_port(other);
    assert_int_equal(weir_server_start(&params, &server, &e), WEIR_ERR_OUTPUT);
    assert_true(e.why[0] != '\0');
    weir_server_stop(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_and_ranges_are_served_over_one_connection),
        cmocka_unit_test(shaping_changes_no_byte),
        cmocka_unit_test(a_new_connection_costs_two_round_trips_and_a_warm_one_costs_one),
        cmocka_unit_test(the_latency_of_the_trace_is_the_round_trip_unless_one_is_given),
        cmocka_unit_test(the_rate_is_the_trace_s),
        cmocka_unit_test(connections_share_one_link),
        cmocka_unit_test(the_log_has_a_line_for_each_request),
        cmocka_unit_test(it_stops_with_requests_open),
        cmocka_unit_test(a_client_that_goes_away_leaves_the_link_to_others),
        cmocka_unit_test(what_cannot_be_served_is_refused),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
