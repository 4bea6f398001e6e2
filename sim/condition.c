// sim/condition.c — see condition.h.
#include "sim/condition.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/sweep.h"

static const char *const functions[] = {"mean", "median", "p5", "p95", "max", "min", "share"};
#define FUNCTION_COUNT (sizeof(functions) / sizeof(functions[0]))

static int refuse(struct weir_error *e, const char *text, const char *what, const char *at)
{
    weir_error_set(e, WEIR_ERR_INVAL, "--fail-if", "\"%s\": %s", text, what);
    if (*at)
        weir_error_why(e, "at \"%s\"", at);
    weir_error_hint(e, "mean|median|p5|p95|max|min|share(MEMBER) [@ALGORITHM] [@SET] < NUMBER");
    return WEIR_ERR_INVAL;
}

static const char *skip_blanks(const char *at)
{
    return at + strspn(at, " \t");
}

// "@word" as often as it comes; inside the parentheses a word ends at ')', too.
static const char *read_filters(const char *at, bool inside, struct weir_condition *out)
{
    for (at = skip_blanks(at); *at == '@'; at = skip_blanks(at)) {
        size_t length = strcspn(++at, inside ? " \t@)" : " \t@");
        if (out->filter_count == WEIR_CONDITION_FILTERS || !length ||
            length >= sizeof(out->filters[0]))
            return NULL;
        memcpy(out->filters[out->filter_count], at, length);
        out->filters[out->filter_count++][length] = '\0';
        at += length;
    }
    return at;
}

static const char *read_operator(const char *at, enum weir_condition_operator *out)
{
    static const struct {
        const char *text;
        enum weir_condition_operator value;
    } all[] = {
        {"<=", WEIR_CONDITION_LESS_EQUAL}, {">=", WEIR_CONDITION_MORE_EQUAL},
        {"==", WEIR_CONDITION_EQUAL},      {"!=", WEIR_CONDITION_UNEQUAL},
        {"<", WEIR_CONDITION_LESS},        {">", WEIR_CONDITION_MORE},
    };
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
        size_t length = strlen(all[i].text);
        if (strncmp(at, all[i].text, length) == 0) {
            *out = all[i].value;
            return at + length;
        }
    }
    return NULL;
}

// By hand: strtod follows the locale.
static const char *read_number(const char *at, double *out)
{
    bool negative = *at == '-', any = false;
    double value = 0, unit = 1;
    at += *at == '-' || *at == '+';
    for (; *at >= '0' && *at <= '9'; at++, any = true)
        value = value * 10 + (*at - '0');
    if (*at == '.')
        for (at++; *at >= '0' && *at <= '9'; at++, any = true) {
            value = value * 10 + (*at - '0');
            unit *= 10;
        }
    if (*at == 'e' || *at == 'E') {
        int power = 0;
        bool small = at[1] == '-';
        for (at += 1 + (at[1] == '-' || at[1] == '+'); *at >= '0' && *at <= '9' && power < 400;
             at++)
            power = power * 10 + (*at - '0');
        for (; power > 0; power--) {
            value *= small ? 1 : 10;
            unit *= small ? 10 : 1;
        }
    }
    if (*at == '%') {
        unit *= 100;
        at++;
    }
    *out = (negative ? -value : value) / unit;
    return any && isfinite(*out) ? at : NULL;
}

int weir_condition_parse(const char *text, struct weir_condition *out, struct weir_error *e)
{
    *out = (struct weir_condition){0};
    const char *at = skip_blanks(text);
    size_t length = strcspn(at, "( \t"), i = 0;
    while (i < FUNCTION_COUNT &&
           (strlen(functions[i]) != length || strncmp(at, functions[i], length) != 0))
        i++;
    if (i == FUNCTION_COUNT)
        return refuse(e, text, "no such function", at);
    out->function = (enum weir_condition_function)i;
    at = skip_blanks(at + length);
    if (*at != '(')
        return refuse(e, text, "( is missing", at);
    at = skip_blanks(at + 1);
    length = strcspn(at, " \t@)");
    out->member = weir_row_member(at, length);
    if (!out->member)
        return refuse(e, text, "no such numeric member of weir.session/1", at);
    const char *after = read_filters(at + length, true, out);
    if (!after || *after != ')')
        return refuse(e, text, ") is missing", after ? after : at);
    at = read_filters(after + 1, false, out);
    if (!at)
        return refuse(e, text, "not a filter", after + 1);
    after = read_operator(at, &out->operator);
    if (!after)
        return refuse(e, text, "no comparison", at);
    at = read_number(skip_blanks(after), &out->number);
    if (!at || *skip_blanks(at))
        return refuse(e, text, "not a number", after);
    return 0;
}

// --- evaluation ---

static int out_of_memory(struct weir_error *e)
{
    (void)weir_error_set(e, WEIR_ERR_NOMEM, "--fail-if", "memory ran out");
    return WEIR_ERR_NOMEM;
}

// What the filters leave.
struct selection {
    bool *abrs, *traces, *contents;
    bool *left_out; // [content][trace]: in no figure, as in the tables
};

static bool is_player(const char *spec)
{
    return !weir_sweep_is_bound(spec) && !weir_sweep_is_optimum(spec);
}

static void clear_selection(struct selection *s)
{
    free(s->abrs);
    free(s->traces);
    free(s->contents);
    free(s->left_out);
}

// Marks what a filter names among one kind of things. True: it names any.
static bool mark_abrs(const struct weir_store *store, const char *name, bool *marks)
{
    bool any = false;
    for (size_t i = 0; i < weir_store_abr_count(store); i++)
        if (strcmp(weir_store_abr(store, i)->spec, name) == 0)
            any = marks[i] = true;
    return any;
}

static bool mark_traces(const struct weir_store *store, const char *name, bool *marks)
{
    bool any = false;
    for (size_t i = 0; i < weir_store_trace_count(store); i++)
        if (strcmp(weir_store_trace(store, i)->set, name) == 0)
            any = marks[i] = true;
    return any;
}

static bool mark_contents(const struct weir_store *store, const char *name, bool *marks)
{
    bool any = false;
    for (size_t i = 0; i < weir_store_content_count(store); i++)
        if (strcmp(weir_store_content(store, i)->name, name) == 0)
            any = marks[i] = true;
    return any;
}

static void mark_all(bool *marks, size_t count)
{
    for (size_t i = 0; i < count; i++)
        marks[i] = true;
}

static int select_sessions(const struct weir_condition *c, const struct weir_store *store,
                           struct selection *s, struct weir_error *e)
{
    size_t abrs = weir_store_abr_count(store), traces = weir_store_trace_count(store);
    size_t contents = weir_store_content_count(store);
    bool by_abr = false, by_set = false, by_content = false;
    s->abrs = calloc(abrs + 1, sizeof(bool));
    s->traces = calloc(traces + 1, sizeof(bool));
    s->contents = calloc(contents + 1, sizeof(bool));
    s->left_out = calloc(traces * contents + 1, sizeof(bool));
    if (!s->abrs || !s->traces || !s->contents || !s->left_out)
        return out_of_memory(e);
    for (size_t i = 0; i < c->filter_count; i++) {
        bool abr = mark_abrs(store, c->filters[i], s->abrs);
        bool set = !abr && mark_traces(store, c->filters[i], s->traces);
        bool content = !abr && !set && mark_contents(store, c->filters[i], s->contents);
        if (!abr && !set && !content)
            return weir_error_set(e, WEIR_ERR_INVAL, "--fail-if",
                                  "no algorithm, trace set or content \"%s\" among the results",
                                  c->filters[i]);
        by_abr = by_abr || abr;
        by_set = by_set || set;
        by_content = by_content || content;
    }
    for (size_t i = 0; !by_abr && i < abrs; i++)
        s->abrs[i] = is_player(weir_store_abr(store, i)->spec);
    if (!by_set)
        mark_all(s->traces, traces);
    if (!by_content)
        mark_all(s->contents, contents);
    return 0;
}

static void mark_left_out(const struct weir_results *r, struct selection *s)
{
    size_t traces = weir_store_trace_count(r->store);
    for (size_t i = 0; i < r->set_count; i++)
        for (size_t t = 0; t < r->sets[i].trace_count; t++)
            s->left_out[(size_t)r->sets[i].content * traces + (size_t)r->sets[i].traces[t]] =
                r->sets[i].left_out[t];
}

// The known values of one algorithm.
struct values {
    double *items;
    size_t count, room;
    double sum;
    int64_t positive;
    bool keep;
};

static bool add_value(struct values *v, double value)
{
    if (isnan(value))
        return true;
    if (v->keep && v->count == v->room) {
        size_t room = v->room ? v->room * 2 : 1024;
        double *grown = realloc(v->items, room * sizeof(*grown));
        if (!grown)
            return false;
        v->items = grown;
        v->room = room;
    }
    if (v->keep)
        v->items[v->count] = value;
    v->count++;
    v->sum += value;
    v->positive += value > 0;
    return true;
}

static int collect(const struct weir_condition *c, struct weir_store *store,
                   const struct selection *s, struct values *values, struct weir_error *e)
{
    struct weir_row row;
    size_t traces = weir_store_trace_count(store);
    bool errors = !c->member->real && c->member->index == WEIR_ROW_ERRORS;
    int got = 0, err = weir_store_rewind(store, e);
    while (!err && (got = weir_store_next(store, &row, e)) > 0) {
        struct weir_row_key k = weir_row_key(row.id);
        if (!s->abrs[k.abr] || !s->traces[k.trace] || !s->contents[k.content])
            continue;
        if (!errors && s->left_out[(size_t)k.content * traces + (size_t)k.trace])
            continue;
        if (!add_value(&values[k.abr], weir_row_number(&row, c->member)))
            err = out_of_memory(e);
    }
    return got < 0 ? got : err;
}

static double figure(const struct weir_condition *c, struct values *v)
{
    if (!v->count)
        return NAN;
    if (v->keep)
        weir_stats_sort(v->items, v->count);
    switch (c->function) {
    case WEIR_CONDITION_MEAN:
        return v->sum / (double)v->count;
    case WEIR_CONDITION_MEDIAN:
        return weir_stats_quantile(v->items, v->count, 0.5);
    case WEIR_CONDITION_P5:
        return weir_stats_quantile(v->items, v->count, 0.05);
    case WEIR_CONDITION_P95:
        return weir_stats_quantile(v->items, v->count, 0.95);
    case WEIR_CONDITION_MAX:
        return v->items[v->count - 1];
    case WEIR_CONDITION_MIN:
        return v->items[0];
    case WEIR_CONDITION_SHARE:
        return (double)v->positive / (double)v->count;
    }
    return NAN;
}

// Share of the bound over the selected sets together.
static double share_of_bound(const struct weir_results *r, const struct selection *s, size_t abr,
                             int metric)
{
    double top = 0, bottom = 0;
    for (size_t i = 0; i < r->set_count; i++) {
        const struct weir_result_set *set = &r->sets[i];
        const struct weir_result_cell *bound = NULL, *cell = &set->cells[abr];
        for (size_t a = 0; a < r->abr_count; a++)
            if (!strcmp(weir_store_abr(r->store, a)->spec, weir_sweep_optima[2 + metric]))
                bound = &set->cells[a];
        if (!bound || !bound->sessions || !cell->sessions || !s->contents[set->content])
            continue;
        for (size_t t = 0; t < set->trace_count; t++) {
            double limit = bound->by_trace[metric][t], own = cell->by_trace[metric][t];
            if (!s->traces[set->traces[t]] || !(limit > 0) || isnan(own))
                continue;
            top += own;
            bottom += limit;
        }
    }
    return bottom > 0 ? top / bottom : (double)NAN;
}

static bool compare(enum weir_condition_operator operator, double a, double b)
{
    switch (operator) {
    case WEIR_CONDITION_LESS:
        return a < b;
    case WEIR_CONDITION_LESS_EQUAL:
        return a <= b;
    case WEIR_CONDITION_MORE:
        return a > b;
    case WEIR_CONDITION_MORE_EQUAL:
        return a >= b;
    case WEIR_CONDITION_EQUAL:
        return a == b;
    case WEIR_CONDITION_UNEQUAL:
        return a != b;
    }
    return false;
}

int weir_condition_evaluate(const struct weir_condition *c, struct weir_store *store,
                            const struct weir_results *results, struct weir_condition_finding *out,
                            struct weir_error *e)
{
    struct selection s = {0};
    size_t abrs = weir_store_abr_count(store);
    struct values *values = calloc(abrs + 1, sizeof(*values));
    bool lin = c->member->real && c->member->index == WEIR_ROW_QOE_LIN;
    bool log = c->member->real && c->member->index == WEIR_ROW_QOE_LOG;
    bool of_bound = c->function == WEIR_CONDITION_SHARE && (lin || log);
    *out = (struct weir_condition_finding){.value = NAN};
    int err = values ? select_sessions(c, store, &s, e) : out_of_memory(e);
    for (size_t i = 0; !err && i < abrs; i++)
        values[i].keep = c->function != WEIR_CONDITION_MEAN && c->function != WEIR_CONDITION_SHARE;
    if (!err)
        mark_left_out(results, &s);
    if (!err && !of_bound)
        err = collect(c, store, &s, values, e);
    for (size_t i = 0; !err && !out->holds && i < abrs; i++) {
        double value = !s.abrs[i] ? (double)NAN
                       : of_bound ? share_of_bound(results, &s, i, log)
                                  : figure(c, &values[i]);
        if (isnan(value))
            continue;
        *out = (struct weir_condition_finding){.holds = compare(c->operator, value, c->number),
                                               .value = value,
                                               .abr = weir_store_abr(store, i)->spec};
    }
    if (!err && isnan(out->value))
        err = weir_error_set(e, WEIR_ERR_INVAL, "--fail-if", "no session has such a figure%s",
                             of_bound ? ": --optimal?" : "");
    for (size_t i = 0; values && i < abrs; i++)
        free(values[i].items);
    free(values);
    clear_selection(&s);
    return err;
}
