// cli/values.h — option values: numbers and times, whole or not at all, without the locale.
#ifndef WEIR_CLI_VALUES_H
#define WEIR_CLI_VALUES_H

#include <stdbool.h>
#include <stdint.h>

// A whole decimal number within [min, max].
bool weir_value_integer(const char *text, int64_t min, int64_t max, int64_t *out);
// Seconds with an optional fraction, or [HH:]MM:SS[.mmm], as microseconds; not negative, at most 10
// years.
bool weir_value_time_us(const char *text, int64_t *out_us);
// A whole number of bytes with an optional suffix K, M, G (powers of 1024).
bool weir_value_bytes(const char *text, int64_t *out);

// Bits per second: a number with an optional fraction and suffix K, M, G (powers of 1000), at most
// `max`; a fraction of a bit is dropped.
bool weir_value_rate_bps(const char *text, int64_t max, int64_t *out);

#endif
