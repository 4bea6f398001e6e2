// sim/sabre.h — a session's figures as the peer simulator Sabre counts them (reference 15.2, 15.3):
// averages over time rather than over segments, start-up included. For weir.session/1's member
// `sabre`, where an algorithm runs with compat=sabre.
#ifndef WEIR_SIM_SABRE_H
#define WEIR_SIM_SABRE_H

#include <jansson.h>

#include "player/summary.h"
#include "sim/link.h"

struct weir_sabre_figures {
    double played_utility;                    // sum of ln(bitrate / lowest)
    double avg_bitrate_kbps, avg_switch_kbps; // per segment's worth of session time
    double rebuffer_s;
    int64_t rebuffer_events; // longer than a microsecond
    double time_avg_score;   // utility less 5 per segment's worth of stalls, per segment's worth
    // When the first segment began to play that was no lower than what the trace carried then
    // (15.3).
    double startup_or_rampup_s;
};

// Whether the algorithm was asked to be as Sabre's: its parameters hold compat=sabre.
bool weir_sabre_is_wanted(const char *abr_spec);
// `s` with the times of its segments, played over `trace` and a link like this.
struct weir_sabre_figures weir_sabre_measure(const struct weir_summary *s,
                                             const int64_t *bitrates_bps, size_t rung_count,
                                             const struct weir_trace *trace,
                                             const struct weir_link_params *link);
// A new reference, NULL when memory runs out.
json_t *weir_sabre_json(const struct weir_sabre_figures *f);

#endif
