// tests/demux/test_playable.c — the playable scan and the shared timeline.
#include "tests/demux/support.h"

#include "demux/playable.h"

// Feed byte by byte: the answer only rises, never claims a packet that the demuxer would not give
// out yet, and is not far behind what it gives.
static void check_rise(struct world *w, const char *init_name, const char *name,
                       enum weir_demux_want want, int64_t slack_us)
{
    struct bytes b = load(name);
    struct weir_segment *init = init_name ? segment_from(w, init_name) : NULL;
    struct weir_segment *whole = segment_of(w, b.data, b.size, WEIR_SEGMENT_COMPLETE);
    struct weir_segment *media = segment_of(w, NULL, 0, WEIR_SEGMENT_OPEN);
    struct weir_media_unit u = exact_unit(init, whole);
    struct packets all = {0};
    struct weir_demux *d = demux_for(w, want, false);
    assert_int_equal(weir_demux_begin(d, &u, NULL), 0);
    assert_int_equal(read_all(w, d, &all, NULL), WEIR_ERR_END);
    weir_demux_destroy(&d);

    struct weir_playable *p = NULL;
    assert_int_equal(weir_playable_create(&p), 0);
    u.media = media;
    u.start_us = 0;
    u.duration_us = 2000000;
    weir_playable_begin(p, &u, want);
    int64_t before = WEIR_TIME_NONE, first = WEIR_TIME_NONE;
    for (size_t sent = 0; sent < b.size; sent++) {
        int64_t until = weir_playable_until_us(p);
        assert_true(until >= before);
        assert_true(until <= 2000000);
        before = until;
        if (until != WEIR_TIME_NONE && first == WEIR_TIME_NONE)
            first = (int64_t)sent;
        assert_int_equal(weir_segment_append(media, b.data + sent, 1), 0);
    }
    assert_true(first != WEIR_TIME_NONE);
    assert_true(first < (int64_t)b.size / 2); // long before the end
    assert_true(before > 2000000 - slack_us);
    weir_segment_finish(media, WEIR_SEGMENT_COMPLETE);
    assert_int_equal(weir_playable_until_us(p), 2000000);
    weir_playable_destroy(&p);
    packets_clear(&all);
    weir_segment_unref(&init);
    weir_segment_unref(&whole);
    weir_segment_unref(&media);
    drop(&b);
}

static void playable_media_rise_with_the_bytes(void **state)
{
    check_rise(*state, "dash/init-stream0.m4s", "dash/chunk-stream0-00001.m4s", WEIR_DEMUX_VIDEO,
               200000);
    check_rise(*state, "dash/init-stream2.m4s", "dash/chunk-stream2-00001.m4s", WEIR_DEMUX_AUDIO,
               200000);
    check_rise(*state, "hls/init.mp4", "hls/seg0.m4s", WEIR_DEMUX_VIDEO, 200000);
    check_rise(*state, NULL, "whole/fragmented.mp4", WEIR_DEMUX_VIDEO, 200000);
}

// What is called playable can be decoded: every picture shown before `until` is among the packets
// given out by then.
static void every_picture_before_the_answer_is_there(void **state)
{
    struct world *w = *state;
    struct bytes b = load("dash/chunk-stream1-00001.m4s");
    struct weir_segment *init = segment_from(w, "dash/init-stream1.m4s");
    struct weir_playable *p = NULL;
    assert_int_equal(weir_playable_create(&p), 0);
    for (size_t size = 1000; size < b.size; size += 977) {
        struct weir_segment *media = segment_of(w, b.data, size, WEIR_SEGMENT_OPEN);
        struct weir_media_unit u = exact_unit(init, media);
        struct weir_demux *d = demux_for(w, WEIR_DEMUX_VIDEO, false);
        struct packets got = {0};
        weir_playable_begin(p, &u, WEIR_DEMUX_VIDEO);
        int64_t until = weir_playable_until_us(p);
        assert_int_equal(weir_demux_begin(d, &u, NULL), 0);
        assert_int_equal(read_all(w, d, &got, NULL), WEIR_ERR_AGAIN);
        bool shown[60] = {false};
        for (size_t i = 0; i < got.count; i++)
            shown[got.items[i].pts_us / 40000] = true;
        int64_t contiguous = 0;
        while (shown[contiguous / 40000])
            contiguous += 40000;
        assert_int_equal(until, contiguous ? contiguous : WEIR_TIME_NONE);
        weir_demux_destroy(&d);
        packets_clear(&got);
        weir_segment_finish(media, WEIR_SEGMENT_FAILED);
        weir_segment_unref(&media);
    }
    weir_playable_destroy(&p);
    weir_segment_unref(&init);
    drop(&b);
}

static void transport_streams_are_followed_by_their_pes_headers(void **state)
{
    struct world *w = *state;
    static const enum weir_demux_want wants[] = {WEIR_DEMUX_VIDEO, WEIR_DEMUX_AUDIO};
    for (int k = 0; k < 2; k++) {
        struct bytes b = load("ts/seg1.ts");
        struct weir_segment *media = segment_of(w, NULL, 0, WEIR_SEGMENT_OPEN);
        struct weir_media_unit u = exact_unit(NULL, media);
        u.timing_exact = false;
        u.start_us = 2000000;
        u.duration_us = 2000000;
        struct weir_playable *p = NULL;
        assert_int_equal(weir_playable_create(&p), 0);
        weir_playable_begin(p, &u, wants[k]);
        int64_t before = WEIR_TIME_NONE, at_half = WEIR_TIME_NONE;
        for (size_t sent = 0; sent < b.size; sent++) {
            int64_t until = weir_playable_until_us(p);
            assert_true(until >= before);
            before = until;
            if (sent == b.size / 2)
                at_half = until;
            assert_int_equal(weir_segment_append(media, b.data + sent, 1), 0);
        }
        assert_true(at_half > 2000000 && at_half < 4000000);
        weir_segment_finish(media, WEIR_SEGMENT_COMPLETE);
        assert_int_equal(weir_playable_until_us(p), 4000000);
        weir_playable_destroy(&p);
        weir_segment_unref(&media);
        drop(&b);
    }
}

static void containers_known_only_when_complete_say_so(void **state)
{
    struct world *w = *state;
    struct bytes b = load("whole/moov_last.mp4");
    struct weir_segment *media = segment_of(w, b.data, b.size - 1, WEIR_SEGMENT_OPEN);
    struct weir_media_unit u = exact_unit(NULL, media);
    u.duration_us = 5000000;
    struct weir_playable *p = NULL;
    assert_int_equal(weir_playable_create(&p), 0);
    weir_playable_begin(p, &u, WEIR_DEMUX_VIDEO);
    assert_true(weir_playable_until_us(p) == WEIR_TIME_NONE);
    assert_int_equal(weir_segment_append(media, b.data + b.size - 1, 1), 0);
    weir_segment_finish(media, WEIR_SEGMENT_COMPLETE);
    assert_int_equal(weir_playable_until_us(p), 5000000);
    weir_playable_destroy(&p);
    weir_segment_unref(&media);
    drop(&b);
}

// --- the timeline ---

static void the_leader_pins_and_followers_wait(void **state)
{
    (void)state;
    struct weir_timeline *t = NULL;
    int64_t offset = 0;
    assert_int_equal(weir_timeline_create(true, &t), 0);
    assert_false(weir_timeline_offset(t, false, 3, 5000, 0, &offset));
    assert_true(weir_timeline_offset(t, true, 3, 1480000, 10000000, &offset));
    assert_int_equal(offset, 8520000);
    assert_true(weir_timeline_offset(t, false, 3, 5000, 0,
                                     &offset)); // its own first timestamp does not matter
    assert_int_equal(offset, 8520000);
    assert_true(weir_timeline_offset(t, true, 3, 99, 99, &offset)); // pinned once
    assert_int_equal(offset, 8520000);
    assert_false(weir_timeline_offset(t, false, 4, 5000, 0, &offset));
    weir_timeline_leader_passed(t, 4);
    assert_true(weir_timeline_offset(t, false, 4, 5000, 20000, &offset));
    assert_int_equal(offset, 15000);
    assert_false(weir_timeline_offset(t, false, 5, 5000, 0, &offset));
    weir_timeline_destroy(&t);
}

static void without_a_leader_the_first_to_come_pins(void **state)
{
    (void)state;
    struct weir_timeline *t = NULL;
    int64_t offset = 0;
    assert_int_equal(weir_timeline_create(false, &t), 0);
    assert_true(weir_timeline_offset(t, false, 0, 1400000, 0, &offset));
    assert_int_equal(offset, -1400000);
    weir_timeline_destroy(&t);
}

static void many_sequences_are_remembered(void **state)
{
    (void)state;
    struct weir_timeline *t = NULL;
    int64_t offset = 0;
    assert_int_equal(weir_timeline_create(true, &t), 0);
    for (int64_t i = 0; i < 1000; i++)
        assert_true(weir_timeline_offset(t, true, i, i, 0, &offset));
    for (int64_t i = 999; i > 999 - 60; i--) {
        assert_true(weir_timeline_offset(t, false, i, 0, 0, &offset));
        assert_int_equal(offset, -i);
    }
    weir_timeline_destroy(&t);
}

// The scan pins the sequence while the bytes arrive, to what the demuxer would find.
static void the_scan_pins_before_the_demuxer_comes(void **state)
{
    struct world *w = *state;
    static const char *const files[][2] = {{"hls/init.mp4", "hls/seg1.m4s"}, {NULL, "ts/seg1.ts"}};
    for (int i = 0; i < 2; i++) {
        struct weir_timeline *scanned = NULL, *demuxed = NULL, *usual = w->timeline;
        assert_int_equal(weir_timeline_create(true, &scanned), 0);
        assert_int_equal(weir_timeline_create(true, &demuxed), 0);
        struct weir_segment *init = files[i][0] ? segment_from(w, files[i][0]) : NULL;
        struct weir_segment *media = segment_from(w, files[i][1]);
        struct weir_media_unit u = exact_unit(init, media);
        u.timing_exact = false;
        u.start_us = 2000000;
        u.duration_us = 2000000;
        struct weir_playable *p = NULL;
        assert_int_equal(weir_playable_create(&p), 0);
        weir_playable_pin(p, scanned);
        weir_playable_begin(p, &u, WEIR_DEMUX_VIDEO);
        assert_int_equal(weir_playable_until_us(p), 4000000);
        w->timeline = demuxed;
        struct weir_demux *d = demux_for(w, WEIR_DEMUX_VIDEO, false);
        w->timeline = usual;
        AVPacket *pkt = av_packet_alloc();
        assert_int_equal(weir_demux_begin(d, &u, NULL), 0);
        assert_int_equal(weir_demux_read(d, pkt, NULL), 0);
        int64_t a = 0, b = 1;
        assert_true(weir_timeline_offset(scanned, false, 0, 0, 0, &a));
        assert_true(weir_timeline_offset(demuxed, false, 0, 0, 0, &b));
        assert_int_equal(a, b);
        av_packet_free(&pkt);
        weir_demux_destroy(&d);
        weir_playable_destroy(&p);
        weir_segment_unref(&init);
        weir_segment_unref(&media);
        weir_timeline_destroy(&scanned);
        weir_timeline_destroy(&demuxed);
    }
}

// Sound must not wait for pictures that are not there: a gap, a segment of sound alone, a damaged
// one.
static void followers_go_on_where_the_leader_finds_nothing(void **state)
{
    struct world *w = *state;
    struct weir_segment *init = segment_from(w, "dash/init-stream2.m4s");
    struct weir_segment *media = segment_from(w, "dash/chunk-stream2-00001.m4s");
    struct weir_segment *nothing = segment_of(w, NULL, 0, WEIR_SEGMENT_FAILED);
    for (int i = 0; i < 3; i++) {
        struct weir_timeline *fresh = NULL, *usual = w->timeline;
        assert_int_equal(weir_timeline_create(true, &fresh), 0);
        w->timeline = fresh;
        struct weir_demux *v = demux_for(w, WEIR_DEMUX_VIDEO, false),
                          *a = demux_for(w, WEIR_DEMUX_AUDIO, true);
        w->timeline = usual;
        struct weir_media_unit u = exact_unit(init, media), broken = u;
        u.timing_exact = broken.timing_exact = false;
        u.start_us = 7000000;
        broken.gap = i == 0;
        broken.media = i == 2 ? nothing : media;
        AVPacket *pkt = av_packet_alloc();
        assert_int_equal(weir_demux_begin(v, &broken, NULL), i == 0 ? 0 : WEIR_ERR_END);
        (void)weir_demux_read(v, pkt, NULL);
        assert_int_equal(weir_demux_begin(a, &u, NULL), 0);
        assert_int_equal(weir_demux_read(a, pkt, NULL), 0); // or it would wait for ever
        assert_int_equal(pkt->pts, 7000000);
        av_packet_free(&pkt);
        weir_demux_destroy(&v);
        weir_demux_destroy(&a);
        weir_timeline_destroy(&fresh);
    }
    weir_segment_unref(&init);
    weir_segment_unref(&media);
    weir_segment_unref(&nothing);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(playable_media_rise_with_the_bytes),
        cmocka_unit_test(every_picture_before_the_answer_is_there),
        cmocka_unit_test(transport_streams_are_followed_by_their_pes_headers),
        cmocka_unit_test(containers_known_only_when_complete_say_so),
        cmocka_unit_test(the_scan_pins_before_the_demuxer_comes),
        cmocka_unit_test(followers_go_on_where_the_leader_finds_nothing),
        cmocka_unit_test(the_leader_pins_and_followers_wait),
        cmocka_unit_test(without_a_leader_the_first_to_come_pins),
        cmocka_unit_test(many_sequences_are_remembered),
    };
    return cmocka_run_group_tests(tests, media_setup, media_teardown);
}
