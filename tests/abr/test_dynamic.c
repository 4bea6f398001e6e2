// tests/abr/test_dynamic.c — DYNAMIC: who is in charge when (reference 5), and that both rules keep
// the memory of their own choices.
#include "tests/abr/abr_test.h"

static struct weir_abr_decision decide_at(struct weir_abr *a, double level_s, int64_t bps)
{
    struct weir_abr_observation o = usual_observation(&ten);
    o.buffer_level_us = (int64_t)(level_s * 1e6);
    o.throughput_bps = bps;
    return weir_abr_decide(a, &o);
}

// Below 10 s it is THROUGHPUT, however high BOLA would go; above only once BOLA's rung is no lower.
static void bola_takes_over_when_it_asks_for_no_less(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        double level_s;
        int64_t bps;
        size_t expect;
    } steps[] = {
        {"low buffer: throughput, 0.9 * 1.2 Mbit/s", 6, 1200000, 4},
        {"above 10 s, but BOLA wants rung 0", 10.5, 1200000, 4},
        {"14.5 s: BOLA wants rung 4 as well", 14.5, 1200000, 4},
        {"BOLA is in charge: 15.5 s is its rung 5", 15.5, 1200000, 5},
        {"and stays so above 10 s, although it asks for less", 11, 1200000, 0},
        {"below, and less than throughput: throughput again", 9.5, 1200000, 4},
        {"back above 10 s with BOLA's rung lower: still throughput", 12.5, 1200000, 4},
    };
    struct weir_abr *a = must_create("dynamic:compat=sabre");
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        size_t rung = decide_at(a, steps[i].level_s, steps[i].bps).rung;
        if (rung != steps[i].expect)
            fail_msg("%s: rung %zu, expected %zu", steps[i].name, rung, steps[i].expect);
    }
    weir_abr_destroy(&a);
}

// While THROUGHPUT fetches rung 6, BOLA chooses 0 for itself; its guard then starts from there.
static void bola_s_memory_is_of_its_own_choices(void **state)
{
    (void)state;
    struct weir_abr *a = must_create("dynamic:compat=sabre");
    assert_int_equal(decide_at(a, 8, 2400000).rung, 6); // 2160 kbit/s
    // 21 s: BOLA wants 9 from 0; the network carries 2: one more.
    assert_int_equal(decide_at(a, 21, 500000).rung, 3);
    weir_abr_destroy(&a);
}

// The discount of the insufficient-buffer rule falls at every decision, whoever is in charge.
static void throughput_s_caution_grows_meanwhile(void **state)
{
    (void)state;
    struct weir_abr *a = must_create("dynamic:compat=sabre");
    assert_int_equal(decide_at(a, 2.0001, 10000000).rung, 9); // 18 Mbit allowed at first
    for (int i = 0; i < 10; i++)
        (void)decide_at(a, 21, 10000000);
    (void)decide_at(a, 5, 10000000);
    assert_int_equal(decide_at(a, 2.0001, 10000000).rung, 7); // 10 Mbit
    weir_abr_destroy(&a);
}

static void starts_at_the_lowest_rung(void **state)
{
    (void)state;
    struct weir_abr *a = must_create("dynamic");
    assert_int_equal(decide_at(a, 0, 0).rung, 0);
    weir_abr_destroy(&a);
}

// A player whose buffer stays below 10 s never leaves THROUGHPUT: expected, not a fault.
static void a_small_buffer_means_throughput(void **state)
{
    (void)state;
    struct weir_abr *d = must_create("dynamic");
    struct weir_abr *t = must_create("throughput");
    for (int i = 0; i < 1000; i++) {
        double level_s = i % 10;
        int64_t bps = 100000 + 7919 * i;
        assert_int_equal(decide_at(d, level_s, bps).rung, decide_at(t, level_s, bps).rung);
    }
    weir_abr_destroy(&d);
    weir_abr_destroy(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bola_takes_over_when_it_asks_for_no_less),
        cmocka_unit_test(bola_s_memory_is_of_its_own_choices),
        cmocka_unit_test(throughput_s_caution_grows_meanwhile),
        cmocka_unit_test(starts_at_the_lowest_rung),
        cmocka_unit_test(a_small_buffer_means_throughput),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
