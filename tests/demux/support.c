// tests/demux/support.c — see support.h.
#include "tests/demux/support.h"

#include <pthread.h>

#include <libavutil/imgutils.h>
#include <libavutil/intreadwrite.h>

#include "core/rational.h"

// --- files ---

const char *media_path(const char *name)
{
    static char paths[8][512];
    static int next;
    char *p = paths[next++ % 8];
    (void)snprintf(p, sizeof(paths[0]), "%s/demux_media/%s", WEIR_BINARY_DIR, name);
    return p;
}

struct bytes load(const char *name)
{
    FILE *f = fopen(name[0] == '/' ? name : media_path(name), "rb");
    if (!f)
        fail_msg("cannot open %s", name);
    struct bytes b = {0};
    assert_int_equal(fseek(f, 0, SEEK_END), 0);
    b.size = (size_t)ftell(f);
    rewind(f);
    b.data = malloc(b.size + 1);
    assert_non_null(b.data);
    assert_int_equal(fread(b.data, 1, b.size, f), b.size);
    assert_int_equal(fclose(f), 0);
    return b;
}

struct bytes join(const struct bytes *parts, size_t count)
{
    struct bytes b = {0};
    for (size_t i = 0; i < count; i++) {
        b.data = realloc(b.data, b.size + parts[i].size + 1);
        assert_non_null(b.data);
        memcpy(b.data + b.size, parts[i].data, parts[i].size);
        b.size += parts[i].size;
    }
    return b;
}

void drop(struct bytes *b)
{
    free(b->data);
    *b = (struct bytes){0};
}

// --- the world ---

int media_setup(void **state)
{
    av_log_set_level(AV_LOG_FATAL);
    char command[1200];
    (void)snprintf(command, sizeof(command), "sh '%s/tests/demux/make_media.sh' '%s/demux_media'",
                   WEIR_SOURCE_DIR, WEIR_BINARY_DIR);
    if (system(command) != 0) { // NOLINT(cert-env33-c,concurrency-mt-unsafe): a test's own script
        (void)fprintf(stderr, "skipped: the ffmpeg command could not make the media\n");
        exit(77);
    }
    struct world *w = calloc(1, sizeof(*w));
    if (!w)
        return -1;
    weir_budget_init(&w->budget, 0);
    struct weir_segment_pool_params p = {
        .budget = &w->budget, .copies = &w->copies, .premapped = 4};
    if (weir_segment_pool_create(&p, &w->pool) || weir_timeline_create(true, &w->timeline) ||
        weir_wake_init(&w->wake))
        return -1;
    *state = w;
    return 0;
}

int media_teardown(void **state)
{
    struct world *w = *state;
    int64_t in_use = weir_slots_stats(weir_segment_pool_slots(w->pool)).in_use;
    weir_segment_pool_destroy(&w->pool);
    weir_timeline_destroy(&w->timeline);
    weir_wake_clear(&w->wake);
    weir_budget_clear(&w->budget);
    free(w);
    return in_use == 0 ? 0 : -1; // a slot that did not come back
}

struct weir_segment *segment_of(struct world *w, const uint8_t *data, size_t size,
                                enum weir_segment_state state)
{
    struct weir_segment *s = weir_segment_create(w->pool, size);
    assert_non_null(s);
    if (size > 0)
        assert_int_equal(weir_segment_append(s, data, size), 0);
    if (state != WEIR_SEGMENT_OPEN)
        weir_segment_finish(s, state);
    return s;
}

struct weir_segment *segment_from(struct world *w, const char *name)
{
    struct bytes b = load(name);
    struct weir_segment *s = segment_of(w, b.data, b.size, WEIR_SEGMENT_COMPLETE);
    drop(&b);
    return s;
}

static int wait_for_bytes(void *ctx, const struct weir_segment *s, size_t have_bytes)
{
    struct world *w = ctx;
    while (!w->cancel && weir_segment_state(s) == WEIR_SEGMENT_OPEN &&
           weir_segment_length(s) <= have_bytes)
        (void)weir_wake_wait(&w->wake, 20000);
    return w->cancel;
}

struct weir_demux *demux_for(struct world *w, enum weir_demux_want want, bool waits)
{
    struct weir_demux_params p = {
        .want = want,
        .wait = waits ? wait_for_bytes : NULL,
        .wait_ctx = w,
        .timeline = w->timeline,
        .copies = &w->copies,
        .slots = weir_segment_pool_slots(w->pool),
    };
    struct weir_demux *d = NULL;
    assert_int_equal(weir_demux_create(&p, &d), 0);
    return d;
}

struct weir_media_unit exact_unit(struct weir_segment *init, struct weir_segment *media)
{
    return (struct weir_media_unit){
        .media = media,
        .init = init,
        .number = 1,
        .start_us = 0,
        .duration_us = WEIR_TIME_NONE,
        .timing_exact = true,
        .offset_timescale = 1,
        .clip_start_us = WEIR_TIME_NONE,
        .clip_end_us = WEIR_TIME_NONE,
    };
}

// --- packets ---

static struct packet *add_packet(struct packets *out, const AVPacket *pkt)
{
    if (out->count == out->room) {
        out->room = out->room ? out->room * 2 : 256;
        out->items = realloc(out->items, out->room * sizeof(*out->items));
        assert_non_null(out->items);
    }
    struct packet *p = &out->items[out->count++];
    *p = (struct packet){
        .pts_us = pkt->pts, .dts_us = pkt->dts, .duration_us = pkt->duration, .flags = pkt->flags};
    size_t size = 0;
    const uint8_t *skip = av_packet_get_side_data(pkt, AV_PKT_DATA_SKIP_SAMPLES, &size);
    if (skip && size >= 8) {
        p->skip_start = AV_RL32(skip);
        p->skip_end = AV_RL32(skip + 4);
        p->skips = p->skip_start || p->skip_end;
    }
    p->new_extradata = av_packet_get_side_data(pkt, AV_PKT_DATA_NEW_EXTRADATA, &size);
    p->bytes.size = (size_t)pkt->size;
    p->bytes.data = malloc(p->bytes.size + AV_INPUT_BUFFER_PADDING_SIZE);
    assert_non_null(p->bytes.data);
    memcpy(p->bytes.data, pkt->data, p->bytes.size);
    memset(p->bytes.data + p->bytes.size, 0, AV_INPUT_BUFFER_PADDING_SIZE);
    return p;
}

int read_all(struct world *w, struct weir_demux *d, struct packets *out, struct weir_error *error)
{
    AVPacket *pkt = av_packet_alloc();
    assert_non_null(pkt);
    int err;
    while ((err = weir_demux_read(d, pkt, error)) == 0) {
        if (w->check_slots &&
            !weir_slots_contains(weir_segment_pool_slots(w->pool), pkt->data, (size_t)pkt->size))
            w->refused_packets++;
        (void)add_packet(out, pkt);
        av_packet_unref(pkt);
    }
    av_packet_free(&pkt);
    return err;
}

void packets_clear(struct packets *p)
{
    for (size_t i = 0; i < p->count; i++)
        free(p->items[i].bytes.data);
    free(p->items);
    *p = (struct packets){0};
}

static int64_t to_us(int64_t ticks, AVRational tb)
{
    return ticks == AV_NOPTS_VALUE ? ticks : weir_rescale(ticks * tb.num, 1000000, tb.den);
}

void lavf_packets(const char *path, enum AVMediaType kind, bool stream_info, struct packets *out)
{
    AVFormatContext *ctx = NULL;
    assert_int_equal(avformat_open_input(&ctx, path, NULL, NULL), 0);
    if (stream_info)
        assert_true(avformat_find_stream_info(ctx, NULL) >= 0);
    AVPacket *pkt = av_packet_alloc();
    assert_non_null(pkt);
    int stream = -1;
    while (av_read_frame(ctx, pkt) >= 0) {
        AVRational tb = ctx->streams[pkt->stream_index]->time_base;
        if (stream < 0 && ctx->streams[pkt->stream_index]->codecpar->codec_type == kind)
            stream = pkt->stream_index;
        if (pkt->stream_index == stream) {
            pkt->pts = to_us(pkt->pts, tb);
            pkt->dts = to_us(pkt->dts, tb);
            (void)add_packet(out, pkt);
        }
        av_packet_unref(pkt);
    }
    av_packet_free(&pkt);
    avformat_close_input(&ctx);
}

void assert_same_packets(const struct packets *got, const struct packets *expect, const char *name)
{
    assert_true(expect->count > 0);
    for (size_t i = 0; i < got->count && i < expect->count; i++) {
        const struct packet *g = &got->items[i], *e = &expect->items[i];
        if (g->pts_us != e->pts_us || g->dts_us != e->dts_us)
            fail_msg("%s: packet %zu at pts %lld dts %lld, expected %lld, %lld", name, i,
                     (long long)g->pts_us, (long long)g->dts_us, (long long)e->pts_us,
                     (long long)e->dts_us);
        if (g->bytes.size != e->bytes.size ||
            memcmp(g->bytes.data, e->bytes.data, g->bytes.size) != 0)
            fail_msg("%s: the bytes of packet %zu differ (%zu, expected %zu)", name, i,
                     g->bytes.size, e->bytes.size);
        if ((g->flags ^ e->flags) & AV_PKT_FLAG_KEY)
            fail_msg("%s: packet %zu: key frame or not", name, i);
    }
    if (got->count != expect->count)
        fail_msg("%s: %zu packets, expected %zu", name, got->count, expect->count);
}

void assert_same_bytes(const struct bytes *got, const struct bytes *expect, const char *name)
{
    if (got->size != expect->size)
        fail_msg("%s: %zu bytes, expected %zu", name, got->size, expect->size);
    for (size_t i = 0; i < got->size; i++) {
        if (got->data[i] != expect->data[i])
            fail_msg("%s: byte %zu of %zu differs", name, i, got->size);
    }
}

// --- decoding ---

static uint8_t *grow(struct bytes *b, size_t more)
{
    if (more > 0) {
        b->data = realloc(b->data, b->size + more);
        assert_non_null(b->data);
    }
    uint8_t *at = b->data + b->size;
    b->size += more;
    return at;
}

static void add_picture(struct bytes *out, const AVFrame *f)
{
    int size = av_image_get_buffer_size(f->format, f->width, f->height, 1);
    assert_true(size > 0);
    uint8_t *at = grow(out, (size_t)size);
    assert_int_equal(av_image_copy_to_buffer(at, size, (const uint8_t *const *)f->data, f->linesize,
                                             f->format, f->width, f->height, 1),
                     size);
}

static void add_sound(struct bytes *out, const AVFrame *f)
{
    int channels = f->ch_layout.nb_channels;
    size_t sample = (size_t)av_get_bytes_per_sample(f->format);
    bool planar = av_sample_fmt_is_planar(f->format);
    uint8_t *at = grow(out, (size_t)f->nb_samples * (size_t)channels * sample);
    for (int i = 0; i < f->nb_samples; i++) {
        for (int c = 0; c < channels; c++, at += sample) {
            const uint8_t *from = planar ? f->extended_data[c] + (size_t)i * sample
                                         : f->data[0] + (size_t)(i * channels + c) * sample;
            memcpy(at, from, sample);
        }
    }
}

static void receive_all(AVCodecContext *ctx, AVFrame *f, struct bytes *out)
{
    while (avcodec_receive_frame(ctx, f) == 0) {
        if (ctx->codec_type == AVMEDIA_TYPE_VIDEO)
            add_picture(out, f);
        else
            add_sound(out, f);
        av_frame_unref(f);
    }
}

struct bytes decode(const AVCodecParameters *par, const struct packets *p)
{
    struct bytes out = {0};
    const AVCodec *codec = avcodec_find_decoder(par->codec_id);
    AVCodecContext *ctx = avcodec_alloc_context3(codec);
    AVFrame *f = av_frame_alloc();
    AVPacket *pkt = av_packet_alloc();
    assert_non_null(ctx);
    assert_non_null(f);
    assert_non_null(pkt);
    assert_true(avcodec_parameters_to_context(ctx, par) >= 0);
    ctx->pkt_timebase = (AVRational){1, 1000000};
    assert_int_equal(avcodec_open2(ctx, codec, NULL), 0);
    for (size_t i = 0; i < p->count; i++) {
        const struct packet *q = &p->items[i];
        pkt->data = q->bytes.data;
        pkt->size = (int)q->bytes.size;
        pkt->pts = q->pts_us;
        pkt->dts = q->dts_us;
        pkt->flags = q->flags;
        if (q->skips) {
            uint8_t *side = av_packet_new_side_data(pkt, AV_PKT_DATA_SKIP_SAMPLES, 10);
            assert_non_null(side);
            AV_WL32(side, q->skip_start);
            AV_WL32(side + 4, q->skip_end);
            AV_WL16(side + 8, 0);
        }
        (void)avcodec_send_packet(ctx, pkt);
        av_packet_unref(pkt);
        receive_all(ctx, f, &out);
    }
    (void)avcodec_send_packet(ctx, NULL);
    receive_all(ctx, f, &out);
    av_packet_free(&pkt);
    av_frame_free(&f);
    avcodec_free_context(&ctx);
    return out;
}

struct bytes ffmpeg_output(const char *arguments)
{
    char command[2048];
    (void)snprintf(command, sizeof(command), "ffmpeg -nostdin -v error %s -", arguments);
    FILE *f = popen(command, "r"); // NOLINT(cert-env33-c): a test's own command
    assert_non_null(f);
    struct bytes out = {0};
    for (;;) {
        uint8_t piece[65536];
        size_t n = fread(piece, 1, sizeof(piece), f);
        if (n == 0)
            break;
        memcpy(grow(&out, n), piece, n);
    }
    assert_int_equal(pclose(f), 0);
    return out;
}

// --- the writer ---

struct feeder {
    pthread_t thread;
    struct weir_segment *s;
    const uint8_t *data;
    size_t size, max_piece;
    uint32_t seed;
    enum weir_segment_state end;
};

static void *feed(void *arg)
{
    struct feeder *f = arg;
    size_t at = 0;
    while (at < f->size) {
        f->seed = f->seed * 1664525 + 1013904223;
        size_t n = 1 + (f->seed >> 8) % f->max_piece;
        n = n < f->size - at ? n : f->size - at;
        if (weir_segment_append(f->s, f->data + at, n))
            break;
        at += n;
    }
    weir_segment_finish(f->s, f->end);
    return NULL;
}

struct feeder *feeder_start(struct weir_segment *s, const uint8_t *data, size_t size, uint32_t seed,
                            size_t max_piece, enum weir_segment_state end)
{
    struct feeder *f = calloc(1, sizeof(*f));
    assert_non_null(f);
    *f = (struct feeder){
        .s = s, .data = data, .size = size, .seed = seed, .max_piece = max_piece, .end = end};
    assert_int_equal(pthread_create(&f->thread, NULL, feed, f), 0);
    return f;
}

void feeder_join(struct feeder **f)
{
    assert_int_equal(pthread_join((*f)->thread, NULL), 0);
    free(*f);
    *f = NULL;
}

// --- boxes ---

static size_t walk(const uint8_t *data, size_t from, size_t to, size_t *out, size_t count,
                   size_t room)
{
    static const char containers[] = "moov trak mdia minf stbl edts mvex moof traf dinf";
    while (from + 8 <= to && count < room) {
        size_t size = AV_RB32(data + from);
        out[count++] = from;
        if (size < 8 || size > to - from)
            break;
        char name[5] = {0};
        memcpy(name, data + from + 4, 4);
        if (strstr(containers, name))
            count = walk(data, from + 8, from + size, out, count, room);
        from += size;
    }
    return count;
}

size_t box_boundaries(const uint8_t *data, size_t size, size_t *out, size_t room)
{
    return walk(data, 0, size, out, 0, room);
}
