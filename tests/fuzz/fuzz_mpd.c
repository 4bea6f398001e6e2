// tests/fuzz/fuzz_mpd.c — any bytes as an MPD: parse, then ask the index everything the engine
// asks.
#include "tests/fuzz/manifest_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
    struct weir_presentation *p =
        weir_fuzz_parse(data, size_bytes, "http://example.com/m.mpd", WEIR_TIME_NONE);
    weir_fuzz_walk(p);
    weir_presentation_destroy(&p);
    p = weir_fuzz_parse(data, size_bytes, "http://example.com/m.mpd", INT64_C(1800000000000000));
    weir_fuzz_walk(p);
    weir_presentation_destroy(&p);
    return 0;
}
