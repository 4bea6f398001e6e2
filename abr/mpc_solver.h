// abr/mpc_solver.h — the K-segment problem of model-predictive control (Yin et al., SIGCOMM 2015),
// solved exactly: of all M^K sequences of rungs the one that maximises
//     Σ quality − Σ |quality − quality before| − stall_weight · Σ stall
// from a buffer level, with download times given beforehand or asked of an oracle. Quality rises
// with the rung. The buffer behaves as in the engine: a request waits until its segment has room.
#ifndef WEIR_ABR_MPC_SOLVER_H
#define WEIR_ABR_MPC_SOLVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WEIR_MPC_MAX_HORIZON 8
#define WEIR_MPC_MAX_RUNGS   64
#define WEIR_MPC_MAX_DUALS   4

struct weir_mpc_problem {
    size_t horizon, rungs; // 1 … the bounds above
    const double *quality; // [rung], rising
    double stall_weight;   // quality lost per second of stall; >= 0
    double before;         // quality of the segment before; NAN-free: see has_before
    bool has_before;       // false: the first choice costs no switch
    double buffer_s;       // when the first request is made
    double room_s;         // the level above which a request waits: capacity less a segment
    double duration_s;     // of every segment
    double download_s[WEIR_MPC_MAX_HORIZON][WEIR_MPC_MAX_RUNGS]; // of segment k at rung j
};

struct weir_mpc_answer {
    size_t rung;  // of the first segment. Ties (1e-9 of the best) go to the lowest first rung
    double value; // of a sequence that begins so, perhaps not the best of them: the rung is wanted
    int64_t nodes;
};

// Working space, so that a decision allocates nothing. Zero before the first call; what it keeps
// between calls makes them quicker and changes no answer.
struct weir_mpc_space {
    double hint; // the price that mattered last
    size_t duals;
    double price[WEIR_MPC_MAX_DUALS];
    // Best value from segment k on after rung j, downloads paid at `price` a second.
    double tail[WEIR_MPC_MAX_DUALS][WEIR_MPC_MAX_HORIZON + 1][WEIR_MPC_MAX_RUNGS];
    // The same of segment k at rung j and what follows, no switch to it.
    double choice[WEIR_MPC_MAX_DUALS][WEIR_MPC_MAX_HORIZON][WEIR_MPC_MAX_RUNGS];
    uint8_t path[WEIR_MPC_MAX_HORIZON];
};

struct weir_mpc_answer weir_mpc_solve(const struct weir_mpc_problem *p, struct weir_mpc_space *w);

// The same with exact download times: `done_us(ctx, at_us, bytes)` is when a request made at
// `at_us` is complete. download_s is ignored; `bytes[k * stride + j]` are the sizes.
struct weir_mpc_oracle {
    int64_t (*done_us)(const void *ctx, int64_t at_us, int64_t bytes);
    const void *ctx;
    int64_t now_us;
    int64_t bytes[WEIR_MPC_MAX_HORIZON][WEIR_MPC_MAX_RUNGS];
};
struct weir_mpc_answer weir_mpc_solve_oracle(const struct weir_mpc_problem *p,
                                             const struct weir_mpc_oracle *oracle);

// Values nearer than this count as equal.
double weir_mpc_tolerance(const struct weir_mpc_problem *p);
// The value of one sequence, as both solvers count it; for tests.
double weir_mpc_value(const struct weir_mpc_problem *p, const uint8_t *sequence);

#endif
