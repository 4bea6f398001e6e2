// core/segment.c — segments: one writer, many readers, one slot each (see segment.h). The objects
// come from an array made with the pool, so that steady state does not allocate. Published length
// and state are atomics; the lock of a segment guards only its watchers.
#include "core/segment.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_MAX_SEGMENTS 1024
#define DEFAULT_PREMAPPED    32
#define DEFAULT_RANGE_BYTES  ((size_t)(sizeof(void *) >= 8 ? 256 : 8) << 20)
#define MAX_WATCHERS         2

struct weir_segment {
    struct weir_segment_pool *pool;
    struct weir_slot *slot; // NULL for wrapped memory
    const uint8_t *data;
    _Atomic int refs;
    _Atomic int state; // enum weir_segment_state; written with release after the last length
    _Atomic size_t length;
    void (*release)(void *ctx); // of wrapped memory, may be NULL
    void *release_ctx;
    struct weir_segment *next_free; // protected by the pool's lock
    pthread_mutex_t lock;
    struct weir_wake *watchers[MAX_WATCHERS]; // protected by lock
};

struct weir_segment_pool {
    struct weir_slots *slots;
    struct weir_copy_counters *copies;
    size_t object_count;
    pthread_mutex_t lock;
    struct weir_segment *free_list; // protected by lock, like all below
    size_t fresh;                   // objects [fresh, object_count) were never used
    size_t in_use;
    struct weir_segment objects[];
};

int weir_segment_pool_create(const struct weir_segment_pool_params *params,
                             struct weir_segment_pool **out)
{
    *out = NULL;
    size_t max_segments = params->max_segments ? params->max_segments : DEFAULT_MAX_SEGMENTS;
    if (max_segments > SIZE_MAX / (4 * sizeof(struct weir_segment)))
        return WEIR_ERR_INVAL;
    size_t objects = 2 * max_segments; // wrapped segments need no slot
    struct weir_segment_pool *p = calloc(1, sizeof(*p) + objects * sizeof(p->objects[0]));
    if (!p)
        return WEIR_ERR_NOMEM;
    const struct weir_slots_params slots = {
        .range_bytes = params->range_bytes ? params->range_bytes : DEFAULT_RANGE_BYTES,
        .max_slots = max_segments,
        .premapped = params->premapped ? params->premapped : DEFAULT_PREMAPPED,
        .order = WEIR_SLOTS_BEST_FIT,
        .budget = params->budget,
        .name = "weir-segments",
    };
    int err = weir_slots_create(&slots, &p->slots);
    if (err) {
        free(p);
        return err;
    }
    p->copies = params->copies;
    p->object_count = objects;
    pthread_mutex_init(&p->lock, NULL); // cannot fail with default attributes
    *out = p;
    return 0;
}

void weir_segment_pool_destroy(struct weir_segment_pool **pool)
{
    struct weir_segment_pool *p = *pool;
    if (!p)
        return;
    assert(p->in_use == 0);
    for (size_t i = 0; i < p->fresh; i++)
        pthread_mutex_destroy(&p->objects[i].lock);
    weir_slots_destroy(&p->slots);
    pthread_mutex_destroy(&p->lock);
    free(p);
    *pool = NULL;
}

struct weir_slots *weir_segment_pool_slots(struct weir_segment_pool *p)
{
    return p->slots;
}

static struct weir_segment *object_take(struct weir_segment_pool *p)
{
    pthread_mutex_lock(&p->lock);
    struct weir_segment *s = p->free_list;
    if (s) {
        p->free_list = s->next_free;
    } else if (p->fresh < p->object_count) {
        s = &p->objects[p->fresh++];
        pthread_mutex_init(&s->lock, NULL);
        s->pool = p;
    }
    p->in_use += s != NULL;
    pthread_mutex_unlock(&p->lock);
    return s;
}

static void object_give(struct weir_segment *s)
{
    struct weir_segment_pool *p = s->pool;
    pthread_mutex_lock(&p->lock);
    s->next_free = p->free_list;
    p->free_list = s;
    p->in_use--;
    pthread_mutex_unlock(&p->lock);
}

static void object_fill(struct weir_segment *s, struct weir_slot *slot, const uint8_t *data,
                        size_t length, enum weir_segment_state state)
{
    s->slot = slot;
    s->data = data;
    s->release = NULL;
    s->release_ctx = NULL;
    memset(s->watchers, 0, sizeof(s->watchers));
    atomic_store_explicit(&s->length, length, memory_order_relaxed);
    atomic_store_explicit(&s->state, (int)state, memory_order_relaxed);
    atomic_store_explicit(&s->refs, 1, memory_order_release);
}

struct weir_segment *weir_segment_create(struct weir_segment_pool *p, size_t hint_bytes)
{
    struct weir_segment *s = object_take(p);
    if (!s)
        return NULL;
    size_t hint = hint_bytes > 0 && hint_bytes < SIZE_MAX - WEIR_SEGMENT_PADDING_BYTES
                      ? hint_bytes + WEIR_SEGMENT_PADDING_BYTES
                      : hint_bytes;
    struct weir_slot *slot = weir_slots_acquire(p->slots, hint);
    if (!slot) {
        object_give(s);
        return NULL;
    }
    object_fill(s, slot, slot->data, 0, WEIR_SEGMENT_OPEN);
    return s;
}

struct weir_segment *weir_segment_wrap(struct weir_segment_pool *p, const uint8_t *data,
                                       size_t size_bytes, void (*release)(void *ctx), void *ctx)
{
    struct weir_segment *s = object_take(p);
    if (!s)
        return NULL;
    object_fill(s, NULL, data, size_bytes, WEIR_SEGMENT_COMPLETE);
    s->release = release;
    s->release_ctx = ctx;
    return s;
}

struct weir_segment *weir_segment_ref(struct weir_segment *s)
{
    atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed); // the caller already holds one
    return s;
}

void weir_segment_unref(struct weir_segment **segment)
{
    struct weir_segment *s = *segment;
    *segment = NULL;
    // Acquire-release: the last holder must see that the others are done before the slot is reused.
    if (!s || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
        return;
    if (s->slot)
        weir_slots_release(s->pool->slots, s->slot);
    else if (s->release)
        s->release(s->release_ctx);
    object_give(s);
}

static void wake_watchers(struct weir_segment *s)
{
    // The lock is held while signalling: after weir_segment_watch(s, i, NULL) nobody touches the
    // old wake. The wake's own lock is a leaf, so the order is always ours, then its.
    pthread_mutex_lock(&s->lock);
    for (int i = 0; i < MAX_WATCHERS; i++) {
        if (s->watchers[i])
            weir_wake_signal(s->watchers[i]);
    }
    pthread_mutex_unlock(&s->lock);
}

int weir_segment_append(struct weir_segment *s, const void *data, size_t size_bytes)
{
    size_t length = atomic_load_explicit(&s->length, memory_order_relaxed); // ours alone to write
    assert(s->slot);
    assert(atomic_load_explicit(&s->state, memory_order_relaxed) == WEIR_SEGMENT_OPEN);
    if (size_bytes == 0)
        return 0;
    size_t room = s->slot->range_bytes - length; // the range always exceeds length + padding
    if (room < WEIR_SEGMENT_PADDING_BYTES || size_bytes > room - WEIR_SEGMENT_PADDING_BYTES)
        return WEIR_ERR_TOO_BIG;
    int err = weir_slots_commit(s->pool->slots, s->slot,
                                length + size_bytes + WEIR_SEGMENT_PADDING_BYTES);
    if (err)
        return err;
    memcpy(s->slot->data + length, data, size_bytes);
    if (s->pool->copies)
        atomic_fetch_add_explicit(&s->pool->copies->net_bytes, (int64_t)size_bytes,
                                  memory_order_relaxed);
    atomic_store_explicit(&s->length, length + size_bytes, memory_order_release);
    wake_watchers(s);
    return 0;
}

// After a short segment in a large slot, pages worth having go back at once; small rests stay for
// the next one.
static void shrink_slot(struct weir_segment *s, size_t used)
{
    size_t slack = used / 16 > 65536 ? used / 16 : 65536;
    if (s->slot->committed_bytes > used && s->slot->committed_bytes - used > slack)
        weir_slots_shrink(s->pool->slots, s->slot, used);
}

void weir_segment_finish(struct weir_segment *s, enum weir_segment_state state)
{
    assert(s->slot);
    assert(state == WEIR_SEGMENT_COMPLETE || state == WEIR_SEGMENT_FAILED);
    size_t length = atomic_load_explicit(&s->length, memory_order_relaxed);
    size_t used =
        length > 0 ? length + WEIR_SEGMENT_PADDING_BYTES : 0; // append() has committed the padding
    if (used > 0)
        memset(s->slot->data + length, 0, WEIR_SEGMENT_PADDING_BYTES);
    shrink_slot(s, used);
    atomic_store_explicit(&s->state, (int)state, memory_order_release);
    wake_watchers(s);
}

const uint8_t *weir_segment_data(const struct weir_segment *s)
{
    return s->data;
}

size_t weir_segment_length(const struct weir_segment *s)
{
    return atomic_load_explicit(&s->length, memory_order_acquire);
}

enum weir_segment_state weir_segment_state(const struct weir_segment *s)
{
    return (enum weir_segment_state)atomic_load_explicit(&s->state, memory_order_acquire);
}

void weir_segment_watch(struct weir_segment *s, int which, struct weir_wake *wake)
{
    assert(which >= 0);
    assert(which < MAX_WATCHERS);
    pthread_mutex_lock(&s->lock);
    s->watchers[which] = wake;
    // What came before the watch is reported at once. What comes after finds the watcher: append()
    // publishes before it takes the lock.
    if (wake && (weir_segment_length(s) > 0 || weir_segment_state(s) != WEIR_SEGMENT_OPEN))
        weir_wake_signal(wake);
    pthread_mutex_unlock(&s->lock);
}
