// sim/optimum_bits.c — how long the longest session worth having can stall, from the bits that the
// trace offers in all: whoever stalls for S gets no more of them than the trace offers until the
// last segment is due, S after its time; with those, in the order in which they pay most, no more
// quality than so much. Beyond some S that does not make up for the stall.
#include "sim/optimum_internal.h"

#include <stdlib.h>

#define PARTS 512 // of the range that is looked at

// More bits for more quality: a step of a segment's concave hull over (size, quality).
struct gain {
    double bits, quality;
    size_t index; // so that the order is always the same
};

static int by_worth(const void *a, const void *b)
{
    const struct gain *x = a, *y = b;
    double left = x->quality * y->bits, right = y->quality * x->bits;
    if (left != right)
        return left < right ? 1 : -1;
    return (x->index > y->index) - (x->index < y->index);
}

// Append a segment's gains over its smallest rung to `gains`; returns how many.
static size_t add_gains(const struct weir_opt_problem *p, size_t segment, double *bits,
                        double *quality, struct gain *gains)
{
    const double *size = p->size_bits + segment * p->rungs;
    size_t at = 0, count = 0;
    for (size_t k = 1; k < p->rungs; k++)
        if (size[k] <= size[at]) // no larger, and better
            at = k;
    *bits += size[at];
    *quality += p->quality[at];
    for (;;) { // on to the rung that pays most per bit from here
        size_t next = at;
        for (size_t k = at + 1; k < p->rungs; k++) {
            double q = p->quality[k] - p->quality[at], b = size[k] - size[at];
            if (next == at || q * (size[next] - size[at]) > (p->quality[next] - p->quality[at]) * b)
                next = k;
        }
        if (next == at)
            return count;
        gains[count++] = (struct gain){.bits = size[next] - size[at],
                                       .quality = p->quality[next] - p->quality[at],
                                       .index = segment * p->rungs + next};
        at = next;
    }
}

static double quality_for(const struct gain *gains, size_t count, double bits, double quality)
{
    for (size_t i = 0; i < count && bits > 0; i++) {
        double part = gains[i].bits <= bits ? 1 : bits / gains[i].bits;
        quality += part * gains[i].quality;
        bits -= gains[i].bits;
    }
    return quality;
}

int weir_opt_stall_max(const struct weir_opt_problem *p, double sum, int64_t *stall_max_us)
{
    struct gain *gains = malloc(p->segments * p->rungs * sizeof(*gains));
    if (!gains)
        return WEIR_ERR_NOMEM;
    double base_bits = 0, base_quality = 0;
    size_t count = 0;
    for (size_t i = 0; i < p->segments; i++)
        count += add_gains(p, i, &base_bits, &base_quality, gains + count);
    qsort(gains, count, sizeof(*gains), by_worth);
    // No session has more than the top rung throughout.
    double top = p->quality[p->rungs - 1] * (double)p->segments;
    double most_us = (top - sum) / p->stall_cost + 1;
    double part_us = most_us / PARTS, due_us = (double)p->start_us[p->segments - 1];
    double offset_us = (double)p->offset_us;
    struct weir_opt_cursor start = weir_opt_cursor_at(&p->line, offset_us);
    double before = weir_opt_cursor_bits(&p->line, &start, offset_us);
    int parts = PARTS;
    for (; parts > 1; parts--) { // those who stall for more than parts - 1 and up to parts of them
        double until_us = offset_us + due_us + part_us * parts;
        struct weir_opt_cursor c = weir_opt_cursor_at(&p->line, until_us);
        double bits = weir_opt_cursor_bits(&p->line, &c, until_us) - before - base_bits;
        double quality = quality_for(gains, count, bits, base_quality);
        if (quality - p->stall_cost * part_us * (parts - 1) >= sum)
            break;
    }
    *stall_max_us = (int64_t)(part_us * parts) + 1;
    free(gains);
    return 0;
}
