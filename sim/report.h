// sim/report.h — results as one HTML file that needs no network: page, style, Chart.js and data in
// it. The page is sim/report/page.*; what it draws is the JSON of sim/report_data.c
// (weir.report/1).
#ifndef WEIR_SIM_REPORT_H
#define WEIR_SIM_REPORT_H

#include <stdio.h>

#include "sim/inputs.h"
#include "sim/results.h"

// How large the sessions over time may become, in bytes of JSON: fewer are shown beyond.
#define WEIR_REPORT_SESSIONS_MAX (3 << 20)

struct weir_report_params {
    const struct weir_results *results;
    struct weir_store *store; // the results'
    // Where traces and contents are, to run the sessions again that are drawn over time; NULL:
    // where the store says they were. What is not there, or has changed, is left out, and the page
    // says so.
    const struct weir_inputs *inputs;
};

// WEIR_ERR_UNSUPPORTED: built without Chart.js. WEIR_ERR_OUTPUT: `out`, called `name`, cannot be
// written; it is flushed.
int weir_report_write(const struct weir_report_params *params, FILE *out, const char *name,
                      struct weir_error *e);

#endif
