// core/objpool.h — small objects of a few size classes with a cache per thread: allocation on one
// thread and release on another without touching malloc or a lock in steady state.
#ifndef WEIR_CORE_OBJPOOL_H
#define WEIR_CORE_OBJPOOL_H

#include <stddef.h>
#include <stdint.h>

#include <weir/error.h>

struct weir_objpool;
struct weir_objcache; // one thread's cache of one pool

struct weir_objpool_stats {
    int64_t hits, misses; // served from a cache or the shared list / from malloc
    int64_t held_bytes;
};

// Classes are powers of two from 64 bytes to max_object_bytes (at most 4096).
int weir_objpool_create(size_t max_object_bytes, struct weir_objpool **out);
// Every object must have been freed and every cache closed.
void weir_objpool_destroy(struct weir_objpool **p);
// A cache for the calling thread; NULL when memory runs out. Close it on the same thread.
struct weir_objcache *weir_objcache_open(struct weir_objpool *p);
void weir_objcache_close(struct weir_objcache **c);
// Zeroed; NULL when memory runs out or size_bytes exceeds the largest class.
void *weir_objcache_alloc(struct weir_objcache *c, size_t size_bytes);
// `p` may come from another thread's cache of the same pool; NULL is allowed.
void weir_objcache_free(struct weir_objcache *c, void *p);
struct weir_objpool_stats weir_objpool_stats(struct weir_objpool *p);

#endif
