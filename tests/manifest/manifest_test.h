// tests/manifest/manifest_test.h — what every test of manifest/ includes first (CMocka needs the
// order), and the few lines that turn a text into a presentation.
#ifndef WEIR_TESTS_MANIFEST_TEST_H
#define WEIR_TESTS_MANIFEST_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "manifest/presentation.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define MPD_URL  "http://example.com/a/manifest.mpd"
#define HLS_URL  "http://example.com/a/main.m3u8"

// A static MPD of 10 s around the content of its one Period.
#define MPD(period)                                                                                \
    "<MPD xmlns='urn:mpeg:dash:schema:mpd:2011' type='static' minBufferTime='PT2S' "               \
    "mediaPresentationDuration='PT10S'><Period>" period "</Period></MPD>"
// The same with one video set of one Representation around `segments`.
#define MPD_VIDEO(segments)                                                                        \
    MPD("<AdaptationSet mimeType='video/mp4'><Representation id='v' bandwidth='1000' "             \
        "codecs='avc1.4d401f'>"                                                                    \
        "<BaseURL>v/</BaseURL>" segments "</Representation></AdaptationSet>")

static inline struct weir_manifest_input input_of(const char *text, const char *url)
{
    return (struct weir_manifest_input){.data = (const uint8_t *)text,
                                        .size_bytes = strlen(text),
                                        .url = url,
                                        .wall_clock_us = WEIR_TIME_NONE};
}

static inline int parse(const char *text, const char *url, struct weir_presentation **out)
{
    struct weir_manifest_input in = input_of(text, url);
    struct weir_error error = {0};
    int err = weir_presentation_parse(&in, out, &error);
    if ((err == 0) != (*out != NULL) || (err != 0) != (error.what[0] != '\0'))
        fail_msg("parse returned %d with presentation %p and message \"%s\"", err, (void *)*out,
                 error.what);
    return err;
}

static inline struct weir_presentation *parsed(const char *text, const char *url)
{
    struct weir_manifest_input in = input_of(text, url);
    struct weir_presentation *p = NULL;
    struct weir_error error = {0};
    if (weir_presentation_parse(&in, &p, &error))
        fail_msg("%s: %s (%s)", error.where, error.what, error.why);
    return p;
}

static inline struct weir_representation *first_rep(struct weir_presentation *p)
{
    assert_true(p->period_count > 0);
    assert_true(p->periods[0].track_count > 0);
    assert_true(p->periods[0].tracks[0].representation_count > 0);
    return &p->periods[0].tracks[0].representations[0];
}

static inline struct weir_segment_info segment_at(const struct weir_representation *r, int64_t i)
{
    struct weir_segment_info s;
    if (weir_index_segment(r, i, &s))
        fail_msg("there is no segment %lld", (long long)i);
    return s;
}

static inline void assert_url(const struct weir_representation *r, int64_t i, const char *expect)
{
    char url[8192];
    assert_true(weir_index_url(r, i, 0, url, sizeof(url)) >= 0);
    assert_string_equal(url, expect);
}

static inline bool has_warning(const struct weir_presentation *p, const char *part)
{
    for (size_t i = 0; i < p->warning_count; i++) {
        if (strstr(p->warnings[i], part))
            return true;
    }
    return false;
}

#endif
