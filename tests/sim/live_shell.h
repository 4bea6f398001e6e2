// tests/sim/live_shell.h — the live session without its threads: the code of `weir play` that opens
// a manifest, steps the engine and carries its actions out, on a transport and a clock that the
// test moves. Nothing is decoded.
#ifndef WEIR_TESTS_SIM_LIVE_SHELL_H
#define WEIR_TESTS_SIM_LIVE_SHELL_H

#include "player/session.h"

struct live_shell;

struct live_shell_params {
    const char *manifest; // its text
    const char *abr;
    int64_t buffer_max_us;
    bool abandon;
    uint64_t seed;
};

// A session whose engine was made and has heard nothing yet; a failed test otherwise.
struct live_shell *live_shell_create(const struct live_shell_params *params);
void live_shell_destroy(struct live_shell *s);
// Tell it of an engine's event the way the live host would come to it: what happens to transfers
// through the transport, the rest directly.
void live_shell_tell(struct live_shell *s, int64_t now_us, const struct weir_engine_event *event);
// What the last step did.
const struct weir_actions *live_shell_actions(const struct live_shell *s);
const struct weir_engine *live_shell_engine(const struct live_shell *s);
size_t live_shell_transfers(const struct live_shell *s); // that the transport was given and runs

#endif
