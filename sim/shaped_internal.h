// sim/shaped_internal.h — internal to sim/shaped*.c: the shaped transport and its transfers.
#ifndef WEIR_SIM_SHAPED_INTERNAL_H
#define WEIR_SIM_SHAPED_INTERNAL_H

#include <stdatomic.h>

#include "core/wake.h"
#include "sim/fault.h"
#include "sim/shaped.h"

#define WEIR_SHAPED_CONNECTIONS 8 // as many as the model host has (sim/model_session.h)
#define WEIR_SHAPED_SLOTS       32

enum weir_shaped_state {
    WEIR_SHAPED_FREE,
    WEIR_SHAPED_RUNNING,
    WEIR_SHAPED_REPORTED, // its strings may still be read: free once the next pump() begins
};

// Times are the session's clock's.
struct weir_shaped_transfer {
    enum weir_shaped_state state;
    uint64_t id, order; // `order` rises from start to start
    bool head, paused;
    struct weir_segment *target;  // the session's
    struct weir_segment *staging; // what the inner transport has brought
    int connection;
    bool on_link, link_done; // asked for on the link; complete there
    int64_t link_bytes;      // what the link takes it to bring; provisional until a length is known
    int64_t link_base;       // with a fault: what the link brought before, in pieces of their own
    bool between;            // with a fault: the next piece is asked for at piece_at_us
    int64_t piece_at_us, piece_from_us;
    struct weir_fault fault;
    int64_t cut; // no more bytes than these come; INT64_MAX: all
    int64_t t_request_us, t_first_byte_us, t_last_us;
    int64_t link_first_us; // with on_link: when its first byte comes there
    int64_t heard_us;      // when a byte came last, or it was asked for

    // What the inner transport said.
    bool headers, over;
    struct weir_transfer_event headers_event, end_event;
    char *effective_url;
    struct weir_error error;
    char url[256];                         // as messages may show it
    int64_t inner_first_us, inner_last_us; // when its first and latest byte were here; NONE

    // What the session was told.
    bool headers_told;
    int64_t bytes;
};

struct weir_shaped {
    struct weir_transport base;
    struct weir_shaped_params params;
    struct weir_transport *inner;
    struct weir_link *link;
    struct weir_budget budget;
    struct weir_segment_pool *pool; // of staging segments
    bool begun;                     // the link's clock runs
    int64_t origin_us;              // session time of the link's time 0
    uint64_t orders;
    struct weir_faults faults; // with their counts
    _Atomic bool woken;
    struct weir_wake wake; // virtual time: of the wait when nothing is to come by itself
    bool connection_busy[WEIR_SHAPED_CONNECTIONS];
    struct weir_shaped_transfer transfers[WEIR_SHAPED_SLOTS];
};

// shaped_transfer.c: one transfer.

// Of the running transfer with this id; NULL.
struct weir_shaped_transfer *weir_shaped_find(struct weir_shaped *s, uint64_t id);
int weir_shaped_start(struct weir_shaped *s, const struct weir_transfer *transfer,
                      struct weir_error *error);
// Off the link and the network; the slot is `then`.
void weir_shaped_drop(struct weir_shaped *s, struct weir_shaped_transfer *t,
                      enum weir_shaped_state then);
// The inner transport's events, at session time now_us.
void weir_shaped_hear(struct weir_shaped *s, const struct weir_transfer_event *e, int64_t now_us);
// Ask the link for it. In virtual time its size must be known.
void weir_shaped_ask(struct weir_shaped *s, struct weir_shaped_transfer *t);
// The link has brought what it was asked for.
void weir_shaped_arrived(struct weir_shaped_transfer *t, int64_t at_us);
// Whether the inner transport has told what the link has to carry.
bool weir_shaped_size_known(const struct weir_shaped_transfer *t);
// Whether the link has brought bytes that the inner transport still owes.
bool weir_shaped_starved(const struct weir_shaped *s, const struct weir_shaped_transfer *t);
// What there is to say of it at now_us: true and *e, else false. Again until false.
bool weir_shaped_deliver(struct weir_shaped *s, struct weir_shaped_transfer *t, int64_t now_us,
                         struct weir_transfer_event *e);

// shaped_fault.c: how the server misbehaves. No effect on a transfer without a fault.

// Decides what happens to a transfer of this URL. True: nobody need be asked, the answer is there.
bool weir_shaped_fault_begin(struct weir_shaped *s, struct weir_shaped_transfer *t,
                             const char *url);
// The body's length has become known: where the fault begins.
void weir_shaped_fault_length(struct weir_shaped_transfer *t, int64_t length);
// The inner transfer is over: whether it ends otherwise.
void weir_shaped_fault_end(struct weir_shaped_transfer *t);
// What the link brings at one go, of `total` bytes, behind the `from` first ones.
int64_t weir_shaped_fault_piece(const struct weir_shaped_transfer *t, int64_t from, int64_t total);
// A piece has come, and more are to: when to ask for the next.
int64_t weir_shaped_fault_next_us(struct weir_shaped_transfer *t, int64_t now_us);
// weir_segment_append(), of bytes from `from` of the staging segment on.
int weir_shaped_fault_append(const struct weir_shaped_transfer *t, int64_t from, int64_t until);

#endif
