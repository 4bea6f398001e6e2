// demux/lavf_stream.c — see lavf_stream.h. Called by the segment reader and by the probe of whole
// files, with bytes that nobody vouches for.
#include "demux/lavf_stream.h"

#include "demux/lavf_api.h"

#include <stdbool.h>

#include <libavcodec/avcodec.h>
#include <libavutil/channel_layout.h>
#include <libavutil/display.h>
#include <libavutil/intreadwrite.h>
#include <libavutil/mem.h>

#include <weir/error.h>

// Media may only be what it seems: no demuxer that would open further files or URLs that the bytes
// name, such as playlists and concatenation scripts.
static const char containers_allowed[] =
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,mpegts,mpeg,aac,mp3,ac3,eac3,dts,truehd,flac,ogg,wav,"
    "w64,aiff,au,caf,amr,"
    "avi,flv,live_flv,asf,ivf,obu,h264,hevc,m4v,mpegvideo,mxf,nut,rm,tta,wv,ape";

int weir_lavf_restrict(AVFormatContext *ctx)
{
    ctx->format_whitelist = av_strdup(containers_allowed); // both are freed with the context
    ctx->protocol_whitelist = av_strdup("none");
    return ctx->format_whitelist && ctx->protocol_whitelist ? 0 : WEIR_ERR_NOMEM;
}

// libavcodec's AAC parser leaves rate and channels alone, because SBR may double them; so does
// this, but as a start they serve: the decoder learns the truth, and durations in seconds are right
// either way. ISO/IEC 13818-7, 6.2.
static void complete_from_adts(AVCodecParameters *par, const AVPacket *pkt)
{
    static const int rates[16] = {96000, 88200, 64000, 48000, 44100, 32000, 24000,
                                  22050, 16000, 12000, 11025, 8000,  7350};
    if (pkt->size < 7 || AV_RB16(pkt->data) >> 4 != 0xfff)
        return;
    int channels = (pkt->data[2] & 1) << 2 | pkt->data[3] >> 6;
    par->sample_rate = rates[pkt->data[2] >> 2 & 15];
    par->profile = pkt->data[2] >> 6;
    par->frame_size = 1024;
    av_channel_layout_uninit(&par->ch_layout);
    if (channels > 0)
        av_channel_layout_default(&par->ch_layout, channels == 7 ? 8 : channels);
}

void weir_lavf_complete(AVCodecParameters *par, const AVPacket *pkt)
{
    bool known = par->codec_type == AVMEDIA_TYPE_VIDEO ? par->width > 0 : par->sample_rate > 0;
    if (known)
        return;
    if (par->codec_id == AV_CODEC_ID_AAC) {
        complete_from_adts(par, pkt);
        return;
    }
    const AVCodec *codec = avcodec_find_decoder(par->codec_id);
    AVCodecContext *ctx = codec ? avcodec_alloc_context3(codec) : NULL;
    AVCodecParserContext *parser = ctx ? av_parser_init(par->codec_id) : NULL;
    if (!parser || avcodec_parameters_to_context(ctx, par) < 0)
        goto done;
    if (par->codec_type == AVMEDIA_TYPE_VIDEO)
        parser->flags |=
            PARSER_FLAG_COMPLETE_FRAMES; // sound parsers look at headers only without it
    uint8_t *out;
    int out_size;
    (void)av_parser_parse2(parser, ctx, &out, &out_size, pkt->data, pkt->size, pkt->pts, pkt->dts,
                           0);
    if (par->codec_type == AVMEDIA_TYPE_VIDEO) {
        par->width = parser->width > 0 ? parser->width : ctx->width;
        par->height = parser->height > 0 ? parser->height : ctx->height;
        par->format = parser->format;
        par->sample_aspect_ratio = ctx->sample_aspect_ratio;
        par->video_delay = ctx->has_b_frames;
    } else {
        par->sample_rate = ctx->sample_rate;
        par->frame_size = ctx->frame_size;
        if (ctx->ch_layout.nb_channels > 0)
            (void)av_channel_layout_copy(&par->ch_layout, &ctx->ch_layout);
    }
    if (ctx->profile != FF_PROFILE_UNKNOWN)
        par->profile = ctx->profile;
    if (ctx->level != FF_LEVEL_UNKNOWN)
        par->level = ctx->level;
done:
    av_parser_close(parser);
    avcodec_free_context(&ctx);
}

int weir_lavf_rotation(const AVStream *st)
{
    const uint8_t *matrix =
        weir_lavf_api()->av_stream_get_side_data(st, AV_PKT_DATA_DISPLAYMATRIX, NULL);
    if (!matrix)
        return 0;
    double degrees = -av_display_rotation_get((const int32_t *)(const void *)matrix);
    if (!(degrees > -361 && degrees < 361))
        return 0;
    int quarters = (int)(degrees / 90 + (degrees < 0 ? -0.5 : 0.5));
    return (quarters % 4 + 4) % 4 * 90;
}
