// player/stream_output.c — packets into pictures and sound, and those to their queue or output. On
// the stream's thread.
#include <stdio.h>

#include <libavutil/avutil.h>

#include "player/stream_state.h"

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
        if (weir_stream_interrupted(s))
            return false;
        if (weir_spsc_count(&s->pictures) < WEIR_STREAM_QUEUE_FRAMES &&
            weir_spsc_pop(&s->shells, shell))
            return true;
        weir_stream_sleep(s, -1);
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
        weir_stream_report_damage(s, "the decoder concealed errors");
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
            weir_stream_notify_error(s, WEIR_NOTICE_OUTPUT, &error);
            break;
        }
        if (weir_stream_interrupted(s)) {
            wanted = false;
            break;
        }
        weir_stream_sleep(s, wait_us);
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
        if (weir_stream_interrupted(s))
            return WEIR_ERR_AGAIN;
    }
}

void weir_stream_drain(struct weir_stream *s)
{
    if (!s->decoder.ctx)
        return;
    (void)weir_decoder_send(&s->decoder, NULL);
    while (!weir_stream_interrupted(s)) {
        int err = receive_all(s);
        if (err == WEIR_ERR_END || err == WEIR_ERR_AGAIN)
            break;
    }
    weir_decoder_flush(&s->decoder);
}

// The decoder follows the stream's format. 0, or the error that makes the stream unplayable.
int weir_stream_follow_format(struct weir_stream *s, struct weir_error *error)
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
        weir_stream_drain(s);
        int err = weir_decoder_open(&s->decoder, f->codecpar, error);
        if (err)
            return err;
        struct weir_notice n = {.kind = WEIR_NOTICE_FORMAT};
        (void)snprintf(n.codec, sizeof(n.codec), "%s", avcodec_get_name(f->codecpar->codec_id));
        weir_stream_notify(s, &n);
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

void weir_stream_decode(struct weir_stream *s)
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
        if (err != WEIR_ERR_AGAIN || weir_stream_interrupted(s))
            break;
    }
    if (damaged)
        weir_stream_report_damage(s, "the decoder refused a packet");
    else
        s->useful = true;
    av_packet_unref(s->packet);
}
