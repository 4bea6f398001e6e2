// tests/abr/bba_test.h — the deployment of the BBA paper: its ladder, 4 s chunks, 240 s of buffer;
// and a table of sizes to fill in.
#ifndef WEIR_TESTS_BBA_TEST_H
#define WEIR_TESTS_BBA_TEST_H

#include "tests/abr/abr_test.h"

static const struct weir_rung paper_rungs[] = {
    {235000, 0, 0},  {375000, 0, 0},  {560000, 0, 0},  {750000, 0, 0},
    {1050000, 0, 0}, {1750000, 0, 0}, {2350000, 0, 0}, {3000000, 0, 0},
};
static const struct weir_ladder paper = {paper_rungs, 8};
enum { PAPER_RUNGS = 8, PAPER_ROWS = 200 };

static inline size_t rung_of(int64_t kbps)
{
    for (size_t i = 0; i < paper.count; i++) {
        if (paper_rungs[i].bitrate_bps == kbps * 1000)
            return i;
    }
    fail_msg("no rung of %lld kbit/s", (long long)kbps);
    return 0;
}

// Mid-video, every size nominal until somebody changes the table.
static inline struct weir_abr_observation paper_observation(int64_t *sizes)
{
    struct weir_abr_observation o = usual_observation(&paper);
    o.buffer_max_us = 240 * WEIR_SECOND_US;
    o.segment_duration_us = 4 * WEIR_SECOND_US;
    o.segment_index = 0;
    o.segment_count = PAPER_ROWS;
    o.sizes = sizes;
    o.size_rows = PAPER_ROWS;
    for (size_t i = 0; i < PAPER_ROWS; i++)
        for (size_t j = 0; j < PAPER_RUNGS; j++)
            sizes[i * PAPER_RUNGS + j] = paper_rungs[j].bitrate_bps / 2; // 4 s
    return o;
}

// The reference's vectors (2.1): with nominal sizes a map of chunk sizes is the map of rates.
static const struct {
    const char *name;
    int64_t last_kbps, level_s, expect_kbps;
} paper_cases[] = {
    {"reservoir", 235, 80, 235},
    {"holds until the map reaches the next rate", 235, 95, 235},
    {"steps up when it does", 235, 100, 375},
    {"holds between neighbours", 560, 100, 560},
    {"holds high up", 1750, 150, 1750},
    {"falls to the rate just above the map", 3000, 150, 1750},
    {"holds the top", 3000, 190, 3000},
    {"not yet the top", 2350, 215, 2350},
    {"cushion full", 2350, 216, 3000},
};
enum { PAPER_CASES = sizeof(paper_cases) / sizeof(paper_cases[0]) };

#endif
