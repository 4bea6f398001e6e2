// demux/mp4_fragment.c — see mp4_fragment.h. Three nested cursors: top-level boxes, trafs of a
// moof, samples of a trun. Every step consumes table bytes or boxes, so hostile input ends in time
// linear in its size.
#include "demux/mp4_fragment.h"

#include "core/rational.h"
#include "core/segment.h"

#define MAX_SAMPLES_PER_MOOF                                                                       \
    (1U << 20) // far above any real one; bounds runs whose samples take no table bytes
#define MAX_MOOF_BYTES (64U << 20)

#define TFHD_BASE_DATA_OFFSET 0x000001U
#define TFHD_DESCRIPTION      0x000002U
#define TFHD_DURATION         0x000008U
#define TFHD_SIZE             0x000010U
#define TFHD_FLAGS            0x000020U
#define TFHD_BASE_IS_MOOF     0x020000U

#define TRUN_DATA_OFFSET 0x000001U
#define TRUN_FIRST_FLAGS 0x000004U
#define TRUN_DURATION    0x000100U
#define TRUN_SIZE        0x000200U
#define TRUN_FLAGS       0x000400U
#define TRUN_CTS         0x000800U

#define SAMPLE_NON_SYNC    0x00010000U
#define SAMPLE_DEPENDS_YES 0x01000000U

void weir_mp4_reader_start(struct weir_mp4_reader *r, const struct weir_mp4_track *track,
                           size_t pos, int64_t missing_tfdt_dts)
{
    *r = (struct weir_mp4_reader){.track = track, .pos = pos, .missing_tfdt_dts = missing_tfdt_dts};
}

static int fail(struct weir_mp4_fault *fault, uint32_t type, size_t at, const char *what)
{
    return weir_mp4_fail(fault, WEIR_ERR_SYNTAX, type, at, what);
}

// base + a signed offset, or SIZE_MAX when that lies outside any segment.
static size_t offset_from(size_t base, int64_t delta)
{
    size_t magnitude = delta < 0 ? (size_t)(-(delta + 1)) + 1 : (size_t)delta;
    if (delta < 0)
        return magnitude <= base ? base - magnitude : SIZE_MAX;
    return magnitude < SIZE_MAX - base ? base + magnitude : SIZE_MAX;
}

static void leave_moof(struct weir_mp4_reader *r)
{
    r->moof_end = r->traf_end = 0;
    r->samples_left = 0;
    r->pending = false;
}

void weir_mp4_reader_skip_fragment(struct weir_mp4_reader *r)
{
    leave_moof(r);
}

// --- trun ---

static int enter_trun(struct weir_mp4_reader *r, const uint8_t *data, const struct weir_box *box,
                      struct weir_mp4_fault *fault)
{
    struct weir_bytes b = weir_box_bytes(data, box, &r->trun_version, &r->trun_flags);
    uint32_t count = weir_bytes_u32(&b);
    size_t start = r->data_end;
    if (r->trun_flags & TRUN_DATA_OFFSET)
        start = offset_from(r->base, (int32_t)weir_bytes_u32(&b));
    else if (r->first_run)
        start = r->base;
    r->first_sample_flags = r->trun_flags & TRUN_FIRST_FLAGS ? weir_bytes_u32(&b) : 0;
    if (b.failed)
        return fail(fault, box->type, box->start, "the box is too short for its fields");
    if (count > MAX_SAMPLES_PER_MOOF - r->moof_samples)
        return fail(fault, box->type, box->start, "more than 2^20 samples in a fragment");
    r->moof_samples += count;
    if (count > 0 && !(r->trun_flags & TRUN_SIZE) && r->default_size_bytes == 0)
        return fail(fault, box->type, box->start, "samples without a size");
    size_t row = 0;
    for (uint32_t f = TRUN_DURATION; f <= TRUN_CTS; f <<= 1)
        row += r->trun_flags & f ? 4 : 0;
    if (row > 0 && (b.end - b.pos) / row < count)
        return fail(fault, box->type, box->start, "the sample table is longer than the box");
    if (start == SIZE_MAX)
        return fail(fault, box->type, box->start, "a data offset outside the segment");
    r->table = b;
    r->trun_start = box->start;
    r->samples_left = count;
    r->first_sample = true;
    r->first_run = false;
    r->data_pos = start;
    r->data_end = start;
    return 0;
}

// Take one row off the table. Audio samples are all entry points, whatever their flags say.
static int take_sample(struct weir_mp4_reader *r, struct weir_mp4_sample *out,
                       struct weir_mp4_fault *fault)
{
    uint32_t duration =
        r->trun_flags & TRUN_DURATION ? weir_bytes_u32(&r->table) : r->default_duration;
    uint32_t size = r->trun_flags & TRUN_SIZE ? weir_bytes_u32(&r->table) : r->default_size_bytes;
    uint32_t flags = r->default_flags;
    if (r->trun_flags & TRUN_FLAGS)
        flags = weir_bytes_u32(&r->table);
    else if (r->first_sample && (r->trun_flags & TRUN_FIRST_FLAGS))
        flags = r->first_sample_flags;
    // Version 0 offsets are unsigned by the letter, but negative ones are written into them as
    // well.
    int64_t cts = r->trun_flags & TRUN_CTS ? (int32_t)weir_bytes_u32(&r->table) : 0;
    r->first_sample = false;
    r->samples_left--;
    if (r->table.failed || size > SIZE_MAX - 1 - WEIR_SEGMENT_PADDING_BYTES - r->data_pos ||
        size > INT32_MAX)
        return fail(fault, WEIR_FOURCC('t', 'r', 'u', 'n'), r->trun_start,
                    "a sample outside the segment");
    int64_t dts = weir_add_sat(r->dts, -r->track->time_offset);
    *out = (struct weir_mp4_sample){
        .offset = r->data_pos,
        .size_bytes = size,
        .dts = dts,
        .pts = weir_add_sat(dts, cts),
        .duration = duration,
        .key = r->track->kind == AVMEDIA_TYPE_AUDIO ||
               !(flags & (SAMPLE_NON_SYNC | SAMPLE_DEPENDS_YES)),
        .description = r->description,
    };
    r->data_pos += size;
    r->data_end = r->data_pos;
    r->dts = weir_add_sat(r->dts, duration);
    return 0;
}

// --- traf ---

static int read_tfhd(struct weir_mp4_reader *r, const uint8_t *data, const struct weir_box *box,
                     uint32_t *id, struct weir_mp4_fault *fault)
{
    const struct weir_mp4_track *t = r->track;
    uint8_t version;
    uint32_t flags;
    struct weir_bytes b = weir_box_bytes(data, box, &version, &flags);
    *id = weir_bytes_u32(&b);
    uint64_t base = flags & TFHD_BASE_DATA_OFFSET ? weir_bytes_u64(&b) : 0;
    r->description = flags & TFHD_DESCRIPTION ? weir_bytes_u32(&b) : t->default_description;
    r->default_duration = flags & TFHD_DURATION ? weir_bytes_u32(&b) : t->default_duration;
    r->default_size_bytes = flags & TFHD_SIZE ? weir_bytes_u32(&b) : t->default_size_bytes;
    r->default_flags = flags & TFHD_FLAGS ? weir_bytes_u32(&b) : t->default_flags;
    if (b.failed)
        return fail(fault, box->type, box->start, "the box is too short for its fields");
    // Without either flag, the first traf counts from the moof and later ones from where the data
    // of the one before end (8.8.7.1). An absolute base counts from the start of the file, which
    // the segment may be a part of only: one that points outside it is taken for the moof, as there
    // is nothing else it could be.
    if (flags & TFHD_BASE_DATA_OFFSET && base < SIZE_MAX / 2 && base >= r->moof_start)
        r->base = (size_t)base;
    else if (flags & (TFHD_BASE_IS_MOOF | TFHD_BASE_DATA_OFFSET) || r->traf_count == 0)
        r->base = r->moof_start;
    else
        r->base = r->data_end;
    r->first_run = true;
    return 0;
}

static void read_tfdt(struct weir_mp4_reader *r, const uint8_t *data, const struct weir_box *box)
{
    uint8_t version;
    struct weir_bytes b = weir_box_bytes(data, box, &version, NULL);
    uint64_t time = version == 1 ? weir_bytes_u64(&b) : weir_bytes_u32(&b);
    if (b.failed)
        return;
    r->dts = time > INT64_MAX ? INT64_MAX : (int64_t)time;
    r->dts_known = true;
}

// Pass over another track's traf, only to learn where its data end.
static int skip_foreign_traf(struct weir_mp4_reader *r, const uint8_t *data,
                             const struct weir_box *traf, struct weir_mp4_fault *fault)
{
    struct weir_mp4_reader other = *r; // the run bookkeeping of a traf is the same for any track
    size_t pos = traf->body;
    struct weir_box box;
    while (weir_box_child(data, &pos, traf->end, &box) == 0) {
        if (box.type != WEIR_FOURCC('t', 'r', 'u', 'n'))
            continue;
        int err = enter_trun(&other, data, &box, fault);
        struct weir_mp4_sample unused;
        while (!err && other.samples_left > 0)
            err = take_sample(&other, &unused, fault);
        if (err)
            return err;
    }
    r->data_end = other.data_end;
    r->moof_samples = other.moof_samples;
    return 0;
}

// 0: entered; AGAIN never (a moof is whole); END: another track's.
static int enter_traf(struct weir_mp4_reader *r, const uint8_t *data, const struct weir_box *traf,
                      struct weir_mp4_fault *fault)
{
    size_t pos = traf->body;
    struct weir_box box, tfhd = {0};
    bool found = false;
    for (;;) {
        int err = weir_box_child(data, &pos, traf->end, &box);
        if (err == WEIR_ERR_END)
            break;
        if (err)
            return fail(fault, traf->type, pos, "a box inside has a size that does not fit");
        if (box.type == WEIR_FOURCC('t', 'f', 'h', 'd') && !found) {
            tfhd = box;
            found = true;
        }
    }
    if (!found)
        return fail(fault, traf->type, traf->start, "no tfhd inside");
    uint32_t id = 0;
    int err = read_tfhd(r, data, &tfhd, &id, fault);
    r->traf_count++;
    if (err)
        return err;
    if (id != r->track->id) {
        err = skip_foreign_traf(r, data, traf, fault);
        return err ? err : WEIR_ERR_END;
    }
    bool told = false;
    pos = traf->body;
    while (weir_box_child(data, &pos, traf->end, &box) == 0) {
        if (box.type != WEIR_FOURCC('t', 'f', 'd', 't'))
            continue;
        read_tfdt(r, data, &box);
        told = true;
    }
    if (!told && !r->dts_known) {
        r->dts = r->missing_tfdt_dts;
        r->dts_known = true;
    }
    r->traf_pos = traf->body;
    r->traf_end = traf->end;
    return 0;
}

// --- the walk ---

// Onto the next run of our traf: 0 with samples_left, or END.
static int next_run(struct weir_mp4_reader *r, const uint8_t *data, struct weir_mp4_fault *fault)
{
    struct weir_box box;
    while (weir_box_child(data, &r->traf_pos, r->traf_end, &box) == 0) {
        if (box.type != WEIR_FOURCC('t', 'r', 'u', 'n'))
            continue;
        int err = enter_trun(r, data, &box, fault);
        if (err || r->samples_left > 0)
            return err;
    }
    r->traf_end = 0;
    return WEIR_ERR_END;
}

// Onto the next traf of our track in this moof: 0 or END.
static int next_traf(struct weir_mp4_reader *r, const uint8_t *data, struct weir_mp4_fault *fault)
{
    struct weir_box box;
    for (;;) {
        int err = weir_box_child(data, &r->moof_pos, r->moof_end, &box);
        if (err == WEIR_ERR_END) {
            r->moof_end = 0;
            return err;
        }
        if (err)
            return fail(fault, WEIR_FOURCC('m', 'o', 'o', 'f'), r->moof_pos,
                        "a box inside has a size that does not fit");
        if (box.type != WEIR_FOURCC('t', 'r', 'a', 'f'))
            continue;
        err = enter_traf(r, data, &box, fault);
        if (err != WEIR_ERR_END)
            return err;
    }
}

static int broken_box(struct weir_mp4_reader *r, const struct weir_window *w, size_t at,
                      struct weir_mp4_fault *fault)
{
    uint32_t type = 0;
    if (at < w->size_bytes && w->size_bytes - at >= 8) {
        struct weir_bytes b = weir_bytes_make(w->data, at + 4, w->size_bytes);
        type = weir_bytes_u32(&b);
    }
    r->ended = true; // without a size there is no telling where the next box begins
    return fail(fault, type, at, "the segment ends inside this box, or its size makes no sense");
}

// Onto the next moof: 0, END, AGAIN or SYNTAX.
static int next_moof(struct weir_mp4_reader *r, const struct weir_window *w, size_t *need_bytes,
                     struct weir_mp4_fault *fault)
{
    for (;;) {
        struct weir_box box;
        int err = weir_box_read(w, r->pos, SIZE_MAX, &box, need_bytes);
        if (err == WEIR_ERR_SYNTAX)
            return broken_box(r, w, r->pos, fault);
        if (err)
            return err;
        if (box.type == WEIR_FOURCC('m', 'o', 'o', 'f')) {
            if (box.end - box.start > MAX_MOOF_BYTES) {
                r->ended = true;
                return fail(fault, box.type, box.start, "larger than 64 MiB");
            }
            err = weir_box_wait(w, &box, need_bytes);
            if (err == WEIR_ERR_SYNTAX)
                return broken_box(r, w, box.start, fault);
            if (err)
                return err;
            r->pos = box.end;
            r->moof_start = box.start;
            r->moof_pos = box.body;
            r->moof_end = box.end;
            r->data_end = box.start;
            r->traf_count = 0;
            r->moof_samples = 0;
            return 0;
        }
        // Anything else is stepped over as soon as it is known not to matter: styp, sidx, emsg,
        // prft, free, mdat …
        if (box.end > w->size_bytes) {
            if (w->complete && box.end == SIZE_MAX) {
                r->pos = w->size_bytes;
                continue;
            }
            if (w->complete)
                return broken_box(r, w, box.start, fault);
            *need_bytes = box.end == SIZE_MAX ? w->size_bytes + 1 : box.end;
            return WEIR_ERR_AGAIN;
        }
        r->pos = box.end;
    }
}

int weir_mp4_reader_peek(struct weir_mp4_reader *r, const struct weir_window *w,
                         struct weir_mp4_sample *out, size_t *need_bytes,
                         struct weir_mp4_fault *fault)
{
    while (!r->pending) {
        if (r->ended)
            return WEIR_ERR_END;
        int err = 0;
        if (r->samples_left > 0) {
            err = take_sample(r, &r->sample, fault);
            // A packet without bytes would tell a decoder that the stream is over.
            r->pending = !err && r->sample.size_bytes > 0;
        } else if (r->traf_end) {
            err = next_run(r, w->data, fault);
        } else if (r->moof_end) {
            err = next_traf(r, w->data, fault);
        } else {
            err = next_moof(r, w, need_bytes, fault);
            if (err == WEIR_ERR_END)
                r->ended = true;
            if (err)
                return err;
        }
        if (err == WEIR_ERR_SYNTAX) {
            leave_moof(r);
            return err;
        }
    }
    *out = r->sample;
    return 0;
}

int weir_mp4_reader_next(struct weir_mp4_reader *r, const struct weir_window *w,
                         struct weir_mp4_sample *out, size_t *need_bytes,
                         struct weir_mp4_fault *fault)
{
    int err = weir_mp4_reader_peek(r, w, out, need_bytes, fault);
    if (err)
        return err;
    size_t end = out->offset + out->size_bytes; // no overflow: take_sample() saw to it
    if (end <= w->size_bytes &&
        (w->complete || w->size_bytes - end >= WEIR_SEGMENT_PADDING_BYTES)) {
        r->pending = false;
        return 0;
    }
    if (!w->complete) {
        *need_bytes = end + WEIR_SEGMENT_PADDING_BYTES;
        return WEIR_ERR_AGAIN;
    }
    leave_moof(r);
    return fail(fault, WEIR_FOURCC('t', 'r', 'u', 'n'), r->trun_start,
                "a sample lies beyond the end of the segment");
}
