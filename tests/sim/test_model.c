// tests/sim/test_model.c — sessions of the model host worked out by hand: times, waits, stalls,
// what algorithms are told, and that a session depends on nothing but its arguments.
#include "cmocka_all.h"

#include <stdio.h>
#include <string.h>

#include "sim/model.h"

#define SECOND   WEIR_SECOND_US
#define SEGMENTS 6

// Two-second segments; at 1 Mbit/s the lower rung's take as long as they play.
static const int64_t bitrates[] = {1000000, 2000000};
static const int64_t starts[SEGMENTS + 1] = {0,          2 * SECOND,  4 * SECOND, 6 * SECOND,
                                             8 * SECOND, 10 * SECOND, 12 * SECOND};
static const int64_t sizes[SEGMENTS * 2] = {250000, 500000, 250000, 500000, 250000, 500000,
                                            250000, 500000, 250000, 500000, 250000, 500000};
static const int64_t sound_bitrates[] = {125000};
static const int64_t sound_sizes[SEGMENTS] = {31250, 31250, 31250, 31250, 31250, 31250};
static const int64_t small_bytes[] = {12500, 12500};

static struct weir_content video_only(void)
{
    return (struct weir_content){.name = "test",
                                 .video = {.rung_count = 2,
                                           .segment_count = SEGMENTS,
                                           .bitrates_bps = bitrates,
                                           .starts_us = starts,
                                           .sizes_bytes = sizes}};
}

static struct weir_content content;
static struct weir_trace *trace;
static struct weir_model *model;
static struct weir_abr *abr;
static struct weir_model_params params;
static struct weir_summary got;

static int setup(void **state)
{
    (void)state;
    content = video_only();
    params = weir_model_params_default();
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    weir_trace_destroy(&trace);
    weir_model_destroy(&model);
    weir_abr_destroy(&abr);
    return 0;
}

static struct weir_trace *parse(const char *intervals)
{
    struct weir_error e = {0};
    struct weir_trace *t;
    if (weir_trace_parse(intervals, strlen(intervals), "test", &t, &e) != 0)
        fail_msg("%s: %s", e.where, e.what);
    return t;
}

static void prepare(const char *intervals, const char *spec)
{
    struct weir_error e = {0};
    trace = parse(intervals);
    if (!abr)
        assert_int_equal(weir_abr_create(spec, 0, &abr, &e), 0);
    assert_int_equal(weir_model_create(&content, &model, &e), 0);
}

static void run(void)
{
    struct weir_error e = {0};
    if (weir_model_run(model, trace, abr, &params, &got, &e) != 0)
        fail_msg("%s: %s", e.where, e.what);
}

static void play(const char *intervals, const char *spec)
{
    prepare(intervals, spec);
    run();
}

#define MBPS(n) "[{\"duration_ms\":60000,\"bandwidth_kbps\":" #n "000,\"latency_ms\":0}]"

static void a_rung_as_fast_as_it_plays_never_stalls(void **state)
{
    (void)state;
    play(MBPS(1), "fixed:rung=0");
    assert_int_equal(got.startup_us, 2 * SECOND);
    assert_int_equal(got.stall_count, 0); // what arrives in the microsecond it is needed is in time
    assert_int_equal(got.stall_us, 0);
    assert_int_equal(got.played_us, 12 * SECOND);
    assert_int_equal(got.ended_us, 14 * SECOND);
    assert_int_equal(got.bytes, SEGMENTS * 250000);
    assert_int_equal(got.segment_count, SEGMENTS);
    for (int i = 0; i < SEGMENTS; i++) {
        assert_int_equal(got.segments[i].rung, 0);
        assert_int_equal(got.segments[i].requested_us, i * 2 * SECOND);
        assert_int_equal(got.segments[i].done_us, (i + 1) * 2 * SECOND);
    }
}

static void latency_makes_it_late_by_as_much_each_time(void **state)
{
    (void)state;
    params.link.rtt_us = SECOND / 10;
    play(MBPS(1), "fixed:rung=0");
    assert_int_equal(got.startup_us, 21 * SECOND / 10);
    assert_int_equal(got.stall_count, SEGMENTS - 1);
    assert_int_equal(got.stall_us, (SEGMENTS - 1) * SECOND / 10);
    assert_int_equal(got.ended_us, got.startup_us + got.stall_us + 12 * SECOND);
    assert_int_equal(got.segments[0].stall_us, got.startup_us); // start-up is charged to the first
    for (int i = 1; i < SEGMENTS; i++)
        assert_int_equal(got.segments[i].stall_us, SECOND / 10);
}

// One second of 2 Mbit/s, one of nothing, over and over: a segment comes out of each first half.
static void a_short_trace_begins_again(void **state)
{
    (void)state;
    play("[{\"duration_ms\":1000,\"bandwidth_kbps\":2000,\"latency_ms\":0},"
         "{\"duration_ms\":1000,\"bandwidth_kbps\":0,\"latency_ms\":0}]",
         "fixed:rung=0");
    for (int i = 0; i < SEGMENTS; i++)
        assert_int_equal(got.segments[i].done_us, (2 * i + 1) * SECOND);
    assert_int_equal(got.stall_us, 0);
    assert_int_equal(got.ended_us, 13 * SECOND);
}

static void an_offset_begins_within_the_trace(void **state)
{
    (void)state;
    params.link.offset_us = SECOND;
    play("[{\"duration_ms\":1000,\"bandwidth_kbps\":2000,\"latency_ms\":0},"
         "{\"duration_ms\":1000,\"bandwidth_kbps\":0,\"latency_ms\":0}]",
         "fixed:rung=0");
    assert_int_equal(got.segments[0].done_us, 2 * SECOND);
}

static void a_full_buffer_waits_exactly_until_there_is_room(void **state)
{
    (void)state;
    params.buffer_max_us = 4 * SECOND;
    play(MBPS(8), "fixed:rung=0"); // a quarter of a second each
    assert_int_equal(got.startup_us, SECOND / 4);
    assert_int_equal(got.segments[1].requested_us, SECOND / 4);
    for (int i = 2; i < SEGMENTS; i++) // when 2 s are left of what came before
        assert_int_equal(got.segments[i].requested_us, SECOND / 4 + (i - 1) * 2 * SECOND);
    for (int i = 2; i < SEGMENTS; i++)
        assert_int_equal(got.segments[i].buffer_us, 2 * SECOND);
    assert_int_equal(got.ended_us, SECOND / 4 + 12 * SECOND);
}

static void startup_and_resume_can_ask_for_more(void **state)
{
    (void)state;
    params.startup_us = 4 * SECOND;
    params.resume_us = 4 * SECOND;
    play("[{\"duration_ms\":4000,\"bandwidth_kbps\":1000,\"latency_ms\":0},"
         "{\"duration_ms\":60000,\"bandwidth_kbps\":500,\"latency_ms\":0}]",
         "fixed:rung=0");
    // Two segments by 4 s; then 4 s each: dry at 8 s with one more, dry again at 10 s, and then two
    // more are waited for, by 20 s.
    assert_int_equal(got.startup_us, 4 * SECOND);
    assert_int_equal(got.stall_count, 1);
    assert_int_equal(got.segments[3].stall_us, 6 * SECOND);
    assert_int_equal(got.stall_us, got.segments[3].stall_us);
}

static void a_faster_link_plays_before_the_segment_is_whole_in_tcp(void **state)
{
    (void)state;
    params.link.kind = WEIR_LINK_TCP;
    params.link.rtt_us = 0;
    play(MBPS(1), "fixed:rung=0");
    assert_int_equal(got.startup_us, 240000);
    assert_int_equal(got.stall_count, 0);
    assert_int_equal(got.ended_us, 240000 + 12 * SECOND);
}

// Half as fast as it plays: 0.24 s of media after 0.48 s; the playhead meets what has arrived 0.48
// s later, and 2 s more of media take 4 s.
static void tcp_stalls_when_the_last_byte_is_played(void **state)
{
    (void)state;
    params.link.kind = WEIR_LINK_TCP;
    params.link.rtt_us = 0;
    play("[{\"duration_ms\":60000,\"bandwidth_kbps\":500,\"latency_ms\":0}]", "fixed:rung=0");
    assert_int_equal(got.startup_us, 480000);
    assert_true(got.stall_count > 1);
    // Both within the first segment. The playhead comes ever nearer to what has arrived: a few
    // microseconds of rounding.
    assert_in_range(got.segments[0].stall_us, 480000 + 4 * SECOND - 20, 480000 + 4 * SECOND + 20);
}

static void what_comes_before_the_media_is_fetched_first(void **state)
{
    (void)state;
    content.manifest_bytes = 125000;
    content.video.init_bytes = small_bytes;
    content.video.index_bytes = small_bytes;
    play(MBPS(1), "fixed:rung=1");
    // A second for the manifest; index and init segment, 0.1 s each, share the link.
    assert_int_equal(got.segments[0].requested_us, 12 * SECOND / 10);
    assert_int_equal(got.segments[0].done_us, 52 * SECOND / 10);
    assert_int_equal(got.bytes, 125000 + 2 * 12500 + SEGMENTS * 500000);
}

static void sound_shares_the_link(void **state)
{
    (void)state;
    content.audio = (struct weir_content_track){.rung_count = 1,
                                                .segment_count = SEGMENTS,
                                                .bitrates_bps = sound_bitrates,
                                                .starts_us = starts,
                                                .sizes_bytes = sound_sizes};
    play(MBPS(2), "fixed:rung=0");
    // Half the link each, until the sound is there after 0.25 s; then all of it.
    assert_int_equal(got.segments[0].done_us, SECOND + SECOND / 8);
    assert_int_equal(got.startup_us, SECOND + SECOND / 8);
    assert_int_equal(got.bytes, SEGMENTS * (250000 + 31250));
    assert_int_equal(got.stall_count, 0);
    assert_int_equal(got.played_us, 12 * SECOND);
}

static void a_hopeless_trace_ends_with_an_error(void **state)
{
    (void)state;
    params.max_session_us = 100 * SECOND;
    prepare("[{\"duration_ms\":1000,\"bandwidth_kbps\":0.1,\"latency_ms\":0}]", "fixed:rung=1");
    struct weir_error e = {0};
    assert_int_equal(weir_model_run(model, trace, abr, &params, &got, &e), WEIR_ERR_TIMEOUT);
    assert_non_null(strstr(e.what, "100 s"));
    assert_int_equal(got.startup_us, WEIR_TIME_NONE);
    assert_int_equal(got.ended_us, 100 * SECOND);
    assert_int_equal(got.played_us, 0);
}

// --- what algorithms are told ---

#define CALLS 64
struct probe {
    size_t rung;
    int64_t wait_us, wait_from; // before this segment and later ones
    bool committed;
    int decided, fetched, sampled;
    char order[CALLS]; // d, f, s
    int calls;
    int64_t full_wait_us[CALLS], level_us[CALLS], decided_for[CALLS];
    int64_t oracle_us; // of the last segment decided, at the largest rung
    int64_t elapsed_us, size_known;
    int64_t sizes[2][3];
};
static struct probe probe;

static void note_call(char c)
{
    if (probe.calls < CALLS - 1)
        probe.order[probe.calls++] = c;
}

static int probe_create(void *state, const struct weir_abr_options *options,
                        struct weir_error *error)
{
    (void)state;
    (void)options;
    (void)error;
    return 0;
}

static void probe_reset(void *state)
{
    (void)state;
}

static struct weir_abr_decision probe_decide(void *state, const struct weir_abr_observation *o)
{
    (void)state;
    note_call('d');
    int n = probe.decided++;
    probe.full_wait_us[n] = o->full_wait_us;
    probe.level_us[n] = o->buffer_level_us;
    probe.decided_for[n] = o->segment_index;
    for (int64_t ahead = 0; n == 0 && ahead < 3; ahead++)
        for (size_t j = 0; j < 2; j++)
            probe.sizes[j][ahead] = weir_abr_size(o, ahead, j);
    probe.size_known = weir_abr_size(o, SEGMENTS - o->segment_index, 0);
    assert_non_null(o->oracle_done_us);
    probe.oracle_us = o->oracle_done_us(o->oracle_ctx, o->now_us, 500000);
    bool wait = probe.wait_us > 0 && o->segment_index == probe.wait_from && o->full_wait_us == 0;
    if (!probe.committed && n > 0 && probe.decided_for[n - 1] == o->segment_index)
        wait = false; // asked again
    return (struct weir_abr_decision){.rung = probe.rung,
                                      .wait_us = wait ? probe.wait_us : 0,
                                      .committed = probe.committed,
                                      .reason = "test"};
}

static void probe_fetched(void *state, const struct weir_abr_observation *o,
                          const struct weir_abr_fetched *f)
{
    (void)state;
    note_call('f');
    probe.fetched++;
    probe.elapsed_us = f->elapsed_us;
    assert_int_equal(f->bytes, probe.rung ? 500000 : 250000);
    assert_true(o->buffer_level_us >= 2 * SECOND); // it counts
}

static void probe_sampled(void *state, const struct weir_abr_observation *o,
                          const struct weir_throughput_sample *s)
{
    (void)state;
    note_call('s');
    probe.sampled++;
    assert_int_equal(o->last_sample.bytes, s->bytes);
    assert_int_equal(weir_abr_size(o, 0, 0), -1);
}

static const struct weir_abr_ops probe_ops = {.name = "probe",
                                              .summary = "",
                                              .params_help = "",
                                              .create = probe_create,
                                              .reset = probe_reset,
                                              .decide = probe_decide,
                                              .fetched = probe_fetched,
                                              .sampled = probe_sampled};

static void use_probe(void)
{
    struct weir_error e = {0};
    probe = (struct probe){0};
    assert_int_equal(weir_abr_create_from(&probe_ops, "probe", 0, &abr, &e), 0);
}

static void an_algorithm_hears_in_order(void **state)
{
    (void)state;
    use_probe();
    params.link.rtt_us = SECOND / 10;
    play(MBPS(8), NULL);
    assert_string_equal(probe.order, "dfsdfsdfsdfsdfsdfs");
    assert_int_equal(probe.elapsed_us, SECOND / 10 + SECOND / 4); // the latency counts
}

static void sizes_and_the_future_are_as_they_are(void **state)
{
    (void)state;
    use_probe();
    probe.rung = 1;
    params.link.rtt_us = SECOND / 10;
    play("[{\"duration_ms\":300,\"bandwidth_kbps\":8000,\"latency_ms\":0},"
         "{\"duration_ms\":700,\"bandwidth_kbps\":1000,\"latency_ms\":0}]",
         NULL);
    for (int ahead = 0; ahead < 3; ahead++) {
        assert_int_equal(probe.sizes[0][ahead], 250000);
        assert_int_equal(probe.sizes[1][ahead], 500000);
    }
    assert_int_equal(probe.size_known, -1); // beyond the end
    assert_int_equal(got.segments[SEGMENTS - 1].bytes, 500000);
    assert_int_equal(probe.oracle_us, got.segments[SEGMENTS - 1].done_us);
}

static void waits_for_room_are_told(void **state)
{
    (void)state;
    use_probe();
    params.buffer_max_us = 4 * SECOND;
    play(MBPS(8), NULL);
    assert_int_equal(probe.decided, SEGMENTS);
    assert_int_equal(probe.full_wait_us[1], 0);
    for (int i = 2; i < SEGMENTS; i++) {
        assert_int_equal(probe.full_wait_us[i], 7 * SECOND / 4);
        assert_int_equal(probe.level_us[i], 2 * SECOND);
    }
}

static void a_wait_ends_by_asking_again(void **state)
{
    (void)state;
    use_probe();
    probe.wait_us = SECOND / 2;
    probe.wait_from = 3;
    play(MBPS(8), NULL);
    assert_int_equal(probe.decided, SEGMENTS + 1);
    assert_int_equal(probe.decided_for[3], 3);
    assert_int_equal(probe.decided_for[4], 3);
    assert_int_equal(probe.level_us[3] - probe.level_us[4], SECOND / 2);
    assert_int_equal(got.segments[3].requested_us, got.segments[2].done_us + SECOND / 2);
}

static void a_committed_wait_ends_with_the_request(void **state)
{
    (void)state;
    use_probe();
    probe.wait_us = SECOND / 2;
    probe.wait_from = 3;
    probe.committed = true;
    play(MBPS(8), NULL);
    assert_int_equal(probe.decided, SEGMENTS);
    assert_int_equal(got.segments[3].requested_us, got.segments[2].done_us + SECOND / 2);
}

// --- nothing but the arguments ---

static uint64_t hash(const struct weir_summary *s)
{
    uint64_t h = 14695981039346656037u;
    const int64_t members[] = {s->startup_us, s->played_us, s->stall_us,     s->stall_count,
                               s->ended_us,   s->bytes,     s->wasted_bytes, s->abandoned};
    for (size_t i = 0; i < 8; i++)
        h = (h ^ (uint64_t)members[i]) * 1099511628211u;
    for (size_t i = 0; i < s->segment_count; i++) {
        const struct weir_summary_segment *g = &s->segments[i];
        const int64_t of[] = {g->rung,           g->bytes,   g->buffer_us, g->requested_us,
                              g->throughput_bps, g->done_us, g->stall_us};
        for (size_t k = 0; k < 7; k++)
            h = (h ^ (uint64_t)of[k]) * 1099511628211u;
    }
    return h;
}

static const char uneven[] = "[{\"duration_ms\":1300,\"bandwidth_kbps\":2700,\"latency_ms\":40},"
                             "{\"duration_ms\":2100,\"bandwidth_kbps\":350,\"latency_ms\":90},"
                             "{\"duration_ms\":900,\"bandwidth_kbps\":5100,\"latency_ms\":20}]";

static uint64_t run_of(struct weir_model *m, const struct weir_trace *t, enum weir_link_kind kind)
{
    struct weir_error e = {0};
    params.link.kind = kind;
    assert_int_equal(weir_model_run(m, t, abr, &params, &got, &e), 0);
    return hash(&got);
}

static void a_reset_model_is_a_fresh_one(void **state)
{
    (void)state;
    static const char *const specs[] = {"bola", "throughput", "bolae", "robustmpc", "random"};
    for (size_t i = 0; i < sizeof(specs) / sizeof(specs[0]); i++) {
        struct weir_error e = {0};
        struct weir_model *other;
        prepare(uneven, specs[i]);
        struct weir_trace *steady = parse(MBPS(3));
        assert_int_equal(weir_model_create(&content, &other, &e), 0);
        for (int kind = WEIR_LINK_FLUID; kind <= WEIR_LINK_TCP; kind++) {
            uint64_t a = run_of(model, trace, (enum weir_link_kind)kind);
            uint64_t b = run_of(model, steady, (enum weir_link_kind)kind);
            assert_int_equal(run_of(model, trace, (enum weir_link_kind)kind), a);
            assert_int_equal(run_of(other, trace, (enum weir_link_kind)kind), a);
            assert_int_equal(run_of(model, steady, (enum weir_link_kind)kind), b);
            assert_int_not_equal(a, b);
        }
        weir_trace_destroy(&steady);
        weir_model_destroy(&other);
        (void)teardown(NULL);
    }
}

// The same with events as without.
static int events, ends;
static char first_event[200];

static void on_event(void *ctx, const char *json)
{
    (void)ctx;
    if (events++ == 0)
        (void)snprintf(first_event, sizeof(first_event), "%s", json);
    ends += strstr(json, "\"event\":\"end\"") != NULL;
}

static void events_change_nothing(void **state)
{
    (void)state;
    events = ends = 0;
    prepare(uneven, "bola");
    uint64_t without = run_of(model, trace, WEIR_LINK_FLUID);
    params.event = on_event;
    assert_int_equal(run_of(model, trace, WEIR_LINK_FLUID), without);
    assert_non_null(strstr(first_event, "\"event\":\"open\""));
    assert_non_null(strstr(first_event, "weir.event/1"));
    assert_int_equal(ends, 1);
    assert_true(events > 4 * SEGMENTS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        CASE(a_rung_as_fast_as_it_plays_never_stalls),
        CASE(latency_makes_it_late_by_as_much_each_time),
        CASE(a_short_trace_begins_again),
        CASE(an_offset_begins_within_the_trace),
        CASE(a_full_buffer_waits_exactly_until_there_is_room),
        CASE(startup_and_resume_can_ask_for_more),
        CASE(a_faster_link_plays_before_the_segment_is_whole_in_tcp),
        CASE(tcp_stalls_when_the_last_byte_is_played),
        CASE(what_comes_before_the_media_is_fetched_first),
        CASE(sound_shares_the_link),
        CASE(a_hopeless_trace_ends_with_an_error),
        CASE(an_algorithm_hears_in_order),
        CASE(sizes_and_the_future_are_as_they_are),
        CASE(waits_for_room_are_told),
        CASE(a_wait_ends_by_asking_again),
        CASE(a_committed_wait_ends_with_the_request),
        CASE(a_reset_model_is_a_fresh_one),
        CASE(events_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
