// core/budget.h — one account of the memory held by segment and frame slots, shared by their pools.
// Thread-safe: plain atomics, figures are a moment's values.
#ifndef WEIR_CORE_BUDGET_H
#define WEIR_CORE_BUDGET_H

#include <stdatomic.h>
#include <stdint.h>

struct weir_budget {
    _Atomic int64_t held_bytes;       // committed pages of all slots, in use or kept for reuse
    _Atomic int64_t high_water_bytes; // the most held_bytes ever was
    int64_t limit_bytes;              // 0 = none; set once before use
};

// What the session reports as "copied_bytes": media bytes copied, by stage.
struct weir_copy_counters {
    _Atomic int64_t net_bytes, demux_bytes, decode_bytes, render_bytes;
};

void weir_budget_init(struct weir_budget *b, int64_t limit_bytes);
void weir_budget_add(struct weir_budget *b, int64_t delta_bytes); // may be negative; tracks the high water
int64_t weir_budget_room_bytes(const struct weir_budget *b);      // INT64_MAX without a limit; never negative

#endif
