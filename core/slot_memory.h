// core/slot_memory.h — internal to core/slots.c: where ranges of address space come from and how
// their pages go back. A memfd where the system gives one (so that another process can map it),
// else anonymous memory; with WEIR_MALLOC_SLOTS a heap block per acquire instead.
#ifndef WEIR_CORE_SLOT_MEMORY_H
#define WEIR_CORE_SLOT_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct weir_slot_memory {
    int fd; // -1: anonymous
    size_t page_bytes;
    size_t range_bytes; // whole pages
};

// `name` shows in /proc/self/maps. Fails only when the sizes overflow: WEIR_ERR_INVAL.
int weir_slot_memory_init(struct weir_slot_memory *m, const char *name, size_t range_bytes,
                          size_t max_ranges);
void weir_slot_memory_clear(struct weir_slot_memory *m);
// Address space for range `index`; NULL when there is none left.
uint8_t *weir_slot_memory_map(const struct weir_slot_memory *m, size_t index);
void weir_slot_memory_unmap(const struct weir_slot_memory *m, uint8_t *range);
// Give the pages of [from, from + size) back to the system; they read as zero afterwards. False
// when refused.
bool weir_slot_memory_discard(const struct weir_slot_memory *m, size_t index, uint8_t *range,
                              size_t from_bytes, size_t size_bytes);

#endif
