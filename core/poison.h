// core/poison.h — tells AddressSanitizer and valgrind that free pool memory must not be touched.
// Nothing in builds without them. Internal to the pools of core/.
#ifndef WEIR_CORE_POISON_H
#define WEIR_CORE_POISON_H

#include <stddef.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WEIR_HAVE_ASAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define WEIR_HAVE_ASAN 1
#endif

#ifdef WEIR_HAVE_ASAN
#include <sanitizer/asan_interface.h>
#endif
#ifdef WEIR_HAVE_VALGRIND
#include <valgrind/memcheck.h>
#endif

static inline void weir_poison(void *p, size_t size_bytes)
{
#ifdef WEIR_HAVE_ASAN
    __asan_poison_memory_region(p, size_bytes);
#endif
#ifdef WEIR_HAVE_VALGRIND
    (void)VALGRIND_MAKE_MEM_NOACCESS(p, size_bytes);
#endif
    (void)p;
    (void)size_bytes;
}

// The contents count as undefined afterwards.
static inline void weir_unpoison(void *p, size_t size_bytes)
{
#ifdef WEIR_HAVE_ASAN
    __asan_unpoison_memory_region(p, size_bytes);
#endif
#ifdef WEIR_HAVE_VALGRIND
    (void)VALGRIND_MAKE_MEM_UNDEFINED(p, size_bytes);
#endif
    (void)p;
    (void)size_bytes;
}

// After the pages were given back to the system: they read as zero.
static inline void weir_unpoison_zeroed(void *p, size_t size_bytes)
{
    weir_unpoison(p, size_bytes);
#ifdef WEIR_HAVE_VALGRIND
    (void)VALGRIND_MAKE_MEM_DEFINED(p, size_bytes);
#endif
}

#endif
