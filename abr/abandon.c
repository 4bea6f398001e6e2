// abr/abandon.c — see abandon.h.
#include "abr/abandon.h"

#include "abr/rate.h"

#define THROUGHPUT_AFTER_US INT64_C(500000)
#define THROUGHPUT_FACTOR   1.8

static struct weir_abr_watch never(void)
{
    return (struct weir_abr_watch){.done_bytes = INT64_MAX, .elapsed_us = INT64_MAX};
}

static struct weir_abr_watch next_step(const struct weir_abr_transfer *t)
{
    return (struct weir_abr_watch){.done_bytes = t->done_bytes + WEIR_ABANDON_STEP_BYTES,
                                   .elapsed_us = t->elapsed_us + WEIR_ABANDON_STEP_US};
}

// Whatever arrives meanwhile, not before so much time.
static struct weir_abr_watch at_time(const struct weir_abr_transfer *t, double elapsed_us)
{
    if (elapsed_us >= 9e18)
        return never();
    int64_t at_us = elapsed_us > 0 ? (int64_t)elapsed_us + 1 : 0;
    return (struct weir_abr_watch){
        .done_bytes = t->done_bytes > 0 ? t->done_bytes : 1,
        .elapsed_us = at_us > t->elapsed_us ? at_us : t->elapsed_us + 1,
    };
}

// Nothing but more progress can change the answer.
static struct weir_abr_watch at_a_step(const struct weir_abr_transfer *t)
{
    return at_time(t, (double)(t->elapsed_us + WEIR_ABANDON_STEP_US - 1));
}

// Of the segment in flight at another rung.
static double other_bytes(const struct weir_abr_observation *o, const struct weir_abr_transfer *t,
                          size_t rung, enum weir_abandon_mode mode)
{
    int64_t bytes = mode == WEIR_ABANDON_AS_SABRE ? -1 : weir_abr_size(o, 0, rung);
    if (bytes > 0)
        return (double)bytes;
    return (double)t->size_bytes * (double)o->ladder->rungs[rung].bitrate_bps /
           (double)o->ladder->rungs[t->rung].bitrate_bps;
}

// Sabre's steps begin with the request.
static bool before_first_step(const struct weir_abr_transfer *t)
{
    return t->done_bytes < WEIR_ABANDON_STEP_BYTES || t->elapsed_us < WEIR_ABANDON_STEP_US;
}

static struct weir_abr_watch first_step(const struct weir_abr_transfer *t)
{
    return (struct weir_abr_watch){
        .done_bytes = WEIR_ABANDON_STEP_BYTES,
        .elapsed_us =
            t->elapsed_us < WEIR_ABANDON_STEP_US ? WEIR_ABANDON_STEP_US : t->elapsed_us + 1,
    };
}

// The moment at which the transfer, were nothing more to arrive, would be too slow: more bytes only
// put it off. elapsed + left * (elapsed - latency) / done > limit, solved for elapsed.
static double too_slow_us(const struct weir_abr_transfer *t, double limit_us)
{
    double left_share = (double)(t->size_bytes - t->done_bytes) / (double)t->done_bytes;
    double latency_us = (double)(t->elapsed_us - t->since_first_byte_us);
    return (limit_us + left_share * latency_us) / (1 + left_share);
}

// Too slow, yet what its throughput carries is no smaller than what is left: once the throughput
// has fallen so far, were nothing more to arrive, that it carries no more than the highest rung
// that is. Bytes to come put that off, or leave no such rung.
static struct weir_abr_watch when_slower(const struct weir_abr_observation *o,
                                         const struct weir_abr_transfer *t, double safety)
{
    double left = (double)(t->size_bytes - t->done_bytes);
    size_t above = t->rung; // the rung above the highest smaller one
    while (above > 0 && other_bytes(o, t, above - 1, WEIR_ABANDON_TRUE_SIZES) >= left)
        above--;
    if (above == 0)
        return never();
    double share = safety;
    if (o->segment_duration_us > 0)
        share *= 1 - (double)o->latency_us / (double)o->segment_duration_us;
    double since_us =
        share * (double)t->done_bytes * 8e6 / (double)o->ladder->rungs[above].bitrate_bps;
    double wait_us = since_us - (double)t->since_first_byte_us;
    return wait_us > 0 ? at_time(t, (double)t->elapsed_us + wait_us) : at_a_step(t);
}

static struct weir_abr_watch beyond(double limit_us, const struct weir_abr_observation *o,
                                    const struct weir_abr_transfer *t, double safety,
                                    enum weir_abandon_mode mode)
{
    int64_t left_bytes = t->size_bytes - t->done_bytes;
    bool steps = mode == WEIR_ABANDON_AS_SABRE;
    if (t->rung == 0 || left_bytes <= 0 || limit_us <= 0)
        return never();
    if (steps && before_first_step(t))
        return first_step(t);
    if (t->done_bytes <= 0 || t->since_first_byte_us <= 0)
        return at_time(t, (double)THROUGHPUT_AFTER_US - 1);
    double at_us = too_slow_us(t, limit_us);
    if (t->elapsed_us < THROUGHPUT_AFTER_US || (double)t->elapsed_us <= at_us) {
        if (steps)
            return next_step(t);
        return at_time(t, at_us > (double)THROUGHPUT_AFTER_US ? at_us
                                                              : (double)THROUGHPUT_AFTER_US - 1);
    }
    double bps = (double)t->done_bytes * 8e6 / (double)t->since_first_byte_us;
    size_t rung = weir_rate_rung_latency(o->ladder, safety * bps, (double)o->latency_us,
                                         (double)o->segment_duration_us);
    if (rung < t->rung && other_bytes(o, t, rung, mode) < (double)left_bytes)
        return (struct weir_abr_watch){.abandon = true, .rung = rung};
    return steps ? next_step(t) : when_slower(o, t, safety);
}

struct weir_abr_watch weir_abandon_throughput(const struct weir_abr_observation *o,
                                              const struct weir_abr_transfer *t, double safety,
                                              enum weir_abandon_mode mode)
{
    double limit_us = THROUGHPUT_FACTOR * (double)o->segment_duration_us;
    return beyond(limit_us, o, t, safety, mode);
}

struct weir_abr_watch weir_abandon_watch(void *state, const struct weir_abr_observation *o,
                                         const struct weir_abr_transfer *t)
{
    (void)state;
    double duration_us = (double)o->segment_duration_us;
    double limit_us = THROUGHPUT_FACTOR * duration_us;
    // While playing, what was buffered at the request: both move alike.
    double dry_us = (double)o->buffer_level_us + (double)t->elapsed_us - duration_us;
    return beyond(dry_us > limit_us ? dry_us : limit_us, o, t, 0.9, WEIR_ABANDON_TRUE_SIZES);
}

// The level below which rung `a` beats what is left: (M[a] - B) / bytes > (M[t] - B) / left, with
// left > bytes, solved for B. It falls as more arrives.
static double threshold_us(const struct weir_bola *b, const struct weir_abr_transfer *t, size_t a,
                           double bytes, double left)
{
    return (weir_bola_max_level_us(b, a) * left - weir_bola_max_level_us(b, t->rung) * bytes) /
           (left - bytes);
}

// The best lower rung at this level, or the transfer's own.
static size_t best_instead(const struct weir_bola *b, const struct weir_abr_observation *o,
                           const struct weir_abr_transfer *t, double level_us, double left,
                           enum weir_abandon_mode mode)
{
    size_t rung = t->rung;
    double best = (weir_bola_max_level_us(b, t->rung) - level_us) / left;
    for (size_t a = 0; a < t->rung; a++) {
        double bytes = other_bytes(o, t, a, mode);
        if (bytes >= left) // a larger download than what is left helps nobody (Sabre)
            continue;
        double score = (weir_bola_max_level_us(b, a) - level_us) / bytes;
        if (score > best) {
            best = score;
            rung = a;
        }
    }
    return rung;
}

// The highest level at which any lower rung would be taken with so much left; <= 0: none.
static double highest_threshold_us(const struct weir_bola *b, const struct weir_abr_observation *o,
                                   const struct weir_abr_transfer *t, double left,
                                   enum weir_abandon_mode mode)
{
    double highest_us = 0;
    for (size_t a = 0; a < t->rung; a++) {
        double bytes = other_bytes(o, t, a, mode);
        if (bytes >= left)
            continue;
        double level_us = threshold_us(b, t, a, bytes, left);
        if (level_us > highest_us)
            highest_us = level_us;
    }
    return highest_us;
}

// Too little has come to judge by, but how soon it could matter is known: the level falls by the
// time that passes, and by the latency if that counts, which is at most the time since the request.
static struct weir_abr_watch ahead_of_time(const struct weir_bola *b,
                                           const struct weir_abr_observation *o,
                                           const struct weir_abr_transfer *t, double placeholder_us,
                                           bool latency_counts)
{
    double left = (double)(t->size_bytes - t->done_bytes);
    double threshold = highest_threshold_us(b, o, t, left, WEIR_ABANDON_TRUE_SIZES);
    if (threshold <= 0)
        return never();
    double elapsed_us = (double)t->elapsed_us;
    double over_us = (double)o->buffer_level_us + placeholder_us - threshold;
    double at_us = elapsed_us + over_us;
    if (latency_counts) // level - (at - elapsed) - at = threshold
        at_us = (elapsed_us + over_us) / 2;
    struct weir_abr_watch first = first_step(t), then = at_time(t, at_us);
    if (then.elapsed_us > first.elapsed_us)
        first.elapsed_us = then.elapsed_us;
    return first;
}

struct weir_abr_watch weir_abandon_bola(const struct weir_bola *b,
                                        const struct weir_abr_observation *o,
                                        const struct weir_abr_transfer *t, double placeholder_us,
                                        bool latency_counts, enum weir_abandon_mode mode)
{
    double left = (double)(t->size_bytes - t->done_bytes);
    bool steps = mode == WEIR_ABANDON_AS_SABRE;
    if (t->rung == 0 || t->rung >= b->table->count || left <= 0)
        return never();
    if (before_first_step(t) || t->since_first_byte_us <= 0)
        return steps ? first_step(t) : ahead_of_time(b, o, t, placeholder_us, latency_counts);

    double latency_us = latency_counts ? (double)(t->elapsed_us - t->since_first_byte_us) : 0;
    double level_us = (double)o->buffer_level_us + placeholder_us - latency_us;
    if (level_us < 0)
        level_us = 0;
    // What would have come anyway while a new request waits for its first byte.
    double counted = left - latency_us * (double)t->done_bytes / (double)t->since_first_byte_us;
    bool worth_it = counted > 0 && level_us <= weir_bola_max_level_us(b, t->rung);
    size_t rung = worth_it ? best_instead(b, o, t, level_us, counted, mode) : t->rung;
    if (rung < t->rung)
        return (struct weir_abr_watch){.abandon = true, .rung = rung};
    if (steps)
        return next_step(t);
    // Bytes to come only lower the threshold, and the level falls no faster than time passes.
    double threshold = highest_threshold_us(b, o, t, left, mode);
    if (threshold <= 0)
        return never();
    double wait_us = level_us - threshold;
    return wait_us > 0 ? at_time(t, (double)t->elapsed_us + wait_us) : at_a_step(t);
}
