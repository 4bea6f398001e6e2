// demux/lavf_demux.h — every container but fragmented MP4, through libavformat over the segment's
// bytes: one AVFormatContext per segment, its format given by name, so that nothing is probed
// twice.
#ifndef WEIR_DEMUX_LAVF_DEMUX_H
#define WEIR_DEMUX_LAVF_DEMUX_H

#include "demux/format.h"
#include "demux/sniff.h"

struct weir_lavf;

int weir_lavf_create(const struct weir_demux_params *params,
                     struct weir_lavf **out); // `params` is borrowed
void weir_lavf_destroy(struct weir_lavf **l);

// Open the unit's media (init and media as one stream where there is an init) and read up to the
// first packet of the wanted stream, so that `format` is known. `whole`: a file of its own that may
// be sought in. Waits. 0; END: no such stream; SYNTAX, UNSUPPORTED, NOMEM, CANCELLED, with `why`
// set to a reason.
int weir_lavf_open(struct weir_lavf *l, const struct weir_media_unit *unit,
                   enum weir_container container, bool whole, struct weir_format *format,
                   const char **why);
// The next packet, times in ticks of *time_base. 0, END, SYNTAX, CANCELLED, NOMEM.
int weir_lavf_read(struct weir_lavf *l, AVPacket *pkt, AVRational *time_base, const char **why);
// Seek to the key frame at or before `media_us` (media time).
int weir_lavf_seek(struct weir_lavf *l, int64_t media_us);
void weir_lavf_close(struct weir_lavf *l);
// Media time of the packed audio's first sample, from its ID3 tag; 0 for other containers.
int64_t weir_lavf_base_us(const struct weir_lavf *l);
// Media time at which a whole file begins, as its header says; WEIR_TIME_NONE when it does not.
int64_t weir_lavf_start_us(const struct weir_lavf *l);

#endif
