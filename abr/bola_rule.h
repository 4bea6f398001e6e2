// abr/bola_rule.h — BOLA as a part: BOLA itself, and one half of DYNAMIC.
#ifndef WEIR_ABR_BOLA_RULE_H
#define WEIR_ABR_BOLA_RULE_H

#include "abr/abandon.h"

// Values of variant=.
enum weir_bola_variant {
    WEIR_BOLA_BASIC,  // constant V
    WEIR_BOLA_FINITE, // V shrinks near the ends of the video, and slow transfers are abandoned
    WEIR_BOLA_O,      // FINITE, and held back from rungs above what the network carries: waits
    WEIR_BOLA_U,      // the same, without waiting
};
extern const char *const weir_bola_variants[]; // their names, NULL-terminated

struct weir_bola_rule {
    int variant; // enum weir_bola_variant
    bool sabre;
    double gp; // weight of not stalling
    // The longest segment seen: a short last segment must not shrink the virtual buffer to next to
    // nothing.
    int64_t duration_us;
    size_t last;                        // own choice before, whoever was in charge (Sabre)
    double vp_us;                       // of the last decision
    double capacity_us, capacity_vp_us; // the capacity that capacity_vp_us was computed for
    struct weir_bola_table table;
};

void weir_bola_rule_reset(struct weir_bola_rule *s);
struct weir_abr_decision weir_bola_rule_decide(struct weir_bola_rule *s,
                                               const struct weir_abr_observation *o);
struct weir_abr_watch weir_bola_rule_watch(struct weir_bola_rule *s,
                                           const struct weir_abr_observation *o,
                                           const struct weir_abr_transfer *t);
void weir_bola_rule_abandoned(struct weir_bola_rule *s, size_t to_rung);

#endif
