// tests/player/engine/test_session.c — whole sessions in virtual time: they end, repeat bit for
// bit, and keep their bounds whatever network, failures and viewer a seed brings. A failing seed is
// named; WEIR_TEST_SEED=N replays it alone.
#include "tests/player/engine/host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct host_params steady = {.seed = 1,
                                          .bandwidth_bps = 8000000,
                                          .latency_us = 50000,
                                          .progress = true,
                                          .give_up_at_us = 3600 * SECOND};

static struct host_result play(const struct rig_spec *spec, const char *abr,
                               const struct host_params *params,
                               void (*change)(struct weir_engine_params *p, uint64_t seed))
{
    struct rig r;
    rig_load(&r, spec, abr);
    r.params.seed = params->seed;
    if (change)
        change(&r.params, params->seed);
    rig_make(&r);
    struct host_result result = host_run(&r, params);
    assert_int_equal(r.fetches, r.ended_fetches); // each ended once
    rig_clear(&r);
    return result;
}

static void a_steady_network_plays_to_the_end(void **state)
{
    (void)state;
    static const char *const names[] = {"bba0", "bola", "fixed:rung=2", "random:seed=3",
                                        "throughput"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct host_result result =
            play(&(struct rig_spec){.segments = 60}, names[i], &steady, NULL);
        assert_true(result.ended);
        assert_int_equal(result.err, 0);
        assert_int_equal(result.starts, 1);
        if (result.stalls || result.ended_at_us > 121 * SECOND)
            fail_msg("%s: %d stalls, ended at %lld us", names[i], result.stalls,
                     (long long)result.ended_at_us);
    }
}

// 0.4 Mbit/s for a lowest rung of 0.5 Mbit/s and its sound: it must stall, and still arrive.
static void a_slow_network_stalls_and_arrives(void **state)
{
    (void)state;
    struct host_params params = steady;
    params.bandwidth_bps = 400000;
    struct host_result result = play(NULL, "bola", &params, NULL);
    assert_true(result.ended);
    assert_int_equal(result.err, 0);
    assert_true(result.stalls > 0);
}

static void make_untimed(struct weir_engine_params *p, uint64_t seed)
{
    (void)seed;
    p->untimed = true;
    p->buffer_max_us = 4 * SECOND;
}

static void untimed_never_stalls(void **state)
{
    (void)state;
    struct host_params params = steady;
    params.bandwidth_bps = 400000;
    struct host_result result = play(NULL, "bola", &params, make_untimed);
    assert_true(result.ended);
    assert_int_equal(result.err, 0);
    assert_int_equal(result.stalls, 0);
}

static void equal_seeds_give_equal_actions(void **state)
{
    (void)state;
    struct host_params params = steady;
    params.vary = params.playheads = true;
    params.fail = 0.1;
    params.key = 0.02;
    params.bandwidth_bps = 2000000;
    struct rig_spec spec = {.periods = 2, .segments = 20, .bases = 2};
    uint64_t first = play(&spec, "bola", &params, NULL).hash;
    assert_true(play(&spec, "bola", &params, NULL).hash == first);
    params.seed++;
    assert_true(play(&spec, "bola", &params, NULL).hash != first);
}

// After reset the engine is as new: the same session, the same actions, without another create.
static void reset_is_as_good_as_new(void **state)
{
    (void)state;
    struct host_params params = steady;
    params.vary = true;
    params.fail = 0.1;
    struct rig r;
    rig_load(&r, &(struct rig_spec){.bases = 2}, "bola");
    rig_make(&r);
    uint64_t first = host_run(&r, &params).hash;
    struct rig again = r;
    again.open_count = 0;
    again.ended = false;
    again.hash = 0;
    again.now_us = again.head_us = 0;
    again.timer_us = INT64_MAX;
    memset(again.eos, 0, sizeof(again.eos));
    assert_int_equal(weir_engine_reset(again.engine, &again.params, &again.content), 0);
    assert_true(host_run(&again, &params).hash == first);
    rig_clear(&r);
}

static void shake_params(struct weir_engine_params *p, uint64_t seed)
{
    p->buffer_max_us = (int64_t)(3 + seed % 40) * SECOND;
    p->startup_us = (int64_t)(seed % 5) * SECOND / 2;
    p->resume_us = (int64_t)(seed % 7) * SECOND / 2;
    p->memory_limit_bytes = seed % 3 == 0 ? 600000 + (int64_t)(seed % 11) * 100000 : 0;
    p->start_at_us = seed % 4 == 0 ? (int64_t)(seed % 50) * SECOND : 0;
    p->end_at_us = seed % 6 == 0 ? (int64_t)(20 + seed % 30) * SECOND : WEIR_TIME_NONE;
    p->untimed = seed % 10 == 9;
    p->abandon = seed % 2 == 0;
}

static void one_random_session(uint64_t seed)
{
    static const char *const names[] = {
        "bba0",       "bola",           "fixed:rung=1",       "random",
        "throughput", "bola:variant=o", "bola:variant=finite"};
    struct weir_rng rng;
    weir_rng_seed(&rng, seed);
    struct rig_spec spec = {
        .periods = 1 + (int)weir_rng_below(&rng, 3),
        .segments = 1 + (int)weir_rng_below(&rng, 12),
        .segment_ms = 500 + (int)weir_rng_below(&rng, 4000),
        .audio_segment_ms = weir_rng_below(&rng, 2) ? 700 + (int)weir_rng_below(&rng, 4000) : 0,
        .rungs = 1 + (int)weir_rng_below(&rng, 5),
        .bases = 1 + (int)weir_rng_below(&rng, 2),
        .no_audio = weir_rng_below(&rng, 6) == 0,
        .audio_first_period = weir_rng_below(&rng, 6) == 0,
    };
    if (weir_rng_below(&rng, 5) == 0) {
        spec.sidx = true;
        spec.periods = 1;
        spec.audio_segment_ms = 0;
    }
    struct host_params params = {
        .seed = seed,
        .bandwidth_bps = 300000 + (int64_t)weir_rng_below(&rng, 6000000),
        .latency_us = (int64_t)weir_rng_below(&rng, 200000),
        .vary = weir_rng_below(&rng, 2) == 0,
        .fail = weir_rng_below(&rng, 2) ? 0.2 * weir_rng_unit(&rng) : 0,
        .fail_hard = weir_rng_below(&rng, 4) == 0 ? 0.1 * weir_rng_unit(&rng) : 0,
        .key = weir_rng_below(&rng, 2) ? 0.05 : 0,
        .progress = weir_rng_below(&rng, 3) > 0,
        .playheads = weir_rng_below(&rng, 2) == 0,
        .give_up_at_us = 7200 * SECOND,
    };
    print_message("seed %llu\r", (unsigned long long)seed); // the last line names a failing one
    struct host_result result = play(&spec, names[weir_rng_below(&rng, 7)], &params, shake_params);
    if (!result.ended)
        fail_msg("seed %llu: no end after %llu steps", (unsigned long long)seed,
                 (unsigned long long)result.steps);
    if (result.err && params.fail == 0 && params.fail_hard == 0)
        fail_msg("seed %llu: ended with %d although nothing failed", (unsigned long long)seed,
                 result.err);
}

static void every_random_session_keeps_the_rules(void **state)
{
    (void)state;
    const char *only = getenv("WEIR_TEST_SEED");
    if (only) {
        one_random_session(strtoull(only, NULL, 10));
        return;
    }
    for (uint64_t seed = 1; seed <= 3000; seed++)
        one_random_session(seed);
    print_message("\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_steady_network_plays_to_the_end),
        cmocka_unit_test(a_slow_network_stalls_and_arrives),
        cmocka_unit_test(untimed_never_stalls),
        cmocka_unit_test(equal_seeds_give_equal_actions),
        cmocka_unit_test(reset_is_as_good_as_new),
        cmocka_unit_test(every_random_session_keeps_the_rules),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
