// player/engine/measure.c — throughput of all media transfers together: bytes over the union of the
// intervals in which at least one was receiving, not per transfer, since two at once share the
// line. One sample per closed interval.
#include "player/engine/internal.h"

// Two lanes can overlap for ever; an interval this long gives a sample at the next end of a
// transfer. Chosen by hand.
#define LONG_US (INT64_C(4) * WEIR_SECOND_US)
// Less than this tells of slow start and scheduling, not of the line; used only until there is
// better.
#define TINY_BYTES INT64_C(16384)
#define TINY_US    INT64_C(50000)

void weir_measure_begin(struct weir_engine *e, struct weir_job *j, int64_t at_us)
{
    struct weir_busy *b = &e->busy;
    if (!b->open) {
        b->open = true;
        b->bytes = b->latency_us = 0;
        b->receiving = b->begun = b->finished = 0;
        // A host that tells of transfers only when they are done tells of overlaps too late: count
        // time once.
        b->start_us = at_us > b->closed_us ? at_us : b->closed_us;
    } else if (at_us < b->start_us) {
        b->start_us = at_us > b->closed_us ? at_us : b->closed_us;
    }
    b->receiving++;
    b->begun++;
    b->latency_us += at_us - j->request_us;
    j->receiving = true;
}

void weir_measure_bytes(struct weir_engine *e, struct weir_job *j)
{
    e->busy.bytes += j->done_bytes - j->counted_bytes;
    j->counted_bytes = j->done_bytes;
}

static int64_t mean_latency_us(const struct weir_engine *e)
{
    const struct weir_busy *b = &e->busy;
    if (b->begun == 1) // as good as always
        return b->latency_us;
    return b->begun ? b->latency_us / b->begun : e->last_sample.latency_us;
}

static void sample(struct weir_engine *e, const struct weir_lane *l, int64_t at_us)
{
    int64_t bytes = e->busy.bytes, duration_us = at_us - e->busy.start_us;
    bool known = e->last_sample.duration_us > 0;
    if (bytes <= 0 || duration_us < 0)
        return;
    bool tiny = bytes < TINY_BYTES && duration_us < TINY_US;
    if (known && tiny && !e->params.small_samples)
        return;
    struct weir_throughput_sample *s = &e->last_sample;
    s->latency_us = mean_latency_us(e);
    s->bytes = bytes;
    s->duration_us = duration_us > 0 ? duration_us : 1; // faster than the clock can tell
    weir_estimate_add(&e->estimate, s, l->last_duration_us);
    weir_tell_sampled(e, s);
}

void weir_measure_finish(struct weir_engine *e, struct weir_lane *l, int64_t at_us, bool from_cache)
{
    struct weir_busy *b = &e->busy;
    struct weir_job *j = &l->media;
    if (at_us < b->start_us || at_us > e->now_us)
        at_us = e->now_us;
    j->receiving = false;
    b->receiving--;
    if (from_cache)
        b->bytes -= j->counted_bytes; // says nothing of the line
    else
        b->finished++;
    if (b->finished && (!b->receiving || at_us - b->start_us >= LONG_US)) {
        sample(e, l, at_us);
        b->start_us = b->closed_us = at_us;
        b->bytes = b->latency_us = 0;
        b->begun = b->finished = 0;
    }
    if (!b->receiving)
        b->open = false;
}

void weir_measure_cancel(struct weir_engine *e, struct weir_job *j)
{
    struct weir_busy *b = &e->busy;
    if (!j->receiving)
        return;
    j->receiving = false;
    b->receiving--;
    if (b->receiving)
        return;
    // Its own bytes count only as part of an interval in which another transfer finished.
    if (b->finished)
        sample(e, &e->lanes[j->fetch.track], e->now_us);
    b->closed_us = e->now_us;
    b->open = false;
}
