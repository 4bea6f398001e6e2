// render/framemd5.c — checksums of delivered pictures, over the frame's own rows in place. The
// packing is that of FFmpeg's rawvideo encoder, which is what `ffmpeg -f framemd5` hashes.
#include "render/framemd5.h"

#include <inttypes.h>
#include <stdlib.h>

#include <libavutil/avutil.h>
#include <libavutil/intreadwrite.h>
#include <libavutil/md5.h>
#include <libavutil/mem.h>
#include <libavutil/pixdesc.h>

#include "render/frame_view.h"
#include "render/outfile.h"

struct weir_framemd5 {
    struct weir_outfile out;
    struct AVMD5 *md5;
};

static int write_header(struct weir_framemd5 *m, struct weir_error *error)
{
    static const char header[] = "#format: frame checksums\n"
                                 "#hash: MD5\n"
                                 "#software: weir " WEIR_VERSION_STRING "\n"
                                 "#columns: stream, pts_us, size_bytes, md5\n";
    return weir_outfile_write(&m->out, header, sizeof(header) - 1, error);
}

int weir_framemd5_create(const char *path, struct weir_framemd5 **out, struct weir_error *error)
{
    *out = NULL;
    struct weir_framemd5 *m = calloc(1, sizeof(*m));
    if (!m)
        return weir_error_set(error, WEIR_ERR_NOMEM, path, "out of memory");
    m->md5 = av_md5_alloc();
    int err = m->md5 ? 0 : weir_error_set(error, WEIR_ERR_NOMEM, path, "out of memory");
    if (!err)
        err = weir_outfile_open(&m->out, path, error);
    if (!err)
        err = write_header(m, error);
    if (err)
        weir_framemd5_destroy(&m);
    *out = m;
    return err;
}

static void hash_plane(struct AVMD5 *md5, const struct weir_frame_view *v, int plane)
{
    const uint8_t *row = v->data[plane];
    size_t row_bytes = (size_t)v->row_bytes[plane];
    if (v->linesize[plane] == v->row_bytes[plane]) {
        av_md5_update(md5, row, row_bytes * (size_t)v->rows[plane]);
        return;
    }
    for (int y = 0; y < v->rows[plane]; y++, row += v->linesize[plane])
        av_md5_update(md5, row, row_bytes);
}

// In memory a palette is native-endian words; packed it is little-endian.
static void hash_palette(struct AVMD5 *md5, const uint8_t *palette)
{
    for (int i = 0; i < AVPALETTE_COUNT; i++) {
        uint8_t entry[4];
        AV_WL32(entry, AV_RN32(palette + (size_t)i * 4));
        av_md5_update(md5, entry, sizeof(entry));
    }
}

int weir_framemd5_write(struct weir_framemd5 *m, const AVFrame *frame, int64_t pts_us,
                        struct weir_error *error)
{
    struct weir_frame_view v;
    int err = weir_frame_view_init(&v, frame);
    if (err) {
        const char *name = av_get_pix_fmt_name((enum AVPixelFormat)frame->format);
        return weir_error_set(error, err, m->out.path, "cannot checksum a picture of format %s",
                              name ? name : "unknown");
    }
    av_md5_init(m->md5);
    for (int i = 0; i < v.planes; i++)
        hash_plane(m->md5, &v, i);
    if (v.palette)
        hash_palette(m->md5, v.palette);
    uint8_t digest[16];
    av_md5_final(m->md5, digest);

    char line[128];
    int len = snprintf(line, sizeof(line), "0, %" PRId64 ", %" PRId64 ", ", pts_us, v.size_bytes);
    for (size_t i = 0; i < sizeof(digest); i++)
        len += snprintf(line + len, sizeof(line) - (size_t)len, "%02x", digest[i]);
    line[len++] = '\n';
    return weir_outfile_write(&m->out, line, (size_t)len, error);
}

int weir_framemd5_finish(struct weir_framemd5 *m, struct weir_error *error)
{
    return weir_outfile_close(&m->out, error);
}

void weir_framemd5_destroy(struct weir_framemd5 **m)
{
    if (!*m)
        return;
    weir_outfile_close(&(*m)->out, NULL);
    av_free((*m)->md5);
    free(*m);
    *m = NULL;
}
