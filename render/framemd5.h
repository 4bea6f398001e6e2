// render/framemd5.h — a line per delivered picture, comparable with `ffmpeg -f framemd5`: "0,
// PTS_US, SIZE, MD5" of the planes tightly packed in their own pixel format, cropping applied.
// Reads the frame in place; copies nothing.
#ifndef WEIR_RENDER_FRAMEMD5_H
#define WEIR_RENDER_FRAMEMD5_H

#include <libavutil/frame.h>

#include <weir/error.h>

struct weir_framemd5;

int weir_framemd5_create(const char *path, struct weir_framemd5 **out,
                         struct weir_error *error); // "-": stdout
int weir_framemd5_write(struct weir_framemd5 *m, const AVFrame *frame, int64_t pts_us,
                        struct weir_error *error);
int weir_framemd5_finish(struct weir_framemd5 *m,
                         struct weir_error *error); // WEIR_ERR_OUTPUT on a full disk
void weir_framemd5_destroy(struct weir_framemd5 **m);

#endif
