// sim/results_figures.c — what results say: means with bootstrap intervals by trace, p95 of stalls,
// shares of the bound, paired differences from the baseline with Holm's correction per set.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/results_internal.h"
#include "sim/sweep.h"

// Room for one set's computations.
struct scratch {
    double *a, *b, *draws, *p;
};

// Resamples are the same for every algorithm of a set and metric, and for any other set's data.
static uint64_t seed_of(const struct weir_result_set *set, int what)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (const char *at = set->name; *at; at++)
        hash = (hash ^ (unsigned char)*at) * UINT64_C(0x100000001b3); // FNV-1a
    return hash + (uint64_t)set->content * 31 + (uint64_t)what;
}

// The known ones of `values` (or of both) into s->a (and s->b); their count.
static size_t gather(struct scratch *s, const double *values, const double *others, size_t count)
{
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        if (isnan(values[i]) || (others && isnan(others[i])))
            continue;
        s->a[n] = values[i];
        if (others)
            s->b[n] = others[i];
        n++;
    }
    return n;
}

static void measure_cell(const struct weir_result_set *set, struct weir_result_cell *c,
                         struct scratch *s)
{
    for (int m = 0; m < WEIR_RESULT_METRICS; m++) {
        size_t n = gather(s, c->by_trace[m], NULL, set->trace_count);
        c->mean[m] = weir_stats_mean(s->a, n);
        if (m <= WEIR_RESULT_VMAF)
            c->interval[m] = weir_stats_bootstrap(s->a, NULL, n, seed_of(set, m), s->draws);
    }
    double *stalls = malloc(c->sample_count * sizeof(*stalls));
    c->p95_stall_s = NAN;
    if (stalls) {
        size_t n = 0;
        for (size_t i = 0; i < c->sample_count; i++)
            if (!isnan(c->sample_stall_s[i]))
                stalls[n++] = (double)c->sample_stall_s[i];
        weir_stats_sort(stalls, n);
        c->p95_stall_s = weir_stats_quantile(stalls, n, 0.95);
    }
    free(stalls);
}

static const struct weir_result_cell *cell_of(const struct weir_results *r,
                                              const struct weir_result_set *set, const char *spec)
{
    for (size_t i = 0; i < r->abr_count; i++)
        if (strcmp(weir_store_abr(r->store, i)->spec, spec) == 0)
            return set->cells[i].sessions ? &set->cells[i] : NULL;
    return NULL;
}

// Sum of QoE / sum of bound over the traces whose bound is positive; `bracket` likewise of the
// optimum.
static void measure_shares(const struct weir_results *r, struct weir_result_set *set, int metric,
                           struct scratch *s)
{
    const struct weir_result_cell *bound = cell_of(r, set, weir_sweep_optima[2 + metric]);
    const struct weir_result_cell *optimum = cell_of(r, set, weir_sweep_optima[metric]);
    double bracket = NAN;
    if (!bound)
        return;
    const double *bounds = bound->by_trace[metric];
    for (size_t t = 0; t < set->trace_count; t++) {
        set->has_bound[metric] = set->has_bound[metric] || !isnan(bounds[t]);
        set->unshared[metric][t] = !set->left_out[t] && bounds[t] <= 0;
        set->unshared_count[metric] += set->unshared[metric][t];
    }
    for (int round = 0; round < 2; round++) { // the optimum's own first: it gives the bracket
        for (size_t a = 0; a < r->abr_count; a++) {
            struct weir_result_cell *c = &set->cells[a];
            if (!c->sessions || (round == 0) != (c == optimum) || c == bound)
                continue;
            size_t n = 0;
            double top = 0, bottom = 0;
            for (size_t t = 0; t < set->trace_count; t++) {
                if (!(bounds[t] > 0) || isnan(c->by_trace[metric][t]))
                    continue;
                top += s->a[n] = c->by_trace[metric][t];
                bottom += s->b[n] = bounds[t];
                n++;
            }
            if (!n)
                continue;
            if (c == optimum)
                bracket = (bottom - top) / bottom;
            c->share[metric].share = top / bottom;
            c->share[metric].bracket = bracket;
            c->share[metric].interval =
                weir_stats_bootstrap(s->a, s->b, n, seed_of(set, 10 + metric), s->draws);
        }
    }
}

static void measure_differences(const struct weir_results *r, struct weir_result_set *set,
                                int metric, struct scratch *s)
{
    const struct weir_result_cell *base = &set->cells[r->baseline];
    for (size_t a = 0; a < r->abr_count; a++) {
        struct weir_result_cell *c = &set->cells[a];
        struct weir_result_difference *d = &c->difference[metric];
        s->p[a] = NAN;
        if (c == base || !c->sessions || !base->sessions)
            continue;
        // What is no player is no part of the family of comparisons.
        const char *spec = weir_store_abr(r->store, a)->spec;
        if (weir_sweep_is_bound(spec) || weir_sweep_is_optimum(spec))
            continue;
        size_t n = gather(s, c->by_trace[metric], base->by_trace[metric], set->trace_count);
        for (size_t i = 0; i < n; i++)
            s->a[i] -= s->b[i];
        if (!n)
            continue;
        d->traces = n;
        d->mean = weir_stats_mean(s->a, n);
        d->interval = weir_stats_bootstrap(s->a, NULL, n, seed_of(set, metric), s->draws);
        s->p[a] = weir_stats_sign_flip(s->a, n, seed_of(set, 20 + metric));
    }
    weir_stats_holm(s->p, r->abr_count);
    for (size_t a = 0; a < r->abr_count; a++)
        set->cells[a].difference[metric].p = s->p[a];
}

static void forget(struct weir_result_cell *c)
{
    for (int m = 0; m < WEIR_RESULT_METRICS; m++)
        c->mean[m] = NAN;
    for (int m = 0; m < 2; m++) {
        c->share[m] = (struct weir_result_share){NAN, NAN, {NAN, NAN}};
        c->difference[m] = (struct weir_result_difference){.mean = NAN, .p = NAN};
    }
}

bool weir_results_figures(struct weir_results *r)
{
    size_t most = 1;
    for (size_t i = 0; i < r->set_count; i++)
        most = r->sets[i].trace_count > most ? r->sets[i].trace_count : most;
    struct scratch s = {.a = calloc(most, sizeof(double)),
                        .b = calloc(most, sizeof(double)),
                        .draws = calloc((size_t)weir_stats_rounds(1), sizeof(double)),
                        .p = calloc(r->abr_count + 1, sizeof(double))};
    bool good = s.a && s.b && s.draws && s.p;
    for (size_t i = 0; good && i < r->set_count; i++) {
        struct weir_result_set *set = &r->sets[i];
        for (size_t a = 0; a < r->abr_count; a++) {
            forget(&set->cells[a]);
            if (set->cells[a].sessions)
                measure_cell(set, &set->cells[a], &s);
        }
        for (int metric = 0; metric < 2; metric++) {
            measure_shares(r, set, metric, &s);
            if (r->baseline >= 0)
                measure_differences(r, set, metric, &s);
        }
    }
    free(s.a);
    free(s.b);
    free(s.draws);
    free(s.p);
    return good;
}
