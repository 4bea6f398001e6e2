// render/sdl_texture.c — chooses the texture for each picture. SDL knows three kinds of YUV: BT.601
// and BT.709 of video range and BT.601 of full range (JPEG); anything else is made RGB by swscale.
// SDL keeps the kind in one global, so it is set again before each use.
#include "render/sdl_texture.h"

#include <string.h>

#include <libavutil/common.h>
#include <libavutil/pixdesc.h>

#include "render/frame_view.h"

// swscale's SIMD writes up to the end of its last vector.
enum { CONVERT_ALIGN_PIXELS = 32 };

struct plan {
    Uint32 sdl_format;
    bool convert;
    enum AVPixelFormat convert_to;
    SDL_YUV_CONVERSION_MODE yuv_mode;
    enum AVColorSpace matrix;
    bool full_range;
    int width, height;
};

void weir_sdl_texture_init(struct weir_sdl_texture *t, SDL_Renderer *renderer)
{
    SDL_RendererInfo info = {0};
    SDL_GetRendererInfo(renderer, &info);
    *t = (struct weir_sdl_texture){
        .renderer = renderer,
        .max_width = info.max_texture_width,
        .max_height = info.max_texture_height,
        .yuv_mode = SDL_YUV_CONVERSION_AUTOMATIC,
        .convert.flags = SWS_BILINEAR,
    };
}

void weir_sdl_texture_clear(struct weir_sdl_texture *t)
{
    if (t->texture)
        SDL_DestroyTexture(t->texture);
    t->texture = NULL;
    weir_convert_clear(&t->convert);
}

// False: SDL has no such matrix and range.
static bool sdl_yuv_mode(const AVFrame *frame, SDL_YUV_CONVERSION_MODE *mode)
{
    bool full = weir_frame_full_range(frame);
    switch (weir_frame_matrix(frame)) {
    case AVCOL_SPC_BT470BG:
    case AVCOL_SPC_SMPTE170M:
        *mode = full ? SDL_YUV_CONVERSION_JPEG : SDL_YUV_CONVERSION_BT601;
        return true;
    case AVCOL_SPC_BT709:
        *mode = SDL_YUV_CONVERSION_BT709;
        return !full;
    default:
        return false;
    }
}

static bool is_deep_420(const AVPixFmtDescriptor *desc)
{
    return desc->nb_components == 3 && !(desc->flags & AV_PIX_FMT_FLAG_RGB) &&
           desc->log2_chroma_w == 1 && desc->log2_chroma_h == 1 && desc->comp[0].depth > 8;
}

static bool fits(const struct weir_sdl_texture *t, const struct weir_frame_view *v)
{
    return (t->max_width <= 0 || v->width <= t->max_width) &&
           (t->max_height <= 0 || v->height <= t->max_height);
}

static bool is_plain_420(enum AVPixelFormat format)
{
    return format == AV_PIX_FMT_YUV420P || format == AV_PIX_FMT_YUVJ420P;
}

static struct plan make_plan(const struct weir_sdl_texture *t, const AVFrame *frame,
                             const struct weir_frame_view *v)
{
    struct plan p = {.convert = true, .width = v->width, .height = v->height};
    bool sdl_yuv = sdl_yuv_mode(frame, &p.yuv_mode);
    bool upright = v->linesize[0] > 0;
    if (!fits(t, v)) {
        p.width = t->max_width > 0 ? FFMIN(v->width, t->max_width) : v->width;
        p.height = t->max_height > 0 ? FFMIN(v->height, t->max_height) : v->height;
    } else if (sdl_yuv && upright && is_plain_420(v->format)) {
        p.convert = false;
        p.sdl_format = SDL_PIXELFORMAT_IYUV;
        return p;
    } else if (sdl_yuv && upright && v->format == AV_PIX_FMT_NV12) {
        p.convert = false;
        p.sdl_format = SDL_PIXELFORMAT_NV12;
        return p;
    } else if (sdl_yuv && is_deep_420(av_pix_fmt_desc_get(v->format))) {
        // Fewer bytes than RGB, and the renderer applies the matrix.
        p.convert_to = AV_PIX_FMT_YUV420P;
        p.sdl_format = SDL_PIXELFORMAT_IYUV;
        p.matrix = weir_frame_matrix(frame);
        p.full_range = weir_frame_full_range(frame);
        return p;
    }
    p.convert_to = AV_PIX_FMT_RGB32; // native-endian words, as SDL's ARGB8888
    p.sdl_format = SDL_PIXELFORMAT_ARGB8888;
    p.yuv_mode = SDL_YUV_CONVERSION_AUTOMATIC;
    p.full_range = true;
    return p;
}

static int sdl_failed(struct weir_error *error, const char *what)
{
    weir_error_set(error, WEIR_ERR_OUTPUT, "window", "%s", what);
    weir_error_why(error, "%s", SDL_GetError());
    return WEIR_ERR_OUTPUT;
}

static int ensure_texture(struct weir_sdl_texture *t, const struct plan *p,
                          struct weir_error *error)
{
    int align = p->convert ? CONVERT_ALIGN_PIXELS : 1;
    int width = FFALIGN(p->width, align);
    int height = p->convert ? FFALIGN(p->height, 2) : p->height;
    if (t->max_width > 0)
        width = FFMIN(width, t->max_width);
    if (t->max_height > 0)
        height = FFMIN(height, t->max_height);
    t->width = p->width;
    t->height = p->height;
    t->yuv_mode = p->yuv_mode;
    if (t->texture && t->sdl_format == p->sdl_format && t->texture_width == width &&
        t->texture_height == height)
        return 0;
    if (t->texture)
        SDL_DestroyTexture(t->texture);
    t->texture =
        SDL_CreateTexture(t->renderer, p->sdl_format, SDL_TEXTUREACCESS_STREAMING, width, height);
    if (!t->texture)
        return sdl_failed(error, "cannot make a texture");
    SDL_SetTextureBlendMode(t->texture, SDL_BLENDMODE_NONE);
    t->sdl_format = p->sdl_format;
    t->texture_width = width;
    t->texture_height = height;
    return 0;
}

static int upload(struct weir_sdl_texture *t, const struct weir_frame_view *v,
                  struct weir_error *error)
{
    int rc = v->format == AV_PIX_FMT_NV12
                 ? SDL_UpdateNVTexture(t->texture, NULL, v->data[0], v->linesize[0], v->data[1],
                                       v->linesize[1])
                 : SDL_UpdateYUVTexture(t->texture, NULL, v->data[0], v->linesize[0], v->data[1],
                                        v->linesize[1], v->data[2], v->linesize[2]);
    return rc == 0 ? 0 : sdl_failed(error, "cannot upload a picture");
}

// The texture is a little larger than the picture; repeat the last pixels there, because scaling
// blends with them.
static void extend_edge(uint8_t *data, int linesize, int row_pixels, int rows, int have_pixels,
                        int have_rows, int pixel_bytes)
{
    if (have_pixels < row_pixels) {
        for (int y = 0; y < have_rows; y++) {
            uint8_t *end = data + (ptrdiff_t)y * linesize + (ptrdiff_t)have_pixels * pixel_bytes;
            memcpy(end, end - pixel_bytes, (size_t)pixel_bytes);
        }
    }
    if (have_rows < rows) {
        uint8_t *last = data + (ptrdiff_t)(have_rows - 1) * linesize;
        memcpy(last + linesize, last, (size_t)row_pixels * (size_t)pixel_bytes);
    }
}

static int convert_into(struct weir_sdl_texture *t, const struct plan *p, const AVFrame *frame,
                        const struct weir_frame_view *v, struct weir_error *error)
{
    void *pixels;
    int pitch;
    if (SDL_LockTexture(t->texture, NULL, &pixels, &pitch) != 0)
        return sdl_failed(error, "cannot upload a picture");
    struct weir_convert_target target = {.format = p->convert_to,
                                         .width = p->width,
                                         .height = p->height,
                                         .data = {pixels},
                                         .linesize = {pitch},
                                         .matrix = p->matrix,
                                         .full_range = p->full_range};
    bool planar = p->sdl_format == SDL_PIXELFORMAT_IYUV;
    if (planar) {
        int half = (pitch + 1) / 2;
        target.data[1] = target.data[0] + (ptrdiff_t)pitch * t->texture_height;
        target.data[2] = target.data[1] + (ptrdiff_t)half * ((t->texture_height + 1) / 2);
        target.linesize[1] = target.linesize[2] = half;
    }
    int err = weir_convert_run(&t->convert, frame, v, &target);
    if (!err) {
        extend_edge(target.data[0], pitch, t->texture_width, t->texture_height, p->width, p->height,
                    planar ? 1 : 4);
        for (int i = 1; planar && i < 3; i++)
            extend_edge(target.data[i], target.linesize[i], t->texture_width / 2,
                        t->texture_height / 2, (p->width + 1) / 2, (p->height + 1) / 2, 1);
    }
    SDL_UnlockTexture(t->texture);
    if (err)
        return weir_error_set(error, err, "window", "cannot convert pictures of format %s",
                              av_get_pix_fmt_name(v->format));
    return 0;
}

int weir_sdl_texture_update(struct weir_sdl_texture *t, const AVFrame *frame,
                            struct weir_copy_counters *copies, struct weir_error *error)
{
    struct weir_frame_view v;
    int err = weir_frame_view_init(&v, frame);
    if (err)
        return weir_error_set(error, err, "window", "cannot show a picture of this format");
    struct plan p = make_plan(t, frame, &v);
    err = ensure_texture(t, &p, error);
    if (err)
        return err;
    // The software renderer converts while uploading, the others while drawing.
    SDL_SetYUVConversionMode(p.yuv_mode);
    err = p.convert ? convert_into(t, &p, frame, &v, error) : upload(t, &v, error);
    if (err || !copies)
        return err;
    int64_t pixels = (int64_t)p.width * p.height;
    copies->render_bytes += p.sdl_format == SDL_PIXELFORMAT_ARGB8888 ? pixels * 4 : pixels * 3 / 2;
    return 0;
}
