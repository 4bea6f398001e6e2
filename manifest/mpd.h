// manifest/mpd.h — how the files that read an MPD hang together: one reader, one level at a time.
#ifndef WEIR_MANIFEST_MPD_H
#define WEIR_MANIFEST_MPD_H

#include "manifest/xmlread.h"

// Alternative base URLs of one level, each combined with those above (ISO/IEC 23009-1, 5.6.5).
struct weir_bases {
    const char *urls[WEIR_MAX_BASES];
    const char *locations[WEIR_MAX_BASES]; // @serviceLocation
    int64_t offset_us[WEIR_MAX_BASES];     // @availabilityTimeOffset so far; INT64_MAX: INF
    size_t count;
};

struct weir_mpd {
    struct weir_presentation *p;
    const struct weir_manifest_input *in;
    struct weir_arena *arena; // the presentation's
    const xmlNode *root;
    bool dynamic;
    bool no_memory; // sticky: any allocation failed
    bool chunked;   // @availabilityTimeComplete="false" was seen
    int64_t availability_start_us, availability_end_us;
    int64_t time_shift_us;
    size_t denied;     // URLs refused
    size_t event_room; // of p->events
};

// The segment elements that apply to a representation: [0] its own, [1] the set's, [2] the
// period's.
struct weir_mpd_levels {
    const xmlNode *node[3];
};

struct weir_mpd_period {
    const xmlNode *node;
    struct weir_period *out;
    struct weir_bases bases;
};

// Duplicate into the arena; NULL stays NULL. Out of memory is remembered in m->no_memory.
const char *weir_mpd_keep(struct weir_mpd *m, const char *s);
void *weir_mpd_array(struct weir_mpd *m, size_t count, size_t size_bytes);
// An xs:duration attribute in microseconds; NONE when absent, bad (warned) or negative.
int64_t weir_mpd_duration(struct weir_mpd *m, const xmlNode *n, const char *name);

// mpd_base.c: the BaseURL elements of `node` on top of `above`. 0, or DENIED when none of them may
// be used.
int weir_mpd_bases(struct weir_mpd *m, const xmlNode *node, const struct weir_bases *above,
                   struct weir_bases *out);

// mpd_period.c
int weir_mpd_periods(struct weir_mpd *m, const struct weir_bases *bases, struct weir_error *error);

// mpd_set.c: one adaptation set into *out; false: dropped, with a warning.
bool weir_mpd_set(struct weir_mpd *m, const struct weir_mpd_period *period, const xmlNode *set,
                  struct weir_track *out);

// mpd_switching.c: sets that name each other as switchable become one ladder. nodes[i] is the set
// of track i.
void weir_mpd_merge_switchable(struct weir_mpd *m, struct weir_period *period,
                               const xmlNode **nodes);

// mpd_segments.c: how the representation's segments are found; false: not at all, with a warning.
bool weir_mpd_segments(struct weir_mpd *m, const struct weir_mpd_period *period,
                       const struct weir_mpd_levels *levels, const struct weir_bases *bases,
                       struct weir_representation *r);

// mpd_timeline.c: the S elements below `timeline` as runs, up to `period_ticks` (NONE: open) of
// media time.
bool weir_mpd_timeline(struct weir_mpd *m, const xmlNode *timeline, int64_t start_number,
                       int64_t end_ticks, struct weir_segment_index *x);

// mpd_misc.c: descriptors, protection, events, and what hangs on the MPD element.
const struct weir_descriptor *weir_mpd_descriptors(struct weir_mpd *m, const xmlNode *parent,
                                                   const char *name, size_t *count);
void weir_mpd_protection(struct weir_mpd *m, const xmlNode *set, struct weir_track *out);
void weir_mpd_events(struct weir_mpd *m, const struct weir_mpd_period *period);
void weir_mpd_live(struct weir_mpd *m);
void weir_mpd_service(struct weir_mpd *m);
// Remote elements (xlink:href, 5.5) are not fetched: their own content counts, with a warning. True
// when the element is to be taken as not there.
bool weir_mpd_remote(struct weir_mpd *m, const xmlNode *node);
// NULL when every EssentialProperty below `node` is known here, else the scheme that is not.
const char *weir_mpd_unknown_essential(const xmlNode *node);

#endif
