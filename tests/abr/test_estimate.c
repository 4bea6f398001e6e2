// tests/abr/test_estimate.c — the estimator against the reference's vectors (1.2).
#include "tests/abr/abr_test.h"

#include "abr/estimate.h"

// duration ms, kbit/s, latency ms
static struct weir_throughput_sample sample(int64_t ms, int64_t kbps, int64_t latency_ms)
{
    return (struct weir_throughput_sample){
        .bytes = kbps * ms / 8, .duration_us = ms * 1000, .latency_us = latency_ms * 1000};
}

static void add(struct weir_estimate *e, int64_t ms, int64_t kbps, int64_t latency_ms)
{
    struct weir_throughput_sample s = sample(ms, kbps, latency_ms);
    weir_estimate_add(e, &s, 3 * WEIR_SECOND_US);
}

static void gives_the_published_sequence(void **state)
{
    (void)state;
    struct weir_estimate e;
    weir_estimate_reset(&e);
    add(&e, 1000, 2000, 100);
    assert_near(weir_estimate_throughput_bps(&e), 2000e3, 1e-3);
    assert_near(weir_estimate_latency_us(&e), 100e3, 1e-6);
    add(&e, 500, 4000, 50);
    assert_near(weir_estimate_throughput_bps(&e), 2695747.201, 1e-2);
    assert_near(weir_estimate_latency_us(&e), 71769.043, 1e-2);
    add(&e, 2000, 1000, 150);
    assert_near(weir_estimate_throughput_bps(&e), 1580596.511, 1e-2);
    assert_near(weir_estimate_latency_us(&e), 114285.714, 1e-2);
}

static void is_zero_before_the_first_sample(void **state)
{
    (void)state;
    struct weir_estimate e;
    weir_estimate_reset(&e);
    assert_true(weir_estimate_throughput_bps(&e) == 0);
    assert_true(weir_estimate_latency_us(&e) == 0);
}

// An answer that took no time or carried nothing says nothing, and must not become infinite.
static void drops_samples_without_bytes_or_time(void **state)
{
    (void)state;
    struct weir_estimate e;
    weir_estimate_reset(&e);
    add(&e, 0, 2000, 10);
    add(&e, 100, 0, 10);
    assert_true(weir_estimate_throughput_bps(&e) == 0);
    add(&e, 1000, 2000, 10);
    assert_near(weir_estimate_throughput_bps(&e), 2000e3, 1e-3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gives_the_published_sequence),
        cmocka_unit_test(is_zero_before_the_first_sample),
        cmocka_unit_test(drops_samples_without_bytes_or_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
