// net/curl_create.c — the libcurl transport's life: parameters checked and copied, libcurl's shared
// handles opened, cookies loaded; and all of it let go again.
#include "net/curl_internal.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void weir_curl_free(struct weir_curl *c)
{
    for (int i = 0; i < WEIR_CURL_SLOTS; i++) {
        struct weir_curl_slot *s = &c->slots[i];
        weir_curl_slot_release(s);
        if (s->easy)
            curl_easy_cleanup(s->easy);
    }
    if (c->multi)
        curl_multi_cleanup(c->multi);
    if (c->share)
        curl_share_cleanup(c->share);
    weir_curl_warm_clear(c);
    curl_slist_free_all(c->headers);
    free(c->user_agent);
    free(c->referer);
    free(c->proxy);
    free(c->ca_file);
    free(c->file_buffer);
    free(c);
}

static pthread_once_t global_once = PTHREAD_ONCE_INIT;
static CURLcode global_result;

static void global_init(void)
{
    global_result = curl_global_init(CURL_GLOBAL_DEFAULT);
}

static int set_http_version(struct weir_curl *c, int wanted, struct weir_error *error)
{
    const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);
    switch (wanted) {
    case 0:
        c->http_version = CURL_HTTP_VERSION_2TLS;
        return 0;
    case 11:
        c->http_version = CURL_HTTP_VERSION_1_1;
        return 0;
    case 2:
        c->http_version = CURL_HTTP_VERSION_2_0;
        return 0;
    case 3:
        c->http_version = CURL_HTTP_VERSION_3;
        if (info->features & CURL_VERSION_HTTP3)
            return 0;
        weir_error_set(error, WEIR_ERR_UNSUPPORTED, "--http", "HTTP/3 is not available");
        weir_error_why(error, "libcurl %s was built without it", info->version);
        weir_error_hint(error, "--http 2");
        return WEIR_ERR_UNSUPPORTED;
    default:
        return weir_error_set(error, WEIR_ERR_INVAL, "--http", "no HTTP version %d", wanted);
    }
}

static int set_headers(struct weir_curl *c, const struct weir_curl_params *p,
                       struct weir_error *error)
{
    for (size_t i = 0; i < p->header_count; i++) {
        const char *h = p->headers[i];
        const char *colon = strchr(h, ':');
        if (!colon || colon == h ||
            strpbrk(h, "\r\n")) // a line break would smuggle in another header
            return weir_error_set(error, WEIR_ERR_INVAL, "--header",
                                  "\"%s\" is not \"Name: value\"", h);
        struct curl_slist *list = curl_slist_append(c->headers, h);
        if (!list)
            return weir_error_set(error, WEIR_ERR_NOMEM, "--header", "no memory");
        c->headers = list;
    }
    return 0;
}

static int check_file(const char *option, const char *path, struct weir_error *error)
{
    if (!path || access(path, R_OK) == 0)
        return 0;
    int why = errno;
    weir_error_set(error, WEIR_ERR_INVAL, option, "%s cannot be read", path);
    weir_error_why(error, "%s", strerror(why));
    return WEIR_ERR_INVAL;
}

static bool copy_string(char **to, const char *from)
{
    if (!from)
        return true;
    *to = strdup(from);
    return *to != NULL;
}

// Cookies go straight into the shared jar. Were the file named by each transfer, each would read it
// again and overwrite what the server set since.
static int load_cookies(struct weir_curl *c, const char *path)
{
    CURL *easy = curl_easy_init();
    if (!easy)
        return WEIR_ERR_NOMEM;
    CURLcode code = curl_easy_setopt(easy, CURLOPT_SHARE, c->share);
    if (!code)
        code = curl_easy_setopt(easy, CURLOPT_COOKIEFILE, path);
    if (!code)
        code = curl_easy_setopt(easy, CURLOPT_COOKIELIST, "RELOAD");
    curl_easy_cleanup(easy);
    return code ? WEIR_ERR_NOMEM : 0;
}

static int open_handles(struct weir_curl *c, const struct weir_curl_params *p)
{
    c->multi = curl_multi_init();
    c->share = curl_share_init();
    if (!c->multi || !c->share)
        return WEIR_ERR_NOMEM;
    curl_multi_setopt(c->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);
    curl_multi_setopt(c->multi, CURLMOPT_MAXCONNECTS, (long)(2 * WEIR_CURL_MAX_RUNNING));
    if (curl_share_setopt(c->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_COOKIE) ||
        curl_share_setopt(c->share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION))
        return WEIR_ERR_NOMEM;
    return p->cookie_file ? load_cookies(c, p->cookie_file) : 0;
}

static bool proxy_in_environment(void)
{
    static const char *const names[] = {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy",
                                        "ALL_PROXY"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (getenv(names[i]))
            return true;
    return false;
}

static int64_t or_default(int64_t value, int64_t fallback)
{
    return value > 0 ? value : fallback;
}

static int curl_init(struct weir_curl *c, const struct weir_curl_params *p,
                     struct weir_error *error)
{
    c->base.ops = &weir_curl_ops;
    c->clock = p->clock;
    c->log = p->log;
    c->netrc = p->netrc;
    c->insecure = p->insecure;
    c->needs_nudges = curl_version_info(CURLVERSION_NOW)->version_num < 0x080100;
    c->env_proxy = p->proxy || proxy_in_environment();
    c->connect_timeout_us = or_default(p->connect_timeout_us, 10 * WEIR_SECOND_US);
    c->first_byte_timeout_us = or_default(p->first_byte_timeout_us, 15 * WEIR_SECOND_US);
    c->low_speed_time_us = or_default(p->low_speed_time_us, 15 * WEIR_SECOND_US);
    c->max_redirects = p->max_redirects > 0 && p->max_redirects < 32 ? (int)p->max_redirects : 10;
    weir_curl_warm_init(c);
    for (int i = 0; i < WEIR_CURL_SLOTS; i++) {
        c->slots[i].owner = c;
        c->slots[i].fd = -1;
    }
    int err = set_http_version(c, p->http_version, error);
    if (!err)
        err = set_headers(c, p, error);
    if (!err)
        err = check_file("--ca-file", p->ca_file, error);
    if (!err)
        err = check_file("--cookies", p->cookie_file, error);
    if (err)
        return err;
    bool copied =
        copy_string(&c->user_agent, p->user_agent ? p->user_agent : "weir/" WEIR_VERSION_STRING) &&
        copy_string(&c->referer, p->referer) && copy_string(&c->proxy, p->proxy) &&
        copy_string(&c->ca_file, p->ca_file);
    err = copied ? open_handles(c, p) : WEIR_ERR_NOMEM;
    return err ? weir_error_set(error, err, "libcurl", "no memory for its handles") : 0;
}

int weir_curl_transport_create(const struct weir_curl_params *params, struct weir_transport **out,
                               struct weir_error *error)
{
    *out = NULL;
    pthread_once(&global_once, global_init);
    if (global_result)
        return weir_error_set(error, WEIR_ERR_NOMEM, "libcurl", "cannot be initialised");
    if (!params->clock.now_us || (params->header_count && !params->headers))
        return weir_error_set(error, WEIR_ERR_INVAL, "transport", "a clock is required");
    struct weir_curl *c = calloc(1, sizeof *c);
    if (!c)
        return weir_error_set(error, WEIR_ERR_NOMEM, "transport", "no memory");
    int err = curl_init(c, params, error);
    if (err)
        weir_curl_free(c);
    else
        *out = &c->base;
    return err;
}
