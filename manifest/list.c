// manifest/list.c — representations whose segments are listed by the caller: what a replay knows of
// a session that somebody else had. Nothing has a URL.
#include "manifest/internal.h"

int weir_presentation_for_lists(const char *url, size_t count, struct weir_presentation **out)
{
    struct weir_presentation *p = weir_presentation_new(WEIR_PROTOCOL_FILE, url);
    *out = NULL;
    if (!p)
        return WEIR_ERR_NOMEM;
    struct weir_period *period = weir_arena_alloc(&p->arena, sizeof(*period));
    struct weir_track *track = weir_arena_alloc(&p->arena, sizeof(*track));
    struct weir_representation *reps =
        weir_arena_array(&p->arena, count ? count : 1, sizeof(*reps));
    if (!period || !track || !reps) {
        weir_presentation_destroy(&p);
        return WEIR_ERR_NOMEM;
    }
    for (size_t i = 0; i < count; i++)
        reps[i] = (struct weir_representation){.id = "",
                                               .index_need = WEIR_INDEX_PLAYLIST,
                                               .index_url = p->url,
                                               .index_range = WEIR_RANGE_ALL,
                                               .base_count = 1};
    *track = (struct weir_track){.id = "0", .representations = reps, .representation_count = count};
    *period = (struct weir_period){
        .id = "0", .duration_us = WEIR_TIME_NONE, .tracks = track, .track_count = 1};
    p->periods = period;
    p->period_count = 1;
    p->duration_us = WEIR_TIME_NONE;
    *out = p;
    return 0;
}

const struct weir_init *weir_presentation_new_init(struct weir_presentation *p)
{
    struct weir_init *init = weir_arena_alloc(&p->arena, sizeof(*init));
    if (init)
        *init = (struct weir_init){.url = p->url, .range = WEIR_RANGE_ALL};
    return init;
}

int weir_presentation_set_list(struct weir_presentation *p, struct weir_representation *r,
                               const struct weir_listed_segment *segments, int64_t count)
{
    if (count < 0 || count > WEIR_MAX_ENTRIES)
        return WEIR_ERR_INVAL;
    size_t room = count ? (size_t)count : 1;
    struct weir_segment_index *x = weir_arena_alloc(&p->arena, sizeof(*x));
    struct weir_entry *entries = weir_arena_array(&p->arena, room, sizeof(*entries));
    struct weir_playlist_entry *more = weir_arena_array(&p->arena, room, sizeof(*more));
    if (!x || !entries || !more)
        return WEIR_ERR_NOMEM;
    for (int64_t i = 0; i < count; i++) {
        const struct weir_listed_segment *s = &segments[i];
        if (i > 0 && s->start_us < segments[i - 1].start_us)
            return WEIR_ERR_INVAL;
        entries[i] = (struct weir_entry){
            .range = WEIR_RANGE_ALL, .start_us = s->start_us, .duration_us = s->duration_us};
        more[i] = (struct weir_playlist_entry){
            .init = s->init, .size_bytes = s->size_bytes, .gap = s->gap};
    }
    *x = (struct weir_segment_index){.timing = WEIR_TIMING_ENTRIES,
                                     .entries = entries,
                                     .playlist = more,
                                     .entry_count = count,
                                     .count = count,
                                     .start_number = -1,
                                     .timescale = 1,
                                     .period_end_us = WEIR_TIME_NONE,
                                     .independent = true};
    r->index = x;
    r->index_need = WEIR_INDEX_READY;
    return 0;
}
