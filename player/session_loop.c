// player/session_loop.c — the I/O thread: opens the stream, then turns what the transport, the
// streams, the application and the clock have to say into engine events, until the end. It sleeps
// only in the transport's pump; everybody else wakes it there.
#include <stdlib.h>
#include <string.h>

#include "core/url.h"
#include "player/session.h"

#define POSITION_EVERY_US 200000 // INTERFACES: five times a second
#define PLAYHEAD_EVERY_US 100000
#define TICK_US           100000 // while something moves by itself
#define DRAIN_TICK_US     10000
#define EVENTS_PER_PUMP   32

bool weir_session_stopping(struct weir_player *p)
{
    (void)pthread_mutex_lock(&p->lock);
    bool stop = p->stop_requested;
    (void)pthread_mutex_unlock(&p->lock);
    return stop;
}

// --- what the application said ---

static void run_commands(struct weir_player *p)
{
    struct weir_session_command commands[WEIR_COMMANDS_MAX];
    (void)pthread_mutex_lock(&p->lock);
    size_t count = p->command_count;
    memcpy(commands, p->commands, count * sizeof(commands[0]));
    p->command_count = 0;
    bool stop = p->stop_requested;
    (void)pthread_mutex_unlock(&p->lock);
    for (size_t i = 0; i < count; i++) {
        struct weir_engine_event e = {.kind = commands[i].kind};
        if (e.kind == WEIR_EVENT_SEEK)
            e.media_us = commands[i].value;
        else if (e.kind == WEIR_EVENT_RATE)
            e.rate_permille = (int)commands[i].value;
        else if (e.kind == WEIR_EVENT_HOLD_RUNG)
            e.rung = (size_t)commands[i].value;
        weir_session_step(p, &e);
    }
    if (stop && p->deferred_end) // the engine has ended and hears nothing any more
        weir_session_end(p, WEIR_ERR_CANCELLED);
    else if (stop)
        weir_session_step(p, &(struct weir_engine_event){.kind = WEIR_EVENT_STOP});
}

static void run_pending(struct weir_player *p)
{
    while (p->pending_count > 0) {
        struct weir_engine_event e = p->pending[0];
        p->pending_count--;
        memmove(&p->pending[0], &p->pending[1], p->pending_count * sizeof(e));
        weir_session_step(p, &e);
    }
}

// --- what the streams said ---

static void stream_absent(struct weir_player *p, enum weir_engine_track k)
{
    p->stream_absent[k] = true;
    if (k == WEIR_ENGINE_VIDEO)
        weir_timeline_leader_passed(p->timeline, INT64_MAX);
    bool sound_only = p->selection.muxed_audio && p->streams[WEIR_ENGINE_AUDIO];
    if (sound_only && p->stream_absent[WEIR_ENGINE_VIDEO] && p->stream_absent[WEIR_ENGINE_AUDIO]) {
        struct weir_error e = {0};
        weir_error_set(&e, WEIR_ERR_UNSUPPORTED, p->document_url,
                       "the segments hold neither pictures nor sound");
        weir_session_fail(p, &e);
        return;
    }
    // Sound inside "video" segments is no track of the engine's; without pictures the segments go
    // on for the sound.
    if (p->selection.has[k] && !(k == WEIR_ENGINE_VIDEO && sound_only))
        weir_session_step(p, &(struct weir_engine_event){.kind = WEIR_EVENT_STREAMS, .track = k});
    weir_wake_signal(&p->app_wake);
}

// A file that cannot be written is; a device only if it was asked for and never opened: one that
// goes away amid play takes the sound with it, not the pictures.
static bool output_is_vital(const struct weir_player *p)
{
    return p->params.audio_output == WEIR_AUDIO_WAV ||
           (p->params.audio_required && !weir_audio_out_opened(p->audio));
}

// What a demuxer or decoder said of a segment, with the segment's URL as the place.
static struct weir_error with_url(const struct weir_player *p, enum weir_engine_track k,
                                  const struct weir_notice *n)
{
    // Sound inside video segments was handed over with those.
    enum weir_engine_track track = p->selection.has[k] ? k : WEIR_ENGINE_VIDEO;
    const struct weir_session_handed *h = &p->handed[track][n->serial % WEIR_HANDED_MAX];
    char url[WEIR_URL_MAX_BYTES], shown[WEIR_URL_MAX_BYTES];
    struct weir_error e = n->error;
    if (!h->rep || h->serial != n->serial ||
        weir_index_url(h->rep, h->index, h->base, url, sizeof(url)) < 0)
        return e;
    weir_url_redact(url, shown, sizeof(shown));
    weir_error_set(&e, n->error.code, shown, "%s: %s", n->error.where, n->error.what);
    if (n->error.why[0])
        weir_error_why(&e, "%s", n->error.why);
    if (n->error.hint[0])
        weir_error_hint(&e, "%s", n->error.hint);
    return e;
}

static void on_notice(struct weir_player *p, enum weir_engine_track k, const struct weir_notice *n)
{
    int64_t now_us = weir_clock_now_us(&p->clock);
    struct weir_error e;
    switch (n->kind) {
    case WEIR_NOTICE_ABSENT:
        stream_absent(p, k);
        break;
    case WEIR_NOTICE_DAMAGE:
        e = with_url(p, k, n);
        weir_telemetry_warning(p->telemetry, now_us, &e);
        weir_session_note_failure(p, k, &e); // the cause, should nothing at all be playable
        break;
    case WEIR_NOTICE_BAD_MEDIA: {
        struct weir_engine_event bad = {.kind = WEIR_EVENT_BAD_MEDIA};
        bad.segment.track = k;
        bad.segment.segment_serial = n->serial;
        bad.segment.err = n->error.code;
        weir_session_step(p, &bad);
        break;
    }
    case WEIR_NOTICE_UNSUPPORTED:
        e = with_url(p, k, n);
        weir_session_fail(p, &e);
        break;
    case WEIR_NOTICE_OUTPUT:
        if (output_is_vital(p))
            weir_session_fail(p, &n->error);
        else
            weir_telemetry_warning(p->telemetry, now_us, &n->error);
        break;
    case WEIR_NOTICE_FORMAT:
        if (k == WEIR_ENGINE_VIDEO || !p->selection.has[WEIR_ENGINE_VIDEO]) {
            (void)pthread_mutex_lock(&p->lock);
            memcpy(p->status.codec, n->codec, sizeof(p->status.codec));
            (void)pthread_mutex_unlock(&p->lock);
        }
        break;
    case WEIR_NOTICE_DRAINED:
        break; // weir_stream_drained() is asked
    }
}

static void hear_streams(struct weir_player *p)
{
    struct weir_notice n;
    for (int k = 0; k < WEIR_ENGINE_TRACKS; k++)
        while (p->streams[k] && weir_stream_notice(p->streams[k], &n))
            on_notice(p, k, &n);
}

// --- the playhead ---

// Untimed, media time is what came out last: of the track that is behind, once it has begun.
static int64_t untimed_playhead_us(struct weir_player *p)
{
    int64_t at_us = WEIR_TIME_NONE;
    uint32_t generation = atomic_load(&p->generation);
    int64_t ends[WEIR_ENGINE_TRACKS] = {atomic_load(&p->shown_end_us),
                                        weir_audio_out_end_us(p->audio)};
    for (int k = 0; k < WEIR_ENGINE_TRACKS; k++) {
        if (!p->streams[k] || p->stream_absent[k] || weir_stream_drained(p->streams[k], generation))
            continue;
        if (ends[k] == WEIR_TIME_NONE)
            return WEIR_TIME_NONE;
        if (at_us == WEIR_TIME_NONE || ends[k] < at_us)
            at_us = ends[k];
    }
    if (at_us == WEIR_TIME_NONE) // all drained
        for (int k = 0; k < WEIR_ENGINE_TRACKS; k++)
            at_us = ends[k] > at_us ? ends[k] : at_us;
    return at_us;
}

static int64_t playhead_us(struct weir_player *p, int64_t now_us, bool *moving)
{
    if (!p->params.untimed)
        return weir_playclock_now(&p->playclock, now_us, moving);
    int64_t at_us = untimed_playhead_us(p);
    *moving = at_us != WEIR_TIME_NONE && at_us != p->last_playhead_us;
    return at_us;
}

static void tell_playhead(struct weir_player *p, int64_t now_us)
{
    bool moving;
    int64_t at_us = playhead_us(p, now_us, &moving);
    if (!moving || (at_us - p->last_playhead_us < PLAYHEAD_EVERY_US &&
                    !p->stream_ended[WEIR_ENGINE_VIDEO] && at_us >= p->last_playhead_us))
        return;
    if (at_us < p->last_playhead_us)
        return; // a correction of the clock; the engine's playhead never goes back
    p->last_playhead_us = at_us;
    weir_session_step(p,
                      &(struct weir_engine_event){.kind = WEIR_EVENT_PLAYHEAD, .media_us = at_us});
}

static void tell_position(struct weir_player *p, int64_t now_us, const struct weir_engine_status *s)
{
    int64_t delivered = atomic_load(&p->delivered);
    bool advanced = delivered != p->positions_delivered ||
                    ((p->stream_absent[WEIR_ENGINE_VIDEO] || p->inject.no_decode) &&
                     s->state == WEIR_STATE_PLAYING && !s->paused);
    if (now_us - p->last_position_event_us < POSITION_EVERY_US || !advanced)
        return;
    p->last_position_event_us = now_us;
    p->positions_delivered = delivered;
    enum weir_engine_track main =
        p->selection.has[WEIR_ENGINE_VIDEO] ? WEIR_ENGINE_VIDEO : WEIR_ENGINE_AUDIO;
    weir_telemetry_position(p->telemetry, now_us, p->last_playhead_us, s->buffer_level_us[main],
                            s->rung[main], atomic_load(&p->dropped));
}

static void tell_first_frame(struct weir_player *p)
{
    int64_t at_us = atomic_load(&p->first_shown_at_us);
    if (at_us != WEIR_TIME_NONE)
        weir_telemetry_first_frame(p->telemetry, at_us, atomic_load(&p->first_shown_pts_us));
    (void)pthread_mutex_lock(&p->lock);
    bool started = p->clock_started_event;
    int64_t started_at_us = p->clock_started_at_us;
    (void)pthread_mutex_unlock(&p->lock);
    if (started)
        weir_telemetry_started(p->telemetry, started_at_us);
}

bool weir_session_all_ended(const struct weir_player *p)
{
    for (int k = 0; k < WEIR_ENGINE_TRACKS; k++) {
        bool there = p->streams[k] || (p->inject.no_decode && p->selection.has[k]);
        if (there && !p->stream_absent[k] && !p->stream_ended[k])
            return false;
    }
    return true;
}

// Every stream was decoded to its end, and what came of it taken.
static bool decoded(const struct weir_player *p)
{
    uint32_t generation = atomic_load(&p->generation);
    for (int k = 0; k < WEIR_ENGINE_TRACKS; k++)
        if (p->streams[k] && !p->stream_absent[k] &&
            !weir_stream_drained(p->streams[k], generation))
            return false;
    return true;
}

// Everything handed over was decoded, shown for its time, and heard.
static bool drained(struct weir_player *p, int64_t now_us)
{
    if (!weir_session_all_ended(p) || !decoded(p))
        return false;
    if (p->params.untimed)
        return true;
    int64_t end_us = atomic_load(&p->shown_end_us);
    int64_t clock_us = weir_playclock_now(&p->playclock, now_us, NULL);
    return weir_audio_out_drained(p->audio) && (end_us == WEIR_TIME_NONE || clock_us >= end_us);
}

static void tell_drained(struct weir_player *p, int64_t now_us)
{
    if (p->drained_sent || !drained(p, now_us))
        return;
    hear_streams(p); // what was said of the last segments counts before the end does
    if (!drained(p, now_us))
        return;
    p->drained_sent = true;
    if (p->deferred_end) {
        weir_session_end(p, p->deferred_end);
        return;
    }
    int64_t end_us = atomic_load(&p->shown_end_us);
    if (end_us != WEIR_TIME_NONE && end_us > p->last_playhead_us)
        p->last_playhead_us = end_us;
    weir_session_step(p, &(struct weir_engine_event){.kind = WEIR_EVENT_DRAINED});
}

// --- figures and status ---

struct weir_telemetry_figures weir_session_figures(struct weir_player *p)
{
    struct weir_slots_stats s = weir_slots_stats(weir_segment_pool_slots(p->segments));
    struct weir_frame_store_stats f = weir_frame_store_stats(p->frames);
    int64_t stretch_us = p->last_playhead_us - p->stretch_start_us;
    return (struct weir_telemetry_figures){
        .segment_hits = s.hits,
        .segment_misses = s.misses,
        .frame_hits = f.hits,
        .frame_misses = f.misses,
        .foreign_frames = f.foreign,
        .high_water_bytes = atomic_load(&p->budget.high_water_bytes),
        .copied_net = atomic_load(&p->copies.net_bytes),
        .copied_demux = atomic_load(&p->copies.demux_bytes),
        .copied_decode = atomic_load(&p->copies.decode_bytes),
        .copied_render = atomic_load(&p->copies.render_bytes),
        .delivered = atomic_load(&p->delivered),
        .dropped = atomic_load(&p->dropped),
        .played_us = p->played_before_us + (stretch_us > 0 ? stretch_us : 0),
        .now_us = weir_clock_now_us(&p->clock)};
}

static void publish_status(struct weir_player *p, const struct weir_engine_status *s)
{
    enum weir_engine_track main =
        p->selection.has[WEIR_ENGINE_VIDEO] ? WEIR_ENGINE_VIDEO : WEIR_ENGINE_AUDIO;
    const struct weir_engine_rungs *rungs = &p->selection.content.periods[0].tracks[main];
    size_t rung = s->rung[main] < rungs->count ? s->rung[main] : 0;
    (void)pthread_mutex_lock(&p->lock);
    struct weir_player_status *o = &p->status;
    o->opened = true;
    o->starting = s->state == WEIR_STATE_STARTING || s->state == WEIR_STATE_IDLE;
    o->stalled = s->state == WEIR_STATE_STALLED;
    o->paused = s->paused;
    o->ended = p->engine_ended;
    o->rung_held = s->rung_held;
    o->has_video = p->selection.has[WEIR_ENGINE_VIDEO] && !p->stream_absent[WEIR_ENGINE_VIDEO];
    o->has_audio = !p->stream_absent[WEIR_ENGINE_AUDIO];
    o->position_us = p->last_playhead_us;
    o->duration_us =
        s->duration_us != WEIR_TIME_NONE ? s->duration_us : p->presentation->duration_us;
    o->buffer_us = s->buffer_level_us[main];
    o->buffer_max_us = p->params.buffer_max_us;
    o->throughput_bps = s->throughput_bps;
    o->rung = s->rung[main];
    o->rung_count = rungs->count;
    o->bitrate_bps = rungs->rungs[rung]->bandwidth_bps;
    o->width = rungs->rungs[rung]->width;
    o->height = rungs->rungs[rung]->height;
    o->max_width = p->selection.max_width;
    o->max_height = p->selection.max_height;
    o->frames_delivered = atomic_load(&p->delivered);
    o->frames_dropped = atomic_load(&p->dropped);
    o->pool_held_bytes = atomic_load(&p->budget.held_bytes);
    o->pool_high_water_bytes = atomic_load(&p->budget.high_water_bytes);
    p->figures = weir_session_figures(p);
    p->counts = weir_telemetry_counts(p->telemetry, p->figures.now_us);
    (void)pthread_mutex_unlock(&p->lock);
}

// --- the loop ---

static int64_t sleep_us(struct weir_player *p, int64_t now_us, const struct weir_engine_status *s)
{
    int64_t until_us = -1;
    bool moving = s->state == WEIR_STATE_PLAYING && !s->paused;
    if (p->pending_count > 0)
        return 0;
    if (weir_session_all_ended(p) && decoded(p))
        until_us =
            DRAIN_TICK_US; // the last picture's time, and the device's ring, pass unannounced
    else if (moving)
        until_us = TICK_US;
    if (p->timer_at_us != WEIR_TIME_NONE) {
        int64_t timer_us = p->timer_at_us > now_us ? p->timer_at_us - now_us : 0;
        if (until_us < 0 || timer_us < until_us)
            until_us = timer_us;
    }
    return until_us;
}

static void pump(struct weir_player *p, int64_t timeout_us)
{
    struct weir_transfer_event events[EVENTS_PER_PUMP];
    int n;
    do {
        n = p->transport->ops->pump(p->transport, timeout_us, events, EVENTS_PER_PUMP);
        for (int i = 0; i < n; i++)
            weir_session_transfer_event(p, &events[i]);
        timeout_us = 0;
    } while (n == EVENTS_PER_PUMP);
    if (n < 0) {
        struct weir_error e = {0};
        weir_error_set(&e, n, p->document_url, "the network cannot be used: %s", weir_strerror(n));
        weir_session_fail(p, &e);
    }
}

static void play(struct weir_player *p)
{
    weir_session_step(p, &(struct weir_engine_event){.kind = WEIR_EVENT_OPEN});
    while (!p->engine_ended) {
        int64_t now_us = weir_clock_now_us(&p->clock);
        if (p->timer_at_us != WEIR_TIME_NONE && p->timer_at_us <= now_us) {
            p->timer_at_us = WEIR_TIME_NONE;
            weir_session_step(p, &(struct weir_engine_event){.kind = WEIR_EVENT_TIMER});
        }
        run_commands(p);
        run_pending(p);
        hear_streams(p);
        tell_first_frame(p);
        tell_playhead(p, now_us);
        if (weir_session_all_ended(p))
            tell_drained(p, now_us);
        struct weir_engine_status s = weir_engine_status(p->engine, weir_clock_now_us(&p->clock));
        publish_status(p, &s);
        if (p->engine_ended)
            break;
        tell_position(p, now_us, &s);
        pump(p, sleep_us(p, weir_clock_now_us(&p->clock), &s));
    }
    struct weir_engine_status s = weir_engine_status(p->engine, weir_clock_now_us(&p->clock));
    publish_status(p, &s);
}

static void finish(struct weir_player *p)
{
    struct weir_error error = {0};
    // Sound may still be on its way after a failure or a stop: no writer may be left when its file
    // is completed.
    for (int k = 0; k < WEIR_ENGINE_TRACKS; k++)
        if (p->streams[k])
            weir_stream_stop(p->streams[k]);
    int err = weir_audio_out_finish(p->audio, &error);
    (void)pthread_mutex_lock(&p->lock);
    if (err && !p->error.code)
        p->error = error;
    p->over = true;
    (void)pthread_mutex_unlock(&p->lock);
    weir_wake_signal(&p->app_wake);
}

void *weir_session_main(void *player)
{
    struct weir_player *p = player;
    struct weir_error error = {0};
    weir_pace_enter(p->pace, WEIR_PACE_IO);
    weir_telemetry_open(p->telemetry, weir_clock_now_us(&p->clock));
    int err = weir_session_open(p, &error);
    if (!err)
        play(p);
    else
        weir_session_fail(p, &error);
    finish(p);
    weir_pace_leave(p->pace, WEIR_PACE_IO);
    return NULL;
}
