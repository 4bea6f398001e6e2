// tests/player/test_stream.c — an elementary stream's thread: discards, seeks and ends while bytes
// are in flight, on the small ladder's own segments.
#include "tests/player/player_test.h"

#include <stdio.h>

#include "core/segment.h"
#include "player/stream.h"
#include "tests/player/media.h"

#define MAX_PICTURES 400
#define FRAME_US     40000

struct rig {
    struct weir_budget budget;
    struct weir_copy_counters copies;
    struct weir_segment_pool *pool;
    struct weir_frame_store *store;
    struct weir_timeline *timeline;
    struct weir_stream *stream;
    struct weir_presentation *presentation;
    const struct weir_representation *reps; // of the pictures
    struct weir_segment *open[8];           // units' media that the test goes on writing
    int64_t pts_us[MAX_PICTURES];           // of pictures taken
    uint32_t generation[MAX_PICTURES];
    int widths[MAX_PICTURES];
    int taken;
};

static void ignore(void *ctx)
{
    (void)ctx;
}

static void open_rig(struct rig *r, enum weir_demux_want kind)
{
    *r = (struct rig){0};
    weir_budget_init(&r->budget, 0);
    struct weir_segment_pool_params sp = {.budget = &r->budget, .copies = &r->copies};
    assert_int_equal(weir_segment_pool_create(&sp, &r->pool), 0);
    struct weir_frame_store_params fp = {.count = 40, .budget = &r->budget};
    assert_int_equal(weir_frame_store_create(&fp, &r->store), 0);
    assert_int_equal(weir_timeline_create(true, &r->timeline), 0);
    r->presentation = media_presentation("dash-number/manifest.mpd");
    for (size_t i = 0; i < r->presentation->periods[0].track_count; i++)
        if (r->presentation->periods[0].tracks[i].type == WEIR_TRACK_VIDEO)
            r->reps = r->presentation->periods[0].tracks[i].representations;
    assert_non_null(r->reps);
    struct weir_stream_params p = {.kind = kind,
                                   .store = r->store,
                                   .timeline = r->timeline,
                                   .copies = &r->copies,
                                   .segment_slots = weir_segment_pool_slots(r->pool),
                                   .threads = 2,
                                   .start_us = WEIR_TIME_NONE,
                                   .end_us = WEIR_TIME_NONE,
                                   .wake_io = ignore,
                                   .wake_app = ignore};
    assert_int_equal(weir_stream_create(&p, &r->stream), 0);
}

static void close_rig(struct rig *r)
{
    weir_stream_destroy(&r->stream);
    for (int i = 0; i < 8; i++)
        weir_segment_unref(&r->open[i]);
    weir_timeline_destroy(&r->timeline);
    weir_frame_store_destroy(&r->store); // asserts that every picture came back
    weir_segment_pool_destroy(&r->pool);
    weir_presentation_destroy(&r->presentation);
    weir_budget_clear(&r->budget);
}

// Hand over segment `index` of a rung; its bytes come through the segment returned.
static struct weir_segment *hand_over(struct rig *r, size_t rung, int64_t index, uint64_t serial)
{
    struct weir_media_unit u = media_unit(r->pool, &r->reps[rung], index, serial);
    struct weir_segment *media = weir_segment_ref(u.media);
    weir_segment_watch(u.media, 0, weir_stream_wake(r->stream));
    weir_segment_watch(u.init, 0, weir_stream_wake(r->stream));
    weir_stream_unit(r->stream, &u);
    for (int i = 0; i < 8; i++) {
        if (r->open[i])
            continue;
        r->open[i] = media;
        return media;
    }
    fail_msg("too many segments");
    return NULL;
}

// The segment's bytes from `from` to `to` hundredths.
static void send(struct rig *r, struct weir_segment *s, size_t rung, int64_t index, int from,
                 int to)
{
    size_t size;
    uint8_t *data = media_bytes(&r->reps[rung], index, &size);
    size_t first = size * (size_t)from / 100, end = size * (size_t)to / 100;
    assert_int_equal(weir_segment_append(s, data + first, end - first), 0);
    if (to == 100)
        weir_segment_finish(s, WEIR_SEGMENT_COMPLETE);
    free(data);
}

static struct weir_segment *hand_over_whole(struct rig *r, size_t rung, int64_t index,
                                            uint64_t serial)
{
    struct weir_segment *s = hand_over(r, rung, index, serial);
    send(r, s, rung, index, 0, 100);
    return s;
}

// Take the picture that waits, as the application would; false when none does.
static bool take(struct rig *r)
{
    struct weir_stream_picture p;
    if (!weir_stream_peek(r->stream, &p))
        return false;
    weir_stream_take(r->stream, &p);
    assert_true(r->taken < MAX_PICTURES);
    assert_true(weir_frame_store_stats(r->store).foreign == 0);
    r->pts_us[r->taken] = p.pts_us;
    r->widths[r->taken] = p.frame->width;
    r->generation[r->taken++] = p.generation;
    weir_stream_return(r->stream, p.frame);
    return true;
}

static void take_at_least(struct rig *r, int count)
{
    for (int waited_ms = 0; r->taken < count; waited_ms += 2) {
        assert_true(waited_ms < PATIENCE_MS);
        if (!take(r))
            nap_ms(2);
    }
}

static void take_to_the_end(struct rig *r, uint32_t generation)
{
    for (int waited_ms = 0; !weir_stream_drained(r->stream, generation); waited_ms += 2) {
        assert_true(waited_ms < PATIENCE_MS);
        if (!take(r))
            nap_ms(2);
    }
}

// Every picture of [first, end) once, in order.
static void assert_pictures(const struct rig *r, int from, int64_t first_us, int count)
{
    assert_int_equal(r->taken - from, count);
    for (int i = 0; i < count; i++)
        assert_int_equal(r->pts_us[from + i], first_us + (int64_t)i * FRAME_US);
}

static void pictures_come_while_bytes_arrive(void **state)
{
    struct rig r;
    (void)state;
    open_rig(&r, WEIR_DEMUX_VIDEO);
    struct weir_segment *s = hand_over(&r, 0, 0, 0);
    send(&r, s, 0, 0, 0, 60);
    take_at_least(&r, 5);
    assert_false(weir_stream_drained(r.stream, 0));
    send(&r, s, 0, 0, 60, 100);
    weir_stream_eos(r.stream);
    take_to_the_end(&r, 0);
    assert_pictures(&r, 0, 0, MEDIA_SEGMENT_FRAMES);
    assert_int_equal(r.copies.demux_bytes + r.copies.decode_bytes, 0);
    close_rig(&r);
}

static void the_end_waits_for_bytes_in_flight(void **state)
{
    struct rig r;
    (void)state;
    open_rig(&r, WEIR_DEMUX_VIDEO);
    struct weir_segment *s = hand_over(&r, 0, 0, 0);
    weir_stream_eos(r.stream);
    send(&r, s, 0, 0, 0, 50);
    take_at_least(&r, 3);
    nap_ms(50);
    assert_false(weir_stream_drained(r.stream, 0));
    send(&r, s, 0, 0, 50, 100);
    take_to_the_end(&r, 0);
    assert_pictures(&r, 0, 0, MEDIA_SEGMENT_FRAMES);
    close_rig(&r);
}

static void rungs_change_without_a_seam(void **state)
{
    struct rig r;
    (void)state;
    open_rig(&r, WEIR_DEMUX_VIDEO);
    hand_over_whole(&r, 0, 0, 0);
    hand_over_whole(&r, 2, 1, 1);
    hand_over_whole(&r, 1, 2, 2);
    weir_stream_eos(r.stream);
    take_to_the_end(&r, 0);
    assert_pictures(&r, 0, 0, 3 * MEDIA_SEGMENT_FRAMES);
    static const int widths[] = {160, 480, 320};
    for (int i = 0; i < r.taken; i++)
        assert_int_equal(r.widths[i], widths[i / MEDIA_SEGMENT_FRAMES]);
    close_rig(&r);
}

// Abandoned half-way and fetched again at another rung: each picture comes once.
static void a_discarded_segment_is_replaced_without_gap_or_double(void **state)
{
    struct rig r;
    (void)state;
    open_rig(&r, WEIR_DEMUX_VIDEO);
    hand_over_whole(&r, 2, 0, 0);
    struct weir_segment *given_up = hand_over(&r, 2, 1, 1);
    send(&r, given_up, 2, 1, 0, 60);
    take_at_least(&r, MEDIA_SEGMENT_FRAMES + 4); // some of it was shown
    weir_stream_discard(r.stream, 1);
    weir_segment_finish(given_up, WEIR_SEGMENT_FAILED);
    hand_over_whole(&r, 0, 1, 1);
    weir_stream_eos(r.stream);
    take_to_the_end(&r, 0);
    assert_pictures(&r, 0, 0, 2 * MEDIA_SEGMENT_FRAMES);
    assert_int_equal(r.widths[2 * MEDIA_SEGMENT_FRAMES - 1], 160);
    close_rig(&r);
}

static void a_discard_reaches_what_only_waits(void **state)
{
    struct rig r;
    (void)state;
    open_rig(&r, WEIR_DEMUX_VIDEO);
    hand_over_whole(&r, 0, 0, 0);
    hand_over_whole(&r, 0, 1, 1);
    hand_over_whole(&r, 0, 2, 2);
    weir_stream_discard(r.stream, 1); // no picture was taken: the first segment is being read
    hand_over_whole(&r, 1, 1, 1);
    weir_stream_eos(r.stream);
    take_to_the_end(&r, 0);
    assert_pictures(&r, 0, 0, 2 * MEDIA_SEGMENT_FRAMES);
    assert_int_equal(r.widths[MEDIA_SEGMENT_FRAMES], 320);
    close_rig(&r);
}

static void a_seek_drops_what_was_under_way(void **state)
{
    struct rig r;
    (void)state;
    open_rig(&r, WEIR_DEMUX_VIDEO);
    struct weir_segment *stale = hand_over(&r, 0, 0, 0);
    send(&r, stale, 0, 0, 0, 60);
    take_at_least(&r, 3);
    weir_stream_seek(r.stream, 4 * WEIR_SECOND_US + 10 * FRAME_US, false, 1);
    hand_over_whole(&r, 1, 2, 1);
    weir_stream_eos(r.stream);
    int before = r.taken;
    take_to_the_end(&r, 1);
    while (before < r.taken && r.generation[before] == 0)
        before++; // what was in the queue already
    assert_pictures(&r, before, 4 * WEIR_SECOND_US + 10 * FRAME_US, MEDIA_SEGMENT_FRAMES - 10);
    close_rig(&r);
}

static void a_seek_within_what_is_buffered_goes_on_in_it(void **state)
{
    struct rig r;
    int at = 0;
    (void)state;
    open_rig(&r, WEIR_DEMUX_VIDEO);
    hand_over_whole(&r, 0, 0, 0);
    hand_over_whole(&r, 0, 1, 1);
    take_at_least(&r, 3);
    weir_stream_seek(r.stream, 3 * WEIR_SECOND_US, true, 0);
    weir_stream_eos(r.stream);
    take_to_the_end(&r, 0);
    while (at < r.taken && r.pts_us[at] < 3 * WEIR_SECOND_US)
        at++;
    assert_true(at < 20); // those in the queue, and no more than the decoder had in hand
    assert_pictures(&r, at, 3 * WEIR_SECOND_US, 25);
    close_rig(&r);
}

static void seeks_in_a_row_end_at_the_last(void **state)
{
    struct rig r;
    int at = 0;
    (void)state;
    open_rig(&r, WEIR_DEMUX_VIDEO);
    hand_over_whole(&r, 0, 0, 0);
    for (uint32_t g = 1; g <= 20; g++) {
        weir_stream_seek(r.stream, (int64_t)(g % 5) * 2 * WEIR_SECOND_US, false, g);
        if (g < 20 && g % 3 == 0)
            (void)hand_over(&r, 0, g % 5, g); // never gets a byte
    }
    hand_over_whole(&r, 0, 0, 21);
    weir_stream_eos(r.stream);
    take_to_the_end(&r, 20);
    while (at < r.taken && r.generation[at] != 20)
        at++;
    assert_pictures(&r, at, 0, MEDIA_SEGMENT_FRAMES);
    close_rig(&r);
}

static void it_can_be_stopped_at_any_time(void **state)
{
    (void)state;
    for (int moment = 0; moment < 5; moment++) {
        struct rig r;
        open_rig(&r, WEIR_DEMUX_VIDEO);
        if (moment == 1)
            (void)hand_over(&r, 0, 0, 0); // waits for the first byte
        if (moment == 2)
            send(&r, hand_over(&r, 0, 0, 0), 0, 0, 0, 50);
        if (moment >= 3)
            for (uint64_t i = 0; i < 4; i++)
                hand_over_whole(&r, 0, (int64_t)i, i); // waits for room in the queue
        if (moment == 4)
            take_at_least(&r, 1);
        nap_ms(moment * 5);
        close_rig(&r);
    }
}

static void damage_is_told_and_played_over(void **state)
{
    struct rig r;
    struct weir_notice n;
    bool bad = false;
    (void)state;
    open_rig(&r, WEIR_DEMUX_VIDEO);
    hand_over_whole(&r, 0, 0, 0);
    struct weir_segment *s = hand_over(&r, 0, 1, 1);
    assert_int_equal(weir_segment_append(s, "this is no segment at all, whatever it says", 43), 0);
    weir_segment_finish(s, WEIR_SEGMENT_COMPLETE);
    hand_over_whole(&r, 0, 2, 2);
    weir_stream_eos(r.stream);
    take_to_the_end(&r, 0);
    while (weir_stream_notice(r.stream, &n)) {
        if (n.kind != WEIR_NOTICE_BAD_MEDIA)
            continue;
        bad = true;
        assert_int_equal(n.serial, 1);
    }
    assert_true(bad);
    assert_int_equal(r.taken, 2 * MEDIA_SEGMENT_FRAMES);
    assert_int_equal(r.pts_us[MEDIA_SEGMENT_FRAMES], 4 * WEIR_SECOND_US);
    close_rig(&r);
}

int main(void)
{
    if (!media_is_there())
        return 77;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures_come_while_bytes_arrive),
        cmocka_unit_test(the_end_waits_for_bytes_in_flight),
        cmocka_unit_test(rungs_change_without_a_seam),
        cmocka_unit_test(a_discarded_segment_is_replaced_without_gap_or_double),
        cmocka_unit_test(a_discard_reaches_what_only_waits),
        cmocka_unit_test(a_seek_drops_what_was_under_way),
        cmocka_unit_test(a_seek_within_what_is_buffered_goes_on_in_it),
        cmocka_unit_test(seeks_in_a_row_end_at_the_last),
        cmocka_unit_test(it_can_be_stopped_at_any_time),
        cmocka_unit_test(damage_is_told_and_played_over),
    };
    return cmocka_run_group_tests_name("stream", tests, NULL, NULL);
}
