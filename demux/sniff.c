// demux/sniff.c — see sniff.h. Reads at most a few hundred bytes and the ID3 tags in front of
// packed audio.
#include "demux/sniff.h"

#include <string.h>

#define TS_PACKET_BYTES 188
#define MAX_ID3_BYTES   (16U << 20)

static bool is_mp4(uint32_t type)
{
    static const uint32_t first_boxes[] = {
        WEIR_FOURCC('f', 't', 'y', 'p'), WEIR_FOURCC('s', 't', 'y', 'p'),
        WEIR_FOURCC('m', 'o', 'o', 'v'), WEIR_FOURCC('m', 'o', 'o', 'f'),
        WEIR_FOURCC('s', 'i', 'd', 'x'), WEIR_FOURCC('s', 's', 'i', 'x'),
        WEIR_FOURCC('e', 'm', 's', 'g'), WEIR_FOURCC('p', 'r', 'f', 't'),
        WEIR_FOURCC('f', 'r', 'e', 'e'), WEIR_FOURCC('s', 'k', 'i', 'p'),
        WEIR_FOURCC('m', 'd', 'a', 't'), WEIR_FOURCC('w', 'i', 'd', 'e'),
        WEIR_FOURCC('u', 'u', 'i', 'd'), WEIR_FOURCC('p', 'd', 'i', 'n'),
    };
    for (size_t i = 0; i < sizeof(first_boxes) / sizeof(first_boxes[0]); i++) {
        if (first_boxes[i] == type)
            return true;
    }
    return false;
}

static bool is_text(const uint8_t *p, size_t size)
{
    size_t i = size >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    while (i < size && (p[i] == ' ' || p[i] == '\t' || p[i] == '\r' || p[i] == '\n'))
        i++;
    return i < size &&
           (p[i] == '<' || p[i] == '{' || (size - i >= 7 && memcmp(p + i, "#EXTM3U", 7) == 0));
}

static enum weir_container audio_by_sync(const uint8_t *p, size_t size)
{
    if (size < 7)
        return WEIR_CONTAINER_UNKNOWN;
    if (p[0] == 0x0b && p[1] == 0x77) // bsid above 10 is Enhanced AC-3 (ETSI TS 102 366, E.1.3.1.6)
        return p[5] >> 3 > 10 ? WEIR_CONTAINER_EAC3 : WEIR_CONTAINER_AC3;
    if (p[0] == 0xff && (p[1] & 0xf6) == 0xf0)
        return WEIR_CONTAINER_ADTS;
    if (p[0] == 0xff && (p[1] & 0xe0) == 0xe0 && (p[1] & 0x06) != 0)
        return WEIR_CONTAINER_MP3;
    return WEIR_CONTAINER_UNKNOWN;
}

int weir_sniff(const struct weir_window *w, enum weir_container *out, size_t *need_bytes)
{
    *out = WEIR_CONTAINER_UNKNOWN;
    size_t at = 0;
    int64_t timestamp;
    int err = weir_sniff_id3(w, &at, &timestamp, need_bytes);
    if (err)
        return err;
    if (w->size_bytes - at < 16 && !w->complete) {
        *need_bytes = at + 16;
        return WEIR_ERR_AGAIN;
    }
    const uint8_t *p = w->data + at;
    size_t size = w->size_bytes - at;
    if (size >= 8 &&
        is_mp4((uint32_t)p[4] << 24 | (uint32_t)p[5] << 16 | (uint32_t)p[6] << 8 | p[7])) {
        *out = WEIR_CONTAINER_MP4;
    } else if (size >= 4 &&
               (memcmp(p, "\x1a\x45\xdf\xa3", 4) == 0 || memcmp(p, "\x1f\x43\xb6\x75", 4) == 0)) {
        *out = WEIR_CONTAINER_MATROSKA;
    } else if (size > 0 && p[0] == 0x47) {
        if (size <= TS_PACKET_BYTES && !w->complete) {
            *need_bytes = at + TS_PACKET_BYTES + 1;
            return WEIR_ERR_AGAIN;
        }
        if (size == TS_PACKET_BYTES || (size > TS_PACKET_BYTES && p[TS_PACKET_BYTES] == 0x47))
            *out = WEIR_CONTAINER_TS;
    } else if (is_text(p, size < 64 ? size : 64)) {
        *out = WEIR_CONTAINER_TEXT;
    } else {
        *out = audio_by_sync(p, size);
    }
    return 0;
}

const char *weir_container_name(enum weir_container c)
{
    switch (c) {
    case WEIR_CONTAINER_MP4:
        return "MP4";
    case WEIR_CONTAINER_TS:
        return "MPEG-TS";
    case WEIR_CONTAINER_MATROSKA:
        return "Matroska";
    case WEIR_CONTAINER_ADTS:
        return "ADTS";
    case WEIR_CONTAINER_MP3:
        return "MP3";
    case WEIR_CONTAINER_AC3:
        return "AC-3";
    case WEIR_CONTAINER_EAC3:
        return "E-AC-3";
    case WEIR_CONTAINER_TEXT:
        return "text";
    case WEIR_CONTAINER_UNKNOWN:
        break;
    }
    return "unknown";
}

// --- ID3 ---

static uint32_t syncsafe(const uint8_t *p)
{
    return (uint32_t)(p[0] & 0x7f) << 21 | (uint32_t)(p[1] & 0x7f) << 14 |
           (uint32_t)(p[2] & 0x7f) << 7 | (p[3] & 0x7f);
}

// The PRIV frame that carries the timestamp, among the frames of one whole tag.
static int64_t find_timestamp(const uint8_t *tag, size_t size_bytes)
{
    static const char owner[] = "com.apple.streaming.transportStreamTimestamp";
    bool v4 = tag[3] >= 4;
    size_t pos = 10;
    while (size_bytes - pos > 10) {
        const uint8_t *f = tag + pos;
        size_t size = v4 ? syncsafe(f + 4)
                         : (size_t)f[4] << 24 | (size_t)f[5] << 16 | (size_t)f[6] << 8 | f[7];
        if (f[0] == 0 || size > size_bytes - pos - 10)
            break;
        if (memcmp(f, "PRIV", 4) == 0 && size >= sizeof(owner) + 8 &&
            memcmp(f + 10, owner, sizeof(owner)) == 0) {
            uint64_t v = 0;
            for (size_t i = 0; i < 8; i++)
                v = v << 8 | f[10 + sizeof(owner) + i];
            return (int64_t)(v & ((UINT64_C(1) << 33) - 1));
        }
        pos += 10 + size;
    }
    return -1;
}

int weir_sniff_id3(const struct weir_window *w, size_t *tag_bytes, int64_t *timestamp,
                   size_t *need_bytes)
{
    *tag_bytes = 0;
    *timestamp = -1;
    for (;;) {
        size_t at = *tag_bytes, left = w->size_bytes - at;
        if (left < 10 && !w->complete &&
            (left == 0 || memcmp(w->data + at, "ID3", left < 3 ? left : 3) == 0)) {
            *need_bytes = at + 10;
            return WEIR_ERR_AGAIN;
        }
        if (left < 10 || memcmp(w->data + at, "ID3", 3) != 0)
            return 0;
        const uint8_t *tag = w->data + at;
        size_t size = 10 + (size_t)syncsafe(tag + 6) + (tag[5] & 0x10 ? 10 : 0);
        if (size > MAX_ID3_BYTES || (size > left && w->complete))
            return 0; // not a tag that leads anywhere
        if (size > left) {
            *need_bytes = at + size;
            return WEIR_ERR_AGAIN;
        }
        int64_t t = find_timestamp(tag, size);
        if (t >= 0)
            *timestamp = t;
        *tag_bytes += size;
    }
}
