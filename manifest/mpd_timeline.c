// manifest/mpd_timeline.c — SegmentTimeline: S elements into runs (ISO/IEC 23009-1, 5.3.9.6).
// Repeats are counted, never expanded, so that <S d="1" r="1000000000"/> costs one run.
#include <string.h>

#include "manifest/mpd.h"

struct builder {
    struct weir_mpd *m;
    struct weir_run *runs;
    size_t count, room;
    int64_t end_ticks; // where r="-1" stops; NONE: open
    int64_t next_ticks, next_number;
    bool overlapped;
};

// An unsigned attribute within what timelines are allowed; `fallback` when absent.
static bool read_ticks(const xmlNode *s, const char *name, int64_t fallback, int64_t *out)
{
    const char *text = weir_xml_attr(s, name);
    *out = fallback;
    if (!text)
        return true;
    return weir_parse_int64(text, out) && *out <= WEIR_MAX_TICKS && *out >= -WEIR_MAX_TICKS;
}

static int64_t last_start(const struct weir_run *r)
{
    return r->start_ticks + (r->count - 1) * r->duration_ticks;
}

// A run begins at `t` before the one before it ends: keep the later start, cut the earlier run.
static void cut_back(struct builder *b, int64_t t)
{
    while (b->count) {
        struct weir_run *r = &b->runs[b->count - 1];
        if (last_start(r) + r->last_ticks <= t)
            return;
        b->overlapped = true;
        if (r->start_ticks >= t) {
            b->count--;
            continue;
        }
        r->count = (t - 1 - r->start_ticks) / r->duration_ticks + 1;
        int64_t left = t - last_start(r);
        r->last_ticks = left < r->duration_ticks ? left : r->duration_ticks;
        return;
    }
}

// How many segments r="-1" stands for up to `end`, the last one shorter; 0 when none fits.
static int64_t fill_up(int64_t t, int64_t d, int64_t end, int64_t *last)
{
    *last = d;
    if (end <= t)
        return 0;
    int64_t count = (end - t - 1) / d + 1;
    *last = end - (t + (count - 1) * d);
    // A remainder under a thousandth of a segment is a rounding of the period's end, not a segment.
    if (count > 1 && *last < d / 1000) {
        count--;
        *last = d;
    }
    return count;
}

// The start of the next S that says one; NONE when the next one does not or there is none.
static int64_t next_start(const xmlNode *s, bool *is_last)
{
    const xmlNode *next = weir_xml_next(s, "S");
    int64_t t;
    *is_last = !next;
    if (!next || !read_ticks(next, "t", WEIR_TIME_NONE, &t))
        return WEIR_TIME_NONE;
    return t;
}

static int64_t repeats(struct builder *b, const xmlNode *s, int64_t t, int64_t d, int64_t r,
                       int64_t *last)
{
    bool is_last;
    *last = d;
    if (r >= 0)
        return r + 1;
    int64_t end = next_start(s, &is_last);
    if (is_last)
        end = b->end_ticks;
    if (end != WEIR_TIME_NONE)
        return fill_up(t, d, end, last);
    weir_presentation_warn(b->m->p, "line %ld: S@r=\"-1\" has nothing to reach up to: taken as 0",
                           weir_xml_line(s));
    return 1;
}

static bool add_run(struct builder *b, const xmlNode *s)
{
    int64_t t, d, r, n, k, last;
    bool ok = read_ticks(s, "t", b->next_ticks, &t) && read_ticks(s, "d", 0, &d) &&
              read_ticks(s, "r", 0, &r) && read_ticks(s, "n", b->next_number, &n) &&
              read_ticks(s, "k", 1, &k);
    if (!ok || t < 0 || d <= 0) {
        weir_presentation_warn(b->m->p, "line %ld: an S element without a usable time and duration",
                               weir_xml_line(s));
        return false;
    }
    if (weir_xml_attr(s, "p") || k > 1) {
        weir_presentation_warn(b->m->p, "line %ld: segments in parts (S@k, S@p) are not supported",
                               weir_xml_line(s));
        return false;
    }
    cut_back(b, t);
    int64_t count = repeats(b, s, t, d, r, &last);
    if (count <= 0)
        return true;
    if (count > (WEIR_MAX_TICKS - t) / d || count > WEIR_MAX_SEGMENTS) {
        count = (WEIR_MAX_TICKS - t) / d;
        count = count < WEIR_MAX_SEGMENTS ? count : WEIR_MAX_SEGMENTS;
        last = d;
        weir_presentation_warn(b->m->p, "line %ld: S@r is beyond any timeline: cut",
                               weir_xml_line(s));
        if (count <= 0)
            return true;
    }
    b->runs[b->count++] = (struct weir_run){
        .start_ticks = t, .duration_ticks = d, .count = count, .last_ticks = last, .number = n};
    b->next_ticks = t + (count - 1) * d + last;
    b->next_number = weir_add_sat(n, count);
    return true;
}

bool weir_mpd_timeline(struct weir_mpd *m, const xmlNode *timeline, int64_t start_number,
                       int64_t end_ticks, struct weir_segment_index *x)
{
    size_t room = weir_xml_count(timeline, "S");
    if (room > WEIR_MAX_RUNS) {
        weir_presentation_warn(m->p, "line %ld: more than %d S elements", weir_xml_line(timeline),
                               WEIR_MAX_RUNS);
        return false;
    }
    struct builder b = {.m = m, .room = room, .end_ticks = end_ticks, .next_number = start_number};
    b.runs = weir_mpd_array(m, room, sizeof(*b.runs));
    if (!b.runs)
        return false;
    for (const xmlNode *s = weir_xml_child(timeline, "S"); s; s = weir_xml_next(s, "S")) {
        if (!add_run(&b, s))
            return false;
    }
    if (b.overlapped)
        weir_presentation_warn(m->p, "line %ld: segments overlap: the earlier ones are cut",
                               weir_xml_line(timeline));
    int64_t total = 0;
    for (size_t i = 0; i < b.count; i++) {
        b.runs[i].first_index = total;
        total = weir_add_sat(total, b.runs[i].count);
    }
    x->timing = WEIR_TIMING_RUNS;
    x->runs = b.runs;
    x->run_count = b.count;
    x->count = total < WEIR_MAX_SEGMENTS ? total : WEIR_MAX_SEGMENTS;
    return true;
}
