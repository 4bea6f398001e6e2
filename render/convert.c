// render/convert.c — one swscale context per sink, with matrix and range taken from each frame.
#include "render/convert.h"

#include <libavutil/pixdesc.h>

// The deprecated "yuvj" formats are full-range YUV; swscale wants the range said apart.
static enum AVPixelFormat plain_format(enum AVPixelFormat format)
{
    switch (format) {
    case AV_PIX_FMT_YUVJ420P:
        return AV_PIX_FMT_YUV420P;
    case AV_PIX_FMT_YUVJ422P:
        return AV_PIX_FMT_YUV422P;
    case AV_PIX_FMT_YUVJ444P:
        return AV_PIX_FMT_YUV444P;
    case AV_PIX_FMT_YUVJ440P:
        return AV_PIX_FMT_YUV440P;
    case AV_PIX_FMT_YUVJ411P:
        return AV_PIX_FMT_YUV411P;
    default:
        return format;
    }
}

static bool key_equal(const struct weir_convert_key *a, const struct weir_convert_key *b)
{
    return a->src_format == b->src_format && a->dst_format == b->dst_format &&
           a->src_width == b->src_width && a->src_height == b->src_height &&
           a->dst_width == b->dst_width && a->dst_height == b->dst_height &&
           a->src_matrix == b->src_matrix && a->dst_matrix == b->dst_matrix &&
           a->src_full_range == b->src_full_range && a->dst_full_range == b->dst_full_range;
}

static int rebuild(struct weir_convert *c, const struct weir_convert_key *key)
{
    weir_convert_clear(c);
    if (!sws_isSupportedInput(key->src_format) || !sws_isSupportedOutput(key->dst_format))
        return WEIR_ERR_UNSUPPORTED;
    c->sws = sws_getContext(key->src_width, key->src_height, key->src_format, key->dst_width,
                            key->dst_height, key->dst_format, c->flags, NULL, NULL, NULL);
    if (!c->sws)
        return WEIR_ERR_NOMEM;
    // Fails for pairs where matrix and range mean nothing (RGB to RGB); that is as it should be.
    sws_setColorspaceDetails(c->sws, sws_getCoefficients((int)key->src_matrix), key->src_full_range,
                             sws_getCoefficients((int)key->dst_matrix), key->dst_full_range, 0,
                             1 << 16, 1 << 16);
    c->key = *key;
    return 0;
}

int weir_convert_run(struct weir_convert *c, const AVFrame *frame,
                     const struct weir_frame_view *view, const struct weir_convert_target *target)
{
    const struct weir_convert_key key = {
        .src_format = plain_format(view->format),
        .dst_format = target->format,
        .src_width = view->width,
        .src_height = view->height,
        .dst_width = target->width,
        .dst_height = target->height,
        .src_matrix = weir_frame_matrix(frame),
        .dst_matrix = target->matrix,
        .src_full_range = weir_frame_full_range(frame),
        .dst_full_range = target->full_range,
    };
    if (!c->sws || !key_equal(&key, &c->key)) {
        int err = rebuild(c, &key);
        if (err)
            return err;
    }
    const uint8_t *src[WEIR_FRAME_PLANES] = {view->data[0], view->data[1], view->data[2],
                                             view->data[3]};
    if (view->palette)
        src[1] = view->palette;
    if (sws_scale(c->sws, src, view->linesize, 0, view->height, target->data, target->linesize) < 0)
        return WEIR_ERR_UNSUPPORTED;
    return 0;
}

void weir_convert_clear(struct weir_convert *c)
{
    sws_freeContext(c->sws);
    c->sws = NULL;
}
