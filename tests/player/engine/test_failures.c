// tests/player/engine/test_failures.c — back-off, resuming part-way, other bases, other rungs,
// skipping, outages, and the end with its cause.
#include "tests/player/engine/rig.h"

#include <string.h>

static const struct rig_spec video_only = {.no_audio = true};

static uint64_t media_id(struct rig *r)
{
    return rig_fetch(r, WEIR_FETCH_MEDIA, WEIR_ENGINE_VIDEO)->id;
}

static void serve_init(struct rig *r)
{
    rig_done(r, r->now_us, rig_fetch(r, WEIR_FETCH_INIT, WEIR_ENGINE_VIDEO)->id, 1000);
}

// 250 ms, then 500 ms, each ±25 %.
static void retries_with_back_off(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, &video_only, "fixed");
    serve_init(&r);
    rig_fail(&r, 1000, media_id(&r), WEIR_ERR_TIMEOUT, true);
    assert_int_equal(r.open_count, 0);
    assert_in_range(r.timer_us - r.now_us, 187500, 312500);
    const struct weir_report *retry = rig_report(&r, WEIR_REPORT_RETRY);
    assert_int_equal(retry->at_us, r.timer_us);
    assert_int_equal(retry->attempt, 1);
    rig_event(&r, r.timer_us, WEIR_EVENT_TIMER);
    const struct weir_fetch *again = rig_fetch(&r, WEIR_FETCH_MEDIA, WEIR_ENGINE_VIDEO);
    assert_int_equal(again->attempt, 1);
    assert_int_equal(again->segment_serial, 0);
    assert_false(again->resume); // not a byte had come
    rig_fail(&r, r.now_us, again->id, WEIR_ERR_TIMEOUT, true);
    assert_in_range(r.timer_us - r.now_us, 375000, 625000);
    rig_clear(&r);
}

static void jitter_depends_on_the_seed_alone(void **state)
{
    (void)state;
    int64_t at_us[3];
    for (int i = 0; i < 3; i++) {
        struct rig r;
        rig_load(&r, &video_only, "fixed");
        r.params.seed = i == 2 ? 99 : 5;
        rig_make(&r);
        rig_open(&r);
        rig_fail(&r, 1000, media_id(&r), WEIR_ERR_TIMEOUT, true);
        at_us[i] = r.timer_us;
        rig_clear(&r);
    }
    assert_int_equal(at_us[0], at_us[1]);
    assert_int_not_equal(at_us[0], at_us[2]);
}

static void honours_retry_after(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, &video_only, "fixed");
    struct weir_engine_event event = {.kind = WEIR_EVENT_FAILED};
    event.transfer.id = media_id(&r);
    event.transfer.err = WEIR_ERR_HTTP;
    event.transfer.http_status = 503;
    event.transfer.retryable = true;
    event.transfer.retry_after_us = 5 * SECOND;
    event.transfer.playable_until_us = WEIR_TIME_NONE;
    r.open_count = 0;
    rig_step(&r, 1000, &event);
    assert_int_equal(r.timer_us, 1000 + 5 * SECOND);
    rig_clear(&r);
}

// Bytes that came are not fetched twice.
static void resumes_part_way(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, &video_only, "fixed");
    serve_init(&r);
    uint64_t id = media_id(&r);
    rig_progress(&r, 1000, id, 50000, 500000);
    rig_fail(&r, 2000, id, WEIR_ERR_NETWORK, true);
    rig_event(&r, r.timer_us, WEIR_EVENT_TIMER);
    const struct weir_fetch *again = rig_fetch(&r, WEIR_FETCH_MEDIA, WEIR_ENGINE_VIDEO);
    assert_true(again->resume);
    assert_int_equal(again->attempt, 1);
    rig_done(&r, r.now_us, again->id, 75000);
    assert_int_equal(rig_report(&r, WEIR_REPORT_SEGMENT)->bytes, 125000);
    assert_int_equal(rig_actions(&r, WEIR_ACTION_DISCARD), 0);
    rig_clear(&r);
}

// What cannot succeed here is asked for at the next base at once, and so are the segments after it.
static void fails_over_to_the_next_base(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, &(struct rig_spec){.no_audio = true, .bases = 2}, "fixed");
    serve_init(&r);
    rig_fail(&r, 1000, media_id(&r), WEIR_ERR_HTTP, false);
    assert_int_equal(rig_report(&r, WEIR_REPORT_FAILOVER)->base, 1);
    assert_int_equal(rig_fetch(&r, WEIR_FETCH_MEDIA, WEIR_ENGINE_VIDEO)->base, 1);
    rig_serve(&r, 2000);
    assert_int_equal(rig_fetch(&r, WEIR_FETCH_MEDIA, WEIR_ENGINE_VIDEO)->base, 1);
    rig_clear(&r);
}

static void tries_a_base_as_often_as_told_before_the_next(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, &(struct rig_spec){.no_audio = true, .bases = 2}, "fixed");
    for (int i = 0; i < 3; i++) {
        assert_int_equal(rig_fetch(&r, WEIR_FETCH_MEDIA, WEIR_ENGINE_VIDEO)->base, 0);
        rig_fail(&r, r.now_us, media_id(&r), WEIR_ERR_TIMEOUT, true);
        if (i < 2)
            rig_event(&r, r.timer_us, WEIR_EVENT_TIMER);
    }
    assert_int_equal(rig_fetch(&r, WEIR_FETCH_MEDIA, WEIR_ENGINE_VIDEO)->base, 1);
    rig_clear(&r);
}

// A segment that one rung lacks comes from the next lower one, in its place.
static void falls_to_the_next_lower_rung(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, &video_only, "fixed:rung=2");
    serve_init(&r);
    rig_fail(&r, 1000, media_id(&r), WEIR_ERR_HTTP, false);
    assert_int_equal(rig_action(&r, WEIR_ACTION_DISCARD)->discard.segment_serial, 0);
    const struct weir_fetch *lower = rig_fetch(&r, WEIR_FETCH_MEDIA, WEIR_ENGINE_VIDEO);
    assert_int_equal(lower->rung, 1);
    assert_int_equal(lower->attempt, 0);
    assert_int_equal(lower->segment_serial, 0);
    rig_serve(&r, 2000);
    assert_int_equal(rig_fetch(&r, WEIR_FETCH_MEDIA, WEIR_ENGINE_VIDEO)->rung, 2); // and back
    rig_clear(&r);
}

static void fail_on_every_rung(struct rig *r, int rungs)
{
    uint64_t serial = rig_fetch(r, WEIR_FETCH_MEDIA, WEIR_ENGINE_VIDEO)->segment_serial;
    for (int i = 0; i < rungs; i++) {
        assert_int_equal(rig_fetch(r, WEIR_FETCH_MEDIA, WEIR_ENGINE_VIDEO)->segment_serial, serial);
        rig_fail(r, r->now_us + 1000, media_id(r), WEIR_ERR_HTTP, false);
    }
}

static void skips_a_segment_that_no_rung_has(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, &video_only, "fixed");
    rig_serve(&r, 0);
    fail_on_every_rung(&r, 3);
    assert_int_equal(rig_action(&r, WEIR_ACTION_FINISH)->discard.segment_serial, 1);
    assert_int_equal(rig_report(&r, WEIR_REPORT_WARNING)->err, WEIR_ERR_HTTP);
    const struct weir_fetch *next = rig_fetch(&r, WEIR_FETCH_MEDIA, WEIR_ENGINE_VIDEO);
    assert_int_equal(next->index, 2);
    assert_int_equal(next->segment_serial, 2);
    // The playhead passes over the hole.
    rig_serve(&r, 4000);
    assert_int_equal(weir_engine_status(r.engine, 5 * SECOND).playhead_us, 5 * SECOND);
    rig_clear(&r);
}

// Three in a row are skipped; a fourth is the end: what is there is played, then the cause is told.
static void ends_with_the_cause_after_too_many(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, &video_only, "fixed");
    rig_serve(&r, 0);
    for (int i = 0; i < 4; i++) {
        assert_false(r.eos[WEIR_ENGINE_VIDEO]);
        fail_on_every_rung(&r, 3);
    }
    assert_true(r.eos[WEIR_ENGINE_VIDEO]);
    assert_false(r.ended);
    assert_int_equal(weir_engine_status(r.engine, 1500000).playhead_us, 1500000);
    rig_event(&r, r.timer_us, WEIR_EVENT_TIMER);
    assert_true(r.ended);
    assert_int_equal(r.end_err, WEIR_ERR_HTTP);
    assert_int_equal(r.now_us, 8 * SECOND); // 2 s of media, 6 s of holes
    rig_clear(&r);
}

static void a_missing_last_segment_ends_early(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, &(struct rig_spec){.no_audio = true, .segments = 2}, "fixed");
    rig_serve(&r, 0);
    fail_on_every_rung(&r, 3);
    assert_true(r.eos[WEIR_ENGINE_VIDEO]);
    rig_event(&r, 4 * SECOND, WEIR_EVENT_DRAINED);
    assert_int_equal(r.end_err, 0);
    rig_clear(&r);
}

static const char gaps[] = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-PLAYLIST-TYPE:VOD\n"
                           "#EXTINF:2,\n0.ts\n#EXT-X-GAP\n#EXTINF:2,\n1.ts\n"
                           "#EXT-X-GAP\n#EXTINF:2,\n2.ts\n#EXTINF:2,\n3.ts\n"
                           "#EXT-X-GAP\n#EXTINF:2,\n4.ts\n#EXT-X-ENDLIST\n";

// EXT-X-GAP (RFC 8216bis, 4.4.4.7): never asked for, no unit opened, the playhead goes through.
static void listed_gaps_are_passed_over(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, &(struct rig_spec){.manifest = gaps}, "fixed");
    rig_serve(&r, 0);
    const struct weir_fetch *next = rig_fetch(&r, WEIR_FETCH_MEDIA, WEIR_ENGINE_VIDEO);
    assert_int_equal(next->index, 3);
    assert_int_equal(next->segment_serial, 1);
    assert_int_equal(next->info.start_us, 6 * SECOND);
    assert_non_null(rig_report(&r, WEIR_REPORT_WARNING));
    rig_serve(&r, 0);
    assert_int_equal(rig_actions(&r, WEIR_ACTION_FINISH), 0);
    assert_true(r.eos[WEIR_ENGINE_VIDEO]);
    assert_int_equal(weir_engine_status(r.engine, 7 * SECOND).playhead_us, 7 * SECOND);
    rig_event(&r, 10 * SECOND, WEIR_EVENT_DRAINED);
    assert_int_equal(r.end_err, 0);
    rig_clear(&r);
}

static void nothing_at_all_is_an_error(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, &(struct rig_spec){.no_audio = true, .segments = 1, .rungs = 1}, "fixed");
    uint64_t id = media_id(&r);
    rig_fail(&r, 1000, id, WEIR_ERR_NOT_FOUND, false);
    assert_true(r.ended);
    assert_int_equal(r.end_err, WEIR_ERR_NOT_FOUND);
    assert_int_equal(rig_action(&r, WEIR_ACTION_END)->end.id, id);
    rig_clear(&r);
}

// A dead network before anything plays: three attempts, and no others at other rungs of the same
// dead host.
static void an_outage_at_the_start_ends_soon(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, &video_only, "fixed:rung=2");
    serve_init(&r);
    for (int i = 0; i < 3; i++) {
        rig_fail(&r, r.now_us, media_id(&r), WEIR_ERR_NETWORK, true);
        if (i < 2)
            rig_event(&r, r.timer_us, WEIR_EVENT_TIMER);
    }
    assert_true(r.ended);
    assert_int_equal(r.end_err, WEIR_ERR_NETWORK);
    assert_true(r.now_us < 2 * SECOND);
    rig_clear(&r);
}

// With media to play, the engine keeps trying; an outage shorter than the buffer goes unnoticed.
static void an_outage_shorter_than_the_buffer_is_sat_out(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, &(struct rig_spec){.no_audio = true, .segments = 100}, "fixed");
    for (int i = 0; i < 20; i++)
        rig_serve(&r, 0);
    int stalls = 0;
    while (r.now_us < 30 * SECOND) {
        if (r.open_count)
            rig_fail(&r, r.now_us, media_id(&r), WEIR_ERR_NETWORK, true);
        else
            rig_event(&r, r.timer_us, WEIR_EVENT_TIMER);
        stalls += rig_action(&r, WEIR_ACTION_STALL) != NULL;
        assert_false(r.ended);
    }
    while (!r.open_count)
        rig_event(&r, r.timer_us, WEIR_EVENT_TIMER);
    rig_serve(&r, r.now_us);
    assert_non_null(rig_report(&r, WEIR_REPORT_SEGMENT));
    assert_int_equal(stalls, 0);
    rig_clear(&r);
}

// Longer than the buffer: it plays out, stalls, makes one more round, and ends with the cause.
static void an_outage_longer_than_the_buffer_ends(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, &(struct rig_spec){.no_audio = true, .segments = 100}, "fixed");
    for (int i = 0; i < 5; i++)
        rig_serve(&r, 0);
    while (!r.ended && r.now_us < 60 * SECOND) {
        if (r.open_count)
            rig_fail(&r, r.now_us, media_id(&r), WEIR_ERR_NETWORK, true);
        else
            rig_event(&r, r.timer_us, WEIR_EVENT_TIMER);
    }
    assert_true(r.ended);
    assert_int_equal(r.end_err, WEIR_ERR_NETWORK);
    assert_in_range(r.now_us, 10 * SECOND, 25 * SECOND);
    rig_clear(&r);
}

static void a_rung_without_its_init_segment_is_not_used(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, &video_only, "fixed:rung=1");
    uint64_t media = media_id(&r);
    rig_fail(&r, 1000, rig_fetch(&r, WEIR_FETCH_INIT, WEIR_ENGINE_VIDEO)->id, WEIR_ERR_HTTP, false);
    assert_int_equal(rig_action(&r, WEIR_ACTION_CANCEL)->id, media);
    assert_non_null(rig_action(&r, WEIR_ACTION_DISCARD));
    for (int i = 0; i < 3; i++) {
        assert_int_equal(rig_fetch(&r, WEIR_FETCH_MEDIA, WEIR_ENGINE_VIDEO)->rung, 0);
        rig_serve(&r, r.now_us + 1000);
    }
    rig_clear(&r);
}

static void no_init_segment_at_all_ends(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, &video_only, "fixed");
    for (int i = 0; i < 3; i++) {
        assert_false(r.ended);
        rig_fail(&r, r.now_us + 1000, rig_fetch(&r, WEIR_FETCH_INIT, WEIR_ENGINE_VIDEO)->id,
                 WEIR_ERR_HTTP, false);
    }
    assert_true(r.ended);
    assert_int_equal(r.end_err, WEIR_ERR_HTTP);
    rig_clear(&r);
}

static void an_unusable_index_moves_to_another_rung(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, &(struct rig_spec){.no_audio = true, .sidx = true}, "fixed:rung=2");
    struct weir_engine_event event = {.kind = WEIR_EVENT_INDEX};
    event.index.id = rig_fetch(&r, WEIR_FETCH_INDEX, WEIR_ENGINE_VIDEO)->id;
    event.index.err = WEIR_ERR_SYNTAX;
    memmove(r.open, r.open + 1, sizeof(r.open[0]) * (r.open_count - 1)); // it was the first asked
    r.open_count--;
    rig_step(&r, 1000, &event);
    assert_int_equal(rig_fetch(&r, WEIR_FETCH_INDEX, WEIR_ENGINE_VIDEO)->rung, 1);
    rig_clear(&r);
}

static void report_bad(struct rig *r, uint64_t serial)
{
    struct weir_engine_event event = {.kind = WEIR_EVENT_BAD_MEDIA};
    event.segment.track = WEIR_ENGINE_VIDEO;
    event.segment.segment_serial = serial;
    event.segment.err = WEIR_ERR_DECODE;
    rig_step(r, r->now_us, &event);
}

// One bad segment is a warning; three in a row are a bad rung.
static void a_rung_of_bad_segments_is_left(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, &(struct rig_spec){.no_audio = true, .segments = 30}, "fixed:rung=2");
    for (int i = 0; i < 4; i++)
        rig_serve(&r, 0);
    report_bad(&r, 1);
    assert_int_equal(rig_report(&r, WEIR_REPORT_WARNING)->err, WEIR_ERR_DECODE);
    report_bad(&r, 1); // another part of it
    assert_null(rig_report(&r, WEIR_REPORT_WARNING));
    report_bad(&r, 2);
    report_bad(&r, 3);
    rig_serve(&r, 0); // the one in flight is still of rung 2
    assert_int_equal(rig_fetch(&r, WEIR_FETCH_MEDIA, WEIR_ENGINE_VIDEO)->rung, 1);
    report_bad(&r, 5000); // never asked for
    assert_null(rig_report(&r, WEIR_REPORT_WARNING));
    rig_clear(&r);
}

static void nothing_but_bad_segments_is_an_error(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, &(struct rig_spec){.no_audio = true, .segments = 2, .rungs = 1}, "fixed");
    rig_serve(&r, 0);
    rig_serve(&r, 0);
    report_bad(&r, 0);
    report_bad(&r, 1);
    rig_event(&r, 4 * SECOND, WEIR_EVENT_DRAINED);
    assert_true(r.ended);
    assert_int_equal(r.end_err, WEIR_ERR_DECODE);
    rig_clear(&r);
}

// Seeking away from what failed for good is a new chance.
static void a_seek_revives_a_doomed_session(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, &video_only, "fixed");
    rig_serve(&r, 0);
    for (int i = 0; i < 4; i++)
        fail_on_every_rung(&r, 3);
    assert_true(r.eos[WEIR_ENGINE_VIDEO]);
    rig_seek(&r, SECOND, 16 * SECOND);
    assert_int_equal(rig_fetch(&r, WEIR_FETCH_MEDIA, WEIR_ENGINE_VIDEO)->index, 8);
    rig_clear(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(retries_with_back_off),
        cmocka_unit_test(jitter_depends_on_the_seed_alone),
        cmocka_unit_test(honours_retry_after),
        cmocka_unit_test(resumes_part_way),
        cmocka_unit_test(fails_over_to_the_next_base),
        cmocka_unit_test(tries_a_base_as_often_as_told_before_the_next),
        cmocka_unit_test(falls_to_the_next_lower_rung),
        cmocka_unit_test(skips_a_segment_that_no_rung_has),
        cmocka_unit_test(ends_with_the_cause_after_too_many),
        cmocka_unit_test(a_missing_last_segment_ends_early),
        cmocka_unit_test(listed_gaps_are_passed_over),
        cmocka_unit_test(nothing_at_all_is_an_error),
        cmocka_unit_test(an_outage_at_the_start_ends_soon),
        cmocka_unit_test(an_outage_shorter_than_the_buffer_is_sat_out),
        cmocka_unit_test(an_outage_longer_than_the_buffer_ends),
        cmocka_unit_test(a_rung_without_its_init_segment_is_not_used),
        cmocka_unit_test(no_init_segment_at_all_ends),
        cmocka_unit_test(an_unusable_index_moves_to_another_rung),
        cmocka_unit_test(a_rung_of_bad_segments_is_left),
        cmocka_unit_test(nothing_but_bad_segments_is_an_error),
        cmocka_unit_test(a_seek_revives_a_doomed_session),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
