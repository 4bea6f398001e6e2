// sim/shaped_fault.c — a server that misbehaves (sim/fault.h), as the shaped transport sees it:
// what `weir serve --fault` does, in virtual time too. A transfer that stalls or goes slowly comes
// over the link in pieces, each asked for when the server would send it.
#include <stdio.h>

#include "core/url.h"
#include "sim/shaped_internal.h"

#define SLOW_TICK_US INT64_C(100000) // of a slow server's pieces
#define PATCH_BYTES  4096

// --- the answer is there ---

static void answer(struct weir_shaped_transfer *t, int err, int status, bool retryable,
                   const char *what)
{
    weir_error_set(&t->error, err, t->url, "%s", what);
    t->error.http_status = status;
    t->end_event = (struct weir_transfer_event){.kind = WEIR_TRANSFER_FAILED,
                                                .http_status = status,
                                                .err = err,
                                                .retryable = retryable,
                                                .retry_after_us = WEIR_TIME_NONE};
    t->over = true;
}

// As net/curl_errors.c judges statuses.
static void answer_status(struct weir_shaped_transfer *t, int status)
{
    bool absent = status == 404 || status == 410;
    bool passing = status >= 500 || status == 408 || status == 425 || status == 429;
    char what[32];
    (void)snprintf(what, sizeof(what), "HTTP %d", status);
    answer(t, absent ? WEIR_ERR_NOT_FOUND : WEIR_ERR_HTTP, status, passing, what);
}

bool weir_shaped_fault_begin(struct weir_shaped *s, struct weir_shaped_transfer *t, const char *url)
{
    char path[WEIR_URL_MAX_BYTES];
    struct weir_url parts;
    if (s->faults.count == 0)
        return false;
    weir_url_parse(url, &parts);
    (void)snprintf(path, sizeof(path), "%.*s", (int)parts.path.len,
                   parts.path.ptr ? parts.path.ptr : "");
    t->fault = weir_faults_next(&s->faults, path);
    if (t->fault.kind == WEIR_FAULT_STATUS)
        answer_status(t, t->fault.spec.code);
    else if (t->fault.kind == WEIR_FAULT_REFUSE ||
             (t->fault.kind == WEIR_FAULT_RESET && t->fault.spec.at_bytes == 0))
        answer(t, WEIR_ERR_NETWORK, 0, true, "the server closed without an answer");
    return t->over;
}

// --- the answer ends early ---

static bool ends_early(const struct weir_shaped_transfer *t)
{
    return t->fault.kind == WEIR_FAULT_TRUNCATE || t->fault.kind == WEIR_FAULT_RESET;
}

void weir_shaped_fault_length(struct weir_shaped_transfer *t, int64_t length)
{
    if (ends_early(t) && t->cut == INT64_MAX && weir_fault_at(&t->fault, length) < length)
        t->cut = weir_fault_at(&t->fault, length);
}

void weir_shaped_fault_end(struct weir_shaped_transfer *t)
{
    int64_t length = (int64_t)weir_segment_length(t->staging);
    if (t->fault.kind == WEIR_FAULT_NONE || t->end_event.kind != WEIR_TRANSFER_DONE)
        return;
    weir_shaped_fault_length(t, length);
    if (ends_early(t) && t->cut < length)
        answer(t, WEIR_ERR_NETWORK, t->end_event.http_status, true,
               t->fault.kind == WEIR_FAULT_RESET ? "the transfer broke off" : "cut short");
}

// --- the answer takes its time ---

static int64_t body_bytes(const struct weir_shaped_transfer *t)
{
    return t->over ? (int64_t)weir_segment_length(t->staging) : t->headers_event.length_bytes;
}

int64_t weir_shaped_fault_piece(const struct weir_shaped_transfer *t, int64_t from, int64_t total)
{
    bool stall = t->fault.kind == WEIR_FAULT_STALL, slow = t->fault.kind == WEIR_FAULT_SLOW;
    int64_t left = total - from > 0 ? total - from : 1;
    if (!stall && !slow)
        return left;
    int64_t at = weir_fault_at(&t->fault, body_bytes(t));
    int64_t piece = INT64_MAX;
    if (from < at || (from == 0 && stall)) // even where nothing comes, the header does
        piece = at > from ? at - from : 1;
    else if (slow)
        piece = t->fault.spec.rate_bps / 8 * SLOW_TICK_US / WEIR_SECOND_US;
    if (piece < 1)
        piece = 1;
    return piece < left ? piece : left;
}

int64_t weir_shaped_fault_next_us(struct weir_shaped_transfer *t, int64_t now_us)
{
    if (t->fault.kind == WEIR_FAULT_STALL)
        return t->fault.spec.for_us < INT64_MAX - now_us ? now_us + t->fault.spec.for_us
                                                         : INT64_MAX;
    if (t->fault.kind != WEIR_FAULT_SLOW)
        return now_us;
    // On a grid, so that round trips do not slow it further.
    int64_t next_us = t->piece_from_us ? t->piece_from_us + SLOW_TICK_US : now_us;
    t->piece_from_us = next_us > now_us ? next_us : now_us;
    return t->piece_from_us;
}

// --- the answer is another one ---

int weir_shaped_fault_append(const struct weir_shaped_transfer *t, int64_t from, int64_t until)
{
    const uint8_t *data = weir_segment_data(t->staging);
    uint8_t patch[PATCH_BYTES];
    if (t->fault.kind != WEIR_FAULT_CORRUPT)
        return weir_segment_append(t->target, data + from, (size_t)(until - from));
    int err = 0;
    while (from < until && !err) {
        size_t size = until - from < PATCH_BYTES ? (size_t)(until - from) : PATCH_BYTES;
        for (size_t i = 0; i < size; i++)
            patch[i] = data[from + (int64_t)i];
        weir_fault_corrupt(&t->fault, body_bytes(t), from, patch, size);
        err = weir_segment_append(t->target, patch, size);
        from += (int64_t)size;
    }
    return err;
}
