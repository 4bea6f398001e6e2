// tests/manifest/test_mpd.c — MPDs through the public entry points: addressing, inheritance,
// timelines, base URLs, what is dropped and what is refused.
#include "manifest_test.h"

static void a_template_by_duration_is_computed(void **state)
{
    struct weir_presentation *p = parsed(
        MPD_VIDEO(
            "<SegmentTemplate media='$Number%03d$.m4s' initialization='i.mp4' timescale='1000' "
            "duration='3000' startNumber='5' presentationTimeOffset='7000'/>"),
        MPD_URL);
    struct weir_representation *r = first_rep(p);
    struct weir_segment_info s;
    (void)state;
    assert_int_equal(weir_index_count(r), 4);
    assert_url(r, 0, "http://example.com/a/v/005.m4s");
    assert_string_equal(r->init->url, "http://example.com/a/v/i.mp4");
    s = segment_at(r, 3);
    assert_int_equal(s.start_us, 9000000); // the offset does not move these
    assert_int_equal(s.duration_us, 1000000);
    assert_int_equal(s.number, 8);
    assert_true(s.timing_exact);
    assert_int_equal(s.offset_ticks, 7000);
    assert_int_equal(s.offset_timescale, 1000);
    assert_int_equal(s.origin_us, 0);
    assert_int_equal(s.clip_end_us, 10000000);
    assert_ptr_equal(s.init, r->init);
    assert_int_equal(weir_index_segment(r, 4, &s), WEIR_ERR_END);
    assert_int_equal(weir_index_segment(r, -1, &s), WEIR_ERR_END);
    weir_presentation_destroy(&p);
}

static void finding_a_time_gives_the_segment_that_holds_it(void **state)
{
    // A gap from 4 s to 6 s.
    struct weir_presentation *p = parsed(
        MPD_VIDEO(
            "<SegmentTemplate media='$Time$'><SegmentTimeline><S t='0' d='2' r='1'/><S t='6' d='2' "
            "r='1'/></SegmentTimeline></SegmentTemplate>"),
        MPD_URL);
    static const struct {
        const char *name;
        int64_t us, expect;
    } cases[] = {
        {"before", -5, 0},
        {"first", 0, 0},
        {"inside the first", 1999999, 0},
        {"a border", 2000000, 1},
        {"in the gap", 5000000, 2},
        {"behind the gap", 6000000, 2},
        {"last", 9999999, 3},
        {"past the end", 10000000, -1},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t got = weir_index_find(first_rep(p), cases[i].us);
        if (got != cases[i].expect)
            fail_msg("%s: %lld, expected %lld", cases[i].name, (long long)got,
                     (long long)cases[i].expect);
    }
    weir_presentation_destroy(&p);
}

// Rows: S elements, then the expected "start+duration#number@time" of each segment (timescale 1,
// period 10 s).
static void timelines_expand_to_what_they_mean(void **state)
{
    static const struct {
        const char *name, *s, *expect;
    } cases[] = {
        {"repeats", "<S t='0' d='3' r='2'/>", "0+3#1@0 3+3#2@3 6+3#3@6 "},
        {"-1 to the period's end, the last shorter", "<S d='4' r='-1'/>",
         "0+4#1@0 4+4#2@4 8+2#3@8 "},
        {"-1 to the next S", "<S d='2' r='-1'/><S t='5' d='5'/>",
         "0+2#1@0 2+2#2@2 4+1#3@4 5+5#4@5 "},
        {"-1 before an S without t", "<S d='2' r='-1'/><S d='5'/>", "0+2#1@0 2+5#2@2 "},
        {"a gap", "<S t='0' d='2'/><S t='6' d='2'/>", "0+2#1@0 6+2#2@6 "},
        {"an overlap cuts the earlier", "<S t='0' d='5'/><S t='3' d='5'/>", "0+3#1@0 3+5#2@3 "},
        {"an overlap over several", "<S t='0' d='2' r='3'/><S t='3' d='4'/>",
         "0+2#1@0 2+1#2@2 3+4#5@3 "},
        {"n sets the number", "<S t='0' d='5' n='9'/><S d='5'/>", "0+5#9@0 5+5#10@5 "},
        {"what begins behind the period is not listed", "<S t='0' d='6' r='3'/>",
         "0+6#1@0 6+6#2@6 "},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char mpd[2048], got[512] = "";
        snprintf(mpd, sizeof(mpd),
                 MPD_VIDEO("<SegmentTemplate media='$Time$'><SegmentTimeline>%s</SegmentTimeline>"
                           "</SegmentTemplate>"),
                 cases[i].s);
        struct weir_presentation *p = parsed(mpd, MPD_URL);
        const struct weir_representation *r = first_rep(p);
        for (int64_t k = 0; k < weir_index_count(r); k++) {
            struct weir_segment_info s = segment_at(r, k);
            char url[256];
            assert_true(weir_index_url(r, k, 0, url, sizeof(url)) > 0);
            size_t len = strlen(got);
            snprintf(got + len, sizeof(got) - len, "%lld+%lld#%lld@%s ",
                     (long long)(s.start_us / 1000000), (long long)(s.duration_us / 1000000),
                     (long long)s.number, strrchr(url, '/') + 1);
        }
        if (strcmp(got, cases[i].expect) != 0)
            fail_msg("%s: \"%s\", expected \"%s\"", cases[i].name, got, cases[i].expect);
        weir_presentation_destroy(&p);
    }
}

static void the_offset_moves_a_timeline(void **state)
{
    struct weir_presentation *p =
        parsed(MPD_VIDEO("<SegmentTemplate media='$Time$' timescale='90000' "
                         "presentationTimeOffset='9007199254740993'>"
                         "<SegmentTimeline><S t='9007199254560993' d='180000' "
                         "r='3'/></SegmentTimeline></SegmentTemplate>"),
               MPD_URL);
    const struct weir_representation *r = first_rep(p);
    (void)state;
    // The first lies wholly before the period; beyond 2^53 every tick still counts.
    assert_int_equal(weir_index_count(r), 3);
    assert_int_equal(segment_at(r, 0).start_us, 0);
    assert_int_equal(segment_at(r, 0).number, 2);
    assert_url(r, 0, "http://example.com/a/v/9007199254740993");
    weir_presentation_destroy(&p);
}

static void lists_and_single_files_and_indexes(void **state)
{
    struct weir_presentation *p = parsed(
        MPD_VIDEO(
            "<SegmentList duration='4' startNumber='3'><Initialization sourceURL='i' range='0-9'/>"
            "<SegmentURL media='a' mediaRange='5-8'/><SegmentURL/><SegmentURL "
            "media='c'/></SegmentList>"),
        MPD_URL);
    struct weir_representation *r = first_rep(p);
    (void)state;
    assert_int_equal(weir_index_count(r), 3);
    assert_url(r, 0, "http://example.com/a/v/a");
    assert_url(r, 1, "http://example.com/a/v/");
    assert_int_equal(segment_at(r, 0).range.last, 8);
    assert_int_equal(segment_at(r, 0).size_bytes, 4);
    assert_int_equal(segment_at(r, 2).number, 5);
    assert_int_equal(segment_at(r, 2).duration_us, 2000000);
    assert_int_equal(r->init->range.last, 9);
    weir_presentation_destroy(&p);

    p = parsed(MPD_VIDEO(""), MPD_URL);
    r = first_rep(p);
    assert_int_equal(weir_index_count(r), 1);
    assert_int_equal(segment_at(r, 0).duration_us, 10000000);
    assert_int_equal(segment_at(r, 0).number, -1);
    weir_presentation_destroy(&p);

    p = parsed(MPD_VIDEO("<SegmentBase indexRange='100-199'/>"), MPD_URL);
    r = first_rep(p);
    assert_int_equal(r->index_need, WEIR_INDEX_SIDX);
    assert_int_equal(r->index_range.first, 100);
    assert_string_equal(r->index_url, "http://example.com/a/v/");
    assert_int_equal(r->init->range.last, 99); // what lies before the index is the header
    assert_int_equal(weir_index_count(r), 0);
    weir_presentation_destroy(&p);
}

static void attributes_come_from_the_nearest_level(void **state)
{
    struct weir_presentation *p = parsed(
        MPD("<SegmentTemplate timescale='1000' duration='5000' media='p-$Number$' startNumber='0'/>"
            "<AdaptationSet mimeType='video/mp4' width='640' height='360' frameRate='25' lang='en'>"
            "<SegmentTemplate media='s-$RepresentationID$-$Number$'/>"
            "<Representation id='a' bandwidth='1' width='320' height='180'/>"
            "<Representation id='b' bandwidth='2' codecs='avc1.1,mp4a.40.2'>"
            "<SegmentTemplate startNumber='7'/></Representation></AdaptationSet>"),
        MPD_URL);
    const struct weir_track *t = &p->periods[0].tracks[0];
    (void)state;
    assert_int_equal(t->representation_count, 2);
    assert_int_equal(t->representations[0].width, 320);
    assert_int_equal(t->representations[1].width, 640);
    assert_int_equal(t->representations[1].frame_rate_num, 25);
    assert_url(&t->representations[0], 1, "http://example.com/a/s-a-1");
    assert_url(&t->representations[1], 1, "http://example.com/a/s-b-8");
    assert_int_equal(t->representations[0].muxed, WEIR_MUXED_NO);
    assert_int_equal(t->representations[1].muxed, WEIR_MUXED_YES);
    assert_string_equal(t->lang, "en");
    weir_presentation_destroy(&p);
}

static void base_urls_combine_as_alternatives(void **state)
{
    static const char mpd[] =
        "<MPD type='static' minBufferTime='PT1S' mediaPresentationDuration='PT4S'>"
        "<BaseURL serviceLocation='A'>http://a.test/x/</BaseURL><BaseURL "
        "serviceLocation='B'>//b.test/y/</BaseURL>"
        "<Period><AdaptationSet mimeType='video/mp4'><Representation id='v' bandwidth='1'>"
        "<BaseURL> r/ </BaseURL><SegmentTemplate media='$Number$' "
        "duration='2'/></Representation></AdaptationSet>"
        "</Period></MPD>";
    struct weir_presentation *p = parsed(mpd, MPD_URL);
    struct weir_representation *r = first_rep(p);
    char url[256];
    (void)state;
    assert_int_equal(r->base_count, 2);
    assert_string_equal(r->service_locations[1], "B");
    assert_url(r, 1, "http://a.test/x/r/2");
    assert_int_equal(weir_index_url(r, 1, 1, url, sizeof(url)), (int)strlen("http://b.test/y/r/2"));
    assert_string_equal(url, "http://b.test/y/r/2");
    assert_int_equal(weir_index_url(r, 1, 2, url, sizeof(url)), WEIR_ERR_END);
    assert_int_equal(weir_index_url(r, 1, 0, url, 5), WEIR_ERR_TOO_BIG);
    weir_presentation_destroy(&p);
}

static void periods_follow_one_another(void **state)
{
#define SET                                                                                        \
    "<AdaptationSet mimeType='video/mp4'><Representation id='v' bandwidth='1'>"                    \
    "<SegmentTemplate media='$Number$' duration='2'/></Representation></AdaptationSet>"
    struct weir_presentation *p = parsed("<MPD type='static' mediaPresentationDuration='PT60S'>"
                                         "<Period id='a' duration='PT10S'>" SET "</Period>"
                                         "<Period id='b' duration='PT20S'>" SET "</Period>"
                                         "<Period id='c' start='PT40S'>" SET "</Period></MPD>",
                                         MPD_URL);
#undef SET
    (void)state;
    assert_int_equal(p->period_count, 3);
    assert_int_equal(p->periods[1].start_us, 10000000);
    assert_int_equal(p->periods[1].duration_us, 20000000); // the gap up to 40 s is legal
    assert_int_equal(p->periods[2].start_us, 40000000);
    assert_int_equal(p->periods[2].duration_us, 20000000);
    assert_int_equal(segment_at(&p->periods[2].tracks[0].representations[0], 0).start_us, 40000000);
    assert_true(has_warning(p, "minBufferTime"));
    weir_presentation_destroy(&p);
}

// A few hundred bytes must not cost memory or time, whatever they ask for.
static void huge_counts_stay_lazy(void **state)
{
    static const char *const bodies[] = {
        "<SegmentTemplate media='$Number$' duration='1' timescale='1000000'/>",
        "<SegmentTemplate media='$Time$' timescale='1000000'><SegmentTimeline><S t='0' d='1' "
        "r='9999999999999'/>"
        "</SegmentTimeline></SegmentTemplate>",
        "<SegmentTemplate media='$Time$' timescale='1000000'><SegmentTimeline><S d='1' r='-1'/>"
        "</SegmentTimeline></SegmentTemplate>",
    };
    (void)state;
    for (size_t i = 0; i < COUNT(bodies); i++) {
        char mpd[1024];
        snprintf(
            mpd, sizeof(mpd),
            "<MPD type='static' mediaPresentationDuration='PT10000000S'><Period><AdaptationSet "
            "mimeType='video/mp4'><Representation id='v' "
            "bandwidth='1'>%s</Representation></AdaptationSet>"
            "</Period></MPD>",
            bodies[i]);
        struct weir_presentation *p = parsed(mpd, MPD_URL);
        struct weir_representation *r = first_rep(p);
        int64_t n = weir_index_count(r);
        assert_int_equal(n, 10000000000000);
        assert_int_equal(weir_index_find(r, 5000000), 5000000);
        assert_int_equal(segment_at(r, n - 1).number, n);
        assert_true(p->arena.used_bytes < 65536);
        weir_presentation_destroy(&p);
    }
}

static void what_is_bad_is_dropped_with_a_warning(void **state)
{
#define GOOD                                                                                       \
    "<Representation id='good' bandwidth='1'><SegmentTemplate media='$Number$' "                   \
    "duration='1'/></Representation>"
#define BAD(attrs, body)                                                                           \
    "<Representation id='bad' bandwidth='1' " attrs ">" body "</Representation>"
    static const struct {
        const char *name, *bad;
    } cases[] = {
        {"timescale 0", BAD("", "<SegmentTemplate media='$Number$' duration='1' timescale='0'/>")},
        {"a bad template", BAD("", "<SegmentTemplate media='$Number%x$' duration='1'/>")},
        {"no duration at all", BAD("", "<SegmentTemplate media='$Number$'/>")},
        {"S without d",
         BAD("", "<SegmentTemplate media='$Time$'><SegmentTimeline><S t='1'/></SegmentTimeline>"
                 "</SegmentTemplate>")},
        {"an empty list", BAD("", "<SegmentList duration='1'/>")},
        {"a reversed range", BAD("", "<SegmentBase indexRange='9-3'/>")},
        {"a dependent one",
         BAD("dependencyId='good'", "<SegmentTemplate media='$Number$' duration='1'/>")},
        {"an unknown essential property",
         BAD("", "<EssentialProperty schemeIdUri='urn:x:y'/><SegmentTemplate media='$Number$' "
                 "duration='1'/>")},
        {"a file URL",
         BAD("",
             "<BaseURL>file:///etc/</BaseURL><SegmentTemplate media='$Number$' duration='1'/>")},
        {"a file URL in the template",
         BAD("", "<SegmentTemplate media='file:///etc/$Number$' duration='1'/>")},
        {"a file URL for the header",
         BAD("",
             "<SegmentTemplate initialization='file:///etc/x' media='$Number$' duration='1'/>")},
        {"a file URL in a list",
         BAD("", "<SegmentList duration='1'><SegmentURL media='file:///x'/></SegmentList>")},
        {"gopher",
         BAD("", "<BaseURL>gopher://x/</BaseURL><SegmentTemplate media='$Number$' duration='1'/>")},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char mpd[2048];
        snprintf(mpd, sizeof(mpd),
                 MPD("<AdaptationSet mimeType='video/mp4'>%s" GOOD "</AdaptationSet>"),
                 cases[i].bad);
        struct weir_presentation *p = parsed(mpd, MPD_URL);
        if (p->periods[0].tracks[0].representation_count != 1 ||
            strcmp(first_rep(p)->id, "good") != 0)
            fail_msg("%s: not dropped", cases[i].name);
        if (p->warning_count == 0)
            fail_msg("%s: no warning", cases[i].name);
        weir_presentation_destroy(&p);
    }
}

static void what_cannot_be_read_is_refused(void **state)
{
    static const struct {
        const char *name, *text;
        int err;
    } cases[] = {
        {"empty", "", WEIR_ERR_SYNTAX},
        {"not a manifest", "hello", WEIR_ERR_SYNTAX},
        {"an HTML page", "<html><body>404</body></html>", WEIR_ERR_SYNTAX},
        {"cut short", "<MPD><Period>", WEIR_ERR_SYNTAX},
        {"no Period", "<MPD type='static'/>", WEIR_ERR_SYNTAX},
        {"a foreign Period", "<MPD><Period xmlns='urn:other'/></MPD>", WEIR_ERR_SYNTAX},
        {"billion laughs",
         "<!DOCTYPE MPD [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;'><!ENTITY c "
         "'&b;&b;&b;&b;&b;&b;&b;&b;'>]><MPD><Period id='&c;'/></MPD>",
         WEIR_ERR_SYNTAX},
        {"a plain DOCTYPE", "<!DOCTYPE MPD SYSTEM 'http://x/y.dtd'><MPD/>", WEIR_ERR_SYNTAX},
        {"an undefined entity", "<MPD><Period id='&x;'/></MPD>", WEIR_ERR_SYNTAX},
        {"an essential extension", "<MPD><EssentialProperty schemeIdUri='urn:x'/><Period/></MPD>",
         WEIR_ERR_UNSUPPORTED},
        {"dynamic without its origin", "<MPD type='dynamic'><Period/></MPD>", WEIR_ERR_SYNTAX},
        {"dynamic with a bad origin",
         "<MPD type='dynamic' availabilityStartTime='x'><Period/></MPD>", WEIR_ERR_SYNTAX},
        {"only file URLs",
         MPD("<AdaptationSet mimeType='video/mp4'><Representation id='v' "
             "bandwidth='1'><BaseURL>file:///a.mp4"
             "</BaseURL></Representation></AdaptationSet>"),
         WEIR_ERR_DENIED},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct weir_presentation *p = NULL;
        int err = parse(cases[i].text, MPD_URL, &p);
        if (err != cases[i].err)
            fail_msg("%s: %d, expected %d", cases[i].name, err, cases[i].err);
    }
}

static void a_doctype_is_named_with_its_line(void **state)
{
    struct weir_manifest_input in =
        input_of("<?xml version='1.0'?>\n\n<!DOCTYPE MPD []>\n<MPD/>", MPD_URL);
    struct weir_presentation *p;
    struct weir_error error = {0};
    (void)state;
    assert_int_equal(weir_presentation_parse(&in, &p, &error), WEIR_ERR_SYNTAX);
    assert_non_null(strstr(error.what, "DOCTYPE"));
    assert_non_null(strstr(error.what, "line 3"));
    assert_string_equal(error.where, MPD_URL);
}

static void deep_nesting_and_size_are_bounded(void **state)
{
    size_t depth = 5000, big = (16u << 20) + 1;
    char *text = calloc(1, big);
    struct weir_presentation *p;
    struct weir_error error = {0};
    (void)state;
    assert_non_null(text);
    for (size_t i = 0; i < depth; i++)
        memcpy(text + i * 3, "<a>", 3);
    assert_int_equal(parse(text, MPD_URL, &p), WEIR_ERR_TOO_BIG);
    memset(text, ' ', big);
    text[0] = '<';
    struct weir_manifest_input in = {.data = (uint8_t *)text, .size_bytes = big, .url = MPD_URL};
    assert_int_equal(weir_presentation_parse(&in, &p, &error), WEIR_ERR_TOO_BIG);
    free(text);
}

static void warnings_are_bounded(void **state)
{
    enum { SETS = 300 };
    char *mpd = malloc(SETS * 64 + 1024);
    (void)state;
    assert_non_null(mpd);
    strcpy(mpd,
           "<MPD type='static' minBufferTime='PT1S' mediaPresentationDuration='PT4S'><Period>");
    for (int i = 0; i < SETS; i++)
        strcat(mpd, "<AdaptationSet mimeType='video/mp4'/>");
    strcat(mpd, "<AdaptationSet mimeType='video/mp4'><Representation id='v' "
                "bandwidth='1'><SegmentTemplate media='a' "
                "duration='1'/></Representation></AdaptationSet></Period></MPD>");
    struct weir_presentation *p = parsed(mpd, MPD_URL);
    assert_int_equal(p->warning_count, 64);
    assert_string_equal(p->warnings[63], "237 more warnings are not shown");
    weir_presentation_destroy(&p);
    free(mpd);
}

static void a_live_window_follows_the_clock(void **state)
{
    static const char mpd[] =
        "<MPD type='dynamic' availabilityStartTime='1970-01-01T00:00:00Z' "
        "minimumUpdatePeriod='PT2S' "
        "timeShiftBufferDepth='PT10S' minBufferTime='PT1S' suggestedPresentationDelay='PT6S'>"
        "<UTCTiming schemeIdUri='urn:mpeg:dash:utc:direct:2014' value='x'/>"
        "<Period id='1' start='PT100S'><AdaptationSet mimeType='video/mp4'><Representation id='v' "
        "bandwidth='1'>"
        "<SegmentTemplate media='$Number$' duration='2' "
        "startNumber='1'/></Representation></AdaptationSet></Period>"
        "</MPD>";
    struct weir_manifest_input in = input_of(mpd, MPD_URL);
    struct weir_presentation *p;
    struct weir_error error = {0};
    (void)state;
    in.wall_clock_us = 1001 * WEIR_SECOND_US; // 901 s into the period: 450 segments are complete
    assert_int_equal(weir_presentation_parse(&in, &p, &error), 0);
    const struct weir_representation *r = first_rep(p);
    assert_true(p->live);
    assert_int_equal(p->live_info->time_shift_buffer_depth_us, 10000000);
    assert_int_equal(p->live_info->utc_timing_count, 1);
    assert_int_equal(weir_index_count(r), 5);
    assert_int_equal(segment_at(r, 4).number, 450);
    assert_int_equal(segment_at(r, 4).start_us, 998000000);
    weir_presentation_destroy(&p);
    in.wall_clock_us = 50 * WEIR_SECOND_US; // before it began: nothing yet, no error
    assert_int_equal(weir_presentation_parse(&in, &p, &error), 0);
    assert_int_equal(weir_index_count(first_rep(p)), 0);
    weir_presentation_destroy(&p);
}

static void switchable_sets_become_one_ladder(void **state)
{
#define SWITCH(id, to, codec)                                                                      \
    "<AdaptationSet id='" id "' mimeType='video/mp4' codecs='" codec "'><SupplementalProperty "    \
    "schemeIdUri='urn:mpeg:dash:adaptation-set-switching:2016' value='" to "'/>"                   \
    "<Representation id='r" id                                                                     \
    "' bandwidth='1'><BaseURL>a</BaseURL></Representation></AdaptationSet>"
    struct weir_presentation *p =
        parsed(MPD(SWITCH("1", "2,3,4", "avc1.42c01f") SWITCH("2", "1, 3", "avc1.64001f")
                       SWITCH("3", "1,2", "hvc1.1") SWITCH("4", "9", "avc1.4d401f")),
               MPD_URL);
#undef SWITCH
    (void)state;
    assert_int_equal(p->periods[0].track_count,
                     3); // another codec, and one that does not agree, stay apart
    assert_int_equal(p->periods[0].tracks[0].representation_count, 2);
    assert_string_equal(p->periods[0].tracks[0].representations[1].id, "r2");
    assert_string_equal(p->periods[0].tracks[1].representations[0].id, "r3");
    weir_presentation_destroy(&p);
}

static void protection_and_roles_are_listed(void **state)
{
    struct weir_presentation *p = parsed(
        MPD("<AdaptationSet mimeType='audio/mp4' lang='de'><Role "
            "schemeIdUri='urn:mpeg:dash:role:2011' value='main'/>"
            "<ContentProtection schemeIdUri='urn:mpeg:dash:mp4protection:2011' value='cenc' "
            "cenc:default_KID='00112233-4455-6677-8899-aabbccddeeff' "
            "xmlns:cenc='urn:mpeg:cenc:2013'/>"
            "<AudioChannelConfiguration "
            "schemeIdUri='tag:dolby.com,2014:dash:audio_channel_configuration:2011' "
            "value='F801'/>"
            "<Representation id='a' bandwidth='1' audioSamplingRate='44100 "
            "48000'><BaseURL>a.mp4</BaseURL>"
            "</Representation></AdaptationSet><EventStream schemeIdUri='urn:e' timescale='1000'>"
            "<Event presentationTime='1500' duration='500' id='7'>payload</Event></EventStream>"),
        MPD_URL);
    const struct weir_track *t = &p->periods[0].tracks[0];
    (void)state;
    assert_int_equal(t->type, WEIR_TRACK_AUDIO);
    assert_true(t->is_default);
    assert_int_equal(t->protection_count, 1);
    assert_string_equal(t->protections[0].default_kid, "00112233-4455-6677-8899-aabbccddeeff");
    assert_int_equal(t->representations[0].audio_rate, 48000);
    assert_int_equal(t->representations[0].channels, 6);
    assert_int_equal(p->event_count, 1);
    assert_int_equal(p->events[0].start_us, 1500000);
    assert_string_equal(p->events[0].data, "payload");
    weir_presentation_destroy(&p);
}

static void a_local_manifest_may_name_its_neighbours(void **state)
{
    struct weir_manifest_input in = input_of(
        MPD_VIDEO("<SegmentTemplate media='$Number$' duration='1'/>"), "file:///tmp/a/m.mpd");
    struct weir_presentation *p;
    struct weir_error error = {0};
    (void)state;
    in.allow_file_urls = true;
    assert_int_equal(weir_presentation_parse(&in, &p, &error), 0);
    assert_url(first_rep(p), 0, "file:///tmp/a/v/1");
    weir_presentation_destroy(&p);
}

static void a_plain_file_is_one_segment(void **state)
{
    struct weir_presentation *p;
    (void)state;
    struct weir_file_description file = {
        .duration_us = 5000000, .has_video = true, .has_audio = true, .width = 640, .height = 360};
    assert_int_equal(weir_presentation_for_file("http://example.com/film.mp4", &file, &p), 0);
    assert_int_equal(weir_index_count(first_rep(p)), 1);
    assert_url(first_rep(p), 0, "http://example.com/film.mp4");
    assert_int_equal(first_rep(p)->muxed, WEIR_MUXED_YES);
    assert_int_equal(segment_at(first_rep(p), 0).duration_us, 5000000);
    weir_presentation_destroy(&p);
    weir_presentation_destroy(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_template_by_duration_is_computed),
        cmocka_unit_test(finding_a_time_gives_the_segment_that_holds_it),
        cmocka_unit_test(timelines_expand_to_what_they_mean),
        cmocka_unit_test(the_offset_moves_a_timeline),
        cmocka_unit_test(lists_and_single_files_and_indexes),
        cmocka_unit_test(attributes_come_from_the_nearest_level),
        cmocka_unit_test(base_urls_combine_as_alternatives),
        cmocka_unit_test(periods_follow_one_another),
        cmocka_unit_test(huge_counts_stay_lazy),
        cmocka_unit_test(what_is_bad_is_dropped_with_a_warning),
        cmocka_unit_test(what_cannot_be_read_is_refused),
        cmocka_unit_test(a_doctype_is_named_with_its_line),
        cmocka_unit_test(deep_nesting_and_size_are_bounded),
        cmocka_unit_test(warnings_are_bounded),
        cmocka_unit_test(a_live_window_follows_the_clock),
        cmocka_unit_test(switchable_sets_become_one_ladder),
        cmocka_unit_test(protection_and_roles_are_listed),
        cmocka_unit_test(a_local_manifest_may_name_its_neighbours),
        cmocka_unit_test(a_plain_file_is_one_segment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
