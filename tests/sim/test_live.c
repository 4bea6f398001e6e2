// tests/sim/test_live.c — VOD packages made live, with the time set by the test: what manifests
// list, which segments are there, what happens at the end.
#include "cmocka_all.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "manifest/presentation.h"
#include "sim/live.h"

#define S      WEIR_SECOND_US
#define BEGIN  (INT64_C(1700000000) * S) // 2023-11-14T22:13:20Z
#define ORIGIN "http://host:1"

static char folder[64];
static const char *const names[] = {"number.mpd",  "timeline.mpd", "media.m3u8", "sound.m3u8",
                                    "master.m3u8", "keys.m3u8",    "list.mpd",   "broken.mpd"};

static void put(const char *name, const char *text)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

#define MPD_HEAD                                                                                   \
    "<MPD xmlns='urn:mpeg:dash:schema:mpd:2011' type='static' minBufferTime='PT2S' "               \
    "mediaPresentationDuration='PT10S'><Period id='p'><AdaptationSet mimeType='video/mp4'>"
#define MPD_TAIL "</AdaptationSet></Period></MPD>"

static int setup(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof(folder), "/tmp/weir-live-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    put("number.mpd", MPD_HEAD "<SegmentTemplate timescale='1000' duration='2000' startNumber='7' "
                               "media='n-$Number$.m4s' initialization='init.mp4'/>"
                               "<Representation id='v' bandwidth='1000'/>" MPD_TAIL);
    put("timeline.mpd",
        MPD_HEAD "<SegmentTemplate timescale='10' presentationTimeOffset='100' "
                 "media='t-$Time$-$Number$.m4s' initialization='init.mp4'><SegmentTimeline>"
                 "<S t='100' d='20' r='2'/><S d='30'/><S d='10'/></SegmentTimeline>"
                 "</SegmentTemplate><Representation id='v' bandwidth='1000'/>" MPD_TAIL);
    put("media.m3u8",
        "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-MEDIA-SEQUENCE:5\n"
        "#EXT-X-TARGETDURATION:4\n#EXT-X-MAP:URI=\"i.mp4\"\n#EXTINF:4,\na.m4s\n"
        "#EXTINF:4.0,\nb.m4s\n#EXT-X-DISCONTINUITY\n#EXT-X-CUE:X\n#EXTINF:2.5,t\n"
        "c.m4s\n#EXT-X-ENDLIST\n");
    put("sound.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n#EXT-X-BYTERANGE:100@50\n"
                      "all.m4s\n#EXTINF:4,\n#EXT-X-BYTERANGE:70\nall.m4s\n#EXTINF:2,\n"
                      "#EXT-X-BYTERANGE:9\nall.m4s\n#EXT-X-ENDLIST\n");
    put("master.m3u8",
        "#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"a\",URI=\"sound.m3u8\"\n"
        "#EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO=\"a\"\nmedia.m3u8\n");
    put("keys.m3u8", "#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:3\n#EXT-X-TARGETDURATION:4\n"
                     "#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\n#EXTINF:4,\nka.ts\n#EXTINF:4,\nkb.ts\n"
                     "#EXT-X-KEY:METHOD=NONE\n#EXTINF:4,\nkc.ts\n#EXT-X-ENDLIST\n");
    put("list.mpd", MPD_HEAD "<Representation id='v' bandwidth='1000'><SegmentList duration='5'>"
                             "<SegmentURL media='l1'/><SegmentURL media='l2'/></SegmentList>"
                             "</Representation>" MPD_TAIL);
    put("broken.mpd", "<MPD><Period>");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char path[128];
        (void)snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        (void)unlink(path);
    }
    return rmdir(folder);
}

static struct weir_live *live_of(const char *spec_text)
{
    struct weir_live_spec spec;
    struct weir_live *l = NULL;
    struct weir_error e = {0};
    assert_int_equal(weir_live_parse(spec_text, &spec, NULL), 0);
    if (weir_live_create(folder, &spec, BEGIN, &l, &e) != 0)
        fail_msg("%s: %s (%s)", e.where, e.what, e.why);
    return l;
}

static enum weir_live_verdict verdict(const struct weir_live *l, const char *path, int64_t at_us)
{
    struct weir_live_answer a;
    assert_int_equal(weir_live_answer(l, path, ORIGIN, BEGIN + at_us, &a), 0);
    free(a.text);
    return a.verdict;
}

// The manifest at a time, NUL-terminated; the caller frees it.
static char *manifest(const struct weir_live *l, const char *path, int64_t at_us)
{
    struct weir_live_answer a;
    assert_int_equal(weir_live_answer(l, path, ORIGIN, BEGIN + at_us, &a), 0);
    if (a.verdict != WEIR_LIVE_MANIFEST)
        fail_msg("%s: verdict %d", path, (int)a.verdict);
    char *text = strndup(a.text, a.text_bytes);
    assert_non_null(text);
    free(a.text);
    return text;
}

static void has(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("no %s in:\n%s", part, text);
}

static void lacks(const char *text, const char *part)
{
    if (strstr(text, part))
        fail_msg("%s in:\n%s", part, text);
}

static void specs_are_read_or_refused(void **state)
{
    (void)state;
    struct weir_live_spec s;
    assert_int_equal(weir_live_parse("on", &s, NULL), 0);
    assert_true(s.loop);
    assert_int_equal(s.window_us, 30 * S);
    assert_int_equal(s.start_us, WEIR_TIME_NONE);
    assert_int_equal(weir_live_parse("window=12.5,start=3,loop=off,ll=on", &s, NULL), 0);
    assert_int_equal(s.window_us, 12500000);
    assert_int_equal(s.start_us, 3 * S);
    assert_false(s.loop);
    assert_true(s.low_latency);
    static const char *const bad[] = {
        "",         "window", "window=",  "window=0", "window=-1",   "window=.",
        "loop=yes", "x=1",    "on,ll=on", "start=1,", "start=1.2.3", "start=99999999999999999999"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (weir_live_parse(bad[i], &s, NULL) != WEIR_ERR_INVAL)
            fail_msg("\"%s\" was accepted", bad[i]);
    }
}

// At 0 s three of the longest segments (4 s) are over: media time 12 is at BEGIN.
static void segments_come_when_they_are_over(void **state)
{
    (void)state;
    struct weir_live *l = live_of("start=1,window=4");
    static const struct {
        const char *path;
        int64_t at_ms;
        enum weir_live_verdict expect;
    } cases[] = {
        {"/n-7.m4s", 900, WEIR_LIVE_EARLY},        {"/n-7.m4s", 1000, WEIR_LIVE_FILE},
        {"/n-8.m4s", 2900, WEIR_LIVE_EARLY},       {"/n-8.m4s", 3000, WEIR_LIVE_FILE},
        {"/n-7.m4s", 60000, WEIR_LIVE_GONE},       {"/~1/n-7.m4s", 10900, WEIR_LIVE_EARLY},
        {"/~1/n-7.m4s", 11000, WEIR_LIVE_FILE},    {"/~9/n-7.m4s", 20000, WEIR_LIVE_EARLY},
        {"/t-100-1.m4s", 900, WEIR_LIVE_EARLY},    {"/t-100-1.m4s", 1000, WEIR_LIVE_FILE},
        {"/t-160-4.m4s", 7900, WEIR_LIVE_EARLY},   {"/t-160-4.m4s", 8000, WEIR_LIVE_FILE},
        {"/a.m4s", 2900, WEIR_LIVE_EARLY},         {"/a.m4s", 3000, WEIR_LIVE_FILE},
        {"/c.m4s", 9400, WEIR_LIVE_EARLY},         {"/c.m4s", 9500, WEIR_LIVE_FILE},
        {"/init.mp4", 0, WEIR_LIVE_FILE},          {"/~3/init.mp4", 0, WEIR_LIVE_FILE},
        {"/master.m3u8", 0, WEIR_LIVE_FILE},       {"/list.mpd", 9000, WEIR_LIVE_REFUSED},
        {"/number.mpd", -2000, WEIR_LIVE_EARLY},   {"/media.m3u8", 2000, WEIR_LIVE_EARLY},
        {"/media.m3u8", 3000, WEIR_LIVE_MANIFEST},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        enum weir_live_verdict got = verdict(l, cases[i].path, cases[i].at_ms * 1000);
        if (got != cases[i].expect)
            fail_msg("%s at %lld ms: %d, expected %d", cases[i].path, (long long)cases[i].at_ms,
                     (int)got, (int)cases[i].expect);
    }
    struct weir_live_answer a;
    assert_int_equal(weir_live_answer(l, "/~1/n-7.m4s", ORIGIN, BEGIN + 11 * S, &a), 0);
    assert_string_equal(a.path, "/n-7.m4s");
    weir_live_destroy(&l);
}

static void a_number_template_keeps_its_numbers(void **state)
{
    (void)state;
    struct weir_live *l = live_of("start=0,window=6");
    char *text = manifest(l, "/number.mpd", 5 * S);
    has(text, "type=\"dynamic\"");
    has(text, "availabilityStartTime=\"2023-11-14T22:13:20.000Z\"");
    has(text, "timeShiftBufferDepth=\"PT6.000000S\"");
    has(text, "startNumber=\"7\"");
    has(text, "value=\"http://host:1/.weir/time\"");
    has(text, "value=\"2023-11-14T22:13:25.000Z\"");
    lacks(text, "mediaPresentationDuration");
    lacks(text, "BaseURL");
    free(text);
    // Two rounds in the window: the first and, from 10 s on, the second below its own place.
    text = manifest(l, "/number.mpd", 12 * S);
    has(text, "id=\"p\" start=\"PT0.000000S\" duration=\"PT10.000000S\"");
    has(text, "id=\"p~1\" start=\"PT10.000000S\" duration=\"PT10.000000S\"");
    has(text, "<BaseURL>~1/</BaseURL>");
    free(text);
    text = manifest(l, "/number.mpd", 1234567 * 10 * S + 7 * S);
    has(text, "<BaseURL>~1234567/</BaseURL>");
    lacks(text, "~1234566");
    free(text);
    weir_live_destroy(&l);
}

static void a_timeline_lists_what_is_there(void **state)
{
    (void)state;
    static const struct {
        int64_t at_s;
        const char *numbers, *timeline;
    } cases[] = {
        // Three times the longest segment is the least window: 9 s.
        {2, "startNumber=\"1\"", "<S t=\"100\" d=\"20\"/></SegmentTimeline>"},
        {6, "startNumber=\"1\"", "<S t=\"100\" d=\"20\" r=\"2\"/></SegmentTimeline>"},
        {9, "startNumber=\"1\"",
         "<S t=\"100\" d=\"20\" r=\"2\"/><S t=\"160\" d=\"30\"/></SegmentTimeline>"},
        {13, "startNumber=\"3\"",
         "<S t=\"140\" d=\"20\"/><S t=\"160\" d=\"30\"/><S t=\"190\" d=\"10\"/></SegmentTimeline>"},
    };
    struct weir_live *l = live_of("start=0,window=1");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *text = manifest(l, "/timeline.mpd", cases[i].at_s * S);
        has(text, cases[i].numbers);
        has(text, cases[i].timeline);
        free(text);
    }
    assert_int_equal(verdict(l, "/timeline.mpd", S), WEIR_LIVE_EARLY);
    weir_live_destroy(&l);
}

// What is listed can be fetched, and our own reader agrees on when.
static void our_own_reader_finds_only_segments_that_are_there(void **state)
{
    (void)state;
    struct weir_live *l = live_of("start=0,window=9");
    for (int64_t at_us = 2 * S; at_us < 45 * S; at_us += 700000) {
        for (size_t k = 0; k < 2; k++) {
            char *text = manifest(l, k ? "/timeline.mpd" : "/number.mpd", at_us);
            struct weir_presentation *p = NULL;
            struct weir_error e = {0};
            struct weir_manifest_input in = {.data = (const uint8_t *)text,
                                             .size_bytes = strlen(text),
                                             .url = ORIGIN "/x.mpd",
                                             .wall_clock_us = BEGIN + at_us};
            assert_int_equal(weir_presentation_parse(&in, &p, &e), 0);
            assert_true(p->live);
            assert_int_equal(p->warning_count, 0);
            int64_t listed = 0;
            for (size_t n = 0; n < p->period_count; n++) {
                const struct weir_representation *r = p->periods[n].tracks[0].representations;
                for (int64_t i = 0; i < weir_index_count(r); i++) {
                    char url[512];
                    assert_true(weir_index_url(r, i, 0, url, sizeof(url)) > 0);
                    if (verdict(l, url + strlen(ORIGIN), at_us) != WEIR_LIVE_FILE)
                        fail_msg("at %lld us %s is listed and not there", (long long)at_us, url);
                    listed++;
                }
            }
            assert_true(listed >= (at_us > 12 * S ? 3 : 1));
            weir_presentation_destroy(&p);
            free(text);
        }
    }
    weir_live_destroy(&l);
}

static void what_does_not_loop_ends(void **state)
{
    (void)state;
    struct weir_live *l = live_of("start=0,window=12,loop=off");
    char *text = manifest(l, "/number.mpd", 9 * S);
    has(text, "type=\"dynamic\"");
    free(text);
    text = manifest(l, "/number.mpd", 10 * S);
    has(text, "type=\"static\"");
    has(text, "mediaPresentationDuration=\"PT10S\"");
    lacks(text, "UTCTiming");
    free(text);
    text = manifest(l, "/media.m3u8", 10400000);
    lacks(text, "#EXT-X-ENDLIST");
    free(text);
    text = manifest(l, "/media.m3u8", 500 * S);
    has(text, "c.m4s\n#EXT-X-ENDLIST\n");
    free(text);
    assert_int_equal(verdict(l, "/a.m4s", 500 * S), WEIR_LIVE_FILE);
    assert_int_equal(verdict(l, "/~1/a.m4s", 500 * S), WEIR_LIVE_EARLY);
    weir_live_destroy(&l);
}

static void a_playlist_slides_and_begins_again(void **state)
{
    (void)state;
    static const struct {
        int64_t at_ms;
        const char *expect; // from the media sequence on
    } cases[] = {
        {8000, "#EXT-X-MEDIA-SEQUENCE:5\n#EXT-X-DISCONTINUITY-SEQUENCE:0\n"
               "#EXT-X-MAP:URI=\"i.mp4\"\n#EXT-X-PROGRAM-DATE-TIME:2023-11-14T22:13:20.000Z\n"
               "#EXTINF:4,\na.m4s\n#EXTINF:4.0,\nb.m4s\n"},
        // 12 s of window: b is over at 8 s, out at 20.
        {18500, "#EXT-X-MEDIA-SEQUENCE:6\n#EXT-X-DISCONTINUITY-SEQUENCE:0\n"
                "#EXT-X-MAP:URI=\"i.mp4\"\n#EXT-X-PROGRAM-DATE-TIME:2023-11-14T22:13:24.000Z\n"
                "#EXTINF:4.0,\nb.m4s\n#EXT-X-DISCONTINUITY\n"
                "#EXT-X-PROGRAM-DATE-TIME:2023-11-14T22:13:28.000Z\n#EXT-X-CUE:X\n#EXTINF:2.5,t\n"
                "c.m4s\n#EXT-X-DISCONTINUITY\n"
                "#EXT-X-PROGRAM-DATE-TIME:2023-11-14T22:13:30.500Z\n#EXTINF:4,\n~1/a.m4s\n"
                "#EXTINF:4.0,\n~1/b.m4s\n"},
        // c and its discontinuity have left; the round's own is still listed.
        {22500, "#EXT-X-MEDIA-SEQUENCE:8\n#EXT-X-DISCONTINUITY-SEQUENCE:1\n#EXT-X-DISCONTINUITY\n"},
        {26500, "#EXT-X-MEDIA-SEQUENCE:9\n#EXT-X-DISCONTINUITY-SEQUENCE:2\n#EXT-X-MAP"},
    };
    struct weir_live *l = live_of("start=0,window=1");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char *text = manifest(l, "/media.m3u8", cases[i].at_ms * 1000);
        has(text, cases[i].expect);
        has(text, "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:4\n");
        lacks(text, "PLAYLIST-TYPE");
        lacks(text, "ENDLIST");
        free(text);
    }
    // The sound is 10 s, the pictures 10.5: both begin again together.
    char *text = manifest(l, "/sound.m3u8", 14500000);
    has(text, "#EXT-X-BYTERANGE:100@50\nall.m4s\n");
    has(text, "#EXT-X-BYTERANGE:70@150\nall.m4s\n");
    has(text, "#EXT-X-BYTERANGE:9@220\nall.m4s\n#EXT-X-DISCONTINUITY\n"
              "#EXT-X-PROGRAM-DATE-TIME:2023-11-14T22:13:30.500Z\n#EXTINF:4,\n"
              "#EXT-X-BYTERANGE:100@50\n~1/all.m4s\n");
    free(text);
    weir_live_destroy(&l);
}

// Without an IV it is the segment's number (RFC 8216, 5.2), which is another one in later rounds.
static void keys_keep_their_ivs(void **state)
{
    (void)state;
    struct weir_live *l = live_of("start=0,window=24");
    char *text = manifest(l, "/keys.m3u8", 24 * S);
    has(text, "#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\n");
    has(text, "#EXT-X-KEY:METHOD=NONE\n");
    has(text, "#EXT-X-KEY:METHOD=AES-128,URI=\"k\",IV=0x00000000000000000000000000000003\n");
    has(text, "#EXT-X-KEY:METHOD=AES-128,URI=\"k\",IV=0x00000000000000000000000000000004\n");
    lacks(text, "NONE,IV");
    free(text);
    weir_live_destroy(&l);
}

static void what_cannot_be_live_is_named(void **state)
{
    (void)state;
    struct weir_live *l = live_of("on");
    assert_non_null(weir_live_refused(l, 0));
    has(weir_live_refused(l, 0), "/broken.mpd: ");
    has(weir_live_refused(l, 1), "/list.mpd: SegmentList");
    assert_null(weir_live_refused(l, 2));
    weir_live_destroy(&l);
}

static size_t chunks_of(const char *boxes, size_t size, int64_t *ends, size_t max)
{
    FILE *f = tmpfile();
    assert_non_null(f);
    assert_int_equal(fwrite(boxes, 1, size, f), size);
    assert_int_equal(fflush(f), 0);
    size_t count = weir_live_chunks(fileno(f), (int64_t)size, ends, max);
    (void)fclose(f);
    return count;
}

static void chunks_end_after_their_media(void **state)
{
    (void)state;
    int64_t ends[8];
    static const char two[] =
        "\0\0\0\x08styp\0\0\0\x08moof\0\0\0\x0amdatxx\0\0\0\x08moof\0\0\0\x09mdatx";
    assert_int_equal(chunks_of(two, sizeof(two) - 1, ends, 8), 2);
    assert_int_equal(ends[0], 26);
    assert_int_equal(ends[1], 43);
    static const char after[] = "\0\0\0\x08moof\0\0\0\x08mdat\0\0\0\x08"
                                "free";
    assert_int_equal(chunks_of(after, sizeof(after) - 1, ends, 8), 1);
    assert_int_equal(ends[0], 24);
    static const char broken[] = "\xff\xff\xff\xffmoof\0\0\0\x08mdat";
    assert_int_equal(chunks_of(broken, sizeof(broken) - 1, ends, 8), 1);
    assert_int_equal(ends[0], 16);
    assert_int_equal(chunks_of("", 0, ends, 8), 1);
    // More than there is room for: the last has the rest.
    static const char three[] = "\0\0\0\x08mdat\0\0\0\x08mdat\0\0\0\x08mdat";
    assert_int_equal(chunks_of(three, sizeof(three) - 1, ends, 2), 2);
    assert_int_equal(ends[0], 8);
    assert_int_equal(ends[1], 24);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(specs_are_read_or_refused),
        cmocka_unit_test(segments_come_when_they_are_over),
        cmocka_unit_test(a_number_template_keeps_its_numbers),
        cmocka_unit_test(a_timeline_lists_what_is_there),
        cmocka_unit_test(our_own_reader_finds_only_segments_that_are_there),
        cmocka_unit_test(what_does_not_loop_ends),
        cmocka_unit_test(a_playlist_slides_and_begins_again),
        cmocka_unit_test(keys_keep_their_ivs),
        cmocka_unit_test(what_cannot_be_live_is_named),
        cmocka_unit_test(chunks_end_after_their_media),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
