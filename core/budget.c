// core/budget.c — the account of pool memory (see budget.h). Reserving is a compare-exchange
// against the limit, done before pages are touched; giving back is subtracted after the pages are
// gone. So the figure never lies low.
#include "core/budget.h"

#include <weir/error.h>

void weir_budget_init(struct weir_budget *b, int64_t limit_bytes)
{
    atomic_init(&b->held_bytes, 0);
    atomic_init(&b->high_water_bytes, 0);
    b->limit_bytes = limit_bytes > 0 ? limit_bytes : 0;
    pthread_mutex_init(&b->lock, NULL); // cannot fail with default attributes
    b->reclaimer_count = 0;
}

void weir_budget_clear(struct weir_budget *b)
{
    pthread_mutex_destroy(&b->lock);
}

static void raise_high_water(struct weir_budget *b, int64_t held)
{
    int64_t seen = atomic_load_explicit(&b->high_water_bytes, memory_order_relaxed);
    while (held > seen &&
           !atomic_compare_exchange_weak_explicit(&b->high_water_bytes, &seen, held,
                                                  memory_order_relaxed, memory_order_relaxed)) {
    }
}

void weir_budget_add(struct weir_budget *b, int64_t delta_bytes)
{
    int64_t before = atomic_fetch_add_explicit(&b->held_bytes, delta_bytes, memory_order_acq_rel);
    raise_high_water(b, before + delta_bytes);
}

bool weir_budget_reserve(struct weir_budget *b, int64_t bytes)
{
    int64_t held = atomic_load_explicit(&b->held_bytes, memory_order_relaxed);
    do {
        if (b->limit_bytes > 0 && bytes > b->limit_bytes - held)
            return false;
    } while (!atomic_compare_exchange_weak_explicit(&b->held_bytes, &held, held + bytes,
                                                    memory_order_acq_rel, memory_order_relaxed));
    raise_high_water(b, held + bytes);
    return true;
}

int64_t weir_budget_room_bytes(const struct weir_budget *b)
{
    if (b->limit_bytes == 0)
        return INT64_MAX;
    int64_t room = b->limit_bytes - atomic_load_explicit(&b->held_bytes, memory_order_relaxed);
    return room > 0 ? room : 0;
}

void weir_budget_reclaim(struct weir_budget *b, int64_t need_bytes)
{
    pthread_mutex_lock(&b->lock);
    for (size_t i = 0; i < b->reclaimer_count; i++) {
        int64_t room = weir_budget_room_bytes(b);
        if (room >= need_bytes)
            break;
        b->reclaimers[i].reclaim(b->reclaimers[i].ctx, need_bytes - room);
    }
    pthread_mutex_unlock(&b->lock);
}

int weir_budget_register(struct weir_budget *b, struct weir_budget_reclaimer r)
{
    int err = WEIR_ERR_LIMIT;
    pthread_mutex_lock(&b->lock);
    if (b->reclaimer_count < WEIR_BUDGET_MAX_RECLAIMERS) {
        b->reclaimers[b->reclaimer_count++] = r;
        err = 0;
    }
    pthread_mutex_unlock(&b->lock);
    return err;
}

void weir_budget_unregister(struct weir_budget *b, const void *ctx)
{
    pthread_mutex_lock(&b->lock);
    for (size_t i = 0; i < b->reclaimer_count; i++) {
        if (b->reclaimers[i].ctx == ctx) {
            b->reclaimers[i] = b->reclaimers[--b->reclaimer_count];
            break;
        }
    }
    pthread_mutex_unlock(&b->lock);
}
