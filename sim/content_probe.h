// sim/content_probe.h — internal to sim/content*.c: how large resources are, without keeping them.
#ifndef WEIR_SIM_CONTENT_PROBE_H
#define WEIR_SIM_CONTENT_PROBE_H

#include "manifest/presentation.h"
#include "sim/content.h"

// A segment or an init segment whose size nothing in the manifest tells.
struct weir_content_item {
    const struct weir_representation *rep;
    const struct weir_init *init; // not NULL: this one
    int64_t segment;              // otherwise: of rep's index
    int64_t *bytes;               // 0 until it is known
};

// Look the sizes of local files up; whatever is no local file or is not there stays 0.
void weir_content_probe_files(const struct weir_content_item *items, size_t count);
// Ask servers for all that are still 0: HEAD, and where that does not tell, GET. `origin_url` is
// the manifest's. 0, or the first error that could not be helped.
int weir_content_probe(const struct weir_content_item *items, size_t count, const char *origin_url,
                       const struct weir_content_record_params *params, struct weir_error *e);

#endif
