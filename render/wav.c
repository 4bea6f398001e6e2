// render/wav.c — decoded sound into a WAV file of 32-bit floats (RIFF, and RF64 of EBU Tech 3306
// beyond 4 GiB). Only the sample format changes, never the rate or the channels, unless the stream
// itself changes half-way.
#include "render/audio.h"

#include <stdlib.h>
#include <string.h>

#include <libavutil/channel_layout.h>
#include <libavutil/intreadwrite.h>
#include <libavutil/mem.h>
#include <libswresample/swresample.h>

#include "render/outfile.h"

enum {
    FORMAT_IEEE_FLOAT = 3,
    FORMAT_EXTENSIBLE = 0xFFFE,
    SAMPLE_BYTES = 4,
    MAX_CHANNELS = 64,
};

struct weir_audio_writer {
    struct weir_outfile out;
    struct weir_copy_counters *copies;
    bool begun; // the header is out, the members below hold
    int rate_hz;
    AVChannelLayout layout;
    int64_t data_bytes;
    // From the stream's present format to the file's.
    SwrContext *swr;
    int in_format, in_rate_hz;
    AVChannelLayout in_layout;
    uint8_t *samples; // interleaved floats
    size_t samples_bytes;
};

// The header's fields after "RIFF size": a JUNK chunk that becomes ds64 if the file outgrows 32
// bits, fmt, fact, data.
enum {
    DS64_AT = 12,
    DS64_BODY_BYTES = 28,
    FMT_AT = DS64_AT + 8 + DS64_BODY_BYTES,
    FMT_BODY_BYTES = 40,
    FMT_PLAIN_BYTES = 18,
    FACT_AT = FMT_AT + 8 + FMT_BODY_BYTES,
    DATA_AT = FACT_AT + 8 + 4,
    HEADER_BYTES = DATA_AT + 8,
};

static void put_chunk(uint8_t *at, const char id[5], uint32_t body_bytes)
{
    memcpy(at, id, 4);
    AV_WL32(at + 4, body_bytes);
}

static uint32_t channel_mask(const AVChannelLayout *layout)
{
    return layout->order == AV_CHANNEL_ORDER_NATIVE ? (uint32_t)layout->u.mask : 0;
}

static void put_format(const struct weir_audio_writer *w, uint8_t *h)
{
    // KSDATAFORMAT_SUBTYPE_IEEE_FLOAT without its first two bytes, the format code.
    static const uint8_t guid_tail[14] = {0x00, 0x00, 0x00, 0x00, 0x10, 0x00, 0x80,
                                          0x00, 0x00, 0xAA, 0x00, 0x38, 0x9B, 0x71};
    uint16_t channels = (uint16_t)w->layout.nb_channels;
    uint16_t frame_bytes = (uint16_t)(channels * SAMPLE_BYTES);
    bool extensible = channels > 2;
    put_chunk(h + FMT_AT, "fmt ", extensible ? FMT_BODY_BYTES : FMT_PLAIN_BYTES);
    uint8_t *f = h + FMT_AT + 8;
    AV_WL16(f, extensible ? FORMAT_EXTENSIBLE : FORMAT_IEEE_FLOAT);
    AV_WL16(f + 2, channels);
    AV_WL32(f + 4, w->rate_hz);
    AV_WL32(f + 8, w->rate_hz * frame_bytes);
    AV_WL16(f + 12, frame_bytes);
    AV_WL16(f + 14, SAMPLE_BYTES * 8);
    AV_WL16(f + 16, extensible ? FMT_BODY_BYTES - FMT_PLAIN_BYTES : 0);
    if (!extensible) { // fill up, so that what follows keeps its place
        put_chunk(f + FMT_PLAIN_BYTES, "JUNK", FMT_BODY_BYTES - FMT_PLAIN_BYTES - 8);
    } else {
        AV_WL16(f + 18, SAMPLE_BYTES * 8);
        AV_WL32(f + 20, channel_mask(&w->layout));
        AV_WL16(f + 24, FORMAT_IEEE_FLOAT);
        memcpy(f + 26, guid_tail, sizeof(guid_tail));
    }
}

// The whole header for data_bytes; sizes all ones while they are not known (readers then read to
// the end).
static void make_header(const struct weir_audio_writer *w, bool known, uint8_t h[HEADER_BYTES])
{
    const int64_t riff_bytes = w->data_bytes + HEADER_BYTES - 8;
    const int64_t frames = w->data_bytes / ((int64_t)w->layout.nb_channels * SAMPLE_BYTES);
    const bool big = known && riff_bytes >= UINT32_MAX;
    const bool exact = known && !big;
    memset(h, 0, HEADER_BYTES);
    put_chunk(h, big ? "RF64" : "RIFF", exact ? (uint32_t)riff_bytes : UINT32_MAX);
    memcpy(h + 8, (const uint8_t[4]){'W', 'A', 'V', 'E'}, 4);
    put_chunk(h + DS64_AT, big ? "ds64" : "JUNK", DS64_BODY_BYTES);
    if (big) {
        AV_WL64(h + DS64_AT + 8, riff_bytes);
        AV_WL64(h + DS64_AT + 16, w->data_bytes);
        AV_WL64(h + DS64_AT + 24, frames);
    }
    put_format(w, h);
    put_chunk(h + FACT_AT, "fact", 4);
    AV_WL32(h + FACT_AT + 8, exact ? (uint32_t)frames : UINT32_MAX);
    put_chunk(h + DATA_AT, "data", exact ? (uint32_t)w->data_bytes : UINT32_MAX);
}

static int write_header(struct weir_audio_writer *w, struct weir_error *error)
{
    uint8_t header[HEADER_BYTES];
    make_header(w, false, header);
    w->begun = true;
    return weir_outfile_write(&w->out, header, sizeof(header), error);
}

int weir_audio_wav_create(const char *path, struct weir_copy_counters *copies,
                          struct weir_audio_writer **out, struct weir_error *error)
{
    *out = NULL;
    struct weir_audio_writer *w = calloc(1, sizeof(*w));
    if (!w)
        return weir_error_set(error, WEIR_ERR_NOMEM, path, "out of memory");
    w->copies = copies;
    int err = weir_outfile_open(&w->out, path, error);
    if (err)
        weir_audio_writer_destroy(&w);
    *out = w;
    return err;
}

static int out_of_memory(const struct weir_audio_writer *w, struct weir_error *error)
{
    return weir_error_set(error, WEIR_ERR_NOMEM, w->out.path, "out of memory");
}

// Convert `frame` (NULL: what the resampler still holds) and append it.
static int convert(struct weir_audio_writer *w, const AVFrame *frame, struct weir_error *error)
{
    int in_samples = frame ? frame->nb_samples : 0;
    int room = swr_get_out_samples(w->swr, in_samples);
    int frame_bytes = w->layout.nb_channels * SAMPLE_BYTES;
    if (room <= 0)
        return 0;
    size_t need = (size_t)room * (size_t)frame_bytes;
    if (need > w->samples_bytes) {
        av_freep(&w->samples);
        w->samples_bytes = 0;
        w->samples = av_malloc(need);
        if (!w->samples)
            return out_of_memory(w, error);
        w->samples_bytes = need;
    }
    const uint8_t **in = frame ? (const uint8_t **)frame->extended_data : NULL;
    int got = swr_convert(w->swr, &w->samples, room, in, in_samples);
    if (got < 0)
        return weir_error_set(error, WEIR_ERR_UNSUPPORTED, w->out.path, "cannot convert the sound");
    int64_t bytes = (int64_t)got * frame_bytes;
    if (w->copies)
        w->copies->render_bytes += bytes;
    w->data_bytes += bytes;
    return weir_outfile_write(&w->out, w->samples, (size_t)bytes, error);
}

// The stream's format is new: finish what the old converter holds and make one for the new.
static int reconfigure(struct weir_audio_writer *w, const AVFrame *frame, struct weir_error *error)
{
    int err = w->swr ? convert(w, NULL, error) : 0;
    if (err)
        return err;
    swr_free(&w->swr);
    if (av_channel_layout_copy(&w->in_layout, &frame->ch_layout) < 0)
        return out_of_memory(w, error);
    w->in_format = frame->format;
    w->in_rate_hz = frame->sample_rate;
    if (swr_alloc_set_opts2(&w->swr, &w->layout, AV_SAMPLE_FMT_FLT, w->rate_hz, &w->in_layout,
                            (enum AVSampleFormat)w->in_format, w->in_rate_hz, 0, NULL) < 0)
        return out_of_memory(w, error);
    if (swr_init(w->swr) < 0)
        return weir_error_set(error, WEIR_ERR_UNSUPPORTED, w->out.path, "cannot convert the sound");
    return 0;
}

static bool format_changed(const struct weir_audio_writer *w, const AVFrame *frame)
{
    return !w->swr || w->in_format != frame->format || w->in_rate_hz != frame->sample_rate ||
           av_channel_layout_compare(&w->in_layout, &frame->ch_layout) != 0;
}

int weir_audio_writer_write(struct weir_audio_writer *w, const AVFrame *frame,
                            struct weir_error *error)
{
    if (frame->sample_rate <= 0 || frame->ch_layout.nb_channels <= 0 ||
        frame->ch_layout.nb_channels > MAX_CHANNELS)
        return weir_error_set(error, WEIR_ERR_INVAL, w->out.path, "sound without a usable format");
    int err = 0;
    if (!w->begun) {
        w->rate_hz = frame->sample_rate;
        if (av_channel_layout_copy(&w->layout, &frame->ch_layout) < 0)
            return out_of_memory(w, error);
        err = write_header(w, error);
    }
    if (!err && format_changed(w, frame))
        err = reconfigure(w, frame, error);
    if (!err && frame->nb_samples > 0)
        err = convert(w, frame, error);
    return err;
}

int weir_audio_writer_finish(struct weir_audio_writer *w, struct weir_error *error)
{
    if (!w->out.file)
        return 0;
    int err = 0;
    if (!w->begun) { // no sound came: a valid, empty file
        w->rate_hz = 48000;
        av_channel_layout_default(&w->layout, 2);
        err = write_header(w, error);
    }
    if (!err && w->swr)
        err = convert(w, NULL, error);
    if (!err && weir_outfile_seekable(&w->out)) {
        uint8_t header[HEADER_BYTES];
        make_header(w, true, header);
        err = weir_outfile_rewrite(&w->out, 0, header, sizeof(header), error);
    }
    int closed = weir_outfile_close(&w->out, err ? NULL : error);
    return err ? err : closed;
}

void weir_audio_writer_destroy(struct weir_audio_writer **w)
{
    if (!*w)
        return;
    weir_outfile_close(&(*w)->out, NULL);
    swr_free(&(*w)->swr);
    av_channel_layout_uninit(&(*w)->layout);
    av_channel_layout_uninit(&(*w)->in_layout);
    av_free((*w)->samples);
    free(*w);
    *w = NULL;
}
