// core/arena.c — bump allocation in blocks that double in size up to 256 KiB; one large object gets
// its own. Everything is freed at once. The limit bounds what a hostile manifest can make us hold.
#include "core/arena.h"

#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_BLOCK_BYTES ((size_t)4096)
#define MAX_BLOCK_BYTES   ((size_t)256 * 1024)

struct weir_arena_block {
    struct weir_arena_block *next; // older
    size_t size_bytes, used_bytes; // of data
    alignas(max_align_t) unsigned char data[];
};

void weir_arena_init(struct weir_arena *a, size_t limit_bytes)
{
    *a = (struct weir_arena){.limit_bytes = limit_bytes};
}

void weir_arena_clear(struct weir_arena *a)
{
    while (a->blocks) {
        struct weir_arena_block *next = a->blocks->next;
        free(a->blocks);
        a->blocks = next;
    }
    a->used_bytes = 0;
}

// Put a block with room for `need` in front. An object larger than the usual block is put behind
// the current one instead, whose rest stays in use.
static struct weir_arena_block *add_block(struct weir_arena *a, size_t need)
{
    size_t size = a->blocks ? a->blocks->size_bytes * 2 : FIRST_BLOCK_BYTES;
    if (size > MAX_BLOCK_BYTES)
        size = MAX_BLOCK_BYTES;
    bool oversized = need > size;
    if (oversized)
        size = need;
    struct weir_arena_block *block = calloc(1, sizeof(*block) + size);
    if (!block)
        return NULL;
    block->size_bytes = size;
    if (oversized && a->blocks) {
        block->next = a->blocks->next;
        a->blocks->next = block;
    } else {
        block->next = a->blocks;
        a->blocks = block;
    }
    return block;
}

void *weir_arena_alloc(struct weir_arena *a, size_t size_bytes)
{
    const size_t align = alignof(max_align_t);
    if (size_bytes > PTRDIFF_MAX - 2 * sizeof(struct weir_arena_block))
        return NULL;
    size_t need = size_bytes ? (size_bytes + align - 1) / align * align : align;
    if (a->limit_bytes && need > a->limit_bytes - a->used_bytes)
        return NULL;
    struct weir_arena_block *block = a->blocks;
    if (!block || need > block->size_bytes - block->used_bytes)
        block = add_block(a, need);
    if (!block)
        return NULL;
    void *p = block->data + block->used_bytes;
    block->used_bytes += need;
    a->used_bytes += need;
    return p;
}

void *weir_arena_array(struct weir_arena *a, size_t count, size_t size_bytes)
{
    size_t total;
    if (__builtin_mul_overflow(count, size_bytes, &total))
        return NULL;
    return weir_arena_alloc(a, total);
}

char *weir_arena_strdup(struct weir_arena *a, const char *s)
{
    return weir_arena_strndup(a, s, strlen(s));
}

char *weir_arena_strndup(struct weir_arena *a, const char *s, size_t len)
{
    size_t have = strnlen(s, len);
    char *copy = weir_arena_alloc(a, have + 1);
    if (copy)
        memcpy(copy, s, have); // the end is zero already
    return copy;
}

char *weir_arena_printf(struct weir_arena *a, const char *fmt, ...)
{
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    char *text = len < 0 ? NULL : weir_arena_alloc(a, (size_t)len + 1);
    if (text)
        vsnprintf(text, (size_t)len + 1, fmt, again);
    va_end(again);
    return text;
}
