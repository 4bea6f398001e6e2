// sim/optimum_line.c — the trace as the optimum's searches walk it: forward only, from cursors that
// are cheap to copy, each step a comparison and a multiplication. The same account of bits and
// latency as the fluid link (sim/link.h); a test compares the two.
#include "sim/optimum_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void weir_opt_line_free(struct weir_opt_line *l)
{
    free(l->start_us);
    memset(l, 0, sizeof(*l));
}

static bool make_room(struct weir_opt_line *l, size_t count)
{
    if (count <= l->room)
        return true;
    weir_opt_line_free(l);
    size_t columns = 5 * (count + 1);
    double *all = calloc(columns, sizeof(*all));
    if (!all)
        return false;
    *l = (struct weir_opt_line){.start_us = all,
                                .bits = all + (count + 1),
                                .bits_per_us = all + 2 * (count + 1),
                                .us_per_bit = all + 3 * (count + 1),
                                .latency_us = all + 4 * (count + 1),
                                .room = count};
    return true;
}

int weir_opt_line_set(struct weir_opt_line *l, const struct weir_trace *t, int64_t rtt_us)
{
    size_t count = weir_trace_count(t);
    if (!make_room(l, count))
        return WEIR_ERR_NOMEM;
    l->count = count;
    l->constant_latency = true;
    for (size_t i = 0; i < count; i++) {
        const struct weir_trace_interval *v = weir_trace_at(t, i);
        int64_t latency_us = rtt_us != WEIR_TIME_NONE ? rtt_us : v->latency_us;
        l->start_us[i] = (double)v->start_us;
        l->bits[i] = v->bits_before;
        l->bits_per_us[i] = v->bps / 1e6;
        l->us_per_bit[i] = v->bps > 0 ? 1e6 / v->bps : 0;
        l->latency_us[i] = latency_us == WEIR_TIME_NONE ? 0 : (double)latency_us;
        l->constant_latency = l->constant_latency && l->latency_us[i] == l->latency_us[0];
    }
    const struct weir_trace_interval *last = weir_trace_at(t, count - 1);
    l->start_us[count] = (double)weir_trace_period_us(t);
    l->bits[count] =
        last->bits_before + last->bps * (double)(weir_trace_period_us(t) - last->start_us) / 1e6;
    return 0;
}

struct weir_opt_cursor weir_opt_cursor_at(const struct weir_opt_line *l, double us)
{
    double turns = floor(us / l->start_us[l->count]);
    struct weir_opt_cursor c = {.time_us = turns * l->start_us[l->count],
                                .bits = turns * l->bits[l->count]};
    size_t low = 0, high = l->count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (c.time_us + l->start_us[middle] <= us)
            low = middle;
        else
            high = middle;
    }
    c.at = low;
    return c;
}

static inline void step(const struct weir_opt_line *l, struct weir_opt_cursor *c)
{
    if (++c->at < l->count)
        return;
    c->at = 0;
    c->time_us += l->start_us[l->count];
    c->bits += l->bits[l->count];
}

// Whole repetitions at once, so that a long wait over a short trace ends in time.
static inline void skip(const struct weir_opt_line *l, struct weir_opt_cursor *c, double turns)
{
    turns = floor(turns) - 1;
    if (turns > 0) {
        c->time_us += turns * l->start_us[l->count];
        c->bits += turns * l->bits[l->count];
    }
}

void weir_opt_cursor_go(const struct weir_opt_line *l, struct weir_opt_cursor *c, double us)
{
    if (us > c->time_us + 2 * l->start_us[l->count])
        skip(l, c, (us - c->time_us) / l->start_us[l->count]);
    while (c->time_us + l->start_us[c->at + 1] < us)
        step(l, c);
}

double weir_opt_cursor_bits(const struct weir_opt_line *l, const struct weir_opt_cursor *c,
                            double us)
{
    double within_us = us - (c->time_us + l->start_us[c->at]);
    return c->bits + l->bits[c->at] + within_us * l->bits_per_us[c->at];
}

double weir_opt_cursor_latency(const struct weir_opt_line *l, struct weir_opt_cursor *c, double us)
{
    if (l->constant_latency) {
        us += l->latency_us[0];
        weir_opt_cursor_go(l, c, us);
        return us;
    }
    // An interval that ends first leaves the rest of the one unit to the next, at its own pace.
    double units = 1;
    for (;;) {
        double want_us = units * l->latency_us[c->at];
        double left_us = c->time_us + l->start_us[c->at + 1] - us;
        if (want_us <= left_us)
            return us + want_us;
        units -= left_us / l->latency_us[c->at];
        us += left_us;
        step(l, c);
    }
}

double weir_opt_cursor_reach(const struct weir_opt_line *l, struct weir_opt_cursor *c, double bits)
{
    if (bits > c->bits + 2 * l->bits[l->count])
        skip(l, c, (bits - c->bits) / l->bits[l->count]);
    while (c->bits + l->bits[c->at + 1] < bits)
        step(l, c);
    double us = c->time_us + l->start_us[c->at];
    double left_bits = bits - (c->bits + l->bits[c->at]);
    return left_bits > 0 ? us + left_bits * l->us_per_bit[c->at] : us;
}
