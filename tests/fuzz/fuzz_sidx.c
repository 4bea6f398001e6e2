// tests/fuzz/fuzz_sidx.c — any bytes as an index: the first byte picks sidx or Cues; the rest is
// served at whatever place the reader asks for, as a hostile server would.
#include "tests/fuzz/manifest_fuzz.h"

#define HEAD "<MPD mediaPresentationDuration='PT9S'><Period><AdaptationSet mimeType='video/"
#define TAIL                                                                                       \
    "'><Representation id='v' bandwidth='1'><BaseURL>v</BaseURL><SegmentBase "                     \
    "indexRange='100-200'/>"                                                                       \
    "</Representation></AdaptationSet></Period></MPD>"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
    static const char mp4[] = HEAD "mp4" TAIL, webm[] = HEAD "webm" TAIL;
    if (size_bytes == 0)
        return 0;
    const char *mpd = data[0] & 1 ? webm : mp4;
    struct weir_presentation *p = weir_fuzz_parse((const uint8_t *)mpd, strlen(mpd),
                                                  "http://example.com/m.mpd", WEIR_TIME_NONE);
    struct weir_representation *r = &p->periods[0].tracks[0].representations[0];
    struct weir_manifest_input in = {data + 1, size_bytes - 1, "http://example.com/v", false,
                                     WEIR_TIME_NONE};
    int err = 0;
    for (int i = 0; i < 50 && !err && r->index_need != WEIR_INDEX_READY; i++) {
        struct weir_error error = {0};
        err = weir_presentation_load_index(p, r, &in, r->index_range.first, &error);
    }
    if (!err)
        weir_fuzz_walk(p);
    weir_presentation_destroy(&p);
    return 0;
}
