// tests/sim/test_sweep.c — sweeps and their databases on small made-up traces and contents: lists
// of algorithms, canonical order, shards, resuming, merging, and what is refused.
#include "cmocka_all.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/results.h"
#include "sim/sweep.h"

static char folder[] = "/tmp/weir-sweep-XXXXXX";

static const char *path_of(const char *name)
{
    static char paths[8][300];
    static int at;
    char *path = paths[at++ % 8];
    (void)snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
    return path;
}

static void write_file(const char *name, const char *text)
{
    FILE *f = fopen(path_of(name), "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

// Rates in kbit/s, one a second.
static void write_trace(const char *name, const int *kbps, size_t count)
{
    FILE *f = fopen(path_of(name), "w");
    assert_non_null(f);
    for (size_t i = 0; i < count; i++)
        (void)fprintf(f, "%s{\"duration_ms\":1000,\"bandwidth_kbps\":%d,\"latency_ms\":20}",
                      i ? "," : "[", kbps[i]);
    (void)fputs("]\n", f);
    assert_int_equal(fclose(f), 0);
}

static int make_inputs(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    static const char *const folders[] = {"t", "t/slow", "t/fast", "t/fast/.hidden", "u", "u/slow"};
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
        assert_int_equal(mkdir(path_of(folders[i]), 0700), 0);
    write_trace("t/slow/b.json", (const int[]){300, 700, 200, 900}, 4);
    write_trace("t/slow/a.json", (const int[]){500, 400, 800}, 3);
    write_trace("t/fast/c.json", (const int[]){3000, 5000, 1000}, 3);
    write_trace("u/slow/a.json", (const int[]){100, 150}, 2);
    write_file("t/README.md", "not a trace\n");
    write_file("t/fast/.hidden/x", "not a trace either\n");
    write_file("content.json",
               "{\"segment_duration_ms\":2000,\"bitrates_kbps\":[200,500,1000,2000],"
               "\"segment_sizes_bits\":[[400000,1000000,2000000,4000000],"
               "[380000,1100000,2100000,3900000],[420000,900000,1900000,4100000],"
               "[400000,1000000,2000000,4000000],[400000,1000000,2000000,4000000],"
               "[410000,1050000,2000000,4000000]]}\n");
    return 0;
}

static int remove_inputs(void **state)
{
    (void)state;
    char command[400];
    (void)snprintf(command, sizeof(command), "rm -rf '%s'", folder);
    return system(command); // NOLINT: a folder of our own making
}

static void load(struct weir_inputs *in, const char *const *traces, size_t count)
{
    struct weir_error e = {0};
    const char *content = path_of("content.json");
    if (weir_inputs_load(traces, count, &content, 1, in, &e) != 0)
        fail_msg("%s: %s (%s)", e.where, e.what, e.why);
}

static const char *const abrs[] = {"bola", "throughput", "random"};
#define ABRS 3

struct how {
    unsigned jobs;
    int64_t shard, shards, offsets;
    size_t abr_count;
};

static int try_sweep(const char *db, const struct weir_inputs *in, struct how how,
                     struct weir_sweep_report *report, struct weir_error *e)
{
    struct weir_store *store = NULL;
    struct weir_sweep_params p = weir_sweep_params_default();
    int err = weir_store_open(db, WEIR_STORE_WRITE, &store, e);
    p.jobs = how.jobs;
    p.shard = how.shard;
    p.shard_count = how.shards ? how.shards : 1;
    p.offsets = how.offsets ? how.offsets : 1;
    if (!err)
        err = weir_sweep_run(store, in, abrs, how.abr_count ? how.abr_count : ABRS, &p, report, e);
    if (!err)
        err = weir_store_seal(store, e);
    weir_store_close(&store);
    return err;
}

static struct weir_sweep_report sweep(const char *db, const struct weir_inputs *in, struct how how)
{
    struct weir_error e = {0};
    struct weir_sweep_report report = {0};
    if (try_sweep(db, in, how, &report, &e) != 0)
        fail_msg("%s: %s (%s)", e.where, e.what, e.why);
    return report;
}

static char *slurp(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    assert_int_equal(fseek(f, 0, SEEK_END), 0);
    *size = (size_t)ftell(f);
    rewind(f);
    char *data = malloc(*size + 1);
    assert_non_null(data);
    assert_int_equal(fread(data, 1, *size, f), *size);
    (void)fclose(f);
    return data;
}

static void same_file(const char *what, const char *a, const char *b)
{
    size_t n = 0, m = 0;
    char *x = slurp(a, &n), *y = slurp(b, &m);
    if (n != m || memcmp(x, y, n) != 0)
        fail_msg("%s: the databases differ (%zu and %zu bytes)", what, n, m);
    free(x);
    free(y);
}

static const char *fresh(const char *name)
{
    const char *path = path_of(name);
    (void)unlink(path);
    return path;
}

// --- lists of algorithms ---

static const struct {
    const char *text, *want; // joined by '|'
} lists[] = {
    {"bola", "bola"},
    {"bola,throughput", "bola|throughput"},
    {"bola:variant=u,gp=5,throughput", "bola:variant=u,gp=5|throughput"},
    {"mpc:oracle=5,mpc:oracle=3,horizon=4,bba0", "mpc:oracle=5|mpc:oracle=3,horizon=4|bba0"},
    {"bola:gp=5;a=b/plug.so;bba0", "bola:gp=5|a=b/plug.so|bba0"},
    {"bola,bola", "bola"},
};

static void commas_part_algorithms_unless_a_parameter_follows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        char text[200], joined[200] = "";
        const char *list[8];
        size_t count = 0;
        strcpy(text, lists[i].text);
        assert_int_equal(weir_sweep_split_abrs(text, list, &count, 8, NULL), 0);
        for (size_t a = 0; a < count; a++) {
            strcat(joined, a ? "|" : "");
            strcat(joined, list[a]);
        }
        if (strcmp(joined, lists[i].want) != 0)
            fail_msg("%s: cut into %s", lists[i].text, joined);
    }
    static const char *const bad[] = {"", "bola,", ",bola", "bola;;bba0"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char text[32];
        const char *list[8];
        size_t count = 0;
        strcpy(text, bad[i]);
        if (weir_sweep_split_abrs(text, list, &count, 8, NULL) != WEIR_ERR_INVAL)
            fail_msg("\"%s\" was accepted", bad[i]);
    }
}

static void row_ids_sort_canonically_and_come_apart_again(void **state)
{
    (void)state;
    const struct weir_row_key keys[] = {
        {0, 0, 0, 0},
        {0, 0, 0, WEIR_ROW_MAX_ABRS - 1},
        {0, 0, WEIR_ROW_MAX_OFFSETS - 1, 1},
        {0, WEIR_ROW_MAX_TRACES - 1, 5, 2},
        {1, 0, 0, 0},
        {WEIR_ROW_MAX_CONTENTS - 1, WEIR_ROW_MAX_TRACES - 1, WEIR_ROW_MAX_OFFSETS - 1,
         WEIR_ROW_MAX_ABRS - 1},
    };
    int64_t before = -1;
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        int64_t id = weir_row_id(keys[i]);
        struct weir_row_key k = weir_row_key(id);
        assert_true(id > before);
        assert_memory_equal(&k, &keys[i], sizeof(k));
        before = id;
    }
}

static void offsets_spread_over_the_period(void **state)
{
    (void)state;
    assert_int_equal(weir_sweep_offset_us(10000000, 0, 4), 0);
    assert_int_equal(weir_sweep_offset_us(10000000, 1, 4), 2500000);
    assert_int_equal(weir_sweep_offset_us(10000000, 2, 3), 6666666);
    int64_t year_us = INT64_C(366) * 86400 * 1000000;
    assert_int_equal(weir_sweep_offset_us(year_us, 999999, 1000000), year_us - year_us / 1000000);
}

// --- inputs ---

static void traces_are_found_named_and_sorted(void **state)
{
    (void)state;
    struct weir_inputs in;
    const char *paths[] = {path_of("t"), path_of("t/slow/a.json")}; // one of them twice
    load(&in, paths, 2);
    assert_int_equal(in.bad_count, 0);
    assert_int_equal(in.trace_count, 3);
    static const char *const want[][2] = {
        {"fast", "c.json"}, {"slow", "a.json"}, {"slow", "b.json"}};
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(in.traces[i].set, want[i][0]);
        assert_string_equal(in.traces[i].name, want[i][1]);
    }
    assert_true(in.traces[1].hash != in.traces[2].hash);
    assert_string_equal(in.contents[0].name, "content.json");
    weir_inputs_clear(&in);
}

static void folders_that_share_a_name_are_told_apart(void **state)
{
    (void)state;
    struct weir_inputs in;
    const char *paths[] = {path_of("u"), path_of("t")};
    load(&in, paths, 2);
    static const char *const want[] = {"fast", "t/slow", "t/slow", "u/slow"};
    assert_int_equal(in.trace_count, 4);
    for (size_t i = 0; i < 4; i++)
        assert_string_equal(in.traces[i].set, want[i]);
    weir_inputs_clear(&in);
}

static void a_bad_trace_is_named_and_the_others_are_read(void **state)
{
    (void)state;
    struct weir_inputs in;
    write_file("t/slow/bad.json", "[{\"duration_ms\":-1,\"bandwidth_kbps\":1}]");
    const char *paths[] = {path_of("t")};
    load(&in, paths, 1);
    (void)unlink(path_of("t/slow/bad.json"));
    assert_int_equal(in.bad_count, 1);
    assert_int_equal(in.trace_count, 3);
    assert_non_null(strstr(in.bad[0].where, "bad.json"));
    weir_inputs_clear(&in);
}

// --- sweeps ---

static void threads_do_not_show_in_the_database(void **state)
{
    (void)state;
    struct weir_inputs in;
    const char *paths[] = {path_of("t")};
    load(&in, paths, 1);
    const char *one = fresh("one.db"), *three = fresh("three.db");
    struct weir_sweep_report r = sweep(one, &in, (struct how){.jobs = 1, .offsets = 40});
    assert_int_equal(r.run, 3 * 40 * ABRS);
    assert_int_equal(r.already, 0);
    assert_int_equal(r.failed, 0);
    (void)sweep(three, &in, (struct how){.jobs = 3, .offsets = 40});
    same_file("1 and 3 threads", one, three);
    weir_inputs_clear(&in);
}

static void shards_are_disjoint_and_merge_to_the_same_bytes(void **state)
{
    (void)state;
    struct weir_inputs in;
    const char *paths[] = {path_of("t")};
    load(&in, paths, 1);
    const char *whole = fresh("whole.db"), *merged = fresh("merged.db");
    const char *parts[4] = {fresh("s0.db"), fresh("s1.db"), fresh("s2.db"), NULL};
    int64_t total = 0;
    (void)sweep(whole, &in, (struct how){.jobs = 2, .offsets = 5});
    for (int i = 0; i < 3; i++) {
        struct weir_sweep_report r =
            sweep(parts[i], &in, (struct how){.jobs = 2, .offsets = 5, .shard = i, .shards = 3});
        assert_true(r.run > 0);
        total += r.run;
    }
    assert_int_equal(total, 3 * 5 * ABRS);
    struct weir_error e = {0};
    const char *backwards[] = {parts[2], parts[0], parts[1], parts[0]};
    if (weir_store_merge(backwards, 4, merged, &e) != 0)
        fail_msg("%s: %s (%s)", e.where, e.what, e.why);
    same_file("one run and merged shards", whole, merged);
    // Again, into what is there: nothing changes.
    assert_int_equal(weir_store_merge((const char *const *)parts, 1, merged, &e), 0);
    same_file("merged twice", whole, merged);
    weir_inputs_clear(&in);
}

static void what_is_stored_is_not_run_again(void **state)
{
    (void)state;
    struct weir_inputs in;
    const char *paths[] = {path_of("t")};
    load(&in, paths, 1);
    const char *whole = fresh("all.db"), *grown = fresh("grown.db");
    (void)sweep(whole, &in, (struct how){.jobs = 2});
    // A part first, as after a crash: then the rest.
    (void)sweep(grown, &in, (struct how){.jobs = 2, .shard = 0, .shards = 2});
    struct weir_sweep_report r = sweep(grown, &in, (struct how){.jobs = 2});
    assert_int_equal(r.already, 2 * ABRS);
    assert_int_equal(r.run, ABRS);
    r = sweep(grown, &in, (struct how){.jobs = 2});
    assert_int_equal(r.run, 0);
    assert_int_equal(r.already, 3 * ABRS);
    weir_inputs_clear(&in);
}

static void other_conditions_and_other_traces_are_refused(void **state)
{
    (void)state;
    struct weir_inputs in, changed;
    struct weir_sweep_report report;
    struct weir_error e = {0};
    const char *paths[] = {path_of("t")};
    const char *db = fresh("conditions.db");
    load(&in, paths, 1);
    (void)sweep(db, &in, (struct how){.jobs = 1});
    assert_int_equal(try_sweep(db, &in, (struct how){.jobs = 1, .offsets = 2}, &report, &e),
                     WEIR_ERR_INVAL);
    assert_non_null(strstr(e.what, "offsets is 1 there, 2 here"));
    write_trace("t/fast/c.json", (const int[]){3000, 5000, 1001}, 3);
    load(&changed, paths, 1);
    write_trace("t/fast/c.json", (const int[]){3000, 5000, 1000}, 3);
    assert_int_equal(try_sweep(db, &changed, (struct how){.jobs = 1}, &report, &e), WEIR_ERR_INVAL);
    assert_non_null(strstr(e.what, "c.json"));
    weir_inputs_clear(&changed);
    weir_inputs_clear(&in);
}

static void foreign_files_are_refused(void **state)
{
    (void)state;
    struct weir_store *store = NULL;
    struct weir_error e = {0};
    write_file("text.db", "this is a text of more than a hundred bytes, which is by no means a "
                          "database, whatever its name may say about it, and is left as it is\n");
    assert_int_equal(weir_store_open(path_of("text.db"), WEIR_STORE_WRITE, &store, &e),
                     WEIR_ERR_SYNTAX);
    assert_null(store);
    assert_int_equal(weir_store_open(path_of("none.db"), WEIR_STORE_READ, &store, &e),
                     WEIR_ERR_NOT_FOUND);
    assert_int_equal(access(path_of("none.db"), F_OK), -1);
    assert_int_equal(weir_store_open(path_of("no/such/folder.db"), WEIR_STORE_WRITE, &store, &e),
                     WEIR_ERR_OUTPUT);
}

static void one_sweep_at_a_time_uses_a_database(void **state)
{
    (void)state;
    struct weir_store *first = NULL, *second = NULL;
    struct weir_error e = {0};
    const char *db = fresh("locked.db");
    assert_int_equal(weir_store_open(db, WEIR_STORE_WRITE, &first, &e), 0);
    assert_int_equal(weir_store_open(db, WEIR_STORE_WRITE, &second, &e), WEIR_ERR_OUTPUT);
    assert_non_null(strstr(e.what, "in use"));
    weir_store_close(&first);
}

// A row comes out of the database as it went in, unknown figures included.
static void rows_survive_the_database(void **state)
{
    (void)state;
    struct weir_store *store = NULL;
    struct weir_row row, got;
    uint8_t decisions[300];
    for (size_t i = 0; i < sizeof(decisions); i++)
        decisions[i] = (uint8_t)(i % 128);
    weir_row_init(&row, weir_row_id((struct weir_row_key){0, 1, 2, 3}), 42);
    row.integers[WEIR_ROW_BYTES] = INT64_C(1) << 50;
    row.reals[WEIR_ROW_QOE_LIN] = -0.1;
    row.decisions = decisions;
    row.decision_count = sizeof(decisions);
    assert_int_equal(weir_store_open(NULL, WEIR_STORE_WRITE, &store, NULL), 0);
    assert_int_equal(weir_store_put(store, &row, NULL), 0);
    assert_int_equal(weir_store_commit(store, NULL), 0);
    assert_int_equal(weir_store_row_count(store), 1);
    assert_int_equal(weir_store_find(store, row.id, &got, NULL), 1);
    assert_int_equal(got.offset_us, 42);
    assert_memory_equal(got.integers, row.integers, sizeof(got.integers));
    assert_memory_equal(got.reals, row.reals, sizeof(got.reals));
    assert_int_equal(got.decision_count, sizeof(decisions));
    assert_memory_equal(got.decisions, decisions, sizeof(decisions));
    assert_int_equal(weir_store_find(store, row.id + 1, &got, NULL), 0);
    weir_store_close(&store);
}

static void results_add_up(void **state)
{
    (void)state;
    struct weir_inputs in;
    struct weir_store *store = NULL;
    struct weir_results *r = NULL;
    struct weir_sweep_report report;
    struct weir_sweep_params p = weir_sweep_params_default();
    const char *paths[] = {path_of("t"), path_of("u")};
    load(&in, paths, 2);
    p.offsets = 3;
    assert_int_equal(weir_store_open(NULL, WEIR_STORE_WRITE, &store, NULL), 0);
    assert_int_equal(weir_sweep_run(store, &in, abrs, ABRS, &p, &report, NULL), 0);
    assert_int_equal(weir_results_make(store, "nobody", &r, NULL), WEIR_ERR_INVAL);
    assert_int_equal(weir_results_make(store, "bola", &r, NULL), 0);
    assert_int_equal(r->set_count, 3);
    assert_int_equal(r->sessions, 4 * 3 * ABRS);
    assert_int_equal(r->sets[2].hopeless_count, 1); // 125 kbit/s and a lowest rung of 200
    const struct weir_result_set *set = &r->sets[1];
    assert_string_equal(set->name, "t/slow");
    const struct weir_result_cell *c = &set->cells[1];
    assert_int_equal(c->sessions, 6);
    double mean = (c->by_trace[WEIR_RESULT_LIN][0] + c->by_trace[WEIR_RESULT_LIN][1]) / 2;
    assert_true(fabs(c->mean[WEIR_RESULT_LIN] - mean) < 1e-12);
    double less = mean - set->cells[0].mean[WEIR_RESULT_LIN];
    assert_true(fabs(c->difference[0].mean - less) < 1e-12);
    assert_true(isnan(set->cells[0].difference[0].mean));
    weir_results_destroy(&r);
    weir_store_close(&store);
    weir_inputs_clear(&in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commas_part_algorithms_unless_a_parameter_follows),
        cmocka_unit_test(row_ids_sort_canonically_and_come_apart_again),
        cmocka_unit_test(offsets_spread_over_the_period),
        cmocka_unit_test(traces_are_found_named_and_sorted),
        cmocka_unit_test(folders_that_share_a_name_are_told_apart),
        cmocka_unit_test(a_bad_trace_is_named_and_the_others_are_read),
        cmocka_unit_test(threads_do_not_show_in_the_database),
        cmocka_unit_test(shards_are_disjoint_and_merge_to_the_same_bytes),
        cmocka_unit_test(what_is_stored_is_not_run_again),
        cmocka_unit_test(other_conditions_and_other_traces_are_refused),
        cmocka_unit_test(foreign_files_are_refused),
        cmocka_unit_test(one_sweep_at_a_time_uses_a_database),
        cmocka_unit_test(rows_survive_the_database),
        cmocka_unit_test(results_add_up),
    };
    return cmocka_run_group_tests(tests, make_inputs, remove_inputs);
}
