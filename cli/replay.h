// cli/replay.h — `weir replay`.
#ifndef WEIR_CLI_REPLAY_H
#define WEIR_CLI_REPLAY_H

int weir_cli_replay(int argc, char **argv);

#endif
