// manifest/table.c — a presentation whose segments come from tables of starts and sizes: what the
// model host plays. The tables are borrowed; nothing has a URL.
#include "manifest/internal.h"

static const struct weir_init *new_init(struct weir_presentation *p)
{
    struct weir_init *init = weir_arena_alloc(&p->arena, sizeof(*init));
    if (init)
        *init = (struct weir_init){.url = p->url, .range = WEIR_RANGE_ALL};
    return init;
}

static int fill_representation(struct weir_presentation *p, const struct weir_table_track *t,
                               size_t rung, struct weir_representation *r)
{
    struct weir_segment_index *x = weir_arena_alloc(&p->arena, sizeof(*x));
    const struct weir_init *init = t->has_init ? new_init(p) : NULL;
    const char **names = weir_arena_array(&p->arena, 1, sizeof(*names));
    if (!x || !names || (t->has_init && !init))
        return WEIR_ERR_NOMEM;
    *x = (struct weir_segment_index){
        .timing = WEIR_TIMING_TABLE,
        .table_starts_us = t->starts_us,
        .table_sizes_bytes = t->sizes_bytes + rung,
        .table_stride = (int64_t)t->rung_count,
        .init = init,
        .count = t->segment_count,
        .start_number = 0,
        .timescale = 1,
        .period_start_us = t->starts_us[0],
        .period_end_us = t->starts_us[t->segment_count],
        .independent = true,
    };
    *r = (struct weir_representation){
        .id = "",
        .bandwidth_bps = t->bitrates_bps[rung],
        .muxed = WEIR_MUXED_NO,
        .init = init,
        .index_need = t->has_index ? WEIR_INDEX_SIDX : WEIR_INDEX_READY,
        .index_url = p->url,
        .index_range = WEIR_RANGE_ALL,
        .base_count = 1,
        .service_locations = names,
        .index = x,
    };
    return 0;
}

static int fill_track(struct weir_presentation *p, const struct weir_table_track *t,
                      struct weir_track *out)
{
    struct weir_representation *r =
        weir_arena_array(&p->arena, t->rung_count, sizeof(*out->representations));
    if (!r)
        return WEIR_ERR_NOMEM;
    for (size_t i = 0; i < t->rung_count; i++) {
        int err = fill_representation(p, t, i, &r[i]);
        if (err)
            return err;
    }
    *out = (struct weir_track){.type = t->type,
                               .id = "0",
                               .representations = r,
                               .representation_count = t->rung_count,
                               .is_default = true};
    return 0;
}

static int fill(struct weir_presentation *p, const struct weir_table_track *tracks, size_t count)
{
    struct weir_period *period = weir_arena_alloc(&p->arena, sizeof(*period));
    struct weir_track *t = weir_arena_array(&p->arena, count, sizeof(*t));
    if (!period || !t)
        return WEIR_ERR_NOMEM;
    int64_t end_us = 0;
    for (size_t i = 0; i < count; i++) {
        int err = fill_track(p, &tracks[i], &t[i]);
        if (err)
            return err;
        int64_t track_end_us = tracks[i].starts_us[tracks[i].segment_count];
        end_us = track_end_us > end_us ? track_end_us : end_us;
    }
    *period =
        (struct weir_period){.id = "0", .duration_us = end_us, .tracks = t, .track_count = count};
    p->duration_us = end_us;
    p->periods = period;
    p->period_count = 1;
    return 0;
}

int weir_presentation_for_tables(const char *url, const struct weir_table_track *tracks,
                                 size_t count, struct weir_presentation **out)
{
    struct weir_presentation *p = weir_presentation_new(WEIR_PROTOCOL_FILE, url);
    *out = NULL;
    if (!p)
        return WEIR_ERR_NOMEM;
    int err = fill(p, tracks, count);
    if (err)
        weir_presentation_destroy(&p);
    *out = p;
    return err;
}

struct weir_index_sizes weir_index_sizes(const struct weir_representation *r)
{
    const struct weir_segment_index *x = r->index;
    if (r->index_need != WEIR_INDEX_READY || !x || x->timing != WEIR_TIMING_TABLE)
        return (struct weir_index_sizes){0};
    return (struct weir_index_sizes){
        .bytes = x->table_sizes_bytes, .stride = x->table_stride, .count = x->count};
}
