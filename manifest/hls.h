// manifest/hls.h — the pieces of the HLS reader: lines, attribute lists, variables (RFC
// 8216bis, 4.1–4.3).
#ifndef WEIR_MANIFEST_HLS_H
#define WEIR_MANIFEST_HLS_H

#include "manifest/internal.h"

struct weir_slice {
    const char *ptr;
    size_t len;
};

// --- hls_lines.c ---

struct weir_hls_lines {
    const char *at, *end;
    long number; // of the line last returned, from 1
};

// `data` from its first line on; a byte order mark is skipped.
struct weir_hls_lines weir_hls_lines_begin(const uint8_t *data, size_t size_bytes);
// The next line that is neither blank nor a comment, without blanks around it. CR, LF and CRLF end
// lines.
bool weir_hls_lines_next(struct weir_hls_lines *l, struct weir_slice *line);
// Whether the line is the tag `name` ("#EXTINF"); *value is what follows the colon, empty without
// one.
bool weir_hls_is_tag(struct weir_slice line, const char *name, struct weir_slice *value);

// The attribute `name` of a list; the first one wins. *value without quotes. False when absent.
bool weir_hls_attr(struct weir_slice list, const char *name, struct weir_slice *value);

bool weir_slice_equals(struct weir_slice s, const char *text);
bool weir_slice_int64(struct weir_slice s, int64_t *out);
// "n[@o]": *offset is -1 without o.
bool weir_hls_byte_range(struct weir_slice s, int64_t *length, int64_t *offset);

// --- hls_vars.c ---

struct weir_variables {
    struct weir_slice *names, *values;
    size_t count, room;
};

struct weir_hls {
    struct weir_presentation *p;
    const struct weir_manifest_input *in;
    struct weir_arena *arena;
    struct weir_error *error;
    struct weir_variables vars;
    const struct weir_variables *parent; // of the multivariant playlist; NULL when there was none
    long line;
};

// An error at the current line.
int weir_hls_fail(struct weir_hls *h, int code, const char *what);
// One EXT-X-DEFINE (4.4.2.3).
int weir_hls_define(struct weir_hls *h, struct weir_slice list);
// Every {$name} of the text must be defined by now (4.3).
int weir_hls_check_references(struct weir_hls *h, struct weir_slice text);
// `text` with its variables replaced, in the arena; NULL (with an error set) when that is not
// possible.
const char *weir_hls_expand(struct weir_hls *h, struct weir_slice text);
// The attribute with its variables replaced; NULL when absent. *err is set on failure, else left
// alone.
const char *weir_hls_attr_text(struct weir_hls *h, struct weir_slice list, const char *name,
                               int *err);

// --- hls_media.c, hls_multivariant.c ---

// What a media playlist says as a whole.
struct weir_hls_media {
    struct weir_segment_index *index;
    const struct weir_init *init;
    struct weir_live_info live;
    int64_t duration_us;
    bool live_now, low_latency;
};

int weir_hls_media_read(struct weir_hls *h, const char *base, struct weir_hls_media *out);
int weir_hls_multivariant_read(struct weir_hls *h);
// hls_dates.c: EXT-X-DATERANGE into the presentation's events; `date_us` (Unix time, NONE unknown)
// is the date of `at_us` on the timeline.
int weir_hls_read_dates(struct weir_hls *h, int64_t date_us, int64_t at_us);

#endif
