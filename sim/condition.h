// sim/condition.h — `--fail-if`: a comparison of one figure of the results, for scripts.
//
//   FUNCTION(MEMBER) [@FILTER …] OPERATOR NUMBER        mean(qoe.lin) @bola @hsdpa < 1.2
//
// FUNCTION: mean median p5 p95 max min over sessions; share: of qoe.lin and qoe.log the share of
// the bound (sum / sum, --optimal), of any other member the part of sessions in which it is above
// 0. MEMBER: a numeric member of weir.session/1. FILTER: an algorithm, a trace set or a content.
// OPERATOR: < <= > >= == !=. NUMBER: decimal, or a percentage with %.
#ifndef WEIR_SIM_CONDITION_H
#define WEIR_SIM_CONDITION_H

#include "sim/results.h"

enum weir_condition_function {
    WEIR_CONDITION_MEAN,
    WEIR_CONDITION_MEDIAN,
    WEIR_CONDITION_P5,
    WEIR_CONDITION_P95,
    WEIR_CONDITION_MAX,
    WEIR_CONDITION_MIN,
    WEIR_CONDITION_SHARE,
};
enum weir_condition_operator {
    WEIR_CONDITION_LESS,
    WEIR_CONDITION_LESS_EQUAL,
    WEIR_CONDITION_MORE,
    WEIR_CONDITION_MORE_EQUAL,
    WEIR_CONDITION_EQUAL,
    WEIR_CONDITION_UNEQUAL,
};

#define WEIR_CONDITION_FILTERS 4

struct weir_condition {
    enum weir_condition_function function;
    const struct weir_row_member *member;
    char filters[WEIR_CONDITION_FILTERS][512];
    size_t filter_count;
    enum weir_condition_operator operator;
    double number;
};

int weir_condition_parse(const char *text, struct weir_condition *out, struct weir_error *e);

// What was found: of the first algorithm for which the comparison holds, else of the last one.
struct weir_condition_finding {
    bool holds;
    double value;
    const char *abr; // of the store
};
// The comparison is made for every algorithm (that the filters let through) on its own, over all
// its sessions over traces that every algorithm finished (`errors`: over all). INVAL: a filter that
// names nothing, or nothing to compare.
int weir_condition_evaluate(const struct weir_condition *c, struct weir_store *store,
                            const struct weir_results *results, struct weir_condition_finding *out,
                            struct weir_error *e);

#endif
