// tests/net/test_policy.c — who is told what: headers, credentials, referer and cookies by origin,
// over redirects too; and which redirects are followed. Two servers on two ports are two origins.
#include "harness.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const char *const own_headers[] = {"X-Token: secret", "X-Other: 1"};

struct fixture {
    struct harness h;
    struct server *here, *there;
    char text[8192]; // of the last document
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    f->here = server_start(NULL, NULL);
    f->there = server_start(NULL, NULL);
    assert_true(f->here && f->there);
    struct weir_curl_params p = {
        .headers = own_headers, .header_count = 2, .referer = "http://referring.example/"};
    harness_init(&f->h, &p, 0, 0);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    harness_clear(&f->h);
    server_stop(&f->here);
    server_stop(&f->there);
    free(f);
    return 0;
}

static struct outcome get(struct fixture *f, const char *url, const char *origin)
{
    return harness_get(&f->h, url, origin, f->text, sizeof f->text);
}

// A URL on `from` that redirects to `to`.
static const char *via(struct server *from, const char *to, int code)
{
    static char paths[4][700];
    static unsigned next;
    char *path = paths[next++ % 4];
    if (code == 302) // the server's default; no '&', so that these can be nested
        snprintf(path, sizeof paths[0], "/redirect?to=%s", to);
    else
        snprintf(path, sizeof paths[0], "/redirect?code=%d&to=%s", code, to);
    return server_url(from, path);
}

static void check_told(const struct fixture *f, bool told)
{
    assert_int_equal(strstr(f->text, "X-Token: secret") != NULL, told);
    assert_int_equal(strstr(f->text, "X-Other: 1") != NULL, told);
    assert_int_equal(strstr(f->text, "Referer: http://referring.example/") != NULL, told);
    assert_non_null(strstr(f->text, "User-Agent: weir/" WEIR_VERSION_STRING "\n"));
}

static void test_headers_go_to_the_origin(void **state)
{
    struct fixture *f = *state;
    const char *here = server_url(f->here, "/echo"), *there = server_url(f->there, "/echo");
    assert_int_equal(get(f, here, here).err, 0);
    check_told(f, true);
    assert_int_equal(get(f, there, here).err, 0);
    check_told(f, false);
}

static void test_headers_over_redirects(void **state)
{
    struct fixture *f = *state;
    const char *here = server_url(f->here, "/echo"), *there = server_url(f->there, "/echo");
    struct outcome o = get(f, via(f->here, here, 302), here);
    assert_int_equal(o.err, 0);
    assert_string_equal(o.effective_url, here);
    check_told(f, true);
    o = get(f, via(f->here, there, 302), here);
    assert_int_equal(o.err, 0);
    assert_string_equal(o.effective_url, there);
    check_told(f, false);
    o = get(f, via(f->there, here, 302), here); // out and back in
    assert_int_equal(o.err, 0);
    check_told(f, true);
}

static void test_redirects_keep_the_range(void **state)
{
    static const int codes[] = {301, 302, 303, 307, 308};
    struct fixture *f = *state;
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        struct weir_segment *s = harness_segment(&f->h);
        struct weir_transfer t = {.url = via(f->here, server_url(f->there, "/data"), codes[i]),
                                  .first_byte = 500,
                                  .last_byte = 599,
                                  .segment = s};
        assert_int_equal(harness_run(&f->h, t).err, 0);
        harness_check_pattern(s, 500, 100);
        weir_segment_unref(&s);
    }
}

static void test_relative_redirect(void **state)
{
    struct fixture *f = *state;
    struct outcome o = get(f, via(f->here, "/cookie", 302), NULL);
    assert_int_equal(o.err, 0);
    assert_string_equal(o.effective_url, server_url(f->here, "/cookie"));
}

static void test_circle(void **state)
{
    struct fixture *f = *state;
    struct outcome o = get(f, server_url(f->here, "/circle"), NULL);
    assert_int_equal(o.err, WEIR_ERR_HTTP);
    assert_false(o.retryable);
    assert_non_null(strstr(o.error.what, "circle"));
    assert_int_equal(server_requests(f->here), 11);
}

static void test_too_many_redirects(void **state)
{
    struct fixture *f = *state;
    struct weir_curl_params p = {.max_redirects = 1};
    struct harness h;
    harness_init(&h, &p, 0, 0);
    const char *end = server_url(f->here, "/echo");
    struct outcome o = harness_get(&h, via(f->here, end, 302), NULL, f->text, sizeof f->text);
    assert_int_equal(o.err, 0);
    o = harness_get(&h, via(f->here, via(f->there, end, 302), 302), NULL, f->text, sizeof f->text);
    assert_int_equal(o.err, WEIR_ERR_HTTP);
    assert_non_null(strstr(o.error.what, "too many"));
    harness_clear(&h);
}

static void test_redirect_to_a_file_is_refused(void **state)
{
    struct fixture *f = *state;
    struct weir_segment *s = harness_segment(&f->h);
    struct weir_transfer t = {.url = via(f->here, "file:///etc/hostname", 302),
                              .first_byte = -1,
                              .last_byte = -1,
                              .segment = s,
                              .allow_file = true};
    struct outcome o = harness_run(&f->h, t);
    assert_int_equal(o.err, WEIR_ERR_DENIED);
    assert_false(o.retryable);
    assert_int_equal(weir_segment_length(s), 0);
    weir_segment_unref(&s);
}

static void test_session_cookies(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(get(f, server_url(f->here, "/cookie"), NULL).err, 0);
    assert_int_equal(get(f, server_url(f->here, "/echo"), NULL).err, 0);
    assert_non_null(strstr(f->text, "Cookie: sid=42"));
}

static void test_redirect_to_itself_with_a_cookie(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(get(f, server_url(f->here, "/cookie-bounce"), NULL).err, 0);
    assert_string_equal(f->text, "welcome");
}

static const char *temporary_file(const char *content)
{
    static char path[64];
    snprintf(path, sizeof path, "/tmp/weir-test-net-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, content, strlen(content)), strlen(content));
    close(fd);
    return path;
}

static void test_cookie_file(void **state)
{
    struct fixture *f = *state;
    const char *path = temporary_file("# Netscape HTTP Cookie File\n"
                                      "127.0.0.1\tFALSE\t/\tFALSE\t0\ttaste\toat\n"
                                      "127.0.0.1\tFALSE\t/\tFALSE\t0\tsid\t41\n"
                                      "elsewhere.example\tFALSE\t/\tFALSE\t0\tother\t1\n");
    struct weir_curl_params p = {.cookie_file = path};
    struct harness h;
    harness_init(&h, &p, 0, 0);
    const char *echo = server_url(f->here, "/echo");
    assert_int_equal(harness_get(&h, echo, NULL, f->text, sizeof f->text).err, 0);
    assert_non_null(strstr(f->text, "taste=oat"));
    assert_non_null(strstr(f->text, "sid=41"));
    assert_null(strstr(f->text, "other"));
    // What the server sets replaces the file's, and the file is not read again.
    harness_get(&h, server_url(f->here, "/cookie"), NULL, f->text, sizeof f->text);
    assert_int_equal(harness_get(&h, echo, NULL, f->text, sizeof f->text).err, 0);
    assert_non_null(strstr(f->text, "sid=42"));
    assert_null(strstr(f->text, "sid=41"));
    harness_clear(&h);
    unlink(path);
}

static void user_url(char *out, size_t size, struct server *s, const char *path)
{
    snprintf(out, size, "http://us%%65r:pw@127.0.0.1:%d%s", server_port(s), path);
}

static void test_credentials_in_the_url(void **state)
{
    struct fixture *f = *state;
    char origin[128];
    user_url(origin, sizeof origin, f->here, "/auth");
    assert_int_equal(get(f, origin, origin).err, 0);
    assert_string_equal(f->text, "Basic dXNlcjpwdw==");
    // Another URL of that origin needs no user of its own; another origin learns nothing.
    assert_int_equal(get(f, server_url(f->here, "/auth"), origin).err, 0);
    assert_string_equal(f->text, "Basic dXNlcjpwdw==");
    assert_int_equal(get(f, server_url(f->there, "/auth"), origin).http_status, 401);
    struct outcome o = get(f, via(f->here, server_url(f->there, "/auth"), 302), origin);
    assert_int_equal(o.err, WEIR_ERR_HTTP);
    assert_int_equal(o.http_status, 401);
    assert_true(o.error.hint[0] != 0);
}

static void test_messages_hide_credentials(void **state)
{
    struct fixture *f = *state;
    char url[128];
    user_url(url, sizeof url, f->here, "/nothing?token=abc");
    struct outcome o = get(f, url, url);
    assert_int_equal(o.err, WEIR_ERR_NOT_FOUND);
    assert_null(strstr(o.error.where, "pw"));
    assert_null(strstr(o.error.where, "abc"));
    assert_non_null(strstr(o.error.where, "/nothing"));
}

static void test_netrc_is_for_the_origin(void **state)
{
    struct fixture *f = *state;
    char directory[] = "/tmp/weir-test-netrc-XXXXXX", path[64], *home = getenv("HOME");
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/.netrc", directory);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs("machine 127.0.0.1 login user password pw\n", file);
    fclose(file);
    char *old_home = home ? strdup(home) : NULL;
    setenv("HOME", directory, 1);
    struct weir_curl_params p = {.netrc = true};
    struct harness h;
    harness_init(&h, &p, 0, 0);
    const char *here = server_url(f->here, "/auth"), *there = server_url(f->there, "/auth");
    assert_int_equal(harness_get(&h, here, here, f->text, sizeof f->text).err, 0);
    assert_string_equal(f->text, "Basic dXNlcjpwdw==");
    assert_int_equal(harness_get(&h, there, here, f->text, sizeof f->text).http_status, 401);
    harness_clear(&h);
    if (old_home)
        setenv("HOME", old_home, 1);
    free(old_home);
    unlink(path);
    rmdir(directory);
}

static void test_proxy(void **state)
{
    struct fixture *f = *state;
    struct weir_curl_params p = {.proxy = server_url(f->there, "")};
    struct harness h;
    harness_init(&h, &p, 0, 0);
    h.transport->ops->warm(h.transport, "http://127.0.0.1:9/", 2); // must not go round the proxy
    struct outcome o =
        harness_get(&h, "http://no.such.host.invalid/x", NULL, f->text, sizeof f->text);
    assert_int_equal(o.http_status, 404); // the proxy's word: the name is never looked up here
    assert_int_equal(server_requests(f->there), 1);
    harness_clear(&h);
}

static void test_parameters_that_are_refused(void **state)
{
    static const char *const no_colon[] = {"nonsense"}, *const two_lines[] = {"A: b\r\nC: d"};
    struct weir_clock clock = weir_clock_monotonic();
    const struct {
        struct weir_curl_params params;
        int err;
    } cases[] = {
        {{0}, WEIR_ERR_INVAL}, // no clock
        {{.clock = clock, .headers = no_colon, .header_count = 1}, WEIR_ERR_INVAL},
        {{.clock = clock, .headers = two_lines, .header_count = 1}, WEIR_ERR_INVAL},
        {{.clock = clock, .http_version = 9}, WEIR_ERR_INVAL},
        {{.clock = clock, .ca_file = "/does/not/exist"}, WEIR_ERR_INVAL},
        {{.clock = clock, .cookie_file = "/does/not/exist"}, WEIR_ERR_INVAL},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct weir_transport *t;
        struct weir_error error = {0};
        assert_int_equal(weir_curl_transport_create(&cases[i].params, &t, &error), cases[i].err);
        assert_null(t);
        assert_int_equal(error.code, cases[i].err);
    }
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(test_headers_go_to_the_origin),
        CASE(test_headers_over_redirects),
        CASE(test_redirects_keep_the_range),
        CASE(test_relative_redirect),
        CASE(test_circle),
        CASE(test_too_many_redirects),
        CASE(test_redirect_to_a_file_is_refused),
        CASE(test_session_cookies),
        CASE(test_redirect_to_itself_with_a_cookie),
        CASE(test_cookie_file),
        CASE(test_credentials_in_the_url),
        CASE(test_messages_hide_credentials),
        CASE(test_netrc_is_for_the_origin),
        CASE(test_proxy),
        cmocka_unit_test(test_parameters_that_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
