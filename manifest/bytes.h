// manifest/bytes.h — big-endian numbers in byte strings. The caller has checked that they are
// there.
#ifndef WEIR_MANIFEST_BYTES_H
#define WEIR_MANIFEST_BYTES_H

#include <stdint.h>

static inline uint32_t weir_be16(const uint8_t *b)
{
    return (uint32_t)b[0] << 8 | b[1];
}

static inline uint32_t weir_be32(const uint8_t *b)
{
    return weir_be16(b) << 16 | weir_be16(b + 2);
}

static inline uint64_t weir_be64(const uint8_t *b)
{
    return (uint64_t)weir_be32(b) << 32 | weir_be32(b + 4);
}

#endif
