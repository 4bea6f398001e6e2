// manifest/presentation.h — the one model that DASH and HLS are read into:
//     presentation → periods → tracks → representations → segment index.
// Filled by the parsers (mpd, hls), read by the engine, `weir inspect` and the simulator. Plain
// data in the presentation's arena; the segment index is behind functions because it is computed,
// not expanded. Owned by one thread at a time. Strings are UTF-8, NULL where absent. Times are on
// the presentation timeline in microseconds (WEIR_TIME_NONE: unknown); representations keep their
// own ticks inside the index.
#ifndef WEIR_MANIFEST_PRESENTATION_H
#define WEIR_MANIFEST_PRESENTATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/error.h>

#include "core/arena.h"
#include "core/clock.h"

enum weir_protocol {
    WEIR_PROTOCOL_DASH,
    WEIR_PROTOCOL_HLS,
    WEIR_PROTOCOL_FILE, // a plain media file: one period, one rung, one segment
};

enum weir_track_type {
    WEIR_TRACK_VIDEO,
    WEIR_TRACK_AUDIO,
    WEIR_TRACK_TEXT,
    WEIR_TRACK_IMAGE,
};

// Inclusive; first < 0: the whole resource; last < 0: to its end.
struct weir_byte_range {
    int64_t first, last;
};

struct weir_descriptor {
    const char *scheme, *value, *id;
};

struct weir_protection {
    const char *scheme; // as written, e.g. "urn:mpeg:dash:mp4protection:2011", or an HLS KEYFORMAT
    const char *default_kid; // hex as written, or NULL
};

// EXT-X-KEY in force for a segment. `method` NONE is a NULL key.
struct weir_key {
    const char *method; // "AES-128", "SAMPLE-AES", …
    const char *uri;    // absolute where a base is known
    const char *iv;     // "0x…" as written, or NULL: the media sequence number (RFC 8216, 5.2)
    const char *key_format;
};

// Where an initialisation segment is. Compare by pointer: equal pointers are the same init segment.
struct weir_init {
    const char *url; // resolved against the first base URL; other bases through weir_init_url()
    struct weir_byte_range range;
    const struct weir_key *key;
    const char *reference; // as written, before it was resolved; NULL: the base URL itself
};

// What must be fetched and handed to weir_presentation_load_index() before segments are known.
enum weir_index_need {
    WEIR_INDEX_READY,
    WEIR_INDEX_PLAYLIST, // an HLS media playlist at index_url
    WEIR_INDEX_SIDX,     // a `sidx` box at index_url, index_range
    WEIR_INDEX_CUES,     // WebM Cues at index_url, index_range
};

enum weir_muxed {
    WEIR_MUXED_UNKNOWN, // the manifest does not say: look at the media
    WEIR_MUXED_NO,
    WEIR_MUXED_YES, // a video representation that carries the sound too
};

struct weir_segment_index; // opaque: template, timeline, list, sidx, playlist, single, table

struct weir_representation {
    const char *id;
    int64_t bandwidth_bps;         // declared; 0 unknown
    int64_t average_bandwidth_bps; // HLS AVERAGE-BANDWIDTH; 0 unknown
    const char *codecs;            // RFC 6381 list as written
    const char *mime;
    int width, height;                      // 0 unknown
    int64_t frame_rate_num, frame_rate_den; // 0/0 unknown
    int sar_num, sar_den;                   // sample aspect ratio; 0/0 unknown
    int audio_rate, channels;               // 0 unknown
    enum weir_muxed muxed;
    const char *audio_group, *text_group; // HLS: the rendition groups a variant plays with
    const struct weir_init
        *init; // the first one; NULL where media need none (or it is not known yet)
    enum weir_index_need index_need;
    const char *index_url;
    struct weir_byte_range index_range; // first < 0: not an index in a range of its own
    size_t base_count; // alternatives for every URL below this representation; at least 1
    const char *const *service_locations; // base_count entries, NULL where unnamed
    struct weir_segment_index *index;     // NULL until index_need is READY
    void *parser;                         // the parser's own notes for load_index
};

struct weir_track {
    enum weir_track_type type;
    const char *id; // AdaptationSet@id, or an HLS group and name
    const char *lang, *label;
    const char *group_id; // HLS GROUP-ID
    const struct weir_descriptor *roles, *accessibility;
    size_t role_count, accessibility_count;
    bool is_default, autoselect, forced;
    bool trick_mode; // kept out of normal playback
    bool in_band; // carried inside the video representations (HLS rendition without URI): has none
                  // of its own
    const struct weir_protection *protections;
    size_t protection_count;
    struct weir_representation *representations; // in manifest order
    size_t representation_count;
};

struct weir_period {
    const char *id;
    int64_t start_us, duration_us;
    struct weir_track *tracks;
    size_t track_count;
};

struct weir_segment_info {
    int64_t start_us, duration_us;
    int64_t number; // $Number$ or media sequence number; -1 where there is none
    struct weir_byte_range range;
    int64_t size_bytes; // exact where a byte range, sidx or bitrate hint tells; -1 unknown
    const struct weir_init *init;
    const struct weir_key *key; // NULL: clear
    int64_t discontinuity_sequence;
    bool discontinuity; // EXT-X-DISCONTINUITY stood before it
    bool gap;           // listed, never fetched
    bool independent;   // starts with a key frame, as far as the manifest says
    // How media ticks become presentation time. exact: presentation_us = (ticks - offset_ticks) /
    // timescale + origin_us (DASH). Otherwise the first timestamp seen in a discontinuity sequence
    // is pinned to start_us (HLS).
    bool timing_exact;
    int64_t origin_us, offset_ticks, offset_timescale;
    int64_t clip_start_us,
        clip_end_us; // the period's borders: media outside is not shown; NONE = open
};

struct weir_event {
    const char *scheme, *value, *id, *data;
    int64_t start_us, duration_us;
};

struct weir_live_info {
    int64_t availability_start_us; // Unix time, microseconds; NONE unknown
    int64_t publish_time_us;
    int64_t minimum_update_period_us, time_shift_buffer_depth_us, suggested_presentation_delay_us;
    const char *location, *patch_location;
    const struct weir_descriptor *utc_timings;
    size_t utc_timing_count;
    int64_t media_sequence, discontinuity_sequence; // HLS; -1 otherwise
    int64_t target_duration_us, part_target_us;
};

struct weir_service_description {
    int64_t latency_target_us, latency_min_us, latency_max_us; // NONE unset
    double rate_min, rate_max;                                 // 0 unset
};

struct weir_content_steering {
    const char *url, *default_location;
    bool before_start;
};

struct weir_presentation {
    struct weir_arena arena;
    enum weir_protocol protocol;
    const char *url; // base for relative URLs: after redirects
    bool live, low_latency;
    int64_t duration_us, min_buffer_time_us;
    struct weir_period *periods;
    size_t period_count;
    const struct weir_live_info *live_info;         // NULL for vod
    const struct weir_service_description *service; // NULL
    const struct weir_content_steering *steering;   // NULL
    struct weir_event *events;
    size_t event_count;
    const char **warnings; // one line each; bounded, the last then says how many more there were
    size_t warning_count, warning_room;
    size_t warning_total;  // all there were
    char *warning_more;    // the line that counts those beyond the bound
    const void *variables; // HLS: EXT-X-DEFINE of the multivariant playlist, for IMPORT
};

struct weir_manifest_input {
    const uint8_t *data;
    size_t size_bytes;
    const char
        *url; // where it came from, after redirects: base of relative URLs and place of messages
    // A remote manifest may not name file URLs; one read from disk may name its neighbours and
    // remote URLs.
    bool allow_file_urls;
    // Unix time for availability windows of dynamic MPDs; NONE: without a clock (everything
    // declared is listed).
    int64_t wall_clock_us;
};

// Recognise by content (not by name or type) and read an MPD or m3u8. On error *out is NULL and
// `error` says what, where (URL, line) and why: SYNTAX (not a manifest, malformed), TOO_BIG,
// UNSUPPORTED, NOMEM, DENIED.
int weir_presentation_parse(const struct weir_manifest_input *in, struct weir_presentation **out,
                            struct weir_error *error);
// Whether the first bytes look like a manifest (MPD or m3u8) rather than media; needs up to 4096
// bytes.
bool weir_presentation_sniff(const uint8_t *data, size_t size_bytes);
// What a probe found out about a plain media file.
struct weir_file_description {
    int64_t duration_us; // NONE unknown
    bool has_video, has_audio;
    int width, height;
    int64_t bandwidth_bps;
};
// A plain media file at `url` as one period, one representation (muxed where it has both kinds),
// one segment.
int weir_presentation_for_file(const char *url, const struct weir_file_description *file,
                               struct weir_presentation **out);
// One track known by tables alone (the simulator's contents). All is borrowed until the
// presentation's end.
struct weir_table_track {
    enum weir_track_type type;
    size_t rung_count;
    int64_t segment_count;
    const int64_t *bitrates_bps; // [rung]
    const int64_t *starts_us;    // [segment_count + 1]: rising; the last is the end
    const int64_t *sizes_bytes;  // [segment * rung_count + rung]
    // Init segments and indexes are to be fetched before media. Whoever made the presentation sets
    // index_need to READY when one was: there is nothing to parse.
    bool has_init, has_index;
};
// One period of such tracks; no URL in it means anything.
int weir_presentation_for_tables(const char *url, const struct weir_table_track *tracks,
                                 size_t count, struct weir_presentation **out);
// `count` representations that know nothing yet but their bandwidth and what else the caller writes
// into them: one period, one track. For those who have the lists of segments from elsewhere.
int weir_presentation_for_lists(const char *url, size_t count, struct weir_presentation **out);
// A new init segment, that nobody can fetch. NULL when memory runs out.
const struct weir_init *weir_presentation_new_init(struct weir_presentation *p);
struct weir_listed_segment {
    int64_t start_us, duration_us; // starts rise
    int64_t size_bytes;            // -1 unknown
    const struct weir_init *init;
    bool gap;
};
// The representation's segments are these, and it is READY. The list is copied. 0, INVAL, NOMEM.
int weir_presentation_set_list(struct weir_presentation *p, struct weir_representation *r,
                               const struct weir_listed_segment *segments, int64_t count);
// Hand over what index_need asked for: the bytes fetched from index_url[index_range], `in->url` as
// after redirects. `data_offset` is the resource offset of the first byte. On return index_need is
// READY, or names the next thing to fetch (hierarchical sidx). Errors as above; the representation
// is then unusable, the presentation goes on.
int weir_presentation_load_index(struct weir_presentation *p, struct weir_representation *r,
                                 const struct weir_manifest_input *in, int64_t data_offset,
                                 struct weir_error *error);
void weir_presentation_destroy(struct weir_presentation **p);
// Remember a warning; beyond a bound only their number is kept. Never fails.
void weir_presentation_warn(struct weir_presentation *p, const char *fmt, ...) WEIR_PRINTF(2, 3);

// --- the segment index; every function needs index_need == READY. None allocates. ---

// Segments known now; 0 when nothing is available yet.
int64_t weir_index_count(const struct weir_representation *r);
// Segment i in order of time, 0-based. 0 or WEIR_ERR_END.
int weir_index_segment(const struct weir_representation *r, int64_t i,
                       struct weir_segment_info *out);
// The segment that holds `time_us`, else the first after it; -1 past the end.
int64_t weir_index_find(const struct weir_representation *r, int64_t time_us);
// Sizes of the segments as a table, where the index is one and READY; else bytes is NULL. Segment i
// has bytes[i * stride].
struct weir_index_sizes {
    const int64_t *bytes;
    int64_t stride, count;
};
struct weir_index_sizes weir_index_sizes(const struct weir_representation *r);
// Absolute URL of segment i with base URL number `base` (< base_count). Length, or TOO_BIG / END.
int weir_index_url(const struct weir_representation *r, int64_t i, size_t base, char *out,
                   size_t out_size_bytes);
int weir_init_url(const struct weir_representation *r, const struct weir_init *init, size_t base,
                  char *out, size_t out_size_bytes);
// Where index_url lies with another base. For HLS a base is a redundant copy of the variant:
// load_index() with the playlist fetched from there makes it the one that segment URLs resolve
// against.
int weir_index_source_url(const struct weir_representation *r, size_t base, char *out,
                          size_t out_size_bytes);

#endif
