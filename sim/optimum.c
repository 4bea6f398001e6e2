// sim/optimum.c — the offline optimum of one content over one trace: grids from coarse to fine,
// each bounding what any player can get (optimum_grid.c), guiding the search for a sequence that
// gets nearly as much (optimum_search.c), and leaving to the next only what the one before could
// not rule out (optimum_trim.c).
#include "sim/optimum_internal.h"

#include <stdlib.h>
#include <string.h>

#include "core/detmath.h"

#define VALUES_MAX        ((size_t)40 << 20) // kept at once: 160 MiB
#define CELLS_PER_CHOICE  4e4   // of the largest grid, per segment and rung, at effort 1
#define CELLS_LEAST       4e7   // however short
#define FIRST_TIMES       128   // buffer levels of the first grid, at least
#define FIRST_LEVELS      128   // levels of stall, at most
#define FIRST_STALL_TIMES 16384 // times between no stall and the longest, at most
#define LEVELS_MAX        (1 << 20)
#define LEVEL_STEPS       8    // a level of stall is so many steps of time: measured
#define FINEST_STEP_US    3125 // times a power of two is the first grid's step
#define FINEST_US         100
#define SEARCH_WIDTH      300
#define NEAR_FEW          4
#define NEAR_MANY         64
#define DEEP_WIDTH        1200
#define DEEP_NEAR         8
#define IDLE_SHARE        0.02 // of the bracket: to close less is to have found little

struct weir_optimum_solver {
    const struct weir_content *content;
    struct weir_opt_problem problem;
    struct weir_opt_scratch scratch;
    struct weir_opt_best best;
    int32_t *trial;
    struct weir_opt_grid grids[2];
};

struct weir_optimum_params weir_optimum_params_default(void)
{
    return (struct weir_optimum_params){.metric = WEIR_OPTIMUM_LIN,
                                        .buffer_max_us = 25 * WEIR_SECOND_US,
                                        .link = {.kind = WEIR_LINK_FLUID, .rtt_us = WEIR_TIME_NONE},
                                        .bracket = 0.005,
                                        .effort = 1};
}

int weir_optimum_create(const struct weir_content *content, struct weir_optimum_solver **out,
                        struct weir_error *e)
{
    const struct weir_content_track *v = &content->video;
    *out = NULL;
    struct weir_optimum_solver *s = calloc(1, sizeof(*s));
    if (!s)
        return weir_error_set(e, WEIR_ERR_NOMEM, content->name, "memory ran out");
    size_t segments = (size_t)v->segment_count, rungs = v->rung_count;
    s->content = content;
    s->problem.segments = segments;
    s->problem.rungs = rungs;
    s->problem.start_us = malloc((segments + 1) * sizeof(*s->problem.start_us));
    s->problem.size_bits = malloc(segments * rungs * sizeof(*s->problem.size_bits));
    s->problem.quality = malloc(rungs * sizeof(*s->problem.quality));
    s->problem.least_done_us = malloc((segments + 1) * sizeof(*s->problem.least_done_us));
    s->problem.least_stall_us = malloc((segments + 1) * sizeof(*s->problem.least_stall_us));
    s->best.rungs = malloc(segments * sizeof(*s->best.rungs));
    s->trial = malloc(segments * sizeof(*s->trial));
    if (!s->problem.start_us || !s->problem.size_bits || !s->problem.quality || !s->best.rungs ||
        !s->trial || !s->problem.least_done_us || !s->problem.least_stall_us) {
        weir_optimum_destroy(&s);
        return weir_error_set(e, WEIR_ERR_NOMEM, content->name, "memory ran out");
    }
    for (size_t i = 0; i <= segments; i++)
        s->problem.start_us[i] = v->starts_us[i] - v->starts_us[0];
    for (size_t i = 0; i < segments * rungs; i++)
        s->problem.size_bits[i] = 8 * (double)v->sizes_bytes[i];
    *out = s;
    return 0;
}

void weir_optimum_destroy(struct weir_optimum_solver **solver)
{
    struct weir_optimum_solver *s = *solver;
    if (!s)
        return;
    weir_opt_line_free(&s->problem.line);
    for (size_t i = 0; i < 2; i++)
        weir_opt_grid_free(&s->grids[i]);
    free(s->problem.start_us);
    free(s->problem.size_bits);
    free(s->problem.least_done_us);
    free(s->problem.least_stall_us);
    free(s->problem.quality);
    weir_opt_scratch_free(&s->scratch);
    free(s->best.rungs);
    free(s->trial);
    free(s);
    *solver = NULL;
}

// INTERFACES of weir.session/1: mean over segments of q - mu * stall - |change of q|.
static int prepare(struct weir_optimum_solver *s, const struct weir_trace *trace,
                   const struct weir_optimum_params *params, struct weir_error *e)
{
    struct weir_opt_problem *p = &s->problem;
    const int64_t *bps = s->content->video.bitrates_bps;
    if (params->link.kind != WEIR_LINK_FLUID)
        return weir_error_set(e, WEIR_ERR_UNSUPPORTED, "--optimal",
                              "the offline optimum is known for --net fluid only");
    for (size_t k = 0; k < p->rungs; k++)
        p->quality[k] = params->metric == WEIR_OPTIMUM_LIN
                            ? (double)bps[k] / 1e6
                            : weir_ln((double)bps[k] / (double)bps[0]);
    p->stall_cost = p->quality[p->rungs - 1] / 1e6;
    p->buffer_max_us = params->buffer_max_us;
    p->offset_us = params->link.offset_us;
    if (weir_opt_line_set(&p->line, trace, params->link.rtt_us))
        return weir_error_set(e, WEIR_ERR_NOMEM, "--optimal", "memory ran out");
    weir_opt_least(p);
    return 0;
}

static void consider(struct weir_optimum_solver *s)
{
    double sum = weir_opt_play(&s->problem, s->trial);
    if (sum > s->best.sum) {
        s->best.sum = sum;
        memcpy(s->best.rungs, s->trial, s->problem.segments * sizeof(*s->trial));
    }
}

// A first answer: every constant rung; then the highest rung that leaves so much in the buffer.
static void begin(struct weir_optimum_solver *s)
{
    const struct weir_opt_problem *p = &s->problem;
    s->best.sum = -1e300;
    for (size_t k = 0; k < p->rungs; k++) {
        for (size_t i = 0; i < p->segments; i++)
            s->trial[i] = (int32_t)k;
        consider(s);
    }
    for (int64_t eighths = 0; eighths < 8; eighths++) {
        int64_t want_us = p->buffer_max_us * eighths / 8;
        struct weir_opt_session at = weir_opt_session_begin(p);
        for (size_t i = 0; i < p->segments; i++) {
            struct weir_opt_session asked = at, done = at;
            double bits;
            weir_opt_session_request(p, &asked, i, &bits);
            size_t k = i ? p->rungs : 1;
            do {
                k--;
                done = asked;
                weir_opt_session_complete(p, &done, i, bits + p->size_bits[i * p->rungs + k]);
            } while (k > 0 &&
                     (done.stall_us > at.stall_us ||
                      (double)(done.stall_us + p->start_us[i]) - done.done_us < (double)want_us));
            s->trial[i] = (int32_t)k;
            at = done;
        }
        consider(s);
    }
}

// ---- from coarse to fine

struct course {
    struct weir_opt_sizes sizes;
    struct weir_opt_grid *grid, *coarse;
    double cells_max; // of a grid that is only solved
    double enough;    // a bracket that needs no refinement
    double bound;
    int idle; // searches that found little
};

// Whole divisors all the way down, as finer grids must contain the coarser ones' times.
static bool halve(struct weir_opt_sizes *z)
{
    if (z->stall_max_us / z->level_step_us > LEVELS_MAX)
        return false;
    if (z->level_step_us > LEVEL_STEPS * z->step_us) {
        z->level_step_us /= 2;
        return true;
    }
    int64_t by = z->step_us % 2 == 0 ? 2 : 5;
    if (z->step_us < 2 * (int64_t)FINEST_US || z->step_us % by != 0)
        return false;
    z->step_us /= by;
    z->level_step_us /= by;
    return true;
}

static void first_sizes(const struct weir_optimum_solver *s, double cells_max,
                        struct weir_opt_sizes *z)
{
    const struct weir_opt_problem *p = &s->problem;
    z->values_max = VALUES_MAX;
    z->step_us = FINEST_STEP_US;
    while (z->step_us < p->buffer_max_us / FIRST_TIMES ||
           z->step_us < z->stall_max_us / FIRST_STALL_TIMES)
        z->step_us *= 2;
    z->level_step_us = LEVEL_STEPS * z->step_us;
    while (z->level_step_us < z->stall_max_us / FIRST_LEVELS)
        z->level_step_us *= 2;
    double rows = (double)(p->segments * p->rungs);
    while (rows * ((double)z->stall_max_us / (double)z->level_step_us) *
               ((double)p->buffer_max_us / (double)z->step_us) >
           cells_max) {
        z->level_step_us *= 2;
        if (z->step_us < p->buffer_max_us / 4)
            z->step_us *= 2;
        else if (z->level_step_us > z->stall_max_us)
            break;
    }
}

// Lay the next grid: as much finer as its cells allow. *laid: it is there and worth solving.
static int lay_next(struct weir_optimum_solver *s, struct course *c, bool *laid)
{
    struct weir_opt_sizes finer = c->sizes, finest;
    *laid = true;
    if (!c->coarse)
        return weir_opt_grid_lay(c->grid, &s->problem, &c->sizes, NULL);
    *laid = halve(&finer);
    finest = finer;
    if (!*laid)
        return 0;
    if (halve(&finest)) {
        int err = weir_opt_grid_lay(c->grid, &s->problem, &finest, c->coarse);
        c->sizes = finest;
        if (!err && c->grid->kept && (double)c->grid->cells <= c->cells_max / 2)
            return 0;
        if (err && err != WEIR_ERR_TOO_BIG)
            return err;
    }
    c->sizes = finer;
    int err = weir_opt_grid_lay(c->grid, &s->problem, &finer, c->coarse);
    *laid = !err && (double)c->grid->cells <= c->cells_max;
    return err == WEIR_ERR_TOO_BIG ? 0 : err;
}

static int search(struct weir_optimum_solver *s, struct weir_opt_grid *g, size_t width,
                  uint8_t near_most)
{
    g->guide = true;
    int err = weir_opt_grid_solve(g, &s->problem, &s->scratch, &s->best);
    g->guide = false;
    return err ? err : weir_opt_search(&s->problem, g, width, near_most, &s->best);
}

// One grid: find a better sequence with it, bound with it, and see what it leaves to a finer one.
static int refine(struct weir_optimum_solver *s, struct course *c, bool *more)
{
    const struct weir_opt_problem *p = &s->problem;
    struct weir_opt_grid *g = c->grid;
    int err = 0;
    if (g->kept && c->idle < 2) {
        double before = s->best.sum;
        err = search(s, g, SEARCH_WIDTH, c->idle ? NEAR_MANY : NEAR_FEW);
        c->idle += s->best.sum - before < IDLE_SHARE * (c->bound - before);
    }
    if (!err)
        err = weir_opt_grid_solve(g, p, &s->scratch, &s->best);
    if (err)
        return err;
    c->bound = g->bound < c->bound ? g->bound : c->bound;
    c->bound = s->best.sum > c->bound ? s->best.sum : c->bound;
    *more = g->kept && c->bound - s->best.sum > c->enough;
    return *more ? weir_opt_grid_trim(g, p, &s->scratch, s->best.sum) : 0;
}

static double enough(const struct weir_optimum_solver *s, double bracket, double bound)
{
    double least = s->problem.quality[s->problem.rungs - 1] * (double)s->problem.segments / 10;
    bound = bound < 0 ? -bound : bound;
    return bracket * (bound > least ? bound : least);
}

static int solve(struct weir_optimum_solver *s, const struct weir_optimum_params *params,
                 double *bound)
{
    const struct weir_opt_problem *p = &s->problem;
    begin(s);
    struct course c = {.grid = &s->grids[0], .bound = 1e300};
    c.cells_max = CELLS_PER_CHOICE * (double)(p->segments * p->rungs);
    c.cells_max = (c.cells_max > CELLS_LEAST ? c.cells_max : CELLS_LEAST) * params->effort;
    *bound = s->best.sum;
    if (p->stall_cost <= 0) // every rung is worth nothing, and so is every session
        return 0;
    bool more = true;
    int err = weir_opt_stall_max(p, s->best.sum, &c.sizes.stall_max_us);
    if (!err)
        first_sizes(s, c.cells_max / 4 < VALUES_MAX ? c.cells_max / 4 : VALUES_MAX, &c.sizes);
    while (more && !err) {
        err = lay_next(s, &c, &more);
        bool last = !more || !c.grid->kept;
        if (!err && last && c.coarse) // a last look with the finest guide there is
            err = search(s, c.coarse, DEEP_WIDTH, DEEP_NEAR);
        if (err || !more)
            break;
        err = refine(s, &c, &more);
        c.enough = enough(s, params->bracket, c.bound);
        c.coarse = c.grid;
        c.grid = c.grid == &s->grids[0] ? &s->grids[1] : &s->grids[0];
    }
    *bound = c.bound > s->best.sum ? c.bound : s->best.sum;
    return err;
}

int weir_optimum_find(struct weir_optimum_solver *s, const struct weir_trace *trace,
                      const struct weir_optimum_params *params, struct weir_optimum *out,
                      struct weir_error *e)
{
    int err = prepare(s, trace, params, e);
    if (err)
        return err;
    double bound;
    err = solve(s, params, &bound);
    if (err)
        return weir_error_set(e, err, "--optimal", "%s", weir_strerror(err));
    double n = (double)s->problem.segments;
    *out = (struct weir_optimum){.rungs = s->best.rungs,
                                 .rung_count = s->problem.segments,
                                 .value = s->best.sum / n,
                                 .bound = bound / n};
    return 0;
}

int weir_optimum_value(struct weir_optimum_solver *s, const struct weir_trace *trace,
                       const struct weir_optimum_params *params, const int32_t *rungs,
                       double *value, struct weir_error *e)
{
    int err = prepare(s, trace, params, e);
    if (!err)
        *value = weir_opt_play(&s->problem, rungs) / (double)s->problem.segments;
    return err;
}
