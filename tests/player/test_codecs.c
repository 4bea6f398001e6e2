// tests/player/test_codecs.c — what an RFC 6381 codecs string says about decoding.
#include "player/select.h"

#include "tests/player/player_test.h"

static void tells_what_can_be_decoded(void **state)
{
    static const struct {
        const char *codecs, *unknown; // unknown NULL: all can be decoded
    } cases[] = {
        {NULL, NULL},
        {"", NULL},
        {"avc1.64001f", NULL},
        {"avc1.64001f,mp4a.40.2", NULL},
        {" avc1.64001f , mp4a.40.2 ", NULL},
        {"AVC1.64001F", NULL},
        {"hvc1.1.6.L93.B0,ec-3", NULL},
        {"vp09.00.10.08,opus", NULL},
        {"mp4a.40.34", NULL},
        {"avc1.64001f,stpp.ttml.im1t", NULL},
        {"wvtt", NULL},
        {"zzzz.1", "zzzz.1"},
        {"avc1.64001f,zzzz", "zzzz"},
        {"xyz avc1.64001f", "xyz"},
        {"avc", "avc"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char unknown[64] = "";
        assert_int_equal(weir_codecs_supported(cases[i].codecs, unknown), !cases[i].unknown);
        assert_int_equal(weir_codecs_supported(cases[i].codecs, NULL), !cases[i].unknown);
        assert_string_equal(unknown, cases[i].unknown ? cases[i].unknown : "");
    }
}

static void an_endless_entry_is_cut(void **state)
{
    char codecs[300], unknown[64];
    (void)state;
    memset(codecs, 'x', sizeof(codecs) - 1);
    codecs[sizeof(codecs) - 1] = '\0';
    assert_false(weir_codecs_supported(codecs, unknown));
    assert_int_equal(strlen(unknown), 63);
}

// H.264 Table A-1: MaxDpbFrames = min(MaxDpbMbs / (width in macroblocks * height in them), 16).
static void tells_how_many_pictures_are_held(void **state)
{
    static const struct {
        const char *codecs;
        int width, height, frames;
    } cases[] = {
        {"avc1.640028", 1920, 1080, 4}, // level 4: 32768 / 8160
        {"avc1.64001f", 1280, 720, 5},  // level 3.1: 18000 / 3600
        {"avc1.42c01e", 320, 180, 16},  // level 3: 8100 / 240, bounded
        {"avc1.640028,mp4a.40.2", 1920, 1088, 4},
        {"mp4a.40.2,avc1.640033", 3840, 2160, 5}, // level 5.1: 184320 / 32400
        {"avc1.64000a", 1920, 1080, 1},           // more than the level allows: one at least
        {"avc1", 1920, 1080, 16},
        {NULL, 1920, 1080, 16},
        {"hvc1.1.6.L120.90", 1920, 1080, 16},
        {"vp09.00.10.08", 1920, 1080, 8},
        {"av01.0.04M.08", 1920, 1080, 8},
        {"avc1.640028", 0, 0, 16},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(
            weir_codecs_reference_frames(cases[i].codecs, cases[i].width, cases[i].height),
            cases[i].frames);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_what_can_be_decoded),
        cmocka_unit_test(an_endless_entry_is_cut),
        cmocka_unit_test(tells_how_many_pictures_are_held),
    };
    return cmocka_run_group_tests_name("codecs", tests, NULL, NULL);
}
