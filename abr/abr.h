// abr/abr.h — choosing the next rung: one ops table, an observation in, a decision out. Algorithms
// are pure functions of the observation and their own small state: no clock, no I/O, no allocation
// after create, no randomness without a seed. Only + - * / sqrt and core/detmath.h, so that
// decisions are equal on every machine.
#ifndef WEIR_ABR_H
#define WEIR_ABR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/error.h>

#include "core/clock.h"

struct weir_rung {
    int64_t bitrate_bps; // declared
    int width, height;   // 0 unknown
};

// The rungs of a track, by rising bitrate; index 0 is the lowest.
struct weir_ladder {
    const struct weir_rung *rungs;
    size_t count;
};

#define WEIR_RUNG_NONE SIZE_MAX

// One finished media transfer, or one closed interval of several at once.
struct weir_throughput_sample {
    int64_t bytes;
    int64_t duration_us; // first byte to last; > 0
    int64_t latency_us;  // request to first byte
};

// What the engine knows at a decision. Valid during the call only.
struct weir_abr_observation {
    const struct weir_ladder *ladder;
    int64_t now_us;
    int64_t buffer_level_us; // media ahead of the playhead, this track
    int64_t buffer_max_us;   // capacity
    int64_t
        segment_index; // of the segment to choose for, counted from the start of the presentation
    int64_t segment_count; // in the presentation; -1 unknown
    int64_t segment_duration_us;
    int64_t since_start_us; // media from the first or last-sought position to this segment's start
    int64_t until_end_us;   // media from this segment's start to the end; WEIR_TIME_NONE unknown
    size_t last_rung;       // of the segment before; WEIR_RUNG_NONE before the first
    bool starting;          // playback has not begun (start-up, or after a seek)
    bool stalled;
    // Of all media transfers so far; 0 before the first sample. throughput_bps is the cautious one
    // of a fast (3 s) and a slow (8 s) EWMA weighted by transfer time (reference 1.2), latency_us
    // likewise the larger.
    int64_t throughput_bps, latency_us;
    struct weir_throughput_sample last_sample; // duration_us 0 before the first
    // True size in bytes of the segment `ahead` places after the one to choose for (0: that one),
    // -1 unknown.
    int64_t (*size_bytes)(const void *ctx, int64_t ahead, size_t rung);
    const void *size_ctx;
};

struct weir_abr_decision {
    size_t rung;
    int64_t wait_us;    // > 0: do not fetch yet; ask again after this long (or when the buffer has
                        // fallen so far)
    const char *reason; // static string, for the decision event
};

// A media transfer in progress.
struct weir_abr_transfer {
    size_t rung;
    int64_t size_bytes; // total: exact, declared by the response, or guessed
    int64_t done_bytes;
    int64_t elapsed_us;          // since the request
    int64_t since_first_byte_us; // 0 before the first byte
};

// The earliest progress at which the algorithm could want to abandon: the host need not ask before
// done_bytes AND elapsed_us are both reached. abandon true: now, and fetch `rung` instead.
struct weir_abr_watch {
    bool abandon;
    size_t rung;
    int64_t done_bytes, elapsed_us; // INT64_MAX: never
};

struct weir_abr_option {
    const char *key, *value;
};
struct weir_abr_options {
    const struct weir_abr_option *items;
    size_t count;
    uint64_t seed; // for algorithms that draw lots and were given no seed=
};

struct weir_abr;

struct weir_abr_ops {
    const char *name;        // as in --abr NAME
    const char *summary;     // one line with the source: paper, section
    const char *params_help; // "key=default: meaning; …"; "" for none
    size_t state_bytes;
    // Parse key=value pairs (count may be 0) into zeroed state; 0, or INVAL with error.
    int (*create)(void *state, const struct weir_abr_options *options, struct weir_error *error);
    void (*reset)(void *state); // a new session or a seek: forget history, keep parameters
    struct weir_abr_decision (*decide)(void *state, const struct weir_abr_observation *o);
    void (*sampled)(void *state, const struct weir_abr_observation *o,
                    const struct weir_throughput_sample *s); // may be NULL
    struct weir_abr_watch (*watch)(void *state, const struct weir_abr_observation *o,
                                   const struct weir_abr_transfer *t); // may be NULL
    void (*abandoned)(void *state, const struct weir_abr_observation *o,
                      size_t to_rung); // may be NULL
};

// "NAME[:key=value,…]"; WEIR_ERR_INVAL names the unknown name or key and lists what there is.
int weir_abr_create(const char *spec, uint64_t seed, struct weir_abr **out,
                    struct weir_error *error);
void weir_abr_destroy(struct weir_abr **a);
const struct weir_abr_ops *weir_abr_ops(const struct weir_abr *a);
const char *weir_abr_spec(const struct weir_abr *a); // as created
// Calls through, and contains nonsense: a rung beyond the ladder is clamped, wait_us is bounded.
struct weir_abr_decision weir_abr_decide(struct weir_abr *a, const struct weir_abr_observation *o);
void weir_abr_sampled(struct weir_abr *a, const struct weir_abr_observation *o,
                      const struct weir_throughput_sample *s);
struct weir_abr_watch weir_abr_watch(struct weir_abr *a, const struct weir_abr_observation *o,
                                     const struct weir_abr_transfer *t);
void weir_abr_abandoned(struct weir_abr *a, const struct weir_abr_observation *o, size_t to_rung);
void weir_abr_reset(struct weir_abr *a);
// The registry, NULL-terminated, in order of name.
const struct weir_abr_ops *const *weir_abr_registry(void);

#endif
