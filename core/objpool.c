// core/objpool.c — small objects by size class. Each thread works on its own cache; full caches
// hand batches of objects to a shared list per class and empty ones take them, both lock-free.
// Objects are never returned to malloc before the pool goes: their number is the most ever used at
// once, plus what the caches hold.
#include "core/objpool.h"

#include <assert.h>
#include <pthread.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <weir/error.h>

#include "core/poison.h"

#define MIN_CLASS_BYTES ((size_t)64)
#define MAX_CLASS_BYTES ((size_t)4096)
#define CLASS_COUNT     7  // 64, 128, … 4096
#define BATCH_OBJECTS   32 // moved between a cache and the shared list at once

// In front of every object. The links are used while it is free; the object itself is then
// poisoned.
struct header {
    alignas(max_align_t) struct header *next; // in the same list
    struct header *next_batch;                // of a batch's first object: the next batch
    unsigned class_index;
};

// One thread's free objects of a class: one list being used, and one whole batch in reserve, so
// that a thread that alternates at the edge does not move batches each time.
struct class_cache {
    struct header *list, *reserve;
    unsigned count; // in list
};

struct weir_objcache {
    struct weir_objpool *pool;
    struct weir_objcache *next, *previous; // protected by the pool's lock
    struct class_cache classes[CLASS_COUNT];
    _Atomic int64_t hits, misses; // written by this thread only
};

struct weir_objpool {
    size_t class_count;
    _Atomic(struct header *) shared[CLASS_COUNT]; // lists of batches
    _Atomic int64_t held_bytes;
    pthread_mutex_t lock;
    struct weir_objcache *caches; // protected by lock, like all below
    int64_t closed_hits, closed_misses;
};

static size_t class_bytes(size_t class_index)
{
    return MIN_CLASS_BYTES << class_index;
}

static size_t class_for(size_t size_bytes)
{
    size_t i = 0;
    while (i < CLASS_COUNT && class_bytes(i) < size_bytes)
        i++;
    return i;
}

int weir_objpool_create(size_t max_object_bytes, struct weir_objpool **out)
{
    *out = NULL;
    if (max_object_bytes == 0 || max_object_bytes > MAX_CLASS_BYTES)
        return WEIR_ERR_INVAL;
    struct weir_objpool *p = calloc(1, sizeof(*p));
    if (!p)
        return WEIR_ERR_NOMEM;
    p->class_count = class_for(max_object_bytes) + 1;
    pthread_mutex_init(&p->lock, NULL); // cannot fail with default attributes
    *out = p;
    return 0;
}

static int64_t free_list(struct header *h)
{
    int64_t freed = 0;
    while (h) {
        struct header *next = h->next;
        size_t size = class_bytes(h->class_index);
        weir_unpoison(h + 1, size);
        freed += (int64_t)(sizeof(*h) + size);
        free(h);
        h = next;
    }
    return freed;
}

void weir_objpool_destroy(struct weir_objpool **pool)
{
    struct weir_objpool *p = *pool;
    if (!p)
        return;
    assert(!p->caches);
    int64_t left = atomic_load(&p->held_bytes);
    for (size_t i = 0; i < p->class_count; i++) {
        struct header *batch = atomic_load(&p->shared[i]);
        while (batch) {
            struct header *next = batch->next_batch;
            left -= free_list(batch);
            batch = next;
        }
    }
    assert(left == 0); // else an object is still held somewhere
    (void)left;
    pthread_mutex_destroy(&p->lock);
    free(p);
    *pool = NULL;
}

// Put a chain of batches in front of the shared list.
static void share(struct weir_objpool *p, size_t class_index, struct header *first,
                  struct header *last)
{
    struct header *head = atomic_load_explicit(&p->shared[class_index], memory_order_relaxed);
    do {
        last->next_batch = head;
    } while (!atomic_compare_exchange_weak_explicit(&p->shared[class_index], &head, first,
                                                    memory_order_release, memory_order_relaxed));
}

// One batch off the shared list, NULL when it is empty. All of it is taken and the rest put back:
// popping only the first would suffer from ABA.
static struct header *take_batch(struct weir_objpool *p, size_t class_index)
{
    struct header *batch =
        atomic_exchange_explicit(&p->shared[class_index], NULL, memory_order_acquire);
    if (!batch)
        return NULL;
    struct header *rest = batch->next_batch;
    if (rest) {
        struct header *last = rest;
        while (last->next_batch)
            last = last->next_batch;
        share(p, class_index, rest, last);
    }
    return batch;
}

struct weir_objcache *weir_objcache_open(struct weir_objpool *p)
{
    struct weir_objcache *c = calloc(1, sizeof(*c));
    if (!c)
        return NULL;
    c->pool = p;
    pthread_mutex_lock(&p->lock);
    c->next = p->caches;
    if (c->next)
        c->next->previous = c;
    p->caches = c;
    pthread_mutex_unlock(&p->lock);
    return c;
}

static void unlink_cache(struct weir_objcache *c)
{
    struct weir_objpool *p = c->pool;
    pthread_mutex_lock(&p->lock);
    p->closed_hits += atomic_load(&c->hits);
    p->closed_misses += atomic_load(&c->misses);
    if (c->previous)
        c->previous->next = c->next;
    else
        p->caches = c->next;
    if (c->next)
        c->next->previous = c->previous;
    pthread_mutex_unlock(&p->lock);
}

void weir_objcache_close(struct weir_objcache **cache)
{
    struct weir_objcache *c = *cache;
    if (!c)
        return;
    *cache = NULL;
    unlink_cache(c);
    for (size_t i = 0; i < c->pool->class_count; i++) {
        struct class_cache *k = &c->classes[i];
        if (k->list)
            share(c->pool, i, k->list, k->list);
        if (k->reserve)
            share(c->pool, i, k->reserve, k->reserve);
    }
    free(c);
}

static void count_one(_Atomic int64_t *counter)
{
    int64_t n = atomic_load_explicit(
        counter, memory_order_relaxed); // no other writer: no locked instruction
    atomic_store_explicit(counter, n + 1, memory_order_relaxed);
}

static struct header *object_new(struct weir_objpool *p, size_t class_index)
{
    size_t total = sizeof(struct header) + class_bytes(class_index);
    struct header *h = malloc(total);
    if (!h)
        return NULL;
    h->class_index = (unsigned)class_index;
    atomic_fetch_add_explicit(&p->held_bytes, (int64_t)total, memory_order_relaxed);
    return h;
}

// Refill an empty list from the reserve or the shared list; a batch's length does not matter here,
// because the count only decides when to give away.
static void refill(struct weir_objpool *p, struct class_cache *k, size_t class_index)
{
    k->list = k->reserve;
    k->reserve = NULL;
    if (!k->list)
        k->list = take_batch(p, class_index);
    k->count = k->list ? BATCH_OBJECTS : 0;
}

void *weir_objcache_alloc(struct weir_objcache *c, size_t size_bytes)
{
    size_t class_index = class_for(size_bytes);
    if (class_index >= c->pool->class_count)
        return NULL;
    struct class_cache *k = &c->classes[class_index];
    if (!k->list)
        refill(c->pool, k, class_index);
    struct header *h = k->list;
    if (h) {
        k->list = h->next;
        k->count -= k->count > 0;
        count_one(&c->hits);
        weir_unpoison(h + 1, class_bytes(class_index));
    } else {
        h = object_new(c->pool, class_index);
        if (!h)
            return NULL;
        count_one(&c->misses);
    }
    return memset(h + 1, 0, class_bytes(class_index));
}

void weir_objcache_free(struct weir_objcache *c, void *p)
{
    if (!p)
        return;
    struct header *h = (struct header *)p - 1;
    struct class_cache *k = &c->classes[h->class_index];
    weir_poison(p, class_bytes(h->class_index));
    if (k->count >= BATCH_OBJECTS) {
        if (k->reserve)
            share(c->pool, h->class_index, k->reserve, k->reserve);
        k->reserve = k->list;
        k->list = NULL;
        k->count = 0;
    }
    h->next = k->list;
    k->list = h;
    k->count++;
}

struct weir_objpool_stats weir_objpool_stats(struct weir_objpool *p)
{
    struct weir_objpool_stats stats = {.held_bytes = atomic_load(&p->held_bytes)};
    pthread_mutex_lock(&p->lock);
    stats.hits = p->closed_hits;
    stats.misses = p->closed_misses;
    for (struct weir_objcache *c = p->caches; c; c = c->next) {
        stats.hits += atomic_load_explicit(&c->hits, memory_order_relaxed);
        stats.misses += atomic_load_explicit(&c->misses, memory_order_relaxed);
    }
    pthread_mutex_unlock(&p->lock);
    return stats;
}
