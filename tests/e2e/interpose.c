// tests/e2e/interpose.c — LD_PRELOAD library that says, from outside, what weir's own code copies
// and allocates. Every call of memcpy and kin (1 KiB and more) and of malloc and kin is attributed
// by its return address: calls from the main program's text are weir's, which links its own folders
// statically; calls from libraries are not counted. At exit a report goes to the file that
// WEIR_INTERPOSE_OUT names, a fact a line:
//   text FIRST END             program text, offsets from its load address
//   copy OFFSET BYTES CALLS    one caller, the offset being the return address's
//   alloc T_US SIZE OFFSET     one allocation, CLOCK_MONOTONIC
//   lost COPIES ALLOCATIONS    what did not fit into the tables
#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define COPY_MIN_BYTES 1024
#define SITES_MAX      256
#define ALLOCS_MAX     (1 << 18)
#define EXPORT         __attribute__((visibility("default"), used))
#define CALLER         ((uintptr_t)__builtin_return_address(0))

// glibc's own entry points: dlsym() itself allocates, so malloc cannot be found through it.
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *p, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

struct site {
    _Atomic uintptr_t offset; // 0: free
    _Atomic uint64_t bytes, calls;
};

struct allocation {
    int64_t at_us;
    size_t size;
    uintptr_t offset;
};

static struct site sites[SITES_MAX];
static struct allocation allocs[ALLOCS_MAX];
static _Atomic size_t alloc_count, copies_lost;
static uintptr_t base, text_first, text_end; // set before main, constant then
static void *(*real_memcpy)(void *, const void *, size_t);
static void *(*real_memmove)(void *, const void *, size_t);

static int find_text(struct dl_phdr_info *info, size_t size, void *ctx)
{
    (void)size;
    (void)ctx;
    base = info->dlpi_addr; // the main program comes first
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *h = &info->dlpi_phdr[i];
        if (h->p_type == PT_LOAD && (h->p_flags & PF_X)) {
            text_first = base + h->p_vaddr;
            text_end = text_first + h->p_memsz;
        }
    }
    return 1;
}

__attribute__((constructor)) static void begin(void)
{
    *(void **)&real_memcpy = dlsym(RTLD_NEXT, "memcpy");
    *(void **)&real_memmove = dlsym(RTLD_NEXT, "memmove");
    (void)dl_iterate_phdr(find_text, NULL);
}

static bool ours(uintptr_t caller)
{
    return caller >= text_first && caller < text_end;
}

static void note_copy(uintptr_t caller, size_t size)
{
    if (size < COPY_MIN_BYTES || !ours(caller))
        return;
    uintptr_t offset = caller - base;
    for (size_t i = 0; i < SITES_MAX; i++) {
        uintptr_t there = 0;
        if (!atomic_compare_exchange_strong(&sites[i].offset, &there, offset) && there != offset)
            continue;
        atomic_fetch_add(&sites[i].bytes, size);
        atomic_fetch_add(&sites[i].calls, 1);
        return;
    }
    atomic_fetch_add(&copies_lost, 1);
}

static void note_alloc(uintptr_t caller, size_t size)
{
    if (!ours(caller))
        return;
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    size_t i = atomic_fetch_add(&alloc_count, 1);
    if (i < ALLOCS_MAX)
        allocs[i] = (struct allocation){.at_us = t.tv_sec * INT64_C(1000000) + t.tv_nsec / 1000,
                                        .size = size,
                                        .offset = caller - base};
}

// --- copies ---

// Before the constructor ran. Volatile, or the compiler would make a call of memmove of it.
static void *plain_move(void *to, const void *from, size_t size)
{
    volatile unsigned char *t = to;
    const volatile unsigned char *f = from;
    if ((uintptr_t)to <= (uintptr_t)from)
        for (size_t i = 0; i < size; i++)
            t[i] = f[i];
    else
        while (size-- > 0)
            t[size] = f[size];
    return to;
}

static void *move(void *to, const void *from, size_t size)
{
    return real_memmove ? real_memmove(to, from, size) : plain_move(to, from, size);
}

static void *copy(void *to, const void *from, size_t size)
{
    return real_memcpy ? real_memcpy(to, from, size) : plain_move(to, from, size);
}

EXPORT void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
    note_copy(CALLER, size);
    return copy(to, from, size);
}

EXPORT void *memmove(void *to, const void *from, size_t size)
{
    note_copy(CALLER, size);
    return move(to, from, size);
}

EXPORT void *mempcpy(void *restrict to, const void *restrict from, size_t size)
{
    note_copy(CALLER, size);
    return (char *)copy(to, from, size) + size;
}

EXPORT void *__memcpy_chk(void *to, const void *from, size_t size, size_t room)
{
    if (size > room)
        abort();
    note_copy(CALLER, size);
    return copy(to, from, size);
}

EXPORT void *__memmove_chk(void *to, const void *from, size_t size, size_t room)
{
    if (size > room)
        abort();
    note_copy(CALLER, size);
    return move(to, from, size);
}

EXPORT void *__mempcpy_chk(void *to, const void *from, size_t size, size_t room)
{
    if (size > room)
        abort();
    note_copy(CALLER, size);
    return (char *)copy(to, from, size) + size;
}

// --- allocations ---

EXPORT void *malloc(size_t size)
{
    note_alloc(CALLER, size);
    return __libc_malloc(size);
}

EXPORT void *calloc(size_t count, size_t size)
{
    note_alloc(CALLER, count * size);
    return __libc_calloc(count, size);
}

EXPORT void *realloc(void *p, size_t size)
{
    note_alloc(CALLER, size);
    return __libc_realloc(p, size);
}

EXPORT int posix_memalign(void **out, size_t alignment, size_t size)
{
    note_alloc(CALLER, size);
    if (alignment % sizeof(void *) || (alignment & (alignment - 1)) || alignment == 0)
        return EINVAL;
    void *p = __libc_memalign(alignment, size);
    if (!p)
        return ENOMEM;
    *out = p;
    return 0;
}

EXPORT void *aligned_alloc(size_t alignment, size_t size)
{
    note_alloc(CALLER, size);
    return __libc_memalign(alignment, size);
}

// The C library allocates for its caller here; it calls its own malloc, which is not ours to see.
EXPORT char *strdup(const char *s)
{
    size_t size = strlen(s) + 1;
    note_alloc(CALLER, size);
    char *p = __libc_malloc(size);
    return p ? copy(p, s, size) : NULL;
}

EXPORT char *strndup(const char *s, size_t most)
{
    size_t size = strnlen(s, most);
    note_alloc(CALLER, size + 1);
    char *p = __libc_malloc(size + 1);
    if (!p)
        return NULL;
    copy(p, s, size);
    p[size] = '\0';
    return p;
}

// --- the report ---

__attribute__((destructor)) static void report(void)
{
    const char *path = getenv("WEIR_INTERPOSE_OUT");
    FILE *f = path ? fopen(path, "w") : NULL;
    if (!f)
        return;
    (void)fprintf(f, "text %#zx %#zx\n", (size_t)(text_first - base), (size_t)(text_end - base));
    for (size_t i = 0; i < SITES_MAX && atomic_load(&sites[i].offset); i++)
        (void)fprintf(f, "copy %#zx %llu %llu\n", (size_t)atomic_load(&sites[i].offset),
                      (unsigned long long)atomic_load(&sites[i].bytes),
                      (unsigned long long)atomic_load(&sites[i].calls));
    size_t count = atomic_load(&alloc_count), kept = count < ALLOCS_MAX ? count : ALLOCS_MAX;
    for (size_t i = 0; i < kept; i++)
        (void)fprintf(f, "alloc %lld %zu %#zx\n", (long long)allocs[i].at_us, allocs[i].size,
                      (size_t)allocs[i].offset);
    (void)fprintf(f, "lost %zu %zu\n", (size_t)atomic_load(&copies_lost), count - kept);
    (void)fclose(f);
}
