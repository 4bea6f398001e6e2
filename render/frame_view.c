// render/frame_view.c — plane geometry from libavutil's pixel format descriptors. Cropping moves
// plane pointers, as av_frame_apply_cropping() does, but leaves the frame, which others share,
// alone.
#include "render/frame_view.h"

#include <string.h>

#include <libavutil/imgutils.h>
#include <libavutil/pixdesc.h>

static bool is_chroma_plane(int plane)
{
    return plane == 1 || plane == 2;
}

// Move the planes to the first visible pixel.
static int apply_crop(struct weir_frame_view *v, const AVFrame *frame,
                      const AVPixFmtDescriptor *desc)
{
    size_t width = (size_t)frame->width;
    size_t height = (size_t)frame->height;
    if (frame->crop_left >= width || frame->crop_right >= width - frame->crop_left ||
        frame->crop_top >= height || frame->crop_bottom >= height - frame->crop_top)
        return WEIR_ERR_INVAL;
    v->width = (int)(width - frame->crop_left - frame->crop_right);
    v->height = (int)(height - frame->crop_top - frame->crop_bottom);
    if (frame->crop_left == 0 && frame->crop_top == 0)
        return 0;
    if (desc->flags & AV_PIX_FMT_FLAG_BITSTREAM)
        return WEIR_ERR_UNSUPPORTED;
    int steps[WEIR_FRAME_PLANES];
    av_image_fill_max_pixsteps(steps, NULL, desc);
    for (int i = 0; i < v->planes; i++) {
        size_t x = frame->crop_left >> (is_chroma_plane(i) ? desc->log2_chroma_w : 0);
        size_t y = frame->crop_top >> (is_chroma_plane(i) ? desc->log2_chroma_h : 0);
        v->data[i] += (ptrdiff_t)y * v->linesize[i] + (ptrdiff_t)x * steps[i];
    }
    return 0;
}

int weir_frame_view_init(struct weir_frame_view *v, const AVFrame *frame)
{
    const AVPixFmtDescriptor *desc = av_pix_fmt_desc_get((enum AVPixelFormat)frame->format);
    *v = (struct weir_frame_view){.format = (enum AVPixelFormat)frame->format};
    if (!desc || (desc->flags & AV_PIX_FMT_FLAG_HWACCEL))
        return WEIR_ERR_UNSUPPORTED;
    if (av_image_check_size((unsigned)frame->width, (unsigned)frame->height, 0, NULL) < 0)
        return WEIR_ERR_INVAL;
    bool paletted = desc->flags & AV_PIX_FMT_FLAG_PAL;
    v->planes = paletted ? 1 : av_pix_fmt_count_planes(v->format);
    for (int i = 0; i < v->planes; i++) {
        v->data[i] = frame->data[i];
        v->linesize[i] = frame->linesize[i];
    }
    int err = apply_crop(v, frame, desc);
    if (err)
        return err;
    for (int i = 0; i < v->planes; i++) {
        v->row_bytes[i] = av_image_get_linesize(v->format, v->width, i);
        v->rows[i] =
            is_chroma_plane(i) ? AV_CEIL_RSHIFT(v->height, desc->log2_chroma_h) : v->height;
        if (!frame->data[i] || v->row_bytes[i] <= 0)
            return WEIR_ERR_INVAL;
        v->size_bytes += (int64_t)v->row_bytes[i] * v->rows[i];
    }
    if (paletted) {
        v->palette = frame->data[1];
        if (!v->palette)
            return WEIR_ERR_INVAL;
        v->size_bytes += AVPALETTE_SIZE;
    }
    return 0;
}

enum AVColorSpace weir_frame_matrix(const AVFrame *frame)
{
    if (frame->colorspace != AVCOL_SPC_UNSPECIFIED && frame->colorspace != AVCOL_SPC_RESERVED)
        return frame->colorspace;
    return frame->width >= 1280 || frame->height > 576 ? AVCOL_SPC_BT709 : AVCOL_SPC_SMPTE170M;
}

bool weir_frame_full_range(const AVFrame *frame)
{
    if (frame->color_range != AVCOL_RANGE_UNSPECIFIED)
        return frame->color_range == AVCOL_RANGE_JPEG;
    const AVPixFmtDescriptor *desc = av_pix_fmt_desc_get((enum AVPixelFormat)frame->format);
    // The "yuvj" formats of MJPEG decoders say so by their name alone.
    return desc && ((desc->flags & AV_PIX_FMT_FLAG_RGB) || strncmp(desc->name, "yuvj", 4) == 0);
}
