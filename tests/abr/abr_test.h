// tests/abr/abr_test.h — an observation to start from, and the ladder of the reference's check
// vectors.
#ifndef WEIR_TESTS_ABR_TEST_H
#define WEIR_TESTS_ABR_TEST_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "abr/abr.h"
#include "core/clock.h"

// The ten rungs of the BOLA papers, kbit/s: 230 … 6000.
static const struct weir_rung ten_rungs[] = {
    {230000, 0, 0},  {331000, 0, 0},  {477000, 0, 0},  {688000, 0, 0},  {991000, 0, 0},
    {1427000, 0, 0}, {2056000, 0, 0}, {2962000, 0, 0}, {5027000, 0, 0}, {6000000, 0, 0},
};
static const struct weir_ladder ten = {ten_rungs, 10};

static inline int64_t no_size(const void *ctx, int64_t ahead, size_t rung)
{
    (void)ctx;
    (void)ahead;
    (void)rung;
    return -1;
}

// Mid-video: 3 s segments, 25 s of buffer, far from both ends, 2 Mbit/s known.
static inline struct weir_abr_observation usual_observation(const struct weir_ladder *ladder)
{
    return (struct weir_abr_observation){
        .ladder = ladder,
        .buffer_max_us = 25 * WEIR_SECOND_US,
        .segment_index = 100,
        .segment_count = 200,
        .segment_duration_us = 3 * WEIR_SECOND_US,
        .since_start_us = 300 * WEIR_SECOND_US,
        .until_end_us = 300 * WEIR_SECOND_US,
        .last_rung = 0,
        .throughput_bps = 2000000,
        .last_sample = {.bytes = 250000, .duration_us = WEIR_SECOND_US},
        .size_bytes = no_size,
    };
}

static inline struct weir_abr *must_create(const char *spec)
{
    struct weir_abr *a = NULL;
    struct weir_error error = {0};
    if (weir_abr_create(spec, 1, &a, &error))
        fail_msg("%s: %s", spec, error.what);
    return a;
}

static inline void assert_near(double got, double expected, double tolerance)
{
    if (!(fabs(got - expected) <= tolerance))
        fail_msg("%.9g, expected %.9g", got, expected);
}

#endif
