// player/codecs.c — what an RFC 6381 codecs string says about decoding: is there a decoder, how
// many pictures it needs.
#include <stdlib.h>
#include <string.h>

#include <libavcodec/avcodec.h>

#include "player/select.h"

static const struct {
    const char *prefix;
    enum AVCodecID id;
} known[] = {
    {"avc1", AV_CODEC_ID_H264},   {"avc3", AV_CODEC_ID_H264},      {"hvc1", AV_CODEC_ID_HEVC},
    {"hev1", AV_CODEC_ID_HEVC},   {"av01", AV_CODEC_ID_AV1},       {"vp09", AV_CODEC_ID_VP9},
    {"vp9", AV_CODEC_ID_VP9},     {"vp08", AV_CODEC_ID_VP8},       {"vp8", AV_CODEC_ID_VP8},
    {"mp4v", AV_CODEC_ID_MPEG4},  {"mp4a.40.34", AV_CODEC_ID_MP3}, {"mp4a.6B", AV_CODEC_ID_MP3},
    {"mp4a.69", AV_CODEC_ID_MP3}, {"mp4a.a5", AV_CODEC_ID_AC3},    {"mp4a.a6", AV_CODEC_ID_EAC3},
    {"mp4a", AV_CODEC_ID_AAC},    {"ac-3", AV_CODEC_ID_AC3},       {"ec-3", AV_CODEC_ID_EAC3},
    {"opus", AV_CODEC_ID_OPUS},   {"vorbis", AV_CODEC_ID_VORBIS},  {"flac", AV_CODEC_ID_FLAC},
    {"fLaC", AV_CODEC_ID_FLAC},   {"mp3", AV_CODEC_ID_MP3},        {"alac", AV_CODEC_ID_ALAC},
    {"dtsc", AV_CODEC_ID_DTS},    {"dtse", AV_CODEC_ID_DTS},       {"dtsh", AV_CODEC_ID_DTS},
};

static enum AVCodecID codec_of(const char *entry, size_t len)
{
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        size_t n = strlen(known[i].prefix);
        if (len >= n && !strncasecmp(entry, known[i].prefix, n))
            return known[i].id;
    }
    return AV_CODEC_ID_NONE;
}

// Text inside a muxed variant's CODECS is not a reason to refuse its pictures and sound.
static bool is_text(const char *entry, size_t len)
{
    return (len >= 4 && (!strncasecmp(entry, "stpp", 4) || !strncasecmp(entry, "wvtt", 4))) ||
           (len >= 4 && !strncasecmp(entry, "tx3g", 4));
}

bool weir_codecs_supported(const char *codecs, char unknown[64])
{
    for (const char *at = codecs; at && *at;) {
        at += strspn(at, " ,\t");
        size_t len = strcspn(at, ", \t");
        enum AVCodecID id = codec_of(at, len);
        if (len > 0 && !is_text(at, len) && (id == AV_CODEC_ID_NONE || !avcodec_find_decoder(id))) {
            if (unknown) {
                size_t n = len < 63 ? len : 63;
                memcpy(unknown, at, n);
                unknown[n] = '\0';
            }
            return false;
        }
        at += len;
    }
    return true;
}

// H.264 Table A-1: MaxDpbMbs by level_idc.
static int h264_dpb_macroblocks(long level_idc)
{
    static const struct {
        int level_idc, dpb_mbs;
    } table[] = {{10, 396},   {11, 900},    {12, 2376},   {20, 2376},  {21, 4752},
                 {22, 8100},  {30, 8100},   {31, 18000},  {32, 20480}, {40, 32768},
                 {42, 34816}, {50, 110400}, {52, 184320}, {62, 696320}};
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        if (level_idc <= table[i].level_idc)
            return table[i].dpb_mbs;
    return table[sizeof(table) / sizeof(table[0]) - 1].dpb_mbs;
}

int weir_codecs_reference_frames(const char *codecs, int width, int height)
{
    const int most = 16; // H.264 A.3.1, H.265 A.4.2
    const char *avc = codecs ? strstr(codecs, "avc") : NULL;
    if (avc && strlen(avc) >= 11 && avc[4] == '.' && width > 0 && height > 0) {
        char level[3] = {avc[9], avc[10], '\0'};
        long idc = strtol(level, NULL, 16);
        int mbs = ((width + 15) / 16) * ((height + 15) / 16);
        int frames = idc > 0 ? h264_dpb_macroblocks(idc) / mbs : most;
        return frames < 1 ? 1 : frames > most ? most : frames;
    }
    if (codecs && (strstr(codecs, "vp09") || strstr(codecs, "av01")))
        return 8; // reference slots of both
    return most;
}
