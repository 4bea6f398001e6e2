// sim/live_dash_write.c — a static MPD as a dynamic one (ISO/IEC 23009-1, 5.3.1.2 and A.3): periods
// of the window, timelines cut to it, availability times. Number templates stay as they are:
// clients compute what is there. At the end of what does not loop the MPD is the static one again.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "manifest/xmlread.h"
#include "sim/live_internal.h"

// Entries that one timeline may be expanded to.
#define MAX_ENTRIES 1000000
// Bounds on ticks and numbers as written, and on where a timeline gets with them.
#define MAX_NUMBER (INT64_C(1) << 56)
#define MAX_TIME   (INT64_C(1) << 60)

static void set(xmlNode *n, const char *name, const char *value)
{
    (void)xmlSetProp(n, BAD_CAST name, BAD_CAST value);
}

static void unset(xmlNode *n, const char *name)
{
    (void)xmlUnsetProp(n, BAD_CAST name);
}

static void set_integer(xmlNode *n, const char *name, int64_t value)
{
    char text[32];
    (void)snprintf(text, sizeof(text), "%lld", (long long)value);
    set(n, name, text);
}

static void set_duration(xmlNode *n, const char *name, int64_t us)
{
    char text[48];
    (void)snprintf(text, sizeof(text), "PT%lld.%06lldS", (long long)(us / WEIR_SECOND_US),
                   (long long)(us % WEIR_SECOND_US));
    set(n, name, text);
}

static void set_date(xmlNode *n, const char *name, int64_t unix_us)
{
    char text[32];
    weir_live_iso8601(unix_us, text);
    set(n, name, text);
}

static xmlNode *add_child(xmlNode *parent, const char *name)
{
    return xmlNewChild(parent, parent->ns, BAD_CAST name, NULL);
}

// A number of the MPD, held within what sums of many of them can take.
static int64_t number_of(const char *text)
{
    int64_t value = strtoll(text, NULL, 10);
    return value > MAX_NUMBER ? MAX_NUMBER : value < -MAX_NUMBER ? -MAX_NUMBER : value;
}

// An attribute of a SegmentTemplate, or of those above that it inherits from (5.3.9.1).
static int64_t inherited(const xmlNode *template, const char *name, int64_t absent)
{
    for (const xmlNode *owner = template->parent; owner && owner->type == XML_ELEMENT_NODE;
         owner = owner->parent) {
        const xmlNode *n =
            owner == template->parent ? template : weir_xml_child(owner, "SegmentTemplate");
        const char *text = n ? weir_xml_attr(n, name) : NULL;
        if (text)
            return number_of(text);
    }
    return absent;
}

// What of a timeline is listed: entries that are there and have not left the window.
struct cut {
    const struct weir_live_view *view;
    int64_t period_start_us, period_duration_us; // start over all rounds
    int64_t chunk_us;
};

struct entry {
    int64_t t, d;
};

// Entries of the timeline into *out, in order; the number of those before the window into *dropped.
static size_t entries_of(const xmlNode *timeline, const struct cut *cut, int64_t timescale,
                         int64_t offset, struct entry **out, int64_t *dropped)
{
    size_t count = 0, room = 0, seen = 0;
    int64_t t = 0;
    *dropped = 0;
    for (const xmlNode *s = weir_xml_child(timeline, "S"); s; s = weir_xml_next(s, "S")) {
        const char *at = weir_xml_attr(s, "t"), *d_text = weir_xml_attr(s, "d"),
                   *r_text = weir_xml_attr(s, "r");
        int64_t d = d_text ? number_of(d_text) : 0, r = r_text ? number_of(r_text) : 0;
        t = at ? number_of(at) : t;
        const xmlNode *next = weir_xml_next(s, "S");
        const char *until = next ? weir_xml_attr(next, "t") : NULL;
        for (int64_t k = 0; d > 0 && (k <= r || r < 0) && seen++ < MAX_ENTRIES && t < MAX_TIME;
             k++, t += d) {
            double start_us = (double)(t - offset) * 1e6 / (double)timescale;
            double end_us = (double)(t + d - offset) * 1e6 / (double)timescale;
            if (r < 0 &&
                (until ? t >= number_of(until) : start_us >= (double)cut->period_duration_us))
                break;
            double there_us = cut->chunk_us ? start_us + (double)cut->chunk_us : end_us;
            if (end_us > (double)cut->period_duration_us)
                end_us = (double)cut->period_duration_us;
            if (there_us > end_us)
                there_us = end_us;
            int64_t at_us = cut->view->at_us - cut->period_start_us;
            if (there_us > (double)at_us)
                return count;
            if (end_us <= (double)(at_us - cut->view->window_us)) {
                ++*dropped;
                continue;
            }
            if (count == room) {
                room = room ? room * 2 : 64;
                struct entry *grown = realloc(*out, room * sizeof(*grown));
                if (!grown)
                    return count;
                *out = grown;
            }
            (*out)[count++] = (struct entry){t, d};
        }
    }
    return count;
}

static void write_entries(xmlNode *timeline, const struct entry *entries, size_t count)
{
    while (timeline->children) {
        xmlNode *child = timeline->children;
        xmlUnlinkNode(child);
        xmlFreeNode(child);
    }
    for (size_t i = 0; i < count;) {
        size_t run = 1;
        while (i + run < count && entries[i + run].d == entries[i].d &&
               entries[i + run].t == entries[i + run - 1].t + entries[i].d)
            run++;
        xmlNode *s = add_child(timeline, "S");
        if (!s)
            return;
        set_integer(s, "t", entries[i].t);
        set_integer(s, "d", entries[i].d);
        if (run > 1)
            set_integer(s, "r", (int64_t)run - 1);
        i += run;
    }
}

// Cut every timeline below `n`; false when one has nothing to list.
static bool cut_timelines(xmlNode *n, const struct cut *cut)
{
    bool all = true;
    for (xmlNode *c = n->children; c; c = c->next) {
        if (c->type == XML_ELEMENT_NODE && !cut_timelines(c, cut))
            all = false;
    }
    if (!weir_xml_is(n, "SegmentTemplate"))
        return all;
    if (cut->chunk_us) {
        int64_t timescale = inherited(n, "timescale", 1), d = inherited(n, "duration", 0);
        char text[48];
        double segment_us = timescale > 0 ? (double)d * 1e6 / (double)timescale : 0;
        if (segment_us > (double)cut->chunk_us && segment_us < 1e15) {
            int64_t offset_us = (int64_t)segment_us - cut->chunk_us;
            (void)snprintf(text, sizeof(text), "%lld.%06lld",
                           (long long)(offset_us / WEIR_SECOND_US),
                           (long long)(offset_us % WEIR_SECOND_US));
            set(n, "availabilityTimeOffset", text);
        }
        set(n, "availabilityTimeComplete", "false");
    }
    const xmlNode *timeline = weir_xml_child(n, "SegmentTimeline");
    if (!timeline)
        return all;
    struct entry *entries = NULL;
    int64_t dropped = 0, timescale = inherited(n, "timescale", 1);
    size_t count = entries_of(timeline, cut, timescale > 0 ? timescale : 1,
                              inherited(n, "presentationTimeOffset", 0), &entries, &dropped);
    set_integer(n, "startNumber", inherited(n, "startNumber", 1) + dropped);
    for (xmlNode *c = n->children; c; c = c->next) {
        if (c == timeline)
            write_entries(c, entries, count);
    }
    free(entries);
    return all && count > 0;
}

// Round K's URLs are behind "~K/": before the period's own base, or as its base.
static void set_round_base(xmlNode *period, int64_t round)
{
    char text[2048];
    bool any = false;
    for (xmlNode *c = period->children; c; c = c->next) {
        if (c->type != XML_ELEMENT_NODE || !weir_xml_is(c, "BaseURL"))
            continue;
        xmlChar *old = xmlNodeGetContent(c);
        if (old && !strstr((const char *)old, "://") && old[0] != '/') {
            (void)snprintf(text, sizeof(text), "~%lld/%s", (long long)round, (const char *)old);
            xmlNodeSetContent(c, NULL);
            xmlNodeAddContent(c, BAD_CAST text);
        }
        xmlFree(old);
        any = true;
    }
    if (any)
        return;
    (void)snprintf(text, sizeof(text), "~%lld/", (long long)round);
    xmlNode *base = xmlNewDocNode(period->doc, period->ns, BAD_CAST "BaseURL", BAD_CAST text);
    if (base && period->children)
        (void)xmlAddPrevSibling(period->children, base);
    else if (base)
        (void)xmlAddChild(period, base);
}

// One period of one round, unless nothing of it is to be listed. NULL then.
static xmlNode *make_period(const struct weir_live_manifest *m, const struct weir_live_view *v,
                            const xmlNode *original, size_t index, int64_t round, xmlDoc *doc)
{
    const struct weir_period *p = &m->presentation->periods[index];
    struct cut cut = {
        .view = v,
        .period_start_us = round * m->duration_us + p->start_us,
        .period_duration_us = p->duration_us,
        .chunk_us = m->chunk_us,
    };
    if (cut.period_start_us > v->at_us ||
        cut.period_start_us + cut.period_duration_us <= v->at_us - v->window_us)
        return NULL;
    xmlNode *period = xmlDocCopyNode((xmlNode *)(uintptr_t)original, doc, 1);
    if (!period)
        return NULL;
    if (!cut_timelines(period, &cut)) {
        xmlFreeNode(period);
        return NULL;
    }
    char id[256];
    const char *own = weir_xml_attr(original, "id");
    if (own)
        (void)snprintf(id, sizeof(id), round ? "%s~%lld" : "%s", own, (long long)round);
    else
        (void)snprintf(id, sizeof(id), "%zu~%lld", index, (long long)round);
    set(period, "id", id);
    set_duration(period, "start", cut.period_start_us);
    set_duration(period, "duration", cut.period_duration_us);
    if (round > 0)
        set_round_base(period, round);
    return period;
}

static void describe_live(const struct weir_live_manifest *m, const struct weir_live_view *v,
                          xmlNode *mpd)
{
    char text[256];
    set(mpd, "type", "dynamic");
    unset(mpd, "mediaPresentationDuration");
    set_date(mpd, "availabilityStartTime", v->epoch_us);
    set_date(mpd, "publishTime", v->now_us);
    set_duration(mpd, "timeShiftBufferDepth", v->window_us);
    set_duration(mpd, "minimumUpdatePeriod", m->longest_us);
    // Three segments behind, as players do unless told; with chunks the target is in seconds.
    set_duration(mpd, "suggestedPresentationDelay",
                 m->chunk_us ? m->longest_us + 2 * m->chunk_us : 3 * m->longest_us);
    xmlNode *timing = add_child(mpd, "UTCTiming");
    if (timing) {
        (void)snprintf(text, sizeof(text), "%s/.weir/time", v->origin);
        set(timing, "schemeIdUri", "urn:mpeg:dash:utc:http-iso:2014");
        set(timing, "value", text);
    }
    timing = add_child(mpd, "UTCTiming");
    if (timing) {
        set(timing, "schemeIdUri", "urn:mpeg:dash:utc:direct:2014");
        set_date(timing, "value", v->now_us);
    }
}

// ll: how far behind players should be (Annex K.3.2).
static void describe_latency(const struct weir_live_manifest *m, xmlNode *before)
{
    char text[32];
    xmlNode *service = xmlNewDocNode(before->doc, before->ns, BAD_CAST "ServiceDescription", NULL);
    if (!service)
        return;
    set(service, "id", "weir");
    xmlNode *latency = add_child(service, "Latency");
    if (latency) {
        int64_t target_ms = (m->longest_us + 2 * m->chunk_us) / 1000;
        (void)snprintf(text, sizeof(text), "%lld", (long long)target_ms);
        set(latency, "target", text);
    }
    (void)xmlAddPrevSibling(before, service);
}

static void render_static(const struct weir_live_view *v, xmlNode *mpd)
{
    set(mpd, "type", "static");
    set_date(mpd, "availabilityStartTime", v->epoch_us);
}

static int render_live(const struct weir_live_manifest *m, const struct weir_live_view *v,
                       xmlNode *mpd)
{
    const xmlNode *original = xmlDocGetRootElement(m->doc);
    xmlNode *after = NULL; // what follows the periods
    for (xmlNode *c = mpd->children, *next; c; c = next) {
        next = c->next;
        if (c->type != XML_ELEMENT_NODE || !weir_xml_is(c, "Period"))
            continue;
        after = next;
        xmlUnlinkNode(c);
        xmlFreeNode(c);
    }
    int64_t behind_us = v->at_us > v->window_us ? v->at_us - v->window_us : 0;
    int64_t round = v->loop ? behind_us / m->duration_us : 0;
    int64_t last = v->loop ? v->at_us / m->duration_us : 0;
    xmlNode *first = NULL;
    for (; round <= last; round++) {
        size_t index = 0;
        for (const xmlNode *p = weir_xml_child(original, "Period"); p;
             p = weir_xml_next(p, "Period"), index++) {
            xmlNode *made = make_period(m, v, p, index, round, mpd->doc);
            if (made && after)
                (void)xmlAddPrevSibling(after, made);
            else if (made)
                (void)xmlAddChild(mpd, made);
            first = first ? first : made;
        }
    }
    if (!first)
        return WEIR_ERR_END;
    describe_live(m, v, mpd);
    if (m->chunk_us && !weir_xml_child(mpd, "ServiceDescription"))
        describe_latency(m, first);
    return 0;
}

int weir_live_dash_render(const struct weir_live_manifest *m, const struct weir_live_view *v,
                          struct weir_textbuf *out)
{
    if (v->at_us < 0)
        return WEIR_ERR_END;
    xmlDoc *doc = xmlCopyDoc(m->doc, 1);
    xmlNode *mpd = doc ? xmlDocGetRootElement(doc) : NULL;
    int err = mpd ? 0 : WEIR_ERR_NOMEM;
    if (!err && !v->loop && v->at_us >= m->duration_us)
        render_static(v, mpd);
    else if (!err)
        err = render_live(m, v, mpd);
    if (!err) {
        xmlChar *text = NULL;
        int size = 0;
        xmlDocDumpMemoryEnc(doc, &text, &size, "UTF-8");
        if (text)
            weir_textbuf_add(out, (const char *)text, (size_t)size);
        else
            err = WEIR_ERR_NOMEM;
        xmlFree(text);
    }
    xmlFreeDoc(doc);
    return err;
}
