// player/inject.h — private to Weir's own hosts (cli/, tests/): a session with another transport
// and clock than the live ones. The session's code is the same; this is all that differs.
#ifndef WEIR_PLAYER_INJECT_H
#define WEIR_PLAYER_INJECT_H

#include <weir/player.h>

#include "core/budget.h"
#include "core/clock.h"
#include "net/transport.h"
#include "player/pace.h"

// What a transport that wraps the session's own is told.
struct weir_inject_session {
    struct weir_clock clock;           // the session's
    struct weir_pace *pace;            // NULL: real time
    struct weir_copy_counters *copies; // the session's, for copies of its own
    int64_t timeout_us;                // as the user gave it; 0: the default
};

struct weir_inject {
    const char *host;   // of the summary: "live", "replay"
    const char *trace;  // likewise; NULL: none
    bool virtual_time;  // the transport made by wrap() moves the clock (player/pace.h)
    bool exact_network; // neither slow start nor scheduling: small transfers tell of it as well
    bool no_decode;     // nothing is demuxed or decoded; media plays for its time
    bool record;        // the engine's life goes into the event stream (player/record.h)
    // *transport is the live one: replace it by one that owns it. 0, or an error: then *transport
    // stays as it is.
    int (*wrap)(void *ctx, const struct weir_inject_session *session,
                struct weir_transport **transport, struct weir_error *error);
    void *ctx;
};

// weir_player_create() with `inject` (NULL: the same). Copied but for its strings and ctx, which
// must last as long as the player.
int weir_player_create_injected(const struct weir_player_params *params,
                                const struct weir_inject *inject, struct weir_player **out,
                                struct weir_error *error);

#endif
