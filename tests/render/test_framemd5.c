// tests/render/test_framemd5.c — checksums equal those of the real ffmpeg for the same file, in
// every kind of pixel format, at odd sizes, and where cropping is left to us.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "render/framemd5.h"
#include "tests/render/media.h"

static char *our_md5s(struct media_frames frames)
{
    struct weir_framemd5 *m = NULL;
    struct weir_error error = {0};
    const char *path = media_path("ours.md5");
    assert_int_equal(weir_framemd5_create(path, &m, &error), 0);
    for (size_t i = 0; i < frames.count; i++)
        assert_int_equal(weir_framemd5_write(m, frames.items[i], (int64_t)i * 40000, &error), 0);
    assert_int_equal(weir_framemd5_finish(m, &error), 0);
    weir_framemd5_destroy(&m);
    assert_null(m);
    char *text = media_read(path, NULL);
    char *column = media_md5_column(text);
    free(text);
    return column;
}

static char *ffmpeg_md5s(const char *path, const char *options)
{
    char *text = media_run(
        "ffmpeg -v error %s -i %s -map 0:v:0 -fps_mode passthrough -f framemd5 -", options, path);
    char *column = media_md5_column(text);
    free(text);
    return column;
}

static void check_equal(const char *path, bool apply_cropping, const char *options,
                        const char *name)
{
    struct media_frames frames = media_decode(path, false, apply_cropping);
    char *ours = our_md5s(frames);
    char *theirs = ffmpeg_md5s(path, options);
    assert_int_equal(strlen(theirs), frames.count * 33);
    assert_true(frames.count > 0);
    if (strcmp(ours, theirs) != 0)
        fail_msg("%s: ours %s, ffmpeg's %s", name, ours, theirs);
    free(ours);
    free(theirs);
    media_frames_clear(&frames);
}

static void equals_ffmpeg_in_every_format(void **state)
{
    (void)state;
    static const struct {
        const char *format, *size;
    } cases[] = {
        {"yuv420p", "64x36"},     {"yuv420p", "63x35"},  {"yuv422p10le", "50x34"},
        {"yuv422p10le", "49x33"}, {"gray", "33x17"},     {"gray10le", "33x17"},
        {"nv12", "62x34"},        {"nv12", "61x33"},     {"yuv444p", "31x17"},
        {"yuv420p10le", "35x21"}, {"p010le", "34x18"},   {"yuva420p", "35x19"},
        {"rgb24", "35x19"},       {"bgra", "35x19"},     {"pal8", "37x19"},
        {"gbrp", "35x19"},        {"yuyv422", "36x18"},  {"monow", "37x19"},
        {"yuv410p", "37x19"},     {"rgb565le", "35x19"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *path = media_path("in.nut");
        free(media_run("ffmpeg -v error -y -f lavfi -i testsrc2=size=%s:rate=5 -frames:v 3 "
                       "-pix_fmt %s -c:v rawvideo -strict experimental %s",
                       cases[i].size, cases[i].format, path));
        check_equal(path, true, "", cases[i].format);
    }
}

// H.264 codes whole macroblocks and crops: with the cropping left in the frame's fields we must
// apply it as ffmpeg does.
static void applies_cropping_that_the_decoder_left(void **state)
{
    (void)state;
    const char *path = media_path("crop.mp4");
    free(
        media_run("ffmpeg -v error -y -f lavfi -i testsrc2=size=180x94:rate=5 -frames:v 4 -pix_fmt "
                  "yuv420p -c:v libx264 -preset ultrafast -bsf:v "
                  "h264_metadata=crop_left=6:crop_top=10:crop_right=4:crop_bottom=2 %s",
                  path));
    // By default FFmpeg leaves the part of a left crop undone that would misalign its rows.
    check_equal(path, false, "-flags unaligned", "cropped by us");
    check_equal(path, true, "", "cropped by the decoder");
}

static void writes_the_documented_columns(void **state)
{
    (void)state;
    static const uint8_t grey[4][3] = {{90, 90, 90}, {90, 90, 90}, {90, 90, 90}, {90, 90, 90}};
    AVFrame *frame = media_quadrants(AV_PIX_FMT_YUV420P, 17, 9, grey, AVCOL_SPC_BT709, false);
    struct weir_framemd5 *m = NULL;
    struct weir_error error = {0};
    const char *path = media_path("columns.md5");
    assert_int_equal(weir_framemd5_create(path, &m, &error), 0);
    assert_int_equal(weir_framemd5_write(m, frame, 1234567, &error), 0);
    assert_int_equal(weir_framemd5_finish(m, &error), 0);
    weir_framemd5_destroy(&m);
    char *text = media_read(path, NULL);
    assert_int_equal(text[0], '#');
    const char *line = strstr(text, "\n0, ");
    assert_non_null(line);
    // 17 × 9 of luma and twice 9 × 5 of chroma.
    assert_int_equal(strncmp(line + 1, "0, 1234567, 243, ", 17), 0);
    assert_int_equal(strlen(line + 1), 17 + 32 + 1);
    free(text);
    av_frame_free(&frame);
}

static void full_disk_is_told_with_path_and_reason(void **state)
{
    (void)state;
    struct weir_framemd5 *m = NULL;
    struct weir_error error = {0};
    assert_int_equal(weir_framemd5_create("/dev/full", &m, &error), 0);
    assert_int_equal(weir_framemd5_finish(m, &error), WEIR_ERR_OUTPUT);
    assert_string_equal(error.where, "/dev/full");
    assert_string_equal(error.why, "No space left on device");
    weir_framemd5_destroy(&m);
}

static void path_that_cannot_be_created_is_told(void **state)
{
    (void)state;
    struct weir_framemd5 *m = NULL;
    struct weir_error error = {0};
    assert_int_equal(weir_framemd5_create("/no/such/folder/x", &m, &error), WEIR_ERR_OUTPUT);
    assert_null(m);
    assert_string_equal(error.where, "/no/such/folder/x");
    assert_string_equal(error.why, "No such file or directory");
}

static void frames_without_pixels_in_memory_are_refused(void **state)
{
    (void)state;
    struct weir_framemd5 *m = NULL;
    struct weir_error error = {0};
    AVFrame *frame = av_frame_alloc();
    frame->width = frame->height = 16;
    assert_int_equal(weir_framemd5_create("/dev/null", &m, &error), 0);
    frame->format = AV_PIX_FMT_VAAPI;
    assert_int_equal(weir_framemd5_write(m, frame, 0, &error), WEIR_ERR_UNSUPPORTED);
    frame->format = AV_PIX_FMT_YUV420P; // no planes
    assert_int_equal(weir_framemd5_write(m, frame, 0, &error), WEIR_ERR_INVAL);
    frame->crop_left = SIZE_MAX;
    assert_int_equal(weir_framemd5_write(m, frame, 0, &error), WEIR_ERR_INVAL);
    weir_framemd5_destroy(&m);
    av_frame_free(&frame);
}

int main(void)
{
    media_require("ffmpeg");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equals_ffmpeg_in_every_format),
        cmocka_unit_test(applies_cropping_that_the_decoder_left),
        cmocka_unit_test(writes_the_documented_columns),
        cmocka_unit_test(full_disk_is_told_with_path_and_reason),
        cmocka_unit_test(path_that_cannot_be_created_is_told),
        cmocka_unit_test(frames_without_pixels_in_memory_are_refused),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    media_cleanup();
    return failed;
}
