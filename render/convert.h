// render/convert.h — pixel format conversion and scaling through libswscale, for what a sink cannot
// take as it is. The context is kept and rebuilt only when the source or the target changes.
// Callers count the copy.
#ifndef WEIR_RENDER_CONVERT_H
#define WEIR_RENDER_CONVERT_H

#include <stdbool.h>
#include <stdint.h>

#include <libavutil/frame.h>
#include <libavutil/pixfmt.h>
#include <libswscale/swscale.h>

#include <weir/error.h>

#include "render/frame_view.h"

// Where the pixels go: memory of the caller's. swscale writes whole SIMD words, so rows want
// linesizes that are multiples of 64 bytes, or a target whose rows may be written up to their
// linesize.
struct weir_convert_target {
    enum AVPixelFormat format;
    int width, height;
    uint8_t *data[WEIR_FRAME_PLANES];
    int linesize[WEIR_FRAME_PLANES];
    enum AVColorSpace matrix; // of YUV targets
    bool full_range;
};

struct weir_convert_key {
    enum AVPixelFormat src_format, dst_format;
    int src_width, src_height, dst_width, dst_height;
    enum AVColorSpace src_matrix, dst_matrix;
    bool src_full_range, dst_full_range;
};

struct weir_convert {
    struct SwsContext *sws;
    struct weir_convert_key key;
    int flags; // SWS_…; set before the first run
};

// `view` is of `frame`. 0, WEIR_ERR_NOMEM, or WEIR_ERR_UNSUPPORTED: swscale knows no way between
// the two formats.
int weir_convert_run(struct weir_convert *c, const AVFrame *frame,
                     const struct weir_frame_view *view, const struct weir_convert_target *target);
void weir_convert_clear(struct weir_convert *c);

#endif
