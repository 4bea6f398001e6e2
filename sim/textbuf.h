// sim/textbuf.h — text that grows: rows of CSV and JSON lines, made by the thousand. Numbers are
// printed without the locale, and so that reading them gives the same number.
#ifndef WEIR_SIM_TEXTBUF_H
#define WEIR_SIM_TEXTBUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/error.h>

// Zero-initialise. Not NUL-terminated. When memory runs out `failed` is set and nothing more is
// added: look once, at the end.
struct weir_textbuf {
    char *data;
    size_t size, room;
    bool failed;
};

void weir_textbuf_clear(struct weir_textbuf *b); // frees; usable again
void weir_textbuf_add(struct weir_textbuf *b, const char *data, size_t size);
void weir_textbuf_put(struct weir_textbuf *b, const char *text);
void weir_textbuf_printf(struct weir_textbuf *b, const char *fmt, ...) WEIR_PRINTF(2, 3);
void weir_textbuf_integer(struct weir_textbuf *b, int64_t value);
// Microseconds as seconds, exactly: 2.5, 0.000001.
void weir_textbuf_seconds(struct weir_textbuf *b, int64_t us);
// NaN and infinities: nothing is added.
void weir_textbuf_real(struct weir_textbuf *b, double value);
// A field of CSV (RFC 4180): quoted where it must be.
void weir_textbuf_csv(struct weir_textbuf *b, const char *text);
// A JSON string with its quotes; `text` is UTF-8. '<' is escaped, so that it may stand in HTML.
void weir_textbuf_json(struct weir_textbuf *b, const char *text);

#endif
