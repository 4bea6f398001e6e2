// sim/sabre.c — see sabre.h.
#include "sim/sabre.h"

#include <string.h>

#include "core/clock.h"
#include "core/detmath.h"

#define GP 5.0 // weight of stalls in Sabre's score

bool weir_sabre_is_wanted(const char *abr_spec)
{
    const char *parameters = strchr(abr_spec, ':');
    const char *at = parameters ? strstr(parameters, "compat=sabre") : NULL;
    if (!at || (at[-1] != ':' && at[-1] != ','))
        return false;
    char next = at[strlen("compat=sabre")];
    return next == '\0' || next == ',';
}

// The interval in force at the end of what ended at `at_us`: one that ends there has not been left.
static const struct weir_trace_interval *interval_at(const struct weir_trace *t, int64_t at_us)
{
    int64_t period_us = weir_trace_period_us(t);
    int64_t in_us = at_us > 0 ? at_us - (at_us - 1) / period_us * period_us : 1;
    size_t low = 0, high = weir_trace_count(t); // the last that starts before in_us >= 1
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (weir_trace_at(t, middle)->start_us < in_us)
            low = middle;
        else
            high = middle;
    }
    return weir_trace_at(t, low);
}

struct ladder {
    const int64_t *bitrates_bps;
    size_t count;
};

// The highest rung that the interval carries, latency paid for every segment.
static size_t sustainable(const struct ladder *ladder, const struct weir_trace_interval *i,
                          const struct weir_link_params *link, int64_t duration_us)
{
    int64_t latency_us = link->rtt_us != WEIR_TIME_NONE ? link->rtt_us : i->latency_us;
    if (latency_us == WEIR_TIME_NONE)
        latency_us = 0;
    double limit_bps = i->bps * (1 - (double)latency_us / (double)duration_us);
    size_t rung = 0;
    while (rung + 1 < ladder->count && (double)ladder->bitrates_bps[rung + 1] <= limit_bps)
        rung++;
    return rung;
}

// Segments that begin to play while one is fetched, or waited for, are accounted for when it is
// there: by what the network carries then.
static double ramp_up_s(const struct weir_summary *s, const struct ladder *ladder,
                        const struct weir_trace *trace, const struct weir_link_params *link)
{
    int64_t duration_us = s->segments[0].duration_us;
    int64_t at_us = s->startup_us;
    size_t fetch = 0;
    for (size_t i = 0; i < s->segment_count; i++) {
        if (i > 0)
            at_us += s->segments[i - 1].duration_us + s->segments[i].stall_us;
        while (fetch + 1 < s->segment_count && s->segments[fetch + 1].requested_us <= at_us)
            fetch++;
        const struct weir_trace_interval *interval =
            interval_at(trace, s->segments[fetch].done_us + link->offset_us);
        if ((size_t)s->segments[i].rung >= sustainable(ladder, interval, link, duration_us))
            return (double)at_us / 1e6;
    }
    return (double)s->segment_count * (double)duration_us / 1e6;
}

struct weir_sabre_figures weir_sabre_measure(const struct weir_summary *s,
                                             const int64_t *bitrates_bps, size_t rung_count,
                                             const struct weir_trace *trace,
                                             const struct weir_link_params *link)
{
    struct weir_sabre_figures f = {.rebuffer_s = (double)s->stall_us / 1e6};
    struct ladder ladder = {bitrates_bps, rung_count};
    if (!s->segment_count || s->ended_us <= 0 || s->segments[0].duration_us <= 0)
        return f;
    double bps = 0, change_bps = 0;
    for (size_t i = 0; i < s->segment_count; i++) {
        double rate = (double)s->segments[i].bitrate_bps;
        double change = i ? rate - (double)s->segments[i - 1].bitrate_bps : 0;
        bps += rate;
        change_bps += change < 0 ? -change : change;
        f.played_utility += weir_ln(rate / (double)bitrates_bps[0]);
        f.rebuffer_events += i > 0 && s->segments[i].stall_us > 1;
    }
    double duration_us = (double)s->segments[0].duration_us;
    double worth = (double)s->ended_us / duration_us; // of segments, the session took
    f.avg_bitrate_kbps = bps / 1e3 / worth;
    f.avg_switch_kbps = change_bps / 1e3 / worth;
    f.time_avg_score = (f.played_utility - GP * (double)s->stall_us / duration_us) / worth;
    f.startup_or_rampup_s = ramp_up_s(s, &ladder, trace, link);
    return f;
}

json_t *weir_sabre_json(const struct weir_sabre_figures *f)
{
    return json_pack("{s:f, s:f, s:f, s:I, s:f, s:f, s:f}", "played_utility", f->played_utility,
                     "avg_bitrate_kbps", f->avg_bitrate_kbps, "rebuffer_s", f->rebuffer_s,
                     "rebuffer_events", (json_int_t)f->rebuffer_events, "avg_switch_kbps",
                     f->avg_switch_kbps, "time_avg_score", f->time_avg_score, "startup_or_rampup_s",
                     f->startup_or_rampup_s);
}
