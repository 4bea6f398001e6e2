// tests/player/test_pace.c — virtual time: threads take turns in their order, nobody runs beside
// another, sleeps end at their virtual time to the microsecond, and time stands still while anyone
// has something to do.
#include "player/pace.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/player/player_test.h"

struct fixture {
    struct weir_pace *pace;
    struct weir_wake wakes[WEIR_PACE_ROLES];
    _Atomic int running; // threads between enter and leave that do not sleep
    bool overlapped;
    char log[400]; // who did what, when; written by the one whose turn it is
    bool quit;
};

static int64_t now_us(struct fixture *f)
{
    struct weir_clock c = weir_pace_clock(f->pace);
    return weir_clock_now_us(&c);
}

static void note(struct fixture *f, const char *who)
{
    size_t n = strlen(f->log);
    if (atomic_fetch_add(&f->running, 1) != 0)
        f->overlapped = true;
    (void)usleep(300); // time enough for another to run beside us
    (void)snprintf(f->log + n, sizeof(f->log) - n, "%s%lld ", who, (long long)now_us(f));
    (void)atomic_fetch_sub(&f->running, 1);
}

static bool sleep_us(struct fixture *f, enum weir_pace_role role, int64_t timeout_us)
{
    return weir_pace_sleep(f->pace, role, &f->wakes[role], timeout_us);
}

// A stream: three naps, then sleep until it is told to go.
static void *video(void *ctx)
{
    struct fixture *f = ctx;
    weir_pace_enter(f->pace, WEIR_PACE_VIDEO);
    for (int i = 0; i < 3; i++) {
        note(f, "v");
        assert_false(sleep_us(f, WEIR_PACE_VIDEO, 1000));
    }
    note(f, "V");
    while (!f->quit)
        (void)sleep_us(f, WEIR_PACE_VIDEO, -1);
    note(f, "q");
    weir_pace_leave(f->pace, WEIR_PACE_VIDEO);
    return NULL;
}

// Another, that wakes the application when it runs.
static void *audio(void *ctx)
{
    struct fixture *f = ctx;
    weir_pace_enter(f->pace, WEIR_PACE_AUDIO);
    note(f, "a");
    (void)sleep_us(f, WEIR_PACE_AUDIO, 1500);
    note(f, "A");
    weir_wake_signal(&f->wakes[WEIR_PACE_APP]);
    weir_pace_leave(f->pace, WEIR_PACE_AUDIO);
    return NULL;
}

// The I/O thread: time goes on to the next one's, until the video stream has left.
static void *io(void *ctx)
{
    struct fixture *f = ctx;
    weir_pace_enter(f->pace, WEIR_PACE_IO);
    note(f, "i");
    for (;;) {
        int64_t next_us = weir_pace_settle(f->pace);
        if (next_us == INT64_MAX)
            break;
        weir_pace_advance(f->pace, next_us);
    }
    note(f, "I");
    f->quit = true;
    weir_wake_signal(&f->wakes[WEIR_PACE_VIDEO]);
    weir_pace_await(f->pace, WEIR_PACE_VIDEO);
    note(f, "e");
    weir_pace_leave(f->pace, WEIR_PACE_IO);
    return NULL;
}

static void turns_are_the_same_every_time(void **state)
{
    (void)state;
    for (int round = 0; round < 20; round++) {
        struct fixture f = {0};
        pthread_t threads[3];
        assert_int_equal(weir_pace_create(&f.pace), 0);
        for (int r = 0; r < WEIR_PACE_ROLES; r++)
            assert_int_equal(weir_wake_init(&f.wakes[r]), 0);
        weir_pace_expect(f.pace, WEIR_PACE_IO);
        assert_int_equal(pthread_create(&threads[0], NULL, io, &f), 0);
        weir_pace_expect(f.pace, WEIR_PACE_AUDIO);
        assert_int_equal(pthread_create(&threads[1], NULL, audio, &f), 0);
        weir_pace_expect(f.pace, WEIR_PACE_VIDEO);
        assert_int_equal(pthread_create(&threads[2], NULL, video, &f), 0);
        note(&f, "p");
        assert_true(sleep_us(&f, WEIR_PACE_APP, -1)); // audio signals
        note(&f, "P");
        assert_false(sleep_us(&f, WEIR_PACE_APP, 700));
        note(&f, "s");
        weir_pace_await(f.pace, WEIR_PACE_IO);
        for (int i = 0; i < 3; i++)
            (void)pthread_join(threads[i], NULL);
        assert_false(f.overlapped);
        assert_string_equal(f.log,
                            "p0 v0 a0 i0 v1000 A1500 P1500 v2000 s2200 V3000 I3000 q3000 e3000 ");
        for (int r = 0; r < WEIR_PACE_ROLES; r++)
            weir_wake_clear(&f.wakes[r]);
        weir_pace_destroy(&f.pace);
    }
}

static void a_signal_before_the_sleep_counts(void **state)
{
    (void)state;
    struct weir_pace *pace;
    struct weir_wake wake;
    assert_int_equal(weir_pace_create(&pace), 0);
    assert_int_equal(weir_wake_init(&wake), 0);
    struct weir_clock clock = weir_pace_clock(pace);
    weir_wake_signal(&wake);
    assert_true(weir_pace_sleep(pace, WEIR_PACE_APP, &wake, -1));
    assert_int_equal(weir_clock_now_us(&clock), 0);
    // Alone, without an I/O thread, time passes by itself.
    assert_false(weir_pace_sleep(pace, WEIR_PACE_APP, &wake, 5000));
    assert_int_equal(weir_clock_now_us(&clock), 5000);
    assert_false(weir_pace_sleep(pace, WEIR_PACE_APP, &wake, 0));
    weir_pace_advance(pace, 4000); // never back
    assert_int_equal(weir_clock_now_us(&clock), 5000);
    weir_wake_clear(&wake);
    weir_pace_destroy(&pace);
}

static void without_a_pace_time_is_real(void **state)
{
    (void)state;
    struct weir_wake wake;
    assert_int_equal(weir_wake_init(&wake), 0);
    assert_false(weir_pace_sleep(NULL, WEIR_PACE_VIDEO, &wake, 1000));
    weir_wake_signal(&wake);
    assert_true(weir_wake_pending(&wake));
    assert_true(weir_pace_sleep(NULL, WEIR_PACE_VIDEO, &wake, -1));
    assert_false(weir_wake_pending(&wake));
    weir_pace_await(NULL, WEIR_PACE_VIDEO);
    weir_wake_clear(&wake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(turns_are_the_same_every_time),
        cmocka_unit_test(a_signal_before_the_sleep_counts),
        cmocka_unit_test(without_a_pace_time_is_real),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
