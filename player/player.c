// player/player.c — the public API of weir/player.h over the live session.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "player/session.h"

#define DEFAULT_ABR "weir"
// The first picture is shown as soon as it is decoded; motion begins when a little more is there,
// else the link would stall it one picture later. 0.24 s: what a 5 Mbit/s link brings while the
// decoder starts (docs/results.md).
#define DEFAULT_STARTUP_US 240000
#define SEGMENTS_MAX       4096
#define THREADS_MAX        16
#define FRAME_SLOTS                                                                                \
    (16 + 2 * THREADS_MAX + 8) // reserved address space; only what is used is committed
#define RATE_MIN_PERMILLE 250
#define RATE_MAX_PERMILLE 4000

struct weir_player_params weir_player_params_default(void)
{
    return (struct weir_player_params){.abr = DEFAULT_ABR,
                                       .startup_us = DEFAULT_STARTUP_US,
                                       .rung = -1,
                                       .buffer_max_us = 60 * WEIR_SECOND_US,
                                       .resume_us = 2 * WEIR_SECOND_US,
                                       .abandon = true,
                                       .audio_output = WEIR_AUDIO_DEVICE};
}

static int check_params(const struct weir_player_params *p, struct weir_error *error)
{
    if (!p->url || !p->url[0])
        return weir_error_set(error, WEIR_ERR_INVAL, "URL", "nothing to play was given");
    if (p->no_video && p->no_audio)
        return weir_error_set(error, WEIR_ERR_INVAL, "--no-video --no-audio",
                              "nothing would be left to play");
    if (p->buffer_max_us <= 0)
        return weir_error_set(error, WEIR_ERR_INVAL, "--buffer-max", "must be more than 0 seconds");
    if (p->startup_us < 0 || p->resume_us < 0 || p->start_us < 0 || p->duration_us < 0 ||
        p->memory_limit_bytes < 0 || p->threads < 0)
        return weir_error_set(error, WEIR_ERR_INVAL, "options",
                              "a time, size or count is negative");
    if (p->startup_us > p->buffer_max_us || p->resume_us > p->buffer_max_us) {
        weir_error_set(error, WEIR_ERR_INVAL, "--buffer-max",
                       "is less than what must be buffered to start or resume");
        weir_error_hint(error, "a larger --buffer-max, or a smaller --startup and --resume");
        return WEIR_ERR_INVAL;
    }
    if (p->audio_output == WEIR_AUDIO_WAV && !p->wav_path)
        return weir_error_set(error, WEIR_ERR_INVAL, "--ao wav", "needs a path");
    struct weir_abr *abr = NULL;
    int err = weir_abr_create(p->abr ? p->abr : DEFAULT_ABR, p->seed, &abr, error);
    weir_abr_destroy(&abr);
    return err;
}

// --- strings of the params, owned by the player ---

static bool own(const char **s)
{
    if (!*s)
        return true;
    *s = strdup(*s);
    return *s != NULL;
}

static bool own_headers(struct weir_player_params *p)
{
    if (p->header_count == 0) {
        p->headers = NULL;
        return true;
    }
    const char **copy = calloc(p->header_count, sizeof(*copy));
    bool ok = copy != NULL;
    for (size_t i = 0; i < p->header_count && ok; i++) {
        copy[i] = p->headers[i];
        ok = own(&copy[i]);
    }
    p->headers = copy;
    return ok;
}

static bool own_params(struct weir_player_params *p, const struct weir_player_params *from)
{
    *p = *from;
    const char **strings[] = {&p->url,      &p->abr,        &p->audio_languages, &p->audio_id,
                              &p->wav_path, &p->user_agent, &p->referer,         &p->cookie_file,
                              &p->proxy,    &p->ca_file};
    bool ok = true;
    for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++) {
        if (!ok)
            *strings[i] = NULL;
        ok = ok && own(strings[i]);
    }
    if (ok)
        return own_headers(p);
    p->headers = NULL;
    p->header_count = 0;
    return false;
}

static void disown_params(struct weir_player_params *p)
{
    const char *strings[] = {p->url,      p->abr,        p->audio_languages, p->audio_id,
                             p->wav_path, p->user_agent, p->referer,         p->cookie_file,
                             p->proxy,    p->ca_file};
    for (size_t i = 0; i < sizeof(strings) / sizeof(strings[0]); i++)
        free((void *)strings[i]);
    for (size_t i = 0; p->headers && i < p->header_count; i++)
        free((void *)p->headers[i]);
    free((void *)p->headers);
}

// --- create ---

static void wake_io(void *ctx)
{
    struct weir_player *p = ctx;
    if (p->transport)
        p->transport->ops->wake(p->transport);
}

static void wake_app(void *ctx)
{
    struct weir_player *p = ctx;
    weir_wake_signal(&p->app_wake);
}

// The transport itself lives in real time, whatever the session does.
static int create_transport(struct weir_player *p, struct weir_error *error)
{
    const struct weir_player_params *q = &p->params;
    struct weir_curl_params cp = {.headers = q->headers,
                                  .header_count = q->header_count,
                                  .user_agent = q->user_agent,
                                  .referer = q->referer,
                                  .cookie_file = q->cookie_file,
                                  .proxy = q->proxy,
                                  .ca_file = q->ca_file,
                                  .netrc = q->netrc,
                                  .insecure = q->insecure,
                                  .http_version = q->http_version,
                                  .connect_timeout_us = q->timeout_us,
                                  .first_byte_timeout_us = q->timeout_us,
                                  .low_speed_time_us = q->timeout_us,
                                  .clock = weir_clock_monotonic(),
                                  .log = q->log.write ? &p->params.log : NULL};
    int err = weir_curl_transport_create(&cp, &p->transport, error);
    if (err || !p->inject.wrap)
        return err;
    struct weir_inject_session session = {
        .clock = p->clock, .pace = p->pace, .copies = &p->copies, .timeout_us = q->timeout_us};
    return p->inject.wrap(p->inject.ctx, &session, &p->transport, error);
}

static int create_pools(struct weir_player *p)
{
    weir_budget_init(&p->budget, p->params.memory_limit_bytes);
    // More than the engine can hold of both tracks (player/engine/internal.h), with a session's
    // init segments.
    struct weir_segment_pool_params sp = {
        .max_segments = SEGMENTS_MAX, .budget = &p->budget, .copies = &p->copies};
    int err = weir_segment_pool_create(&sp, &p->segments);
    if (err)
        return err;
    struct weir_frame_store_params fp = {.count = FRAME_SLOTS, .budget = &p->budget};
    return weir_frame_store_create(&fp, &p->frames);
}

static int create_stream(struct weir_player *p, enum weir_engine_track k)
{
    struct weir_stream_params sp = {
        .kind = k == WEIR_ENGINE_VIDEO ? WEIR_DEMUX_VIDEO : WEIR_DEMUX_AUDIO,
        .store = k == WEIR_ENGINE_VIDEO ? p->frames : NULL,
        .audio = k == WEIR_ENGINE_AUDIO ? p->audio : NULL,
        .timeline = p->timeline,
        .copies = &p->copies,
        .segment_slots = weir_segment_pool_slots(p->segments),
        .threads = p->params.threads,
        .untimed = p->params.untimed,
        .pace = p->pace,
        .start_us = p->params.start_us > 0 ? p->params.start_us : WEIR_TIME_NONE,
        .end_us =
            p->params.duration_us > 0 ? p->params.start_us + p->params.duration_us : WEIR_TIME_NONE,
        .wake_io = wake_io,
        .wake_app = wake_app,
        .wake_ctx = p,
        .log = p->params.log.write ? &p->params.log : NULL};
    int err = weir_stream_create(&sp, &p->streams[k]);
    return err;
}

static int create_outputs(struct weir_player *p, struct weir_error *error)
{
    struct weir_audio_out_params ap = {.output = p->params.audio_output,
                                       .wav_path = p->params.wav_path,
                                       .untimed = p->params.untimed,
                                       .clock = p->clock,
                                       .playclock = &p->playclock,
                                       .copies = &p->copies,
                                       .log = p->params.log.write ? &p->params.log : NULL};
    int err = weir_audio_out_create(&ap, &p->audio, error);
    if (!err)
        err = weir_timeline_create(!p->params.no_video, &p->timeline);
    for (int k = 0; k < WEIR_ENGINE_TRACKS && !err; k++) {
        err = weir_playable_create(&p->playable[k]);
        bool unwanted = k == WEIR_ENGINE_VIDEO ? p->params.no_video : p->params.no_audio;
        if (!err && !unwanted && !p->inject.no_decode)
            err = create_stream(p, k);
    }
    // So that sound never waits for the pictures' thread to tell the time.
    if (!err && p->streams[WEIR_ENGINE_VIDEO])
        weir_playable_pin(p->playable[WEIR_ENGINE_VIDEO], p->timeline);
    return err;
}

static int create_telemetry(struct weir_player *p)
{
    char held[32];
    (void)snprintf(held, sizeof(held), "fixed:rung=%ld", p->params.rung);
    struct weir_telemetry_params tp = {.event = p->params.event,
                                       .ctx = p->params.event_ctx,
                                       .t0_us = p->params.t0_us,
                                       .host = p->inject.host,
                                       .record = p->inject.record,
                                       .trace = p->inject.trace,
                                       .abr = p->params.rung >= 0 ? held : p->params.abr,
                                       .content = p->params.url,
                                       .seed = p->params.seed};
    return weir_telemetry_create(&tp, &p->telemetry);
}

static void init_state(struct weir_player *p)
{
    if (p->params.t0_us == 0)
        p->params.t0_us = weir_clock_now_us(&p->clock);
    if (p->params.threads == 0) {
        long cores = p->pace ? 1 : sysconf(_SC_NPROCESSORS_ONLN); // the same on any machine
        p->params.threads = cores < 1 ? 1 : cores > THREADS_MAX ? THREADS_MAX : (int)cores;
    }
    p->timer_at_us = WEIR_TIME_NONE;
    p->present_from_us = p->params.start_us;
    p->shown_end_us = p->first_shown_at_us = p->first_shown_pts_us = WEIR_TIME_NONE;
    p->last_wake_media_us = INT64_MIN / 2;
    p->stretch_start_us = p->last_playhead_us = p->params.start_us;
    p->status.rate_permille = 1000;
    p->status.duration_us = WEIR_TIME_NONE;
    p->status.buffer_max_us = p->params.buffer_max_us;
}

static int create_clock(struct weir_player *p, const struct weir_inject *inject)
{
    p->inject = inject ? *inject : (struct weir_inject){.host = "live"};
    p->clock = weir_clock_monotonic();
    if (!p->inject.virtual_time)
        return 0;
    int err = weir_pace_create(&p->pace);
    if (!err)
        p->clock = weir_pace_clock(p->pace);
    return err;
}

static int start_io(struct weir_player *p)
{
    weir_pace_expect(p->pace, WEIR_PACE_IO);
    p->io_started = !pthread_create(&p->io_thread, NULL, weir_session_main, p);
    if (!p->io_started)
        weir_pace_leave(p->pace, WEIR_PACE_IO);
    return p->io_started ? 0 : WEIR_ERR_NOMEM;
}

int weir_player_create(const struct weir_player_params *params, struct weir_player **out,
                       struct weir_error *error)
{
    return weir_player_create_injected(params, NULL, out, error);
}

int weir_player_create_injected(const struct weir_player_params *params,
                                const struct weir_inject *inject, struct weir_player **out,
                                struct weir_error *error)
{
    *out = NULL;
    int err = check_params(params, error);
    if (err)
        return err;
    struct weir_player *p = calloc(1, sizeof(*p));
    if (!p)
        return weir_error_set(error, WEIR_ERR_NOMEM, params->url, "out of memory");
    bool locks = !pthread_mutex_init(&p->lock, NULL);
    if (create_clock(p, inject) || !locks || weir_wake_init(&p->app_wake) ||
        weir_playclock_init(&p->playclock) || !own_params(&p->params, params))
        err = WEIR_ERR_NOMEM;
    if (!err && !p->params.abr && !(p->params.abr = strdup(DEFAULT_ABR)))
        err = WEIR_ERR_NOMEM;
    if (!err) {
        init_state(p);
        err = create_transport(p, error);
    }
    if (!err)
        err = create_pools(p);
    if (!err)
        err = create_telemetry(p);
    if (!err)
        err = create_outputs(p, error);
    if (!err)
        err = start_io(p);
    if (err && error && !error->code)
        weir_error_set(error, err, params->url, "cannot set up playback: %s", weir_strerror(err));
    if (err)
        weir_player_destroy(&p);
    *out = p;
    return err;
}

static void stop_streams(struct weir_player *p)
{
    for (int k = 0; k < WEIR_ENGINE_TRACKS; k++) {
        // A demuxer waiting for bytes that will not come wakes by its stream's quit command.
        weir_stream_destroy(&p->streams[k]);
        weir_playable_destroy(&p->playable[k]);
        weir_segment_unref(&p->media[k].segment);
    }
    for (size_t i = 0; i < p->init_count; i++)
        weir_segment_unref(&p->inits[i].segment);
    free(p->inits);
    for (int i = 0; i < WEIR_FETCHES_MAX; i++)
        if (p->fetches[i].used)
            weir_session_release_fetch(&p->fetches[i]);
}

void weir_player_destroy(struct weir_player **pp)
{
    struct weir_player *p = *pp;
    if (!p)
        return;
    if (p->io_started) {
        weir_player_stop(p);
        weir_pace_await(p->pace, WEIR_PACE_IO);
        (void)pthread_join(p->io_thread, NULL);
    }
    if (p->transport)
        p->transport->ops->destroy(p->transport);
    p->transport = NULL;
    stop_streams(p);
    weir_session_close(p);
    weir_audio_out_destroy(&p->audio);
    weir_timeline_destroy(&p->timeline);
    weir_telemetry_destroy(&p->telemetry);
    weir_frame_store_destroy(&p->frames);
    weir_segment_pool_destroy(&p->segments);
    weir_budget_clear(&p->budget);
    weir_playclock_clear(&p->playclock);
    weir_wake_clear(&p->app_wake);
    (void)pthread_mutex_destroy(&p->lock);
    weir_pace_destroy(&p->pace);
    disown_params(&p->params);
    free(p);
    *pp = NULL;
}

// --- commands: any thread ---

static void command(struct weir_player *p, enum weir_engine_event_kind kind, int64_t value)
{
    (void)pthread_mutex_lock(&p->lock);
    // Keys held down: a later seek makes an earlier one pointless.
    if (p->command_count > 0 && p->commands[p->command_count - 1].kind == kind)
        p->commands[p->command_count - 1].value = value;
    else if (p->command_count < WEIR_COMMANDS_MAX)
        p->commands[p->command_count++] =
            (struct weir_session_command){.kind = kind, .value = value};
    (void)pthread_mutex_unlock(&p->lock);
    p->transport->ops->wake(p->transport);
}

void weir_player_pause(struct weir_player *p, bool paused)
{
    command(p, paused ? WEIR_EVENT_PAUSE : WEIR_EVENT_PLAY, 0);
}

void weir_player_seek(struct weir_player *p, int64_t media_us)
{
    command(p, WEIR_EVENT_SEEK, media_us);
}

void weir_player_rate(struct weir_player *p, int rate_permille)
{
    int64_t rate = rate_permille < RATE_MIN_PERMILLE   ? RATE_MIN_PERMILLE
                   : rate_permille > RATE_MAX_PERMILLE ? RATE_MAX_PERMILLE
                                                       : rate_permille;
    command(p, WEIR_EVENT_RATE, rate);
}

void weir_player_hold_rung(struct weir_player *p, size_t rung)
{
    command(p, WEIR_EVENT_HOLD_RUNG, (int64_t)rung);
}

void weir_player_auto_rung(struct weir_player *p)
{
    command(p, WEIR_EVENT_AUTO_RUNG, 0);
}

void weir_player_volume(struct weir_player *p, int percent, bool muted)
{
    weir_audio_out_volume(p->audio, percent < 0 ? 0 : percent > 130 ? 130 : percent, muted);
}

void weir_player_stop(struct weir_player *p)
{
    (void)pthread_mutex_lock(&p->lock);
    p->stop_requested = true;
    (void)pthread_mutex_unlock(&p->lock);
    p->transport->ops->wake(p->transport);
}

void weir_player_error(struct weir_player *p, struct weir_error *out)
{
    (void)pthread_mutex_lock(&p->lock);
    *out = p->error;
    (void)pthread_mutex_unlock(&p->lock);
}

void weir_player_status(struct weir_player *p, struct weir_player_status *out)
{
    (void)pthread_mutex_lock(&p->lock);
    *out = p->status;
    (void)pthread_mutex_unlock(&p->lock);
}

void weir_player_statistics(struct weir_player *p, struct weir_player_statistics *out)
{
    (void)pthread_mutex_lock(&p->lock);
    const struct weir_telemetry_figures *f = &p->figures;
    *out = (struct weir_player_statistics){.startup_us = p->counts.startup_us,
                                           .stall_count = p->counts.stall_count,
                                           .stall_us = p->counts.stall_us,
                                           .switch_count = p->counts.switch_count,
                                           .segment_hits = f->segment_hits,
                                           .segment_misses = f->segment_misses,
                                           .frame_hits = f->frame_hits,
                                           .frame_misses = f->frame_misses,
                                           .foreign_frames = f->foreign_frames,
                                           .copied_net_bytes = f->copied_net,
                                           .copied_demux_bytes = f->copied_demux,
                                           .copied_decode_bytes = f->copied_decode,
                                           .copied_render_bytes = f->copied_render};
    (void)pthread_mutex_unlock(&p->lock);
    if (out->startup_us < 0) // WEIR_TIME_NONE
        out->startup_us = -1;
}

void weir_player_count_render_copy(struct weir_player *p, int64_t bytes)
{
    atomic_fetch_add(&p->copies.render_bytes, bytes);
}

char *weir_player_summary(struct weir_player *p)
{
    // Telemetry is the I/O thread's until playback is over.
    (void)pthread_mutex_lock(&p->lock);
    bool over = p->over;
    (void)pthread_mutex_unlock(&p->lock);
    if (!over)
        return NULL;
    struct weir_telemetry_figures f = weir_session_figures(p);
    json_t *o = weir_telemetry_summary(p->telemetry, &f);
    char *text = o ? json_dumps(o, JSON_INDENT(2) | JSON_REAL_PRECISION(15)) : NULL;
    json_decref(o);
    return text;
}
