// core/segment.h — a segment's bytes: written once by the transport, read by everyone else in
// place.
//
// One writer appends; any number of readers hold references. Bytes below the published length are
// constant. The writer publishes the length with release order, readers acquire it. When the last
// reference goes the slot returns to its pool.
#ifndef WEIR_CORE_SEGMENT_H
#define WEIR_CORE_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/budget.h"
#include "core/slots.h"
#include "core/wake.h"

// Readers may touch this many bytes beyond the last one they use: decoders over-read
// (AV_INPUT_BUFFER_PADDING_SIZE). A sample is handed on once they have arrived or the segment is
// complete; weir_segment_finish() zeroes them.
#define WEIR_SEGMENT_PADDING_BYTES 64

enum weir_segment_state {
    WEIR_SEGMENT_OPEN,     // more bytes may come
    WEIR_SEGMENT_COMPLETE, // all bytes are here
    WEIR_SEGMENT_FAILED,   // no more bytes will come, and some are missing
};

struct weir_segment_pool;
struct weir_segment;

struct weir_segment_pool_params {
    size_t range_bytes;                // 0: 256 MiB (64 bit) or 8 MiB (32 bit)
    size_t max_segments;               // 0: 1024
    size_t premapped;                  // 0: 32
    struct weir_budget *budget;        // borrowed, required
    struct weir_copy_counters *copies; // borrowed, may be NULL
};

int weir_segment_pool_create(const struct weir_segment_pool_params *params,
                             struct weir_segment_pool **out);
void weir_segment_pool_destroy(
    struct weir_segment_pool **p); // every segment must have been unreferenced
struct weir_slots *weir_segment_pool_slots(struct weir_segment_pool *p);

// A new segment with one reference; `hint_bytes` is the size expected (0 unknown). NULL when the
// pool is exhausted.
struct weir_segment *weir_segment_create(struct weir_segment_pool *p, size_t hint_bytes);
// A complete segment over caller memory (a mapped file): no slot, no copy, not in the budget.
// `release(ctx)` runs when the last reference goes. At least WEIR_SEGMENT_PADDING_BYTES beyond
// size_bytes must be readable.
struct weir_segment *weir_segment_wrap(struct weir_segment_pool *p, const uint8_t *data,
                                       size_t size_bytes, void (*release)(void *ctx), void *ctx);
struct weir_segment *weir_segment_ref(struct weir_segment *s); // never fails; returns s
void weir_segment_unref(struct weir_segment **s);              // sets *s to NULL; *s may be NULL

// Writer only. Copies `size_bytes` behind what is there, counts them as net bytes, publishes, wakes
// the watcher. 0, WEIR_ERR_TOO_BIG (larger than the slot), WEIR_ERR_LIMIT (memory limit).
int weir_segment_append(struct weir_segment *s, const void *data, size_t size_bytes);
// Writer only. No more bytes: COMPLETE or FAILED. Zeroes the padding, shrinks the slot, wakes the
// watcher.
void weir_segment_finish(struct weir_segment *s, enum weir_segment_state state);

const uint8_t *weir_segment_data(const struct weir_segment *s);
size_t weir_segment_length(const struct weir_segment *s); // published bytes (acquire)
// Read the state before the length: then COMPLETE/FAILED means that the length is final.
enum weir_segment_state weir_segment_state(const struct weir_segment *s);
// Have `wake` signalled at every append and finish, until replaced; NULL for none. Writer's thread,
// before bytes flow. (Safe at any time from any thread: what has arrived before is signalled at
// once, and when the call returns, a replaced wake is not touched again.) Up to two watchers (a
// muxed segment feeds two streams): `which` is 0 or 1.
void weir_segment_watch(struct weir_segment *s, int which, struct weir_wake *wake);

#endif
