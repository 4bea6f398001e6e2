// tests/core/test_url.c — URL resolution against every example of RFC 3986, 5.4, and the cases that
// manifests bring beyond it; origins, request lines, file paths and redaction.
#include <limits.h>
#include <unistd.h>

#include "core_test.h"

#include "core/rng.h"
#include "core/url.h"

struct pair {
    const char *in, *want;
};

static void check_resolve(const char *base, const struct pair *cases, size_t count)
{
    char out[WEIR_URL_MAX_BYTES];
    for (size_t i = 0; i < count; i++) {
        int len = weir_url_resolve(base, cases[i].in, out, sizeof(out));
        if (strcmp(out, cases[i].want) != 0)
            print_error("base %s, reference %s\n", base ? base : "(null)", cases[i].in);
        assert_string_equal(out, cases[i].want);
        assert_int_equal(len, strlen(out));
    }
}

// RFC 3986, 5.4.1.
static void normal_examples_of_the_rfc(void **state)
{
    (void)state;
    static const struct pair cases[] = {
        {"g:h", "g:h"},
        {"g", "http://a/b/c/g"},
        {"./g", "http://a/b/c/g"},
        {"g/", "http://a/b/c/g/"},
        {"/g", "http://a/g"},
        {"//g", "http://g"},
        {"?y", "http://a/b/c/d;p?y"},
        {"g?y", "http://a/b/c/g?y"},
        {"#s", "http://a/b/c/d;p?q#s"},
        {"g#s", "http://a/b/c/g#s"},
        {"g?y#s", "http://a/b/c/g?y#s"},
        {";x", "http://a/b/c/;x"},
        {"g;x", "http://a/b/c/g;x"},
        {"g;x?y#s", "http://a/b/c/g;x?y#s"},
        {"", "http://a/b/c/d;p?q"},
        {".", "http://a/b/c/"},
        {"./", "http://a/b/c/"},
        {"..", "http://a/b/"},
        {"../", "http://a/b/"},
        {"../g", "http://a/b/g"},
        {"../..", "http://a/"},
        {"../../", "http://a/"},
        {"../../g", "http://a/g"},
    };
    check_resolve("http://a/b/c/d;p?q", cases, COUNT(cases));
}

// RFC 3986, 5.4.2; "http:g" as strict parsers have it.
static void abnormal_examples_of_the_rfc(void **state)
{
    (void)state;
    static const struct pair cases[] = {
        {"../../../g", "http://a/g"},
        {"../../../../g", "http://a/g"},
        {"/./g", "http://a/g"},
        {"/../g", "http://a/g"},
        {"g.", "http://a/b/c/g."},
        {".g", "http://a/b/c/.g"},
        {"g..", "http://a/b/c/g.."},
        {"..g", "http://a/b/c/..g"},
        {"./../g", "http://a/b/g"},
        {"./g/.", "http://a/b/c/g/"},
        {"g/./h", "http://a/b/c/g/h"},
        {"g/../h", "http://a/b/c/h"},
        {"g;x=1/./y", "http://a/b/c/g;x=1/y"},
        {"g;x=1/../y", "http://a/b/c/y"},
        {"g?y/./x", "http://a/b/c/g?y/./x"},
        {"g?y/../x", "http://a/b/c/g?y/../x"},
        {"g#s/./x", "http://a/b/c/g#s/./x"},
        {"g#s/../x", "http://a/b/c/g#s/../x"},
        {"http:g", "http:g"},
    };
    check_resolve("http://a/b/c/d;p?q", cases, COUNT(cases));
}

static void references_seen_in_manifests(void **state)
{
    (void)state;
    static const struct pair cases[] = {
        {"  seg 1.m4s\r\n", "https://h:8443/seg 1.m4s"},
        {"//cdn/x.m4s?t=1", "https://cdn/x.m4s?t=1"},
        {"HTTP://Other/a/../b", "HTTP://Other/b"},
        {"a//../b", "https://h:8443/a/b"},
        {"data:text/plain,a/../b", "data:text/plain,a/../b"},
        {"1:2", "https://h:8443/1:2"},
        {NULL, "https://h:8443"},
    };
    check_resolve("https://h:8443", cases, COUNT(cases));
}

// A manifest opened by a relative path has relative URLs until the host makes them absolute:
// nothing may be lost on the way, and the result must still read as a relative path.
static void relative_bases_keep_what_cannot_be_resolved(void **state)
{
    (void)state;
    static const struct {
        const char *base, *ref, *want;
    } cases[] = {
        {NULL, "../d/./e", "../d/e"},
        {"", "a.mpd", "a.mpd"},
        {"../media/x.mpd", "seg.m4s", "../media/seg.m4s"},
        {"a/b/c", "../d", "a/d"},
        {"a/b", "../../../d", "../../d"},
        {"a/b", "..", "./"},
        {"x", "./a:b", "./a:b"},
        {"x", "a/..//b", ".//b"},
        {"/m/x.mpd", "../../s", "/s"},
        {"/m/x.mpd", "..//s", "/.//s"},
        {"s:/a", "..//s", "s:/.//s"},
        {"s:.///", "evil", "s:/.//evil"},
        {"x", "./ //evil", "./ //evil"},
    };
    char out[WEIR_URL_MAX_BYTES];
    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_true(weir_url_resolve(cases[i].base, cases[i].ref, out, sizeof(out)) >= 0);
        assert_string_equal(out, cases[i].want);
    }
}

static void too_long_is_an_error_not_a_cut(void **state)
{
    (void)state;
    char out[16];
    assert_int_equal(weir_url_resolve("http://a/b", "123456", out, 16), 15);
    assert_string_equal(out, "http://a/123456");
    assert_int_equal(weir_url_resolve("http://a/b", "1234567", out, 16), WEIR_ERR_TOO_BIG);
    assert_string_equal(out, "");
    assert_int_equal(weir_url_resolve("http://a/b", "c", out, 0), WEIR_ERR_TOO_BIG);

    char *huge = malloc(WEIR_URL_MAX_BYTES + 64);
    char *big_out = malloc(2 * WEIR_URL_MAX_BYTES);
    memset(huge, 'x', WEIR_URL_MAX_BYTES + 63);
    huge[WEIR_URL_MAX_BYTES + 63] = '\0';
    assert_int_equal(weir_url_resolve("http://a/b", huge, big_out, 2 * WEIR_URL_MAX_BYTES),
                     WEIR_ERR_TOO_BIG);
    free(huge);
    free(big_out);
}

static void parse_gives_the_five_parts(void **state)
{
    (void)state;
    struct weir_url u;
    weir_url_parse(" http://u@h:1/p/q?x=1#f ", &u);
    assert_memory_equal(u.scheme.ptr, "http", 4);
    assert_int_equal(u.authority.len, 5);
    assert_memory_equal(u.path.ptr, "/p/q", 4);
    assert_int_equal(u.query.len, 3);
    assert_int_equal(u.fragment.len, 1);
    weir_url_parse("", &u);
    assert_non_null(u.path.ptr);
    assert_int_equal(u.path.len, 0);
    assert_null(u.scheme.ptr);
    assert_null(u.authority.ptr);
    assert_null(u.query.ptr);
    weir_url_parse("file:///?", &u);
    assert_non_null(u.authority.ptr);
    assert_int_equal(u.authority.len, 0);
    assert_non_null(u.query.ptr);
}

static void schemes(void **state)
{
    (void)state;
    assert_true(weir_url_is_absolute("http://x"));
    assert_true(weir_url_is_absolute("a+b-1.c:"));
    assert_false(weir_url_is_absolute("/x:y"));
    assert_false(weir_url_is_absolute("1x:y"));
    assert_false(weir_url_is_absolute(":x"));
    assert_false(weir_url_is_absolute(NULL));
    assert_true(weir_url_has_scheme("HTTPS://x", "https"));
    assert_false(weir_url_has_scheme("https://x", "http"));
    assert_false(weir_url_has_scheme("x", "http"));
}

static void origins(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        bool same;
    } cases[] = {
        {"http://h/a", "HTTP://H:80/b?c", true},
        {"https://h", "https://h:443", true},
        {"https://h:", "https://h", true},
        {"http://h", "https://h", false},
        {"http://h:8080", "http://h", false},
        {"http://u:p@h/", "http://h/", true},
        {"http://h@evil/", "http://h/", false},
        {"http://good@x@evil/", "http://evil/", true},
        {"http://[::1]:80/", "http://[::1]/", true},
        {"http://[::1]/", "http://[::2]/", false},
        {"http://h:99999/", "http://h:99999/", false},
        {"http://h:8x/", "http://h:8x/", false},
        {"file:/a", "file:///b", true},
        {"a/b", "a/b", false},
        {"data:,x", "data:,x", false},
        {"http://h", NULL, false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        if (weir_url_same_origin(cases[i].a, cases[i].b) != cases[i].same)
            fail_msg("%s and %s", cases[i].a, cases[i].b ? cases[i].b : "(null)");
        assert_int_equal(weir_url_same_origin(cases[i].b, cases[i].a), cases[i].same);
    }
}

static void request_lines_carry_only_what_they_may(void **state)
{
    (void)state;
    static const struct pair cases[] = {
        {"http://h/a b\r\nX: y?q=\xC3\xA9#frag", "http://h/a%20b%0D%0AX:%20y?q=%C3%A9"},
        {"http://h/%41%zz", "http://h/%41%zz"},
        {"http://m\xC3\xBC.de/\xC3\xBC", "http://m\xC3\xBC.de/%C3%BC"},
        {"http://h/<a>\"{}|\\^`", "http://h/%3Ca%3E%22%7B%7D%7C%5C%5E%60"},
        {"http://h/!$&'()*+,;=:@~-._[]", "http://h/!$&'()*+,;=:@~-._[]"},
    };
    char out[256];
    for (size_t i = 0; i < COUNT(cases); i++) {
        int len = weir_url_for_request(cases[i].in, out, sizeof(out));
        assert_string_equal(out, cases[i].want);
        assert_int_equal(len, strlen(out));
    }
    assert_int_equal(weir_url_for_request("http://h/   ?", out, 10), WEIR_ERR_TOO_BIG);
}

static void paths_become_urls_and_return(void **state)
{
    (void)state;
    char url[WEIR_URL_MAX_BYTES], back[WEIR_URL_MAX_BYTES], cwd[PATH_MAX], want[WEIR_URL_MAX_BYTES];
    static const char awkward[] = "/tmp/a b/100%?x#y;z=\xC3\xA9/\x01[1].mpd";
    assert_true(weir_url_from_path(awkward, url, sizeof(url)) > 0);
    assert_string_equal(url, "file:///tmp/a%20b/100%25%3Fx%23y;z=%C3%A9/%01%5B1%5D.mpd");
    assert_int_equal(weir_url_to_path(url, back, sizeof(back)), strlen(awkward));
    assert_string_equal(back, awkward);

    assert_non_null(getcwd(cwd, sizeof(cwd)));
    assert_true(weir_url_from_path("./x.mpd", url, sizeof(url)) > 0);
    assert_true(weir_url_to_path(url, back, sizeof(back)) > 0);
    snprintf(want, sizeof(want), "%s/x.mpd", cwd);
    assert_string_equal(back, want);
    assert_int_equal(weir_url_from_path("/abcdefgh", url, 10), WEIR_ERR_TOO_BIG);
}

static void file_urls_that_are_no_local_path_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        int want;
    } cases[] = {
        {"http://h/x", WEIR_ERR_INVAL},
        {"file:x", WEIR_ERR_INVAL},
        {"file://host/x", WEIR_ERR_UNSUPPORTED},
        {"file:///a%00b", WEIR_ERR_INVAL},
        {"file:///a%2F..%2fb", WEIR_ERR_INVAL},
        {"/x", WEIR_ERR_INVAL},
        {"file:///a%b", 4},
        {"FILE://LocalHost/ab", 3},
        {"file:/ab?c#d", 3},
        {"file:///a%2", 4},
    };
    char out[64];
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_int_equal(weir_url_to_path(cases[i].url, out, sizeof(out)), cases[i].want);
}

static void messages_hide_secrets(void **state)
{
    (void)state;
    static const struct pair cases[] = {
        {"https://user:pw@h:1/p?token=abc&x=1#key", "https://…@h:1/p?token=…&x=…#…"},
        {"https://h/p?deadbeef", "https://h/p?…"},
        {"//u@h/?a=b=c&&d", "//…@h/?a=…&&…"},
        {"seg.m4s", "seg.m4s"},
        {"http://h/\x1b[31m\xff", "http://h/ [31m?"},
    };
    char out[128];
    for (size_t i = 0; i < COUNT(cases); i++) {
        weir_url_redact(cases[i].in, out, sizeof(out));
        assert_string_equal(out, cases[i].want);
    }
    // Cut to fit, never in the middle of a character, and never so that a secret shows.
    for (size_t size = 1; size < 40; size++) {
        weir_url_redact("https://secret@host/p?k=secret", out, size);
        assert_true(strlen(out) < size);
        assert_null(strstr(out, "sec"));
    }
}

static void random_text(struct weir_rng *r, char *out, size_t size)
{
    static const char alphabet[] = "//..::??#@ab%[] \t\\1\xC3";
    size_t len = weir_rng_below(r, size);
    for (size_t i = 0; i < len; i++)
        out[i] = alphabet[weir_rng_below(r, sizeof(alphabet) - 1)];
    out[len] = '\0';
}

static bool same_part(struct weir_url_part a, struct weir_url_part b)
{
    return a.len == b.len && !a.ptr == !b.ptr && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

// Whatever a manifest says: a resolved URL resolves to itself, against any base, and stays on the
// authority that the reference named or inherited. The buffers are exact, so that a sanitizer sees
// each byte too many.
static void resolution_is_stable_for_any_text(void **state)
{
    (void)state;
    struct weir_rng r;
    weir_rng_seed(&r, 5);
    for (int i = 0; i < 500000; i++) {
        char base[24] = "http://h", ref[24], once[64], twice[64];
        random_text(&r, base + (i % 2 ? 8 : 0), 14);
        random_text(&r, ref, sizeof(ref));
        struct weir_url b, u, v;
        weir_url_parse(base, &b);
        weir_url_parse(ref, &u);
        assert_true(weir_url_resolve(base, ref, once, sizeof(once)) >= 0);
        weir_url_parse(once, &v);
        size_t len = strlen(once);
        // White space that a cut fragment leaves at the end is skipped when the result is parsed
        // again.
        bool blank_end = len > 0 && strchr("\t ", once[len - 1]);
        struct weir_url_part want = u.scheme.ptr || u.authority.ptr ? u.authority : b.authority;
        if (!blank_end && !same_part(v.authority, want))
            fail_msg("step %d: base '%s' ref '%s' gave '%s'", i, base, ref, once);
        bool own_path = u.path.len > 0; // without one the base's path is taken as it stands (5.2.2)
        if (!blank_end && own_path && v.scheme.ptr) {
            assert_true(weir_url_resolve("x://y/z?q", once, twice, sizeof(twice)) >= 0);
            if (strcmp(once, twice) != 0)
                fail_msg("step %d: '%s' then '%s' (base '%s' ref '%s')", i, once, twice, base, ref);
        }
        weir_url_redact(ref, twice, 1 + (size_t)i % sizeof(twice));
        weir_url_for_request(ref, twice, 1 + (size_t)i % sizeof(twice));
        weir_url_to_path(ref, twice, 1 + (size_t)i % sizeof(twice));
        weir_url_same_origin(base, ref);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(normal_examples_of_the_rfc),
        cmocka_unit_test(abnormal_examples_of_the_rfc),
        cmocka_unit_test(references_seen_in_manifests),
        cmocka_unit_test(relative_bases_keep_what_cannot_be_resolved),
        cmocka_unit_test(too_long_is_an_error_not_a_cut),
        cmocka_unit_test(parse_gives_the_five_parts),
        cmocka_unit_test(schemes),
        cmocka_unit_test(origins),
        cmocka_unit_test(request_lines_carry_only_what_they_may),
        cmocka_unit_test(paths_become_urls_and_return),
        cmocka_unit_test(file_urls_that_are_no_local_path_are_refused),
        cmocka_unit_test(messages_hide_secrets),
        cmocka_unit_test(resolution_is_stable_for_any_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
