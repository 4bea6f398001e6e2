// demux/whole_file.h — plain media files (MP4, MKV, TS …) played as one segment: a local one is
// mapped, not copied; its length and streams are learnt before the engine starts.
#ifndef WEIR_DEMUX_WHOLE_FILE_H
#define WEIR_DEMUX_WHOLE_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include <weir/error.h>

#include "core/segment.h"
#include "manifest/presentation.h"

// Map a file URL as a complete segment, with readable padding behind its end. NOT_FOUND, DENIED,
// NOMEM with error.
int weir_whole_file_map(struct weir_segment_pool *pool, const char *file_url,
                        struct weir_segment **out, struct weir_error *error);
// Read headers through `wait` (as in struct weir_demux_params) and close again. SYNTAX: no media
// that libavformat knows; CANCELLED when wait gave up.
int weir_whole_file_probe(struct weir_segment *file, const char *url,
                          int (*wait)(void *ctx, const struct weir_segment *s, size_t have_bytes),
                          void *ctx, struct weir_file_description *out, struct weir_error *error);

#endif
