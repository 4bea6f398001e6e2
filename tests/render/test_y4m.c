// tests/render/test_y4m.c — y4m files as ffmpeg reads them back: the same pixels, rate and aspect
// ratio.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "render/video.h"
#include "tests/render/media.h"

static void write_frames(const char *path, struct media_frames frames, int64_t duration_us,
                         struct weir_copy_counters *copies)
{
    struct weir_video_sink *sink = NULL;
    struct weir_error error = {0};
    assert_int_equal(weir_video_y4m_create(path, copies, &sink, &error), 0);
    for (size_t i = 0; i < frames.count; i++) {
        const struct weir_picture p = {.frame = frames.items[i],
                                       .pts_us = (int64_t)i * duration_us};
        assert_int_equal(sink->ops->present(sink, &p, &error), 0);
    }
    assert_int_equal(sink->ops->finish(sink, &error), 0);
    weir_video_sink_destroy(&sink);
}

static char *md5s(const char *path)
{
    char *text =
        media_run("ffmpeg -v error -i %s -map 0:v:0 -fps_mode passthrough -f framemd5 -", path);
    char *column = media_md5_column(text);
    free(text);
    return column;
}

static void pixels_come_back_unchanged(void **state)
{
    (void)state;
    static const struct {
        const char *format, *size;
    } cases[] = {
        {"yuv420p", "64x36"},     {"yuv420p", "63x35"},     {"yuv422p", "63x35"},
        {"yuv444p", "63x35"},     {"gray", "33x17"},        {"yuv420p10le", "63x35"},
        {"yuv422p10le", "62x34"}, {"yuv444p12le", "33x17"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct weir_copy_counters copies = {0};
        const char *in = media_path("in.nut");
        const char *out = media_path("out.y4m");
        free(media_run(
            "ffmpeg -v error -y -f lavfi -i testsrc2=size=%s:rate=5 -frames:v 3 -pix_fmt %s "
            "-c:v rawvideo %s",
            cases[i].size, cases[i].format, in));
        struct media_frames frames = media_decode(in, false, true);
        write_frames(out, frames, 40000, &copies);
        char *want = md5s(in);
        char *got = md5s(out);
        if (strcmp(want, got) != 0 || strlen(want) != 99)
            fail_msg("%s: wrote %s, read %s", cases[i].format, want, got);
        assert_int_equal(copies.render_bytes, 0);
        free(want);
        free(got);
        media_frames_clear(&frames);
    }
}

static void header_tells_rate_aspect_and_range(void **state)
{
    (void)state;
    static const struct {
        int64_t duration_us;
        const char *rate;
    } cases[] = {
        {40000, "25/1"},       {33367, "30000/1001"}, {33366, "30000/1001"},
        {41708, "24000/1001"}, {16667, "60/1"},       {1000000, "1/1"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *path = media_path("rate.y4m");
        AVFrame *items[2];
        for (int k = 0; k < 2; k++) {
            static const uint8_t grey[4][3] = {
                {9, 9, 9}, {90, 90, 90}, {180, 180, 180}, {255, 255, 255}};
            items[k] = media_quadrants(AV_PIX_FMT_YUV420P, 32, 18, grey, AVCOL_SPC_BT709, true);
            items[k]->sample_aspect_ratio = (AVRational){4, 3};
        }
        write_frames(path, (struct media_frames){items, 2}, cases[i].duration_us, NULL);
        char *got =
            media_run("ffprobe -v error -show_entries stream=r_frame_rate,sample_aspect_ratio,"
                      "color_range -of csv=p=0 %s",
                      path);
        char want[64];
        snprintf(want, sizeof(want), "4:3,pc,%s\n", cases[i].rate);
        assert_string_equal(got, want);
        free(got);
        av_frame_free(&items[0]);
        av_frame_free(&items[1]);
    }
}

// A rung switch in a file: scaled to the first picture's size, and that copy counted.
static void change_of_size_or_format_is_scaled_to_the_first(void **state)
{
    (void)state;
    static const uint8_t colours[4][3] = {
        {200, 30, 30}, {30, 200, 30}, {30, 30, 200}, {200, 200, 200}};
    AVFrame *items[3] = {
        media_quadrants(AV_PIX_FMT_YUV420P, 64, 36, colours, AVCOL_SPC_BT709, false),
        media_quadrants(AV_PIX_FMT_YUV420P, 128, 72, colours, AVCOL_SPC_BT709, false),
        media_quadrants(AV_PIX_FMT_YUV444P10LE, 64, 36, colours, AVCOL_SPC_BT709, false),
    };
    struct weir_copy_counters copies = {0};
    const char *path = media_path("switch.y4m");
    write_frames(path, (struct media_frames){items, 3}, 40000, &copies);
    assert_int_equal(copies.render_bytes, 2 * 64 * 36 * 3 / 2);
    struct media_frames back = media_decode(path, false, true);
    assert_int_equal(back.count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(back.items[i]->width, 64);
        for (int plane = 0; plane < 3; plane++) {
            int x = plane ? 8 : 16, y = plane ? 5 : 9;
            int first = items[0]->data[plane][y * items[0]->linesize[plane] + x];
            int got = back.items[i]->data[plane][y * back.items[i]->linesize[plane] + x];
            assert_in_range(got, first - 2, first + 2);
        }
    }
    for (size_t i = 0; i < 3; i++)
        av_frame_free(&items[i]);
    media_frames_clear(&back);
}

static void formats_without_a_name_are_converted(void **state)
{
    (void)state;
    static const uint8_t red[4][3] = {{200, 30, 30}, {200, 30, 30}, {200, 30, 30}, {200, 30, 30}};
    AVFrame *want = media_quadrants(AV_PIX_FMT_YUV420P, 64, 36, red, AVCOL_SPC_BT709, false);
    static const enum AVPixelFormat formats[] = {AV_PIX_FMT_NV12, AV_PIX_FMT_GBRP};
    for (size_t i = 0; i < 2; i++) {
        bool rgb = formats[i] == AV_PIX_FMT_GBRP;
        AVFrame *in =
            media_quadrants(formats[i], 64, 36, red, rgb ? AVCOL_SPC_RGB : AVCOL_SPC_BT709, rgb);
        const char *path = media_path("named.y4m");
        write_frames(path, (struct media_frames){&in, 1}, 40000, NULL);
        struct media_frames back = media_decode(path, false, true);
        assert_int_equal(back.count, 1);
        assert_int_equal(back.items[0]->format, AV_PIX_FMT_YUV420P);
        for (int plane = 0; plane < 3; plane++)
            assert_in_range(back.items[0]->data[plane][5], want->data[plane][5] - 3,
                            want->data[plane][5] + 3);
        media_frames_clear(&back);
        av_frame_free(&in);
    }
    av_frame_free(&want);
}

static void full_disk_is_told(void **state)
{
    (void)state;
    static const uint8_t grey[4][3] = {{90, 90, 90}, {90, 90, 90}, {90, 90, 90}, {90, 90, 90}};
    AVFrame *frame = media_quadrants(AV_PIX_FMT_YUV420P, 64, 36, grey, AVCOL_SPC_BT709, false);
    struct weir_video_sink *sink = NULL;
    struct weir_error error = {0};
    assert_int_equal(weir_video_y4m_create("/dev/full", NULL, &sink, &error), 0);
    const struct weir_picture p = {.frame = frame};
    assert_int_equal(sink->ops->present(sink, &p, &error), 0);
    assert_int_equal(sink->ops->finish(sink, &error), WEIR_ERR_OUTPUT);
    assert_string_equal(error.where, "/dev/full");
    assert_string_equal(error.why, "No space left on device");
    weir_video_sink_destroy(&sink);
    av_frame_free(&frame);
}

static void null_sink_takes_pictures(void **state)
{
    (void)state;
    struct weir_video_sink *sink = NULL;
    struct weir_error error = {0};
    assert_int_equal(weir_video_null_create(&sink), 0);
    const struct weir_picture p = {0};
    assert_int_equal(sink->ops->present(sink, &p, &error), 0);
    weir_video_sink_destroy(&sink);
    assert_null(sink);
}

int main(void)
{
    media_require("ffmpeg");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pixels_come_back_unchanged),
        cmocka_unit_test(header_tells_rate_aspect_and_range),
        cmocka_unit_test(change_of_size_or_format_is_scaled_to_the_first),
        cmocka_unit_test(formats_without_a_name_are_converted),
        cmocka_unit_test(full_disk_is_told),
        cmocka_unit_test(null_sink_takes_pictures),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    media_cleanup();
    return failed;
}
