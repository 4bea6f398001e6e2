// manifest/dump.h — a presentation as the JSON document weir.presentation/1 (docs: INTERFACES of
// `weir inspect`).
#ifndef WEIR_MANIFEST_DUMP_H
#define WEIR_MANIFEST_DUMP_H

#include <jansson.h>

#include "manifest/presentation.h"

// A new reference, or NULL when memory runs out. Representations whose index is not READY have no
// "segments". At most `max_segments` segments are listed per representation (0: all), eight times
// as many in all; "warnings" says what was cut.
json_t *weir_presentation_to_json(const struct weir_presentation *p, size_t max_segments);

#endif
