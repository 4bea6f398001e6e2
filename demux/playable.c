// demux/playable.c — see playable.h. The same box and fragment readers as the demuxer's, over the
// bytes published so far. Everything it needs lies in the struct, so the I/O thread neither waits
// nor allocates.
#include "demux/playable.h"

#include <stdlib.h>

#include "core/rational.h"
#include "demux/mp4_fragment.h"
#include "demux/sniff.h"
#include "demux/timeline.h"
#include "demux/ts_scan.h"
#include "demux/unit_time.h"

#define LOOKAHEAD 32 // samples behind the last one here: none of them may belong before it

enum phase { PHASE_SNIFF, PHASE_INIT, PHASE_MP4, PHASE_TS, PHASE_WHOLE };

struct weir_playable {
    struct weir_media_unit unit; // media and init referenced
    enum weir_demux_want want;
    enum phase phase;
    size_t init_pos;
    struct weir_mp4_init init;
    const struct weir_mp4_track *track;
    struct weir_mp4_reader reader;
    bool any;
    int64_t first_pts, max_end; // ticks of the track
    struct weir_ts_scan ts;
    int64_t until_us; // the last answer
    struct weir_timeline *timeline;
    bool pinned;
};

int weir_playable_create(struct weir_playable **out)
{
    *out = calloc(1, sizeof(**out));
    if (!*out)
        return WEIR_ERR_NOMEM;
    (*out)->until_us = WEIR_TIME_NONE;
    return 0;
}

void weir_playable_pin(struct weir_playable *p, struct weir_timeline *timeline)
{
    p->timeline = timeline;
}

// The demuxer would come to the same offset: both take the first packet's presentation time.
static void pin(struct weir_playable *p, int64_t first_ticks, int64_t timescale)
{
    const struct weir_media_unit *u = &p->unit;
    if (p->pinned || !p->timeline || u->timing_exact || p->want != WEIR_DEMUX_VIDEO)
        return;
    int64_t offset_us;
    p->pinned =
        weir_timeline_offset(p->timeline, true, u->discontinuity_sequence,
                             weir_ticks_to_us(first_ticks, timescale), u->start_us, &offset_us);
}

static void release(struct weir_playable *p)
{
    weir_segment_unref(&p->unit.media);
    weir_segment_unref(&p->unit.init);
}

void weir_playable_destroy(struct weir_playable **pp)
{
    if (!*pp)
        return;
    release(*pp);
    free(*pp);
    *pp = NULL;
}

void weir_playable_begin(struct weir_playable *p, const struct weir_media_unit *unit,
                         enum weir_demux_want want)
{
    struct weir_segment *media = unit->media ? weir_segment_ref(unit->media) : NULL;
    struct weir_segment *init = unit->init ? weir_segment_ref(unit->init) : NULL;
    release(p);
    p->unit = *unit;
    p->unit.media = media;
    p->unit.init = init;
    p->want = want;
    p->phase = PHASE_SNIFF;
    p->init_pos = 0;
    p->track = NULL;
    p->any = p->pinned = false;
    p->until_us = WEIR_TIME_NONE;
}

static struct weir_window window_of(const struct weir_segment *s)
{
    bool complete = weir_segment_state(s) != WEIR_SEGMENT_OPEN; // state before length
    return (struct weir_window){
        .data = weir_segment_data(s), .size_bytes = weir_segment_length(s), .complete = complete};
}

static const struct weir_segment *init_holder(const struct weir_playable *p)
{
    return p->unit.init ? p->unit.init : p->unit.media;
}

static void sniff(struct weir_playable *p)
{
    struct weir_window w = window_of(init_holder(p));
    enum weir_container container;
    size_t need_bytes;
    if (weir_sniff(&w, &container, &need_bytes))
        return;
    p->phase = PHASE_WHOLE;
    if (container == WEIR_CONTAINER_MP4) {
        p->phase = PHASE_INIT;
    } else if (container == WEIR_CONTAINER_TS && !p->unit.init) {
        p->phase = PHASE_TS;
        weir_ts_scan_start(&p->ts, p->want == WEIR_DEMUX_VIDEO);
    }
}

// Step over top-level boxes to the moov, and start on the samples.
static void find_init(struct weir_playable *p)
{
    struct weir_window w = window_of(init_holder(p));
    for (;;) {
        struct weir_box box;
        size_t need_bytes;
        int err = weir_box_read(&w, p->init_pos, SIZE_MAX, &box, &need_bytes);
        if (!err)
            err = weir_box_wait(&w, &box, &need_bytes);
        if (err == WEIR_ERR_AGAIN)
            return;
        if (err || box.end == SIZE_MAX || box.type == WEIR_FOURCC('m', 'd', 'a', 't') ||
            box.type == WEIR_FOURCC('m', 'o', 'o', 'f')) {
            p->phase = PHASE_WHOLE;
            return;
        }
        p->init_pos = box.end;
        if (box.type != WEIR_FOURCC('m', 'o', 'o', 'v'))
            continue;
        p->phase = PHASE_WHOLE;
        if (weir_mp4_init_parse(w.data, &box, &p->init, NULL) ||
            (!p->init.fragmented && !p->unit.init))
            return;
        enum AVMediaType kind =
            p->want == WEIR_DEMUX_VIDEO ? AVMEDIA_TYPE_VIDEO : AVMEDIA_TYPE_AUDIO;
        p->track = weir_mp4_init_track(&p->init, kind, 0);
        if (!p->track)
            return;
        int64_t start = weir_add_sat(weir_unit_start_ticks(&p->unit, p->track->timescale),
                                     p->track->time_offset);
        weir_mp4_reader_start(&p->reader, p->track, p->unit.init ? 0 : box.end, start);
        p->phase = PHASE_MP4;
        return;
    }
}

static int64_t on_timeline(const struct weir_playable *p, int64_t ticks, int64_t first_ticks,
                           int64_t timescale)
{
    if (p->unit.timing_exact)
        return weir_unit_time_us(&p->unit, ticks, 1, timescale);
    return weir_add_sat(p->unit.start_us,
                        weir_ticks_to_us(weir_add_sat(ticks, -first_ticks), timescale));
}

static int64_t scan_mp4(struct weir_playable *p)
{
    struct weir_window w = window_of(p->unit.media);
    struct weir_mp4_sample s;
    size_t need_bytes;
    for (;;) {
        int err = weir_mp4_reader_next(&p->reader, &w, &s, &need_bytes, NULL);
        if (err == WEIR_ERR_SYNTAX)
            continue; // behind the damage, or END
        if (err)
            break;
        int64_t end = weir_add_sat(s.pts, s.duration);
        if (!p->any) {
            p->first_pts = s.pts;
            p->max_end = end;
        }
        p->any = true;
        p->max_end = end > p->max_end ? end : p->max_end;
    }
    if (!p->any)
        return WEIR_TIME_NONE;
    pin(p, p->first_pts, p->track->timescale);
    // Pictures arrive in the order of decoding: those not here yet bound what can be shown without
    // a hole.
    int64_t until = p->max_end;
    struct weir_mp4_reader ahead = p->reader;
    for (int i = 0; i < LOOKAHEAD && weir_mp4_reader_peek(&ahead, &w, &s, &need_bytes, NULL) == 0;
         i++) {
        ahead.pending = false;
        until = s.pts < until ? s.pts : until;
    }
    if (until <= p->first_pts)
        return WEIR_TIME_NONE;
    return on_timeline(p, until, p->first_pts, p->track->timescale);
}

static int64_t scan_ts(struct weir_playable *p)
{
    struct weir_window w = window_of(p->unit.media);
    int64_t first, until;
    if (!weir_ts_scan_until(&p->ts, &w, &first, &until))
        return WEIR_TIME_NONE;
    pin(p, first, 90000);
    if (until <= first)
        return WEIR_TIME_NONE;
    return on_timeline(p, until, first, 90000);
}

int64_t weir_playable_until_us(struct weir_playable *p)
{
    const struct weir_media_unit *u = &p->unit;
    int64_t end_us = WEIR_TIME_NONE;
    if (u->start_us != WEIR_TIME_NONE && u->duration_us != WEIR_TIME_NONE)
        end_us = weir_add_sat(u->start_us, u->duration_us);
    if (u->gap)
        return end_us;
    if (!u->media)
        return WEIR_TIME_NONE;
    bool init_here = !u->init || weir_segment_state(u->init) == WEIR_SEGMENT_COMPLETE;
    if (p->phase == PHASE_SNIFF)
        sniff(p);
    if (p->phase == PHASE_INIT)
        find_init(p);
    int64_t until_us = WEIR_TIME_NONE;
    if (p->phase == PHASE_MP4)
        until_us = scan_mp4(p);
    else if (p->phase == PHASE_TS)
        until_us = scan_ts(p);
    bool complete = init_here && weir_segment_state(u->media) == WEIR_SEGMENT_COMPLETE;
    if (end_us != WEIR_TIME_NONE && (until_us > end_us || complete))
        until_us = end_us;
    if (until_us > p->until_us) // never goes back; NONE is below everything
        p->until_us = until_us;
    return p->until_us;
}
