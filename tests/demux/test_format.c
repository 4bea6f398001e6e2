// tests/demux/test_format.c — what decoders are told: the parameters equal those that libavformat's
// own demuxer finds.
#include "tests/demux/support.h"

#include <math.h>

#include "demux/mp4_asc.h"
#include "demux/playable.h"

static AVFormatContext *opened(const char *file, enum AVMediaType kind, const AVStream **st)
{
    AVFormatContext *ctx = NULL;
    assert_int_equal(avformat_open_input(&ctx, media_path(file), NULL, NULL), 0);
    *st = NULL;
    for (unsigned i = 0; i < ctx->nb_streams && !*st; i++) {
        if (ctx->streams[i]->codecpar->codec_type == kind)
            *st = ctx->streams[i];
    }
    assert_non_null(*st);
    return ctx;
}

static void parameters_equal_those_of_libavformat(void **state)
{
    struct world *w = *state;
    static const struct {
        const char *file;
        enum weir_demux_want want;
    } cases[] = {
        {"whole/fragmented.mp4", WEIR_DEMUX_VIDEO},  {"whole/fragmented.mp4", WEIR_DEMUX_AUDIO},
        {"codecs/hevc.mp4", WEIR_DEMUX_VIDEO},       {"codecs/vp9.mp4", WEIR_DEMUX_VIDEO},
        {"codecs/libopus.mp4", WEIR_DEMUX_AUDIO},    {"codecs/flac.mp4", WEIR_DEMUX_AUDIO},
        {"codecs/ac3.mp4", WEIR_DEMUX_AUDIO},        {"codecs/eac3.mp4", WEIR_DEMUX_AUDIO},
        {"codecs/libmp3lame.mp4", WEIR_DEMUX_AUDIO}, {"codecs/anamorphic.mp4", WEIR_DEMUX_VIDEO},
        {"codecs/av1.mp4", WEIR_DEMUX_VIDEO},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        bool video = cases[i].want == WEIR_DEMUX_VIDEO;
        const AVStream *st;
        AVFormatContext *ctx =
            opened(cases[i].file, video ? AVMEDIA_TYPE_VIDEO : AVMEDIA_TYPE_AUDIO, &st);
        const AVCodecParameters *e = st->codecpar;
        struct weir_segment *media = segment_from(w, cases[i].file);
        struct weir_media_unit u = exact_unit(NULL, media);
        struct weir_demux *d = demux_for(w, cases[i].want, false);
        assert_int_equal(weir_demux_begin(d, &u, NULL), 0);
        const struct weir_stream_format *f = weir_demux_format(d);
        const AVCodecParameters *g = f->codecpar;
        bool same = g->codec_id == e->codec_id && g->codec_tag == e->codec_tag &&
                    g->width == e->width && g->height == e->height &&
                    g->sample_rate == e->sample_rate &&
                    g->ch_layout.nb_channels == e->ch_layout.nb_channels &&
                    g->extradata_size == e->extradata_size &&
                    (g->extradata_size == 0 ||
                     memcmp(g->extradata, e->extradata, (size_t)g->extradata_size) == 0);
        if (!same)
            fail_msg("%s: %s %dx%d %d Hz %d channels, %d bytes of extradata; expected %s %dx%d %d "
                     "Hz %d, %d",
                     cases[i].file, avcodec_get_name(g->codec_id), g->width, g->height,
                     g->sample_rate, g->ch_layout.nb_channels, g->extradata_size,
                     avcodec_get_name(e->codec_id), e->width, e->height, e->sample_rate,
                     e->ch_layout.nb_channels, e->extradata_size);
        if (video && st->sample_aspect_ratio.num)
            assert_int_equal(av_cmp_q(g->sample_aspect_ratio, st->sample_aspect_ratio), 0);
        assert_null(f->encryption);
        weir_demux_destroy(&d);
        weir_segment_unref(&media);
        avformat_close_input(&ctx);
    }
}

static void reordering_is_known_before_decoding(void **state)
{
    struct world *w = *state;
    struct weir_segment *media = segment_from(w, "whole/fragmented.mp4");
    struct weir_media_unit u = exact_unit(NULL, media);
    struct weir_demux *d = demux_for(w, WEIR_DEMUX_VIDEO, false);
    assert_int_equal(weir_demux_begin(d, &u, NULL), 0);
    AVFormatContext *ctx = NULL;
    assert_int_equal(avformat_open_input(&ctx, media_path("whole/fragmented.mp4"), NULL, NULL), 0);
    assert_true(avformat_find_stream_info(ctx, NULL) >= 0);
    // The parameter sets may allow more than the stream does; more than they allow would only
    // delay.
    int delay = weir_demux_format(d)->codecpar->video_delay;
    assert_true(delay > 0);
    assert_true(delay <= ctx->streams[0]->codecpar->video_delay);
    avformat_close_input(&ctx);
    weir_demux_destroy(&d);
    weir_segment_unref(&media);
}

static void rotation_and_encryption_are_told(void **state)
{
    struct world *w = *state;
    static const struct {
        const char *file, *encryption;
        int rotation;
    } cases[] = {
        {"codecs/rotated90.mp4", NULL, 90},   {"codecs/rotated180.mp4", NULL, 180},
        {"codecs/rotated270.mp4", NULL, 270}, {"codecs/rotated90_plain.mp4", NULL, 90},
        {"codecs/encrypted.mp4", "cenc", 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct weir_segment *media = segment_from(w, cases[i].file);
        struct weir_media_unit u = exact_unit(NULL, media);
        struct weir_demux *d = demux_for(w, WEIR_DEMUX_VIDEO, false);
        struct packets got = {0};
        assert_int_equal(weir_demux_begin(d, &u, NULL), 0);
        const struct weir_stream_format *f = weir_demux_format(d);
        if (f->rotation != cases[i].rotation)
            fail_msg("%s: rotation %d, expected %d", cases[i].file, f->rotation, cases[i].rotation);
        assert_int_equal(f->codecpar->codec_id, AV_CODEC_ID_H264);
        assert_true(cases[i].encryption
                        ? f->encryption && strcmp(f->encryption, cases[i].encryption) == 0
                        : !f->encryption);
        assert_int_equal(read_all(w, d, &got, NULL), WEIR_ERR_END);
        assert_int_equal(got.count, 10);
        packets_clear(&got);
        weir_demux_destroy(&d);
        weir_segment_unref(&media);
    }
}

// A clear and a protected rendition need different handling, though the codec is one.
static void another_codec_or_protection_is_another_generation(void **state)
{
    struct world *w = *state;
    static const struct {
        const char *file;
        uint32_t generation;
    } steps[] = {
        {"codecs/rotated90.mp4", 1}, {"whole/fragmented.mp4", 1}, {"codecs/encrypted.mp4", 2},
        {"whole/fragmented.mp4", 3}, {"codecs/hevc.mp4", 4},      {"codecs/vp9.mp4", 5},
        {"codecs/vp9.mp4", 5},       {"ts/seg0.ts", 6},           {"ts/seg1.ts", 6},
    };
    struct weir_demux *d = demux_for(w, WEIR_DEMUX_VIDEO, false);
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        struct weir_segment *media = segment_from(w, steps[i].file);
        struct weir_media_unit u = exact_unit(NULL, media);
        assert_int_equal(weir_demux_begin(d, &u, NULL), 0);
        if (weir_demux_format(d)->generation != steps[i].generation)
            fail_msg("step %zu, %s: generation %u", i, steps[i].file,
                     weir_demux_format(d)->generation);
        weir_segment_unref(&media);
    }
    weir_demux_destroy(&d);
}

// A mapped file is read where it lies, without a slot.
static void released(void *ctx)
{
    ++*(int *)ctx;
}

static void a_wrapped_file_is_read_in_place(void **state)
{
    struct world *w = *state;
    struct bytes b = load("whole/fragmented.mp4");
    uint8_t *padded = calloc(1, b.size + WEIR_SEGMENT_PADDING_BYTES);
    assert_non_null(padded);
    memcpy(padded, b.data, b.size);
    int releases = 0;
    struct weir_segment *media = weir_segment_wrap(w->pool, padded, b.size, released, &releases);
    assert_non_null(media);
    struct weir_media_unit u = exact_unit(NULL, media);
    struct weir_demux *d = demux_for(w, WEIR_DEMUX_VIDEO, false);
    AVPacket *pkt = av_packet_alloc();
    assert_int_equal(weir_demux_begin(d, &u, NULL), 0);
    assert_int_equal(weir_demux_read(d, pkt, NULL), 0);
    assert_true(pkt->data > padded && pkt->data < padded + b.size);
    weir_segment_unref(&media);
    weir_demux_destroy(&d);
    assert_int_equal(releases, 0);
    av_packet_free(&pkt);
    assert_int_equal(releases, 1);
    free(padded);
    drop(&b);
}

static void the_sound_configuration_tells_the_rate(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint8_t asc[8];
        size_t size;
        int rate, channels, frame;
    } cases[] = {
        {"AAC-LC 48 kHz stereo", {0x11, 0x90}, 2, 48000, 2, 1024},
        {"AAC-LC 44.1 kHz mono", {0x12, 0x08}, 2, 44100, 1, 1024},
        {"HE-AAC, explicit", {0x2b, 0x11, 0x88, 0x00}, 4, 48000, 2, 2048},
        {"HE-AAC, backward compatible", {0x13, 0x10, 0x56, 0xe5, 0x98}, 5, 48000, 2, 2048},
        {"cut off", {0x11}, 1, 0, 0, 0},
        {"nothing", {0}, 0, 0, 0, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        AVCodecParameters *par = avcodec_parameters_alloc();
        weir_mp4_asc_apply(cases[i].asc, cases[i].size, par);
        if (par->sample_rate != cases[i].rate || par->ch_layout.nb_channels != cases[i].channels ||
            par->frame_size != cases[i].frame)
            fail_msg("%s: %d Hz, %d channels, %d samples", cases[i].name, par->sample_rate,
                     par->ch_layout.nb_channels, par->frame_size);
        avcodec_parameters_free(&par);
    }
}

// Scripts that name other files are not media, however they come in.
static void a_script_opens_nothing(void **state)
{
    struct world *w = *state;
    static const char *const scripts[] = {
        "ffconcat version 1.0\nfile plain.mp4\n",
        "ffconcat version 1.0\nfile /etc/hostname\n",
        "[playlist]\nFile1=http://127.0.0.1:1/x.mp4\n",
        "RTSPtext rtsp://127.0.0.1:1/\n",
        "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\nm=video 5004 RTP/AVP 96\r\n",
    };
    for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
        struct weir_segment *media =
            segment_of(w, (const uint8_t *)scripts[i], strlen(scripts[i]), WEIR_SEGMENT_COMPLETE);
        struct weir_media_unit u = exact_unit(NULL, media);
        struct weir_demux *d = demux_for(w, WEIR_DEMUX_VIDEO, false);
        struct weir_error error = {0};
        int err = weir_demux_begin(d, &u, &error);
        if (err != WEIR_ERR_UNSUPPORTED && err != WEIR_ERR_SYNTAX)
            fail_msg("script %zu: %d", i, err);
        weir_demux_destroy(&d);
        weir_segment_unref(&media);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parameters_equal_those_of_libavformat),
        cmocka_unit_test(reordering_is_known_before_decoding),
        cmocka_unit_test(rotation_and_encryption_are_told),
        cmocka_unit_test(another_codec_or_protection_is_another_generation),
        cmocka_unit_test(a_wrapped_file_is_read_in_place),
        cmocka_unit_test(the_sound_configuration_tells_the_rate),
        cmocka_unit_test(a_script_opens_nothing),
    };
    return cmocka_run_group_tests(tests, media_setup, media_teardown);
}
