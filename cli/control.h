// cli/control.h — the user's side of `weir play`: keys from the window and the terminal become the
// player's commands; the status line and the overlay show where playback is. On the main thread.
#ifndef WEIR_CLI_CONTROL_H
#define WEIR_CLI_CONTROL_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/keys.h"
#include "cli/outputs.h"
#include "cli/play_options.h"
#include "cli/status.h"

struct weir_control {
    const struct weir_play_options *options;
    struct weir_outputs *outputs;
    struct weir_player *player; // between attach and detach
    bool quit;                  // the user asked to leave
    bool keys;                  // the terminal is in key mode
    struct weir_key_decoder decoder;
    int64_t typed_at_us;
    struct weir_status_line line;
    int64_t status_at_us;
    bool overlay, overlay_drawn;
    int64_t overlay_at_us, overlay_until_us; // until 0: until it is switched off
    int volume_percent;
    bool muted, paused, playing;
    int64_t seek_target_us, seek_until_us;
    size_t held_rung;
    char rung_note[80];
    int screenshots;
    char screenshot_path[32];
    const char *note; // a word on the last command
    int64_t note_until_us;
};

void weir_control_open(struct weir_control *c, const struct weir_play_options *o,
                       struct weir_outputs *outputs);
void weir_control_attach(struct weir_control *c, struct weir_player *player);
void weir_control_detach(struct weir_control *c); // before the player goes
void weir_control_close(struct weir_control *c);  // restores the terminal; also after a failed open
// Hear keys, draw status. True when the user asked to leave. Never waits.
bool weir_control_poll(struct weir_control *c);
bool weir_control_wants_input(const struct weir_control *c);

#endif
