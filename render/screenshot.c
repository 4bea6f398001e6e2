// render/screenshot.c — swscale to RGB, libavcodec to PNG. Not a path of playback: its copies are
// not counted.
#include "render/screenshot.h"

#include <libavcodec/avcodec.h>
#include <string.h>

#include "render/convert.h"
#include "render/layout.h"
#include "render/outfile.h"

static AVFrame *new_rgb(int width, int height)
{
    AVFrame *rgb = av_frame_alloc();
    if (!rgb)
        return NULL;
    rgb->format = AV_PIX_FMT_RGB24;
    rgb->width = width;
    rgb->height = height;
    if (av_frame_get_buffer(rgb, 64) < 0)
        av_frame_free(&rgb);
    return rgb;
}

// The picture upright, in square pixels.
static int to_rgb(const AVFrame *frame, AVFrame **out)
{
    struct weir_frame_view v;
    int err = weir_frame_view_init(&v, frame);
    if (err)
        return err;
    struct weir_size size =
        weir_layout_display_size(v.width, v.height, frame->sample_aspect_ratio, 0);
    AVFrame *rgb = new_rgb(size.width, size.height);
    if (!rgb)
        return WEIR_ERR_NOMEM;
    struct weir_convert convert = {.flags = SWS_BICUBIC | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT};
    const struct weir_convert_target target = {.format = AV_PIX_FMT_RGB24,
                                               .width = rgb->width,
                                               .height = rgb->height,
                                               .data = {rgb->data[0]},
                                               .linesize = {rgb->linesize[0]},
                                               .full_range = true};
    err = weir_convert_run(&convert, frame, &v, &target);
    weir_convert_clear(&convert);
    if (err)
        av_frame_free(&rgb);
    *out = rgb;
    return err;
}

// Where the pixel (x, y) of the rotated picture was.
static const uint8_t *source_pixel(const AVFrame *from, int rotation, int x, int y)
{
    int at_x = rotation == 90 ? y : rotation == 180 ? from->width - 1 - x : from->width - 1 - y;
    int at_y = rotation == 90 ? from->height - 1 - x : rotation == 180 ? from->height - 1 - y : x;
    return from->data[0] + (ptrdiff_t)at_y * from->linesize[0] + (ptrdiff_t)at_x * 3;
}

static int rotate(AVFrame **picture, int rotation)
{
    if (rotation == 0)
        return 0;
    const AVFrame *from = *picture;
    bool turned = rotation != 180;
    AVFrame *to = new_rgb(turned ? from->height : from->width, turned ? from->width : from->height);
    if (!to)
        return WEIR_ERR_NOMEM;
    for (int y = 0; y < to->height; y++) {
        uint8_t *row = to->data[0] + (ptrdiff_t)y * to->linesize[0];
        for (int x = 0; x < to->width; x++)
            memcpy(row + (ptrdiff_t)x * 3, source_pixel(from, rotation, x, y), 3);
    }
    av_frame_free(picture);
    *picture = to;
    return 0;
}

static int encode(const AVFrame *rgb, AVPacket *packet)
{
    const AVCodec *png = avcodec_find_encoder(AV_CODEC_ID_PNG);
    if (!png)
        return WEIR_ERR_UNSUPPORTED;
    AVCodecContext *codec = avcodec_alloc_context3(png);
    if (!codec)
        return WEIR_ERR_NOMEM;
    codec->width = rgb->width;
    codec->height = rgb->height;
    codec->pix_fmt = AV_PIX_FMT_RGB24;
    codec->time_base = (AVRational){1, 1};
    codec->thread_count = 1;
    int err = 0;
    if (avcodec_open2(codec, png, NULL) < 0 || avcodec_send_frame(codec, rgb) < 0 ||
        avcodec_receive_packet(codec, packet) < 0)
        err = WEIR_ERR_UNSUPPORTED;
    avcodec_free_context(&codec);
    return err;
}

static int write_file(const char *path, const AVPacket *packet, struct weir_error *error)
{
    struct weir_outfile out;
    int err = weir_outfile_open(&out, path, error);
    if (err)
        return err;
    err = weir_outfile_write(&out, packet->data, (size_t)packet->size, error);
    int closed = weir_outfile_close(&out, err ? NULL : error);
    return err ? err : closed;
}

int weir_screenshot_write(const AVFrame *frame, int rotation, const char *path,
                          struct weir_error *error)
{
    AVFrame *rgb = NULL;
    AVPacket *packet = av_packet_alloc();
    int err = packet ? to_rgb(frame, &rgb) : WEIR_ERR_NOMEM;
    if (!err)
        err = rotate(&rgb, weir_layout_rotation(rotation));
    if (!err)
        err = encode(rgb, packet);
    if (err)
        weir_error_set(error, err, path, "cannot make a screenshot");
    else
        err = write_file(path, packet, error);
    av_packet_free(&packet);
    av_frame_free(&rgb);
    return err;
}
