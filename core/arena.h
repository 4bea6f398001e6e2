// core/arena.h — bump allocation for things that live and die together (a parsed manifest).
// Not thread-safe; pointers stay valid until the arena is cleared.
#ifndef WEIR_CORE_ARENA_H
#define WEIR_CORE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

#include <weir/error.h>

struct weir_arena_block;

struct weir_arena {
    struct weir_arena_block *blocks; // newest first
    size_t used_bytes;               // handed out, over all blocks
    size_t limit_bytes;              // allocations beyond this fail; 0 = no limit
};

void weir_arena_init(struct weir_arena *a, size_t limit_bytes);
void weir_arena_clear(struct weir_arena *a);
// Zeroed, aligned for any type; NULL when memory or the limit runs out.
void *weir_arena_alloc(struct weir_arena *a, size_t size_bytes);
// count * size, checked for overflow.
void *weir_arena_array(struct weir_arena *a, size_t count, size_t size_bytes);
char *weir_arena_strdup(struct weir_arena *a, const char *s);
char *weir_arena_strndup(struct weir_arena *a, const char *s, size_t len);
char *weir_arena_printf(struct weir_arena *a, const char *fmt, ...) WEIR_PRINTF(2, 3);

#endif
