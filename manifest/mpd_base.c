// manifest/mpd_base.c — BaseURL elements, level by level (ISO/IEC 23009-1, 5.6.4 and 5.6.5).
// Several on a level are alternatives and combine with each of those above, up to WEIR_MAX_BASES.
#include <string.h>

#include "manifest/mpd.h"

struct base {
    const char *text, *location;
    int64_t offset_us;
    int64_t priority; // dvb:priority, lower first; 1 by default (ETSI TS 103 285, 10.8.2.1)
};

static void read_offset(struct weir_mpd *m, const xmlNode *n, int64_t *out)
{
    const char *text = weir_xml_attr(n, "availabilityTimeOffset");
    const char *complete = weir_xml_attr(n, "availabilityTimeComplete");
    *out = 0;
    if (complete && strcmp(complete, "false") == 0)
        m->chunked = true;
    if (!text)
        return;
    if (strcmp(text, "INF") == 0)
        *out = INT64_MAX;
    else if (!weir_parse_micro(text, strlen(text), out) || *out < 0)
        *out = 0;
}

static size_t read_level(struct weir_mpd *m, const xmlNode *node, struct base *list)
{
    size_t count = 0;
    for (const xmlNode *n = weir_xml_child(node, "BaseURL"); n; n = weir_xml_next(n, "BaseURL")) {
        if (count == WEIR_MAX_BASES) {
            weir_presentation_warn(m->p, "line %ld: more than %d BaseURLs: the rest is ignored",
                                   weir_xml_line(n), WEIR_MAX_BASES);
            break;
        }
        struct base b = {.text = weir_xml_text(m->arena, n), .priority = 1};
        if (!b.text) {
            m->no_memory = true;
            break;
        }
        b.location = weir_mpd_keep(m, weir_xml_attr(n, "serviceLocation"));
        weir_parse_int64(weir_xml_foreign_attr(n, "priority"), &b.priority);
        read_offset(m, n, &b.offset_us);
        size_t at = count++;
        for (; at > 0 && list[at - 1].priority > b.priority; at--)
            list[at] = list[at - 1];
        list[at] = b;
    }
    return count;
}

static int add(struct weir_mpd *m, const xmlNode *node, const struct weir_bases *above, size_t i,
               const struct base *b, struct weir_bases *out)
{
    const char *url = weir_url_resolve_in(m->arena, above->urls[i], b->text);
    if (!url || weir_url_check(url, m->in->allow_file_urls) < 0) {
        m->denied++;
        weir_presentation_warn(
            m->p, "line %ld: the base URL \"%.100s\" may not be fetched from here: ignored",
            weir_xml_line(node), b->text);
        return WEIR_ERR_DENIED;
    }
    out->urls[out->count] = url;
    out->locations[out->count] = b->location ? b->location : above->locations[i];
    out->offset_us[out->count] = weir_add_sat(above->offset_us[i], b->offset_us);
    out->count++;
    return 0;
}

int weir_mpd_bases(struct weir_mpd *m, const xmlNode *node, const struct weir_bases *above,
                   struct weir_bases *out)
{
    struct base list[WEIR_MAX_BASES];
    size_t count = read_level(m, node, list);
    if (count == 0) {
        *out = *above;
        return 0;
    }
    *out = (struct weir_bases){.count = 0};
    for (size_t i = 0; i < above->count; i++) {
        for (size_t k = 0; k < count && out->count < WEIR_MAX_BASES; k++)
            (void)add(m, node, above, i, &list[k], out); // warned; the others are tried
    }
    return out->count ? 0 : WEIR_ERR_DENIED;
}
