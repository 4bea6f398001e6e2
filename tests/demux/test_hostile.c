// tests/demux/test_hostile.c — damaged media: cut at every box and every byte, flipped bits, sizes
// that lie. Whatever comes in, reading ends in END or an error that names its place, and no byte
// outside the segment is touched.
#include "tests/demux/support.h"

#include <libavutil/intreadwrite.h>

#define MAX_READS 20000 // far above what the files hold

// Read all that is there, damage included: after SYNTAX the reader goes on. Returns how many
// packets came out.
static size_t read_through(struct world *w, struct weir_segment *init, struct weir_segment *media,
                           enum weir_demux_want want, const char *name)
{
    struct weir_demux *d = demux_for(w, want, true);
    struct weir_media_unit u = exact_unit(init, media);
    struct weir_error error = {0};
    AVPacket *pkt = av_packet_alloc();
    assert_non_null(pkt);
    size_t packets = 0;
    int64_t copied = atomic_load(&w->copies.demux_bytes);
    int err = weir_demux_begin(d, &u, &error);
    for (int i = 0; !err || err == WEIR_ERR_SYNTAX; i++) {
        if (i > MAX_READS)
            fail_msg("%s: no end after %d reads", name, i);
        if (err == WEIR_ERR_SYNTAX && (error.where[0] == '\0' || error.code != err))
            fail_msg("%s: an error without a place", name);
        if (err && !weir_demux_format(d))
            break; // begin() failed: there is nothing to read
        memset(&error, 0, sizeof(error));
        err = weir_demux_read(d, pkt, &error);
        if (!err) {
            const uint8_t *data = weir_segment_data(media);
            size_t length = weir_segment_length(media);
            // A file damaged into one without fragments goes to libavformat, which copies.
            bool in_place = atomic_load(&w->copies.demux_bytes) == copied;
            bool inside =
                pkt->data >= data && (size_t)(pkt->data - data) + (size_t)pkt->size <= length;
            if (in_place && !inside)
                fail_msg("%s: a packet outside its segment", name);
            packets++;
        }
    }
    if (err != WEIR_ERR_END && err != WEIR_ERR_SYNTAX && err != WEIR_ERR_UNSUPPORTED &&
        err != WEIR_ERR_TOO_BIG)
        fail_msg("%s: ended with %d (%s)", name, err, weir_strerror(err));
    av_packet_free(&pkt);
    weir_demux_destroy(&d);
    return packets;
}

static void a_segment_cut_at_every_box_ends(void **state)
{
    struct world *w = *state;
    static const struct {
        const char *init, *media;
        enum weir_demux_want want;
    } cases[] = {
        {"dash/init-stream0.m4s", "dash/chunk-stream0-00001.m4s", WEIR_DEMUX_VIDEO},
        {"dash/init-stream2.m4s", "dash/chunk-stream2-00001.m4s", WEIR_DEMUX_AUDIO},
        {"hls/init.mp4", "hls/seg1.m4s", WEIR_DEMUX_AUDIO},
        {NULL, "whole/interleaved.mp4", WEIR_DEMUX_VIDEO},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct bytes b = load(cases[i].media);
        struct weir_segment *init = cases[i].init ? segment_from(w, cases[i].init) : NULL;
        size_t cuts[2000], count = box_boundaries(b.data, b.size, cuts, 2000), packets = 0;
        assert_true(count > 5);
        for (size_t k = 0; k < count; k++) {
            for (size_t extra = 0; extra < 12; extra += 4) { // at the box, and inside its header
                enum weir_segment_state end = k % 2 ? WEIR_SEGMENT_COMPLETE : WEIR_SEGMENT_FAILED;
                struct weir_segment *media = segment_of(w, b.data, cuts[k] + extra, end);
                size_t n = read_through(w, init, media, cases[i].want, cases[i].media);
                if (n < packets)
                    fail_msg("%s: cut at %zu: %zu packets, a shorter piece had %zu", cases[i].media,
                             cuts[k], n, packets);
                packets = n;
                weir_segment_unref(&media);
            }
        }
        weir_segment_unref(&init);
        drop(&b);
    }
}

static void an_init_cut_at_every_byte_ends(void **state)
{
    struct world *w = *state;
    struct bytes b = load("hls/init.mp4");
    struct weir_segment *media = segment_from(w, "hls/seg0.m4s");
    for (size_t size = 0; size < b.size; size++) {
        struct weir_segment *init = segment_of(w, b.data, size, WEIR_SEGMENT_COMPLETE);
        assert_int_equal(read_through(w, init, media, WEIR_DEMUX_VIDEO, "hls/init.mp4"), 0);
        weir_segment_unref(&init);
    }
    weir_segment_unref(&media);
    drop(&b);
}

static void a_file_cut_at_every_byte_ends(void **state)
{
    struct world *w = *state;
    struct bytes b = load("whole/tiny.mp4");
    assert_true(b.size < 8192);
    size_t packets = 0;
    for (size_t size = 0; size <= b.size; size++) {
        struct weir_segment *media = segment_of(w, b.data, size, WEIR_SEGMENT_COMPLETE);
        size_t n = read_through(w, NULL, media, size % 2 ? WEIR_DEMUX_VIDEO : WEIR_DEMUX_AUDIO,
                                "tiny.mp4");
        if (size % 2) {
            assert_true(n >= packets);
            packets = n;
        }
        weir_segment_unref(&media);
    }
    drop(&b);
}

// The place of the damage is named as people can look it up.
static void an_error_names_segment_box_and_byte(void **state)
{
    struct world *w = *state;
    struct bytes b = load("dash/chunk-stream0-00001.m4s");
    struct weir_segment *init = segment_from(w, "dash/init-stream0.m4s");
    struct weir_segment *media = segment_of(w, b.data, b.size - 5000, WEIR_SEGMENT_COMPLETE);
    struct weir_demux *d = demux_for(w, WEIR_DEMUX_VIDEO, false);
    struct weir_media_unit u = exact_unit(init, media);
    u.number = 12;
    struct weir_error error = {0};
    struct packets got = {0};
    assert_int_equal(weir_demux_begin(d, &u, &error), 0);
    assert_int_equal(read_all(w, d, &got, &error), WEIR_ERR_SYNTAX);
    size_t trun = 0;
    while (memcmp(b.data + trun + 4, "trun", 4) != 0)
        trun++;
    char place[100];
    (void)snprintf(place, sizeof(place), "segment 12, box trun at byte %zu", trun);
    assert_string_equal(error.where, place);
    assert_true(got.count > 20); // all that is there comes out first
    packets_clear(&got);
    weir_demux_destroy(&d);
    weir_segment_unref(&init);
    weir_segment_unref(&media);
    drop(&b);
}

// A damaged fragment costs its own samples; those of the next one still come.
static void reading_goes_on_behind_a_damaged_fragment(void **state)
{
    struct world *w = *state;
    struct bytes b = load("whole/fragmented.mp4");
    size_t moofs = 0, boxes[2000], count = box_boundaries(b.data, b.size, boxes, 2000);
    for (size_t i = 0; i < count; i++) {
        if (memcmp(b.data + boxes[i] + 4, "trun", 4) == 0 && moofs++ == 2)
            AV_WB32(b.data + boxes[i] + 12, 0xffffff); // a sample count beyond its table
    }
    struct weir_segment *good = segment_from(w, "whole/fragmented.mp4");
    struct weir_segment *bad = segment_of(w, b.data, b.size, WEIR_SEGMENT_COMPLETE);
    size_t all = read_through(w, NULL, good, WEIR_DEMUX_VIDEO, "undamaged");
    size_t most = read_through(w, NULL, bad, WEIR_DEMUX_VIDEO, "damaged");
    assert_int_equal(all - most, 25);
    weir_segment_unref(&good);
    weir_segment_unref(&bad);
    drop(&b);
}

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 8;
}

static void flipped_bits_never_crash_or_hang(void **state)
{
    struct world *w = *state;
    static const struct {
        const char *file;
        uint32_t rounds, region; // bytes from the start in which bits are flipped; 0 all
    } cases[] = {
        {"whole/tiny.mp4", 1200, 1400},       {"whole/tiny.mp4", 400, 0},
        {"whole/interleaved.mp4", 300, 4000}, {"codecs/hevc.mp4", 50, 2000},
        {"codecs/flac.mp4", 50, 1500},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct bytes b = load(cases[i].file);
        for (uint32_t seed = 1; seed <= cases[i].rounds; seed++) {
            uint32_t s = seed * 2654435761U;
            struct bytes bad = join(&b, 1);
            size_t region = cases[i].region && cases[i].region < b.size ? cases[i].region : b.size;
            for (uint32_t flips = 1 + next_random(&s) % 8; flips > 0; flips--)
                bad.data[next_random(&s) % region] ^= (uint8_t)(1U << next_random(&s) % 8);
            char name[100];
            (void)snprintf(name, sizeof(name), "%s, seed %u", cases[i].file, seed);
            struct weir_segment *media = segment_of(w, bad.data, bad.size, WEIR_SEGMENT_COMPLETE);
            (void)read_through(w, NULL, media, seed % 2 ? WEIR_DEMUX_VIDEO : WEIR_DEMUX_AUDIO,
                               name);
            weir_segment_unref(&media);
            drop(&bad);
        }
        drop(&b);
    }
}

static void flipped_bits_in_other_containers(void **state)
{
    struct world *w = *state;
    static const struct {
        const char *init, *file;
    } cases[] = {
        {NULL, "ts/seg2.ts"}, {"webm/init1.webm", "webm/seg1-3.webm"}, {NULL, "whole/plain.aac"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct bytes b = load(cases[i].file);
        struct weir_segment *init = cases[i].init ? segment_from(w, cases[i].init) : NULL;
        for (uint32_t seed = 1; seed <= 60; seed++) {
            uint32_t s = seed * 2654435761U;
            struct bytes bad = join(&b, 1);
            for (int flips = 0; flips < 40; flips++)
                bad.data[next_random(&s) % bad.size] ^= (uint8_t)(1U << next_random(&s) % 8);
            size_t size = bad.size - next_random(&s) % 500;
            struct weir_segment *media = segment_of(w, bad.data, size, WEIR_SEGMENT_COMPLETE);
            struct weir_demux *d = demux_for(w, WEIR_DEMUX_AUDIO, false);
            struct weir_media_unit u = exact_unit(init, media);
            struct packets got = {0};
            struct weir_error error = {0};
            int err = weir_demux_begin(d, &u, &error);
            for (int n = 0; !err || err == WEIR_ERR_SYNTAX; n++) {
                if (n > MAX_READS)
                    fail_msg("%s, seed %u: no end", cases[i].file, seed);
                if (err && !weir_demux_format(d))
                    break;
                err = read_all(w, d, &got, &error);
            }
            assert_true(err == WEIR_ERR_END || err == WEIR_ERR_SYNTAX ||
                        err == WEIR_ERR_UNSUPPORTED);
            packets_clear(&got);
            weir_demux_destroy(&d);
            weir_segment_unref(&media);
            drop(&bad);
        }
        weir_segment_unref(&init);
        drop(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_segment_cut_at_every_box_ends),
        cmocka_unit_test(an_init_cut_at_every_byte_ends),
        cmocka_unit_test(a_file_cut_at_every_byte_ends),
        cmocka_unit_test(an_error_names_segment_box_and_byte),
        cmocka_unit_test(reading_goes_on_behind_a_damaged_fragment),
        cmocka_unit_test(flipped_bits_never_crash_or_hang),
        cmocka_unit_test(flipped_bits_in_other_containers),
    };
    return cmocka_run_group_tests(tests, media_setup, media_teardown);
}
