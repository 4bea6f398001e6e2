// demux/unit_time.c — see unit_time.h. Saturates instead of overflowing: ticks come from outside.
#include "demux/unit_time.h"

#include "core/rational.h"

static int64_t gcd(int64_t a, int64_t b)
{
    while (b) {
        int64_t t = a % b;
        a = b;
        b = t;
    }
    return a;
}

int64_t weir_unit_time_us(const struct weir_media_unit *u, int64_t ticks, int64_t num, int64_t den)
{
    ticks = weir_mul_sat(ticks, num);
    if (!u->timing_exact)
        return weir_rescale(ticks, WEIR_SECOND_US, den);
    if (u->offset_ticks != 0 && u->offset_timescale > 0 && u->offset_timescale != den) {
        // Bring both to a common scale first, so that only one rounding is done.
        int64_t g = gcd(den, u->offset_timescale);
        ticks = weir_add_sat(weir_mul_sat(ticks, u->offset_timescale / g),
                             -weir_mul_sat(u->offset_ticks, den / g));
        den = weir_mul_sat(den, u->offset_timescale / g);
    } else {
        ticks = weir_add_sat(ticks, -weir_add_sat(u->offset_ticks, 0));
    }
    return weir_add_sat(u->origin_us, weir_rescale(ticks, WEIR_SECOND_US, den));
}

int64_t weir_unit_start_ticks(const struct weir_media_unit *u, int64_t timescale)
{
    if (!u->timing_exact)
        return 0;
    int64_t ticks =
        weir_us_to_ticks(weir_add_sat(u->start_us, -weir_add_sat(u->origin_us, 0)), timescale);
    if (u->offset_timescale > 0)
        ticks = weir_add_sat(ticks, weir_rescale(u->offset_ticks, timescale, u->offset_timescale));
    return ticks;
}
