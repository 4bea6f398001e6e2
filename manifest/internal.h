// manifest/internal.h — what the files of manifest/ share among themselves: the shape of a segment
// index, the parser's notes on a representation, warnings. Nothing outside this folder (and its
// unit tests) includes it.
#ifndef WEIR_MANIFEST_INTERNAL_H
#define WEIR_MANIFEST_INTERNAL_H

#include "core/rational.h"
#include "core/url.h"
#include "manifest/presentation.h"

// Bounds on outside data. All chosen by hand: far above anything seen in 649 real manifests, far
// below harm.
#define WEIR_MANIFEST_MAX_BYTES  (16u << 20)
#define WEIR_ARENA_LIMIT_BYTES   (512u << 20)
#define WEIR_MAX_XML_DEPTH       64
#define WEIR_MAX_PERIODS         4096
#define WEIR_MAX_SETS            1024 // per period
#define WEIR_MAX_REPRESENTATIONS 1024 // per set
#define WEIR_MAX_BASES           16   // alternatives after combining levels
#define WEIR_MAX_RUNS            (1 << 20)
#define WEIR_MAX_ENTRIES         (1 << 20) // listed segments, sidx references, cues
#define WEIR_MAX_SIDX_LOADS      1024
#define WEIR_MAX_WARNINGS        64
#define WEIR_MAX_EVENTS          65536
#define WEIR_MAX_VARIABLES       1024
#define WEIR_MAX_TICKS           (INT64_MAX / 8) // longest timeline in ticks: sums of a few cannot overflow
#define WEIR_MAX_SEGMENTS        (INT64_C(1) << 48)

#define WEIR_RANGE_ALL ((struct weir_byte_range){-1, -1})

// A run of equal segments: one `S` element (DASH, 5.3.9.6), never expanded.
struct weir_run {
    int64_t start_ticks, duration_ticks;
    int64_t count;       // segments in this run, the short one included
    int64_t last_ticks;  // duration of the run's last segment
    int64_t first_index; // index of the run's first segment
    int64_t number;      // $Number$ of the run's first segment
};

// A segment whose place is listed one by one: SegmentURL, sidx reference, cue, playlist line.
struct weir_entry {
    const char *url; // as written; NULL: the base URL itself
    struct weir_byte_range range;
    int64_t start_us, duration_us; // sidx, cues, playlist; unused where runs or a duration tell
};

// What only playlists say about a segment, beside its entry.
struct weir_playlist_entry {
    const struct weir_init *init;
    const struct weir_key *key;
    int64_t discontinuity_sequence;
    int64_t size_bytes;
    bool discontinuity, gap;
};

enum weir_timing {
    WEIR_TIMING_SINGLE,   // one segment, the whole period
    WEIR_TIMING_DURATION, // equal segments, computed
    WEIR_TIMING_RUNS,     // a SegmentTimeline
    WEIR_TIMING_ENTRIES,  // each entry has its own
    WEIR_TIMING_TABLE,    // a table of starts, another of sizes
};

struct weir_segment_index {
    enum weir_timing timing;
    const char *template_text; // SegmentTemplate@media, checked; else `entries`, else the base URL
    const char *representation_id;              // for the template
    int64_t bandwidth_bps;                      // for the template
    const struct weir_entry *entries;           // entry_count of them, or NULL
    const struct weir_playlist_entry *playlist; // parallel to entries, or NULL
    int64_t entry_count;
    const struct weir_run *runs;
    size_t run_count;
    const int64_t *table_starts_us;   // one more than segments
    const int64_t *table_sizes_bytes; // of segment i: [i * table_stride]
    int64_t table_stride;
    const struct weir_init *init;
    int64_t skip;  // segments before the first listed (outside the period or the live window)
    int64_t count; // segments listed
    int64_t start_number;   // number of segment 0 before `skip`; -1 none
    int64_t duration_ticks; // of equal segments
    int64_t timescale, offset_ticks;
    int64_t period_start_us, period_end_us; // end NONE: open
    bool independent;                       // every segment starts with a key frame
    bool timing_exact;
};

struct weir_sidx_item; // manifest/sidx.h

// The parser's notes behind weir_representation.parser.
struct weir_source {
    const char *const *bases; // base_count absolute URLs
    size_t base_count;
    // DASH, until and after the index is loaded:
    const char *index_url;       // as first declared, for reports
    const char *index_reference; // the same before resolution; NULL: the base
    struct weir_byte_range index_range;
    int64_t timescale, offset_ticks;
    int64_t period_start_us, period_end_us;
    struct weir_sidx_item *items;
    size_t item_count, load_count;
    struct weir_cue_state *cues;
    // HLS:
    const char *const *playlist_urls; // one per base: redundant variants
    const struct weir_variables *variables;
    struct weir_period *period;
    bool video;
};

// A new empty presentation in an arena of its own; NULL when memory runs out.
struct weir_presentation *weir_presentation_new(enum weir_protocol protocol, const char *url);

// The parsers. `p` is new; on error it is left to the caller to destroy.
int weir_mpd_read(struct weir_presentation *p, const struct weir_manifest_input *in,
                  struct weir_error *error);
int weir_hls_read(struct weir_presentation *p, const struct weir_manifest_input *in,
                  struct weir_error *error);
int weir_hls_load(struct weir_presentation *p, struct weir_representation *r,
                  const struct weir_manifest_input *in, struct weir_error *error);
int weir_sidx_load(struct weir_presentation *p, struct weir_representation *r,
                   const struct weir_manifest_input *in, int64_t data_offset,
                   struct weir_error *error);
int weir_cues_load(struct weir_presentation *p, struct weir_representation *r,
                   const struct weir_manifest_input *in, int64_t data_offset,
                   struct weir_error *error);

// Leave out the segments wholly before the period or behind its end (D 5.3.9.6): sets skip and
// count. Before any other skip is set.
void weir_index_clip(struct weir_segment_index *x);

// WEIR_ERR_DENIED when a manifest from the network names something that is not to be fetched from
// it: only http, https and data URLs are; with allow_file_urls also file URLs and plain paths.
int weir_url_check(const char *url, bool allow_file_urls);

// `ref` against `base`, in the arena; NULL when memory or the URL's room runs out.
const char *weir_url_resolve_in(struct weir_arena *arena, const char *base, const char *ref);

// --- words and numbers (manifest/number.c): no locale, no floating point ---

// Whole text is an integer with optional blanks around it and a sign.
bool weir_parse_int64(const char *s, int64_t *out);
// The first `len` bytes are a decimal number (".5", "9.009", "-3"): in millionths, rounded to
// nearest.
bool weir_parse_micro(const char *s, size_t len, int64_t *out);
// "a-b", "a-" (DASH byte ranges, RFC 7233 2.1 without the unit); inclusive.
bool weir_parse_range(const char *s, struct weir_byte_range *out);
// "30", "30000/1001", "29.97", "30000:1001" as a fraction of positive numbers.
bool weir_parse_ratio(const char *s, int64_t *num, int64_t *den);
// `word` is one of the blank-separated words of `list`.
bool weir_has_word(const char *list, const char *word);

// What a codecs list holds, by the RFC 6381 names known here.
struct weir_codec_kinds {
    bool video, audio, text, unknown;
};
struct weir_codec_kinds weir_codec_kinds(const char *codecs);

#endif
