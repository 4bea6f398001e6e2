// demux/mp4_asc.c — see mp4_asc.h. Bit fields out of hostile bytes: reading past the end gives
// zeros and is noticed.
#include "demux/mp4_asc.h"

#include <stdbool.h>

#include <libavutil/channel_layout.h>

struct bits {
    const uint8_t *data;
    size_t size_bits, pos;
};

static uint32_t take(struct bits *b, int count)
{
    uint32_t v = 0;
    for (int i = 0; i < count; i++, b->pos++) {
        uint32_t bit = b->pos < b->size_bits ? b->data[b->pos / 8] >> (7 - b->pos % 8) & 1U : 0;
        v = v << 1 | bit;
    }
    return v;
}

static uint32_t take_object_type(struct bits *b)
{
    uint32_t type = take(b, 5);
    return type == 31 ? 32 + take(b, 6) : type;
}

static int take_rate(struct bits *b)
{
    static const int rates[] = {96000, 88200, 64000, 48000, 44100, 32000, 24000,
                                22050, 16000, 12000, 11025, 8000,  7350};
    uint32_t index = take(b, 4);
    if (index == 15)
        return (int)take(b, 24);
    return index < sizeof(rates) / sizeof(rates[0]) ? rates[index] : 0;
}

// Backward compatible signalling of SBR behind the AAC-LC part (1.6.6.1): the extended rate, or 0.
// A plain decoder does not look here, libavcodec does.
static int take_sync_extension(struct bits *b)
{
    (void)take(b, 1); // frameLengthFlag
    if (take(b, 1))   // dependsOnCoreCoder
        (void)take(b, 14);
    (void)take(b, 1); // extensionFlag
    if (take(b, 11) != 0x2b7 || take_object_type(b) != 5 || take(b, 1) == 0)
        return 0;
    int rate = take_rate(b);
    return b->pos <= b->size_bits ? rate : 0;
}

void weir_mp4_asc_apply(const uint8_t *asc, size_t size_bytes, AVCodecParameters *par)
{
    static const int channel_counts[] = {0, 1, 2, 3, 4, 5, 6, 8};
    struct bits b = {.data = asc, .size_bits = size_bytes * 8};
    uint32_t type = take_object_type(&b);
    int rate = take_rate(&b);
    uint32_t config = take(&b, 4);
    bool sbr = type == 5 || type == 29; // SBR, PS: the extension's rate is what comes out
    if (sbr) {
        rate = take_rate(&b);
        type = take_object_type(&b);
    }
    if (b.pos > b.size_bits)
        return;
    if (!sbr && type == 2 && config > 0) {
        int extended = take_sync_extension(&b);
        sbr = extended > 0;
        rate = sbr ? extended : rate;
    }
    if (rate > 0)
        par->sample_rate = rate;
    if (config > 0 && config < sizeof(channel_counts) / sizeof(channel_counts[0])) {
        av_channel_layout_uninit(&par->ch_layout);
        av_channel_layout_default(&par->ch_layout, channel_counts[config]);
    }
    if (type > 0)
        par->profile = sbr ? FF_PROFILE_AAC_HE : (int)type - 1;
    par->frame_size = sbr ? 2048 : 1024;
}
