// tests/manifest/test_golden.c — manifests written for this test, and their normalised dumps,
// reviewed like code. A difference fails and leaves the new dump in the build folder;
// WEIR_UPDATE_GOLDEN=1 replaces the files.
#include "manifest_test.h"

#include "manifest/dump.h"

static char *read_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        return NULL;
    char *text = calloc(1, 1 << 20);
    if (text && fread(text, 1, (1 << 20) - 1, f) == 0)
        text[0] = '\0';
    fclose(f);
    return text;
}

static void compare(const char *name)
{
    char path[512], expected[600], got_path[600];
    snprintf(path, sizeof(path), WEIR_SOURCE_DIR "/tests/manifest/golden/%s", name);
    snprintf(expected, sizeof(expected), "%s.json", path);
    snprintf(got_path, sizeof(got_path), WEIR_BINARY_DIR "/golden-%s.json", name);
    char *text = read_file(path);
    if (!text)
        fail_msg("cannot read %s", path);
    char url[256];
    snprintf(url, sizeof(url), "https://example.com/dir/%s?q=1", name);
    struct weir_presentation *p = parsed(text, url);
    json_t *got = weir_presentation_to_json(p, 0);
    assert_non_null(got);
    const char *target = getenv("WEIR_UPDATE_GOLDEN") ? expected : got_path;
    char *dump = json_dumps(got, JSON_INDENT(1) | JSON_REAL_PRECISION(12));
    assert_non_null(dump);
    FILE *f = fopen(target, "wb");
    assert_non_null(f);
    assert_true(fputs(dump, f) >= 0);
    assert_int_equal(fclose(f), 0);
    char *want = read_file(expected);
    bool same = want && strcmp(want, dump) == 0;
    free(want);
    free(dump);
    json_decref(got);
    free(text);
    weir_presentation_destroy(&p);
    if (!same)
        fail_msg("%s differs from %s", target, expected);
}

static void on_demand_dash(void **state)
{
    (void)state;
    compare("vod.mpd");
}

static void live_dash(void **state)
{
    (void)state;
    compare("live.mpd");
}

static void a_media_playlist(void **state)
{
    (void)state;
    compare("media.m3u8");
}

static void a_multivariant_playlist(void **state)
{
    (void)state;
    compare("main.m3u8");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(on_demand_dash),
        cmocka_unit_test(live_dash),
        cmocka_unit_test(a_media_playlist),
        cmocka_unit_test(a_multivariant_playlist),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
