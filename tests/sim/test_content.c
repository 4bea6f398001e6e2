// tests/sim/test_content.c — the formats of contents, what of them is refused and where, the hash,
// and weir.content/1 there and back. The real movies are read where the shared folder is there.
#include "cmocka_all.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/content.h"

#define SABRE(duration, rates, sizes)                                                              \
    "{\"segment_duration_ms\":" duration ",\"bitrates_kbps\":" rates                               \
    ",\"segment_sizes_bits\":" sizes "}"
#define WEIR(tracks) "{\"schema\":\"weir.content/1\",\"tracks\":{" tracks "}}"
#define VIDEO(rungs, duration, sizes)                                                              \
    "\"video\":{\"rungs\":" rungs ",\"segment_duration\":" duration ",\"sizes\":" sizes "}"

static struct weir_content *must_parse(const char *text)
{
    struct weir_content *c = NULL;
    struct weir_error e = {0};
    if (weir_content_parse(text, strlen(text), "test", &c, &e) != 0)
        fail_msg("%s: %s", e.where, e.what);
    return c;
}

static struct weir_content *must_load(const char *path)
{
    struct weir_content *c = NULL;
    struct weir_error e = {0};
    if (weir_content_load(path, &c, &e) != 0)
        fail_msg("%s: %s (%s)", e.where, e.what, e.why);
    return c;
}

static void a_sabre_movie_is_read(void **state)
{
    (void)state;
    struct weir_content *c = must_parse(SABRE("3000", "[100,250.5]", "[[800,1601],[8,1.6e3]]"));
    assert_int_equal(c->format, WEIR_CONTENT_SABRE);
    assert_int_equal(c->video.rung_count, 2);
    assert_int_equal(c->video.segment_count, 2);
    assert_int_equal(c->video.bitrates_bps[0], 100000);
    assert_int_equal(c->video.bitrates_bps[1], 250500);
    assert_int_equal(c->video.starts_us[0], 0);
    assert_int_equal(c->video.starts_us[2], 6000000);
    assert_int_equal(c->video.sizes_bytes[0], 100);
    assert_int_equal(c->video.sizes_bytes[1], 201); // 1601 bits need a 201st byte
    assert_int_equal(c->video.sizes_bytes[2], 1);
    assert_int_equal(c->video.sizes_bytes[3], 200);
    assert_null(c->video.vmaf);
    assert_null(c->video.init_bytes);
    assert_int_equal(c->audio.rung_count, 0);
    assert_int_equal(c->warning_count, 0);
    weir_content_destroy(&c);
    assert_null(c);
}

static void durations_do_not_drift(void **state)
{
    (void)state;
    struct weir_content *c = must_parse(SABRE("333.3333", "[1]", "[[8],[8],[8]]"));
    assert_int_equal(c->video.starts_us[1], 333333);
    assert_int_equal(c->video.starts_us[2], 666667);
    assert_int_equal(c->video.starts_us[3], 1000000);
    weir_content_destroy(&c);
}

static void rungs_are_put_in_order(void **state)
{
    (void)state;
    struct weir_content *c = must_parse(SABRE("1000", "[30,10,20]", "[[24,8,16],[240,80,160]]"));
    struct weir_content *sorted =
        must_parse(SABRE("1000", "[10,20,30]", "[[8,16,24],[80,160,240]]"));
    for (size_t r = 0; r < 3; r++) {
        assert_int_equal(c->video.bitrates_bps[r], 10000 * (r + 1));
        assert_int_equal(c->video.sizes_bytes[r], r + 1);
        assert_int_equal(c->video.sizes_bytes[3 + r], 10 * (r + 1));
    }
    assert_true(c->hash == sorted->hash);
    weir_content_destroy(&c);
    weir_content_destroy(&sorted);
}

static void the_hash_tells_contents_apart(void **state)
{
    (void)state;
    static const char *const texts[] = {
        SABRE("1000", "[10]", "[[8],[16]]"),  SABRE("1000", "[10]", "[[16],[8]]"),
        SABRE("1000", "[11]", "[[8],[16]]"),  SABRE("1001", "[10]", "[[8],[16]]"),
        SABRE("1000", "[10,10]", "[[8,16]]"), SABRE("1000", "[10]", "[[8]]"),
    };
    uint64_t hashes[sizeof(texts) / sizeof(texts[0])];
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct weir_content *c = must_parse(texts[i]);
        hashes[i] = c->hash;
        weir_content_destroy(&c);
        for (size_t k = 0; k < i; k++)
            assert_false(hashes[i] == hashes[k]);
    }
    // FNV-1a of these very numbers, computed apart: the same on any machine and in any version.
    assert_true(hashes[5] == UINT64_C(0x2b8826d26d5ccf49));
}

static const struct {
    const char *name, *text;
    int err;
    const char *place; // within the message
} bad[] = {
    {"nothing", "", WEIR_ERR_SYNTAX, "empty"},
    {"blanks", " \n\t", WEIR_ERR_SYNTAX, "empty"},
    {"text", "12 13\n", WEIR_ERR_SYNTAX, "not a content"},
    {"cut short", "{\"bitrates_kbps\":[1", WEIR_ERR_SYNTAX, "line 1"},
    {"a NaN", SABRE("1000", "[1]", "[[NaN]]"), WEIR_ERR_SYNTAX, "malformed JSON"},
    {"a number no double holds", SABRE("1000", "[1]", "[[1e999]]"), WEIR_ERR_SYNTAX, "line 1"},
    {"another schema", "{\"schema\":\"weir.trace/1\"}", WEIR_ERR_SYNTAX, "weir.trace/1"},
    {"a later schema", "{\"schema\":\"weir.content/2\"}", WEIR_ERR_SYNTAX, "weir.content/2"},
    {"another object", "{\"a\":1}", WEIR_ERR_SYNTAX, "neither a Sabre movie"},
    {"a trace of Sabre's", "[{\"duration_ms\":1}]", WEIR_ERR_SYNTAX, "neither a Sabre movie"},
    {"no sizes", "{\"segment_duration_ms\":1,\"bitrates_kbps\":[1]}", WEIR_ERR_SYNTAX,
     "segment_sizes_bits"},
    {"no bitrates", "{\"segment_duration_ms\":1,\"segment_sizes_bits\":[[1]]}", WEIR_ERR_SYNTAX,
     "bitrates_kbps"},
    {"no duration", "{\"bitrates_kbps\":[1],\"segment_sizes_bits\":[[8]]}", WEIR_ERR_SYNTAX,
     "segment_duration_ms"},
    {"no segments", SABRE("1000", "[1]", "[]"), WEIR_ERR_SYNTAX, "no segments"},
    {"no rungs", SABRE("1000", "[]", "[[]]"), WEIR_ERR_SYNTAX, "no rungs"},
    {"a size is missing", SABRE("1000", "[1,2]", "[[8,8],[8]]"), WEIR_ERR_SYNTAX,
     "segment 1, rung 1: the size is missing"},
    {"a size too many", SABRE("1000", "[1]", "[[8],[8,8]]"), WEIR_ERR_SYNTAX, "segment 1: 2 sizes"},
    {"a row that is none", SABRE("1000", "[1]", "[[8],8]"), WEIR_ERR_SYNTAX, "segment 1"},
    {"a size of text", SABRE("1000", "[1,2]", "[[8,\"8\"]]"), WEIR_ERR_SYNTAX,
     "segment 0, rung 1: the size is not a number"},
    {"a null size", SABRE("1000", "[1]", "[[null]]"), WEIR_ERR_SYNTAX, "segment 0, rung 0"},
    {"a size of 0", SABRE("1000", "[1,2]", "[[8,8],[8,0]]"), WEIR_ERR_SYNTAX,
     "segment 1, rung 1: the size is not above 0"},
    {"a negative size", SABRE("1000", "[1]", "[[-8]]"), WEIR_ERR_SYNTAX, "segment 0, rung 0"},
    {"an enormous size", SABRE("1000", "[1]", "[[1e300]]"), WEIR_ERR_TOO_BIG, "segment 0, rung 0"},
    {"a large size", SABRE("1000", "[1]", "[[8796093022209]]"), WEIR_ERR_TOO_BIG, "1 TiB"},
    {"a bitrate of 0", SABRE("1000", "[1,0]", "[[8,8]]"), WEIR_ERR_SYNTAX, "rung 1: the bitrate"},
    {"a negative bitrate", SABRE("1000", "[-1]", "[[8]]"), WEIR_ERR_SYNTAX, "rung 0: the bitrate"},
    {"a bitrate of text", SABRE("1000", "[\"1\"]", "[[8]]"), WEIR_ERR_SYNTAX, "bitrates_kbps[0]"},
    {"an enormous bitrate", SABRE("1000", "[1e300]", "[[8]]"), WEIR_ERR_TOO_BIG, "rung 0"},
    {"a duration of 0", SABRE("0", "[1]", "[[8]]"), WEIR_ERR_SYNTAX, "segment_duration_ms"},
    {"a negative duration", SABRE("-1", "[1]", "[[8]]"), WEIR_ERR_SYNTAX, "segment_duration_ms"},
    {"a duration below a microsecond", SABRE("1e-9", "[1]", "[[8]]"), WEIR_ERR_SYNTAX, "segment 0"},
    {"an enormous duration", SABRE("1e300", "[1]", "[[8],[8]]"), WEIR_ERR_TOO_BIG, "segment 1"},
    {"no tracks", "{\"schema\":\"weir.content/1\"}", WEIR_ERR_SYNTAX, "tracks"},
    {"no video", WEIR(""), WEIR_ERR_SYNTAX, "video: rungs"},
    {"a fraction of a byte", WEIR(VIDEO("[{\"bitrate\":8}]", "1", "[[1.5]]")), WEIR_ERR_SYNTAX,
     "segment 0, rung 0"},
    {"too few durations", WEIR(VIDEO("[{\"bitrate\":8}]", "[1]", "[[1],[1]]")), WEIR_ERR_SYNTAX,
     "segment_duration"},
    {"a negative duration among them", WEIR(VIDEO("[{\"bitrate\":8}]", "[1,-1]", "[[1],[1]]")),
     WEIR_ERR_SYNTAX, "segment 1"},
    {"a negative init size", WEIR(VIDEO("[{\"bitrate\":8,\"init_bytes\":-1}]", "1", "[[1]]")),
     WEIR_ERR_SYNTAX, "rung 0"},
    {"a rung without bitrate", WEIR(VIDEO("[{}]", "1", "[[1]]")), WEIR_ERR_SYNTAX,
     "rung 0: the bitrate"},
    {"a rung that is none", WEIR(VIDEO("[1]", "1", "[[1]]")), WEIR_ERR_SYNTAX,
     "rung 0: the bitrate"},
    {"a VMAF above 100",
     WEIR("\"video\":{\"rungs\":[{\"bitrate\":8}],\"segment_duration\":1,\"sizes\":[[1]],"
          "\"vmaf\":[[101]]}"),
     WEIR_ERR_SYNTAX, "segment 0, rung 0: the VMAF"},
    {"a VMAF row is missing",
     WEIR("\"video\":{\"rungs\":[{\"bitrate\":8}],\"segment_duration\":1,\"sizes\":[[1],[1]],"
          "\"vmaf\":[[1]]}"),
     WEIR_ERR_SYNTAX, "vmaf"},
    {"an audio track of nothing", WEIR(VIDEO("[{\"bitrate\":8}]", "1", "[[1]]") ",\"audio\":{}"),
     WEIR_ERR_SYNTAX, "audio: rungs"},
};

static void what_is_wrong_is_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct weir_content *c = NULL;
        struct weir_error e = {0};
        int err = weir_content_parse(bad[i].text, strlen(bad[i].text), "f.json", &c, &e);
        if (err != bad[i].err || c)
            fail_msg("%s: %d (%s), want %d", bad[i].name, err, e.what, bad[i].err);
        if (!strstr(e.what, bad[i].place) || strcmp(e.where, "f.json") != 0)
            fail_msg("%s: \"%s: %s\" does not say \"%s\"", bad[i].name, e.where, e.what,
                     bad[i].place);
        assert_int_equal(weir_content_parse(bad[i].text, strlen(bad[i].text), "f.json", &c, NULL),
                         bad[i].err);
    }
}

static void too_many_segments_are_refused(void **state)
{
    (void)state;
    size_t rows = WEIR_CONTENT_MAX_SEGMENTS + 1, room = rows * 4 + 128;
    char *text = malloc(room);
    assert_non_null(text);
    int used = snprintf(text, room,
                        "{\"segment_duration_ms\":1,\"bitrates_kbps\":[1],"
                        "\"segment_sizes_bits\":[");
    for (size_t i = 0; i < rows; i++)
        used += snprintf(text + used, room - (size_t)used, i ? ",[8]" : "[8]");
    used += snprintf(text + used, room - (size_t)used, "]}");
    struct weir_content *c;
    struct weir_error e = {0};
    assert_int_equal(weir_content_parse(text, (size_t)used, "f", &c, &e), WEIR_ERR_TOO_BIG);
    free(text);
}

// There and back through text, as files go.
static struct weir_content *rewrite(const struct weir_content *c)
{
    json_t *doc = weir_content_json(c);
    assert_non_null(doc);
    assert_string_equal(json_string_value(json_object_get(doc, "schema")), "weir.content/1");
    char *text = json_dumps(doc, JSON_COMPACT | JSON_REAL_PRECISION(15));
    assert_non_null(text);
    json_decref(doc);
    struct weir_content *back = must_parse(text);
    free(text);
    assert_int_equal(back->format, WEIR_CONTENT_WEIR);
    return back;
}

static void weir_content_goes_there_and_back(void **state)
{
    (void)state;
    struct weir_content *c = must_parse(
        "{\"schema\":\"weir.content/1\",\"name\":\"x\",\"manifest_bytes\":777,\"tracks\":{"
        "\"video\":{\"rungs\":[{\"bitrate\":2000,\"init_bytes\":20,\"index_bytes\":200},"
        "{\"bitrate\":1000,\"init_bytes\":10,\"index_bytes\":100}],"
        "\"segment_duration\":[4,3.9,0.000001],\"sizes\":[[200,100],[201,101],[202,102]],"
        "\"vmaf\":[[99.823203,1],[100,2.5],[0.1,0]]},"
        "\"audio\":{\"rungs\":[{\"bitrate\":64000}],\"segment_duration\":2.002,"
        "\"sizes\":[[16000],[16001],[16002],[16003]]}},\"warnings\":[\"w\"]}");
    assert_int_equal(c->manifest_bytes, 777);
    assert_int_equal(c->video.starts_us[2], 7900000);
    assert_int_equal(c->video.starts_us[3], 7900001);
    assert_int_equal(c->video.init_bytes[0], 10);
    assert_int_equal(c->video.index_bytes[1], 200);
    assert_true(c->video.vmaf[1] == 99.823203F);
    assert_int_equal(c->audio.segment_count, 4);
    assert_int_equal(c->audio.starts_us[4], 8008000);
    assert_null(c->audio.init_bytes);
    assert_int_equal(c->warning_count, 1);
    struct weir_content *back = rewrite(c);
    assert_true(back->hash == c->hash);
    assert_string_equal(back->warnings[0], "w");
    weir_content_destroy(&back);
    weir_content_destroy(&c);
}

// --- Pensieve's folders ---

static void write_text(const char *folder, const char *name, const char *text)
{
    char path[1024];
    assert_true(snprintf(path, sizeof(path), "%s/%s", folder, name) < (int)sizeof(path));
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static void make_folder(const char *above, const char *name, char out[512])
{
    assert_true(snprintf(out, 512, "%s/%s", above, name) < 512);
    assert_int_equal(mkdir(out, 0700), 0);
}

static int setup_folder(void **state)
{
    static char folder[64];
    (void)strcpy(folder, "/tmp/weir-content-XXXXXX");
    *state = mkdtemp(folder);
    return *state ? 0 : -1;
}

static int remove_folder(void **state)
{
    char command[128];
    (void)snprintf(command, sizeof(command), "rm -r '%s'", (const char *)*state);
    return system(command); // NOLINT(concurrency-mt-unsafe,cert-env33-c)
}

static void pensieve_folders_are_read(void **state)
{
    char sizes[512], vmaf[512];
    make_folder(*state, "size", sizes);
    make_folder(*state, "vmaf", vmaf);
    write_text(sizes, "video_size_0", "100\n200\n");
    write_text(sizes, "video_size_1", "1000\r\n\n2000"); // other line ends, none at the end
    write_text(vmaf, "video1", "90.5\n91\n");
    write_text(vmaf, "video2", "10\n11\n");
    const char *const folders[] = {*state, sizes};
    for (size_t i = 0; i < 2; i++) {
        struct weir_content *c = must_load(folders[i]);
        assert_int_equal(c->format, WEIR_CONTENT_PENSIEVE);
        assert_int_equal(c->video.rung_count, 2);
        assert_int_equal(c->video.segment_count, 2);
        assert_int_equal(c->video.starts_us[1], 4000000);
        assert_int_equal(c->video.sizes_bytes[1], 1000);
        assert_int_equal(c->video.sizes_bytes[3], 2000);
        assert_true(c->video.vmaf[0] == 10.0F && c->video.vmaf[1] == 90.5F);
        assert_int_equal(c->video.bitrates_bps[0], 300); // 300 bytes in 8 s
        assert_int_equal(c->warning_count, 1);           // the bitrates are estimated
        struct weir_content *back = rewrite(c);
        assert_true(back->hash == c->hash);
        weir_content_destroy(&back);
        weir_content_destroy(&c);
    }
}

static const struct {
    const char *name, *file, *text;
    int err;
    const char *place;
} bad_folders[] = {
    {"a column too short", "video_size_1", "1\n", WEIR_ERR_SYNTAX, "rung 1: 1 sizes"},
    {"an empty column", "video_size_0", "", WEIR_ERR_SYNTAX, "no segments"},
    {"a word", "video_size_1", "1\nx\n", WEIR_ERR_SYNTAX, "line 2"},
    {"NaN", "video_size_1", "nan\n1\n", WEIR_ERR_SYNTAX, "line 1"},
    {"two columns", "video_size_1", "1 2\n1 2\n", WEIR_ERR_SYNTAX, "line 1"},
    {"a zero", "video_size_1", "1\n0\n", WEIR_ERR_SYNTAX, "segment 1, rung 1"},
    {"a negative size", "video_size_1", "-1\n1\n", WEIR_ERR_SYNTAX, "segment 0, rung 1"},
    {"half a byte", "video_size_1", "1\n1.5\n", WEIR_ERR_SYNTAX, "segment 1, rung 1"},
    {"an enormous size", "video_size_1", "1\n99999999999999999999999999\n", WEIR_ERR_TOO_BIG,
     "segment 1, rung 1"},
};

static void bad_pensieve_folders_are_refused(void **state)
{
    for (size_t i = 0; i < sizeof(bad_folders) / sizeof(bad_folders[0]); i++) {
        struct weir_content *c;
        struct weir_error e = {0};
        write_text(*state, "video_size_0", "1\n1\n");
        write_text(*state, "video_size_1", "1\n1\n");
        write_text(*state, bad_folders[i].file, bad_folders[i].text);
        int err = weir_content_load(*state, &c, &e);
        if (err != bad_folders[i].err || c || !strstr(e.what, bad_folders[i].place))
            fail_msg("%s: %d \"%s: %s\"", bad_folders[i].name, err, e.where, e.what);
    }
}

static void what_cannot_be_read_is_said(void **state)
{
    struct weir_content *c;
    struct weir_error e = {0};
    assert_int_equal(weir_content_load("/nonexistent/x.json", &c, &e), WEIR_ERR_NOT_FOUND);
    assert_string_equal(e.where, "/nonexistent/x.json");
    assert_int_equal(weir_content_load(*state, &c, &e), WEIR_ERR_NOT_FOUND); // an empty folder
    assert_non_null(strstr(e.what, "video_size_0"));
    weir_content_destroy(&c); // NULL is fine
}

// --- the shared movies ---

static const char *shared(void)
{
    const char *from = getenv("WEIR_SHARED"); // NOLINT(concurrency-mt-unsafe)
    const char *folder = from ? from : WEIR_SOURCE_DIR "/../shared";
    if (access(folder, R_OK) != 0)
        skip();
    return folder;
}

static void the_shared_movies_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        size_t rungs;
        int64_t segments, lowest_bps, highest_bps, first_bytes, end_us;
    } movies[] = {
        {"bbb.json", 10, 199, 230000, 6000000, 886360 / 8, 597000000},
        {"bbb4k.json", 6, 199, 1000000, 35000000, -1, 597000000},
        {"envivio", 6, 49, 300000, 4300000, 181801, 196000000},
        {"envivio/size", 6, 49, 300000, 4300000, 181801, 196000000},
    };
    for (size_t i = 0; i < sizeof(movies) / sizeof(movies[0]); i++) {
        char path[512];
        assert_true(snprintf(path, sizeof(path), "%s/contents/%s", shared(), movies[i].name) <
                    (int)sizeof(path));
        struct weir_content *c = must_load(path);
        assert_int_equal(c->video.rung_count, movies[i].rungs);
        assert_int_equal(c->video.segment_count, movies[i].segments);
        assert_int_equal(c->video.bitrates_bps[0], movies[i].lowest_bps);
        assert_int_equal(c->video.bitrates_bps[movies[i].rungs - 1], movies[i].highest_bps);
        if (movies[i].first_bytes > 0)
            assert_int_equal(c->video.sizes_bytes[0], movies[i].first_bytes);
        assert_int_equal(c->video.starts_us[movies[i].segments], movies[i].end_us);
        assert_int_equal(c->warning_count, 0);
        if (movies[i].segments == 49) { // video1 is the highest rung
            assert_true(c->video.vmaf[5] == 99.823203F);
            assert_true(c->video.vmaf[0] == 28.809932F);
        }
        struct weir_content *back = rewrite(c);
        assert_true(back->hash == c->hash);
        weir_content_destroy(&back);
        weir_content_destroy(&c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sabre_movie_is_read),
        cmocka_unit_test(durations_do_not_drift),
        cmocka_unit_test(rungs_are_put_in_order),
        cmocka_unit_test(the_hash_tells_contents_apart),
        cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(too_many_segments_are_refused),
        cmocka_unit_test(weir_content_goes_there_and_back),
        cmocka_unit_test_setup_teardown(pensieve_folders_are_read, setup_folder, remove_folder),
        cmocka_unit_test_setup_teardown(bad_pensieve_folders_are_refused, setup_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(what_cannot_be_read_is_said, setup_folder, remove_folder),
        cmocka_unit_test(the_shared_movies_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
