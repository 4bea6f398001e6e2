// player/stream_thread.c — the stream's thread: commands from the I/O thread, segments in their
// order. Its only sleeping place is its wake: commands, arriving bytes and returned pictures all
// signal it. Commands are moved into a local list whenever the thread looks, so that a seek or a
// discard takes effect however many segments were queued before it.
#include <stdio.h>

#include "player/stream_state.h"

#define DAMAGES_MAX  1024 // per segment; beyond, the rest of it is given up
#define DAMAGES_TOLD 3    // per segment; one scratch damages many packets

enum weir_pace_role weir_stream_role(const struct weir_stream *s)
{
    return s->params.kind == WEIR_DEMUX_VIDEO ? WEIR_PACE_VIDEO : WEIR_PACE_AUDIO;
}

void weir_stream_sleep(struct weir_stream *s, int64_t timeout_us)
{
    (void)weir_pace_sleep(s->params.pace, weir_stream_role(s), &s->wake, timeout_us);
}

void weir_stream_release_unit(struct weir_media_unit *u)
{
    weir_segment_unref(&u->media);
    weir_segment_unref(&u->init);
}

struct weir_media_unit *weir_stream_unit_at(struct weir_stream *s, size_t i)
{
    return &s->units[(s->unit_first + i) % WEIR_STREAM_UNITS];
}

// Keep only queued units for which keep() holds, in order.
static void filter_units(struct weir_stream *s,
                         bool (*keep)(const struct weir_media_unit *,
                                      const struct weir_stream_command *),
                         const struct weir_stream_command *c)
{
    size_t kept = 0;
    for (size_t i = 0; i < s->unit_count; i++) {
        struct weir_media_unit *u = weir_stream_unit_at(s, i);
        if (!keep(u, c))
            weir_stream_release_unit(u);
        else
            *weir_stream_unit_at(s, kept++) = *u;
    }
    s->unit_count = kept;
}

static bool before_serial(const struct weir_media_unit *u, const struct weir_stream_command *c)
{
    return u->serial < c->serial;
}

static bool after_seek(const struct weir_media_unit *u, const struct weir_stream_command *c)
{
    return c->keep_buffered && u->start_us + u->duration_us > c->media_us;
}

static void on_seek(struct weir_stream *s, const struct weir_stream_command *c)
{
    filter_units(s, after_seek, c);
    if (s->has_current && !after_seek(&s->current, c))
        s->abort_current = true;
    if (!c->keep_buffered) {
        s->need_flush = true;
        s->eos = false;
    }
    // Else the old place would be heard, and the clock follow it, until the device's ring is empty.
    if (c->keep_buffered && s->params.audio)
        weir_audio_out_skip(s->params.audio, c->media_us);
    s->generation = c->generation;
    s->drop_until_us = c->media_us;
    s->last_pts_us = WEIR_TIME_NONE;
    s->overlap = false;
    atomic_store(&s->drained_generation, UINT32_MAX);
}

static void on_discard(struct weir_stream *s, const struct weir_stream_command *c)
{
    filter_units(s, before_serial, c);
    s->eos = false;
    if (!s->has_current || before_serial(&s->current, c))
        return;
    s->abort_current = true;
    s->need_drain = true; // the decoder may still hold pictures of the segment before
    s->keep_before_us =
        s->unit_first_us; // but what came of this one has holes where bytes are missing
    s->overlap = true;
}

// Move what the I/O thread sent into local state.
static void take_commands(struct weir_stream *s)
{
    struct weir_stream_command c;
    while (s->unit_count < WEIR_STREAM_UNITS && weir_spsc_pop(&s->commands, &c)) {
        switch (c.kind) {
        case COMMAND_UNIT:
            *weir_stream_unit_at(s, s->unit_count++) = c.unit;
            s->eos = false;
            atomic_store(&s->drained_generation, UINT32_MAX);
            break;
        case COMMAND_DISCARD:
            on_discard(s, &c);
            break;
        case COMMAND_SEEK:
            on_seek(s, &c);
            break;
        case COMMAND_EOS:
            s->eos = true;
            break;
        case COMMAND_QUIT:
            s->quit = true;
            break;
        }
    }
}

bool weir_stream_interrupted(struct weir_stream *s)
{
    take_commands(s);
    return s->quit || s->abort_current || s->need_flush || s->need_drain;
}

int weir_stream_wait_for_bytes(void *ctx, const struct weir_segment *segment, size_t have_bytes)
{
    struct weir_stream *s = ctx;
    for (;;) {
        if (weir_stream_interrupted(s))
            return -1;
        enum weir_segment_state state = weir_segment_state(segment);
        if (weir_segment_length(segment) > have_bytes || state != WEIR_SEGMENT_OPEN)
            return 0;
        weir_stream_sleep(s, -1);
    }
}

void weir_stream_notify(struct weir_stream *s, struct weir_notice *n)
{
    n->serial = s->current.serial;
    if (weir_spsc_push(&s->notices,
                       n)) // a full ring means the I/O thread knows that much is wrong already
        s->params.wake_io(s->params.wake_ctx);
}

void weir_stream_notify_error(struct weir_stream *s, enum weir_notice_kind kind,
                              const struct weir_error *error)
{
    struct weir_notice n = {.kind = kind, .error = *error};
    weir_stream_notify(s, &n);
}

void weir_stream_notify_damage(struct weir_stream *s, const struct weir_error *error)
{
    if (s->damages++ < DAMAGES_TOLD)
        weir_stream_notify_error(s, WEIR_NOTICE_DAMAGE, error);
}

void weir_stream_report_damage(struct weir_stream *s, const char *why)
{
    struct weir_error e = {0};
    char where[64];
    (void)snprintf(where, sizeof(where), "segment %lld", (long long)s->current.number);
    weir_error_set(&e, WEIR_ERR_DECODE, where, "damaged %s data was met",
                   s->params.kind == WEIR_DEMUX_VIDEO ? "video" : "audio");
    weir_error_why(&e, "%s", why);
    weir_stream_notify_damage(s, &e);
}

static bool unplayable(int err)
{
    return err == WEIR_ERR_UNSUPPORTED || err == WEIR_ERR_NOMEM || err == WEIR_ERR_LIMIT;
}

// The decoder found no slot for a picture: the memory limit, where there is one, is too small for
// this size.
static int no_room(const struct weir_stream *s, struct weir_error *error)
{
    const AVCodecContext *c = s->decoder.ctx;
    size_t bytes = weir_frame_store_picture_bytes(c->width, c->height, c->pix_fmt);
    weir_error_set(error, WEIR_ERR_LIMIT, "pictures", "no memory for pictures of %dx%d", c->width,
                   c->height);
    weir_error_why(error, "each takes %zu bytes, and the decoder holds several", bytes);
    weir_error_hint(error, "a --memory-limit that has room for %zu bytes more", 24 * bytes);
    return WEIR_ERR_LIMIT;
}

// Read one segment to its end, or to the next command. 0, or the error that makes the stream
// unplayable.
static int read_unit(struct weir_stream *s)
{
    struct weir_error error = {0};
    int err = weir_demux_begin(s->demux, &s->current, &error);
    if (err == WEIR_ERR_END && !s->seen_media) {
        struct weir_notice n = {.kind = WEIR_NOTICE_ABSENT};
        weir_stream_notify(s, &n);
        s->useful = true; // as useful as it can be
    }
    bool begun = !err;
    if (begun && s->current.whole_file && s->drop_until_us != WEIR_TIME_NONE &&
        s->drop_until_us > s->current.start_us)
        (void)weir_demux_seek(s->demux, s->drop_until_us); // else it is read through
    while (s->damages < DAMAGES_MAX && !weir_stream_interrupted(s)) {
        if (!err)
            err = weir_demux_read(s->demux, s->packet, &error);
        if (!err)
            err = weir_stream_follow_format(s, &error);
        if (!err) {
            s->seen_media = true;
            weir_stream_decode(s);
            if (s->out_of_room)
                err = no_room(s, &error);
            else
                continue;
        }
        av_packet_unref(s->packet);
        if (err == WEIR_ERR_END || err == WEIR_ERR_CANCELLED)
            return 0;
        if (unplayable(err)) {
            weir_stream_notify_error(s, WEIR_NOTICE_UNSUPPORTED, &error);
            return err;
        }
        weir_stream_notify_damage(s, &error);
        if (!begun)
            return 0;
        err = 0; // the demuxer goes on behind the damage
    }
    return 0;
}

// False: the stream cannot go on at all.
static bool play_unit(struct weir_stream *s)
{
    s->damages = 0;
    s->useful = false;
    s->unit_first_us = WEIR_TIME_NONE;
    int err = read_unit(s);
    if (!err && !s->useful && !s->current.gap && !weir_stream_interrupted(s)) {
        if (s->damages == 0)
            weir_stream_report_damage(s, "the segment holds none");
        struct weir_notice n = {.kind = WEIR_NOTICE_BAD_MEDIA, .error = {.code = WEIR_ERR_DECODE}};
        weir_stream_notify(s, &n);
    }
    return !err;
}

// After a seek everything held is stale. After a discard the decoder gives out what it holds, and
// the replacement goes on behind that.
static void follow_command(struct weir_stream *s)
{
    bool flush = s->need_flush;
    s->need_flush = s->need_drain = false;
    weir_demux_reset(s->demux);
    if (!flush) {
        weir_stream_drain(s);
        s->keep_before_us = WEIR_TIME_NONE;
        return;
    }
    s->previewed = false;
    weir_decoder_flush(&s->decoder);
    if (s->params.audio)
        weir_audio_out_flush(s->params.audio);
}

static void reach_end(struct weir_stream *s)
{
    weir_stream_drain(s);
    if (weir_stream_interrupted(s) || s->unit_count > 0 || !s->eos)
        return;
    if (s->params.kind == WEIR_DEMUX_VIDEO) // a seek may bring it back: not the end of all time
        weir_timeline_leader_passed(s->params.timeline, INT64_MAX - 1);
    atomic_store(&s->drained_generation, s->generation);
    struct weir_notice n = {.kind = WEIR_NOTICE_DRAINED};
    weir_stream_notify(s, &n);
    s->params.wake_app(s->params.wake_ctx);
}

static void next_unit(struct weir_stream *s)
{
    s->current = *weir_stream_unit_at(s, 0);
    s->unit_first = (s->unit_first + 1) % WEIR_STREAM_UNITS;
    s->unit_count--;
    s->has_current = true;
}

void *weir_stream_main(void *arg)
{
    struct weir_stream *s = arg;
    bool playable = true;
    weir_pace_enter(s->params.pace, weir_stream_role(s));
    while (!s->quit) {
        take_commands(s);
        if (s->need_flush || s->need_drain)
            follow_command(s);
        if (s->unit_count > 0) {
            next_unit(s);
            if (playable)
                playable = play_unit(s);
            weir_stream_release_unit(&s->current);
            s->has_current = s->abort_current = false;
        } else if (s->eos && atomic_load(&s->drained_generation) != s->generation) {
            reach_end(s);
        } else if (!s->quit) {
            weir_stream_sleep(s, -1);
        }
    }
    weir_pace_leave(s->params.pace, weir_stream_role(s));
    return NULL;
}
