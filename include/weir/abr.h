// weir/abr.h — choosing the next rung: the interface of the algorithms, those of Weir and those of
// others (plug-ins: `--abr ./mine.so`, examples/abr_plugin.c). One table of functions: an
// observation goes in, a decision comes out.
//
// An algorithm is a pure function of what it is shown and its own small state: no clock, no I/O, no
// thread, no allocation after create, no randomness without options->seed. Every call of one
// instance comes from one thread at a time; instances are independent. Times are microseconds,
// sizes bytes, rates bits per second. Pointers given to a call are valid during that call only.
#ifndef WEIR_ABR_PUBLIC_H
#define WEIR_ABR_PUBLIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/error.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Changes when a plug-in made for another number could not work. */
#define WEIR_ABR_INTERFACE 1

/** No rung: e.g. the last one before the first segment. */
#define WEIR_ABR_NO_RUNG SIZE_MAX
/** A time that is not known. */
#define WEIR_ABR_NO_TIME INT64_MIN

struct weir_rung {
    int64_t bitrate_bps; ///< declared
    int width, height;   ///< 0 unknown
};

/** The rungs of a track, by rising bitrate; index 0 is the lowest. count >= 1. */
struct weir_ladder {
    const struct weir_rung *rungs;
    size_t count;
};

/** One finished media transfer, or one closed interval of several at once. */
struct weir_throughput_sample {
    int64_t bytes;
    int64_t duration_us; ///< first byte to last; > 0
    int64_t latency_us;  ///< request to first byte
};

/** What the engine knows when it asks. */
struct weir_abr_observation {
    const struct weir_ladder *ladder;
    int64_t now_us;
    int64_t buffer_level_us; ///< media ahead of the playhead, this track
    int64_t buffer_max_us;   ///< capacity
    int64_t segment_index;   ///< of the segment to choose for, from the presentation's start
    int64_t segment_count;   ///< in the presentation; -1 unknown
    int64_t segment_duration_us;
    int64_t since_start_us; ///< media from the first or last-sought position to this segment
    int64_t until_end_us; ///< media from this segment's start to the end; WEIR_ABR_NO_TIME unknown
    size_t last_rung;     ///< of the segment before; WEIR_ABR_NO_RUNG before the first
    bool starting;        ///< playback has not begun (start-up, or after a seek)
    bool stalled;
    /**
     * Of all media transfers so far; 0 before the first sample. throughput_bps is the cautious one
     * of a fast (3 s) and a slow (8 s) EWMA weighted by transfer time, latency_us likewise the
     * larger one.
     */
    int64_t throughput_bps, latency_us;
    struct weir_throughput_sample last_sample; ///< duration_us 0 before the first
    /** How long this decision was held back because the buffer was full; 0: not at all. */
    int64_t full_wait_us;
    /**
     * True size in bytes of the segment `ahead` places after the one to choose for (0: that one),
     * -1 unknown or beyond the end.
     */
    int64_t (*size_bytes)(const void *ctx, int64_t ahead, size_t rung);
    const void *size_ctx;
    /**
     * The same as a table where the engine has one, else NULL: sizes[ahead * ladder->count + rung]
     * for ahead < size_rows. Use weir_abr_size().
     */
    const int64_t *sizes;
    int64_t size_rows;
    /**
     * Simulator only, else NULL: when a transfer of `bytes`, asked for at `at_us` >= now_us with
     * nothing else on the line, would be complete. For yardsticks that know the future.
     */
    int64_t (*oracle_done_us)(const void *ctx, int64_t at_us, int64_t bytes);
    const void *oracle_ctx;
};

/** The size of a segment to come (see size_bytes), by the quickest way there is. */
static inline int64_t weir_abr_size(const struct weir_abr_observation *o, int64_t ahead,
                                    size_t rung)
{
    if (o->sizes)
        return ahead < o->size_rows ? o->sizes[ahead * (int64_t)o->ladder->count + (int64_t)rung]
                                    : -1;
    return o->size_bytes ? o->size_bytes(o->size_ctx, ahead, rung) : -1;
}

struct weir_abr_decision {
    size_t rung;
    /** > 0: do not fetch yet; ask again when the buffer has fallen by so much. */
    int64_t wait_us;
    /** With wait_us: fetch `rung` when the wait is over, without asking again. */
    bool committed;
    const char *reason; ///< static string, for the decision event; may be NULL
};

/** A segment that is complete. */
struct weir_abr_fetched {
    size_t rung;
    int64_t bytes;
    int64_t elapsed_us; ///< request to last byte
};

/** A media transfer in progress. */
struct weir_abr_transfer {
    size_t rung;
    int64_t size_bytes; ///< total: exact, declared by the response, or guessed
    int64_t done_bytes;
    int64_t elapsed_us;          ///< since the request
    int64_t since_first_byte_us; ///< 0 before the first byte
};

/**
 * The earliest progress at which the algorithm could want to abandon: it is not asked before
 * done_bytes AND elapsed_us are both reached. INT64_MAX: never. abandon true: now, and fetch `rung`
 * (lower than the transfer's) instead.
 */
struct weir_abr_watch {
    bool abandon;
    size_t rung;
    int64_t done_bytes, elapsed_us;
};

struct weir_abr_option {
    const char *key, *value;
};
struct weir_abr_options {
    const struct weir_abr_option *items;
    size_t count;
    uint64_t seed; ///< for algorithms that draw lots and were given no seed=
};

struct weir_abr_ops {
    const char *name;        ///< as in --abr NAME
    const char *summary;     ///< one line with the source: paper, section
    const char *params_help; ///< "key=default: meaning; …"; "" for none
    size_t state_bytes;      ///< of the state that every call gets; allocated and zeroed by Weir
    /**
     * Read key=value pairs (count may be 0) into the zeroed state; 0, or WEIR_ERR_INVAL with
     * error->what and error->hint filled in. `error` is never NULL and may be written directly.
     */
    int (*create)(void *state, const struct weir_abr_options *options, struct weir_error *error);
    /** A new session, or a seek: forget history, keep parameters. */
    void (*reset)(void *state);
    struct weir_abr_decision (*decide)(void *state, const struct weir_abr_observation *o);
    /**
     * A segment of this track is complete and counts in o->buffer_level_us. Called before the
     * sampled() of the same transfer. May be NULL.
     */
    void (*fetched)(void *state, const struct weir_abr_observation *o,
                    const struct weir_abr_fetched *f);
    /** A sample was taken; o's estimates include it; o tells no sizes. May be NULL. */
    void (*sampled)(void *state, const struct weir_abr_observation *o,
                    const struct weir_throughput_sample *s);
    /** May be NULL: never abandons. */
    struct weir_abr_watch (*watch)(void *state, const struct weir_abr_observation *o,
                                   const struct weir_abr_transfer *t);
    /** A transfer was given up for `to_rung`. May be NULL. */
    void (*abandoned)(void *state, const struct weir_abr_observation *o, size_t to_rung);
    /** Frees what create() took beyond the state. May be NULL. */
    void (*destroy)(void *state);
};

/** What a plug-in's function `weir_abr_plugin` returns; static storage. */
struct weir_abr_plugin {
    int interface;   ///< WEIR_ABR_INTERFACE
    size_t ops_size; ///< sizeof(struct weir_abr_ops)
    const struct weir_abr_ops *ops;
};
/** A plug-in defines it, with C linkage and default visibility. */
typedef const struct weir_abr_plugin *weir_abr_plugin_fn(void);

#ifdef __cplusplus
}
#endif
#endif
