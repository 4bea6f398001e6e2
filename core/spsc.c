// core/spsc.c — the queue between two threads. Indices count up for ever and wrap with size_t; the
// slot is the index modulo the capacity, a power of two. Each side writes only its own index, with
// release order.
#include "core/spsc.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <weir/error.h>

int weir_spsc_init(struct weir_spsc *q, size_t capacity, size_t elem_bytes)
{
    memset(q, 0, sizeof(*q));
    if (capacity == 0 || elem_bytes == 0 || capacity > SIZE_MAX / 4)
        return WEIR_ERR_INVAL;
    size_t rounded = 1;
    while (rounded < capacity)
        rounded *= 2;
    size_t total;
    if (__builtin_mul_overflow(rounded, elem_bytes, &total))
        return WEIR_ERR_NOMEM;
    q->items = calloc(1, total);
    if (!q->items)
        return WEIR_ERR_NOMEM;
    q->capacity = rounded;
    q->elem_bytes = elem_bytes;
    return 0;
}

void weir_spsc_clear(struct weir_spsc *q)
{
    free(q->items);
    memset(q, 0, sizeof(*q));
}

static unsigned char *item(const struct weir_spsc *q, size_t index)
{
    return q->items + (index & (q->capacity - 1)) * q->elem_bytes;
}

bool weir_spsc_push(struct weir_spsc *q, const void *elem)
{
    size_t tail = atomic_load_explicit(&q->tail, memory_order_relaxed);
    size_t head = atomic_load_explicit(&q->head, memory_order_acquire);
    if (tail - head == q->capacity)
        return false;
    memcpy(item(q, tail), elem, q->elem_bytes);
    atomic_store_explicit(&q->tail, tail + 1, memory_order_release);
    return true;
}

bool weir_spsc_peek(const struct weir_spsc *q, void *elem)
{
    size_t head = atomic_load_explicit(&q->head, memory_order_relaxed);
    size_t tail = atomic_load_explicit(&q->tail, memory_order_acquire);
    if (head == tail)
        return false;
    memcpy(elem, item(q, head), q->elem_bytes);
    return true;
}

bool weir_spsc_pop(struct weir_spsc *q, void *elem)
{
    if (!weir_spsc_peek(q, elem))
        return false;
    size_t head = atomic_load_explicit(&q->head, memory_order_relaxed);
    atomic_store_explicit(&q->head, head + 1, memory_order_release);
    return true;
}

size_t weir_spsc_count(const struct weir_spsc *q)
{
    // Head first: read after it, tail cannot be behind. Between the loads both may move on; cap the
    // result.
    size_t head = atomic_load_explicit(&q->head, memory_order_acquire);
    size_t tail = atomic_load_explicit(&q->tail, memory_order_acquire);
    size_t count = tail - head;
    return count < q->capacity ? count : q->capacity;
}
