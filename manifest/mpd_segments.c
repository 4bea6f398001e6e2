// manifest/mpd_segments.c — SegmentBase, SegmentList and SegmentTemplate into a segment index
// (ISO/IEC 23009-1, 5.3.9). Attributes are inherited one by one from set and period, child elements
// as a whole.
#include <string.h>
#include <strings.h>

#include "manifest/mpd.h"
#include "manifest/template.h"

enum kind {
    KIND_NONE,
    KIND_TEMPLATE,
    KIND_LIST,
    KIND_BASE,
};

// What is being put together for one representation.
struct assembly {
    struct weir_mpd *m;
    const struct weir_mpd_period *period;
    const struct weir_mpd_levels *levels;
    const struct weir_bases *bases;
    struct weir_representation *r;
    struct weir_source *src;
    struct weir_segment_index *x;
    const xmlNode
        *element[3];        // of the kind in use, most specific first; NULL where a level has none
    int64_t duration_ticks; // @duration; 0 absent
    long line;
};

static bool drop(struct assembly *a, const char *why)
{
    weir_presentation_warn(a->m->p, "line %ld: Representation \"%.60s\": %s: dropped", a->line,
                           a->r->id ? a->r->id : "", why);
    return false;
}

static const char *attr(const struct assembly *a, const char *name)
{
    for (int i = 0; i < 3; i++) {
        const char *v = weir_xml_attr(a->element[i], name);
        if (v)
            return v;
    }
    return NULL;
}

static const xmlNode *child(const struct assembly *a, const char *name)
{
    for (int i = 0; i < 3; i++) {
        const xmlNode *n = weir_xml_child(a->element[i], name);
        if (n)
            return n;
    }
    return NULL;
}

// The kind named at the most specific level; on one level Template comes before List before Base.
static enum kind find_kind(struct assembly *a)
{
    static const char *const names[] = {NULL, "SegmentTemplate", "SegmentList", "SegmentBase"};
    enum kind found = KIND_NONE;
    for (int level = 0; level < 3 && found == KIND_NONE; level++) {
        for (int k = KIND_TEMPLATE; k <= KIND_BASE; k++) {
            if (!weir_xml_child(a->levels->node[level], names[k]))
                continue;
            if (found == KIND_NONE)
                found = (enum kind)k;
            else
                weir_presentation_warn(a->m->p, "line %ld: %s beside %s on one level: ignored",
                                       a->line, names[k], names[found]);
        }
    }
    for (int level = 0; level < 3 && found != KIND_NONE; level++)
        a->element[level] = weir_xml_child(a->levels->node[level], names[found]);
    return found;
}

// An unsigned attribute within bounds; false when it is there and no such number.
static bool number_attr(const struct assembly *a, const char *name, int64_t fallback, int64_t *out)
{
    const char *text = attr(a, name);
    *out = fallback;
    if (!text)
        return true;
    return weir_parse_int64(text, out) && *out >= 0 && *out <= WEIR_MAX_TICKS;
}

static bool read_common(struct assembly *a)
{
    struct weir_segment_index *x = a->x;
    const char *complete = attr(a, "availabilityTimeComplete");
    if (complete && strcmp(complete, "false") == 0)
        a->m->chunked = true;
    if (!number_attr(a, "timescale", 1, &x->timescale) || x->timescale == 0 ||
        x->timescale > UINT32_MAX)
        return drop(a, "@timescale is no positive 32-bit number");
    if (!number_attr(a, "presentationTimeOffset", 0, &x->offset_ticks))
        return drop(a, "@presentationTimeOffset is no number");
    if (!number_attr(a, "duration", 0, &a->duration_ticks))
        return drop(a, "@duration is no number");
    if (!number_attr(a, "startNumber", 1, &x->start_number))
        return drop(a, "@startNumber is no number");
    a->src->timescale = x->timescale;
    a->src->offset_ticks = x->offset_ticks;
    return true;
}

static bool allowed(const struct assembly *a, const char *url)
{
    if (url && weir_url_check(url, a->m->in->allow_file_urls) == 0)
        return true;
    a->m->denied += url != NULL;
    return false;
}

// A reference (NULL: the base itself) as an absolute URL that may be fetched, or NULL.
static const char *resolve(struct assembly *a, const char *reference)
{
    const char *url = weir_url_resolve_in(a->m->arena, a->bases->urls[0], reference);
    return allowed(a, url) ? url : NULL;
}

static bool make_init(struct assembly *a, const char *reference, struct weir_byte_range range)
{
    struct weir_init *init = weir_mpd_array(a->m, 1, sizeof(*init));
    if (!init)
        return false;
    init->reference = reference && *reference ? reference : NULL;
    init->range = range;
    init->url = resolve(a, init->reference);
    if (!init->url)
        return drop(a, "its initialization segment may not be fetched");
    a->r->init = a->x->init = init;
    return true;
}

// A template that may not depend on the segment: filled in once, in the arena. NULL when it is bad.
static const char *fill_template(struct assembly *a, const char *text)
{
    struct weir_template_uses uses;
    const char *why = "";
    char out[WEIR_URL_MAX_BYTES];
    struct weir_template_values v = {a->r->id, a->x->start_number, 0, a->r->bandwidth_bps};
    if (!weir_template_check(text, &uses, &why) || uses.sub_number)
        return NULL;
    if ((uses.representation_id && !a->r->id) ||
        weir_template_format(text, &v, out, sizeof(out)) < 0)
        return NULL;
    return weir_mpd_keep(a->m, out);
}

static bool read_init(struct assembly *a)
{
    const char *text = attr(a, "initialization");
    const xmlNode *n = child(a, "Initialization");
    if (!n)
        n = child(a, "Initialisation"); // the spelling of some 2011 packagers
    if (text) {
        const char *filled = fill_template(a, text);
        return filled ? make_init(a, filled, WEIR_RANGE_ALL)
                      : drop(a, "its initialization template is bad");
    }
    if (!n)
        return true;
    struct weir_byte_range range = WEIR_RANGE_ALL;
    const char *range_text = weir_xml_attr(n, "range");
    if (range_text && !weir_parse_range(range_text, &range))
        return drop(a, "Initialization@range is no byte range");
    return make_init(a, weir_mpd_keep(a->m, weir_xml_attr(n, "sourceURL")), range);
}

// How long the period is in ticks, rounded up; NONE when its end is not known.
static int64_t period_ticks(const struct assembly *a)
{
    const struct weir_segment_index *x = a->x;
    if (x->period_end_us == WEIR_TIME_NONE)
        return WEIR_TIME_NONE;
    int64_t ticks = weir_us_to_ticks(x->period_end_us - x->period_start_us, x->timescale);
    return ticks < WEIR_MAX_TICKS ? ticks : WEIR_MAX_TICKS;
}

// ceil(period / duration), where a remainder below a microsecond's rounding is none (5.3.9.5.3).
static int64_t count_by_duration(const struct assembly *a)
{
    int64_t length = period_ticks(a), d = a->duration_ticks;
    if (length == WEIR_TIME_NONE)
        return -1;
    int64_t count = length / d, rest = length % d;
    int64_t slack = a->x->timescale / 1000000 + 1;
    if (rest > slack || (count == 0 && length > 0))
        count++;
    return count;
}

// Without a clock everything declared is listed; with one, what is on the server now (Annex A.3).
static void clip_to_window(struct assembly *a)
{
    const struct weir_mpd *m = a->m;
    struct weir_segment_index *x = a->x;
    if (!m->dynamic || m->in->wall_clock_us == WEIR_TIME_NONE)
        return;
    int64_t now_us = m->in->wall_clock_us - m->availability_start_us;
    int64_t edge_us = weir_add_sat(now_us, a->bases->offset_us[0]);
    const char *offset = attr(a, "availabilityTimeOffset");
    int64_t more_us;
    if (offset && strcmp(offset, "INF") == 0)
        edge_us = INT64_MAX;
    else if (offset && weir_parse_micro(offset, strlen(offset), &more_us))
        edge_us = weir_add_sat(edge_us, more_us);
    struct weir_representation probe = {.index = x};
    int64_t end = weir_index_find(&probe, edge_us); // the first that ends after the edge
    if (end >= 0)
        x->count = end;
    if (m->time_shift_us == WEIR_TIME_NONE || x->count == 0)
        return;
    int64_t first = weir_index_find(&probe, weir_add_sat(now_us, -m->time_shift_us));
    if (first < 0)
        first = x->count;
    x->skip += first;
    x->count -= first;
}

static bool time_by_duration(struct assembly *a, int64_t entries)
{
    struct weir_segment_index *x = a->x;
    int64_t end_number, count = count_by_duration(a);
    x->timing = WEIR_TIMING_DURATION;
    x->duration_ticks = a->duration_ticks;
    if (entries >= 0 && (count < 0 || entries < count))
        count = entries;
    if (!number_attr(a, "endNumber", -1, &end_number))
        return drop(a, "@endNumber is no number");
    if (end_number >= 0) {
        int64_t numbered = end_number >= x->start_number ? end_number - x->start_number + 1 : 0;
        count = count < 0 || numbered < count ? numbered : count;
    }
    if (count < 0 && a->m->dynamic && a->m->in->wall_clock_us == WEIR_TIME_NONE)
        count = 0; // only a clock tells
    if (count < 0 && !a->m->dynamic)
        weir_presentation_warn(
            a->m->p,
            "line %ld: the end of the Period is not known: segments go on until one is missing",
            a->line);
    int64_t most = WEIR_MAX_TICKS / a->duration_ticks;
    if (count < 0 || count > most)
        count = most;
    x->count = count < WEIR_MAX_SEGMENTS ? count : WEIR_MAX_SEGMENTS;
    return true;
}

static bool time_by_timeline(struct assembly *a, const xmlNode *timeline, int64_t entries)
{
    struct weir_segment_index *x = a->x;
    int64_t end = period_ticks(a);
    if (end == WEIR_TIME_NONE && a->m->dynamic && a->m->in->wall_clock_us != WEIR_TIME_NONE) {
        int64_t now_us = a->m->in->wall_clock_us - a->m->availability_start_us - x->period_start_us;
        end = weir_us_to_ticks(now_us > 0 ? now_us : 0, x->timescale);
    }
    if (end != WEIR_TIME_NONE)
        end = weir_add_sat(end, x->offset_ticks);
    if (!weir_mpd_timeline(a->m, timeline, x->start_number, end, x))
        return drop(a, "its SegmentTimeline cannot be used");
    if (x->count == 0 && !a->m->dynamic)
        weir_presentation_warn(a->m->p, "line %ld: a SegmentTimeline is empty", a->line);
    if (entries >= 0 && entries != x->count) {
        weir_presentation_warn(
            a->m->p,
            "line %ld: SegmentTimeline and SegmentList differ in length: the shorter counts",
            a->line);
        x->count = entries < x->count ? entries : x->count;
    }
    return true;
}

// Timing for everything that is listed or numbered; `entries` < 0: no list.
static bool read_timing(struct assembly *a, int64_t entries, bool needs_number)
{
    const xmlNode *timeline = child(a, "SegmentTimeline");
    if (timeline) {
        if (a->duration_ticks)
            weir_presentation_warn(
                a->m->p, "line %ld: SegmentTimeline beside @duration: the timeline counts",
                a->line);
        if (!time_by_timeline(a, timeline, entries))
            return false;
    } else if (a->duration_ticks) {
        if (!time_by_duration(a, entries))
            return false;
    } else if (!needs_number && entries <= 1) {
        a->x->timing = WEIR_TIMING_SINGLE;
        a->x->count = 1;
    } else {
        return drop(a, "its segments have neither a duration nor a timeline");
    }
    weir_index_clip(a->x);
    clip_to_window(a);
    return true;
}

// An index to be loaded: ISO BMFF has sidx, WebM has Cues.
static bool need_index(struct assembly *a, const char *reference, struct weir_byte_range range)
{
    struct weir_representation *r = a->r;
    r->index_url = resolve(a, reference);
    if (!r->index_url)
        return drop(a, "its index may not be fetched");
    bool webm = r->mime && strstr(r->mime, "webm");
    r->index_need = webm ? WEIR_INDEX_CUES : WEIR_INDEX_SIDX;
    r->index_range = range;
    a->src->index_url = r->index_url;
    a->src->index_reference = reference;
    a->src->index_range = range;
    r->index = NULL;
    return true;
}

static bool single(struct assembly *a)
{
    a->x->timing = WEIR_TIMING_SINGLE;
    a->x->count = 1;
    a->x->start_number = -1;
    return resolve(a, NULL) ? true : drop(a, "its URL may not be fetched");
}

static bool read_base(struct assembly *a)
{
    struct weir_byte_range range = WEIR_RANGE_ALL;
    const char *text = attr(a, "indexRange"), *reference = NULL;
    const xmlNode *n = child(a, "RepresentationIndex");
    if (n) {
        reference = weir_mpd_keep(a->m, weir_xml_attr(n, "sourceURL"));
        text = weir_xml_attr(n, "range") ? weir_xml_attr(n, "range") : text;
    }
    if (!text && !n)
        return single(a);
    if (text && !weir_parse_range(text, &range))
        return drop(a, "@indexRange is no byte range");
    a->x->start_number = -1;
    // What lies before the index is the header, when nothing else is named (5.3.9.2).
    if (!a->r->init && !n && range.first > 0 &&
        !make_init(a, NULL, (struct weir_byte_range){0, range.first - 1}))
        return false;
    return need_index(a, reference, range);
}

static bool read_entry(struct assembly *a, const xmlNode *n, struct weir_entry *e)
{
    const char *media = weir_xml_attr(n, "media"), *range = weir_xml_attr(n, "mediaRange");
    e->range = WEIR_RANGE_ALL;
    if (range && !weir_parse_range(range, &e->range))
        return drop(a, "SegmentURL@mediaRange is no byte range");
    e->url = media && *media ? weir_mpd_keep(a->m, media) : NULL;
    // Only a reference with a scheme of its own can leave the base's.
    if (e->url && weir_url_is_absolute(e->url) && !allowed(a, e->url))
        return drop(a, "a segment may not be fetched from here");
    return true;
}

static bool read_list(struct assembly *a)
{
    const xmlNode *n = child(a, "SegmentURL");
    size_t room = n ? weir_xml_count(n->parent, "SegmentURL") : 0;
    int64_t count = 0;
    if (room == 0 || room > WEIR_MAX_ENTRIES)
        return drop(a, room ? "its SegmentList is too long" : "its SegmentList is empty");
    struct weir_entry *entries = weir_mpd_array(a->m, room, sizeof(*entries));
    for (; n && entries; n = weir_xml_next(n, "SegmentURL")) {
        if (!read_entry(a, n, &entries[count++]))
            return false;
    }
    if (!entries || !resolve(a, NULL))
        return drop(a, "its segments may not be fetched");
    a->x->entries = entries;
    a->x->entry_count = count;
    return read_timing(a, count, false);
}

// A template without @media is a SegmentBase with templates for the rest.
static bool read_template_base(struct assembly *a)
{
    const char *index = attr(a, "index");
    if (!index)
        return read_base(a);
    const char *filled = fill_template(a, index);
    return filled ? need_index(a, filled, WEIR_RANGE_ALL) : drop(a, "its index template is bad");
}

static bool check_media(struct assembly *a, const char *media, struct weir_template_uses *uses)
{
    const char *why = "";
    if (!weir_template_check(media, uses, &why)) {
        weir_presentation_warn(a->m->p, "line %ld: the template \"%.80s\" has %s", a->line, media,
                               why);
        return drop(a, "its media template is bad");
    }
    if (uses->sub_number)
        return drop(a, "$SubNumber$ is not supported");
    if (uses->representation_id && !a->r->id)
        return drop(a, "the template needs an id");
    const char *sample = fill_template(a, media);
    return sample && resolve(a, sample) ? true
                                        : drop(a, "its segments may not be fetched from here");
}

static bool read_template(struct assembly *a)
{
    struct weir_template_uses uses;
    const char *media = attr(a, "media");
    if (!media)
        return read_template_base(a);
    if (!check_media(a, media, &uses))
        return false;
    a->x->template_text = weir_mpd_keep(a->m, media);
    a->x->representation_id = a->r->id;
    a->x->bandwidth_bps = a->r->bandwidth_bps;
    return read_timing(a, -1, uses.number || uses.time);
}

// One resource for the whole period (5.3.9.1): then something must have named it.
static bool read_bare(struct assembly *a)
{
    a->x->timescale = 1;
    for (int i = 0; i < 3; i++) {
        if (weir_xml_child(a->levels->node[i], "BaseURL"))
            return single(a);
    }
    if (weir_xml_child(a->m->root, "BaseURL"))
        return single(a);
    if (!a->m->dynamic)
        return drop(a, "nothing says where its media are");
    a->x->timing = WEIR_TIMING_SINGLE; // an update may say; until then there is nothing
    a->x->start_number = -1;
    weir_presentation_warn(a->m->p, "line %ld: nothing says where the media are yet", a->line);
    return true;
}

// @startWithSAP 1 to 3: every segment begins where decoding can (5.3.7.2).
static bool starts_with_key(const struct weir_mpd_levels *levels)
{
    const char *own = weir_xml_attr(levels->node[0], "startWithSAP");
    int64_t sap;
    return weir_parse_int64(own ? own : weir_xml_attr(levels->node[1], "startWithSAP"), &sap) &&
           sap >= 1 && sap <= 3;
}

bool weir_mpd_segments(struct weir_mpd *m, const struct weir_mpd_period *period,
                       const struct weir_mpd_levels *levels, const struct weir_bases *bases,
                       struct weir_representation *r)
{
    struct assembly a = {.m = m,
                         .period = period,
                         .levels = levels,
                         .bases = bases,
                         .r = r,
                         .line = weir_xml_line(levels->node[0])};
    const char **urls = weir_mpd_array(m, bases->count, sizeof(*urls));
    a.x = weir_mpd_array(m, 1, sizeof(*a.x));
    a.src = weir_mpd_array(m, 1, sizeof(*a.src));
    if (!urls || !a.x || !a.src)
        return false;
    memcpy(urls, bases->urls, bases->count * sizeof(*urls));
    a.src->bases = urls;
    a.src->base_count = bases->count;
    a.src->period_start_us = a.x->period_start_us = period->out->start_us;
    a.x->period_end_us = period->out->duration_us == WEIR_TIME_NONE
                             ? WEIR_TIME_NONE
                             : period->out->start_us + period->out->duration_us;
    a.src->period_end_us = a.x->period_end_us;
    a.src->index_range = r->index_range = WEIR_RANGE_ALL;
    a.x->timing_exact = true;
    a.x->independent = starts_with_key(levels);
    r->parser = a.src;
    r->index = a.x;
    r->index_need = WEIR_INDEX_READY;
    enum kind kind = find_kind(&a);
    if (kind == KIND_NONE)
        return read_bare(&a);
    if (!read_common(&a) || !read_init(&a))
        return false;
    switch (kind) {
    case KIND_TEMPLATE:
        return read_template(&a);
    case KIND_LIST:
        return read_list(&a);
    case KIND_BASE:
    case KIND_NONE:
        break;
    }
    return read_base(&a);
}
