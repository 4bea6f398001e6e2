// tests/sim/test_shared.c — several clients on one link: what they get adds up to the link, equal
// ones get the same, and one alone is a session like any other.
#include "cmocka_all.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/model.h"

#define S           WEIR_SECOND_US
#define MAX_CLIENTS 8
#define SEGMENTS    30

// 2-second segments at 1 and 4 Mbit/s, of exactly their rates.
static struct weir_content *make_content(void)
{
    char text[SEGMENTS * 32 + 256] = "{\"segment_duration_ms\": 2000, \"bitrates_kbps\": [1000, "
                                     "4000], \"segment_sizes_bits\": [";
    for (int i = 0; i < SEGMENTS; i++)
        (void)strcat(text, i ? ",[2000000,8000000]" : "[2000000,8000000]");
    (void)strcat(text, "]}");
    struct weir_content *c = NULL;
    struct weir_error e = {0};
    if (weir_content_parse(text, strlen(text), "content", &c, &e) != 0)
        fail_msg("%s", e.what);
    return c;
}

struct stage {
    struct weir_content *content;
    struct weir_trace *trace;
    struct weir_model *models[MAX_CLIENTS];
    struct weir_abr *abrs[MAX_CLIENTS];
    struct weir_summary outs[MAX_CLIENTS];
    struct weir_model_params params;
    size_t count;
};

static void set(struct stage *s, const char *trace, const char *abr, size_t count)
{
    struct weir_error e = {0};
    *s = (struct stage){.content = make_content(), .params = weir_model_params_default()};
    s->count = count;
    if (weir_trace_parse(trace, strlen(trace), "trace", &s->trace, &e) != 0)
        fail_msg("%s", e.what);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(weir_model_create(s->content, &s->models[i], &e), 0);
        assert_int_equal(weir_abr_create(abr, i, &s->abrs[i], &e), 0);
    }
}

static void run(struct stage *s, int64_t stagger_us)
{
    struct weir_error e = {0};
    if (weir_model_run_shared(s->models, s->abrs, s->count, stagger_us, s->trace, &s->params,
                              s->outs, &e) != 0)
        fail_msg("%s: %s", e.where, e.what);
}

static void strike(struct stage *s)
{
    for (size_t i = 0; i < s->count; i++) {
        weir_model_destroy(&s->models[i]);
        weir_abr_destroy(&s->abrs[i]);
    }
    weir_trace_destroy(&s->trace);
    weir_content_destroy(&s->content);
}

// Four clients at a fixed rung of 1 Mbit/s share 8 Mbit/s: each first segment of 2 Mbit comes at
// 2 Mbit/s, after one second. With 2 Mbit/s there is just enough for all of 0.5 Mbit/s each, so
// none plays faster than half.
static void equal_clients_get_the_same(void **state)
{
    (void)state;
    struct stage s;
    set(&s, "0 1\n10 8\n", "fixed:rung=0", 4);
    run(&s, 0);
    for (size_t i = 0; i < s.count; i++) {
        assert_int_equal(s.outs[i].startup_us, S);
        assert_int_equal(s.outs[i].stall_us, 0);
        assert_int_equal(s.outs[i].segment_count, SEGMENTS);
        assert_int_equal(s.outs[i].bytes, SEGMENTS * 250000);
        assert_int_equal(s.outs[i].ended_us, s.outs[0].ended_us);
    }
    strike(&s);
    set(&s, "0 1\n10 2\n", "fixed:rung=0", 4);
    run(&s, 0);
    for (size_t i = 0; i < s.count; i++) {
        assert_int_equal(s.outs[i].startup_us, 4 * S);
        // A segment every 4 s, of 2 s each: it stalls 2 s before every one but the first.
        assert_int_equal(s.outs[i].stall_us, (SEGMENTS - 1) * 2 * S);
        assert_int_equal(s.outs[i].stall_count, SEGMENTS - 1);
    }
    strike(&s);
}

static void one_client_is_a_session_like_any_other(void **state)
{
    (void)state;
    static const char trace[] = "0 1\n3 2\n5 6\n9 0.5\n11 9\n";
    static const char *const abrs[] = {"bola", "throughput", "bba0"};
    for (size_t a = 0; a < 3; a++) {
        struct stage s;
        struct weir_summary alone;
        struct weir_error e = {0};
        set(&s, trace, abrs[a], 1);
        run(&s, 123456);
        int32_t rungs[SEGMENTS];
        int64_t bytes = s.outs[0].bytes, stall_us = s.outs[0].stall_us;
        int64_t startup_us = s.outs[0].startup_us;
        for (size_t i = 0; i < SEGMENTS; i++)
            rungs[i] = s.outs[0].segments[i].rung;
        assert_int_equal(weir_model_run(s.models[0], s.trace, s.abrs[0], &s.params, &alone, &e), 0);
        assert_int_equal(alone.bytes, bytes);
        assert_int_equal(alone.stall_us, stall_us);
        assert_int_equal(alone.startup_us, startup_us);
        for (size_t i = 0; i < SEGMENTS; i++)
            assert_int_equal(alone.segments[i].rung, rungs[i]);
        strike(&s);
    }
}

// The first has the link to itself for 0.25 s, in which its 2 Mbit come; the second then likewise.
static void a_client_begins_when_it_is_told_to(void **state)
{
    (void)state;
    struct stage s;
    set(&s, "0 1\n10 8\n", "fixed:rung=0", 2);
    s.params.buffer_max_us = 2 * S; // so that the first then waits for room
    run(&s, S);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(s.outs[i].startup_us, S / 4);
        assert_int_equal(s.outs[i].segments[0].requested_us, 0);
        assert_int_equal(s.outs[i].segments[0].done_us, S / 4);
    }
    strike(&s);
    // Half a transfer later: 1 Mbit alone, then shared. The first is done when another 1 Mbit has
    // come at 4 Mbit/s, at 0.375 s; the second has 1 Mbit by then and the first's next one beside
    // it.
    set(&s, "0 1\n10 8\n", "fixed:rung=0", 2);
    run(&s, S / 8);
    assert_int_equal(s.outs[0].startup_us, 375000);
    assert_int_equal(s.outs[1].startup_us, 500000);
    strike(&s);
}

// Whatever they do, together they get no more than the link has offered, and adaptive ones with
// nothing to choose between them end up with much the same.
static void clients_get_no_more_than_the_link_offers(void **state)
{
    (void)state;
    static const enum weir_link_kind kinds[] = {WEIR_LINK_FLUID, WEIR_LINK_PENSIEVE, WEIR_LINK_TCP};
    static const char *const abrs[] = {"bola", "throughput", "random"};
    for (size_t k = 0; k < 9; k++) {
        struct stage s;
        set(&s, "0 1\n3 12\n5 6\n9 0.5\n11 19\n", abrs[k / 3], 5);
        s.params.link = (struct weir_link_params){kinds[k % 3], 30000, 0};
        run(&s, 700000);
        double bits = 0;
        int64_t end_us = 0;
        for (size_t i = 0; i < s.count; i++) {
            assert_int_equal(s.outs[i].segment_count, SEGMENTS);
            bits += 8 * (double)s.outs[i].bytes; // the wasted ones among them
            int64_t at_us = s.outs[i].segments[SEGMENTS - 1].done_us + (int64_t)i * 700000;
            end_us = at_us > end_us ? at_us : end_us;
        }
        double offered = weir_trace_bits_until(s.trace, end_us + 1);
        if (!(bits <= offered + 1000))
            fail_msg("%s, net %d: %.0f bits of %.0f", abrs[k / 3], (int)(k % 3), bits, offered);
        strike(&s);
    }
}

static void many_clients_are_run_again_with_the_same_result(void **state)
{
    (void)state;
    struct stage s;
    set(&s, "0 1\n3 12\n5 6\n9 0.5\n11 19\n", "bola", MAX_CLIENTS);
    s.params.link.kind = WEIR_LINK_TCP;
    s.params.link.rtt_us = 50000;
    run(&s, 333333);
    int64_t ends[MAX_CLIENTS], stalls[MAX_CLIENTS];
    for (size_t i = 0; i < MAX_CLIENTS; i++) {
        ends[i] = s.outs[i].ended_us;
        stalls[i] = s.outs[i].stall_us;
    }
    run(&s, 333333);
    for (size_t i = 0; i < MAX_CLIENTS; i++) {
        assert_int_equal(s.outs[i].ended_us, ends[i]);
        assert_int_equal(s.outs[i].stall_us, stalls[i]);
    }
    strike(&s);
}

static void a_link_too_thin_for_all_ends_them_all(void **state)
{
    (void)state;
    struct stage s;
    struct weir_error e = {0};
    set(&s, "0 1\n10 0.001\n", "bola", 3);
    s.params.max_session_us = 100 * S;
    assert_int_equal(
        weir_model_run_shared(s.models, s.abrs, s.count, 0, s.trace, &s.params, s.outs, &e),
        WEIR_ERR_TIMEOUT);
    assert_non_null(strstr(e.what, "100 s"));
    for (size_t i = 0; i < s.count; i++)
        assert_true(s.outs[i].segment_count <= 1);
    strike(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_clients_get_the_same),
        cmocka_unit_test(one_client_is_a_session_like_any_other),
        cmocka_unit_test(a_client_begins_when_it_is_told_to),
        cmocka_unit_test(clients_get_no_more_than_the_link_offers),
        cmocka_unit_test(many_clients_are_run_again_with_the_same_result),
        cmocka_unit_test(a_link_too_thin_for_all_ends_them_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
