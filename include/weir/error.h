// weir/error.h — error codes and the one-line error report shared by every part of Weir.
#ifndef WEIR_ERROR_H
#define WEIR_ERROR_H

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define WEIR_API              __attribute__((visibility("default")))
#define WEIR_PRINTF(fmt, arg) __attribute__((format(printf, fmt, arg)))
#else
#define WEIR_API
#define WEIR_PRINTF(fmt, arg)
#endif

/** Functions that can fail return 0 or one of these (all negative). */
enum weir_err {
    WEIR_OK = 0,
    WEIR_ERR_INVAL = -1,  ///< wrong use: a bad argument, or a call that cannot happen in this state
    WEIR_ERR_NOMEM = -2,  ///< memory ran out
    WEIR_ERR_SYNTAX = -3, ///< malformed input: manifest, container, trace
    WEIR_ERR_TOO_BIG = -4,     ///< input beyond a stated bound on size, depth or count
    WEIR_ERR_UNSUPPORTED = -5, ///< understood, but not supported (encryption, codec)
    WEIR_ERR_NOT_FOUND = -6,   ///< no such file, host or resource
    WEIR_ERR_NETWORK = -7,     ///< connection refused, reset, or cut short
    WEIR_ERR_TLS = -8,         ///< TLS handshake or certificate failed
    WEIR_ERR_TIMEOUT = -9,     ///< connect, first byte or low speed
    WEIR_ERR_HTTP = -10,       ///< an HTTP status of 400 or more, or one that makes no sense
    WEIR_ERR_OUTPUT = -11,     ///< a window, sound device or file could not be opened or written
    WEIR_ERR_LIMIT = -12,      ///< a memory limit that cannot work
    WEIR_ERR_CANCELLED = -13,  ///< stopped on request
    WEIR_ERR_AGAIN = -14,      ///< nothing yet; ask again after the next event
    WEIR_ERR_END = -15,        ///< no more of what was asked for
    WEIR_ERR_DENIED =
        -16, ///< refused by policy (a remote manifest naming a file URL, a foreign origin)
    WEIR_ERR_DECODE = -17, ///< a decoder refused the data
};

/** A short lower-case description of a code, never NULL. Thread-safe. */
WEIR_API const char *weir_strerror(int err);

/**
 * What went wrong, as people read it: "WHERE: WHAT (WHY)", then "try: …". The owner
 * zero-initialises it; `code` is 0 while nothing went wrong. Strings are NUL-terminated and
 * truncated to fit.
 */
struct weir_error {
    int code;        ///< enum weir_err
    int http_status; ///< of the response, 0 where there was none
    char where[512]; ///< URL, file, line, box or option
    char what[256];
    char why[256];  ///< may be empty
    char hint[256]; ///< what to try; may be empty
};

/**
 * Fill `e` (may be NULL) with code, place (NULL: none) and a formatted `what`; why and hint become
 * empty, http_status 0. Text is made valid UTF-8 without control characters. Returns `code`.
 */
WEIR_API int weir_error_set(struct weir_error *e, int code, const char *where, const char *what_fmt,
                            ...) WEIR_PRINTF(4, 5);
/** Add the reason to an error that was set. `e` may be NULL. */
WEIR_API void weir_error_why(struct weir_error *e, const char *fmt, ...) WEIR_PRINTF(2, 3);
/** Add the line "try: …" to an error that was set. `e` may be NULL. */
WEIR_API void weir_error_hint(struct weir_error *e, const char *fmt, ...) WEIR_PRINTF(2, 3);

#ifdef __cplusplus
}
#endif
#endif
