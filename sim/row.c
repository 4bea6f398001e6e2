// sim/row.c — see row.h. One table of members feeds the database's columns, CSV, JSON and
// --fail-if.
#include "sim/row.h"

#include <math.h>
#include <string.h>

#define ABR_BITS    12
#define OFFSET_BITS 20
#define TRACE_BITS  21

#define INTEGER(name, column, index)                                                               \
    {                                                                                              \
        name, column, false, false, index                                                          \
    }
#define TIME(name, column, index)                                                                  \
    {                                                                                              \
        name, column, false, true, index                                                           \
    }
#define REAL(name, column, index)                                                                  \
    {                                                                                              \
        name, column, true, false, index                                                           \
    }

const struct weir_row_member weir_row_members[WEIR_ROW_MEMBERS] = {
    TIME("startup_delay", "startup_us", WEIR_ROW_STARTUP_US),
    TIME("played", "played_us", WEIR_ROW_PLAYED_US),
    INTEGER("stall_count", "stall_count", WEIR_ROW_STALL_COUNT),
    TIME("stall_time", "stall_us", WEIR_ROW_STALL_US),
    REAL("rebuffer_ratio", "rebuffer_ratio", WEIR_ROW_REBUFFER_RATIO),
    REAL("mean_bitrate", "mean_bitrate", WEIR_ROW_MEAN_BITRATE),
    INTEGER("switch_count", "switch_count", WEIR_ROW_SWITCH_COUNT),
    REAL("switch_bps", "switch_bps", WEIR_ROW_SWITCH_BPS),
    INTEGER("bytes", "bytes", WEIR_ROW_BYTES),
    INTEGER("wasted_bytes", "wasted_bytes", WEIR_ROW_WASTED_BYTES),
    INTEGER("abandoned", "abandoned", WEIR_ROW_ABANDONED),
    INTEGER("errors", "errors", WEIR_ROW_ERRORS),
    REAL("qoe.lin", "qoe_lin", WEIR_ROW_QOE_LIN),
    REAL("qoe.log", "qoe_log", WEIR_ROW_QOE_LOG),
    REAL("qoe.vmaf", "qoe_vmaf", WEIR_ROW_QOE_VMAF),
    REAL("sabre.played_utility", "sabre_played_utility", WEIR_ROW_SABRE_UTILITY),
    REAL("sabre.avg_bitrate_kbps", "sabre_avg_bitrate_kbps", WEIR_ROW_SABRE_BITRATE),
    REAL("sabre.avg_switch_kbps", "sabre_avg_switch_kbps", WEIR_ROW_SABRE_SWITCH),
    REAL("sabre.rebuffer_s", "sabre_rebuffer_s", WEIR_ROW_SABRE_REBUFFER),
    REAL("sabre.rebuffer_events", "sabre_rebuffer_events", WEIR_ROW_SABRE_REBUFFER_EVENTS),
    REAL("sabre.time_avg_score", "sabre_time_avg_score", WEIR_ROW_SABRE_SCORE),
    REAL("sabre.startup_or_rampup_s", "sabre_startup_or_rampup_s", WEIR_ROW_SABRE_RAMPUP),
};
#define FIRST_QOE   12 // decisions stand before it
#define FIRST_SABRE 15

int64_t weir_row_id(struct weir_row_key k)
{
    return ((((int64_t)k.content << TRACE_BITS | k.trace) << OFFSET_BITS | k.offset) << ABR_BITS) |
           k.abr;
}

struct weir_row_key weir_row_key(int64_t id)
{
    return (struct weir_row_key){
        .abr = (int32_t)(id & (WEIR_ROW_MAX_ABRS - 1)),
        .offset = (int32_t)(id >> ABR_BITS & (WEIR_ROW_MAX_OFFSETS - 1)),
        .trace = (int32_t)(id >> (ABR_BITS + OFFSET_BITS) & (WEIR_ROW_MAX_TRACES - 1)),
        .content =
            (int32_t)(id >> (ABR_BITS + OFFSET_BITS + TRACE_BITS) & (WEIR_ROW_MAX_CONTENTS - 1)),
    };
}

void weir_row_init(struct weir_row *row, int64_t id, int64_t offset_us)
{
    *row = (struct weir_row){.id = id, .offset_us = offset_us};
    for (int i = 0; i < WEIR_ROW_INTEGERS; i++)
        row->integers[i] = WEIR_ROW_UNKNOWN;
    for (int i = 0; i < WEIR_ROW_REALS; i++)
        row->reals[i] = NAN;
}

void weir_row_from_summary(struct weir_row *row, const struct weir_summary *s)
{
    struct weir_summary_figures f = weir_summary_measure(s);
    int64_t *n = row->integers;
    double *r = row->reals;
    n[WEIR_ROW_STARTUP_US] = s->startup_us;
    n[WEIR_ROW_PLAYED_US] = s->played_us;
    n[WEIR_ROW_STALL_COUNT] = s->stall_count;
    n[WEIR_ROW_STALL_US] = s->stall_us;
    n[WEIR_ROW_SWITCH_COUNT] = f.switch_count;
    n[WEIR_ROW_BYTES] = s->bytes;
    n[WEIR_ROW_WASTED_BYTES] = s->wasted_bytes;
    n[WEIR_ROW_ABANDONED] = s->abandoned;
    n[WEIR_ROW_ERRORS] = s->errors;
    r[WEIR_ROW_REBUFFER_RATIO] = f.rebuffer_ratio;
    r[WEIR_ROW_MEAN_BITRATE] = f.mean_bitrate_bps;
    r[WEIR_ROW_SWITCH_BPS] = f.switch_bps;
    r[WEIR_ROW_QOE_LIN] = f.has_qoe ? f.qoe_lin : (double)NAN;
    r[WEIR_ROW_QOE_LOG] = f.has_qoe ? f.qoe_log : (double)NAN;
    r[WEIR_ROW_QOE_VMAF] = f.has_vmaf ? f.qoe_vmaf : (double)NAN;
}

void weir_row_sabre(struct weir_row *row, const struct weir_sabre_figures *f)
{
    double *r = row->reals;
    r[WEIR_ROW_SABRE_UTILITY] = f->played_utility;
    r[WEIR_ROW_SABRE_BITRATE] = f->avg_bitrate_kbps;
    r[WEIR_ROW_SABRE_SWITCH] = f->avg_switch_kbps;
    r[WEIR_ROW_SABRE_REBUFFER] = f->rebuffer_s;
    r[WEIR_ROW_SABRE_REBUFFER_EVENTS] = (double)f->rebuffer_events;
    r[WEIR_ROW_SABRE_SCORE] = f->time_avg_score;
    r[WEIR_ROW_SABRE_RAMPUP] = f->startup_or_rampup_s;
}

const struct weir_row_member *weir_row_member(const char *name, size_t length)
{
    for (size_t i = 0; i < WEIR_ROW_MEMBERS; i++) {
        const char *own = weir_row_members[i].name;
        if (strlen(own) == length && !memcmp(own, name, length))
            return &weir_row_members[i];
    }
    return NULL;
}

double weir_row_number(const struct weir_row *row, const struct weir_row_member *m)
{
    if (m->real)
        return row->reals[m->index];
    int64_t n = row->integers[m->index];
    if (n == WEIR_ROW_UNKNOWN)
        return NAN;
    return m->time ? (double)n / 1e6 : (double)n;
}

static bool known(const struct weir_row *row, const struct weir_row_member *m)
{
    return m->real ? isfinite(row->reals[m->index]) : row->integers[m->index] != WEIR_ROW_UNKNOWN;
}

static void add_number(const struct weir_row *row, const struct weir_row_member *m,
                       struct weir_textbuf *out)
{
    if (m->real)
        weir_textbuf_real(out, row->reals[m->index]);
    else if (m->time)
        weir_textbuf_seconds(out, row->integers[m->index]);
    else
        weir_textbuf_integer(out, row->integers[m->index]);
}

// Rungs with `between` between them.
static void add_decisions(const struct weir_row *row, char between, struct weir_textbuf *out)
{
    char text[1024];
    size_t used = 0;
    for (size_t i = 0; i < row->decision_count; i++) {
        unsigned rung = row->decisions[i];
        if (i)
            text[used++] = between;
        if (rung >= 100)
            text[used++] = (char)('0' + rung / 100);
        if (rung >= 10)
            text[used++] = (char)('0' + rung / 10 % 10);
        text[used++] = (char)('0' + rung % 10);
        if (used > sizeof(text) - 8) {
            weir_textbuf_add(out, text, used);
            used = 0;
        }
    }
    weir_textbuf_add(out, text, used);
}

void weir_row_csv_header(struct weir_textbuf *out)
{
    weir_textbuf_put(out, "trace_set,schema,abr,content,trace,host,seed");
    for (size_t i = 0; i < WEIR_ROW_MEMBERS; i++) {
        if (i == FIRST_QOE)
            weir_textbuf_put(out, ",decisions");
        weir_textbuf_add(out, ",", 1);
        weir_textbuf_put(out, weir_row_members[i].name);
    }
    weir_textbuf_put(out, ",offset\n");
}

void weir_row_csv(const struct weir_row *row, const struct weir_row_names *n,
                  struct weir_textbuf *out)
{
    weir_textbuf_csv(out, n->set);
    weir_textbuf_put(out, ",weir.session/1,");
    weir_textbuf_csv(out, n->abr);
    weir_textbuf_add(out, ",", 1);
    weir_textbuf_csv(out, n->content);
    weir_textbuf_add(out, ",", 1);
    weir_textbuf_csv(out, n->trace);
    weir_textbuf_put(out, ",model,");
    weir_textbuf_integer(out, (int64_t)n->seed);
    for (size_t i = 0; i < WEIR_ROW_MEMBERS; i++) {
        weir_textbuf_add(out, ",", 1);
        if (i == FIRST_QOE) {
            add_decisions(row, '|', out);
            weir_textbuf_add(out, ",", 1);
        }
        if (known(row, &weir_row_members[i]))
            add_number(row, &weir_row_members[i], out);
    }
    weir_textbuf_add(out, ",", 1);
    weir_textbuf_seconds(out, row->offset_us);
    weir_textbuf_add(out, "\n", 1);
}

static void add_member(const struct weir_row *row, size_t i, const char *name,
                       struct weir_textbuf *out)
{
    weir_textbuf_add(out, "\"", 1);
    weir_textbuf_put(out, name);
    weir_textbuf_put(out, "\": ");
    if (known(row, &weir_row_members[i]))
        add_number(row, &weir_row_members[i], out);
    else
        weir_textbuf_put(out, "null");
}

// Members [first, end) as an object under the part of their names before the dot.
static void add_object(const struct weir_row *row, size_t first, size_t end,
                       struct weir_textbuf *out)
{
    const char *name = weir_row_members[first].name;
    weir_textbuf_put(out, ", \"");
    weir_textbuf_add(out, name, strcspn(name, "."));
    weir_textbuf_put(out, "\": {");
    for (size_t i = first; i < end; i++) {
        weir_textbuf_put(out, i > first ? ", " : "");
        add_member(row, i, strchr(weir_row_members[i].name, '.') + 1, out);
    }
    weir_textbuf_put(out, "}");
}

void weir_row_json(const struct weir_row *row, const struct weir_row_names *n,
                   struct weir_textbuf *out)
{
    weir_textbuf_put(out, "{\"schema\": \"weir.session/1\", \"trace_set\": ");
    weir_textbuf_json(out, n->set);
    weir_textbuf_put(out, ", \"abr\": ");
    weir_textbuf_json(out, n->abr);
    weir_textbuf_put(out, ", \"content\": ");
    weir_textbuf_json(out, n->content);
    weir_textbuf_put(out, ", \"trace\": ");
    weir_textbuf_json(out, n->trace);
    weir_textbuf_put(out, ", \"offset\": ");
    weir_textbuf_seconds(out, row->offset_us);
    weir_textbuf_put(out, ", \"host\": \"model\", \"seed\": ");
    weir_textbuf_integer(out, (int64_t)n->seed);
    for (size_t i = 0; i < FIRST_QOE; i++) {
        weir_textbuf_put(out, ", ");
        add_member(row, i, weir_row_members[i].name, out);
    }
    weir_textbuf_put(out, ", \"decisions\": [");
    add_decisions(row, ',', out);
    weir_textbuf_put(out, "]");
    add_object(row, FIRST_QOE, FIRST_SABRE, out);
    if (known(row, &weir_row_members[FIRST_SABRE]))
        add_object(row, FIRST_SABRE, WEIR_ROW_MEMBERS, out);
    weir_textbuf_put(out, "}\n");
}

void weir_row_segments_header(struct weir_textbuf *out)
{
    weir_textbuf_put(out, "trace_set,abr,content,trace,offset,segment,rung,bitrate,bytes,start,"
                          "duration,buffer,throughput,requested,done,stall,vmaf\n");
}

static void add_time(int64_t us, struct weir_textbuf *out)
{
    weir_textbuf_add(out, ",", 1);
    if (us != WEIR_ROW_UNKNOWN)
        weir_textbuf_seconds(out, us);
}

static void add_integer(int64_t value, struct weir_textbuf *out)
{
    weir_textbuf_add(out, ",", 1);
    weir_textbuf_integer(out, value);
}

static void add_segment(const struct weir_summary_segment *g, size_t number,
                        struct weir_textbuf *out)
{
    add_integer((int64_t)number, out);
    add_integer(g->rung, out);
    add_integer(g->bitrate_bps, out);
    add_integer(g->bytes, out);
    add_time(g->start_us, out);
    add_time(g->duration_us, out);
    add_time(g->buffer_us, out);
    add_integer(g->throughput_bps, out);
    add_time(g->requested_us, out);
    add_time(g->done_us, out);
    add_time(g->stall_us, out);
    weir_textbuf_add(out, ",", 1);
    if (g->vmaf >= 0)
        weir_textbuf_real(out, (double)g->vmaf);
    weir_textbuf_add(out, "\n", 1);
}

void weir_row_segments(const struct weir_summary *s, int64_t offset_us,
                       const struct weir_row_names *n, struct weir_textbuf *out)
{
    struct weir_textbuf names = {0}; // what every line begins with
    weir_textbuf_csv(&names, n->set);
    weir_textbuf_add(&names, ",", 1);
    weir_textbuf_csv(&names, n->abr);
    weir_textbuf_add(&names, ",", 1);
    weir_textbuf_csv(&names, n->content);
    weir_textbuf_add(&names, ",", 1);
    weir_textbuf_csv(&names, n->trace);
    add_time(offset_us, &names);
    out->failed = out->failed || names.failed;
    for (size_t i = 0; !names.failed && i < s->segment_count; i++) {
        weir_textbuf_add(out, names.data, names.size);
        add_segment(&s->segments[i], i, out);
    }
    weir_textbuf_clear(&names);
}
