// render/layout.h — where the picture goes in the window: aspect ratio, rotation, letterbox. Pure.
#ifndef WEIR_RENDER_LAYOUT_H
#define WEIR_RENDER_LAYOUT_H

#include <libavutil/rational.h>

struct weir_size {
    int width, height;
};

struct weir_rect {
    int x, y, width, height;
};

// The picture's size in square pixels as seen, rotated; never made smaller by a sample aspect
// ratio. A ratio that is unknown or beyond 16:1 counts as square.
struct weir_size weir_layout_display_size(int width, int height, AVRational sar, int rotation);
// The largest rectangle of that shape, centred in the output. Never empty.
struct weir_rect weir_layout_fit(struct weir_size picture, struct weir_size output);
// Window for a picture on a display with this much usable space: the picture's size, or as much of
// it as fits.
struct weir_size weir_layout_window(struct weir_size picture, struct weir_size usable);
// 0, 90, 180 or 270 for any angle.
int weir_layout_rotation(int degrees);

#endif
