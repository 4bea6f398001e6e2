// core/clock.h — time as an argument: int64_t microseconds from any fixed origin. Only hosts read a
// clock.
#ifndef WEIR_CORE_CLOCK_H
#define WEIR_CORE_CLOCK_H

#include <stdint.h>

#define WEIR_SECOND_US INT64_C(1000000)
// "No such time": unknown durations, an unset deadline.
#define WEIR_TIME_NONE INT64_MIN

// A source of time. Live hosts use weir_clock_monotonic(); simulated ones their own.
struct weir_clock {
    int64_t (*now_us)(void *ctx);
    void *ctx;
};

// CLOCK_MONOTONIC. Thread-safe.
struct weir_clock weir_clock_monotonic(void);

static inline int64_t weir_clock_now_us(const struct weir_clock *c)
{
    return c->now_us(c->ctx);
}

#endif
