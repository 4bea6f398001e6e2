// tests/fuzz/manifest_fuzz.h — what the fuzzers of manifest/ share: parse, and walk all that came
// out.
#ifndef WEIR_TESTS_MANIFEST_FUZZ_H
#define WEIR_TESTS_MANIFEST_FUZZ_H

#include <stdlib.h>
#include <string.h>

#include "manifest/dump.h"
#include "manifest/presentation.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes);

static inline struct weir_presentation *weir_fuzz_parse(const uint8_t *data, size_t size_bytes,
                                                        const char *url, int64_t wall_clock_us)
{
    struct weir_manifest_input in = {data, size_bytes, url, false, wall_clock_us};
    struct weir_presentation *p = NULL;
    struct weir_error error = {0};
    int err = weir_presentation_parse(&in, &p, &error);
    if ((err == 0) != (p != NULL) || (err != 0) != (error.what[0] != '\0'))
        abort(); // an error without a message, or a message without an error
    return p;
}

// Neighbours never go back in time and are found again by their start, at both ends of the index.
static inline void weir_fuzz_check(const struct weir_representation *r)
{
    int64_t n = weir_index_count(r);
    struct weir_segment_info s, before = {0};
    char url[8192];
    for (int64_t k = 0; k < n; k = k == 20 && n > 60 ? n - 20 : k + 1) {
        if (weir_index_segment(r, k, &s))
            abort();
        if (k > 0 && s.start_us < before.start_us)
            abort();
        before = s;
        (void)weir_index_url(r, k, 0, url, sizeof(url));
        if (s.init)
            (void)weir_init_url(r, s.init, 0, url, sizeof(url));
        int64_t found = weir_index_find(r, s.start_us);
        if (found < -1 || found >= n)
            abort();
    }
    if (weir_index_segment(r, n, &s) == 0)
        abort();
}

static inline void weir_fuzz_walk(struct weir_presentation *p)
{
    if (!p)
        return;
    for (size_t i = 0; i < p->period_count; i++) {
        for (size_t t = 0; t < p->periods[i].track_count; t++) {
            struct weir_track *track = &p->periods[i].tracks[t];
            for (size_t k = 0; k < track->representation_count; k++) {
                if (track->representations[k].index_need == WEIR_INDEX_READY)
                    weir_fuzz_check(&track->representations[k]);
            }
        }
    }
    json_decref(weir_presentation_to_json(p, 10));
}

#endif
