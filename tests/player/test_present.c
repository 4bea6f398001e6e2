// tests/player/test_present.c — which picture comes when: the public API on the small ladder, from
// files, without a sound device.
#include "tests/player/player_test.h"

#include <stdio.h>

#include <jansson.h>

#include <weir/player.h>

#include "core/clock.h"
#include "tests/player/media.h"

#define FRAME_US 40000

struct rig {
    struct weir_player *player;
    struct weir_clock clock;
    int64_t pts_us; // of the picture taken last
};

static void open_rig(struct rig *r, bool untimed)
{
    struct weir_player_params p = weir_player_params_default();
    struct weir_error error = {0};
    *r = (struct rig){.clock = weir_clock_monotonic(), .pts_us = -1};
    p.url = MEDIA_FOLDER "/dash-number/manifest.mpd";
    p.rung = 0;
    p.untimed = untimed;
    p.audio_output = WEIR_AUDIO_NULL;
    assert_int_equal(weir_player_create(&p, &r->player, &error), 0);
}

static void close_rig(struct rig *r)
{
    weir_player_destroy(&r->player);
}

// One look: 0 and a picture taken and returned, or what next_picture() said.
static int look(struct rig *r, int64_t *wait_us)
{
    struct weir_player_picture picture;
    int err = weir_player_next_picture(r->player, &picture, wait_us);
    if (err)
        return err;
    assert_non_null(picture.frame->data[0]);
    r->pts_us = picture.pts_us;
    weir_player_release_picture(r->player, &picture);
    return 0;
}

// Take the next picture, however long it takes to come; false at the end.
static bool take(struct rig *r)
{
    int64_t until_us = weir_clock_now_us(&r->clock) + PATIENCE_MS * INT64_C(1000), wait_us;
    for (;;) {
        int err = look(r, &wait_us);
        if (err == 0)
            return true;
        if (err != WEIR_ERR_AGAIN)
            return false;
        assert_true(weir_clock_now_us(&r->clock) < until_us);
        weir_player_wait(r->player, wait_us < 0 || wait_us > 50000 ? 50000 : wait_us);
    }
}

// Pictures that come within a time.
static int count_within(struct rig *r, int64_t within_us)
{
    int64_t until_us = weir_clock_now_us(&r->clock) + within_us, wait_us;
    int count = 0;
    while (weir_clock_now_us(&r->clock) < until_us) {
        if (look(r, &wait_us) == 0)
            count++;
        else
            weir_player_wait(r->player, 5000);
    }
    return count;
}

static struct weir_player_status status_of(struct rig *r)
{
    struct weir_player_status s;
    weir_player_status(r->player, &s);
    return s;
}

static void pictures_come_in_order_and_never_early(void **state)
{
    struct rig r;
    int64_t last_us = -1;
    (void)state;
    open_rig(&r, false);
    assert_true(take(&r));
    assert_int_equal(r.pts_us, 0);
    int64_t began_us = weir_clock_now_us(&r.clock);
    while (r.pts_us < WEIR_SECOND_US) {
        assert_true(r.pts_us > last_us);
        last_us = r.pts_us;
        assert_true(take(&r));
        // The clock begins with the first picture; its precision is a millisecond.
        assert_true(weir_clock_now_us(&r.clock) - began_us >= r.pts_us - 2000);
    }
    close_rig(&r);
}

static void an_application_that_sleeps_loses_pictures_not_time(void **state)
{
    struct rig r;
    (void)state;
    open_rig(&r, false);
    assert_true(take(&r));
    int64_t began_us = weir_clock_now_us(&r.clock);
    // All that is due lies in the queue of four while nobody looks; then the clock has gone on.
    for (int i = 0; i < 6; i++) {
        nap_ms(250);
        assert_true(take(&r));
    }
    wait_until(take(&r) && status_of(&r).frames_dropped > 0);
    // What is shown is at most a short queue behind the clock.
    assert_true(r.pts_us >= weir_clock_now_us(&r.clock) - began_us - WEIR_SECOND_US);
    close_rig(&r);
}

static void a_pause_holds_the_picture(void **state)
{
    struct rig r;
    (void)state;
    open_rig(&r, false);
    for (int i = 0; i < 10; i++)
        assert_true(take(&r));
    weir_player_pause(r.player, true);
    wait_until(status_of(&r).paused);
    int64_t dropped = status_of(&r).frames_dropped;
    (void)count_within(&r, 20000); // one may have been due
    int64_t held_us = r.pts_us;
    assert_int_equal(count_within(&r, 300000), 0);
    weir_player_pause(r.player, false);
    assert_true(take(&r));
    assert_true(r.pts_us > held_us && r.pts_us <= held_us + 20 * FRAME_US);
    assert_true(status_of(&r).frames_dropped - dropped <= 12);
    close_rig(&r);
}

static void a_seek_shows_the_place_sought_first(void **state)
{
    static const int64_t places_us[] = {8000000, 3000000, 10040000, 0, 1960000};
    struct rig r;
    (void)state;
    open_rig(&r, false);
    assert_true(take(&r));
    for (size_t i = 0; i < sizeof(places_us) / sizeof(places_us[0]); i++) {
        int64_t waited_ms = 0;
        weir_player_seek(r.player, places_us[i]);
        // Pictures of the old place may still be in hand until the command is heard.
        do {
            assert_true(take(&r));
            assert_true(waited_ms++ < 500);
        } while (r.pts_us < places_us[i] - FRAME_US || r.pts_us > places_us[i] + FRAME_US);
        assert_int_equal(r.pts_us, places_us[i]);
        int64_t last_us = r.pts_us;
        assert_true(take(&r));
        assert_true(r.pts_us > last_us && r.pts_us < last_us + WEIR_SECOND_US);
    }
    close_rig(&r);
}

static void a_seek_while_paused_shows_its_picture(void **state)
{
    struct rig r;
    (void)state;
    open_rig(&r, false);
    assert_true(take(&r));
    weir_player_pause(r.player, true);
    wait_until(status_of(&r).paused);
    (void)count_within(&r, 50000);
    weir_player_seek(r.player, 6000000);
    assert_true(take(&r));
    assert_int_equal(r.pts_us, 6000000);
    assert_int_equal(count_within(&r, 200000), 0); // that one alone
    close_rig(&r);
}

static void speed_changes_the_pace(void **state)
{
    struct rig r;
    (void)state;
    open_rig(&r, false);
    assert_true(take(&r));
    weir_player_rate(r.player, 4000);
    wait_until(take(&r) && status_of(&r).rate_permille == 4000);
    int64_t began_us = weir_clock_now_us(&r.clock), from_us = r.pts_us;
    while (r.pts_us < from_us + 4 * WEIR_SECOND_US)
        assert_true(take(&r));
    int64_t took_us = weir_clock_now_us(&r.clock) - began_us;
    assert_in_range(took_us, 800000, 4000000); // a second; wide, for slow machines
    close_rig(&r);
}

static void untimed_every_picture_comes_once(void **state)
{
    struct rig r;
    int64_t expected_us = 0;
    (void)state;
    open_rig(&r, true);
    assert_null(weir_player_summary(r.player)); // not before the end
    for (; take(&r); expected_us += FRAME_US)
        assert_int_equal(r.pts_us, expected_us);
    assert_int_equal(expected_us, 12 * WEIR_SECOND_US);
    assert_int_equal(status_of(&r).frames_dropped, 0);
    char *summary = weir_player_summary(r.player);
    json_t *o = summary ? json_loads(summary, 0, NULL) : NULL;
    assert_non_null(o);
    assert_int_equal(json_integer_value(json_object_get(json_object_get(o, "frames"), "delivered")),
                     300);
    json_decref(o);
    free(summary);
    close_rig(&r);
}

static void a_stop_is_heard_at_once(void **state)
{
    struct rig r;
    (void)state;
    for (int pictures = 0; pictures < 3; pictures++) {
        open_rig(&r, false);
        for (int i = 0; i < pictures; i++)
            assert_true(take(&r));
        weir_player_stop(r.player);
        int64_t wait_us;
        int err = 0;
        wait_until((err = look(&r, &wait_us)) != 0 && err != WEIR_ERR_AGAIN);
        struct weir_error error;
        weir_player_error(r.player, &error);
        assert_true(error.code == 0 || error.code == WEIR_ERR_CANCELLED);
        close_rig(&r);
    }
}

int main(void)
{
    if (!media_is_there())
        return 77;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures_come_in_order_and_never_early),
        cmocka_unit_test(an_application_that_sleeps_loses_pictures_not_time),
        cmocka_unit_test(a_pause_holds_the_picture),
        cmocka_unit_test(a_seek_shows_the_place_sought_first),
        cmocka_unit_test(a_seek_while_paused_shows_its_picture),
        cmocka_unit_test(speed_changes_the_pace),
        cmocka_unit_test(untimed_every_picture_comes_once),
        cmocka_unit_test(a_stop_is_heard_at_once),
    };
    return cmocka_run_group_tests_name("present", tests, NULL, NULL);
}
