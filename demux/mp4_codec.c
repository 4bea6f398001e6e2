// demux/mp4_codec.c — sample descriptions (stsd) into libavcodec's parameters: which codec, its
// configuration record as extradata, dimensions, colour, sample rate. Runs on the demuxer's thread,
// once per init segment and description. Layouts: ISO/IEC 14496-12 8.5.2 and 12, 14496-14,
// 14496-15, 23001-7, and the codecs' own mappings (AV1, VP9, Opus, FLAC, ETSI TS 102 366).
#include <string.h>

#include <libavutil/channel_layout.h>
#include <libavutil/intreadwrite.h>
#include <libavutil/mem.h>

#include "demux/mp4_asc.h"
#include "demux/mp4_init.h"

#define MAX_EXTRADATA_BYTES (1U << 20)
#define VIDEO_ENTRY_BYTES   78 // fields of VisualSampleEntry before its boxes
#define AUDIO_ENTRY_BYTES   28 // of AudioSampleEntry

struct entry {
    const uint8_t *data;
    const struct weir_mp4_track *track;
    struct weir_box box;
    uint32_t format; // fourcc, the original one of a protected entry
    size_t children; // where the boxes inside begin
    AVCodecParameters *par;
    struct weir_mp4_fault *fault;
};

static const struct {
    uint32_t format;
    enum AVCodecID id;
    uint32_t config; // the box that holds the decoder configuration; 0 none
} codecs[] = {
    {WEIR_FOURCC('a', 'v', 'c', '1'), AV_CODEC_ID_H264, WEIR_FOURCC('a', 'v', 'c', 'C')},
    {WEIR_FOURCC('a', 'v', 'c', '3'), AV_CODEC_ID_H264, WEIR_FOURCC('a', 'v', 'c', 'C')},
    {WEIR_FOURCC('d', 'v', 'a', '1'), AV_CODEC_ID_H264, WEIR_FOURCC('a', 'v', 'c', 'C')},
    {WEIR_FOURCC('d', 'v', 'a', 'v'), AV_CODEC_ID_H264, WEIR_FOURCC('a', 'v', 'c', 'C')},
    {WEIR_FOURCC('h', 'v', 'c', '1'), AV_CODEC_ID_HEVC, WEIR_FOURCC('h', 'v', 'c', 'C')},
    {WEIR_FOURCC('h', 'e', 'v', '1'), AV_CODEC_ID_HEVC, WEIR_FOURCC('h', 'v', 'c', 'C')},
    {WEIR_FOURCC('d', 'v', 'h', '1'), AV_CODEC_ID_HEVC, WEIR_FOURCC('h', 'v', 'c', 'C')},
    {WEIR_FOURCC('d', 'v', 'h', 'e'), AV_CODEC_ID_HEVC, WEIR_FOURCC('h', 'v', 'c', 'C')},
    {WEIR_FOURCC('a', 'v', '0', '1'), AV_CODEC_ID_AV1, WEIR_FOURCC('a', 'v', '1', 'C')},
    {WEIR_FOURCC('v', 'p', '0', '9'), AV_CODEC_ID_VP9, 0},
    {WEIR_FOURCC('v', 'p', '0', '8'), AV_CODEC_ID_VP8, 0},
    {WEIR_FOURCC('m', 'p', '4', 'v'), AV_CODEC_ID_MPEG4, WEIR_FOURCC('e', 's', 'd', 's')},
    {WEIR_FOURCC('m', 'p', '4', 'a'), AV_CODEC_ID_AAC, WEIR_FOURCC('e', 's', 'd', 's')},
    {WEIR_FOURCC('.', 'm', 'p', '3'), AV_CODEC_ID_MP3, 0},
    {WEIR_FOURCC('m', 'p', '3', ' '), AV_CODEC_ID_MP3, 0},
    {WEIR_FOURCC('a', 'c', '-', '3'), AV_CODEC_ID_AC3, 0},
    {WEIR_FOURCC('e', 'c', '-', '3'), AV_CODEC_ID_EAC3, 0},
    {WEIR_FOURCC('O', 'p', 'u', 's'), AV_CODEC_ID_OPUS, WEIR_FOURCC('d', 'O', 'p', 's')},
    {WEIR_FOURCC('f', 'L', 'a', 'C'), AV_CODEC_ID_FLAC, WEIR_FOURCC('d', 'f', 'L', 'a')},
    {WEIR_FOURCC('a', 'l', 'a', 'c'), AV_CODEC_ID_ALAC, WEIR_FOURCC('a', 'l', 'a', 'c')},
};

// objectTypeIndication of 14496-1, 7.2.6.6, as far as players meet it.
static const struct {
    uint8_t indication;
    enum AVCodecID id;
} object_types[] = {
    {0x20, AV_CODEC_ID_MPEG4}, {0x21, AV_CODEC_ID_H264},       {0x23, AV_CODEC_ID_HEVC},
    {0x40, AV_CODEC_ID_AAC},   {0x60, AV_CODEC_ID_MPEG2VIDEO}, {0x61, AV_CODEC_ID_MPEG2VIDEO},
    {0x66, AV_CODEC_ID_AAC},   {0x67, AV_CODEC_ID_AAC},        {0x68, AV_CODEC_ID_AAC},
    {0x69, AV_CODEC_ID_MP3},   {0x6a, AV_CODEC_ID_MPEG1VIDEO}, {0x6b, AV_CODEC_ID_MP3},
    {0xa5, AV_CODEC_ID_AC3},   {0xa6, AV_CODEC_ID_EAC3},       {0xa9, AV_CODEC_ID_DTS},
    {0xad, AV_CODEC_ID_OPUS},
};

static int fail(const struct entry *e, int code, const struct weir_box *box, const char *what)
{
    return weir_mp4_fail(e->fault, code, box->type, box->start, what);
}

static int set_extradata(struct entry *e, const struct weir_box *box, const uint8_t *bytes,
                         size_t size_bytes)
{
    AVCodecParameters *par = e->par;
    if (size_bytes > MAX_EXTRADATA_BYTES)
        return fail(e, WEIR_ERR_TOO_BIG, box, "a decoder configuration larger than 1 MiB");
    av_freep(&par->extradata);
    par->extradata_size = 0;
    par->extradata = av_mallocz(size_bytes + AV_INPUT_BUFFER_PADDING_SIZE);
    if (!par->extradata)
        return fail(e, WEIR_ERR_NOMEM, box, "memory ran out");
    memcpy(par->extradata, bytes, size_bytes);
    par->extradata_size = (int)size_bytes;
    return 0;
}

// The child box `type`, also inside QuickTime's `wave`. 0 or END.
static int find_child(const struct entry *e, uint32_t type, struct weir_box *out)
{
    size_t pos = e->children;
    struct weir_box box;
    while (weir_box_child(e->data, &pos, e->box.end, &box) == 0) {
        if (box.type == type) {
            *out = box;
            return 0;
        }
        if (box.type != WEIR_FOURCC('w', 'a', 'v', 'e'))
            continue;
        size_t inner = box.body;
        while (weir_box_child(e->data, &inner, box.end, out) == 0) {
            if (out->type == type)
                return 0;
        }
    }
    return WEIR_ERR_END;
}

// --- configuration records ---

// One descriptor header of 14496-1, 8.3.3: a tag and a length of up to four 7-bit groups.
static uint8_t read_descriptor(struct weir_bytes *b, size_t *size_bytes)
{
    uint8_t tag = weir_bytes_u8(b);
    *size_bytes = 0;
    for (int i = 0; i < 4; i++) {
        uint8_t c = weir_bytes_u8(b);
        *size_bytes = *size_bytes << 7 | (c & 0x7f);
        if (!(c & 0x80))
            break;
    }
    return tag;
}

static int read_esds(struct entry *e, const struct weir_box *box)
{
    uint8_t version;
    size_t size = 0;
    struct weir_bytes b = weir_box_bytes(e->data, box, &version, NULL);
    uint8_t tag = read_descriptor(&b, &size);
    if (tag == 0x03) { // ES_Descriptor
        weir_bytes_skip(&b, 2);
        uint8_t flags = weir_bytes_u8(&b);
        weir_bytes_skip(&b, flags & 0x80 ? 2 : 0);
        weir_bytes_skip(&b, flags & 0x40 ? weir_bytes_u8(&b) : 0);
        weir_bytes_skip(&b, flags & 0x20 ? 2 : 0);
        tag = read_descriptor(&b, &size);
    }
    if (b.failed || tag != 0x04) // DecoderConfigDescriptor
        return fail(e, WEIR_ERR_SYNTAX, box, "no decoder configuration inside");
    uint8_t indication = weir_bytes_u8(&b);
    weir_bytes_skip(&b, 8); // stream type, buffer size, highest rate
    e->par->bit_rate = weir_bytes_u32(&b);
    e->par->codec_id = AV_CODEC_ID_NONE;
    for (size_t i = 0; i < sizeof(object_types) / sizeof(object_types[0]); i++) {
        if (object_types[i].indication == indication)
            e->par->codec_id = object_types[i].id;
    }
    if (b.failed)
        return fail(e, WEIR_ERR_SYNTAX, box, "the box is too short for its fields");
    if (e->par->codec_id == AV_CODEC_ID_NONE)
        return fail(e, WEIR_ERR_UNSUPPORTED, box, "an object type not known here");
    if (b.pos == b.end || read_descriptor(&b, &size) != 0x05) // DecoderSpecificInfo
        return 0;
    if (b.failed || b.end - b.pos < size)
        return fail(e, WEIR_ERR_SYNTAX, box, "the decoder configuration is cut off");
    int err = set_extradata(e, box, b.data + b.pos, size);
    if (!err && e->par->codec_id == AV_CODEC_ID_AAC)
        weir_mp4_asc_apply(e->par->extradata, size, e->par);
    return err;
}

// dOps (Opus in ISOBMFF 4.3.2) is OpusHead (RFC 7845, 5.1) with the other byte order.
static int read_dops(struct entry *e, const struct weir_box *box)
{
    size_t size = box->end - box->body;
    if (size < 11 || size > 11 + 2 + 255)
        return fail(e, WEIR_ERR_SYNTAX, box, "the box has a length that makes no sense");
    const uint8_t *in = e->data + box->body;
    uint8_t head[8 + 11 + 2 + 255] = "OpusHead";
    uint8_t *p = head + 8;
    memcpy(p, in, size);
    p[0] = 1; // version of the Ogg form
    AV_WL16(p + 2, AV_RB16(in + 2));
    AV_WL32(p + 4, AV_RB32(in + 4));
    AV_WL16(p + 8, AV_RB16(in + 8));
    e->par->initial_padding = AV_RB16(in + 2);
    e->par->seek_preroll = 48000 * 80 / 1000; // RFC 7845, 4.6
    return set_extradata(e, box, head, 8 + size);
}

static int read_dfla(struct entry *e, const struct weir_box *box)
{
    uint8_t version;
    struct weir_bytes b = weir_box_bytes(e->data, box, &version, NULL);
    uint8_t type = weir_bytes_u8(&b) & 0x7f;
    uint32_t size = weir_bytes_u24(&b);
    if (b.failed || type != 0 || size < 34 || b.end - b.pos < size)
        return fail(e, WEIR_ERR_SYNTAX, box, "no STREAMINFO first");
    const uint8_t *info = b.data + b.pos;
    uint32_t rate = AV_RB24(info + 10) >> 4; // the box's own field has 16 bits only
    if (rate > 0)
        e->par->sample_rate = (int)rate;
    return set_extradata(e, box, info, size);
}

// Profile, level and bit depth where the record says so: a change of these needs another decoder.
static void read_profile(AVCodecParameters *par)
{
    const uint8_t *x = par->extradata;
    if (par->codec_id == AV_CODEC_ID_H264 && par->extradata_size >= 4) {
        par->profile = x[1];
        par->level = x[3];
    } else if (par->codec_id == AV_CODEC_ID_HEVC && par->extradata_size >= 23) {
        par->profile = x[1] & 0x1f;
        par->level = x[12];
        par->bits_per_raw_sample = 8 + (x[17] & 7);
    } else if (par->codec_id == AV_CODEC_ID_AV1 && par->extradata_size >= 4) {
        par->profile = x[1] >> 5;
        par->level = x[1] & 0x1f;
        par->bits_per_raw_sample = x[2] & 0x40 ? (x[2] & 0x20 ? 12 : 10) : 8;
    }
}

static void read_vpcc(struct entry *e)
{
    struct weir_box box;
    if (find_child(e, WEIR_FOURCC('v', 'p', 'c', 'C'), &box))
        return;
    uint8_t version;
    struct weir_bytes b = weir_box_bytes(e->data, &box, &version, NULL);
    uint8_t profile = weir_bytes_u8(&b), level = weir_bytes_u8(&b), depth = weir_bytes_u8(&b);
    uint8_t primaries = weir_bytes_u8(&b), transfer = weir_bytes_u8(&b), matrix = weir_bytes_u8(&b);
    if (b.failed)
        return;
    e->par->profile = profile;
    e->par->level = level;
    e->par->bits_per_raw_sample = depth >> 4;
    e->par->color_range = depth & 1 ? AVCOL_RANGE_JPEG : AVCOL_RANGE_MPEG;
    e->par->color_primaries = primaries;
    e->par->color_trc = transfer;
    e->par->color_space = matrix;
}

static int read_config(struct entry *e, uint32_t config)
{
    if (e->par->codec_id == AV_CODEC_ID_VP9)
        read_vpcc(e);
    if (config == 0)
        return 0;
    struct weir_box box;
    if (find_child(e, config, &box)) {
        // avc3/hev1 may keep their parameter sets in the samples alone.
        if (e->par->codec_id == AV_CODEC_ID_H264 || e->par->codec_id == AV_CODEC_ID_HEVC)
            return fail(e, WEIR_ERR_SYNTAX, &e->box, "no decoder configuration inside");
        return 0;
    }
    switch (config) {
    case WEIR_FOURCC('e', 's', 'd', 's'):
        return read_esds(e, &box);
    case WEIR_FOURCC('d', 'O', 'p', 's'):
        return read_dops(e, &box);
    case WEIR_FOURCC('d', 'f', 'L', 'a'):
        return read_dfla(e, &box);
    case WEIR_FOURCC('a', 'l', 'a', 'c'): // the decoder wants the header as well
        return set_extradata(e, &box, e->data + box.start, box.end - box.start);
    default:
        break;
    }
    int err = set_extradata(e, &box, e->data + box.body, box.end - box.body);
    if (!err)
        read_profile(e->par);
    return err;
}

// --- sample entries ---

static void read_pasp_colr(struct entry *e)
{
    struct weir_box box;
    if (find_child(e, WEIR_FOURCC('p', 'a', 's', 'p'), &box) == 0) {
        struct weir_bytes b = weir_box_bytes(e->data, &box, NULL, NULL);
        uint32_t h = weir_bytes_u32(&b), v = weir_bytes_u32(&b);
        if (!b.failed && h > 0 && v > 0 && h <= INT32_MAX && v <= INT32_MAX)
            e->par->sample_aspect_ratio = (AVRational){(int)h, (int)v};
    }
    if (find_child(e, WEIR_FOURCC('c', 'o', 'l', 'r'), &box) == 0) {
        struct weir_bytes b = weir_box_bytes(e->data, &box, NULL, NULL);
        uint32_t type = weir_bytes_u32(&b);
        uint16_t primaries = weir_bytes_u16(&b), transfer = weir_bytes_u16(&b),
                 matrix = weir_bytes_u16(&b);
        if (b.failed ||
            (type != WEIR_FOURCC('n', 'c', 'l', 'x') && type != WEIR_FOURCC('n', 'c', 'l', 'c')))
            return;
        e->par->color_primaries = primaries;
        e->par->color_trc = transfer;
        e->par->color_space = matrix;
        if (type == WEIR_FOURCC('n', 'c', 'l', 'x'))
            e->par->color_range = weir_bytes_u8(&b) & 0x80 ? AVCOL_RANGE_JPEG : AVCOL_RANGE_MPEG;
    }
}

static int read_video_fields(struct entry *e)
{
    struct weir_bytes b = weir_bytes_make(e->data, e->box.body, e->box.end);
    weir_bytes_skip(&b, 24);
    e->par->width = weir_bytes_u16(&b);
    e->par->height = weir_bytes_u16(&b);
    weir_bytes_skip(&b, VIDEO_ENTRY_BYTES - 28);
    e->children = b.pos;
    return b.failed ? fail(e, WEIR_ERR_SYNTAX, &e->box, "the box is too short for its fields") : 0;
}

static int read_audio_fields(struct entry *e)
{
    struct weir_bytes b = weir_bytes_make(e->data, e->box.body, e->box.end);
    weir_bytes_skip(&b, 8);
    uint16_t version = weir_bytes_u16(&b); // QuickTime's, 0 in ISO files of stsd version 0
    weir_bytes_skip(&b, 6);
    int channels = weir_bytes_u16(&b);
    weir_bytes_skip(&b, 6);
    e->par->sample_rate = (int)(weir_bytes_u32(&b) >> 16);
    weir_bytes_skip(&b, version == 1 ? 16 : version == 2 ? 36 : 0);
    e->children = b.pos;
    if (b.failed)
        return fail(e, WEIR_ERR_SYNTAX, &e->box, "the box is too short for its fields");
    if (channels > 0 && channels <= 64)
        av_channel_layout_default(&e->par->ch_layout, channels);
    return 0;
}

// sinf (14496-12, 8.12): the original format and the scheme.
static int read_protection(struct entry *e, char encryption[5])
{
    struct weir_box sinf, box;
    if (find_child(e, WEIR_FOURCC('s', 'i', 'n', 'f'), &sinf))
        return fail(e, WEIR_ERR_SYNTAX, &e->box, "a protected entry without sinf");
    uint32_t scheme = WEIR_FOURCC('c', 'e', 'n', 'c');
    bool found = false;
    size_t pos = sinf.body;
    while (weir_box_child(e->data, &pos, sinf.end, &box) == 0) {
        uint8_t version;
        struct weir_bytes b = weir_box_bytes(e->data, &box, NULL, NULL);
        if (box.type == WEIR_FOURCC('f', 'r', 'm', 'a')) {
            e->format = weir_bytes_u32(&b);
            found = !b.failed;
        } else if (box.type == WEIR_FOURCC('s', 'c', 'h', 'm')) {
            b = weir_box_bytes(e->data, &box, &version, NULL);
            uint32_t s = weir_bytes_u32(&b);
            scheme = b.failed ? scheme : s;
        }
    }
    if (!found)
        return fail(e, WEIR_ERR_SYNTAX, &sinf, "no frma inside");
    for (int i = 0; i < 4; i++)
        encryption[i] = (char)(scheme >> (24 - 8 * i));
    encryption[4] = '\0';
    return 0;
}

static int read_entry(struct entry *e, char encryption[5])
{
    int err = e->track->kind == AVMEDIA_TYPE_VIDEO ? read_video_fields(e) : read_audio_fields(e);
    if (err)
        return err;
    e->format = e->box.type;
    if (e->format == WEIR_FOURCC('e', 'n', 'c', 'v') ||
        e->format == WEIR_FOURCC('e', 'n', 'c', 'a')) {
        err = read_protection(e, encryption);
        if (err)
            return err;
    }
    e->par->codec_type = e->track->kind;
    e->par->codec_tag = av_bswap32(e->format); // libavcodec's tags have the other byte order
    for (size_t i = 0; i < sizeof(codecs) / sizeof(codecs[0]); i++) {
        if (codecs[i].format != e->format)
            continue;
        e->par->codec_id = codecs[i].id;
        if (e->track->kind == AVMEDIA_TYPE_VIDEO)
            read_pasp_colr(e);
        return read_config(e, codecs[i].config);
    }
    return fail(e, WEIR_ERR_UNSUPPORTED, &e->box, "a codec not known here");
}

static void reset_parameters(AVCodecParameters *par)
{
    // avcodec_parameters_copy() from fresh ones is the public way to the defaults.
    AVCodecParameters *fresh = avcodec_parameters_alloc();
    if (fresh)
        (void)avcodec_parameters_copy(par, fresh);
    avcodec_parameters_free(&fresh);
}

int weir_mp4_codec(const uint8_t *data, const struct weir_mp4_track *t, uint32_t description,
                   AVCodecParameters *par, char encryption[5], struct weir_mp4_fault *fault)
{
    reset_parameters(par);
    memset(encryption, 0, 5);
    struct entry e = {.data = data, .track = t, .par = par, .fault = fault};
    struct weir_bytes b = weir_bytes_make(data, t->stsd_body, t->stsd_end);
    weir_bytes_skip(&b, 8); // version, flags, entry count: the boxes are counted instead
    if (t->stsd_end == 0 || b.failed)
        return weir_mp4_fail(fault, WEIR_ERR_SYNTAX, WEIR_FOURCC('s', 't', 's', 'd'), t->stsd_body,
                             "missing or empty");
    size_t pos = b.pos;
    for (uint32_t i = 1; weir_box_child(data, &pos, t->stsd_end, &e.box) == 0; i++) {
        if (i == description)
            return read_entry(&e, encryption);
    }
    return weir_mp4_fail(fault, WEIR_ERR_SYNTAX, WEIR_FOURCC('s', 't', 's', 'd'), t->stsd_body,
                         "no sample description of the number that the fragment asks for");
}
