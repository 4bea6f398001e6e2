// player/summary.c — see summary.h. Definitions of the figures: INTERFACES (stall_time excludes
// start-up; QoE per segment played, start-up charged to the first). Sums are of integers where they
// can be, so that they are exact.
#include "player/summary.h"

#include "core/clock.h"
#include "core/detmath.h"

#define VMAF_SCALE     20.0
#define VMAF_STALL_QOE 5.0 // what a second of stalling costs

// q and the changes of q between neighbours.
struct quality {
    double sum, change;
};

static void add_quality(struct quality *s, double q, double before, bool first)
{
    s->sum += q;
    if (!first)
        s->change += q > before ? q - before : before - q;
}

// ln(bitrate / lowest): one logarithm a rung instead of one a segment.
#define UTILITY_CACHE 128
struct utilities {
    int64_t lowest_bps;
    struct {
        int64_t bps;
        double u;
    } known[UTILITY_CACHE];
};

static double utility(struct utilities *c, int32_t rung, int64_t bps)
{
    if (c->lowest_bps <= 0 || bps <= 0)
        return 0;
    size_t at = (uint32_t)rung % UTILITY_CACHE;
    if (c->known[at].bps != bps) {
        c->known[at].bps = bps;
        c->known[at].u = weir_ln((double)bps / (double)c->lowest_bps);
    }
    return c->known[at].u;
}

static struct quality sum_log(const struct weir_summary *s, double *highest)
{
    struct utilities c;
    for (size_t i = 0; i < UTILITY_CACHE; i++)
        c.known[i].bps = 0;
    c.lowest_bps = s->lowest_bps;
    struct quality sum = {0};
    double before = 0;
    for (size_t i = 0; i < s->segment_count; i++) {
        double q = utility(&c, s->segments[i].rung, s->segments[i].bitrate_bps);
        add_quality(&sum, q, before, i == 0);
        before = q;
    }
    *highest = utility(&c, -1, s->highest_bps);
    return sum;
}

// False: not known of every segment.
static bool sum_vmaf(const struct weir_summary *s, struct quality *sum)
{
    double before = 0;
    for (size_t i = 0; i < s->segment_count; i++) {
        if (s->segments[i].vmaf < 0)
            return false;
        double q = (double)s->segments[i].vmaf / VMAF_SCALE;
        add_quality(sum, q, before, i == 0);
        before = q;
    }
    return true;
}

static void measure_qoe(const struct weir_summary *s, int64_t rate_sum, int64_t rate_change,
                        struct weir_summary_figures *f)
{
    double n = (double)s->segment_count;
    int64_t startup_us = s->startup_us == WEIR_TIME_NONE ? 0 : s->startup_us;
    double stall_s = (double)(startup_us + s->stall_us) / 1e6;
    f->has_qoe = true;
    f->qoe_lin =
        ((double)(rate_sum - rate_change) / 1e6 - (double)s->highest_bps / 1e6 * stall_s) / n;
    double highest;
    struct quality log = sum_log(s, &highest);
    f->qoe_log = (log.sum - highest * stall_s - log.change) / n;
    struct quality vmaf = {0};
    f->has_vmaf = sum_vmaf(s, &vmaf);
    if (f->has_vmaf)
        f->qoe_vmaf = (vmaf.sum - VMAF_STALL_QOE * stall_s - vmaf.change) / n;
}

struct weir_summary_figures weir_summary_measure(const struct weir_summary *s)
{
    struct weir_summary_figures f = {0};
    int64_t whole_us = s->stall_us + s->played_us;
    f.rebuffer_ratio = whole_us > 0 ? (double)s->stall_us / (double)whole_us : 0.0;
    if (!s->segment_count)
        return f;
    int64_t sum = 0, change = 0, switched = 0;
    for (size_t i = 0; i < s->segment_count; i++) {
        sum += s->segments[i].bitrate_bps;
        if (i == 0)
            continue;
        int64_t step = s->segments[i].bitrate_bps - s->segments[i - 1].bitrate_bps;
        step = step < 0 ? -step : step;
        bool same = s->segments[i].rung == s->segments[i - 1].rung;
        change += step;
        f.switch_count += !same;
        switched += same ? 0 : step; // another period's ladder is no switch
    }
    f.mean_bitrate_bps = (double)sum / (double)s->segment_count;
    if (s->segment_count > 1)
        f.switch_bps = (double)switched / (double)(s->segment_count - 1);
    measure_qoe(s, sum, change, &f);
    return f;
}

static json_t *seconds(int64_t us)
{
    return us == WEIR_TIME_NONE ? json_null() : json_real((double)us / 1e6);
}

static json_t *known(bool is_known, double value)
{
    return is_known ? json_real(value) : json_null();
}

static json_t *decisions_json(const struct weir_summary *s)
{
    json_t *list = json_array();
    for (size_t i = 0; list && i < s->segment_count; i++)
        (void)json_array_append_new(list, json_integer(s->segments[i].rung));
    return list;
}

// What a host without media has: nothing pooled, copied or shown. Others set theirs over it.
static void add_nothing_shown(json_t *o)
{
    (void)json_object_set_new(o, "pool",
                              json_pack("{s:i, s:i, s:i, s:i, s:i, s:i, s:{s:i, s:i, s:i, s:i}}",
                                        "segment_hits", 0, "segment_misses", 0, "frame_hits", 0,
                                        "frame_misses", 0, "foreign_frames", 0, "high_water_bytes",
                                        0, "copied_bytes", "net", 0, "demux", 0, "decode", 0,
                                        "render", 0));
    (void)json_object_set_new(
        o, "frames", json_pack("{s:i, s:i, s:i}", "delivered", 0, "dropped", 0, "repeated", 0));
}

json_t *weir_summary_json(const struct weir_summary *s)
{
    struct weir_summary_figures f = weir_summary_measure(s);
    json_t *qoe = json_pack("{s:o, s:o, s:o}", "lin", known(f.has_qoe, f.qoe_lin), "log",
                            known(f.has_qoe, f.qoe_log), "vmaf", known(f.has_vmaf, f.qoe_vmaf));
    json_t *o = json_pack(
        "{s:s, s:s, s:s, s:s?, s:s, s:I, s:o, s:f, s:I, s:f, s:f, s:f, s:I, s:f, s:I, s:I, s:I, "
        "s:I, s:o, s:o}",
        "schema", "weir.session/1", "abr", s->abr, "content", s->content, "trace", s->trace, "host",
        s->host, "seed", (json_int_t)s->seed, "startup_delay", seconds(s->startup_us), "played",
        (double)s->played_us / 1e6, "stall_count", (json_int_t)s->stall_count, "stall_time",
        (double)s->stall_us / 1e6, "rebuffer_ratio", f.rebuffer_ratio, "mean_bitrate",
        f.mean_bitrate_bps, "switch_count", (json_int_t)f.switch_count, "switch_bps", f.switch_bps,
        "bytes", (json_int_t)s->bytes, "wasted_bytes", (json_int_t)s->wasted_bytes, "abandoned",
        (json_int_t)s->abandoned, "errors", (json_int_t)s->errors, "decisions", decisions_json(s),
        "qoe", qoe);
    if (o)
        add_nothing_shown(o);
    return o;
}
