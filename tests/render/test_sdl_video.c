// tests/render/test_sdl_video.c — the window, looked at from outside: Xvfb is the display,
// ImageMagick reads it back.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <pthread.h>
#include <time.h>

#include <SDL.h>

#include "core/clock.h"
#include "render/video.h"
#include "tests/render/display.h"
#include "tests/render/media.h"

enum { TL, TR, BL, BR };
static const uint8_t colours[4][3] = {{220, 30, 30}, {30, 200, 40}, {40, 50, 210}, {230, 220, 200}};
static const uint8_t black[3] = {0, 0, 0};

static struct weir_video_sink *open_sink(const char *title, struct weir_copy_counters *copies)
{
    struct weir_video_sink *sink = NULL;
    struct weir_error error = {0};
    const struct weir_sdl_video_params params = {.title = title, .copies = copies};
    if (weir_video_sdl_create(&params, &sink, &error) != 0)
        fail_msg("%s (%s)", error.what, error.why);
    return sink;
}

static void present(struct weir_video_sink *sink, const AVFrame *frame, int rotation)
{
    struct weir_error error = {0};
    const struct weir_picture picture = {.frame = frame, .rotation = rotation};
    if (sink->ops->present(sink, &picture, &error) != 0)
        fail_msg("%s: %s (%s)", error.where, error.what, error.why);
    for (int i = 0; i < 5; i++)
        sink->ops->poll(sink, 5000);
}

static AVFrame *quadrants(enum AVPixelFormat format, int width, int height)
{
    return media_quadrants(format, width, height, colours, AVCOL_SPC_BT709, false);
}

// Fail unless the four quadrants, clockwise turned, fill the rectangle and all around it is black.
static void expect_quadrants(const struct display_image *image, const char *what, int left, int top,
                             int width, int height, const int order[4], int tolerance)
{
    for (int i = 0; i < 4; i++) {
        int x = left + (i % 2 ? width - 2 : 1);
        int y = top + (i / 2 ? height - 2 : 1);
        display_expect(image, what, x, y, colours[order[i]], tolerance);
        display_expect(image, what, left + width / 4 + (i % 2) * width / 2,
                       top + height / 4 + (i / 2) * height / 2, colours[order[i]], tolerance);
    }
    if (left > 1) {
        display_expect(image, what, left - 2, image->height / 2, black, 2);
        display_expect(image, what, left + width + 1, image->height / 2, black, 2);
    }
    if (top > 1) {
        display_expect(image, what, image->width / 2, top - 2, black, 2);
        display_expect(image, what, image->width / 2, top + height + 1, black, 2);
    }
}

static const int upright[4] = {TL, TR, BL, BR};

static void window_takes_the_pictures_size_and_shows_its_colours(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum AVPixelFormat format;
        int width, height;
        enum AVColorSpace matrix;
        bool full_range, copied_as_yuv;
        int tolerance;
    } cases[] = {
        {"yuv420p 709", AV_PIX_FMT_YUV420P, 320, 180, AVCOL_SPC_BT709, false, true, 6},
        {"yuv420p 601", AV_PIX_FMT_YUV420P, 320, 180, AVCOL_SPC_SMPTE170M, false, true, 6},
        {"yuv420p 601 full", AV_PIX_FMT_YUV420P, 320, 180, AVCOL_SPC_SMPTE170M, true, true, 6},
        {"yuv420p 709 full", AV_PIX_FMT_YUV420P, 320, 180, AVCOL_SPC_BT709, true, false, 6},
        {"yuv420p odd", AV_PIX_FMT_YUV420P, 321, 181, AVCOL_SPC_BT709, false, true, 6},
        {"nv12", AV_PIX_FMT_NV12, 320, 180, AVCOL_SPC_BT709, false, true, 6},
        {"nv12 odd", AV_PIX_FMT_NV12, 321, 181, AVCOL_SPC_BT709, false, true, 6},
        {"yuv420p10", AV_PIX_FMT_YUV420P10LE, 320, 180, AVCOL_SPC_BT709, false, true, 6},
        {"yuv420p10 odd", AV_PIX_FMT_YUV420P10LE, 323, 181, AVCOL_SPC_BT709, false, true, 6},
        {"yuv422p10", AV_PIX_FMT_YUV422P10LE, 322, 180, AVCOL_SPC_BT709, false, false, 6},
        {"yuv444p", AV_PIX_FMT_YUV444P, 333, 181, AVCOL_SPC_BT709, false, false, 6},
        {"gbrp", AV_PIX_FMT_GBRP, 320, 180, AVCOL_SPC_RGB, true, false, 2},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct weir_copy_counters copies = {0};
        struct weir_video_sink *sink = open_sink("weir colours", &copies);
        AVFrame *frame = media_quadrants(cases[i].format, cases[i].width, cases[i].height, colours,
                                         cases[i].matrix, cases[i].full_range);
        present(sink, frame, 0);
        struct display_image image = display_window("weir colours");
        assert_int_equal(image.width, cases[i].width);
        assert_int_equal(image.height, cases[i].height);
        expect_quadrants(&image, cases[i].name, 0, 0, image.width, image.height, upright,
                         cases[i].tolerance);
        int64_t pixels = (int64_t)cases[i].width * cases[i].height;
        assert_int_equal(copies.render_bytes, cases[i].copied_as_yuv ? pixels * 3 / 2 : pixels * 4);
        display_image_clear(&image);
        av_frame_free(&frame);
        weir_video_sink_destroy(&sink);
    }
}

// One renderer, a matrix per frame: SDL's mode is global, and must follow each picture.
static void matrix_follows_each_picture(void **state)
{
    (void)state;
    struct weir_video_sink *sink = open_sink("weir matrix", NULL);
    static const enum AVColorSpace spaces[] = {AVCOL_SPC_BT709, AVCOL_SPC_SMPTE170M,
                                               AVCOL_SPC_BT709};
    for (size_t i = 0; i < 3; i++) {
        AVFrame *frame = media_quadrants(AV_PIX_FMT_YUV420P, 320, 180, colours, spaces[i], false);
        present(sink, frame, 0);
        struct display_image image = display_window("weir matrix");
        expect_quadrants(&image, "matrix", 0, 0, 320, 180, upright, 6);
        display_image_clear(&image);
        av_frame_free(&frame);
    }
    weir_video_sink_destroy(&sink);
}

static void letterboxes_by_the_sample_aspect_ratio(void **state)
{
    (void)state;
    struct weir_video_sink *sink = open_sink("weir aspect", NULL);
    AVFrame *frame = quadrants(AV_PIX_FMT_YUV420P, 320, 180);
    present(sink, frame, 0); // fixes the window at 320 × 180
    frame->sample_aspect_ratio = (AVRational){1, 2};
    present(sink, frame, 0);
    struct display_image image = display_window("weir aspect");
    expect_quadrants(&image, "1:2", 80, 0, 160, 180, upright, 6);
    display_image_clear(&image);
    frame->sample_aspect_ratio = (AVRational){2, 1};
    present(sink, frame, 0);
    image = display_window("weir aspect");
    expect_quadrants(&image, "2:1", 0, 45, 320, 90, upright, 6);
    display_image_clear(&image);
    av_frame_free(&frame);
    weir_video_sink_destroy(&sink);
}

static void turns_the_picture(void **state)
{
    (void)state;
    static const struct {
        int rotation;
        int order[4];
        int width, height;
    } cases[] = {
        {90, {BL, TL, BR, TR}, 180, 320},
        {180, {BR, BL, TR, TL}, 320, 180},
        {270, {TR, BR, TL, BL}, 180, 320},
    };
    for (size_t i = 0; i < 3; i++) {
        struct weir_video_sink *sink = open_sink("weir turned", NULL);
        AVFrame *frame = quadrants(AV_PIX_FMT_YUV420P, 320, 180);
        present(sink, frame, cases[i].rotation);
        struct display_image image = display_window("weir turned");
        assert_int_equal(image.width, cases[i].width);
        assert_int_equal(image.height, cases[i].height);
        expect_quadrants(&image, "turned", 0, 0, image.width, image.height, cases[i].order, 6);
        display_image_clear(&image);
        av_frame_free(&frame);
        weir_video_sink_destroy(&sink);
    }
}

static void turned_pictures_are_letterboxed_in_a_window_of_another_shape(void **state)
{
    (void)state;
    struct weir_video_sink *sink = open_sink("weir turned box", NULL);
    AVFrame *frame = quadrants(AV_PIX_FMT_YUV420P, 320, 180);
    static const int order[4] = {BL, TL, BR, TR};
    present(sink, frame, 0);
    present(sink, frame, 90); // 180 × 320 into 320 × 180
    struct display_image image = display_window("weir turned box");
    expect_quadrants(&image, "turned box", 109, 0, 100, 180, order, 6);
    display_image_clear(&image);
    av_frame_free(&frame);
    weir_video_sink_destroy(&sink);
}

static void picture_is_drawn_again_after_a_resize(void **state)
{
    (void)state;
    media_require("xdotool");
    struct weir_video_sink *sink = open_sink("weir resize", NULL);
    AVFrame *frame = quadrants(AV_PIX_FMT_YUV420P, 320, 180);
    present(sink, frame, 0);
    av_frame_free(&frame); // the sink keeps what it needs
    free(media_run("xdotool search --name 'weir resize' windowsize --sync 400 400"));
    for (int i = 0; i < 20; i++)
        sink->ops->poll(sink, 5000);
    struct display_image image = display_window("weir resize");
    assert_int_equal(image.width, 400);
    expect_quadrants(&image, "resized", 0, 88, 400, 224, upright, 6);
    display_image_clear(&image);
    weir_video_sink_destroy(&sink);
}

static void larger_pictures_are_fitted_into_the_display(void **state)
{
    (void)state;
    struct weir_video_sink *sink = open_sink("weir large", NULL);
    AVFrame *frame = quadrants(AV_PIX_FMT_YUV420P, 1920, 1080);
    present(sink, frame, 0);
    struct display_image image = display_window("weir large");
    assert_int_equal(image.width, 1000);
    assert_in_range(image.height, 562, 563);
    expect_quadrants(&image, "large", 0, 0, image.width, image.height, upright, 6);
    display_image_clear(&image);
    av_frame_free(&frame);
    weir_video_sink_destroy(&sink);
}

// A rung switch must not make the window jump.
static void window_keeps_its_size_when_the_pictures_size_changes(void **state)
{
    (void)state;
    struct weir_video_sink *sink = open_sink("weir switch", NULL);
    AVFrame *small = quadrants(AV_PIX_FMT_YUV420P, 320, 180);
    AVFrame *large = quadrants(AV_PIX_FMT_YUV420P, 640, 360);
    present(sink, small, 0);
    present(sink, large, 0);
    struct display_image image = display_window("weir switch");
    assert_int_equal(image.width, 320);
    expect_quadrants(&image, "switch", 0, 0, 320, 180, upright, 6);
    display_image_clear(&image);
    av_frame_free(&small);
    av_frame_free(&large);
    weir_video_sink_destroy(&sink);
}

static int count_white(const struct display_image *image)
{
    int count = 0;
    for (int i = 0; i < image->width * image->height; i++) {
        const uint8_t *p = image->rgb + (ptrdiff_t)i * 3;
        count += p[0] == 255 && p[1] == 255 && p[2] == 255;
    }
    return count;
}

static void overlay_is_drawn_over_the_picture_and_removed(void **state)
{
    (void)state;
    struct weir_video_sink *sink = open_sink("weir overlay", NULL);
    AVFrame *frame = quadrants(AV_PIX_FMT_YUV420P, 320, 180);
    present(sink, frame, 0);
    sink->ops->set_overlay(sink, "rung 2/5\nbuffer 12.5 s");
    struct display_image image = display_window("weir overlay");
    assert_true(count_white(&image) > 100);
    // The ground is half transparent: the red quadrant at half its strength.
    static const uint8_t dimmed[3] = {110, 15, 15};
    display_expect(&image, "ground", 6, 6, dimmed, 6);
    display_expect(&image, "beside the overlay", 300, 6, colours[TR], 6);
    display_image_clear(&image);
    sink->ops->set_overlay(sink, NULL);
    image = display_window("weir overlay");
    assert_int_equal(count_white(&image), 0);
    display_image_clear(&image);
    av_frame_free(&frame);
    weir_video_sink_destroy(&sink);
}

static struct weir_input next_input(struct weir_video_sink *sink)
{
    struct weir_input input = {0};
    for (int i = 0; i < 100 && input.kind == WEIR_INPUT_NONE; i++)
        input = sink->ops->poll(sink, 20000);
    return input;
}

// Fullscreen is the window manager's doing.
static void fullscreen_fills_the_display_and_comes_back(void **state)
{
    (void)state;
    if (!display_window_manager()) {
        print_message("no window manager is installed to test fullscreen with\n");
        skip();
    }
    struct weir_video_sink *sink = open_sink("weir full", NULL);
    AVFrame *frame = quadrants(AV_PIX_FMT_YUV420P, 320, 180);
    present(sink, frame, 0);
    assert_false(sink->ops->fullscreen(sink));
    sink->ops->set_fullscreen(sink, true);
    for (int i = 0; i < 100; i++)
        sink->ops->poll(sink, 5000);
    assert_true(sink->ops->fullscreen(sink));
    struct display_image image = display_window("weir full");
    assert_int_equal(image.width, 1000);
    assert_int_equal(image.height, 700);
    expect_quadrants(&image, "fullscreen", 0, 69, 1000, 562, upright, 6);
    display_image_clear(&image);
    sink->ops->set_fullscreen(sink, false);
    for (int i = 0; i < 100; i++)
        sink->ops->poll(sink, 5000);
    assert_false(sink->ops->fullscreen(sink));
    image = display_window("weir full");
    assert_int_equal(image.width, 320);
    expect_quadrants(&image, "back", 0, 0, 320, 180, upright, 6);
    display_image_clear(&image);
    av_frame_free(&frame);
    weir_video_sink_destroy(&sink);
}

// Closed through the window manager, as people do.
static void closing_the_window_is_told(void **state)
{
    (void)state;
    if (!display_window_manager())
        skip();
    struct weir_video_sink *sink = open_sink("weir close", NULL);
    AVFrame *frame = quadrants(AV_PIX_FMT_YUV420P, 320, 180);
    present(sink, frame, 0);
    free(media_run("xdotool search --name 'weir close' windowfocus --sync key alt+F4"));
    assert_int_equal(next_input(sink).kind, WEIR_INPUT_QUIT);
    av_frame_free(&frame);
    weir_video_sink_destroy(&sink);
}

static void screenshot_is_the_picture_shown(void **state)
{
    (void)state;
    struct weir_video_sink *sink = open_sink("weir shot", NULL);
    struct weir_error error = {0};
    const char *path = media_path("shot.png");
    assert_int_equal(sink->ops->screenshot(sink, path, &error), WEIR_ERR_INVAL);
    AVFrame *frame = quadrants(AV_PIX_FMT_YUV420P10LE, 320, 180);
    frame->sample_aspect_ratio = (AVRational){2, 1};
    present(sink, frame, 90);
    sink->ops->set_overlay(sink, "not in the file");
    assert_int_equal(sink->ops->screenshot(sink, path, &error), 0);
    struct display_image image = display_read(path);
    assert_int_equal(image.width, 180);
    assert_int_equal(image.height, 640);
    static const int order[4] = {BL, TL, BR, TR};
    expect_quadrants(&image, "screenshot", 0, 0, 180, 640, order, 6);
    display_image_clear(&image);
    assert_int_equal(sink->ops->screenshot(sink, "/dev/full", &error), WEIR_ERR_OUTPUT);
    assert_string_equal(error.where, "/dev/full");
    av_frame_free(&frame);
    weir_video_sink_destroy(&sink);
}

static void keys_arrive_as_characters_and_special_keys(void **state)
{
    (void)state;
    media_require("xdotool");
    struct weir_video_sink *sink = open_sink("weir keys", NULL);
    AVFrame *frame = quadrants(AV_PIX_FMT_YUV420P, 320, 180);
    present(sink, frame, 0);
    free(media_run("xdotool search --name 'weir keys' windowfocus --sync"));
    static const struct {
        const char *name;
        uint32_t key;
    } cases[] = {
        {"space", ' '},
        {"q", 'q'},
        {"shift+j", 'J'},
        {"bracketleft", '['},
        {"numbersign", '#'},
        {"plus", '+'},
        {"Left", WEIR_KEY_LEFT},
        {"Right", WEIR_KEY_RIGHT},
        {"Up", WEIR_KEY_UP},
        {"Down", WEIR_KEY_DOWN},
        {"Escape", WEIR_KEY_ESCAPE},
        {"Return", WEIR_KEY_ENTER},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        free(media_run("xdotool key %s", cases[i].name));
        struct weir_input input = next_input(sink);
        if (input.kind != WEIR_INPUT_KEY || input.key != cases[i].key)
            fail_msg("%s: kind %d, key %x", cases[i].name, input.kind, input.key);
    }
    av_frame_free(&frame);
    weir_video_sink_destroy(&sink);
}

static void *wake_soon(void *arg)
{
    struct weir_video_sink *sink = arg;
    nanosleep(&(struct timespec){.tv_nsec = 30000000}, NULL);
    sink->ops->wake(sink);
    return NULL;
}

static void poll_waits_and_can_be_woken(void **state)
{
    (void)state;
    struct weir_clock clock = weir_clock_monotonic();
    struct weir_video_sink *sink = open_sink("weir wake", NULL);
    while (sink->ops->poll(sink, 0).kind != WEIR_INPUT_NONE)
        ;
    int64_t start_us = weir_clock_now_us(&clock);
    assert_int_equal(sink->ops->poll(sink, 20500).kind, WEIR_INPUT_NONE);
    assert_true(weir_clock_now_us(&clock) - start_us >= 20500);
    pthread_t thread;
    start_us = weir_clock_now_us(&clock);
    pthread_create(&thread, NULL, wake_soon, sink);
    assert_int_equal(sink->ops->poll(sink, 20 * WEIR_SECOND_US).kind, WEIR_INPUT_NONE);
    assert_true(weir_clock_now_us(&clock) - start_us < 10 * WEIR_SECOND_US);
    pthread_join(thread, NULL);
    weir_video_sink_destroy(&sink);
}

static void screensaver_is_held_off_while_playing(void **state)
{
    (void)state;
    struct weir_video_sink *sink = open_sink("weir saver", NULL);
    assert_true(SDL_IsScreenSaverEnabled());
    sink->ops->set_playing(sink, true);
    assert_false(SDL_IsScreenSaverEnabled());
    sink->ops->set_playing(sink, false);
    assert_true(SDL_IsScreenSaverEnabled());
    weir_video_sink_destroy(&sink);
}

static void frames_that_cannot_be_shown_are_refused(void **state)
{
    (void)state;
    struct weir_video_sink *sink = open_sink("weir refused", NULL);
    struct weir_error error = {0};
    AVFrame *frame = av_frame_alloc();
    frame->width = frame->height = 16;
    frame->format = AV_PIX_FMT_VAAPI;
    const struct weir_picture picture = {.frame = frame};
    assert_int_equal(sink->ops->present(sink, &picture, &error), WEIR_ERR_UNSUPPORTED);
    av_frame_free(&frame);
    weir_video_sink_destroy(&sink);
}

static void no_display_is_told_with_a_way_out(void **state)
{
    (void)state;
    struct weir_video_sink *sink = NULL;
    struct weir_error error = {0};
    const struct weir_sdl_video_params params = {.title = "none"};
    char *display = strdup(getenv("DISPLAY"));
    setenv("DISPLAY", ":9999", 1);
    assert_int_equal(weir_video_sdl_create(&params, &sink, &error), WEIR_ERR_OUTPUT);
    assert_null(sink);
    assert_true(error.why[0] != '\0');
    assert_non_null(strstr(error.hint, "--headless"));
    setenv("DISPLAY", display, 1);
    free(display);
}

static void plays_on_the_dummy_driver(void **state)
{
    (void)state;
    setenv("SDL_VIDEODRIVER", "dummy", 1);
    struct weir_video_sink *sink = open_sink("weir dummy", NULL);
    AVFrame *frame = quadrants(AV_PIX_FMT_YUV420P, 320, 180);
    present(sink, frame, 0);
    present(sink, frame, 90);
    sink->ops->set_overlay(sink, "text");
    av_frame_free(&frame);
    weir_video_sink_destroy(&sink);
    setenv("SDL_VIDEODRIVER", "x11", 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(window_takes_the_pictures_size_and_shows_its_colours),
        cmocka_unit_test(matrix_follows_each_picture),
        cmocka_unit_test(letterboxes_by_the_sample_aspect_ratio),
        cmocka_unit_test(turns_the_picture),
        cmocka_unit_test(turned_pictures_are_letterboxed_in_a_window_of_another_shape),
        cmocka_unit_test(picture_is_drawn_again_after_a_resize),
        cmocka_unit_test(larger_pictures_are_fitted_into_the_display),
        cmocka_unit_test(window_keeps_its_size_when_the_pictures_size_changes),
        cmocka_unit_test(overlay_is_drawn_over_the_picture_and_removed),
        cmocka_unit_test(screenshot_is_the_picture_shown),
        cmocka_unit_test(keys_arrive_as_characters_and_special_keys),
        cmocka_unit_test(poll_waits_and_can_be_woken),
        cmocka_unit_test(screensaver_is_held_off_while_playing),
        cmocka_unit_test(frames_that_cannot_be_shown_are_refused),
        cmocka_unit_test(no_display_is_told_with_a_way_out),
        cmocka_unit_test(plays_on_the_dummy_driver),
        // From here on with a window manager.
        cmocka_unit_test(fullscreen_fills_the_display_and_comes_back),
        cmocka_unit_test(closing_the_window_is_told),
    };
    display_start();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    display_stop();
    media_cleanup();
    return failed;
}
