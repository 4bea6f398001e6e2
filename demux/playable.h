// demux/playable.h — how far a segment that is still arriving could be decoded: the engine starts
// and resumes on this. Runs on the I/O thread over the same bytes the demuxer reads; never waits,
// allocates only at create.
#ifndef WEIR_DEMUX_PLAYABLE_H
#define WEIR_DEMUX_PLAYABLE_H

#include "demux/demux.h"

struct weir_playable;

int weir_playable_create(struct weir_playable **out);
void weir_playable_destroy(struct weir_playable **p);
// Let the video's scan pin the shared timeline as soon as the first timestamp has arrived, before
// any decoder thread gets there: sound then never waits for the pictures' demuxer. Borrowed; NULL
// (the default) pins nothing.
void weir_playable_pin(struct weir_playable *p, struct weir_timeline *timeline);
// Follow this unit from its beginning (its init segment may be NULL or still arriving).
void weir_playable_begin(struct weir_playable *p, const struct weir_media_unit *unit,
                         enum weir_demux_want want);
// End of the media decodable with the bytes published now, on the presentation timeline;
// WEIR_TIME_NONE while nothing is, and for containers that are only known once complete.
// unit.start_us + duration_us when complete.
int64_t weir_playable_until_us(struct weir_playable *p);

#endif
