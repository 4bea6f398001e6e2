// tests/manifest/test_hls.c — playlists: attribute lists, byte ranges, keys, maps, variables,
// variants, and what of them is refused.
#include "manifest_test.h"

#include "manifest/hls.h"

#define MEDIA(body) "#EXTM3U\n#EXT-X-TARGETDURATION:10\n" body "#EXT-X-ENDLIST\n"

static void attribute_lists_are_read_by_the_rules(void **state)
{
    static const struct {
        const char *name, *list, *attribute, *expect; // NULL: absent
    } cases[] = {
        {"plain", "BANDWIDTH=5,CODECS=\"a,b\"", "BANDWIDTH", "5"},
        {"a comma in quotes", "CODECS=\"a,b=c\",X=1", "CODECS", "a,b=c"},
        {"behind quotes", "CODECS=\"a,b\",X=1", "X", "1"},
        {"not inside quotes", "A=\"X=2\",B=1", "X", NULL},
        {"a space after the comma", "A=1, B=2", "B", "2"},
        {"the first of two", "A=1,A=2", "A", "1"},
        {"unquoted where quotes belong", "URI=x.key,IV=0x1", "URI", "x.key"},
        {"an open quote", "URI=\"abc", "URI", "abc"},
        {"no value", "A,B=1", "B", "1"},
        {"a longer name", "XURI=1", "URI", NULL},
        {"empty", "", "A", NULL},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct weir_slice list = {cases[i].list, strlen(cases[i].list)}, v;
        bool found = weir_hls_attr(list, cases[i].attribute, &v);
        if (found != (cases[i].expect != NULL) || (found && !weir_slice_equals(v, cases[i].expect)))
            fail_msg("%s: %d \"%.*s\"", cases[i].name, found, found ? (int)v.len : 0,
                     found ? v.ptr : "");
    }
}

static void lines_end_in_any_way(void **state)
{
    struct weir_presentation *p =
        parsed("#EXTM3U\r\n#EXT-X-TARGETDURATION:4\r# a comment\n\n#EXTINF:4,\r\n  a.ts \t\n"
               "#EXTINF:3.5\nb.ts\n#EXT-X-ENDLIST",
               HLS_URL);
    const struct weir_representation *r = first_rep(p);
    (void)state;
    assert_int_equal(weir_index_count(r), 2);
    assert_url(r, 0, "http://example.com/a/a.ts");
    assert_int_equal(segment_at(r, 1).start_us, 4000000);
    assert_int_equal(segment_at(r, 1).duration_us, 3500000);
    assert_int_equal(p->duration_us, 7500000);
    assert_false(p->live);
    assert_false(segment_at(r, 0).timing_exact);
    weir_presentation_destroy(&p);
}

static void byte_ranges_continue_in_the_same_resource(void **state)
{
    struct weir_presentation *p = parsed(MEDIA("#EXTINF:1,\n#EXT-X-BYTERANGE:100@50\na\n"
                                               "#EXTINF:1,\n#EXT-X-BYTERANGE:30\na\n"
                                               "#EXTINF:1,\n#EXT-X-BYTERANGE:7\nb\n"
                                               "#EXTINF:1,\nc\n"),
                                         HLS_URL);
    static const int64_t expect[][2] = {{50, 149}, {150, 179}, {0, 6}, {-1, -1}};
    const struct weir_representation *r = first_rep(p);
    (void)state;
    for (int i = 0; i < 4; i++) {
        assert_int_equal(segment_at(r, i).range.first, expect[i][0]);
        assert_int_equal(segment_at(r, i).range.last, expect[i][1]);
    }
    assert_int_equal(segment_at(r, 1).size_bytes, 30);
    assert_int_equal(segment_at(r, 3).size_bytes, -1);
    assert_true(has_warning(p, "continues nothing"));
    weir_presentation_destroy(&p);
}

static void keys_and_maps_hold_until_replaced(void **state)
{
    struct weir_presentation *p = parsed(
        MEDIA("#EXT-X-MEDIA-SEQUENCE:7\n#EXT-X-MAP:URI=\"i1\",BYTERANGE=\"10@5\"\n#EXTINF:1,\na\n"
              "#EXT-X-KEY:METHOD=AES-128,URI=\"k1\",IV=0x0A\n#EXTINF:1,\nb\n"
              "#EXT-X-DISCONTINUITY\n#EXT-X-KEY:METHOD=AES-128,URI=\"k2\"\n#EXT-X-MAP:URI=\"i2\"\n#"
              "EXTINF:1,\nc\n"
              "#EXT-X-KEY:METHOD=NONE\n#EXT-X-MAP:URI=\"i1\",BYTERANGE=\"10@5\"\n#EXTINF:1,\n#EXT-"
              "X-GAP\nd\n"
              "#EXTINF:1,\ne\n"),
        HLS_URL);
    const struct weir_representation *r = first_rep(p);
    struct weir_segment_info a = segment_at(r, 0), b = segment_at(r, 1), c = segment_at(r, 2),
                             d = segment_at(r, 3);
    char url[256];
    (void)state;
    assert_null(a.key);
    assert_int_equal(a.number, 7);
    assert_int_equal(a.init->range.first, 5);
    assert_int_equal(a.init->range.last, 14);
    assert_string_equal(b.key->uri, "http://example.com/a/k1");
    assert_string_equal(b.key->iv, "0x0A");
    assert_ptr_equal(a.init, b.init);
    assert_string_equal(c.key->uri, "http://example.com/a/k2");
    assert_null(c.key->iv); // then the media sequence number is the IV
    assert_int_equal(c.number, 9);
    assert_ptr_equal(c.init->key, c.key);
    assert_true(c.discontinuity);
    assert_int_equal(b.discontinuity_sequence, 0);
    assert_int_equal(c.discontinuity_sequence, 1);
    assert_null(d.key);
    assert_true(d.gap);
    assert_ptr_equal(d.init, a.init); // the same again is the same
    assert_true(weir_init_url(r, c.init, 0, url, sizeof(url)) > 0);
    assert_string_equal(url, "http://example.com/a/i2");
    weir_presentation_destroy(&p);
}

static void of_keys_in_a_row_the_plain_one_counts(void **state)
{
    struct weir_presentation *p =
        parsed(MEDIA("#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"skd://"
                     "x\",KEYFORMAT=\"com.apple.streamingkeydelivery\"\n"
                     "#EXT-X-KEY:METHOD=AES-128,URI=\"plain\",KEYFORMAT=\"identity\"\n"
                     "#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"y\",KEYFORMAT=\"other\"\n#EXTINF:1,\na\n"),
               HLS_URL);
    (void)state;
    assert_string_equal(segment_at(first_rep(p), 0).key->method, "AES-128");
    weir_presentation_destroy(&p);
}

static void a_live_playlist_says_so(void **state)
{
    struct weir_presentation *p = parsed(
        "#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXT-X-MEDIA-SEQUENCE:100\n#EXT-X-DISCONTINUITY-"
        "SEQUENCE:3\n"
        "#EXT-X-PART-INF:PART-TARGET=0.5\n#EXTINF:6,\na\n#EXT-X-PART:DURATION=0.5,URI=\"p\"\n",
        HLS_URL);
    (void)state;
    assert_true(p->live);
    assert_true(p->low_latency);
    assert_int_equal(p->duration_us, WEIR_TIME_NONE);
    assert_int_equal(p->live_info->media_sequence, 100);
    assert_int_equal(p->live_info->target_duration_us, 6000000);
    assert_int_equal(p->live_info->part_target_us, 500000);
    assert_int_equal(segment_at(first_rep(p), 0).discontinuity_sequence, 3);
    assert_int_equal(weir_index_count(first_rep(p)), 1);
    weir_presentation_destroy(&p);
}

static void what_breaks_a_playlist_is_refused(void **state)
{
    static const struct {
        const char *name, *text;
        int err;
    } cases[] = {
        {"no #EXTM3U", "#EXTINF:1,\na\n", WEIR_ERR_SYNTAX},
        {"something like it", "#EXTM3U8\n#EXTINF:1,\na\n", WEIR_ERR_SYNTAX},
        {"both kinds", "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\na\n#EXTINF:1,\nb\n",
         WEIR_ERR_SYNTAX},
        {"a key without method", MEDIA("#EXT-X-KEY:URI=\"k\"\n#EXTINF:1,\na\n"), WEIR_ERR_SYNTAX},
        {"only gaps", MEDIA("#EXTINF:1,\n#EXT-X-GAP\na\n"), WEIR_ERR_UNSUPPORTED},
        {"an undefined variable", MEDIA("#EXTINF:1,\n{$x}\n"), WEIR_ERR_SYNTAX},
        {"defined too late", MEDIA("#EXTINF:1,\n{$x}\n#EXT-X-DEFINE:NAME=\"x\",VALUE=\"1\"\n"),
         WEIR_ERR_SYNTAX},
        {"defined twice",
         MEDIA("#EXT-X-DEFINE:NAME=\"x\",VALUE=\"1\"\n#EXT-X-DEFINE:NAME=\"x\",VALUE=\"1\"\n"),
         WEIR_ERR_SYNTAX},
        {"an import from nowhere", MEDIA("#EXT-X-DEFINE:IMPORT=\"x\"\n"), WEIR_ERR_SYNTAX},
        {"a query parameter that is not there", MEDIA("#EXT-X-DEFINE:QUERYPARAM=\"x\"\n"),
         WEIR_ERR_SYNTAX},
        {"a file segment", MEDIA("#EXTINF:1,\nfile:///etc/passwd\n"), WEIR_ERR_DENIED},
        {"a file map", MEDIA("#EXT-X-MAP:URI=\"file:///etc/passwd\"\n#EXTINF:1,\na\n"),
         WEIR_ERR_DENIED},
        {"no variant", "#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"b\"\n",
         WEIR_ERR_SYNTAX},
        {"a file variant", "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nfile:///a\n", WEIR_ERR_DENIED},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct weir_presentation *p = NULL;
        int err = parse(cases[i].text, HLS_URL, &p);
        if (err != cases[i].err)
            fail_msg("%s: %d, expected %d", cases[i].name, err, cases[i].err);
    }
}

static void small_mistakes_are_warnings(void **state)
{
    static const struct {
        const char *name, *text;
        int64_t count;
    } cases[] = {
        {"a bad EXTINF", MEDIA("#EXTINF:x,\na\n"), 1},
        {"a URI without EXTINF", MEDIA("a\n#EXTINF:1,\nb\n"), 1},
        {"EXTINF at the end", MEDIA("#EXTINF:1,\nb\n#EXTINF:1,\n"), 1},
        {"no target duration", "#EXTM3U\n#EXTINF:1,\na\n#EXT-X-ENDLIST\n", 1},
        {"a map without URI", MEDIA("#EXT-X-MAP:BYTERANGE=\"1@2\"\n#EXTINF:1,\na\n"), 1},
        {"no segments", MEDIA(""), 0},
        {"a blank line first", "\n" MEDIA("#EXTINF:1,\na\n"), 1},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct weir_presentation *p = parsed(cases[i].text, HLS_URL);
        if (p->warning_count == 0 || weir_index_count(first_rep(p)) != cases[i].count)
            fail_msg("%s: %zu warnings, %lld segments", cases[i].name, p->warning_count,
                     (long long)weir_index_count(first_rep(p)));
        weir_presentation_destroy(&p);
    }
}

static void variables_are_replaced_once(void **state)
{
    struct weir_presentation *p = parsed(
        MEDIA("#EXT-X-DEFINE:NAME=\"a\",VALUE=\"x{$b}\"\n#EXT-X-DEFINE:NAME=\"b\",VALUE=\"y\"\n"
              "#EXT-X-DEFINE:QUERYPARAM=\"tok\"\n#EXTINF:1,\n{$b}/{$tok}/{b}/s\n"),
        "http://example.com/a/m.m3u8?tok=p%2Bq&z=1");
    (void)state;
    assert_url(first_rep(p), 0, "http://example.com/a/y/p+q/{b}/s");
    weir_presentation_destroy(&p);
}

static const char multivariant[] =
    "#EXTM3U\n#EXT-X-DEFINE:NAME=\"dir\",VALUE=\"hi\"\n"
    "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"aac\",NAME=\"English\",LANGUAGE=\"en\",DEFAULT=YES,"
    "CHANNELS=\"6/JOC\","
    "URI=\"en.m3u8\"\n"
    "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"in\",NAME=\"Inside\"\n"
    "#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"s\",NAME=\"Deutsch\",LANGUAGE=\"de\",FORCED=YES,URI="
    "\"de.m3u8\"\n"
    "#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID=\"cc\",NAME=\"CC\",INSTREAM-ID=\"CC1\"\n"
    "#EXT-X-STREAM-INF:BANDWIDTH=2000000,CODECS=\"avc1.4d401f,mp4a.40.2\",RESOLUTION=1280x720,"
    "FRAME-RATE=29.970,"
    "AUDIO=\"aac\",SUBTITLES=\"s\"\n{$dir}/v.m3u8\n"
    "#EXT-X-STREAM-INF:BANDWIDTH=2100000,CODECS=\"avc1.4d401f,ec-3\",RESOLUTION=1280x720,AUDIO="
    "\"other\"\n"
    "{$dir}/v.m3u8\n"
    "#EXT-X-STREAM-INF:BANDWIDTH=500000,CODECS=\"avc1.4d401f,mp4a.40.2\"\n# between\nlo.m3u8\n"
    "#EXT-X-STREAM-INF:BANDWIDTH=500000,CODECS=\"avc1.4d401f,mp4a.40.2\"\nhttp://copy.test/b/"
    "lo.m3u8\n"
    "#EXT-X-STREAM-INF:BANDWIDTH=400000,AUDIO=\"in\"\nin.m3u8\n"
    "#EXT-X-STREAM-INF:BANDWIDTH=300000\nunknown.m3u8\n"
    "#EXT-X-STREAM-INF:BANDWIDTH=64000,CODECS=\"mp4a.40.2\"\naudio.m3u8\n"
    "#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=9,URI=\"i.m3u8\"\n";

static void variants_and_renditions_become_tracks(void **state)
{
    struct weir_presentation *p = parsed(multivariant, HLS_URL);
    const struct weir_period *period = &p->periods[0];
    const struct weir_track *v = &period->tracks[0], *a = &period->tracks[1];
    (void)state;
    assert_int_equal(period->track_count, 6);
    assert_int_equal(v->representation_count, 4); // neither copies nor other sound are rungs
    assert_string_equal(v->representations[0].index_url, "http://example.com/a/hi/v.m3u8");
    assert_int_equal(v->representations[0].index_need, WEIR_INDEX_PLAYLIST);
    assert_int_equal(v->representations[0].width, 1280);
    assert_int_equal(v->representations[0].frame_rate_num, 29970);
    assert_int_equal(v->representations[0].muxed, WEIR_MUXED_NO);
    assert_int_equal(v->representations[1].muxed, WEIR_MUXED_YES);
    assert_int_equal(v->representations[1].base_count, 2);
    assert_int_equal(v->representations[2].muxed, WEIR_MUXED_YES); // its group has no URI
    assert_int_equal(v->representations[3].muxed, WEIR_MUXED_UNKNOWN);
    assert_string_equal(a->label, "English");
    assert_true(a->is_default);
    assert_int_equal(a->representations[0].channels, 6);
    assert_string_equal(a->representations[0].codecs, "mp4a.40.2");
    assert_true(period->tracks[2].in_band);
    assert_int_equal(period->tracks[2].representation_count, 0);
    assert_int_equal(period->tracks[3].type, WEIR_TRACK_TEXT);
    assert_true(period->tracks[3].forced);
    assert_int_equal(period->tracks[5].type, WEIR_TRACK_AUDIO); // the variant without a picture
    assert_int_equal(period->tracks[5].representations[0].bandwidth_bps, 64000);
    weir_presentation_destroy(&p);
}

static void a_loaded_playlist_fills_its_variant(void **state)
{
    struct weir_presentation *p = parsed(multivariant, HLS_URL);
    struct weir_representation *r = &p->periods[0].tracks[0].representations[1];
    struct weir_manifest_input in =
        input_of(MEDIA("#EXT-X-DEFINE:IMPORT=\"dir\"\n#EXTINF:4,\n{$dir}.ts\n#EXTINF:4,\n2.ts\n"),
                 "http://cdn.test/c/lo.m3u8");
    struct weir_error error = {0};
    char url[256];
    (void)state;
    assert_int_equal(weir_presentation_load_index(p, r, &in, 0, &error), 0);
    assert_int_equal(r->index_need, WEIR_INDEX_READY);
    assert_int_equal(weir_index_count(r), 2);
    assert_url(r, 0, "http://cdn.test/c/hi.ts"); // against where it was found
    assert_true(weir_index_url(r, 0, 1, url, sizeof(url)) > 0);
    assert_string_equal(url, "http://copy.test/b/hi.ts");
    assert_int_equal(p->duration_us, 8000000);
    assert_false(p->live);
    in = input_of("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nx\n", HLS_URL);
    assert_int_equal(weir_presentation_load_index(p, &p->periods[0].tracks[0].representations[0],
                                                  &in, 0, &error),
                     WEIR_ERR_SYNTAX);
    weir_presentation_destroy(&p);
}

static void sniffing_goes_by_content(void **state)
{
    static const struct {
        const char *text;
        bool expect;
    } cases[] = {
        {"#EXTM3U\n", true},
        {"\xEF\xBB\xBF#EXTM3U\n", true},
        {" \n<?xml version='1.0'?><MPD/>", true},
        {"<MPD/>", true},
        {"#EXT", false},
        {"", false},
        {"\x1A\x45\xDF\xA3 webm", false},
        {"....ftypisom", false},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_int_equal(
            weir_presentation_sniff((const uint8_t *)cases[i].text, strlen(cases[i].text)),
            cases[i].expect);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(attribute_lists_are_read_by_the_rules),
        cmocka_unit_test(lines_end_in_any_way),
        cmocka_unit_test(byte_ranges_continue_in_the_same_resource),
        cmocka_unit_test(keys_and_maps_hold_until_replaced),
        cmocka_unit_test(of_keys_in_a_row_the_plain_one_counts),
        cmocka_unit_test(a_live_playlist_says_so),
        cmocka_unit_test(what_breaks_a_playlist_is_refused),
        cmocka_unit_test(small_mistakes_are_warnings),
        cmocka_unit_test(variables_are_replaced_once),
        cmocka_unit_test(variants_and_renditions_become_tracks),
        cmocka_unit_test(a_loaded_playlist_fills_its_variant),
        cmocka_unit_test(sniffing_goes_by_content),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
