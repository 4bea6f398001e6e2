// tests/player/test_frame_store.c — frame slots as libavcodec asks for them.
#include "player/frame_store.h"

#include <libavutil/hwcontext.h>

#include "tests/player/player_test.h"

#define SLOTS 6

struct rig {
    struct weir_budget budget;
    struct weir_frame_store *store;
    AVCodecContext *ctx;
};

static void open_rig(struct rig *r, size_t frame_bytes, int64_t limit_bytes)
{
    weir_budget_init(&r->budget, limit_bytes);
    struct weir_frame_store_params p = {
        .frame_bytes = frame_bytes, .count = SLOTS, .budget = &r->budget};
    assert_int_equal(weir_frame_store_create(&p, &r->store), 0);
    const AVCodec *codec = avcodec_find_decoder(AV_CODEC_ID_H264);
    r->ctx = avcodec_alloc_context3(codec);
    assert_non_null(r->ctx);
    assert_int_equal(avcodec_open2(r->ctx, codec, NULL), 0);
    r->ctx->opaque = r->store;
}

static void close_rig(struct rig *r)
{
    avcodec_free_context(&r->ctx);
    weir_frame_store_destroy(&r->store);
    assert_int_equal(r->budget.held_bytes, 0);
    weir_budget_clear(&r->budget);
}

static int get(struct rig *r, int width, int height, enum AVPixelFormat format, AVFrame **out)
{
    r->ctx->width = r->ctx->coded_width = width;
    r->ctx->height = r->ctx->coded_height = height;
    r->ctx->pix_fmt = format;
    *out = av_frame_alloc();
    assert_non_null(*out);
    (*out)->width = width;
    (*out)->height = height;
    (*out)->format = format;
    return weir_frame_store_get_buffer(r->ctx, *out, 0);
}

// Writes every byte of the picture, so that a slot too small is found by the tools.
static void assert_stored(struct rig *r, AVFrame *f)
{
    const AVFrame *frame = f;
    for (int i = 0; i < 3; i++) {
        int rows = i ? (frame->height + 1) / 2 : frame->height;
        assert_int_equal((uintptr_t)frame->data[i] % 64, 0);
        assert_int_equal(frame->linesize[i] % 64, 0);
        assert_true(weir_frame_store_contains(r->store, frame->data[i],
                                              (size_t)frame->linesize[i] * (size_t)rows));
        memset(f->data[i], 0x5A, (size_t)frame->linesize[i] * (size_t)rows);
    }
}

static void pictures_lie_in_slots(void **state)
{
    struct rig r;
    AVFrame *f;
    (void)state;
    open_rig(&r, 0, 0);
    assert_int_equal(get(&r, 480, 270, AV_PIX_FMT_YUV420P, &f), 0);
    assert_stored(&r, f);
    int on_the_stack = 0;
    assert_false(weir_frame_store_contains(r.store, &on_the_stack, sizeof(on_the_stack)));
    av_frame_free(&f);
    struct weir_frame_store_stats s = weir_frame_store_stats(r.store);
    assert_int_equal(s.hits, 1);
    assert_int_equal(s.misses + s.foreign, 0);
    close_rig(&r);
}

static void the_size_foreseen_is_enough(void **state)
{
    static const int sizes[][2] = {{160, 90}, {1920, 1080}, {1366, 768}, {427, 241}, {3840, 2160}};
    static const enum AVPixelFormat formats[] = {AV_PIX_FMT_YUV420P, AV_PIX_FMT_YUV420P10,
                                                 AV_PIX_FMT_YUV444P};
    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        for (size_t k = 0; k < sizeof(formats) / sizeof(formats[0]); k++) {
            struct rig r;
            AVFrame *f;
            open_rig(&r, 0, 0);
            assert_int_equal(get(&r, sizes[i][0], sizes[i][1], formats[k], &f), 0);
            size_t foreseen = weir_frame_store_picture_bytes(sizes[i][0], sizes[i][1], formats[k]);
            assert_true(f->buf[0]->size <= foreseen);
            assert_true(f->buf[0]->size * 2 > foreseen || foreseen < 200000);
            av_frame_free(&f);
            close_rig(&r);
        }
    }
}

static void sizes_that_make_no_sense_have_none(void **state)
{
    (void)state;
    assert_int_equal(weir_frame_store_picture_bytes(0, 90, AV_PIX_FMT_YUV420P), 0);
    assert_int_equal(weir_frame_store_picture_bytes(160, -1, AV_PIX_FMT_YUV420P), 0);
    assert_int_equal(weir_frame_store_picture_bytes(1 << 20, 16, AV_PIX_FMT_YUV420P), 0);
    assert_int_equal(weir_frame_store_picture_bytes(160, 90, AV_PIX_FMT_NONE), 0);
    assert_int_equal(weir_frame_store_picture_bytes(160, 90, AV_PIX_FMT_VAAPI), 0);
}

// A ladder climbed rung by rung, each larger than all before it, all still held by somebody.
static void any_number_of_sizes_is_served(void **state)
{
    AVFrame *held[40];
    struct rig r;
    (void)state;
    open_rig(&r, 0, 0);
    for (int i = 0; i < 40; i++) {
        assert_int_equal(get(&r, 64 + 96 * i, 48 + 54 * i, AV_PIX_FMT_YUV420P, &held[i]), 0);
        assert_stored(&r, held[i]);
        if (i >= 2)
            av_frame_free(&held[i - 2]);
    }
    av_frame_free(&held[38]);
    av_frame_free(&held[39]);
    assert_int_equal(weir_frame_store_stats(r.store).foreign, 0);
    close_rig(&r);
}

static void slots_of_the_largest_rung_serve_all(void **state)
{
    struct rig r;
    AVFrame *f;
    (void)state;
    open_rig(&r, 0, 0);
    weir_frame_store_expect(r.store, weir_frame_store_picture_bytes(640, 360, AV_PIX_FMT_YUV420P));
    assert_int_equal(get(&r, 640, 360, AV_PIX_FMT_YUV420P, &f), 0);
    int64_t held = r.budget.held_bytes;
    av_frame_free(&f);
    for (int i = 0; i < 20; i++) { // down the ladder, and up again: no page more
        assert_int_equal(get(&r, i % 2 ? 640 : 160, i % 2 ? 360 : 90, AV_PIX_FMT_YUV420P, &f), 0);
        assert_stored(&r, f);
        av_frame_free(&f);
    }
    assert_int_equal(r.budget.held_bytes, held);
    assert_int_equal(weir_frame_store_stats(r.store).hits, 21);
    close_rig(&r);
}

static void slots_run_out_and_come_back(void **state)
{
    AVFrame *held[SLOTS + 8 + 1], *refused;
    struct rig r;
    (void)state;
    open_rig(&r, 0, 0);
    for (int i = 0; i < SLOTS + 8; i++)
        assert_int_equal(get(&r, 160, 90, AV_PIX_FMT_YUV420P, &held[i]), 0);
    assert_int_equal(weir_frame_store_stats(r.store).misses, 8); // the spare ones are told
    assert_int_equal(get(&r, 160, 90, AV_PIX_FMT_YUV420P, &refused), AVERROR(ENOMEM));
    av_frame_free(&refused);
    av_frame_free(&held[3]);
    assert_int_equal(get(&r, 160, 90, AV_PIX_FMT_YUV420P, &held[3]), 0);
    for (int i = 0; i < SLOTS + 8; i++)
        av_frame_free(&held[i]);
    close_rig(&r);
}

static void the_memory_limit_holds(void **state)
{
    struct rig r;
    AVFrame *first, *second;
    int64_t one = (int64_t)weir_frame_store_picture_bytes(640, 360, AV_PIX_FMT_YUV420P);
    (void)state;
    open_rig(&r, 0, one + one / 2);
    assert_int_equal(get(&r, 640, 360, AV_PIX_FMT_YUV420P, &first), 0);
    assert_int_equal(get(&r, 640, 360, AV_PIX_FMT_YUV420P, &second), AVERROR(ENOMEM));
    av_frame_free(&second);
    av_frame_free(&first);
    assert_int_equal(get(&r, 640, 360, AV_PIX_FMT_YUV420P, &first), 0);
    assert_true(r.budget.high_water_bytes <= one + one / 2);
    av_frame_free(&first);
    close_rig(&r);
}

static void what_slots_cannot_hold_is_told(void **state)
{
    struct rig r;
    AVFrame *f;
    (void)state;
    open_rig(&r, 0, 0);
    assert_int_equal(get(&r, 160, 90, AV_PIX_FMT_PAL8, &f), 0);
    assert_false(weir_frame_store_contains(r.store, f->data[0], 1));
    assert_int_equal(weir_frame_store_stats(r.store).hits, 0);
    weir_frame_store_note_foreign(r.store); // as weir_decoder_receive() does with such a picture
    assert_int_equal(weir_frame_store_stats(r.store).foreign, 1);
    av_frame_free(&f);
    close_rig(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures_lie_in_slots),
        cmocka_unit_test(the_size_foreseen_is_enough),
        cmocka_unit_test(sizes_that_make_no_sense_have_none),
        cmocka_unit_test(any_number_of_sizes_is_served),
        cmocka_unit_test(slots_of_the_largest_rung_serve_all),
        cmocka_unit_test(slots_run_out_and_come_back),
        cmocka_unit_test(the_memory_limit_holds),
        cmocka_unit_test(what_slots_cannot_hold_is_told),
    };
    return cmocka_run_group_tests_name("frame_store", tests, NULL, NULL);
}
