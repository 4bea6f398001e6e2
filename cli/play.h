// cli/play.h — the verb `weir play`.
#ifndef WEIR_CLI_PLAY_H
#define WEIR_CLI_PLAY_H

// argv[0] is "play". Returns the exit status.
int weir_cli_play(int argc, char **argv);

#endif
