// cli/keys.c — the table of keys, and the little state machine that reads a terminal.
#include "cli/keys.h"

#include "core/clock.h"
#include "render/video.h"

#define S WEIR_SECOND_US

static const struct weir_key_binding bindings[] = {
    {' ', WEIR_COMMAND_PAUSE, 0, "SPACE", "pause or play"},
    {'p', WEIR_COMMAND_PAUSE, 0, "p", "pause or play"},
    {WEIR_KEY_LEFT, WEIR_COMMAND_SEEK, -5 * S, "LEFT", "5 seconds back"},
    {WEIR_KEY_RIGHT, WEIR_COMMAND_SEEK, 5 * S, "RIGHT", "5 seconds forward"},
    {WEIR_KEY_DOWN, WEIR_COMMAND_SEEK, -60 * S, "DOWN", "1 minute back"},
    {WEIR_KEY_UP, WEIR_COMMAND_SEEK, 60 * S, "UP", "1 minute forward"},
    {'[', WEIR_COMMAND_SPEED, 909, "[", "slower"},
    {']', WEIR_COMMAND_SPEED, 1100, "]", "faster"},
    {WEIR_KEY_BACKSPACE, WEIR_COMMAND_SPEED_RESET, 0, "BACKSPACE", "normal speed"},
    {'9', WEIR_COMMAND_VOLUME, -2, "9", "quieter"},
    {'/', WEIR_COMMAND_VOLUME, -2, "/", "quieter"},
    {'0', WEIR_COMMAND_VOLUME, 2, "0", "louder"},
    {'*', WEIR_COMMAND_VOLUME, 2, "*", "louder"},
    {'m', WEIR_COMMAND_MUTE, 0, "m", "sound off or on"},
    {'f', WEIR_COMMAND_FULLSCREEN, 0, "f", "fullscreen"},
    {WEIR_KEY_ESCAPE, WEIR_COMMAND_LEAVE_FULLSCREEN, 0, "ESC", "leave fullscreen"},
    {'j', WEIR_COMMAND_SUBTITLES, 1, "j", "next subtitles"},
    {'J', WEIR_COMMAND_SUBTITLES, -1, "J", "previous subtitles"},
    {'#', WEIR_COMMAND_AUDIO_TRACK, 1, "#", "next audio track"},
    {'i', WEIR_COMMAND_STATS_SHOW, 0, "i", "show statistics for a moment"},
    {'I', WEIR_COMMAND_STATS_TOGGLE, 0, "I", "show statistics"},
    {'s', WEIR_COMMAND_SCREENSHOT, 0, "s", "screenshot"},
    {'+', WEIR_COMMAND_RUNG, 1, "+", "hold a higher rung"},
    {'-', WEIR_COMMAND_RUNG, -1, "-", "hold a lower rung"},
    {'a', WEIR_COMMAND_RUNG_AUTO, 0, "a", "choose rungs automatically"},
    {'q', WEIR_COMMAND_QUIT, 0, "q", "quit"},
};

const struct weir_key_binding *weir_key_bindings(size_t *count)
{
    *count = sizeof(bindings) / sizeof(bindings[0]);
    return bindings;
}

const struct weir_key_binding *weir_key_lookup(uint32_t key)
{
    for (size_t i = 0; i < sizeof(bindings) / sizeof(bindings[0]); i++) {
        if (bindings[i].key == key)
            return &bindings[i];
    }
    return NULL;
}

enum {
    GROUND,
    ESCAPED, // ESC was read
    CSI,     // ESC [ … up to a byte in 40 to 7E (ECMA-48, 5.4)
    SS3,     // ESC O and one byte: cursor keys in application mode
    UTF8,
};

// The final byte of a cursor key's sequence.
static uint32_t cursor_key(uint8_t final)
{
    switch (final) {
    case 'A':
        return WEIR_KEY_UP;
    case 'B':
        return WEIR_KEY_DOWN;
    case 'C':
        return WEIR_KEY_RIGHT;
    case 'D':
        return WEIR_KEY_LEFT;
    case 'M': // keypad Enter
        return WEIR_KEY_ENTER;
    default:
        return 0;
    }
}

static uint32_t ground(struct weir_key_decoder *d, uint8_t byte)
{
    d->state = GROUND;
    if (byte == 0x1B) {
        d->state = ESCAPED;
        return 0;
    }
    if (byte == '\r' || byte == '\n')
        return WEIR_KEY_ENTER;
    if (byte == 0x7F || byte == 0x08)
        return WEIR_KEY_BACKSPACE;
    if (byte < 0x80)
        return byte >= 0x20 ? byte : 0;
    if (byte < 0xC2 || byte > 0xF4)
        return 0; // no first byte of a character
    d->state = UTF8;
    d->more = byte >= 0xF0 ? 3 : byte >= 0xE0 ? 2 : 1;
    d->code = byte & (0x3Fu >> d->more);
    return 0;
}

static uint32_t escaped(struct weir_key_decoder *d, uint8_t byte)
{
    if (byte == '[' || byte == 'O') {
        d->state = byte == '[' ? CSI : SS3;
        d->plain = true;
        return 0;
    }
    if (byte == 0x1B)
        return WEIR_KEY_ESCAPE; // pressed twice: the second may begin a sequence
    d->state = GROUND;          // Alt and a key: nothing of ours
    return 0;
}

static uint32_t in_sequence(struct weir_key_decoder *d, uint8_t byte)
{
    if (byte < 0x20) // cut off by a control character, which counts for itself
        return ground(d, byte);
    if (byte < 0x40) {
        d->plain = false; // with modifiers, or a function key
        return 0;
    }
    d->state = GROUND;
    return d->plain && byte != 'M' ? cursor_key(byte) : 0;
}

static uint32_t in_character(struct weir_key_decoder *d, uint8_t byte)
{
    if ((byte & 0xC0) != 0x80)
        return ground(d, byte);
    d->code = d->code << 6 | (byte & 0x3Fu);
    if (--d->more > 0)
        return 0;
    d->state = GROUND;
    return d->code;
}

uint32_t weir_key_decoder_feed(struct weir_key_decoder *d, uint8_t byte)
{
    switch (d->state) {
    case ESCAPED:
        return escaped(d, byte);
    case CSI:
        return in_sequence(d, byte);
    case SS3:
        d->state = GROUND;
        return byte < 0x20 ? ground(d, byte) : cursor_key(byte);
    case UTF8:
        return in_character(d, byte);
    default:
        return ground(d, byte);
    }
}

uint32_t weir_key_decoder_idle(struct weir_key_decoder *d)
{
    bool lone_escape = d->state == ESCAPED;
    d->state = GROUND;
    return lone_escape ? WEIR_KEY_ESCAPE : 0;
}
