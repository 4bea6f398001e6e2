// sim/textbuf.c — see textbuf.h.
#include "sim/textbuf.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void weir_textbuf_clear(struct weir_textbuf *b)
{
    free(b->data);
    *b = (struct weir_textbuf){0};
}

static bool reserve(struct weir_textbuf *b, size_t size)
{
    if (b->failed)
        return false;
    if (b->room - b->size >= size)
        return true;
    size_t room = b->room ? b->room : 4096;
    while (room - b->size < size)
        room *= 2;
    char *data = realloc(b->data, room);
    if (!data) {
        b->failed = true;
        return false;
    }
    b->data = data;
    b->room = room;
    return true;
}

void weir_textbuf_add(struct weir_textbuf *b, const char *data, size_t size)
{
    if (!reserve(b, size))
        return;
    memcpy(b->data + b->size, data, size);
    b->size += size;
}

void weir_textbuf_put(struct weir_textbuf *b, const char *text)
{
    weir_textbuf_add(b, text, strlen(text));
}

void weir_textbuf_printf(struct weir_textbuf *b, const char *fmt, ...)
{
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (length >= 0 && reserve(b, (size_t)length + 1)) {
        (void)vsnprintf(b->data + b->size, (size_t)length + 1, fmt, again);
        b->size += (size_t)length;
    }
    va_end(again);
}

// Decimal digits of `value` before `end`; returns where they begin.
static char *digits(char *end, uint64_t value)
{
    do {
        *--end = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    return end;
}

void weir_textbuf_integer(struct weir_textbuf *b, int64_t value)
{
    char text[24], *end = text + sizeof(text);
    char *at = digits(end, value < 0 ? -(uint64_t)value : (uint64_t)value);
    if (value < 0)
        *--at = '-';
    weir_textbuf_add(b, at, (size_t)(end - at));
}

void weir_textbuf_seconds(struct weir_textbuf *b, int64_t us)
{
    char text[24], *end = text + sizeof(text), *at = end;
    uint64_t size = us < 0 ? -(uint64_t)us : (uint64_t)us;
    uint64_t fraction = size % 1000000;
    if (fraction) {
        int places = 6;
        for (; fraction % 10 == 0; places--)
            fraction /= 10;
        for (; places > 0; places--, fraction /= 10)
            *--at = (char)('0' + fraction % 10);
        *--at = '.';
    }
    at = digits(at, size / 1000000);
    if (us < 0)
        *--at = '-';
    weir_textbuf_add(b, at, (size_t)(end - at));
}

void weir_textbuf_real(struct weir_textbuf *b, double value)
{
    if (!isfinite(value))
        return;
    if (fabs(value) < 1e15 && value == floor(value)) {
        weir_textbuf_integer(b, (int64_t)value);
        return;
    }
    char text[40];
    int length = snprintf(text, sizeof(text), "%.15g", value); // 0.23, not 0.23000000000000001
    if (strtod(text, NULL) != value)
        length = snprintf(text, sizeof(text), "%.17g", value);
    char *comma = strchr(text, ','); // where a host program has set a locale
    if (comma)
        *comma = '.';
    weir_textbuf_add(b, text, (size_t)length);
}

void weir_textbuf_csv(struct weir_textbuf *b, const char *text)
{
    if (!strpbrk(text, ",\"\r\n")) {
        weir_textbuf_put(b, text);
        return;
    }
    weir_textbuf_add(b, "\"", 1);
    for (; *text; text++) {
        if (*text == '"')
            weir_textbuf_add(b, "\"", 1);
        weir_textbuf_add(b, text, 1);
    }
    weir_textbuf_add(b, "\"", 1);
}

void weir_textbuf_json(struct weir_textbuf *b, const char *text)
{
    weir_textbuf_add(b, "\"", 1);
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c < 0x20 || c == '<' || c == 0x7f)
            weir_textbuf_printf(b, "\\u%04x", c);
        else if (c == '"' || c == '\\')
            weir_textbuf_printf(b, "\\%c", c);
        else
            weir_textbuf_add(b, text, 1);
    }
    weir_textbuf_add(b, "\"", 1);
}
