// core/url_buf.h — internal to core/url*.c: a bounded string under construction. Once it overflows
// it stays overflowed, so that writers need not check every step.
#ifndef WEIR_CORE_URL_BUF_H
#define WEIR_CORE_URL_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include <weir/error.h>

#include "core/url.h"

struct weir_url_buf {
    char *data;
    size_t len, size; // size includes the NUL
    bool overflow;
};

static inline struct weir_url_buf weir_url_buf_over(char *out, size_t out_size_bytes)
{
    size_t size = out_size_bytes < WEIR_URL_MAX_BYTES ? out_size_bytes : WEIR_URL_MAX_BYTES;
    return (struct weir_url_buf){.data = out, .size = size, .overflow = size == 0};
}

static inline void weir_url_buf_put(struct weir_url_buf *b, const char *s, size_t len)
{
    if (b->overflow || len >= b->size - b->len) {
        b->overflow = true;
        return;
    }
    if (len > 0)
        memcpy(b->data + b->len, s, len);
    b->len += len;
}

static inline void weir_url_buf_puts(struct weir_url_buf *b, const char *s)
{
    weir_url_buf_put(b, s, strlen(s));
}

static inline void weir_url_buf_escape(struct weir_url_buf *b, char c)
{
    static const char hex[] = "0123456789ABCDEF";
    char text[3] = {'%', hex[(unsigned char)c >> 4], hex[(unsigned char)c & 15]};
    weir_url_buf_put(b, text, 3);
}

// NUL-terminate. The length, or WEIR_ERR_TOO_BIG with an empty string.
static inline int weir_url_buf_end(struct weir_url_buf *b)
{
    if (b->size > 0)
        b->data[b->overflow ? 0 : b->len] = '\0';
    return b->overflow ? WEIR_ERR_TOO_BIG : (int)b->len;
}

#endif
