// demux/sniff.h — which container a segment is, told by its first bytes and nothing else: names and
// types lie.
#ifndef WEIR_DEMUX_SNIFF_H
#define WEIR_DEMUX_SNIFF_H

#include "demux/box.h"

enum weir_container {
    WEIR_CONTAINER_UNKNOWN, // left to libavformat's probe
    WEIR_CONTAINER_MP4,
    WEIR_CONTAINER_TS,
    WEIR_CONTAINER_MATROSKA, // WebM and MKV
    WEIR_CONTAINER_ADTS,
    WEIR_CONTAINER_MP3,
    WEIR_CONTAINER_AC3,
    WEIR_CONTAINER_EAC3,
    WEIR_CONTAINER_TEXT, // HTML, XML, a playlist: no media
};

// 0 and *out, or AGAIN with *need_bytes.
int weir_sniff(const struct weir_window *w, enum weir_container *out, size_t *need_bytes);
const char *weir_container_name(enum weir_container c);
// ID3v2 tags at the start: their length, and the MPEG-TS timestamp of HLS packed audio (RFC
// 8216, 3.4) in 90 kHz ticks, -1 where there is none. 0 or AGAIN.
int weir_sniff_id3(const struct weir_window *w, size_t *tag_bytes, int64_t *timestamp,
                   size_t *need_bytes);

#endif
