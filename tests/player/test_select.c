// tests/player/test_select.c — from a manifest and the user's wishes to the rungs that are played.
#include "tests/manifest/manifest_test.h"

#include "player/select.h"

#define VIDEO(set, reps)                                                                           \
    "<AdaptationSet " set " mimeType='video/mp4'>" reps TEMPLATE "</AdaptationSet>"
#define AUDIO(set, reps)                                                                           \
    "<AdaptationSet " set " mimeType='audio/mp4'>" reps TEMPLATE "</AdaptationSet>"
#define TEMPLATE                                                                                   \
    "<SegmentTemplate media='$RepresentationID$-$Number$.m4s' initialization='i' duration='2'/>"
#define REP(id, bps, height, codecs)                                                               \
    "<Representation id='" id "' bandwidth='" #bps "' width='16' height='" #height                 \
    "' codecs='" codecs "'/>"
#define SOUND(id, bps) "<Representation id='" id "' bandwidth='" #bps "' codecs='mp4a.40.2'/>"
#define LADDER                                                                                     \
    REP("v720", 3000, 720, "avc1.64001f")                                                          \
    REP("v240", 500, 240, "avc1.42c00d") REP("v480", 1500, 480, "avc1.4d401e")

struct rig {
    struct weir_presentation *presentation;
    struct weir_selection selection;
    struct weir_error error;
};

static int choose(struct rig *r, const char *text, const char *url,
                  const struct weir_select_params *params)
{
    *r = (struct rig){0};
    struct weir_manifest_input in = input_of(text, url);
    if (weir_presentation_parse(&in, &r->presentation, &r->error))
        fail_msg("%s: %s", r->error.where, r->error.what);
    return weir_select(r->presentation, params, &r->selection, &r->error);
}

static void clear(struct rig *r)
{
    weir_selection_clear(&r->selection);
    weir_presentation_destroy(&r->presentation);
}

// The rungs' ids, lowest first, with a space between.
static const char *rungs(const struct rig *r, enum weir_engine_track track, char out[256])
{
    out[0] = '\0';
    if (r->selection.content.period_count == 0)
        return out;
    const struct weir_engine_rungs *l = &r->selection.content.periods[0].tracks[track];
    for (size_t i = 0; i < l->count; i++) {
        size_t len = strlen(out);
        (void)snprintf(out + len, 256 - len, "%s%s", i ? " " : "",
                       l->rungs[i]->id ? l->rungs[i]->id : "?");
    }
    return out;
}

struct wish {
    struct weir_select_params params;
    const char *video, *audio;
};

static void try_wishes(const char *text, const char *url, const struct wish *wishes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct rig r;
        char ids[256];
        assert_int_equal(choose(&r, text, url, &wishes[i].params), 0);
        assert_string_equal(rungs(&r, WEIR_ENGINE_VIDEO, ids), wishes[i].video);
        assert_string_equal(rungs(&r, WEIR_ENGINE_AUDIO, ids), wishes[i].audio);
        assert_int_equal(r.selection.has[WEIR_ENGINE_VIDEO], wishes[i].video[0] != '\0');
        assert_int_equal(r.selection.has[WEIR_ENGINE_AUDIO], wishes[i].audio[0] != '\0');
        clear(&r);
    }
}

static void rungs_rise_within_the_bounds(void **state)
{
    static const char text[] = MPD(VIDEO("", LADDER) AUDIO("", SOUND("a2", 128) SOUND("a1", 64)));
    static const struct wish wishes[] = {
        {{0}, "v240 v480 v720", "a1 a2"},
        {{.max_height = 480}, "v240 v480", "a1 a2"},
        {{.max_height = 479}, "v240", "a1 a2"},
        {{.max_height = 100}, "v240", "a1 a2"}, // the nearest, rather than none
        {{.max_bitrate_bps = 1500}, "v240 v480", "a1 a2"},
        {{.max_bitrate_bps = 1}, "v240", "a1 a2"},
        {{.max_height = 720, .max_bitrate_bps = 1000}, "v240", "a1 a2"},
        {{.no_audio = true}, "v240 v480 v720", ""},
        {{.no_video = true}, "", "a1 a2"},
    };
    (void)state;
    try_wishes(text, MPD_URL, wishes, COUNT(wishes));
}

static void the_largest_picture_is_told(void **state)
{
    struct rig r;
    (void)state;
    assert_int_equal(choose(&r, MPD(VIDEO("", LADDER)), MPD_URL,
                            &(struct weir_select_params){.max_height = 480}),
                     0);
    assert_int_equal(r.selection.max_height, 480);
    assert_int_equal(r.selection.max_width, 16);
    assert_string_equal(r.selection.video_codecs, "avc1.4d401e");
    clear(&r);
}

static void languages_and_ids_choose_the_sound(void **state)
{
    static const char text[] = MPD(
        VIDEO("id='1' lang='fr'", REP("vf", 1, 1, "avc1.42c00d")) //
        VIDEO("id='2'",
              REP("v", 1, 1,
                  "avc1.42c00d") "<Role schemeIdUri='urn:mpeg:dash:role:2011' value='main'/>")
            AUDIO("id='3' lang='en'", SOUND("en", 64)) AUDIO(
                "id='4' lang='fr-CA'",
                SOUND(
                    "fr",
                    64)) AUDIO("id='5' lang='de'",
                               SOUND(
                                   "de",
                                   64) "<Role schemeIdUri='urn:mpeg:dash:role:2011' value='main'/>")
                AUDIO(
                    "id='6' lang='en'",
                    SOUND("talk",
                          64) "<Role schemeIdUri='urn:mpeg:dash:role:2011' value='commentary'/>"));
    static const struct wish wishes[] = {
        {{0}, "v", "de"}, // the main one
        {{.audio_languages = "en"}, "v", "en"},
        {{.audio_languages = "fr"}, "v", "fr"}, // fr-CA is French; pictures have no language
        {{.audio_languages = "FR-ca,en"}, "v", "fr"},
        {{.audio_languages = "f,en"}, "v", "en"}, // no part of a word
        {{.audio_languages = "ja,,en,fr"}, "v", "en"},
        {{.audio_languages = "ja"}, "v", "de"},
        {{.audio_id = "6"}, "v", "talk"},
        {{.audio_id = "6", .audio_languages = "fr"}, "v", "talk"},
        {{.audio_id = "1"}, "v", "de"}, // the id of pictures
        {{.audio_id = "none"}, "v", "de"},
    };
    (void)state;
    try_wishes(text, MPD_URL, wishes, COUNT(wishes));
}

static void what_cannot_be_decoded_is_left_out(void **state)
{
    static const char mixed[] =
        MPD(VIDEO("", REP("new", 9, 9, "zzzz.9") REP("old", 1, 1, "avc1.42c00d")));
    static const char sets[] =
        MPD(VIDEO("", REP("new", 9, 9, "zzzz.9")) VIDEO("", REP("old", 1, 1, "avc1.42c00d")));
    static const char families[] =
        MPD(VIDEO("", REP("avc", 1, 1, "avc1.42c00d") REP("avc3", 2, 2, "avc3.42c00d")
                          REP("hevc", 3, 3, "hvc1.1.6.L93.B0")));
    static const struct wish old = {{0}, "old", ""}, avc = {{0}, "avc avc3", ""};
    (void)state;
    try_wishes(mixed, MPD_URL, &old, 1);
    try_wishes(sets, MPD_URL, &old, 1);
    try_wishes(families, MPD_URL, &avc, 1);
}

static void refusals_say_why(void **state)
{
    static const struct {
        const char *text;
        struct weir_select_params params;
        const char *what, *why;
    } cases[] = {
        {MPD(VIDEO("", REP("v", 1, 1, "zzzz.1"))), {0}, "codec zzzz.1", "decoder"},
        {MPD(VIDEO("", "<ContentProtection schemeIdUri='urn:mpeg:dash:mp4protection:2011' "
                       "value='cenc'/>" LADDER)),
         {0},
         "encrypted",
         "urn:mpeg:dash:mp4protection:2011"},
        {MPD(VIDEO("", LADDER)), {.no_video = true}, "nothing to play", "no audio track"},
        {MPD(AUDIO("", SOUND("a", 64))), {.no_audio = true}, "nothing to play", "no video track"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct rig r;
        assert_int_equal(choose(&r, cases[i].text, MPD_URL, &cases[i].params),
                         WEIR_ERR_UNSUPPORTED);
        assert_string_equal(r.error.where, MPD_URL);
        assert_non_null(strstr(r.error.what, cases[i].what));
        assert_non_null(strstr(r.error.why, cases[i].why));
        clear(&r);
    }
}

static void encrypted_pictures_beside_clear_ones_are_left_out(void **state)
{
    static const char text[] = MPD(VIDEO(
        "", "<ContentProtection schemeIdUri='urn:mpeg:dash:mp4protection:2011' value='cenc'/>" REP(
                "secret", 9, 9, "avc1.64001f")) VIDEO("", REP("clear", 1, 1, "avc1.42c00d")));
    static const struct wish clear_one = {{0}, "clear", ""};
    (void)state;
    try_wishes(text, MPD_URL, &clear_one, 1);
}

#define MULTIVARIANT                                                                               \
    "#EXTM3U\n"                                                                                    \
    "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"lo\",NAME=\"English\",LANGUAGE=\"en\",DEFAULT=YES,"        \
    "AUTOSELECT=YES,URI=\"en-lo.m3u8\"\n"                                                          \
    "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"lo\",NAME=\"Suomi\",LANGUAGE=\"fi\",URI=\"fi-lo.m3u8\"\n"  \
    "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"hi\",NAME=\"English\",LANGUAGE=\"en\",DEFAULT=YES,"        \
    "AUTOSELECT=YES,URI=\"en-hi.m3u8\"\n"                                                          \
    "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"hi\",NAME=\"Suomi\",LANGUAGE=\"fi\",URI=\"fi-hi.m3u8\"\n"  \
    "#EXT-X-STREAM-INF:BANDWIDTH=500000,CODECS=\"avc1.42c00d,mp4a.40.2\",RESOLUTION=320x180,"      \
    "AUDIO=\"lo\"\nlow.m3u8\n"                                                                     \
    "#EXT-X-STREAM-INF:BANDWIDTH=2000000,CODECS=\"avc1.64001f,mp4a.40.2\",RESOLUTION=1280x720,"    \
    "AUDIO=\"hi\"\nhigh.m3u8\n"

static void assert_sound_urls(const char *languages, const char *first, const char *second)
{
    struct rig r;
    struct weir_select_params params = {.audio_languages = languages};
    assert_int_equal(choose(&r, MULTIVARIANT, HLS_URL, &params), 0);
    const struct weir_engine_rungs *audio =
        &r.selection.content.periods[0].tracks[WEIR_ENGINE_AUDIO];
    assert_int_equal(audio->count, 2);
    assert_non_null(strstr(audio->rungs[0]->index_url, first));
    assert_non_null(strstr(audio->rungs[1]->index_url, second));
    assert_false(r.selection.muxed_audio);
    assert_int_equal(r.selection.content.periods[0].tracks[WEIR_ENGINE_VIDEO].count, 2);
    clear(&r);
}

static void renditions_of_the_groups_are_one_ladder(void **state)
{
    (void)state;
    assert_sound_urls(NULL, "en-lo.m3u8", "en-hi.m3u8");
    assert_sound_urls("fi", "fi-lo.m3u8", "fi-hi.m3u8");
}

static void sound_inside_the_variants_is_no_track(void **state)
{
    static const char text[] =
        "#EXTM3U\n"
        "#EXT-X-STREAM-INF:BANDWIDTH=64000,CODECS=\"mp4a.40.2\"\nsound.m3u8\n"
        "#EXT-X-STREAM-INF:BANDWIDTH=500000,CODECS=\"avc1.42c00d,mp4a.40.2\",RESOLUTION=320x180\n"
        "low.m3u8\n";
    struct rig r;
    (void)state;
    assert_int_equal(choose(&r, text, HLS_URL, &(struct weir_select_params){0}), 0);
    assert_true(r.selection.muxed_audio);
    assert_int_equal(r.selection.content.periods[0].tracks[WEIR_ENGINE_VIDEO].count, 1);
    assert_false(r.selection.has[WEIR_ENGINE_AUDIO]);
    clear(&r);
    assert_int_equal(choose(&r, text, HLS_URL, &(struct weir_select_params){.no_video = true}), 0);
    assert_true(r.selection.has[WEIR_ENGINE_AUDIO]); // without pictures, the variant of sound alone
    clear(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rungs_rise_within_the_bounds),
        cmocka_unit_test(the_largest_picture_is_told),
        cmocka_unit_test(languages_and_ids_choose_the_sound),
        cmocka_unit_test(what_cannot_be_decoded_is_left_out),
        cmocka_unit_test(refusals_say_why),
        cmocka_unit_test(encrypted_pictures_beside_clear_ones_are_left_out),
        cmocka_unit_test(renditions_of_the_groups_are_one_ladder),
        cmocka_unit_test(sound_inside_the_variants_is_no_track),
    };
    return cmocka_run_group_tests_name("select", tests, NULL, NULL);
}
