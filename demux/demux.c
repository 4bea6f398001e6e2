// demux/demux.c — the face of the folder: finds the container, waits for bytes, puts packets on the
// presentation timeline and cuts them to the period. The reading itself is in mp4_demux.c and
// lavf_demux.c.
#include "demux/demux.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/rational.h"
#include "demux/clip.h"
#include "demux/format.h"
#include "demux/lavf_demux.h"
#include "demux/mp4_demux.h"
#include "demux/sniff.h"
#include "demux/timeline.h"
#include "demux/unit_time.h"

#define FOLLOWER_POLL_US 50000 // how soon a follower that waits for the leader notices a cancel
#define TS_WRAP_TICKS    (INT64_C(1) << 33) // MPEG timestamps count 33 bits of 90 kHz

enum backend { BACKEND_NONE, BACKEND_MP4, BACKEND_LAVF };

struct weir_demux {
    struct weir_demux_params params;
    struct weir_media_unit unit; // its segments are referenced while backend is set
    enum backend backend;
    enum weir_container container;
    struct weir_mp4_demux mp4;
    struct weir_lavf *lavf;
    struct weir_format format;
    // Timing of the unit, once its first packet was seen.
    bool timed;
    int64_t offset_us; // added to media time
    bool cut_reported; // that the transfer ended early
};

int weir_demux_create(const struct weir_demux_params *params, struct weir_demux **out)
{
    *out = NULL;
    struct weir_demux *d = calloc(1, sizeof(*d));
    if (!d)
        return WEIR_ERR_NOMEM;
    d->params = *params;
    weir_mp4_demux_init(&d->mp4);
    int err = weir_format_init(&d->format);
    if (!err)
        err = weir_lavf_create(&d->params, &d->lavf);
    if (err) {
        weir_demux_destroy(&d);
        return err;
    }
    *out = d;
    return 0;
}

static void release_unit(struct weir_demux *d)
{
    weir_lavf_close(d->lavf);
    weir_mp4_demux_close(&d->mp4);
    weir_segment_unref(&d->unit.media);
    weir_segment_unref(&d->unit.init);
    d->backend = BACKEND_NONE;
    d->timed = d->cut_reported = false;
}

void weir_demux_reset(struct weir_demux *d)
{
    release_unit(d);
    d->unit.discontinuity_sequence = 0;
    if (d->params.timeline && d->params.want == WEIR_DEMUX_VIDEO)
        weir_timeline_leader_back(d->params.timeline);
}

void weir_demux_destroy(struct weir_demux **dp)
{
    struct weir_demux *d = *dp;
    if (!d)
        return;
    if (d->lavf)
        release_unit(d);
    weir_lavf_destroy(&d->lavf);
    weir_mp4_demux_clear(&d->mp4);
    weir_format_clear(&d->format);
    free(d);
    *dp = NULL;
}

const struct weir_stream_format *weir_demux_format(const struct weir_demux *d)
{
    return d->format.shown.generation ? &d->format.shown : NULL;
}

// --- waiting and reporting ---

static struct weir_window window_of(const struct weir_segment *s)
{
    enum weir_segment_state state = weir_segment_state(s); // before the length: then it is final
    return (struct weir_window){.data = weir_segment_data(s),
                                .size_bytes = weir_segment_length(s),
                                .complete = state != WEIR_SEGMENT_OPEN};
}

// After AGAIN on a window of `s`: 0 when `need_bytes` are there or no more will come.
static int wait_for(struct weir_demux *d, const struct weir_segment *s, size_t need_bytes)
{
    if (!d->params.wait)
        return WEIR_ERR_AGAIN;
    while (weir_segment_state(s) == WEIR_SEGMENT_OPEN) {
        size_t have_bytes = weir_segment_length(s);
        if (have_bytes >= need_bytes)
            break;
        if (d->params.wait(d->params.wait_ctx, s, have_bytes))
            return WEIR_ERR_CANCELLED;
    }
    return 0;
}

static void unit_place(const struct weir_demux *d, char *out, size_t size, const char *inside)
{
    const char *comma = inside[0] ? ", " : "";
    if (d->unit.number >= 0)
        (void)snprintf(out, size, "segment %lld%s%s", (long long)d->unit.number, comma, inside);
    else
        (void)snprintf(out, size, "media%s%s", comma, inside);
}

static int report(const struct weir_demux *d, int err, const char *inside, const char *why,
                  struct weir_error *error)
{
    char place[160];
    unit_place(d, place, sizeof(place), inside);
    const char *what = "cannot read the media";
    if (err == WEIR_ERR_SYNTAX)
        what = "damaged media";
    else if (err == WEIR_ERR_UNSUPPORTED)
        what = "unsupported media";
    if (err == WEIR_ERR_CANCELLED || err == WEIR_ERR_AGAIN || err == WEIR_ERR_END)
        what = weir_strerror(err);
    (void)weir_error_set(error, err, place, "%s", what);
    if (d->unit.media && weir_segment_state(d->unit.media) == WEIR_SEGMENT_FAILED &&
        err == WEIR_ERR_SYNTAX)
        weir_error_why(error, "%s%sthe transfer ended early", why ? why : "", why ? "; " : "");
    else if (why)
        weir_error_why(error, "%s", why);
    return err;
}

static int report_mp4(const struct weir_demux *d, int err, const struct weir_mp4_fault *fault,
                      const struct weir_segment *in, struct weir_error *error)
{
    char box[WEIR_BOX_PLACE_BYTES] = "", place[WEIR_BOX_PLACE_BYTES + 8] = "";
    if (fault->what)
        weir_box_place(box, fault->type, fault->at);
    (void)snprintf(place, sizeof(place), "%s%s", in == d->unit.init && in ? "init, " : "", box);
    return report(d, err, place, fault->what, error);
}

// --- beginning a unit ---

static int sniff_unit(struct weir_demux *d, struct weir_error *error)
{
    const struct weir_segment *s = d->unit.init ? d->unit.init : d->unit.media;
    for (;;) {
        struct weir_window w = window_of(s);
        size_t need_bytes = 0;
        int err = weir_sniff(&w, &d->container, &need_bytes);
        if (!err && w.size_bytes == 0)
            return report(d, WEIR_ERR_SYNTAX, s == d->unit.init ? "init" : "", "it is empty",
                          error);
        if (!err && d->container == WEIR_CONTAINER_TEXT)
            return report(d, WEIR_ERR_SYNTAX, s == d->unit.init ? "init" : "",
                          "text instead of media", error);
        if (err == WEIR_ERR_AGAIN)
            err = wait_for(d, s, need_bytes);
        else
            return err;
        if (err)
            return report(d, err, "", NULL, error);
    }
}

// Read the moov in `s`. END: none before the media.
static int load_init(struct weir_demux *d, struct weir_segment *s, struct weir_error *error)
{
    for (;;) {
        struct weir_window w = window_of(s);
        size_t need_bytes = 0;
        struct weir_mp4_fault fault = {0};
        int err = weir_mp4_demux_load_init(&d->mp4, s, &w, &need_bytes, &fault);
        if (err == WEIR_ERR_AGAIN)
            err = wait_for(d, s, need_bytes);
        else if (!err || err == WEIR_ERR_END)
            return err;
        if (err)
            return report_mp4(d, err, &fault, s, error);
    }
}

static int begin_lavf(struct weir_demux *d, bool whole, struct weir_error *error)
{
    const char *why = NULL;
    d->backend = BACKEND_LAVF;
    int err = weir_lavf_open(d->lavf, &d->unit, d->container, whole, &d->format, &why);
    if (!err)
        return 0;
    d->backend = BACKEND_NONE;
    if (err == WEIR_ERR_END)
        why = d->params.want == WEIR_DEMUX_VIDEO ? "it carries no video" : "it carries no audio";
    return report(d, err, weir_container_name(d->container), why, error);
}

// Start on the samples behind byte `pos` and wait until the first one's description is known.
static int start_mp4(struct weir_demux *d, size_t pos, struct weir_error *error)
{
    struct weir_mp4_fault fault = {0};
    int err = weir_mp4_demux_start(&d->mp4, &d->params, &d->unit, pos);
    if (err)
        return report(d, err, "",
                      d->params.want == WEIR_DEMUX_VIDEO ? "it carries no video"
                                                         : "it carries no audio",
                      error);
    d->backend = BACKEND_MP4;
    for (;;) {
        struct weir_window w = window_of(d->unit.media);
        size_t need_bytes = 0;
        err = weir_mp4_demux_format(&d->mp4, &w, &d->format, &need_bytes, &fault);
        if (err != WEIR_ERR_AGAIN)
            break;
        err = wait_for(d, d->unit.media, need_bytes);
        if (err)
            break;
    }
    if (err) {
        d->backend = BACKEND_NONE;
        return report_mp4(d, err, &fault, d->mp4.init_from, error);
    }
    return 0;
}

static int begin_mp4(struct weir_demux *d, struct weir_error *error)
{
    size_t pos = 0;
    if (d->unit.init) {
        int err = load_init(d, d->unit.init, error);
        if (err == WEIR_ERR_END)
            return report(d, WEIR_ERR_SYNTAX, "init", "there is no moov in it", error);
        if (err)
            return err;
    } else {
        int err = load_init(d, d->unit.media, error);
        if (err == WEIR_ERR_END) {
            // Samples before the moov: a file that is not fragmented, or a segment whose init is
            // missing.
            struct weir_window w = window_of(d->unit.media);
            size_t at = 0, need_bytes;
            struct weir_box box = {0};
            while (weir_box_read(&w, at, SIZE_MAX, &box, &need_bytes) == 0 &&
                   box.end <= w.size_bytes && box.type != WEIR_FOURCC('m', 'o', 'o', 'f') &&
                   box.type != WEIR_FOURCC('m', 'd', 'a', 't'))
                at = box.end;
            if (box.type == WEIR_FOURCC('m', 'd', 'a', 't'))
                return begin_lavf(d, true, error);
            return report(d, WEIR_ERR_SYNTAX, "", "an initialisation segment is missing", error);
        }
        if (err)
            return err;
        pos = d->mp4.media_start;
        if (!d->mp4.init.fragmented)
            return begin_lavf(d, true, error);
    }
    if (!d->mp4.init.fragmented && d->mp4.init.track_count == 0)
        return report(d, WEIR_ERR_SYNTAX, "init, moov", "there is no track in it", error);
    return start_mp4(d, pos, error);
}

// Followers must not wait for a leader that has nothing to tell about this sequence.
static void leader_gives_up(const struct weir_demux *d)
{
    if (d->params.timeline && d->params.want == WEIR_DEMUX_VIDEO && !d->unit.timing_exact)
        weir_timeline_leader_passed(d->params.timeline, d->unit.discontinuity_sequence);
}

static int begin_media(struct weir_demux *d, struct weir_error *error)
{
    if (d->unit.gap || !d->unit.media)
        return 0;
    int err = sniff_unit(d, error);
    if (err)
        return err;
    if (d->container == WEIR_CONTAINER_MP4)
        return begin_mp4(d, error);
    return begin_lavf(d, !d->unit.init && d->container == WEIR_CONTAINER_UNKNOWN, error);
}

int weir_demux_begin(struct weir_demux *d, const struct weir_media_unit *unit,
                     struct weir_error *error)
{
    // New references first: the unit may hold the very segments that are let go.
    struct weir_segment *media = unit->media ? weir_segment_ref(unit->media) : NULL;
    struct weir_segment *init = unit->init ? weir_segment_ref(unit->init) : NULL;
    release_unit(d);
    d->unit = *unit;
    d->unit.media = media;
    d->unit.init = init;
    int err = begin_media(d, error);
    if (d->backend == BACKEND_NONE && err != WEIR_ERR_CANCELLED && err != WEIR_ERR_AGAIN)
        leader_gives_up(d);
    return err;
}

// --- packets ---

static int64_t media_us(const struct weir_demux *d, int64_t ticks, AVRational tb)
{
    int64_t us = weir_unit_time_us(&d->unit, ticks, tb.num, tb.den);
    if (d->backend == BACKEND_LAVF)
        us = weir_add_sat(us, weir_lavf_base_us(d->lavf));
    return us;
}

// Ask the shared timeline for the offset of this unit's discontinuity sequence; a follower waits
// for the leader.
static int pin(struct weir_demux *d, int64_t first_us, struct weir_error *error)
{
    bool leader = d->params.want == WEIR_DEMUX_VIDEO;
    const struct weir_media_unit *u = &d->unit;
    while (!weir_timeline_offset(d->params.timeline, leader, u->discontinuity_sequence, first_us,
                                 u->start_us, &d->offset_us)) {
        // Called only to learn whether to give up: the bytes it speaks of are here.
        if (d->params.wait && d->params.wait(d->params.wait_ctx, u->media, 0))
            return report(d, WEIR_ERR_CANCELLED, "", NULL, error);
        if (d->params.nap)
            d->params.nap(d->params.wait_ctx);
        else
            weir_timeline_wait(d->params.timeline, u->discontinuity_sequence, FOLLOWER_POLL_US);
    }
    return 0;
}

// The MPEG clock starts over every 26.5 hours: choose the turn that brings the packet near where
// its segment is.
static void unwrap(struct weir_demux *d, int64_t first_us)
{
    bool mpeg_clock = d->container == WEIR_CONTAINER_TS || weir_lavf_base_us(d->lavf) != 0;
    if (d->backend != BACKEND_LAVF || !mpeg_clock || d->unit.start_us == WEIR_TIME_NONE)
        return;
    int64_t period_us = weir_ticks_to_us(TS_WRAP_TICKS, 90000);
    int64_t late_us = weir_add_sat(d->unit.start_us, -weir_add_sat(first_us, d->offset_us));
    int64_t turns = weir_add_sat(late_us, late_us < 0 ? -period_us / 2 : period_us / 2) / period_us;
    d->offset_us = weir_add_sat(d->offset_us, weir_mul_sat(turns, period_us));
}

static int find_timing(struct weir_demux *d, const AVPacket *pkt, AVRational tb,
                       struct weir_error *error)
{
    int64_t ticks = pkt->pts != AV_NOPTS_VALUE ? pkt->pts : pkt->dts;
    int64_t first_us = ticks == AV_NOPTS_VALUE ? 0 : media_us(d, ticks, tb);
    d->offset_us = 0;
    if (!d->unit.timing_exact && d->params.timeline) {
        int64_t declared_us =
            d->backend == BACKEND_LAVF ? weir_lavf_start_us(d->lavf) : WEIR_TIME_NONE;
        int err = pin(d, declared_us != WEIR_TIME_NONE ? declared_us : first_us, error);
        if (err)
            return err;
    }
    unwrap(d, first_us);
    d->timed = true;
    return 0;
}

static void place_packet(const struct weir_demux *d, AVPacket *pkt, AVRational tb)
{
    int64_t start = pkt->pts;
    if (pkt->duration > 0 && start != AV_NOPTS_VALUE) {
        // The difference of two rounded times, so that neighbours meet exactly.
        int64_t end_us = media_us(d, weir_add_sat(start, pkt->duration), tb);
        pkt->duration = weir_add_sat(end_us, -media_us(d, start, tb));
    }
    if (pkt->pts != AV_NOPTS_VALUE)
        pkt->pts = weir_add_sat(media_us(d, pkt->pts, tb), d->offset_us);
    if (pkt->dts != AV_NOPTS_VALUE)
        pkt->dts = weir_add_sat(media_us(d, pkt->dts, tb), d->offset_us);
    pkt->time_base = (AVRational){1, 1000000};
    pkt->stream_index = 0;
}

static int read_mp4(struct weir_demux *d, AVPacket *pkt, AVRational *tb, struct weir_error *error)
{
    for (;;) {
        struct weir_window w = window_of(d->unit.media);
        size_t need_bytes = 0;
        struct weir_mp4_fault fault = {0};
        int err = weir_mp4_demux_read(&d->mp4, &w, &d->format, pkt, &need_bytes, &fault);
        if (!err) {
            *tb = (AVRational){1, (int)d->mp4.track->timescale};
            return 0;
        }
        if (err == WEIR_ERR_AGAIN)
            err = wait_for(d, d->unit.media, need_bytes);
        if (err)
            return report_mp4(d, err, &fault, d->unit.media, error);
    }
}

static int read_lavf(struct weir_demux *d, AVPacket *pkt, AVRational *tb, struct weir_error *error)
{
    const char *why = NULL;
    int err = weir_lavf_read(d->lavf, pkt, tb, &why);
    if (!err)
        return 0;
    if (err == WEIR_ERR_END && !d->cut_reported &&
        weir_segment_state(d->unit.media) == WEIR_SEGMENT_FAILED) {
        d->cut_reported = true; // libavformat takes the missing bytes for the end
        err = WEIR_ERR_SYNTAX;
    }
    return report(d, err, weir_container_name(d->container), why, error);
}

int weir_demux_read(struct weir_demux *d, AVPacket *pkt, struct weir_error *error)
{
    for (;;) {
        AVRational tb = {1, 1};
        int err = WEIR_ERR_END;
        av_packet_unref(pkt);
        if (d->backend == BACKEND_MP4)
            err = read_mp4(d, pkt, &tb, error);
        else if (d->backend == BACKEND_LAVF)
            err = read_lavf(d, pkt, &tb, error);
        if (err == WEIR_ERR_END && !d->timed)
            leader_gives_up(d);
        if (!err && !d->timed)
            err = find_timing(d, pkt, tb, error);
        if (!err) {
            place_packet(d, pkt, tb);
            err = weir_clip_packet(&d->unit, d->format.current, pkt);
            if (err == WEIR_ERR_END) {
                av_packet_unref(pkt);
                continue;
            }
        }
        if (!err)
            err = weir_format_attach(&d->format, pkt);
        if (err)
            av_packet_unref(pkt);
        return err;
    }
}

int weir_demux_seek(struct weir_demux *d, int64_t target_us)
{
    if (d->unit.init || !d->unit.media || d->backend == BACKEND_NONE)
        return WEIR_ERR_UNSUPPORTED;
    if (!d->timed) { // the first packet says where the media begin on the timeline
        AVPacket *pkt = av_packet_alloc();
        int err = pkt ? weir_demux_read(d, pkt, NULL) : WEIR_ERR_NOMEM;
        av_packet_free(&pkt);
        if (err)
            return err;
    }
    int64_t in_media_us = weir_add_sat(target_us, -d->offset_us);
    if (d->backend == BACKEND_LAVF)
        return weir_lavf_seek(d->lavf, in_media_us);
    struct weir_window w = window_of(d->unit.media);
    return weir_mp4_demux_seek(&d->mp4, &w, weir_us_to_ticks(in_media_us, d->mp4.track->timescale));
}
