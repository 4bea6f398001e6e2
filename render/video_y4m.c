// render/video_y4m.c — YUV4MPEG2 files. A picture's rows go out as they are where the format has a
// name for them, through swscale where it has not. The first picture waits for the second, whose
// distance is the frame rate.
#include "render/video.h"

#include <stdlib.h>
#include <string.h>

#include <libavutil/frame.h>
#include <libavutil/imgutils.h>
#include <libavutil/mathematics.h>
#include <libavutil/mem.h>
#include <libavutil/pixdesc.h>

#include "core/clock.h"
#include "render/convert.h"
#include "render/frame_view.h"
#include "render/outfile.h"

struct y4m_sink {
    struct weir_video_sink base;
    struct weir_outfile out;
    struct weir_copy_counters *copies;
    struct weir_convert convert;
    AVFrame *first; // held until its duration is known; NULL afterwards
    int64_t first_pts_us;
    // Fixed by the first picture.
    enum AVPixelFormat format;
    int width, height;
    enum AVColorSpace matrix;
    bool full_range;
    // The last picture that had to be converted.
    uint8_t *scaled;
    int scaled_linesize[WEIR_FRAME_PLANES];
    uint8_t *scaled_data[WEIR_FRAME_PLANES];
};

// The names ffmpeg and mjpegtools read; 8-bit 4:2:0 has one per siting.
static const struct {
    enum AVPixelFormat format;
    const char *name;
} names[] = {
    {AV_PIX_FMT_YUV422P, "422 XYSCSS=422"},
    {AV_PIX_FMT_YUVJ422P, "422 XYSCSS=422"},
    {AV_PIX_FMT_YUV444P, "444 XYSCSS=444"},
    {AV_PIX_FMT_YUVJ444P, "444 XYSCSS=444"},
    {AV_PIX_FMT_YUV411P, "411 XYSCSS=411"},
    {AV_PIX_FMT_GRAY8, "mono"},
    {AV_PIX_FMT_YUV420P9LE, "420p9 XYSCSS=420P9"},
    {AV_PIX_FMT_YUV422P9LE, "422p9 XYSCSS=422P9"},
    {AV_PIX_FMT_YUV444P9LE, "444p9 XYSCSS=444P9"},
    {AV_PIX_FMT_YUV420P10LE, "420p10 XYSCSS=420P10"},
    {AV_PIX_FMT_YUV422P10LE, "422p10 XYSCSS=422P10"},
    {AV_PIX_FMT_YUV444P10LE, "444p10 XYSCSS=444P10"},
    {AV_PIX_FMT_YUV420P12LE, "420p12 XYSCSS=420P12"},
    {AV_PIX_FMT_YUV422P12LE, "422p12 XYSCSS=422P12"},
    {AV_PIX_FMT_YUV444P12LE, "444p12 XYSCSS=444P12"},
    {AV_PIX_FMT_YUV420P16LE, "420p16 XYSCSS=420P16"},
    {AV_PIX_FMT_YUV422P16LE, "422p16 XYSCSS=422P16"},
    {AV_PIX_FMT_YUV444P16LE, "444p16 XYSCSS=444P16"},
    {AV_PIX_FMT_GRAY10LE, "mono10"},
    {AV_PIX_FMT_GRAY12LE, "mono12"},
};

static const char *siting_name(enum AVChromaLocation location)
{
    if (location == AVCHROMA_LOC_LEFT)
        return "420mpeg2 XYSCSS=420MPEG2";
    if (location == AVCHROMA_LOC_TOPLEFT)
        return "420paldv XYSCSS=420PALDV";
    return "420jpeg XYSCSS=420JPEG";
}

// NULL: not a format of YUV4MPEG2.
static const char *format_name(enum AVPixelFormat format, enum AVChromaLocation location)
{
    if (format == AV_PIX_FMT_YUV420P || format == AV_PIX_FMT_YUVJ420P)
        return siting_name(location);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (names[i].format == format)
            return names[i].name;
    }
    return NULL;
}

// Presentation times are rounded to microseconds: a duration within one of a usual rate's means
// that rate.
static AVRational frame_rate(int64_t duration_us)
{
    if (duration_us <= 0 || duration_us > 100 * WEIR_SECOND_US)
        return (AVRational){25, 1};
    for (int n = 1; n <= 240; n++) {
        AVRational plain = {n, 1};
        AVRational ntsc = {n * 1000, 1001};
        if (llabs(av_rescale(WEIR_SECOND_US, plain.den, plain.num) - duration_us) <= 1)
            return plain;
        if (llabs(av_rescale(WEIR_SECOND_US, ntsc.den, ntsc.num) - duration_us) <= 1)
            return ntsc;
    }
    return (AVRational){(int)WEIR_SECOND_US, (int)duration_us};
}

static char interlacing(const AVFrame *frame)
{
    if (!frame->interlaced_frame)
        return 'p';
    return frame->top_field_first ? 't' : 'b';
}

static int write_header(struct y4m_sink *y, const AVFrame *frame, int64_t duration_us,
                        struct weir_error *error)
{
    struct weir_frame_view v;
    int err = weir_frame_view_init(&v, frame);
    if (err)
        return weir_error_set(error, err, y->out.path, "cannot write a picture of this format");
    const char *name = format_name(v.format, frame->chroma_location);
    y->format = name ? v.format : AV_PIX_FMT_YUV420P;
    y->width = v.width;
    y->height = v.height;
    y->matrix = weir_frame_matrix(frame);
    // RGB is made the usual video range.
    y->full_range = name && weir_frame_full_range(frame);
    if (!name && y->matrix == AVCOL_SPC_RGB)
        y->matrix = AVCOL_SPC_BT709;
    AVRational rate = frame_rate(duration_us);
    AVRational sar = frame->sample_aspect_ratio;
    if (sar.num <= 0 || sar.den <= 0)
        sar = (AVRational){0, 0}; // "unknown" in this format
    char header[256];
    int len =
        snprintf(header, sizeof(header), "YUV4MPEG2 W%d H%d F%d:%d I%c A%d:%d C%s XCOLORRANGE=%s\n",
                 y->width, y->height, rate.num, rate.den, interlacing(frame), sar.num, sar.den,
                 name ? name : siting_name(AVCHROMA_LOC_LEFT), y->full_range ? "FULL" : "LIMITED");
    return weir_outfile_write(&y->out, header, (size_t)len, error);
}

static int allocate_scaled(struct y4m_sink *y)
{
    if (y->scaled)
        return 0;
    const int align = 64;
    int size = av_image_get_buffer_size(y->format, FFALIGN(y->width, align), y->height, align);
    if (size <= 0)
        return WEIR_ERR_NOMEM;
    y->scaled = av_malloc((size_t)size + 64);
    if (!y->scaled)
        return WEIR_ERR_NOMEM;
    av_image_fill_arrays(y->scaled_data, y->scaled_linesize, y->scaled, y->format,
                         FFALIGN(y->width, align), y->height, align);
    return 0;
}

// Make `v` a view of the picture as it must be written.
static int fit(struct y4m_sink *y, const AVFrame *frame, struct weir_frame_view *v)
{
    int err = weir_frame_view_init(v, frame);
    if (err || (v->format == y->format && v->width == y->width && v->height == y->height))
        return err;
    err = allocate_scaled(y);
    if (err)
        return err;
    struct weir_convert_target target = {.format = y->format,
                                         .width = y->width,
                                         .height = y->height,
                                         .matrix = y->matrix,
                                         .full_range = y->full_range};
    memcpy(target.data, y->scaled_data, sizeof(target.data));
    memcpy(target.linesize, y->scaled_linesize, sizeof(target.linesize));
    err = weir_convert_run(&y->convert, frame, v, &target);
    if (err)
        return err;
    struct weir_frame_view done = {.format = y->format,
                                   .width = y->width,
                                   .height = y->height,
                                   .planes = av_pix_fmt_count_planes(y->format)};
    const AVPixFmtDescriptor *desc = av_pix_fmt_desc_get(y->format);
    for (int i = 0; i < done.planes; i++) {
        bool chroma = i == 1 || i == 2;
        done.data[i] = target.data[i];
        done.linesize[i] = target.linesize[i];
        done.row_bytes[i] = av_image_get_linesize(y->format, y->width, i);
        done.rows[i] = chroma ? AV_CEIL_RSHIFT(y->height, desc->log2_chroma_h) : y->height;
        done.size_bytes += (int64_t)done.row_bytes[i] * done.rows[i];
    }
    *v = done;
    if (y->copies)
        y->copies->render_bytes += done.size_bytes;
    return 0;
}

static int write_picture(struct y4m_sink *y, const AVFrame *frame, struct weir_error *error)
{
    struct weir_frame_view v;
    int err = fit(y, frame, &v);
    if (err)
        return weir_error_set(error, err, y->out.path, "cannot write a picture of this format");
    err = weir_outfile_write(&y->out, "FRAME\n", 6, error);
    for (int i = 0; !err && i < v.planes; i++) {
        const uint8_t *row = v.data[i];
        for (int r = 0; !err && r < v.rows[i]; r++, row += v.linesize[i])
            err = weir_outfile_write(&y->out, row, (size_t)v.row_bytes[i], error);
    }
    return err;
}

static int write_first(struct y4m_sink *y, int64_t duration_us, struct weir_error *error)
{
    int err = write_header(y, y->first, duration_us, error);
    if (!err)
        err = write_picture(y, y->first, error);
    av_frame_free(&y->first);
    return err;
}

static int y4m_present(struct weir_video_sink *s, const struct weir_picture *p,
                       struct weir_error *error)
{
    struct y4m_sink *y = (struct y4m_sink *)s;
    if (y->width == 0 && !y->first) {
        y->first = av_frame_clone(p->frame);
        y->first_pts_us = p->pts_us;
        return y->first ? 0 : weir_error_set(error, WEIR_ERR_NOMEM, y->out.path, "out of memory");
    }
    if (y->first) {
        int err = write_first(y, p->pts_us - y->first_pts_us, error);
        if (err)
            return err;
    }
    return write_picture(y, p->frame, error);
}

static int y4m_finish(struct weir_video_sink *s, struct weir_error *error)
{
    struct y4m_sink *y = (struct y4m_sink *)s;
    int err = y->first ? write_first(y, 0, error) : 0;
    int closed = weir_outfile_close(&y->out, err ? NULL : error);
    return err ? err : closed;
}

static void y4m_destroy(struct weir_video_sink *s)
{
    struct y4m_sink *y = (struct y4m_sink *)s;
    av_frame_free(&y->first);
    weir_outfile_close(&y->out, NULL);
    weir_convert_clear(&y->convert);
    av_free(y->scaled);
    free(y);
}

static const struct weir_video_sink_ops y4m_ops = {
    .name = "y4m",
    .present = y4m_present,
    .finish = y4m_finish,
    .destroy = y4m_destroy,
};

int weir_video_y4m_create(const char *path, struct weir_copy_counters *copies,
                          struct weir_video_sink **out, struct weir_error *error)
{
    *out = NULL;
    struct y4m_sink *y = calloc(1, sizeof(*y));
    if (!y)
        return weir_error_set(error, WEIR_ERR_NOMEM, path, "out of memory");
    y->base.ops = &y4m_ops;
    y->copies = copies;
    y->convert.flags = SWS_BICUBIC | SWS_ACCURATE_RND;
    int err = weir_outfile_open(&y->out, path, error);
    if (err) {
        y4m_destroy(&y->base);
        return err;
    }
    *out = &y->base;
    return 0;
}
