// tests/player/engine/test_start.c — from OPEN to the first START: what is asked for at once, and
// when playback begins.
#include "tests/player/engine/rig.h"

// Both first segments and both init segments go out in the very first step: nothing waits for
// anything.
static void asks_for_everything_in_the_first_step(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, NULL, "throughput");
    assert_int_equal(rig_actions(&r, WEIR_ACTION_FETCH), 4);
    for (int t = 0; t < WEIR_ENGINE_TRACKS; t++) {
        const struct weir_fetch *media = rig_fetch(&r, WEIR_FETCH_MEDIA, (enum weir_engine_track)t);
        const struct weir_fetch *init = rig_fetch(&r, WEIR_FETCH_INIT, (enum weir_engine_track)t);
        assert_int_equal(media->index, 0);
        assert_int_equal(media->rung, 0); // nothing is known of the network yet
        assert_int_equal(media->segment_serial, 0);
        assert_int_equal(media->attempt, 0);
        assert_false(media->resume);
        assert_ptr_equal(media->init, init->init);
    }
    assert_int_equal(weir_engine_status(r.engine, 0).state, WEIR_STATE_STARTING);
    rig_clear(&r);
}

// Nothing is known before the index: it and the init segment go out, the segment follows it.
static void asks_for_the_index_first_where_one_is_needed(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, &(struct rig_spec){.sidx = true, .no_audio = true}, "throughput");
    assert_int_equal(rig_actions(&r, WEIR_ACTION_FETCH), 2);
    assert_true(rig_has_fetch(&r, WEIR_FETCH_INIT, WEIR_ENGINE_VIDEO));
    rig_index(&r, 1000, rig_fetch(&r, WEIR_FETCH_INDEX, WEIR_ENGINE_VIDEO)->id);
    const struct weir_fetch *media = rig_fetch(&r, WEIR_FETCH_MEDIA, WEIR_ENGINE_VIDEO);
    assert_int_equal(media->rung, 0);
    assert_int_equal(media->expected_bytes, 1000); // exact, from the sidx
    rig_clear(&r);
}

static void starts_with_the_first_playable_media_on_all_tracks(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, NULL, "throughput");
    uint64_t video = rig_fetch(&r, WEIR_FETCH_MEDIA, WEIR_ENGINE_VIDEO)->id;
    uint64_t audio = rig_fetch(&r, WEIR_FETCH_MEDIA, WEIR_ENGINE_AUDIO)->id;
    rig_done(&r, 1000, rig_fetch(&r, WEIR_FETCH_INIT, WEIR_ENGINE_VIDEO)->id, 1000);
    rig_done(&r, 1000, rig_fetch(&r, WEIR_FETCH_INIT, WEIR_ENGINE_AUDIO)->id, 1000);
    rig_progress(&r, 2000, video, 5000, 40000);
    assert_null(rig_action(&r, WEIR_ACTION_START)); // no sound yet
    rig_progress(&r, 3000, audio, 500, 20000);
    const struct weir_action *start = rig_action(&r, WEIR_ACTION_START);
    assert_non_null(start);
    assert_int_equal(start->media_us, 0);
    assert_int_equal(rig_report(&r, WEIR_REPORT_PLAYING)->duration_us, 3000);
    rig_clear(&r);
}

// Media are of no use without their init segment.
static void does_not_start_before_the_init_segment(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, &(struct rig_spec){.no_audio = true}, "throughput");
    rig_done(&r, 1000, rig_fetch(&r, WEIR_FETCH_MEDIA, WEIR_ENGINE_VIDEO)->id, 125000);
    assert_null(rig_action(&r, WEIR_ACTION_START));
    assert_int_equal(weir_engine_status(r.engine, 1000).buffer_level_us[WEIR_ENGINE_VIDEO], 0);
    rig_done(&r, 2000, rig_fetch(&r, WEIR_FETCH_INIT, WEIR_ENGINE_VIDEO)->id, 1000);
    assert_non_null(rig_action(&r, WEIR_ACTION_START));
    assert_non_null(rig_report(&r, WEIR_REPORT_SEGMENT));
    rig_clear(&r);
}

static void waits_for_the_startup_level(void **state)
{
    (void)state;
    struct rig r;
    rig_load(&r, &(struct rig_spec){.no_audio = true}, "fixed");
    r.params.startup_us = 3 * SECOND;
    rig_make(&r);
    rig_open(&r);
    rig_serve(&r, 1000);
    assert_null(rig_action(&r, WEIR_ACTION_START)); // 2 s
    rig_progress(&r, 2000, rig_fetch(&r, WEIR_FETCH_MEDIA, WEIR_ENGINE_VIDEO)->id, 60000,
                 3 * SECOND - 1);
    assert_null(rig_action(&r, WEIR_ACTION_START));
    rig_progress(&r, 3000, rig_fetch(&r, WEIR_FETCH_MEDIA, WEIR_ENGINE_VIDEO)->id, 62500,
                 3 * SECOND);
    assert_non_null(rig_action(&r, WEIR_ACTION_START));
    rig_clear(&r);
}

// More media than will ever be buffered cannot be waited for.
static void a_startup_level_above_the_buffer_starts_when_full(void **state)
{
    (void)state;
    struct rig r;
    rig_load(&r, &(struct rig_spec){.no_audio = true}, "fixed");
    r.params.buffer_max_us = 6 * SECOND;
    r.params.startup_us = 15 * SECOND;
    rig_make(&r);
    rig_open(&r);
    for (int i = 1; i <= 3; i++) {
        assert_int_equal(weir_engine_status(r.engine, r.now_us).state, WEIR_STATE_STARTING);
        rig_serve(&r, i * 1000);
    }
    assert_non_null(rig_action(&r, WEIR_ACTION_START));
    rig_clear(&r);
}

static void starts_in_the_middle(void **state)
{
    (void)state;
    struct rig r;
    rig_load(&r, &(struct rig_spec){.periods = 2}, "fixed");
    r.params.start_at_us = 25 * SECOND; // 5 s into the second period of 20 s each
    rig_make(&r);
    rig_open(&r);
    const struct weir_fetch *media = rig_fetch(&r, WEIR_FETCH_MEDIA, WEIR_ENGINE_VIDEO);
    assert_int_equal(media->period, 1);
    assert_int_equal(media->index, 2);
    rig_serve(&r, 1000);
    assert_int_equal(weir_engine_status(r.engine, 1000).playhead_us, 25 * SECOND);
    rig_clear(&r);
}

static void untimed_starts_at_once(void **state)
{
    (void)state;
    struct rig r;
    rig_load(&r, NULL, "fixed");
    r.params.untimed = true;
    r.params.startup_us = 10 * SECOND;
    rig_make(&r);
    rig_open(&r);
    assert_non_null(rig_action(&r, WEIR_ACTION_START));
    assert_int_equal(rig_actions(&r, WEIR_ACTION_FETCH), 4);
    assert_int_equal(weir_engine_status(r.engine, SECOND).playhead_us, 0); // sinks set the pace
    rig_clear(&r);
}

static void plays_either_track_alone(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, &(struct rig_spec){.no_video = true}, "throughput");
    assert_int_equal(rig_actions(&r, WEIR_ACTION_FETCH), 2);
    rig_serve(&r, 1000);
    assert_int_equal(weir_engine_status(r.engine, 1000).state, WEIR_STATE_PLAYING);
    rig_clear(&r);
}

static void refuses_what_cannot_happen(void **state)
{
    (void)state;
    struct rig r;
    rig_load(&r, NULL, "fixed");
    struct weir_engine *none = NULL;
    struct weir_engine_params bad = r.params;
    bad.abr[WEIR_ENGINE_AUDIO] = NULL;
    assert_int_equal(weir_engine_create(&bad, &r.content, &none), WEIR_ERR_INVAL);
    bad = r.params;
    bad.buffer_max_us = 0;
    assert_int_equal(weir_engine_create(&bad, &r.content, &none), WEIR_ERR_INVAL);
    assert_null(none);

    rig_make(&r);
    struct weir_engine_event event = {.kind = WEIR_EVENT_PLAY};
    assert_int_equal(rig_try(&r, 0, &event), WEIR_ERR_INVAL); // before OPEN
    event.kind = WEIR_EVENT_OPEN;
    assert_int_equal(rig_try(&r, 1000, &event), 0);
    assert_int_equal(rig_try(&r, 2000, &event), WEIR_ERR_INVAL); // twice
    event.kind = WEIR_EVENT_TIMER;
    assert_int_equal(rig_try(&r, 999, &event), WEIR_ERR_INVAL); // back in time
    event = (struct weir_engine_event){.kind = WEIR_EVENT_RATE, .rate_permille = 0};
    assert_int_equal(rig_try(&r, 3000, &event), WEIR_ERR_INVAL);
    // A transfer that the engine knows nothing of is no error: it may have been cancelled.
    event = (struct weir_engine_event){.kind = WEIR_EVENT_DONE};
    event.transfer.id = 12345;
    assert_int_equal(rig_try(&r, 3000, &event), 0);
    assert_int_equal(r.last.count, 0);
    rig_clear(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(asks_for_everything_in_the_first_step),
        cmocka_unit_test(asks_for_the_index_first_where_one_is_needed),
        cmocka_unit_test(starts_with_the_first_playable_media_on_all_tracks),
        cmocka_unit_test(does_not_start_before_the_init_segment),
        cmocka_unit_test(waits_for_the_startup_level),
        cmocka_unit_test(a_startup_level_above_the_buffer_starts_when_full),
        cmocka_unit_test(starts_in_the_middle),
        cmocka_unit_test(untimed_starts_at_once),
        cmocka_unit_test(plays_either_track_alone),
        cmocka_unit_test(refuses_what_cannot_happen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
