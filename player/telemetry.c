// player/telemetry.c — the session's counters, and what only a live session adds to its summary
// (player/summary.c).
#include "player/telemetry_state.h"

#include <stdlib.h>
#include <string.h>

#include "core/clock.h"

#define SEGMENTS_FIRST_ROOM 4096 // hours of media before the list grows
#define LEVELS_FIRST_ROOM   4096
#define WARNINGS_MAX        100

static char *copy(const char *s)
{
    return s ? strdup(s) : NULL;
}

int weir_telemetry_create(const struct weir_telemetry_params *params, struct weir_telemetry **out)
{
    *out = NULL;
    struct weir_telemetry *t = calloc(1, sizeof(*t));
    if (!t)
        return WEIR_ERR_NOMEM;
    t->params = *params;
    t->params.abr = t->abr = copy(params->abr);
    t->params.content = t->content = copy(params->content);
    t->params.trace = t->trace = copy(params->trace);
    t->opened_us = t->playing_since_us = t->startup_us = t->stall_began_us = WEIR_TIME_NONE;
    t->segment_room = SEGMENTS_FIRST_ROOM;
    t->segments = calloc(t->segment_room, sizeof(*t->segments));
    t->level_room = params->event ? LEVELS_FIRST_ROOM : 0;
    t->levels = params->event ? calloc(t->level_room, sizeof(*t->levels)) : NULL;
    t->warnings = json_array();
    if (!t->segments || !t->warnings || !t->abr || !t->content || (params->event && !t->levels)) {
        weir_telemetry_destroy(&t);
        return WEIR_ERR_NOMEM;
    }
    *out = t;
    return 0;
}

void weir_telemetry_destroy(struct weir_telemetry **tp)
{
    struct weir_telemetry *t = *tp;
    if (!t)
        return;
    free(t->abr);
    free(t->content);
    free(t->trace);
    free(t->segments);
    free(t->levels);
    json_decref(t->warnings);
    free(t);
    *tp = NULL;
}

static void warn(struct weir_telemetry *t, const char *text)
{
    if (json_array_size(t->warnings) < WARNINGS_MAX)
        (void)json_array_append_new(t->warnings, json_string(text));
}

void weir_telemetry_presentation(struct weir_telemetry *t, int64_t now_us,
                                 const struct weir_presentation *p,
                                 const struct weir_selection *selection)
{
    t->selection = selection;
    t->main_track = selection->has[WEIR_ENGINE_VIDEO] ? WEIR_ENGINE_VIDEO : WEIR_ENGINE_AUDIO;
    const struct weir_engine_rungs *rungs = &selection->content.periods[0].tracks[t->main_track];
    if (rungs->count > 0) {
        t->lowest_bps = rungs->rungs[0]->bandwidth_bps;
        t->highest_bps = rungs->rungs[rungs->count - 1]->bandwidth_bps;
    }
    for (size_t i = 0; i < p->warning_count; i++)
        warn(t, p->warnings[i]);
    weir_telemetry_emit_presentation(t, now_us, p);
}

void weir_telemetry_note_buffer(struct weir_telemetry *t, int64_t now_us, int64_t buffer_us)
{
    if (!t->levels)
        return;
    if (t->level_count == t->level_room) {
        void *grown = realloc(t->levels, 2 * t->level_room * sizeof(*t->levels));
        if (!grown)
            return;
        t->levels = grown;
        t->level_room *= 2;
    }
    t->levels[t->level_count++] =
        (struct weir_telemetry_level){.at_us = now_us, .buffer_us = buffer_us};
}

void weir_telemetry_response(struct weir_telemetry *t, int64_t now_us,
                             const struct weir_telemetry_response *r)
{
    t->bytes += r->bytes;
    if (r->err && r->err != WEIR_ERR_CANCELLED)
        t->errors++;
    weir_telemetry_emit_response(t, now_us, r);
}

// The rung decided for a segment; a later decision for the same one (abandoned, failed) replaces
// it.
static void note_decision(struct weir_telemetry *t, const struct weir_report *r)
{
    size_t i = t->segment_count;
    while (i > 0 && t->segments[i - 1].serial > r->segment_serial)
        i--;
    struct weir_telemetry_segment s = {.serial = r->segment_serial,
                                       .s = {.rung = (int32_t)r->rung,
                                             .vmaf = -1,
                                             .bitrate_bps = r->bitrate_bps,
                                             .start_us = r->media_us,
                                             .duration_us = r->duration_us}};
    if (i > 0 && t->segments[i - 1].serial == r->segment_serial) {
        t->segments[i - 1] = s;
        return;
    }
    if (t->segment_count == t->segment_room) {
        size_t room = 2 * t->segment_count + SEGMENTS_FIRST_ROOM;
        void *grown = realloc(t->segments, room * sizeof(*t->segments));
        if (!grown)
            return;
        t->segments = grown;
        t->segment_room = room;
    }
    memmove(&t->segments[i + 1], &t->segments[i], (t->segment_count - i) * sizeof(s));
    t->segments[i] = s;
    t->segment_count++;
}

void weir_telemetry_cut(struct weir_telemetry *t, int64_t media_us)
{
    while (t->segment_count > 0 && t->segments[t->segment_count - 1].s.start_us > media_us)
        t->segment_count--;
}

void weir_telemetry_started(struct weir_telemetry *t, int64_t now_us)
{
    if (t->playing_since_us != WEIR_TIME_NONE)
        return;
    t->playing_since_us = now_us;
    t->startup_us = now_us - t->opened_us;
}

void weir_telemetry_report(struct weir_telemetry *t, int64_t now_us, const struct weir_report *r)
{
    switch (r->kind) {
    case WEIR_REPORT_DECISION:
        if (r->track == t->main_track)
            note_decision(t, r);
        break;
    case WEIR_REPORT_ABANDON:
        t->abandoned++;
        t->wasted_bytes += r->bytes;
        break;
    case WEIR_REPORT_STALL:
        t->stalls++;
        t->stall_began_us = now_us;
        break;
    case WEIR_REPORT_RESUME:
    case WEIR_REPORT_SEEK: // a seek ends the stall; the wait after it is not one
        if (t->stall_began_us != WEIR_TIME_NONE)
            t->stall_us += now_us - t->stall_began_us;
        t->stall_began_us = WEIR_TIME_NONE;
        break;
    case WEIR_REPORT_WARNING:
        warn(t, r->reason ? r->reason : weir_strerror(r->err));
        break;
    case WEIR_REPORT_SWITCH:
        t->switches += r->track == t->main_track;
        break;
    case WEIR_REPORT_SEGMENT:
    case WEIR_REPORT_PLAYING:
    case WEIR_REPORT_SEEKED:
    case WEIR_REPORT_RETRY:
    case WEIR_REPORT_FAILOVER:
        break;
    }
    weir_telemetry_emit_report(t, now_us, r);
}

void weir_telemetry_first_frame(struct weir_telemetry *t, int64_t shown_at_us, int64_t media_us)
{
    if (t->first_frame_seen)
        return;
    t->first_frame_seen = true;
    weir_telemetry_emit_first_frame(t, shown_at_us, media_us);
}

void weir_telemetry_warning(struct weir_telemetry *t, int64_t now_us, const struct weir_error *e)
{
    char text[sizeof(e->where) + sizeof(e->what) + sizeof(e->why) + 8];
    (void)snprintf(text, sizeof(text), e->why[0] ? "%s: %s (%s)" : "%s: %s", e->where, e->what,
                   e->why);
    warn(t, text);
    weir_telemetry_emit_warning(t, now_us, e);
}

void weir_telemetry_error(struct weir_telemetry *t, int64_t now_us, const struct weir_error *e)
{
    t->errors++;
    weir_telemetry_emit_error(t, now_us, e);
}

void weir_telemetry_end(struct weir_telemetry *t, int64_t now_us, const char *reason)
{
    if (t->stall_began_us != WEIR_TIME_NONE)
        t->stall_us += now_us - t->stall_began_us;
    t->stall_began_us = WEIR_TIME_NONE;
    weir_telemetry_emit_end(t, now_us, reason);
}

// --- the summary ---

static json_t *levels_json(const struct weir_telemetry *t)
{
    json_t *list = json_array();
    for (size_t i = 0; list && i < t->level_count; i++)
        (void)json_array_append_new(
            list, json_pack("[o, o]", weir_telemetry_seconds(t->levels[i].at_us - t->params.t0_us),
                            weir_telemetry_seconds(t->levels[i].buffer_us)));
    return list;
}

static json_t *pool_json(const struct weir_telemetry_figures *f)
{
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:{s:I, s:I, s:I, s:I}}", "segment_hits",
                     (json_int_t)f->segment_hits, "segment_misses", (json_int_t)f->segment_misses,
                     "frame_hits", (json_int_t)f->frame_hits, "frame_misses",
                     (json_int_t)f->frame_misses, "foreign_frames", (json_int_t)f->foreign_frames,
                     "high_water_bytes", (json_int_t)f->high_water_bytes, "copied_bytes", "net",
                     (json_int_t)f->copied_net, "demux", (json_int_t)f->copied_demux, "decode",
                     (json_int_t)f->copied_decode, "render", (json_int_t)f->copied_render);
}

struct weir_telemetry_counts weir_telemetry_counts(const struct weir_telemetry *t, int64_t now_us)
{
    int64_t current_us = t->stall_began_us == WEIR_TIME_NONE ? 0 : now_us - t->stall_began_us;
    return (struct weir_telemetry_counts){.startup_us = t->startup_us,
                                          .stall_count = t->stalls,
                                          .stall_us = t->stall_us + current_us,
                                          .switch_count = t->switches};
}

// The members that every host has.
static json_t *common_json(const struct weir_telemetry *t, const struct weir_telemetry_figures *f)
{
    struct weir_summary_segment *segments = calloc(t->segment_count + 1, sizeof(*segments));
    if (!segments)
        return NULL;
    for (size_t i = 0; i < t->segment_count; i++)
        segments[i] = t->segments[i].s;
    bool stalling = t->stall_began_us != WEIR_TIME_NONE;
    struct weir_summary s = {
        .abr = t->params.abr,
        .content = t->params.content,
        .trace = t->params.trace,
        .host = t->params.host,
        .seed = t->params.seed,
        .startup_us = t->startup_us,
        .played_us = f->played_us,
        .stall_us = t->stall_us + (stalling ? f->now_us - t->stall_began_us : 0),
        .stall_count = t->stalls,
        .bytes = t->bytes,
        .wasted_bytes = t->wasted_bytes,
        .abandoned = t->abandoned,
        .errors = t->errors,
        .lowest_bps = t->lowest_bps,
        .highest_bps = t->highest_bps,
        .segments = segments,
        .segment_count = t->segment_count,
    };
    json_t *o = weir_summary_json(&s);
    free(segments);
    if (o && t->main_track != WEIR_ENGINE_VIDEO) // these are the video's alone
        (void)json_object_set_new(o, "decisions", json_array());
    return o;
}

json_t *weir_telemetry_summary(const struct weir_telemetry *t,
                               const struct weir_telemetry_figures *f)
{
    json_t *o = common_json(t, f);
    if (!o)
        return NULL;
    (void)json_object_set_new(o, "pool", pool_json(f));
    (void)json_object_set_new(o, "frames",
                              json_pack("{s:I, s:I, s:I}", "delivered", (json_int_t)f->delivered,
                                        "dropped", (json_int_t)f->dropped, "repeated",
                                        (json_int_t)f->repeated));
    if (t->levels)
        (void)json_object_set_new(o, "buffer", levels_json(t));
    (void)json_object_set(o, "warnings", t->warnings);
    return o;
}
