// net/curl_file.c — file URLs, read in bounded pieces between network events. libcurl would read
// the whole file inside one call of curl_multi_perform. Local files are trusted no more than
// servers: they may shrink, be directories, or be devices that never end.
#include "net/curl_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int fail_errno(struct weir_curl_slot *s, const char *what)
{
    int why = errno;
    int err = why == ENOENT || why == ENOTDIR ? WEIR_ERR_NOT_FOUND
              : why == EACCES || why == EPERM ? WEIR_ERR_DENIED
                                              : WEIR_ERR_INVAL;
    weir_curl_fail(s, err, false, "%s", what);
    weir_error_why(&s->error, "%s", strerror(why));
    return err;
}

static int open_path(struct weir_curl_slot *s, struct stat *st)
{
    char path[WEIR_URL_MAX_BYTES];
    if (weir_url_to_path(s->url, path, sizeof path) < 0)
        return weir_curl_fail(s, WEIR_ERR_INVAL, false, "not the URL of a local file");
    s->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); // a FIFO must not hold us up
    if (s->fd < 0 || fstat(s->fd, st) != 0)
        return fail_errno(s, "cannot be opened");
    if (S_ISDIR(st->st_mode))
        return weir_curl_fail(s, WEIR_ERR_NOT_FOUND, false, "a directory, not a file");
    if (!S_ISREG(st->st_mode))
        return weir_curl_fail(s, WEIR_ERR_UNSUPPORTED, false, "not a regular file");
    return 0;
}

int weir_curl_file_open(struct weir_curl_slot *s)
{
    struct weir_curl *c = s->owner;
    struct stat st = {0};
    s->t_request_us = weir_curl_now_us(c);
    s->t_first_byte_us = s->t_last_us = WEIR_TIME_NONE;
    if (!c->file_buffer)
        c->file_buffer = malloc(WEIR_CURL_READ_BYTES);
    if (!c->file_buffer)
        return weir_curl_fail(s, WEIR_ERR_NOMEM, false, "no memory to read with");
    int err = open_path(s, &st);
    if (err)
        return err;
    int64_t size = (int64_t)st.st_size;
    if (s->range_first > size || (s->range_first == size && s->ranged && !s->resumed)) {
        weir_curl_fail(s, WEIR_ERR_INVAL, false, "ends before the range asked for");
        weir_error_why(&s->error, "byte %" PRId64 " of %" PRId64, s->range_first, size);
        return s->err;
    }
    s->expect_bytes = size - s->range_first;
    if (s->range_last >= 0 && s->range_last - s->range_first + 1 < s->expect_bytes)
        s->expect_bytes = s->range_last - s->range_first + 1;
    s->headers_due = true;
    return 0;
}

void weir_curl_file_read(struct weir_curl_slot *s)
{
    struct weir_curl *c = s->owner;
    int64_t left = s->expect_bytes - s->bytes;
    if (s->paused)
        return;
    if (s->head) {
        weir_curl_slot_finish(s);
        return;
    }
    size_t size = left < WEIR_CURL_READ_BYTES ? (size_t)left : WEIR_CURL_READ_BYTES;
    ssize_t got = size ? pread(s->fd, c->file_buffer, size, (off_t)(s->range_first + s->bytes)) : 0;
    if (got < 0 && errno == EINTR)
        return;
    if (got < 0) {
        fail_errno(s, "cannot be read");
    } else if (got == 0 && left > 0) {
        weir_curl_fail(s, WEIR_ERR_NETWORK, true, "became shorter while it was read");
    } else if (got > 0) {
        s->t_last_us = weir_curl_now_us(c);
        if (s->t_first_byte_us == WEIR_TIME_NONE)
            s->t_first_byte_us = s->t_last_us;
        s->append_err = weir_segment_append(s->segment, c->file_buffer, (size_t)got);
        if (s->append_err)
            weir_curl_fail_append(s);
        else
            s->bytes += got;
    }
    if (s->err || s->bytes == s->expect_bytes)
        weir_curl_slot_finish(s);
}

void weir_curl_file_close(struct weir_curl_slot *s)
{
    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
}
