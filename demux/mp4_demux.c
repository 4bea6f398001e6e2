// demux/mp4_demux.c — see mp4_demux.h. One AVBufferRef is made per segment and referenced per
// packet; its free callback drops the segment's reference, so the slot returns when the last packet
// is freed. Nothing is allocated per packet but libavutil's reference headers.
#include "demux/mp4_demux.h"

#include "core/rational.h"
#include "demux/unit_time.h"

#define REORDER_LOOKAHEAD                                                                          \
    32 // samples looked at to learn how far pictures are reordered; H.264 allows 16

void weir_mp4_demux_init(struct weir_mp4_demux *m)
{
    *m = (struct weir_mp4_demux){0};
}

void weir_mp4_demux_close(struct weir_mp4_demux *m)
{
    av_buffer_unref(&m->slot);
    m->media = NULL;
}

void weir_mp4_demux_clear(struct weir_mp4_demux *m)
{
    weir_mp4_demux_close(m);
    weir_segment_unref(&m->init_from);
    m->track = NULL;
}

static int parse_init(struct weir_mp4_demux *m, struct weir_segment *s, const uint8_t *data,
                      const struct weir_box *moov, struct weir_mp4_fault *fault)
{
    if (m->init_from == s && m->init_from_offset == moov->start)
        return 0;
    weir_segment_unref(&m->init_from);
    m->track = NULL;
    m->description = 0;
    int err = weir_mp4_init_parse(data, moov, &m->init, fault);
    if (err)
        return err;
    m->init_from = weir_segment_ref(s);
    m->init_from_offset = moov->start;
    return 0;
}

int weir_mp4_demux_load_init(struct weir_mp4_demux *m, struct weir_segment *s,
                             const struct weir_window *w, size_t *need_bytes,
                             struct weir_mp4_fault *fault)
{
    size_t pos = 0;
    for (;;) {
        struct weir_box box = {0};
        int err = weir_box_read(w, pos, SIZE_MAX, &box, need_bytes);
        if (err == WEIR_ERR_SYNTAX)
            return weir_mp4_fail(fault, err, 0, pos,
                                 "the segment ends inside this box, or its size makes no sense");
        if (err)
            return err;
        if (box.type == WEIR_FOURCC('m', 'o', 'o', 'f') ||
            box.type == WEIR_FOURCC('m', 'd', 'a', 't'))
            return WEIR_ERR_END;
        err = weir_box_wait(w, &box, need_bytes);
        if (err == WEIR_ERR_SYNTAX)
            return weir_mp4_fail(fault, err, box.type, pos, "the segment ends inside this box");
        if (err)
            return err;
        if (box.end == SIZE_MAX)
            box.end = w->size_bytes;
        if (box.type == WEIR_FOURCC('m', 'o', 'o', 'v')) {
            m->media_start = box.end;
            return parse_init(m, s, w->data, &box, fault);
        }
        pos = box.end;
    }
}

static void release_slot(void *opaque, uint8_t *data)
{
    (void)data;
    struct weir_segment *s = opaque;
    weir_segment_unref(&s);
}

int weir_mp4_demux_start(struct weir_mp4_demux *m, const struct weir_demux_params *params,
                         const struct weir_media_unit *unit, size_t pos)
{
    weir_mp4_demux_close(m);
    enum AVMediaType kind =
        params->want == WEIR_DEMUX_VIDEO ? AVMEDIA_TYPE_VIDEO : AVMEDIA_TYPE_AUDIO;
    m->track = weir_mp4_init_track(&m->init, kind, params->track_choice);
    if (!m->track)
        return WEIR_ERR_END;
    m->media = unit->media;
    struct weir_segment *held = weir_segment_ref(m->media);
    // libavutil's type is not const; READONLY keeps everyone from writing.
    m->slot =
        av_buffer_create((uint8_t *)(uintptr_t)weir_segment_data(held), weir_segment_length(held),
                         release_slot, held, AV_BUFFER_FLAG_READONLY);
    if (!m->slot) {
        weir_segment_unref(&held);
        return WEIR_ERR_NOMEM;
    }
    int64_t start =
        weir_add_sat(weir_unit_start_ticks(unit, m->track->timescale), m->track->time_offset);
    weir_mp4_reader_start(&m->reader, m->track, pos, start);
    return 0;
}

// How many pictures precede one that is shown before them (AVCodecParameters.video_delay): streams
// that do not say so in their parameter sets would otherwise lose frames at the start. The tables
// are here before the bytes are.
static int reorder_depth(const struct weir_mp4_demux *m, const struct weir_window *w)
{
    struct weir_mp4_reader ahead = m->reader;
    int64_t pts[REORDER_LOOKAHEAD];
    int depth = 0;
    for (int n = 0; n < REORDER_LOOKAHEAD; n++) {
        struct weir_mp4_sample s;
        size_t need_bytes;
        if (weir_mp4_reader_peek(&ahead, w, &s, &need_bytes, NULL))
            break;
        ahead.pending = false;
        pts[n] = s.pts;
        int earlier = 0;
        for (int i = 0; i < n; i++)
            earlier += pts[i] > s.pts;
        depth = earlier > depth ? earlier : depth;
    }
    return depth < 16 ? depth : 16;
}

// The decoder parameters of a sample description that was not in force before.
static int adopt_description(struct weir_mp4_demux *m, const struct weir_window *w,
                             uint32_t description, struct weir_format *format,
                             struct weir_mp4_fault *fault)
{
    char encryption[5];
    int err = weir_mp4_codec(weir_segment_data(m->init_from), m->track, description,
                             format->candidate, encryption, fault);
    if (err)
        return err;
    if (m->track->kind == AVMEDIA_TYPE_VIDEO)
        format->candidate->video_delay = reorder_depth(m, w);
    weir_format_adopt(format, m->track->rotation, encryption);
    m->description = description;
    return 0;
}

int weir_mp4_demux_format(struct weir_mp4_demux *m, const struct weir_window *w,
                          struct weir_format *format, size_t *need_bytes,
                          struct weir_mp4_fault *fault)
{
    struct weir_mp4_reader ahead = m->reader;
    struct weir_mp4_sample s;
    uint32_t description = m->track->default_description;
    int err = weir_mp4_reader_peek(&ahead, w, &s, need_bytes, NULL);
    if (err == WEIR_ERR_AGAIN)
        return err;
    if (!err)
        description = s.description; // damage is reported by read(), in its place
    if (description == m->description)
        return 0;
    return adopt_description(m, w, description, format, fault);
}

int weir_mp4_demux_read(struct weir_mp4_demux *m, const struct weir_window *w,
                        struct weir_format *format, AVPacket *pkt, size_t *need_bytes,
                        struct weir_mp4_fault *fault)
{
    struct weir_mp4_sample s;
    int err = weir_mp4_reader_next(&m->reader, w, &s, need_bytes, fault);
    if (err)
        return err;
    if (s.description != m->description) {
        err = adopt_description(m, w, s.description, format, fault);
        if (err)
            return err;
    }
    AVBufferRef *ref = av_buffer_ref(m->slot);
    if (!ref)
        return WEIR_ERR_NOMEM;
    pkt->buf = ref;
    pkt->data = (uint8_t *)(uintptr_t)w->data + s.offset;
    pkt->size = (int)s.size_bytes;
    pkt->pts = s.pts;
    pkt->dts = s.dts;
    pkt->duration = s.duration;
    pkt->flags = s.key ? AV_PKT_FLAG_KEY : 0;
    pkt->pos = (int64_t)s.offset;
    return 0;
}

int weir_mp4_demux_seek(struct weir_mp4_demux *m, const struct weir_window *w, int64_t ticks)
{
    struct weir_mp4_reader r, best;
    weir_mp4_reader_start(&r, m->track, m->media_start, m->reader.missing_tfdt_dts);
    best = r;
    for (;;) {
        struct weir_mp4_sample s;
        size_t need_bytes;
        struct weir_mp4_reader before = r;
        int err = weir_mp4_reader_peek(&r, w, &s, &need_bytes, NULL);
        if (err == WEIR_ERR_SYNTAX)
            continue; // goes on behind the damage, or ends
        if (err || s.pts > ticks)
            break;
        if (s.key)
            best = before;
        weir_mp4_reader_skip_fragment(&r);
    }
    m->reader = best;
    return 0;
}
