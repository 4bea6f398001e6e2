// core/url.h — URL resolution (RFC 3986, 5.2) and comparison of origins. Bytes in, bytes out:
// nothing is decoded or re-encoded except what a request cannot carry (spaces, controls,
// non-ASCII).
#ifndef WEIR_CORE_URL_H
#define WEIR_CORE_URL_H

#include <stdbool.h>
#include <stddef.h>

#include <weir/error.h>

// Longest URL handled, NUL included; longer ones are WEIR_ERR_TOO_BIG.
#define WEIR_URL_MAX_BYTES 8192

// The five parts of RFC 3986, 3, as slices of the parsed string; absent parts have ptr NULL.
struct weir_url_part {
    const char *ptr;
    size_t len;
};
struct weir_url {
    struct weir_url_part scheme, authority, path, query, fragment; // path.ptr is never NULL
};

void weir_url_parse(const char *s,
                    struct weir_url *out); // never fails; white space around `s` is skipped

// Resolve `ref` (may be NULL or empty) against `base` (may be NULL or relative: then as far as it
// goes) into out[out_size_bytes]; dot segments removed. Returns its length, or WEIR_ERR_TOO_BIG.
int weir_url_resolve(const char *base, const char *ref, char *out, size_t out_size_bytes);

bool weir_url_is_absolute(const char *s);
bool weir_url_has_scheme(const char *s, const char *scheme); // case-insensitive
// Same scheme, host (case-insensitive) and effective port.
bool weir_url_same_origin(const char *a, const char *b);
// Percent-encode what may not stand in a request line; drop the fragment. Returns length or
// WEIR_ERR_TOO_BIG.
int weir_url_for_request(const char *url, char *out, size_t out_size_bytes);
// A local path (made absolute) as a file URL, percent-encoded; and back. Returns length or negative
// error.
int weir_url_from_path(const char *path, char *out, size_t out_size_bytes);
int weir_url_to_path(const char *file_url, char *out, size_t out_size_bytes);
// Copy of `url` fit for messages: user info and query values replaced by "…".
void weir_url_redact(const char *url, char *out, size_t out_size_bytes);

#endif
