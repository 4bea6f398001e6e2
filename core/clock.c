// core/clock.c — the one place that reads the system's clock. Hosts call it; engine and abr/ never
// do.
#include "core/clock.h"

#include <stddef.h>
#include <time.h>

static int64_t monotonic_now_us(void *ctx)
{
    (void)ctx;
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts); // cannot fail: the clock exists and &ts is valid
    return (int64_t)ts.tv_sec * WEIR_SECOND_US + ts.tv_nsec / 1000;
}

struct weir_clock weir_clock_monotonic(void)
{
    return (struct weir_clock){.now_us = monotonic_now_us, .ctx = NULL};
}
