// tests/demux/test_lavf.c — containers read through libavformat segment by segment: the packets,
// pictures and samples are those of the whole, as if it had never been cut.
#include "tests/demux/support.h"

#include <unistd.h>

#include <libavutil/intreadwrite.h>

static const char *const ts[] = {"ts/seg0.ts", "ts/seg1.ts", "ts/seg2.ts"};
static const char *const webm_video[] = {"webm/init0.webm", "webm/seg0-1.webm", "webm/seg0-2.webm",
                                         "webm/seg0-3.webm"};
static const char *const webm_audio[] = {"webm/init1.webm", "webm/seg1-1.webm", "webm/seg1-2.webm",
                                         "webm/seg1-3.webm"};

struct stream {
    const char *name;
    const char *const *files;
    size_t count;
    bool has_init;
    enum weir_demux_want want;
};

static const struct stream streams[] = {
    {"TS video", ts, 3, false, WEIR_DEMUX_VIDEO},
    {"TS audio", ts, 3, false, WEIR_DEMUX_AUDIO},
    {"WebM VP9", webm_video, 4, true, WEIR_DEMUX_VIDEO},
    {"WebM Opus", webm_audio, 4, true, WEIR_DEMUX_AUDIO},
};
#define STREAMS (sizeof(streams) / sizeof(streams[0]))

static const char *written(const struct bytes *b, const char *suffix)
{
    char name[64];
    (void)snprintf(name, sizeof(name), "lavf.%d.%s", (int)getpid(), suffix);
    const char *path = media_path(name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(b->data, 1, b->size, f), b->size);
    assert_int_equal(fclose(f), 0);
    return path;
}

static const char *joined_path(const struct stream *s)
{
    struct bytes parts[4];
    for (size_t i = 0; i < s->count; i++)
        parts[i] = load(s->files[i]);
    struct bytes all = join(parts, s->count);
    const char *path = written(&all, s->has_init ? "webm" : "ts");
    for (size_t i = 0; i < s->count; i++)
        drop(&parts[i]);
    drop(&all);
    return path;
}

static void must_read(struct world *w, struct weir_demux *d, const struct weir_media_unit *u,
                      struct packets *out, const char *name)
{
    struct weir_error error = {0};
    if (weir_demux_begin(d, u, &error) || read_all(w, d, out, &error) != WEIR_ERR_END)
        fail_msg("%s: %s: %s (%s)", name, error.where, error.what, error.why);
}

static void read_segments(struct world *w, struct weir_demux *d, const struct stream *s,
                          struct packets *out)
{
    struct weir_segment *init = s->has_init ? segment_from(w, s->files[0]) : NULL;
    for (size_t i = s->has_init; i < s->count; i++) {
        struct weir_segment *media = segment_from(w, s->files[i]);
        struct weir_media_unit u = exact_unit(init, media);
        u.start_us = WEIR_TIME_NONE;
        must_read(w, d, &u, out, s->files[i]);
        weir_segment_unref(&media);
    }
    weir_segment_unref(&init);
}

static struct bytes reference(const char *path, bool video)
{
    char arguments[1024];
    (void)snprintf(arguments, sizeof(arguments), "-i '%s' -map 0:%c:0 %s", path, video ? 'v' : 'a',
                   video ? "-fps_mode passthrough -f rawvideo" : "-f f32le");
    return ffmpeg_output(arguments);
}

static void segments_read_like_the_whole(void **state)
{
    struct world *w = *state;
    for (size_t i = 0; i < STREAMS; i++) {
        const struct stream *s = &streams[i];
        bool video = s->want == WEIR_DEMUX_VIDEO;
        struct packets got = {0}, expect = {0};
        struct weir_demux *d = demux_for(w, s->want, false);
        atomic_store(&w->copies.demux_bytes, 0);
        read_segments(w, d, s, &got);
        const char *path = joined_path(s);
        lavf_packets(path, video ? AVMEDIA_TYPE_VIDEO : AVMEDIA_TYPE_AUDIO, true, &expect);
        assert_same_packets(&got, &expect, s->name);
        int64_t bytes = 0;
        for (size_t k = 0; k < got.count; k++)
            bytes += (int64_t)got.items[k].bytes.size;
        assert_int_equal(atomic_load(&w->copies.demux_bytes), bytes);
        assert_int_equal(weir_demux_format(d)->generation, 1);
        struct bytes mine = decode(weir_demux_format(d)->codecpar, &got),
                     frames = reference(path, video);
        assert_same_bytes(&mine, &frames, s->name);
        drop(&mine);
        drop(&frames);
        packets_clear(&got);
        packets_clear(&expect);
        weir_demux_destroy(&d);
        (void)remove(path);
    }
}

static void parameters_are_known_without_probing(void **state)
{
    struct world *w = *state;
    struct weir_segment *media = segment_from(w, ts[0]);
    struct weir_media_unit u = exact_unit(NULL, media);
    struct weir_demux *v = demux_for(w, WEIR_DEMUX_VIDEO, false),
                      *a = demux_for(w, WEIR_DEMUX_AUDIO, false);
    assert_int_equal(weir_demux_begin(v, &u, NULL), 0);
    assert_int_equal(weir_demux_begin(a, &u, NULL), 0);
    const AVCodecParameters *par = weir_demux_format(v)->codecpar;
    assert_int_equal(par->codec_id, AV_CODEC_ID_H264);
    assert_int_equal(par->width, 160);
    assert_int_equal(par->height, 90);
    par = weir_demux_format(a)->codecpar;
    assert_int_equal(par->codec_id, AV_CODEC_ID_AAC);
    assert_int_equal(par->sample_rate, 48000);
    assert_int_equal(par->ch_layout.nb_channels, 2);
    weir_demux_destroy(&v);
    weir_demux_destroy(&a);
    weir_segment_unref(&media);
}

static void pieces_give_the_same_packets(void **state)
{
    struct world *w = *state;
    for (size_t i = 0; i < STREAMS; i++) {
        const struct stream *s = &streams[i];
        struct packets expect = {0}, got = {0};
        struct weir_demux *d = demux_for(w, s->want, true);
        struct bytes b = load(s->files[s->has_init]);
        struct weir_segment *init = s->has_init ? segment_from(w, s->files[0]) : NULL;
        struct weir_segment *whole = segment_of(w, b.data, b.size, WEIR_SEGMENT_COMPLETE);
        struct weir_segment *media = segment_of(w, NULL, 0, WEIR_SEGMENT_OPEN);
        struct weir_media_unit u = exact_unit(init, whole);
        must_read(w, d, &u, &expect, s->name);
        weir_segment_watch(media, 0, &w->wake);
        struct feeder *f = feeder_start(media, b.data, b.size, 11, 700, WEIR_SEGMENT_COMPLETE);
        u.media = media;
        must_read(w, d, &u, &got, s->name);
        feeder_join(&f);
        assert_same_packets(&got, &expect, s->name);
        packets_clear(&got);
        packets_clear(&expect);
        weir_segment_unref(&init);
        weir_segment_unref(&whole);
        weir_segment_unref(&media);
        weir_demux_destroy(&d);
        drop(&b);
    }
}

// An ID3 tag as HLS asks for in front of packed audio (RFC 8216, 3.4).
static struct bytes id3_tag(uint64_t timestamp)
{
    static const char owner[] = "com.apple.streaming.transportStreamTimestamp";
    struct bytes b = {.size = 10 + 10 + sizeof(owner) + 8};
    b.data = calloc(1, b.size);
    assert_non_null(b.data);
    memcpy(b.data, "ID3\4\0\0\0\0\0\0", 10);
    b.data[9] = (uint8_t)(b.size - 10);
    memcpy(b.data + 10, "PRIV", 4);
    b.data[17] = sizeof(owner) + 8;
    memcpy(b.data + 20, owner, sizeof(owner));
    AV_WB64(b.data + 20 + sizeof(owner), timestamp);
    return b;
}

static size_t adts_frame(const uint8_t *p)
{
    return (size_t)(p[3] & 3) << 11 | (size_t)p[4] << 3 | p[5] >> 5;
}

static void packed_audio_is_timed_by_its_id3_tags(void **state)
{
    struct world *w = *state;
    struct bytes all = load("whole/plain.aac");
    struct weir_demux *d = demux_for(w, WEIR_DEMUX_AUDIO, false);
    struct packets got = {0};
    size_t at = 0, frames = 0;
    while (at < all.size) { // 40 frames a segment
        size_t from = at;
        uint64_t timestamp = 900000 + frames * 1920; // 1024 samples at 48 kHz in 90 kHz ticks
        for (int n = 0; n < 40 && at < all.size; n++, frames++)
            at += adts_frame(all.data + at);
        struct bytes parts[2] = {id3_tag(timestamp), {all.data + from, at - from}};
        struct bytes b = join(parts, 2);
        struct weir_segment *media = segment_of(w, b.data, b.size, WEIR_SEGMENT_COMPLETE);
        struct weir_media_unit u = exact_unit(NULL, media);
        must_read(w, d, &u, &got, "packed AAC");
        weir_segment_unref(&media);
        drop(&b);
        drop(&parts[0]);
    }
    assert_int_equal(got.count, frames);
    for (size_t i = 0; i < got.count; i++) {
        int64_t expect_us = 10000000 + (int64_t)i * 64000 / 3;
        assert_true(llabs(got.items[i].pts_us - expect_us) <= 1);
    }
    struct bytes mine = decode(weir_demux_format(d)->codecpar, &got);
    struct bytes expect = reference(media_path("whole/plain.aac"), false);
    assert_same_bytes(&mine, &expect, "packed AAC");
    drop(&mine);
    drop(&expect);
    packets_clear(&got);
    weir_demux_destroy(&d);
    drop(&all);
}

static void whole_files_decode_like_ffmpeg(void **state)
{
    struct world *w = *state;
    static const struct {
        const char *file;
        bool video, audio;
    } cases[] = {
        {"whole/plain.mp4", true, true},  {"whole/moov_last.mp4", true, true},
        {"whole/plain.mkv", true, true},  {"whole/plain.ts", true, true},
        {"whole/plain.aac", false, true}, {"whole/plain.mp3", false, true},
        {"whole/plain.ac3", false, true}, {"whole/plain.eac3", false, true},
    };
    for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
        const char *file = cases[i / 2].file;
        bool video = i % 2 == 0;
        if (video ? !cases[i / 2].video : !cases[i / 2].audio)
            continue;
        struct weir_demux *d = demux_for(w, video ? WEIR_DEMUX_VIDEO : WEIR_DEMUX_AUDIO, true);
        struct bytes b = load(file);
        struct weir_segment *media = segment_of(w, NULL, 0, WEIR_SEGMENT_OPEN);
        weir_segment_watch(media, 0, &w->wake);
        struct feeder *f = feeder_start(media, b.data, b.size, 3, 3000, WEIR_SEGMENT_COMPLETE);
        struct weir_media_unit u = exact_unit(NULL, media);
        struct packets got = {0};
        must_read(w, d, &u, &got, file);
        feeder_join(&f);
        struct bytes mine = decode(weir_demux_format(d)->codecpar, &got);
        struct bytes expect = reference(media_path(file), video);
        assert_same_bytes(&mine, &expect, file);
        drop(&mine);
        drop(&expect);
        packets_clear(&got);
        weir_segment_unref(&media);
        weir_demux_destroy(&d);
        drop(&b);
    }
}

static void whole_files_can_be_sought_in(void **state)
{
    struct world *w = *state;
    static const char *const files[] = {"whole/plain.mp4", "whole/moov_last.mp4",
                                        "whole/plain.mkv"};
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        struct weir_timeline *timeline = w->timeline, *fresh = NULL;
        assert_int_equal(weir_timeline_create(true, &fresh), 0);
        w->timeline = fresh;
        struct weir_segment *media = segment_from(w, files[i]);
        struct weir_media_unit u = exact_unit(NULL, media);
        u.timing_exact = false;
        struct weir_demux *d = demux_for(w, WEIR_DEMUX_VIDEO, false);
        AVPacket *pkt = av_packet_alloc();
        assert_int_equal(weir_demux_begin(d, &u, NULL), 0);
        static const int64_t targets_us[] = {3500000, 0, 4000000, 1999999};
        static const int64_t expect_us[] = {3000000, 0, 4000000, 1000000};
        for (size_t k = 0; k < 4; k++) {
            assert_int_equal(weir_demux_seek(d, targets_us[k]), 0);
            assert_int_equal(weir_demux_read(d, pkt, NULL), 0);
            if (!(pkt->flags & AV_PKT_FLAG_KEY) || llabs(pkt->pts - expect_us[k]) > 1000)
                fail_msg("%s: after a seek to %lld: %lld", files[i], (long long)targets_us[k],
                         (long long)pkt->pts);
        }
        av_packet_free(&pkt);
        weir_demux_destroy(&d);
        weir_segment_unref(&media);
        w->timeline = timeline;
        weir_timeline_destroy(&fresh);
    }
}

static void segments_cannot_be_sought_in(void **state)
{
    struct world *w = *state;
    struct weir_segment *init = segment_from(w, webm_video[0]),
                        *media = segment_from(w, webm_video[1]);
    struct weir_media_unit u = exact_unit(init, media);
    struct weir_demux *d = demux_for(w, WEIR_DEMUX_VIDEO, false);
    assert_int_equal(weir_demux_begin(d, &u, NULL), 0);
    assert_int_equal(weir_demux_seek(d, 0), WEIR_ERR_UNSUPPORTED);
    weir_demux_destroy(&d);
    weir_segment_unref(&init);
    weir_segment_unref(&media);
}

// Move every time stamp of a transport stream by `add` ticks, modulo 2^33.
static void shift_ts(struct bytes *b, uint64_t add)
{
    for (size_t at = 0; at + 188 <= b->size; at += 188) {
        uint8_t *p = b->data + at;
        size_t body = 4;
        if (p[3] & 0x20) {
            if (p[4] > 6 && p[5] & 0x10) { // PCR
                uint64_t base = ((uint64_t)AV_RB32(p + 6) << 1 | p[10] >> 7) + add;
                AV_WB32(p + 6, (uint32_t)(base >> 1));
                p[10] = (uint8_t)((p[10] & 0x7f) | (base & 1) << 7);
            }
            body += 1 + p[4];
        }
        if (!(p[1] & 0x40) || !(p[3] & 0x10) || body + 19 > 188 || AV_RB24(p + body) != 1)
            continue;
        for (int k = 0; k < (p[body + 7] & 0x40 ? 2 : p[body + 7] & 0x80 ? 1 : 0); k++) {
            uint8_t *t = p + body + 9 + 5 * k;
            uint64_t v = (uint64_t)(t[0] >> 1 & 7) << 30 | (uint64_t)(AV_RB16(t + 1) >> 1) << 15 |
                         AV_RB16(t + 3) >> 1;
            v = (v + add) & ((UINT64_C(1) << 33) - 1);
            t[0] = (uint8_t)((t[0] & 0xf1) | (v >> 30 & 7) << 1);
            AV_WB16(t + 1, (uint16_t)((v >> 15 & 0x7fff) << 1 | 1));
            AV_WB16(t + 3, (uint16_t)((v & 0x7fff) << 1 | 1));
        }
    }
}

// The 33-bit clock starts over between, and inside, segments; the presentation does not notice.
static void the_mpeg_clock_may_wrap(void **state)
{
    struct world *w = *state;
    static const int64_t until_wrap_s[] = {3, 2}; // inside the second segment; about at its start
    for (size_t k = 0; k < 2; k++) {
        struct weir_timeline *timeline = w->timeline, *fresh = NULL;
        assert_int_equal(weir_timeline_create(true, &fresh), 0);
        w->timeline = fresh;
        struct weir_demux *d = demux_for(w, WEIR_DEMUX_VIDEO, false);
        struct packets got = {0};
        for (int i = 0; i < 3; i++) {
            struct bytes b = load(ts[i]);
            // The files begin at 1.48 s.
            shift_ts(&b, (UINT64_C(1) << 33) - (uint64_t)(until_wrap_s[k] * 90000 + 133200));
            struct weir_segment *media = segment_of(w, b.data, b.size, WEIR_SEGMENT_COMPLETE);
            struct weir_media_unit u = exact_unit(NULL, media);
            u.timing_exact = false;
            u.start_us = i * 2000000;
            must_read(w, d, &u, &got, ts[i]);
            weir_segment_unref(&media);
            drop(&b);
        }
        assert_int_equal(got.items[0].pts_us, 0);
        for (size_t i = 1; i < got.count; i++) {
            int64_t step = got.items[i].dts_us - got.items[i - 1].dts_us;
            if (step != 40000)
                fail_msg("packet %zu: a step of %lld us", i, (long long)step);
        }
        packets_clear(&got);
        weir_demux_destroy(&d);
        w->timeline = timeline;
        weir_timeline_destroy(&fresh);
    }
}

// Giving up while bytes are missing must not pass half a picture on as if it were whole.
static void a_cancelled_read_gives_no_half_frames(void **state)
{
    struct world *w = *state;
    struct packets expect = {0};
    struct weir_segment *whole = segment_from(w, ts[0]);
    struct weir_media_unit u = exact_unit(NULL, whole);
    struct weir_demux *d =
        demux_for(w, WEIR_DEMUX_VIDEO, false); // which gives up as soon as it would wait
    must_read(w, d, &u, &expect, ts[0]);
    struct bytes b = load(ts[0]);
    for (size_t size = 188; size < b.size; size += 5 * 188) {
        struct weir_segment *media = segment_of(w, b.data, size, WEIR_SEGMENT_OPEN);
        struct packets got = {0};
        u.media = media;
        int err = weir_demux_begin(d, &u, NULL);
        if (!err)
            err = read_all(w, d, &got, NULL);
        assert_true(err == WEIR_ERR_CANCELLED || err == WEIR_ERR_AGAIN);
        assert_true(got.count < expect.count);
        for (size_t i = 0; i < got.count; i++)
            assert_int_equal(got.items[i].bytes.size, expect.items[i].bytes.size);
        packets_clear(&got);
        weir_segment_finish(media, WEIR_SEGMENT_FAILED);
        weir_segment_unref(&media);
    }
    packets_clear(&expect);
    weir_demux_destroy(&d);
    weir_segment_unref(&whole);
    drop(&b);
}

// libavformat takes missing bytes for the end; the demuxer knows better.
static void a_transfer_cut_short_is_reported_once(void **state)
{
    struct world *w = *state;
    struct bytes b = load(ts[0]);
    struct weir_segment *media = segment_of(w, b.data, b.size / 2, WEIR_SEGMENT_FAILED);
    struct weir_media_unit u = exact_unit(NULL, media);
    struct weir_demux *d = demux_for(w, WEIR_DEMUX_VIDEO, false);
    struct packets got = {0};
    struct weir_error error = {0};
    assert_int_equal(weir_demux_begin(d, &u, &error), 0);
    assert_int_equal(read_all(w, d, &got, &error), WEIR_ERR_SYNTAX);
    assert_string_equal(error.why, "the transfer ended early");
    assert_true(got.count > 10);
    assert_int_equal(read_all(w, d, &got, &error), WEIR_ERR_END);
    packets_clear(&got);
    weir_demux_destroy(&d);
    weir_segment_unref(&media);
    drop(&b);
}

static void what_is_no_media_is_named(void **state)
{
    struct world *w = *state;
    static const struct {
        const char *name, *data, *why;
        size_t size;
        int code;
    } cases[] = {
        {"nothing", "", "it is empty", 0, WEIR_ERR_SYNTAX},
        {"a page", "<!DOCTYPE html><html></html>", "text instead of media", 28, WEIR_ERR_SYNTAX},
        {"noise", "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11", NULL, 17,
         WEIR_ERR_UNSUPPORTED},
        {"a fragment without its init", "\0\0\0\x10moof\0\0\0\x08mfhd",
         "an initialisation segment is missing", 16, WEIR_ERR_SYNTAX},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct weir_error error = {0};
        struct weir_segment *media =
            segment_of(w, (const uint8_t *)cases[i].data, cases[i].size, WEIR_SEGMENT_COMPLETE);
        struct weir_media_unit u = exact_unit(NULL, media);
        struct weir_demux *d = demux_for(w, WEIR_DEMUX_VIDEO, false);
        int err = weir_demux_begin(d, &u, &error);
        if (err != cases[i].code || (cases[i].why && strcmp(error.why, cases[i].why) != 0))
            fail_msg("%s: %d (%s: %s: %s)", cases[i].name, err, error.where, error.what, error.why);
        weir_demux_destroy(&d);
        weir_segment_unref(&media);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(segments_read_like_the_whole),
        cmocka_unit_test(parameters_are_known_without_probing),
        cmocka_unit_test(pieces_give_the_same_packets),
        cmocka_unit_test(packed_audio_is_timed_by_its_id3_tags),
        cmocka_unit_test(whole_files_decode_like_ffmpeg),
        cmocka_unit_test(whole_files_can_be_sought_in),
        cmocka_unit_test(segments_cannot_be_sought_in),
        cmocka_unit_test(the_mpeg_clock_may_wrap),
        cmocka_unit_test(a_cancelled_read_gives_no_half_frames),
        cmocka_unit_test(a_transfer_cut_short_is_reported_once),
        cmocka_unit_test(what_is_no_media_is_named),
    };
    return cmocka_run_group_tests(tests, media_setup, media_teardown);
}
