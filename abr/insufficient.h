// abr/insufficient.h — the insufficient-buffer rule (Spiteri et al., MMSys 2018; reference 4.4):
// caps a rung so that its segment can arrive before the buffer runs dry. Shared by THROUGHPUT,
// DYNAMIC and BOLA-E.
#ifndef WEIR_ABR_INSUFFICIENT_H
#define WEIR_ABR_INSUFFICIENT_H

#include "abr/abr.h"

struct weir_insufficient {
    // The share of what the buffer allows that is used: 0.9 at first, for a quick start, and less
    // with every decision, down to the paper's 0.5.
    double safety;
    bool nominal; // sizes by declared bitrate even where the true ones are known (Sabre)
};

void weir_insufficient_reset(struct weir_insufficient *s);
// The highest rung up to `rung` that is safe; the lowest is always allowed. Call it once per
// decision, with the throughput known.
size_t weir_insufficient_cap(struct weir_insufficient *s, const struct weir_abr_observation *o,
                             size_t rung);

#endif
