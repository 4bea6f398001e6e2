// player/stream.c — see stream.h. The thread's only sleeping place is its wake: commands, arriving
// bytes and returned pictures all signal it. Commands are moved into a local list whenever the
// thread looks, so that a seek or a discard takes effect however many segments were queued before
// it.
#include "player/stream.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <libavutil/avutil.h>

#include "core/spsc.h"
#include "core/wake.h"

#define COMMANDS     1024 // at least the engine's ring of buffered segments, twice
#define UNITS        512
#define QUEUE_FRAMES 4  // DESIGN: output queue of 3–4
#define SHELLS       16 // queue + taken by the application + one being filled, a power of two
#define NOTICES      32
#define DAMAGES_MAX  1024 // per segment; beyond, the rest of it is given up
#define DAMAGES_TOLD 3    // per segment; one scratch damages many packets

enum command_kind {
    COMMAND_UNIT,
    COMMAND_DISCARD,
    COMMAND_SEEK,
    COMMAND_EOS,
    COMMAND_QUIT,
};

struct command {
    enum command_kind kind;
    bool keep_buffered;
    uint32_t generation;
    uint64_t serial;
    int64_t media_us;
    struct weir_media_unit unit;
};

struct weir_stream {
    struct weir_stream_params params;
    struct weir_wake wake;
    pthread_t thread;
    bool started;
    struct weir_spsc commands; // I/O → stream
    struct weir_spsc notices;  // stream → I/O
    struct weir_spsc pictures; // stream → application
    struct weir_spsc shells;   // application → stream: empty AVFrames
    // The generation in which everything was decoded; UINT32_MAX: not at the end.
    _Atomic uint32_t drained_generation;
    // The thread's own from here down.
    struct weir_demux *demux;
    struct weir_decoder decoder;
    struct weir_media_unit *units; // ring of UNITS
    size_t unit_first, unit_count;
    struct weir_media_unit current;
    bool has_current, abort_current, quit, eos, seen_media, need_flush, need_drain, previewed;
    uint32_t generation, format_generation;
    int64_t drop_until_us;  // pictures ending at or before it are not shown (seek)
    int64_t unit_first_us;  // earliest media sent to the decoder of the current segment
    int64_t keep_before_us; // while the decoder is drained for a discard: later pictures are not
                            // put out
    int64_t last_pts_us;    // of the last one put out; an overlapping replacement goes on behind it
    bool overlap;           // after a discard: skip what was already put out
    int damages;            // in the current segment
    bool useful;            // something of the current segment was decoded
    bool out_of_room;       // a picture found no slot
    AVFrame *scratch;
    AVPacket *packet;
    int rotation;
};

static void unit_release(struct weir_media_unit *u)
{
    weir_segment_unref(&u->media);
    weir_segment_unref(&u->init);
}

static struct weir_media_unit *unit_at(struct weir_stream *s, size_t i)
{
    return &s->units[(s->unit_first + i) % UNITS];
}

// Keep only queued units for which keep() holds, in order.
static void filter_units(struct weir_stream *s,
                         bool (*keep)(const struct weir_media_unit *, const struct command *),
                         const struct command *c)
{
    size_t kept = 0;
    for (size_t i = 0; i < s->unit_count; i++) {
        struct weir_media_unit *u = unit_at(s, i);
        if (!keep(u, c))
            unit_release(u);
        else
            *unit_at(s, kept++) = *u;
    }
    s->unit_count = kept;
}

static bool before_serial(const struct weir_media_unit *u, const struct command *c)
{
    return u->serial < c->serial;
}

static bool after_seek(const struct weir_media_unit *u, const struct command *c)
{
    return c->keep_buffered && u->start_us + u->duration_us > c->media_us;
}

static void on_seek(struct weir_stream *s, const struct command *c)
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

static void on_discard(struct weir_stream *s, const struct command *c)
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
    struct command c;
    while (s->unit_count < UNITS && weir_spsc_pop(&s->commands, &c)) {
        switch (c.kind) {
        case COMMAND_UNIT:
            *unit_at(s, s->unit_count++) = c.unit;
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

static bool interrupted(struct weir_stream *s)
{
    take_commands(s);
    return s->quit || s->abort_current || s->need_flush || s->need_drain;
}

static int wait_for_bytes(void *ctx, const struct weir_segment *segment, size_t have_bytes)
{
    struct weir_stream *s = ctx;
    for (;;) {
        if (interrupted(s))
            return -1;
        enum weir_segment_state state = weir_segment_state(segment);
        if (weir_segment_length(segment) > have_bytes || state != WEIR_SEGMENT_OPEN)
            return 0;
        (void)weir_wake_wait(&s->wake, -1);
    }
}

static void notify(struct weir_stream *s, struct weir_notice *n)
{
    n->serial = s->current.serial;
    if (weir_spsc_push(&s->notices,
                       n)) // a full ring means the I/O thread knows that much is wrong already
        s->params.wake_io(s->params.wake_ctx);
}

static void notify_error(struct weir_stream *s, enum weir_notice_kind kind,
                         const struct weir_error *error)
{
    struct weir_notice n = {.kind = kind, .error = *error};
    notify(s, &n);
}

static void notify_damage(struct weir_stream *s, const struct weir_error *error)
{
    if (s->damages++ < DAMAGES_TOLD)
        notify_error(s, WEIR_NOTICE_DAMAGE, error);
}

static void report_damage(struct weir_stream *s, const char *why)
{
    struct weir_error e = {0};
    char where[64];
    (void)snprintf(where, sizeof(where), "segment %lld", (long long)s->current.number);
    weir_error_set(&e, WEIR_ERR_DECODE, where, "damaged %s data was met",
                   s->params.kind == WEIR_DEMUX_VIDEO ? "video" : "audio");
    weir_error_why(&e, "%s", why);
    notify_damage(s, &e);
}

// --- output ---

static bool unwanted(struct weir_stream *s, int64_t pts_us, int64_t duration_us)
{
    // Pictures put out by the drain itself are in order; what repeats them comes from the
    // replacement.
    if (s->keep_before_us != WEIR_TIME_NONE && pts_us >= s->keep_before_us)
        return true;
    if (s->overlap && s->last_pts_us != WEIR_TIME_NONE && pts_us <= s->last_pts_us)
        return true;
    if (s->params.end_us != WEIR_TIME_NONE && pts_us >= s->params.end_us)
        return true;
    return s->drop_until_us != WEIR_TIME_NONE && pts_us + duration_us <= s->drop_until_us;
}

// Sleep until the application returned a shell and took a picture. False when interrupted.
static bool wait_for_room(struct weir_stream *s, AVFrame **shell)
{
    for (;;) {
        if (interrupted(s))
            return false;
        if (weir_spsc_count(&s->pictures) < QUEUE_FRAMES && weir_spsc_pop(&s->shells, shell))
            return true;
        (void)weir_wake_wait(&s->wake, -1);
    }
}

static int64_t duration_us_of(const AVFrame *f)
{
#if LIBAVUTIL_VERSION_INT >= AV_VERSION_INT(57, 30, 100)
    return f->duration;
#else
    return f->pkt_duration;
#endif
}

static void put_picture(struct weir_stream *s)
{
    AVFrame *shell;
    int64_t pts_us = s->scratch->pts, duration_us = duration_us_of(s->scratch);
    if (s->scratch->decode_error_flags || s->scratch->flags & AV_FRAME_FLAG_CORRUPT)
        report_damage(s, "the decoder concealed errors");
    if (unwanted(s, pts_us, duration_us > 0 ? duration_us : 1) || !wait_for_room(s, &shell)) {
        av_frame_unref(s->scratch);
        return;
    }
    av_frame_move_ref(shell, s->scratch);
    struct weir_stream_picture p = {.frame = shell,
                                    .pts_us = pts_us,
                                    .duration_us = duration_us,
                                    .generation = s->generation,
                                    .rotation = s->rotation};
    (void)weir_spsc_push(&s->pictures, &p);
    s->last_pts_us = pts_us;
    s->params.wake_app(s->params.wake_ctx);
}

static void put_sound(struct weir_stream *s)
{
    const AVFrame *f = s->scratch;
    int64_t duration_us = f->sample_rate > 0 ? f->nb_samples * WEIR_SECOND_US / f->sample_rate : 0;
    int64_t pts_us = f->pts;
    bool wanted = f->sample_rate > 0 && !unwanted(s, pts_us, duration_us);
    while (wanted) {
        int64_t wait_us = 0;
        struct weir_error error = {0};
        int err = weir_audio_out_write(s->params.audio, f, &wait_us, &error);
        if (err == 0)
            break;
        if (err != WEIR_ERR_AGAIN) {
            notify_error(s, WEIR_NOTICE_OUTPUT, &error);
            break;
        }
        if (interrupted(s)) {
            wanted = false;
            break;
        }
        (void)weir_wake_wait(&s->wake, wait_us);
    }
    if (wanted) {
        s->last_pts_us = pts_us;
        s->params.wake_io(s->params.wake_ctx);
    }
    av_frame_unref(s->scratch);
}

// Everything the decoder has ready. AGAIN: it wants packets; END: drained; else a decoding error.
static int receive_all(struct weir_stream *s)
{
    for (;;) {
        int err = weir_decoder_receive(&s->decoder, s->scratch);
        if (err)
            return err;
        if (s->params.kind == WEIR_DEMUX_VIDEO)
            put_picture(s);
        else
            put_sound(s);
        if (interrupted(s))
            return WEIR_ERR_AGAIN;
    }
}

static void drain_decoder(struct weir_stream *s)
{
    if (!s->decoder.ctx)
        return;
    (void)weir_decoder_send(&s->decoder, NULL);
    while (!interrupted(s)) {
        int err = receive_all(s);
        if (err == WEIR_ERR_END || err == WEIR_ERR_AGAIN)
            break;
    }
    weir_decoder_flush(&s->decoder);
}

// --- input ---

// The decoder follows the stream's format. 0, or the error that makes the stream unplayable.
static int follow_format(struct weir_stream *s, struct weir_error *error)
{
    const struct weir_stream_format *f = weir_demux_format(s->demux);
    if (f->encryption) {
        weir_error_set(error, WEIR_ERR_UNSUPPORTED, "media", "the samples are encrypted");
        weir_error_why(error, "scheme %s", f->encryption);
        return WEIR_ERR_UNSUPPORTED;
    }
    s->rotation = f->rotation;
    if (f->generation == s->format_generation && s->decoder.ctx)
        return 0;
    if (weir_decoder_must_reopen(&s->decoder, f->codecpar)) {
        drain_decoder(s);
        int err = weir_decoder_open(&s->decoder, f->codecpar, error);
        if (err)
            return err;
        struct weir_notice n = {.kind = WEIR_NOTICE_FORMAT};
        (void)snprintf(n.codec, sizeof(n.codec), "%s", avcodec_get_name(f->codecpar->codec_id));
        notify(s, &n);
    }
    s->format_generation = f->generation;
    return 0;
}

// The first picture after a start or a seek, decoded by itself as soon as its bytes are there: the
// decoder proper gives it out only once it has seen the pictures behind it in decoding order
// (reordering, frame threads), which on a slow link are seconds away. The copy that the decoder
// proper makes is skipped like any overlap.
static void show_first(struct weir_stream *s)
{
    s->previewed = true;
    const AVPacket *k = s->packet;
    // Not HEVC and the like, whose leading pictures come before their key picture in time.
    enum AVCodecID codec = s->decoder.ctx->codec_id;
    if (codec != AV_CODEC_ID_H264 && codec != AV_CODEC_ID_VP9 && codec != AV_CODEC_ID_VP8)
        return;
    if (s->params.kind != WEIR_DEMUX_VIDEO || s->params.untimed || !(k->flags & AV_PKT_FLAG_KEY) ||
        k->flags & AV_PKT_FLAG_DISCARD || k->pts == AV_NOPTS_VALUE ||
        unwanted(s, k->pts, k->duration > 0 ? k->duration : 1))
        return;
    struct weir_decoder d;
    struct weir_decoder_params one = {.store = s->params.store, .threads = 1};
    struct weir_error ignored = {0};
    weir_decoder_init(&d, &one);
    if (!weir_decoder_open(&d, weir_demux_format(s->demux)->codecpar, &ignored) &&
        !weir_decoder_send(&d, k) && !weir_decoder_send(&d, NULL) &&
        !weir_decoder_receive(&d, s->scratch)) {
        put_picture(s);
        s->overlap = true;
    }
    weir_decoder_clear(&d);
}

static void decode_packet(struct weir_stream *s)
{
    bool damaged = false;
    int64_t pts_us = s->packet->pts;
    if (pts_us != AV_NOPTS_VALUE &&
        (s->unit_first_us == WEIR_TIME_NONE || pts_us < s->unit_first_us))
        s->unit_first_us = pts_us;
    for (;;) {
        int err = weir_decoder_send(&s->decoder, s->packet);
        if (err == WEIR_ERR_DECODE)
            damaged = true;
        if (!s->previewed)
            show_first(s); // the decoder's own threads are on it meanwhile
        int got = receive_all(s);
        if (got == WEIR_ERR_DECODE)
            damaged = true;
        if (got == WEIR_ERR_NOMEM || err == WEIR_ERR_NOMEM) {
            s->out_of_room = true;
            break;
        }
        if (err != WEIR_ERR_AGAIN || interrupted(s))
            break;
    }
    if (damaged)
        report_damage(s, "the decoder refused a packet");
    else
        s->useful = true;
    av_packet_unref(s->packet);
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
        notify(s, &n);
        s->useful = true; // as useful as it can be
    }
    bool begun = !err;
    if (begun && s->current.whole_file && s->drop_until_us != WEIR_TIME_NONE &&
        s->drop_until_us > s->current.start_us)
        (void)weir_demux_seek(s->demux, s->drop_until_us); // else it is read through
    while (s->damages < DAMAGES_MAX && !interrupted(s)) {
        if (!err)
            err = weir_demux_read(s->demux, s->packet, &error);
        if (!err)
            err = follow_format(s, &error);
        if (!err) {
            s->seen_media = true;
            decode_packet(s);
            if (s->out_of_room)
                err = no_room(s, &error);
            else
                continue;
        }
        av_packet_unref(s->packet);
        if (err == WEIR_ERR_END || err == WEIR_ERR_CANCELLED)
            return 0;
        if (unplayable(err)) {
            notify_error(s, WEIR_NOTICE_UNSUPPORTED, &error);
            return err;
        }
        notify_damage(s, &error);
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
    if (!err && !s->useful && !s->current.gap && !interrupted(s)) {
        if (s->damages == 0)
            report_damage(s, "the segment holds none");
        struct weir_notice n = {.kind = WEIR_NOTICE_BAD_MEDIA, .error = {.code = WEIR_ERR_DECODE}};
        notify(s, &n);
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
        drain_decoder(s);
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
    drain_decoder(s);
    if (interrupted(s) || s->unit_count > 0 || !s->eos)
        return;
    if (s->params.kind == WEIR_DEMUX_VIDEO) // a seek may bring it back: not the end of all time
        weir_timeline_leader_passed(s->params.timeline, INT64_MAX - 1);
    atomic_store(&s->drained_generation, s->generation);
    struct weir_notice n = {.kind = WEIR_NOTICE_DRAINED};
    notify(s, &n);
    s->params.wake_app(s->params.wake_ctx);
}

static void next_unit(struct weir_stream *s)
{
    s->current = *unit_at(s, 0);
    s->unit_first = (s->unit_first + 1) % UNITS;
    s->unit_count--;
    s->has_current = true;
}

static void *stream_main(void *arg)
{
    struct weir_stream *s = arg;
    bool playable = true;
    while (!s->quit) {
        take_commands(s);
        if (s->need_flush || s->need_drain)
            follow_command(s);
        if (s->unit_count > 0) {
            next_unit(s);
            if (playable)
                playable = play_unit(s);
            unit_release(&s->current);
            s->has_current = s->abort_current = false;
        } else if (s->eos && atomic_load(&s->drained_generation) != s->generation) {
            reach_end(s);
        } else if (!s->quit) {
            (void)weir_wake_wait(&s->wake, -1);
        }
    }
    return NULL;
}

// --- lifecycle ---

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
                                   .wait = wait_for_bytes,
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
    s->units = calloc(UNITS, sizeof(*s->units));
    s->scratch = av_frame_alloc();
    s->packet = av_packet_alloc();
    if (!s->units || !s->scratch || !s->packet)
        err = WEIR_ERR_NOMEM;
    if (!err)
        err = weir_spsc_init(&s->commands, COMMANDS, sizeof(struct command));
    if (!err)
        err = weir_spsc_init(&s->notices, NOTICES, sizeof(struct weir_notice));
    if (!err)
        err = weir_spsc_init(&s->pictures, QUEUE_FRAMES, sizeof(struct weir_stream_picture));
    if (!err)
        err = weir_spsc_init(&s->shells, SHELLS, sizeof(AVFrame *));
    if (!err)
        err = fill_shells(s);
    if (!err)
        err = weir_demux_create(&mp, &s->demux);
    if (!err && pthread_create(&s->thread, NULL, stream_main, s))
        err = WEIR_ERR_NOMEM;
    s->started = !err;
    if (err)
        weir_stream_destroy(&s);
    *out = s;
    return err;
}

void weir_stream_stop(struct weir_stream *s)
{
    struct command c = {.kind = COMMAND_QUIT};
    if (!s->started)
        return;
    // A full ring empties by itself: the thread takes commands whenever it looks.
    while (!weir_spsc_push(&s->commands, &c))
        weir_wake_signal(&s->wake);
    weir_wake_signal(&s->wake);
    (void)pthread_join(s->thread, NULL);
    s->started = false;
}

void weir_stream_destroy(struct weir_stream **sp)
{
    struct weir_stream *s = *sp;
    struct command c;
    if (!s)
        return;
    weir_stream_stop(s);
    while (s->commands.items && weir_spsc_pop(&s->commands, &c))
        if (c.kind == COMMAND_UNIT)
            unit_release(&c.unit);
    for (size_t i = 0; i < s->unit_count; i++)
        unit_release(unit_at(s, i));
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

static void command(struct weir_stream *s, const struct command *c)
{
    // The engine keeps fewer segments per track than either ring holds (player/engine/internal.h),
    // so the ring is full only if this thread has stopped looking: what cannot be told any more is
    // let go, not leaked.
    if (!weir_spsc_push(&s->commands, c) && c->kind == COMMAND_UNIT) {
        struct weir_media_unit lost = c->unit;
        unit_release(&lost);
    }
    weir_wake_signal(&s->wake);
}

struct weir_wake *weir_stream_wake(struct weir_stream *s)
{
    return &s->wake;
}

void weir_stream_unit(struct weir_stream *s, const struct weir_media_unit *unit)
{
    struct command c = {.kind = COMMAND_UNIT, .unit = *unit};
    command(s, &c);
}

void weir_stream_discard(struct weir_stream *s, uint64_t from_serial)
{
    struct command c = {.kind = COMMAND_DISCARD, .serial = from_serial};
    command(s, &c);
}

void weir_stream_seek(struct weir_stream *s, int64_t media_us, bool keep_buffered,
                      uint32_t generation)
{
    struct command c = {.kind = COMMAND_SEEK,
                        .media_us = media_us,
                        .keep_buffered = keep_buffered,
                        .generation = generation};
    command(s, &c);
}

void weir_stream_eos(struct weir_stream *s)
{
    struct command c = {.kind = COMMAND_EOS};
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
