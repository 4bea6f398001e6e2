// tests/manifest/test_numbers.c — templates, dates, ranges, rates and codec lists: tables of inputs
// and answers.
#include "manifest_test.h"

#include "manifest/internal.h"
#include "manifest/iso8601.h"
#include "manifest/template.h"

static void templates_are_filled_in(void **state)
{
    static const struct {
        const char *name, *text, *expect; // NULL: refused
    } cases[] = {
        {"plain text", "seg.mp4", "seg.mp4"},
        {"number", "$Number$.m4s", "7.m4s"},
        {"padded number", "$Number%05d$.m4s", "00007.m4s"},
        {"a longer number is not cut", "$Time%03d$", "123456789012"},
        {"width without zero", "$Number%3d$", "007"},
        {"id, bandwidth and escape", "$RepresentationID$/$Bandwidth$$$", "v1/5000$"},
        {"twice", "$Number$-$Number%02d$", "7-07"},
        {"unclosed", "a$Number", NULL},
        {"a lone dollar", "a$", NULL},
        {"unknown identifier", "$Index$", NULL},
        {"case matters", "$number$", NULL},
        {"hex is refused", "$Number%05x$", NULL},
        {"string is refused", "$Number%s$", NULL},
        {"width of an id is refused", "$RepresentationID%03d$", NULL},
        {"absurd width", "$Number%0999d$", NULL},
        {"printf text outside is text", "%s%n$Number$", "%s%n7"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct weir_template_values v = {"v1", 7, 123456789012, 5000};
        struct weir_template_uses uses;
        const char *why = NULL;
        char out[64] = "";
        bool ok = weir_template_check(cases[i].text, &uses, &why);
        int len = weir_template_format(cases[i].text, &v, out, sizeof(out));
        if (ok != (cases[i].expect != NULL) || (len >= 0) != ok)
            fail_msg("%s: check %d, format %d", cases[i].name, ok, len);
        if (!ok && !why)
            fail_msg("%s: no reason given", cases[i].name);
        if (ok && (strcmp(out, cases[i].expect) != 0 || len != (int)strlen(out)))
            fail_msg("%s: \"%s\", expected \"%s\"", cases[i].name, out, cases[i].expect);
    }
}

static void a_template_never_overruns_its_buffer(void **state)
{
    struct weir_template_values v = {"a-long-id", 7, 8, 9};
    char out[8];
    (void)state;
    assert_int_equal(weir_template_format("$RepresentationID$", &v, out, sizeof(out)), -1);
    assert_int_equal(weir_template_format("1234567", &v, out, sizeof(out)), 7);
    assert_int_equal(weir_template_format("12345678", &v, out, sizeof(out)), -1);
}

static void durations_are_exact(void **state)
{
    static const struct {
        const char *text;
        int64_t us; // NONE: refused
    } cases[] = {
        {"PT0S", 0},
        {"PT1.5S", 1500000},
        {" PT1H2M3S ", 3723000000},
        {"P1DT1S", 86401000000},
        {"PT0.0000005S", 1},
        {"PT0.0000004S", 0},
        {"PT3.1234567S", 3123457},
        {"PT1.1H", 3960000000},
        {"P1Y", INT64_C(31536000000000)},
        {"-PT5S", -5000000},
        {"PT14528.0556640625S", 14528055664},
        {"", WEIR_TIME_NONE},
        {"PT", WEIR_TIME_NONE},
        {"P", WEIR_TIME_NONE},
        {"5", WEIR_TIME_NONE},
        {"PT5", WEIR_TIME_NONE},
        {"PT5S3M", WEIR_TIME_NONE},
        {"P5S", WEIR_TIME_NONE},
        {"PT1S garbage", WEIR_TIME_NONE},
        {"PT99999999999999999999S", WEIR_TIME_NONE},
        {"P999999999999Y", WEIR_TIME_NONE},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t us = WEIR_TIME_NONE;
        bool ok = weir_iso8601_duration(cases[i].text, &us, NULL);
        if (ok != (cases[i].us != WEIR_TIME_NONE) || (ok && us != cases[i].us))
            fail_msg("\"%s\": %d %lld", cases[i].text, ok, (long long)us);
    }
}

static void dates_are_unix_time(void **state)
{
    static const struct {
        const char *text;
        int64_t us;
    } cases[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"1970-01-01", 0},
        {"2000-02-29T12:00:00Z", INT64_C(951825600000000)},
        {"2026-11-20T15:30:00.25+01:00", INT64_C(1795185000250000)},
        {"2026-11-20T15:30:00.25+0100", INT64_C(1795185000250000)},
        {"2026-11-20T14:30:00.25", INT64_C(1795185000250000)},
        {"1969-12-31T24:00:00Z", 0},
        {"1969-12-31T23:59:59Z", -1000000},
        {"2026-02-29T00:00:00Z", WEIR_TIME_NONE},
        {"2026-13-01T00:00:00Z", WEIR_TIME_NONE},
        {"2026-01-01T25:00:00Z", WEIR_TIME_NONE},
        {"2026-01-01T24:00:01Z", WEIR_TIME_NONE},
        {"2026-01-01T00:00:00+15:00", WEIR_TIME_NONE},
        {"yesterday", WEIR_TIME_NONE},
        {"", WEIR_TIME_NONE},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t us = WEIR_TIME_NONE;
        bool ok = weir_iso8601_datetime(cases[i].text, &us);
        if (ok != (cases[i].us != WEIR_TIME_NONE) || (ok && us != cases[i].us))
            fail_msg("\"%s\": %d %lld", cases[i].text, ok, (long long)us);
    }
}

static void byte_ranges_are_inclusive(void **state)
{
    static const struct {
        const char *text;
        bool ok;
        int64_t first, last;
    } cases[] = {
        {"0-615", true, 0, 615}, {"5-", true, 5, -1},    {" 7-7 ", true, 7, 7},
        {"9-3", false, 0, 0},    {"-5", false, 0, 0},    {"a-b", false, 0, 0},
        {"", false, 0, 0},       {"1-2-3", false, 0, 0}, {"1-99999999999999999999", false, 0, 0},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct weir_byte_range r = {-9, -9};
        bool ok = weir_parse_range(cases[i].text, &r);
        if (ok != cases[i].ok || (ok && (r.first != cases[i].first || r.last != cases[i].last)))
            fail_msg("\"%s\": %d %lld-%lld", cases[i].text, ok, (long long)r.first,
                     (long long)r.last);
    }
}

static void rates_are_fractions(void **state)
{
    int64_t n, d;
    (void)state;
    assert_true(weir_parse_ratio("30000/1001", &n, &d));
    assert_int_equal(n, 30000);
    assert_int_equal(d, 1001);
    assert_true(weir_parse_ratio(" 25 ", &n, &d));
    assert_int_equal(n / d, 25);
    assert_true(weir_parse_ratio("29.97", &n, &d));
    assert_int_equal(n, 2997);
    assert_int_equal(d, 100);
    assert_false(weir_parse_ratio("0", &n, &d));
    assert_false(weir_parse_ratio("30/0", &n, &d));
    assert_false(weir_parse_ratio("fast", &n, &d));
    assert_false(weir_parse_ratio("99999999999", &n, &d));
    assert_false(weir_parse_ratio(NULL, &n, &d));
}

static void decimals_round_at_the_microsecond(void **state)
{
    static const struct {
        const char *text;
        int64_t micro;
    } cases[] = {{"9.009", 9009000},
                 {".5", 500000},
                 {"3", 3000000},
                 {"-1.5", -1500000},
                 {"0.9999995", 1000000}};
    int64_t v;
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        if (!weir_parse_micro(cases[i].text, strlen(cases[i].text), &v) || v != cases[i].micro)
            fail_msg("\"%s\": %lld", cases[i].text, (long long)v);
    }
    assert_false(weir_parse_micro(".", 1, &v));
    assert_false(weir_parse_micro("1e5", 3, &v));
    assert_false(weir_parse_micro("99999999999999999", 17, &v));
}

static void codec_lists_tell_what_is_inside(void **state)
{
    struct weir_codec_kinds k = weir_codec_kinds("avc1.4d401f, mp4a.40.2");
    (void)state;
    assert_true(k.video);
    assert_true(k.audio);
    assert_false(k.unknown);
    k = weir_codec_kinds("mp4a.40.2");
    assert_false(k.video);
    k = weir_codec_kinds("stpp.ttml.im1t,xyz1");
    assert_true(k.text);
    assert_true(k.unknown);
    k = weir_codec_kinds(NULL);
    assert_false(k.video || k.audio || k.text || k.unknown);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(templates_are_filled_in),
        cmocka_unit_test(a_template_never_overruns_its_buffer),
        cmocka_unit_test(durations_are_exact),
        cmocka_unit_test(dates_are_unix_time),
        cmocka_unit_test(byte_ranges_are_inclusive),
        cmocka_unit_test(rates_are_fractions),
        cmocka_unit_test(decimals_round_at_the_microsecond),
        cmocka_unit_test(codec_lists_tell_what_is_inside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
