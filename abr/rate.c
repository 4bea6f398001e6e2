// abr/rate.c — see rate.h. Rates are nominal (declared).
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

double weir_rate_size_bytes(const struct weir_abr_observation *o, int64_t ahead, size_t rung)
{
    int64_t bytes = weir_abr_size(o, ahead, rung);
    if (bytes > 0)
        return (double)bytes;
    double duration_s = o->segment_duration_us > 0 ? (double)o->segment_duration_us / 1e6 : 2;
    return (double)o->ladder->rungs[rung].bitrate_bps * duration_s / 8;
}

bool weir_rate_unknown(const struct weir_abr_observation *o)
{
    return o->throughput_bps <= 0;
}
