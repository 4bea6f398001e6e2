// tests/core/test_threads.c — the queue and the latch between threads; run under ThreadSanitizer,
// too.
#include "core_test.h"

#include <pthread.h>

#include "core/clock.h"
#include "core/spsc.h"
#include "core/wake.h"

#define ITEM_COUNT 300000

struct item {
    uint64_t n, check;
    unsigned char rest[24];
};

static void queue_is_first_in_first_out_and_bounded(void **state)
{
    (void)state;
    struct weir_spsc q;
    int x;
    assert_int_equal(weir_spsc_init(&q, 5, sizeof(int)), 0);
    assert_false(weir_spsc_pop(&q, &x));
    for (int round = 0; round < 5; round++) { // across the wrap
        for (int i = 0; i < 8; i++) {
            assert_int_equal(weir_spsc_count(&q), i);
            assert_true(weir_spsc_push(&q, &i));
        }
        assert_false(weir_spsc_push(&q, &round));
        for (int i = 0; i < 8; i++) {
            assert_true(weir_spsc_peek(&q, &x));
            assert_int_equal(x, i);
            assert_true(weir_spsc_pop(&q, &x));
            assert_int_equal(x, i);
            if (i == 3) { // keep the start moving
                assert_true(weir_spsc_push(&q, &x));
                assert_int_equal(weir_spsc_count(&q), 5);
            }
        }
        assert_true(weir_spsc_pop(&q, &x));
        assert_false(weir_spsc_peek(&q, &x));
    }
    weir_spsc_clear(&q);
    assert_int_equal(weir_spsc_init(&q, 0, 4), WEIR_ERR_INVAL);
    assert_int_equal(weir_spsc_init(&q, 4, 0), WEIR_ERR_INVAL);
    assert_int_equal(weir_spsc_init(&q, SIZE_MAX / 8, SIZE_MAX / 8), WEIR_ERR_NOMEM);
    weir_spsc_clear(&q);
}

struct channel {
    struct weir_spsc queue;
    struct weir_wake wake;
};

static void *produce(void *arg)
{
    struct channel *c = arg;
    for (uint64_t n = 0; n < ITEM_COUNT; n++) {
        struct item it = {.n = n, .check = ~n};
        while (!weir_spsc_push(&c->queue, &it))
            sched_yield();
        weir_wake_signal(&c->wake);
    }
    return NULL;
}

// The consumer sleeps whenever the queue is empty; a lost signal would leave it asleep until the
// wide timeout.
static void two_threads_lose_neither_items_nor_signals(void **state)
{
    (void)state;
    struct channel c;
    pthread_t producer;
    assert_int_equal(weir_spsc_init(&c.queue, 128, sizeof(struct item)), 0);
    assert_int_equal(weir_wake_init(&c.wake), 0);
    assert_int_equal(pthread_create(&producer, NULL, produce, &c), 0);
    for (uint64_t want = 0; want < ITEM_COUNT;) {
        struct item it;
        if (!weir_spsc_pop(&c.queue, &it)) {
            assert_true(weir_wake_wait(&c.wake, 60 * WEIR_SECOND_US));
            continue;
        }
        assert_true(it.n == want);
        assert_true(it.check == ~want);
        assert_true(weir_spsc_count(&c.queue) <= 128);
        want++;
    }
    pthread_join(producer, NULL);
    weir_spsc_clear(&c.queue);
    weir_wake_clear(&c.wake);
}

static void a_signal_before_the_wait_counts_once(void **state)
{
    (void)state;
    struct weir_wake w;
    assert_int_equal(weir_wake_init(&w), 0);
    assert_false(weir_wake_wait(&w, 0));
    weir_wake_signal(&w);
    weir_wake_signal(&w);
    assert_true(weir_wake_wait(&w, -1));
    assert_false(weir_wake_wait(&w, 0));
    weir_wake_signal(&w);
    assert_true(weir_wake_wait(&w, INT64_MAX));
    weir_wake_clear(&w);
}

static void a_wait_ends_at_its_timeout(void **state)
{
    (void)state;
    struct weir_wake w;
    struct weir_clock clock = weir_clock_monotonic();
    assert_int_equal(weir_wake_init(&w), 0);
    int64_t before = weir_clock_now_us(&clock);
    assert_false(weir_wake_wait(&w, 20000));
    assert_true(weir_clock_now_us(&clock) - before >= 20000);
    weir_wake_clear(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(queue_is_first_in_first_out_and_bounded),
        cmocka_unit_test(two_threads_lose_neither_items_nor_signals),
        cmocka_unit_test(a_signal_before_the_wait_counts_once),
        cmocka_unit_test(a_wait_ends_at_its_timeout),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
