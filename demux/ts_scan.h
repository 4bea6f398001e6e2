// demux/ts_scan.h — how far an MPEG-TS segment that is still arriving could be decoded, told by the
// time stamps of its PES headers (ISO/IEC 13818-1). For the playable scan only; demuxing is
// libavformat's. Never waits or allocates.
#ifndef WEIR_DEMUX_TS_SCAN_H
#define WEIR_DEMUX_TS_SCAN_H

#include "demux/box.h"

struct weir_ts_scan {
    bool want_video;
    size_t pos;       // next packet
    int pmt_pid, pid; // -1 unknown
    int64_t first,
        newest; // 90 kHz: first presentation time, decode time of the newest PES begun; -1 none
};

void weir_ts_scan_start(struct weir_ts_scan *s, bool want_video);
// Go on through the packets published. True once the stream's first PES has begun: its presentation
// time, and the time before which everything has arrived (equal to *first_ticks while nothing has).
bool weir_ts_scan_until(struct weir_ts_scan *s, const struct weir_window *w, int64_t *first_ticks,
                        int64_t *until_ticks);

#endif
