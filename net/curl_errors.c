// net/curl_errors.c — what went wrong, in Weir's words: libcurl's result, an HTTP status or a full
// segment as an error code, whether trying again may help, and a message that names the URL, the
// fault, its cause and a way out.
#include "net/curl_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define MAX_RETRY_AFTER_S 86400

int weir_curl_fail(struct weir_curl_slot *s, int err, bool retryable, const char *what_fmt, ...)
{
    char where[sizeof s->error.where], what[sizeof s->error.what];
    va_list args;
    va_start(args, what_fmt);
    vsnprintf(what, sizeof what, what_fmt, args);
    va_end(args);
    weir_url_redact(s->url, where, sizeof where);
    weir_error_set(&s->error, err, where, "%s", what);
    s->error.http_status = s->status;
    s->err = err;
    s->retryable = retryable;
    return err;
}

static int fail_tls(struct weir_curl_slot *s, CURLcode result)
{
    switch (result) {
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
        weir_curl_fail(s, WEIR_ERR_TLS, false, "the server's certificate is not trusted");
        weir_error_hint(&s->error,
                        "--ca-file FILE with the authority that signed it, or --insecure");
        break;
    case CURLE_SSL_CACERT_BADFILE:
        weir_curl_fail(s, WEIR_ERR_TLS, false, "the certificate authorities cannot be read");
        weir_error_hint(&s->error, "--ca-file FILE with certificates in PEM form");
        break;
    default:
        weir_curl_fail(s, WEIR_ERR_TLS, false, "the TLS handshake failed");
        weir_error_hint(&s->error, "http instead of https, or another port");
        break;
    }
    return s->err;
}

static int fail_connect(struct weir_curl_slot *s)
{
    long os_errno = 0;
    curl_easy_getinfo(s->easy, CURLINFO_OS_ERRNO, &os_errno);
    weir_curl_fail(s, WEIR_ERR_NETWORK, true, "cannot connect");
    if (os_errno)
        weir_error_why(&s->error, "%s", strerror((int)os_errno));
    return s->err;
}

// A name that once resolved will again; one that never did is most likely misspelt.
static int fail_resolve(struct weir_curl_slot *s, const char *what)
{
    struct weir_curl_host *host = weir_curl_host_find(s->owner, s->url);
    weir_curl_fail(s, WEIR_ERR_NOT_FOUND, host && host->resolved, "%s", what);
    weir_error_hint(&s->error, "check the spelling of the name, and that the network is up");
    return s->err;
}

static int fail_handshake(struct weir_curl_slot *s, CURLcode result)
{
    // libcurl reports a connection that broke during the handshake as a fault of TLS too.
    if (strstr(s->curl_detail, "SSL_ERROR_SYSCALL") || strstr(s->curl_detail, "reset by peer"))
        return weir_curl_fail(s, WEIR_ERR_NETWORK, true,
                              "the connection broke in the TLS handshake");
    return fail_tls(s, result);
}

static int fail_by_code(struct weir_curl_slot *s, CURLcode result)
{
    switch (result) {
    case CURLE_COULDNT_RESOLVE_HOST:
        return fail_resolve(s, "host not found");
    case CURLE_COULDNT_RESOLVE_PROXY:
        return fail_resolve(s, "proxy not found");
    case CURLE_COULDNT_CONNECT:
        return fail_connect(s);
    case CURLE_OPERATION_TIMEDOUT:
        return weir_curl_fail(s, WEIR_ERR_TIMEOUT, true, "no connection in time");
    case CURLE_PARTIAL_FILE:
        return weir_curl_fail(s, WEIR_ERR_NETWORK, true, "cut short");
    case CURLE_GOT_NOTHING:
        return weir_curl_fail(s, WEIR_ERR_NETWORK, true, "the server closed without an answer");
    case CURLE_SSL_CONNECT_ERROR:
        return fail_handshake(s, result);
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CLIENTCERT:
    case CURLE_SSL_CRL_BADFILE:
    case CURLE_SSL_ENGINE_NOTFOUND:
    case CURLE_SSL_ENGINE_SETFAILED:
    case CURLE_SSL_ENGINE_INITFAILED:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
    case CURLE_USE_SSL_FAILED:
        return fail_tls(s, result);
    case CURLE_URL_MALFORMAT:
        return weir_curl_fail(s, WEIR_ERR_INVAL, false, "not a URL that can be requested");
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY:
        return weir_curl_fail(s, WEIR_ERR_HTTP, false, "what answers there does not speak HTTP");
    case CURLE_BAD_CONTENT_ENCODING:
        return weir_curl_fail(s, WEIR_ERR_HTTP, false, "the compressed answer cannot be unpacked");
    case CURLE_OUT_OF_MEMORY:
        return weir_curl_fail(s, WEIR_ERR_NOMEM, false, "no memory for the transfer");
    default: // resets, HTTP/2 and QUIC errors, a proxy that fails: the network's ways to break
        return weir_curl_fail(s, WEIR_ERR_NETWORK, true, "the transfer broke off");
    }
}

int weir_curl_fail_code(struct weir_curl_slot *s, CURLcode result)
{
    int err = fail_by_code(s, result);
    if (!s->error.why[0])
        weir_error_why(&s->error, "%s",
                       s->curl_detail[0] ? s->curl_detail : curl_easy_strerror(result));
    return err;
}

static const char *status_hint(int status)
{
    switch (status) {
    case 401:
        return "a user and password in the URL, --netrc, or --header 'Authorization: …'";
    case 403:
        return "--referer, --cookies or --header, if the server asks for them";
    case 407:
        return "a user and password in the --proxy URL";
    default:
        return NULL;
    }
}

static bool status_is_passing(int status)
{
    return status >= 500 || status == 408 || status == 425 || status == 429;
}

int weir_curl_fail_status(struct weir_curl_slot *s)
{
    int status = s->status;
    curl_off_t wait_s = 0;
    if (status == 404 || status == 410)
        weir_curl_fail(s, WEIR_ERR_NOT_FOUND, false, "HTTP %d", status);
    else
        weir_curl_fail(s, WEIR_ERR_HTTP, status_is_passing(status), "HTTP %d", status);
    if (status == 404)
        weir_error_why(&s->error, "not found");
    else if (status == 410)
        weir_error_why(&s->error, "gone");
    else if (status == 416)
        weir_error_why(&s->error, "the range asked for is not there");
    else if (status < 400)
        weir_error_why(&s->error, "an answer that makes no sense here");
    if (status_hint(status))
        weir_error_hint(&s->error, "%s", status_hint(status));
    curl_easy_getinfo(s->easy, CURLINFO_RETRY_AFTER, &wait_s);
    if (s->retryable && wait_s > 0) {
        int64_t bounded_s = wait_s < MAX_RETRY_AFTER_S ? (int64_t)wait_s : MAX_RETRY_AFTER_S;
        s->retry_after_us = bounded_s * WEIR_SECOND_US;
    }
    return s->err;
}

int weir_curl_fail_append(struct weir_curl_slot *s)
{
    if (s->append_err == WEIR_ERR_TOO_BIG)
        return weir_curl_fail(s, WEIR_ERR_TOO_BIG, false, "larger than a segment may be");
    if (s->append_err == WEIR_ERR_LIMIT) { // memory may have been given back by then
        weir_curl_fail(s, WEIR_ERR_LIMIT, true, "no room left under the memory limit");
        weir_error_hint(&s->error, "a higher --memory-limit");
        return s->err;
    }
    return weir_curl_fail(s, s->append_err, false, "cannot be stored");
}
