// sim/optimum.h — the offline optimum: with the whole trace known, the best sequence of rungs that
// could be found, and a bound that no player can exceed under the model host's rules (optimum.c
// says why it holds). The figure is QoE as in weir.session/1: qoe.lin or qoe.log, start-up charged
// to the first segment. Equal arguments give equal results to the last bit. One thread per solver;
// contents and traces are shared.
#ifndef WEIR_SIM_OPTIMUM_H
#define WEIR_SIM_OPTIMUM_H

#include "abr/abr.h"
#include "sim/content.h"
#include "sim/link.h"

enum weir_optimum_metric {
    WEIR_OPTIMUM_LIN,
    WEIR_OPTIMUM_LOG,
};

struct weir_optimum_params {
    enum weir_optimum_metric metric;
    int64_t buffer_max_us;        // default 25 s
    struct weir_link_params link; // default fluid; tcp is refused
    // How narrow the bracket is to become before refinement ends, as a share of the bound (default
    // 0.005), and how much work may go into one session's (default 1; 4: four times as much).
    double bracket;
    double effort;
};
struct weir_optimum_params weir_optimum_params_default(void);

// What was found. `rungs` is the solver's, until its next call.
struct weir_optimum {
    const int32_t *rungs; // per video segment
    size_t rung_count;
    double value; // of that sequence, by the solver's own account of the network
    double bound; // >= any player's figure; >= value
};

struct weir_optimum_solver;

// `content` is borrowed until destroy.
int weir_optimum_create(const struct weir_content *content, struct weir_optimum_solver **out,
                        struct weir_error *e);
void weir_optimum_destroy(struct weir_optimum_solver **s);
// 0 and *out filled, or WEIR_ERR_UNSUPPORTED (a network other than fluid), WEIR_ERR_NOMEM.
int weir_optimum_find(struct weir_optimum_solver *s, const struct weir_trace *trace,
                      const struct weir_optimum_params *params, struct weir_optimum *out,
                      struct weir_error *e);

// The figure of a given sequence of rungs (one per video segment) under the same rules, by the
// solver's own account: equal to the model host's.
int weir_optimum_value(struct weir_optimum_solver *s, const struct weir_trace *trace,
                       const struct weir_optimum_params *params, const int32_t *rungs,
                       double *value, struct weir_error *e);

// An algorithm that plays a given sequence, for weir_model_run(). `name` is what sessions call it
// (optimum-lin); it never abandons. Give it `rungs` (borrowed while it is in use) before each run.
int weir_optimum_replay_create(const char *name, struct weir_abr **out, struct weir_error *e);
void weir_optimum_replay_set(struct weir_abr *replay, const int32_t *rungs, size_t rung_count);

#endif
