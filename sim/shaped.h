// sim/shaped.h — a transport that lets another one's bytes through as a trace allows. The inner
// transport (libcurl, files) fetches as fast as it can into segments of its own; a link
// (sim/link.h) says how much of each transfer has come by the session's clock, and so much is
// appended to the session's segment: one more copy, counted. What is slower, link or inner
// transport, holds the transfer up, so failures and headers are the inner transport's own, at the
// link's times.
//
// In real time the clock is the system's. In virtual time (`pace`) pump() itself moves the clock:
// it waits for the inner transport while virtual time stands still, then goes on to whatever comes
// first: bytes, the end of the wait asked for, or the time another thread sleeps until.
#ifndef WEIR_SIM_SHAPED_H
#define WEIR_SIM_SHAPED_H

#include "core/budget.h"
#include "net/transport.h"
#include "player/pace.h"
#include "sim/fault.h"
#include "sim/link.h"

struct weir_shaped_params {
    const struct weir_trace *trace; // borrowed; trace time 0 (and the offset) is the first request
    struct weir_link_params link;
    struct weir_clock clock;
    struct weir_pace *pace;            // NULL: real time
    struct weir_copy_counters *copies; // may be NULL
    const struct weir_faults *faults;  // the servers misbehave so; copied; NULL: they do not
    int64_t timeout_us; // no byte for so long fails a transfer, as on a real network; 0: 15 s
};

// Takes over *inner on success. 0 or WEIR_ERR_NOMEM.
int weir_shaped_transport_create(const struct weir_shaped_params *params,
                                 struct weir_transport **inner, struct weir_transport **out,
                                 struct weir_error *error);

#endif
