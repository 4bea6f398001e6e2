// cli/sim.h — `weir sim`.
#ifndef WEIR_CLI_SIM_H
#define WEIR_CLI_SIM_H

int weir_cli_sim(int argc, char **argv);

#endif
