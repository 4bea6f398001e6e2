// sim/live_internal.h — shared by sim/live*.c: manifests that were read, and the list of segments
// with their times.
#ifndef WEIR_SIM_LIVE_INTERNAL_H
#define WEIR_SIM_LIVE_INTERNAL_H

#include <libxml/tree.h>

#include "manifest/presentation.h"
#include "sim/live.h"
#include "sim/textbuf.h"

#define WEIR_LIVE_MAX_MANIFESTS      1000
#define WEIR_LIVE_MAX_MANIFEST_BYTES (16 << 20)
#define WEIR_LIVE_MAX_SEGMENTS       1000000

// A segment of a manifest, in its own time.
struct weir_live_gate {
    char *path; // decoded, with its leading slash
    size_t manifest;
    int64_t start_us, end_us;
};

struct weir_live_hls;

struct weir_live_manifest {
    char *path; // with its leading slash
    char *data; // the file, NUL-terminated
    size_t size_bytes;
    int64_t duration_us; // of one round; 0: an HLS multivariant playlist, which stays as it is
    int64_t longest_us;  // segment
    int64_t chunk_us;    // ll: of a segment's first chunk; 0: whole segments alone
    size_t group;        // HLS: manifests of one group share their duration
    char *refused;       // why it cannot be live; NULL: it can
    // DASH:
    xmlDoc *doc;
    struct weir_presentation *presentation;
    // HLS:
    struct weir_live_hls *hls;
};

struct weir_live {
    char *root;
    struct weir_live_spec spec;
    int64_t epoch_us; // Unix time of media time 0
    struct weir_live_manifest *manifests;
    size_t manifest_count;
    struct weir_live_gate *gates; // by path, then manifest
    size_t gate_count, gate_room;
};

// What a manifest is rendered for.
struct weir_live_view {
    int64_t at_us;     // media time of now, over all rounds
    int64_t window_us; // of this manifest
    int64_t epoch_us, now_us;
    bool loop;
    const char *origin;
};

// One round of the manifest is behind the path component "~K" (none for round 0).
int weir_live_add_gate(struct weir_live *l, size_t manifest, const char *url, int64_t start_us,
                       int64_t end_us);
// Its URL while it is read; segments elsewhere are not ours.
int weir_live_url(const char *path, char *out, size_t out_size_bytes);
// The decoded path of a URL on this server, else false.
bool weir_live_url_path(const char *url, char *out, size_t out_size_bytes);
void weir_live_refuse(struct weir_live_manifest *m, const char *why);

// Read manifest number `i`: gates, duration, longest segment; or its `refused`. 0, or NOMEM,
// TOO_BIG.
int weir_live_dash_read(struct weir_live *l, size_t i);
int weir_live_hls_read(struct weir_live *l, size_t i);
// The manifest at a time. END: nothing is there yet.
int weir_live_dash_render(const struct weir_live_manifest *m, const struct weir_live_view *v,
                          struct weir_textbuf *out);
int weir_live_hls_render(const struct weir_live_manifest *m, const struct weir_live_view *v,
                         struct weir_textbuf *out);
void weir_live_hls_destroy(struct weir_live_hls **h);
// HLS: the path of a playlist that a multivariant one names, number n; false beyond the last.
bool weir_live_hls_names(const struct weir_live_manifest *m, size_t n, char *out,
                         size_t out_size_bytes);

#endif
