// net/curl.c — the libcurl transport: its life, and pump(), which drives every transfer on the
// caller's thread and turns what happened into events. One transfer's request is in
// curl_transfer.c, its answer in curl_response.c. Nothing is allocated here once every slot's easy
// handle has been used once.
#include "net/curl_internal.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_WAIT_US (3600 * WEIR_SECOND_US)

static struct weir_curl *from_base(struct weir_transport *t)
{
    return (struct weir_curl *)t; // base is the first member
}

static struct weir_curl_slot *find_running(struct weir_curl *c, uint64_t id)
{
    for (int i = 0; i < WEIR_CURL_SLOTS; i++) {
        struct weir_curl_slot *s = &c->slots[i];
        if (s->id == id && (s->state == WEIR_CURL_RUNNING || s->state == WEIR_CURL_FINISHED))
            return s;
    }
    return NULL;
}

// Take the transfer off the network and let go of the segment. Its strings stay for events already
// given out.
static void slot_release(struct weir_curl_slot *s)
{
    if (s->in_multi)
        curl_multi_remove_handle(s->owner->multi, s->easy);
    s->in_multi = false;
    weir_curl_file_close(s);
    weir_segment_unref(&s->segment);
    if (s->state == WEIR_CURL_RUNNING)
        s->owner->running--;
}

void weir_curl_slot_finish(struct weir_curl_slot *s)
{
    if (s->t_last_us == WEIR_TIME_NONE && !s->err)
        s->t_last_us = weir_curl_now_us(s->owner);
    if (!s->err)
        weir_segment_finish(s->segment, WEIR_SEGMENT_COMPLETE);
    slot_release(s);
    s->state = WEIR_CURL_FINISHED;
    s->finish_order = ++s->owner->finish_count;
}

// --- start, cancel, pause ---

static int check_url(const struct weir_transfer *t, struct weir_error *error)
{
    char where[sizeof error->where];
    weir_url_redact(t->url, where, sizeof where);
    if (weir_url_has_scheme(t->url, "file")) {
        if (t->allow_file)
            return 0;
        int err = weir_error_set(error, WEIR_ERR_DENIED, where, "local file refused");
        weir_error_why(error, "a remote presentation may not name local files");
        return err;
    }
    if (weir_url_has_scheme(t->url, "http") || weir_url_has_scheme(t->url, "https"))
        return 0;
    int err = weir_error_set(error, WEIR_ERR_UNSUPPORTED, where, "not an http, https or file URL");
    return err;
}

static struct weir_curl_slot *free_slot(struct weir_curl *c)
{
    if (c->running >= WEIR_CURL_MAX_RUNNING)
        return NULL;
    for (int i = 0; i < WEIR_CURL_SLOTS; i++)
        if (c->slots[i].state == WEIR_CURL_FREE)
            return &c->slots[i]; // the lowest: few easy handles are ever made
    return NULL;
}

static void slot_fill(struct weir_curl_slot *s, const struct weir_transfer *t)
{
    int64_t first = t->first_byte > 0 ? t->first_byte : 0;
    s->id = t->id;
    s->document = t->document;
    s->is_file = weir_url_has_scheme(t->url, "file");
    s->paused = false;
    s->range_first = first + (t->resume_bytes > 0 ? t->resume_bytes : 0);
    s->range_last = t->last_byte >= 0 ? t->last_byte : -1;
    s->ranged = s->range_first > 0 || s->range_last >= 0;
    s->resumed = t->resume_bytes > 0;
    s->bytes = s->reported_bytes = 0;
    s->headers_due = false;
    s->redirects = 0;
    s->received_bytes = 0;
    s->err = 0;
    s->retryable = false;
    s->retry_after_us = WEIR_TIME_NONE;
    s->error = (struct weir_error){0};
    s->curl_detail[0] = 0;
    weir_curl_response_reset(s);
}

static int curl_start(struct weir_transport *base, const struct weir_transfer *t,
                      struct weir_error *error)
{
    struct weir_curl *c = from_base(base);
    struct weir_error unwanted;
    error = error ? error : &unwanted;
    if (!t->id || !t->url || !t->segment || find_running(c, t->id))
        return weir_error_set(error, WEIR_ERR_INVAL, "transfer",
                              "no id, URL or segment of its own");
    int err = check_url(t, error);
    if (err)
        return err;
    struct weir_curl_slot *s = free_slot(c);
    if (!s)
        return weir_error_set(error, WEIR_ERR_AGAIN, "transfer", "%d transfers are running already",
                              WEIR_CURL_MAX_RUNNING);
    const char *origin = t->origin_url ? t->origin_url : t->url;
    if (weir_url_for_request(t->url, s->url, sizeof s->url) < 0 ||
        weir_url_for_request(origin, s->origin_url, sizeof s->origin_url) < 0)
        return weir_error_set(error, WEIR_ERR_TOO_BIG, "transfer", "URL longer than %d bytes",
                              WEIR_URL_MAX_BYTES - 1);
    slot_fill(s, t);
    if (!s->is_file) {
        err = weir_curl_slot_prepare(s, error);
        if (err)
            return err;
    }
    s->segment = weir_segment_ref(t->segment);
    s->state = WEIR_CURL_RUNNING;
    c->running++;
    if (s->range_last >= 0 &&
        s->range_first > s->range_last) { // a resume with nothing left to fetch
        weir_curl_slot_finish(s);
        return 0;
    }
    err = s->is_file ? weir_curl_file_open(s) : weir_curl_hop_start(s);
    if (err)
        weir_curl_slot_finish(s); // reported by pump, as any failure after this point
    return 0;
}

static void curl_cancel(struct weir_transport *base, uint64_t id)
{
    struct weir_curl_slot *s = find_running(from_base(base), id);
    if (!s)
        return;
    slot_release(s);
    s->state = WEIR_CURL_REPORTED;
}

static void curl_pause(struct weir_transport *base, uint64_t id, bool paused)
{
    struct weir_curl_slot *s = find_running(from_base(base), id);
    if (!s || s->state != WEIR_CURL_RUNNING || s->paused == paused)
        return;
    s->paused = paused;
    s->window_start_us = weir_curl_now_us(s->owner);
    s->window_bytes = s->received_bytes;
    // The body callback refuses while `paused` is set: libcurl forgets a pause asked for before the
    // request went out.
    if (s->in_multi)
        curl_easy_pause(s->easy, paused ? CURLPAUSE_RECV : CURLPAUSE_CONT);
}

// --- pump ---

static int64_t earlier(int64_t a_us, int64_t b_us)
{
    if (a_us == WEIR_TIME_NONE)
        return b_us;
    if (b_us == WEIR_TIME_NONE)
        return a_us;
    return a_us < b_us ? a_us : b_us;
}

static void time_out(struct weir_curl_slot *s, const char *what, int64_t after_us)
{
    weir_curl_fail(s, WEIR_ERR_TIMEOUT, true, "%s for %.1f s", what, (double)after_us / 1e6);
    weir_curl_slot_finish(s);
}

// First byte and low speed are timed here, by the transport's clock; libcurl times connecting.
// Returns when this transfer would time out.
static int64_t slot_deadline(struct weir_curl_slot *s, int64_t now_us)
{
    struct weir_curl *c = s->owner;
    if (s->t_request_us == WEIR_TIME_NONE || s->paused)
        return WEIR_TIME_NONE;
    if (s->t_first_byte_us == WEIR_TIME_NONE) {
        int64_t deadline_us = s->t_request_us + c->first_byte_timeout_us;
        if (now_us < deadline_us)
            return deadline_us;
        time_out(s, "no answer", c->first_byte_timeout_us);
        return WEIR_TIME_NONE;
    }
    if (now_us - s->window_start_us >= c->low_speed_time_us) {
        int64_t least_bytes = c->low_speed_time_us / WEIR_SECOND_US + 1;
        if (s->received_bytes - s->window_bytes < least_bytes) {
            time_out(s, "hardly a byte came", c->low_speed_time_us);
            return WEIR_TIME_NONE;
        }
        s->window_start_us = now_us;
        s->window_bytes = s->received_bytes;
    }
    return s->window_start_us + c->low_speed_time_us;
}

static int drive(struct weir_curl *c)
{
    int running, left;
    CURLMcode code = curl_multi_perform(c->multi, &running);
    if (code != CURLM_OK)
        return code == CURLM_OUT_OF_MEMORY ? WEIR_ERR_NOMEM : WEIR_ERR_NETWORK;
    CURLMsg *msg;
    while ((msg = curl_multi_info_read(c->multi, &left))) {
        if (msg->msg != CURLMSG_DONE)
            continue;
        CURLcode result = msg->data.result; // msg dies with remove_handle
        struct weir_curl_slot *s = NULL;
        curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, (char **)&s);
        curl_multi_remove_handle(c->multi, s->easy);
        s->in_multi = false;
        weir_curl_hop_done(s, result);
    }
    for (int i = 0; i < WEIR_CURL_SLOTS; i++)
        if (c->slots[i].state == WEIR_CURL_RUNNING && c->slots[i].is_file)
            weir_curl_file_read(&c->slots[i]);
    return 0;
}

// Enforce timeouts; returns when something is due next.
static int64_t enforce_deadlines(struct weir_curl *c)
{
    int64_t now_us = weir_curl_now_us(c);
    int64_t due_us = weir_curl_warm_expire(c, now_us);
    for (int i = 0; i < WEIR_CURL_SLOTS; i++) {
        struct weir_curl_slot *s = &c->slots[i];
        if (s->state != WEIR_CURL_RUNNING)
            continue;
        if (!s->is_file)
            due_us = earlier(due_us, slot_deadline(s, now_us));
        else if (!s->paused)
            due_us = now_us; // there is more to read
    }
    return due_us;
}

static void fill_event(struct weir_curl_slot *s, enum weir_transfer_event_kind kind, int64_t now_us,
                       struct weir_transfer_event *ev)
{
    *ev = (struct weir_transfer_event){
        .kind = kind,
        .id = s->id,
        .now_us = now_us,
        .bytes = s->bytes,
        .length_bytes = s->expect_bytes,
        .http_status = s->status,
        .from_cache = s->is_file,
        .t_request_us = s->t_request_us,
        .t_first_byte_us = s->t_first_byte_us,
        .t_last_us = s->t_last_us,
        .effective_url = kind == WEIR_TRANSFER_HEADERS ? s->url : NULL,
        .retry_after_us = WEIR_TIME_NONE,
    };
    if (kind == WEIR_TRANSFER_FAILED) {
        ev->err = s->err;
        ev->retryable = s->retryable;
        ev->retry_after_us = s->retry_after_us;
        ev->error = &s->error;
    }
}

static struct weir_curl_slot *next_finished(struct weir_curl *c)
{
    struct weir_curl_slot *next = NULL;
    for (int i = 0; i < WEIR_CURL_SLOTS; i++) {
        struct weir_curl_slot *s = &c->slots[i];
        if (s->state == WEIR_CURL_FINISHED && (!next || s->finish_order < next->finish_order))
            next = s;
    }
    return next;
}

// Headers and progress of what still runs or just ended, then the ends in the order they came.
static size_t collect(struct weir_curl *c, struct weir_transfer_event *events, size_t room)
{
    int64_t now_us = weir_curl_now_us(c);
    size_t count = 0;
    for (int i = 0; i < WEIR_CURL_SLOTS; i++) {
        struct weir_curl_slot *s = &c->slots[i];
        if (s->state != WEIR_CURL_RUNNING && s->state != WEIR_CURL_FINISHED)
            continue;
        if (s->headers_due) {
            if (count == room)
                return count;
            fill_event(s, WEIR_TRANSFER_HEADERS, now_us, &events[count++]);
            s->headers_due = false;
        }
        if (s->state == WEIR_CURL_RUNNING && s->bytes > s->reported_bytes) {
            if (count == room)
                return count;
            fill_event(s, WEIR_TRANSFER_PROGRESS, now_us, &events[count++]);
            s->reported_bytes = s->bytes;
        }
    }
    struct weir_curl_slot *s;
    while (count < room && (s = next_finished(c))) {
        fill_event(s, s->err ? WEIR_TRANSFER_FAILED : WEIR_TRANSFER_DONE, now_us, &events[count++]);
        s->state = WEIR_CURL_REPORTED;
    }
    return count;
}

static int wait_ms(struct weir_curl *c, int64_t timeout_us, int64_t due_us)
{
    if (timeout_us < 0 || timeout_us > MAX_WAIT_US)
        timeout_us = MAX_WAIT_US;
    if (due_us != WEIR_TIME_NONE) {
        int64_t left_us = due_us - weir_curl_now_us(c);
        if (left_us < timeout_us)
            timeout_us = left_us > 0 ? left_us : 0;
    }
    return (int)((timeout_us + 999) / 1000);
}

static int curl_pump(struct weir_transport *base, int64_t timeout_us,
                     struct weir_transfer_event *events, size_t room)
{
    struct weir_curl *c = from_base(base);
    for (int i = 0; i < WEIR_CURL_SLOTS; i++)
        if (c->slots[i].state == WEIR_CURL_REPORTED)
            c->slots[i].state = WEIR_CURL_FREE;
    int err = drive(c);
    if (err)
        return err;
    int64_t due_us = enforce_deadlines(c);
    size_t count = collect(c, events, room);
    if (count > 0 || timeout_us == 0)
        return (int)count;
    CURLMcode code = curl_multi_poll(c->multi, NULL, 0, wait_ms(c, timeout_us, due_us), NULL);
    if (code != CURLM_OK)
        return code == CURLM_OUT_OF_MEMORY ? WEIR_ERR_NOMEM : WEIR_ERR_NETWORK;
    err = drive(c);
    if (err)
        return err;
    enforce_deadlines(c);
    return (int)collect(c, events, room);
}

static void curl_wake(struct weir_transport *base)
{
    curl_multi_wakeup(from_base(base)->multi);
}

static void curl_warm(struct weir_transport *base, const char *url, int count)
{
    weir_curl_warm(from_base(base), url, count);
}

// --- life ---

static void curl_destroy(struct weir_transport *base)
{
    struct weir_curl *c = from_base(base);
    for (int i = 0; i < WEIR_CURL_SLOTS; i++) {
        struct weir_curl_slot *s = &c->slots[i];
        if (s->state == WEIR_CURL_RUNNING)
            slot_release(s);
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

static const struct weir_transport_ops curl_ops = {
    .start = curl_start,
    .cancel = curl_cancel,
    .pause = curl_pause,
    .pump = curl_pump,
    .wake = curl_wake,
    .warm = curl_warm,
    .destroy = curl_destroy,
};

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
    c->base.ops = &curl_ops;
    c->clock = p->clock;
    c->log = p->log;
    c->netrc = p->netrc;
    c->insecure = p->insecure;
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
        curl_destroy(&c->base);
    else
        *out = &c->base;
    return err;
}
