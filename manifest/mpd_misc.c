// manifest/mpd_misc.c — the parts of an MPD that describe rather than address: descriptors,
// protection, events, service description, steering, and the times a dynamic MPD states (ISO/IEC
// 23009-1, 5.8, 5.10, Annex K).
#include <string.h>
#include <strings.h>

#include "manifest/iso8601.h"
#include "manifest/mpd.h"

// Per set; the search for equal ones is quadratic.
#define MAX_PROTECTIONS 256

const struct weir_descriptor *weir_mpd_descriptors(struct weir_mpd *m, const xmlNode *parent,
                                                   const char *name, size_t *count)
{
    *count = 0;
    size_t room = weir_xml_count(parent, name);
    if (room == 0)
        return NULL;
    struct weir_descriptor *list = weir_mpd_array(m, room, sizeof(*list));
    for (const xmlNode *n = weir_xml_child(parent, name); n && list; n = weir_xml_next(n, name)) {
        const char *scheme = weir_xml_attr(n, "schemeIdUri");
        if (!scheme)
            continue;
        list[(*count)++] = (struct weir_descriptor){
            .scheme = weir_mpd_keep(m, scheme),
            .value = weir_mpd_keep(m, weir_xml_attr(n, "value")),
            .id = weir_mpd_keep(m, weir_xml_attr(n, "id")),
        };
    }
    return list;
}

const char *weir_mpd_unknown_essential(const xmlNode *node)
{
    // What is understood, or harmless to ignore because it only describes.
    static const char *const known[] = {
        "http://dashif.org/guidelines/trickmode",
        "http://dashif.org/thumbnail_tile",
        "http://dashif.org/guidelines/thumbnail_tile",
        "urn:mpeg:mpegB:cicp:",
        "urn:mpeg:dash:adaptation-set-switching:2016",
        "urn:mpeg:dash:preselection:2016",
        "urn:mpeg:dash:period-continuity:2015",
        "urn:mpeg:dash:period-connectivity:2015",
        "urn:mpeg:dash:srd:2014",
        "urn:dvb:dash:fontdownload:2014",
        "urn:dvb:dash:hdr-dmi",
        "urn:mpeg:dash:mp4protection:2011",
        "urn:dolby:dash:",
        "tag:dolby.com",
    };
    for (const xmlNode *n = weir_xml_child(node, "EssentialProperty"); n;
         n = weir_xml_next(n, "EssentialProperty")) {
        const char *scheme = weir_xml_attr(n, "schemeIdUri");
        size_t i = 0, count = sizeof(known) / sizeof(known[0]);
        while (scheme && i < count && strncasecmp(scheme, known[i], strlen(known[i])) != 0)
            i++;
        if (scheme && i == count)
            return scheme;
    }
    return NULL;
}

bool weir_mpd_remote(struct weir_mpd *m, const xmlNode *node)
{
    const char *href = weir_xml_foreign_attr(node, "href");
    if (!href)
        return false;
    if (strcasecmp(href, "urn:mpeg:dash:resolve-to-zero:2013") == 0)
        return true;
    weir_presentation_warn(m->p, "line %ld: a remote %s is not fetched: its own content is used",
                           weir_xml_line(node), (const char *)node->name);
    return false;
}

// The ContentProtection elements of the set, and those of its Representations that say something
// new (5.8.4.1).
static size_t add_protection(struct weir_mpd *m, const xmlNode *node, struct weir_protection *list,
                             size_t count)
{
    for (const xmlNode *n = weir_xml_child(node, "ContentProtection"); n;
         n = weir_xml_next(n, "ContentProtection")) {
        const char *scheme = weir_xml_attr(n, "schemeIdUri");
        const char *kid = weir_xml_foreign_attr(n, "default_KID");
        size_t i = 0;
        if (!scheme)
            continue;
        while (i < count &&
               (strcasecmp(list[i].scheme, scheme) != 0 ||
                (kid && list[i].default_kid && strcasecmp(list[i].default_kid, kid) != 0)))
            i++;
        if (i < count) {
            if (!list[i].default_kid)
                list[i].default_kid = weir_mpd_keep(m, kid);
            continue;
        }
        list[count].scheme = weir_mpd_keep(m, scheme);
        list[count].default_kid = weir_mpd_keep(m, kid);
        if (m->no_memory)
            break;
        count++;
    }
    return count;
}

void weir_mpd_protection(struct weir_mpd *m, const xmlNode *set, struct weir_track *out)
{
    size_t room = weir_xml_count(set, "ContentProtection");
    const xmlNode *n;
    for (n = weir_xml_child(set, "Representation"); n; n = weir_xml_next(n, "Representation"))
        room += weir_xml_count(n, "ContentProtection");
    if (room > MAX_PROTECTIONS)
        room = MAX_PROTECTIONS;
    if (room == 0)
        return;
    struct weir_protection *list = weir_mpd_array(m, room, sizeof(*list));
    if (!list)
        return;
    size_t count = 0;
    if (weir_xml_count(set, "ContentProtection") <= room)
        count = add_protection(m, set, list, 0);
    for (n = weir_xml_child(set, "Representation"); n; n = weir_xml_next(n, "Representation")) {
        if (count + weir_xml_count(n, "ContentProtection") <= room)
            count = add_protection(m, n, list, count);
    }
    out->protections = list;
    out->protection_count = count;
}

// The payload of an Event: its @messageData, or whatever it holds, as text (5.10.2.3).
static const char *event_data(struct weir_mpd *m, const xmlNode *n)
{
    const char *attr = weir_xml_attr(n, "messageData");
    bool elements = false;
    if (attr)
        return weir_mpd_keep(m, attr);
    for (const xmlNode *c = n->children; c && !elements; c = c->next)
        elements = c->type == XML_ELEMENT_NODE;
    if (!elements) {
        const char *text = weir_xml_text(m->arena, n);
        return text && *text ? text : NULL;
    }
    xmlBuffer *buffer = xmlBufferCreate();
    const char *data = NULL;
    if (!buffer)
        m->no_memory = true;
    for (const xmlNode *c = n->children; c && buffer; c = c->next) {
        if (c->type == XML_ELEMENT_NODE)
            xmlNodeDump(buffer, n->doc, (xmlNode *)(uintptr_t)c, 0,
                        0); // does not write to the node
    }
    if (buffer)
        data = weir_mpd_keep(m, (const char *)xmlBufferContent(buffer));
    xmlBufferFree(buffer);
    return data;
}

static int64_t unsigned_attr(const xmlNode *n, const char *name, int64_t fallback)
{
    int64_t v;
    return weir_parse_int64(weir_xml_attr(n, name), &v) && v >= 0 ? v : fallback;
}

static void read_stream(struct weir_mpd *m, const struct weir_period *period, const xmlNode *stream,
                        size_t room)
{
    const char *scheme = weir_mpd_keep(m, weir_xml_attr(stream, "schemeIdUri"));
    const char *value = weir_mpd_keep(m, weir_xml_attr(stream, "value"));
    int64_t timescale = unsigned_attr(stream, "timescale", 1);
    int64_t offset = unsigned_attr(stream, "presentationTimeOffset", 0);
    if (!scheme || timescale == 0) {
        weir_presentation_warn(m->p, "line %ld: an EventStream without %s: skipped",
                               weir_xml_line(stream), scheme ? "a timescale" : "schemeIdUri");
        return;
    }
    for (const xmlNode *n = weir_xml_child(stream, "Event");
         n && m->p->event_count < room && !m->no_memory; n = weir_xml_next(n, "Event")) {
        int64_t t = unsigned_attr(n, "presentationTime", 0), d = unsigned_attr(n, "duration", -1);
        struct weir_event *e = &m->p->events[m->p->event_count++];
        *e = (struct weir_event){
            .scheme = scheme,
            .value = value,
            .id = weir_mpd_keep(m, weir_xml_attr(n, "id")),
            .data = event_data(m, n),
            .start_us = weir_add_sat(period->start_us, weir_ticks_to_us(t - offset, timescale)),
            .duration_us = d < 0 ? WEIR_TIME_NONE : weir_ticks_to_us(d, timescale),
        };
    }
}

// One list for all periods, made when the first period with events asks for it.
static size_t room_for_events(struct weir_mpd *m)
{
    size_t room = 0;
    for (const xmlNode *p = weir_xml_child(m->root, "Period"); p; p = weir_xml_next(p, "Period")) {
        for (const xmlNode *s = weir_xml_child(p, "EventStream"); s;
             s = weir_xml_next(s, "EventStream"))
            room += weir_xml_count(s, "Event");
    }
    if (room <= WEIR_MAX_EVENTS)
        return room;
    weir_presentation_warn(m->p, "more than %d Events: the rest is ignored", WEIR_MAX_EVENTS);
    return WEIR_MAX_EVENTS;
}

void weir_mpd_events(struct weir_mpd *m, const struct weir_mpd_period *period)
{
    const xmlNode *s = weir_xml_child(period->node, "EventStream");
    if (!s)
        return;
    if (!m->p->events) {
        m->event_room = room_for_events(m);
        m->p->events = weir_mpd_array(m, m->event_room, sizeof(*m->p->events));
        if (!m->p->events)
            return;
    }
    for (; s; s = weir_xml_next(s, "EventStream"))
        read_stream(m, period->out, s, m->event_room);
}

static int64_t date_attr(struct weir_mpd *m, const char *name)
{
    const char *text = weir_xml_attr(m->root, name);
    int64_t us;
    if (!text)
        return WEIR_TIME_NONE;
    if (weir_iso8601_datetime(text, &us))
        return us;
    weir_presentation_warn(m->p, "MPD@%s=\"%.40s\" is not a date: ignored", name, text);
    return WEIR_TIME_NONE;
}

// A URL in the text of a child of MPD, against the retrieval URL (5.4).
static const char *url_child(struct weir_mpd *m, const char *name)
{
    const xmlNode *n = weir_xml_child(m->root, name);
    const char *text = n ? weir_xml_text(m->arena, n) : NULL;
    if (!text || !*text)
        return NULL;
    const char *url = weir_url_resolve_in(m->arena, m->in->url, text);
    if (url && weir_url_check(url, m->in->allow_file_urls) == 0)
        return url;
    weir_presentation_warn(m->p, "%s names something that may not be fetched: ignored", name);
    return NULL;
}

void weir_mpd_live(struct weir_mpd *m)
{
    if (!m->dynamic)
        return;
    struct weir_live_info *l = weir_mpd_array(m, 1, sizeof(*l));
    if (!l)
        return;
    l->availability_start_us = m->availability_start_us;
    l->publish_time_us = date_attr(m, "publishTime");
    l->minimum_update_period_us = weir_mpd_duration(m, m->root, "minimumUpdatePeriod");
    l->time_shift_buffer_depth_us = m->time_shift_us;
    l->suggested_presentation_delay_us =
        weir_mpd_duration(m, m->root, "suggestedPresentationDelay");
    l->location = url_child(m, "Location");
    l->patch_location = url_child(m, "PatchLocation");
    l->utc_timings = weir_mpd_descriptors(m, m->root, "UTCTiming", &l->utc_timing_count);
    l->media_sequence = l->discontinuity_sequence = -1;
    l->target_duration_us = l->part_target_us = WEIR_TIME_NONE;
    m->p->live_info = l;
}

static int64_t milliseconds(const xmlNode *n, const char *name)
{
    int64_t v;
    return weir_parse_int64(weir_xml_attr(n, name), &v) && v >= 0 ? weir_mul_sat(v, 1000)
                                                                  : WEIR_TIME_NONE;
}

static double rate(const xmlNode *n, const char *name)
{
    const char *text = weir_xml_attr(n, name);
    int64_t micro;
    return text && weir_parse_micro(text, strlen(text), &micro) && micro > 0 ? (double)micro / 1e6
                                                                             : 0.0;
}

static void read_steering(struct weir_mpd *m)
{
    const xmlNode *n = weir_xml_child(m->root, "ContentSteering");
    const char *url = url_child(m, "ContentSteering");
    if (!n || !url)
        return;
    struct weir_content_steering *s = weir_mpd_array(m, 1, sizeof(*s));
    const char *before = weir_xml_attr(n, "queryBeforeStart");
    if (!s)
        return;
    s->url = url;
    s->default_location = weir_mpd_keep(m, weir_xml_attr(n, "defaultServiceLocation"));
    s->before_start = before && strcmp(before, "true") == 0;
    m->p->steering = s;
}

void weir_mpd_service(struct weir_mpd *m)
{
    const xmlNode *n = weir_xml_child(m->root, "ServiceDescription");
    read_steering(m);
    // Several differ by Scope; one without a scope is for everyone (Annex K.2).
    while (n && weir_xml_child(n, "Scope") && weir_xml_next(n, "ServiceDescription"))
        n = weir_xml_next(n, "ServiceDescription");
    if (!n)
        return;
    struct weir_service_description *s = weir_mpd_array(m, 1, sizeof(*s));
    if (!s)
        return;
    const xmlNode *latency = weir_xml_child(n, "Latency"),
                  *speed = weir_xml_child(n, "PlaybackRate");
    s->latency_target_us = milliseconds(latency, "target");
    s->latency_min_us = milliseconds(latency, "min");
    s->latency_max_us = milliseconds(latency, "max");
    s->rate_min = rate(speed, "min");
    s->rate_max = rate(speed, "max");
    m->p->service = s;
}
