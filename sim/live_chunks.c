// sim/live_chunks.c — where the CMAF chunks of a segment end (ISO/IEC 23000-19, 7.3.2.3): after
// each `mdat` that follows a `moof`. The file is hostile: bounds on everything, a broken box ends
// the search.
#include <string.h>
#include <unistd.h>

#include "sim/live.h"

static uint64_t big_endian(const uint8_t *p, size_t bytes)
{
    uint64_t value = 0;
    for (size_t i = 0; i < bytes; i++)
        value = value << 8 | p[i];
    return value;
}

size_t weir_live_chunks(int fd, int64_t size_bytes, int64_t *ends, size_t max)
{
    size_t count = 0;
    int64_t at = 0;
    while (at + 8 <= size_bytes && count + 1 < max) {
        uint8_t head[16];
        ssize_t got = pread(fd, head, sizeof(head), at);
        if (got < 8)
            break;
        uint64_t size = big_endian(head, 4);
        if (size == 1 && got == 16)
            size = big_endian(head + 8, 8);
        if (size < 8 || size > (uint64_t)(size_bytes - at))
            break;
        at += (int64_t)size;
        if (memcmp(head + 4, "mdat", 4) == 0)
            ends[count++] = at;
    }
    // The last chunk has whatever is left.
    if (count == 0 || (ends[count - 1] < size_bytes && count + 1 >= max))
        ends[count++] = size_bytes;
    ends[count - 1] = size_bytes;
    return count;
}
