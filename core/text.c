// core/text.c — cleans text for messages (see text.h). Used by the error report, the log and
// redacted URLs. UTF-8 as in RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF.
#include "core/text.h"

#include <stdbool.h>
#include <stdio.h>

// Length of a sequence by its first byte; 0 for bytes that start none. *low and *high bound the
// second byte.
static size_t sequence_length(unsigned char c, unsigned char *low, unsigned char *high)
{
    *low = 0x80;
    *high = 0xBF;
    if (c >= 0xC2 && c <= 0xDF)
        return 2;
    if (c >= 0xE0 && c <= 0xEF) {
        *low = c == 0xE0 ? 0xA0 : 0x80;  // overlong below
        *high = c == 0xED ? 0x9F : 0xBF; // surrogates above
        return 3;
    }
    if (c >= 0xF0 && c <= 0xF4) {
        *low = c == 0xF0 ? 0x90 : 0x80;  // overlong below
        *high = c == 0xF4 ? 0x8F : 0xBF; // beyond U+10FFFF above
        return 4;
    }
    return 0;
}

// Bytes of the sequence at s that are right: `*want` of them make a whole character.
static size_t sequence_match(const unsigned char *s, size_t *want)
{
    unsigned char low, high;
    *want = sequence_length(s[0], &low, &high);
    if (*want == 0)
        return 0;
    size_t have = 1;
    while (have < *want && s[have] >= low && s[have] <= high) {
        low = 0x80;
        high = 0xBF;
        have++;
    }
    return have;
}

size_t weir_text_clean(char *s)
{
    unsigned char *b = (unsigned char *)s;
    size_t i = 0;
    while (b[i]) {
        if (b[i] < 0x80) {
            if (b[i] < 0x20 || b[i] == 0x7F)
                b[i] = ' ';
            i++;
            continue;
        }
        size_t want;
        size_t have = sequence_match(b + i, &want);
        if (want && have == want) {
            if (b[i] == 0xC2 && b[i + 1] < 0xA0) // U+0080 to U+009F: controls, too
                b[i] = b[i + 1] = ' ';
            i += want;
        } else if (want && b[i + have] == '\0') {
            b[i] = '\0'; // cut in the middle of a character
        } else {
            b[i++] = '?';
        }
    }
    return i;
}

void weir_text_vformat(char *out, size_t out_size_bytes, const char *fmt, va_list args)
{
    if (out_size_bytes == 0)
        return;
    if (vsnprintf(out, out_size_bytes, fmt, args) < 0)
        out[0] = '\0';
    weir_text_clean(out);
}
