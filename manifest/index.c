// manifest/index.c — the segment index: which segments a representation has, when, and where.
// Computed from its description on every call: a day-long window costs no more memory than its
// manifest. Nothing here allocates.
#include <string.h>

#include "manifest/internal.h"
#include "manifest/template.h"

// What tells a segment apart before it is turned into presentation time.
struct place {
    int64_t raw; // index before `skip`
    int64_t number;
    int64_t ticks; // media time; meaningless for entries
    int64_t start_us, duration_us;
};

// The run that holds raw index i: the last one that begins at or before it.
static const struct weir_run *run_of(const struct weir_segment_index *x, int64_t i)
{
    size_t lo = 0, hi = x->run_count;
    while (hi - lo > 1) {
        size_t mid = lo + (hi - lo) / 2;
        if (x->runs[mid].first_index <= i)
            lo = mid;
        else
            hi = mid;
    }
    return &x->runs[lo];
}

// Ticks from the period's start to microseconds on the presentation timeline.
static int64_t period_us(const struct weir_segment_index *x, int64_t ticks)
{
    return weir_add_sat(x->period_start_us, weir_ticks_to_us(ticks, x->timescale));
}

static int64_t period_length_us(const struct weir_segment_index *x)
{
    return x->period_end_us == WEIR_TIME_NONE ? WEIR_TIME_NONE
                                              : x->period_end_us - x->period_start_us;
}

// Both borders are rounded from exact ticks, so that neighbours meet and nothing drifts.
static void place_ticks(const struct weir_segment_index *x, int64_t ticks, int64_t length,
                        struct place *p)
{
    p->start_us = period_us(x, ticks);
    p->duration_us = weir_add_sat(period_us(x, ticks + length), -p->start_us);
}

static void place_of(const struct weir_segment_index *x, int64_t raw, struct place *p)
{
    *p = (struct place){.raw = raw, .number = x->start_number < 0 ? -1 : x->start_number + raw};
    switch (x->timing) {
    case WEIR_TIMING_SINGLE:
        p->start_us = x->period_start_us;
        p->duration_us = period_length_us(x);
        break;
    case WEIR_TIMING_DURATION:
        // Not moved by presentationTimeOffset: segment k starts k durations into the period
        // (5.3.9.6).
        place_ticks(x, raw * x->duration_ticks, x->duration_ticks, p);
        p->ticks = raw * x->duration_ticks + x->offset_ticks;
        if (x->period_end_us != WEIR_TIME_NONE && p->start_us < x->period_end_us &&
            weir_add_sat(p->start_us, p->duration_us) > x->period_end_us)
            p->duration_us = x->period_end_us - p->start_us; // the last one is short
        break;
    case WEIR_TIMING_RUNS: {
        const struct weir_run *r = run_of(x, raw);
        int64_t k = raw - r->first_index;
        p->ticks = r->start_ticks + k * r->duration_ticks;
        p->number = x->start_number < 0 ? -1 : r->number + k;
        place_ticks(x, p->ticks - x->offset_ticks,
                    k + 1 == r->count ? r->last_ticks : r->duration_ticks, p);
        break;
    }
    case WEIR_TIMING_ENTRIES:
        p->start_us = x->entries[raw].start_us;
        p->duration_us = x->entries[raw].duration_us;
        break;
    case WEIR_TIMING_TABLE:
        p->start_us = x->table_starts_us[raw];
        p->duration_us = x->table_starts_us[raw + 1] - p->start_us;
        break;
    }
}

int64_t weir_index_count(const struct weir_representation *r)
{
    return r->index ? r->index->count : 0;
}

static int64_t size_of_range(struct weir_byte_range range)
{
    return range.first >= 0 && range.last >= range.first ? range.last - range.first + 1 : -1;
}

static void fill_playlist(const struct weir_playlist_entry *e, struct weir_segment_info *out)
{
    out->init = e->init;
    out->key = e->key;
    out->discontinuity = e->discontinuity;
    out->discontinuity_sequence = e->discontinuity_sequence;
    out->gap = e->gap;
    if (out->size_bytes < 0)
        out->size_bytes = e->size_bytes;
}

// Simulations ask for millions: each member once, because clearing all of them first would take
// longer than the rest.
static void fill_from_table(const struct weir_segment_index *x, int64_t i,
                            struct weir_segment_info *out)
{
    out->start_us = x->table_starts_us[i];
    out->duration_us = x->table_starts_us[i + 1] - out->start_us;
    out->number = i;
    out->range = WEIR_RANGE_ALL;
    out->size_bytes = x->table_sizes_bytes[i * x->table_stride];
    out->init = x->init;
    out->key = NULL;
    out->discontinuity_sequence = 0;
    out->discontinuity = out->gap = out->timing_exact = false;
    out->independent = true;
    out->origin_us = out->offset_ticks = 0;
    out->offset_timescale = 1;
    out->clip_start_us = out->clip_end_us = WEIR_TIME_NONE;
}

int weir_index_segment(const struct weir_representation *r, int64_t i,
                       struct weir_segment_info *out)
{
    const struct weir_segment_index *x = r->index;
    struct place p;
    if (!x || i < 0 || i >= x->count)
        return WEIR_ERR_END;
    if (x->timing == WEIR_TIMING_TABLE) {
        fill_from_table(x, i, out);
        return 0;
    }
    place_of(x, i + x->skip, &p);
    *out = (struct weir_segment_info){
        .start_us = p.start_us,
        .duration_us = p.duration_us,
        .number = p.number,
        .range = x->entries ? x->entries[p.raw].range : WEIR_RANGE_ALL,
        .init = x->init,
        .independent = x->independent,
        .timing_exact = x->timing_exact,
        .origin_us = x->period_start_us,
        .offset_ticks = x->offset_ticks,
        .offset_timescale = x->timescale,
        .clip_start_us = x->timing_exact ? x->period_start_us : WEIR_TIME_NONE,
        .clip_end_us = x->timing_exact ? x->period_end_us : WEIR_TIME_NONE,
    };
    out->size_bytes = size_of_range(out->range);
    if (x->playlist)
        fill_playlist(&x->playlist[p.raw], out);
    return 0;
}

// Whether segment i ends after time_us.
static bool ends_after(const struct weir_segment_index *x, int64_t i, int64_t time_us)
{
    struct place p;
    place_of(x, i + x->skip, &p);
    return p.duration_us == WEIR_TIME_NONE || weir_add_sat(p.start_us, p.duration_us) > time_us;
}

int64_t weir_index_find(const struct weir_representation *r, int64_t time_us)
{
    const struct weir_segment_index *x = r->index;
    int64_t lo = 0, hi = x ? x->count : 0;
    // Ends rise with the index, gaps and all; twenty to fifty steps at most.
    while (lo < hi) {
        int64_t mid = lo + (hi - lo) / 2;
        if (ends_after(x, mid, time_us))
            hi = mid;
        else
            lo = mid + 1;
    }
    return x && lo < x->count ? lo : -1;
}

void weir_index_clip(struct weir_segment_index *x)
{
    struct weir_representation probe = {.index = x};
    int64_t first = weir_index_find(&probe, x->period_start_us), lo, hi = x->count;
    struct place p;
    if (first < 0)
        first = x->count;
    lo = first;
    while (x->period_end_us != WEIR_TIME_NONE && lo < hi) {
        int64_t mid = lo + (hi - lo) / 2;
        place_of(x, mid, &p);
        if (p.start_us < x->period_end_us)
            lo = mid + 1;
        else
            hi = mid;
    }
    x->skip = first;
    x->count = hi - first;
}

static int resolve(const struct weir_source *src, size_t base, const char *ref, char *out,
                   size_t room)
{
    if (!src || base >= src->base_count)
        return WEIR_ERR_END;
    return weir_url_resolve(src->bases[base], ref, out, room);
}

int weir_index_url(const struct weir_representation *r, int64_t i, size_t base, char *out,
                   size_t out_size_bytes)
{
    const struct weir_segment_index *x = r->index;
    char ref[WEIR_URL_MAX_BYTES];
    struct place p;
    if (!x || i < 0 || i >= x->count)
        return WEIR_ERR_END;
    int64_t raw = i + x->skip;
    if (!x->template_text)
        return resolve(r->parser, base, x->entries ? x->entries[raw].url : NULL, out,
                       out_size_bytes);
    place_of(x, raw, &p);
    struct weir_template_values v = {x->representation_id, p.number, p.ticks, x->bandwidth_bps};
    if (weir_template_format(x->template_text, &v, ref, sizeof(ref)) < 0)
        return WEIR_ERR_TOO_BIG;
    return resolve(r->parser, base, ref, out, out_size_bytes);
}

int weir_init_url(const struct weir_representation *r, const struct weir_init *init, size_t base,
                  char *out, size_t out_size_bytes)
{
    return resolve(r->parser, base, init ? init->reference : NULL, out, out_size_bytes);
}

int weir_index_source_url(const struct weir_representation *r, size_t base, char *out,
                          size_t out_size_bytes)
{
    const struct weir_source *src = r->parser;
    if (!src || base >= src->base_count)
        return WEIR_ERR_END;
    if (src->playlist_urls)
        return weir_url_resolve(NULL, src->playlist_urls[base], out, out_size_bytes);
    return weir_url_resolve(src->bases[base], src->index_reference, out, out_size_bytes);
}
