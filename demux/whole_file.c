// demux/whole_file.c — see whole_file.h. The probe reads through libavformat and throws the context
// away: the streams' own demuxers open the file again, each for its kind.
#include "demux/whole_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/url.h"
#include "demux/lavf_api.h"
#include "demux/lavf_stream.h"

#define IO_BYTES 32768

struct mapping {
    void *at;
    size_t bytes;
};

static void unmap(void *ctx)
{
    struct mapping *m = ctx;
    (void)munmap(m->at, m->bytes);
    free(m);
}

static int system_error(const char *where, int code, struct weir_error *error)
{
    char why[128];
    int err = code == ENOENT || code == ENOTDIR ? WEIR_ERR_NOT_FOUND
              : code == ENOMEM                  ? WEIR_ERR_NOMEM
                                                : WEIR_ERR_DENIED;
    weir_error_set(error, err, where, "cannot be read");
    weir_error_why(error, "%s", strerror_r(code, why, sizeof(why)));
    return err;
}

// The file over the start of a larger anonymous mapping, whose last page is the readable padding.
static struct mapping *map_fd(int fd, size_t size_bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    struct mapping *m = calloc(1, sizeof(*m));
    if (!m)
        return NULL;
    m->bytes = (size_bytes + page - 1) / page * page + page;
    m->at = mmap(NULL, m->bytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (m->at == MAP_FAILED) {
        free(m);
        return NULL;
    }
    if (mmap(m->at, size_bytes, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED) {
        int code = errno;
        unmap(m);
        errno = code;
        return NULL;
    }
    return m;
}

int weir_whole_file_map(struct weir_segment_pool *pool, const char *file_url,
                        struct weir_segment **out, struct weir_error *error)
{
    char path[WEIR_URL_MAX_BYTES];
    struct stat st;
    *out = NULL;
    if (weir_url_to_path(file_url, path, sizeof(path)) < 0)
        return weir_error_set(error, WEIR_ERR_NOT_FOUND, file_url, "is not a local file");
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return system_error(path, errno, error);
    int err = 0;
    struct mapping *m = NULL;
    bool known = fstat(fd, &st) == 0;
    if (known && (!S_ISREG(st.st_mode) || st.st_size <= 0))
        err = weir_error_set(error, WEIR_ERR_SYNTAX, path, "is empty, or not a regular file");
    else if (!known || !(m = map_fd(fd, (size_t)st.st_size)))
        err = system_error(path, errno, error);
    (void)close(fd);
    if (!m)
        return err;
    *out = weir_segment_wrap(pool, m->at, (size_t)st.st_size, unmap, m);
    if (!*out) {
        unmap(m);
        return weir_error_set(error, WEIR_ERR_NOMEM, path, "out of memory");
    }
    return 0;
}

// --- the probe ---

struct reader {
    struct weir_segment *file;
    int (*wait)(void *ctx, const struct weir_segment *s, size_t have_bytes);
    void *ctx;
    int64_t pos;
    bool cancelled;
};

static int read_bytes(void *opaque, uint8_t *buf, int size)
{
    struct reader *r = opaque;
    for (;;) {
        bool open = weir_segment_state(r->file) == WEIR_SEGMENT_OPEN; // state before length
        int64_t length = (int64_t)weir_segment_length(r->file);
        if (r->pos < length) {
            int n = length - r->pos < size ? (int)(length - r->pos) : size;
            memcpy(buf, weir_segment_data(r->file) + r->pos, (size_t)n);
            r->pos += n;
            return n;
        }
        if (!open)
            return AVERROR_EOF;
        if (r->wait(r->ctx, r->file, (size_t)length)) {
            r->cancelled = true;
            return AVERROR_EXIT;
        }
    }
}

static int64_t seek_bytes(void *opaque, int64_t offset, int whence)
{
    struct reader *r = opaque;
    bool open = weir_segment_state(r->file) == WEIR_SEGMENT_OPEN;
    int64_t length = (int64_t)weir_segment_length(r->file);
    whence &= ~AVSEEK_FORCE;
    if (whence == AVSEEK_SIZE)
        return open ? AVERROR(ENOSYS) : length;
    if (whence == SEEK_CUR)
        offset += r->pos;
    else if (whence == SEEK_END)
        offset += length;
    if (offset < 0 || (whence == SEEK_END && open))
        return AVERROR(EINVAL);
    r->pos = offset;
    return offset;
}

static void describe(const AVFormatContext *ctx, int64_t size_bytes,
                     struct weir_file_description *out)
{
    *out = (struct weir_file_description){.duration_us = WEIR_TIME_NONE};
    if (ctx->duration != AV_NOPTS_VALUE && ctx->duration > 0)
        out->duration_us = ctx->duration; // AV_TIME_BASE is microseconds
    for (unsigned i = 0; i < ctx->nb_streams; i++) {
        const AVStream *st = ctx->streams[i];
        if (st->disposition & AV_DISPOSITION_ATTACHED_PIC)
            continue;
        if (st->codecpar->codec_type == AVMEDIA_TYPE_AUDIO)
            out->has_audio = true;
        if (st->codecpar->codec_type != AVMEDIA_TYPE_VIDEO || out->has_video)
            continue;
        out->has_video = true;
        out->width = st->codecpar->width;
        out->height = st->codecpar->height;
    }
    if (out->duration_us != WEIR_TIME_NONE)
        out->bandwidth_bps = av_rescale(size_bytes, 8 * WEIR_SECOND_US, out->duration_us);
}

static int open_context(const struct weir_lavf_api *av, struct reader *r, AVIOContext *io,
                        AVFormatContext **ctx)
{
    *ctx = av->avformat_alloc_context();
    if (!*ctx)
        return AVERROR(ENOMEM);
    if (weir_lavf_restrict(*ctx)) {
        av->avformat_free_context(*ctx);
        *ctx = NULL;
        return AVERROR(ENOMEM);
    }
    (*ctx)->pb = io;
    (*ctx)->flags |= AVFMT_FLAG_CUSTOM_IO;
    int averr = av->avformat_open_input(ctx, NULL, NULL, NULL); // frees on failure
    if (averr >= 0)
        averr = av->avformat_find_stream_info(*ctx, NULL);
    return r->cancelled ? AVERROR_EXIT : averr;
}

int weir_whole_file_probe(struct weir_segment *file, const char *url,
                          int (*wait)(void *ctx, const struct weir_segment *s, size_t have_bytes),
                          void *ctx, struct weir_file_description *out, struct weir_error *error)
{
    struct reader r = {.file = file, .wait = wait, .ctx = ctx};
    const struct weir_lavf_api *av = weir_lavf_api();
    if (!av)
        return weir_error_set(error, WEIR_ERR_UNSUPPORTED, url, "libavformat is not installed");
    uint8_t *buffer = av_malloc(IO_BYTES);
    AVIOContext *io =
        buffer ? av->avio_alloc_context(buffer, IO_BYTES, 0, &r, read_bytes, NULL, seek_bytes)
               : NULL;
    AVFormatContext *format = NULL;
    int averr = io ? open_context(av, &r, io, &format) : AVERROR(ENOMEM);
    int err = 0;
    if (averr == AVERROR(ENOMEM)) {
        err = weir_error_set(error, WEIR_ERR_NOMEM, url, "out of memory");
    } else if (averr == AVERROR_EXIT) {
        err = weir_error_set(error, WEIR_ERR_CANCELLED, url, "stopped");
    } else if (averr < 0) {
        char why[AV_ERROR_MAX_STRING_SIZE];
        err = weir_error_set(error, WEIR_ERR_SYNTAX, url, "is neither a manifest nor a media file");
        weir_error_why(error, "%s", av_make_error_string(why, sizeof(why), averr));
    } else {
        describe(format, (int64_t)weir_segment_length(file), out);
        if (!out->has_video && !out->has_audio)
            err = weir_error_set(error, WEIR_ERR_UNSUPPORTED, url,
                                 "holds neither pictures nor sound");
    }
    av->avformat_close_input(&format);
    if (io)
        av_freep(&io->buffer);
    else
        av_free(buffer);
    av->avio_context_free(&io);
    return err;
}
