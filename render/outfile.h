// render/outfile.h — a file being written, every failure of which is told: WEIR_ERR_OUTPUT naming
// the path and the reason the system gave. Buffered, so a full disk may show only at close. One
// thread at a time.
#ifndef WEIR_RENDER_OUTFILE_H
#define WEIR_RENDER_OUTFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <weir/error.h>

struct weir_outfile {
    FILE *file; // NULL: closed
    char path[512];
};

// Create or truncate `path`; "-" is standard output.
int weir_outfile_open(struct weir_outfile *f, const char *path, struct weir_error *error);
int weir_outfile_write(struct weir_outfile *f, const void *data, size_t size_bytes,
                       struct weir_error *error);
// Whether what was written can still be changed (not in a pipe).
bool weir_outfile_seekable(struct weir_outfile *f);
// Overwrite bytes at `offset`, then go back to the end.
int weir_outfile_rewrite(struct weir_outfile *f, int64_t offset, const void *data,
                         size_t size_bytes, struct weir_error *error);
// Flush and close; the last chance to fail. Closing a closed file is no error.
int weir_outfile_close(struct weir_outfile *f, struct weir_error *error);

// Fill `error` for `path` from an errno value; WEIR_ERR_OUTPUT.
int weir_outfile_error(struct weir_error *error, const char *path, const char *what,
                       int errno_value);

#endif
