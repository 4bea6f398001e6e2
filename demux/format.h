// demux/format.h — what the stream's decoder must know, and whether a new init segment asks for
// another decoder, for new extradata in the running one, or for nothing.
#ifndef WEIR_DEMUX_FORMAT_H
#define WEIR_DEMUX_FORMAT_H

#include "demux/demux.h"

struct weir_format {
    AVCodecParameters *current, *candidate;
    char encryption[5];
    struct weir_stream_format shown; // generation 0: none yet
    bool extradata_due;              // attach `current`'s extradata to the next packet
};

int weir_format_init(struct weir_format *f);
void weir_format_clear(struct weir_format *f);
// Take `f->candidate`, which the caller has filled, as the stream's parameters from here on.
void weir_format_adopt(struct weir_format *f, int rotation, const char *encryption);
// Attach what adopt() found due. 0 or NOMEM.
int weir_format_attach(struct weir_format *f, AVPacket *pkt);

#endif
