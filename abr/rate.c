// abr/rate.c — see rate.h. Nominal (declared) rates only.
#include "abr/rate.h"

size_t weir_rate_rung(const struct weir_ladder *ladder, double rate_bps)
{
    size_t rung = 0;
    while (rung + 1 < ladder->count && (double)ladder->rungs[rung + 1].bitrate_bps <= rate_bps)
        rung++;
    return rung;
}

size_t weir_rate_rung_latency(const struct weir_ladder *ladder, double rate_bps, double latency_us,
                              double duration_us)
{
    if (duration_us <= 0) // unknown: the plain test is all that can be made
        return weir_rate_rung(ladder, rate_bps);
    if (rate_bps <= 0)
        return 0;
    // Sabre's test, latency + duration * bitrate / rate <= duration, solved for the bitrate.
    return weir_rate_rung(ladder, rate_bps * (1 - latency_us / duration_us));
}

bool weir_rate_unknown(const struct weir_abr_observation *o)
{
    return o->throughput_bps <= 0;
}
