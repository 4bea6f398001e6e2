// demux/unit_time.h — media ticks to presentation time for one unit, with a single rounding.
#ifndef WEIR_DEMUX_UNIT_TIME_H
#define WEIR_DEMUX_UNIT_TIME_H

#include "demux/demux.h"

// The rule of a unit with exact timing: origin + (ticks - offset) / timescale. `ticks` count
// num/den seconds each; num, den > 0. A unit without exact timing gives plain media time.
int64_t weir_unit_time_us(const struct weir_media_unit *u, int64_t ticks, int64_t num, int64_t den);
// The ticks at which a unit with exact timing starts: for fragments that do not say when they are.
int64_t weir_unit_start_ticks(const struct weir_media_unit *u, int64_t timescale);

#endif
