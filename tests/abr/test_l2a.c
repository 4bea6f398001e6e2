// tests/abr/test_l2a.c — L2A: constants, projection and one learning step by hand, and the flow
// around them (reference 11).
#include "tests/abr/abr_test.h"

#include "abr/l2a_math.h"
#include "core/rng.h"

static void has_the_published_constants(void **state)
{
    (void)state;
    struct weir_l2a p = weir_l2a_constants(4);
    assert_near(p.vl, 3.944931, 5e-7);
    assert_near(p.alpha, 7.889862, 5e-7);
}

static void projects_onto_the_simplex(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        double in[3], out[3];
    } rows[] = {
        {"a point of it stays", {0.2, 0.3, 0.5}, {0.2, 0.3, 0.5}},
        {"the excess is shared", {0.5, 0.6, 0.8}, {0.2, 0.3, 0.5}},
        {"what falls below zero is cut", {1.0, 0.5, -3}, {0.75, 0.25, 0}},
        {"one far ahead takes all", {0, 7, 1}, {0, 1, 0}},
        {"all below", {-5, -4, -9}, {0, 1, 0}},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        double w[3] = {rows[i].in[0], rows[i].in[1], rows[i].in[2]};
        weir_l2a_project(w, 3);
        for (int k = 0; k < 3; k++)
            assert_near(w[k], rows[i].out[k], 1e-12);
    }
    // The nearest point: none of many others on the simplex is nearer.
    struct weir_rng rng;
    weir_rng_seed(&rng, 1);
    for (int i = 0; i < 200; i++) {
        double x[4], w[4], other[4];
        double sum = 0, near = 0, far = 0;
        for (int k = 0; k < 4; k++) {
            w[k] = x[k] = 4 * weir_rng_unit(&rng) - 2;
            other[k] = weir_rng_unit(&rng);
            sum += other[k];
        }
        weir_l2a_project(w, 4);
        for (int k = 0; k < 4; k++) {
            near += (w[k] - x[k]) * (w[k] - x[k]);
            far += (other[k] / sum - x[k]) * (other[k] / sum - x[k]);
        }
        assert_near(w[0] + w[1] + w[2] + w[3], 1, 1e-12);
        assert_true(near <= far + 1e-12);
    }
}

// Two rungs of 1 and 2 Mbit/s, 1.5 Mbit/s measured, L = 2 s, all weight on rung 0, multiplier VL:
// w' = (1, 0) + 2 / (2 alpha) * 2 VL * (2/3, -4/3) = (1 + 2/3, -4/3), since alpha = 2 VL here;
// projected (1, 0); the multiplier becomes VL + 2 * (2/3 - 1).
static void takes_one_step_as_by_hand(void **state)
{
    (void)state;
    static const double rates[] = {1000, 2000};
    struct weir_l2a p = weir_l2a_constants(4);
    p.rates_kbps = rates;
    p.count = 2;
    p.duration_s = 2;
    double w[] = {1, 0};
    double multiplier = p.vl;
    weir_l2a_step(&p, 1500, w, &multiplier);
    assert_near(w[0], 1, 1e-12);
    assert_near(multiplier, p.vl - 2.0 / 3, 1e-12);
    assert_int_equal(weir_l2a_nearest(&p, w), 0);
    // 2.5 Mbit/s: both fit, gradient (0.4, 0.8): (1.4 - t, 0.8 - t) with t = 0.6.
    multiplier = p.vl;
    w[0] = 1;
    w[1] = 0;
    weir_l2a_step(&p, 2500, w, &multiplier);
    assert_near(w[0], 0.8, 1e-12);
    assert_near(w[1], 0.2, 1e-12);
    assert_near(multiplier, p.vl + 2 * (1200.0 / 2500 - 1), 1e-12);
    assert_int_equal(weir_l2a_nearest(&p, w), 0);
}

static size_t run(struct weir_abr *a, struct weir_abr_observation *o, int64_t kbps, int segments)
{
    o->throughput_bps = kbps * 1000;
    o->last_sample =
        (struct weir_throughput_sample){.bytes = kbps * 125, .duration_us = WEIR_SECOND_US};
    for (int i = 0; i < segments; i++) {
        o->segment_index++;
        o->last_rung = weir_abr_decide(a, o).rung;
    }
    return o->last_rung;
}

// Below 1.5 s of buffer: 90 % of the estimate. Then it learns its way to what the network carries,
// a rung at a time, and away from what it does not.
static void starts_by_throughput_and_learns(void **state)
{
    (void)state;
    struct weir_abr *a = must_create("l2a");
    struct weir_abr_observation o = usual_observation(&ten);
    o.segment_duration_us = 2 * WEIR_SECOND_US;
    assert_int_equal(run(a, &o, 1100, 1), 3); // 990 kbit/s
    o.buffer_level_us = 2 * WEIR_SECOND_US;
    size_t before = o.last_rung;
    for (int i = 0; i < 60; i++) {
        size_t rung = run(a, &o, 4000, 1);
        assert_true(rung <= before + 1); // stepwise
        before = rung;
    }
    assert_int_equal(before, 7); // 2962 kbit/s; 5027 does not fit
    assert_true(run(a, &o, 600, 40) <= 2);
    o.buffer_level_us = 0;
    weir_abr_reset(a); // a seek: start-up again
    assert_int_equal(run(a, &o, 4000, 1), 7);
    weir_abr_destroy(&a);
}

// Scaling all rates alike changes nothing: no formula mixes units (the slip of dash.js).
static void knows_no_absolute_rate(void **state)
{
    (void)state;
    static struct weir_rung thousandfold[10];
    for (size_t j = 0; j < 10; j++)
        thousandfold[j].bitrate_bps = ten_rungs[j].bitrate_bps * 1000;
    const struct weir_ladder big = {thousandfold, 10};
    struct weir_abr *a = must_create("l2a");
    struct weir_abr *b = must_create("l2a");
    struct weir_abr_observation o = usual_observation(&ten);
    struct weir_abr_observation p = usual_observation(&big);
    o.buffer_level_us = p.buffer_level_us = 5 * WEIR_SECOND_US;
    struct weir_rng rng;
    weir_rng_seed(&rng, 8);
    for (int i = 0; i < 300; i++) {
        int64_t kbps = 300 + (int64_t)weir_rng_below(&rng, 6000);
        assert_int_equal(run(a, &o, kbps, 1), run(b, &p, kbps * 1000, 1));
    }
    weir_abr_destroy(&a);
    weir_abr_destroy(&b);
}

// An hour below the lowest rung: the multiplier stays a number, and the climb out of it works.
static void survives_a_hopeless_network(void **state)
{
    (void)state;
    struct weir_abr *a = must_create("l2a");
    struct weir_abr_observation o = usual_observation(&ten);
    o.buffer_level_us = 2 * WEIR_SECOND_US;
    assert_int_equal(run(a, &o, 50, 2000), 0);
    assert_true(run(a, &o, 4000, 60) >= 6);
    weir_abr_destroy(&a);
}

static void learns_once_a_segment(void **state)
{
    (void)state;
    struct weir_abr *a = must_create("l2a");
    struct weir_abr *b = must_create("l2a");
    struct weir_abr_observation o = usual_observation(&ten);
    struct weir_abr_observation p = o;
    o.buffer_level_us = p.buffer_level_us = 5 * WEIR_SECOND_US;
    for (int i = 0; i < 50; i++) {
        size_t rung = run(a, &o, 3000, 1);
        for (int k = 0; k < 5; k++)
            assert_int_equal(weir_abr_decide(a, &o).rung, rung);
        assert_int_equal(run(b, &p, 3000, 1), rung);
    }
    weir_abr_destroy(&a);
    weir_abr_destroy(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(has_the_published_constants),
        cmocka_unit_test(projects_onto_the_simplex),
        cmocka_unit_test(takes_one_step_as_by_hand),
        cmocka_unit_test(starts_by_throughput_and_learns),
        cmocka_unit_test(knows_no_absolute_rate),
        cmocka_unit_test(survives_a_hopeless_network),
        cmocka_unit_test(learns_once_a_segment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
