// demux/lavf_demux.c — see lavf_demux.h. An AVIOContext reads the slot; the copies that reassembly
// makes are counted as packets come out. Parameters that a container does not declare (MPEG-TS,
// packed audio) are parsed out of the first packet, instead of avformat_find_stream_info(), which
// would wait for seconds of media.
#include "demux/lavf_demux.h"

#include <string.h>

#include <libavutil/intreadwrite.h>

#include "core/rational.h"
#include "demux/lavf_api.h"
#include "demux/lavf_stream.h"

#define IO_BYTES        32768
#define MAX_ERRORS      64 // damaged reads in a row before the rest is given up
#define TS_SEEK_BACK_US INT64_C(10000000)
#define MAX_OPEN_READS  20000 // packets of other streams passed over while looking for ours

struct weir_lavf {
    const struct weir_demux_params *params;
    const struct weir_media_unit *unit; // borrowed while open
    const struct weir_lavf_api *av;     // NULL until the first container that needs it
    AVFormatContext *ctx;
    AVIOContext *io;
    enum weir_container container;
    bool whole;
    size_t head_bytes; // of the init segment in front
    size_t skip_bytes; // ID3 tags at the start of the media, which are not handed on
    size_t pos;        // of the next read, in the joined stream
    bool cancelled;
    int stream; // index, -1 not found yet
    int64_t base_us;
    AVPacket *first; // read by open, given out by the first read
    bool need_key;   // after a seek: nothing before a key frame is of use
    bool first_held;
    int errors;     // in a row
    bool first_out; // a packet was given out since open
    // Sound whose frames do not all carry a time stamp (several in a PES packet, or packed):
    // counted on from the last.
    const AVCodecParameters *par; // the stream's, borrowed from the format
    int64_t anchor_pts;           // ticks; AV_NOPTS_VALUE: none yet
    int64_t anchor_samples;       // since then
};

int weir_lavf_create(const struct weir_demux_params *params, struct weir_lavf **out)
{
    *out = NULL;
    struct weir_lavf *l = av_mallocz(sizeof(*l));
    if (!l)
        return WEIR_ERR_NOMEM;
    l->params = params;
    l->first = av_packet_alloc();
    if (!l->first) {
        av_freep(&l);
        return WEIR_ERR_NOMEM;
    }
    *out = l;
    return 0;
}

void weir_lavf_close(struct weir_lavf *l)
{
    if (l->av)
        l->av->avformat_close_input(&l->ctx);
    if (l->io)
        av_freep(&l->io->buffer);
    if (l->av)
        l->av->avio_context_free(&l->io);
    av_packet_unref(l->first);
    l->first_held = false;
    l->unit = NULL;
}

void weir_lavf_destroy(struct weir_lavf **lp)
{
    struct weir_lavf *l = *lp;
    if (!l)
        return;
    weir_lavf_close(l);
    av_packet_free(&l->first);
    av_freep(&l);
    *lp = NULL;
}

// --- bytes ---

static struct weir_window window_of(const struct weir_segment *s)
{
    bool complete = weir_segment_state(s) != WEIR_SEGMENT_OPEN; // state before length
    return (struct weir_window){
        .data = weir_segment_data(s), .size_bytes = weir_segment_length(s), .complete = complete};
}

// Wait until `s` has more than `have` bytes or is complete. False: cancelled.
static bool wait_beyond(struct weir_lavf *l, const struct weir_segment *s, size_t have,
                        struct weir_window *w)
{
    for (;;) {
        *w = window_of(s);
        if (w->size_bytes > have || w->complete)
            return true;
        if (!l->params->wait || l->params->wait(l->params->wait_ctx, s, w->size_bytes)) {
            l->cancelled = true;
            return false;
        }
    }
}

static int read_bytes(void *opaque, uint8_t *buf, int size)
{
    struct weir_lavf *l = opaque;
    bool head = l->pos < l->head_bytes;
    const struct weir_segment *s = head ? l->unit->init : l->unit->media;
    size_t at = head ? l->pos : l->pos - l->head_bytes + l->skip_bytes;
    struct weir_window w;
    if (!wait_beyond(l, s, at, &w))
        return AVERROR_EXIT;
    size_t end = head ? l->head_bytes : w.size_bytes;
    if (at >= end)
        return AVERROR_EOF;
    size_t n = end - at < (size_t)size ? end - at : (size_t)size;
    memcpy(buf, w.data + at, n);
    l->pos += n;
    return (int)n;
}

static int64_t seek_bytes(void *opaque, int64_t offset, int whence)
{
    struct weir_lavf *l = opaque;
    struct weir_window w = window_of(l->unit->media);
    int64_t size = (int64_t)(l->head_bytes + w.size_bytes - l->skip_bytes);
    switch (whence & ~AVSEEK_FORCE) {
    case AVSEEK_SIZE:
        return w.complete ? size : AVERROR(ENOSYS); // still arriving: nobody knows
    case SEEK_SET:
        break;
    case SEEK_CUR:
        offset = weir_add_sat(offset, (int64_t)l->pos);
        break;
    case SEEK_END:
        if (!w.complete)
            return AVERROR(ENOSYS);
        offset = weir_add_sat(offset, size);
        break;
    default:
        return AVERROR(EINVAL);
    }
    if (offset < 0 || offset > INT64_MAX / 2)
        return AVERROR(EINVAL);
    l->pos = (size_t)offset;
    return offset;
}

static int open_io(struct weir_lavf *l)
{
    l->av = weir_lavf_api();
    if (!l->av)
        return WEIR_ERR_UNSUPPORTED;
    uint8_t *buffer = av_malloc(IO_BYTES);
    if (!buffer)
        return WEIR_ERR_NOMEM;
    l->io = l->av->avio_alloc_context(buffer, IO_BYTES, 0, l, read_bytes, NULL, seek_bytes);
    if (!l->io) {
        av_free(buffer);
        return WEIR_ERR_NOMEM;
    }
    // A segment of Matroska must not be sought in: its index speaks of another file.
    bool seekable = l->whole || l->container == WEIR_CONTAINER_TS;
    l->io->seekable = seekable ? AVIO_SEEKABLE_NORMAL : 0;
    return 0;
}

// --- opening ---

static int translate(const struct weir_lavf *l, int averr, const char **why)
{
    if (l->cancelled || averr == AVERROR_EXIT)
        return WEIR_ERR_CANCELLED;
    if (averr == AVERROR(ENOMEM))
        return WEIR_ERR_NOMEM;
    if (averr == AVERROR_EOF)
        return WEIR_ERR_END;
    *why =
        averr == AVERROR_INVALIDDATA ? "the data are damaged" : "the container could not be read";
    return WEIR_ERR_SYNTAX;
}

static const char *format_name(enum weir_container c)
{
    switch (c) {
    case WEIR_CONTAINER_MP4:
        return "mov";
    case WEIR_CONTAINER_TS:
        return "mpegts";
    case WEIR_CONTAINER_MATROSKA:
        return "matroska";
    case WEIR_CONTAINER_ADTS:
        return "aac";
    case WEIR_CONTAINER_MP3:
        return "mp3";
    case WEIR_CONTAINER_AC3:
        return "ac3";
    case WEIR_CONTAINER_EAC3:
        return "eac3";
    case WEIR_CONTAINER_TEXT:
    case WEIR_CONTAINER_UNKNOWN:
        break;
    }
    return NULL;
}

// Learn where the init segment ends and which tags stand in front of packed audio. 0 or CANCELLED.
static int measure_head(struct weir_lavf *l)
{
    l->head_bytes = l->skip_bytes = l->pos = 0;
    l->base_us = 0;
    struct weir_window w;
    if (l->unit->init) {
        do {
            w = window_of(l->unit->init);
            if (!w.complete && !wait_beyond(l, l->unit->init, w.size_bytes, &w))
                return WEIR_ERR_CANCELLED;
        } while (!w.complete);
        l->head_bytes = w.size_bytes;
    }
    if (l->container < WEIR_CONTAINER_ADTS || l->container > WEIR_CONTAINER_EAC3)
        return 0;
    w = window_of(l->unit->media); // sniffing has waited for the tags already
    int64_t timestamp;
    size_t need_bytes;
    if (weir_sniff_id3(&w, &l->skip_bytes, &timestamp, &need_bytes) == 0 && timestamp >= 0)
        l->base_us = weir_ticks_to_us(timestamp, 90000);
    return 0;
}

// Choose our stream among those known so far and switch the others off.
static void choose_stream(struct weir_lavf *l)
{
    enum AVMediaType kind =
        l->params->want == WEIR_DEMUX_VIDEO ? AVMEDIA_TYPE_VIDEO : AVMEDIA_TYPE_AUDIO;
    int seen = 0, preferred = -1, first = -1;
    for (unsigned i = 0; i < l->ctx->nb_streams; i++) {
        const AVStream *st = l->ctx->streams[i];
        if (st->codecpar->codec_type != kind || st->disposition & AV_DISPOSITION_ATTACHED_PIC)
            continue;
        if (first < 0)
            first = (int)i;
        if (seen++ == l->params->track_choice && l->params->track_choice > 0)
            preferred = (int)i;
        if (l->params->track_choice <= 0 && preferred < 0 &&
            st->disposition & AV_DISPOSITION_DEFAULT)
            preferred = (int)i;
    }
    if (preferred < 0 && l->params->track_choice <= 0)
        preferred = first;
    l->stream = preferred;
    for (unsigned i = 0; i < l->ctx->nb_streams; i++)
        l->ctx->streams[i]->discard = (int)i == preferred ? AVDISCARD_DEFAULT : AVDISCARD_ALL;
}

static int open_input(struct weir_lavf *l, const char **why)
{
    l->ctx = l->av->avformat_alloc_context();
    if (!l->ctx)
        return WEIR_ERR_NOMEM;
    int err = weir_lavf_restrict(l->ctx);
    if (err) {
        l->av->avformat_free_context(l->ctx);
        l->ctx = NULL;
        return err;
    }
    l->ctx->pb = l->io;
    l->ctx->flags |= AVFMT_FLAG_CUSTOM_IO;
    const char *name = format_name(l->container);
    const AVInputFormat *input = name ? l->av->av_find_input_format(name) : NULL;
    int averr = l->av->avformat_open_input(&l->ctx, NULL, input, NULL); // frees ctx on failure
    if ((averr == AVERROR_INVALIDDATA || averr == AVERROR(EINVAL)) && !name) {
        *why = "no container that this build knows";
        return WEIR_ERR_UNSUPPORTED;
    }
    if (averr < 0)
        return translate(l, averr, why);
    if (!name) { // recognised by probing: a file of a rarer kind, where time is spent on certainty
        averr = l->av->avformat_find_stream_info(l->ctx, NULL);
        if (averr < 0)
            return translate(l, averr, why);
    }
    return 0;
}

static int adopt_stream(struct weir_lavf *l, struct weir_format *format, const char **why)
{
    const AVStream *st = l->ctx->streams[l->stream];
    if (st->codecpar->codec_id == AV_CODEC_ID_NONE) {
        *why = "a codec not known here";
        return WEIR_ERR_UNSUPPORTED;
    }
    if (avcodec_parameters_copy(format->candidate, st->codecpar) < 0)
        return WEIR_ERR_NOMEM;
    weir_lavf_complete(format->candidate, l->first);
    weir_format_adopt(format, weir_lavf_rotation(st), "");
    l->par = format->current;
    l->anchor_pts = AV_NOPTS_VALUE;
    return 0;
}

// A cancelled wait looks like the end to libavformat, which then hands out the half of a frame that
// it has.
static int read_frame(struct weir_lavf *l, AVPacket *pkt)
{
    int averr = l->av->av_read_frame(l->ctx, pkt);
    if (averr >= 0 && l->cancelled) {
        av_packet_unref(pkt);
        return AVERROR_EXIT;
    }
    return averr;
}

static int read_first(struct weir_lavf *l, const char **why)
{
    for (int i = 0; i < MAX_OPEN_READS; i++) {
        int averr = read_frame(l, l->first);
        if (averr < 0)
            return translate(l, averr, why);
        if (l->stream < 0)
            choose_stream(l); // streams of MPEG-TS may turn up late
        if (l->first->stream_index == l->stream && l->first->size > 0) {
            l->first_held = true;
            return 0;
        }
        av_packet_unref(l->first);
    }
    return WEIR_ERR_END;
}

int weir_lavf_open(struct weir_lavf *l, const struct weir_media_unit *unit,
                   enum weir_container container, bool whole, struct weir_format *format,
                   const char **why)
{
    weir_lavf_close(l);
    l->unit = unit;
    l->container = container;
    l->whole = whole;
    l->cancelled = l->first_out = false;
    l->stream = -1;
    l->errors = 0;
    int err = measure_head(l);
    if (!err)
        err = open_io(l);
    if (!err)
        err = open_input(l, why);
    if (!err) {
        choose_stream(l);
        err = read_first(l, why);
    }
    if (!err)
        err = adopt_stream(l, format, why);
    if (err)
        weir_lavf_close(l);
    return err;
}

// --- packets ---

// Each segment of WebM is opened as if it were a file, so its first packet asks for the codec's
// delay to be skipped; only at the start of the media, where its time is negative, is that right.
static void drop_false_priming(const struct weir_lavf *l, AVPacket *pkt)
{
    size_t size = 0;
    uint8_t *skip = av_packet_get_side_data(pkt, AV_PKT_DATA_SKIP_SAMPLES, &size);
    if (skip && size >= 4 && !l->whole && !l->first_out && pkt->pts >= 0)
        AV_WL32(skip, 0);
}

static void fill_times(struct weir_lavf *l, AVPacket *pkt, AVRational tb)
{
    if (l->par->codec_type != AVMEDIA_TYPE_AUDIO || l->par->sample_rate <= 0)
        return;
    AVRational sample = {1, l->par->sample_rate};
    // Not const in FFmpeg 5.1, though it only reads.
    int samples = av_get_audio_frame_duration2((AVCodecParameters *)(uintptr_t)l->par, pkt->size);
    if (pkt->pts != AV_NOPTS_VALUE) {
        l->anchor_pts = pkt->pts;
        l->anchor_samples = 0;
    } else {
        if (l->anchor_pts == AV_NOPTS_VALUE)
            l->anchor_pts = l->anchor_samples = 0; // packed audio: counts from its ID3 tag
        pkt->pts = weir_add_sat(l->anchor_pts, av_rescale_q(l->anchor_samples, sample, tb));
        pkt->dts = pkt->pts;
    }
    if (samples > 0 && pkt->duration <= 0)
        pkt->duration = av_rescale_q(samples, sample, tb);
    l->anchor_samples += samples > 0 ? samples : 0;
}

int weir_lavf_read(struct weir_lavf *l, AVPacket *pkt, AVRational *time_base, const char **why)
{
    if (!l->ctx)
        return WEIR_ERR_END;
    for (;;) {
        if (l->first_held) {
            av_packet_move_ref(pkt, l->first);
            l->first_held = false;
        } else {
            int averr = read_frame(l, pkt);
            if (averr < 0)
                return ++l->errors > MAX_ERRORS ? WEIR_ERR_END : translate(l, averr, why);
            l->errors = 0;
        }
        bool wanted = !l->need_key || pkt->flags & AV_PKT_FLAG_KEY;
        if (pkt->stream_index == l->stream && pkt->size > 0 && wanted)
            break;
        av_packet_unref(pkt);
    }
    l->need_key = false;
    drop_false_priming(l, pkt);
    l->first_out = true;
    *time_base = l->ctx->streams[l->stream]->time_base;
    fill_times(l, pkt, *time_base);
    if (l->params->copies)
        (void)atomic_fetch_add_explicit(&l->params->copies->demux_bytes, pkt->size,
                                        memory_order_relaxed);
    return 0;
}

int weir_lavf_seek(struct weir_lavf *l, int64_t media_us)
{
    if (!l->ctx || l->stream < 0)
        return WEIR_ERR_UNSUPPORTED;
    AVRational tb = l->ctx->streams[l->stream]->time_base;
    // MPEG-TS has no index of key frames: go back by more than a usual GOP and let go what precedes
    // the first key.
    if (l->container == WEIR_CONTAINER_TS)
        media_us = weir_add_sat(media_us, -TS_SEEK_BACK_US);
    l->need_key = l->params->want == WEIR_DEMUX_VIDEO;
    int64_t ticks =
        av_rescale_q_rnd(media_us, AV_TIME_BASE_Q, tb, AV_ROUND_DOWN | AV_ROUND_PASS_MINMAX);
    int averr = l->av->av_seek_frame(l->ctx, l->stream, ticks, AVSEEK_FLAG_BACKWARD);
    if (averr < 0) // before the first key frame, or no index: from the start
        averr = l->av->av_seek_frame(l->ctx, l->stream, 0, AVSEEK_FLAG_BACKWARD | AVSEEK_FLAG_BYTE);
    av_packet_unref(l->first);
    l->first_held = false;
    l->anchor_pts = AV_NOPTS_VALUE;
    if (l->cancelled)
        return WEIR_ERR_CANCELLED;
    return averr < 0 ? WEIR_ERR_UNSUPPORTED : 0;
}

int64_t weir_lavf_base_us(const struct weir_lavf *l)
{
    return l->base_us;
}

int64_t weir_lavf_start_us(const struct weir_lavf *l)
{
    if (!l->whole || !l->ctx || l->stream < 0)
        return WEIR_TIME_NONE;
    const AVStream *st = l->ctx->streams[l->stream];
    if (st->start_time == AV_NOPTS_VALUE)
        return WEIR_TIME_NONE;
    return av_rescale_q(st->start_time, st->time_base, AV_TIME_BASE_Q);
}
