// tests/core/test_messages.c — the error report and the log: texts, truncation, and what hostile
// text becomes.
#include "core_test.h"

#include <weir/error.h>
#include <weir/log.h>

#include "core/text.h"

static void every_code_has_its_own_text(void **state)
{
    (void)state;
    for (int a = WEIR_ERR_DECODE; a <= WEIR_OK; a++) {
        assert_string_not_equal(weir_strerror(a), weir_strerror(1));
        for (int b = a + 1; b <= WEIR_OK; b++)
            assert_string_not_equal(weir_strerror(a), weir_strerror(b));
    }
    assert_non_null(weir_strerror(-9999));
}

static void an_error_is_filled_step_by_step(void **state)
{
    (void)state;
    struct weir_error e = {0};
    assert_int_equal(weir_error_set(&e, WEIR_ERR_HTTP, "http://h/x", "status %d", 404),
                     WEIR_ERR_HTTP);
    weir_error_why(&e, "not %s", "found");
    weir_error_hint(&e, "check %s", "the URL");
    assert_int_equal(e.code, WEIR_ERR_HTTP);
    assert_string_equal(e.where, "http://h/x");
    assert_string_equal(e.what, "status 404");
    assert_string_equal(e.why, "not found");
    assert_string_equal(e.hint, "check the URL");

    // A new error starts afresh, and may quote the old one.
    e.http_status = 404;
    weir_error_set(&e, WEIR_ERR_NETWORK, e.what, "after %s", e.where);
    assert_string_equal(e.where, "status 404");
    assert_string_equal(e.what, "after http://h/x");
    assert_string_equal(e.why, "");
    assert_string_equal(e.hint, "");
    assert_int_equal(e.http_status, 0);
}

static void no_report_wanted_is_fine(void **state)
{
    (void)state;
    struct weir_error e = {0};
    assert_int_equal(weir_error_set(NULL, WEIR_ERR_NOMEM, "x", "y"), WEIR_ERR_NOMEM);
    weir_error_why(NULL, "x");
    weir_error_hint(NULL, "x");
    weir_error_set(&e, WEIR_ERR_NOMEM, NULL, "y");
    assert_string_equal(e.where, "");
}

// "€" has three bytes: whatever the length before it, no half character may remain.
static void truncation_never_splits_a_character(void **state)
{
    (void)state;
    for (size_t lead = 240; lead < 260; lead++) {
        char text[300];
        memset(text, 'a', lead);
        memcpy(text + lead, "\xE2\x82\xAC", 4);
        struct weir_error e = {0};
        weir_error_set(&e, WEIR_ERR_SYNTAX, text, "%s", text);
        size_t want = lead + 3 <= 255 ? lead + 3 : lead <= 255 ? lead : 255;
        assert_int_equal(strlen(e.what), want);
        assert_int_equal(strlen(e.where), lead + 3);
    }
}

static void hostile_text_is_cleaned(void **state)
{
    (void)state;
    static const struct {
        const char *in, *want;
    } cases[] = {
        {"a\nb\r\t\x7f", "a b   "},
        {"\x1b]0;title\x07", " ]0;title "},
        {"\xC2\x9B"
         "31m",
         "  31m"}, // CSI as a C1 control
        {"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80", "\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80"},
        {"\xC0\xAFx", "??x"},           // overlong
        {"\xE0\x80\xAFx", "???x"},      // overlong
        {"\xED\xA0\x80x", "???x"},      // surrogate
        {"\xF4\x90\x80\x80x", "????x"}, // beyond U+10FFFF
        {"\x80\xFF\xFEx", "???x"},      // never a first byte
        {"\xE2\x82x", "??x"},           // cut short in the middle
        {"ab\xE2\x82", "ab"},           // cut short at the end
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[64];
        snprintf(text, sizeof(text), "%s", cases[i].in);
        assert_int_equal(weir_text_clean(text), strlen(cases[i].want));
        assert_string_equal(text, cases[i].want);
    }
}

struct sink {
    int lines;
    enum weir_log_level level;
    char last[2048];
};

static void sink_write(void *ctx, enum weir_log_level level, const char *line)
{
    struct sink *s = ctx;
    s->lines++;
    s->level = level;
    snprintf(s->last, sizeof(s->last), "%s", line);
}

static void the_log_passes_what_its_level_allows(void **state)
{
    (void)state;
    struct sink sink = {0};
    struct weir_log log = {sink_write, &sink, WEIR_LOG_WARN};
    weir_log(&log, WEIR_LOG_ERROR, "rung=%d", 2);
    assert_int_equal(sink.level, WEIR_LOG_ERROR);
    assert_string_equal(sink.last, "rung=2");
    weir_log(&log, WEIR_LOG_WARN, "x");
    weir_log(&log, WEIR_LOG_INFO, "y");
    assert_int_equal(sink.lines, 2);
    weir_log(NULL, WEIR_LOG_ERROR, "z");
    weir_log(&(struct weir_log){0}, WEIR_LOG_ERROR, "z");
}

static void a_log_message_is_one_line_of_bounded_length(void **state)
{
    (void)state;
    struct sink sink = {0};
    struct weir_log log = {sink_write, &sink, WEIR_LOG_TRACE};
    char big[3000];
    memset(big, 'x', sizeof(big) - 1);
    big[sizeof(big) - 1] = '\0';
    weir_log(&log, WEIR_LOG_TRACE, "%s", big);
    assert_int_equal(strlen(sink.last), 1023);
    weir_log(&log, WEIR_LOG_TRACE, "a\nlevel=error forged");
    assert_string_equal(sink.last, "a level=error forged");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_has_its_own_text),
        cmocka_unit_test(an_error_is_filled_step_by_step),
        cmocka_unit_test(no_report_wanted_is_fine),
        cmocka_unit_test(truncation_never_splits_a_character),
        cmocka_unit_test(hostile_text_is_cleaned),
        cmocka_unit_test(the_log_passes_what_its_level_allows),
        cmocka_unit_test(a_log_message_is_one_line_of_bounded_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
