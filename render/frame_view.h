// render/frame_view.h — the visible part of a decoded frame, plane by plane: cropping applied,
// nothing copied. All that reads pixels (checksums, files, conversion, upload) reads through this.
#ifndef WEIR_RENDER_FRAME_VIEW_H
#define WEIR_RENDER_FRAME_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include <libavutil/frame.h>
#include <libavutil/pixfmt.h>

#include <weir/error.h>

#define WEIR_FRAME_PLANES 4

struct weir_frame_view {
    enum AVPixelFormat format;
    int width, height; // visible
    int planes;        // of pixels; a palette is not one
    const uint8_t *data[WEIR_FRAME_PLANES];
    int linesize[WEIR_FRAME_PLANES];  // may be negative
    int row_bytes[WEIR_FRAME_PLANES]; // of a tightly packed row
    int rows[WEIR_FRAME_PLANES];
    const uint8_t *palette; // 256 native-endian words, or NULL
    int64_t size_bytes;     // of all planes and the palette tightly packed
};

// Borrows the frame's planes. 0; WEIR_ERR_UNSUPPORTED: pixels not in memory (hardware frames) or
// packed finer than a byte and cropped; WEIR_ERR_INVAL: sizes or planes make no sense.
int weir_frame_view_init(struct weir_frame_view *v, const AVFrame *frame);

// The frame's matrix, guessed from its size where it says nothing (as other players do): BT.709
// from 720 lines up.
enum AVColorSpace weir_frame_matrix(const AVFrame *frame);
bool weir_frame_full_range(const AVFrame *frame);

#endif
