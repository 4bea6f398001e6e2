// cli/eval_table.c — see eval_table.h.
#include "cli/eval_table.h"

#include <math.h>
#include <string.h>

#include "sim/sweep.h"

#define NAME_WIDTH 22
#define LIST_WIDTH 102 // of a list of traces, before "and 99 more"

// A number in at least `width` columns; '-' where it is unknown.
static void number(FILE *out, int width, int places, double value)
{
    if (isnan(value))
        (void)fprintf(out, " %*s", width, "-");
    else
        (void)fprintf(out, " %*.*f", width, fabs(value) >= 1000 ? 0 : places, value);
}

// "1.234 [1.100, 1.350]", 24 columns with the blank before it.
static void with_interval(FILE *out, int places, double value, struct weir_interval i)
{
    char text[80];
    if (isnan(value))
        (void)snprintf(text, sizeof(text), "-");
    else if (isnan(i.low))
        (void)snprintf(text, sizeof(text), "%.*f -", places, value);
    else
        (void)snprintf(text, sizeof(text), "%.*f [%.*f, %.*f]", places, value, places, i.low,
                       places, i.high);
    (void)fprintf(out, " %23s", text);
}

static void name(FILE *out, const char *spec)
{
    if (strlen(spec) <= NAME_WIDTH)
        (void)fprintf(out, "%-*s", NAME_WIDTH, spec);
    else
        (void)fprintf(out, "%.*s..", NAME_WIDTH - 2, spec);
}

static int places_for(const struct weir_result_set *set, size_t abr_count, int metric)
{
    double largest = 0;
    for (size_t a = 0; a < abr_count; a++)
        if (set->cells[a].sessions && fabs(set->cells[a].mean[metric]) > largest)
            largest = fabs(set->cells[a].mean[metric]);
    return largest >= 100 ? 1 : largest >= 10 ? 2 : 3;
}

static void print_means(const struct weir_results *r, const struct weir_result_set *set, FILE *out)
{
    int lin = places_for(set, r->abr_count, WEIR_RESULT_LIN);
    int log = places_for(set, r->abr_count, WEIR_RESULT_LOG);
    (void)fprintf(out, "%-*s %23s %23s %6s %7s %6s %6s %6s %7s\n", NAME_WIDTH, "algorithm",
                  "QoE lin [95 % CI]", "QoE log [95 % CI]", "Mbit/s", "stall %", "p95 s", "any %",
                  "start", "switch");
    for (size_t a = 0; a < r->abr_count; a++) {
        const struct weir_result_cell *c = &set->cells[a];
        const char *spec = weir_store_abr(r->store, a)->spec;
        if (!c->sessions)
            continue;
        name(out, spec);
        with_interval(out, lin, c->mean[WEIR_RESULT_LIN], c->interval[WEIR_RESULT_LIN]);
        with_interval(out, log, c->mean[WEIR_RESULT_LOG], c->interval[WEIR_RESULT_LOG]);
        if (!weir_sweep_is_bound(spec)) {
            number(out, 6, 2, c->mean[WEIR_RESULT_BITRATE] / 1e6);
            number(out, 7, 2, c->mean[WEIR_RESULT_REBUFFER] * 100);
            number(out, 6, 1, c->p95_stall_s);
            number(out, 6, 1, 100.0 * (double)c->stalled / (double)c->sessions);
            number(out, 6, 2, c->mean[WEIR_RESULT_STARTUP]);
            number(out, 7, 1, c->mean[WEIR_RESULT_SWITCHES]);
        }
        (void)fputc('\n', out);
    }
}

static void print_vmaf(const struct weir_results *r, const struct weir_result_set *set, FILE *out)
{
    (void)fprintf(out, "\n%-*s %23s\n", NAME_WIDTH, "", "QoE vmaf [95 % CI]");
    for (size_t a = 0; a < r->abr_count; a++) {
        const struct weir_result_cell *c = &set->cells[a];
        if (!c->sessions || isnan(c->mean[WEIR_RESULT_VMAF]))
            continue;
        name(out, weir_store_abr(r->store, a)->spec);
        with_interval(out, 3, c->mean[WEIR_RESULT_VMAF], c->interval[WEIR_RESULT_VMAF]);
        (void)fputc('\n', out);
    }
}

static void print_share(const struct weir_result_share *s, FILE *out)
{
    struct weir_interval i = {s->interval.low * 100, s->interval.high * 100};
    with_interval(out, 1, s->share * 100, i);
    number(out, 9, 2, s->bracket * 100);
}

static void print_shares(const struct weir_results *r, const struct weir_result_set *set, FILE *out)
{
    (void)fprintf(out, "\n%-*s %23s %9s %23s %9s\n", NAME_WIDTH, "share of the bound, %",
                  "lin [95 % CI]", "bracket", "log [95 % CI]", "bracket");
    for (size_t a = 0; a < r->abr_count; a++) {
        const struct weir_result_cell *c = &set->cells[a];
        if (!c->sessions || (isnan(c->share[0].share) && isnan(c->share[1].share)))
            continue;
        name(out, weir_store_abr(r->store, a)->spec);
        print_share(&c->share[0], out);
        print_share(&c->share[1], out);
        (void)fputc('\n', out);
    }
}

static void print_difference(const struct weir_result_difference *d, FILE *out)
{
    with_interval(out, 3, d->mean, d->interval);
    if (isnan(d->p))
        (void)fprintf(out, " %9s", "-");
    else
        (void)fprintf(out, " %9.4f", d->p);
}

static void print_differences(const struct weir_results *r, const struct weir_result_set *set,
                              FILE *out)
{
    char title[64];
    (void)snprintf(title, sizeof(title), "less %.16s",
                   weir_store_abr(r->store, (size_t)r->baseline)->spec);
    (void)fprintf(out, "\n%-*s %23s %9s %23s %9s\n", NAME_WIDTH, title, "lin [95 % CI]", "p (Holm)",
                  "log [95 % CI]", "p (Holm)");
    for (size_t a = 0; a < r->abr_count; a++) {
        const struct weir_result_cell *c = &set->cells[a];
        if (!c->sessions || isnan(c->difference[0].mean))
            continue;
        name(out, weir_store_abr(r->store, a)->spec);
        print_difference(&c->difference[0], out);
        print_difference(&c->difference[1], out);
        (void)fputc('\n', out);
    }
}

// "label: a, b, c and 7 more", within the width
static void list_traces(const struct weir_results *r, const struct weir_result_set *set,
                        const bool *which, size_t count, const char *label, FILE *out)
{
    size_t named = 0;
    if (!count)
        return;
    int used = fprintf(out, "%zu %s:", count, label);
    for (size_t t = 0; t < set->trace_count; t++) {
        const char *own = weir_store_trace(r->store, (size_t)set->traces[t])->name;
        if (!which[t])
            continue;
        if (named && used + (int)strlen(own) > LIST_WIDTH)
            break;
        used += fprintf(out, "%s %.80s", named++ ? "," : "", own);
    }
    if (count > named)
        (void)fprintf(out, " and %zu more", count - named);
    (void)fputc('\n', out);
}

// Whose failures took traces from everybody, a line each.
static void print_left_out(const struct weir_results *r, const struct weir_result_set *set,
                           FILE *out)
{
    list_traces(r, set, set->left_out, set->left_out_count,
                "in no figure, not finished by every algorithm", out);
    for (size_t a = 0; a < r->abr_count; a++) {
        const struct weir_result_cell *c = &set->cells[a];
        const char *spec = weir_store_abr(r->store, a)->spec;
        if (c->missed)
            (void)fprintf(out, "  %.80s: %zu trace%s not finished, %lld session%s failed\n", spec,
                          c->missed, c->missed == 1 ? "" : "s", (long long)c->failed,
                          c->failed == 1 ? "" : "s");
        else if (c->failed)
            (void)fprintf(out, "  %.80s: finished no trace, %lld session%s failed\n", spec,
                          (long long)c->failed, c->failed == 1 ? "" : "s");
    }
}

static void print_set(const struct weir_results *r, const struct weir_result_set *set, FILE *out)
{
    int64_t sessions = 0, stride = 1;
    for (size_t a = 0; a < r->abr_count; a++) {
        sessions += set->cells[a].sessions;
        if (set->cells[a].sample_stride > stride)
            stride = set->cells[a].sample_stride;
    }
    if (!sessions && !set->left_out_count)
        return;
    (void)fprintf(out, "\n%s, %s: %zu trace%s, %lld sessions\n", set->name,
                  weir_store_content(r->store, (size_t)set->content)->name, set->trace_count,
                  set->trace_count == 1 ? "" : "s", (long long)sessions);
    if (sessions)
        print_means(r, set, out);
    print_left_out(r, set, out);
    if (set->has_vmaf)
        print_vmaf(r, set, out);
    if (set->has_bound[0] || set->has_bound[1])
        print_shares(r, set, out);
    if (r->baseline >= 0)
        print_differences(r, set, out);
    list_traces(r, set, set->hopeless, set->hopeless_count, "hopeless (mean below the lowest rung)",
                out);
    list_traces(r, set, set->unshared[0], set->unshared_count[0],
                "without a positive bound of qoe.lin", out);
    list_traces(r, set, set->unshared[1], set->unshared_count[1],
                "without a positive bound of qoe.log", out);
    if (stride > 1)
        (void)fprintf(out, "p95 is of every %lld. session\n", (long long)stride);
}

void weir_eval_print_tables(const struct weir_results *r, FILE *out)
{
    for (size_t i = 0; i < r->set_count; i++)
        print_set(r, &r->sets[i], out);
    if (r->failed)
        (void)fprintf(out, "\n%lld sessions ended early by an error and are in no figure\n",
                      (long long)r->failed);
}
