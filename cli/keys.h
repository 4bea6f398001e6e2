// cli/keys.h — keys to commands, as in mpv, for the window and the terminal alike; and a terminal's
// bytes to keys.
#ifndef WEIR_CLI_KEYS_H
#define WEIR_CLI_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum weir_command {
    WEIR_COMMAND_NONE,
    WEIR_COMMAND_PAUSE, // toggle
    WEIR_COMMAND_SEEK,  // by `amount` microseconds
    WEIR_COMMAND_SPEED, // multiply by `amount` thousandths
    WEIR_COMMAND_SPEED_RESET,
    WEIR_COMMAND_VOLUME,     // by `amount` percent
    WEIR_COMMAND_MUTE,       // toggle
    WEIR_COMMAND_FULLSCREEN, // toggle
    WEIR_COMMAND_LEAVE_FULLSCREEN,
    WEIR_COMMAND_SUBTITLES,   // next (`amount` 1) or previous (−1)
    WEIR_COMMAND_AUDIO_TRACK, // next
    WEIR_COMMAND_STATS_SHOW,  // for a few seconds
    WEIR_COMMAND_STATS_TOGGLE,
    WEIR_COMMAND_SCREENSHOT,
    WEIR_COMMAND_RUNG, // hold the next higher (1) or lower (−1) rung
    WEIR_COMMAND_RUNG_AUTO,
    WEIR_COMMAND_QUIT,
};

struct weir_key_binding {
    uint32_t key; // a Unicode code point or enum weir_named_key (render/video.h)
    enum weir_command command;
    int64_t amount;
    const char *name, *help; // as people read them
};

// The whole table, for help texts.
const struct weir_key_binding *weir_key_bindings(size_t *count);
// NULL: the key means nothing.
const struct weir_key_binding *weir_key_lookup(uint32_t key);

// A terminal's bytes, as they come in any portions: characters in UTF-8 and escape sequences of
// ECMA-48 and xterm. Zero-initialise. What is not understood is swallowed whole.
struct weir_key_decoder {
    int state;
    uint32_t code; // of the character or sequence being read
    int more;      // continuation bytes to come
    bool plain;    // the sequence has had no parameters
};

// Take one byte; the key that it completes, or 0.
uint32_t weir_key_decoder_feed(struct weir_key_decoder *d, uint8_t byte);
// Nothing has followed for a while (some 50 ms): a lone ESC was the Escape key. The key, or 0.
uint32_t weir_key_decoder_idle(struct weir_key_decoder *d);

#endif
