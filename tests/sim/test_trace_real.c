// tests/sim/test_trace_real.c — every public trace in the shared folder is read, as the format that
// its folder says, with a mean near what is published of the set, and written again. Skipped where
// the folder is not there.
#include "cmocka_all.h"

#include <dirent.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/trace_write.h"

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

// Written in every format that keeps rates, and read again: the same intervals. In its own format,
// the same to the last bit.
static void expect_round_trips(const struct weir_trace *t, const char *path)
{
    static const enum weir_trace_format formats[] = {WEIR_TRACE_SABRE, WEIR_TRACE_COOKED,
                                                     WEIR_TRACE_WEIR};
    for (size_t f = 0; f < 3; f++) {
        char *text = NULL;
        size_t size_bytes = 0;
        struct weir_trace *again = NULL;
        struct weir_error e = {0};
        if (weir_trace_text(t, formats[f], WEIR_TIME_NONE, &text, &size_bytes, &e) != 0 ||
            weir_trace_parse(text, size_bytes, path, &again, &e) != 0)
            fail_msg("%s: %s", path, e.what);
        double within = formats[f] == weir_trace_format(t) ? 0 : 3e-16;
        assert_int_equal(weir_trace_period_us(again), weir_trace_period_us(t));
        assert_int_equal(weir_trace_count(again), weir_trace_count(t));
        for (size_t i = 0; i < weir_trace_count(t); i++) {
            const struct weir_trace_interval *a = weir_trace_at(t, i), *b = weir_trace_at(again, i);
            if (a->start_us != b->start_us || !(fabs(a->bps - b->bps) <= a->bps * within))
                fail_msg("%s as %s: interval %zu: %.17g bit/s, not %.17g", path,
                         weir_trace_format_name(formats[f]), i + 1, b->bps, a->bps);
        }
        free(text);
        weir_trace_destroy(&again);
    }
}

static void every_public_trace_is_read_and_written(void **state)
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
            expect_round_trips(t, path);
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
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_public_trace_is_read_and_written)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
