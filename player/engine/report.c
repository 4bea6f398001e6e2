// player/engine/report.c — what happened, for the event stream: facts only, no strings but static
// ones.
#include <string.h>

#include "player/engine/internal.h"

// A report to fill, or NULL where the host wants none.
static struct weir_report *begin(struct weir_engine *e, enum weir_report_kind kind,
                                 const struct weir_lane *l)
{
    if (!e->params.report)
        return NULL;
    struct weir_report *r = &weir_engine_emit(e, WEIR_ACTION_REPORT)->report;
    memset(r, 0, sizeof(*r));
    r->kind = kind;
    if (l)
        r->track = l->track;
    return r;
}

void weir_report_decision(struct weir_engine *e, const struct weir_lane *l,
                          const struct weir_fetch *fetch)
{
    struct weir_report *r = begin(e, WEIR_REPORT_DECISION, l);
    if (!r)
        return;
    r->segment_serial = fetch->segment_serial;
    r->rung = fetch->rung;
    r->number = fetch->info.number;
    r->media_us = fetch->info.start_us;
    r->duration_us = fetch->info.duration_us;
    r->bitrate_bps = fetch->rep->bandwidth_bps;
    r->buffer_us = weir_lane_level_us(e, l);
    r->throughput_bps = weir_engine_bps(e);
    r->reason = l->plan_reason;
}

void weir_report_segment(struct weir_engine *e, const struct weir_lane *l, const struct weir_job *j)
{
    const struct weir_fetch *fetch = &j->fetch;
    struct weir_report *r;
    if (l->last_rung != WEIR_RUNG_NONE && l->last_rung != fetch->rung &&
        (r = begin(e, WEIR_REPORT_SWITCH, l))) {
        r->from = l->last_rung;
        r->rung = fetch->rung;
        r->segment_serial = fetch->segment_serial;
        r->media_us = fetch->info.start_us;
        r->bitrate_bps = fetch->rep->bandwidth_bps;
    }
    r = begin(e, WEIR_REPORT_SEGMENT, l);
    if (!r)
        return;
    r->id = fetch->id;
    r->segment_serial = fetch->segment_serial;
    r->rung = fetch->rung;
    r->base = fetch->base;
    r->number = fetch->info.number;
    r->media_us = fetch->info.start_us;
    r->duration_us = fetch->info.duration_us;
    r->bitrate_bps = fetch->rep->bandwidth_bps;
    r->bytes = j->unit_bytes + j->done_bytes;
}

void weir_report_abandon(struct weir_engine *e, const struct weir_lane *l, size_t to_rung)
{
    struct weir_report *r = begin(e, WEIR_REPORT_ABANDON, l);
    if (!r)
        return;
    r->id = l->media.fetch.id;
    r->segment_serial = l->media.fetch.segment_serial;
    r->from = l->media.fetch.rung;
    r->rung = to_rung;
    r->bytes = l->media.unit_bytes + l->media.done_bytes;
    r->buffer_us = weir_lane_level_us(e, l);
}

void weir_report_playback(struct weir_engine *e, enum weir_report_kind kind, int64_t duration_us)
{
    struct weir_report *r = begin(e, kind, NULL);
    if (!r)
        return;
    r->media_us = weir_playback_head_us(e);
    r->duration_us = duration_us;
}

void weir_report_retry(struct weir_engine *e, const struct weir_job *j, int err)
{
    struct weir_report *r = begin(e, WEIR_REPORT_RETRY, &e->lanes[j->fetch.track]);
    if (!r)
        return;
    r->id = j->fetch.id;
    r->err = err;
    r->rung = j->fetch.rung;
    r->base = j->fetch.base;
    r->attempt = j->fetch.attempt + 1;
    r->at_us = j->retry_at_us;
}

void weir_report_failover(struct weir_engine *e, const struct weir_job *j)
{
    struct weir_report *r = begin(e, WEIR_REPORT_FAILOVER, &e->lanes[j->fetch.track]);
    if (!r)
        return;
    r->id = j->fetch.id;
    r->rung = j->fetch.rung;
    r->base = j->fetch.base;
}

void weir_report_warning(struct weir_engine *e, const struct weir_lane *l, uint64_t serial, int err,
                         const char *reason)
{
    struct weir_report *r = begin(e, WEIR_REPORT_WARNING, l);
    if (!r)
        return;
    r->segment_serial = serial;
    r->err = err;
    r->media_us = l->end_us;
    r->reason = reason;
}
