// player/decode.c — see decode.h.
#include "player/decode.h"

#include <string.h>

#include <libavutil/error.h>
#include <libavutil/pixdesc.h>

#include "core/clock.h"
#include "player/frame_store.h"

void weir_decoder_init(struct weir_decoder *d, const struct weir_decoder_params *params)
{
    *d = (struct weir_decoder){.params = *params};
}

void weir_decoder_clear(struct weir_decoder *d)
{
    avcodec_free_context(&d->ctx);
    avcodec_parameters_free(&d->opened);
    d->draining = false;
}

bool weir_decoder_must_reopen(const struct weir_decoder *d, const AVCodecParameters *par)
{
    const AVCodecParameters *old = d->opened;
    if (!d->ctx || old->codec_id != par->codec_id)
        return true;
    if (par->codec_type == AVMEDIA_TYPE_AUDIO)
        return old->sample_rate != par->sample_rate ||
               old->ch_layout.nb_channels != par->ch_layout.nb_channels ||
               old->profile != par->profile;
    return old->profile != par->profile || old->format != par->format;
}

static int open_codec(struct weir_decoder *d, const AVCodec *codec, const AVCodecParameters *par)
{
    AVCodecContext *ctx = avcodec_alloc_context3(codec);
    if (!ctx)
        return AVERROR(ENOMEM);
    d->ctx = ctx;
    int averr = avcodec_parameters_to_context(ctx, par);
    if (averr < 0)
        return averr;
    ctx->pkt_timebase = (AVRational){1, (int)WEIR_SECOND_US};
    if (par->codec_type == AVMEDIA_TYPE_VIDEO) {
        ctx->thread_count = d->params.threads;
        ctx->opaque = d->params.store;
        ctx->get_buffer2 = weir_frame_store_get_buffer;
#if LIBAVCODEC_VERSION_MAJOR < 60
        // Else libavcodec hands each call to the user's thread and back. Gone (always on) from
        // lavc 60.
        _Pragma("GCC diagnostic push")
            _Pragma("GCC diagnostic ignored \"-Wdeprecated-declarations\"")
                ctx->thread_safe_callbacks = 1;
        _Pragma("GCC diagnostic pop")
#endif
    } else {
        ctx->thread_count = 1; // sound decoders gain nothing from threads
    }
    return avcodec_open2(ctx, codec, NULL);
}

int weir_decoder_open(struct weir_decoder *d, const AVCodecParameters *par,
                      struct weir_error *error)
{
    weir_decoder_clear(d);
    const AVCodec *codec = avcodec_find_decoder(par->codec_id);
    if (!codec) {
        weir_error_set(error, WEIR_ERR_UNSUPPORTED, avcodec_get_name(par->codec_id),
                       "no decoder for this codec");
        weir_error_why(error, "the FFmpeg in use was built without it");
        return WEIR_ERR_UNSUPPORTED;
    }
    d->opened = avcodec_parameters_alloc();
    if (!d->opened || avcodec_parameters_copy(d->opened, par) < 0) {
        weir_decoder_clear(d);
        return weir_error_set(error, WEIR_ERR_NOMEM, codec->name, "cannot open the decoder");
    }
    int averr = open_codec(d, codec, par);
    if (averr < 0) {
        char why[AV_ERROR_MAX_STRING_SIZE];
        weir_error_set(error, averr == AVERROR(ENOMEM) ? WEIR_ERR_NOMEM : WEIR_ERR_UNSUPPORTED,
                       codec->name, "cannot open the decoder");
        weir_error_why(error, "%s", av_make_error_string(why, sizeof(why), averr));
        weir_decoder_clear(d);
        return averr == AVERROR(ENOMEM) ? WEIR_ERR_NOMEM : WEIR_ERR_UNSUPPORTED;
    }
    return 0;
}

static int translate(const struct weir_decoder *d, int averr)
{
    if (averr < 0 && averr != AVERROR(EAGAIN) && averr != AVERROR_EOF && d->params.store &&
        weir_frame_store_refused(d->params.store))
        return WEIR_ERR_NOMEM;
    switch (averr) {
    case AVERROR(EAGAIN):
        return WEIR_ERR_AGAIN;
    case AVERROR_EOF:
        return WEIR_ERR_END;
    case AVERROR(ENOMEM):
        return WEIR_ERR_NOMEM;
    default:
        return averr < 0 ? WEIR_ERR_DECODE : 0;
    }
}

int weir_decoder_send(struct weir_decoder *d, const AVPacket *packet)
{
    if (!packet) {
        if (d->draining)
            return 0;
        d->draining = true;
    }
    int err = translate(d, avcodec_send_packet(d->ctx, packet));
    return err == WEIR_ERR_END ? 0 : err;
}

int weir_decoder_receive(struct weir_decoder *d, AVFrame *frame)
{
    int err = translate(d, avcodec_receive_frame(d->ctx, frame));
    if (!err && d->params.store && !weir_frame_store_contains(d->params.store, frame->data[0], 1))
        weir_frame_store_note_foreign(
            d->params.store); // libdav1d and its like never ask for a slot
    if (!err && frame->best_effort_timestamp != AV_NOPTS_VALUE)
        frame->pts = frame->best_effort_timestamp;
    return err;
}

void weir_decoder_flush(struct weir_decoder *d)
{
    if (d->ctx)
        avcodec_flush_buffers(d->ctx);
    d->draining = false;
}
