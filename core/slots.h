// core/slots.h — equal ranges of reserved address space whose pages are committed as they are
// touched: the ground under segment slots and frame slots. memfd-backed, so that another process
// can map them later. All functions are thread-safe (one lock; taken once per segment or frame,
// never per packet).
//
// A range that was given back keeps its pages until trimmed, so that steady state neither allocates
// nor faults. Acquire picks, among free ranges, the best fit by committed size (segments) or the
// most recently used (frames). Free ranges are poisoned under ASan and valgrind.
//
// The limit of the budget is never passed: room is reserved before pages are touched. When it is
// short, a pool trims its own free slots, then asks the budget's other pools to trim theirs.
//
// Built with the CMake option WEIR_MALLOC_SLOTS, every acquire takes a heap block of
// min(range_bytes, 32 MiB) and every release frees it, so that ASan and valgrind find uses after
// release at once. Ranges are then at most 32 MiB and nothing is kept for reuse.
#ifndef WEIR_CORE_SLOTS_H
#define WEIR_CORE_SLOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/error.h>

#include "core/budget.h"

struct weir_slots;

enum weir_slots_order {
    WEIR_SLOTS_BEST_FIT, // smallest committed size that holds the hint, else the largest
    WEIR_SLOTS_LIFO,     // most recently released first: its pages are in the cache
};

struct weir_slots_params {
    size_t range_bytes; // reserved per slot; rounded up to pages
    size_t max_slots;   // acquire fails beyond this many in use
    size_t premapped;   // ranges mapped at creation; mapping one later is a counted miss
    enum weir_slots_order order;
    size_t expected_in_use; // acquires beyond this many in use at once are counted misses, too; 0:
                            // no such bound
    struct weir_budget *budget; // borrowed, required
    const char *name;           // for /proc/self/maps and messages
};

struct weir_slots_stats {
    int64_t hits, misses; // acquires served by a mapped range / that had to map one or exceeded
                          // expected_in_use
    int64_t in_use, mapped;
    int64_t committed_bytes, in_use_bytes;
    int64_t trims;
    int64_t lifetime_us_sum; // of released slots, for the mean
    int64_t released;
};

struct weir_slot {
    uint8_t *data;
    size_t range_bytes;
    size_t committed_bytes; // pages known to be touched from the start of the range; grows by
                            // weir_slots_commit
    size_t index;           // within the pool
};

// Returns 0, WEIR_ERR_INVAL, or WEIR_ERR_NOMEM (address space or memfd refused).
int weir_slots_create(const struct weir_slots_params *params, struct weir_slots **out);
// Every slot must have been released. Accepts a pointer to NULL.
void weir_slots_destroy(struct weir_slots **s);
// A slot with at least `hint_bytes` likely to be needed (0 unknown); NULL when max_slots are in use
// or the address space is gone. The caller owns it until weir_slots_release.
struct weir_slot *weir_slots_acquire(struct weir_slots *s, size_t hint_bytes);
// Declare that bytes [0, used_bytes) are about to be touched: accounts them with the budget. Free
// slots are trimmed least recently used first when the limit is near. WEIR_ERR_LIMIT when the limit
// would be passed all the same, WEIR_ERR_TOO_BIG when used_bytes > range_bytes. One caller per slot
// at a time.
int weir_slots_commit(struct weir_slots *s, struct weir_slot *slot, size_t used_bytes);
// Give pages beyond `used_bytes` back to the system at once (after a short segment in a large
// slot).
void weir_slots_shrink(struct weir_slots *s, struct weir_slot *slot, size_t used_bytes);
void weir_slots_release(struct weir_slots *s, struct weir_slot *slot);
// Return the pages of free slots, least recently used first, until at most `keep_bytes` are held
// free.
void weir_slots_trim(struct weir_slots *s, int64_t keep_bytes);
struct weir_slots_stats weir_slots_stats(struct weir_slots *s);
// Whether [p, p+size) lies inside one of the pool's ranges: the zero-copy test asks this of packets
// and frames.
bool weir_slots_contains(struct weir_slots *s, const void *p, size_t size_bytes);

#endif
