// abr/bola_rule.c — see bola_rule.h. Two readings: the papers', and with `sabre` that of Sabre,
// which takes its estimate for the last transfer's throughput, guards BASIC as well, and never
// waits for scores to become positive (reference 3.2; docs/abr-sabre.md).
#include "abr/bola_rule.h"

#include "abr/rate.h"

const char *const weir_bola_variants[] = {"basic", "finite", "o", "u", NULL};

void weir_bola_rule_reset(struct weir_bola_rule *s)
{
    s->duration_us = 0;
    s->last = 0;
    s->capacity_us = -1;
}

static double min(double a, double b)
{
    return a < b ? a : b;
}

static double max(double a, double b)
{
    return a > b ? a : b;
}

// The buffer that BOLA aims to fill. FINITE: half the play time since the start, or to the end,
// whichever is less, but at least three segments (ToN, BOLA-FINITE).
static double capacity_us(const struct weir_bola_rule *s, const struct weir_abr_observation *o)
{
    double capacity = (double)o->buffer_max_us;
    if (s->variant == WEIR_BOLA_BASIC)
        return capacity;
    double play_us = (double)o->since_start_us;
    if (o->until_end_us != WEIR_TIME_NONE)
        play_us = min(play_us, (double)o->until_end_us);
    return min(capacity, max(play_us / 2, 3 * (double)s->duration_us));
}

static struct weir_bola parameters(struct weir_bola_rule *s, const struct weir_abr_observation *o)
{
    bool stale = weir_bola_table_update(&s->table, o->ladder);
    if (o->segment_duration_us > s->duration_us) {
        s->duration_us = o->segment_duration_us;
        stale = true;
    }
    if (s->duration_us <= 0)
        s->duration_us = 2 * WEIR_SECOND_US; // nothing says: a usual length
    double capacity = capacity_us(s, o);
    if (stale || capacity != s->capacity_us) {
        s->capacity_us = capacity;
        s->vp_us = weir_bola_vp_us(&s->table, s->gp, capacity, (double)s->duration_us);
    }
    return (struct weir_bola){.table = &s->table, .gp = s->gp, .vp_us = s->vp_us};
}

// BOLA-O and -U: an increase stays within what the network carries. Without it BOLA swings between
// the rungs on either side of the network's rate. Never used to go down.
static struct weir_abr_decision guard(const struct weir_bola_rule *s, const struct weir_bola *b,
                                      const struct weir_abr_observation *o, size_t wanted,
                                      size_t last, size_t carried)
{
    if (carried >= wanted)
        return (struct weir_abr_decision){.rung = wanted, .reason = "best score"};
    if (carried < last)
        return (struct weir_abr_decision){.rung = last, .reason = "held: throughput"};
    if (s->variant != WEIR_BOLA_O)
        return (struct weir_abr_decision){.rung = carried + 1, .reason = "one above throughput"};
    // Wait until the level is back where this rung is BOLA's own choice, or the next segment would
    // swing up again. Sabre waits only for the rung's own score to become positive.
    double until_us = s->sabre ? weir_bola_max_level_us(b, carried)
                               : weir_bola_overtake_us(b, carried, carried + 1);
    double over_us = (double)o->buffer_level_us - until_us;
    return (struct weir_abr_decision){.rung = carried,
                                      .wait_us = over_us > 0 ? (int64_t)over_us : 0,
                                      .committed = true,
                                      .reason = "at throughput"};
}

static struct weir_abr_decision decide_as_sabre(struct weir_bola_rule *s, const struct weir_bola *b,
                                                const struct weir_abr_observation *o)
{
    size_t wanted = weir_bola_best(b, (double)o->buffer_level_us);
    struct weir_abr_decision d = {.rung = wanted, .reason = "best score"};
    if (wanted > s->last) {
        size_t carried =
            weir_rate_rung_latency(o->ladder, (double)o->throughput_bps, (double)o->latency_us,
                                   (double)o->segment_duration_us);
        d = guard(s, b, o, wanted, s->last, carried);
    }
    s->last = d.rung;
    return d;
}

static struct weir_abr_decision decide_as_published(struct weir_bola_rule *s,
                                                    const struct weir_bola *b,
                                                    const struct weir_abr_observation *o)
{
    size_t top = s->table.count - 1;
    size_t last = o->last_rung == WEIR_RUNG_NONE ? 0 : o->last_rung < top ? o->last_rung : top;
    double level_us = (double)o->buffer_level_us;
    double over_us = level_us - weir_bola_max_level_us(b, top);
    // Every score is negative: among those the division by size would turn the preference round, so
    // wait instead. In FINITE this is also the paper's pause, p * (Q - Q_D + 1).
    if (over_us > 0)
        return (struct weir_abr_decision){
            .rung = last, .wait_us = (int64_t)over_us + 1, .reason = "buffer full"};
    size_t wanted = weir_bola_best(b, level_us);
    if (s->variant < WEIR_BOLA_O || wanted <= last)
        return (struct weir_abr_decision){.rung = wanted, .reason = "best score"};
    double bps = 0;
    if (o->last_sample.duration_us > 0)
        bps = (double)o->last_sample.bytes * 8e6 / (double)o->last_sample.duration_us;
    return guard(s, b, o, wanted, last, weir_rate_rung(o->ladder, bps));
}

struct weir_abr_decision weir_bola_rule_decide(struct weir_bola_rule *s,
                                               const struct weir_abr_observation *o)
{
    struct weir_bola b = parameters(s, o);
    if (weir_rate_unknown(o))
        return (struct weir_abr_decision){.rung = 0, .reason = "no sample yet"};
    return s->sabre ? decide_as_sabre(s, &b, o) : decide_as_published(s, &b, o);
}

struct weir_abr_watch weir_bola_rule_watch(struct weir_bola_rule *s,
                                           const struct weir_abr_observation *o,
                                           const struct weir_abr_transfer *t)
{
    if (s->variant == WEIR_BOLA_BASIC)
        return (struct weir_abr_watch){.done_bytes = INT64_MAX, .elapsed_us = INT64_MAX};
    struct weir_bola b = parameters(s, o);
    return weir_abandon_bola(&b, o, t, 0, false,
                             s->sabre ? WEIR_ABANDON_AS_SABRE : WEIR_ABANDON_TRUE_SIZES);
}

void weir_bola_rule_abandoned(struct weir_bola_rule *s, size_t to_rung)
{
    s->last = to_rung;
}
