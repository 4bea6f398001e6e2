// tests/sim/test_shaped.c — the shaped transport over a scripted one: bytes come when the trace
// says, failures and lengths are the inner transport's, what is slower holds the other up. The
// clock is the test's: the scripted transport moves it when it is asked to wait, so every time here
// is exact, in "real" time as in virtual.
#include "cmocka_all.h"

#include <string.h>

#include "sim/shaped.h"

#define MS 1000
// One byte per microsecond, 100 ms of latency.
#define STEADY "[{\"duration_ms\":1000,\"bandwidth_kbps\":8000,\"latency_ms\":100}]"
#define BODY   100000

// --- an inner transport that does as it is told ---

struct script {
    int64_t headers_at_us, body_at_us; // after start(): when they are there
    int64_t length_bytes;              // declared; -1: not
    int64_t body_bytes;                // brought
    int err;                           // at the end of the body; 0: DONE
    bool retryable;
    int64_t retry_after_us;
};

struct running {
    bool used, headers, body;
    uint64_t id;
    struct weir_segment *segment;
    int64_t begin_us;
    struct script script;
    struct weir_transfer seen;
};

struct inner {
    struct weir_transport base;
    int64_t now_us;
    struct script next;
    struct running running[4];
    int cancelled, warmed;
    struct weir_error error;
    uint8_t body[BODY];
};

static struct inner inner;

static int inner_start(struct weir_transport *t, const struct weir_transfer *transfer,
                       struct weir_error *error)
{
    (void)t;
    (void)error;
    for (int i = 0; i < 4; i++) {
        struct running *r = &inner.running[i];
        if (r->used)
            continue;
        *r = (struct running){.used = true,
                              .id = transfer->id,
                              .segment = weir_segment_ref(transfer->segment),
                              .begin_us = inner.now_us,
                              .script = inner.next,
                              .seen = *transfer};
        return 0;
    }
    return WEIR_ERR_LIMIT;
}

static void inner_cancel(struct weir_transport *t, uint64_t id)
{
    (void)t;
    for (int i = 0; i < 4; i++)
        if (inner.running[i].used && inner.running[i].id == id) {
            weir_segment_unref(&inner.running[i].segment);
            inner.running[i].used = false;
            inner.cancelled++;
        }
}

static bool say(struct running *r, struct weir_transfer_event *e)
{
    int64_t age_us = inner.now_us - r->begin_us;
    *e = (struct weir_transfer_event){.id = r->id,
                                      .now_us = inner.now_us,
                                      .http_status = 206,
                                      .from_cache = true,
                                      .length_bytes = r->script.length_bytes,
                                      .retry_after_us = WEIR_TIME_NONE};
    if (!r->headers && age_us >= r->script.headers_at_us && r->script.headers_at_us >= 0) {
        r->headers = true;
        e->kind = WEIR_TRANSFER_HEADERS;
        e->effective_url = "http://elsewhere/x";
        return true;
    }
    if (age_us < r->script.body_at_us)
        return false;
    assert_int_equal(weir_segment_append(r->segment, inner.body, (size_t)r->script.body_bytes), 0);
    e->kind = WEIR_TRANSFER_DONE;
    e->bytes = r->script.body_bytes;
    if (r->script.err) {
        e->kind = WEIR_TRANSFER_FAILED;
        e->err = weir_error_set(&inner.error, r->script.err, "inner", "as scripted");
        e->error = &inner.error;
        e->retryable = r->script.retryable;
        e->retry_after_us = r->script.retry_after_us;
    } else {
        weir_segment_finish(r->segment, WEIR_SEGMENT_COMPLETE);
    }
    weir_segment_unref(&r->segment);
    r->used = false;
    return true;
}

static int inner_pump(struct weir_transport *t, int64_t timeout_us,
                      struct weir_transfer_event *events, size_t room)
{
    (void)t;
    size_t n = 0;
    for (int64_t end_us = inner.now_us + (timeout_us < 0 ? MS : timeout_us);;) {
        for (int i = 0; i < 4; i++)
            while (n < room && inner.running[i].used && say(&inner.running[i], &events[n]))
                n++;
        if (n > 0 || inner.now_us >= end_us)
            return (int)n;
        inner.now_us += MS < end_us - inner.now_us ? MS : end_us - inner.now_us;
    }
}

static void inner_wake(struct weir_transport *t)
{
    (void)t;
}

static void inner_warm(struct weir_transport *t, const char *url, int count)
{
    (void)t;
    (void)url;
    inner.warmed += count;
}

static void inner_destroy(struct weir_transport *t)
{
    (void)t;
    for (int i = 0; i < 4; i++)
        weir_segment_unref(&inner.running[i].segment);
}

static const struct weir_transport_ops inner_ops = {.start = inner_start,
                                                    .cancel = inner_cancel,
                                                    .pump = inner_pump,
                                                    .wake = inner_wake,
                                                    .warm = inner_warm,
                                                    .destroy = inner_destroy};

static int64_t inner_now_us(void *ctx)
{
    (void)ctx;
    return inner.now_us;
}

// --- the transport under test ---

static struct weir_trace *trace;
static struct weir_transport *shaped;
static struct weir_pace *pace;
static struct weir_budget budget;
static struct weir_copy_counters copies;
static struct weir_segment_pool *pool;
static struct weir_faults faults;

static void open_with(const char *text, enum weir_link_kind kind, bool virtual_time)
{
    struct weir_error e = {0};
    assert_int_equal(weir_trace_parse(text, strlen(text), "test", &trace, &e), 0);
    struct weir_shaped_params p = {.trace = trace,
                                   .link = {.kind = kind, .rtt_us = WEIR_TIME_NONE},
                                   .clock = {.now_us = inner_now_us},
                                   .copies = &copies,
                                   .faults = &faults};
    if (virtual_time) { // this thread is the I/O thread, and nobody else is there
        assert_int_equal(weir_pace_create(&pace), 0);
        weir_pace_expect(pace, WEIR_PACE_IO);
        weir_pace_leave(pace, WEIR_PACE_APP);
        weir_pace_enter(pace, WEIR_PACE_IO);
        p.pace = pace;
        p.clock = weir_pace_clock(pace);
    }
    struct weir_transport *wrapped = &inner.base;
    assert_int_equal(weir_shaped_transport_create(&p, &wrapped, &shaped, &e), 0);
    assert_null(wrapped);
}

static int setup(void **state)
{
    (void)state;
    inner = (struct inner){.base = {.ops = &inner_ops}, .now_us = 5000000};
    for (int i = 0; i < BODY; i++)
        inner.body[i] = (uint8_t)(i * 7 + i / 251);
    inner.next = (struct script){.length_bytes = 50000, .body_bytes = 50000};
    memset(&copies, 0, sizeof(copies));
    memset(&faults, 0, sizeof(faults));
    weir_budget_init(&budget, 0);
    struct weir_segment_pool_params pp = {
        .range_bytes = 1 << 20, .max_segments = 8, .budget = &budget};
    return weir_segment_pool_create(&pp, &pool);
}

static int teardown(void **state)
{
    (void)state;
    if (shaped)
        shaped->ops->destroy(shaped);
    shaped = NULL;
    weir_pace_destroy(&pace);
    weir_trace_destroy(&trace);
    weir_segment_pool_destroy(&pool);
    weir_budget_clear(&budget);
    return 0;
}

static struct weir_segment *start(uint64_t id)
{
    struct weir_segment *s = weir_segment_create(pool, 0);
    struct weir_transfer t = {
        .id = id, .url = "http://host/x", .first_byte = -1, .last_byte = -1, .segment = s};
    struct weir_error e = {0};
    assert_int_equal(shaped->ops->start(shaped, &t, &e), 0);
    return s;
}

struct outcome {
    struct weir_transfer_event last; // DONE or FAILED
    struct weir_error error;
    int64_t headers_at_us, length_bytes;
    int progress;
};

static int64_t now_us(void)
{
    struct weir_clock virtual_clock;
    if (!pace)
        return inner.now_us;
    virtual_clock = weir_pace_clock(pace);
    return weir_clock_now_us(&virtual_clock);
}

// Pump until transfer `id` is over.
static struct outcome run(uint64_t id)
{
    struct outcome o = {.headers_at_us = -1};
    for (;;) {
        struct weir_transfer_event events[8];
        int n = shaped->ops->pump(shaped, -1, events, 8);
        assert_in_range(n, 0, 8);
        for (int i = 0; i < n; i++) {
            assert_int_equal(events[i].now_us, now_us());
            if (events[i].id != id)
                continue;
            if (events[i].kind == WEIR_TRANSFER_HEADERS) {
                assert_string_equal(events[i].effective_url, "http://elsewhere/x");
                o.headers_at_us = events[i].now_us;
                o.length_bytes = events[i].length_bytes;
            }
            o.progress += events[i].kind == WEIR_TRANSFER_PROGRESS;
            o.last = events[i];
            if (events[i].error)
                o.error = *events[i].error;
            if (events[i].kind == WEIR_TRANSFER_DONE || events[i].kind == WEIR_TRANSFER_FAILED)
                return o;
        }
    }
}

static void has_body(const struct weir_segment *s, size_t bytes)
{
    assert_int_equal(weir_segment_length(s), bytes);
    assert_memory_equal(weir_segment_data(s), inner.body, bytes);
}

// --- in real time ---

static void a_fast_server_is_held_back(void **state)
{
    (void)state;
    open_with(STEADY, WEIR_LINK_FLUID, false);
    int64_t t0_us = inner.now_us;
    struct weir_segment *s = start(1);
    struct outcome o = run(1);
    assert_int_equal(o.last.kind, WEIR_TRANSFER_DONE);
    assert_int_equal(o.last.t_request_us, t0_us);
    assert_int_equal(o.last.t_first_byte_us, t0_us + 100 * MS);
    assert_int_equal(o.last.t_last_us, t0_us + 150 * MS);
    assert_int_equal(o.last.bytes, 50000);
    assert_int_equal(o.last.http_status, 206);
    assert_false(o.last.from_cache); // the inner transport said so; here bytes took their time
    assert_in_range(o.headers_at_us, t0_us + 100 * MS, t0_us + 103 * MS);
    assert_int_equal(o.length_bytes, 50000);
    assert_true(o.progress > 10); // bit by bit
    assert_int_equal(weir_segment_state(s), WEIR_SEGMENT_COMPLETE);
    has_body(s, 50000);
    assert_int_equal(atomic_load(&copies.net_bytes), 50000); // the one copy more
    weir_segment_unref(&s);
}

static void a_slow_server_holds_the_link_up(void **state)
{
    (void)state;
    open_with(STEADY, WEIR_LINK_FLUID, false);
    int64_t t0_us = inner.now_us;
    inner.next.headers_at_us = 20 * MS;
    inner.next.body_at_us = 400 * MS;
    struct weir_segment *s = start(1);
    struct outcome o = run(1);
    assert_int_equal(o.last.kind, WEIR_TRANSFER_DONE);
    assert_in_range(o.last.t_first_byte_us, t0_us + 400 * MS, t0_us + 402 * MS);
    assert_in_range(o.last.t_last_us, t0_us + 400 * MS, t0_us + 402 * MS);
    has_body(s, 50000);
    weir_segment_unref(&s);
}

static void without_a_length_the_end_decides(void **state)
{
    (void)state;
    open_with(STEADY, WEIR_LINK_FLUID, false);
    int64_t t0_us = inner.now_us;
    inner.next.length_bytes = -1;
    inner.next.body_at_us = 30 * MS;
    struct weir_segment *s = start(1);
    struct outcome o = run(1);
    assert_int_equal(o.length_bytes, -1);
    assert_int_equal(o.last.t_last_us, t0_us + 150 * MS);
    has_body(s, 50000);
    weir_segment_unref(&s);
}

static void a_failure_comes_when_its_bytes_have(void **state)
{
    (void)state;
    open_with(STEADY, WEIR_LINK_FLUID, false);
    int64_t t0_us = inner.now_us;
    inner.next.body_bytes = 20000;
    inner.next.err = WEIR_ERR_NETWORK;
    inner.next.retryable = true;
    inner.next.retry_after_us = 7 * MS;
    struct weir_segment *s = start(1);
    struct outcome o = run(1);
    assert_int_equal(o.last.kind, WEIR_TRANSFER_FAILED);
    assert_int_equal(o.last.err, WEIR_ERR_NETWORK);
    assert_true(o.last.retryable);
    assert_int_equal(o.last.retry_after_us, 7 * MS);
    assert_string_equal(o.error.what, "as scripted");
    assert_int_equal(o.last.bytes, 20000);
    assert_in_range(o.last.now_us, t0_us + 120 * MS, t0_us + 122 * MS);
    assert_int_equal(weir_segment_state(s), WEIR_SEGMENT_OPEN); // for a retry
    has_body(s, 20000);
    weir_segment_unref(&s);
}

static void a_refusal_takes_a_round_trip(void **state)
{
    (void)state;
    open_with(STEADY, WEIR_LINK_FLUID, false);
    int64_t t0_us = inner.now_us;
    inner.next.body_bytes = 0;
    inner.next.headers_at_us = -1; // nobody answers
    inner.next.err = WEIR_ERR_NOT_FOUND;
    struct weir_segment *s = start(1);
    struct outcome o = run(1);
    assert_int_equal(o.last.err, WEIR_ERR_NOT_FOUND);
    assert_false(o.last.retryable);
    assert_in_range(o.last.now_us, t0_us + 100 * MS, t0_us + 103 * MS);
    weir_segment_unref(&s);
}

static void two_at_once_share_the_link(void **state)
{
    (void)state;
    open_with(STEADY, WEIR_LINK_FLUID, false);
    int64_t t0_us = inner.now_us;
    inner.next = (struct script){.length_bytes = 30000, .body_bytes = 30000};
    struct weir_segment *a = start(1), *b = start(2);
    struct outcome first = run(1);
    struct outcome second = run(2);
    assert_int_equal(first.last.t_last_us, t0_us + 160 * MS);
    assert_int_equal(second.last.t_last_us, t0_us + 160 * MS);
    has_body(a, 30000);
    has_body(b, 30000);
    weir_segment_unref(&a);
    weir_segment_unref(&b);
}

static void what_is_cancelled_leaves_the_link(void **state)
{
    (void)state;
    open_with(STEADY, WEIR_LINK_FLUID, false);
    int64_t t0_us = inner.now_us;
    inner.next.body_at_us = 300 * MS; // so that the inner one is still running, too
    struct weir_segment *a = start(1);
    inner.next.body_at_us = 0;
    struct weir_segment *b = start(2);
    shaped->ops->cancel(shaped, 1);
    shaped->ops->cancel(shaped, 99);
    struct outcome o = run(2);
    assert_int_equal(inner.cancelled, 1);
    assert_int_equal(o.last.t_last_us, t0_us + 150 * MS); // alone
    assert_int_equal(weir_segment_length(a), 0);
    assert_int_equal(weir_segment_state(a), WEIR_SEGMENT_OPEN);
    weir_segment_unref(&a);
    weir_segment_unref(&b);
}

static void an_outage_is_a_timeout(void **state)
{
    (void)state;
    open_with("[{\"duration_ms\":110,\"bandwidth_kbps\":8000,\"latency_ms\":100},"
              "{\"duration_ms\":60000,\"bandwidth_kbps\":0,\"latency_ms\":100}]",
              WEIR_LINK_FLUID, false);
    int64_t t0_us = inner.now_us;
    struct weir_segment *s = start(1);
    struct outcome o = run(1);
    assert_int_equal(o.last.kind, WEIR_TRANSFER_FAILED);
    assert_int_equal(o.last.err, WEIR_ERR_TIMEOUT);
    assert_true(o.last.retryable);
    assert_int_equal(o.last.bytes, 10000); // what the first 110 ms brought
    assert_in_range(o.last.now_us, t0_us + 15110 * MS, t0_us + 15115 * MS);
    has_body(s, 10000);
    weir_segment_unref(&s);
}

static void a_resumed_transfer_is_the_rest(void **state)
{
    (void)state;
    open_with(STEADY, WEIR_LINK_FLUID, false);
    int64_t t0_us = inner.now_us;
    struct weir_segment *s = weir_segment_create(pool, 0);
    assert_int_equal(weir_segment_append(s, "12345", 5), 0);
    inner.next = (struct script){.length_bytes = 1000, .body_bytes = 1000};
    struct weir_transfer t = {.id = 3,
                              .url = "http://host/x",
                              .first_byte = 10,
                              .last_byte = 1014,
                              .resume_bytes = 5,
                              .segment = s};
    assert_int_equal(shaped->ops->start(shaped, &t, NULL), 0);
    assert_int_equal(inner.running[0].seen.resume_bytes, 5);
    assert_int_equal(inner.running[0].seen.first_byte, 10);
    struct outcome o = run(3);
    assert_int_equal(o.last.bytes, 1000);
    assert_int_equal(o.last.t_last_us, t0_us + 101 * MS);
    assert_int_equal(weir_segment_length(s), 1005);
    assert_memory_equal(weir_segment_data(s) + 5, inner.body, 1000);
    weir_segment_unref(&s);
}

static void more_than_fits_is_a_failure(void **state)
{
    (void)state;
    open_with(STEADY, WEIR_LINK_FLUID, false);
    struct weir_segment *s = weir_segment_create(pool, 0);
    static const uint8_t much[(1 << 20) - 1000];
    assert_int_equal(weir_segment_append(s, much, sizeof(much)), 0);
    struct weir_transfer t = {
        .id = 1, .url = "http://host/x", .first_byte = -1, .last_byte = -1, .segment = s};
    assert_int_equal(shaped->ops->start(shaped, &t, NULL), 0);
    struct outcome o = run(1);
    assert_int_equal(o.last.err, WEIR_ERR_TOO_BIG);
    assert_false(o.last.retryable);
    assert_string_equal(o.error.where, "http://host/x");
    weir_segment_unref(&s);
}

static void pausing_holds_what_comes(void **state)
{
    (void)state;
    open_with(STEADY, WEIR_LINK_FLUID, false);
    int64_t t0_us = inner.now_us;
    struct weir_segment *s = start(1);
    shaped->ops->pause(shaped, 1, true);
    struct weir_transfer_event e;
    assert_int_equal(shaped->ops->pump(shaped, 300 * MS, &e, 1), 0);
    assert_int_equal(inner.now_us, t0_us + 300 * MS);
    assert_int_equal(weir_segment_length(s), 0);
    shaped->ops->pause(shaped, 1, false);
    struct outcome o = run(1);
    assert_int_equal(o.last.kind, WEIR_TRANSFER_DONE);
    assert_int_equal(o.last.t_last_us, t0_us + 150 * MS); // it had come long ago
    weir_segment_unref(&s);
}

static void a_wake_ends_the_wait(void **state)
{
    (void)state;
    open_with(STEADY, WEIR_LINK_FLUID, false);
    int64_t t0_us = inner.now_us;
    struct weir_transfer_event e;
    shaped->ops->wake(shaped);
    assert_int_equal(shaped->ops->pump(shaped, -1, &e, 1), 0);
    assert_int_equal(inner.now_us, t0_us);
    shaped->ops->warm(shaped, "http://host/", 3);
    assert_int_equal(inner.warmed, 3);
}

// 100 ms windows of a trace that changes every 150 ms, and the whole.
static void windows_follow_the_trace(void **state)
{
    (void)state;
    open_with("[{\"duration_ms\":150,\"bandwidth_kbps\":800,\"latency_ms\":0},"
              "{\"duration_ms\":150,\"bandwidth_kbps\":160,\"latency_ms\":0}]",
              WEIR_LINK_FLUID, false);
    inner.next = (struct script){.length_bytes = BODY, .body_bytes = BODY};
    int64_t t0_us = inner.now_us, had = 0;
    struct weir_segment *s = start(1);
    for (int window = 1; window <= 15; window++) {
        struct weir_transfer_event e[4];
        while (inner.now_us < t0_us + window * 100 * MS)
            (void)shaped->ops->pump(shaped, t0_us + window * 100 * MS - inner.now_us, e, 4);
        double want = (weir_trace_bits_until(trace, window * 100 * MS) -
                       weir_trace_bits_until(trace, (window - 1) * 100 * MS)) /
                      8;
        int64_t have = (int64_t)weir_segment_length(s);
        assert_in_range(have - had, (int64_t)(want * 0.97) - 1, (int64_t)(want * 1.03) + 1);
        had = have;
    }
    weir_segment_unref(&s);
}

// --- in virtual time ---

static void virtual_time_goes_from_event_to_event(void **state)
{
    (void)state;
    open_with(STEADY, WEIR_LINK_FLUID, true);
    inner.next.headers_at_us = 250 * MS; // the server's slowness is of another world
    inner.next.body_at_us = 900 * MS;
    struct weir_segment *s = start(1);
    struct outcome o = run(1);
    assert_int_equal(o.last.t_request_us, 0);
    assert_int_equal(o.last.t_first_byte_us, 100 * MS);
    assert_int_equal(o.last.t_last_us, 150 * MS);
    assert_int_equal(o.last.now_us, 150 * MS);
    assert_int_equal(now_us(), 150 * MS);
    has_body(s, 50000);
    weir_segment_unref(&s);
}

static void virtual_waits_end_to_the_microsecond(void **state)
{
    (void)state;
    open_with(STEADY, WEIR_LINK_FLUID, true);
    struct weir_transfer_event e;
    assert_int_equal(shaped->ops->pump(shaped, 12345, &e, 1), 0);
    assert_int_equal(now_us(), 12345);
    assert_int_equal(shaped->ops->pump(shaped, 0, &e, 1), 0);
    assert_int_equal(now_us(), 12345);
    struct weir_segment *s = start(1); // the link's clock begins here
    struct outcome o = run(1);
    assert_int_equal(o.last.t_last_us, 12345 + 150 * MS);
    weir_segment_unref(&s);
}

static void virtual_failures_come_when_their_bytes_have(void **state)
{
    (void)state;
    open_with(STEADY, WEIR_LINK_FLUID, true);
    inner.next.body_bytes = 20001;
    inner.next.err = WEIR_ERR_NETWORK;
    struct weir_segment *s = start(1);
    struct outcome o = run(1);
    assert_int_equal(o.last.kind, WEIR_TRANSFER_FAILED);
    assert_int_equal(o.last.now_us, 120 * MS + 1);
    assert_int_equal(o.last.bytes, 20001);
    weir_segment_unref(&s);
}

static void slow_start_is_the_links(void **state)
{
    (void)state;
    open_with("[{\"duration_ms\":1000,\"bandwidth_kbps\":800000,\"latency_ms\":100}]",
              WEIR_LINK_TCP, true);
    struct weir_segment *s = start(1);
    struct outcome o = run(1);
    // Connect, request; 14,600 bytes, a round trip, 29,200, a round trip, the rest; 0.01 us a byte.
    assert_int_equal(o.last.t_first_byte_us, 200 * MS);
    assert_in_range(o.last.t_last_us, 400 * MS, 401 * MS);
    weir_segment_unref(&s);
}

// --- misbehaving servers; the body of 50,000 bytes takes 100 ms + 50 ms by itself ---

static void add_fault(const char *text)
{
    struct weir_fault_spec spec;
    assert_int_equal(weir_fault_parse(text, &spec, NULL), 0);
    assert_int_equal(weir_faults_add(&faults, &spec), 0);
}

static void faults_end_transfers(void **state)
{
    static const struct {
        const char *spec;
        int err, status;
        bool retryable;
        int64_t bytes, at_us;
    } cases[] = {
        {"status:code=503", WEIR_ERR_HTTP, 503, true, 0, 100 * MS},
        {"status:code=403", WEIR_ERR_HTTP, 403, false, 0, 100 * MS},
        {"status:code=404", WEIR_ERR_NOT_FOUND, 404, false, 0, 100 * MS},
        {"refuse", WEIR_ERR_NETWORK, 0, true, 0, 100 * MS},
        {"reset:at=0", WEIR_ERR_NETWORK, 0, true, 0, 100 * MS},
        {"reset:at=1000", WEIR_ERR_NETWORK, 206, true, 1000, 101 * MS},
        {"truncate", WEIR_ERR_NETWORK, 206, true, 25000, 125 * MS},
        {"stall:at=10000", WEIR_ERR_TIMEOUT, 206, true, 10000, 15110 * MS},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        for (int virtual_time = 0; virtual_time < 2; virtual_time++) {
            assert_int_equal(teardown(NULL), 0); // a fresh start for each
            assert_int_equal(setup(NULL), 0);
            add_fault(cases[i].spec);
            open_with(STEADY, WEIR_LINK_FLUID, virtual_time != 0);
            int64_t t0_us = now_us();
            struct weir_segment *s = start(1);
            struct outcome o = run(1);
            assert_int_equal(o.last.kind, WEIR_TRANSFER_FAILED);
            assert_int_equal(o.last.err, cases[i].err);
            assert_int_equal(o.last.http_status, cases[i].status);
            assert_int_equal(o.last.retryable, cases[i].retryable);
            assert_int_equal(o.last.bytes, cases[i].bytes);
            // A tick late: in real time always, else where it is the clock that ends it.
            assert_in_range(o.last.now_us, t0_us + cases[i].at_us,
                            t0_us + cases[i].at_us + 11 * MS);
            assert_int_equal(weir_segment_state(s), WEIR_SEGMENT_OPEN);
            has_body(s, (size_t)cases[i].bytes);
            weir_segment_unref(&s);
        }
    }
}

static void faults_slow_transfers(void **state)
{
    (void)state;
    add_fault("stall:at=10000,for=2,count=1");
    add_fault("slow:at=10000,rate=800000,from=2"); // 100 bytes a millisecond
    open_with(STEADY, WEIR_LINK_FLUID, true);
    struct weir_segment *s = start(1);
    struct outcome o = run(1);
    assert_int_equal(o.last.kind, WEIR_TRANSFER_DONE);
    assert_in_range(o.last.t_last_us, 2150 * MS, 2300 * MS);
    has_body(s, 50000);
    weir_segment_unref(&s);
    int64_t from_us = now_us();
    s = start(2);
    o = run(2);
    assert_in_range(o.last.t_last_us - from_us, 450 * MS, 700 * MS); // 40,000 bytes at that rate
    has_body(s, 50000);
    weir_segment_unref(&s);
}

static void faults_change_bytes(void **state)
{
    (void)state;
    add_fault("corrupt:at=20000,bytes=5");
    open_with(STEADY, WEIR_LINK_FLUID, true);
    struct weir_segment *s = start(1);
    struct outcome o = run(1);
    assert_int_equal(o.last.kind, WEIR_TRANSFER_DONE);
    assert_int_equal(weir_segment_length(s), 50000);
    for (size_t i = 0; i < 50000; i++)
        if ((weir_segment_data(s)[i] != inner.body[i]) != (i >= 20000 && i < 20005))
            fail_msg("byte %zu", i);
    weir_segment_unref(&s);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(a_fast_server_is_held_back),
        CASE(a_slow_server_holds_the_link_up),
        CASE(without_a_length_the_end_decides),
        CASE(a_failure_comes_when_its_bytes_have),
        CASE(a_refusal_takes_a_round_trip),
        CASE(two_at_once_share_the_link),
        CASE(what_is_cancelled_leaves_the_link),
        CASE(an_outage_is_a_timeout),
        CASE(a_resumed_transfer_is_the_rest),
        CASE(more_than_fits_is_a_failure),
        CASE(pausing_holds_what_comes),
        CASE(a_wake_ends_the_wait),
        CASE(windows_follow_the_trace),
        CASE(virtual_time_goes_from_event_to_event),
        CASE(virtual_waits_end_to_the_microsecond),
        CASE(virtual_failures_come_when_their_bytes_have),
        CASE(slow_start_is_the_links),
        CASE(faults_end_transfers),
        CASE(faults_slow_transfers),
        CASE(faults_change_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
