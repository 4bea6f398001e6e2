// abr/mpc.c — model-predictive control (Yin, Jindal, Sekar, Sinopoli, SIGCOMM 2015): the best
// sequence for the next five segments at a predicted throughput, of which the first rung is used.
// robustmpc discounts the prediction by its worst recent error, fastmpc and mpc do not;
// mpc:oracle=K is told the true download times and is a yardstick, not a player.
#include "abr/algorithms.h"
#include "abr/mpc_solver.h"
#include "abr/options.h"
#include "abr/quality.h"
#include "abr/rate.h"

#define PAST 5 // transfers in the harmonic mean, and errors remembered

enum objective {
    OBJECTIVE_LINEAR,
    OBJECTIVE_LOG,
};
static const char *const objectives[] = {"lin", "log", NULL};

struct mpc {
    int objective;
    double stall_weight; // 0: the ladder's highest quality
    size_t horizon;      // segments looked ahead
    size_t oracle;       // 0: no oracle; else its horizon
    bool robust;         // discount by the worst recent error
    size_t count;        // transfers so far
    double rate[PAST];   // bytes per second of whole requests, a ring
    double error[PAST];  // of the predictions made for them
    double predicted;    // for the transfer in flight; 0 none
    struct weir_quality quality;
    struct weir_mpc_problem problem;
    struct weir_mpc_oracle future;
    struct weir_mpc_space space;
};

static int create(void *state, const struct weir_abr_options *options, struct weir_error *error,
                  const char *name, bool yardstick)
{
    struct mpc *s = state;
    s->horizon = 5;
    const struct weir_abr_param params[] = {
        {.key = "objective",
         .kind = WEIR_ABR_PARAM_CHOICE,
         .value = &s->objective,
         .choices = objectives},
        {.key = "stall",
         .kind = WEIR_ABR_PARAM_REAL,
         .value = &s->stall_weight,
         .min = 0.001,
         .max = 1000},
        {.key = "horizon", .kind = WEIR_ABR_PARAM_COUNT, .value = &s->horizon},
        {.key = "oracle", .kind = WEIR_ABR_PARAM_COUNT, .value = &s->oracle},
    };
    int err = weir_abr_options_read(name, options, params, yardstick ? 4 : 3, error);
    if (err)
        return err;
    if (s->horizon < 1 || s->horizon > WEIR_MPC_MAX_HORIZON || s->oracle > WEIR_MPC_MAX_HORIZON)
        return weir_error_set(error, WEIR_ERR_INVAL, "--abr", "%s: a horizon of 1 to %d segments",
                              name, WEIR_MPC_MAX_HORIZON);
    return 0;
}

static int create_mpc(void *state, const struct weir_abr_options *options, struct weir_error *error)
{
    return create(state, options, error, "mpc", true);
}

static int create_fast(void *state, const struct weir_abr_options *options,
                       struct weir_error *error)
{
    return create(state, options, error, "fastmpc", false);
}

static int create_robust(void *state, const struct weir_abr_options *options,
                         struct weir_error *error)
{
    ((struct mpc *)state)->robust = true;
    return create(state, options, error, "robustmpc", false);
}

static void reset(void *state)
{
    struct mpc *s = state;
    s->count = 0;
    s->predicted = 0;
    s->space.hint = 0;
}

static double harmonic_mean(const struct mpc *s)
{
    size_t known = s->count < PAST ? s->count : PAST;
    double sum = 0;
    for (size_t i = 0; i < known; i++)
        sum += 1 / s->rate[i];
    return known ? (double)known / sum : 0;
}

static double worst_error(const struct mpc *s)
{
    size_t known = s->count < PAST ? s->count : PAST;
    double worst = 0;
    for (size_t i = 0; i < known; i++)
        worst = s->error[i] > worst ? s->error[i] : worst;
    return worst;
}

// The error is that of the undiscounted prediction, against size over the whole request's time; the
// first transfer has none (Pensieve's code).
static void fetched(void *state, const struct weir_abr_observation *o,
                    const struct weir_abr_fetched *f)
{
    (void)o;
    struct mpc *s = state;
    if (f->bytes <= 0 || f->elapsed_us <= 0)
        return;
    double rate = (double)f->bytes * 1e6 / (double)f->elapsed_us;
    double error = s->count ? s->predicted / rate - 1 : 0;
    s->error[s->count % PAST] = error < 0 ? -error : error;
    s->rate[s->count % PAST] = rate;
    s->count++;
    s->predicted = harmonic_mean(s);
}

// Sizes are the true ones where known, else the declared bitrate's.
static int64_t size_of(const struct weir_abr_observation *o, int64_t ahead, size_t rung)
{
    int64_t bytes = weir_abr_size(o, ahead, rung);
    if (bytes > 0)
        return bytes;
    double guess =
        (double)o->ladder->rungs[rung].bitrate_bps * (double)o->segment_duration_us / 8e6;
    return guess < 1e15 ? (int64_t)guess + 1 : INT64_C(1000000000000000);
}

static void set_problem(struct mpc *s, const struct weir_abr_observation *o, size_t horizon)
{
    struct weir_mpc_problem *p = &s->problem;
    weir_quality_update(&s->quality, o->ladder);
    p->rungs = s->quality.count;
    p->quality = s->objective == OBJECTIVE_LOG ? s->quality.log : s->quality.linear;
    p->stall_weight = s->stall_weight > 0 ? s->stall_weight : p->quality[p->rungs - 1];
    p->horizon = horizon;
    if (o->segment_count > 0 && o->segment_count - o->segment_index < (int64_t)horizon)
        p->horizon =
            o->segment_count > o->segment_index ? (size_t)(o->segment_count - o->segment_index) : 1;
    p->has_before = o->last_rung != WEIR_ABR_NO_RUNG;
    p->before =
        p->has_before ? p->quality[o->last_rung < p->rungs ? o->last_rung : p->rungs - 1] : 0;
    p->buffer_s = (double)o->buffer_level_us / 1e6;
    p->duration_s = (double)o->segment_duration_us / 1e6;
    p->room_s = (double)(o->buffer_max_us - o->segment_duration_us) / 1e6;
    if (p->room_s < 0)
        p->room_s = 0;
}

static struct weir_abr_decision decide_known(struct mpc *s, const struct weir_abr_observation *o)
{
    set_problem(s, o, s->oracle);
    s->future.done_us = o->oracle_done_us;
    s->future.ctx = o->oracle_ctx;
    s->future.now_us = o->now_us;
    for (size_t k = 0; k < s->problem.horizon; k++) {
        for (size_t j = 0; j < s->problem.rungs; j++)
            s->future.bytes[k][j] = size_of(o, (int64_t)k, j);
    }
    struct weir_mpc_answer a = weir_mpc_solve_oracle(&s->problem, &s->future);
    return (struct weir_abr_decision){.rung = a.rung, .reason = "oracle"};
}

static struct weir_abr_decision decide(void *state, const struct weir_abr_observation *o)
{
    struct mpc *s = state;
    if (s->oracle && o->oracle_done_us)
        return decide_known(s, o);
    if (!s->count || s->predicted <= 0)
        return (struct weir_abr_decision){.rung = 0, .reason = "no sample yet"};
    set_problem(s, o, s->horizon);
    double per_byte_s = 1 / s->predicted;
    if (s->robust || s->oracle)
        per_byte_s *= 1 + worst_error(s);
    for (size_t k = 0; k < s->problem.horizon; k++) {
        for (size_t j = 0; j < s->problem.rungs; j++)
            s->problem.download_s[k][j] = per_byte_s * (double)size_of(o, (int64_t)k, j);
    }
    struct weir_mpc_answer a = weir_mpc_solve(&s->problem, &s->space);
    return (struct weir_abr_decision){.rung = a.rung,
                                      .reason = s->oracle ? "no oracle: robust" : "best sequence"};
}

#define PARAMS                                                                                     \
    "objective=lin: quality in Mbit/s, or log: ln(bitrate / lowest); stall=the ladder's highest "  \
    "quality: lost per second of stall; horizon=5: segments"

const struct weir_abr_ops weir_abr_mpc = {
    .name = "mpc",
    .summary = "best sequence at the mean throughput, or the true one (Yin et al., SIGCOMM 2015)",
    .params_help = PARAMS "; oracle=0: know the next so many segments' true throughput (yardstick, "
                          "simulation only)",
    .state_bytes = sizeof(struct mpc),
    .create = create_mpc,
    .reset = reset,
    .decide = decide,
    .fetched = fetched,
};

const struct weir_abr_ops weir_abr_fastmpc = {
    .name = "fastmpc",
    .summary = "mpc whose answer the paper reads from a table, here computed (Yin et al., 2015)",
    .params_help = PARAMS,
    .state_bytes = sizeof(struct mpc),
    .create = create_fast,
    .reset = reset,
    .decide = decide,
    .fetched = fetched,
};

const struct weir_abr_ops weir_abr_robustmpc = {
    .name = "robustmpc",
    .summary = "mpc at a throughput discounted by its worst recent error (Yin et al., 2015)",
    .params_help = PARAMS,
    .state_bytes = sizeof(struct mpc),
    .create = create_robust,
    .reset = reset,
    .decide = decide,
    .fetched = fetched,
};
