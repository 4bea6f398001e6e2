// net/curl.c — the libcurl transport: its life, and pump(), which drives every transfer on the
// caller's thread and turns what happened into events. One transfer's request is in
// curl_transfer.c, its answer in curl_response.c. Nothing is allocated here once every slot's easy
// handle has been used once.
#include "net/curl_internal.h"

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
void weir_curl_slot_release(struct weir_curl_slot *s)
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
    weir_curl_slot_release(s);
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
    s->head = t->head;
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
    weir_curl_slot_release(s);
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
    // on_body refuses while paused. Asking libcurl to pause would not do: it forgets what was asked
    // before the request went out.
    if (s->in_multi && !paused)
        curl_easy_pause(s->easy, CURLPAUSE_CONT);
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
    if (s->t_request_us == WEIR_TIME_NONE || weir_curl_slot_held(s))
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

// libcurl before 8.1 forgets data that one HTTP/2 stream's turn read for another: with eight
// streams on one TLS connection, one in two rounds of fetches hangs for good (7.88.1). Pausing and
// going on makes it look again at what it holds, so a stream that has been silent for a moment is
// nudged, less and less often.
static int64_t nudge(struct weir_curl_slot *s, int64_t now_us)
{
    if (!s->owner->needs_nudges || !s->multiplexed || !s->in_multi || weir_curl_slot_held(s) ||
        s->t_request_us == WEIR_TIME_NONE)
        return WEIR_TIME_NONE;
    if (now_us - s->quiet_since_us >= s->nudge_wait_us) {
        curl_easy_pause(s->easy, CURLPAUSE_RECV);
        curl_easy_pause(s->easy, CURLPAUSE_CONT); // may call on_body
        s->nudge_wait_us = s->nudge_wait_us * 2 + (now_us - s->quiet_since_us);
    }
    return s->quiet_since_us + s->nudge_wait_us;
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
            due_us = earlier(earlier(due_us, nudge(s, now_us)), slot_deadline(s, now_us));
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

static void curl_destroy(struct weir_transport *base)
{
    weir_curl_free(from_base(base));
}

const struct weir_transport_ops weir_curl_ops = {
    .start = curl_start,
    .cancel = curl_cancel,
    .pause = curl_pause,
    .pump = curl_pump,
    .wake = curl_wake,
    .warm = curl_warm,
    .destroy = curl_destroy,
};
