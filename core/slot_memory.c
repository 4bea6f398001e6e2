// core/slot_memory.c — address space and pages for core/slots.c (see slot_memory.h). Nothing here
// is counted: slots.c accounts pages before they are touched and after they were discarded.
// A feature test macro: glibc gives it its name.
// NOLINTNEXTLINE(bugprone-reserved-identifier)
#define _FILE_OFFSET_BITS 64 // ranges add up to more than 2 GiB on 32 bit, too
#include "core/slot_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <weir/error.h>

#ifdef WEIR_MALLOC_SLOTS

#include <stdlib.h>

int weir_slot_memory_init(struct weir_slot_memory *m, const char *name, size_t range_bytes,
                          size_t max_ranges)
{
    (void)name;
    (void)max_ranges;
    const size_t most = (size_t)32 << 20;
    if (range_bytes == 0)
        return WEIR_ERR_INVAL;
    *m = (struct weir_slot_memory){.fd = -1, .page_bytes = (size_t)sysconf(_SC_PAGESIZE)};
    m->range_bytes = range_bytes < most ? range_bytes : most;
    m->range_bytes = (m->range_bytes + m->page_bytes - 1) / m->page_bytes * m->page_bytes;
    return 0;
}

void weir_slot_memory_clear(struct weir_slot_memory *m)
{
    (void)m;
}

uint8_t *weir_slot_memory_map(const struct weir_slot_memory *m, size_t index)
{
    (void)index;
    return aligned_alloc(m->page_bytes,
                         m->range_bytes); // uninitialised, so that readers of stale bytes show
}

void weir_slot_memory_unmap(const struct weir_slot_memory *m, uint8_t *range)
{
    (void)m;
    free(range);
}

// A heap block keeps its pages until it is freed.
bool weir_slot_memory_discard(const struct weir_slot_memory *m, size_t index, uint8_t *range,
                              size_t from_bytes, size_t size_bytes)
{
    (void)m;
    (void)index;
    (void)range;
    (void)from_bytes;
    (void)size_bytes;
    return false;
}

#else

// A sparse file of `size` bytes. Growing past RLIMIT_FSIZE would raise SIGXFSZ: ask first.
static int open_memfd(const char *name, uint64_t size)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
        limit.rlim_cur < size)
        return -1;
    int fd = memfd_create(name, MFD_CLOEXEC);
    if (fd >= 0 && ftruncate(fd, (off_t)size) != 0) {
        close(fd);
        fd = -1;
    }
    return fd;
}

int weir_slot_memory_init(struct weir_slot_memory *m, const char *name, size_t range_bytes,
                          size_t max_ranges)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t rounded;
    uint64_t total;
    *m = (struct weir_slot_memory){.fd = -1, .page_bytes = page};
    if (range_bytes == 0 || __builtin_add_overflow(range_bytes, page - 1, &rounded))
        return WEIR_ERR_INVAL;
    m->range_bytes = rounded / page * page;
    if (__builtin_mul_overflow((uint64_t)m->range_bytes, max_ranges, &total) || total > INT64_MAX)
        return WEIR_ERR_INVAL;
    m->fd = open_memfd(name, total);
    return 0;
}

void weir_slot_memory_clear(struct weir_slot_memory *m)
{
    if (m->fd >= 0)
        close(m->fd);
    m->fd = -1;
}

uint8_t *weir_slot_memory_map(const struct weir_slot_memory *m, size_t index)
{
    int flags = MAP_NORESERVE | (m->fd >= 0 ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS);
    off_t offset = m->fd >= 0 ? (off_t)m->range_bytes * (off_t)index : 0;
    void *p = mmap(NULL, m->range_bytes, PROT_READ | PROT_WRITE, flags, m->fd, offset);
    return p == MAP_FAILED ? NULL : p;
}

void weir_slot_memory_unmap(const struct weir_slot_memory *m, uint8_t *range)
{
    munmap(range, m->range_bytes);
}

bool weir_slot_memory_discard(const struct weir_slot_memory *m, size_t index, uint8_t *range,
                              size_t from_bytes, size_t size_bytes)
{
    if (m->fd < 0)
        return madvise(range + from_bytes, size_bytes, MADV_DONTNEED) == 0;
    if (madvise(range + from_bytes, size_bytes, MADV_REMOVE) == 0)
        return true;
    off_t offset = (off_t)m->range_bytes * (off_t)index + (off_t)from_bytes;
    return fallocate(m->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset,
                     (off_t)size_bytes) == 0;
}

#endif
