// demux/clip.c — see clip.h. Pictures outside are decoded and discarded, because others may refer
// to them; sound is cut to the sample, so that periods join without a gap or an overlap. Before
// presentation time 0 nothing is cut: there is nothing that it could overlap, and FFmpeg delivers
// an encoder's priming there, too.
#include "demux/clip.h"

#include <libavutil/intreadwrite.h>

#include "core/rational.h"

// AV_PKT_DATA_SKIP_SAMPLES: u32le samples off the start, u32le off the end, two reason bytes.
static int skip_samples(AVPacket *pkt, int64_t at_start, int64_t at_end)
{
    size_t size = 0;
    uint8_t *p = av_packet_get_side_data(pkt, AV_PKT_DATA_SKIP_SAMPLES, &size);
    if (!p || size < 10) {
        p = av_packet_new_side_data(pkt, AV_PKT_DATA_SKIP_SAMPLES, 10);
        if (!p)
            return WEIR_ERR_NOMEM;
        AV_WL64(p, 0);
        AV_WL16(p + 8, 0);
    }
    if (at_start > AV_RL32(p))
        AV_WL32(p, (uint32_t)at_start);
    if (at_end > AV_RL32(p + 4))
        AV_WL32(p + 4, (uint32_t)at_end);
    return 0;
}

static int clip_audio(const struct weir_media_unit *u, const AVCodecParameters *par, AVPacket *pkt,
                      int64_t end_us)
{
    bool from = u->clip_start_us > 0; // WEIR_TIME_NONE is below 0
    bool to = u->clip_end_us != WEIR_TIME_NONE;
    if (to && pkt->pts >= u->clip_end_us)
        return WEIR_ERR_END;
    if (from && end_us <= u->clip_start_us) {
        pkt->flags |= AV_PKT_FLAG_DISCARD; // the transform overlaps into the next frame
        return 0;
    }
    if (par->sample_rate <= 0)
        return 0;
    int64_t at_start = 0, at_end = 0;
    if (from && pkt->pts < u->clip_start_us)
        at_start = weir_us_to_ticks(u->clip_start_us - pkt->pts, par->sample_rate);
    if (to && end_us > u->clip_end_us)
        at_end = weir_us_to_ticks(end_us - u->clip_end_us, par->sample_rate);
    return at_start > 0 || at_end > 0 ? skip_samples(pkt, at_start, at_end) : 0;
}

int weir_clip_packet(const struct weir_media_unit *u, const AVCodecParameters *par, AVPacket *pkt)
{
    if (pkt->pts == AV_NOPTS_VALUE)
        return 0;
    int64_t end_us = weir_add_sat(pkt->pts, pkt->duration > 0 ? pkt->duration : 1);
    if (par->codec_type == AVMEDIA_TYPE_AUDIO)
        return clip_audio(u, par, pkt, end_us);
    if (u->clip_start_us > 0 && end_us <= u->clip_start_us)
        pkt->flags |= AV_PKT_FLAG_DISCARD;
    if (u->clip_end_us == WEIR_TIME_NONE || pkt->pts < u->clip_end_us)
        return 0;
    // Decoded after every picture inside, so none of them can refer to it.
    if (pkt->dts == AV_NOPTS_VALUE || pkt->dts >= u->clip_end_us)
        return WEIR_ERR_END;
    pkt->flags |= AV_PKT_FLAG_DISCARD;
    return 0;
}
