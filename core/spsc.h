// core/spsc.h — bounded single-producer single-consumer queue of fixed-size elements, no locks.
// One thread pushes, one thread pops; init and clear happen while neither runs.
#ifndef WEIR_CORE_SPSC_H
#define WEIR_CORE_SPSC_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include <weir/error.h>

struct weir_spsc {
    _Atomic size_t head; // next to pop; written by the consumer
    // Padding rather than alignas, so that structs holding a queue may come from calloc: the two
    // indices still never share a cache line.
    unsigned char pad_head[64 - sizeof(size_t)];
    _Atomic size_t tail; // next to push; written by the producer
    unsigned char pad_tail[64 - sizeof(size_t)];
    unsigned char *items;
    size_t capacity; // elements, a power of two
    size_t elem_bytes;
};

// At least `capacity` elements. Returns 0 or WEIR_ERR_NOMEM / WEIR_ERR_INVAL.
int weir_spsc_init(struct weir_spsc *q, size_t capacity, size_t elem_bytes);
void weir_spsc_clear(struct weir_spsc *q); // frees storage only; elements are the caller's
bool weir_spsc_push(struct weir_spsc *q, const void *elem); // false when full
bool weir_spsc_pop(struct weir_spsc *q, void *elem);        // false when empty
bool weir_spsc_peek(const struct weir_spsc *q,
                    void *elem);                   // consumer only: copy of the next, not taken
size_t weir_spsc_count(const struct weir_spsc *q); // from either side: a moment's value

#endif
