// demux/mp4_demux.h — fragmented MP4 in place: packets that point into the segment. Never waits
// (AGAIN says how many bytes of which segment); demux.c does the waiting.
#ifndef WEIR_DEMUX_MP4_DEMUX_H
#define WEIR_DEMUX_MP4_DEMUX_H

#include "demux/format.h"
#include "demux/mp4_fragment.h"

struct weir_mp4_demux {
    struct weir_mp4_init init;
    struct weir_segment *init_from; // referenced: the stsd bytes lie in it. NULL: no init yet
    uint64_t init_from_offset;      // of its moov, to tell two moovs of one file apart
    const struct weir_mp4_track *track;
    struct weir_mp4_reader reader;
    struct weir_segment *media; // borrowed from the unit
    AVBufferRef *slot;          // holds a reference to `media`; packets are references to it
    uint32_t description;       // of the last packet; 0 before the first
    size_t media_start;         // first box behind a moov in the media itself
};

void weir_mp4_demux_init(struct weir_mp4_demux *m);
void weir_mp4_demux_clear(struct weir_mp4_demux *m);
// Drop the media, keep the init segment.
void weir_mp4_demux_close(struct weir_mp4_demux *m);

// Find and read the moov in `s`: 0; AGAIN with *need_bytes; END: media begin (moof or mdat) before
// any moov; SYNTAX, TOO_BIG. Nothing is read again when it is the one already held.
int weir_mp4_demux_load_init(struct weir_mp4_demux *m, struct weir_segment *s,
                             const struct weir_window *w, size_t *need_bytes,
                             struct weir_mp4_fault *fault);
// Start on the samples of `media` from byte `pos`. 0, NOMEM, or END: no such track.
int weir_mp4_demux_start(struct weir_mp4_demux *m, const struct weir_demux_params *params,
                         const struct weir_media_unit *unit, size_t pos);
// Learn the decoder's parameters from the first sample's description, before its bytes are there.
// 0; AGAIN; SYNTAX, UNSUPPORTED, TOO_BIG, NOMEM.
int weir_mp4_demux_format(struct weir_mp4_demux *m, const struct weir_window *w,
                          struct weir_format *format, size_t *need_bytes,
                          struct weir_mp4_fault *fault);
// The next packet, times in ticks of 1/timescale. Adopts a new format when the sample description
// changes.
int weir_mp4_demux_read(struct weir_mp4_demux *m, const struct weir_window *w,
                        struct weir_format *format, AVPacket *pkt, size_t *need_bytes,
                        struct weir_mp4_fault *fault);
// Go to the last fragment published that begins with a key frame at or before `ticks` (else the
// first one).
int weir_mp4_demux_seek(struct weir_mp4_demux *m, const struct weir_window *w, int64_t ticks);

#endif
