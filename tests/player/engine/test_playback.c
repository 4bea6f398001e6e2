// tests/player/engine/test_playback.c — the playhead and the playback state: stalls, resuming,
// pausing, rates, corrections.
#include "tests/player/engine/rig.h"

static const struct rig_spec video_only = {.no_audio = true};

// One segment of 2 s is there and playing from time 0; the second is in flight.
static void start_with_one_segment(struct rig *r)
{
    rig_start(r, &video_only, "fixed");
    rig_serve(r, 0);
    assert_int_equal(weir_engine_status(r->engine, 0).state, WEIR_STATE_PLAYING);
}

static void the_playhead_moves_with_time(void **state)
{
    (void)state;
    struct rig r;
    start_with_one_segment(&r);
    assert_int_equal(weir_engine_status(r.engine, 1500000).playhead_us, 1500000);
    // Never beyond what can be played, however late the question.
    assert_int_equal(weir_engine_status(r.engine, 9 * SECOND).playhead_us, 2 * SECOND);
    rig_clear(&r);
}

static void stalls_when_dry_and_resumes_at_the_level(void **state)
{
    (void)state;
    struct rig r;
    start_with_one_segment(&r);
    assert_int_equal(r.timer_us, 2 * SECOND);
    rig_event(&r, 2 * SECOND, WEIR_EVENT_TIMER);
    assert_non_null(rig_action(&r, WEIR_ACTION_STALL));
    assert_int_equal(rig_report(&r, WEIR_REPORT_STALL)->media_us, 2 * SECOND);
    uint64_t id = rig_fetch(&r, WEIR_FETCH_MEDIA, WEIR_ENGINE_VIDEO)->id;
    rig_progress(&r, 3 * SECOND, id, 100000, 4 * SECOND - 1);
    assert_null(rig_action(&r, WEIR_ACTION_RESUME)); // 2 s wanted
    rig_done(&r, 4 * SECOND, id, 125000);
    assert_non_null(rig_action(&r, WEIR_ACTION_RESUME));
    assert_int_equal(rig_report(&r, WEIR_REPORT_RESUME)->duration_us, 2 * SECOND);
    assert_int_equal(weir_engine_status(r.engine, 4 * SECOND).playhead_us, 2 * SECOND);
    assert_int_equal(weir_engine_status(r.engine, 5 * SECOND).playhead_us, 3 * SECOND);
    rig_clear(&r);
}

// Bytes that arrive just in time put the stall off.
static void playable_media_put_a_stall_off(void **state)
{
    (void)state;
    struct rig r;
    start_with_one_segment(&r);
    uint64_t id = rig_fetch(&r, WEIR_FETCH_MEDIA, WEIR_ENGINE_VIDEO)->id;
    rig_progress(&r, SECOND, id, 60000, 3 * SECOND);
    assert_int_equal(r.timer_us, 3 * SECOND);
    rig_event(&r, 3 * SECOND, WEIR_EVENT_TIMER);
    assert_non_null(rig_action(&r, WEIR_ACTION_STALL));
    rig_clear(&r);
}

static void the_track_behind_decides(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, NULL, "fixed");
    rig_serve(&r, 0);
    rig_done(&r, 1000, rig_fetch(&r, WEIR_FETCH_MEDIA, WEIR_ENGINE_VIDEO)->id, 125000);
    assert_int_equal(weir_engine_status(r.engine, 1000).playable_until_us, 2 * SECOND); // sound
    rig_event(&r, 2 * SECOND, WEIR_EVENT_TIMER);
    assert_non_null(rig_action(&r, WEIR_ACTION_STALL));
    rig_clear(&r);
}

// The last segment is shorter than the resume level; waiting for more would be waiting for ever.
static void resumes_when_everything_to_the_end_is_there(void **state)
{
    (void)state;
    struct rig r;
    rig_load(&r, &(struct rig_spec){.no_audio = true, .segments = 2}, "fixed");
    r.params.resume_us = 20 * SECOND;
    rig_make(&r);
    rig_open(&r);
    rig_serve(&r, 0);
    rig_event(&r, 2 * SECOND, WEIR_EVENT_TIMER);
    assert_non_null(rig_action(&r, WEIR_ACTION_STALL));
    rig_serve(&r, 3 * SECOND);
    assert_non_null(rig_action(&r, WEIR_ACTION_RESUME));
    assert_non_null(rig_action(&r, WEIR_ACTION_EOS));
    rig_clear(&r);
}

static void pausing_stops_the_playhead_but_not_fetching(void **state)
{
    (void)state;
    struct rig r;
    start_with_one_segment(&r);
    rig_event(&r, SECOND, WEIR_EVENT_PAUSE);
    assert_non_null(rig_action(&r, WEIR_ACTION_PAUSE));
    rig_event(&r, SECOND, WEIR_EVENT_PAUSE);
    assert_null(rig_action(&r, WEIR_ACTION_PAUSE)); // it is already
    rig_serve(&r, 50 * SECOND);
    assert_true(rig_has_fetch(&r, WEIR_FETCH_MEDIA, WEIR_ENGINE_VIDEO));
    assert_int_equal(weir_engine_status(r.engine, 60 * SECOND).playhead_us, SECOND);
    rig_event(&r, 60 * SECOND, WEIR_EVENT_PLAY);
    assert_non_null(rig_action(&r, WEIR_ACTION_PLAY));
    assert_int_equal(weir_engine_status(r.engine, 61 * SECOND).playhead_us, 2 * SECOND);
    rig_clear(&r);
}

static void a_rate_moves_the_playhead_faster(void **state)
{
    (void)state;
    struct rig r;
    start_with_one_segment(&r);
    struct weir_engine_event rate = {.kind = WEIR_EVENT_RATE, .rate_permille = 2000};
    rig_step(&r, SECOND / 2, &rate);
    assert_int_equal(rig_action(&r, WEIR_ACTION_RATE)->rate_permille, 2000);
    assert_int_equal(weir_engine_status(r.engine, SECOND).playhead_us, 1500000);
    assert_int_equal(r.timer_us, 1250000); // dry then
    rig_clear(&r);
}

// The host's clock is the true one: it moves the playhead forward at once, and holds it where it
// ran ahead.
static void the_hosts_playhead_corrects(void **state)
{
    (void)state;
    struct rig r;
    start_with_one_segment(&r);
    rig_playhead(&r, SECOND, 1200000);
    assert_int_equal(weir_engine_status(r.engine, SECOND).playhead_us, 1200000);
    rig_playhead(&r, SECOND, 1000000);
    assert_int_equal(weir_engine_status(r.engine, SECOND).playhead_us, 1200000);
    assert_int_equal(weir_engine_status(r.engine, 1100000).playhead_us, 1200000);
    assert_int_equal(weir_engine_status(r.engine, 1300000).playhead_us, 1300000);
    assert_int_equal(r.timer_us, 2 * SECOND); // the stall follows the corrected clock
    rig_playhead(&r, 1300000, 99 * SECOND);   // nonsense is bounded
    assert_int_equal(weir_engine_status(r.engine, 1300000).playhead_us, 2 * SECOND);
    rig_clear(&r);
}

// Untimed, the sinks set the pace: running dry is no stall, and room comes with the playhead.
static void untimed_moves_only_with_the_sinks(void **state)
{
    (void)state;
    struct rig r;
    rig_load(&r, &video_only, "fixed");
    r.params.untimed = true;
    r.params.buffer_max_us = 4 * SECOND;
    rig_make(&r);
    rig_open(&r);
    rig_serve(&r, 0);
    rig_serve(&r, 0);
    assert_int_equal(r.open_count, 0);
    rig_event(&r, 100 * SECOND, WEIR_EVENT_TIMER);
    assert_int_equal(r.open_count, 0);
    rig_playhead(&r, 100 * SECOND, 3960000); // the last picture of 4 s
    assert_null(rig_action(&r, WEIR_ACTION_STALL));
    assert_int_equal(r.open_count, 1);
    rig_clear(&r);
}

static void a_track_that_carries_nothing_is_forgotten(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, NULL, "fixed");
    struct weir_engine_event streams = {.kind = WEIR_EVENT_STREAMS, .track = WEIR_ENGINE_AUDIO};
    rig_step(&r, 1000, &streams);
    assert_int_equal(rig_actions(&r, WEIR_ACTION_CANCEL), 2);
    rig_serve(&r, 2000);
    assert_int_equal(weir_engine_status(r.engine, 2000).state, WEIR_STATE_PLAYING);
    assert_false(rig_has_fetch(&r, WEIR_FETCH_MEDIA, WEIR_ENGINE_AUDIO));
    streams.track = WEIR_ENGINE_VIDEO;
    rig_step(&r, 3000, &streams);
    assert_true(r.ended);
    assert_int_equal(r.end_err, WEIR_ERR_UNSUPPORTED);
    rig_clear(&r);
}

static void stop_cancels_everything(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, NULL, "fixed");
    rig_event(&r, 1000, WEIR_EVENT_STOP);
    assert_int_equal(rig_actions(&r, WEIR_ACTION_CANCEL), 4);
    assert_true(r.ended);
    assert_int_equal(r.end_err, WEIR_ERR_CANCELLED);
    rig_clear(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_playhead_moves_with_time),
        cmocka_unit_test(stalls_when_dry_and_resumes_at_the_level),
        cmocka_unit_test(playable_media_put_a_stall_off),
        cmocka_unit_test(the_track_behind_decides),
        cmocka_unit_test(resumes_when_everything_to_the_end_is_there),
        cmocka_unit_test(pausing_stops_the_playhead_but_not_fetching),
        cmocka_unit_test(a_rate_moves_the_playhead_faster),
        cmocka_unit_test(the_hosts_playhead_corrects),
        cmocka_unit_test(untimed_moves_only_with_the_sinks),
        cmocka_unit_test(a_track_that_carries_nothing_is_forgotten),
        cmocka_unit_test(stop_cancels_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
