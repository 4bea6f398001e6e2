// demux/mp4_init.c — reads moov (ISO/IEC 14496-12, 8.2 to 8.8): mvhd, trak, tkhd, edts/elst, mdhd,
// hdlr, stsd, stsz, mvex/trex. Called with hostile bytes: depth follows the fixed nesting of the
// specification, never the file's. Must not allocate: the playable scan runs it on the I/O thread.
#include "demux/mp4_init.h"

#include <string.h>

#include "core/rational.h"

int weir_mp4_fail(struct weir_mp4_fault *f, int code, uint32_t type, size_t at, const char *what)
{
    if (f)
        *f = (struct weir_mp4_fault){.type = type, .at = at, .what = what};
    return code;
}

static int short_box(struct weir_mp4_fault *fault, const struct weir_box *b)
{
    return weir_mp4_fail(fault, WEIR_ERR_SYNTAX, b->type, b->start,
                         "the box is too short for its fields");
}

// Calls `visit` for every child; a child's size that does not fit is the parent's fault.
typedef int (*visit_fn)(void *ctx, const uint8_t *data, const struct weir_box *box,
                        struct weir_mp4_fault *fault);

static int each_child(const uint8_t *data, const struct weir_box *parent, visit_fn visit, void *ctx,
                      struct weir_mp4_fault *fault)
{
    size_t pos = parent->body;
    for (;;) {
        struct weir_box box;
        int err = weir_box_child(data, &pos, parent->end, &box);
        if (err == WEIR_ERR_END)
            return 0;
        if (err)
            return weir_mp4_fail(fault, err, parent->type, pos,
                                 "a box inside has a size that does not fit");
        err = visit(ctx, data, &box, fault);
        if (err)
            return err;
    }
}

static void read_version_times(struct weir_bytes *b, uint8_t version)
{
    weir_bytes_skip(b, version == 1 ? 16 : 8); // creation and modification time
}

// Degrees clockwise from the transformation matrix {a b u c d v x y w} (8.3.2); odd angles count as
// 0.
static int matrix_rotation(struct weir_bytes *b)
{
    int32_t m[9];
    for (int i = 0; i < 9; i++)
        m[i] = (int32_t)weir_bytes_u32(b);
    if (m[0] == 0 && m[4] == 0 && m[1] > 0 && m[3] < 0)
        return 90;
    if (m[0] < 0 && m[4] < 0 && m[1] == 0 && m[3] == 0)
        return 180;
    if (m[0] == 0 && m[4] == 0 && m[1] < 0 && m[3] > 0)
        return 270;
    return 0;
}

static int read_tkhd(struct weir_mp4_track *t, const uint8_t *data, const struct weir_box *box,
                     struct weir_mp4_fault *fault)
{
    uint8_t version;
    uint32_t flags;
    struct weir_bytes b = weir_box_bytes(data, box, &version, &flags);
    read_version_times(&b, version);
    t->id = weir_bytes_u32(&b);
    weir_bytes_skip(&b, version == 1 ? 12 : 8); // reserved, duration
    weir_bytes_skip(&b, 16);                    // reserved, layer, group, volume
    t->rotation = matrix_rotation(&b);
    t->enabled = flags & 1;
    return b.failed ? short_box(fault, box) : 0;
}

// Like FFmpeg's demuxer, and unlike the full model of 8.6.6: an empty edit at the start delays, the
// first real edit names the media time that is presented first. Fragmented files in the wild carry
// no more than that.
static int read_elst(struct weir_mp4_track *t, const uint8_t *data, const struct weir_box *box,
                     struct weir_mp4_fault *fault)
{
    uint8_t version;
    struct weir_bytes b = weir_box_bytes(data, box, &version, NULL);
    uint32_t count = weir_bytes_u32(&b);
    for (uint32_t i = 0; i < count && i < 2; i++) {
        uint64_t duration = version == 1 ? weir_bytes_u64(&b) : weir_bytes_u32(&b);
        int64_t media_time =
            version == 1 ? (int64_t)weir_bytes_u64(&b) : (int32_t)weir_bytes_u32(&b);
        weir_bytes_skip(&b, 4); // rate
        if (b.failed)
            return short_box(fault, box);
        if (i == 0 && media_time == -1) {
            t->edit_empty = duration > INT64_MAX ? 0 : (int64_t)duration;
            continue;
        }
        t->edit_media_time = media_time > 0 ? media_time : 0;
        break;
    }
    return b.failed ? short_box(fault, box) : 0;
}

static int read_mdhd(struct weir_mp4_track *t, const uint8_t *data, const struct weir_box *box,
                     struct weir_mp4_fault *fault)
{
    uint8_t version;
    struct weir_bytes b = weir_box_bytes(data, box, &version, NULL);
    read_version_times(&b, version);
    t->timescale = weir_bytes_u32(&b);
    if (b.failed)
        return short_box(fault, box);
    if (t->timescale == 0 || t->timescale > INT32_MAX)
        return weir_mp4_fail(fault, WEIR_ERR_SYNTAX, box->type, box->start,
                             "a timescale of 0 or beyond 2^31");
    return 0;
}

static int read_hdlr(struct weir_mp4_track *t, const uint8_t *data, const struct weir_box *box,
                     struct weir_mp4_fault *fault)
{
    uint8_t version;
    struct weir_bytes b = weir_box_bytes(data, box, &version, NULL);
    weir_bytes_skip(&b, 4);
    uint32_t handler = weir_bytes_u32(&b);
    if (handler == WEIR_FOURCC('v', 'i', 'd', 'e'))
        t->kind = AVMEDIA_TYPE_VIDEO;
    else if (handler == WEIR_FOURCC('s', 'o', 'u', 'n'))
        t->kind = AVMEDIA_TYPE_AUDIO;
    return b.failed ? short_box(fault, box) : 0;
}

static int read_sample_count(struct weir_mp4_track *t, const uint8_t *data,
                             const struct weir_box *box, struct weir_mp4_fault *fault)
{
    uint8_t version;
    struct weir_bytes b = weir_box_bytes(data, box, &version, NULL);
    weir_bytes_skip(&b, 4);
    t->sample_count = weir_bytes_u32(&b);
    return b.failed ? short_box(fault, box) : 0;
}

// trak, edts, mdia, minf and stbl are walked by one function: their leaf boxes have names of their
// own.
static int visit_trak(void *ctx, const uint8_t *data, const struct weir_box *box,
                      struct weir_mp4_fault *fault)
{
    struct weir_mp4_track *t = ctx;
    switch (box->type) {
    case WEIR_FOURCC('t', 'k', 'h', 'd'):
        return read_tkhd(t, data, box, fault);
    case WEIR_FOURCC('e', 'l', 's', 't'):
        return read_elst(t, data, box, fault);
    case WEIR_FOURCC('m', 'd', 'h', 'd'):
        return read_mdhd(t, data, box, fault);
    case WEIR_FOURCC('h', 'd', 'l', 'r'):
        return read_hdlr(t, data, box, fault);
    case WEIR_FOURCC('s', 't', 's', 'z'):
    case WEIR_FOURCC('s', 't', 'z', '2'):
        return read_sample_count(t, data, box, fault);
    case WEIR_FOURCC('s', 't', 's', 'd'):
        t->stsd_body = box->body;
        t->stsd_end = box->end;
        return 0;
    default:
        return 0;
    }
}

// The containers on the way from trak to stbl, by level: a container counts only where the
// specification puts it.
static int walk_trak(struct weir_mp4_track *t, const uint8_t *data, const struct weir_box *parent,
                     int depth, struct weir_mp4_fault *fault)
{
    int err = each_child(data, parent, visit_trak, t, fault);
    if (err || depth >= WEIR_MP4_MAX_DEPTH)
        return err;
    size_t pos = parent->body;
    struct weir_box box;
    while (weir_box_child(data, &pos, parent->end, &box) == 0) {
        switch (box.type) {
        case WEIR_FOURCC('e', 'd', 't', 's'):
        case WEIR_FOURCC('m', 'd', 'i', 'a'):
        case WEIR_FOURCC('m', 'i', 'n', 'f'):
        case WEIR_FOURCC('s', 't', 'b', 'l'):
            err = walk_trak(t, data, &box, depth + 1, fault);
            if (err)
                return err;
            break;
        default:
            break;
        }
    }
    return 0;
}

static int read_trak(struct weir_mp4_init *init, const uint8_t *data, const struct weir_box *box,
                     struct weir_mp4_fault *fault)
{
    if (init->track_count == WEIR_MP4_MAX_TRACKS)
        return weir_mp4_fail(fault, WEIR_ERR_TOO_BIG, box->type, box->start, "more than 32 tracks");
    struct weir_mp4_track *t = &init->tracks[init->track_count];
    *t = (struct weir_mp4_track){.kind = AVMEDIA_TYPE_UNKNOWN, .default_description = 1};
    int err = walk_trak(t, data, box, 0, fault);
    if (err)
        return err;
    if (t->timescale == 0 || t->id == 0)
        return weir_mp4_fail(fault, WEIR_ERR_SYNTAX, box->type, box->start,
                             "no track id or timescale");
    init->track_count++;
    return 0;
}

static int read_mvhd(struct weir_mp4_init *init, const uint8_t *data, const struct weir_box *box,
                     struct weir_mp4_fault *fault)
{
    uint8_t version;
    struct weir_bytes b = weir_box_bytes(data, box, &version, NULL);
    read_version_times(&b, version);
    init->movie_timescale = weir_bytes_u32(&b);
    return b.failed ? short_box(fault, box) : 0;
}

static int visit_mvex(void *ctx, const uint8_t *data, const struct weir_box *box,
                      struct weir_mp4_fault *fault)
{
    struct weir_mp4_init *init = ctx;
    if (box->type != WEIR_FOURCC('t', 'r', 'e', 'x'))
        return 0;
    uint8_t version;
    struct weir_bytes b = weir_box_bytes(data, box, &version, NULL);
    uint32_t id = weir_bytes_u32(&b);
    uint32_t fields[4];
    for (int i = 0; i < 4; i++)
        fields[i] = weir_bytes_u32(&b);
    if (b.failed)
        return short_box(fault, box);
    for (size_t i = 0; i < init->track_count; i++) {
        struct weir_mp4_track *t = &init->tracks[i];
        if (t->id != id)
            continue;
        t->default_description = fields[0];
        t->default_duration = fields[1];
        t->default_size_bytes = fields[2];
        t->default_flags = fields[3];
    }
    return 0;
}

static int visit_moov(void *ctx, const uint8_t *data, const struct weir_box *box,
                      struct weir_mp4_fault *fault)
{
    struct weir_mp4_init *init = ctx;
    if (box->type == WEIR_FOURCC('m', 'v', 'h', 'd'))
        return read_mvhd(init, data, box, fault);
    if (box->type == WEIR_FOURCC('t', 'r', 'a', 'k'))
        return read_trak(init, data, box, fault);
    return 0;
}

static void apply_edits(struct weir_mp4_init *init)
{
    for (size_t i = 0; i < init->track_count; i++) {
        struct weir_mp4_track *t = &init->tracks[i];
        int64_t empty = 0;
        if (init->movie_timescale > 0)
            empty = weir_rescale(t->edit_empty, t->timescale, init->movie_timescale);
        t->time_offset = weir_add_sat(t->edit_media_time, -empty);
    }
}

int weir_mp4_init_parse(const uint8_t *data, const struct weir_box *moov, struct weir_mp4_init *out,
                        struct weir_mp4_fault *fault)
{
    memset(out, 0, sizeof(*out));
    int err = each_child(data, moov, visit_moov, out, fault);
    if (err)
        return err;
    bool listed = false;
    for (size_t i = 0; i < out->track_count; i++)
        listed |= out->tracks[i].sample_count > 0;
    // mvex may stand before the tracks it speaks of, hence a second pass.
    size_t pos = moov->body;
    struct weir_box box;
    while (weir_box_child(data, &pos, moov->end, &box) == 0) {
        if (box.type != WEIR_FOURCC('m', 'v', 'e', 'x'))
            continue;
        out->fragmented = !listed;
        err = each_child(data, &box, visit_mvex, out, fault);
        if (err)
            return err;
    }
    apply_edits(out);
    return 0;
}

const struct weir_mp4_track *weir_mp4_init_track(const struct weir_mp4_init *init,
                                                 enum AVMediaType kind, int choice)
{
    const struct weir_mp4_track *first = NULL;
    int seen = 0;
    for (size_t i = 0; i < init->track_count; i++) {
        const struct weir_mp4_track *t = &init->tracks[i];
        if (t->kind != kind)
            continue;
        if (choice > 0 && seen == choice)
            return t;
        if (choice <= 0 && t->enabled)
            return t;
        if (!first)
            first = t;
        seen++;
    }
    return choice <= 0 ? first : NULL;
}
