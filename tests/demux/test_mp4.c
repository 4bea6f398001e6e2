// tests/demux/test_mp4.c — fragmented MP4: the same packets as libavformat reads, the same pictures
// and samples as the ffmpeg command decodes, whatever the pieces the bytes arrive in, and none of
// them copied.
#include "tests/demux/support.h"

#include <unistd.h>

static const char *const rung0[] = {"dash/init-stream0.m4s", "dash/chunk-stream0-00001.m4s",
                                    "dash/chunk-stream0-00002.m4s", "dash/chunk-stream0-00003.m4s"};
static const char *const rung1[] = {"dash/init-stream1.m4s", "dash/chunk-stream1-00001.m4s",
                                    "dash/chunk-stream1-00002.m4s", "dash/chunk-stream1-00003.m4s"};
static const char *const sound[] = {"dash/init-stream2.m4s", "dash/chunk-stream2-00001.m4s",
                                    "dash/chunk-stream2-00002.m4s", "dash/chunk-stream2-00003.m4s"};
static const char *const muxed[] = {"hls/init.mp4", "hls/seg0.m4s", "hls/seg1.m4s", "hls/seg2.m4s"};

static const struct {
    const char *name;
    const char *const *files; // init first
    enum weir_demux_want want;
} streams[] = {
    {"DASH video, low", rung0, WEIR_DEMUX_VIDEO},  {"DASH video, high", rung1, WEIR_DEMUX_VIDEO},
    {"DASH audio", sound, WEIR_DEMUX_AUDIO},       {"HLS muxed, video", muxed, WEIR_DEMUX_VIDEO},
    {"HLS muxed, audio", muxed, WEIR_DEMUX_AUDIO},
};
#define STREAMS (sizeof(streams) / sizeof(streams[0]))

// The four files as one, for libavformat and ffmpeg.
static const char *joined_path(const char *const files[4], size_t index)
{
    struct bytes parts[4];
    for (int i = 0; i < 4; i++)
        parts[i] = load(files[i]);
    struct bytes all = join(parts, 4);
    char name[64];
    (void)snprintf(name, sizeof(name), "joined%zu.%d.mp4", index, (int)getpid());
    const char *path = media_path(name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(all.data, 1, all.size, f), all.size);
    assert_int_equal(fclose(f), 0);
    for (int i = 0; i < 4; i++)
        drop(&parts[i]);
    drop(&all);
    return path;
}

static enum AVMediaType kind_of(enum weir_demux_want want)
{
    return want == WEIR_DEMUX_VIDEO ? AVMEDIA_TYPE_VIDEO : AVMEDIA_TYPE_AUDIO;
}

static void read_segments(struct world *w, struct weir_demux *d, const char *const files[4],
                          struct packets *out)
{
    struct weir_segment *init = segment_from(w, files[0]);
    for (int i = 1; i < 4; i++) {
        struct weir_segment *media = segment_from(w, files[i]);
        struct weir_media_unit u = exact_unit(init, media);
        struct weir_error error = {0};
        if (weir_demux_begin(d, &u, &error) || read_all(w, d, out, &error) != WEIR_ERR_END)
            fail_msg("%s: %s: %s (%s)", files[i], error.where, error.what, error.why);
        weir_segment_unref(&media);
    }
    weir_segment_unref(&init);
}

static void packets_equal_those_of_libavformat(void **state)
{
    struct world *w = *state;
    for (size_t i = 0; i < STREAMS; i++) {
        struct packets got = {0}, expect = {0};
        struct weir_demux *d = demux_for(w, streams[i].want, false);
        read_segments(w, d, streams[i].files, &got);
        const char *path = joined_path(streams[i].files, i);
        lavf_packets(path, kind_of(streams[i].want), false, &expect);
        assert_same_packets(&got, &expect, streams[i].name);
        assert_int_equal(weir_demux_format(d)->generation, 1);
        weir_demux_destroy(&d);
        packets_clear(&got);
        packets_clear(&expect);
        (void)remove(path);
    }
}

static void decoded_media_equal_those_of_ffmpeg(void **state)
{
    struct world *w = *state;
    for (size_t i = 0; i < STREAMS; i++) {
        struct packets got = {0};
        struct weir_demux *d = demux_for(w, streams[i].want, false);
        read_segments(w, d, streams[i].files, &got);
        const char *path = joined_path(streams[i].files, i);
        char arguments[1024];
        (void)snprintf(arguments, sizeof(arguments), "-i '%s' -map 0:%c:0 %s", path,
                       streams[i].want == WEIR_DEMUX_VIDEO ? 'v' : 'a',
                       streams[i].want == WEIR_DEMUX_VIDEO ? "-fps_mode passthrough -f rawvideo"
                                                           : "-f f32le");
        struct bytes expect = ffmpeg_output(arguments);
        struct bytes mine = decode(weir_demux_format(d)->codecpar, &got);
        assert_true(expect.size > 0);
        assert_same_bytes(&mine, &expect, streams[i].name);
        drop(&mine);
        drop(&expect);
        packets_clear(&got);
        weir_demux_destroy(&d);
        (void)remove(path);
    }
}

// Fragmented files that carry their own moov: other ways to say where the samples are.
static void self_initialising_files_read_like_libavformat(void **state)
{
    struct world *w = *state;
    static const struct {
        const char *file;
        enum weir_demux_want want;
    } cases[] = {
        {"whole/fragmented.mp4", WEIR_DEMUX_VIDEO},
        {"whole/fragmented.mp4", WEIR_DEMUX_AUDIO},
        {"whole/interleaved.mp4", WEIR_DEMUX_VIDEO},
        {"whole/interleaved.mp4", WEIR_DEMUX_AUDIO},
        {"whole/implicit_base.mp4", WEIR_DEMUX_VIDEO},
        {"whole/implicit_base.mp4", WEIR_DEMUX_AUDIO},
        {"whole/tiny.mp4", WEIR_DEMUX_VIDEO},
        {"whole/tiny.mp4", WEIR_DEMUX_AUDIO},
        {"codecs/hevc.mp4", WEIR_DEMUX_VIDEO},
        {"codecs/vp9.mp4", WEIR_DEMUX_VIDEO},
        {"codecs/libopus.mp4", WEIR_DEMUX_AUDIO},
        {"codecs/flac.mp4", WEIR_DEMUX_AUDIO},
        {"codecs/ac3.mp4", WEIR_DEMUX_AUDIO},
        {"codecs/eac3.mp4", WEIR_DEMUX_AUDIO},
        {"codecs/libmp3lame.mp4", WEIR_DEMUX_AUDIO},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct packets got = {0}, expect = {0};
        struct weir_demux *d = demux_for(w, cases[i].want, false);
        struct weir_segment *media = segment_from(w, cases[i].file);
        struct weir_media_unit u = exact_unit(NULL, media);
        struct weir_error error = {0};
        w->check_slots = true;
        if (weir_demux_begin(d, &u, &error) || read_all(w, d, &got, &error) != WEIR_ERR_END)
            fail_msg("%s: %s: %s (%s)", cases[i].file, error.where, error.what, error.why);
        w->check_slots = false;
        lavf_packets(media_path(cases[i].file), kind_of(cases[i].want), false, &expect);
        assert_same_packets(&got, &expect, cases[i].file);

        char arguments[1024];
        bool video = cases[i].want == WEIR_DEMUX_VIDEO;
        const AVCodecParameters *par = weir_demux_format(d)->codecpar;
        bool flac = par->codec_id == AV_CODEC_ID_FLAC;
        (void)snprintf(arguments, sizeof(arguments), "-i '%s' -map 0:%c:0 %s",
                       media_path(cases[i].file), video ? 'v' : 'a',
                       video  ? "-fps_mode passthrough -f rawvideo"
                       : flac ? "-f s32le"
                              : "-f f32le");
        struct bytes frames = ffmpeg_output(arguments), mine = decode(par, &got);
        assert_same_bytes(&mine, &frames, cases[i].file);
        drop(&frames);
        drop(&mine);
        packets_clear(&got);
        packets_clear(&expect);
        weir_demux_destroy(&d);
        weir_segment_unref(&media);
    }
    assert_int_equal(w->refused_packets, 0);
}

// Composition offsets below zero: what is shown when must agree; libavformat shifts decode times,
// we do not.
static void negative_composition_offsets_give_the_same_presentation_times(void **state)
{
    struct world *w = *state;
    struct packets got = {0}, expect = {0};
    struct weir_demux *d = demux_for(w, WEIR_DEMUX_VIDEO, false);
    struct weir_segment *media = segment_from(w, "whole/negative_cts.mp4");
    struct weir_media_unit u = exact_unit(NULL, media);
    assert_int_equal(weir_demux_begin(d, &u, NULL), 0);
    assert_int_equal(read_all(w, d, &got, NULL), WEIR_ERR_END);
    lavf_packets(media_path("whole/negative_cts.mp4"), AVMEDIA_TYPE_VIDEO, false, &expect);
    assert_int_equal(got.count, expect.count);
    for (size_t i = 0; i < got.count; i++)
        assert_int_equal(got.items[i].pts_us, expect.items[i].pts_us - expect.items[0].pts_us);
    packets_clear(&got);
    packets_clear(&expect);
    weir_demux_destroy(&d);
    weir_segment_unref(&media);
}

static void nothing_is_copied_and_every_packet_lies_in_a_slot(void **state)
{
    struct world *w = *state;
    atomic_store(&w->copies.demux_bytes, 0);
    w->check_slots = true;
    w->refused_packets = 0;
    for (size_t i = 0; i < STREAMS; i++) {
        struct packets got = {0};
        struct weir_demux *d = demux_for(w, streams[i].want, false);
        read_segments(w, d, streams[i].files, &got);
        weir_demux_destroy(&d);
        packets_clear(&got);
    }
    w->check_slots = false;
    assert_int_equal(w->refused_packets, 0);
    assert_int_equal(atomic_load(&w->copies.demux_bytes), 0);
}

// The slot goes back when the last packet does, not before.
static void a_packet_keeps_its_segment_alive(void **state)
{
    struct world *w = *state;
    struct weir_slots *slots = weir_segment_pool_slots(w->pool);
    int64_t before = weir_slots_stats(slots).in_use;
    struct weir_demux *d = demux_for(w, WEIR_DEMUX_VIDEO, false);
    struct weir_segment *init = segment_from(w, rung0[0]), *media = segment_from(w, rung0[1]);
    struct weir_media_unit u = exact_unit(init, media);
    AVPacket *pkt = av_packet_alloc();
    assert_int_equal(weir_demux_begin(d, &u, NULL), 0);
    assert_int_equal(weir_demux_read(d, pkt, NULL), 0);
    weir_segment_unref(&media);
    weir_segment_unref(&init);
    weir_demux_destroy(&d);
    assert_int_equal(weir_slots_stats(slots).in_use, before + 1);
    av_packet_free(&pkt);
    assert_int_equal(weir_slots_stats(slots).in_use, before);
}

static void bytes_in_any_pieces_give_the_same_packets(void **state)
{
    struct world *w = *state;
    static const size_t pieces[] = {1, 7, 200, 5000};
    for (size_t i = 0; i < STREAMS; i++) {
        struct packets expect = {0};
        struct weir_demux *whole = demux_for(w, streams[i].want, false);
        read_segments(w, whole, streams[i].files, &expect);
        weir_demux_destroy(&whole);
        struct bytes init_bytes = load(streams[i].files[0]),
                     media_bytes = load(streams[i].files[1]);
        for (size_t k = 0; k < sizeof(pieces) / sizeof(pieces[0]); k++) {
            struct packets got = {0};
            struct weir_demux *d = demux_for(w, streams[i].want, true);
            struct weir_segment *init = segment_of(w, NULL, 0, WEIR_SEGMENT_OPEN);
            struct weir_segment *media = segment_of(w, NULL, 0, WEIR_SEGMENT_OPEN);
            weir_segment_watch(init, 0, &w->wake);
            weir_segment_watch(media, 0, &w->wake);
            struct feeder *a = feeder_start(init, init_bytes.data, init_bytes.size, 5, pieces[k],
                                            WEIR_SEGMENT_COMPLETE);
            struct feeder *b = feeder_start(media, media_bytes.data, media_bytes.size,
                                            (uint32_t)(i + k), pieces[k], WEIR_SEGMENT_COMPLETE);
            struct weir_media_unit u = exact_unit(init, media);
            assert_int_equal(weir_demux_begin(d, &u, NULL), 0);
            assert_int_equal(read_all(w, d, &got, NULL), WEIR_ERR_END);
            feeder_join(&a);
            feeder_join(&b);
            assert_true(got.count > 0);
            assert_true(got.count < expect.count);
            struct packets head = {.items = expect.items, .count = got.count};
            assert_same_packets(&got, &head, streams[i].name);
            packets_clear(&got);
            weir_demux_destroy(&d);
            weir_segment_unref(&init);
            weir_segment_unref(&media);
        }
        packets_clear(&expect);
        drop(&init_bytes);
        drop(&media_bytes);
    }
}

// A sample comes out once 64 bytes behind it are there, long before the segment is complete.
static void samples_come_out_while_the_segment_arrives(void **state)
{
    struct world *w = *state;
    struct weir_demux *d = demux_for(w, WEIR_DEMUX_VIDEO, false);
    struct weir_segment *init = segment_from(w, rung0[0]);
    struct bytes b = load(rung0[1]);
    struct weir_segment *media = segment_of(w, NULL, 0, WEIR_SEGMENT_OPEN);
    struct weir_media_unit u = exact_unit(init, media);
    AVPacket *pkt = av_packet_alloc();
    size_t sent = 0, half = b.size / 2;
    int packets = 0;
    int err = weir_demux_begin(d, &u, NULL);
    while (sent < half) {
        if (err == WEIR_ERR_AGAIN) {
            assert_int_equal(weir_segment_append(media, b.data + sent, 1), 0);
            sent++;
        }
        if (!weir_demux_format(d)) {
            err = weir_demux_begin(d, &u, NULL); // nobody waits here: begin again
            continue;
        }
        err = weir_demux_read(d, pkt, NULL);
        if (err)
            continue;
        size_t end = (size_t)pkt->pos + (size_t)pkt->size;
        assert_true(sent >= end + WEIR_SEGMENT_PADDING_BYTES);
        if (packets > 0) // handed on at the first byte that allows it
            assert_int_equal(sent, end + WEIR_SEGMENT_PADDING_BYTES);
        packets++;
    }
    assert_true(packets > 5);
    av_packet_free(&pkt);
    weir_segment_finish(media, WEIR_SEGMENT_FAILED);
    weir_demux_destroy(&d);
    weir_segment_unref(&init);
    weir_segment_unref(&media);
    drop(&b);
}

// Rungs of one codec: the decoder stays, its parameter sets travel with the first packet.
static void a_rung_switch_sends_new_extradata_and_keeps_the_decoder(void **state)
{
    struct world *w = *state;
    const char *const *files[] = {rung0, rung1, rung1, rung0};
    struct weir_demux *d = demux_for(w, WEIR_DEMUX_VIDEO, false);
    struct weir_segment *inits[2] = {segment_from(w, rung0[0]), segment_from(w, rung1[0])};
    struct packets got = {0};
    size_t starts[3];
    for (int i = 0; i < 3; i++) {
        struct weir_segment *media = segment_from(w, files[i][i + 1]);
        struct weir_media_unit u = exact_unit(inits[files[i] == rung1], media);
        starts[i] = got.count;
        assert_int_equal(weir_demux_begin(d, &u, NULL), 0);
        assert_int_equal(read_all(w, d, &got, NULL), WEIR_ERR_END);
        assert_int_equal(weir_demux_format(d)->generation, 1);
        weir_segment_unref(&media);
    }
    for (size_t i = 0; i < got.count; i++)
        assert_int_equal(got.items[i].new_extradata, i == starts[1]);
    for (size_t i = 1; i < got.count; i++) // timestamps continue
        assert_int_equal(got.items[i].dts_us - got.items[i - 1].dts_us, 40000);
    packets_clear(&got);
    weir_segment_unref(&inits[0]);
    weir_segment_unref(&inits[1]);
    weir_demux_destroy(&d);
}

static void a_missing_track_is_the_end_and_a_gap_is_empty(void **state)
{
    struct world *w = *state;
    struct weir_error error = {0};
    struct weir_segment *init = segment_from(w, sound[0]), *media = segment_from(w, sound[1]);
    struct weir_media_unit u = exact_unit(init, media);
    struct weir_demux *d = demux_for(w, WEIR_DEMUX_VIDEO, false);
    assert_int_equal(weir_demux_begin(d, &u, &error), WEIR_ERR_END);
    u.gap = true;
    struct packets got = {0};
    assert_int_equal(weir_demux_begin(d, &u, &error), 0);
    assert_int_equal(read_all(w, d, &got, &error), WEIR_ERR_END);
    assert_int_equal(got.count, 0);
    weir_demux_destroy(&d);
    weir_segment_unref(&init);
    weir_segment_unref(&media);
}

static void waiting_can_be_given_up(void **state)
{
    struct world *w = *state;
    struct weir_segment *init = segment_from(w, rung0[0]);
    struct weir_segment *media = segment_of(w, NULL, 0, WEIR_SEGMENT_OPEN);
    struct weir_media_unit u = exact_unit(init, media);
    struct weir_demux *d = demux_for(w, WEIR_DEMUX_VIDEO, true);
    w->cancel = true;
    assert_int_equal(weir_demux_begin(d, &u, NULL), WEIR_ERR_CANCELLED);
    w->cancel = false;
    weir_demux_destroy(&d);
    weir_segment_unref(&init);
    weir_segment_finish(media, WEIR_SEGMENT_FAILED);
    weir_segment_unref(&media);
}

static void a_fragmented_file_can_be_sought_in(void **state)
{
    struct world *w = *state;
    struct weir_segment *media = segment_from(w, "whole/fragmented.mp4");
    struct weir_media_unit u = exact_unit(NULL, media);
    struct weir_demux *d = demux_for(w, WEIR_DEMUX_VIDEO, false);
    AVPacket *pkt = av_packet_alloc();
    assert_int_equal(weir_demux_begin(d, &u, NULL), 0);
    static const struct {
        int64_t to_us, expect_us;
    } cases[] = {{2500000, 2000000},  {0, 0}, {4000000, 3000000}, {4080000, 4000000},
                 {99000000, 5000000}, {-5, 0}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(weir_demux_seek(d, cases[i].to_us), 0);
        assert_int_equal(weir_demux_read(d, pkt, NULL), 0);
        assert_true(pkt->flags & AV_PKT_FLAG_KEY);
        assert_int_equal(pkt->pts, cases[i].expect_us + 80000);
    }
    av_packet_free(&pkt);
    weir_demux_destroy(&d);
    weir_segment_unref(&media);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packets_equal_those_of_libavformat),
        cmocka_unit_test(decoded_media_equal_those_of_ffmpeg),
        cmocka_unit_test(self_initialising_files_read_like_libavformat),
        cmocka_unit_test(negative_composition_offsets_give_the_same_presentation_times),
        cmocka_unit_test(nothing_is_copied_and_every_packet_lies_in_a_slot),
        cmocka_unit_test(a_packet_keeps_its_segment_alive),
        cmocka_unit_test(bytes_in_any_pieces_give_the_same_packets),
        cmocka_unit_test(samples_come_out_while_the_segment_arrives),
        cmocka_unit_test(a_rung_switch_sends_new_extradata_and_keeps_the_decoder),
        cmocka_unit_test(a_missing_track_is_the_end_and_a_gap_is_empty),
        cmocka_unit_test(waiting_can_be_given_up),
        cmocka_unit_test(a_fragmented_file_can_be_sought_in),
    };
    return cmocka_run_group_tests(tests, media_setup, media_teardown);
}
