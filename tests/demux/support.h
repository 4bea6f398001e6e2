// tests/demux/support.h — what the demuxer's tests share: media files, segments filled at once or
// by a writer thread, libavformat's and ffmpeg's own readings to compare with.
#ifndef WEIR_TESTS_DEMUX_SUPPORT_H
#define WEIR_TESTS_DEMUX_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <libavformat/avformat.h>

#include "core/clock.h"
#include "core/segment.h"
#include "demux/demux.h"
#include "demux/timeline.h"

struct bytes {
    uint8_t *data;
    size_t size;
};

// One packet as read, with its bytes.
struct packet {
    int64_t pts_us, dts_us, duration_us;
    int flags;
    bool skips, new_extradata;
    uint32_t skip_start, skip_end;
    struct bytes bytes;
};

struct packets {
    struct packet *items;
    size_t count, room;
};

struct world {
    struct weir_budget budget;
    struct weir_copy_counters copies;
    struct weir_segment_pool *pool;
    struct weir_timeline *timeline;
    struct weir_wake wake;
    bool cancel;
    int refused_packets; // whose bytes did not lie in a slot, where check_slots asks for it
    bool check_slots;
};

// CMocka group setup and teardown: makes the media once, and a struct world.
int media_setup(void **state);
int media_teardown(void **state);
const char *media_path(const char *name); // in a buffer of its own, overwritten eight calls later

struct bytes load(const char *name);
struct bytes join(const struct bytes *parts, size_t count);
void drop(struct bytes *b);

struct weir_segment *segment_of(struct world *w, const uint8_t *data, size_t size,
                                enum weir_segment_state state);
struct weir_segment *segment_from(struct world *w, const char *name); // complete
struct weir_demux *demux_for(struct world *w, enum weir_demux_want want, bool waits);
// A unit with exact timing from 0, media ticks being presentation ticks.
struct weir_media_unit exact_unit(struct weir_segment *init, struct weir_segment *media);

// Append every packet of the unit that was begun. Returns the last result (END, or an error).
int read_all(struct world *w, struct weir_demux *d, struct packets *out, struct weir_error *error);
void packets_clear(struct packets *p);
// What libavformat reads from a file: packets of the first stream of this kind, converted as demux
// does.
void lavf_packets(const char *path, enum AVMediaType kind, bool stream_info, struct packets *out);
void assert_same_packets(const struct packets *got, const struct packets *expect, const char *name);
void assert_same_bytes(const struct bytes *got, const struct bytes *expect, const char *name);

// Decode packets with the demuxer's parameters: planar pictures tightly packed, or interleaved
// float sound.
struct bytes decode(const AVCodecParameters *par, const struct packets *p);
// Standard output of the ffmpeg command with these arguments.
struct bytes ffmpeg_output(const char *arguments);

// Feeds `data` to `s` in random pieces of up to max_piece bytes from another thread, then finishes
// it.
struct feeder;
struct feeder *feeder_start(struct weir_segment *s, const uint8_t *data, size_t size, uint32_t seed,
                            size_t max_piece, enum weir_segment_state end);
void feeder_join(struct feeder **f);

// The start of every box, however deep; returns the count.
size_t box_boundaries(const uint8_t *data, size_t size, size_t *out, size_t room);

#endif
