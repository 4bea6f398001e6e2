// tests/abr/test_bolae.c — BOLA-E: its levels against the reference's vectors (4.1), start-up
// (4.2), and what keeps the placeholder honest (4.3).
#include "tests/abr/abr_test.h"

#include "abr/bola_math.h"

// In steady state without a placeholder, on a network that holds nothing back: start at the lowest
// rung, with the buffer empty.
static struct weir_abr *steady(const char *spec, struct weir_abr_observation *o)
{
    struct weir_abr *a = must_create(spec);
    *o = usual_observation(&ten);
    o->throughput_bps = 100000;
    o->last_rung = 0;
    assert_int_equal(weir_abr_decide(a, o).rung, 0);
    o->throughput_bps = INT64_C(100000000000);
    return a;
}

static void has_the_published_levels(void **state)
{
    (void)state;
    static const double min_s[] = {0,      11.049, 13.285, 15.528, 17.770,
                                   20.007, 22.245, 24.484, 27.151, 29.442};
    struct weir_bola_table table = {.count = 0};
    (void)weir_bola_table_update(&table, &ten);
    struct weir_bola b = {.table = &table, .gp = 1 + 1.630718, .vp_us = 6132269.2};
    for (size_t j = 0; j < ten.count; j++)
        assert_near(weir_bola_min_level_us(&b, j) / 1e6, min_s[j], 6e-4);
    assert_near(weir_bola_max_level_us(&b, 0) / 1e6, 16.132, 6e-4);
    assert_near(weir_bola_max_level_us(&b, 9) / 1e6, 36.132, 6e-4);

    // The same by what it decides: just below a level the rung below, just above it the rung.
    struct weir_abr_observation o;
    struct weir_abr *a = steady("bolae", &o);
    for (size_t j = 1; j < ten.count; j++) {
        o.buffer_level_us = (int64_t)(min_s[j] * 1e6) - 1000;
        assert_int_equal(weir_abr_decide(a, &o).rung, j - 1);
        o.buffer_level_us += 2000;
        assert_int_equal(weir_abr_decide(a, &o).rung, j);
    }
    weir_abr_destroy(&a);
}

// With room for more than ten seconds and two for each rung, the top is to be reached at the full
// buffer.
static void a_large_buffer_spreads_the_levels(void **state)
{
    (void)state;
    struct weir_abr_observation o;
    struct weir_abr *a = steady("bolae", &o);
    o.buffer_max_us = 60 * WEIR_SECOND_US;
    o.buffer_level_us = 29500000;
    assert_true(weir_abr_decide(a, &o).rung < 9);
    o.buffer_level_us = 60 * WEIR_SECOND_US;
    assert_int_equal(weir_abr_decide(a, &o).rung, 9);
    weir_abr_destroy(&a);
}

// The first decision takes the network's rung; the placeholder then stands in for the buffer that
// BOLA would have wanted for it.
static void starts_at_the_network_s_rung_and_stays(void **state)
{
    (void)state;
    struct weir_abr *a = must_create("bolae");
    struct weir_abr_observation o = usual_observation(&ten);
    o.throughput_bps = 0;
    o.last_rung = WEIR_RUNG_NONE;
    assert_int_equal(weir_abr_decide(a, &o).rung, 0);
    o.last_rung = 0;
    o.throughput_bps = 2100000;
    o.buffer_level_us = 3 * WEIR_SECOND_US;
    assert_int_equal(weir_abr_decide(a, &o).rung, 6); // no safety factor
    // Fetched in half the time it plays: a level above rung 6's own, below rung 7's.
    o.buffer_level_us = 4500000;
    struct weir_abr_fetched f = {.rung = 6, .bytes = 771000, .elapsed_us = 1500000};
    weir_abr_fetched(a, &o, &f);
    o.last_rung = 6;
    o.throughput_bps = 4200000;
    assert_int_equal(weir_abr_decide(a, &o).rung, 6);
    weir_abr_destroy(&a);
}

// Time in which the buffer had no room counts as if it had been filled.
static void a_full_buffer_adds_to_the_placeholder(void **state)
{
    (void)state;
    struct weir_abr_observation o;
    struct weir_abr *a = steady("bolae", &o);
    o.buffer_level_us = 22 * WEIR_SECOND_US;
    assert_int_equal(weir_abr_decide(a, &o).rung, 5); // 22.245 s for rung 6
    o.full_wait_us = 500000;
    assert_int_equal(weir_abr_decide(a, &o).rung, 6);
    o.full_wait_us = 0;
    assert_int_equal(weir_abr_decide(a, &o).rung, 6);
    weir_abr_destroy(&a);
}

// A rise beyond what the network carries: one rung above it (U) or none (O), never below the last.
static void guards_rises(void **state)
{
    (void)state;
    struct weir_abr_observation o;
    struct weir_abr *a = steady("bolae", &o);
    o.buffer_level_us = 20500000; // rung 5
    o.throughput_bps = 500000;    // carries rung 2
    assert_int_equal(weir_abr_decide(a, &o).rung, 3);
    o.last_rung = 4;
    assert_int_equal(weir_abr_decide(a, &o).rung, 5);
    o.last_rung = 7;
    assert_int_equal(weir_abr_decide(a, &o).rung, 5);
    weir_abr_destroy(&a);
    a = steady("bolae:variant=o", &o);
    o.buffer_level_us = 20500000;
    o.throughput_bps = 500000;
    assert_int_equal(weir_abr_decide(a, &o).rung, 2);
    weir_abr_destroy(&a);
}

// Above the level up to which its rung is worth fetching it waits, and for that rung: 20.5 s, held
// to rung 0, which is worth it up to 16.132 s.
static void waits_above_the_rung_s_level(void **state)
{
    (void)state;
    struct weir_abr_observation o;
    struct weir_abr *a = steady("bolae:variant=o", &o);
    o.buffer_level_us = 20500000;
    o.throughput_bps = 231000;
    struct weir_abr_decision d = weir_abr_decide(a, &o);
    assert_int_equal(d.rung, 0);
    assert_true(d.committed);
    assert_near((double)d.wait_us, 20.5e6 - 16.132e6, 1e3);
    weir_abr_destroy(&a);
}

// 1 s buffered and 2 Mbit/s: at 0.9 of it rung 3 (2.06 Mbit) is too large, rung 2 is not. The
// placeholder shrinks to that rung's level, so that it is not raised again by it.
static void the_insufficient_buffer_rule_lowers_rung_and_placeholder(void **state)
{
    (void)state;
    struct weir_abr *a = must_create("bolae");
    struct weir_abr_observation o = usual_observation(&ten);
    o.buffer_level_us = WEIR_SECOND_US;
    o.throughput_bps = 2000000;
    assert_int_equal(weir_abr_decide(a, &o).rung, 5); // start: not tested
    o.last_rung = 5;
    struct weir_abr_decision d = weir_abr_decide(a, &o);
    assert_int_equal(d.rung, 2);
    assert_string_equal(d.reason, "insufficient buffer");
    o.buffer_level_us = 1001000; // a little more, on a network that nothing is too large for
    o.throughput_bps = INT64_C(1000000000);
    assert_int_equal(weir_abr_decide(a, &o).rung, 2);
    weir_abr_destroy(&a);
}

static void a_seek_starts_afresh(void **state)
{
    (void)state;
    struct weir_abr_observation o;
    struct weir_abr *a = steady("bolae", &o);
    o.throughput_bps = 2100000;
    o.buffer_level_us = 0;
    assert_int_equal(weir_abr_decide(a, &o).rung, 0);
    weir_abr_reset(a);
    assert_int_equal(weir_abr_decide(a, &o).rung, 6);
    weir_abr_destroy(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(has_the_published_levels),
        cmocka_unit_test(a_large_buffer_spreads_the_levels),
        cmocka_unit_test(starts_at_the_network_s_rung_and_stays),
        cmocka_unit_test(a_full_buffer_adds_to_the_placeholder),
        cmocka_unit_test(guards_rises),
        cmocka_unit_test(waits_above_the_rung_s_level),
        cmocka_unit_test(the_insufficient_buffer_rule_lowers_rung_and_placeholder),
        cmocka_unit_test(a_seek_starts_afresh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
