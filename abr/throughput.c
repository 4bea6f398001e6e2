// abr/throughput.c — the throughput rule: the rung for a discounted estimate, latency accounted
// for, capped so that its segment can arrive before the buffer runs dry (Spiteri et al., MMSys
// 2018, section 5). Abandons a transfer that would take far longer than its segment plays.
#include "abr/algorithms.h"
#include "abr/options.h"
#include "abr/rate.h"

// Discount of the insufficient-buffer rule: it starts where the rung's own does and falls with
// every use, as the rule's firing shows that the estimate flatters (Sabre; the paper has 0.5
// throughout).
#define CAP_SAFETY_FIRST 0.9
#define CAP_SAFETY_DECAY 0.9
#define CAP_SAFETY_LEAST 0.5

// A transfer is judged after this long, and given up when it would take this many times its
// segment's duration.
#define ABANDON_AFTER_US INT64_C(500000)
#define ABANDON_FACTOR   1.8

struct throughput {
    double safety;
    int cap;           // choice below
    double cap_safety; // decays
};

static const char *const cap_choices[] = {"on", "off", NULL};

static void reset(void *state)
{
    struct throughput *s = state;
    s->cap_safety = CAP_SAFETY_FIRST;
}

static int create(void *state, const struct weir_abr_options *options, struct weir_error *error)
{
    struct throughput *s = state;
    s->safety = 0.9;
    reset(s);
    const struct weir_abr_param params[] = {
        {.key = "safety", .kind = WEIR_ABR_PARAM_REAL, .value = &s->safety, .min = 0.01, .max = 10},
        {.key = "cap", .kind = WEIR_ABR_PARAM_CHOICE, .value = &s->cap, .choices = cap_choices},
    };
    return weir_abr_options_read("throughput", options, params, 2, error);
}

// The insufficient-buffer rule (reference 4.4), with nominal sizes; rung 0 is always allowed.
static size_t cap(const struct throughput *s, const struct weir_abr_observation *o, size_t rung)
{
    double media_us = (double)o->buffer_level_us - (double)o->latency_us;
    double bits = s->cap_safety * media_us / 1e6 * (double)o->throughput_bps;
    double duration_s = (double)o->segment_duration_us / 1e6;
    while (rung > 0 && (double)o->ladder->rungs[rung].bitrate_bps * duration_s > bits)
        rung--;
    return rung;
}

static struct weir_abr_decision decide(void *state, const struct weir_abr_observation *o)
{
    struct throughput *s = state;
    if (weir_rate_unknown(o))
        return (struct weir_abr_decision){.rung = 0, .reason = "no sample yet"};
    size_t rung = weir_rate_rung_latency(o->ladder, s->safety * (double)o->throughput_bps,
                                         (double)o->latency_us, (double)o->segment_duration_us);
    size_t allowed = s->cap == 0 ? cap(s, o, rung) : rung;
    if (allowed == rung)
        return (struct weir_abr_decision){.rung = rung, .reason = "throughput"};
    s->cap_safety *= CAP_SAFETY_DECAY;
    if (s->cap_safety < CAP_SAFETY_LEAST)
        s->cap_safety = CAP_SAFETY_LEAST;
    return (struct weir_abr_decision){.rung = allowed, .reason = "insufficient buffer"};
}

// The first moment at which the transfer, were nothing more to arrive, would be too slow: more
// bytes only put it off. elapsed + left * (elapsed - latency) / done > limit, solved for elapsed.
static int64_t earliest_us(const struct weir_abr_transfer *t, double limit_us)
{
    double left_share = (double)(t->size_bytes - t->done_bytes) / (double)t->done_bytes;
    double latency_us = (double)(t->elapsed_us - t->since_first_byte_us);
    double at_us = (limit_us + left_share * latency_us) / (1 + left_share);
    return at_us > (double)ABANDON_AFTER_US ? (int64_t)at_us + 1 : ABANDON_AFTER_US;
}

static struct weir_abr_watch watch(void *state, const struct weir_abr_observation *o,
                                   const struct weir_abr_transfer *t)
{
    const struct throughput *s = state;
    struct weir_abr_watch never = {.done_bytes = INT64_MAX, .elapsed_us = INT64_MAX};
    double limit_us = ABANDON_FACTOR * (double)o->segment_duration_us;
    int64_t left_bytes = t->size_bytes - t->done_bytes;
    if (t->rung == 0 || left_bytes <= 0 || limit_us <= 0)
        return never;
    if (t->done_bytes <= 0 || t->since_first_byte_us <= 0)
        return (struct weir_abr_watch){.done_bytes = 1, .elapsed_us = ABANDON_AFTER_US};
    int64_t at_us = earliest_us(t, limit_us);
    if (t->elapsed_us < at_us)
        return (struct weir_abr_watch){.done_bytes = t->done_bytes, .elapsed_us = at_us};

    double bps = (double)t->done_bytes * 8e6 / (double)t->since_first_byte_us;
    size_t rung = weir_rate_rung_latency(o->ladder, s->safety * bps, (double)o->latency_us,
                                         (double)o->segment_duration_us);
    if (rung < t->rung) {
        const struct weir_rung *rungs = o->ladder->rungs;
        double bytes = (double)t->size_bytes * (double)rungs[rung].bitrate_bps /
                       (double)rungs[t->rung].bitrate_bps;
        if (bytes < (double)left_bytes)
            return (struct weir_abr_watch){.abandon = true, .rung = rung};
    }
    // Too slow, yet nothing smaller would be sooner: only more bytes or more time can change that.
    return (struct weir_abr_watch){.done_bytes = t->done_bytes,
                                   .elapsed_us = t->elapsed_us + 50000};
}

const struct weir_abr_ops weir_abr_throughput = {
    .name = "throughput",
    .summary = "the rung for a share of the estimated throughput (Spiteri et al., MMSys 2018, 5)",
    .params_help = "safety=0.9: share of the estimate to use; "
                   "cap=on: lower the rung where its segment would come too late (4.4)",
    .state_bytes = sizeof(struct throughput),
    .create = create,
    .reset = reset,
    .decide = decide,
    .watch = watch,
};
