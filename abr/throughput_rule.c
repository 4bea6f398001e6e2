// abr/throughput_rule.c — the rung for a discounted estimate, latency accounted for (reference
// 1.4), capped so that its segment can arrive before the buffer runs dry (4.4).
#include "abr/throughput_rule.h"

#include "abr/rate.h"

void weir_throughput_rule_reset(struct weir_throughput_rule *s)
{
    s->insufficient.nominal = s->sabre;
    weir_insufficient_reset(&s->insufficient);
}

struct weir_abr_decision weir_throughput_rule_decide(struct weir_throughput_rule *s,
                                                     const struct weir_abr_observation *o)
{
    if (weir_rate_unknown(o))
        return (struct weir_abr_decision){.rung = 0, .reason = "no sample yet"};
    size_t rung = weir_rate_rung_latency(o->ladder, s->safety * (double)o->throughput_bps,
                                         (double)o->latency_us, (double)o->segment_duration_us);
    size_t allowed = s->uncapped ? rung : weir_insufficient_cap(&s->insufficient, o, rung);
    if (allowed < rung)
        return (struct weir_abr_decision){.rung = allowed, .reason = "insufficient buffer"};
    return (struct weir_abr_decision){.rung = rung, .reason = "throughput"};
}

struct weir_abr_watch weir_throughput_rule_watch(const struct weir_throughput_rule *s,
                                                 const struct weir_abr_observation *o,
                                                 const struct weir_abr_transfer *t)
{
    return weir_abandon_throughput(o, t, s->safety,
                                   s->sabre ? WEIR_ABANDON_AS_SABRE : WEIR_ABANDON_TRUE_SIZES);
}
