// abr/rate.h — from a rate to a rung (reference notation: "rung for a rate x"), shared by the
// algorithms.
#ifndef WEIR_ABR_RATE_H
#define WEIR_ABR_RATE_H

#include "abr/abr.h"

// The highest rung whose declared bitrate is at most rate_bps, or 0.
size_t weir_rate_rung(const struct weir_ladder *ladder, double rate_bps);
// The highest rung whose segment, latency included, arrives within its own duration at rate_bps:
// latency + duration * bitrate / rate <= duration, stepping up from 0 (as Sabre does); 0 if none.
size_t weir_rate_rung_latency(const struct weir_ladder *ladder, double rate_bps, double latency_us,
                              double duration_us);
// The size in bytes of the segment `ahead` places on; bitrate times duration where it is not known.
double weir_rate_size_bytes(const struct weir_abr_observation *o, int64_t ahead, size_t rung);
// Nothing is known of the network yet: algorithms that do not fix the rung then take the lowest.
bool weir_rate_unknown(const struct weir_abr_observation *o);

#endif
