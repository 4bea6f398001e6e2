// player/session_perform.c — the engine's actions carried out. On the I/O thread. What cannot be
// started becomes a failure event for the step after this one.
#include <stdlib.h>
#include <string.h>

#include "core/url.h"
#include "player/session.h"

static void perform(struct weir_player *p, const struct weir_action *a);

// --- events of the host's own making ---

static void queue_event(struct weir_player *p, const struct weir_engine_event *e)
{
    if (p->pending_count < WEIR_FETCHES_MAX)
        p->pending[p->pending_count++] = *e;
}

static void queue_failure(struct weir_player *p, uint64_t id, int err)
{
    struct weir_engine_event e = {.kind = WEIR_EVENT_FAILED};
    e.transfer.id = id;
    e.transfer.err = err;
    e.transfer.playable_until_us = e.transfer.retry_after_us = WEIR_TIME_NONE;
    queue_event(p, &e);
}

// --- fetches ---

struct weir_session_fetch *weir_session_find_fetch(struct weir_player *p, uint64_t id)
{
    for (int i = 0; i < WEIR_FETCHES_MAX; i++)
        if (p->fetches[i].used && p->fetches[i].what.id == id)
            return &p->fetches[i];
    return NULL;
}

static struct weir_session_fetch *new_fetch(struct weir_player *p, const struct weir_fetch *what)
{
    for (int i = 0; i < WEIR_FETCHES_MAX; i++) {
        if (p->fetches[i].used)
            continue;
        p->fetches[i] = (struct weir_session_fetch){.used = true, .what = *what};
        return &p->fetches[i];
    }
    return NULL;
}

void weir_session_release_fetch(struct weir_session_fetch *f)
{
    weir_segment_unref(&f->segment);
    free(f->effective_url);
    *f = (struct weir_session_fetch){0};
}

// The segment an init section is (or will be) in; created at its first mention.
static struct weir_segment *init_segment(struct weir_player *p, const struct weir_init *init)
{
    for (size_t i = 0; i < p->init_count; i++) {
        struct weir_session_init *known = &p->inits[i];
        if (known->init != init)
            continue;
        if (weir_segment_state(known->segment) ==
            WEIR_SEGMENT_FAILED) { // given up once, asked for again
            weir_segment_unref(&known->segment);
            known->segment = weir_segment_create(p->segments, 0);
        }
        return known->segment;
    }
    if (p->init_count == p->init_room) {
        size_t room = p->init_room ? 2 * p->init_room : 32;
        void *grown = realloc(p->inits, room * sizeof(*p->inits));
        if (!grown)
            return NULL;
        p->inits = grown;
        p->init_room = room;
    }
    struct weir_segment *s = weir_segment_create(p->segments, 0);
    if (s)
        p->inits[p->init_count++] = (struct weir_session_init){.init = init, .segment = s};
    return s;
}

static bool feeds_sound(const struct weir_player *p, const struct weir_fetch *f)
{
    return f->track == WEIR_ENGINE_VIDEO && p->selection.muxed_audio &&
           p->streams[WEIR_ENGINE_AUDIO] && !p->stream_absent[WEIR_ENGINE_AUDIO];
}

// Nothing is decoded: what is handed over will have been shown once its time has passed.
static void pretend_shown(struct weir_player *p, const struct weir_fetch *f)
{
    int64_t end_us = f->info.start_us + f->info.duration_us;
    int64_t stop_us = p->params.start_us + p->params.duration_us;
    if (p->params.duration_us > 0 && end_us > stop_us)
        end_us = stop_us;
    if (end_us > atomic_load(&p->shown_end_us))
        atomic_store(&p->shown_end_us, end_us);
}

// Hand a new segment to the stream, or for muxed media to both.
static void hand_over(struct weir_player *p, const struct weir_fetch *f, struct weir_segment *media,
                      struct weir_segment *init)
{
    struct weir_media_unit u = {.media = media,
                                .init = init,
                                .serial = f->segment_serial,
                                .period = f->period,
                                .rung = f->rung,
                                .number = f->info.number >= 0 ? f->info.number : f->index,
                                .start_us = f->info.start_us,
                                .duration_us = f->info.duration_us,
                                .timing_exact = f->info.timing_exact,
                                .origin_us = f->info.origin_us,
                                .offset_ticks = f->info.offset_ticks,
                                .offset_timescale = f->info.offset_timescale,
                                .discontinuity_sequence = f->info.discontinuity_sequence,
                                .clip_start_us = f->info.clip_start_us,
                                .clip_end_us = f->info.clip_end_us,
                                .discontinuity = f->info.discontinuity,
                                .whole_file = p->whole_file != NULL,
                                .gap = f->info.gap};
    // Nothing follows the last period that its media could overlap, and declared durations are
    // rounded: play what is there, as other players do.
    if (f->period + 1 == p->selection.content.period_count)
        u.clip_end_us = WEIR_TIME_NONE;
    p->handed[f->track][f->segment_serial % WEIR_HANDED_MAX] = (struct weir_session_handed){
        .rep = f->rep, .index = f->index, .serial = f->segment_serial, .base = f->base};
    bool watch[WEIR_ENGINE_TRACKS] = {0};
    watch[f->track] = p->streams[f->track] && !p->stream_absent[f->track];
    if (feeds_sound(p, f))
        watch[WEIR_ENGINE_AUDIO] = true;
    bool pictures = p->inject.no_decode ? f->track == WEIR_ENGINE_VIDEO : watch[WEIR_ENGINE_VIDEO];
    weir_playable_begin(p->playable[f->track], &u, pictures ? WEIR_DEMUX_VIDEO : WEIR_DEMUX_AUDIO);
    if (p->inject.no_decode)
        pretend_shown(p, f);
    for (int k = 0; k < WEIR_ENGINE_TRACKS; k++) {
        if (!watch[k])
            continue;
        struct weir_wake *wake = weir_stream_wake(p->streams[k]);
        weir_segment_watch(media, k, wake);
        if (init)
            weir_segment_watch(init, k, wake);
        struct weir_media_unit given = u;
        given.media = weir_segment_ref(media);
        given.init = init ? weir_segment_ref(init) : NULL;
        weir_stream_unit(p->streams[k], &given);
    }
}

// The unit a media transfer fills: the one already handed over where this goes on with it, else a
// new one.
static struct weir_segment *media_segment(struct weir_player *p, const struct weir_fetch *f)
{
    struct weir_session_fetch *open = &p->media[f->track];
    if (open->used && open->what.segment_serial == f->segment_serial && open->what.rep == f->rep)
        return open->segment;
    struct weir_segment *init = f->init ? init_segment(p, f->init) : NULL;
    if (f->init && !init)
        return NULL;
    struct weir_segment *media = p->whole_file
                                     ? weir_segment_ref(p->whole_file)
                                     : weir_segment_create(p->segments, (size_t)f->expected_bytes);
    if (!media)
        return NULL;
    weir_segment_unref(&open->segment);
    *open = (struct weir_session_fetch){.used = true, .what = *f, .segment = media};
    hand_over(p, f, media, init);
    return media;
}

static int target_segment(struct weir_player *p, const struct weir_fetch *f,
                          struct weir_segment **out)
{
    struct weir_segment *s = NULL;
    switch (f->kind) {
    case WEIR_FETCH_MEDIA:
        s = media_segment(p, f);
        break;
    case WEIR_FETCH_INIT:
        s = init_segment(p, f->init);
        break;
    case WEIR_FETCH_INDEX:
        *out = weir_segment_create(p->segments, 0); // its one reference is the fetch's
        return *out ? 0 : WEIR_ERR_NOMEM;
    }
    *out = s ? weir_segment_ref(s) : NULL;
    return s ? 0 : WEIR_ERR_NOMEM;
}

static int fetch_url(const struct weir_fetch *f, char *url, size_t room,
                     struct weir_byte_range *range)
{
    switch (f->kind) {
    case WEIR_FETCH_MEDIA:
        *range = f->info.range;
        return weir_index_url(f->rep, f->index, f->base, url, room);
    case WEIR_FETCH_INIT:
        *range = f->init->range;
        return weir_init_url(f->rep, f->init, f->base, url, room);
    case WEIR_FETCH_INDEX:
        *range = f->rep->index_range;
        return weir_index_source_url(f->rep, f->base, url, room);
    }
    return WEIR_ERR_INVAL;
}

static int start_transfer(struct weir_player *p, struct weir_session_fetch *f, const char *url,
                          const struct weir_byte_range *range)
{
    f->had_bytes = (int64_t)weir_segment_length(f->segment);
    struct weir_transfer t = {.id = f->what.id,
                              .url = url,
                              .origin_url = p->document_url,
                              .first_byte = range->first,
                              .last_byte = range->last,
                              .resume_bytes = f->had_bytes,
                              .segment = f->segment,
                              .document = f->what.kind == WEIR_FETCH_INDEX && range->first < 0,
                              .allow_file = p->file_url_given};
    weir_telemetry_request(p->telemetry, weir_clock_now_us(&p->clock), &f->what, url);
    struct weir_error error = {0};
    int err = p->transport->ops->start(p->transport, &t, &error);
    if (err)
        weir_session_note_failure(p, f->what.track, &error);
    return err;
}

// A whole file is here already, or arrives by the transfer that opened it.
static void adopt_whole_file(struct weir_player *p, struct weir_session_fetch *f)
{
    f->segment = media_segment(p, &f->what);
    if (f->segment)
        (void)weir_segment_ref(f->segment);
    if (p->whole_transfer) {
        p->whole_fetch = f->what.id;
        return;
    }
    int64_t now_us = weir_clock_now_us(&p->clock);
    struct weir_engine_event e = {.kind = WEIR_EVENT_DONE};
    e.transfer.id = f->what.id;
    e.transfer.bytes = (int64_t)weir_segment_length(p->whole_file);
    e.transfer.playable_until_us = WEIR_TIME_NONE;
    e.transfer.t_request_us = e.transfer.t_first_byte_us = e.transfer.t_last_us = now_us;
    e.transfer.from_cache = true;
    e.transfer.retry_after_us = WEIR_TIME_NONE;
    queue_event(p, &e);
    weir_session_release_fetch(f);
}

// Segments under EXT-X-KEY: read by the manifest's parser, not decrypted yet.
static bool refuse_encrypted(struct weir_player *p, const struct weir_fetch *what)
{
    if (what->kind != WEIR_FETCH_MEDIA || !what->info.key)
        return false;
    struct weir_error e = {0};
    weir_error_set(&e, WEIR_ERR_UNSUPPORTED, p->document_url, "the content is encrypted");
    weir_error_why(&e, "method %s", what->info.key->method);
    weir_session_fail(p, &e);
    return true;
}

static void perform_fetch(struct weir_player *p, const struct weir_fetch *what)
{
    if (refuse_encrypted(p, what))
        return;
    struct weir_session_fetch *f = new_fetch(p, what);
    if (!f) {
        queue_failure(p, what->id, WEIR_ERR_NOMEM);
        return;
    }
    if (p->whole_file && what->kind == WEIR_FETCH_MEDIA) {
        adopt_whole_file(p, f);
        return;
    }
    char url[WEIR_URL_MAX_BYTES];
    struct weir_byte_range range;
    int err = target_segment(p, what, &f->segment);
    if (!err && fetch_url(what, url, sizeof(url), &range) < 0)
        err = WEIR_ERR_TOO_BIG;
    if (!err && weir_segment_state(f->segment) == WEIR_SEGMENT_COMPLETE)
        err = WEIR_ERR_INVAL; // the engine asks for nothing twice
    if (err) {
        struct weir_error error = {0};
        weir_error_set(&error, err, p->document_url, "cannot start a transfer: %s",
                       weir_strerror(err));
        weir_session_note_failure(p, what->track, &error);
    } else {
        err = start_transfer(p, f, url, &range);
    }
    if (!err)
        return;
    queue_failure(p, what->id, err);
    weir_session_release_fetch(f);
}

static void perform_cancel(struct weir_player *p, uint64_t id)
{
    struct weir_session_fetch *f = weir_session_find_fetch(p, id);
    if (!f)
        return;
    if (p->whole_fetch == id) {
        p->whole_fetch = 0; // the file goes on arriving; a later fetch adopts it again
    } else {
        p->transport->ops->cancel(p->transport, id);
        struct weir_telemetry_response r = {.id = id,
                                            .err = WEIR_ERR_CANCELLED,
                                            .bytes = (int64_t)weir_segment_length(f->segment) -
                                                     f->had_bytes,
                                            .t_request_us = WEIR_TIME_NONE,
                                            .t_first_byte_us = WEIR_TIME_NONE,
                                            .t_last_us = WEIR_TIME_NONE};
        weir_telemetry_response(p->telemetry, weir_clock_now_us(&p->clock), &r);
    }
    weir_session_release_fetch(f);
}

// No more bytes for the unit last handed to this track: whoever waits for them goes on.
static void close_unit(struct weir_player *p, enum weir_engine_track track)
{
    struct weir_session_fetch *open = &p->media[track];
    if (!open->used)
        return;
    if (!p->whole_file && weir_segment_state(open->segment) == WEIR_SEGMENT_OPEN)
        weir_segment_finish(open->segment, WEIR_SEGMENT_FAILED);
    weir_segment_unref(&open->segment);
    *open = (struct weir_session_fetch){0};
}

static void discard(struct weir_player *p, enum weir_engine_track track, uint64_t serial)
{
    if (p->media[track].used && p->media[track].what.segment_serial >= serial)
        close_unit(p, track);
    if (p->streams[track])
        weir_stream_discard(p->streams[track], serial);
    if (track == WEIR_ENGINE_VIDEO && p->selection.muxed_audio && p->streams[WEIR_ENGINE_AUDIO])
        weir_stream_discard(p->streams[WEIR_ENGINE_AUDIO], serial);
}

static void seek(struct weir_player *p, int64_t media_us, bool keep_buffered)
{
    weir_present_seek(p, media_us, keep_buffered);
    uint32_t generation = atomic_load(&p->generation);
    p->drained_sent = false;
    for (int k = 0; k < WEIR_ENGINE_TRACKS; k++) {
        if (!keep_buffered)
            close_unit(p, k);
        if (p->streams[k])
            weir_stream_seek(p->streams[k], media_us, keep_buffered, generation);
        p->stream_ended[k] = p->stream_ended[k] && keep_buffered;
    }
    p->played_before_us +=
        p->last_playhead_us > p->stretch_start_us ? p->last_playhead_us - p->stretch_start_us : 0;
    p->stretch_start_us = p->last_playhead_us = media_us;
}

static bool init_arriving(struct weir_player *p, const struct weir_session_init *init)
{
    for (int i = 0; i < WEIR_FETCHES_MAX; i++)
        if (p->fetches[i].used && p->fetches[i].segment == init->segment)
            return true;
    return false;
}

// Init segments that were given up: whoever waits for one learns that it will not come.
static void close_inits(struct weir_player *p)
{
    for (size_t i = 0; i < p->init_count; i++)
        if (weir_segment_state(p->inits[i].segment) == WEIR_SEGMENT_OPEN &&
            !init_arriving(p, &p->inits[i]))
            weir_segment_finish(p->inits[i].segment, WEIR_SEGMENT_FAILED);
}

static void end_of_stream(struct weir_player *p, enum weir_engine_track track)
{
    close_inits(p);
    p->stream_ended[track] = true;
    if (p->streams[track])
        weir_stream_eos(p->streams[track]);
    if (track == WEIR_ENGINE_VIDEO && p->selection.muxed_audio) {
        p->stream_ended[WEIR_ENGINE_AUDIO] = true;
        if (p->streams[WEIR_ENGINE_AUDIO])
            weir_stream_eos(p->streams[WEIR_ENGINE_AUDIO]);
    }
}

void weir_session_fail(struct weir_player *p, const struct weir_error *error)
{
    int64_t now_us = weir_clock_now_us(&p->clock);
    if (p->engine_ended)
        return;
    p->engine_ended = true;
    weir_telemetry_error(p->telemetry, now_us, error);
    weir_telemetry_end(p->telemetry, now_us, weir_strerror(error->code));
    (void)pthread_mutex_lock(&p->lock);
    p->error = *error;
    (void)pthread_mutex_unlock(&p->lock);
}

void weir_session_note_failure(struct weir_player *p, enum weir_engine_track track,
                               const struct weir_error *e)
{
    if (!p->failure[track].code)
        p->failure[track] = *e;
}

static struct weir_error cause(const struct weir_player *p, int err)
{
    struct weir_error e = {0};
    for (int k = 0; k < WEIR_ENGINE_TRACKS; k++)
        if (p->failure[k].code)
            return p->failure[k];
    weir_error_set(&e, err, p->document_url, "playback cannot go on: %s", weir_strerror(err));
    return e;
}

void weir_session_end(struct weir_player *p, int err)
{
    if (p->engine_ended)
        return;
    bool stopped = err == WEIR_ERR_CANCELLED || weir_session_stopping(p);
    if (err && !stopped) {
        struct weir_error e = cause(p, err);
        weir_session_fail(p, &e);
        return;
    }
    p->engine_ended = true;
    if (stopped)
        weir_telemetry_cut(p->telemetry, p->last_playhead_us);
    weir_telemetry_end(p->telemetry, weir_clock_now_us(&p->clock), stopped ? "stop" : "end");
}

// After EOS on every track what is decoded is still shown, whatever the cause of the end.
static void end(struct weir_player *p, int err)
{
    (void)pthread_mutex_lock(&p->lock);
    bool moving = p->clock_running || p->start_pending || p->params.untimed; // else nothing drains
    (void)pthread_mutex_unlock(&p->lock);
    if (err && err != WEIR_ERR_CANCELLED && moving && !p->drained_sent && weir_session_all_ended(p))
        p->deferred_end = err;
    else
        weir_session_end(p, err);
}

static void set_rate(struct weir_player *p, int rate_permille)
{
    weir_playclock_rate(&p->playclock, weir_clock_now_us(&p->clock), rate_permille);
    (void)pthread_mutex_lock(&p->lock);
    p->status.rate_permille = rate_permille;
    (void)pthread_mutex_unlock(&p->lock);
    weir_wake_signal(&p->app_wake);
}

static void perform(struct weir_player *p, const struct weir_action *a)
{
    switch (a->kind) {
    case WEIR_ACTION_FETCH:
        perform_fetch(p, &a->fetch);
        break;
    case WEIR_ACTION_CANCEL:
        perform_cancel(p, a->id);
        break;
    case WEIR_ACTION_DISCARD:
        discard(p, a->discard.track, a->discard.segment_serial);
        break;
    case WEIR_ACTION_FINISH:
        if (p->media[a->discard.track].used &&
            p->media[a->discard.track].what.segment_serial == a->discard.segment_serial)
            close_unit(p, a->discard.track);
        break;
    case WEIR_ACTION_START:
        weir_present_start(p, a->media_us);
        break;
    case WEIR_ACTION_STALL: // sync_clock() below follows the engine's state
    case WEIR_ACTION_RESUME:
    case WEIR_ACTION_PAUSE:
    case WEIR_ACTION_PLAY:
        break;
    case WEIR_ACTION_RATE:
        set_rate(p, a->rate_permille);
        break;
    case WEIR_ACTION_SEEK:
        seek(p, a->seek.media_us, a->seek.keep_buffered);
        break;
    case WEIR_ACTION_EOS:
        end_of_stream(p, a->discard.track);
        break;
    case WEIR_ACTION_END:
        end(p, a->end.err);
        break;
    case WEIR_ACTION_TIMER:
        p->timer_at_us = a->at_us == INT64_MAX ? WEIR_TIME_NONE : a->at_us;
        break;
    case WEIR_ACTION_REPORT:
        weir_telemetry_report(p->telemetry, weir_clock_now_us(&p->clock), &a->report);
        break;
    }
}

// The presentation clock runs when the engine plays, nobody paused, and START's first picture was
// shown.
static void sync_clock(struct weir_player *p, const struct weir_engine_status *s)
{
    int64_t now_us = weir_clock_now_us(&p->clock);
    (void)pthread_mutex_lock(&p->lock);
    bool playing =
        s->state == WEIR_STATE_PLAYING || (p->deferred_end && s->state == WEIR_STATE_ENDED);
    bool run = playing && !s->paused && !p->start_pending && !p->params.untimed;
    if (run != p->clock_running) {
        p->clock_running = run;
        weir_playclock_run(&p->playclock, now_us, run);
        weir_audio_out_run(p->audio, run);
        weir_wake_signal(&p->app_wake);
    }
    (void)pthread_mutex_unlock(&p->lock);
}

// What an algorithm answers is mended by abr/calls.c; whoever wrote it wants to know, once.
static void tell_faults(struct weir_player *p)
{
    for (int k = 0; k < WEIR_ENGINE_TRACKS; k++) {
        const char *first;
        if (p->abr_fault_told[k] || weir_abr_faults(p->abr[k], &first) == 0)
            continue;
        p->abr_fault_told[k] = true;
        struct weir_error e = {0};
        weir_error_set(&e, WEIR_ERR_INVAL, "--abr", "%s answers nonsense, which was mended",
                       weir_abr_ops(p->abr[k])->name);
        weir_error_why(&e, "the first time: %s", first);
        weir_telemetry_warning(p->telemetry, weir_clock_now_us(&p->clock), &e);
    }
}

void weir_session_step(struct weir_player *p, const struct weir_engine_event *event)
{
    if (p->engine_ended)
        return;
    int64_t at_us = weir_clock_now_us(&p->clock);
    if (weir_engine_step(p->engine, at_us, event, &p->actions))
        return; // an event that came too late to matter
    weir_session_record_step(p, at_us, event);
    struct weir_engine_status s = weir_engine_status(p->engine, weir_clock_now_us(&p->clock));
    (void)pthread_mutex_lock(&p->lock);
    p->status.paused = s.paused;
    (void)pthread_mutex_unlock(&p->lock);
    for (size_t i = 0; i < p->actions.count; i++)
        perform(p, &p->actions.items[i]);
    tell_faults(p);
    sync_clock(p, &s);
}
