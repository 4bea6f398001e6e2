// net/curl_transfer.c — one transfer's requests: the options of its easy handle, libcurl's
// callbacks, and the way from one redirect to the next. Redirects are followed here and not by
// libcurl, because every hop's headers, credentials and referer depend on whether the hop goes to
// the origin they were given for.
#include "net/curl_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// --- callbacks ---

static int on_request(void *slot, char *ip, char *local_ip, int port, int local_port)
{
    (void)ip;
    (void)local_ip;
    (void)port;
    (void)local_port;
    struct weir_curl_slot *s = slot;
    s->t_request_us = weir_curl_now_us(s->owner);
    s->t_first_byte_us =
        WEIR_TIME_NONE; // of this request, not of one that libcurl repeats with credentials
    s->quiet_since_us = s->t_request_us;
    s->nudge_wait_us = WEIR_CURL_NUDGE_US;
    return CURL_PREREQFUNC_OK;
}

static void note_received(struct weir_curl_slot *s, size_t size_bytes)
{
    int64_t now_us = weir_curl_now_us(s->owner);
    if (s->t_first_byte_us == WEIR_TIME_NONE) {
        s->t_first_byte_us = now_us;
        s->window_start_us = now_us;
        s->window_bytes = s->received_bytes;
    }
    s->received_bytes += (int64_t)size_bytes;
    s->quiet_since_us = now_us;
    s->nudge_wait_us = WEIR_CURL_NUDGE_US;
}

// Over HTTP/2 and later, further connections to the host are of no use.
static void note_protocol(struct weir_curl_slot *s)
{
    long version = 0;
    curl_easy_getinfo(s->easy, CURLINFO_HTTP_VERSION, &version);
    s->multiplexed = version >= CURL_HTTP_VERSION_2_0;
    struct weir_curl_host *host = weir_curl_host_find(s->owner, s->url);
    if (host)
        host->multiplexed = s->multiplexed;
}

static size_t on_header(char *line, size_t size, size_t count, void *slot)
{
    struct weir_curl_slot *s = slot;
    size_t length = size * count;
    note_received(s, length);
    if (length >= 5 && memcmp(line, "HTTP/", 5) == 0)
        weir_curl_response_reset(s);
    else if (line[0] == '\r' || line[0] == '\n')
        weir_curl_response_judge(s);
    if (s->judged)
        note_protocol(s);
    return length;
}

static size_t on_body(char *data, size_t size, size_t count, void *slot)
{
    struct weir_curl_slot *s = slot;
    if (weir_curl_slot_held(s))
        return CURL_WRITEFUNC_PAUSE;
    note_received(s, size * count);
    return weir_curl_response_body(s, data, size * count);
}

// --- options ---

// What every transfer of this transport has in common, set when the handle is made.
static CURLcode set_common(struct weir_curl_slot *s)
{
    struct weir_curl *c = s->owner;
    CURL *e = s->easy;
    CURLcode r = 0;
#define SET(option, value)                                                                         \
    if (!r)                                                                                        \
    r = curl_easy_setopt(e, option, value)
    SET(CURLOPT_PRIVATE, (void *)s);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_PROTOCOLS_STR, "http,https"); // files are read by curl_file.c
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_UNRESTRICTED_AUTH, 0L);
    SET(CURLOPT_HTTP_VERSION, c->http_version);
    SET(CURLOPT_PIPEWAIT, 0L); // a second connection now beats a stream after the first's handshake
    SET(CURLOPT_TCP_NODELAY, 1L);
    SET(CURLOPT_TCP_KEEPALIVE, 1L);
    SET(CURLOPT_BUFFERSIZE, (long)WEIR_CURL_READ_BYTES);
    SET(CURLOPT_CONNECTTIMEOUT_MS, (long)((c->connect_timeout_us + 999) / 1000));
    SET(CURLOPT_QUICK_EXIT,
        1L); // a cancelled look-up must not hold the loop until the resolver answers
    SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    SET(CURLOPT_ERRORBUFFER, s->curl_detail);
    SET(CURLOPT_WRITEFUNCTION, on_body);
    SET(CURLOPT_WRITEDATA, (void *)s);
    SET(CURLOPT_HEADERFUNCTION, on_header);
    SET(CURLOPT_HEADERDATA, (void *)s);
    SET(CURLOPT_PREREQFUNCTION, on_request);
    SET(CURLOPT_PREREQDATA, (void *)s);
    SET(CURLOPT_OPENSOCKETFUNCTION, weir_curl_open_socket);
    SET(CURLOPT_OPENSOCKETDATA, (void *)s);
    SET(CURLOPT_SOCKOPTFUNCTION, weir_curl_socket_opened);
    SET(CURLOPT_SOCKOPTDATA, (void *)s);
    SET(CURLOPT_SHARE, c->share);
    SET(CURLOPT_COOKIEFILE, ""); // turns the cookie engine on; the jar is the share's
    SET(CURLOPT_USERAGENT, c->user_agent);
    SET(CURLOPT_HTTPAUTH, (long)(CURLAUTH_BASIC | CURLAUTH_DIGEST));
    if (c->proxy)
        SET(CURLOPT_PROXY, c->proxy);
    if (c->ca_file)
        SET(CURLOPT_CAINFO, c->ca_file);
    SET(CURLOPT_SSL_VERIFYPEER, c->insecure ? 0L : 1L);
    SET(CURLOPT_SSL_VERIFYHOST, c->insecure ? 0L : 2L);
#undef SET
    return r;
}

int weir_curl_slot_prepare(struct weir_curl_slot *s, struct weir_error *error)
{
    if (s->easy)
        return 0;
    s->easy = curl_easy_init();
    if (!s->easy)
        return weir_error_set(error, WEIR_ERR_NOMEM, "libcurl", "no memory for a transfer");
    CURLcode result = set_common(s);
    if (!result)
        return 0;
    weir_error_set(error, WEIR_ERR_UNSUPPORTED, "libcurl", "an option it needs was refused");
    weir_error_why(error, "%s", curl_easy_strerror(result));
    curl_easy_cleanup(s->easy);
    s->easy = NULL;
    return WEIR_ERR_UNSUPPORTED;
}

static bool has_user_info(const char *url)
{
    struct weir_url parts;
    weir_url_parse(url, &parts);
    return parts.authority.ptr && memchr(parts.authority.ptr, '@', parts.authority.len);
}

// The name and password in the origin's URL hold for everything at that origin.
static CURLcode set_origin_user(struct weir_curl_slot *s, bool at_origin)
{
    CURLcode r = curl_easy_setopt(s->easy, CURLOPT_USERNAME, NULL);
    if (!r)
        r = curl_easy_setopt(s->easy, CURLOPT_PASSWORD, NULL);
    if (r || !at_origin || has_user_info(s->url) || !has_user_info(s->origin_url))
        return r;
    CURLU *u = curl_url();
    char *user = NULL, *password = NULL;
    if (!u || curl_url_set(u, CURLUPART_URL, s->origin_url, 0))
        r = u ? CURLE_URL_MALFORMAT : CURLE_OUT_OF_MEMORY;
    if (!r && curl_url_get(u, CURLUPART_USER, &user, CURLU_URLDECODE) == CURLUE_OK)
        r = curl_easy_setopt(s->easy, CURLOPT_USERNAME, user);
    if (!r && curl_url_get(u, CURLUPART_PASSWORD, &password, CURLU_URLDECODE) == CURLUE_OK)
        r = curl_easy_setopt(s->easy, CURLOPT_PASSWORD, password);
    curl_free(user);
    curl_free(password);
    curl_url_cleanup(u);
    return r;
}

static CURLcode set_range(struct weir_curl_slot *s)
{
    char range[48];
    if (!s->ranged)
        return curl_easy_setopt(s->easy, CURLOPT_RANGE, NULL);
    if (s->range_last >= 0)
        snprintf(range, sizeof range, "%" PRId64 "-%" PRId64, s->range_first, s->range_last);
    else
        snprintf(range, sizeof range, "%" PRId64 "-", s->range_first);
    return curl_easy_setopt(s->easy, CURLOPT_RANGE, range);
}

// What depends on the hop: its URL, and what is for the origin's eyes only.
static CURLcode set_hop(struct weir_curl_slot *s)
{
    struct weir_curl *c = s->owner;
    bool at_origin = weir_url_same_origin(s->url, s->origin_url);
    // Media is asked for as it is (a byte range of a compressed body means nothing to us),
    // documents as small as the server can make them.
    const char *encodings = s->document && !s->ranged ? "" : "identity";
    CURLcode r = curl_easy_setopt(s->easy, CURLOPT_URL, s->url);
    if (!r)
        r = curl_easy_setopt(s->easy, CURLOPT_NOBODY, (long)s->head);
    if (!r)
        r = curl_easy_setopt(s->easy, CURLOPT_HTTPHEADER, at_origin ? c->headers : NULL);
    if (!r)
        r = curl_easy_setopt(s->easy, CURLOPT_REFERER, at_origin ? c->referer : NULL);
    if (!r)
        r = curl_easy_setopt(
            s->easy, CURLOPT_NETRC,
            (long)(at_origin && c->netrc ? CURL_NETRC_OPTIONAL : CURL_NETRC_IGNORED));
    if (!r)
        r = curl_easy_setopt(s->easy, CURLOPT_ACCEPT_ENCODING, encodings);
    if (!r)
        r = set_origin_user(s, at_origin);
    if (!r)
        r = set_range(s);
    return r;
}

// --- hops ---

static void log_request(const struct weir_curl_slot *s)
{
    const struct weir_log *log = s->owner->log;
    if (!log || log->level < WEIR_LOG_TRACE)
        return;
    char url[512];
    weir_url_redact(s->url, url, sizeof url);
    weir_log(log, WEIR_LOG_TRACE, "net: transfer %" PRIu64 " requests %s from byte %" PRId64, s->id,
             url, s->range_first);
}

int weir_curl_hop_start(struct weir_curl_slot *s)
{
    s->t_request_us = s->t_first_byte_us = s->t_last_us = WEIR_TIME_NONE;
    s->curl_detail[0] = 0;
    weir_curl_response_reset(s);
    struct weir_curl_host *host = weir_curl_host_find(s->owner, s->url);
    s->multiplexed =
        host && host->multiplexed; // so it was before, and may be stuck before its first byte
    CURLcode result = set_hop(s);
    if (result)
        return weir_curl_fail_code(s, result);
    if (curl_multi_add_handle(s->owner->multi, s->easy) != CURLM_OK)
        return weir_curl_fail_code(s, CURLE_OUT_OF_MEMORY);
    s->in_multi = true;
    log_request(s);
    return 0;
}

static uint64_t hash_url(const char *url)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325); // FNV-1a
    for (; *url; url++)
        h = (h ^ (unsigned char)*url) * UINT64_C(0x100000001b3);
    return h;
}

static bool was_visited(const struct weir_curl_slot *s, const char *url)
{
    uint64_t h = hash_url(url);
    for (int i = 0; i < s->redirects; i++)
        if (s->visited[i] == h)
            return true;
    return false;
}

// A URL may come again, since a server may set a cookie and send the client round once; a circle is
// one that is still turning when the limit is reached.
static int follow(struct weir_curl_slot *s)
{
    struct weir_curl *c = s->owner;
    char *next = NULL;
    curl_easy_getinfo(s->easy, CURLINFO_REDIRECT_URL, &next);
    if (!next)
        return weir_curl_fail(s, WEIR_ERR_HTTP, false, "a redirect that leads nowhere");
    if (!weir_url_has_scheme(next, "http") && !weir_url_has_scheme(next, "https")) {
        weir_curl_fail(s, WEIR_ERR_DENIED, false, "redirected to what is not http or https");
        char to[sizeof s->error.why];
        weir_url_redact(next, to, sizeof to);
        weir_error_why(&s->error, "%s", to);
        return s->err;
    }
    s->visited[s->redirects++] = hash_url(s->url);
    if (s->redirects > c->max_redirects) {
        bool circle = was_visited(s, next);
        weir_curl_fail(s, WEIR_ERR_HTTP, false,
                       circle ? "redirects go round in a circle" : "too many redirects");
        weir_error_why(&s->error, "stopped after %d", c->max_redirects);
        return s->err;
    }
    if (weir_url_for_request(next, s->url, sizeof s->url) < 0)
        return weir_curl_fail(s, WEIR_ERR_TOO_BIG, false, "redirected to a URL beyond %d bytes",
                              WEIR_URL_MAX_BYTES - 1);
    return weir_curl_hop_start(s);
}

void weir_curl_hop_done(struct weir_curl_slot *s, CURLcode result)
{
    if (s->append_err)
        weir_curl_fail_append(s);
    else if (weir_curl_response_is_redirect(s))
        follow(s);
    else if (result && (!s->judged || (s->take_body && !s->enough)))
        weir_curl_fail_code(s, result);
    else // a refusal stays what it is, whatever became of its body
        weir_curl_response_complete(s);
    if (!s->in_multi)
        weir_curl_slot_finish(s);
}
