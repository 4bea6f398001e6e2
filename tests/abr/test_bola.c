// tests/abr/test_bola.c — BOLA's levels against the reference's vectors (3.1), and what each
// variant adds.
#include "tests/abr/abr_test.h"

#include "abr/bola_math.h"
#include "core/rng.h"

static struct weir_bola published(void)
{
    static struct weir_bola_table table;
    (void)weir_bola_table_update(&table, &ten);
    return (struct weir_bola){
        .table = &table, .gp = 5, .vp_us = weir_bola_vp_us(&table, 5, 25e6, 3e6)};
}

static void has_the_published_levels(void **state)
{
    (void)state;
    static const double overtaking_s[] = {11.107, 12.078, 13.052, 14.026, 14.998,
                                          15.969, 16.942, 18.100, 19.094};
    struct weir_bola b = published();
    assert_near(b.vp_us, 2662975.5, 0.1);
    assert_near(b.table->utility[9], 3.261435, 1e-6);
    for (size_t j = 0; j + 1 < ten.count; j++)
        assert_near(weir_bola_overtake_us(&b, j, j + 1) / 1e6, overtaking_s[j], 6e-4);
    assert_near(weir_bola_max_level_us(&b, 0) / 1e6, 13.315, 6e-4);
    assert_near(weir_bola_max_level_us(&b, 9) / 1e6, 22.000, 1e-6);
}

static struct weir_abr_decision decide_at(const char *spec, struct weir_abr_observation o,
                                          double level_s)
{
    struct weir_abr *a = must_create(spec);
    o.buffer_level_us = (int64_t)(level_s * 1e6);
    struct weir_abr_decision d = weir_abr_decide(a, &o);
    weir_abr_destroy(&a);
    return d;
}

static const struct {
    const char *name;
    double level_s;
    size_t expect;
} levels[] = {
    {"empty buffer", 0, 0},      {"just below rung 1", 11.10, 0},  {"just above rung 1", 11.11, 1},
    {"rung 5", 15.5, 5},         {"just below the top", 19.09, 8}, {"top", 19.10, 9},
    {"full, not over", 22.0, 9},
};

static void basic_switches_at_its_levels(void **state)
{
    (void)state;
    struct weir_abr_observation o = usual_observation(&ten);
    for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
        struct weir_abr_decision d = decide_at("bola:variant=basic", o, levels[i].level_s);
        if (d.rung != levels[i].expect || d.wait_us > 1)
            fail_msg("%s: rung %zu after %lld us, expected %zu", levels[i].name, d.rung,
                     (long long)d.wait_us, levels[i].expect);
    }
}

// All scores negative: dividing by size would prefer the largest; the paper waits.
static void waits_while_every_score_is_negative(void **state)
{
    (void)state;
    struct weir_abr_observation o = usual_observation(&ten);
    struct weir_abr_decision d = decide_at("bola:variant=basic", o, 24.0);
    assert_near((double)d.wait_us, 2e6, 2);
}

// FINITE: 12 s before the end the virtual buffer is max(12 / 2, 3 * 3) = 9 s, so at 7 s it waits
// until one segment fits: 7 - 9 + 3 = 1 s. Far from the ends nothing of the sort.
static void finite_shrinks_the_buffer_near_the_ends(void **state)
{
    (void)state;
    struct weir_abr_observation o = usual_observation(&ten);
    assert_int_equal(decide_at("bola:variant=finite", o, 7).wait_us, 0);
    o.until_end_us = 12 * WEIR_SECOND_US;
    assert_near((double)decide_at("bola:variant=finite", o, 7).wait_us, 1e6, 2);
    assert_int_equal(decide_at("bola:variant=basic", o, 7).wait_us, 0);
    o.until_end_us = 300 * WEIR_SECOND_US;
    o.since_start_us = 12 * WEIR_SECOND_US;
    assert_near((double)decide_at("bola:variant=finite", o, 7).wait_us, 1e6, 2);
    // The rung rises at lower levels too: the thresholds scale with the virtual buffer.
    assert_int_equal(decide_at("bola:variant=finite", o, 5.5).rung, 9);
}

// At 19.5 s the rule wants the top from rung 5, but the last transfer carried 2 Mbit/s: rung
// 5, 1.427 Mbit/s.
static void guards_hold_increases_to_the_throughput(void **state)
{
    (void)state;
    struct weir_abr_observation o = usual_observation(&ten);
    o.last_rung = 5;
    assert_int_equal(decide_at("bola:variant=finite", o, 19.5).rung, 9);
    struct weir_abr_decision u = decide_at("bola:variant=u", o, 19.5);
    assert_int_equal(u.rung, 6);
    assert_int_equal(u.wait_us, 0);
    struct weir_abr_decision averse = decide_at("bola:variant=o", o, 19.5);
    assert_int_equal(averse.rung, 5);
    // Down to where rung 6 overtakes rung 5, 15.969 s.
    assert_near((double)averse.wait_us, (19.5 - 15.969) * 1e6, 1e3);
    o.last_rung = 7; // above what the network carries: stay, never down
    assert_int_equal(decide_at("bola:variant=u", o, 19.5).rung, 7);
    o.last_sample.bytes = 1000000; // 8 Mbit/s: no reason to hold back
    assert_int_equal(decide_at("bola:variant=u", o, 19.5).rung, 9);
}

static void default_is_variant_u(void **state)
{
    (void)state;
    struct weir_abr_observation o = usual_observation(&ten);
    o.last_rung = 5;
    assert_int_equal(decide_at("bola", o, 19.5).rung, 6);
}

static void starts_at_the_lowest_rung(void **state)
{
    (void)state;
    struct weir_abr_observation o = usual_observation(&ten);
    o.throughput_bps = 0;
    o.last_rung = WEIR_RUNG_NONE;
    assert_int_equal(decide_at("bola", o, 19.5).rung, 0);
}

// 13.2: with 2 s buffered and 95 % of a top-rung segment still to come, a low rung is the better
// bargain; with 5 % left it is not, and BASIC never gives up.
static void abandons_what_is_no_longer_worth_it(void **state)
{
    (void)state;
    struct weir_abr_observation o = usual_observation(&ten);
    o.buffer_level_us = 2 * WEIR_SECOND_US;
    struct weir_abr_transfer t = {.rung = 9,
                                  .size_bytes = 2250000,
                                  .done_bytes = 112500,
                                  .elapsed_us = 1000000,
                                  .since_first_byte_us = 900000};
    struct weir_abr *a = must_create("bola");
    struct weir_abr_watch w = weir_abr_watch(a, &o, &t);
    assert_true(w.abandon);
    assert_int_equal(w.rung, 0);
    t.done_bytes = 2240000; // less is left than even rung 0 would need, and it will not grow
    w = weir_abr_watch(a, &o, &t);
    assert_false(w.abandon);
    assert_true(w.elapsed_us == INT64_MAX);
    weir_abr_destroy(&a);

    a = must_create("bola:variant=basic");
    t.done_bytes = 112500;
    w = weir_abr_watch(a, &o, &t);
    assert_false(w.abandon);
    assert_true(w.done_bytes == INT64_MAX);
    weir_abr_destroy(&a);
}

// A segment shorter than the rest, as the last one often is, does not collapse the virtual buffer.
static void a_short_last_segment_changes_little(void **state)
{
    (void)state;
    struct weir_abr *a = must_create("bola");
    struct weir_abr_observation o = usual_observation(&ten);
    o.buffer_level_us = 5 * WEIR_SECOND_US;
    assert_int_equal(weir_abr_decide(a, &o).wait_us, 0);
    o.segment_duration_us = 100000;
    o.until_end_us = 100000;
    assert_int_equal(weir_abr_decide(a, &o).wait_us, 0);
    weir_abr_destroy(&a);
}

// The envelope's answer is that of scoring every rung, ties to the lower one, on ladders in which
// some rungs are never best and some are equal.
static void best_is_the_highest_score(void **state)
{
    (void)state;
    struct weir_rng rng;
    weir_rng_seed(&rng, 1);
    for (int round = 0; round < 2000; round++) {
        struct weir_rung rungs[12] = {{.bitrate_bps = 0}};
        struct weir_ladder ladder = {rungs, 1 + (size_t)weir_rng_below(&rng, 12)};
        int64_t bps = 0;
        for (size_t j = 0; j < ladder.count; j++) {
            bps += weir_rng_below(&rng, 5) ? 1000 + (int64_t)weir_rng_below(&rng, 2000000) : 0;
            rungs[j].bitrate_bps = bps = bps ? bps : 100000;
        }
        struct weir_bola_table table = {.count = 0};
        assert_true(weir_bola_table_update(&table, &ladder));
        assert_false(weir_bola_table_update(&table, &ladder));
        struct weir_bola b = {.table = &table, .gp = 5, .vp_us = 1e6 + 3e6 * weir_rng_unit(&rng)};
        for (int k = 0; k < 50; k++) {
            double level_us = 40e6 * weir_rng_unit(&rng);
            size_t best = 0;
            for (size_t j = 1; j < ladder.count; j++) {
                if (weir_bola_score(&b, j, level_us) > weir_bola_score(&b, best, level_us))
                    best = j;
            }
            if (weir_bola_best(&b, level_us) != best)
                fail_msg("round %d, level %g us: rung %zu, expected %zu", round, level_us,
                         weir_bola_best(&b, level_us), best);
        }
    }
}

// A ladder's place in memory says nothing: another one may be put there at a change of period.
static void notices_another_ladder_in_the_same_place(void **state)
{
    (void)state;
    struct weir_rung rungs[2] = {{.bitrate_bps = 1000000}, {.bitrate_bps = 2000000}};
    struct weir_ladder ladder = {rungs, 2};
    struct weir_bola_table table = {.count = 0};
    (void)weir_bola_table_update(&table, &ladder);
    rungs[1].bitrate_bps = 4000000;
    assert_true(weir_bola_table_update(&table, &ladder));
    assert_near(table.utility[1], log(4.0), 1e-15);
}

// Theorem 1: with V as published, the buffer never grows beyond its capacity, whatever the network
// does, although nothing but the scores holds requests back.
static void never_overfills_the_buffer(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 200; seed++) {
        struct weir_rng rng;
        weir_rng_seed(&rng, seed);
        struct weir_abr *a = must_create("bola:variant=basic");
        struct weir_abr_observation o = usual_observation(&ten);
        o.buffer_max_us = (int64_t)(9 + weir_rng_below(&rng, 50)) * WEIR_SECOND_US;
        o.buffer_level_us = 0;
        for (int i = 0; i < 400; i++) {
            struct weir_abr_decision d = weir_abr_decide(a, &o);
            for (int k = 0; d.wait_us > 0; k++) {
                assert_in_range(k, 0, 1); // one wait is enough
                o.buffer_level_us -= d.wait_us;
                d = weir_abr_decide(a, &o);
            }
            double bps = 50e3 * (1 + 200 * weir_rng_unit(&rng) * weir_rng_unit(&rng));
            int64_t took_us = (int64_t)(3e6 * (double)ten_rungs[d.rung].bitrate_bps / bps);
            o.buffer_level_us -= took_us < o.buffer_level_us ? took_us : o.buffer_level_us;
            o.buffer_level_us += 3 * WEIR_SECOND_US;
            o.last_rung = d.rung;
            if (o.buffer_level_us > o.buffer_max_us)
                fail_msg("seed %llu, segment %d: %lld us of %lld", (unsigned long long)seed, i,
                         (long long)o.buffer_level_us, (long long)o.buffer_max_us);
        }
        weir_abr_destroy(&a);
    }
}

// --- Sabre's readings (reference 3.2) ---

static size_t sabre_rung(struct weir_abr *a, struct weir_abr_observation o, double level_s)
{
    o.buffer_level_us = (int64_t)(level_s * 1e6);
    struct weir_abr_decision d = weir_abr_decide(a, &o);
    assert_int_equal(d.wait_us, 0);
    return d.rung;
}

// The guard goes by the estimate and its latency, applies to BASIC as well, and starts from BOLA's
// own choice before, not from what was fetched.
static void sabre_guards_basic_from_its_own_choice(void **state)
{
    (void)state;
    struct weir_abr *a = must_create("bola:variant=basic,compat=sabre");
    struct weir_abr_observation o = usual_observation(&ten);
    o.last_rung = 9;              // fetched by somebody else's choice
    o.last_sample.bytes = 100000; // would carry rung 3
    assert_int_equal(sabre_rung(a, o, 19.5), 6);
    o.latency_us = 2900000; // nothing arrives within a segment's duration any more
    assert_int_equal(sabre_rung(a, o, 19.5), 6); // held at its own
    assert_int_equal(sabre_rung(a, o, 5), 0);
    assert_int_equal(sabre_rung(a, o, 19.5), 1);
    weir_abr_destroy(&a);
}

// Near the end every score is negative, and the argmax among those drifts to the top.
static void sabre_never_waits_for_scores(void **state)
{
    (void)state;
    struct weir_abr *a = must_create("bola:compat=sabre");
    struct weir_abr_observation o = usual_observation(&ten);
    o.until_end_us = 12 * WEIR_SECOND_US;
    o.throughput_bps = 100000000;
    assert_int_equal(sabre_rung(a, o, 15), 9);
    o.since_start_us = 0; // its q is still 9
    o.throughput_bps = 300000;
    assert_int_equal(sabre_rung(a, o, 15), 9);
    weir_abr_destroy(&a);
}

// -ao: waits for its own score to be positive, which at such levels it is; the wait is BOLA's whole
// answer.
static void sabre_averse_waits_for_its_own_level(void **state)
{
    (void)state;
    struct weir_abr *a = must_create("bola:variant=o,compat=sabre");
    struct weir_abr_observation o = usual_observation(&ten);
    o.buffer_level_us = 21 * WEIR_SECOND_US;
    struct weir_abr_decision d = weir_abr_decide(a, &o);
    assert_int_equal(d.rung, 5);
    assert_true(d.committed);
    struct weir_bola b = published();
    assert_near((double)d.wait_us, 21e6 - weir_bola_max_level_us(&b, 5), 1);
    weir_abr_destroy(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(has_the_published_levels),
        cmocka_unit_test(basic_switches_at_its_levels),
        cmocka_unit_test(waits_while_every_score_is_negative),
        cmocka_unit_test(finite_shrinks_the_buffer_near_the_ends),
        cmocka_unit_test(guards_hold_increases_to_the_throughput),
        cmocka_unit_test(default_is_variant_u),
        cmocka_unit_test(starts_at_the_lowest_rung),
        cmocka_unit_test(abandons_what_is_no_longer_worth_it),
        cmocka_unit_test(a_short_last_segment_changes_little),
        cmocka_unit_test(best_is_the_highest_score),
        cmocka_unit_test(notices_another_ladder_in_the_same_place),
        cmocka_unit_test(never_overfills_the_buffer),
        cmocka_unit_test(sabre_guards_basic_from_its_own_choice),
        cmocka_unit_test(sabre_never_waits_for_scores),
        cmocka_unit_test(sabre_averse_waits_for_its_own_level),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
