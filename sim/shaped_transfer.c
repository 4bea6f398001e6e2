// sim/shaped_transfer.c — one transfer of the shaped transport: what the inner transport has
// brought, what the link lets through, and what the session is told of it.
#include <stdlib.h>
#include <string.h>

#include "core/url.h"
#include "sim/shaped_internal.h"

#define DEFAULT_TIMEOUT_US (15 * WEIR_SECOND_US) // libcurl's transport has the same
#define UNKNOWN_BYTES      (INT64_C(1) << 40)    // for the link, until a length is known

struct weir_shaped_transfer *weir_shaped_find(struct weir_shaped *s, uint64_t id)
{
    for (int i = 0; i < WEIR_SHAPED_SLOTS; i++)
        if (s->transfers[i].state == WEIR_SHAPED_RUNNING && s->transfers[i].id == id)
            return &s->transfers[i];
    return NULL;
}

static struct weir_shaped_transfer *free_slot(struct weir_shaped *s)
{
    for (int i = 0; i < WEIR_SHAPED_SLOTS; i++)
        if (s->transfers[i].state == WEIR_SHAPED_FREE)
            return &s->transfers[i];
    return NULL;
}

// --- begin and end ---

static int take_connection(struct weir_shaped *s)
{
    int i = 0;
    while (i + 1 < WEIR_SHAPED_CONNECTIONS && s->connection_busy[i])
        i++;
    s->connection_busy[i] = true;
    return i;
}

int weir_shaped_start(struct weir_shaped *s, const struct weir_transfer *transfer,
                      struct weir_error *error)
{
    struct weir_shaped_transfer *t = free_slot(s);
    if (!t)
        return weir_error_set(error, WEIR_ERR_LIMIT, transfer->url, "too many transfers at once");
    struct weir_segment *staging = weir_segment_create(s->pool, 0);
    if (!staging)
        return weir_error_set(error, WEIR_ERR_NOMEM, transfer->url, "no memory to fetch into");
    int64_t now_us = weir_clock_now_us(&s->params.clock);
    *t = (struct weir_shaped_transfer){.state = WEIR_SHAPED_RUNNING,
                                       .id = transfer->id,
                                       .order = ++s->orders,
                                       .head = transfer->head,
                                       .target = weir_segment_ref(transfer->segment),
                                       .staging = staging,
                                       .t_request_us = now_us,
                                       .t_first_byte_us = WEIR_TIME_NONE,
                                       .t_last_us = WEIR_TIME_NONE,
                                       .inner_first_us = WEIR_TIME_NONE,
                                       .inner_last_us = WEIR_TIME_NONE,
                                       .heard_us = now_us,
                                       .cut = INT64_MAX};
    weir_url_redact(transfer->url, t->url, sizeof(t->url));
    struct weir_transfer inner = *transfer;
    inner.segment = staging;
    int err = weir_shaped_fault_begin(s, t, transfer->url)
                  ? 0
                  : s->inner->ops->start(s->inner, &inner, error);
    t->connection = take_connection(s);
    if (err) {
        t->over = true; // there is nothing to cancel
        weir_shaped_drop(s, t, WEIR_SHAPED_FREE);
    }
    return err;
}

void weir_shaped_drop(struct weir_shaped *s, struct weir_shaped_transfer *t,
                      enum weir_shaped_state then)
{
    if (t->state == WEIR_SHAPED_RUNNING) {
        if (t->on_link && !t->link_done && !t->between)
            weir_link_cancel(s->link, t->id);
        if (!t->over)
            s->inner->ops->cancel(s->inner, t->id);
        s->connection_busy[t->connection] = false;
    }
    weir_segment_unref(&t->target);
    weir_segment_unref(&t->staging);
    t->state = then;
    if (then == WEIR_SHAPED_FREE) {
        free(t->effective_url);
        *t = (struct weir_shaped_transfer){0};
    }
}

// --- the inner transport's side ---

static int64_t staged(const struct weir_shaped_transfer *t)
{
    int64_t bytes = (int64_t)weir_segment_length(t->staging);
    return bytes < t->cut ? bytes : t->cut;
}

bool weir_shaped_size_known(const struct weir_shaped_transfer *t)
{
    return t->over || (t->headers && (t->head || t->headers_event.length_bytes >= 0));
}

// What the link has to carry, as far as is known. Even an empty answer takes its round trip.
static int64_t size_of(const struct weir_shaped_transfer *t)
{
    int64_t bytes = UNKNOWN_BYTES;
    if (t->over)
        bytes = staged(t);
    else if (weir_shaped_size_known(t))
        bytes = t->head ? 0 : t->headers_event.length_bytes;
    bytes = bytes < t->cut ? bytes : t->cut;
    return bytes > 0 ? bytes : 1;
}

static void follow_size(struct weir_shaped *s, struct weir_shaped_transfer *t)
{
    int64_t bytes = weir_shaped_fault_piece(t, t->link_base, size_of(t));
    if (!t->on_link || t->link_done || t->between || bytes == t->link_bytes)
        return;
    t->link_bytes = bytes;
    weir_link_resize(s->link, t->id, bytes);
}

void weir_shaped_hear(struct weir_shaped *s, const struct weir_transfer_event *e, int64_t now_us)
{
    struct weir_shaped_transfer *t = weir_shaped_find(s, e->id);
    if (!t)
        return;
    if (staged(t) > 0 && !s->params.pace) { // virtual time waits for it: it is never late
        if (t->inner_first_us == WEIR_TIME_NONE)
            t->inner_first_us = now_us;
        t->inner_last_us = now_us;
    }
    switch (e->kind) {
    case WEIR_TRANSFER_HEADERS:
        t->headers = true;
        t->headers_event = *e;
        free(t->effective_url);
        t->effective_url = e->effective_url ? strdup(e->effective_url) : NULL;
        if (e->length_bytes >= 0)
            weir_shaped_fault_length(t, e->length_bytes);
        break;
    case WEIR_TRANSFER_PROGRESS:
        break;
    case WEIR_TRANSFER_DONE:
    case WEIR_TRANSFER_FAILED:
        t->over = true;
        t->end_event = *e;
        if (e->error)
            t->error = *e->error;
        weir_shaped_fault_end(t);
        break;
    }
    follow_size(s, t);
}

// --- the link's side ---

void weir_shaped_ask(struct weir_shaped *s, struct weir_shaped_transfer *t)
{
    t->link_bytes = weir_shaped_fault_piece(t, t->link_base, size_of(t));
    t->on_link = true;
    t->between = false;
    // The link takes more transfers than there are slots.
    (void)weir_link_start(s->link, t->id, t->link_bytes, t->connection);
    if (!t->link_base)
        t->link_first_us = s->origin_us + (int64_t)(weir_link_first_byte_us(s->link, t->id) + 0.5);
}

static int64_t arrived(const struct weir_shaped *s, const struct weir_shaped_transfer *t)
{
    if (t->link_done) // the rest of an answer longer than it declared is not held back
        return t->over ? staged(t) : t->link_base + t->link_bytes;
    return t->link_base + (t->on_link && !t->between ? weir_link_bytes(s->link, t->id) : 0);
}

void weir_shaped_arrived(struct weir_shaped_transfer *t, int64_t at_us)
{
    if (t->link_base + t->link_bytes < size_of(t)) {
        t->link_base += t->link_bytes;
        t->between = true;
        t->piece_at_us = weir_shaped_fault_next_us(t, at_us);
        return;
    }
    t->link_done = true;
    t->t_last_us = at_us;
}

bool weir_shaped_starved(const struct weir_shaped *s, const struct weir_shaped_transfer *t)
{
    return !t->over && arrived(s, t) > staged(t);
}

// --- what the session is told ---

static struct weir_transfer_event event_of(const struct weir_shaped_transfer *t,
                                           enum weir_transfer_event_kind kind, int64_t now_us)
{
    bool over = kind == WEIR_TRANSFER_DONE || kind == WEIR_TRANSFER_FAILED;
    return (struct weir_transfer_event){
        .kind = kind,
        .id = t->id,
        .now_us = now_us,
        .bytes = t->bytes,
        .length_bytes = t->headers ? t->headers_event.length_bytes : -1,
        .http_status = t->headers ? t->headers_event.http_status : 0,
        .t_request_us = t->t_request_us,
        .t_first_byte_us = over ? t->t_first_byte_us : WEIR_TIME_NONE,
        .t_last_us = over ? t->t_last_us : WEIR_TIME_NONE,
        .retry_after_us = WEIR_TIME_NONE,
    };
}

// The transfer ends here, for a reason of the shaped transport's own.
static struct weir_transfer_event failed(struct weir_shaped *s, struct weir_shaped_transfer *t,
                                         int err, int64_t now_us, const char *what)
{
    struct weir_transfer_event e = event_of(t, WEIR_TRANSFER_FAILED, now_us);
    e.err = weir_error_set(&t->error, err, t->url, "%s", what);
    e.retryable = err == WEIR_ERR_TIMEOUT;
    weir_shaped_drop(s, t, WEIR_SHAPED_REPORTED);
    e.error = &t->error;
    return e;
}

static int64_t later(int64_t a_us, int64_t b_us)
{
    return a_us > b_us ? a_us : b_us; // NONE is the least
}

// The link's time of the first byte, unless the inner transport was later.
static void note_first_byte(struct weir_shaped_transfer *t, int64_t now_us)
{
    if (t->t_first_byte_us != WEIR_TIME_NONE)
        return;
    int64_t at_us = t->link_first_us;
    t->t_first_byte_us = later(at_us < now_us ? at_us : now_us, t->inner_first_us);
}

static struct weir_transfer_event headers(struct weir_shaped_transfer *t, int64_t now_us)
{
    struct weir_transfer_event e = event_of(t, WEIR_TRANSFER_HEADERS, now_us);
    e.effective_url = t->effective_url;
    t->headers_told = true;
    t->heard_us = now_us;
    return e;
}

static struct weir_transfer_event progress(struct weir_shaped *s, struct weir_shaped_transfer *t,
                                           int64_t until, int64_t now_us)
{
    int err = weir_shaped_fault_append(t, t->bytes, until);
    if (err)
        return failed(s, t, err, now_us,
                      err == WEIR_ERR_TOO_BIG ? "larger than a segment may be"
                                              : "the memory limit is reached");
    t->bytes = until;
    t->heard_us = now_us;
    note_first_byte(t, now_us);
    return event_of(t, WEIR_TRANSFER_PROGRESS, now_us);
}

static struct weir_transfer_event ended(struct weir_shaped *s, struct weir_shaped_transfer *t,
                                        int64_t now_us)
{
    bool done = t->end_event.kind == WEIR_TRANSFER_DONE;
    note_first_byte(t, now_us);
    if (t->t_last_us == WEIR_TIME_NONE || t->t_last_us > now_us)
        t->t_last_us = now_us;
    t->t_last_us = later(t->t_last_us, t->inner_last_us);
    struct weir_transfer_event e = event_of(t, t->end_event.kind, now_us);
    e.http_status = t->end_event.http_status;
    if (done) {
        weir_segment_finish(t->target, WEIR_SEGMENT_COMPLETE);
    } else {
        e.err = t->end_event.err;
        e.retryable = t->end_event.retryable;
        e.retry_after_us = t->end_event.retry_after_us;
    }
    weir_shaped_drop(s, t, WEIR_SHAPED_REPORTED);
    if (!done)
        e.error = &t->error;
    return e;
}

bool weir_shaped_deliver(struct weir_shaped *s, struct weir_shaped_transfer *t, int64_t now_us,
                         struct weir_transfer_event *e)
{
    if (t->state != WEIR_SHAPED_RUNNING || t->paused || !t->on_link)
        return false;
    int64_t until = arrived(s, t), have = staged(t);
    until = until < have ? until : have;
    if (t->headers && !t->headers_told && now_us >= t->link_first_us) {
        *e = headers(t, now_us);
        return true;
    }
    if (until > t->bytes) {
        *e = progress(s, t, until, now_us);
        return true;
    }
    if (t->link_done && t->over) {
        *e = ended(s, t, now_us);
        return true;
    }
    int64_t timeout_us = s->params.timeout_us ? s->params.timeout_us : DEFAULT_TIMEOUT_US;
    if (now_us - t->heard_us >= timeout_us) {
        *e = failed(s, t, WEIR_ERR_TIMEOUT, now_us,
                    t->bytes ? "no more bytes came" : "no answer came");
        return true;
    }
    return false;
}
