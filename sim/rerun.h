// sim/rerun.h — the engine runs again from a session's event log (`weir play --events F --record`):
// the same engine and algorithm are made, told the same events at the same times, and held against
// what the log says it did. So a field report becomes a test. No I/O but the log.
#ifndef WEIR_SIM_RERUN_H
#define WEIR_SIM_RERUN_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <weir/error.h>

struct weir_rerun_params {
    const char *abr; // run this algorithm instead of the log's; NULL: the log's
};

enum weir_rerun_finding {
    WEIR_RERUN_SAME,
    WEIR_RERUN_CHANGED, // a line is not as it was written: its checksum does not fit
    WEIR_RERUN_DIFFERS, // the engine does otherwise
};

struct weir_rerun_result {
    enum weir_rerun_finding finding;
    int64_t line; // of the first difference, from 1
    double t;     // its time in the log
    char *event;  // what the engine heard, and the first thing that differs: in the log, and now;
    char *logged; // JSON or words, malloc'd, NULL where there is none
    char *now;
    int64_t steps, decisions; // that were the same
};

// Reads `log` to its end, or to the first difference. 0; SYNTAX: no such log (error says where);
// UNSUPPORTED: it names an algorithm from a shared object, which is not loaded on a log's word.
int weir_rerun(FILE *log, const char *where, const struct weir_rerun_params *params,
               struct weir_rerun_result *out, struct weir_error *error);
void weir_rerun_result_clear(struct weir_rerun_result *r);

#endif
