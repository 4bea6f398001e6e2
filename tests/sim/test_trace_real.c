// tests/sim/test_trace_real.c — every public trace in the shared folder is read, as the format that
// its folder says, with a mean near what is published of the set. Skipped where the folder is not
// there.
#include "cmocka_all.h"

#include <dirent.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/trace.h"

static const struct {
    const char *folder;
    int files;
    enum weir_trace_format format;
    double mean_mbps; // of the set, as its README gives it
} sets[] = {
    {"hsdpa", 43, WEIR_TRACE_SABRE, 1.2},   {"lte", 20, WEIR_TRACE_SABRE, 31},
    {"fcc-sd", 100, WEIR_TRACE_SABRE, 6},   {"fcc-hd", 100, WEIR_TRACE_SABRE, 17},
    {"oboe", 100, WEIR_TRACE_COOKED, 2.9},  {"puffer", 100, WEIR_TRACE_COOKED, 1.3},
    {"norway", 40, WEIR_TRACE_COOKED, 1.2},
};

static const char *shared_folder(void)
{
    const char *named = getenv("WEIR_SHARED"); // NOLINT(concurrency-mt-unsafe)
    return named ? named : WEIR_SOURCE_DIR "/../shared";
}

static void every_public_trace_is_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
        char folder[1024], path[2048];
        (void)snprintf(folder, sizeof(folder), "%s/traces/%s", shared_folder(), sets[i].folder);
        DIR *dir = opendir(folder);
        assert_non_null(dir);
        int files = 0;
        double sum_bps = 0;
        for (struct dirent *d = readdir(dir); d; d = readdir(dir)) {
            if (d->d_name[0] == '.')
                continue;
            struct weir_trace *t = NULL;
            struct weir_error e = {0};
            (void)snprintf(path, sizeof(path), "%s/%s", folder, d->d_name);
            if (weir_trace_load(path, &t, &e) != 0)
                fail_msg("%s: %s", e.where, e.what);
            if (weir_trace_format(t) != sets[i].format)
                fail_msg("%s: format %d", path, (int)weir_trace_format(t));
            sum_bps += weir_trace_mean_bps(t);
            files++;
            weir_trace_destroy(&t);
        }
        (void)closedir(dir);
        double mean_mbps = sum_bps / files / 1e6;
        if (files != sets[i].files || fabs(mean_mbps / sets[i].mean_mbps - 1) > 0.25)
            fail_msg("%s: %d files, mean %.2f Mbit/s", sets[i].folder, files, mean_mbps);
    }
}

int main(void)
{
    char path[1024];
    (void)snprintf(path, sizeof(path), "%s/traces", shared_folder());
    DIR *dir = opendir(path);
    if (!dir) {
        (void)printf("skipped: no public traces at %s (set WEIR_SHARED)\n", path);
        return 77;
    }
    (void)closedir(dir);
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_public_trace_is_read)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
