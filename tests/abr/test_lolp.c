// tests/abr/test_lolp.c — LoL+: the search for weights against trying all 625 vectors, winner and
// learning by their formulae, and the seeded start (reference 12).
#include "tests/abr/abr_test.h"

#include <string.h>

#include "abr/lolp_som.h"
#include "core/rng.h"

static struct weir_lolp_som som;

static void starts_with_a_neuron_for_each_rung(void **state)
{
    (void)state;
    weir_lolp_som_make(&som, &ten);
    double squares = 0;
    for (size_t j = 0; j < 10; j++) {
        double share = som.neurons[j][WEIR_LOLP_THROUGHPUT];
        assert_near(share * som.norm_kbps, (double)ten_rungs[j].bitrate_bps / 1000, 1e-9);
        assert_near(som.neurons[j][WEIR_LOLP_LATENCY], 0, 0);
        squares += share * share;
    }
    assert_near(squares, 1, 1e-12);
}

// As dash.js does it: every neuron, every vector in order, strictly better wins.
static bool try_all(const struct weir_lolp_input *in, double *weights)
{
    bool found = false;
    double best = 0;
    for (size_t j = 0; j < som.count; j++) {
        for (int n = 0; n < 625; n++) {
            double w[] = {0.2 * (n / 125 + 1), 0.2 * (n / 25 % 5 + 1), 0.2 * (n / 5 % 5 + 1),
                          0.2 * (n % 5 + 1)};
            double qoe = weir_lolp_qoe(&som, in, j, w);
            if ((!found || qoe > best) && weir_lolp_qualifies(&som, in, j)) {
                found = true;
                best = qoe;
                memcpy(weights, w, sizeof(w));
            }
        }
    }
    return found;
}

static void search_finds_what_trying_all_finds(void **state)
{
    (void)state;
    struct weir_rng rng;
    weir_rng_seed(&rng, 12);
    int kept = 0;
    for (int i = 0; i < 2000; i++) {
        weir_lolp_som_make(&som, &ten);
        for (size_t j = 0; j < som.count; j++)
            if (weir_rng_below(&rng, 2))
                som.neurons[j][WEIR_LOLP_LATENCY] = 3 * weir_rng_unit(&rng);
        for (int k = 0; k < WEIR_LOLP_FEATURES; k++)
            som.weights[k] = 0.5;
        struct weir_lolp_input in = {
            .throughput_kbps = 100 + 8000 * weir_rng_unit(&rng),
            .buffer_s = 6 * weir_rng_unit(&rng),
            .duration_s = 1 + 3 * weir_rng_unit(&rng),
            .latency_s = 4 * weir_rng_unit(&rng),
            .previous_latency_s = 4 * weir_rng_unit(&rng),
        };
        double expected[] = {0.5, 0.5, 0.5, 0.5};
        kept += !try_all(&in, expected);
        weir_lolp_som_search(&som, &in);
        for (int k = 0; k < WEIR_LOLP_FEATURES; k++)
            assert_near(som.weights[k], expected[k], 1e-12);
    }
    assert_in_range(kept, 1, 1999); // both kinds came up
}

// Fresh neurons, equal weights: the nearest rung to C, among those below C - 10 kbit/s; those above
// count a hundredfold.
static void winner_is_nearest(void **state)
{
    (void)state;
    weir_lolp_som_make(&som, &ten);
    for (int k = 0; k < WEIR_LOLP_FEATURES; k++)
        som.weights[k] = 0.2;
    struct weir_lolp_input in = {.throughput_kbps = 1400, .buffer_s = 10, .duration_s = 3};
    // 1427 is 27 away, but above: sqrt(100) * 27 against sqrt(0.2) * 409 of 991 kbit/s.
    assert_int_equal(weir_lolp_som_winner(&som, &in), 4);
    in.throughput_kbps = 1420; // sqrt(100) * 7 = 70 against sqrt(0.2) * 429 = 192
    assert_int_equal(weir_lolp_som_winner(&som, &in), 5);
    in.throughput_kbps = 1438;
    assert_int_equal(weir_lolp_som_winner(&som, &in), 5);
    in.throughput_kbps = 60000; // beyond the norm: the largest neuron's
    assert_int_equal(weir_lolp_som_winner(&som, &in), 9);
    in.throughput_kbps = 60; // below all: only the lowest is not counted a hundredfold
    assert_int_equal(weir_lolp_som_winner(&som, &in), 0);
}

// The current neuron (h = 1) moves by 0.01 of its distance, another by exp(-d^2 / 0.02) of that.
static void learns_in_the_neighbourhood(void **state)
{
    (void)state;
    weir_lolp_som_make(&som, &ten);
    double before[10];
    for (size_t j = 0; j < 10; j++)
        before[j] = som.neurons[j][WEIR_LOLP_THROUGHPUT];
    struct weir_lolp_input in = {.throughput_kbps = 2056, .buffer_s = 1, .duration_s = 3};
    weir_lolp_som_learn(&som, &in, 6, 6);
    double x = 2056 / som.norm_kbps;
    // Rung 6 is where C is; its download takes 3 s against 1 s of buffer: 2 s of rebuffering,
    // learnt at 0.01, then unlearnt by 0.01 of it towards the winner's aim.
    assert_near(som.neurons[6][WEIR_LOLP_THROUGHPUT], before[6], 1e-12);
    assert_near(som.neurons[6][WEIR_LOLP_REBUFFER], 0.02 * 0.99, 1e-12);
    double d = before[5] - before[6];
    double h = exp(-d * d / 0.02);
    double first = before[5] + 0.01 * h * (x - before[5]);
    assert_near(som.neurons[5][WEIR_LOLP_THROUGHPUT], first + 0.01 * h * (x - first), 1e-5);
    assert_near(som.neurons[5][WEIR_LOLP_REBUFFER], 0.02 * h, 0.001);
    assert_true(som.neurons[9][WEIR_LOLP_REBUFFER] < som.neurons[5][WEIR_LOLP_REBUFFER]);
}

static void weights_are_drawn_from_the_seed(void **state)
{
    (void)state;
    double first[WEIR_LOLP_FEATURES];
    weir_lolp_som_make(&som, &ten);
    weir_lolp_som_draw_weights(&som, 1);
    memcpy(first, som.weights, sizeof(first));
    weir_lolp_som_draw_weights(&som, 1);
    assert_memory_equal(first, som.weights, sizeof(first));
    weir_lolp_som_draw_weights(&som, 2);
    assert_memory_not_equal(first, som.weights, sizeof(first));
    for (int k = 0; k < WEIR_LOLP_FEATURES; k++) {
        assert_true(som.weights[k] >= 0);
        assert_true(som.weights[k] < 1);
    }
}

static size_t decide_at(struct weir_abr *a, int64_t index, int64_t kbps, double buffer_s,
                        size_t last)
{
    struct weir_abr_observation o = usual_observation(&ten);
    o.segment_index = index;
    o.throughput_bps = kbps * 1000;
    o.buffer_level_us = (int64_t)(buffer_s * 1e6);
    o.last_rung = last;
    return weir_abr_decide(a, &o).rung;
}

// The last rung again would leave less than 0.3 s: the highest below it that C (0.9 of the
// estimate) carries; where none is, it stays.
static void steps_down_before_the_buffer_runs_dry(void **state)
{
    (void)state;
    struct weir_abr *a = must_create("lolp");
    assert_int_equal(decide_at(a, 1, 1000, 6, 6), 3);   // 900 kbit/s
    assert_int_equal(decide_at(a, 2, 6000, 1.6, 7), 6); // 1.646 s for 2962 kbit/s
    assert_int_equal(decide_at(a, 3, 200, 1, 4), 4);
    weir_abr_destroy(&a);
}

static void settles_at_what_the_network_carries(void **state)
{
    (void)state;
    struct weir_abr *a = must_create("lolp");
    struct weir_abr *b = must_create("lolp");
    size_t last = 0;
    for (int64_t i = 0; i < 100; i++) {
        size_t rung = decide_at(a, i, 2500, 12, last);           // 2250 kbit/s
        assert_int_equal(decide_at(a, i, 2500, 12, last), rung); // learns once
        assert_int_equal(decide_at(b, i, 2500, 12, last), rung);
        last = rung;
    }
    assert_int_equal(last, 6);
    weir_abr_destroy(&a);
    weir_abr_destroy(&b);
}

// Another period's ladder lies where the last one lay: what was made for that one does not count.
static void a_ladder_that_changes_in_place_is_another(void **state)
{
    (void)state;
    struct weir_rung rungs[] = {{1000000, 0, 0}, {4000000, 0, 0}, {16000000, 0, 0}};
    const struct weir_ladder ladder = {rungs, 3};
    struct weir_abr *a = must_create("lolp");
    struct weir_abr *fresh = must_create("lolp");
    struct weir_abr_observation o = usual_observation(&ladder);
    o.throughput_bps = 2000000;
    o.buffer_level_us = 15 * WEIR_SECOND_US;
    size_t before = weir_abr_decide(a, &o).rung;
    for (size_t j = 0; j < 3; j++)
        rungs[j].bitrate_bps /= 10;
    o.segment_index++;
    size_t after = weir_abr_decide(a, &o).rung;
    assert_int_equal(after, weir_abr_decide(fresh, &o).rung);
    assert_true(after > before);
    weir_abr_destroy(&a);
    weir_abr_destroy(&fresh);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(starts_with_a_neuron_for_each_rung),
        cmocka_unit_test(search_finds_what_trying_all_finds),
        cmocka_unit_test(winner_is_nearest),
        cmocka_unit_test(learns_in_the_neighbourhood),
        cmocka_unit_test(weights_are_drawn_from_the_seed),
        cmocka_unit_test(steps_down_before_the_buffer_runs_dry),
        cmocka_unit_test(settles_at_what_the_network_carries),
        cmocka_unit_test(a_ladder_that_changes_in_place_is_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
