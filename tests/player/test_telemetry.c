// tests/player/test_telemetry.c — the session's figures against values worked out by hand, and the
// event stream's lines. A ladder of 1 and 4 Mbit/s.
#include "tests/player/player_test.h"

#include <jansson.h>
#include <math.h>

#include "core/clock.h"
#include "player/telemetry.h"

#define T0_US INT64_C(1000000)
#define LN4   1.3862943611198906

static struct weir_representation low = {.id = "low", .bandwidth_bps = 1000000},
                                  high = {.id = "high", .bandwidth_bps = 4000000},
                                  sound = {.id = "sound", .bandwidth_bps = 64000};
static struct weir_representation *const ladder[] = {&low, &high}, *const sounds[] = {&sound};
static const struct weir_engine_period period = {
    .tracks = {[WEIR_ENGINE_VIDEO] = {ladder, 2}, [WEIR_ENGINE_AUDIO] = {sounds, 1}}};
static const struct weir_selection selection = {
    .content = {&period, 1}, .has = {[WEIR_ENGINE_VIDEO] = true, [WEIR_ENGINE_AUDIO] = true}};

struct rig {
    struct weir_telemetry *t;
    json_t *events; // array of what the sink was given
    struct weir_presentation presentation;
};

static void keep_event(void *ctx, const char *json)
{
    struct rig *r = ctx;
    json_t *o = json_loads(json, 0, NULL);
    assert_non_null(o);
    assert_null(strchr(json, '\n'));
    assert_true(json_is_number(json_object_get(o, "t")));
    (void)json_array_append_new(r->events, o);
}

static void open_rig(struct rig *r, bool with_sink)
{
    *r = (struct rig){.events = json_array()};
    r->presentation =
        (struct weir_presentation){.duration_us = 8 * WEIR_SECOND_US, .period_count = 1};
    struct weir_telemetry_params p = {.event = with_sink ? keep_event : NULL,
                                      .ctx = r,
                                      .t0_us = T0_US,
                                      .host = "live",
                                      .abr = "bola",
                                      .content = "http://user:secret@example.com/a.mpd",
                                      .seed = 7};
    assert_int_equal(weir_telemetry_create(&p, &r->t), 0);
    weir_telemetry_open(r->t, T0_US);
    weir_telemetry_presentation(r->t, T0_US, &r->presentation, &selection);
}

static void close_rig(struct rig *r)
{
    weir_telemetry_destroy(&r->t);
    json_decref(r->events);
}

static void decide(struct rig *r, enum weir_engine_track track, uint64_t serial, size_t rung)
{
    struct weir_report report = {.kind = WEIR_REPORT_DECISION,
                                 .track = track,
                                 .segment_serial = serial,
                                 .rung = rung,
                                 .bitrate_bps = period.tracks[track].rungs[rung]->bandwidth_bps};
    weir_telemetry_report(r->t, T0_US, &report);
}

static void tell(struct rig *r, int64_t at_us, enum weir_report_kind kind)
{
    struct weir_report report = {.kind = kind, .bytes = 1000};
    weir_telemetry_report(r->t, T0_US + at_us, &report);
}

static json_t *summary(struct rig *r)
{
    struct weir_telemetry_figures f = {.played_us = 8 * WEIR_SECOND_US,
                                       .now_us = T0_US + 12 * WEIR_SECOND_US,
                                       .segment_hits = 5,
                                       .high_water_bytes = 123456,
                                       .copied_net = 99,
                                       .delivered = 200,
                                       .dropped = 3};
    json_t *s = weir_telemetry_summary(r->t, &f);
    assert_non_null(s);
    return s;
}

static void assert_number(json_t *o, const char *member, double value)
{
    json_t *v = json_object_get(o, member);
    assert_true(json_is_number(v));
    if (fabs(json_number_value(v) - value) > 1e-9)
        fail_msg("%s is %.12g, not %.12g", member, json_number_value(v), value);
}

// Rungs 0 1 0 1; the third was first decided as 1 and abandoned. Start-up 0.5 s; stalls of 1 s and,
// ended by a seek, of 0.25 s. Played 8 s.
static void play_a_session(struct rig *r)
{
    weir_telemetry_started(r->t, T0_US + 500000);
    decide(r, WEIR_ENGINE_VIDEO, 0, 0);
    decide(r, WEIR_ENGINE_AUDIO, 0, 0);
    decide(r, WEIR_ENGINE_VIDEO, 1, 1);
    decide(r, WEIR_ENGINE_VIDEO, 2, 1);
    tell(r, 1500000, WEIR_REPORT_ABANDON);
    decide(r, WEIR_ENGINE_VIDEO, 2, 0);
    decide(r, WEIR_ENGINE_VIDEO, 3, 1);
    tell(r, 2000000, WEIR_REPORT_STALL);
    tell(r, 3000000, WEIR_REPORT_RESUME);
    tell(r, 5000000, WEIR_REPORT_STALL);
    tell(r, 5250000, WEIR_REPORT_SEEK);
}

static void figures_are_those_worked_out_by_hand(void **state)
{
    struct rig r;
    (void)state;
    open_rig(&r, false);
    play_a_session(&r);
    json_t *s = summary(&r), *qoe = json_object_get(s, "qoe");
    assert_number(s, "startup_delay", 0.5);
    assert_number(s, "played", 8);
    assert_number(s, "stall_count", 2);
    assert_number(s, "stall_time", 1.25);
    assert_number(s, "rebuffer_ratio", 1.25 / 9.25);
    assert_number(s, "mean_bitrate", 2.5e6);
    assert_number(s, "switch_count", 3);
    assert_number(s, "switch_bps", 3e6);
    assert_number(s, "abandoned", 1);
    assert_number(s, "wasted_bytes", 1000);
    // q of 1 4 1 4 Mbit/s: sum 10, changes 9; mu = 4 per second of 0.5 + 1.25 s.
    assert_number(qoe, "lin", (10.0 - 4.0 * 1.75 - 9.0) / 4.0);
    assert_number(qoe, "log", (2 * LN4 - LN4 * 1.75 - 3 * LN4) / 4.0);
    assert_true(json_is_null(json_object_get(qoe, "vmaf")));
    char *decisions = json_dumps(json_object_get(s, "decisions"), JSON_COMPACT);
    assert_string_equal(decisions, "[0,1,0,1]");
    free(decisions);
    json_t *pool = json_object_get(s, "pool"), *frames = json_object_get(s, "frames");
    assert_number(pool, "high_water_bytes", 123456);
    assert_number(json_object_get(pool, "copied_bytes"), "net", 99);
    assert_number(frames, "delivered", 200);
    assert_number(frames, "dropped", 3);
    assert_string_equal(json_string_value(json_object_get(s, "schema")), "weir.session/1");
    json_decref(s);
    close_rig(&r);
}

static void a_session_that_never_began_has_no_figures(void **state)
{
    struct rig r;
    (void)state;
    open_rig(&r, false);
    json_t *s = summary(&r);
    assert_true(json_is_null(json_object_get(s, "startup_delay")));
    assert_number(s, "stall_count", 0);
    assert_number(s, "mean_bitrate", 0);
    assert_number(s, "switch_bps", 0);
    assert_int_equal(json_array_size(json_object_get(s, "decisions")), 0);
    json_decref(s);
    close_rig(&r);
}

static void one_segment_is_no_switch(void **state)
{
    struct rig r;
    (void)state;
    open_rig(&r, false);
    weir_telemetry_started(r.t, T0_US);
    decide(&r, WEIR_ENGINE_VIDEO, 0, 1);
    json_t *s = summary(&r);
    assert_number(s, "switch_count", 0);
    assert_number(s, "switch_bps", 0);
    assert_number(json_object_get(s, "qoe"), "lin", 4.0);
    assert_number(json_object_get(s, "qoe"), "log", LN4);
    json_decref(s);
    close_rig(&r);
}

static void a_stall_that_goes_on_counts_so_far(void **state)
{
    struct rig r;
    (void)state;
    open_rig(&r, false);
    tell(&r, 2000000, WEIR_REPORT_STALL);
    assert_int_equal(weir_telemetry_counts(r.t, T0_US + 5000000).stall_us, 3000000);
    weir_telemetry_end(r.t, T0_US + 6000000, "stop");
    json_t *s = summary(&r);
    assert_number(s, "stall_time", 4);
    json_decref(s);
    close_rig(&r);
}

static void decisions_in_any_order_stay_in_order_of_playback(void **state)
{
    struct rig r;
    (void)state;
    open_rig(&r, false);
    decide(&r, WEIR_ENGINE_VIDEO, 5, 1);
    decide(&r, WEIR_ENGINE_VIDEO, 3, 0);
    decide(&r, WEIR_ENGINE_VIDEO, 4, 1);
    decide(&r, WEIR_ENGINE_VIDEO, 3, 1);
    decide(&r, WEIR_ENGINE_VIDEO, 5, 0);
    json_t *s = summary(&r);
    char *decisions = json_dumps(json_object_get(s, "decisions"), JSON_COMPACT);
    assert_string_equal(decisions, "[1,1,0]");
    free(decisions);
    json_decref(s);
    close_rig(&r);
}

// More than the list's first room.
static void a_day_of_segments_is_kept(void **state)
{
    struct rig r;
    (void)state;
    open_rig(&r, false);
    for (uint64_t i = 0; i < 43200; i++)
        decide(&r, WEIR_ENGINE_VIDEO, i, i % 2);
    json_t *s = summary(&r);
    assert_int_equal(json_array_size(json_object_get(s, "decisions")), 43200);
    assert_number(s, "switch_count", 43199);
    json_decref(s);
    close_rig(&r);
}

static void transfers_are_summed_and_failures_counted(void **state)
{
    struct rig r;
    struct weir_error error = {0};
    (void)state;
    open_rig(&r, true);
    weir_error_set(&error, WEIR_ERR_NETWORK, "x", "reset");
    struct weir_telemetry_response good = {.id = 1,
                                           .status = 200,
                                           .bytes = 1000,
                                           .t_request_us = T0_US,
                                           .t_first_byte_us = T0_US + 20000,
                                           .t_last_us = T0_US + 50000},
                                   failed = {.id = 2,
                                             .err = WEIR_ERR_NETWORK,
                                             .bytes = 10,
                                             .error = &error},
                                   cancelled = {.id = 3, .err = WEIR_ERR_CANCELLED, .bytes = 5};
    weir_telemetry_response(r.t, T0_US + 50000, &good);
    weir_telemetry_response(r.t, T0_US + 60000, &failed);
    weir_telemetry_response(r.t, T0_US + 70000, &cancelled);
    json_t *s = summary(&r);
    assert_number(s, "bytes", 1015);
    assert_number(s, "errors", 1);
    json_t *told = json_array_get(r.events, json_array_size(r.events) - 3);
    assert_number(told, "ttfb", 0.02);
    assert_number(told, "duration", 0.05);
    assert_number(told, "t", 0.05);
    assert_null(json_object_get(told, "error"));
    told = json_array_get(r.events, json_array_size(r.events) - 2);
    assert_string_equal(json_string_value(json_object_get(told, "error")), "reset");
    json_decref(s);
    close_rig(&r);
}

static void events_tell_what_happened_without_secrets(void **state)
{
    static const char *const names[] = {"open",  "presentation", "decision",
                                        "stall", "resume",       "end"};
    struct rig r;
    (void)state;
    open_rig(&r, true);
    decide(&r, WEIR_ENGINE_VIDEO, 0, 1);
    tell(&r, 2000000, WEIR_REPORT_STALL);
    tell(&r, 3000000, WEIR_REPORT_RESUME);
    weir_telemetry_end(r.t, T0_US + 4000000, "end");
    assert_int_equal(json_array_size(r.events), sizeof(names) / sizeof(names[0]));
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_string_equal(
            json_string_value(json_object_get(json_array_get(r.events, i), "event")), names[i]);
    const char *url = json_string_value(json_object_get(json_array_get(r.events, 0), "url"));
    assert_null(strstr(url, "secret"));
    assert_number(json_array_get(r.events, 3), "t", 2);
    assert_number(json_array_get(r.events, 2), "rung", 1);
    close_rig(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_are_those_worked_out_by_hand),
        cmocka_unit_test(a_session_that_never_began_has_no_figures),
        cmocka_unit_test(one_segment_is_no_switch),
        cmocka_unit_test(a_stall_that_goes_on_counts_so_far),
        cmocka_unit_test(decisions_in_any_order_stay_in_order_of_playback),
        cmocka_unit_test(a_day_of_segments_is_kept),
        cmocka_unit_test(transfers_are_summed_and_failures_counted),
        cmocka_unit_test(events_tell_what_happened_without_secrets),
    };
    return cmocka_run_group_tests_name("telemetry", tests, NULL, NULL);
}
