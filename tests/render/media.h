// tests/render/media.h — what the tests of render/ share: temporary files, the real ffmpeg as the
// reference, and decoding its files into AVFrames through libavcodec.
#ifndef WEIR_TESTS_RENDER_MEDIA_H
#define WEIR_TESTS_RENDER_MEDIA_H

#include <stdbool.h>
#include <stddef.h>

#include <libavutil/frame.h>
#include <libavutil/pixfmt.h>

// A fresh temporary directory, removed by media_cleanup(); the path is valid until then.
const char *media_dir(void);
void media_cleanup(void);
// "<dir>/<name>", in one of a few static buffers.
const char *media_path(const char *name);

// Exit 77 unless the program is installed.
void media_require(const char *program);
// Run a shell command; fails the test unless it exits 0. Its standard output, NUL-terminated, to be
// freed.
char *media_run(const char *format, ...) __attribute__((format(printf, 1, 2)));
char *media_read(const char *path, size_t *size_bytes);

// The frames of a file's video (or sound), in order. `apply_cropping` false: crop fields stay set.
struct media_frames {
    AVFrame **items;
    size_t count;
};
struct media_frames media_decode(const char *path, bool sound, bool apply_cropping);
void media_frames_clear(struct media_frames *frames);

// The last column of every line that is no comment: "md5 md5 …" in order, to be freed.
char *media_md5_column(const char *text);

// A picture of one colour or of four quadrants (top left, top right, bottom left, bottom right)
// given as R'G'B', made in `format` with the given matrix and range by exact formulas.
AVFrame *media_quadrants(enum AVPixelFormat format, int width, int height, const uint8_t rgb[4][3],
                         enum AVColorSpace matrix, bool full_range);

#endif
