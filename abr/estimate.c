// abr/estimate.c — see estimate.h. Not a mean of samples alike: a sample's weight is the time it
// took, else a burst of small segments would outvote the one large one that says more.
#include "abr/estimate.h"

#include "core/detmath.h"

// Half-lives of 3 s and 8 s: what is kept after t is 2^(-t/3) and 2^(-t/8), both powers of
// 2^(-t/24).
#define BOTH_HALF_LIVES_US 24e6

struct keep {
    double fast, slow;
};

static struct keep keep_after(int64_t us)
{
    double x = weir_exp2((double)us * (-1 / BOTH_HALF_LIVES_US));
    double x2 = x * x, x4 = x2 * x2;
    return (struct keep){.fast = x4 * x4, .slow = x2 * x};
}

// Returns the mean with the share of the zero at the start divided out.
static double add(struct weir_ewma *m, double value, double keep)
{
    m->mean = keep * m->mean + (1 - keep) * value;
    m->zero *= keep;
    return m->zero < 1 ? m->mean / (1 - m->zero) : value;
}

void weir_estimate_reset(struct weir_estimate *e)
{
    const struct weir_ewma none = {.mean = 0, .zero = 1};
    *e = (struct weir_estimate){
        .fast_bps = none, .slow_bps = none, .fast_us = none, .slow_us = none};
}

void weir_estimate_add(struct weir_estimate *e, const struct weir_throughput_sample *s,
                       int64_t segment_duration_us)
{
    if (s->bytes <= 0 || s->duration_us <= 0)
        return;
    double bps = (double)s->bytes * 8e6 / (double)s->duration_us;
    struct keep keep = keep_after(s->duration_us);
    double fast = add(&e->fast_bps, bps, keep.fast), slow = add(&e->slow_bps, bps, keep.slow);
    e->throughput_bps = fast < slow ? fast : slow;

    if (segment_duration_us <= 0)
        segment_duration_us = 1000000;
    if (segment_duration_us != e->segment_duration_us) {
        keep = keep_after(segment_duration_us);
        e->segment_duration_us = segment_duration_us;
        e->fast_keep = keep.fast;
        e->slow_keep = keep.slow;
    }
    double latency_us = s->latency_us > 0 ? (double)s->latency_us : 0;
    fast = add(&e->fast_us, latency_us, e->fast_keep);
    slow = add(&e->slow_us, latency_us, e->slow_keep);
    e->latency_us = fast > slow ? fast : slow;
}
