// manifest/iso8601.h — xs:duration and xs:dateTime in integer microseconds.
#ifndef WEIR_MANIFEST_ISO8601_H
#define WEIR_MANIFEST_ISO8601_H

#include <stdbool.h>
#include <stdint.h>

// "P1DT2H3M4.5S" in microseconds; blanks around it are skipped. *approximate (may be NULL) is set
// when years or months were used: they count as 365 and 30 days. False for anything else, overflow
// included. The sign is kept.
bool weir_iso8601_duration(const char *s, int64_t *out_us, bool *approximate);

// "2026-01-31T23:59:59.25+01:00" as microseconds of Unix time; without a zone it is UTC, "24:00:00"
// is the next day's midnight, a date alone is its midnight, and the zone's colon may be missing (as
// HLS packagers write it).
bool weir_iso8601_datetime(const char *s, int64_t *out_us);

#endif
