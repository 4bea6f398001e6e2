// tests/sim/test_trace.c — the trace formats, what of them is refused and where, and the account of
// bits.
#include "cmocka_all.h"

#include <locale.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/trace.h"

#define S WEIR_SECOND_US

static struct weir_trace *must_parse(const char *name, const char *text)
{
    struct weir_trace *t = NULL;
    struct weir_error e = {0};
    if (weir_trace_parse(text, strlen(text), name, &t, &e) != 0)
        fail_msg("%s: %s", e.where, e.what);
    return t;
}

static const struct {
    const char *name, *text;
    enum weir_trace_format format;
    int64_t period_us;
    double mean_bps;
    int64_t latency_us; // at time 0
} good[] = {
    {"Sabre",
     "[{\"duration_ms\":1000,\"bandwidth_kbps\":1000,\"latency_ms\":75},{\"duration_ms\":3000,"
     "\"bandwidth_kbps\":3000,\"latency_ms\":5}]",
     WEIR_TRACE_SABRE, 4 * S, 2.5e6, 75000},
    {"Sabre after white space, fractions, no latency",
     "\r\n [{\"bandwidth_kbps\":1.5,\"duration_ms\":0.5}]", WEIR_TRACE_SABRE, 500, 1500,
     WEIR_TIME_NONE},
    {"weir.trace/1: its latency is the default of every interval",
     "{\"schema\":\"weir.trace/"
     "1\",\"latency_ms\":20,\"intervals\":[{\"duration_ms\":10,\"bandwidth_kbps\":8}]}",
     WEIR_TRACE_WEIR, 10000, 8000, 20000},
    {"weir.trace/1: an interval's latency goes first",
     "{\"schema\":\"weir.trace/"
     "1\",\"latency_ms\":20,\"intervals\":[{\"duration_ms\":10,\"bandwidth_kbps\":8,\"latency_ms\":"
     "1.5}]}",
     WEIR_TRACE_WEIR, 10000, 8000, 1500},
    {"cooked: the first row only sets the origin", "0.5 99\n1.5 2\n2.5 4\n", WEIR_TRACE_COOKED,
     2 * S, 3e6, WEIR_TIME_NONE},
    {"cooked: tabs, CRLF, empty lines, no last newline", "0\t9\r\n\r\n1\t2\r\n2e0\t4",
     WEIR_TRACE_COOKED, 2 * S, 3e6, WEIR_TIME_NONE},
    {"cooked: zero bandwidth is legal", "0 0\n1 0\n2 4\n", WEIR_TRACE_COOKED, 2 * S, 2e6,
     WEIR_TIME_NONE},
    {"Mahimahi: 12 Mbit/s is a line per millisecond", "1\n2\n3\n4\n", WEIR_TRACE_MAHIMAHI, 4000,
     12e6, WEIR_TIME_NONE},
    {"Mahimahi: repeated times, gaps and a leading 0", "0\n5\n5\n10\n", WEIR_TRACE_MAHIMAHI, 10000,
     4.8e6, WEIR_TIME_NONE},
};

static void every_format_is_recognised_by_its_content(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct weir_trace *t = must_parse(good[i].name, good[i].text);
        if (weir_trace_format(t) != good[i].format)
            fail_msg("%s: format %d", good[i].name, (int)weir_trace_format(t));
        if (weir_trace_period_us(t) != good[i].period_us)
            fail_msg("%s: period %lld us", good[i].name, (long long)weir_trace_period_us(t));
        if (fabs(weir_trace_mean_bps(t) / good[i].mean_bps - 1) > 1e-12)
            fail_msg("%s: mean %f bit/s", good[i].name, weir_trace_mean_bps(t));
        if (weir_trace_latency_us(t, 0) != good[i].latency_us)
            fail_msg("%s: latency %lld us", good[i].name, (long long)weir_trace_latency_us(t, 0));
        weir_trace_destroy(&t);
    }
}

static const struct {
    const char *name, *text;
    int err;
    const char *place; // within the message
} bad[] = {
    {"nothing", "", WEIR_ERR_SYNTAX, "empty"},
    {"white space", " \n\r\n\t", WEIR_ERR_SYNTAX, "empty"},
    {"prose", "hello\n", WEIR_ERR_SYNTAX, "line 1"},
    {"broken JSON", "[\n{\"duration_ms\":1,\n", WEIR_ERR_SYNTAX, "line 3"},
    {"an empty array", "[]", WEIR_ERR_SYNTAX, "no interval"},
    {"an array of numbers", "[1]", WEIR_ERR_SYNTAX, "interval 1"},
    {"no duration", "[{\"bandwidth_kbps\":1}]", WEIR_ERR_SYNTAX, "interval 1: duration_ms"},
    {"no bandwidth", "[{\"duration_ms\":1}]", WEIR_ERR_SYNTAX, "interval 1: bandwidth_kbps"},
    {"a duration of 0", "[{\"duration_ms\":0,\"bandwidth_kbps\":1}]", WEIR_ERR_SYNTAX,
     "interval 1"},
    {"a duration too short to count", "[{\"duration_ms\":1e-9,\"bandwidth_kbps\":1}]",
     WEIR_ERR_SYNTAX, "interval 1"},
    {"a negative duration", "[{\"duration_ms\":-1,\"bandwidth_kbps\":1}]", WEIR_ERR_SYNTAX,
     "interval 1: duration_ms"},
    {"a duration of text", "[{\"duration_ms\":\"1\",\"bandwidth_kbps\":1}]", WEIR_ERR_SYNTAX,
     "interval 1: duration_ms"},
    {"a duration of ages", "[{\"duration_ms\":1e300,\"bandwidth_kbps\":1}]", WEIR_ERR_SYNTAX,
     "interval 1: duration_ms"},
    {"years in all",
     "[{\"duration_ms\":3e10,\"bandwidth_kbps\":1},{\"duration_ms\":3e10,\"bandwidth_kbps\":2}]",
     WEIR_ERR_TOO_BIG, "interval 2"},
    {"a negative rate",
     "[{\"duration_ms\":1,\"bandwidth_kbps\":1},{\"duration_ms\":1,\"bandwidth_kbps\":-1}]",
     WEIR_ERR_SYNTAX, "interval 2"},
    {"a rate beyond all links", "[{\"duration_ms\":1,\"bandwidth_kbps\":1e18}]", WEIR_ERR_TOO_BIG,
     "interval 1"},
    {"a negative latency", "[{\"duration_ms\":1,\"bandwidth_kbps\":1,\"latency_ms\":-1}]",
     WEIR_ERR_SYNTAX, "interval 1: latency_ms"},
    {"a latency of hours", "[{\"duration_ms\":1,\"bandwidth_kbps\":1,\"latency_ms\":9e6}]",
     WEIR_ERR_SYNTAX, "interval 1"},
    {"zeros alone: no download would end", "[{\"duration_ms\":1000,\"bandwidth_kbps\":0}]",
     WEIR_ERR_SYNTAX, "never"},
    {"a member twice", "[{\"duration_ms\":1,\"duration_ms\":2,\"bandwidth_kbps\":1}]",
     WEIR_ERR_SYNTAX, "line 1"},
    {"another schema", "{\"schema\":\"weir.trace/2\",\"intervals\":[]}", WEIR_ERR_SYNTAX, "schema"},
    {"a Sabre movie", "{\"segment_duration_ms\":3000,\"bitrates_kbps\":[1]}", WEIR_ERR_SYNTAX,
     "schema"},
    {"no intervals", "{\"schema\":\"weir.trace/1\"}", WEIR_ERR_SYNTAX, "intervals"},
    {"one cooked row", "0 1\n", WEIR_ERR_SYNTAX, "two rows"},
    {"cooked, three columns", "0 1\n1 2 3\n", WEIR_ERR_SYNTAX, "line 2"},
    {"cooked, then one column", "0 1\n1\n", WEIR_ERR_SYNTAX, "line 2"},
    {"cooked, time stands still", "0 1\n1 2\n1 3\n", WEIR_ERR_SYNTAX, "line 3"},
    {"cooked, time goes back", "5 1\n4 2\n", WEIR_ERR_SYNTAX, "line 2"},
    {"cooked, negative rate", "0 1\n1 -2\n", WEIR_ERR_SYNTAX, "line 2"},
    {"cooked, negative first row", "-1 1\n1 2\n", WEIR_ERR_SYNTAX, "line 1"},
    {"cooked, not a number", "0 1\n1 nan\n", WEIR_ERR_SYNTAX, "line 2"},
    {"cooked, infinite", "0 1\n1 inf\n", WEIR_ERR_SYNTAX, "line 2"},
    {"cooked, overflow", "0 1\n1 1e999\n", WEIR_ERR_SYNTAX, "line 2"},
    {"cooked, hexadecimal", "0 1\n0x2 1\n", WEIR_ERR_SYNTAX, "line 2"},
    {"cooked, a comma", "0,5 1\n1,5 1\n", WEIR_ERR_SYNTAX, "line 1"},
    {"cooked, beyond a year", "0 1\n1e9 1\n", WEIR_ERR_TOO_BIG, "line 2"},
    {"Mahimahi, then two columns", "1\n2 3\n", WEIR_ERR_SYNTAX, "line 2"},
    {"Mahimahi, a fraction", "1\n2.5\n", WEIR_ERR_SYNTAX, "line 2"},
    {"Mahimahi, time goes back", "5\n4\n", WEIR_ERR_SYNTAX, "line 2"},
    {"Mahimahi, negative", "-5\n", WEIR_ERR_SYNTAX, "line 1"},
};

static void what_is_no_trace_is_refused_with_its_place(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct weir_trace *t = NULL;
        struct weir_error e = {0};
        int err = weir_trace_parse(bad[i].text, strlen(bad[i].text), "x.trace", &t, &e);
        if (err != bad[i].err || t)
            fail_msg("%s: %d, expected %d", bad[i].name, err, bad[i].err);
        if (!strstr(e.what, bad[i].place) || strcmp(e.where, "x.trace") != 0)
            fail_msg("%s: \"%s: %s\" does not say \"%s\"", bad[i].name, e.where, e.what,
                     bad[i].place);
    }
}

static void a_nul_byte_is_refused(void **state)
{
    (void)state;
    static const char text[] = "0 1\n1\0 2\n";
    struct weir_trace *t = NULL;
    struct weir_error e = {0};
    assert_int_equal(weir_trace_parse(text, sizeof(text) - 1, "x", &t, &e), WEIR_ERR_SYNTAX);
    assert_non_null(strstr(e.what, "line 2"));
}

static void an_endless_line_is_refused(void **state)
{
    (void)state;
    char *text = malloc(100000);
    assert_non_null(text);
    memset(text, '1', 100000);
    struct weir_trace *t = NULL;
    struct weir_error e = {0};
    assert_int_equal(weir_trace_parse(text, 100000, "x", &t, &e), WEIR_ERR_TOO_BIG);
    free(text);
}

static void what_is_too_large_is_refused_unread(void **state)
{
    (void)state;
    size_t size_bytes = (size_t)WEIR_TRACE_MAX_JSON_BYTES + 1;
    char *text = malloc(size_bytes);
    assert_non_null(text);
    memset(text, '[', size_bytes);
    struct weir_trace *t = NULL;
    struct weir_error e = {0};
    assert_int_equal(weir_trace_parse(text, size_bytes, "x", &t, &e), WEIR_ERR_TOO_BIG);
    free(text);
}

static void a_missing_file_says_so(void **state)
{
    (void)state;
    struct weir_trace *t = NULL;
    struct weir_error e = {0};
    assert_int_equal(weir_trace_load("/nonexistent/trace.json", &t, &e), WEIR_ERR_NOT_FOUND);
    assert_string_equal(e.where, "/nonexistent/trace.json");
    assert_true(e.why[0] != '\0');
    assert_int_equal(weir_trace_load("/", &t, &e), WEIR_ERR_NOT_FOUND);
}

// 1 Mbit/s for 1 s, nothing for 1 s, 3 Mbit/s for 2 s: 7 Mbit in 4 s, and again.
#define STEPS                                                                                      \
    "[{\"duration_ms\":1000,\"bandwidth_kbps\":1000,\"latency_ms\":1},{\"duration_ms\":1000,"      \
    "\"bandwidth_kbps\":0,\"latency_ms\":2},{\"duration_ms\":2000,\"bandwidth_kbps\":3000}]"

static const struct {
    const char *name;
    int64_t at_us;
    double bits;
} moments[] = {
    {"the beginning", 0, 0},
    {"half of the first interval", S / 2, 500000},
    {"the end of the first interval", S, 1000000},
    {"while nothing gets through", 3 * S / 2, 1000000},
    {"a microsecond into the last", 2 * S + 1, 1000003},
    {"the end of the trace", 4 * S, 7000000},
    {"the second time round", 5 * S, 8000000},
    {"a thousand times round", 4000 * S + S / 4, 7000250000},
};

static void bits_are_counted_exactly_and_the_trace_repeats(void **state)
{
    (void)state;
    struct weir_trace *t = must_parse("steps", STEPS);
    for (size_t i = 0; i < sizeof(moments) / sizeof(moments[0]); i++) {
        double bits = weir_trace_bits_until(t, moments[i].at_us);
        if (bits != moments[i].bits)
            fail_msg("%s: %f bits, expected %f", moments[i].name, bits, moments[i].bits);
    }
    assert_int_equal(weir_trace_latency_us(t, 4 * S + S / 2), 1000);
    assert_int_equal(weir_trace_latency_us(t, S), 2000);
    assert_int_equal(weir_trace_latency_us(t, 3 * S), WEIR_TIME_NONE);
    weir_trace_destroy(&t);
}

static void mahimahi_packets_leave_in_the_millisecond_that_ends_at_their_time(void **state)
{
    (void)state;
    struct weir_trace *t = must_parse("packets", "3\n3\n5\n");
    assert_true(weir_trace_bits_until(t, 2000) == 0);
    assert_true(weir_trace_bits_until(t, 3000) == 24000);
    assert_true(weir_trace_bits_until(t, 4000) == 24000);
    assert_true(weir_trace_bits_until(t, 5000) == 36000);
    weir_trace_destroy(&t);
}

static void equal_neighbours_become_one_interval(void **state)
{
    (void)state;
    struct weir_trace *t = must_parse("level", "0 1\n1 2\n2 2\n3 2\n4 1\n");
    assert_int_equal(weir_trace_count(t), 2);
    assert_int_equal(weir_trace_at(t, 1)->start_us, 3 * S);
    weir_trace_destroy(&t);
}

// A user whose language writes decimal commas still reads 0.5 as a half.
static void the_locale_changes_nothing(void **state)
{
    (void)state;
    static const char *const names[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE.utf8"};
    bool set = false;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && !set; i++)
        set = setlocale(LC_ALL, names[i]) != NULL;
    struct weir_trace *t = must_parse("cooked", "0.5 1\n1.25 2.5\n");
    assert_int_equal(weir_trace_period_us(t), 750000);
    assert_true(weir_trace_mean_bps(t) == 2.5e6);
    weir_trace_destroy(&t);
    t = must_parse("Sabre", "[{\"duration_ms\":1.5,\"bandwidth_kbps\":2.5}]");
    assert_int_equal(weir_trace_period_us(t), 1500);
    weir_trace_destroy(&t);
    (void)setlocale(LC_ALL, "C");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_format_is_recognised_by_its_content),
        cmocka_unit_test(what_is_no_trace_is_refused_with_its_place),
        cmocka_unit_test(a_nul_byte_is_refused),
        cmocka_unit_test(an_endless_line_is_refused),
        cmocka_unit_test(what_is_too_large_is_refused_unread),
        cmocka_unit_test(a_missing_file_says_so),
        cmocka_unit_test(bits_are_counted_exactly_and_the_trace_repeats),
        cmocka_unit_test(mahimahi_packets_leave_in_the_millisecond_that_ends_at_their_time),
        cmocka_unit_test(equal_neighbours_become_one_interval),
        cmocka_unit_test(the_locale_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
