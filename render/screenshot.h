// render/screenshot.h — one picture as a PNG file: in square pixels, rotated as shown, without the
// overlay.
#ifndef WEIR_RENDER_SCREENSHOT_H
#define WEIR_RENDER_SCREENSHOT_H

#include <libavutil/frame.h>

#include <weir/error.h>

// WEIR_ERR_OUTPUT: the file; WEIR_ERR_UNSUPPORTED: the format, or an FFmpeg without a PNG encoder.
int weir_screenshot_write(const AVFrame *frame, int rotation, const char *path,
                          struct weir_error *error);

#endif
