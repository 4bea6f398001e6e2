// demux/clip.h — the borders of a period: what lies outside is not shown, though it may have to be
// decoded.
#ifndef WEIR_DEMUX_CLIP_H
#define WEIR_DEMUX_CLIP_H

#include "demux/demux.h"

// Marks the packet (AV_PKT_FLAG_DISCARD, AV_PKT_DATA_SKIP_SAMPLES) by the unit's clip. Its times
// are in microseconds. 0; END: nobody needs it; NOMEM.
int weir_clip_packet(const struct weir_media_unit *u, const AVCodecParameters *par, AVPacket *pkt);

#endif
