// sim/sweep.h — every trace x content x offset x algorithm through the model host, on all cores,
// into a store. What is in the store already is not run again. Results depend neither on the number
// of threads nor on the order in which shards are run.
#ifndef WEIR_SIM_SWEEP_H
#define WEIR_SIM_SWEEP_H

#include "sim/inputs.h"
#include "sim/model.h"
#include "sim/store.h"

// How far it is; sessions of this shard alone.
struct weir_sweep_progress {
    int64_t done, total;
};

struct weir_sweep_params {
    struct weir_model_params model; // link.offset_us is set by the sweep
    unsigned jobs;                  // threads; default 1
    int64_t shard, shard_count;     // 0 <= shard < shard_count; default 0 of 1
    int64_t offsets;                // start times spread evenly over each trace's period; default 1
    // Also optimum-lin, optimum-log, bound-lin, bound-log. Networks other than fluid are refused
    // (UNSUPPORTED).
    bool optimal;
    // Lines of --segments in canonical order, of all sessions: those in the store are run again for
    // them. 0 or a negative error. NULL: none.
    int (*segments)(void *ctx, const char *text, size_t size);
    void (*progress)(void *ctx, const struct weir_sweep_progress *p); // often; may be NULL
    bool (*stopped)(void *ctx);                                       // asked often; may be NULL
    void *ctx;
};
struct weir_sweep_params weir_sweep_params_default(void);

// How it went.
struct weir_sweep_report {
    int64_t run, already; // sessions
    int64_t failed;       // of those run, ended by an error before the content's end
    struct weir_error first_failure;
    int64_t faults; // answers of algorithms that had to be mended, and of which first
    char fault_abr[128], fault_what[128];
};

// Run what is missing. `abrs` are the algorithms' specs. On an error what was stored before it is
// kept; CANCELLED after stopped(). *report is filled in any case.
int weir_sweep_run(struct weir_store *store, const struct weir_inputs *inputs,
                   const char *const *abrs, size_t abr_count,
                   const struct weir_sweep_params *params, struct weir_sweep_report *report,
                   struct weir_error *e);

// Names of the rows that --optimal adds.
#define WEIR_SWEEP_OPTIMA 4
extern const char *const weir_sweep_optima[WEIR_SWEEP_OPTIMA];
// Does a row come of the offline optimum, or of its bound, rather than of an algorithm?
bool weir_sweep_is_optimum(const char *abr);
bool weir_sweep_is_bound(const char *abr);

// The offset number `index` of `count`, of a trace with this period.
int64_t weir_sweep_offset_us(int64_t period_us, int64_t index, int64_t count);

// Cut "A,B:key=value,key=value;C" into specs, in place, added to list[*count] (at most `room`). A
// ';' separates; so does a comma, unless "key=" follows it: no '=' before the next ',' ';' or ':'.
int weir_sweep_split_abrs(char *text, const char **list, size_t *count, size_t room,
                          struct weir_error *e);

#endif
