// tests/cli/test_keys.c — the table of keys, and terminal bytes in every portion turned into keys.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cli/keys.h"
#include "render/video.h"

static void keys_do_what_the_interface_says(void **state)
{
    (void)state;
    static const struct {
        uint32_t key;
        enum weir_command command;
        int64_t amount;
    } cases[] = {
        {' ', WEIR_COMMAND_PAUSE, 0},
        {'p', WEIR_COMMAND_PAUSE, 0},
        {WEIR_KEY_LEFT, WEIR_COMMAND_SEEK, -5000000},
        {WEIR_KEY_RIGHT, WEIR_COMMAND_SEEK, 5000000},
        {WEIR_KEY_DOWN, WEIR_COMMAND_SEEK, -60000000},
        {WEIR_KEY_UP, WEIR_COMMAND_SEEK, 60000000},
        {'[', WEIR_COMMAND_SPEED, 909},
        {']', WEIR_COMMAND_SPEED, 1100},
        {'9', WEIR_COMMAND_VOLUME, -2},
        {'0', WEIR_COMMAND_VOLUME, 2},
        {'m', WEIR_COMMAND_MUTE, 0},
        {'f', WEIR_COMMAND_FULLSCREEN, 0},
        {WEIR_KEY_ESCAPE, WEIR_COMMAND_LEAVE_FULLSCREEN, 0},
        {'j', WEIR_COMMAND_SUBTITLES, 1},
        {'J', WEIR_COMMAND_SUBTITLES, -1},
        {'#', WEIR_COMMAND_AUDIO_TRACK, 1},
        {'i', WEIR_COMMAND_STATS_SHOW, 0},
        {'I', WEIR_COMMAND_STATS_TOGGLE, 0},
        {'s', WEIR_COMMAND_SCREENSHOT, 0},
        {'+', WEIR_COMMAND_RUNG, 1},
        {'-', WEIR_COMMAND_RUNG, -1},
        {'a', WEIR_COMMAND_RUNG_AUTO, 0},
        {'q', WEIR_COMMAND_QUIT, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct weir_key_binding *b = weir_key_lookup(cases[i].key);
        if (!b || b->command != cases[i].command || b->amount != cases[i].amount)
            fail_msg("key %x: command %d", (unsigned)cases[i].key, b ? (int)b->command : -1);
    }
    assert_null(weir_key_lookup('z'));
    assert_null(weir_key_lookup(0));
}

static void no_key_is_bound_twice_and_each_is_explained(void **state)
{
    (void)state;
    size_t count;
    const struct weir_key_binding *b = weir_key_bindings(&count);
    for (size_t i = 0; i < count; i++) {
        assert_ptr_equal(weir_key_lookup(b[i].key), &b[i]);
        assert_true(b[i].name[0] && b[i].help[0]);
    }
}

static void terminal_bytes_become_keys(void **state)
{
    (void)state;
    static const struct {
        const char *name, *bytes;
        uint32_t want[4]; // 0 ends
    } cases[] = {
        {"letters", "qJ#", {'q', 'J', '#'}},
        {"arrows",
         "\x1B[A\x1B[B\x1B[C\x1B[D",
         {WEIR_KEY_UP, WEIR_KEY_DOWN, WEIR_KEY_RIGHT, WEIR_KEY_LEFT}},
        {"application arrows", "\x1BOA\x1BOD", {WEIR_KEY_UP, WEIR_KEY_LEFT}},
        {"return", "\r\n", {WEIR_KEY_ENTER, WEIR_KEY_ENTER}},
        {"keypad enter", "\x1BOM", {WEIR_KEY_ENTER}},
        {"backspace", "\x7F\x08", {WEIR_KEY_BACKSPACE, WEIR_KEY_BACKSPACE}},
        {"modified arrow means nothing", "\x1B[1;2Aq", {'q'}},
        {"function keys mean nothing", "\x1B[15~\x1BOPq", {'q'}},
        {"alt and a key mean nothing", "\x1Bqs", {'s'}},
        {"escape, then an arrow", "\x1B\x1B[D", {WEIR_KEY_ESCAPE, WEIR_KEY_LEFT}},
        {"sequence cut off by another", "\x1B[\x1B[Cq", {WEIR_KEY_RIGHT, 'q'}},
        {"control characters mean nothing", "\x01\x09q", {'q'}},
        {"two-byte character", "\xC3\xA9q", {0xE9, 'q'}},
        {"four-byte character", "\xF0\x9F\x8E\xACq", {0x1F3AC, 'q'}},
        {"damaged character", "\xC3q\xFF\x80s", {'q', 's'}},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct weir_key_decoder d = {0};
        uint32_t got[8] = {0};
        size_t count = 0;
        for (const char *c = cases[i].bytes; *c; c++) {
            uint32_t key = weir_key_decoder_feed(&d, (uint8_t)*c);
            if (key && count < 8)
                got[count++] = key;
        }
        for (size_t k = 0; k < 4; k++) {
            if (got[k] != cases[i].want[k])
                fail_msg("%s: key %zu is %x", cases[i].name, k, (unsigned)got[k]);
        }
        assert_in_range(count, 0, 4);
    }
}

static void lone_escape_is_the_key_once_nothing_follows(void **state)
{
    (void)state;
    struct weir_key_decoder d = {0};
    assert_int_equal(weir_key_decoder_idle(&d), 0);
    assert_int_equal(weir_key_decoder_feed(&d, 0x1B), 0);
    assert_int_equal(weir_key_decoder_idle(&d), WEIR_KEY_ESCAPE);
    assert_int_equal(weir_key_decoder_idle(&d), 0);
    assert_int_equal(weir_key_decoder_feed(&d, 'q'), 'q');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_do_what_the_interface_says),
        cmocka_unit_test(no_key_is_bound_twice_and_each_is_explained),
        cmocka_unit_test(terminal_bytes_become_keys),
        cmocka_unit_test(lone_escape_is_the_key_once_nothing_follows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
