// player/frame_store.c — frame slots behind AVBufferRefs: the picture a decoder writes is the one
// the renderer reads. Called by libavcodec on any of its threads through
// weir_frame_store_get_buffer().
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include <libavutil/imgutils.h>
#include <libavutil/pixdesc.h>

#include "player/decode.h"
#include "player/frame_store.h"

#define POOLS_MAX    16
#define STRIDE_BYTES 64
// Decoders may write this far beyond a plane (AV_CODEC_FLAG_EMU_EDGE is no more; libavcodec's own
// pool adds 16 + the stride alignment).
#define PLANE_PADDING_BYTES (16 + STRIDE_BYTES)
#define SPARE_FRAMES        8

// Written when a slot is lent and read when it comes back, on whichever thread lets go last.
// libavcodec orders the two; the release and acquire say so again for tools that cannot see into
// it.
struct loan {
    struct weir_frame_pool *pool;
    _Atomic(struct weir_slot *) slot;
};

struct pool_entry {
    struct weir_frame_pool *pool;
    size_t frame_bytes;
    struct loan *loans; // by slot index, so that lending allocates nothing
};

struct weir_frame_store {
    struct weir_frame_store_params params;
    pthread_mutex_t lock;
    // Protected by lock from here down.
    struct pool_entry pools[POOLS_MAX];
    size_t pool_count;
    int64_t foreign;
    // Not under the lock.
    _Atomic bool refused; // a picture found no slot
};

struct layout {
    int linesize[4];
    size_t plane_bytes[4];
    size_t total_bytes;
};

int weir_frame_store_create(const struct weir_frame_store_params *params,
                            struct weir_frame_store **out)
{
    struct weir_frame_store *s = calloc(1, sizeof(*s));
    if (!s)
        return WEIR_ERR_NOMEM;
    s->params = *params;
    if (pthread_mutex_init(&s->lock, NULL)) {
        free(s);
        return WEIR_ERR_NOMEM;
    }
    *out = s;
    return 0;
}

void weir_frame_store_destroy(struct weir_frame_store **sp)
{
    struct weir_frame_store *s = *sp;
    if (!s)
        return;
    for (size_t i = 0; i < s->pool_count; i++) {
        weir_frame_pool_destroy(&s->pools[i].pool);
        free(s->pools[i].loans);
    }
    (void)pthread_mutex_destroy(&s->lock);
    free(s);
    *sp = NULL;
}

void weir_frame_store_expect(struct weir_frame_store *s, size_t frame_bytes)
{
    (void)pthread_mutex_lock(&s->lock);
    s->params.frame_bytes = frame_bytes;
    (void)pthread_mutex_unlock(&s->lock);
}

static int add_pool(struct weir_frame_store *s, size_t frame_bytes)
{
    if (s->pool_count == POOLS_MAX)
        return WEIR_ERR_TOO_BIG;
    struct pool_entry *e = &s->pools[s->pool_count];
    struct weir_frame_pool_params p = {.frame_bytes = frame_bytes,
                                       .count = s->params.count,
                                       .spare = SPARE_FRAMES,
                                       .budget = s->params.budget};
    e->loans = calloc(p.count + p.spare, sizeof(*e->loans));
    if (!e->loans)
        return WEIR_ERR_NOMEM;
    int err = weir_frame_pool_create(&p, &e->pool);
    if (err) {
        free(e->loans);
        return err;
    }
    e->frame_bytes = frame_bytes;
    s->pool_count++;
    return 0;
}

// A pool for pictures that fit into none yet: of the size foreseen, else of twice the size that is
// needed, so that few pools serve however many sizes come. Only what is used is ever committed.
static int add_pool_for(struct weir_frame_store *s, size_t bytes)
{
    if (bytes <= s->params.frame_bytes && !add_pool(s, s->params.frame_bytes))
        return 0;
    if (s->pool_count > 0 && bytes <= SIZE_MAX / 2 && !add_pool(s, 2 * bytes))
        return 0;
    return add_pool(s, bytes); // the first picture's own size, or address space is short
}

// A slot for `bytes` from the pool foreseen, or from one made for larger pictures.
static struct loan *lend(struct weir_frame_store *s, size_t bytes)
{
    struct loan *loan = NULL;
    (void)pthread_mutex_lock(&s->lock);
    size_t i = 0;
    while (i < s->pool_count && s->pools[i].frame_bytes < bytes)
        i++;
    if (i == s->pool_count && add_pool_for(s, bytes))
        goto done;
    struct weir_slot *slot = weir_frame_acquire(s->pools[i].pool, bytes);
    if (!slot)
        goto done;
    loan = &s->pools[i].loans[slot->index];
    loan->pool = s->pools[i].pool;
    atomic_store_explicit(&loan->slot, slot, memory_order_release);
done:
    (void)pthread_mutex_unlock(&s->lock);
    return loan;
}

static void give_back(void *opaque, uint8_t *data)
{
    (void)data;
    struct loan *loan = opaque;
    struct weir_slot *slot = atomic_load_explicit(&loan->slot, memory_order_acquire);
    weir_frame_release(loan->pool, slot);
}

// As avcodec's own get_buffer lays pictures out: widths grown until every stride keeps the
// alignment asked for.
static int lay_out(int width, int height, enum AVPixelFormat format,
                   const int align[AV_NUM_DATA_POINTERS], struct layout *out)
{
    for (bool unaligned = true; unaligned;) {
        if (av_image_fill_linesizes(out->linesize, format, width) < 0)
            return WEIR_ERR_UNSUPPORTED;
        unaligned = false;
        for (int i = 0; i < 4; i++) {
            int need = align[i] > STRIDE_BYTES ? align[i] : STRIDE_BYTES;
            unaligned |= out->linesize[i] % need != 0;
        }
        if (unaligned)
            width +=
                width & ~(width - 1); // adds the lowest set bit: soon a multiple of every alignment
    }
    ptrdiff_t strides[4];
    for (int i = 0; i < 4; i++)
        strides[i] = out->linesize[i];
    if (av_image_fill_plane_sizes(out->plane_bytes, format, height, strides) < 0)
        return WEIR_ERR_UNSUPPORTED;
    out->total_bytes = 0;
    for (int i = 0; i < 4 && out->plane_bytes[i]; i++) {
        out->plane_bytes[i] = (out->plane_bytes[i] + PLANE_PADDING_BYTES + STRIDE_BYTES - 1) &
                              ~(size_t)(STRIDE_BYTES - 1);
        out->total_bytes += out->plane_bytes[i];
    }
    return 0;
}

static bool storable(enum AVPixelFormat format)
{
    const AVPixFmtDescriptor *desc = av_pix_fmt_desc_get(format);
    return desc && !(desc->flags &
                     (AV_PIX_FMT_FLAG_HWACCEL | AV_PIX_FMT_FLAG_PAL | AV_PIX_FMT_FLAG_BITSTREAM));
}

size_t weir_frame_store_picture_bytes(int width, int height, enum AVPixelFormat format)
{
    // H.264's alignment (a macroblock pair, plus two lines of edge) is the largest of the native
    // decoders.
    int align[AV_NUM_DATA_POINTERS] = {STRIDE_BYTES, STRIDE_BYTES, STRIDE_BYTES, STRIDE_BYTES};
    struct layout l;
    if (width <= 0 || height <= 0 || width > 32768 || height > 32768 || !storable(format) ||
        lay_out((width + 63) & ~63, ((height + 31) & ~31) + 2, format, align, &l))
        return 0;
    return l.total_bytes;
}

static int foreign(struct weir_frame_store *s, AVCodecContext *ctx, AVFrame *frame, int flags)
{
    (void)s; // counted when it comes out: weir_decoder_receive()
    return avcodec_default_get_buffer2(ctx, frame, flags);
}

int weir_frame_store_get_buffer(AVCodecContext *ctx, AVFrame *frame, int flags)
{
    struct weir_frame_store *s = ctx->opaque;
    if (!(ctx->codec->capabilities & AV_CODEC_CAP_DR1) || !storable(frame->format))
        return foreign(s, ctx, frame, flags);
    int width = frame->width, height = frame->height;
    int align[AV_NUM_DATA_POINTERS];
    struct layout l;
    avcodec_align_dimensions2(ctx, &width, &height, align);
    if (lay_out(width, height, frame->format, align, &l))
        return foreign(s, ctx, frame, flags);
    struct loan *loan = lend(s, l.total_bytes);
    if (!loan) {
        atomic_store(&s->refused, true);
        return AVERROR(ENOMEM);
    }
    uint8_t *at = loan->slot->data;
    frame->buf[0] = av_buffer_create(at, l.total_bytes, give_back, loan, 0);
    if (!frame->buf[0]) {
        give_back(loan, NULL);
        return AVERROR(ENOMEM);
    }
    for (int i = 0; i < 4 && l.plane_bytes[i]; i++) {
        frame->data[i] = at;
        frame->linesize[i] = l.linesize[i];
        at += l.plane_bytes[i];
    }
    frame->extended_data = frame->data;
    return 0;
}

struct weir_frame_store_stats weir_frame_store_stats(struct weir_frame_store *s)
{
    struct weir_frame_store_stats stats = {0};
    (void)pthread_mutex_lock(&s->lock);
    stats.foreign = s->foreign;
    for (size_t i = 0; i < s->pool_count; i++) {
        struct weir_slots_stats p = weir_slots_stats(weir_frame_pool_slots(s->pools[i].pool));
        stats.hits += p.hits;
        stats.misses += p.misses;
    }
    (void)pthread_mutex_unlock(&s->lock);
    return stats;
}

bool weir_frame_store_refused(struct weir_frame_store *s)
{
    return atomic_load(&s->refused);
}

void weir_frame_store_note_foreign(struct weir_frame_store *s)
{
    (void)pthread_mutex_lock(&s->lock);
    s->foreign++;
    (void)pthread_mutex_unlock(&s->lock);
}

bool weir_frame_store_contains(struct weir_frame_store *s, const void *p, size_t size_bytes)
{
    bool found = false;
    (void)pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < s->pool_count && !found; i++)
        found = weir_slots_contains(weir_frame_pool_slots(s->pools[i].pool), p, size_bytes);
    (void)pthread_mutex_unlock(&s->lock);
    return found;
}
