// sim/content.h — what the model host plays: how much every segment of every rung weighs, in one
// [segment][rung] table, with what else a session needs to know. Read from a manifest, a Sabre
// movie, Pensieve's files or weir.content/1; written by `weir content make`. Immutable once read,
// so any number of threads may use it.
#ifndef WEIR_SIM_CONTENT_H
#define WEIR_SIM_CONTENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include <weir/error.h>

#include "core/clock.h"
#include "net/transport.h"

// Bounds on what is read. Beyond them: WEIR_ERR_TOO_BIG.
#define WEIR_CONTENT_MAX_SEGMENTS 200000
#define WEIR_CONTENT_MAX_RUNGS    128

enum weir_content_format {
    WEIR_CONTENT_SABRE,    // a movie JSON
    WEIR_CONTENT_PENSIEVE, // a folder of video_size_N files (vmaf/ beside them where there is one)
    WEIR_CONTENT_WEIR,     // weir.content/1
    WEIR_CONTENT_MANIFEST, // an MPD or playlist
};

// One track. Rungs by rising bitrate.
struct weir_content_track {
    size_t rung_count; // 0: no such track
    int64_t segment_count;
    const int64_t *bitrates_bps; // [rung], declared
    const int64_t *starts_us;    // [segment_count + 1]: where each begins; the last is the end
    const int64_t *sizes_bytes;  // [segment * rung_count + rung], > 0
    const float *vmaf;           // same shape, 0 to 100; NULL where unknown
    const int64_t *init_bytes;   // [rung]; NULL: none are fetched
    const int64_t *index_bytes;  // [rung]: sidx or media playlist; NULL: none are fetched
};

struct weir_content {
    enum weir_content_format format;
    const char *name;                // as given: the path or URL
    int64_t manifest_bytes;          // 0: none is fetched
    struct weir_content_track video; // the ladder; always there
    struct weir_content_track audio; // one rung or more, or none
    const char *const *warnings;     // e.g. sizes that were guessed
    size_t warning_count;
    uint64_t hash; // of the tables above: equal contents have equal hashes
};

// Read a content, recognised by what it holds. `path`: a file or folder (for a manifest: of the
// local file system; nothing is fetched over the network). On failure *out is NULL and `e` says
// what is wrong where. The caller owns *out.
int weir_content_load(const char *path, struct weir_content **out, struct weir_error *e);
// The same from memory, JSON only (a Sabre movie, weir.content/1).
int weir_content_parse(const char *data, size_t size_bytes, const char *where,
                       struct weir_content **out, struct weir_error *e);
void weir_content_destroy(struct weir_content **c); // accepts a pointer to NULL

// Record a real presentation: an MPD or playlist at `url` (http, https, file URL or path), with the
// sizes of its manifest, init segments, indexes and every segment, which are asked for where the
// manifest does not tell. Blocks.
struct weir_content_record_params {
    const struct weir_curl_params *net;                       // NULL: defaults
    int jobs;                                                 // requests at once; 0: 6, at most 16
    void (*progress)(void *ctx, int64_t done, int64_t total); // may be NULL
    void *ctx;
};
// `params` NULL: defaults.
int weir_content_record(const char *url, const struct weir_content_record_params *params,
                        struct weir_content **out, struct weir_error *e);

// weir.content/1; a new reference, NULL when memory runs out.
json_t *weir_content_json(const struct weir_content *c);

#endif
