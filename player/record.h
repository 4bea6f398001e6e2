// player/record.h — an engine's life as JSON, exact to the integer: what it was made of, every
// event that it heard, and every action that it took. Written into the event stream of a session
// (`--record`, docs/events.md), and read again by whoever runs another engine on the same events
// (sim/rerun.h). Members that are 0 are left out; a time that is not known is null.
#ifndef WEIR_PLAYER_RECORD_H
#define WEIR_PLAYER_RECORD_H

#include <jansson.h>

#include "player/engine/engine.h"

// Representations and init segments by number, in order of their first mention, so that a log can
// name them.
struct weir_record_names {
    struct weir_representation **reps;
    size_t rep_count;
    const struct weir_init **inits;
    size_t init_count, init_room;
};

// Numbers for all representations of the content. 0 or NOMEM.
int weir_record_names_fill(struct weir_record_names *n, const struct weir_engine_content *content);
void weir_record_names_clear(struct weir_record_names *n);

// New references; NULL when memory runs out.

// {params, abr: [spec, …], abr_seeds, representations, periods}
json_t *weir_record_engine(struct weir_record_names *n, const struct weir_engine_params *params,
                           const uint64_t abr_seeds[WEIR_ENGINE_TRACKS],
                           const struct weir_engine_content *content);
// One representation's index, as it stands: {representation, need, init, segments: [[start,
// duration, size, init, gap], …]}
json_t *weir_record_index(struct weir_record_names *n, const struct weir_representation *rep);
json_t *weir_record_event(const struct weir_engine_event *event);
json_t *weir_record_actions(struct weir_record_names *n, const struct weir_actions *actions);
// Where the engine stands after the step: what has no action yet shows as well.
json_t *weir_record_state(const struct weir_engine *engine, int64_t now_us);

// Checksum of a log's lines so far and one more, which has `size_bytes` without its own "sum".
uint64_t weir_record_sum(uint64_t before, const char *line, size_t size_bytes);

// Back again; SYNTAX where it is no such thing.
int weir_record_read_event(const json_t *o, struct weir_engine_event *out);
int weir_record_read_params(const json_t *o, struct weir_engine_params *out);

#endif
