// sim/content_build.h — internal to sim/content*.c: a content under construction, and its readers.
// A reader makes the tracks, fills their tables and leaves every check on the values to
// weir_content_build_end(), so that all formats are refused in the same words.
#ifndef WEIR_SIM_CONTENT_BUILD_H
#define WEIR_SIM_CONTENT_BUILD_H

#include "core/arena.h"
#include "sim/content.h"

#define WEIR_CONTENT_MAX_FILE_BYTES    (INT64_C(16) << 20)
#define WEIR_CONTENT_MAX_BPS           INT64_C(1000000000000)
#define WEIR_CONTENT_MAX_SEGMENT_BYTES (INT64_C(1) << 40)
#define WEIR_CONTENT_MAX_DURATION_US   (INT64_C(366) * 86400 * WEIR_SECOND_US)
#define WEIR_CONTENT_MAX_WARNINGS      64

// The tables of one track while they are written; the same memory as the track's.
struct weir_content_tables {
    int64_t *bitrates_bps, *starts_us, *sizes_bytes, *init_bytes, *index_bytes;
    float *vmaf;
};

struct weir_content_build {
    struct weir_content content; // first: what the caller gets is a pointer to it
    struct weir_arena arena;
    const char *where; // what messages call it; while reading only
    struct weir_error *error;
    struct weir_content_tables video, audio;
    const char **warnings;
};

// Give a track its tables, all zero. `fetches`: with init_bytes and index_bytes; `vmaf`: with vmaf.
int weir_content_track_make(struct weir_content_build *b, struct weir_content_track *track,
                            int64_t segments, size_t rungs, bool fetches, bool vmaf);
// The tables of one of the build's own two tracks.
struct weir_content_tables *weir_content_tables(struct weir_content_build *b,
                                                const struct weir_content_track *track);
// Segments of equal length: starts_us[i] = i * duration_us, rounded once.
void weir_content_set_duration(struct weir_content_build *b, struct weir_content_track *track,
                               double duration_us);
// Remember a line for `warnings`; beyond a bound it is dropped.
void weir_content_warn(struct weir_content_build *b, const char *fmt, ...) WEIR_PRINTF(2, 3);
// "segment S, rung R: what", both counted from 0. Returns `code`.
int weir_content_fail(struct weir_content_build *b, int code, int64_t segment, size_t rung,
                      const char *what);
// The end of reading: with `err` 0 check every value, put the rungs in order, compute the hash, and
// hand it over in *out; otherwise, or where that fails, destroy it and return the error.
int weir_content_build_end(struct weir_content_build **b, int err, struct weir_content **out);

int weir_content_build_create(const char *where, struct weir_error *e,
                              struct weir_content_build **out);
void weir_content_build_destroy(struct weir_content_build **b);

// The readers.
int weir_content_read_sabre(struct weir_content_build *b, const json_t *root);
int weir_content_read_weir(struct weir_content_build *b, const json_t *root);
int weir_content_read_pensieve(struct weir_content_build *b, const char *folder);
int weir_content_read_manifest(struct weir_content_build *b, const char *data, size_t size_bytes,
                               const char *path);

// A whole file into memory (malloc'd, NUL-terminated); at most WEIR_CONTENT_MAX_FILE_BYTES.
int weir_content_read_file(const char *path, char **out, size_t *size_bytes, struct weir_error *e);

#endif
