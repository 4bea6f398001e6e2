// manifest/hls_dates.c — EXT-X-DATERANGE as events (RFC 8216bis, 4.4.5.1). Called once a media
// playlist has been read, because only then the date of its beginning is known.
#include "manifest/hls.h"
#include "manifest/iso8601.h"

// The dates of EXT-X-DATERANGE are on the wall clock: on the timeline through the first
// PROGRAM-DATE-TIME.
int weir_hls_read_dates(struct weir_hls *h, int64_t date_us, int64_t at_us)
{
    struct weir_presentation *p = h->p;
    struct weir_hls_lines l = weir_hls_lines_begin(h->in->data, h->in->size_bytes);
    struct weir_slice line, v, d;
    size_t count = 0;
    while (weir_hls_lines_next(&l, &line))
        count += weir_hls_is_tag(line, "#EXT-X-DATERANGE", &v);
    if (count == 0 || p->event_count) // every rendition repeats them
        return 0;
    count = count < WEIR_MAX_EVENTS ? count : WEIR_MAX_EVENTS;
    p->events = weir_arena_array(h->arena, count, sizeof(*p->events));
    if (!p->events)
        return weir_hls_fail(h, WEIR_ERR_NOMEM, "out of memory");
    l = weir_hls_lines_begin(h->in->data, h->in->size_bytes);
    while (weir_hls_lines_next(&l, &line) && p->event_count < count) {
        int err = 0;
        int64_t us;
        if (!weir_hls_is_tag(line, "#EXT-X-DATERANGE", &v))
            continue;
        h->line = l.number;
        const char *id = weir_hls_attr_text(h, v, "ID", &err);
        const char *start = weir_hls_attr_text(h, v, "START-DATE", &err);
        struct weir_event e = {.scheme = "EXT-X-DATERANGE",
                               .id = id,
                               .start_us = WEIR_TIME_NONE,
                               .duration_us = WEIR_TIME_NONE};
        e.value = weir_hls_attr_text(h, v, "CLASS", &err);
        e.data = weir_hls_expand(h, v);
        if (err || !e.data)
            return err ? err : h->error->code;
        if (!id) {
            weir_presentation_warn(p, "line %ld: EXT-X-DATERANGE without ID: dropped", h->line);
            continue;
        }
        if (start && weir_iso8601_datetime(start, &us) && date_us != WEIR_TIME_NONE)
            e.start_us = us - date_us + at_us;
        if (weir_hls_attr(v, "DURATION", &d) && weir_parse_micro(d.ptr, d.len, &us) && us >= 0)
            e.duration_us = us;
        p->events[p->event_count++] = e;
    }
    return 0;
}
