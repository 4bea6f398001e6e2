// sim/http_file.h — the parts of serving files over HTTP that need no socket: which file a path
// names, its media type, and what a Range header asks for (RFC 9110, 14).
#ifndef WEIR_SIM_HTTP_FILE_H
#define WEIR_SIM_HTTP_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct weir_http_file {
    int fd; // open for reading; the caller closes it
    int64_t size_bytes;
    const char *type;       // static
    char etag[64];          // quoted
    char last_modified[32]; // IMF-fixdate
};

// Open what the decoded URL path names below `root`, which must come from realpath(). A folder
// means its index.html. Returns an HTTP status: 200 with *out filled, 403, or 404 (also for what
// lies outside, whatever dots and links lead there, and for what is no regular file).
// `root_fd` is the same folder opened, or -1.
unsigned weir_http_file_open(const char *root, int root_fd, const char *path,
                             struct weir_http_file *out);

// The media type that a path's ending names; static, never NULL.
const char *weir_http_type(const char *path);

enum weir_http_range {
    WEIR_HTTP_RANGE_ALL,  // no range, or one to be ignored: several, malformed, another unit
    WEIR_HTTP_RANGE_PART, // 206
    WEIR_HTTP_RANGE_BAD,  // 416
};

// `header` may be NULL. On PART, [*first, *last] lies within the file.
enum weir_http_range weir_http_range_parse(const char *header, int64_t size_bytes, int64_t *first,
                                           int64_t *last);

#endif
