// tests/net/test_tls.c — TLS against a server with a certificate nobody signed, made by the openssl
// command. Skipped (exit 77) where that command or libmicrohttpd's TLS is missing.
#include "certificate.h"
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

static struct {
    struct certificate cert;
    struct server *server;
} shared;

static struct outcome get(const struct weir_curl_params *params, char *text, size_t size)
{
    struct harness h;
    char url[64];
    snprintf(url, sizeof url, "https://127.0.0.1:%d/echo", server_port(shared.server));
    harness_init(&h, params, 0, 0);
    struct outcome o = harness_get(&h, url, NULL, text, size);
    harness_clear(&h);
    return o;
}

static void test_untrusted_certificate(void **state)
{
    char text[4096];
    (void)state;
    struct outcome o = get(NULL, text, sizeof text);
    assert_int_equal(o.err, WEIR_ERR_TLS);
    assert_false(o.retryable);
    assert_non_null(strstr(o.error.why, "certificate"));
    assert_non_null(strstr(o.error.hint, "--ca-file"));
    assert_non_null(strstr(o.error.hint, "--insecure"));
    assert_int_equal(server_requests(shared.server), 0); // nothing was said before trust
}

static void test_insecure(void **state)
{
    char text[4096];
    (void)state;
    assert_int_equal(get(&(struct weir_curl_params){.insecure = true}, text, sizeof text).err, 0);
    assert_non_null(strstr(text, "User-Agent: weir/"));
}

static void test_ca_file(void **state)
{
    char text[4096];
    (void)state;
    struct weir_curl_params p = {.ca_file = shared.cert.cert_path};
    assert_int_equal(get(&p, text, sizeof text).err, 0);
    assert_non_null(strstr(text, "User-Agent: weir/"));
    p.ca_file = shared.cert.key_path; // no certificate in it
    assert_int_equal(get(&p, text, sizeof text).err, WEIR_ERR_TLS);
}

static void test_warm_connections_carry_tls(void **state)
{
    struct harness h;
    char url[64], text[4096];
    int before = server_connections(shared.server);
    (void)state;
    snprintf(url, sizeof url, "https://127.0.0.1:%d/echo", server_port(shared.server));
    harness_init(&h, &(struct weir_curl_params){.insecure = true}, 0, 0);
    h.transport->ops->warm(h.transport, url, 1);
    for (int i = 0; i < 500 && server_connections(shared.server) == before; i++)
        usleep(10000);
    assert_int_equal(harness_get(&h, url, NULL, text, sizeof text).err, 0);
    assert_int_equal(server_connections(shared.server), before + 1);
    harness_clear(&h);
}

// Answers whatever comes in plain HTTP, once.
static void *answer_plainly(void *listener)
{
    static const char answer[] = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
    char hello[2048];
    int con = accept(*(int *)listener, NULL, NULL);
    if (con >= 0 && read(con, hello, sizeof hello) > 0 &&
        write(con, answer, sizeof answer - 1) != (ssize_t)(sizeof answer - 1))
        fputs("short write\n", stderr);
    close(con);
    return NULL;
}

static void test_not_tls_at_all(void **state)
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof addr;
    struct harness h;
    char url[64], text[64];
    pthread_t thread;
    (void)state;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof addr), 0);
    assert_int_equal(listen(fd, 4), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&addr, &len), 0);
    assert_int_equal(pthread_create(&thread, NULL, answer_plainly, &fd), 0);
    snprintf(url, sizeof url, "https://127.0.0.1:%d/", ntohs(addr.sin_port));
    harness_init(&h, NULL, 0, 0);
    struct outcome o = harness_get(&h, url, NULL, text, sizeof text);
    assert_int_equal(o.err, WEIR_ERR_TLS);
    assert_true(o.error.why[0] != 0);
    pthread_join(thread, NULL);
    harness_clear(&h);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_untrusted_certificate),
        cmocka_unit_test(test_insecure),
        cmocka_unit_test(test_ca_file),
        cmocka_unit_test(test_warm_connections_carry_tls),
        cmocka_unit_test(test_not_tls_at_all),
    };
    int result = 77;
    if (certificate_make(&shared.cert))
        shared.server = server_start(shared.cert.key, shared.cert.cert);
    if (shared.server)
        result = cmocka_run_group_tests(tests, NULL, NULL);
    else
        fputs("skipped: no openssl command, or libmicrohttpd without TLS\n", stderr);
    server_stop(&shared.server);
    certificate_remove(&shared.cert);
    return result;
}
