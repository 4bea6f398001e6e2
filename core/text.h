// core/text.h — outside text made fit for messages: valid UTF-8 without control characters, so that
// a hostile URL or manifest can neither forge a second log line, nor steer a terminal, nor break
// JSON.
#ifndef WEIR_CORE_TEXT_H
#define WEIR_CORE_TEXT_H

#include <stdarg.h>
#include <stddef.h>

#include <weir/error.h>

// Replace control characters by spaces and bytes that are not UTF-8 by '?', in place; an incomplete
// character at the very end (left by a truncation) is cut off. Returns the new length.
size_t weir_text_clean(char *s);
// Format into out[out_size_bytes], truncate on a character boundary, clean. Allocates nothing.
void weir_text_vformat(char *out, size_t out_size_bytes, const char *fmt, va_list args)
    WEIR_PRINTF(3, 0);

#endif
