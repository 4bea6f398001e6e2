// tests/net/harness.c — see harness.h.
#include "harness.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define ATTEMPT_US (60 * WEIR_SECOND_US) // a test that waits longer has failed

void harness_init(struct harness *h, const struct weir_curl_params *params, size_t range_bytes,
                  int64_t limit_bytes)
{
    *h = (struct harness){.next_id = 1};
    weir_budget_init(&h->budget, limit_bytes);
    struct weir_segment_pool_params pool = {.range_bytes = range_bytes ? range_bytes : 16 << 20,
                                            .max_segments = 64,
                                            .premapped = 2,
                                            .budget = &h->budget,
                                            .copies = &h->copies};
    assert_int_equal(weir_segment_pool_create(&pool, &h->pool), 0);
    struct weir_curl_params p = params ? *params : (struct weir_curl_params){0};
    if (!p.clock.now_us)
        p.clock = weir_clock_monotonic();
    struct weir_error error = {0};
    assert_int_equal(weir_curl_transport_create(&p, &h->transport, &error), 0);
}

void harness_clear(struct harness *h)
{
    h->transport->ops->destroy(h->transport);
    weir_segment_pool_destroy(&h->pool);
}

struct weir_segment *harness_segment(struct harness *h)
{
    struct weir_segment *s = weir_segment_create(h->pool, 0);
    assert_non_null(s);
    return s;
}

static void note(struct outcome *o, const struct weir_transfer_event *ev)
{
    switch (ev->kind) {
    case WEIR_TRANSFER_HEADERS:
        assert_int_equal(o->headers++, 0);
        o->length_bytes = ev->length_bytes;
        snprintf(o->effective_url, sizeof o->effective_url, "%s", ev->effective_url);
        return;
    case WEIR_TRANSFER_PROGRESS:
        assert_true(ev->bytes > o->bytes);
        o->progress++;
        o->bytes = ev->bytes;
        return;
    case WEIR_TRANSFER_FAILED:
        assert_int_not_equal(ev->err, 0);
        assert_int_equal(ev->error->code, ev->err);
        assert_true(ev->error->where[0] && ev->error->what[0]);
        o->error = *ev->error;
        break;
    case WEIR_TRANSFER_DONE:
        break;
    }
    o->err = ev->err;
    o->retryable = ev->retryable;
    o->from_cache = ev->from_cache;
    o->http_status = ev->http_status;
    o->bytes = ev->bytes;
    o->retry_after_us = ev->retry_after_us;
    o->t_request_us = ev->t_request_us;
    o->t_first_byte_us = ev->t_first_byte_us;
    o->t_last_us = ev->t_last_us;
}

struct outcome harness_run(struct harness *h, struct weir_transfer transfer)
{
    struct outcome o = {.length_bytes = -2, .retry_after_us = WEIR_TIME_NONE};
    struct weir_clock clock = weir_clock_monotonic();
    int64_t give_up_us = weir_clock_now_us(&clock) + ATTEMPT_US;
    if (!transfer.id)
        transfer.id = h->next_id++;
    if (!transfer.origin_url)
        transfer.origin_url = transfer.url;
    o.err = h->transport->ops->start(h->transport, &transfer, &o.error);
    while (!o.err) {
        struct weir_transfer_event ev[3];
        int count = h->transport->ops->pump(h->transport, WEIR_SECOND_US, ev, 3);
        assert_in_range(count, 0, 3);
        assert_true(weir_clock_now_us(&clock) < give_up_us);
        for (int i = 0; i < count; i++) {
            assert_int_equal(ev[i].id, transfer.id);
            note(&o, &ev[i]);
            if (ev[i].kind == WEIR_TRANSFER_DONE || ev[i].kind == WEIR_TRANSFER_FAILED)
                return o;
        }
    }
    return o;
}

struct outcome harness_get(struct harness *h, const char *url, const char *origin, char *text,
                           size_t text_size_bytes)
{
    struct weir_segment *s = harness_segment(h);
    struct weir_transfer t = {.url = url,
                              .origin_url = origin,
                              .first_byte = -1,
                              .last_byte = -1,
                              .segment = s,
                              .document = true};
    struct outcome o = harness_run(h, t);
    size_t length = weir_segment_length(s);
    assert_true(length < text_size_bytes);
    memcpy(text, weir_segment_data(s), length);
    text[length] = 0;
    assert_int_equal(weir_segment_state(s), o.err ? WEIR_SEGMENT_OPEN : WEIR_SEGMENT_COMPLETE);
    weir_segment_unref(&s);
    return o;
}

void harness_check_pattern(const struct weir_segment *s, uint64_t offset, size_t count)
{
    assert_int_equal(weir_segment_length(s), count);
    const uint8_t *data = weir_segment_data(s);
    for (size_t i = 0; i < count; i++)
        if (data[i] != server_byte(offset + i))
            fail_msg("byte %zu differs", i);
}

const char *server_url(const struct server *s, const char *path)
{
    static char urls[8][1024];
    static unsigned next;
    char *url = urls[next++ % 8];
    snprintf(url, sizeof urls[0], "http://127.0.0.1:%d%s", server_port(s), path);
    return url;
}
