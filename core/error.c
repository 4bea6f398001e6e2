// core/error.c — texts of the error codes, and filling struct weir_error. Allocates nothing, so
// that it works when memory has run out; all strings come out as clean UTF-8 (core/text.h).
#include <weir/error.h>

#include <stdio.h>
#include <string.h>

#include "core/text.h"

const char *weir_strerror(int err)
{
    switch (err) {
    case WEIR_OK:
        return "no error";
    case WEIR_ERR_INVAL:
        return "invalid argument or state";
    case WEIR_ERR_NOMEM:
        return "out of memory";
    case WEIR_ERR_SYNTAX:
        return "malformed input";
    case WEIR_ERR_TOO_BIG:
        return "too big";
    case WEIR_ERR_UNSUPPORTED:
        return "not supported";
    case WEIR_ERR_NOT_FOUND:
        return "not found";
    case WEIR_ERR_NETWORK:
        return "network error";
    case WEIR_ERR_TLS:
        return "TLS error";
    case WEIR_ERR_TIMEOUT:
        return "timed out";
    case WEIR_ERR_HTTP:
        return "HTTP error";
    case WEIR_ERR_OUTPUT:
        return "output error";
    case WEIR_ERR_LIMIT:
        return "memory limit reached";
    case WEIR_ERR_CANCELLED:
        return "cancelled";
    case WEIR_ERR_AGAIN:
        return "nothing available yet";
    case WEIR_ERR_END:
        return "end reached";
    case WEIR_ERR_DENIED:
        return "refused by policy";
    case WEIR_ERR_DECODE:
        return "decoding failed";
    default:
        return "unknown error";
    }
}

int weir_error_set(struct weir_error *e, int code, const char *where, const char *what_fmt, ...)
{
    if (!e)
        return code;
    // Formatted aside first: the arguments may point into `e`.
    struct weir_error fresh = {.code = code};
    snprintf(fresh.where, sizeof(fresh.where), "%s", where ? where : "");
    weir_text_clean(fresh.where);
    va_list args;
    va_start(args, what_fmt);
    weir_text_vformat(fresh.what, sizeof(fresh.what), what_fmt, args);
    va_end(args);
    *e = fresh;
    return code;
}

void weir_error_why(struct weir_error *e, const char *fmt, ...)
{
    if (!e)
        return;
    char text[sizeof(e->why)];
    va_list args;
    va_start(args, fmt);
    weir_text_vformat(text, sizeof(text), fmt, args);
    va_end(args);
    memcpy(e->why, text, strlen(text) + 1);
}

void weir_error_hint(struct weir_error *e, const char *fmt, ...)
{
    if (!e)
        return;
    char text[sizeof(e->hint)];
    va_list args;
    va_start(args, fmt);
    weir_text_vformat(text, sizeof(text), fmt, args);
    va_end(args);
    memcpy(e->hint, text, strlen(text) + 1);
}
