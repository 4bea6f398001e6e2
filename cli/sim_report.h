// cli/sim_report.h — how the sessions of `weir sim` went: for people, and as weir.session/1.
#ifndef WEIR_CLI_SIM_REPORT_H
#define WEIR_CLI_SIM_REPORT_H

#include <stdio.h>

#include "sim/model.h"

struct weir_sim_report {
    const struct weir_summary *summaries;
    struct weir_abr *const *abrs;
    size_t count;
    const struct weir_content *content;
    const struct weir_trace *trace;
    const char *net;
    struct weir_link_params link;
    bool full;
};

void weir_sim_report_text(const struct weir_sim_report *r, FILE *out);
// To `path`, "-": standard output. Several clients: an object with `clients`, a list, and `jain`.
int weir_sim_report_json(const struct weir_sim_report *r, const char *path, struct weir_error *e);

#endif
