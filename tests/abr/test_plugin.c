// tests/abr/test_plugin.c — plug-ins: what cannot be loaded is refused with what, where and why;
// what answers nonsense is contained and counted; the worked example works.
#include "tests/abr/abr_test.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *spec, *where, *text;
} refused[] = {
    {"./no-such-plugin.so", "./no-such-plugin.so", "cannot load"},
    {"/", "/", "cannot load"},
    {"./a:b/c.so", "./a", "cannot load"}, // the first colon ends the path
    {HERE "/CTestTestfile.cmake", "CTestTestfile", "cannot load"},
    {HERE "/hostile_NO_ENTRY.so", "NO_ENTRY", "no function weir_abr_plugin"},
    {HERE "/hostile_NO_TABLE.so", "NO_TABLE", "returns no table"},
    {HERE "/hostile_NO_OPS.so", "NO_OPS", "returns no table"},
    {HERE "/hostile_WRONG_INTERFACE.so", "WRONG", "made for interface 77, this Weir has 1"},
    {HERE "/hostile_SMALL_TABLE.so", "SMALL", "has 8 bytes"},
    {HERE "/hostile_NO_DECIDE.so", "NO_DECIDE", "no decide"},
    {HERE "/hostile_NO_NAME.so", "NO_NAME", "no name"},
    {HERE "/hostile_HUGE_STATE.so", "HUGE", "bytes of state"},
    {HERE "/hostile.so:mode", "--abr", "KEY=VALUE"},
    {HERE "/hostile.so:mode=refuse", "hostile.so", "refuses its parameters"},
    {HERE "/hostile.so:mode=garble", "??", "??"},
};

static bool is_text(const char *s, size_t bytes)
{
    size_t n = strnlen(s, bytes);
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)s[i] < ' ' || (unsigned char)s[i] > '~')
            return false;
    return n < bytes;
}

static void refuses_what_cannot_be_used(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        struct weir_abr *a = NULL;
        struct weir_error e = {0};
        int err = weir_abr_create(refused[i].spec, 1, &a, &e);
        assert_null(a);
        if (err >= 0 || e.code != err || !strstr(e.where, refused[i].where) ||
            !strstr(e.what, refused[i].text))
            fail_msg("%s: %d \"%s: %s\"", refused[i].spec, err, e.where, e.what);
        assert_true(is_text(e.where, sizeof(e.where)) && is_text(e.what, sizeof(e.what)));
        assert_true(is_text(e.why, sizeof(e.why)) && is_text(e.hint, sizeof(e.hint)));
        assert_int_not_equal(weir_abr_create(refused[i].spec, 1, &a, NULL), 0);
    }
}

static const struct {
    const char *mode, *fault; // NULL: nothing that needs mending
} modes[] = {
    {"rung", "rung beyond the ladder"},
    {"nan-rung", "rung beyond the ladder"},
    {"negative-wait", "negative wait"},
    {"nan", "negative wait"},
    {"huge-wait", "wait for more than the buffer"},
    {"committed-wait", "wait for more than the buffer"},
    {"null-reason", NULL},
    {"long-reason", "reason"},
    {"bad-reason", "reason"},
    {"abandon-up", "not lower"},
    {"abandon-same", "not lower"},
    {"abandon-beyond", "not lower"},
    {"abandon-always", NULL}, // unwise, but an answer
    {"watch", NULL},
    {"all", "rung beyond the ladder"},
};

static void contains_and_counts_nonsense(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
        char spec[512];
        (void)snprintf(spec, sizeof(spec), "%s/hostile.so:mode=%s", HERE, modes[i].mode);
        struct weir_abr *a = must_create(spec);
        const char *first = NULL;
        assert_int_equal(weir_abr_faults(a, &first), 0);
        assert_null(first);
        struct weir_abr_observation o = usual_observation(&ten);
        o.buffer_level_us = 10 * WEIR_SECOND_US;
        for (int n = 0; n < 10; n++) {
            struct weir_abr_decision d = weir_abr_decide(a, &o);
            assert_true(d.rung < 10);
            assert_true(d.wait_us >= 0 && d.wait_us <= 60 * WEIR_SECOND_US);
            assert_true(strlen(d.reason) < 100 && is_text(d.reason, 100));
            struct weir_abr_transfer t = {
                .rung = 5, .size_bytes = 1000, .done_bytes = 10, .elapsed_us = 1000};
            struct weir_abr_watch w = weir_abr_watch(a, &o, &t);
            assert_true(!w.abandon || w.rung < 5);
            t.rung = 0;
            assert_false(weir_abr_watch(a, &o, &t).abandon);
            // Callbacks it does not have.
            weir_abr_sampled(a, &o, &o.last_sample);
            weir_abr_fetched(a, &o, &(struct weir_abr_fetched){.rung = 5});
            weir_abr_abandoned(a, &o, 3);
        }
        int64_t faults = weir_abr_faults(a, &first);
        if (modes[i].fault ? faults < 10 || !strstr(first, modes[i].fault) : faults != 0)
            fail_msg("%s: %lld faults, the first: %s", modes[i].mode, (long long)faults,
                     first ? first : "none");
        weir_abr_destroy(&a);
    }
}

// Two of one plug-in at a time, one destroyed: no state is shared, nothing is unloaded under the
// other.
static void instances_are_independent(void **state)
{
    (void)state;
    struct weir_abr *a = must_create(HERE "/hostile.so:mode=rung");
    struct weir_abr *b = must_create(HERE "/hostile.so:mode=none");
    struct weir_abr_observation o = usual_observation(&ten);
    (void)weir_abr_decide(a, &o);
    const char *reason = weir_abr_decide(b, &o).reason;
    assert_int_equal(weir_abr_faults(a, NULL), 1);
    assert_int_equal(weir_abr_faults(b, NULL), 0);
    weir_abr_destroy(&a);
    (void)weir_abr_decide(b, &o);
    weir_abr_destroy(&b);
    assert_string_equal(reason, "as told"); // outlives them, as reports need it
}

#ifdef EXAMPLE
static void the_example_works(void **state)
{
    (void)state;
    struct weir_abr *a = must_create(EXAMPLE ":least=50,most=150");
    assert_string_equal(weir_abr_ops(a)->name, "my-own");
    struct weir_abr_observation o = usual_observation(&ten);
    o.throughput_bps = 2000000;
    static const struct {
        int64_t level_s;
        size_t expect;
    } rows[] = {{0, 4}, {10, 5}, {25, 7}}; // 1, 1.8 and 3 Mbit/s
    for (size_t i = 0; i < 3; i++) {
        o.buffer_level_us = rows[i].level_s * WEIR_SECOND_US;
        assert_int_equal(weir_abr_decide(a, &o).rung, rows[i].expect);
    }
    assert_int_equal(weir_abr_faults(a, NULL), 0);
    weir_abr_destroy(&a);
    struct weir_error e = {0};
    assert_int_equal(weir_abr_create(EXAMPLE ":least=none", 1, &a, &e), WEIR_ERR_INVAL);
    assert_string_equal(e.what, "bad value \"none\" for least");
    assert_int_equal(weir_abr_create(EXAMPLE ":lest=1", 1, &a, &e), WEIR_ERR_INVAL);
    assert_non_null(strstr(e.hint, "least most"));
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_what_cannot_be_used),
        cmocka_unit_test(contains_and_counts_nonsense),
        cmocka_unit_test(instances_are_independent),
#ifdef EXAMPLE
        cmocka_unit_test(the_example_works),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
