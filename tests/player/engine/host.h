// tests/player/engine/host.h — a tiny host in virtual time: transfers that take as long as a seeded
// network says, fail as often as it says, and a viewer who presses keys. Drives the engine through
// a whole session.
#ifndef WEIR_TESTS_ENGINE_HOST_H
#define WEIR_TESTS_ENGINE_HOST_H

#include "core/rng.h"
#include "tests/player/engine/rig.h"

struct host_params {
    uint64_t seed;
    int64_t bandwidth_bps; // of each transfer
    int64_t latency_us;
    bool vary;              // bandwidth and latency change by chance, from a tenth to twice
    double fail, fail_hard; // chance of a transfer to break off (worth a retry) or to be refused
    double key;             // chance of a key before each event
    bool progress;          // tell of progress, with what is playable
    bool playheads;         // correct the playhead, jittered
    int64_t give_up_at_us;  // a session longer than this never ends
};

struct host_result {
    bool ended;
    int err;
    uint64_t steps, hash;
    int stalls, starts, seeks;
    int64_t ended_at_us;
};

// The rig is loaded and made; runs from OPEN to END.
struct host_result host_run(struct rig *r, const struct host_params *params);

#endif
