// tests/abr/test_bba2.c — BBA-2's start-up on the paper's deployment: when it steps up, when it
// ends, and that the rest is BBA-1.
#include "tests/abr/bba_test.h"

static int64_t sizes[PAPER_ROWS * PAPER_RUNGS];

// Fetches a segment in `elapsed_ms`; the rung chosen for the next one.
static size_t after(struct weir_abr *a, struct weir_abr_observation *o, int64_t elapsed_ms)
{
    (void)weir_abr_decide(a, o);
    struct weir_abr_fetched f = {.rung = 0, .bytes = 1, .elapsed_us = elapsed_ms * 1000};
    weir_abr_fetched(a, o, &f);
    return weir_abr_decide(a, o).rung;
}

// The threshold on the gain falls from 0.875 of a segment with an empty buffer to 0.5 with a full
// cushion (216 s): a 4 s chunk must come in less than 0.5 s, then in less than 2 s.
static void steps_up_while_chunks_come_fast(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int64_t level_s, elapsed_ms;
        size_t expect;
    } rows[] = {
        {"empty, eight times real time: not more", 0, 500, 2},
        {"empty, faster", 0, 499, 3},
        {"half the cushion: 3.2 times", 108, 1250, 2},
        {"half the cushion, faster", 108, 1249, 3},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        // A reservoir so large that the map suggests nothing.
        struct weir_abr *a = must_create("bba2:reservoir=200,cushion=16");
        struct weir_abr_observation o = paper_observation(sizes);
        o.last_rung = 2;
        o.buffer_level_us = rows[i].level_s * WEIR_SECOND_US;
        size_t got = after(a, &o, rows[i].elapsed_ms);
        if (got != rows[i].expect)
            fail_msg("%s: rung %zu", rows[i].name, got);
        assert_int_equal(weir_abr_decide(a, &o).rung, got); // asked again: no further step
        weir_abr_destroy(&a);
    }
}

static void ends_when_the_buffer_shrinks(void **state)
{
    (void)state;
    struct weir_abr *a = must_create("bba2");
    struct weir_abr_observation o = paper_observation(sizes);
    o.last_rung = 4;
    o.buffer_level_us = 6 * WEIR_SECOND_US;  // within the reservoir of 8 s
    assert_int_equal(after(a, &o, 4000), 4); // neither grows nor shrinks
    assert_int_equal(after(a, &o, 4001), 0); // the map takes over
    assert_int_equal(after(a, &o, 100), 0);  // for good
    weir_abr_reset(a);                       // a seek
    assert_int_equal(after(a, &o, 100), 5);
    weir_abr_destroy(&a);
}

static void ends_when_the_map_asks_for_more(void **state)
{
    (void)state;
    struct weir_abr *a = must_create("bba2:reservoir=90,cushion=126,protection=off");
    struct weir_abr_observation o = paper_observation(sizes);
    o.last_rung = 0;
    o.buffer_level_us = 150 * WEIR_SECOND_US; // 1551 kbit/s
    assert_int_equal(after(a, &o, 3000), 4);
    o.buffer_level_us = 80 * WEIR_SECOND_US;
    o.last_rung = 4;
    assert_int_equal(after(a, &o, 100), 0);
    weir_abr_destroy(&a);
}

static void is_bba1_afterwards(void **state)
{
    (void)state;
    struct weir_abr *a = must_create("bba2:reservoir=90,cushion=126,protection=off");
    struct weir_abr_observation o = paper_observation(sizes);
    o.last_rung = 0;
    (void)after(a, &o, 5000); // ends it
    for (size_t i = 0; i < PAPER_CASES; i++) {
        o.buffer_level_us = paper_cases[i].level_s * WEIR_SECOND_US;
        o.last_rung = rung_of(paper_cases[i].last_kbps);
        size_t got = after(a, &o, 100);
        if (got != rung_of(paper_cases[i].expect_kbps))
            fail_msg("%s: rung %zu", paper_cases[i].name, got);
    }
    weir_abr_destroy(&a);
}

// Chunks fetched during start-up do not move the map.
static void protection_begins_after_start_up(void **state)
{
    (void)state;
    struct weir_abr *a = must_create("bba2");
    struct weir_abr_observation o = paper_observation(sizes);
    o.last_rung = 7;
    o.buffer_level_us = 7 * WEIR_SECOND_US;
    for (int i = 0; i < 100; i++)
        (void)after(a, &o, 1000);
    o.buffer_level_us = 9 * WEIR_SECOND_US; // beyond the reservoir of 8 s
    o.last_rung = 0;
    (void)after(a, &o, 5000);
    assert_string_not_equal(weir_abr_decide(a, &o).reason, "reservoir");
    for (int i = 0; i < 3; i++)
        (void)after(a, &o, 1000);
    assert_string_equal(weir_abr_decide(a, &o).reason, "reservoir"); // 9.2 s
    weir_abr_destroy(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_up_while_chunks_come_fast),
        cmocka_unit_test(ends_when_the_buffer_shrinks),
        cmocka_unit_test(ends_when_the_map_asks_for_more),
        cmocka_unit_test(is_bba1_afterwards),
        cmocka_unit_test(protection_begins_after_start_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
