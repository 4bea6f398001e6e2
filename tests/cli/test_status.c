// tests/cli/test_status.c — the status line in every width and locale, and the overlay's text.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cli/stats.h"
#include "cli/status.h"
#include "core/clock.h"
#include "render/overlay.h"

static struct weir_status_view playing(void)
{
    return (struct weir_status_view){
        .position_us = 754 * WEIR_SECOND_US,
        .duration_us = 3723 * WEIR_SECOND_US,
        .rung = 2,
        .rung_count = 5,
        .height = 720,
        .bitrate_bps = 2400000,
        .buffer_us = 30 * WEIR_SECOND_US,
        .buffer_max_us = 60 * WEIR_SECOND_US,
        .throughput_bps = 12345678,
        .rate_permille = 1000,
        .volume_percent = 100,
    };
}

static void line_tells_everything_where_there_is_room(void **state)
{
    (void)state;
    char out[WEIR_STATUS_MAX_BYTES];
    struct weir_status_view v = playing();
    weir_status_format(&v, 200, false, out);
    assert_string_equal(out, "12:34 / 1:02:03  720p 2.4 Mbit/s (3/5)  [######------]  30.0 s  "
                             "net 12.3 Mbit/s  dropped 0");
    v.paused = v.rung_held = v.muted = true;
    v.rate_permille = 1100;
    v.note = "screenshot saved";
    weir_status_format(&v, 200, false, out);
    assert_string_equal(
        out, "(paused)  12:34 / 1:02:03  720p 2.4 Mbit/s (3/5 held)  [######------]  30.0 s  "
             "net 12.3 Mbit/s  dropped 0  x1.10  muted  screenshot saved");
}

static void bar_is_drawn_in_blocks_where_the_locale_has_them(void **state)
{
    (void)state;
    char out[WEIR_STATUS_MAX_BYTES];
    struct weir_status_view v = playing();
    weir_status_format(&v, 200, true, out);
    assert_non_null(
        strstr(out, "[\xE2\x96\x88\xE2\x96\x88\xE2\x96\x88\xE2\x96\x88\xE2\x96\x88\xE2\x96\x88"
                    "\xE2\x96\x91\xE2\x96\x91\xE2\x96\x91\xE2\x96\x91\xE2\x96\x91\xE2\x96\x91]"));
}

static void bar_is_bounded(void **state)
{
    (void)state;
    static const struct {
        int64_t part, whole;
        const char *want;
    } cases[] = {
        {0, 10, "----"},
        {5, 10, "##--"},
        {10, 10, "####"},
        {99, 10, "####"},
        {-5, 10, "----"},
        {5, 0, "----"},
        {INT64_MAX, INT64_MAX, "####"},
        {1, -1, "----"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char out[16];
        weir_status_bar(cases[i].part, cases[i].whole, 4, false, out);
        if (strcmp(out, cases[i].want) != 0)
            fail_msg("case %zu: %s", i, out);
    }
}

// Columns as a terminal counts them, for the characters the line uses.
static size_t columns_of(const char *s)
{
    size_t columns = 0;
    for (; *s; s++)
        columns += ((unsigned char)*s & 0xC0) != 0x80;
    return columns;
}

static void line_fits_every_width(void **state)
{
    (void)state;
    struct weir_status_view v = playing();
    v.stalled = true;
    v.dropped = 12;
    v.volume_percent = 70;
    v.note = "na\xC3\xAFve caf\xC3\xA9";
    for (size_t columns = 1; columns <= 200; columns++) {
        for (int utf8 = 0; utf8 < 2; utf8++) {
            char out[WEIR_STATUS_MAX_BYTES];
            size_t len = weir_status_format(&v, columns, utf8, out);
            assert_int_equal(len, strlen(out));
            if (columns_of(out) > columns)
                fail_msg("%zu columns: %s", columns, out);
            if (columns >= 30)
                assert_non_null(strstr(out, "(buffering)  12:34 / 1:02:03"));
            for (size_t i = 0; !utf8 && i < len; i++)
                assert_in_range((unsigned char)out[i], 0x20, 0x7E);
        }
    }
}

// Eighty columns are the least that most terminals have: the figures must be there.
static void eighty_columns_hold_what_matters(void **state)
{
    (void)state;
    struct weir_status_view v = playing();
    char out[WEIR_STATUS_MAX_BYTES];
    weir_status_format(&v, 79, true, out);
    assert_non_null(strstr(out, "12:34 / 1:02:03"));
    assert_non_null(strstr(out, "720p"));
    assert_non_null(strstr(out, "30.0 s"));
    assert_non_null(strstr(out, "net 12.3 Mbit/s"));
}

static void what_is_not_known_is_left_out(void **state)
{
    (void)state;
    char out[WEIR_STATUS_MAX_BYTES];
    const struct weir_status_view v = {.position_us = WEIR_TIME_NONE,
                                       .duration_us = WEIR_TIME_NONE,
                                       .starting = true,
                                       .volume_percent = 100};
    weir_status_format(&v, 200, false, out);
    assert_string_equal(out, "(starting)  -:--  [------------]  0.0 s  dropped 0");
}

static void note_cannot_steer_the_terminal(void **state)
{
    (void)state;
    char out[WEIR_STATUS_MAX_BYTES];
    struct weir_status_view v = playing();
    char note[2000];
    memset(note, 'n', sizeof(note) - 1);
    note[sizeof(note) - 1] = '\0';
    memcpy(note, "\x1B[2J\r\n\x07", 7);
    v.note = note;
    weir_status_format(&v, 500, true, out);
    for (const char *c = out; *c; c++)
        assert_true((unsigned char)*c >= 0x20);
    assert_non_null(strstr(out, "[2J"));
}

static void times_and_rates_read_well(void **state)
{
    (void)state;
    static const struct {
        int64_t us;
        const char *want;
    } times[] = {
        {0, "0:00"},
        {59999999, "0:59"},
        {3599999999, "59:59"},
        {3600000000, "1:00:00"},
        {-5, "0:00"},
        {WEIR_TIME_NONE, "-:--"},
        {INT64_MAX, "2562047788:00:54"},
    };
    static const struct {
        int64_t bps;
        const char *want;
    } rates[] = {
        {0, "0 kbit/s"},         {999999, "999 kbit/s"}, {1000000, "1.0 Mbit/s"},
        {2450000, "2.4 Mbit/s"}, {-1, "0 kbit/s"},       {INT64_MAX, "9223372036854.7 Mbit/s"},
    };
    char out[32];
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        weir_status_time(times[i].us, out);
        assert_string_equal(out, times[i].want);
    }
    for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
        weir_status_rate(rates[i].bps, out);
        assert_string_equal(out, rates[i].want);
    }
}

static void overlay_tells_codec_pools_and_copies(void **state)
{
    (void)state;
    char out[WEIR_STATS_MAX_BYTES];
    const struct weir_stats_view v = {
        .status = playing(),
        .title = "a\nb", // two lines would be forged
        .video_codec = "h264",
        .pixel_format = "yuv420p",
        .audio_codec = "aac",
        .abr = "bola",
        .width = 1280,
        .height = 720,
        .audio_rate_hz = 48000,
        .audio_channels = 2,
        .startup_us = 123456,
        .segment_hits = 40,
        .segment_misses = 3,
        .frame_hits = 900,
        .held_bytes = 50 << 20,
        .high_water_bytes = 64 << 20,
        .net_bytes = 10 << 20,
    };
    size_t len = weir_stats_format(&v, out);
    assert_int_equal(len, strlen(out));
    static const char *const wanted[] = {
        "a b\n",
        "h264 1280x720 yuv420p",
        "aac 48000 Hz, 2 channels",
        "3 of 5",
        "bola",
        "0.123 s",
        "segments 40+3  frames 900+0",
        "net 10.0  demux 0.0",
        "50.0 MiB, at most 64.0",
    };
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        if (!strstr(out, wanted[i]))
            fail_msg("\"%s\" is missing in:\n%s", wanted[i], out);
    }
    struct weir_overlay_size size = weir_overlay_measure(out);
    assert_in_range(size.width, 100, 600);
}

static void overlay_leaves_out_what_is_absent(void **state)
{
    (void)state;
    char out[WEIR_STATS_MAX_BYTES];
    const struct weir_stats_view v = {.audio_buffer_us = WEIR_TIME_NONE, .startup_us = -1};
    weir_stats_format(&v, out);
    assert_null(strstr(out, "Audio"));
    assert_null(strstr(out, "Sound"));
    assert_null(strstr(out, "Rung"));
    assert_null(strstr(out, "Start"));
    assert_null(strstr(out, "(null)"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(line_tells_everything_where_there_is_room),
        cmocka_unit_test(bar_is_drawn_in_blocks_where_the_locale_has_them),
        cmocka_unit_test(bar_is_bounded),
        cmocka_unit_test(line_fits_every_width),
        cmocka_unit_test(eighty_columns_hold_what_matters),
        cmocka_unit_test(what_is_not_known_is_left_out),
        cmocka_unit_test(note_cannot_steer_the_terminal),
        cmocka_unit_test(times_and_rates_read_well),
        cmocka_unit_test(overlay_tells_codec_pools_and_copies),
        cmocka_unit_test(overlay_leaves_out_what_is_absent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
