// sim/live_dash.c — reading a static MPD that is to become a dynamic one: its segments and their
// times, or why it cannot be one. It is rewritten in live_dash_write.c.
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "manifest/xmlread.h"
#include "sim/live_internal.h"

static const char *template_problem(const xmlNode *n)
{
    if (weir_xml_is(n, "SegmentBase"))
        return "SegmentBase cannot be live: SegmentTemplate can";
    if (weir_xml_is(n, "SegmentList"))
        return "SegmentList cannot be live: SegmentTemplate can";
    for (const xmlNode *c = n->children; c; c = c->next) {
        const char *problem = c->type == XML_ELEMENT_NODE ? template_problem(c) : NULL;
        if (problem)
            return problem;
    }
    return NULL;
}

static int read_representation(struct weir_live *l, size_t i, const struct weir_representation *r,
                               const struct weir_period *period)
{
    struct weir_live_manifest *m = &l->manifests[i];
    if (r->index_need != WEIR_INDEX_READY) {
        weir_live_refuse(m, "its segments are not in the MPD");
        return 0;
    }
    int64_t count = weir_index_count(r), period_end_us = period->start_us + period->duration_us;
    for (int64_t k = 0; k < count; k++) {
        struct weir_segment_info s;
        char url[8192];
        if (weir_index_segment(r, k, &s) < 0 || weir_index_url(r, k, 0, url, sizeof(url)) < 0)
            continue;
        int64_t end_us = s.start_us + s.duration_us;
        int err = weir_live_add_gate(l, i, url, s.start_us,
                                     end_us < period_end_us ? end_us : period_end_us);
        if (err)
            return err;
        if (s.duration_us > m->longest_us)
            m->longest_us = s.duration_us;
    }
    return 0;
}

static int read_periods(struct weir_live *l, size_t i)
{
    struct weir_live_manifest *m = &l->manifests[i];
    struct weir_presentation *p = m->presentation;
    for (size_t k = 0; k < p->period_count; k++) {
        if (p->periods[k].duration_us <= 0) {
            weir_live_refuse(m, "a period without a duration");
            return 0;
        }
        for (size_t t = 0; t < p->periods[k].track_count; t++) {
            const struct weir_track *track = &p->periods[k].tracks[t];
            for (size_t r = 0; r < track->representation_count && !m->refused; r++) {
                int err = read_representation(l, i, &track->representations[r], &p->periods[k]);
                if (err)
                    return err;
            }
        }
    }
    return 0;
}

// ll: the first chunk's share of the first video segment; 0 where it is one chunk alone.
static int64_t chunk_of(const struct weir_live *l, size_t i)
{
    const struct weir_live_manifest *m = &l->manifests[i];
    int64_t longest_us = 0;
    for (size_t g = 0; g < l->gate_count; g++) {
        const struct weir_live_gate *gate = &l->gates[g];
        if (gate->manifest != i || gate->start_us > 0)
            continue;
        char full[8300];
        struct stat st;
        int64_t ends[64];
        (void)snprintf(full, sizeof(full), "%s%s", l->root, gate->path);
        int fd = open(full, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        if (fd < 0)
            continue;
        size_t chunks = fstat(fd, &st) == 0 && S_ISREG(st.st_mode)
                            ? weir_live_chunks(fd, st.st_size, ends, 64)
                            : 1;
        (void)close(fd);
        int64_t chunk_us = (gate->end_us - gate->start_us) / (int64_t)chunks;
        if (chunks < 2)
            return 0;
        if (chunk_us > longest_us)
            longest_us = chunk_us;
    }
    return longest_us < m->longest_us ? longest_us : 0;
}

int weir_live_dash_read(struct weir_live *l, size_t i)
{
    struct weir_live_manifest *m = &l->manifests[i];
    char url[8192];
    struct weir_error e = {0};
    if (weir_live_url(m->path, url, sizeof(url)) < 0) {
        weir_live_refuse(m, "its path is too long");
        return 0;
    }
    struct weir_manifest_input in = {
        .data = (const uint8_t *)m->data,
        .size_bytes = m->size_bytes,
        .url = url,
        .wall_clock_us = WEIR_TIME_NONE,
    };
    int err = weir_xml_read(in.data, in.size_bytes, url, &m->doc, &e);
    if (!err)
        err = weir_presentation_parse(&in, &m->presentation, &e);
    if (err == WEIR_ERR_NOMEM)
        return err;
    const char *problem;
    if (err)
        problem = e.what;
    else if (m->presentation->live)
        problem = "it is dynamic already";
    else if (weir_xml_count(xmlDocGetRootElement(m->doc), "Period") !=
             m->presentation->period_count)
        problem = "a period in it cannot be read";
    else
        problem = template_problem(xmlDocGetRootElement(m->doc));
    if (problem) {
        weir_live_refuse(m, problem);
        return 0;
    }
    const struct weir_period *last = &m->presentation->periods[m->presentation->period_count - 1];
    m->duration_us = last->start_us + last->duration_us;
    err = read_periods(l, i);
    if (!err && l->spec.low_latency && !m->refused)
        m->chunk_us = chunk_of(l, i);
    if (!m->refused && (m->longest_us <= 0 || m->duration_us <= 0))
        weir_live_refuse(m, "no segment in it");
    if (m->refused)
        m->duration_us = 0;
    return err;
}
