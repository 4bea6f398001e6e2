// demux/format.c — see format.h. A decoder that is kept open across a switch loses no frame, so it
// is replaced only when it must be: another codec, bit depth, chroma format or sound layout.
// Parameter sets alone travel as new extradata.
#include "demux/format.h"

#include <string.h>

#include <libavutil/channel_layout.h>

int weir_format_init(struct weir_format *f)
{
    *f = (struct weir_format){.current = avcodec_parameters_alloc(),
                              .candidate = avcodec_parameters_alloc()};
    if (f->current && f->candidate)
        return 0;
    weir_format_clear(f);
    return WEIR_ERR_NOMEM;
}

void weir_format_clear(struct weir_format *f)
{
    avcodec_parameters_free(&f->current);
    avcodec_parameters_free(&f->candidate);
}

// H.264's 8-bit 4:2:0 profiles are one family: a decoder moves between them with the parameter
// sets.
static int profile_family(const AVCodecParameters *p)
{
    if (p->codec_id != AV_CODEC_ID_H264)
        return p->profile;
    switch (p->profile & 0xff) {
    case 66:
    case 77:
    case 88:
    case 100:
        return 66;
    default:
        return p->profile;
    }
}

static bool same_extradata(const AVCodecParameters *a, const AVCodecParameters *b)
{
    return a->extradata_size == b->extradata_size &&
           (a->extradata_size == 0 ||
            memcmp(a->extradata, b->extradata, (size_t)a->extradata_size) == 0);
}

// Length-prefixed samples (avcC, hvcC) need another decoder state than start codes.
static bool length_prefixed(const AVCodecParameters *p)
{
    return p->extradata_size > 0 && p->extradata[0] == 1;
}

static bool same_decoder(const AVCodecParameters *a, const AVCodecParameters *b)
{
    if (a->codec_id != b->codec_id || a->codec_type != b->codec_type)
        return false;
    if (a->codec_type == AVMEDIA_TYPE_AUDIO)
        return same_extradata(a, b) && a->sample_rate == b->sample_rate &&
               av_channel_layout_compare(&a->ch_layout, &b->ch_layout) == 0;
    if (profile_family(a) != profile_family(b) || a->bits_per_raw_sample != b->bits_per_raw_sample)
        return false;
    switch (a->codec_id) {
    case AV_CODEC_ID_H264:
    case AV_CODEC_ID_HEVC:
        return length_prefixed(a) == length_prefixed(b);
    case AV_CODEC_ID_AV1: // its sequence header comes with every key frame
    case AV_CODEC_ID_VP8:
    case AV_CODEC_ID_VP9:
        return true;
    default:
        return same_extradata(a, b);
    }
}

void weir_format_adopt(struct weir_format *f, int rotation, const char *encryption)
{
    bool first = f->shown.generation == 0;
    bool same =
        !first && same_decoder(f->current, f->candidate) && strcmp(f->encryption, encryption) == 0;
    bool due =
        same && f->candidate->extradata_size > 0 && !same_extradata(f->current, f->candidate);
    AVCodecParameters *old = f->current;
    f->current = f->candidate;
    f->candidate = old;
    for (size_t i = 0; i < sizeof(f->encryption); i++) {
        f->encryption[i] = encryption[i];
        if (!encryption[i])
            break;
    }
    f->extradata_due = same ? f->extradata_due || due : false;
    f->shown.codecpar = f->current;
    f->shown.generation += same ? 0 : 1;
    f->shown.rotation = rotation;
    f->shown.encryption = f->encryption[0] ? f->encryption : NULL;
}

int weir_format_attach(struct weir_format *f, AVPacket *pkt)
{
    if (!f->extradata_due)
        return 0;
    size_t size = (size_t)f->current->extradata_size;
    uint8_t *p = av_packet_new_side_data(pkt, AV_PKT_DATA_NEW_EXTRADATA, size);
    if (!p)
        return WEIR_ERR_NOMEM;
    memcpy(p, f->current->extradata, size);
    f->extradata_due = false;
    return 0;
}
