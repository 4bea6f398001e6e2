// tests/player/player_test.h — what the tests of player/ share: CMocka with its needs, and waiting
// for other threads with an end to it.
#ifndef WEIR_TESTS_PLAYER_TEST_H
#define WEIR_TESTS_PLAYER_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define PATIENCE_MS 20000 // very wide: sanitizers on a busy machine

static inline void nap_ms(int ms)
{
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L};
    (void)nanosleep(&t, NULL);
}

// Evaluates `holds` until it is true; fails the test when it stays false.
#define wait_until(holds)                                                                          \
    do {                                                                                           \
        int waited_ms = 0;                                                                         \
        while (!(holds) && waited_ms < PATIENCE_MS) {                                              \
            nap_ms(5);                                                                             \
            waited_ms += 5;                                                                        \
        }                                                                                          \
        assert_true(waited_ms < PATIENCE_MS);                                                      \
    } while (0)

#endif
