// tests/sim/test_fault.c — fault specs and what they decide: reading, matching, counting, chances,
// damage. No socket: tests/sim/test_server.c and tests/e2e/test_serve.py see them on the wire.
#include "cmocka_all.h"

#include <stdio.h>
#include <string.h>

#include "sim/fault.h"

static struct weir_fault_spec spec_of(const char *text)
{
    struct weir_fault_spec spec;
    struct weir_error e = {0};
    if (weir_fault_parse(text, &spec, &e) != 0)
        fail_msg("%s: %s", text, e.what);
    return spec;
}

static struct weir_faults faults_of(const char *first, const char *second)
{
    struct weir_faults f = {0};
    struct weir_fault_spec spec = spec_of(first);
    assert_int_equal(weir_faults_add(&f, &spec), 0);
    if (second) {
        spec = spec_of(second);
        assert_int_equal(weir_faults_add(&f, &spec), 0);
    }
    return f;
}

static void a_spec_says_what_and_when(void **state)
{
    (void)state;
    struct weir_fault_spec s =
        spec_of("stall:match=*.m4s|*.mpd,from=3,every=2,count=7,p=0.25,at=1000,for=1.5,seed=42");
    assert_int_equal(s.kind, WEIR_FAULT_STALL);
    assert_string_equal(s.match, "*.m4s|*.mpd");
    assert_int_equal(s.from, 3);
    assert_int_equal(s.every, 2);
    assert_int_equal(s.count, 7);
    assert_true(s.p == 0.25);
    assert_int_equal(s.at_bytes, 1000);
    assert_int_equal(s.for_us, 1500000);
    assert_int_equal(s.seed, 42);
    s = spec_of("status");
    assert_int_equal(s.code, 503);
    assert_int_equal(s.from, 1);
    assert_int_equal(s.every, 1);
    assert_int_equal(spec_of("slow:rate=8000,at=5").rate_bps, 8000);
    assert_int_equal(spec_of("corrupt:bytes=3").bytes, 3);
    assert_int_equal(spec_of("status:code=404").code, 404);
    assert_int_equal(spec_of("refuse").kind, WEIR_FAULT_REFUSE);
    assert_int_equal(spec_of("reset:at=0").at_bytes, 0);
    assert_string_equal(weir_fault_name(WEIR_FAULT_TRUNCATE), "truncate");
}

static const struct {
    const char *text, *named; // what the message has to name
} bad[] = {
    {"", "unknown fault"},
    {"burn", "burn"},
    {"status:", "key=value"},
    {"status:code", "code"},
    {"status:code=200", "code=200"},
    {"status:code=600", "code=600"},
    {"status:code=4o4", "code=4o4"},
    {"status:at=5", "at=5"},
    {"refuse:at=5", "at=5"},
    {"stall:for=-1", "for=-1"},
    {"stall:for=", "for="},
    {"stall:for=.", "for=."},
    {"slow:rate=0", "rate=0"},
    {"slow:for=3", "for=3"},
    {"reset:every=0", "every=0"},
    {"reset:from=0", "from=0"},
    {"reset:count=0", "count=0"},
    {"reset:p=1.1", "p=1.1"},
    {"reset:p=x", "p=x"},
    {"reset:seed=-1", "seed=-1"},
    {"reset:match=", "match="},
    {"reset:nosuch=1", "nosuch=1"},
    {"reset:at=99999999999999999999", "at=99999999999999999999"},
    {"reset:at=1,,p=1", "key=value"},
    {"reset:at=1,", "key=value"},
};

static void a_wrong_spec_is_refused_and_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct weir_fault_spec spec;
        struct weir_error e = {0};
        if (weir_fault_parse(bad[i].text, &spec, &e) != WEIR_ERR_INVAL)
            fail_msg("%s: accepted", bad[i].text);
        if (!strstr(e.what, bad[i].named))
            fail_msg("%s: said only: %s", bad[i].text, e.what);
    }
    char longest[400] = "reset:match=";
    memset(longest + 12, 'a', 300);
    struct weir_fault_spec spec;
    assert_int_equal(weir_fault_parse(longest, &spec, NULL), WEIR_ERR_INVAL);
}

static const struct {
    const char *match, *path;
    bool expect;
} globs[] = {
    {"*.m4s", "/dash/v1-2.m4s", true},
    {"*.m4s", "/dash/v1-2.mp4", false},
    {"/dash/*", "/dash/v1-2.m4s", true},
    {"/v1-2.m4s", "/dash/v1-2.m4s", false}, // with a slash in front: all of the path
    {"v1-2.m4s", "/dash/v1-2.m4s", true},
    {"dash/v1*", "/a/dash/v1-2.m4s", true},
    {"v?-2.m4s", "/v1-2.m4s", true},
    {"v?-2.m4s", "/v12-2.m4s", false},
    {"v[0-2]-*", "/v1-2.m4s", true},
    {"v[!0-2]-*", "/v1-2.m4s", false},
    {"v[02]-*", "/v1-2.m4s", false},
    {"[", "/[", true},
    {"*.mpd|*.m3u8", "/x/master.m3u8", true},
    {"*.mpd|*.m3u8", "/x/master.m4s", false},
    {"*a*a*a*b", "/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false},
    {"*", "/", true},
};

static void a_pattern_is_held_against_the_path_or_its_tail(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(globs) / sizeof(globs[0]); i++) {
        struct weir_fault_spec spec = {.kind = WEIR_FAULT_RESET};
        (void)snprintf(spec.match, sizeof(spec.match), "%s", globs[i].match);
        if (weir_fault_matches(&spec, globs[i].path) != globs[i].expect)
            fail_msg("%s against %s", globs[i].match, globs[i].path);
    }
}

// Which of 12 requests strike, as a line of digits.
static void strikes(struct weir_faults *f, char out[13])
{
    for (size_t i = 0; i < 12; i++)
        out[i] = weir_faults_next(f, "/x.m4s").kind == WEIR_FAULT_NONE ? '.' : '#';
    out[12] = '\0';
}

static void requests_are_chosen_by_their_number(void **state)
{
    (void)state;
    static const struct {
        const char *spec, *expect;
    } cases[] = {
        {"reset", "############"},
        {"reset:from=3", "..##########"},
        {"reset:every=3", "#..#..#..#.."},
        {"reset:from=2,every=4", ".#...#...#.."},
        {"reset:count=2", "##.........."},
        {"reset:from=4,every=2,count=3", "...#.#.#...."},
        {"reset:match=*.mpd", "............"},
        {"reset:p=0", "............"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char got[13];
        struct weir_faults f = faults_of(cases[i].spec, NULL);
        strikes(&f, got);
        if (strcmp(got, cases[i].expect) != 0)
            fail_msg("%s: %s, expected %s", cases[i].spec, got, cases[i].expect);
        weir_faults_reset(&f);
        strikes(&f, got);
        if (strcmp(got, cases[i].expect) != 0)
            fail_msg("%s: %s after a reset", cases[i].spec, got);
    }
}

// Neither what other specs do nor requests that do not match move a chance.
static void chances_come_from_the_seed_alone(void **state)
{
    (void)state;
    struct weir_faults a = faults_of("reset:match=*.m4s,p=0.3,seed=7", NULL);
    struct weir_faults b = faults_of("reset:match=*.m4s,p=0.3,seed=7", "stall:match=*.mpd,p=0.5");
    struct weir_faults c = faults_of("reset:match=*.m4s,p=0.3,seed=8", NULL);
    int struck = 0, differs = 0;
    for (int i = 0; i < 10000; i++) {
        bool one = weir_faults_next(&a, "/x.m4s").kind == WEIR_FAULT_RESET;
        if (i % 3 == 0)
            (void)weir_faults_next(&b, "/x.mpd");
        assert_int_equal(weir_faults_next(&b, "/x.m4s").kind == WEIR_FAULT_RESET, one);
        struck += one;
        differs += one != (weir_faults_next(&c, "/x.m4s").kind == WEIR_FAULT_RESET);
    }
    assert_in_range(struck, 2800, 3200);
    assert_true(differs > 3000);
}

// Every spec counts what matches it, also where another one strikes.
static void the_first_that_strikes_has_the_request(void **state)
{
    (void)state;
    struct weir_faults f = faults_of("status:every=2", "reset:match=*.m4s,from=3");
    static const enum weir_fault_kind expect[] = {WEIR_FAULT_STATUS, WEIR_FAULT_NONE,
                                                  WEIR_FAULT_STATUS, WEIR_FAULT_RESET,
                                                  WEIR_FAULT_STATUS, WEIR_FAULT_RESET};
    for (size_t i = 0; i < sizeof(expect) / sizeof(expect[0]); i++)
        assert_int_equal(weir_faults_next(&f, "/x.m4s").kind, expect[i]);
    struct weir_faults full = {0};
    struct weir_fault_spec spec = spec_of("reset");
    for (size_t i = 0; i < WEIR_FAULTS_MAX; i++)
        assert_int_equal(weir_faults_add(&full, &spec), 0);
    assert_int_equal(weir_faults_add(&full, &spec), WEIR_ERR_TOO_BIG);
}

static struct weir_fault fault_of(const char *text)
{
    struct weir_faults f = faults_of(text, NULL);
    return weir_faults_next(&f, "/x");
}

static void places_lie_within_the_body(void **state)
{
    (void)state;
    struct weir_fault half = fault_of("truncate"), far = fault_of("truncate:at=5000");
    assert_int_equal(weir_fault_at(&half, 1000), 500);
    assert_int_equal(weir_fault_body_bytes(&half, 1000), 500);
    assert_int_equal(weir_fault_body_bytes(&far, 1000), 1000);
    struct weir_fault slow = fault_of("slow"), stall = fault_of("stall");
    assert_int_equal(weir_fault_at(&slow, 1000), 0);
    assert_int_equal(weir_fault_body_bytes(&slow, 1000), 1000);
    assert_int_equal(weir_fault_body_bytes(&stall, 1000), 1000);
    struct weir_fault refuse = fault_of("refuse");
    assert_int_equal(weir_fault_body_bytes(&refuse, 1000), 0);
}

static void damage_is_where_it_should_be_however_the_body_is_cut(void **state)
{
    (void)state;
    enum { SIZE = 1000 };
    uint8_t whole[SIZE], pieces[SIZE];
    struct weir_fault f = fault_of("corrupt:at=300,bytes=200,seed=5");
    for (int i = 0; i < SIZE; i++)
        whole[i] = pieces[i] = (uint8_t)i;
    weir_fault_corrupt(&f, SIZE, 0, whole, SIZE);
    for (int i = 0; i < SIZE; i++)
        assert_int_equal(whole[i] != (uint8_t)i, i >= 300 && i < 500);
    for (int at = 0; at < SIZE; at += 7)
        weir_fault_corrupt(&f, SIZE, at, pieces + at, (size_t)(SIZE - at < 7 ? SIZE - at : 7));
    assert_memory_equal(whole, pieces, SIZE);
    // Nothing beyond the end, and nothing where another fault is.
    struct weir_fault end = fault_of("corrupt:at=990,bytes=1000000"), other = fault_of("stall");
    weir_fault_corrupt(&end, SIZE, 0, pieces, SIZE);
    assert_memory_equal(whole, pieces, 990);
    weir_fault_corrupt(&other, SIZE, 0, whole, 990);
    assert_memory_equal(whole, pieces, 990);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_spec_says_what_and_when),
        cmocka_unit_test(a_wrong_spec_is_refused_and_named),
        cmocka_unit_test(a_pattern_is_held_against_the_path_or_its_tail),
        cmocka_unit_test(requests_are_chosen_by_their_number),
        cmocka_unit_test(chances_come_from_the_seed_alone),
        cmocka_unit_test(the_first_that_strikes_has_the_request),
        cmocka_unit_test(places_lie_within_the_body),
        cmocka_unit_test(damage_is_where_it_should_be_however_the_body_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
