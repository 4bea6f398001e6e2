// sim/results.h — what a store of sessions says, per trace set and content: means with intervals,
// tails, shares of the bound, differences from a baseline. Made in one pass over the sessions;
// memory grows with traces and algorithms, not with sessions. The table and the report print it.
#ifndef WEIR_SIM_RESULTS_H
#define WEIR_SIM_RESULTS_H

#include <stdbool.h>

#include "sim/stats.h"
#include "sim/store.h"

// What is averaged, first over a trace's sessions, then over traces.
enum weir_result_metric {
    WEIR_RESULT_LIN,
    WEIR_RESULT_LOG,
    WEIR_RESULT_VMAF,
    WEIR_RESULT_BITRATE,
    WEIR_RESULT_REBUFFER,
    WEIR_RESULT_STARTUP,
    WEIR_RESULT_SWITCHES,
    WEIR_RESULT_METRICS,
};

// At most so many sessions are kept of a cell, evenly spread: for quantiles and curves.
#define WEIR_RESULT_SAMPLES 8192

// An algorithm's share of the bound; NaN where there is none.
struct weir_result_share {
    double share, bracket; // bracket: (bound - optimum) / bound
    struct weir_interval interval;
};

// Against the baseline, over the traces that both have.
struct weir_result_difference {
    double mean, p; // p after Holm's correction over the set's algorithms
    struct weir_interval interval;
    size_t traces;
};

// An algorithm in a set.
struct weir_result_cell {
    int64_t sessions, stalled; // over the traces that count; 0: nothing is known of it
    int64_t failed;            // ended early by an error: in none of the figures
    size_t missed;             // traces it did not finish, of an algorithm that finished any
    double *by_trace[WEIR_RESULT_METRICS]; // [trace_count]: means; NaN where unknown
    double mean[WEIR_RESULT_METRICS];
    struct weir_interval interval[WEIR_RESULT_METRICS]; // of LIN, LOG and VMAF
    double p95_stall_s;
    // Every sample_stride-th session.
    float *sample_lin, *sample_log, *sample_stall_s;
    uint32_t *sample_trace; // index in the set
    size_t sample_count;
    int64_t sample_stride;
    struct weir_result_share share[2];             // LIN, LOG
    struct weir_result_difference difference[2];   // LIN, LOG
    int64_t *sessions_of, *stalled_of, *failed_of; // [trace_count]
};

// A trace set with a content.
struct weir_result_set {
    const char *name;
    int32_t content;
    int32_t *traces; // ids, by name
    size_t trace_count, hopeless_count;
    bool *hopeless;           // [trace_count]: its mean is below the lowest rung
    bool *unshared[2];        // [trace_count]: its bound (LIN, LOG) is not positive
    size_t unshared_count[2]; // of traces that have a bound
    // Not finished by every player that finished any, and so in no figure of anybody: the figures
    // of a set are all of the same traces.
    bool *left_out; // [trace_count]
    size_t left_out_count;
    bool has_bound[2], has_vmaf;    // any trace
    struct weir_result_cell *cells; // [abr_count]
};

struct weir_results {
    const struct weir_store *store; // borrowed
    struct weir_result_set *sets;   // by content, then name
    size_t set_count, abr_count;
    int32_t baseline; // algorithm, -1: none
    int64_t sessions, failed;
};

// `baseline`: a spec that the store has, or NULL. WEIR_ERR_INVAL: it has not.
int weir_results_make(struct weir_store *store, const char *baseline, struct weir_results **out,
                      struct weir_error *e);
void weir_results_destroy(struct weir_results **r);

#endif
