// tests/player/test_playclock.c — the presentation clock: running, pausing, speed, and following
// what is heard.
#include "player/playclock.h"

#include "tests/player/player_test.h"

static int open_clock(void **state)
{
    struct weir_playclock *c = calloc(1, sizeof(*c));
    if (!c || weir_playclock_init(c))
        return -1;
    *state = c;
    return 0;
}

static int close_clock(void **state)
{
    weir_playclock_clear(*state);
    free(*state);
    return 0;
}

static void stands_still_until_it_runs(void **state)
{
    struct weir_playclock *c = *state;
    bool running = true;
    assert_int_equal(weir_playclock_now(c, 5000, &running), 0);
    assert_false(running);
    weir_playclock_set(c, 10000, 700);
    assert_int_equal(weir_playclock_now(c, 90000, NULL), 700);
    weir_playclock_run(c, 100000, true);
    assert_int_equal(weir_playclock_now(c, 130000, &running), 30700);
    assert_true(running);
}

static void keeps_its_place_over_a_pause(void **state)
{
    struct weir_playclock *c = *state;
    weir_playclock_run(c, 0, true);
    weir_playclock_run(c, 40000, false);
    assert_int_equal(weir_playclock_now(c, 900000, NULL), 40000);
    weir_playclock_run(c, 1000000, true);
    assert_int_equal(weir_playclock_now(c, 1010000, NULL), 50000);
    weir_playclock_run(c, 1010000, true); // again: no jump
    assert_int_equal(weir_playclock_now(c, 1020000, NULL), 60000);
}

static void goes_at_the_speed_asked_for(void **state)
{
    static const struct {
        int permille;
        int64_t gone_us; // in 2 s
    } cases[] = {{1000, 2000000}, {250, 500000}, {4000, 8000000}, {909, 1818000}};
    struct weir_playclock *c = *state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        weir_playclock_run(c, 0, false);
        weir_playclock_set(c, 0, 1000);
        weir_playclock_rate(c, 0, cases[i].permille);
        weir_playclock_run(c, 0, true);
        assert_int_equal(weir_playclock_now(c, 2000000, NULL), 1000 + cases[i].gone_us);
        assert_int_equal(weir_playclock_rate_permille(c), cases[i].permille);
    }
}

static void a_change_of_speed_is_no_jump(void **state)
{
    struct weir_playclock *c = *state;
    weir_playclock_run(c, 0, true);
    weir_playclock_rate(c, 1000000, 2000);
    assert_int_equal(weir_playclock_now(c, 1000000, NULL), 1000000);
    assert_int_equal(weir_playclock_now(c, 1500000, NULL), 2000000);
}

static void slews_towards_what_is_heard(void **state)
{
    struct weir_playclock *c = *state;
    weir_playclock_run(c, 0, true);
    weir_playclock_heard(c, 1040000, 1000000);                       // 40 ms ahead of the clock
    assert_int_equal(weir_playclock_now(c, 1000000, NULL), 1002000); // a twentieth
    // One post corrects once.
    assert_int_equal(weir_playclock_now(c, 1010000, NULL), 1012000);
    // Posts at every reading bring the difference below a millisecond, without a step of more.
    int64_t last_us = 1012000;
    for (int i = 1; i <= 100; i++) {
        int64_t now_us = 1010000 + i * 16000;
        weir_playclock_heard(c, now_us + 40000, now_us);
        int64_t media_us = weir_playclock_now(c, now_us, NULL);
        assert_in_range(media_us - last_us, 16000, 18000);
        last_us = media_us;
    }
    assert_in_range(last_us, 1010000 + 1600000 + 39000, 1010000 + 1600000 + 40000);
}

static void jumps_when_far_off(void **state)
{
    struct weir_playclock *c = *state;
    weir_playclock_run(c, 0, true);
    weir_playclock_heard(c, 1080000, 1000000);
    assert_int_equal(weir_playclock_now(c, 1000000, NULL), 1080000);
    weir_playclock_heard(c, 500000, 1100000);
    assert_int_equal(weir_playclock_now(c, 1100000, NULL), 500000);
}

static void what_is_yet_to_be_heard_counts_from_then(void **state)
{
    struct weir_playclock *c = *state;
    weir_playclock_rate(c, 0, 2000);
    weir_playclock_run(c, 0, true);
    // Heard in 50 ms, at double speed: 100 ms of media from now.
    weir_playclock_heard(c, 3100000, 1050000);
    assert_int_equal(weir_playclock_now(c, 1000000, NULL), 3000000);
}

static void what_was_heard_before_a_jump_is_stale(void **state)
{
    struct weir_playclock *c = *state;
    weir_playclock_run(c, 0, true);
    weir_playclock_heard(c, 900000, 100000);
    weir_playclock_set(c, 100000, 5000000);
    assert_int_equal(weir_playclock_now(c, 110000, NULL), 5010000);
    weir_playclock_heard(c, 6000000, 110000); // of the new place
    assert_int_equal(weir_playclock_now(c, 110000, NULL), 6000000);
    // The same over a pause.
    weir_playclock_heard(c, 9000000, 110000);
    weir_playclock_run(c, 120000, false);
    weir_playclock_run(c, 130000, true);
    assert_int_equal(weir_playclock_now(c, 130000, NULL), 6010000);
}

static void a_device_that_fell_silent_is_not_followed(void **state)
{
    struct weir_playclock *c = *state;
    weir_playclock_run(c, 0, true);
    weir_playclock_heard(c, 900000, 100000);
    assert_int_equal(weir_playclock_now(c, 350000, NULL), 350000);
}

static void nothing_is_followed_while_it_stands(void **state)
{
    struct weir_playclock *c = *state;
    weir_playclock_set(c, 0, 1000);
    weir_playclock_heard(c, 900000, 0);
    assert_int_equal(weir_playclock_now(c, 0, NULL), 1000);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, open_clock, close_clock)
    const struct CMUnitTest tests[] = {
        CASE(stands_still_until_it_runs),
        CASE(keeps_its_place_over_a_pause),
        CASE(goes_at_the_speed_asked_for),
        CASE(a_change_of_speed_is_no_jump),
        CASE(slews_towards_what_is_heard),
        CASE(jumps_when_far_off),
        CASE(what_is_yet_to_be_heard_counts_from_then),
        CASE(what_was_heard_before_a_jump_is_stale),
        CASE(a_device_that_fell_silent_is_not_followed),
        CASE(nothing_is_followed_while_it_stands),
    };
    return cmocka_run_group_tests_name("playclock", tests, NULL, NULL);
}
