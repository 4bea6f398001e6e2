// sim/http_file.c — files, media types and ranges (sim/http_file.h). Everything asked for is
// hostile.
#include "sim/http_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

const char *weir_http_type(const char *path)
{
    static const struct {
        const char *suffix, *type;
    } types[] = {
        {".mpd", "application/dash+xml"},
        {".m3u8", "application/vnd.apple.mpegurl"},
        {".mp4", "video/mp4"},
        {".m4v", "video/mp4"},
        {".m4s", "video/iso.segment"},
        {".cmfv", "video/mp4"},
        {".cmfa", "audio/mp4"},
        {".m4a", "audio/mp4"},
        {".ts", "video/mp2t"},
        {".aac", "audio/aac"},
        {".ac3", "audio/ac3"},
        {".mp3", "audio/mpeg"},
        {".webm", "video/webm"},
        {".mkv", "video/x-matroska"},
        {".vtt", "text/vtt"},
        {".ttml", "application/ttml+xml"},
        {".html", "text/html; charset=utf-8"},
        {".js", "text/javascript; charset=utf-8"},
        {".css", "text/css; charset=utf-8"},
        {".json", "application/json"},
        {".xml", "application/xml"},
        {".txt", "text/plain; charset=utf-8"},
        {".jpg", "image/jpeg"},
        {".png", "image/png"},
    };
    size_t len = strlen(path);
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        size_t n = strlen(types[i].suffix);
        if (len > n && strcasecmp(path + len - n, types[i].suffix) == 0)
            return types[i].type;
    }
    return "application/octet-stream";
}

static unsigned status_of_errno(void)
{
    return errno == EACCES || errno == EPERM ? 403 : 404;
}

// realpath() of root + path, if that lies within root. It follows every link, so what passes is
// really inside.
static unsigned resolve(const char *root, const char *path, char real[PATH_MAX])
{
    char joined[PATH_MAX];
    int n = snprintf(joined, sizeof(joined), "%s/%s", root, path);
    if (n < 0 || (size_t)n >= sizeof(joined))
        return 404;
    if (!realpath(joined, real))
        return status_of_errno();
    size_t len = strlen(root);
    if (strcmp(root, "/") == 0)
        return 200;
    return strncmp(real, root, len) == 0 && (real[len] == '/' || real[len] == '\0') ? 200 : 404;
}

static void describe(const struct stat *st, struct weir_http_file *out)
{
    out->size_bytes = st->st_size;
    (void)snprintf(out->etag, sizeof(out->etag), "\"%llx-%llx-%lx\"",
                   (unsigned long long)st->st_size, (unsigned long long)st->st_mtim.tv_sec,
                   (unsigned long)st->st_mtim.tv_nsec);
    // Not strftime(), whose names are the user's language's.
    static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                       "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    struct tm tm;
    out->last_modified[0] = '\0';
    if (gmtime_r(&st->st_mtim.tv_sec, &tm))
        (void)snprintf(out->last_modified, sizeof(out->last_modified),
                       "%s, %02u %s %04u %02u:%02u:%02u GMT", days[tm.tm_wday],
                       (unsigned)tm.tm_mday % 100, months[tm.tm_mon],
                       (unsigned)(tm.tm_year + 1900) % 10000, (unsigned)tm.tm_hour % 100,
                       (unsigned)tm.tm_min % 100, (unsigned)tm.tm_sec % 100);
}

static unsigned use_regular(int fd, const char *type, struct weir_http_file *out, bool *folder)
{
    struct stat st;
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        *folder = S_ISDIR(st.st_mode);
        (void)close(fd);
        return 404;
    }
    out->fd = fd;
    out->type = type;
    describe(&st, out);
    return 200;
}

// Non-blocking, so that a FIFO does not hold the server up before fstat() says what it is.
#define OPEN_FLAGS (O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)

// One system call where the kernel can hold a path below a folder (Linux 5.6) and no link is on it;
// otherwise realpath() and a comparison. *type is of the file itself, not of a link to it. -1:
// *status says why.
static int open_below(const char *root, int root_fd, const char *path, const char **type,
                      unsigned *status)
{
    char real[PATH_MAX];
    struct open_how how = {.flags = OPEN_FLAGS, .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS};
    const char *relative = path + strspn(path, "/");
    *type = weir_http_type(path);
    if (root_fd >= 0) {
        int fd = (int)syscall(SYS_openat2, root_fd, *relative ? relative : ".", &how, sizeof(how));
        if (fd >= 0)
            return fd;
    }
    *status = resolve(root, path, real);
    if (*status != 200)
        return -1;
    *type = weir_http_type(real);
    int fd = open(real, OPEN_FLAGS);
    if (fd < 0)
        *status = status_of_errno();
    return fd;
}

unsigned weir_http_file_open(const char *root, int root_fd, const char *path,
                             struct weir_http_file *out)
{
    char index[PATH_MAX];
    const char *type;
    bool folder = false;
    unsigned status = 404;
    *out = (struct weir_http_file){.fd = -1};
    int fd = open_below(root, root_fd, path, &type, &status);
    if (fd < 0)
        return status;
    status = use_regular(fd, type, out, &folder);
    if (!folder)
        return status;
    int n = snprintf(index, sizeof(index), "%s/index.html", path);
    if (n < 0 || (size_t)n >= sizeof(index))
        return 404;
    fd = open_below(root, root_fd, index, &type, &status);
    return fd < 0 ? status : use_regular(fd, type, out, &folder);
}

// Decimal digits alone, saturating: a position beyond any file is simply beyond.
static bool read_position(const char **at, int64_t *out)
{
    const char *s = *at;
    int64_t value = 0;
    while (*s >= '0' && *s <= '9') {
        int digit = *s++ - '0';
        value = value > (INT64_MAX - digit) / 10 ? INT64_MAX : value * 10 + digit;
    }
    bool any = s != *at;
    *at = s;
    *out = value;
    return any;
}

enum weir_http_range weir_http_range_parse(const char *header, int64_t size_bytes, int64_t *first,
                                           int64_t *last)
{
    if (!header || strncasecmp(header, "bytes=", 6) != 0)
        return WEIR_HTTP_RANGE_ALL;
    const char *at = header + 6;
    int64_t a = 0, b = 0;
    bool has_a = read_position(&at, &a);
    if (*at++ != '-')
        return WEIR_HTTP_RANGE_ALL;
    bool has_b = read_position(&at, &b);
    if (*at != '\0' || (!has_a && !has_b) || (has_a && has_b && b < a))
        return WEIR_HTTP_RANGE_ALL; // also several ranges: a server may ignore them (RFC
                                    // 9110, 14.2)
    if (!has_a) {                   // the last b bytes
        if (b == 0 || size_bytes == 0)
            return WEIR_HTTP_RANGE_BAD;
        *first = b < size_bytes ? size_bytes - b : 0;
        *last = size_bytes - 1;
        return WEIR_HTTP_RANGE_PART;
    }
    if (a >= size_bytes)
        return WEIR_HTTP_RANGE_BAD;
    *first = a;
    *last = has_b && b < size_bytes ? b : size_bytes - 1;
    return WEIR_HTTP_RANGE_PART;
}
