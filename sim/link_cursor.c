// sim/link_cursor.c — walks over a trace's intervals. Most transfers end within a few; where one
// does not (Mahimahi has one per millisecond), its end is searched for by the trace's running total
// of bits. Whole repetitions of the trace are jumped over, so that the tiniest rate or the longest
// wait ends in time.
#include "sim/link_cursor.h"

#include <math.h>
#include <stdbool.h>
#include <stddef.h>

#define WALK_MAX     32 // intervals, before searching
#define WORK_PER_BIT 1e6

static double duration_us(const struct weir_cursor *c)
{
    if (c->at == c->last)
        return c->period_us - (double)c->at->start_us;
    return (double)(c->at[1].start_us - c->at->start_us);
}

static inline void next(struct weir_cursor *c)
{
    c->now_us = c->end_us;
    c->at = c->at == c->last ? c->first : c->at + 1;
    c->end_us += duration_us(c);
}

void weir_cursor_reset(struct weir_cursor *c, const struct weir_trace *t, int64_t offset_us)
{
    int64_t period_us = weir_trace_period_us(t), within_us = offset_us % period_us;
    size_t low = 0, high = weir_trace_count(t);
    const struct weir_trace_interval *first = weir_trace_at(t, 0);
    *c = (struct weir_cursor){.first = first,
                              .last = first + high - 1,
                              .period_us = (double)period_us,
                              .period_work = weir_trace_mean_bps(t) * (double)period_us};
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (first[middle].start_us <= within_us)
            low = middle;
        else
            high = middle;
    }
    c->at = first + low;
    c->end_us = (double)c->at->start_us + duration_us(c) - (double)within_us;
}

// At the beginning of an interval: on to the last one of this repetition that begins before
// `until_us` and before `bits` more have been offered. Leaps of doubled length, then halves.
__attribute__((noinline, cold)) static void leap(struct weir_cursor *c, double bits,
                                                 double until_us)
{
    double base_us = c->now_us - (double)c->at->start_us;
    double until_bits = c->at->bits_before + bits, within_us = until_us - base_us;
    const struct weir_trace_interval *low = c->at, *end = c->last + 1;
    const struct weir_trace_interval *high = end; // the first that begins too late, or the end
    for (ptrdiff_t step = WALK_MAX; step < end - low && high == end; step *= 2) {
        const struct weir_trace_interval *there = low + step;
        if (there->bits_before < until_bits && (double)there->start_us < within_us)
            low = there;
        else
            high = there;
    }
    while (high - low > 1) {
        const struct weir_trace_interval *middle = low + (high - low) / 2;
        if (middle->bits_before < until_bits && (double)middle->start_us < within_us)
            low = middle;
        else
            high = middle;
    }
    c->at = low;
    c->now_us = base_us + (double)low->start_us;
    c->end_us = c->now_us + duration_us(c);
}

void weir_cursor_go(struct weir_cursor *c, double until_us)
{
    if (until_us - c->end_us > 2 * c->period_us)
        c->end_us += (floor((until_us - c->end_us) / c->period_us) - 1) * c->period_us;
    for (int walked = 0; c->end_us < until_us; walked++) {
        next(c);
        if (walked >= WALK_MAX && c->end_us < until_us)
            leap(c, HUGE_VAL, until_us);
    }
    c->now_us = until_us;
}

void weir_cursor_stand(struct weir_cursor *c, double until_us)
{
    c->end_us += until_us - c->now_us;
    c->now_us = until_us;
}

// Jump over repetitions that `work` uses up whole; returns what is left.
__attribute__((noinline, cold)) static double skip_periods(struct weir_cursor *c, double work,
                                                           double until_us)
{
    double turns = floor(work / c->period_work) - 1;
    double turns_until = floor((until_us - c->now_us) / c->period_us) - 1;
    turns = turns < turns_until ? turns : turns_until;
    if (!(turns > 0))
        return work;
    c->now_us += turns * c->period_us;
    c->end_us += turns * c->period_us;
    return work - turns * c->period_work;
}

double weir_cursor_serve(struct weir_cursor *c, double work, double until_us)
{
    for (int walked = 0;; walked++) {
        double stop_us = c->end_us < until_us ? c->end_us : until_us;
        double room = (stop_us - c->now_us) * c->at->bps;
        if (work <= room) {
            double at_us = c->now_us + work / c->at->bps;
            c->now_us = at_us < stop_us ? at_us : stop_us;
            return 0;
        }
        work -= room;
        if (until_us <= c->end_us) {
            c->now_us = until_us;
            return work;
        }
        next(c);
        if (c->at == c->first && work > 2 * c->period_work)
            work = skip_periods(c, work, until_us);
        if (walked >= WALK_MAX) {
            double bits_before = c->at->bits_before;
            leap(c, work / WORK_PER_BIT, until_us);
            work -= (c->at->bits_before - bits_before) * WORK_PER_BIT;
            if (work <= 0) // by rounding
                return 0;
        }
    }
}

double weir_cursor_latency_end_us(const struct weir_cursor *from)
{
    struct weir_cursor c = *from;
    double units = 1, served = 0; // left, and served in this repetition of the trace
    for (bool whole = false;;) {
        double latency_us = c.at->latency_us == WEIR_TIME_NONE ? 0 : (double)c.at->latency_us;
        double want_us = units * latency_us, left_us = c.end_us - c.now_us;
        if (want_us <= left_us)
            return c.now_us + want_us;
        units -= left_us / latency_us;
        served += left_us / latency_us;
        next(&c);
        if (c.at != c.first)
            continue;
        double turns = whole ? floor(units / served) - 1 : 0;
        if (turns > 0) {
            units -= turns * served;
            c.now_us += turns * c.period_us;
            c.end_us += turns * c.period_us;
        }
        served = 0;
        whole = true;
    }
}
