// sim/live.h — a VOD package made live: which manifest to answer at a time, and whether a segment
// is there yet. Pure but for reading the folder once: times come in, texts and verdicts go out.
// Used by `weir serve --live`; tests set the time.
//
// Media time 0 happens at one moment of wall-clock time (the epoch). A segment is there once it is
// over (with ll: once its first chunk is), manifests list a window that ends now. At the end the
// content begins again, as further periods (DASH) or behind a discontinuity (HLS), and its segments
// have other URLs then: round K is below a path component "~K", which names nothing on disk.
#ifndef WEIR_SIM_LIVE_H
#define WEIR_SIM_LIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/error.h>

#include "core/clock.h"

struct weir_live_spec {
    int64_t window_us; // how long segments stay listed; default 30 s, at least three segments
    int64_t start_us;  // media that is there at the beginning; NONE (default): three segments
    bool loop;         // begin again at the end (default), or end
    bool low_latency;  // DASH: segments are there chunk by chunk
};

// "on" (defaults alone), or key=value pairs with commas between: window=S, start=S, loop=on|off,
// ll=on|off. WEIR_ERR_INVAL with `e` (may be NULL) naming the part at fault.
int weir_live_parse(const char *text, struct weir_live_spec *out, struct weir_error *e);

struct weir_live;

// Read every .mpd and .m3u8 below `root` (from realpath()). The broadcast begins at the Unix time
// `begin_us`. A manifest that cannot be made live is refused by itself; NOT_FOUND where none can.
int weir_live_create(const char *root, const struct weir_live_spec *spec, int64_t begin_us,
                     struct weir_live **out, struct weir_error *e);
void weir_live_destroy(struct weir_live **l);
// Why manifest number i is not live, a line each; NULL beyond the last.
const char *weir_live_refused(const struct weir_live *l, size_t i);

enum weir_live_verdict {
    WEIR_LIVE_FILE,     // as it is on disk, at `path`
    WEIR_LIVE_MANIFEST, // `text`
    WEIR_LIVE_EARLY,    // not there yet
    WEIR_LIVE_GONE,     // left the window long ago
    WEIR_LIVE_REFUSED,  // a manifest that cannot be made live
    WEIR_LIVE_PARTLY,   // at `path`, chunk by chunk (weir_live_chunks): still being made
};

struct weir_live_answer {
    enum weir_live_verdict verdict;
    char path[4096]; // on disk, relative to the root
    char *text;      // the caller frees it; NULL without one
    size_t text_bytes;
    int64_t begin_us, duration_us; // PARTLY: of the segment, begin as Unix time
};

// What the decoded URL path gets at `now_us` (Unix time). `origin` ("http://host:port") is what
// this server is called, for the manifest's UTCTiming. 0, or NOMEM.
int weir_live_answer(const struct weir_live *l, const char *path, const char *origin,
                     int64_t now_us, struct weir_live_answer *out);

// Where the CMAF chunks of a segment end: moof and mdat together, whatever stands before with the
// first. Ends into ends[max]; returns how many; the last is the file's size. 1 for what is not
// chunked.
size_t weir_live_chunks(int fd, int64_t size_bytes, int64_t *ends, size_t max);

// "2026-11-20T19:00:00.123Z"
void weir_live_iso8601(int64_t unix_us, char out[32]);

#endif
