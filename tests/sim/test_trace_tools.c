// tests/sim/test_trace_tools.c — traces written, measured and made: what is written reads back,
// what is measured was worked out by hand, what is made follows its recipe.
#include "cmocka_all.h"

#include <locale.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/rng.h"
#include "sim/trace_generate.h"
#include "sim/trace_stats.h"
#include "sim/trace_write.h"

#define S WEIR_SECOND_US

static struct weir_trace *parse(const char *name, const char *text)
{
    struct weir_trace *t = NULL;
    struct weir_error e = {0};
    if (weir_trace_parse(text, strlen(text), name, &t, &e) != 0)
        fail_msg("%s: %s: %s", name, e.what, text);
    return t;
}

static char *text_of(const struct weir_trace *t, enum weir_trace_format f)
{
    char *text = NULL;
    size_t size_bytes = 0;
    struct weir_error e = {0};
    if (weir_trace_text(t, f, WEIR_TIME_NONE, &text, &size_bytes, &e) != 0)
        fail_msg("%s: %s", e.where, e.what);
    assert_int_equal(strlen(text), size_bytes);
    return text;
}

static const struct {
    const char *name, *in;
    enum weir_trace_format format;
    const char *out;
} written[] = {
    {"Sabre wants a latency", "0 1\n1.5 0.25\n2.5 2\n", WEIR_TRACE_SABRE,
     "[\n    {\"duration_ms\": 1500, \"bandwidth_kbps\": 250, \"latency_ms\": 0},\n"
     "    {\"duration_ms\": 1000, \"bandwidth_kbps\": 2000, \"latency_ms\": 0}\n]\n"},
    {"weir.trace/1 says what is known",
     "[{\"duration_ms\":0.5,\"bandwidth_kbps\":0.001,\"latency_ms\":20.25},"
     "{\"duration_ms\":1.001,\"bandwidth_kbps\":1e9}]",
     WEIR_TRACE_WEIR,
     "{\"schema\": \"weir.trace/1\", \"intervals\": [\n"
     "    {\"duration_ms\": 0.5, \"bandwidth_kbps\": 0.001, \"latency_ms\": 20.25},\n"
     "    {\"duration_ms\": 1.001, \"bandwidth_kbps\": 1000000000}\n]}\n"},
    {"cooked begins with its origin",
     "[{\"duration_ms\":500,\"bandwidth_kbps\":0},{\"duration_ms\":20000,\"bandwidth_kbps\":1234.5}"
     "]",
     WEIR_TRACE_COOKED, "0\t0\n0.5\t0\n20.5\t1.2345\n"},
    {"Mahimahi counts packets", "0 0\n0.002 12\n0.003 24\n", WEIR_TRACE_MAHIMAHI, "1\n2\n3\n3\n"},
    {"Mahimahi: a packet's last bit says when", "0 0\n0.005 6\n", WEIR_TRACE_MAHIMAHI, "2\n5\n"},
    {"Mahimahi: the last packet keeps the period", "0 0\n0.002 12\n0.010 0\n", WEIR_TRACE_MAHIMAHI,
     "1\n10\n"},
};

static void every_format_is_written(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(written) / sizeof(written[0]); i++) {
        struct weir_trace *t = parse(written[i].name, written[i].in);
        char *text = text_of(t, written[i].format);
        if (strcmp(text, written[i].out) != 0)
            fail_msg("%s:\n%s\nnot\n%s", written[i].name, text, written[i].out);
        free(text);
        weir_trace_destroy(&t);
    }
}

static void formats_have_names(void **state)
{
    (void)state;
    for (int f = 0; f < 4; f++)
        assert_int_equal(weir_trace_format_from(weir_trace_format_name((enum weir_trace_format)f)),
                         f);
    assert_int_equal(weir_trace_format_from("csv"), -1);
}

// Times of whole microseconds (milliseconds for Mahimahi), rates of every size and precision.
static struct weir_trace *random_trace(struct weir_rng *r, int64_t unit_us)
{
    char text[64 * 160] = "[", latency[64];
    size_t count = 1 + (size_t)weir_rng_below(r, 60);
    for (size_t i = 0; i < count; i++) {
        double duration_ms = (double)((1 + (int64_t)weir_rng_below(r, 300)) * unit_us) / 1000;
        double kbps = weir_rng_unit(r) * 20000;
        if (weir_rng_below(r, 3) == 0)
            kbps = floor(kbps);
        if (i > 0 && weir_rng_below(r, 5) == 0)
            kbps = weir_rng_below(r, 2) ? 0 : kbps * 1e-6;
        (void)snprintf(latency, sizeof(latency), ",\"latency_ms\":%.3f", weir_rng_unit(r) * 100);
        size_t used = strlen(text);
        (void)snprintf(text + used, sizeof(text) - used,
                       "%s{\"duration_ms\":%.3f,\"bandwidth_kbps\":%.17g%s}", i ? "," : "",
                       duration_ms, i ? kbps : kbps + 500, weir_rng_below(r, 2) ? latency : "");
    }
    (void)strcat(text, "]");
    return parse("random", text);
}

static void expect_same_rates(uint64_t seed, const struct weir_trace *a, const struct weir_trace *b)
{
    size_t of_b = 0;
    assert_int_equal(weir_trace_period_us(a), weir_trace_period_us(b));
    for (size_t i = 0; i < weir_trace_count(a); i++) {
        const struct weir_trace_interval *x = weir_trace_at(a, i);
        while (of_b + 1 < weir_trace_count(b) &&
               weir_trace_at(b, of_b + 1)->start_us <= x->start_us)
            of_b++;
        const struct weir_trace_interval *y = weir_trace_at(b, of_b);
        if (!(fabs(x->bps - y->bps) <= x->bps * 3e-16))
            fail_msg("seed %llu: interval %zu: %.17g bit/s, not %.17g", (unsigned long long)seed,
                     i + 1, y->bps, x->bps);
    }
    if (weir_trace_count(b) > weir_trace_count(a)) // may join what only a latency told apart
        fail_msg("seed %llu: more intervals than there were", (unsigned long long)seed);
}

static void expect_latency(const struct weir_trace *a, const struct weir_trace *b,
                           enum weir_trace_format via)
{
    for (size_t i = 0; i < weir_trace_count(a); i++) {
        int64_t at_us = weir_trace_at(a, i)->start_us;
        int64_t want_us = weir_trace_latency_us(a, at_us);
        if (via == WEIR_TRACE_COOKED)
            want_us = WEIR_TIME_NONE;
        if (via == WEIR_TRACE_SABRE && want_us == WEIR_TIME_NONE)
            want_us = 0;
        assert_int_equal(weir_trace_latency_us(b, at_us), want_us);
    }
}

static void what_is_written_reads_back(void **state)
{
    (void)state;
    static const enum weir_trace_format formats[] = {WEIR_TRACE_SABRE, WEIR_TRACE_COOKED,
                                                     WEIR_TRACE_WEIR};
    for (uint64_t seed = 0; seed < 300; seed++) {
        struct weir_rng r;
        weir_rng_seed(&r, seed);
        struct weir_trace *first = random_trace(&r, 1);
        for (size_t pair = 0; pair < 9; pair++) {
            enum weir_trace_format f = formats[pair / 3], g = formats[pair % 3];
            char *text = text_of(first, f);
            struct weir_trace *second = parse("second", text);
            assert_int_equal(weir_trace_format(second), f);
            expect_same_rates(seed, first, second);
            expect_latency(first, second, f);
            char *again = text_of(second, f);
            if (f != WEIR_TRACE_COOKED) // whose intervals may join
                assert_string_equal(again, text);
            free(again);
            free(text);
            text = text_of(second, g);
            struct weir_trace *third = parse("third", text);
            expect_same_rates(seed, second, third);
            expect_latency(second, third, g);
            free(text);
            weir_trace_destroy(&third);
            weir_trace_destroy(&second);
        }
        weir_trace_destroy(&first);
    }
}

// At every millisecond but the last the packets are those whose bits have been offered whole.
static void mahimahi_loses_less_than_a_packet(void **state)
{
    (void)state;
    for (uint64_t seed = 500; seed < 550; seed++) {
        struct weir_rng r;
        weir_rng_seed(&r, seed);
        struct weir_trace *first = random_trace(&r, 1000);
        char *text = text_of(first, WEIR_TRACE_MAHIMAHI);
        struct weir_trace *second = parse("packets", text);
        int64_t period_us = weir_trace_period_us(first);
        assert_int_equal(weir_trace_period_us(second), period_us);
        for (int64_t us = 1000; us <= period_us; us += 1000) {
            double lost = weir_trace_bits_until(first, us) - weir_trace_bits_until(second, us);
            // One more may be held back for the end.
            if (!(lost >= -0.01 && lost < (us < period_us ? 24000.01 : 12000.01)))
                fail_msg("seed %llu: %f bits lost by %lld us", (unsigned long long)seed, lost,
                         (long long)us);
        }
        char *again = text_of(second, WEIR_TRACE_MAHIMAHI);
        assert_string_equal(again, text);
        for (int f = 0; f < 4; f++) { // and by way of every other format
            char *other = text_of(second, (enum weir_trace_format)f);
            struct weir_trace *third = parse("third", other);
            char *back = text_of(third, WEIR_TRACE_MAHIMAHI);
            assert_string_equal(back, text);
            free(back);
            free(other);
            weir_trace_destroy(&third);
        }
        free(again);
        free(text);
        weir_trace_destroy(&second);
        weir_trace_destroy(&first);
    }
}

static void what_a_format_cannot_hold_is_refused(void **state)
{
    (void)state;
    char *text = NULL;
    size_t size_bytes;
    struct weir_error e = {0};
    struct weir_trace *t = parse("thin", "0 1\n0.001 1\n"); // 1000 bits
    assert_int_equal(
        weir_trace_text(t, WEIR_TRACE_MAHIMAHI, WEIR_TIME_NONE, &text, &size_bytes, &e),
        WEIR_ERR_UNSUPPORTED);
    assert_null(text);
    assert_non_null(strstr(e.what, "packet"));
    weir_trace_destroy(&t);
    t = parse("thick", "0 1\n3600 100000\n");
    assert_int_equal(
        weir_trace_text(t, WEIR_TRACE_MAHIMAHI, WEIR_TIME_NONE, &text, &size_bytes, &e),
        WEIR_ERR_TOO_BIG);
    assert_null(text);
    weir_trace_destroy(&t);
}

static void a_latency_can_be_given_and_the_locale_changes_nothing(void **state)
{
    (void)state;
    (void)(setlocale(LC_ALL, "de_DE.UTF-8") || setlocale(LC_ALL, "fr_FR.UTF-8"));
    struct weir_trace *t = parse("x", "0 1\n1.5 0.25\n");
    char *text = NULL;
    size_t size_bytes;
    assert_int_equal(weir_trace_text(t, WEIR_TRACE_SABRE, 12500, &text, &size_bytes, NULL), 0);
    assert_string_equal(
        text, "[\n    {\"duration_ms\": 1500, \"bandwidth_kbps\": 250, \"latency_ms\": 12.5}\n]\n");
    free(text);
    text = text_of(t, WEIR_TRACE_COOKED);
    assert_string_equal(text, "0\t0.25\n1.5\t0.25\n");
    free(text);
    weir_trace_destroy(&t);
    (void)setlocale(LC_ALL, "C");
}

// 1 s of 0, 2 s of 6, 1 s of 2 Mbit/s: mean 3.5, variance (12.25 + 2*6.25 + 2.25) / 4 = 6.75.
static void a_trace_is_measured(void **state)
{
    (void)state;
    struct weir_trace *t =
        parse("x", "[{\"duration_ms\":1000,\"bandwidth_kbps\":0,\"latency_ms\":10},"
                   "{\"duration_ms\":2000,\"bandwidth_kbps\":6000},"
                   "{\"duration_ms\":1000,\"bandwidth_kbps\":2000,\"latency_ms\":30}]");
    struct weir_trace_stats s;
    assert_int_equal(weir_trace_measure(t, 0, &s), 0);
    assert_int_equal(s.duration_us, 4 * S);
    assert_int_equal(s.intervals, 3);
    assert_true(s.mean_bps == 3.5e6);
    assert_true(fabs(s.std_bps / sqrt(6.75) - 1e6) < 1e-6);
    assert_true(fabs(s.cv - sqrt(6.75) / 3.5) < 1e-12);
    assert_true(s.min_bps == 0 && s.max_bps == 6e6);
    // 1 5 25 | 50 | 75 95 99: a quarter of the time at 0, half at 2 or below
    static const double percentiles[] = {0, 0, 0, 2e6, 6e6, 6e6, 6e6};
    for (size_t i = 0; i < WEIR_TRACE_PERCENTILES; i++)
        assert_true(s.percentile_bps[i] == percentiles[i]);
    assert_true(s.zero_share == 0.25);
    assert_int_equal(s.longest_outage_us, S);
    assert_int_equal(s.latency_min_us, 10000);
    assert_int_equal(s.latency_max_us, 30000);
    assert_true(s.latency_mean_us == 20000);
    // Windows of 3 s: 4 Mbit/s, then 1 s at 2 Mbit/s.
    assert_int_equal(weir_trace_measure(t, 3 * S, &s), 0);
    assert_true(fabs(s.max_bps - 4e6) < 1e-6 && fabs(s.min_bps - 2e6) < 1e-6);
    assert_true(fabs(s.std_bps / sqrt(0.75) - 1e6) < 1e-6);
    assert_int_equal(s.longest_outage_us, S);
    weir_trace_destroy(&t);
}

static void outages_of_several_intervals_count_as_one(void **state)
{
    (void)state;
    struct weir_trace *t =
        parse("x", "[{\"duration_ms\":1000,\"bandwidth_kbps\":0,\"latency_ms\":10},"
                   "{\"duration_ms\":2000,\"bandwidth_kbps\":0,\"latency_ms\":20},"
                   "{\"duration_ms\":1000,\"bandwidth_kbps\":1,\"latency_ms\":20},"
                   "{\"duration_ms\":2500,\"bandwidth_kbps\":0}]");
    struct weir_trace_stats s;
    assert_int_equal(weir_trace_measure(t, 0, &s), 0);
    assert_int_equal(s.longest_outage_us, 3 * S);
    weir_trace_destroy(&t);
    t = parse("x", "0 1\n100000 1\n");
    assert_int_equal(weir_trace_measure(t, 1, &s), WEIR_ERR_INVAL); // 10^11 windows
    assert_int_equal(weir_trace_measure(t, 0, &s), 0);
    assert_int_equal(s.latency_min_us, WEIR_TIME_NONE);
    assert_true(s.std_bps == 0 && s.zero_share == 0);
    weir_trace_destroy(&t);
}

static struct weir_trace *make(const struct weir_recipe *r)
{
    struct weir_trace *t = NULL;
    struct weir_error e = {0};
    if (weir_trace_generate(r, &t, &e) != 0)
        fail_msg("%s", e.what);
    return t;
}

static void constant_and_step_do_as_told(void **state)
{
    (void)state;
    struct weir_recipe r = {.kind = WEIR_RECIPE_CONSTANT,
                            .duration_us = 300 * S,
                            .rates_bps = {3e6, 5e6},
                            .holds_us = {60 * S, 120 * S},
                            .count = 2,
                            .step_us = S,
                            .latency_us = 20000};
    struct weir_trace *t = make(&r);
    assert_int_equal(weir_trace_count(t), 1);
    assert_true(weir_trace_mean_bps(t) == 3e6);
    assert_int_equal(weir_trace_period_us(t), 300 * S);
    assert_int_equal(weir_trace_latency_us(t, 0), 20000);
    weir_trace_destroy(&t);
    r.kind = WEIR_RECIPE_STEP;
    t = make(&r);
    static const int64_t starts_s[] = {0, 60, 180, 240};
    assert_int_equal(weir_trace_count(t), 4);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(weir_trace_at(t, i)->start_us, starts_s[i] * S);
        assert_true(weir_trace_at(t, i)->bps == (i % 2 ? 5e6 : 3e6));
    }
    weir_trace_destroy(&t);
}

// Over 10^6 steps the mean time at a rate is within 5 % of the one asked for, and a walk goes to
// neighbours only.
static void random_ones_hold_as_long_as_asked_for_on_average(void **state)
{
    (void)state;
    struct weir_recipe r = {.kind = WEIR_RECIPE_MARKOV,
                            .duration_us = 1000000 * S,
                            .rates_bps = {1e6, 2e6, 4e6, 8e6},
                            .holds_us = {5 * S, 5 * S, 5 * S, 5 * S},
                            .count = 4,
                            .step_us = S,
                            .latency_us = WEIR_TIME_NONE,
                            .seed = 7};
    struct weir_trace *t = make(&r);
    double mean_s = 1e6 / (double)weir_trace_count(t);
    assert_true(mean_s > 4.75 && mean_s < 5.25);
    for (size_t i = 1; i < weir_trace_count(t); i++) {
        double ratio = weir_trace_at(t, i)->bps / weir_trace_at(t, i - 1)->bps;
        assert_true(ratio == 2 || ratio == 0.5);
        assert_true(weir_trace_at(t, i)->start_us % S == 0);
    }
    char *text = text_of(t, WEIR_TRACE_COOKED);
    weir_trace_destroy(&t);
    t = make(&r);
    char *again = text_of(t, WEIR_TRACE_COOKED);
    assert_string_equal(text, again);
    free(again);
    weir_trace_destroy(&t);
    r.seed = 8;
    t = make(&r);
    again = text_of(t, WEIR_TRACE_COOKED);
    assert_true(strcmp(text, again) != 0);
    free(again);
    free(text);
    weir_trace_destroy(&t);

    r = (struct weir_recipe){.kind = WEIR_RECIPE_ON_OFF,
                             .duration_us = 1000000 * S,
                             .rates_bps = {5e6, 0},
                             .holds_us = {8 * S, 2 * S},
                             .count = 2,
                             .step_us = S,
                             .latency_us = WEIR_TIME_NONE};
    t = make(&r);
    struct weir_trace_stats s;
    assert_int_equal(weir_trace_measure(t, 0, &s), 0);
    assert_true(s.zero_share > 0.19 && s.zero_share < 0.21);
    assert_true(weir_trace_at(t, 0)->bps == 5e6);
    weir_trace_destroy(&t);
}

static void bad_recipes_are_refused(void **state)
{
    (void)state;
    const struct weir_recipe good = {.kind = WEIR_RECIPE_ON_OFF,
                                     .duration_us = 10 * S,
                                     .rates_bps = {5e6, 0},
                                     .holds_us = {S, S},
                                     .count = 2,
                                     .step_us = S,
                                     .latency_us = WEIR_TIME_NONE};
    struct weir_recipe bad[9];
    for (size_t i = 0; i < 9; i++)
        bad[i] = good;
    bad[0].count = 1;
    bad[1].count = WEIR_RECIPE_MAX_RATES + 1;
    bad[2].duration_us = 0;
    bad[3].step_us = 0;
    bad[4].holds_us[1] = 0;
    bad[5].rates_bps[0] = NAN;
    bad[6].rates_bps[0] = -1;
    bad[7].rates_bps[0] = 0;
    bad[8].step_us = 1;
    static const int errors[] = {WEIR_ERR_INVAL,  WEIR_ERR_INVAL,  WEIR_ERR_INVAL,
                                 WEIR_ERR_INVAL,  WEIR_ERR_INVAL,  WEIR_ERR_SYNTAX,
                                 WEIR_ERR_SYNTAX, WEIR_ERR_SYNTAX, WEIR_ERR_TOO_BIG};
    for (size_t i = 0; i < 9; i++) {
        struct weir_trace *t = NULL;
        struct weir_error e = {0};
        int err = weir_trace_generate(&bad[i], &t, &e);
        if (err != errors[i] || t || !e.what[0])
            fail_msg("recipe %zu: %d, expected %d", i, err, errors[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_format_is_written),
        cmocka_unit_test(formats_have_names),
        cmocka_unit_test(what_is_written_reads_back),
        cmocka_unit_test(mahimahi_loses_less_than_a_packet),
        cmocka_unit_test(what_a_format_cannot_hold_is_refused),
        cmocka_unit_test(a_latency_can_be_given_and_the_locale_changes_nothing),
        cmocka_unit_test(a_trace_is_measured),
        cmocka_unit_test(outages_of_several_intervals_count_as_one),
        cmocka_unit_test(constant_and_step_do_as_told),
        cmocka_unit_test(random_ones_hold_as_long_as_asked_for_on_average),
        cmocka_unit_test(bad_recipes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
