// sim/row.h — one session of a sweep as it is stored: the figures of weir.session/1 in a flat
// record, its members by name, and its line of CSV or JSON. docs/results-format.md is the
// documentation of what comes out.
#ifndef WEIR_SIM_ROW_H
#define WEIR_SIM_ROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "player/summary.h"
#include "sim/sabre.h"
#include "sim/textbuf.h"

// Where a session stands among all of a database. Sorting by id sorts by content, trace, offset,
// algorithm: the canonical order.
struct weir_row_key {
    int32_t content, trace, offset, abr;
};
#define WEIR_ROW_MAX_CONTENTS (1 << 10)
#define WEIR_ROW_MAX_TRACES   (1 << 21)
#define WEIR_ROW_MAX_OFFSETS  (1 << 20)
#define WEIR_ROW_MAX_ABRS     (1 << 12)
int64_t weir_row_id(struct weir_row_key key);
struct weir_row_key weir_row_key(int64_t id);

// Numbers of a session; unknown ones are INT64_MIN or NaN.
enum weir_row_integer {
    WEIR_ROW_STARTUP_US,
    WEIR_ROW_PLAYED_US,
    WEIR_ROW_STALL_COUNT,
    WEIR_ROW_STALL_US,
    WEIR_ROW_SWITCH_COUNT,
    WEIR_ROW_BYTES,
    WEIR_ROW_WASTED_BYTES,
    WEIR_ROW_ABANDONED,
    WEIR_ROW_ERRORS,
    WEIR_ROW_INTEGERS,
};
enum weir_row_real {
    WEIR_ROW_REBUFFER_RATIO,
    WEIR_ROW_MEAN_BITRATE,
    WEIR_ROW_SWITCH_BPS,
    WEIR_ROW_QOE_LIN,
    WEIR_ROW_QOE_LOG,
    WEIR_ROW_QOE_VMAF,
    WEIR_ROW_SABRE_UTILITY, // with compat=sabre only, as all that follow
    WEIR_ROW_SABRE_BITRATE,
    WEIR_ROW_SABRE_SWITCH,
    WEIR_ROW_SABRE_REBUFFER,
    WEIR_ROW_SABRE_REBUFFER_EVENTS,
    WEIR_ROW_SABRE_SCORE,
    WEIR_ROW_SABRE_RAMPUP,
    WEIR_ROW_REALS,
};
#define WEIR_ROW_UNKNOWN INT64_MIN

struct weir_row {
    int64_t id, offset_us;
    int64_t integers[WEIR_ROW_INTEGERS];
    double reals[WEIR_ROW_REALS];
    const uint8_t *decisions; // a byte per segment: its rung
    size_t decision_count;
};

// Everything unknown, no decisions.
void weir_row_init(struct weir_row *row, int64_t id, int64_t offset_us);
// The figures of `s`; decisions are left out: weir_row_decisions().
void weir_row_from_summary(struct weir_row *row, const struct weir_summary *s);
void weir_row_sabre(struct weir_row *row, const struct weir_sabre_figures *f);

// The numeric members, in the order of weir.session/1.
struct weir_row_member {
    const char *name;   // "stall_time", "qoe.lin"
    const char *column; // of the database
    bool real, time;    // index is of reals[]; of integers[], microseconds told in seconds
    int index;
};
#define WEIR_ROW_MEMBERS (WEIR_ROW_INTEGERS + WEIR_ROW_REALS)
extern const struct weir_row_member weir_row_members[WEIR_ROW_MEMBERS];
// By name; NULL: no such member.
const struct weir_row_member *weir_row_member(const char *name, size_t length);
// NaN where unknown; times in seconds.
double weir_row_number(const struct weir_row *row, const struct weir_row_member *m);

// What a row's numbers stand for, in words.
struct weir_row_names {
    const char *set, *trace, *content, *abr;
    uint64_t seed;
};
void weir_row_csv_header(struct weir_textbuf *out);
void weir_row_csv(const struct weir_row *row, const struct weir_row_names *n,
                  struct weir_textbuf *out);
void weir_row_json(const struct weir_row *row, const struct weir_row_names *n,
                   struct weir_textbuf *out);

// The line of each segment of a session (`--segments`).
void weir_row_segments_header(struct weir_textbuf *out);
void weir_row_segments(const struct weir_summary *s, int64_t offset_us,
                       const struct weir_row_names *n, struct weir_textbuf *out);

#endif
