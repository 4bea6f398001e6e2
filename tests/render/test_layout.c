// tests/render/test_layout.c — geometry of the window, and the overlay's text, without any display.
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "render/font.h"
#include "render/layout.h"
#include "render/overlay.h"

static void display_size_follows_aspect_ratio_and_rotation(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int width, height;
        AVRational sar;
        int rotation, want_width, want_height;
    } cases[] = {
        {"square", 1920, 1080, {1, 1}, 0, 1920, 1080},
        {"unknown", 1920, 1080, {0, 1}, 0, 1920, 1080},
        {"wide pixels", 720, 576, {16, 11}, 0, 1047, 576},
        {"tall pixels", 720, 576, {1, 2}, 0, 720, 1152},
        {"turned", 720, 576, {16, 11}, 90, 576, 1047},
        {"half turn", 640, 360, {1, 1}, 180, 640, 360},
        {"nonsense", 640, 360, {1, 1000000}, 0, 640, 360},
        {"negative", 640, 360, {-1, 1}, 270, 360, 640},
        {"huge", INT_MAX, 1, {16, 1}, 0, INT_MAX / 4, 1},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct weir_size got = weir_layout_display_size(cases[i].width, cases[i].height,
                                                        cases[i].sar, cases[i].rotation);
        if (got.width != cases[i].want_width || got.height != cases[i].want_height)
            fail_msg("%s: %d × %d", cases[i].name, got.width, got.height);
    }
}

static void picture_is_centred_in_the_largest_rectangle(void **state)
{
    (void)state;
    static const struct {
        struct weir_size picture, output;
        struct weir_rect want;
    } cases[] = {
        {{16, 9}, {1600, 900}, {0, 0, 1600, 900}},   {{16, 9}, {1600, 1000}, {0, 50, 1600, 900}},
        {{16, 9}, {2000, 900}, {200, 0, 1600, 900}}, {{1, 1000}, {10, 10}, {4, 0, 1, 10}},
        {{1920, 1080}, {0, 0}, {0, 0, 1, 1}},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct weir_rect got = weir_layout_fit(cases[i].picture, cases[i].output);
        if (memcmp(&got, &cases[i].want, sizeof(got)) != 0)
            fail_msg("case %zu: %d,%d %d × %d", i, got.x, got.y, got.width, got.height);
    }
}

static void rotation_is_one_of_four(void **state)
{
    (void)state;
    assert_int_equal(weir_layout_rotation(-90), 270);
    assert_int_equal(weir_layout_rotation(450), 90);
    assert_int_equal(weir_layout_rotation(359), 0);
    assert_int_equal(weir_layout_rotation(INT_MIN), 270); // −2147483648 is −128 modulo 360
}

static void window_shrinks_to_the_display(void **state)
{
    (void)state;
    struct weir_size got =
        weir_layout_window((struct weir_size){3840, 2160}, (struct weir_size){1920, 1000});
    assert_int_equal(got.height, 1000);
    assert_int_equal(got.width, 1778);
    got = weir_layout_window((struct weir_size){640, 360}, (struct weir_size){1920, 1000});
    assert_int_equal(got.width, 640);
    got = weir_layout_window((struct weir_size){640, 360},
                             (struct weir_size){0, 0}); // display unknown
    assert_int_equal(got.width, 640);
}

// Every glyph is there, of the documented shape, and unlike all others.
static void font_has_every_printable_character(void **state)
{
    (void)state;
    enum { COUNT = WEIR_FONT_LAST - WEIR_FONT_FIRST + 1 };
    for (int i = 0; i < COUNT; i++) {
        const char *art = weir_font[i];
        size_t len = strlen(art);
        assert_true(i == 0 || (len + 1) % (WEIR_FONT_COLUMNS + 1) == 0);
        assert_true(len < WEIR_FONT_ROWS * (WEIR_FONT_COLUMNS + 1));
        assert_int_equal(strspn(art, "#. "), len);
        assert_true(i == 0 || strchr(art, '#'));
        for (int k = 0; k < i; k++)
            assert_string_not_equal(art, weir_font[k]);
    }
}

static char *drawn(const char *text, struct weir_overlay_size *size)
{
    *size = weir_overlay_measure(text);
    uint32_t *pixels = calloc((size_t)size->width * (size_t)size->height, sizeof(*pixels));
    char *out = calloc((size_t)(size->width + 1) * (size_t)size->height + 1, 1);
    weir_overlay_draw(text, pixels, size->width * 4);
    char *at = out;
    for (int y = 0; y < size->height; y++) {
        for (int x = 0; x < size->width; x++)
            *at++ = pixels[y * size->width + x] == 0xFFFFFFFF ? '#' : '.';
        *at++ = '\n';
    }
    free(pixels);
    return out;
}

static void text_is_drawn_glyph_by_glyph(void **state)
{
    (void)state;
    struct weir_overlay_size size;
    char *got = drawn("T\xE2\x96\x88", &size);
    assert_string_equal(got, "...................\n"
                             "...................\n"
                             "...................\n"
                             "...................\n"
                             "....#####.######...\n"
                             "......#...######...\n"
                             "......#...######...\n"
                             "......#...######...\n"
                             "......#...######...\n"
                             "......#...######...\n"
                             "......#...######...\n"
                             "..........######...\n"
                             "..........######...\n"
                             "...................\n"
                             "...................\n"
                             "...................\n"
                             "...................\n");
    free(got);
}

static void overlong_and_foreign_text_is_bounded(void **state)
{
    (void)state;
    char text[8192];
    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    struct weir_overlay_size wide = weir_overlay_measure(text);
    assert_int_equal(wide.width, WEIR_OVERLAY_MAX_COLUMNS * 6 + 7);
    for (size_t i = 1; i < sizeof(text) - 1; i += 2)
        text[i] = '\n';
    struct weir_overlay_size tall = weir_overlay_measure(text);
    assert_int_equal(tall.height, WEIR_OVERLAY_MAX_LINES * 11 + 6);
    assert_int_equal(weir_overlay_measure("").width, 0);
    assert_int_equal(weir_overlay_measure("\n\n").width, 0);
    struct weir_overlay_size size;
    free(drawn("\xFF\xE2\x96", &size)); // damaged at its end: ASan watches
    char *unknown = drawn("\xC3\xA9", &size);
    char *question = drawn("?", &size);
    assert_string_equal(unknown, question);
    free(unknown);
    free(question);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(display_size_follows_aspect_ratio_and_rotation),
        cmocka_unit_test(picture_is_centred_in_the_largest_rectangle),
        cmocka_unit_test(rotation_is_one_of_four),
        cmocka_unit_test(window_shrinks_to_the_display),
        cmocka_unit_test(font_has_every_printable_character),
        cmocka_unit_test(text_is_drawn_glyph_by_glyph),
        cmocka_unit_test(overlong_and_foreign_text_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
