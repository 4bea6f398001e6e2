// manifest/mpd.c — an MPD document into a presentation: the MPD element itself; periods and below
// are in the other mpd_*.c files. Called by weir_presentation_parse. Hostile input: what is bad is
// dropped with a warning as far as something playable is left (ISO/IEC 23009-1, 5.3.1).
#include "manifest/mpd.h"

#include <string.h>
#include <strings.h>

#include "manifest/iso8601.h"

// Default when @minBufferTime is missing; chosen by hand.
#define DEFAULT_MIN_BUFFER_US (2 * WEIR_SECOND_US)

const char *weir_mpd_keep(struct weir_mpd *m, const char *s)
{
    if (!s)
        return NULL;
    char *copy = weir_arena_strdup(m->arena, s);
    if (!copy)
        m->no_memory = true;
    return copy;
}

void *weir_mpd_array(struct weir_mpd *m, size_t count, size_t size_bytes)
{
    void *a = weir_arena_array(m->arena, count ? count : 1, size_bytes);
    if (!a)
        m->no_memory = true;
    return a;
}

int64_t weir_mpd_duration(struct weir_mpd *m, const xmlNode *n, const char *name)
{
    const char *text = weir_xml_attr(n, name);
    int64_t us;
    bool approximate;
    if (!text)
        return WEIR_TIME_NONE;
    if (!weir_iso8601_duration(text, &us, &approximate) || us < 0) {
        weir_presentation_warn(m->p, "line %ld: %s@%s=\"%.40s\" is not a duration: ignored",
                               weir_xml_line(n), n->name, name, text);
        return WEIR_TIME_NONE;
    }
    if (approximate)
        weir_presentation_warn(m->p,
                               "line %ld: %s@%s uses years or months: taken as 365 and 30 days",
                               weir_xml_line(n), n->name, name);
    return us;
}

static bool is_dynamic(struct weir_mpd *m)
{
    const char *type = weir_xml_attr(m->root, "type");
    if (!type || strcmp(type, "static") == 0)
        return false;
    if (strcmp(type, "dynamic") == 0)
        return true;
    bool live = weir_xml_attr(m->root, "availabilityStartTime") &&
                weir_xml_attr(m->root, "minimumUpdatePeriod");
    weir_presentation_warn(m->p, "MPD@type=\"%.40s\" is unknown: taken as %s", type,
                           live ? "dynamic" : "static");
    return live;
}

// What must be right about a dynamic MPD before anything else is (5.3.1.2).
static int read_clock(struct weir_mpd *m, struct weir_error *error)
{
    const char *start = weir_xml_attr(m->root, "availabilityStartTime");
    const char *end = weir_xml_attr(m->root, "availabilityEndTime");
    m->availability_start_us = m->availability_end_us = WEIR_TIME_NONE;
    m->time_shift_us = weir_mpd_duration(m, m->root, "timeShiftBufferDepth");
    if (!m->dynamic)
        return 0;
    if (!start)
        return weir_error_set(error, WEIR_ERR_SYNTAX, m->in->url,
                              "a dynamic MPD without availabilityStartTime");
    if (!weir_iso8601_datetime(start, &m->availability_start_us))
        return weir_error_set(error, WEIR_ERR_SYNTAX, m->in->url,
                              "MPD@availabilityStartTime=\"%.40s\" is not a date", start);
    if (end && !weir_iso8601_datetime(end, &m->availability_end_us)) {
        m->availability_end_us = WEIR_TIME_NONE;
        weir_presentation_warn(m->p, "MPD@availabilityEndTime=\"%.40s\" is not a date: ignored",
                               end);
    }
    return 0;
}

static int check_root(struct weir_mpd *m, struct weir_error *error)
{
    if (!weir_xml_is(m->root, "MPD"))
        return weir_error_set(error, WEIR_ERR_SYNTAX, m->in->url,
                              "line %ld: the root element is <%.40s>, not <MPD>",
                              weir_xml_line(m->root), (const char *)m->root->name);
    // The client cannot present it as intended (5.8.4.8).
    const char *scheme = weir_mpd_unknown_essential(m->root);
    if (scheme)
        return weir_error_set(error, WEIR_ERR_UNSUPPORTED, m->in->url,
                              "the MPD needs an extension that is not supported: %.150s", scheme);
    return 0;
}

static void finish_duration(struct weir_mpd *m)
{
    struct weir_presentation *p = m->p;
    if (p->duration_us != WEIR_TIME_NONE || p->period_count == 0)
        return;
    struct weir_period *last = &p->periods[p->period_count - 1];
    if (last->duration_us != WEIR_TIME_NONE && !m->dynamic)
        p->duration_us = last->start_us + last->duration_us;
}

static int read_document(struct weir_mpd *m, struct weir_error *error)
{
    struct weir_presentation *p = m->p;
    // A copy: base URLs live as long as the presentation, the input only as long as the call.
    const char *url = weir_arena_strdup(&p->arena, m->in->url ? m->in->url : "");
    if (!url)
        return weir_error_set(error, WEIR_ERR_NOMEM, m->in->url, "out of memory");
    struct weir_bases top = {{url}, {NULL}, {0}, 1}, bases;
    int err = check_root(m, error);
    if (err)
        return err;
    m->dynamic = p->live = is_dynamic(m);
    err = read_clock(m, error);
    if (err)
        return err;
    p->duration_us = weir_mpd_duration(m, m->root, "mediaPresentationDuration");
    p->min_buffer_time_us = weir_mpd_duration(m, m->root, "minBufferTime");
    if (p->min_buffer_time_us == WEIR_TIME_NONE) {
        weir_presentation_warn(p, "MPD@minBufferTime is missing: taken as 2 s");
        p->min_buffer_time_us = DEFAULT_MIN_BUFFER_US;
    }
    err = weir_mpd_bases(m, m->root, &top, &bases);
    if (err)
        return weir_error_set(error, err, m->in->url,
                              "every BaseURL of the MPD names something that may not be fetched");
    weir_mpd_live(m);
    weir_mpd_service(m);
    err = weir_mpd_periods(m, &bases, error);
    if (err)
        return err;
    finish_duration(m);
    p->low_latency = m->chunked;
    return 0;
}

int weir_mpd_read(struct weir_presentation *p, const struct weir_manifest_input *in,
                  struct weir_error *error)
{
    xmlDoc *doc;
    int err = weir_xml_read(in->data, in->size_bytes, in->url, &doc, error);
    if (err)
        return err;
    struct weir_mpd m = {.p = p, .in = in, .arena = &p->arena, .root = xmlDocGetRootElement(doc)};
    err = read_document(&m, error);
    if (m.no_memory)
        err = weir_error_set(error, WEIR_ERR_NOMEM, in->url,
                             "the manifest needs more memory than is allowed");
    xmlFreeDoc(doc);
    return err;
}
