// sim/shaped.c — see shaped.h: the transport's life and its pump. The link's clock begins with the
// first request. Its exact times are rounded once, to the session's microseconds.
#include "sim/shaped.h"

#include <stdlib.h>

#include "sim/shaped_internal.h"

// While a transfer flows, the session hears of it this often: often enough that 100 ms windows
// follow the trace in real time, and a start is seen to within a picture's time in virtual time.
#define REAL_TICK_US    2000
#define VIRTUAL_TICK_US 10000
#define INNER_EVENTS    16
// In virtual time: an inner transport that has not answered by itself is asked again so often.
#define INNER_WAIT_US 1000000
// A session that is not over by then will never be.
#define VIRTUAL_END_US (INT64_C(86400) * 10 * WEIR_SECOND_US)

static struct weir_shaped *from_base(struct weir_transport *t)
{
    return (struct weir_shaped *)t; // base is the first member
}

static int64_t now_us(const struct weir_shaped *s)
{
    return weir_clock_now_us(&s->params.clock);
}

// --- the inner transport ---

// 0, or its failure.
static int hear_inner(struct weir_shaped *s, int64_t timeout_us)
{
    struct weir_transfer_event events[INNER_EVENTS];
    int n;
    do {
        n = s->inner->ops->pump(s->inner, timeout_us, events, INNER_EVENTS);
        for (int i = 0; i < n; i++)
            weir_shaped_hear(s, &events[i], now_us(s));
        timeout_us = 0;
    } while (n == INNER_EVENTS);
    return n < 0 ? n : 0;
}

// --- the link ---

static double link_time(const struct weir_shaped *s, int64_t at_us)
{
    double link_us = (double)(at_us - s->origin_us);
    double now = weir_link_now_us(s->link); // may be a fraction ahead: rounded down
    return link_us > now ? link_us : now;
}

// Transfers that are new, or whose next piece is due: the link is asked, in their order. What a
// fault does depends on the size.
static void ask_link(struct weir_shaped *s)
{
    for (;;) {
        struct weir_shaped_transfer *first = NULL;
        for (int i = 0; i < WEIR_SHAPED_SLOTS; i++) {
            struct weir_shaped_transfer *t = &s->transfers[i];
            bool new =
                !t->on_link && (t->fault.kind == WEIR_FAULT_NONE || weir_shaped_size_known(t));
            bool due = t->between && t->piece_at_us <= now_us(s);
            if (t->state == WEIR_SHAPED_RUNNING && (new || due) &&
                (!first || t->order < first->order))
                first = t;
        }
        if (!first)
            return;
        weir_shaped_ask(s, first);
    }
}

// Go on to until_us, or to the first transfer that is complete before. Its time, rounded.
static int64_t advance_link(struct weir_shaped *s, int64_t until_us)
{
    struct weir_link_event e;
    if (!weir_link_advance(s->link, link_time(s, until_us), &e))
        return until_us;
    int64_t at_us = s->origin_us + (int64_t)(e.at_us + 0.5);
    struct weir_shaped_transfer *t = weir_shaped_find(s, e.id);
    if (t && e.kind == WEIR_LINK_DONE)
        weir_shaped_arrived(t, at_us);
    return at_us < until_us ? at_us : until_us;
}

// The first of the first bytes that are still to come; INT64_MAX: none.
static int64_t next_first_byte_us(const struct weir_shaped *s, int64_t at_us)
{
    int64_t next_us = INT64_MAX;
    for (int i = 0; i < WEIR_SHAPED_SLOTS; i++) {
        const struct weir_shaped_transfer *t = &s->transfers[i];
        if (t->state == WEIR_SHAPED_RUNNING && t->on_link && t->link_first_us > at_us &&
            t->link_first_us < next_us)
            next_us = t->link_first_us;
    }
    return next_us;
}

static bool any_running(const struct weir_shaped *s)
{
    for (int i = 0; i < WEIR_SHAPED_SLOTS; i++)
        if (s->transfers[i].state == WEIR_SHAPED_RUNNING)
            return true;
    return false;
}

// --- events ---

static int collect(struct weir_shaped *s, struct weir_transfer_event *events, size_t room)
{
    size_t n = 0;
    int64_t at_us = now_us(s);
    for (int i = 0; i < WEIR_SHAPED_SLOTS; i++)
        while (n < room && weir_shaped_deliver(s, &s->transfers[i], at_us, &events[n]))
            n++;
    return (int)n;
}

static void free_reported(struct weir_shaped *s)
{
    for (int i = 0; i < WEIR_SHAPED_SLOTS; i++)
        if (s->transfers[i].state == WEIR_SHAPED_REPORTED)
            weir_shaped_drop(s, &s->transfers[i], WEIR_SHAPED_FREE);
}

static int64_t end_of_wait(int64_t from_us, int64_t timeout_us)
{
    return timeout_us < 0 || timeout_us > INT64_MAX - from_us ? INT64_MAX : from_us + timeout_us;
}

// --- pump in real time ---

static int pump_real(struct weir_shaped *s, int64_t timeout_us, struct weir_transfer_event *events,
                     size_t room)
{
    int64_t until_us = end_of_wait(now_us(s), timeout_us);
    int64_t wait_us = 0;
    for (;;) {
        int err = hear_inner(s, wait_us);
        if (err)
            return err;
        int64_t at_us = now_us(s);
        if (s->begun) {
            while (advance_link(s, at_us) < at_us)
                ;
        }
        ask_link(s);
        int n = collect(s, events, room);
        bool woken = atomic_exchange(&s->woken, false);
        if (n > 0 || woken || at_us >= until_us)
            return n;
        wait_us = until_us == INT64_MAX ? -1 : until_us - at_us;
        if (any_running(s) && (wait_us < 0 || wait_us > REAL_TICK_US))
            wait_us = REAL_TICK_US;
        int64_t first_us = next_first_byte_us(s, at_us);
        if (first_us - at_us < wait_us) // else there is none, or a tick comes before it
            wait_us = first_us - at_us;
    }
}

// --- pump in virtual time ---

// Time stands still until the inner transport has brought what the link has carried, and has told
// the size of what is new.
static bool owes(const struct weir_shaped *s, const struct weir_shaped_transfer *t)
{
    return t->state == WEIR_SHAPED_RUNNING &&
           (!t->on_link ? !weir_shaped_size_known(t)
                        : weir_shaped_starved(s, t) || (t->link_done && !t->over));
}

static int await_inner(struct weir_shaped *s)
{
    for (;;) {
        bool wait = false;
        for (int i = 0; i < WEIR_SHAPED_SLOTS; i++)
            wait = wait || owes(s, &s->transfers[i]);
        int err = wait ? hear_inner(s, INNER_WAIT_US) : 0;
        if (!wait || err)
            return err;
    }
}

// One step of virtual time: to the end of the wait, to the next thing due in the session, or to
// what the link brings.
static void step(struct weir_shaped *s, int64_t until_us, int64_t due_us)
{
    int64_t at_us = now_us(s);
    int64_t stop_us = due_us < until_us ? due_us : until_us;
    if (any_running(s) && stop_us > at_us + VIRTUAL_TICK_US)
        stop_us = at_us + VIRTUAL_TICK_US;
    int64_t first_us = next_first_byte_us(s, at_us);
    if (first_us < stop_us)
        stop_us = first_us;
    if (stop_us == INT64_MAX) { // nothing is to come by itself
        (void)weir_wake_wait(&s->wake, -1);
        return;
    }
    if (stop_us < at_us)
        stop_us = at_us;
    if (s->begun)
        stop_us = advance_link(s, stop_us);
    weir_pace_advance(s->params.pace, stop_us);
}

static int pump_virtual(struct weir_shaped *s, int64_t timeout_us,
                        struct weir_transfer_event *events, size_t room)
{
    int64_t until_us = end_of_wait(now_us(s), timeout_us);
    for (;;) {
        int err = await_inner(s);
        if (err)
            return err;
        ask_link(s);
        int n = collect(s, events, room);
        if (n > 0)
            return n;
        int64_t due_us = weir_pace_settle(s->params.pace);
        if (atomic_exchange(&s->woken, false) || now_us(s) >= until_us)
            return 0;
        if (now_us(s) >= VIRTUAL_END_US)
            return WEIR_ERR_TIMEOUT;
        step(s, until_us, due_us);
    }
}

// --- the transport ---

static int pump(struct weir_transport *base, int64_t timeout_us, struct weir_transfer_event *events,
                size_t room)
{
    struct weir_shaped *s = from_base(base);
    free_reported(s);
    return s->params.pace ? pump_virtual(s, timeout_us, events, room)
                          : pump_real(s, timeout_us, events, room);
}

static int start(struct weir_transport *base, const struct weir_transfer *transfer,
                 struct weir_error *error)
{
    struct weir_shaped *s = from_base(base);
    int err = weir_shaped_start(s, transfer, error);
    if (err)
        return err;
    if (!s->begun) {
        s->begun = true;
        s->origin_us = now_us(s);
    }
    if (s->params.pace)
        return 0;              // pump() asks the link, with the size known
    int64_t at_us = now_us(s); // the request's own time
    while (advance_link(s, at_us) < at_us)
        ;
    ask_link(s);
    return 0;
}

static void cancel(struct weir_transport *base, uint64_t id)
{
    struct weir_shaped *s = from_base(base);
    struct weir_shaped_transfer *t = weir_shaped_find(s, id);
    if (t)
        weir_shaped_drop(s, t, WEIR_SHAPED_FREE);
}

// What is paused goes on arriving, and is held here.
static void pause_transfer(struct weir_transport *base, uint64_t id, bool paused)
{
    struct weir_shaped_transfer *t = weir_shaped_find(from_base(base), id);
    if (!t)
        return;
    t->paused = paused;
    t->heard_us = now_us(from_base(base));
}

static void wake(struct weir_transport *base)
{
    struct weir_shaped *s = from_base(base);
    atomic_store(&s->woken, true);
    weir_wake_signal(&s->wake);
    if (!s->params.pace) // in virtual time the pump never waits for the inner one without need
        s->inner->ops->wake(s->inner);
}

static void warm(struct weir_transport *base, const char *url, int count)
{
    struct weir_shaped *s = from_base(base);
    s->inner->ops->warm(s->inner, url, count);
}

static void destroy(struct weir_transport *base)
{
    struct weir_shaped *s = from_base(base);
    for (int i = 0; i < WEIR_SHAPED_SLOTS; i++)
        weir_shaped_drop(s, &s->transfers[i], WEIR_SHAPED_FREE);
    if (s->inner)
        s->inner->ops->destroy(s->inner);
    weir_link_destroy(&s->link);
    weir_segment_pool_destroy(&s->pool);
    weir_budget_clear(&s->budget);
    weir_wake_clear(&s->wake);
    free(s);
}

int weir_shaped_transport_create(const struct weir_shaped_params *params,
                                 struct weir_transport **inner, struct weir_transport **out,
                                 struct weir_error *error)
{
    static const struct weir_transport_ops ops = {.start = start,
                                                  .cancel = cancel,
                                                  .pause = pause_transfer,
                                                  .pump = pump,
                                                  .wake = wake,
                                                  .warm = warm,
                                                  .destroy = destroy};
    *out = NULL;
    struct weir_shaped *s = calloc(1, sizeof(*s));
    if (!s || weir_wake_init(&s->wake)) {
        free(s);
        return weir_error_set(error, WEIR_ERR_NOMEM, "--trace", "out of memory");
    }
    s->base.ops = &ops;
    s->params = *params;
    if (params->faults)
        s->faults = *params->faults;
    weir_budget_init(&s->budget, 0);
    struct weir_segment_pool_params pool = {.max_segments = (size_t)2 * WEIR_SHAPED_SLOTS,
                                            .premapped = 4,
                                            .budget = &s->budget,
                                            .copies = params->copies};
    int err = weir_segment_pool_create(&pool, &s->pool);
    if (!err)
        err = weir_link_create(&s->link);
    if (err) {
        destroy(&s->base);
        return weir_error_set(error, err, "--trace", "cannot shape transfers: %s",
                              weir_strerror(err));
    }
    weir_link_reset(s->link, params->trace, &params->link);
    s->inner = *inner;
    *inner = NULL;
    *out = &s->base;
    return 0;
}
