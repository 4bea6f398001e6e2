// demux/lavf_stream.h — what every use of libavformat here shares: which demuxers outside bytes may
// reach, and what a stream's header leaves for its first packet to tell.
#ifndef WEIR_DEMUX_LAVF_STREAM_H
#define WEIR_DEMUX_LAVF_STREAM_H

#include <libavformat/avformat.h>

// Keep the context, before it is opened, from demuxers that would open files or URLs which the
// bytes name. 0 or NOMEM.
int weir_lavf_restrict(AVFormatContext *ctx);
// Sample rate, dimensions, profile from the first packet itself, where the container declared none.
void weir_lavf_complete(AVCodecParameters *par, const AVPacket *pkt);
// Degrees clockwise to turn pictures for display: 0, 90, 180, 270.
int weir_lavf_rotation(const AVStream *st);

#endif
