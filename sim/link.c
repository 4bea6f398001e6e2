// sim/link.c — transfers over a link in virtual time. A transfer waits (for its latency, or in tcp
// for the next round trip) or flows; those that flow share the trace's rate equally. Between two
// events nothing changes but the trace, so one walk over it serves all of them.
//
// tcp: a connection's first transfer waits two round trips (handshake, request), later ones one.
// Its window, at first 10 segments of 1460 bytes (RFC 6928), leaves at once and arrives at the
// link's share; the next, twice as large, follows a round trip after the first byte of the one
// before (RFC 5681 3.1, without losses or delayed ACKs). A window still arriving by then shows that
// the link is the bound, and the rest of the transfer has no other. Later transfers begin with the
// window as it has grown by what was delivered, or with the initial one where no byte arrived for
// longer than the retransmission timeout (RFC 5681 4.1), taken as two round trips but at least
// 200 ms. The round trip is the latency in force when the request is made.
#include "sim/link.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/link_connections.h"
#include "sim/link_cursor.h"

#define PENSIEVE_RTT_US     80000.0
#define PENSIEVE_PAYLOAD    0.95
#define INITIAL_WINDOW      (10 * 1460.0)
#define SHORTEST_TIMEOUT_US 200000.0 // Linux's TCP_RTO_MIN
#define NONE                (-1.0)

struct flight {
    uint64_t id;
    int64_t bytes;
    double requested_us, first_byte_us;
    double resumes_us; // waits until then, and flows from then on
    double left;       // work
    double mark_left;  // the mark is reached when `left` has fallen to this; NONE: no mark
    // tcp only
    double window_left;              // the window's end, likewise; NONE: no window
    double window_bytes, round_left; // the window, and `left` when it began to arrive
    double round_us, rtt_us;         // when that was
    int connection;
};

struct weir_link {
    struct weir_cursor cursor;
    struct weir_link_params params;
    double work_per_byte;
    size_t count;
    struct flight flights[WEIR_LINK_MAX_TRANSFERS]; // in order of their start
    struct weir_link_connections connections;       // tcp
};

int weir_link_kind_from(const char *name)
{
    static const char *const names[] = {"fluid", "pensieve", "tcp"};
    for (int i = 0; i < 3; i++)
        if (strcmp(name, names[i]) == 0)
            return i;
    return -1;
}

int weir_link_create(struct weir_link **out)
{
    *out = calloc(1, sizeof(**out));
    return *out ? 0 : WEIR_ERR_NOMEM;
}

void weir_link_destroy(struct weir_link **l)
{
    free(*l);
    *l = NULL;
}

void weir_link_reset(struct weir_link *l, const struct weir_trace *trace,
                     const struct weir_link_params *params)
{
    l->params = *params;
    l->count = 0;
    weir_link_connections_clear(&l->connections);
    l->work_per_byte = WEIR_CURSOR_WORK_PER_BYTE;
    // A share of the rate for payload is the same as so much more work for each byte.
    if (params->kind == WEIR_LINK_PENSIEVE)
        l->work_per_byte /= PENSIEVE_PAYLOAD;
    weir_cursor_reset(&l->cursor, trace, params->offset_us);
}

double weir_link_now_us(const struct weir_link *l)
{
    return l->cursor.now_us;
}

static struct flight *find(struct weir_link *l, uint64_t id)
{
    for (size_t i = 0; i < l->count; i++)
        if (l->flights[i].id == id)
            return &l->flights[i];
    return NULL;
}

// The latency of a request made at the cursor, where it is one number.
static double rtt_us(const struct weir_link *l, const struct weir_cursor *c)
{
    if (l->params.rtt_us != WEIR_TIME_NONE)
        return (double)l->params.rtt_us;
    if (c->at->latency_us != WEIR_TIME_NONE)
        return (double)c->at->latency_us;
    return l->params.kind == WEIR_LINK_PENSIEVE ? PENSIEVE_RTT_US : 0;
}

// The first round of a transfer over `known` (NULL: a new connection).
static void begin_window(struct flight *f, const struct weir_link_connection *known,
                         double work_per_byte)
{
    if (!known)
        f->resumes_us += f->rtt_us;
    double timeout_us = 2 * f->rtt_us;
    if (timeout_us < SHORTEST_TIMEOUT_US)
        timeout_us = SHORTEST_TIMEOUT_US;
    bool idle = !known || f->resumes_us - known->used_us > timeout_us;
    f->window_bytes = idle ? INITIAL_WINDOW : known->window_bytes;
    f->round_us = f->resumes_us;
    f->round_left = f->left;
    f->window_left = f->left - f->window_bytes * work_per_byte;
}

static void make_flight(const struct weir_link *l, const struct weir_cursor *c, int64_t bytes,
                        const struct weir_link_connection *known, struct flight *f)
{
    f->bytes = bytes;
    f->requested_us = c->now_us;
    f->left = (double)bytes * l->work_per_byte;
    f->mark_left = f->window_left = NONE;
    if (l->params.kind == WEIR_LINK_FLUID && l->params.rtt_us == WEIR_TIME_NONE) {
        f->resumes_us = weir_cursor_latency_end_us(c);
    } else {
        f->rtt_us = rtt_us(l, c);
        f->resumes_us = c->now_us + f->rtt_us;
    }
    if (l->params.kind == WEIR_LINK_TCP)
        begin_window(f, known, l->work_per_byte);
    f->first_byte_us = f->resumes_us;
}

int weir_link_start(struct weir_link *l, uint64_t id, int64_t bytes, int connection)
{
    if (l->count == WEIR_LINK_MAX_TRANSFERS)
        return WEIR_ERR_LIMIT;
    struct flight *f = &l->flights[l->count++];
    if (l->params.kind != WEIR_LINK_TCP) {
        make_flight(l, &l->cursor, bytes, NULL, f);
    } else {
        make_flight(l, &l->cursor, bytes, weir_link_connections_get(&l->connections, connection),
                    f);
        f->connection = connection;
        weir_link_connections_put(&l->connections, (struct weir_link_connection){
                                                       .number = connection,
                                                       .window_bytes = f->window_bytes,
                                                       .used_us = f->resumes_us,
                                                   });
    }
    f->id = id;
    return 0;
}

static void forget(struct weir_link *l, struct flight *f)
{
    if (l->params.kind == WEIR_LINK_TCP && f->left < f->round_left) {
        double arrived_bytes = (f->round_left - f->left) / l->work_per_byte;
        weir_link_connections_put(&l->connections,
                                  (struct weir_link_connection){
                                      .number = f->connection,
                                      .window_bytes = f->window_bytes + arrived_bytes,
                                      .used_us = l->cursor.now_us,
                                  });
    }
    size_t after = l->count - (size_t)(f - l->flights) - 1;
    memmove(f, f + 1, after * sizeof(*f));
    l->count--;
}

void weir_link_cancel(struct weir_link *l, uint64_t id)
{
    struct flight *f = find(l, id);
    if (f)
        forget(l, f);
}

void weir_link_mark(struct weir_link *l, uint64_t id, int64_t bytes)
{
    struct flight *f = find(l, id);
    if (f)
        f->mark_left = bytes < f->bytes ? (double)(f->bytes - bytes) * l->work_per_byte : NONE;
}

void weir_link_resize(struct weir_link *l, uint64_t id, int64_t bytes)
{
    struct flight *f = find(l, id);
    if (!f || f->bytes == bytes)
        return;
    double more = (double)(bytes - f->bytes) * l->work_per_byte;
    f->bytes = bytes;
    f->left = f->left + more > 0 ? f->left + more : 0;
    f->round_left += more;
    f->mark_left = f->mark_left + more > 0 ? f->mark_left + more : NONE;
    f->window_left = f->window_left + more > 0 ? f->window_left + more : NONE;
}

static int64_t arrived_bytes(const struct weir_link *l, const struct flight *f)
{
    // A mark's place is whole, but for rounding in the last bits of `left`.
    return f->bytes - (int64_t)ceil(f->left / l->work_per_byte * (1 - 1e-15));
}

int64_t weir_link_bytes(const struct weir_link *l, uint64_t id)
{
    for (size_t i = 0; i < l->count; i++)
        if (l->flights[i].id == id)
            return arrived_bytes(l, &l->flights[i]);
    return 0;
}

double weir_link_first_byte_us(const struct weir_link *l, uint64_t id)
{
    for (size_t i = 0; i < l->count; i++)
        if (l->flights[i].id == id)
            return l->flights[i].first_byte_us;
    return l->cursor.now_us;
}

// What flows now, until when nothing but the trace changes.
struct share {
    int flowing;
    double work;       // of each, to the first one's next point
    double resumes_us; // when the first one that waits begins to flow
};

static struct share share_out(const struct weir_link *l)
{
    struct share s = {0, HUGE_VAL, HUGE_VAL};
    double now_us = l->cursor.now_us;
    for (size_t i = 0; i < l->count; i++) {
        const struct flight *f = &l->flights[i];
        if (f->resumes_us > now_us) {
            s.resumes_us = f->resumes_us < s.resumes_us ? f->resumes_us : s.resumes_us;
            continue;
        }
        s.flowing++;
        double stop = f->mark_left > f->window_left ? f->mark_left : f->window_left;
        double work = stop > 0 ? f->left - stop : f->left;
        s.work = work < s.work ? work : s.work;
    }
    return s;
}

// Everything that flows takes its share of the trace until the next point, or `until_us`.
static void flow(struct weir_link *l, const struct share *s, double until_us)
{
    if (!(s->work > 0))
        return;
    double now_us = l->cursor.now_us, flowing = s->flowing;
    double rest = weir_cursor_serve(&l->cursor, s->work * flowing, until_us);
    double each = rest > 0 ? s->work - rest / flowing : s->work;
    for (size_t i = 0; i < l->count; i++) {
        struct flight *f = &l->flights[i];
        if (f->resumes_us > now_us)
            continue;
        f->left -= each;
        if (f->left < 0)
            f->left = 0;
    }
}

// The window has arrived whole. Where a round trip has passed since it began, the link is the
// bound; otherwise the next one, twice as large, begins when it has.
static void end_round(const struct weir_link *l, struct flight *f, double now_us)
{
    f->window_left = NONE;
    double next_us = f->round_us + f->rtt_us;
    if (now_us >= next_us)
        return;
    f->window_bytes *= 2;
    f->resumes_us = f->round_us = next_us;
    f->round_left = f->left;
    double window_left = f->left - f->window_bytes * l->work_per_byte;
    if (window_left > 0)
        f->window_left = window_left;
}

// The first transfer that reached a point: true for one that hosts hear of.
static bool reach(struct weir_link *l, struct weir_link_event *event)
{
    for (size_t i = 0; i < l->count; i++) {
        struct flight *f = &l->flights[i];
        bool done = f->left <= 0, marked = f->left <= f->mark_left;
        if (!done && !marked) {
            if (f->left <= f->window_left)
                end_round(l, f, l->cursor.now_us);
            continue;
        }
        *event = (struct weir_link_event){.kind = done ? WEIR_LINK_DONE : WEIR_LINK_MARK,
                                          .id = f->id,
                                          .at_us = l->cursor.now_us,
                                          .requested_us = f->requested_us,
                                          .first_byte_us = f->first_byte_us,
                                          .bytes = done ? f->bytes : arrived_bytes(l, f)};
        f->mark_left = NONE;
        if (done)
            forget(l, f);
        return true;
    }
    return false;
}

static void pass(struct weir_link *l, double until_us)
{
    if (l->count > 0 && l->params.kind == WEIR_LINK_PENSIEVE)
        weir_cursor_stand(&l->cursor, until_us);
    else
        weir_cursor_go(&l->cursor, until_us);
}

// One transfer that no window bounds: the same as below, with nothing to share out.
static bool advance_alone(struct weir_link *l, double until_us, struct weir_link_event *event)
{
    struct weir_cursor *c = &l->cursor;
    struct flight *f = &l->flights[0];
    while (f->left > 0 && f->left > f->mark_left) {
        if (c->now_us >= until_us)
            return false;
        if (f->resumes_us > c->now_us) {
            pass(l, f->resumes_us < until_us ? f->resumes_us : until_us);
            continue;
        }
        double work = f->mark_left > 0 ? f->left - f->mark_left : f->left;
        double rest = weir_cursor_serve(c, work, until_us);
        f->left -= rest > 0 ? work - rest : work;
    }
    return reach(l, event);
}

bool weir_link_advance(struct weir_link *l, double until_us, struct weir_link_event *event)
{
    struct weir_cursor *c = &l->cursor;
    if (until_us > WEIR_CURSOR_FAR_US)
        until_us = WEIR_CURSOR_FAR_US;
    if (l->count == 1 && !(l->flights[0].window_left > 0))
        return advance_alone(l, until_us, event);
    for (;;) {
        if (reach(l, event))
            return true;
        struct share s = share_out(l);
        double stop_us = s.resumes_us < until_us ? s.resumes_us : until_us;
        if (s.flowing > 0 && (c->now_us < stop_us || !(s.work > 0)))
            flow(l, &s, stop_us);
        else if (s.flowing == 0)
            pass(l, stop_us);
        else
            weir_cursor_go(c, stop_us);
        if (c->now_us >= until_us)
            return reach(l, event);
    }
}

double weir_link_oracle_us(const struct weir_link *l, double at_us, int64_t bytes)
{
    struct weir_cursor c = l->cursor;
    weir_cursor_go(&c, at_us);
    bool tcp = l->params.kind == WEIR_LINK_TCP;
    struct flight f = {0};
    make_flight(l, &c, bytes, tcp ? l->connections.recent : NULL, &f);
    for (;;) {
        if (l->params.kind == WEIR_LINK_PENSIEVE)
            weir_cursor_stand(&c, f.resumes_us);
        else if (f.resumes_us > c.now_us)
            weir_cursor_go(&c, f.resumes_us);
        double stop = f.window_left > 0 ? f.window_left : 0;
        if (weir_cursor_serve(&c, f.left - stop, WEIR_CURSOR_FAR_US) > 0)
            return HUGE_VAL;
        f.left = stop;
        if (!(stop > 0))
            return c.now_us;
        end_round(l, &f, c.now_us);
    }
}
