// player/stream.c — see stream.h: a stream's lifecycle, and what the I/O thread and the
// application's call.
#include "player/stream.h"

#include <stdlib.h>
#include <string.h>

#include "player/stream_state.h"

#define COMMANDS        1024 // at least the engine's ring of buffered segments, twice
#define SHELLS          16   // queue + taken by the application + one being filled, a power of two
#define NOTICES         32
#define FOLLOWER_NAP_US 5000

static int fill_shells(struct weir_stream *s)
{
    for (int i = 0; i < SHELLS; i++) {
        AVFrame *shell = av_frame_alloc();
        if (!shell)
            return WEIR_ERR_NOMEM;
        (void)weir_spsc_push(&s->shells, &shell);
    }
    return 0;
}

// Virtual time: sound that waits for the pictures' timeline looks again.
static void nap(void *ctx)
{
    weir_stream_sleep(ctx, FOLLOWER_NAP_US);
}

int weir_stream_create(const struct weir_stream_params *params, struct weir_stream **out)
{
    *out = NULL;
    struct weir_stream *s = calloc(1, sizeof(*s));
    if (!s)
        return WEIR_ERR_NOMEM;
    s->params = *params;
    s->drained_generation = UINT32_MAX;
    s->drop_until_us = params->start_us;
    s->last_pts_us = s->unit_first_us = s->keep_before_us = WEIR_TIME_NONE;
    struct weir_decoder_params dp = {.store = params->store, .threads = params->threads};
    weir_decoder_init(&s->decoder, &dp);
    struct weir_demux_params mp = {.want = params->kind,
                                   .track_choice = params->track_choice,
                                   .wait = weir_stream_wait_for_bytes,
                                   .nap = params->pace ? nap : NULL,
                                   .wait_ctx = s,
                                   .timeline = params->timeline,
                                   .copies = params->copies,
                                   .slots = params->segment_slots,
                                   .log = params->log};
    int err = weir_wake_init(&s->wake);
    if (err) {
        free(s);
        return err;
    }
    s->units = calloc(WEIR_STREAM_UNITS, sizeof(*s->units));
    s->scratch = av_frame_alloc();
    s->packet = av_packet_alloc();
    if (!s->units || !s->scratch || !s->packet)
        err = WEIR_ERR_NOMEM;
    if (!err)
        err = weir_spsc_init(&s->commands, COMMANDS, sizeof(struct weir_stream_command));
    if (!err)
        err = weir_spsc_init(&s->notices, NOTICES, sizeof(struct weir_notice));
    if (!err)
        err = weir_spsc_init(&s->pictures, WEIR_STREAM_QUEUE_FRAMES,
                             sizeof(struct weir_stream_picture));
    if (!err)
        err = weir_spsc_init(&s->shells, SHELLS, sizeof(AVFrame *));
    if (!err)
        err = fill_shells(s);
    if (!err)
        err = weir_demux_create(&mp, &s->demux);
    if (!err) {
        weir_pace_expect(params->pace, weir_stream_role(s));
        s->started = !pthread_create(&s->thread, NULL, weir_stream_main, s);
        if (!s->started) {
            weir_pace_leave(params->pace, weir_stream_role(s));
            err = WEIR_ERR_NOMEM;
        }
    }
    if (err)
        weir_stream_destroy(&s);
    *out = s;
    return err;
}

void weir_stream_stop(struct weir_stream *s)
{
    struct weir_stream_command c = {.kind = COMMAND_QUIT};
    if (!s->started)
        return;
    // A full ring empties by itself: the thread takes commands whenever it looks.
    while (!weir_spsc_push(&s->commands, &c))
        weir_wake_signal(&s->wake);
    weir_wake_signal(&s->wake);
    weir_pace_await(s->params.pace, weir_stream_role(s));
    (void)pthread_join(s->thread, NULL);
    s->started = false;
}

void weir_stream_destroy(struct weir_stream **sp)
{
    struct weir_stream *s = *sp;
    struct weir_stream_command c;
    if (!s)
        return;
    weir_stream_stop(s);
    while (s->commands.items && weir_spsc_pop(&s->commands, &c))
        if (c.kind == COMMAND_UNIT)
            weir_stream_release_unit(&c.unit);
    for (size_t i = 0; i < s->unit_count; i++)
        weir_stream_release_unit(weir_stream_unit_at(s, i));
    weir_demux_destroy(&s->demux);
    weir_decoder_clear(&s->decoder);
    struct weir_stream_picture p;
    while (s->pictures.items && weir_spsc_pop(&s->pictures, &p))
        av_frame_free(&p.frame);
    AVFrame *shell;
    while (s->shells.items && weir_spsc_pop(&s->shells, &shell))
        av_frame_free(&shell);
    av_frame_free(&s->scratch);
    av_packet_free(&s->packet);
    weir_spsc_clear(&s->commands);
    weir_spsc_clear(&s->notices);
    weir_spsc_clear(&s->pictures);
    weir_spsc_clear(&s->shells);
    weir_wake_clear(&s->wake);
    free(s->units);
    free(s);
    *sp = NULL;
}

// --- from the I/O thread ---

static void command(struct weir_stream *s, const struct weir_stream_command *c)
{
    // The engine keeps fewer segments per track than either ring holds (player/engine/internal.h),
    // so the ring is full only if this thread has stopped looking: what cannot be told any more is
    // let go, not leaked.
    if (!weir_spsc_push(&s->commands, c) && c->kind == COMMAND_UNIT) {
        struct weir_media_unit lost = c->unit;
        weir_stream_release_unit(&lost);
    }
    weir_wake_signal(&s->wake);
}

struct weir_wake *weir_stream_wake(struct weir_stream *s)
{
    return &s->wake;
}

void weir_stream_unit(struct weir_stream *s, const struct weir_media_unit *unit)
{
    struct weir_stream_command c = {.kind = COMMAND_UNIT, .unit = *unit};
    command(s, &c);
}

void weir_stream_discard(struct weir_stream *s, uint64_t from_serial)
{
    struct weir_stream_command c = {.kind = COMMAND_DISCARD, .serial = from_serial};
    command(s, &c);
}

void weir_stream_seek(struct weir_stream *s, int64_t media_us, bool keep_buffered,
                      uint32_t generation)
{
    struct weir_stream_command c = {.kind = COMMAND_SEEK,
                                    .media_us = media_us,
                                    .keep_buffered = keep_buffered,
                                    .generation = generation};
    command(s, &c);
}

void weir_stream_eos(struct weir_stream *s)
{
    struct weir_stream_command c = {.kind = COMMAND_EOS};
    command(s, &c);
}

bool weir_stream_notice(struct weir_stream *s, struct weir_notice *out)
{
    return weir_spsc_pop(&s->notices, out);
}

// --- from the application's thread ---

bool weir_stream_peek(struct weir_stream *s, struct weir_stream_picture *out)
{
    return weir_spsc_peek(&s->pictures, out);
}

void weir_stream_take(struct weir_stream *s, struct weir_stream_picture *out)
{
    (void)weir_spsc_pop(&s->pictures, out);
    weir_wake_signal(&s->wake);
}

void weir_stream_return(struct weir_stream *s, AVFrame *frame)
{
    av_frame_unref(frame);
    (void)weir_spsc_push(&s->shells, &frame);
    weir_wake_signal(&s->wake);
}

bool weir_stream_drained(const struct weir_stream *s, uint32_t generation)
{
    return atomic_load(&s->drained_generation) == generation && weir_spsc_count(&s->pictures) == 0;
}

size_t weir_stream_queued(const struct weir_stream *s)
{
    return weir_spsc_count(&s->pictures);
}
