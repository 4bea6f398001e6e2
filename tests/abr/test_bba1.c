// tests/abr/test_bba1.c — BBA-1 on the paper's deployment: the vectors of the rate map with nominal
// sizes, the reservoir by its closed form, and the open points as decided in abr/bba.h.
#include <string.h>

#include "tests/abr/bba_test.h"

#include "abr/bba.h"
#include "core/rng.h"

static int64_t sizes[PAPER_ROWS * PAPER_RUNGS];

static void is_the_rate_map_where_sizes_are_nominal(void **state)
{
    (void)state;
    struct weir_abr *a = must_create("bba1:reservoir=90,cushion=126,protection=off");
    for (size_t i = 0; i < PAPER_CASES; i++) {
        for (int known = 0; known < 2; known++) {
            struct weir_abr_observation o = paper_observation(sizes);
            if (!known)
                o.sizes = NULL; // bitrate times duration
            o.buffer_level_us = paper_cases[i].level_s * WEIR_SECOND_US;
            o.last_rung = rung_of(paper_cases[i].last_kbps);
            size_t got = weir_abr_decide(a, &o).rung;
            if (got != rung_of(paper_cases[i].expect_kbps))
                fail_msg("%s: rung %zu", paper_cases[i].name, got);
        }
    }
    weir_abr_destroy(&a);
}

// The same level, another next chunk: sizes decide, not rates.
static void compares_with_the_next_chunk(void **state)
{
    (void)state;
    struct weir_abr *a = must_create("bba1:reservoir=90,cushion=126,protection=off");
    struct weir_abr_observation o = paper_observation(sizes);
    o.buffer_level_us = 100 * WEIR_SECOND_US; // S(B) = 4 s at 454.4 kbit/s
    o.last_rung = 0;
    assert_int_equal(weir_abr_decide(a, &o).rung, 1);
    sizes[1] = 454500 / 2; // a busy scene at 375 kbit/s
    assert_int_equal(weir_abr_decide(a, &o).rung, 0);
    sizes[1] = 187500;
    sizes[2] = 454300 / 2; // a quiet one at 560
    assert_int_equal(weir_abr_decide(a, &o).rung, 2);
    o.last_rung = 4; // 1050 kbit/s: down to the lowest rung that is larger than S(B)
    sizes[3] = 455000 / 2;
    assert_int_equal(weir_abr_decide(a, &o).rung, 3);
    weir_abr_destroy(&a);
}

// Sizes that do not rise: a rung costs no more than a higher one that is smaller.
static void takes_the_higher_of_two_when_it_is_smaller(void **state)
{
    (void)state;
    struct weir_abr *a = must_create("bba1:reservoir=90,cushion=126,protection=off");
    struct weir_abr_observation o = paper_observation(sizes);
    o.buffer_level_us = 100 * WEIR_SECOND_US;
    sizes[1] = 300000;
    sizes[2] = 200000; // below S(B) = 227 222 bytes
    sizes[3] = 190000;
    o.last_rung = 0;
    assert_int_equal(weir_abr_decide(a, &o).rung, 3);
    o.last_rung = 7;
    assert_int_equal(weir_abr_decide(a, &o).rung, 4);
    weir_abr_destroy(&a);
}

static double reservoir_s(struct weir_bba *s, const struct weir_abr_observation *o)
{
    return weir_bba_reservoir_us(s, o) / 1e6;
}

// r = sum over 480 s of (Z / R - L): 120 chunks, each `percent` larger than nominal, take 4.8 s per
// percent; from 8 to 140 s.
static void reservoir_is_what_the_window_takes(void **state)
{
    (void)state;
    static const struct {
        int64_t percent;
        double expect_s;
    } rows[] = {{0, 8}, {-30, 8}, {1, 8}, {10, 48}, {25, 120}, {29, 139.2}, {40, 140}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct weir_bba s = {0};
        weir_bba_reset(&s);
        struct weir_abr_observation o = paper_observation(sizes);
        for (size_t k = 0; k < PAPER_ROWS; k++)
            sizes[k * PAPER_RUNGS] = 117500 * (100 + rows[i].percent) / 100;
        assert_near(reservoir_s(&s, &o), rows[i].expect_s, 1e-9);
        // Near the end the window is what is left: 50 chunks.
        weir_bba_reset(&s);
        o.segment_index = 150;
        o.sizes += 150 * PAPER_RUNGS;
        o.size_rows -= 150;
        double left_s = 50 * 0.04 * (double)rows[i].percent;
        assert_near(reservoir_s(&s, &o), left_s < 8 ? 8 : left_s, 1e-9);
    }
}

// Busy now, quiet later: the sum forgets the hump, the largest prefix does not.
static void prefix_reading_sees_the_hump(void **state)
{
    (void)state;
    struct weir_bba sum = {0};
    struct weir_bba prefix = {.window_reading = WEIR_BBA_PREFIX};
    weir_bba_reset(&sum);
    weir_bba_reset(&prefix);
    struct weir_abr_observation o = paper_observation(sizes);
    for (size_t k = 0; k < 120; k++)
        sizes[k * PAPER_RUNGS] = 117500 * (k < 40 ? 150 : 75) / 100;
    assert_near(reservoir_s(&sum, &o), 8, 1e-9); // 40 * 2 - 80 * 1
    assert_near(reservoir_s(&prefix, &o), 80, 1e-9);
}

// Carried from segment to segment, the sum is the one counted anew; also after a seek, with a hole,
// and where sizes become unknown.
static void carried_sum_is_the_sum(void **state)
{
    (void)state;
    struct weir_rng rng;
    weir_rng_seed(&rng, 5);
    struct weir_abr_observation all = paper_observation(sizes);
    for (size_t k = 0; k < PAPER_ROWS; k++)
        sizes[k * PAPER_RUNGS] = 100000 + (int64_t)weir_rng_below(&rng, 60000);
    sizes[190 * PAPER_RUNGS] = -1;
    struct weir_bba carried = {0};
    weir_bba_reset(&carried);
    int64_t at[300];
    size_t count = 0;
    for (int64_t i = 0; i < 199; i++)
        at[count++] = i;
    at[50] = at[49]; // asked twice
    at[90] = 20;     // elsewhere
    for (size_t k = 0; k < count; k++) {
        struct weir_abr_observation o = all;
        o.segment_index = at[k];
        o.sizes = sizes + at[k] * PAPER_RUNGS;
        o.size_rows = PAPER_ROWS - at[k];
        o.buffer_max_us = (k < 100 ? 240 : 60) * WEIR_SECOND_US;
        struct weir_bba fresh = {0};
        weir_bba_reset(&fresh);
        double expected_s = reservoir_s(&fresh, &o);
        if (reservoir_s(&carried, &o) != expected_s) // to the bit
            fail_msg("segment %lld", (long long)at[k]);
    }
}

// Another period's ladder and sizes lie where the last ones lay, and its segments count on.
static void a_sum_is_not_carried_into_other_sizes(void **state)
{
    (void)state;
    for (int ladder_too = 0; ladder_too < 2; ladder_too++) {
        struct weir_rung rungs[PAPER_RUNGS];
        const struct weir_ladder ladder = {rungs, PAPER_RUNGS};
        memcpy(rungs, paper_rungs, sizeof(rungs));
        struct weir_abr_observation o = paper_observation(sizes);
        struct weir_bba carried = {0}, fresh = {0};
        weir_bba_reset(&carried);
        weir_bba_reset(&fresh);
        o.ladder = &ladder;
        for (size_t k = 0; k < PAPER_ROWS; k++)
            sizes[k * PAPER_RUNGS] = 150000;
        (void)reservoir_s(&carried, &o);
        for (size_t k = 0; k < PAPER_ROWS; k++)
            sizes[k * PAPER_RUNGS] = ladder_too ? 150000 : 130000;
        rungs[0].bitrate_bps -= ladder_too ? 35000 : 0;
        o.segment_index++;
        assert_true(reservoir_s(&carried, &o) == reservoir_s(&fresh, &o));
    }
}

static void fetch(struct weir_abr *a, struct weir_abr_observation *o, int times, int64_t elapsed_us)
{
    for (int i = 0; i < times; i++) {
        (void)weir_abr_decide(a, o);
        struct weir_abr_fetched f = {.rung = 0, .bytes = 117500, .elapsed_us = elapsed_us};
        weir_abr_fetched(a, o, &f);
    }
}

// 0.4 s for each chunk that grew the buffer below 75 % of it, at most 80 s: after 100 of them the
// reservoir of 8 s reaches to 48 s.
static void protection_moves_the_map(void **state)
{
    (void)state;
    struct weir_abr *a = must_create("bba1");
    struct weir_abr *off = must_create("bba1:protection=off");
    struct weir_abr_observation o = paper_observation(sizes);
    o.last_rung = 0;
    o.buffer_level_us = 48 * WEIR_SECOND_US;
    fetch(a, &o, 99, WEIR_SECOND_US);
    fetch(off, &o, 99, WEIR_SECOND_US);
    assert_string_not_equal(weir_abr_decide(a, &o).reason, "reservoir");
    fetch(a, &o, 20, 5 * WEIR_SECOND_US); // shrinks
    o.buffer_level_us = 180 * WEIR_SECOND_US;
    fetch(a, &o, 20, WEIR_SECOND_US); // 75 % full
    o.buffer_level_us = 48 * WEIR_SECOND_US;
    assert_string_not_equal(weir_abr_decide(a, &o).reason, "reservoir");
    fetch(a, &o, 1, WEIR_SECOND_US);
    assert_string_equal(weir_abr_decide(a, &o).reason, "reservoir");
    assert_string_not_equal(weir_abr_decide(off, &o).reason, "reservoir");
    // At most 80 s: 88 with the reservoir.
    fetch(a, &o, 500, WEIR_SECOND_US);
    o.buffer_level_us = 88 * WEIR_SECOND_US;
    assert_string_equal(weir_abr_decide(a, &o).reason, "reservoir");
    o.buffer_level_us++;
    assert_string_not_equal(weir_abr_decide(a, &o).reason, "reservoir");
    // The end stays.
    o.buffer_level_us = 216 * WEIR_SECOND_US;
    assert_string_equal(weir_abr_decide(a, &o).reason, "above the cushion");
    weir_abr_reset(a);
    o.buffer_level_us = 9 * WEIR_SECOND_US;
    assert_string_not_equal(weir_abr_decide(a, &o).reason, "reservoir");
    weir_abr_destroy(&a);
    weir_abr_destroy(&off);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_the_rate_map_where_sizes_are_nominal),
        cmocka_unit_test(compares_with_the_next_chunk),
        cmocka_unit_test(takes_the_higher_of_two_when_it_is_smaller),
        cmocka_unit_test(reservoir_is_what_the_window_takes),
        cmocka_unit_test(prefix_reading_sees_the_hump),
        cmocka_unit_test(carried_sum_is_the_sum),
        cmocka_unit_test(a_sum_is_not_carried_into_other_sizes),
        cmocka_unit_test(protection_moves_the_map),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
