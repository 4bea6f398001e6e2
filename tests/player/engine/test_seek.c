// tests/player/engine/test_seek.c — seeking within what is buffered, ahead, back, across periods,
// and beyond the ends.
#include "tests/player/engine/rig.h"

static const struct rig_spec video_only = {.no_audio = true};

static void ahead_drops_everything_and_starts_there(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, NULL, "fixed");
    rig_serve(&r, 1000);
    uint64_t video = rig_fetch(&r, WEIR_FETCH_MEDIA, WEIR_ENGINE_VIDEO)->id;
    uint64_t serial = rig_fetch(&r, WEIR_FETCH_MEDIA, WEIR_ENGINE_VIDEO)->segment_serial;
    rig_seek(&r, SECOND, 15 * SECOND);
    assert_int_equal(rig_actions(&r, WEIR_ACTION_CANCEL), 2);
    assert_int_equal(rig_action(&r, WEIR_ACTION_SEEK)->seek.media_us, 15 * SECOND);
    assert_false(rig_action(&r, WEIR_ACTION_SEEK)->seek.keep_buffered);
    assert_int_equal(rig_report(&r, WEIR_REPORT_SEEK)->media_us, 15 * SECOND);
    const struct weir_fetch *media = rig_fetch(&r, WEIR_FETCH_MEDIA, WEIR_ENGINE_VIDEO);
    assert_int_equal(media->index, 7); // 14 s to 16 s
    assert_true(media->segment_serial > serial);
    assert_false(rig_has_fetch(&r, WEIR_FETCH_INIT, WEIR_ENGINE_VIDEO)); // the host has it
    assert_int_equal(weir_engine_status(r.engine, SECOND).state, WEIR_STATE_STARTING);
    // The cancelled transfer's last words.
    struct weir_engine_event late = {.kind = WEIR_EVENT_DONE};
    late.transfer.id = video;
    late.transfer.bytes = 1;
    rig_step(&r, SECOND, &late);
    assert_int_equal(r.last.count, 0);
    rig_serve(&r, 2 * SECOND);
    assert_int_equal(rig_action(&r, WEIR_ACTION_START)->media_us, 15 * SECOND);
    assert_int_equal(rig_report(&r, WEIR_REPORT_SEEKED)->duration_us, SECOND);
    rig_clear(&r);
}

static void back_fetches_again(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, &video_only, "fixed");
    for (int i = 0; i < 4; i++)
        rig_serve(&r, 1000);
    rig_seek(&r, 5 * SECOND, SECOND);
    assert_false(rig_action(&r, WEIR_ACTION_SEEK)->seek.keep_buffered);
    assert_int_equal(rig_fetch(&r, WEIR_FETCH_MEDIA, WEIR_ENGINE_VIDEO)->index, 0);
    assert_int_equal(weir_engine_status(r.engine, 5 * SECOND).playhead_us, SECOND);
    assert_int_equal(weir_engine_status(r.engine, 5 * SECOND).buffered_bytes, 0);
    rig_clear(&r);
}

// What is buffered ahead is used: no fetch again, no wait.
static void within_the_buffer_keeps_it(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, NULL, "fixed");
    for (int i = 0; i < 4; i++)
        rig_serve(&r, 1000);
    uint64_t in_flight = rig_fetch(&r, WEIR_FETCH_MEDIA, WEIR_ENGINE_VIDEO)->id;
    rig_seek(&r, SECOND, 5 * SECOND);
    assert_true(rig_action(&r, WEIR_ACTION_SEEK)->seek.keep_buffered);
    assert_int_equal(rig_actions(&r, WEIR_ACTION_CANCEL), 0);
    assert_int_equal(rig_action(&r, WEIR_ACTION_START)->media_us, 5 * SECOND); // in the same step
    assert_int_equal(rig_fetch(&r, WEIR_FETCH_MEDIA, WEIR_ENGINE_VIDEO)->id, in_flight);
    struct weir_engine_status s = weir_engine_status(r.engine, SECOND);
    assert_int_equal(s.state, WEIR_STATE_PLAYING);
    assert_int_equal(s.buffer_level_us[WEIR_ENGINE_VIDEO], 3 * SECOND);
    rig_clear(&r);
}

static void into_another_period_takes_its_tracks(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, &(struct rig_spec){.periods = 3, .segments = 5}, "fixed");
    rig_serve(&r, 1000);
    rig_seek(&r, SECOND, 25 * SECOND);
    const struct weir_fetch *media = rig_fetch(&r, WEIR_FETCH_MEDIA, WEIR_ENGINE_VIDEO);
    assert_int_equal(media->period, 2);
    assert_int_equal(media->index, 2);
    assert_true(rig_has_fetch(&r, WEIR_FETCH_INIT, WEIR_ENGINE_VIDEO));
    rig_seek(&r, SECOND, 0);
    assert_int_equal(rig_fetch(&r, WEIR_FETCH_MEDIA, WEIR_ENGINE_VIDEO)->period, 0);
    rig_clear(&r);
}

static void beyond_the_ends_is_clamped(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, &video_only, "fixed");
    rig_serve(&r, 1000);
    rig_seek(&r, SECOND, -5 * SECOND);
    assert_int_equal(rig_action(&r, WEIR_ACTION_SEEK)->seek.media_us, 0);
    rig_serve(&r, SECOND);
    rig_seek(&r, SECOND, 500 * SECOND);
    assert_int_equal(rig_action(&r, WEIR_ACTION_SEEK)->seek.media_us, 20 * SECOND);
    // Nothing is left there: the end, once the host has drained.
    assert_true(r.eos[WEIR_ENGINE_VIDEO]);
    assert_non_null(rig_action(&r, WEIR_ACTION_START));
    rig_event(&r, 2 * SECOND, WEIR_EVENT_DRAINED);
    assert_int_equal(r.end_err, 0);
    assert_true(r.ended);
    rig_clear(&r);
}

// EOS is taken back when the viewer returns from the end.
static void back_from_the_end_fetches_again(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, &(struct rig_spec){.segments = 2, .no_audio = true}, "fixed");
    rig_serve(&r, 0);
    rig_serve(&r, 0);
    assert_true(r.eos[WEIR_ENGINE_VIDEO]);
    rig_seek(&r, 3 * SECOND, 0);
    assert_false(r.eos[WEIR_ENGINE_VIDEO]);
    assert_int_equal(rig_fetch(&r, WEIR_FETCH_MEDIA, WEIR_ENGINE_VIDEO)->index, 0);
    // A DRAINED from before the seek is stale.
    rig_event(&r, 3 * SECOND, WEIR_EVENT_DRAINED);
    assert_false(r.ended);
    rig_clear(&r);
}

static void while_starting_and_while_paused(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, &video_only, "fixed");
    rig_seek(&r, 1000, 8 * SECOND); // before anything came
    assert_int_equal(rig_fetch(&r, WEIR_FETCH_MEDIA, WEIR_ENGINE_VIDEO)->index, 4);
    assert_true(rig_has_fetch(&r, WEIR_FETCH_INIT, WEIR_ENGINE_VIDEO)); // still on its way
    rig_event(&r, 2000, WEIR_EVENT_PAUSE);
    rig_serve(&r, 3000);
    assert_int_equal(rig_action(&r, WEIR_ACTION_START)->media_us, 8 * SECOND);
    assert_int_equal(weir_engine_status(r.engine, 9 * SECOND).playhead_us, 8 * SECOND);
    assert_true(weir_engine_status(r.engine, 9 * SECOND).paused);
    rig_clear(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ahead_drops_everything_and_starts_there),
        cmocka_unit_test(back_fetches_again),
        cmocka_unit_test(within_the_buffer_keeps_it),
        cmocka_unit_test(into_another_period_takes_its_tracks),
        cmocka_unit_test(beyond_the_ends_is_clamped),
        cmocka_unit_test(back_from_the_end_fetches_again),
        cmocka_unit_test(while_starting_and_while_paused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
