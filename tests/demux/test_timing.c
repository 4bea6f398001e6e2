// tests/demux/test_timing.c — where packets come to lie on the presentation timeline, and what a
// period's borders cut.
#include "tests/demux/support.h"

static const char *const rung0[] = {"dash/init-stream0.m4s", "dash/chunk-stream0-00001.m4s",
                                    "dash/chunk-stream0-00002.m4s", "dash/chunk-stream0-00003.m4s"};
static const char *const sound[] = {"dash/init-stream2.m4s", "dash/chunk-stream2-00001.m4s",
                                    "dash/chunk-stream2-00002.m4s", "dash/chunk-stream2-00003.m4s"};
static const char *const muxed[] = {"hls/init.mp4", "hls/seg0.m4s", "hls/seg1.m4s", "hls/seg2.m4s"};

// presentationTimeOffset and the period's start move every packet by the same amount, to the
// microsecond.
static void origin_and_offset_place_the_media(void **state)
{
    struct world *w = *state;
    static const struct {
        const char *name;
        int64_t origin_us, offset_ticks, offset_timescale, expect_first_us;
    } cases[] = {
        {"a period that starts later", 10000000, 0, 12800, 10000000},
        {"an offset in the media's own scale", 10000000, 12800, 12800, 9000000},
        {"an offset in another scale", 0, 1, 3, -333333},
        {"an offset in a scale that does not divide", 0, 90001, 90000, -1000011},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct weir_demux *d = demux_for(w, WEIR_DEMUX_VIDEO, false);
        struct weir_segment *init = segment_from(w, rung0[0]), *media = segment_from(w, rung0[1]);
        struct weir_media_unit u = exact_unit(init, media);
        u.origin_us = cases[i].origin_us;
        u.offset_ticks = cases[i].offset_ticks;
        u.offset_timescale = cases[i].offset_timescale;
        AVPacket *pkt = av_packet_alloc();
        assert_int_equal(weir_demux_begin(d, &u, NULL), 0);
        assert_int_equal(weir_demux_read(d, pkt, NULL), 0);
        if (pkt->pts != cases[i].expect_first_us)
            fail_msg("%s: %lld, expected %lld", cases[i].name, (long long)pkt->pts,
                     (long long)cases[i].expect_first_us);
        av_packet_free(&pkt);
        weir_segment_unref(&init);
        weir_segment_unref(&media);
        weir_demux_destroy(&d);
    }
}

// Without an exact rule, the video's first picture stands for the segment's start, and sound
// follows it.
static void hls_timing_is_pinned_by_the_video(void **state)
{
    struct world *w = *state;
    struct weir_timeline *timeline = w->timeline, *fresh = NULL;
    assert_int_equal(weir_timeline_create(true, &fresh), 0);
    w->timeline = fresh;
    struct weir_segment *init = segment_from(w, muxed[0]), *media = segment_from(w, muxed[1]);
    struct weir_media_unit u = exact_unit(init, media);
    u.timing_exact = false;
    u.start_us = 60000000;
    u.discontinuity_sequence = 7;
    struct weir_demux *v = demux_for(w, WEIR_DEMUX_VIDEO, true),
                      *a = demux_for(w, WEIR_DEMUX_AUDIO, true);
    AVPacket *pkt = av_packet_alloc();
    assert_int_equal(weir_demux_begin(v, &u, NULL), 0);
    assert_int_equal(weir_demux_read(v, pkt, NULL), 0);
    assert_int_equal(pkt->pts, 60000000);
    assert_int_equal(weir_demux_begin(a, &u, NULL), 0);
    assert_int_equal(weir_demux_read(a, pkt, NULL), 0);
    // 58 ms of empty edit against 80 ms: the encoder's priming comes before the picture.
    assert_int_equal(pkt->pts, 60000000 - 22000);
    av_packet_free(&pkt);
    weir_demux_destroy(&v);
    weir_demux_destroy(&a);
    weir_segment_unref(&init);
    weir_segment_unref(&media);
    w->timeline = timeline;
    weir_timeline_destroy(&fresh);
}

// A period's borders: pictures before it are decoded but not shown, those after it are not sent;
// sound is cut to the sample.
static void a_clip_cuts_pictures_and_samples(void **state)
{
    struct world *w = *state;
    struct weir_segment *init = segment_from(w, rung0[0]), *media = segment_from(w, rung0[1]);
    struct weir_media_unit u = exact_unit(init, media);
    u.clip_start_us = 500000;
    u.clip_end_us = 1500000;
    struct weir_demux *d = demux_for(w, WEIR_DEMUX_VIDEO, false);
    struct packets got = {0};
    assert_int_equal(weir_demux_begin(d, &u, NULL), 0);
    assert_int_equal(read_all(w, d, &got, NULL), WEIR_ERR_END);
    int shown = 0;
    for (size_t i = 0; i < got.count; i++) {
        const struct packet *p = &got.items[i];
        bool inside = p->pts_us + p->duration_us > 500000 && p->pts_us < 1500000;
        assert_int_equal(!(p->flags & AV_PKT_FLAG_DISCARD), inside);
        assert_true(p->dts_us < 1500000);
        shown += inside;
    }
    assert_int_equal(shown, 26); // frames 12 (which straddles 0.5 s) to 37
    packets_clear(&got);
    weir_demux_destroy(&d);
    weir_segment_unref(&init);
    weir_segment_unref(&media);

    init = segment_from(w, sound[0]);
    media = segment_from(w, sound[1]);
    u = exact_unit(init, media);
    u.clip_start_us = 500000;
    u.clip_end_us = 1500000;
    d = demux_for(w, WEIR_DEMUX_AUDIO, false);
    assert_int_equal(weir_demux_begin(d, &u, NULL), 0);
    assert_int_equal(read_all(w, d, &got, NULL), WEIR_ERR_END);
    struct bytes pcm = decode(weir_demux_format(d)->codecpar, &got);
    assert_int_equal(pcm.size / 8, 48000); // exactly one second of two channels
    drop(&pcm);
    packets_clear(&got);
    weir_demux_destroy(&d);
    weir_segment_unref(&init);
    weir_segment_unref(&media);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(origin_and_offset_place_the_media),
        cmocka_unit_test(hls_timing_is_pinned_by_the_video),
        cmocka_unit_test(a_clip_cuts_pictures_and_samples),
    };
    return cmocka_run_group_tests(tests, media_setup, media_teardown);
}
