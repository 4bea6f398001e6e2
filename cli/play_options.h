// cli/play_options.h — the options of `weir play`: one table feeds getopt_long and the help text.
#ifndef WEIR_CLI_PLAY_OPTIONS_H
#define WEIR_CLI_PLAY_OPTIONS_H

#include <stdbool.h>

#include <weir/player.h>

#include "sim/fault.h"
#include "sim/link.h"

#define WEIR_HEADERS_MAX 32

enum weir_vo {
    WEIR_VO_SDL,
    WEIR_VO_NULL,
    WEIR_VO_Y4M,
};

struct weir_play_options {
    struct weir_player_params player; // strings point into argv
    const char *headers[WEIR_HEADERS_MAX];
    enum weir_vo vo;
    const char *y4m_path, *title;
    const char *events_path, *summary_path, *framemd5_path;
    const char *trace_path;
    struct weir_link_params link;            // with trace_path
    struct weir_faults faults;               // likewise
    bool virtual_time, no_decode, net_given; // likewise
    bool record, fullscreen, keep_open, stats, quiet, verbose;
    long loops;
};

// 0 to go on; else *exit_code is what to exit with (0 after --help), and everything was printed.
int weir_play_options_parse(int argc, char **argv, struct weir_play_options *o, int *exit_code);

#endif
