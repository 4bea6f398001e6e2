// abr/calls.c — the calls to an algorithm, and what keeps nonsense from the engine: whatever is
// answered, it gets a rung of the ladder, a bounded wait, an abandonment that goes down, and text
// that can be printed. What had to be mended is counted.
#include <assert.h>
#include <string.h>

#include "abr/instance.h"

#define WAIT_MAX_US      (INT64_C(60) * WEIR_SECOND_US)
#define REASON_MAX_BYTES 96

const struct weir_abr_ops *weir_abr_ops(const struct weir_abr *a)
{
    return a->ops;
}

const char *weir_abr_spec(const struct weir_abr *a)
{
    return a->spec;
}

void *weir_abr_state(struct weir_abr *a)
{
    return a->state;
}

int64_t weir_abr_faults(const struct weir_abr *a, const char **first)
{
    if (first)
        *first = a->first_fault;
    return a->faults;
}

static void note_fault(struct weir_abr *a, const char *what)
{
    if (!a->faults++)
        a->first_fault = what;
}

static size_t clamp_rung(struct weir_abr *a, const struct weir_abr_observation *o, size_t rung)
{
    if (rung < o->ladder->count)
        return rung;
    note_fault(a, "a rung beyond the ladder");
    return o->ladder->count - 1;
}

// It goes into events as it is.
static bool is_plain(const char *text)
{
    size_t n = 0;
    while (n <= REASON_MAX_BYTES && text[n] >= ' ' && text[n] <= '~')
        n++;
    return n <= REASON_MAX_BYTES && text[n] == '\0';
}

struct weir_abr_decision weir_abr_decide(struct weir_abr *a, const struct weir_abr_observation *o)
{
    assert(o->ladder->count > 0);
    struct weir_abr_decision d = a->ops->decide(a->state, o);
    d.rung = clamp_rung(a, o, d.rung);
    if (d.wait_us < 0) {
        note_fault(a, "a negative wait");
        d.wait_us = 0;
    }
    if (d.wait_us > WAIT_MAX_US) {
        if (d.wait_us > o->buffer_level_us)
            note_fault(a, "a wait for more than the buffer holds");
        d.wait_us = WAIT_MAX_US;
    }
    if (!d.reason)
        d.reason = "";
    else if (a->library && !is_plain(d.reason)) {
        note_fault(a, "a reason that is no short ASCII text");
        d.reason = "";
    }
    return d;
}

void weir_abr_fetched(struct weir_abr *a, const struct weir_abr_observation *o,
                      const struct weir_abr_fetched *f)
{
    if (a->ops->fetched)
        a->ops->fetched(a->state, o, f);
}

void weir_abr_sampled(struct weir_abr *a, const struct weir_abr_observation *o,
                      const struct weir_throughput_sample *s)
{
    if (a->ops->sampled)
        a->ops->sampled(a->state, o, s);
}

struct weir_abr_watch weir_abr_watch(struct weir_abr *a, const struct weir_abr_observation *o,
                                     const struct weir_abr_transfer *t)
{
    assert(o->ladder->count > 0);
    struct weir_abr_watch never = {.done_bytes = INT64_MAX, .elapsed_us = INT64_MAX};
    if (!a->ops->watch || t->rung == 0)
        return never;
    struct weir_abr_watch w = a->ops->watch(a->state, o, t);
    // Only a smaller segment can be worth the bytes thrown away.
    if (w.abandon && w.rung >= t->rung) {
        note_fault(a, "an abandonment for a rung that is not lower");
        return never;
    }
    return w;
}

void weir_abr_abandoned(struct weir_abr *a, const struct weir_abr_observation *o, size_t to_rung)
{
    if (a->ops->abandoned)
        a->ops->abandoned(a->state, o, clamp_rung(a, o, to_rung));
}

void weir_abr_reset(struct weir_abr *a)
{
    a->ops->reset(a->state);
}
