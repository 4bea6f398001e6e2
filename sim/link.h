// sim/link.h — the virtual network: one link whose rate follows a trace, in virtual time. Transfers
// in flight at once share it equally; so do those of several clients, each given its own ids by
// whoever shares the link out. Times are exact: microseconds as doubles from the session's first
// request (trace time `offset_us`). Hosts round each event's time once. One thread per link.
//
// fluid: a request costs the latency, then runs at exactly its share of the trace's rate. Latency
//   is work done at the pace of the trace's period in force, as in Sabre: a period that ends first
//   leaves the rest to the next one's.
// pensieve: Pensieve's simulator: payload share 0.95; 80 ms per request, during which the trace's
//   clock stands still (while nothing else flows); row 0 of a cooked trace only sets the origin.
// tcp: a round trip for the request (two for a new connection), then slow start from an initial
//   window of 10 segments of 1460 bytes, doubled every round trip, until the link's share is the
//   bound; the window lives on in its connection until that has been idle (RFC 5681 4.1). No loss.
#ifndef WEIR_SIM_LINK_H
#define WEIR_SIM_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/error.h>

#include "sim/trace.h"

enum weir_link_kind {
    WEIR_LINK_FLUID,
    WEIR_LINK_PENSIEVE,
    WEIR_LINK_TCP,
};
// "fluid", "pensieve", "tcp"; -1 for another word.
int weir_link_kind_from(const char *name);

struct weir_link_params {
    enum weir_link_kind kind;
    int64_t rtt_us;    // latency of every request; WEIR_TIME_NONE: the trace's own, else the kind's
    int64_t offset_us; // trace time of the link's time 0; >= 0
};

#define WEIR_LINK_MAX_TRANSFERS 128 // in flight at once; more are refused with WEIR_ERR_LIMIT

enum weir_link_event_kind {
    WEIR_LINK_MARK, // the transfer has got as far as its mark
    WEIR_LINK_DONE, // complete, and forgotten
};

struct weir_link_event {
    enum weir_link_event_kind kind;
    uint64_t id;
    double at_us, requested_us, first_byte_us;
    int64_t bytes; // arrived
};

struct weir_link;

int weir_link_create(struct weir_link **out);
void weir_link_destroy(struct weir_link **l);
// Time 0 on `trace`, nothing in flight. `trace` is borrowed until the next reset. Allocates
// nothing.
void weir_link_reset(struct weir_link *l, const struct weir_trace *trace,
                     const struct weir_link_params *params);
double weir_link_now_us(const struct weir_link *l);
// Ask for `bytes` > 0 now, over connection `connection` (tcp: its congestion window lives on
// between transfers; a number not seen since reset is a new connection). 0 or WEIR_ERR_LIMIT.
int weir_link_start(struct weir_link *l, uint64_t id, int64_t bytes, int connection);
// Forget a transfer; no effect on an id that is not in flight. In tcp its connection lives on (as
// in HTTP/2); for one that closes, go on with a new number.
void weir_link_cancel(struct weir_link *l, uint64_t id);
// Have an event when `bytes` of the transfer have arrived, at once where they have (replaces its
// mark; its size or more: none).
void weir_link_mark(struct weir_link *l, uint64_t id, int64_t bytes);
// The transfer turns out to bring `bytes` > 0 instead: what is over is as it was, and where that is
// all, its end is an event at once. For hosts that learn a size from the answer's header.
void weir_link_resize(struct weir_link *l, uint64_t id, int64_t bytes);
// What has arrived of a transfer by now.
int64_t weir_link_bytes(const struct weir_link *l, uint64_t id);
// When the first byte of a transfer in flight arrives, or arrived.
double weir_link_first_byte_us(const struct weir_link *l, uint64_t id);
// Go on to the next event, but not beyond `until_us` (>= now). True: *event happened and now is its
// time. False: nothing happened, and now is until_us.
bool weir_link_advance(struct weir_link *l, double until_us, struct weir_link_event *event);
// When a transfer of `bytes`, asked for at `at_us` >= now with nothing else on the link, would be
// complete; infinity where never. tcp: over the connection that was used last. Changes nothing.
double weir_link_oracle_us(const struct weir_link *l, double at_us, int64_t bytes);

#endif
