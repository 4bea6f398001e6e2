// core/slots.c — the pool of ranges (see slots.h): who holds which, what is committed, what goes
// back first. Pages come from slot_memory.c, room for them from budget.c. Lock order: the budget's
// lock, then ours; so nothing here calls weir_budget_reclaim() with the pool's lock held.
#include "core/slots.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "core/clock.h"
#include "core/poison.h"
#include "core/slot_memory.h"

struct record {
    struct weir_slot slot;  // first: a slot's address is its record's; data NULL until mapped
    bool in_use;            // protected by the pool's lock, like all below
    size_t poisoned_bytes;  // from the start of the range
    uint64_t released_turn; // order of release: the greatest is the most recently used
    int64_t acquired_us;
};

struct weir_slots {
    struct weir_slot_memory memory;
    struct weir_budget *budget;
    struct weir_clock clock;
    enum weir_slots_order order;
    size_t max_slots, expected_in_use;
    _Atomic int64_t committed_bytes; // of all slots; their owners change it without the lock
    pthread_mutex_t lock;
    // Protected by lock from here down. A slot in use belongs to its owner, its record to us.
    size_t mapped; // records [0, mapped) have been mapped at least once
    uint64_t turn;
    int64_t free_bytes;            // committed in free slots
    struct weir_slots_stats stats; // without the byte counts
    struct record records[];
};

static struct record *record_of(struct weir_slot *slot)
{
    return (struct record *)slot;
}

static bool map_record(struct weir_slots *s, struct record *r)
{
    r->slot.data = weir_slot_memory_map(&s->memory, r->slot.index);
    return r->slot.data != NULL;
}

static void reclaim_for_others(void *ctx, int64_t need_bytes);

int weir_slots_create(const struct weir_slots_params *params, struct weir_slots **out)
{
    *out = NULL;
    if (!params->budget || params->max_slots == 0 ||
        params->max_slots > SIZE_MAX / (2 * sizeof(struct record)))
        return WEIR_ERR_INVAL;
    struct weir_slots *s = calloc(1, sizeof(*s) + params->max_slots * sizeof(struct record));
    if (!s)
        return WEIR_ERR_NOMEM;
    const char *name = params->name ? params->name : "weir";
    int err = weir_slot_memory_init(&s->memory, name, params->range_bytes, params->max_slots);
    if (err) {
        free(s);
        return err;
    }
    s->budget = params->budget;
    s->clock = weir_clock_monotonic();
    s->order = params->order;
    s->max_slots = params->max_slots;
    s->expected_in_use = params->expected_in_use ? params->expected_in_use : params->max_slots;
    pthread_mutex_init(&s->lock, NULL); // cannot fail with default attributes
    for (size_t i = 0; i < s->max_slots; i++)
        s->records[i].slot = (struct weir_slot){.range_bytes = s->memory.range_bytes, .index = i};
    err = weir_budget_register(s->budget, (struct weir_budget_reclaimer){reclaim_for_others, s});
#ifndef WEIR_MALLOC_SLOTS
    for (; !err && s->mapped < params->premapped && s->mapped < s->max_slots; s->mapped++) {
        if (!map_record(s, &s->records[s->mapped]))
            err = WEIR_ERR_NOMEM;
    }
#endif
    *out = s;
    if (err)
        weir_slots_destroy(out);
    return err;
}

void weir_slots_destroy(struct weir_slots **s)
{
    struct weir_slots *pool = *s;
    if (!pool)
        return;
    *s = NULL;
    weir_budget_unregister(pool->budget, pool);
    assert(pool->stats.in_use == 0);
    for (size_t i = 0; i < pool->mapped; i++) {
        struct record *r = &pool->records[i];
        if (!r->slot.data)
            continue;
        weir_unpoison(r->slot.data, r->poisoned_bytes);
        weir_slot_memory_unmap(&pool->memory, r->slot.data);
    }
    weir_slot_memory_clear(&pool->memory);
    weir_budget_add(pool->budget, -atomic_load(&pool->committed_bytes));
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}

// Whether free record `a` serves `hint` better than free record `b`.
static bool is_better(const struct weir_slots *s, const struct record *a, const struct record *b,
                      size_t hint)
{
    if (s->order == WEIR_SLOTS_LIFO)
        return a->released_turn > b->released_turn;
    size_t ca = a->slot.committed_bytes, cb = b->slot.committed_bytes;
    if ((ca >= hint) != (cb >= hint))
        return ca >= hint;
    return ca >= hint ? ca < cb : ca > cb;
}

static struct record *pick_free(struct weir_slots *s, size_t hint)
{
    struct record *best = NULL;
    for (size_t i = 0; i < s->mapped; i++) {
        struct record *r = &s->records[i];
        if (!r->in_use && r->slot.data && (!best || is_better(s, r, best, hint)))
            best = r;
    }
    return best;
}

// A record without memory: one never mapped, or (heap blocks only) one whose block was freed.
static struct record *map_another(struct weir_slots *s)
{
    size_t i = 0;
    while (i < s->mapped && (s->records[i].in_use || s->records[i].slot.data))
        i++;
    if (i == s->max_slots || !map_record(s, &s->records[i]))
        return NULL;
    if (i == s->mapped)
        s->mapped++;
    return &s->records[i];
}

struct weir_slot *weir_slots_acquire(struct weir_slots *s, size_t hint_bytes)
{
    int64_t now_us = weir_clock_now_us(&s->clock);
    pthread_mutex_lock(&s->lock);
    struct record *r = pick_free(s, hint_bytes);
    bool hit = r && (size_t)s->stats.in_use < s->expected_in_use;
    if (!r)
        r = map_another(s);
    if (r) {
        r->in_use = true;
        r->acquired_us = now_us;
        weir_unpoison(r->slot.data, r->poisoned_bytes);
        r->poisoned_bytes = 0;
        s->stats.in_use++;
        s->stats.hits += hit;
        s->stats.misses += !hit;
        s->free_bytes -= (int64_t)r->slot.committed_bytes;
    }
    pthread_mutex_unlock(&s->lock);
    return r ? &r->slot : NULL;
}

// Give the pages of a slot beyond `keep` (whole pages) back, then take them off the accounts.
static bool discard_tail(struct weir_slots *s, struct weir_slot *slot, size_t keep)
{
    size_t size = slot->committed_bytes - keep;
    if (!weir_slot_memory_discard(&s->memory, slot->index, slot->data, keep, size))
        return false;
    slot->committed_bytes = keep;
    atomic_fetch_sub(&s->committed_bytes, (int64_t)size);
    weir_budget_add(s->budget, -(int64_t)size);
    return true;
}

// The least recently used free slot that still holds pages and was released after `turn`.
static struct record *oldest_free(struct weir_slots *s, uint64_t turn)
{
    struct record *oldest = NULL;
    for (size_t i = 0; i < s->mapped; i++) {
        struct record *r = &s->records[i];
        if (!r->in_use && r->slot.committed_bytes > 0 && r->released_turn > turn &&
            (!oldest || r->released_turn < oldest->released_turn))
            oldest = r;
    }
    return oldest;
}

// Trim free slots, oldest first, until at most `keep_bytes` are held free or `want_bytes` were
// given back.
static void trim_locked(struct weir_slots *s, int64_t keep_bytes, int64_t want_bytes)
{
    int64_t freed = 0;
    struct record *r = oldest_free(s, 0);
    while (r && freed < want_bytes && s->free_bytes > keep_bytes) {
        int64_t size = (int64_t)r->slot.committed_bytes;
        if (discard_tail(s, &r->slot, 0)) {
            weir_unpoison_zeroed(r->slot.data, r->poisoned_bytes);
            r->poisoned_bytes = 0;
            freed += size;
            s->free_bytes -= size;
            s->stats.trims++;
        }
        r = oldest_free(s, r->released_turn);
    }
}

static void reclaim_for_others(void *ctx, int64_t need_bytes)
{
    struct weir_slots *s = ctx;
    pthread_mutex_lock(&s->lock);
    trim_locked(s, 0, need_bytes);
    pthread_mutex_unlock(&s->lock);
}

static bool reserve(struct weir_slots *s, int64_t need)
{
    if (weir_budget_reserve(s->budget, need))
        return true;
    reclaim_for_others(s, need - weir_budget_room_bytes(s->budget)); // our own free slots first
    if (weir_budget_reserve(s->budget, need))
        return true;
    weir_budget_reclaim(s->budget, need);
    return weir_budget_reserve(s->budget, need);
}

int weir_slots_commit(struct weir_slots *s, struct weir_slot *slot, size_t used_bytes)
{
    if (used_bytes <= slot->committed_bytes)
        return 0;
    if (used_bytes > slot->range_bytes)
        return WEIR_ERR_TOO_BIG;
    size_t page = s->memory.page_bytes;
    size_t rounded =
        (used_bytes + page - 1) / page * page; // within the range, which is whole pages
    int64_t need = (int64_t)(rounded - slot->committed_bytes);
    if (!reserve(s, need))
        return WEIR_ERR_LIMIT;
    slot->committed_bytes = rounded;
    atomic_fetch_add(&s->committed_bytes, need);
    return 0;
}

void weir_slots_shrink(struct weir_slots *s, struct weir_slot *slot, size_t used_bytes)
{
    size_t page = s->memory.page_bytes;
    if (used_bytes >= slot->committed_bytes)
        return;
    size_t keep = (used_bytes + page - 1) / page * page;
    if (keep < slot->committed_bytes)
        discard_tail(s, slot, keep); // when the system refuses, the pages stay, and stay counted
}

#ifdef WEIR_MALLOC_SLOTS
static void drop_block(struct weir_slots *s, struct record *r)
{
    int64_t size = (int64_t)r->slot.committed_bytes;
    weir_slot_memory_unmap(&s->memory, r->slot.data);
    r->slot.data = NULL;
    r->slot.committed_bytes = 0;
    atomic_fetch_sub(&s->committed_bytes, size);
    weir_budget_add(s->budget, -size);
}
#endif

void weir_slots_release(struct weir_slots *s, struct weir_slot *slot)
{
    struct record *r = record_of(slot);
    int64_t now_us = weir_clock_now_us(&s->clock);
    pthread_mutex_lock(&s->lock);
    assert(r->in_use);
    r->in_use = false;
    r->released_turn = ++s->turn;
    s->stats.in_use--;
    s->stats.released++;
    s->stats.lifetime_us_sum += now_us - r->acquired_us;
#ifdef WEIR_MALLOC_SLOTS
    drop_block(s, r);
#else
    s->free_bytes += (int64_t)slot->committed_bytes;
    weir_poison(slot->data, slot->committed_bytes);
    r->poisoned_bytes = slot->committed_bytes;
#endif
    pthread_mutex_unlock(&s->lock);
}

void weir_slots_trim(struct weir_slots *s, int64_t keep_bytes)
{
    pthread_mutex_lock(&s->lock);
    trim_locked(s, keep_bytes, INT64_MAX);
    pthread_mutex_unlock(&s->lock);
}

struct weir_slots_stats weir_slots_stats(struct weir_slots *s)
{
    pthread_mutex_lock(&s->lock);
    struct weir_slots_stats stats = s->stats;
    stats.mapped = (int64_t)s->mapped;
    stats.committed_bytes = atomic_load(&s->committed_bytes);
    stats.in_use_bytes = stats.committed_bytes - s->free_bytes;
    pthread_mutex_unlock(&s->lock);
    return stats;
}

bool weir_slots_contains(struct weir_slots *s, const void *p, size_t size_bytes)
{
    uintptr_t from = (uintptr_t)p;
    bool inside = false;
    pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < s->mapped && !inside; i++) {
        uintptr_t start = (uintptr_t)s->records[i].slot.data;
        size_t range = s->memory.range_bytes;
        inside =
            start && from >= start && from - start <= range && size_bytes <= range - (from - start);
    }
    pthread_mutex_unlock(&s->lock);
    return inside;
}
