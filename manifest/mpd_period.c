// manifest/mpd_period.c — periods: where each starts and ends, and the adaptation sets in it
// (ISO/IEC 23009-1, 5.3.2). All starts are found first, because a period ends where the next
// begins.
#include <stdlib.h>
#include <string.h>

#include "manifest/mpd.h"

struct timing {
    const xmlNode *node;
    int64_t start_us, duration_us; // NONE: not given, or not known
};

// Starts (5.3.2.1): @start, else the end of the one before, else 0 for the first. Returns how many
// could be told.
static size_t read_starts(struct weir_mpd *m, struct timing *list)
{
    size_t count = 0;
    int64_t previous_end_us = 0;
    for (const xmlNode *n = weir_xml_child(m->root, "Period"); n; n = weir_xml_next(n, "Period")) {
        struct timing t = {n, weir_mpd_duration(m, n, "start"),
                           weir_mpd_duration(m, n, "duration")};
        if (count == WEIR_MAX_PERIODS) {
            weir_presentation_warn(m->p, "more than %d Periods: the rest is ignored",
                                   WEIR_MAX_PERIODS);
            break;
        }
        if (weir_mpd_remote(m, n))
            continue;
        if (t.start_us == WEIR_TIME_NONE)
            t.start_us = previous_end_us;
        if (t.start_us == WEIR_TIME_NONE) {
            weir_presentation_warn(m->p, "line %ld: the start of a Period cannot be told: dropped",
                                   weir_xml_line(n));
            continue;
        }
        previous_end_us = t.duration_us == WEIR_TIME_NONE ? WEIR_TIME_NONE
                                                          : weir_add_sat(t.start_us, t.duration_us);
        list[count++] = t;
    }
    return count;
}

// Where period i ends: with its own duration, but never behind the next one's start (a gap is
// legal, an overlap is cut); without a duration where the next begins; the last one with the
// presentation.
static int64_t end_of(struct weir_mpd *m, const struct timing *list, size_t count, size_t i)
{
    int64_t own_us = list[i].duration_us == WEIR_TIME_NONE
                         ? WEIR_TIME_NONE
                         : weir_add_sat(list[i].start_us, list[i].duration_us);
    if (i + 1 < count) {
        if (own_us != WEIR_TIME_NONE && own_us <= list[i + 1].start_us)
            return own_us;
        if (own_us != WEIR_TIME_NONE)
            weir_presentation_warn(m->p, "line %ld: Periods overlap: the earlier one is cut",
                                   weir_xml_line(list[i].node));
        return list[i + 1].start_us;
    }
    if (own_us != WEIR_TIME_NONE)
        return own_us;
    return m->p->duration_us;
}

static int by_id(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

// Ids are unique within a period (5.3.5.2). Real manifests break that where nothing depends on it,
// so all are kept.
static void warn_duplicates(struct weir_mpd *m, const struct weir_period *p)
{
    size_t total = 0, n = 0;
    for (size_t i = 0; i < p->track_count; i++)
        total += p->tracks[i].representation_count;
    const char **ids = weir_mpd_array(m, total, sizeof(*ids));
    for (size_t i = 0; i < p->track_count && ids; i++) {
        for (size_t k = 0; k < p->tracks[i].representation_count; k++) {
            if (p->tracks[i].representations[k].id)
                ids[n++] = p->tracks[i].representations[k].id;
        }
    }
    if (n)
        qsort(ids, n, sizeof(*ids), by_id);
    for (size_t i = 1; i < n; i++) {
        if (strcmp(ids[i - 1], ids[i]) == 0 && (i < 2 || strcmp(ids[i - 2], ids[i]) != 0))
            weir_presentation_warn(
                m->p, "Representation id \"%.60s\" is used more than once in a Period", ids[i]);
    }
}

static void read_sets(struct weir_mpd *m, const struct weir_mpd_period *period)
{
    struct weir_period *out = period->out;
    size_t count = weir_xml_count(period->node, "AdaptationSet");
    if (count > WEIR_MAX_SETS) {
        weir_presentation_warn(m->p, "more than %d AdaptationSets in a Period: the rest is ignored",
                               WEIR_MAX_SETS);
        count = WEIR_MAX_SETS;
    }
    out->tracks = weir_mpd_array(m, count, sizeof(*out->tracks));
    const xmlNode **nodes = weir_mpd_array(m, count, sizeof(*nodes));
    const xmlNode *n = weir_xml_child(period->node, "AdaptationSet");
    for (size_t i = 0; i < count && n && !m->no_memory;
         i++, n = weir_xml_next(n, "AdaptationSet")) {
        struct weir_track *t = &out->tracks[out->track_count];
        *t = (struct weir_track){0};
        if (weir_mpd_remote(m, n) || !weir_mpd_set(m, period, n, t))
            continue;
        nodes[out->track_count++] = n;
    }
    warn_duplicates(m, out);
    if (nodes)
        weir_mpd_merge_switchable(m, out, nodes);
}

// A static period without a declared end is as long as its longest track.
static void measure(struct weir_period *p)
{
    for (size_t i = 0; i < p->track_count; i++) {
        for (size_t k = 0; k < p->tracks[i].representation_count; k++) {
            const struct weir_representation *r = &p->tracks[i].representations[k];
            struct weir_segment_info s;
            int64_t n = r->index_need == WEIR_INDEX_READY ? weir_index_count(r) : 0;
            if (n == 0 || weir_index_segment(r, n - 1, &s) || s.duration_us == WEIR_TIME_NONE)
                continue;
            int64_t us = s.start_us + s.duration_us - p->start_us;
            if (us > 0 && us > p->duration_us)
                p->duration_us = us;
        }
    }
}

static bool read_period(struct weir_mpd *m, const struct weir_bases *above, const struct timing *t,
                        int64_t end_us, struct weir_period *out)
{
    struct weir_mpd_period period = {.node = t->node, .out = out};
    *out = (struct weir_period){.start_us = t->start_us, .duration_us = WEIR_TIME_NONE};
    if (end_us != WEIR_TIME_NONE)
        out->duration_us = weir_add_sat(end_us, -t->start_us);
    if (end_us != WEIR_TIME_NONE && out->duration_us <= 0) {
        weir_presentation_warn(m->p, "line %ld: a Period without length: dropped",
                               weir_xml_line(t->node));
        return false;
    }
    const char *id = weir_xml_attr(t->node, "id");
    out->id = id && *id ? weir_mpd_keep(m, id) : NULL;
    if (weir_mpd_bases(m, t->node, above, &period.bases)) {
        weir_presentation_warn(m->p, "line %ld: no BaseURL of the Period may be fetched: dropped",
                               weir_xml_line(t->node));
        return false;
    }
    const char *scheme = weir_mpd_unknown_essential(t->node);
    if (scheme) {
        weir_presentation_warn(m->p, "line %ld: a Period needs %.100s: dropped",
                               weir_xml_line(t->node), scheme);
        return false;
    }
    read_sets(m, &period);
    if (out->track_count == 0) {
        // In a dynamic MPD the period keeps its place: an update may fill it.
        weir_presentation_warn(m->p, "line %ld: a Period without a usable AdaptationSet%s",
                               weir_xml_line(t->node), m->dynamic ? "" : ": dropped");
        if (!m->dynamic)
            return false;
    }
    weir_mpd_events(m, &period);
    if (end_us == WEIR_TIME_NONE && !m->dynamic)
        measure(out);
    return true;
}

int weir_mpd_periods(struct weir_mpd *m, const struct weir_bases *bases, struct weir_error *error)
{
    size_t room = weir_xml_count(m->root, "Period");
    room = room < WEIR_MAX_PERIODS ? room : WEIR_MAX_PERIODS;
    struct timing *list = weir_mpd_array(m, room, sizeof(*list));
    m->p->periods = weir_mpd_array(m, room, sizeof(*m->p->periods));
    if (m->no_memory)
        return WEIR_ERR_NOMEM;
    size_t count = read_starts(m, list);
    for (size_t i = 0; i < count && !m->no_memory; i++) {
        struct weir_period *out = &m->p->periods[m->p->period_count];
        if (read_period(m, bases, &list[i], end_of(m, list, count, i), out))
            m->p->period_count++;
    }
    size_t tracks = 0;
    for (size_t i = 0; i < m->p->period_count; i++)
        tracks += m->p->periods[i].track_count;
    // An early dynamic MPD that is being polled may still be without one.
    if (tracks || (m->p->period_count && !m->denied) ||
        (m->dynamic && weir_xml_attr(m->root, "minimumUpdatePeriod") && room == 0))
        return 0;
    if (m->denied)
        return weir_error_set(
            error, WEIR_ERR_DENIED, m->in->url,
            "nothing is left after refusing URLs that a remote manifest may not name");
    int err = weir_error_set(error, room ? WEIR_ERR_UNSUPPORTED : WEIR_ERR_SYNTAX, m->in->url,
                             room ? "no Period of the MPD can be played" : "the MPD has no Period");
    if (m->p->warning_count)
        weir_error_why(error, "%s", m->p->warnings[m->p->warning_count - 1]);
    return err;
}
