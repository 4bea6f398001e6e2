// sim/rerun_internal.h — internal to sim/rerun*.c: an engine made from a log.
#ifndef WEIR_SIM_RERUN_INTERNAL_H
#define WEIR_SIM_RERUN_INTERNAL_H

#include "player/record.h"

// All of one session: made from its "engine" line.
struct weir_rerun_engine {
    struct weir_presentation *presentation;
    struct weir_representation *reps;
    size_t rep_count;
    struct weir_engine_period *periods;
    struct weir_representation **rungs; // of all periods' tracks, one after the other
    struct weir_engine_content content;
    struct weir_abr *abr[WEIR_ENGINE_TRACKS];
    struct weir_engine *engine;
    struct weir_record_names names;
};

// `abr` NULL: the log's. 0, SYNTAX, UNSUPPORTED or NOMEM with `error`; clear() in either case.
int weir_rerun_engine_make(struct weir_rerun_engine *e, const json_t *line, const char *abr,
                           struct weir_error *error);
void weir_rerun_engine_clear(struct weir_rerun_engine *e);
// An "index" line: a representation's segments have become known. 0, SYNTAX, NOMEM.
int weir_rerun_engine_index(struct weir_rerun_engine *e, const json_t *line);

#endif
