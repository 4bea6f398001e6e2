// sim/sweep_internal.h — internal to sim/sweep*.c: the plan of a sweep, and what a thread needs to
// carry out a part of it.
//
// A group is a content, a trace and an offset; groups are numbered in canonical order, contents
// outermost. A column is an algorithm. A session is a group and a column.
#ifndef WEIR_SIM_SWEEP_INTERNAL_H
#define WEIR_SIM_SWEEP_INTERNAL_H

#include <stdatomic.h>

#include "sim/optimum.h"
#include "sim/sweep.h"

struct weir_sweep_plan {
    const struct weir_inputs *inputs;
    const struct weir_sweep_params *params;
    const char *const *abrs;
    size_t abr_count;
    size_t column_count; // abr_count, and the optima
    int32_t *content_ids, *trace_ids, *column_ids;
    int64_t group_count;
    unsigned char *done; // a bit per session
    bool again;          // sessions that are done are run as well, for their segments
};

struct weir_sweep_group {
    int64_t number;
    size_t content, trace;
    int64_t offset, offset_us;
};
struct weir_sweep_group weir_sweep_group(const struct weir_sweep_plan *p, int64_t number);
bool weir_sweep_is_done(const struct weir_sweep_plan *p, int64_t group, size_t column);
void weir_sweep_set_done(struct weir_sweep_plan *p, int64_t group, size_t column);

// Results of some groups.
struct weir_sweep_rows {
    struct weir_row *rows;
    size_t count, room;
    uint8_t *decisions; // of all rows, one after the other
    size_t decision_bytes, decision_room;
    struct weir_textbuf segments;
    int64_t failed;
    struct weir_error first_failure;
};
void weir_sweep_rows_clear(struct weir_sweep_rows *r);

// One thread's instances.
struct weir_sweep_worker {
    size_t content; // that the model and solver are for
    struct weir_model *model;
    struct weir_optimum_solver *solver;
    struct weir_abr **abrs; // [abr_count]
    struct weir_abr *replays[2];
};
int weir_sweep_worker_init(struct weir_sweep_worker *w, const struct weir_sweep_plan *p,
                           struct weir_error *e);
void weir_sweep_worker_clear(struct weir_sweep_worker *w, const struct weir_sweep_plan *p);
// Run what is missing of a group and add it to *out. An error ends the sweep; a session that fails
// is a row.
int weir_sweep_worker_run(struct weir_sweep_worker *w, const struct weir_sweep_plan *p,
                          int64_t group, struct weir_sweep_rows *out, struct weir_error *e);

#endif
