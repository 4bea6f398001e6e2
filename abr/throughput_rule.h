// abr/throughput_rule.h — the throughput rule as a part: THROUGHPUT itself, and one half of
// DYNAMIC.
#ifndef WEIR_ABR_THROUGHPUT_RULE_H
#define WEIR_ABR_THROUGHPUT_RULE_H

#include "abr/abandon.h"
#include "abr/insufficient.h"

struct weir_throughput_rule {
    double safety; // share of the estimate to use
    bool uncapped; // without the insufficient-buffer rule
    bool sabre;
    struct weir_insufficient insufficient;
};

void weir_throughput_rule_reset(struct weir_throughput_rule *s);
struct weir_abr_decision weir_throughput_rule_decide(struct weir_throughput_rule *s,
                                                     const struct weir_abr_observation *o);
struct weir_abr_watch weir_throughput_rule_watch(const struct weir_throughput_rule *s,
                                                 const struct weir_abr_observation *o,
                                                 const struct weir_abr_transfer *t);

#endif
