// tests/fuzz/fuzz_hls.c — any bytes as a playlist, alone and as the media playlist of a variant.
#include "tests/fuzz/manifest_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
    static const char main_list[] =
        "#EXTM3U\n#EXT-X-DEFINE:NAME=\"a\",VALUE=\"b\"\n#EXT-X-STREAM-INF:BANDWIDTH=1\nv\n";
    struct weir_presentation *p =
        weir_fuzz_parse(data, size_bytes, "http://example.com/m.m3u8?a=1", WEIR_TIME_NONE);
    weir_fuzz_walk(p);
    weir_presentation_destroy(&p);
    p = weir_fuzz_parse((const uint8_t *)main_list, sizeof(main_list) - 1, "http://example.com/m",
                        WEIR_TIME_NONE);
    struct weir_manifest_input in = {data, size_bytes, "http://example.com/v", false,
                                     WEIR_TIME_NONE};
    struct weir_error error = {0};
    (void)weir_presentation_load_index(p, &p->periods[0].tracks[0].representations[0], &in, 0,
                                       &error);
    weir_fuzz_walk(p);
    weir_presentation_destroy(&p);
    return 0;
}
