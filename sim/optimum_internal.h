// sim/optimum_internal.h — internal to sim/optimum*.c: the problem (a content over a trace, under
// one metric), the grid that bounds it, and the searches that solve it. Rewards are sums over
// segments, stalls included; they become means at the very end.
#ifndef WEIR_SIM_OPTIMUM_INTERNAL_H
#define WEIR_SIM_OPTIMUM_INTERNAL_H

#include <stdbool.h>

#include "sim/optimum.h"

// A bound takes everything to happen so much sooner (optimum_grid.c).
#define WEIR_OPT_EARLY_US 2.0

// The trace, prepared for walking: times in microseconds, work in bits.
struct weir_opt_line {
    size_t count;
    double *start_us;      // [count + 1]; the last is the period
    double *bits;          // [count + 1]: offered before start_us
    double *bits_per_us;   // [count]
    double *us_per_bit;    // [count]; 0 where nothing is offered
    double *latency_us;    // [count]
    bool constant_latency; // over the whole trace
    size_t room;
};

// A place on the line: interval `at` of the repetition that began at time_us with bits before it.
struct weir_opt_cursor {
    size_t at;
    double time_us, bits;
};

struct weir_opt_problem {
    size_t segments, rungs;
    int64_t *start_us; // [segments + 1]
    double *size_bits; // [segment * rungs + rung]
    double *quality;   // [rung], rising
    double stall_cost; // per microsecond
    int64_t buffer_max_us, offset_us;
    // No session has its first i segments sooner, or has stalled less by then, than [i] says: the
    // smallest of each.
    int64_t *least_done_us, *least_stall_us;
    struct weir_opt_line line;
};

// ---- optimum_line.c
int weir_opt_line_set(struct weir_opt_line *l, const struct weir_trace *t, int64_t rtt_us);
void weir_opt_line_free(struct weir_opt_line *l);
struct weir_opt_cursor weir_opt_cursor_at(const struct weir_opt_line *l, double us);
// Move on to `us`, which is not before the cursor's place.
void weir_opt_cursor_go(const struct weir_opt_line *l, struct weir_opt_cursor *c, double us);
// Bits offered up to `us`, at which the cursor is.
double weir_opt_cursor_bits(const struct weir_opt_line *l, const struct weir_opt_cursor *c,
                            double us);
// When a request made at `us`, at which the cursor is, has served its latency; the cursor moves
// there.
double weir_opt_cursor_latency(const struct weir_opt_line *l, struct weir_opt_cursor *c, double us);
// When the line has offered `bits` in all, not before the cursor's place; the cursor moves there.
double weir_opt_cursor_reach(const struct weir_opt_line *l, struct weir_opt_cursor *c, double bits);

// ---- optimum_play.c: a session under the engine's rules, exactly.
// Between two segments: when the last was complete, and what has been stalled, start-up included.
struct weir_opt_session {
    struct weir_opt_cursor cursor;
    double done_us;
    int64_t stall_us;
};
// The time at which the buffer takes `segment` (> 0), when nothing but capacity holds it back.
int64_t weir_opt_room_us(const struct weir_opt_problem *p, size_t segment, int64_t stall_us);
struct weir_opt_session weir_opt_session_begin(const struct weir_opt_problem *p);
// Request `segment`: the cursor moves to where bits begin to flow, *bits is what was offered
// before.
void weir_opt_session_request(const struct weir_opt_problem *p, struct weir_opt_session *s,
                              size_t segment, double *bits);
// It is complete when the line has offered `bits`.
void weir_opt_session_complete(const struct weir_opt_problem *p, struct weir_opt_session *s,
                               size_t segment, double bits);
// Fill in what no session goes below.
void weir_opt_least(struct weir_opt_problem *p);
// The sum of a whole sequence.
double weir_opt_play(const struct weir_opt_problem *p, const int32_t *rungs);
double weir_opt_reward(const struct weir_opt_problem *p, size_t segment, int32_t before,
                       int32_t rung);

// ---- optimum_layout.c, optimum_grid.c: the bound (the latter says why it is one).
#define WEIR_OPT_MAX_STEPS (INT32_MAX / 4) // of time
#define WEIR_OPT_NOTHING   (-1e30F)        // the value of a state that is not worth a look

// The states before a segment at one level of stall, from time lo to hi in steps of the grid: all
// the buffer levels between full and, after a stall, the last segment alone. Those that are worth a
// look: hi < lo where none is.
struct weir_opt_row {
    int32_t lo, hi; // of all its spans
};
// The same with one last rung.
struct weir_opt_span {
    int32_t lo, hi;
    int32_t keep_lo, keep_hi; // what weir_opt_grid_trim() left of it
    size_t at;                // into values: [hi - lo + 1]
};
struct weir_opt_layer {  // before one segment
    int32_t first, last; // levels; last < first: none
    size_t row;          // of level `first`
};
struct weir_opt_grid {
    int64_t step_us, level_step_us;
    int64_t *level_us; // ascending
    int32_t level_count;
    struct weir_opt_layer *layers; // [segments + 1]; 0 is unused
    struct weir_opt_row *rows;
    struct weir_opt_span *spans; // [row][rung]
    size_t row_count, row_room;
    size_t cells;  // in all spans
    float *values; // the scratch's, until the next grid is solved
    size_t value_count;
    bool kept; // the values of all layers are there, not of two alone
    // Values are relative to a reference, so that they stay small: what it gets per segment, and
    // in all.
    // A guide: rounded to the nearest state rather than in the player's favour, so that what it
    // says of a state is about right, and no bound.
    bool guide;
    double *reference;
    double reference_sum;
    double slack; // what single precision may have cost
    double bound; // the sum that no player exceeds, if it exceeds the reference at all
};

// The best sequence so far.
struct weir_opt_best {
    int32_t *rungs;
    double sum;
};

struct weir_opt_scratch {
    int32_t *arrival; // [rung][time]: when a segment asked for at a time is complete
    float *stalled;   // [rung][time]: the value of completing it too late, at a time
    float *values;    // of the grid that was solved last
    float *passing;   // two layers of the grid that is trimmed
    float *choices;   // [rung][time]: of a row, before the changes are charged
    size_t arrival_room, stalled_room, value_room, passing_room, choice_room;
};

struct weir_opt_sizes {
    int64_t step_us, level_step_us, stall_max_us;
    size_t values_max; // keep all layers only if they are not more
};

void weir_opt_scratch_free(struct weir_opt_scratch *s);
// Room for `count` items of `item_bytes` at *at, whose contents may be lost. False: no memory.
bool weir_opt_scratch_room(void *at, size_t *room, size_t count, size_t item_bytes);
void weir_opt_grid_free(struct weir_opt_grid *g);
// The rows and levels of a new grid: everything up to stall_max_us, or what `coarse` (NULL: none)
// was trimmed to. step_us divides coarse's, level_step_us likewise. Counts cells, computes none.
int weir_opt_grid_lay(struct weir_opt_grid *g, const struct weir_opt_problem *p,
                      const struct weir_opt_sizes *sizes, const struct weir_opt_grid *coarse);
// Fill in the values, from the end. Sets bound.
int weir_opt_grid_solve(struct weir_opt_grid *g, const struct weir_opt_problem *p,
                        struct weir_opt_scratch *scratch, const struct weir_opt_best *best);
// Mark what can still be part of a session of `sum` or more. Only where values are kept.
int weir_opt_grid_trim(struct weir_opt_grid *g, const struct weir_opt_problem *p,
                       struct weir_opt_scratch *scratch, double sum);
// Shared with the trimming and the search: the earliest and the latest time of a row, the row of a
// level, the level of a stall, arrivals of all rungs for times lo to hi.
int32_t weir_opt_grid_earliest(const struct weir_opt_grid *g, const struct weir_opt_problem *p,
                               size_t layer, int32_t level);
int32_t weir_opt_grid_deadline(const struct weir_opt_grid *g, const struct weir_opt_problem *p,
                               size_t layer, int32_t level);
int32_t weir_opt_grid_latest(const struct weir_opt_grid *g, const struct weir_opt_problem *p,
                             size_t layer, int32_t level);
struct weir_opt_row *weir_opt_grid_row(const struct weir_opt_grid *g, size_t layer, int32_t level);
struct weir_opt_span *weir_opt_grid_spans(const struct weir_opt_grid *g,
                                          const struct weir_opt_problem *p,
                                          const struct weir_opt_row *row);
// How many there are from lo to hi; none, if hi < lo.
static inline size_t weir_opt_count(int32_t lo, int32_t hi)
{
    return hi >= lo ? (size_t)((int64_t)hi - lo + 1) : 0;
}
static inline size_t weir_opt_width(const struct weir_opt_span *s)
{
    return weir_opt_count(s->lo, s->hi);
}
// The times of all of a layer's rows. False: none.
bool weir_opt_grid_times(const struct weir_opt_grid *g, size_t layer, int32_t *lo, int32_t *hi);
int32_t weir_opt_grid_level(const struct weir_opt_grid *g, int64_t stall_us);
int32_t weir_opt_grid_lowest(const struct weir_opt_grid *g, const struct weir_opt_problem *p,
                             size_t layer);
int weir_opt_grid_arrivals(const struct weir_opt_grid *g, const struct weir_opt_problem *p,
                           struct weir_opt_scratch *scratch, size_t segment, int32_t lo,
                           int32_t hi);
void weir_opt_charge_changes(float *values, size_t count, const double *quality, size_t rungs);
// When the first segment is complete, and what is stalled then: a lower bound.
int64_t weir_opt_first_us(const struct weir_opt_problem *p, size_t rung);

// ---- optimum_bits.c: sessions that stall for more get less than `sum`.
int weir_opt_stall_max(const struct weir_opt_problem *p, double sum, int64_t *stall_max_us);

// ---- optimum_search.c
// Improve `best` by a search that `g` (kept, a guide) guides: of every segment's sessions `width`
// go on, and of those much alike near_most.
int weir_opt_search(const struct weir_opt_problem *p, const struct weir_opt_grid *g, size_t width,
                    uint8_t near_most, struct weir_opt_best *best);

#endif
