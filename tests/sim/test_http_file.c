// tests/sim/test_http_file.c — which file a path names, and what a Range header asks for.
#include "cmocka_all.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/http_file.h"

static const struct {
    const char *name, *header;
    int64_t size_bytes;
    enum weir_http_range kind;
    int64_t first, last;
} ranges[] = {
    {"no header", NULL, 100, WEIR_HTTP_RANGE_ALL, 0, 0},
    {"closed", "bytes=0-9", 100, WEIR_HTTP_RANGE_PART, 0, 9},
    {"one byte", "bytes=99-99", 100, WEIR_HTTP_RANGE_PART, 99, 99},
    {"open-ended", "bytes=10-", 100, WEIR_HTTP_RANGE_PART, 10, 99},
    {"suffix", "bytes=-10", 100, WEIR_HTTP_RANGE_PART, 90, 99},
    {"suffix longer than the file", "bytes=-1000", 100, WEIR_HTTP_RANGE_PART, 0, 99},
    {"end beyond the file", "bytes=90-1000", 100, WEIR_HTTP_RANGE_PART, 90, 99},
    {"end beyond all numbers", "bytes=90-99999999999999999999999", 100, WEIR_HTTP_RANGE_PART, 90,
     99},
    {"unit in capitals", "BYTES=1-2", 100, WEIR_HTTP_RANGE_PART, 1, 2},
    {"start at the end", "bytes=100-", 100, WEIR_HTTP_RANGE_BAD, 0, 0},
    {"start beyond all numbers", "bytes=99999999999999999999999-", 100, WEIR_HTTP_RANGE_BAD, 0, 0},
    {"no bytes at all", "bytes=-0", 100, WEIR_HTTP_RANGE_BAD, 0, 0},
    {"of an empty file", "bytes=0-", 0, WEIR_HTTP_RANGE_BAD, 0, 0},
    {"suffix of an empty file", "bytes=-5", 0, WEIR_HTTP_RANGE_BAD, 0, 0},
    {"backwards", "bytes=5-4", 100, WEIR_HTTP_RANGE_ALL, 0, 0},
    {"several", "bytes=0-1,5-6", 100, WEIR_HTTP_RANGE_ALL, 0, 0},
    {"another unit", "seconds=0-1", 100, WEIR_HTTP_RANGE_ALL, 0, 0},
    {"nothing", "bytes=", 100, WEIR_HTTP_RANGE_ALL, 0, 0},
    {"only a dash", "bytes=-", 100, WEIR_HTTP_RANGE_ALL, 0, 0},
    {"negative", "bytes=--5", 100, WEIR_HTTP_RANGE_ALL, 0, 0},
    {"words", "bytes=a-b", 100, WEIR_HTTP_RANGE_ALL, 0, 0},
    {"trailing words", "bytes=0-1x", 100, WEIR_HTTP_RANGE_ALL, 0, 0},
};

static void ranges_follow_rfc_9110(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
        int64_t first = -1, last = -1;
        enum weir_http_range kind =
            weir_http_range_parse(ranges[i].header, ranges[i].size_bytes, &first, &last);
        if (kind != ranges[i].kind)
            fail_msg("%s: kind %d", ranges[i].name, (int)kind);
        if (kind == WEIR_HTTP_RANGE_PART && (first != ranges[i].first || last != ranges[i].last))
            fail_msg("%s: %lld-%lld", ranges[i].name, (long long)first, (long long)last);
    }
}

static char folder[] = "/tmp/weir-http-XXXXXX";
static char root[sizeof(folder) + 8], secret[sizeof(folder) + 16];

static void put(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    (void)fputs(text, f);
    (void)fclose(f);
}

// Inside the root: a.mpd, empty, sub/index.html, links in and out, a FIFO. Beside it: a secret.
static int setup(void **state)
{
    (void)state;
    char path[256];
    if (!mkdtemp(folder))
        return -1;
    (void)snprintf(root, sizeof(root), "%s/root", folder);
    (void)snprintf(secret, sizeof(secret), "%s/root-secret", folder);
    (void)snprintf(path, sizeof(path), "%s/sub", root);
    if (mkdir(root, 0755) != 0 || mkdir(path, 0755) != 0)
        return -1;
    put(secret, "secret");
    (void)snprintf(path, sizeof(path), "%s/a.mpd", root);
    put(path, "<MPD/>");
    (void)snprintf(path, sizeof(path), "%s/empty", root);
    put(path, "");
    (void)snprintf(path, sizeof(path), "%s/sub/index.html", root);
    put(path, "hello");
    (void)snprintf(path, sizeof(path), "%s/out", root);
    if (symlink(secret, path) != 0)
        return -1;
    (void)snprintf(path, sizeof(path), "%s/in", root);
    if (symlink("a.mpd", path) != 0)
        return -1;
    (void)snprintf(path, sizeof(path), "%s/up", root);
    if (symlink("..", path) != 0)
        return -1;
    (void)snprintf(path, sizeof(path), "%s/fifo", root);
    return mkfifo(path, 0644);
}

static int teardown(void **state)
{
    (void)state;
    static const char *const names[] = {"root/a.mpd", "root/empty", "root/sub/index.html",
                                        "root/out",   "root/in",    "root/up",
                                        "root/fifo",  "root/sub",   "root",
                                        "root-secret"};
    char path[256];
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
        (void)remove(path);
    }
    return rmdir(folder);
}

static const struct {
    const char *path;
    unsigned status;
    const char *type;
    int64_t size_bytes;
} paths[] = {
    {"/a.mpd", 200, "application/dash+xml", 6},
    {"/empty", 200, "application/octet-stream", 0},
    {"/sub/", 200, "text/html; charset=utf-8", 5},
    {"/sub", 200, "text/html; charset=utf-8", 5},
    {"/sub/../a.mpd", 200, "application/dash+xml", 6},
    {"/in", 200, "application/dash+xml", 6},
    {"/", 404, NULL, 0},
    {"/none", 404, NULL, 0},
    {"/a.mpd/x", 404, NULL, 0},
    {"/../root-secret", 404, NULL, 0},
    {"/sub/../../root-secret", 404, NULL, 0},
    {"/out", 404, NULL, 0},
    {"/up/root-secret", 404, NULL, 0},
    {"/up", 404, NULL, 0},
    {"/fifo", 404, NULL, 0},
    {"//etc/passwd", 404, NULL, 0},
};

// By the kernel's own check where it has one, and by ours: both answer alike.
static void files_by(int root_fd)
{
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        struct weir_http_file f;
        unsigned status = weir_http_file_open(root, root_fd, paths[i].path, &f);
        if (status != paths[i].status)
            fail_msg("%s: status %u", paths[i].path, status);
        if (status != 200) {
            assert_int_equal(f.fd, -1);
            continue;
        }
        if (strcmp(f.type, paths[i].type) != 0 || f.size_bytes != paths[i].size_bytes)
            fail_msg("%s: %s, %lld bytes", paths[i].path, f.type, (long long)f.size_bytes);
        (void)close(f.fd);
    }
}

static void only_regular_files_inside_the_folder_are_opened(void **state)
{
    (void)state;
    int root_fd = open(root, O_PATH | O_DIRECTORY);
    assert_true(root_fd >= 0);
    files_by(-1);
    files_by(root_fd);
    (void)close(root_fd);
}

static void a_path_longer_than_any_is_not_found(void **state)
{
    (void)state;
    char path[9000];
    struct weir_http_file f;
    memset(path, 'a', sizeof(path) - 1);
    path[0] = '/';
    path[sizeof(path) - 1] = '\0';
    assert_int_equal(weir_http_file_open(root, -1, path, &f), 404);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranges_follow_rfc_9110),
        cmocka_unit_test(only_regular_files_inside_the_folder_are_opened),
        cmocka_unit_test(a_path_longer_than_any_is_not_found),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
