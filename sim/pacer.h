// sim/pacer.h — divides what a trace offers among the responses that are being sent: max-min fair,
// over all connections together. No clock, no thread, no socket: the server ticks it. Protect it
// with one lock.
#ifndef WEIR_SIM_PACER_H
#define WEIR_SIM_PACER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/trace.h"

// A response's share. Zero-initialise, set wanted_bytes, add; members are the pacer's while it is
// added, but for credit_bytes, from which the sender takes what it hands to the socket.
struct weir_pacer_flow {
    int64_t wanted_bytes; // of the body, not granted yet
    int64_t credit_bytes; // granted, not taken yet
    bool blocked;         // in this tick
    struct weir_pacer_flow *prev, *next;
};

struct weir_pacer {
    const struct weir_trace *trace; // borrowed
    int64_t origin_us;              // trace time 0
    int64_t last_us;                // granted up to here
    int64_t idle_since_us;          // no request since; WEIR_TIME_NONE while one is open
    double carry_bits;              // less than a byte
    bool reset;                     // the next request is trace time 0
    size_t requests;                // open, whether they send or wait
    struct weir_pacer_flow *flows;
};

void weir_pacer_init(struct weir_pacer *p, const struct weir_trace *trace);
// A request came or was answered in full. The first request after 2 s without any is trace time 0.
void weir_pacer_request_begin(struct weir_pacer *p, int64_t now_us);
void weir_pacer_request_end(struct weir_pacer *p, int64_t now_us);
// Make the next request trace time 0, whatever is open.
void weir_pacer_reset(struct weir_pacer *p);
// Start and stop sharing. A flow that begins alone begins at now_us: what went by unused is gone.
void weir_pacer_add(struct weir_pacer *p, struct weir_pacer_flow *f, int64_t now_us);
void weir_pacer_remove(struct weir_pacer *p, struct weir_pacer_flow *f);
// Grant what the trace offered since the last tick.
void weir_pacer_tick(struct weir_pacer *p, int64_t now_us);
// When the trace's rate changes next after now_us.
int64_t weir_pacer_change_us(const struct weir_pacer *p, int64_t now_us);
// The trace's latency at now_us; WEIR_TIME_NONE where it says nothing.
int64_t weir_pacer_latency_us(const struct weir_pacer *p, int64_t now_us);

#endif
