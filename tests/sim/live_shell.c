// tests/sim/live_shell.c — see live_shell.h.
#include "cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "tests/sim/live_shell.h"

#define TRANSFERS_MAX 16

struct running {
    uint64_t id; // 0: free
    struct weir_segment *segment;
    int64_t had_bytes;
};

struct live_shell {
    struct weir_player *player;
    struct weir_transport transport; // first of its kind: ops get a pointer to it
    int64_t now_us;
    const char *manifest;
    bool manifest_sent;
    struct running running[TRANSFERS_MAX];
};

static struct live_shell *shell_of(struct weir_transport *t)
{
    return (struct live_shell *)((char *)t - offsetof(struct live_shell, transport));
}

// --- the transport ---

static struct running *find(struct live_shell *s, uint64_t id)
{
    for (int i = 0; i < TRANSFERS_MAX; i++)
        if (s->running[i].id == id)
            return &s->running[i];
    return NULL;
}

static int on_start(struct weir_transport *t, const struct weir_transfer *transfer,
                    struct weir_error *error)
{
    (void)error;
    struct running *r = find(shell_of(t), 0);
    assert_non_null(r);
    *r = (struct running){.id = transfer->id,
                          .segment = weir_segment_ref(transfer->segment),
                          .had_bytes = (int64_t)weir_segment_length(transfer->segment)};
    return 0;
}

static void forget(struct running *r)
{
    weir_segment_unref(&r->segment);
    r->id = 0;
}

static void on_cancel(struct weir_transport *t, uint64_t id)
{
    struct running *r = find(shell_of(t), id);
    if (r)
        forget(r);
}

static void on_pause(struct weir_transport *t, uint64_t id, bool paused)
{
    (void)t;
    (void)id;
    (void)paused;
}

// Only the manifest is waited for here.
static int on_pump(struct weir_transport *t, int64_t timeout_us, struct weir_transfer_event *events,
                   size_t room)
{
    struct live_shell *s = shell_of(t);
    struct running *r = &s->running[0];
    (void)timeout_us;
    if (s->manifest_sent || room == 0)
        return 0;
    assert_int_not_equal(r->id, 0);
    assert_int_equal(weir_segment_append(r->segment, s->manifest, strlen(s->manifest)), 0);
    weir_segment_finish(r->segment, WEIR_SEGMENT_COMPLETE);
    events[0] = (struct weir_transfer_event){.kind = WEIR_TRANSFER_DONE,
                                             .id = r->id,
                                             .now_us = s->now_us,
                                             .bytes = (int64_t)strlen(s->manifest),
                                             .http_status = 200,
                                             .t_request_us = s->now_us,
                                             .t_first_byte_us = s->now_us,
                                             .t_last_us = s->now_us,
                                             .retry_after_us = WEIR_TIME_NONE};
    forget(r);
    s->manifest_sent = true;
    return 1;
}

static void on_wake(struct weir_transport *t)
{
    (void)t;
}

static void on_warm(struct weir_transport *t, const char *url, int count)
{
    (void)t;
    (void)url;
    (void)count;
}

static void on_destroy(struct weir_transport *t)
{
    struct live_shell *s = shell_of(t);
    for (int i = 0; i < TRANSFERS_MAX; i++)
        if (s->running[i].id)
            forget(&s->running[i]);
}

static const struct weir_transport_ops ops = {.start = on_start,
                                              .cancel = on_cancel,
                                              .pause = on_pause,
                                              .pump = on_pump,
                                              .wake = on_wake,
                                              .warm = on_warm,
                                              .destroy = on_destroy};

// --- the player ---

static int64_t clock_now_us(void *ctx)
{
    return ((const struct live_shell *)ctx)->now_us;
}

static void fill_params(struct weir_player *p, const struct live_shell_params *from)
{
    p->params = weir_player_params_default();
    p->params.url = strdup("http://test.invalid/stream.mpd");
    p->params.abr = strdup(from->abr);
    p->params.startup_us = p->params.resume_us = 0; // a whole segment, as in the model
    p->params.buffer_max_us = from->buffer_max_us;
    p->params.abandon = from->abandon;
    p->params.seed = from->seed;
    p->params.audio_output = WEIR_AUDIO_NULL;
    p->params.threads = 1;
    p->inject = (struct weir_inject){.host = "live", .no_decode = true, .exact_network = true};
    p->timer_at_us = p->shown_end_us = WEIR_TIME_NONE;
    p->first_shown_at_us = p->first_shown_pts_us = WEIR_TIME_NONE;
}

// What weir_player_create() makes, but for its threads.
static void make_parts(struct weir_player *p)
{
    struct weir_error e = {0};
    assert_int_equal(pthread_mutex_init(&p->lock, NULL), 0);
    assert_int_equal(weir_wake_init(&p->app_wake), 0);
    assert_int_equal(weir_playclock_init(&p->playclock), 0);
    weir_budget_init(&p->budget, 0);
    struct weir_segment_pool_params sp = {.budget = &p->budget, .copies = &p->copies};
    assert_int_equal(weir_segment_pool_create(&sp, &p->segments), 0);
    struct weir_frame_store_params fp = {.count = 4, .budget = &p->budget};
    assert_int_equal(weir_frame_store_create(&fp, &p->frames), 0);
    struct weir_telemetry_params tp = {
        .host = "live", .abr = p->params.abr, .content = p->params.url};
    assert_int_equal(weir_telemetry_create(&tp, &p->telemetry), 0);
    struct weir_audio_out_params ap = {.output = WEIR_AUDIO_NULL,
                                       .clock = p->clock,
                                       .playclock = &p->playclock,
                                       .copies = &p->copies};
    assert_int_equal(weir_audio_out_create(&ap, &p->audio, &e), 0);
    assert_int_equal(weir_timeline_create(true, &p->timeline), 0);
    for (int k = 0; k < WEIR_ENGINE_TRACKS; k++)
        assert_int_equal(weir_playable_create(&p->playable[k]), 0);
}

struct live_shell *live_shell_create(const struct live_shell_params *params)
{
    struct live_shell *s = calloc(1, sizeof(*s));
    struct weir_player *p = calloc(1, sizeof(*p));
    assert_non_null(s);
    assert_non_null(p);
    s->player = p;
    s->manifest = params->manifest;
    s->transport.ops = &ops;
    p->clock = (struct weir_clock){.now_us = clock_now_us, .ctx = s};
    p->transport = &s->transport;
    fill_params(p, params);
    make_parts(p);
    struct weir_error e = {0};
    if (weir_session_open(p, &e) != 0)
        fail_msg("%s: %s (%s)", e.where, e.what, e.why);
    return s;
}

void live_shell_destroy(struct live_shell *s)
{
    if (!s)
        return;
    weir_player_destroy(&s->player);
    free(s);
}

// --- telling ---

// The bytes themselves say nothing here: zeros.
static void arrive(struct running *r, int64_t bytes)
{
    static const uint8_t zeros[65536];
    int64_t have = (int64_t)weir_segment_length(r->segment) - r->had_bytes;
    while (have < bytes) {
        int64_t n = bytes - have < (int64_t)sizeof(zeros) ? bytes - have : (int64_t)sizeof(zeros);
        assert_int_equal(weir_segment_append(r->segment, zeros, (size_t)n), 0);
        have += n;
    }
}

static void tell_transfer(struct live_shell *s, const struct weir_engine_event *e,
                          enum weir_transfer_event_kind kind)
{
    struct running *r = e->transfer.id ? find(s, e->transfer.id) : NULL;
    if (!r) // the log speaks of a transfer that this engine did not ask for
        return;
    arrive(r, e->transfer.bytes);
    struct weir_transfer_event t = {.kind = kind,
                                    .id = e->transfer.id,
                                    .now_us = s->now_us,
                                    .bytes = e->transfer.bytes,
                                    .http_status = 200,
                                    .t_request_us = e->transfer.t_request_us,
                                    .t_first_byte_us = e->transfer.t_first_byte_us,
                                    .t_last_us = e->transfer.t_last_us,
                                    .retry_after_us = WEIR_TIME_NONE};
    if (kind == WEIR_TRANSFER_DONE) {
        weir_segment_finish(r->segment, WEIR_SEGMENT_COMPLETE);
        forget(r);
    }
    weir_session_transfer_event(s->player, &t);
}

void live_shell_tell(struct live_shell *s, int64_t now_us, const struct weir_engine_event *event)
{
    s->now_us = now_us;
    s->player->actions.count = 0; // a refused step leaves none
    switch (event->kind) {
    case WEIR_EVENT_PROGRESS:
        tell_transfer(s, event, WEIR_TRANSFER_PROGRESS);
        break;
    case WEIR_EVENT_DONE:
        tell_transfer(s, event, WEIR_TRANSFER_DONE);
        break;
    default:
        weir_session_step(s->player, event);
        break;
    }
}

const struct weir_actions *live_shell_actions(const struct live_shell *s)
{
    return &s->player->actions;
}

const struct weir_engine *live_shell_engine(const struct live_shell *s)
{
    return s->player->engine;
}

size_t live_shell_transfers(const struct live_shell *s)
{
    size_t n = 0;
    for (int i = 0; i < TRANSFERS_MAX; i++)
        n += s->running[i].id != 0;
    return n;
}
