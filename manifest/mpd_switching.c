// manifest/mpd_switching.c — adaptation sets between which a player may switch
// (urn:mpeg:dash:adaptation-set-switching:2016; DASH-IF IOP 3.8). Those that name each other and
// fit together become one track, so that adaptation sees the whole ladder; one that does not fit
// stays a track of its own.
#include <string.h>
#include <strings.h>

#include "manifest/mpd.h"

static const char *switching_ids(const xmlNode *set)
{
    static const char *const elements[] = {"SupplementalProperty", "EssentialProperty"};
    for (size_t i = 0; i < sizeof(elements) / sizeof(elements[0]); i++) {
        for (const xmlNode *n = weir_xml_child(set, elements[i]); n;
             n = weir_xml_next(n, elements[i])) {
            const char *scheme = weir_xml_attr(n, "schemeIdUri");
            if (scheme && strcasecmp(scheme, "urn:mpeg:dash:adaptation-set-switching:2016") == 0)
                return weir_xml_attr(n, "value");
        }
    }
    return NULL;
}

// `id` is one of a comma list.
static bool lists(const char *list, const char *id)
{
    size_t len = id ? strlen(id) : 0;
    for (const char *s = list; s && *s && len;) {
        s += strspn(s, ", \t\r\n");
        size_t n = strcspn(s, ", \t\r\n");
        if (n == len && memcmp(s, id, n) == 0)
            return true;
        s += n;
    }
    return false;
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcasecmp(a, b) == 0);
}

// A decoder goes on without being replaced: the same four letters of the codec.
static bool same_codec(const struct weir_track *a, const struct weir_track *b)
{
    const char *x = a->representations[0].codecs, *y = b->representations[0].codecs;
    return x && y ? strncasecmp(x, y, 4) == 0 : x == y;
}

static bool fit(const struct weir_track *a, const struct weir_track *b)
{
    return a->type == b->type && same_text(a->lang, b->lang) && same_codec(a, b) &&
           !a->trick_mode && !b->trick_mode &&
           (a->protection_count > 0) == (b->protection_count > 0);
}

static bool append(struct weir_mpd *m, struct weir_track *to, const struct weir_track *from)
{
    size_t count = to->representation_count + from->representation_count;
    struct weir_representation *list = weir_mpd_array(m, count, sizeof(*list));
    if (!list)
        return false;
    memcpy(list, to->representations, to->representation_count * sizeof(*list));
    memcpy(list + to->representation_count, from->representations,
           from->representation_count * sizeof(*list));
    to->representations = list;
    to->representation_count = count;
    return true;
}

void weir_mpd_merge_switchable(struct weir_mpd *m, struct weir_period *period,
                               const xmlNode **nodes)
{
    for (size_t i = 0; i < period->track_count; i++) {
        struct weir_track *a = &period->tracks[i];
        const char *mine = switching_ids(nodes[i]);
        size_t kept = i + 1;
        if (!mine)
            continue;
        for (size_t k = i + 1; k < period->track_count; k++) {
            struct weir_track *b = &period->tracks[k];
            bool merge = lists(mine, b->id) && lists(switching_ids(nodes[k]), a->id) && fit(a, b);
            if (merge && append(m, a, b))
                continue;
            nodes[kept] = nodes[k];
            period->tracks[kept++] = *b;
        }
        period->track_count = kept;
    }
}
