// cli/simulation.h — `weir play --trace`: the simulated transport and clock that are put into a
// session.
#ifndef WEIR_CLI_SIMULATION_H
#define WEIR_CLI_SIMULATION_H

#include "cli/play_options.h"
#include "player/inject.h"
#include "sim/trace.h"

struct weir_simulation {
    struct weir_link_params link;
    const struct weir_faults *faults;
    struct weir_trace *trace; // NULL: none was asked for
    struct weir_inject inject;
};

// Reads the trace that the options name, if they do. The simulation must outlive the player.
int weir_simulation_open(struct weir_simulation *s, const struct weir_play_options *o,
                         struct weir_error *error);
void weir_simulation_close(struct weir_simulation *s);

#endif
