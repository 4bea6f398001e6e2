// sim/pacer.c — fair shares of a trace (sim/pacer.h). Grants are differences of the trace's running
// total of bits, so that neither ticks nor late ticks make the rate drift.
#include "sim/pacer.h"

#include <assert.h>

#define IDLE_RESET_US (2 * WEIR_SECOND_US)
// A flow that still has so much credit when the next tick comes has a client that reads slower than
// its share: the tick's bytes go to the others. All together may be behind by 100 ms, so that a
// sender that was not scheduled for some ticks does not lose what the trace offered meanwhile.
#define UNUSED_CREDIT_BYTES (INT64_C(64) << 10)
#define UNUSED_CREDIT_US    100000

void weir_pacer_init(struct weir_pacer *p, const struct weir_trace *trace)
{
    *p = (struct weir_pacer){.trace = trace, .idle_since_us = INT64_MIN + 1};
}

void weir_pacer_request_begin(struct weir_pacer *p, int64_t now_us)
{
    bool idle =
        p->requests == 0 && (p->idle_since_us < 0 || now_us - p->idle_since_us >= IDLE_RESET_US);
    if (idle || p->reset) {
        p->origin_us = now_us;
        p->last_us = now_us;
        p->carry_bits = 0;
        p->reset = false;
    }
    p->idle_since_us = WEIR_TIME_NONE;
    p->requests++;
}

void weir_pacer_reset(struct weir_pacer *p)
{
    p->reset = true;
}

void weir_pacer_request_end(struct weir_pacer *p, int64_t now_us)
{
    assert(p->requests > 0);
    if (--p->requests == 0)
        p->idle_since_us = now_us;
}

void weir_pacer_add(struct weir_pacer *p, struct weir_pacer_flow *f, int64_t now_us)
{
    if (!p->flows) {
        p->last_us = now_us;
        p->carry_bits = 0;
    }
    f->prev = NULL;
    f->next = p->flows;
    if (p->flows)
        p->flows->prev = f;
    p->flows = f;
}

void weir_pacer_remove(struct weir_pacer *p, struct weir_pacer_flow *f)
{
    if (f->prev)
        f->prev->next = f->next;
    else
        p->flows = f->next;
    if (f->next)
        f->next->prev = f->prev;
    f->prev = f->next = NULL;
}

// How much credit a flow may leave unused when a tick of `bytes` ends `span_us`.
static int64_t unused_bytes(const struct weir_pacer *p, int64_t bytes, int64_t span_us)
{
    int64_t flows = 0;
    for (const struct weir_pacer_flow *f = p->flows; f; f = f->next)
        flows++;
    if (flows == 0)
        return UNUSED_CREDIT_BYTES;
    int64_t share = (int64_t)((double)bytes * UNUSED_CREDIT_US / (double)span_us) / flows;
    return share > UNUSED_CREDIT_BYTES ? share : UNUSED_CREDIT_BYTES;
}

static int64_t room_bytes(const struct weir_pacer_flow *f)
{
    return f->blocked ? 0 : f->wanted_bytes;
}

static int64_t grant(struct weir_pacer_flow *f, int64_t bytes)
{
    int64_t room = room_bytes(f);
    int64_t given = bytes < room ? bytes : room;
    f->credit_bytes += given;
    f->wanted_bytes -= given;
    return given;
}

void weir_pacer_tick(struct weir_pacer *p, int64_t now_us)
{
    if (now_us <= p->last_us)
        return;
    double bits = weir_trace_bits_until(p->trace, now_us - p->origin_us) -
                  weir_trace_bits_until(p->trace, p->last_us - p->origin_us) + p->carry_bits;
    int64_t bytes = (int64_t)(bits / 8.0);
    int64_t unused = unused_bytes(p, bytes, now_us - p->last_us);
    p->last_us = now_us;
    p->carry_bits = bits - (double)bytes * 8.0;
    for (struct weir_pacer_flow *f = p->flows; f; f = f->next)
        f->blocked = f->credit_bytes >= unused;
    // Rounds of equal shares until all is given or nobody can take more. Each round either gives
    // everything or satisfies a flow, so there are no more rounds than flows.
    while (bytes > 0) {
        int64_t hungry = 0, given = 0;
        for (struct weir_pacer_flow *f = p->flows; f; f = f->next)
            hungry += room_bytes(f) > 0;
        if (hungry == 0)
            return; // offered, and unused
        int64_t share = bytes / hungry, rest = bytes % hungry;
        for (struct weir_pacer_flow *f = p->flows; f; f = f->next) {
            if (room_bytes(f) == 0)
                continue;
            given += grant(f, share + (rest > 0));
            rest -= rest > 0;
        }
        bytes -= given;
    }
}

int64_t weir_pacer_change_us(const struct weir_pacer *p, int64_t now_us)
{
    int64_t period_us = weir_trace_period_us(p->trace);
    int64_t at_us = (now_us - p->origin_us) % period_us;
    size_t low = 0, high = weir_trace_count(p->trace);
    while (low < high) { // the first interval that starts after at_us
        size_t middle = low + (high - low) / 2;
        if (weir_trace_at(p->trace, middle)->start_us <= at_us)
            low = middle + 1;
        else
            high = middle;
    }
    bool last = low == weir_trace_count(p->trace);
    int64_t next_us = last ? period_us : weir_trace_at(p->trace, low)->start_us;
    return now_us + next_us - at_us;
}

int64_t weir_pacer_latency_us(const struct weir_pacer *p, int64_t now_us)
{
    return weir_trace_latency_us(p->trace, now_us - p->origin_us);
}
