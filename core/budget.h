// core/budget.h — one account of the memory held by segment and frame slots, shared by their pools.
// Thread-safe: atomics, figures are a moment's values; one lock for the list of reclaimers.
#ifndef WEIR_CORE_BUDGET_H
#define WEIR_CORE_BUDGET_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/error.h>

#define WEIR_BUDGET_MAX_RECLAIMERS 24 // segments, and the frame store's pools

// A pool that can give memory back. `reclaim` frees at least `need_bytes` if it can; it must not
// call weir_budget_reserve, weir_budget_reclaim or the (un)registration.
struct weir_budget_reclaimer {
    void (*reclaim)(void *ctx, int64_t need_bytes);
    void *ctx; // also the key to unregister by
};

struct weir_budget {
    _Atomic int64_t held_bytes;       // committed pages of all slots, in use or kept for reuse
    _Atomic int64_t high_water_bytes; // the most held_bytes ever was
    int64_t limit_bytes;              // 0 = none; set once before use
    pthread_mutex_t lock; // Protected by lock from here down. Taken before any pool's lock.
    struct weir_budget_reclaimer reclaimers[WEIR_BUDGET_MAX_RECLAIMERS];
    size_t reclaimer_count;
};

// What the session reports as "copied_bytes": media bytes copied, by stage.
struct weir_copy_counters {
    _Atomic int64_t net_bytes, demux_bytes, decode_bytes, render_bytes;
};

void weir_budget_init(struct weir_budget *b, int64_t limit_bytes);
void weir_budget_add(struct weir_budget *b,
                     int64_t delta_bytes); // may be negative; tracks the high water
int64_t
weir_budget_room_bytes(const struct weir_budget *b); // INT64_MAX without a limit; never negative
// Account `bytes` (>= 0) if they fit below the limit; false, and nothing changed, if they do not.
// Callers reserve before they touch memory, so the limit is never passed.
bool weir_budget_reserve(struct weir_budget *b, int64_t bytes);
// Ask every reclaimer in turn, until room for `need_bytes` is there. Call it with no pool's lock
// held.
void weir_budget_reclaim(struct weir_budget *b, int64_t need_bytes);
int weir_budget_register(struct weir_budget *b,
                         struct weir_budget_reclaimer r); // 0 or WEIR_ERR_LIMIT: list full
// After it returns, the reclaimer with this ctx is not called any more.
void weir_budget_unregister(struct weir_budget *b, const void *ctx);
void weir_budget_clear(struct weir_budget *b);

#endif
