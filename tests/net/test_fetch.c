// tests/net/test_fetch.c — the blocking fetch, over HTTP and from files, and the transport's file
// URLs.
#include "harness.h"
#include "net/fetch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/url.h"
#include <cmocka.h>

enum { FILE_BYTES = 700000 }; // several pieces

struct fixture {
    struct server *server;
    char directory[64], path[128], url[256];
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    f->server = server_start(NULL, NULL);
    assert_non_null(f->server);
    snprintf(f->directory, sizeof f->directory, "/tmp/weir-test-fetch-XXXXXX");
    assert_non_null(mkdtemp(f->directory));
    snprintf(f->path, sizeof f->path, "%s/a file#1.bin", f->directory);
    FILE *file = fopen(f->path, "wb");
    assert_non_null(file);
    for (int i = 0; i < FILE_BYTES; i++)
        fputc(server_byte((uint64_t)i), file);
    fclose(file);
    assert_true(weir_url_from_path(f->path, f->url, sizeof f->url) > 0);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    server_stop(&f->server);
    unlink(f->path);
    rmdir(f->directory);
    free(f);
    return 0;
}

static int fetch(const char *url, int64_t first, int64_t last, size_t max_bytes,
                 struct weir_fetch_result *r, struct weir_error *error)
{
    struct weir_fetch_request req = {.url = url,
                                     .first_byte = first,
                                     .last_byte = last,
                                     .max_bytes = max_bytes,
                                     .allow_file = true};
    *error = (struct weir_error){0};
    return weir_fetch_blocking(&req, r, error);
}

static void check_bytes(const struct weir_fetch_result *r, uint64_t offset, size_t count)
{
    assert_int_equal(r->size_bytes, count);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(r->data[i], server_byte(offset + i));
    assert_int_equal(r->data[count], 0);
}

static void test_http(void **state)
{
    struct fixture *f = *state;
    struct weir_fetch_result r;
    struct weir_error error;
    assert_int_equal(fetch(server_url(f->server, "/data?size=70000"), -1, -1, 0, &r, &error), 0);
    check_bytes(&r, 0, 70000);
    assert_int_equal(r.http_status, 200);
    weir_fetch_result_clear(&r);
    assert_null(r.data);
    assert_int_equal(fetch(server_url(f->server, "/data?size=70000"), 10, 19, 0, &r, &error), 0);
    check_bytes(&r, 10, 10);
    assert_int_equal(r.http_status, 206);
    weir_fetch_result_clear(&r);
}

static void test_redirected(void **state)
{
    struct fixture *f = *state;
    struct weir_fetch_result r;
    struct weir_error error;
    assert_int_equal(fetch(server_url(f->server, "/redirect?to=/echo"), -1, -1, 0, &r, &error), 0);
    assert_string_equal(r.effective_url, server_url(f->server, "/echo"));
    weir_fetch_result_clear(&r);
}

static void test_failures(void **state)
{
    struct fixture *f = *state;
    struct weir_fetch_result r;
    struct weir_error error;
    char directory_url[128];
    snprintf(directory_url, sizeof directory_url, "file://%s", f->directory);
    const struct {
        const char *url;
        size_t max_bytes;
        int err, status;
    } cases[] = {
        {server_url(f->server, "/nothing"), 0, WEIR_ERR_NOT_FOUND, 404},
        {server_url(f->server, "/status?code=500"), 0, WEIR_ERR_HTTP, 500},
        {server_url(f->server, "/data?size=5001"), 5000, WEIR_ERR_TOO_BIG, 200},
        {server_url(f->server, "/data?size=500000"), 5000, WEIR_ERR_TOO_BIG, 200},
        {"file:///does/not/exist", 0, WEIR_ERR_NOT_FOUND, 0},
        {directory_url, 0, WEIR_ERR_NOT_FOUND, 0},
        {"file:///dev/zero", 0, WEIR_ERR_UNSUPPORTED, 0},
        {f->url, 5000, WEIR_ERR_TOO_BIG, 0},
        {"nonsense", 0, WEIR_ERR_UNSUPPORTED, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int err = fetch(cases[i].url, -1, -1, cases[i].max_bytes, &r, &error);
        if (err != cases[i].err || r.http_status != cases[i].status)
            fail_msg("%s: %d, status %d", cases[i].url, err, r.http_status);
        assert_int_equal(error.code, err);
        assert_true(error.where[0] && error.what[0]);
        assert_null(r.data);
    }
}

static void test_file(void **state)
{
    struct fixture *f = *state;
    struct weir_fetch_result r;
    struct weir_error error;
    assert_int_equal(fetch(f->url, -1, -1, 0, &r, &error), 0);
    check_bytes(&r, 0, FILE_BYTES);
    assert_int_equal(r.http_status, 0);
    assert_string_equal(r.effective_url, f->url);
    weir_fetch_result_clear(&r);
    assert_int_equal(fetch(f->url, 300, 399, 0, &r, &error), 0);
    check_bytes(&r, 300, 100);
    weir_fetch_result_clear(&r);
    assert_int_equal(fetch(f->url, FILE_BYTES - 5, FILE_BYTES + 5, 0, &r, &error), 0);
    check_bytes(&r, FILE_BYTES - 5, 5);
    weir_fetch_result_clear(&r);
    assert_int_equal(fetch(f->url, FILE_BYTES, -1, 0, &r, &error), WEIR_ERR_INVAL);
}

static void test_file_needs_leave(void **state)
{
    struct fixture *f = *state;
    struct weir_fetch_request req = {.url = f->url, .first_byte = -1, .last_byte = -1};
    struct weir_fetch_result r;
    struct weir_error error = {0};
    assert_int_equal(weir_fetch_blocking(&req, &r, &error), WEIR_ERR_DENIED);
}

static void test_file_through_the_transport(void **state)
{
    struct fixture *f = *state;
    struct harness h;
    harness_init(&h, NULL, 0, 0);
    struct weir_segment *s = harness_segment(&h);
    struct weir_transfer t = {
        .url = f->url, .first_byte = 100, .last_byte = 699099, .segment = s, .allow_file = true};
    struct outcome o = harness_run(&h, t);
    assert_int_equal(o.err, 0);
    assert_true(o.from_cache);
    assert_int_equal(o.length_bytes, 699000);
    harness_check_pattern(s, 100, 699000);
    assert_int_equal(h.copies.net_bytes, 699000);
    weir_segment_unref(&s);
    harness_clear(&h);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_http), CASE(test_redirected),       CASE(test_failures),
        CASE(test_file), CASE(test_file_needs_leave), CASE(test_file_through_the_transport),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
