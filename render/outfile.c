// render/outfile.c — checked writing: short writes, full disks and closed pipes become one line
// that names the path.
#include "render/outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

int weir_outfile_error(struct weir_error *error, const char *path, const char *what,
                       int errno_value)
{
    char text[128];
    weir_error_set(error, WEIR_ERR_OUTPUT, path, "%s", what);
    weir_error_why(error, "%s", strerror_r(errno_value, text, sizeof(text)));
    return WEIR_ERR_OUTPUT;
}

// A duplicate, so that closing it tells of errors without closing the process's own descriptor.
static FILE *open_stdout(void)
{
    int fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    if (fd < 0)
        return NULL;
    FILE *file = fdopen(fd, "wb");
    if (!file)
        close(fd);
    return file;
}

int weir_outfile_open(struct weir_outfile *f, const char *path, struct weir_error *error)
{
    bool to_stdout = strcmp(path, "-") == 0;
    *f = (struct weir_outfile){0};
    (void)snprintf(f->path, sizeof(f->path), "%s", to_stdout ? "standard output" : path);
    f->file = to_stdout ? open_stdout() : fopen(path, "wbe");
    if (!f->file)
        return weir_outfile_error(error, f->path, "cannot create it", errno);
    return 0;
}

int weir_outfile_write(struct weir_outfile *f, const void *data, size_t size_bytes,
                       struct weir_error *error)
{
    if (size_bytes > 0 && fwrite(data, 1, size_bytes, f->file) != size_bytes)
        return weir_outfile_error(error, f->path, "cannot write", errno);
    return 0;
}

bool weir_outfile_seekable(struct weir_outfile *f)
{
    return lseek(fileno(f->file), 0, SEEK_CUR) >= 0;
}

int weir_outfile_rewrite(struct weir_outfile *f, int64_t offset, const void *data,
                         size_t size_bytes, struct weir_error *error)
{
    if (fseeko(f->file, (off_t)offset, SEEK_SET) != 0)
        return weir_outfile_error(error, f->path, "cannot seek", errno);
    int err = weir_outfile_write(f, data, size_bytes, error);
    if (err)
        return err;
    if (fseeko(f->file, 0, SEEK_END) != 0)
        return weir_outfile_error(error, f->path, "cannot seek", errno);
    return 0;
}

int weir_outfile_close(struct weir_outfile *f, struct weir_error *error)
{
    if (!f->file)
        return 0;
    // A write that failed before leaves the stream marked, even if closing it works.
    int before = ferror(f->file) ? EIO : 0;
    int closed = fclose(f->file) != 0 ? errno : 0;
    f->file = NULL;
    if (closed || before)
        return weir_outfile_error(error, f->path, "cannot write", closed ? closed : before);
    return 0;
}
