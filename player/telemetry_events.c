// player/telemetry_events.c — the event stream: one JSON object per line, members as docs/events.md
// lists them.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/url.h"
#include "player/record.h"
#include "player/telemetry_state.h"

static double seconds(int64_t us)
{
    return (double)us / (double)WEIR_SECOND_US;
}

json_t *weir_telemetry_seconds(int64_t us)
{
    return us == WEIR_TIME_NONE ? json_null() : json_real(seconds(us));
}

static const char *track_name(enum weir_engine_track track)
{
    return track == WEIR_ENGINE_VIDEO ? "video" : "audio";
}

// The line with the checksum over it and all before it.
static void hand_over_summed(struct weir_telemetry *t, const char *text)
{
    size_t length = strlen(text); // "{…}"
    char *summed = malloc(length + 32);
    if (!summed)
        return;
    t->sum = weir_record_sum(t->sum, text, length);
    (void)snprintf(summed, length + 32, "%.*s,\"sum\":\"%016llx\"}", (int)(length - 1), text,
                   (unsigned long long)t->sum);
    t->params.event(t->params.ctx, summed);
    free(summed);
}

// Takes over `o`; adds t and event, and hands the line to the sink.
static void emit(struct weir_telemetry *t, int64_t now_us, const char *event, json_t *o)
{
    json_t *line = json_object();
    if (line && o) {
        (void)json_object_set_new(line, "t", json_real(seconds(now_us - t->params.t0_us)));
        (void)json_object_set_new(line, "event", json_string(event));
        (void)json_object_update(line, o);
        char *text = json_dumps(line, JSON_COMPACT | JSON_REAL_PRECISION(12));
        if (text && t->params.record)
            hand_over_summed(t, text);
        else if (text)
            t->params.event(t->params.ctx, text);
        free(text);
    }
    json_decref(line);
    json_decref(o);
}

void weir_telemetry_record(struct weir_telemetry *t, int64_t now_us, const char *event, json_t *o)
{
    if (t->params.event)
        emit(t, now_us, event, o);
    else
        json_decref(o);
}

static bool silent(const struct weir_telemetry *t)
{
    return !t->params.event;
}

void weir_telemetry_open(struct weir_telemetry *t, int64_t now_us)
{
    t->opened_us = now_us;
    if (silent(t))
        return;
    char url[WEIR_URL_MAX_BYTES];
    weir_url_redact(t->params.content, url, sizeof(url));
    emit(t, now_us, "open",
         json_pack("{s:s, s:s, s:s, s:I}", "schema", "weir.event/1", "url", url, "abr",
                   t->params.abr, "seed", (json_int_t)t->params.seed));
}

static json_t *rungs_json(const struct weir_engine_rungs *rungs)
{
    json_t *list = json_array();
    for (size_t i = 0; list && i < rungs->count; i++) {
        const struct weir_representation *r = rungs->rungs[i];
        (void)json_array_append_new(list,
                                    json_pack("{s:s?, s:I, s:i, s:i, s:s?}", "id", r->id,
                                              "bandwidth", (json_int_t)r->bandwidth_bps, "width",
                                              r->width, "height", r->height, "codecs", r->codecs));
    }
    return list;
}

void weir_telemetry_emit_presentation(struct weir_telemetry *t, int64_t now_us,
                                      const struct weir_presentation *p)
{
    static const char *const protocols[] = {"dash", "hls", "file"};
    if (silent(t))
        return;
    emit(t, now_us, "presentation",
         json_pack("{s:s, s:o, s:I}", "protocol", protocols[p->protocol], "duration",
                   weir_telemetry_seconds(p->duration_us), "periods", (json_int_t)p->period_count));
    for (int k = 0; k < WEIR_ENGINE_TRACKS; k++) {
        const struct weir_track *track = t->selection->tracks[k];
        if (!t->selection->has[k] || !track)
            continue;
        const struct weir_engine_rungs *rungs = &t->selection->content.periods[0].tracks[k];
        emit(t, now_us, "track",
             json_pack("{s:s, s:s?, s:s?, s:s?, s:o}", "track", track_name(k), "id", track->id,
                       "lang", track->lang, "label", track->label, "rungs", rungs_json(rungs)));
    }
}

void weir_telemetry_request(struct weir_telemetry *t, int64_t now_us, const struct weir_fetch *f,
                            const char *url)
{
    static const char *const kinds[] = {"media", "init", "index"};
    if (silent(t))
        return;
    char shown[WEIR_URL_MAX_BYTES];
    weir_url_redact(url, shown, sizeof(shown));
    bool media = f->kind == WEIR_FETCH_MEDIA;
    const struct weir_byte_range *range = media     ? &f->info.range
                                          : f->init ? &f->init->range
                                                    : &f->rep->index_range;
    json_t *r = range->first < 0
                    ? json_null()
                    : json_pack("[I, I]", (json_int_t)range->first, (json_int_t)range->last);
    emit(t, now_us, "request",
         json_pack("{s:I, s:s, s:o, s:s, s:s, s:I, s:o, s:i}", "id", (json_int_t)f->id, "url",
                   shown, "range", r, "kind", kinds[f->kind], "track", track_name(f->track), "rung",
                   (json_int_t)f->rung, "segment",
                   media ? json_integer((json_int_t)f->index) : json_null(), "attempt",
                   f->attempt));
}

void weir_telemetry_request_document(struct weir_telemetry *t, int64_t now_us, const char *url)
{
    if (silent(t))
        return;
    char shown[WEIR_URL_MAX_BYTES];
    weir_url_redact(url, shown, sizeof(shown));
    emit(t, now_us, "request",
         json_pack("{s:i, s:s, s:n, s:s, s:n, s:n, s:n, s:i}", "id", 0, "url", shown, "range",
                   "kind", "manifest", "track", "rung", "segment", "attempt", 0));
}

void weir_telemetry_emit_response(struct weir_telemetry *t, int64_t now_us,
                                  const struct weir_telemetry_response *r)
{
    if (silent(t))
        return;
    int64_t ttfb_us = WEIR_TIME_NONE, duration_us = WEIR_TIME_NONE;
    if (r->t_first_byte_us != WEIR_TIME_NONE && r->t_request_us != WEIR_TIME_NONE)
        ttfb_us = r->t_first_byte_us - r->t_request_us;
    if (r->t_last_us != WEIR_TIME_NONE && r->t_request_us != WEIR_TIME_NONE)
        duration_us = r->t_last_us - r->t_request_us;
    json_t *o = json_pack(
        "{s:I, s:i, s:I, s:o, s:o, s:s}", "id", (json_int_t)r->id, "status", r->status, "bytes",
        (json_int_t)r->bytes, "ttfb", weir_telemetry_seconds(ttfb_us), "duration",
        weir_telemetry_seconds(duration_us), "from", r->from_cache ? "cache" : "network");
    if (r->err && o)
        (void)json_object_set_new(o, "error",
                                  json_string(r->error ? r->error->what : weir_strerror(r->err)));
    emit(t, now_us, "response", o);
}

void weir_telemetry_emit_report(struct weir_telemetry *t, int64_t now_us,
                                const struct weir_report *r)
{
    if (silent(t))
        return;
    const char *track = track_name(r->track);
    switch (r->kind) {
    case WEIR_REPORT_DECISION:
        emit(t, now_us, "decision",
             json_pack("{s:s, s:I, s:I, s:o, s:I, s:s}", "track", track, "segment",
                       (json_int_t)r->segment_serial, "rung", (json_int_t)r->rung, "buffer",
                       weir_telemetry_seconds(r->buffer_us), "throughput",
                       (json_int_t)r->throughput_bps, "reason", r->reason ? r->reason : ""));
        break;
    case WEIR_REPORT_SWITCH:
        emit(t, now_us, "switch",
             json_pack("{s:s, s:I, s:I, s:o}", "track", track, "from", (json_int_t)r->from, "to",
                       (json_int_t)r->rung, "at", weir_telemetry_seconds(r->media_us)));
        break;
    case WEIR_REPORT_SEGMENT:
        emit(t, now_us, "segment",
             json_pack("{s:s, s:I, s:o, s:o, s:I, s:I}", "track", track, "number",
                       (json_int_t)r->number, "start", weir_telemetry_seconds(r->media_us),
                       "duration", weir_telemetry_seconds(r->duration_us), "rung",
                       (json_int_t)r->rung, "bytes", (json_int_t)r->bytes));
        break;
    case WEIR_REPORT_ABANDON:
        emit(t, now_us, "abandon",
             json_pack("{s:s, s:I, s:I, s:I, s:I}", "track", track, "id", (json_int_t)r->id, "from",
                       (json_int_t)r->from, "to", (json_int_t)r->rung, "bytes",
                       (json_int_t)r->bytes));
        break;
    case WEIR_REPORT_PLAYING:
        emit(t, now_us, "playing",
             json_pack("{s:o}", "media", weir_telemetry_seconds(r->media_us)));
        break;
    case WEIR_REPORT_STALL:
        emit(t, now_us, "stall", json_pack("{s:o}", "media", weir_telemetry_seconds(r->media_us)));
        break;
    case WEIR_REPORT_RESUME:
        emit(t, now_us, "resume",
             json_pack("{s:o, s:o}", "media", weir_telemetry_seconds(r->media_us), "duration",
                       weir_telemetry_seconds(r->duration_us)));
        break;
    case WEIR_REPORT_SEEK:
        emit(t, now_us, "seek", json_pack("{s:o}", "to", weir_telemetry_seconds(r->media_us)));
        break;
    case WEIR_REPORT_SEEKED:
        emit(t, now_us, "seeked", json_pack("{s:o}", "media", weir_telemetry_seconds(r->media_us)));
        break;
    case WEIR_REPORT_RETRY:
        emit(t, now_us, "retry",
             json_pack("{s:s, s:I, s:s, s:i, s:o}", "track", track, "id", (json_int_t)r->id,
                       "error", weir_strerror(r->err), "attempt", r->attempt, "in",
                       weir_telemetry_seconds(r->at_us == WEIR_TIME_NONE ? 0 : r->at_us - now_us)));
        break;
    case WEIR_REPORT_FAILOVER:
        emit(t, now_us, "failover",
             json_pack("{s:s, s:I, s:I}", "track", track, "id", (json_int_t)r->id, "base",
                       (json_int_t)r->base));
        break;
    case WEIR_REPORT_WARNING:
        emit(t, now_us, "warning",
             json_pack("{s:s, s:s, s:s}", "track", track, "message", r->reason ? r->reason : "",
                       "error", weir_strerror(r->err)));
        break;
    }
}

void weir_telemetry_emit_first_frame(struct weir_telemetry *t, int64_t shown_at_us,
                                     int64_t media_us)
{
    if (!silent(t))
        emit(t, shown_at_us, "first_frame",
             json_pack("{s:o}", "media", weir_telemetry_seconds(media_us)));
}

void weir_telemetry_position(struct weir_telemetry *t, int64_t now_us, int64_t media_us,
                             int64_t buffer_us, size_t rung, int64_t dropped)
{
    weir_telemetry_note_buffer(t, now_us, buffer_us);
    if (!silent(t))
        emit(t, now_us, "position",
             json_pack("{s:o, s:o, s:I, s:I}", "media", weir_telemetry_seconds(media_us), "buffer",
                       weir_telemetry_seconds(buffer_us), "rung", (json_int_t)rung, "dropped",
                       (json_int_t)dropped));
}

static json_t *error_json(const struct weir_error *e)
{
    return json_pack("{s:s, s:s, s:s, s:s}", "where", e->where, "message", e->what, "why", e->why,
                     "error", weir_strerror(e->code));
}

void weir_telemetry_emit_warning(struct weir_telemetry *t, int64_t now_us,
                                 const struct weir_error *e)
{
    if (!silent(t))
        emit(t, now_us, "warning", error_json(e));
}

void weir_telemetry_emit_error(struct weir_telemetry *t, int64_t now_us, const struct weir_error *e)
{
    if (!silent(t))
        emit(t, now_us, "error", error_json(e));
}

void weir_telemetry_emit_end(struct weir_telemetry *t, int64_t now_us, const char *reason)
{
    if (!silent(t))
        emit(t, now_us, "end", json_pack("{s:s}", "reason", reason));
}
