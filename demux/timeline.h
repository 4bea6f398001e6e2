// demux/timeline.h — pins media timestamps to the presentation timeline where the manifest gives no
// exact rule (HLS, plain files): in each discontinuity sequence the first timestamp of the leading
// stream stands for the start of the segment it came from, and every stream uses that one offset
// (RFC 8216, 3 and 6.2.4: renditions share timestamps). Shared by the threads of a session.
#ifndef WEIR_DEMUX_TIMELINE_H
#define WEIR_DEMUX_TIMELINE_H

#include <stdbool.h>
#include <stdint.h>

struct weir_timeline;

// `video_leads`: offsets are pinned by the video stream, and audio waits for it; else the first to
// come pins.
int weir_timeline_create(bool video_leads, struct weir_timeline **out);
void weir_timeline_destroy(struct weir_timeline **t);
// The offset to add to media time (us) in this discontinuity sequence. A leading caller with
// first_media_us seen in a segment that starts at start_us pins it if it is not pinned yet. False:
// not known yet, ask again (a follower).
bool weir_timeline_offset(struct weir_timeline *t, bool leader, int64_t discontinuity_sequence,
                          int64_t first_media_us, int64_t start_us, int64_t *offset_us);
// The leading stream has gone past this sequence, ended, or turned out to be absent: followers pin
// for themselves.
void weir_timeline_leader_passed(struct weir_timeline *t, int64_t discontinuity_sequence);
// The leading stream starts over (a seek): what it has gone past is forgotten, unless that was
// INT64_MAX; what is pinned stays.
void weir_timeline_leader_back(struct weir_timeline *t);
// A follower sleeps until this sequence may have an offset, at most timeout_us.
void weir_timeline_wait(struct weir_timeline *t, int64_t discontinuity_sequence,
                        int64_t timeout_us);

#endif
