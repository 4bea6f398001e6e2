// tests/sim/test_same_engine.c — the engine that simulates is the one in `weir play`: the event log
// of a model session, written as JSON lines, drives a fresh engine inside the live session's own
// code, and every action is the same; and a log with one time changed by a millisecond is found out
// at that line.
#include "cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "sim/model.h"
#include "tests/sim/live_shell.h"

#define SEGMENTS  24
#define LINES_MAX 4000
#define BUFFER_US (12 * WEIR_SECOND_US)
#define SEED      5

// --- the content, as a manifest and as tables made from it ---

static char manifest[64 * 1024];

// Sizes vary, so that a wrong one would be seen.
static long size_of(int segment, int rung)
{
    static const long base[] = {60000, 150000, 380000, 900000};
    return base[rung] + (segment * 7919 + rung * 104729) % (base[rung] / 3);
}

static void write_manifest(void)
{
    size_t n = 0;
#define PUT(...) n += (size_t)snprintf(manifest + n, sizeof(manifest) - n, __VA_ARGS__)
    PUT("<?xml version=\"1.0\"?>\n<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" type=\"static\" "
        "profiles=\"urn:mpeg:dash:profile:isoff-main:2011\" minBufferTime=\"PT2S\" "
        "mediaPresentationDuration=\"PT%dS\"><Period><AdaptationSet mimeType=\"video/mp4\">\n",
        SEGMENTS * 2);
    for (int rung = 0; rung < 4; rung++) {
        static const long bps[] = {300000, 700000, 1800000, 4200000};
        PUT("<Representation id=\"v%d\" codecs=\"avc1.4d401f\" width=\"640\" height=\"360\" "
            "bandwidth=\"%ld\"><BaseURL>v%d.mp4</BaseURL>"
            "<SegmentList timescale=\"1000\" duration=\"2000\">\n",
            rung, bps[rung], rung);
        long at = 0;
        for (int i = 0; i < SEGMENTS; i++) {
            long end = at + size_of(i, rung);
            PUT("<SegmentURL mediaRange=\"%ld-%ld\"/>", at, end - 1);
            at = end;
        }
        PUT("</SegmentList></Representation>\n");
    }
    PUT("</AdaptationSet></Period></MPD>\n");
    assert_true(n < sizeof(manifest) - 1);
}

static struct weir_content *load_content(void)
{
    char path[] = "/tmp/weir-same-engine-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, manifest, strlen(manifest)), (ssize_t)strlen(manifest));
    assert_int_equal(close(fd), 0);
    struct weir_error e = {0};
    struct weir_content *c = NULL;
    int err = weir_content_load(path, &c, &e);
    (void)unlink(path);
    if (err)
        fail_msg("%s: %s", e.where, e.what);
    assert_int_equal(c->video.sizes_bytes[5 * 4 + 2], size_of(5, 2));
    return c;
}

// --- the log: a JSON line a step ---

static json_t *fetch_json(const struct weir_fetch *f)
{
    return json_pack("[s,I,i,i,I,I,I,I,I,i,b,I,I,I,I]", "fetch", (json_int_t)f->id, f->kind,
                     f->track, (json_int_t)f->period, (json_int_t)f->rung, (json_int_t)f->index,
                     (json_int_t)f->segment_serial, (json_int_t)f->base, f->attempt, f->resume,
                     (json_int_t)f->info.start_us, (json_int_t)f->info.duration_us,
                     (json_int_t)f->info.size_bytes, (json_int_t)f->expected_bytes);
}

static json_t *report_json(const struct weir_report *r)
{
    return json_pack("[s,i,i,I,I,I,I,I,I,I,I,I,I,i,i,s]", "report", r->kind, r->track,
                     (json_int_t)r->id, (json_int_t)r->segment_serial, (json_int_t)r->rung,
                     (json_int_t)r->from, (json_int_t)r->media_us, (json_int_t)r->duration_us,
                     (json_int_t)r->bytes, (json_int_t)r->buffer_us, (json_int_t)r->throughput_bps,
                     (json_int_t)r->bitrate_bps, r->err, r->attempt, r->reason ? r->reason : "");
}

static json_t *action_json(const struct weir_action *a)
{
    switch (a->kind) {
    case WEIR_ACTION_FETCH:
        return fetch_json(&a->fetch);
    case WEIR_ACTION_REPORT:
        return report_json(&a->report);
    case WEIR_ACTION_CANCEL:
        return json_pack("[s,I]", "cancel", (json_int_t)a->id);
    case WEIR_ACTION_DISCARD:
        return json_pack("[s,i,I]", "discard", a->discard.track,
                         (json_int_t)a->discard.segment_serial);
    case WEIR_ACTION_START:
        return json_pack("[s,I]", "start", (json_int_t)a->media_us);
    case WEIR_ACTION_TIMER:
        return json_pack("[s,I]", "timer", (json_int_t)a->at_us);
    case WEIR_ACTION_EOS:
        return json_pack("[s,i]", "eos", a->discard.track);
    case WEIR_ACTION_END:
        return json_pack("[s,i]", "end", a->end.err);
    default:
        return json_pack("[s,i]", "other", (int)a->kind);
    }
}

static json_t *actions_json(const struct weir_actions *actions)
{
    json_t *list = json_array();
    for (size_t i = 0; i < actions->count; i++)
        assert_int_equal(json_array_append_new(list, action_json(&actions->items[i])), 0);
    return list;
}

// Where the engine stands, so that what has no action yet shows as well.
static json_t *state_json(const struct weir_engine *engine, int64_t now_us)
{
    struct weir_engine_status s = weir_engine_status(engine, now_us);
    return json_pack("[i,I,I,I,I]", s.state, (json_int_t)s.playhead_us,
                     (json_int_t)s.buffer_level_us[0], (json_int_t)s.throughput_bps,
                     (json_int_t)s.latency_us);
}

static bool has_transfer(enum weir_engine_event_kind kind)
{
    return kind == WEIR_EVENT_PROGRESS || kind == WEIR_EVENT_DONE;
}

static json_t *event_json(const struct weir_engine_event *e)
{
    if (!has_transfer(e->kind))
        return json_pack("{s:i}", "kind", e->kind);
    return json_pack(
        "{s:i,s:I,s:I,s:I,s:I,s:I}", "kind", e->kind, "id", (json_int_t)e->transfer.id, "bytes",
        (json_int_t)e->transfer.bytes, "request", (json_int_t)e->transfer.t_request_us, "first",
        (json_int_t)e->transfer.t_first_byte_us, "last", (json_int_t)e->transfer.t_last_us);
}

static struct weir_engine_event event_from(const json_t *o)
{
    struct weir_engine_event e = {0};
    e.kind = (enum weir_engine_event_kind)json_integer_value(json_object_get(o, "kind"));
    if (!has_transfer(e.kind))
        return e;
    e.transfer.id = (uint64_t)json_integer_value(json_object_get(o, "id"));
    e.transfer.bytes = json_integer_value(json_object_get(o, "bytes"));
    e.transfer.t_request_us = json_integer_value(json_object_get(o, "request"));
    e.transfer.t_first_byte_us = json_integer_value(json_object_get(o, "first"));
    e.transfer.t_last_us = json_integer_value(json_object_get(o, "last"));
    return e;
}

struct log {
    char *lines[LINES_MAX];
    size_t count;
};

static void on_step(void *ctx, const struct weir_engine *engine, int64_t now_us,
                    const struct weir_engine_event *event, const struct weir_actions *actions)
{
    struct log *log = ctx;
    json_t *line =
        json_pack("{s:I,s:o,s:o,s:o}", "t", (json_int_t)now_us, "event", event_json(event),
                  "actions", actions_json(actions), "state", state_json(engine, now_us));
    assert_non_null(line);
    assert_true(log->count < LINES_MAX);
    log->lines[log->count++] = json_dumps(line, JSON_COMPACT);
    json_decref(line);
}

static void clear_log(struct log *log)
{
    for (size_t i = 0; i < log->count; i++)
        free(log->lines[i]);
    log->count = 0;
}

// Up and down, so that there are switches, stalls and transfers given up.
static const char trace_text[] =
    "[{\"duration_ms\":9000,\"bandwidth_kbps\":3500,\"latency_ms\":60},"
    "{\"duration_ms\":6000,\"bandwidth_kbps\":90,\"latency_ms\":60},"
    "{\"duration_ms\":5000,\"bandwidth_kbps\":700,\"latency_ms\":110},"
    "{\"duration_ms\":8000,\"bandwidth_kbps\":6000,\"latency_ms\":30}]";

static struct weir_summary record(const char *abr_spec, struct log *log)
{
    struct weir_error e = {0};
    struct weir_trace *trace;
    struct weir_content *content = load_content();
    struct weir_abr *abr;
    struct weir_model *model;
    struct weir_summary got;
    assert_int_equal(weir_trace_parse(trace_text, strlen(trace_text), "test", &trace, &e), 0);
    assert_int_equal(weir_abr_create(abr_spec, SEED, &abr, &e), 0);
    assert_int_equal(weir_model_create(content, &model, &e), 0);
    struct weir_model_params params = weir_model_params_default();
    params.buffer_max_us = BUFFER_US;
    params.seed = SEED;
    params.step = on_step;
    params.ctx = log;
    assert_int_equal(weir_model_run(model, trace, abr, &params, &got, &e), 0);
    got.segments = NULL; // the model's
    weir_model_destroy(&model);
    weir_abr_destroy(&abr);
    weir_trace_destroy(&trace);
    weir_content_destroy(&content);
    return got;
}

// --- the replay ---

// The last of the media ends playing at this very microsecond: nothing else tells the end's time.
static bool is_time_to_drain(const struct weir_engine *engine, int64_t now_us)
{
    struct weir_engine_status before = weir_engine_status(engine, now_us - 1);
    struct weir_engine_status now = weir_engine_status(engine, now_us);
    return before.playhead_us < now.duration_us && now.playhead_us == now.duration_us;
}

static bool same_line(struct live_shell *s, const char *text)
{
    json_t *line = json_loads(text, 0, NULL);
    assert_non_null(line);
    int64_t now_us = json_integer_value(json_object_get(line, "t"));
    struct weir_engine_event event = event_from(json_object_get(line, "event"));
    bool timely =
        event.kind != WEIR_EVENT_DRAINED || is_time_to_drain(live_shell_engine(s), now_us);
    live_shell_tell(s, now_us, &event);
    json_t *actions = actions_json(live_shell_actions(s));
    json_t *state = state_json(live_shell_engine(s), now_us);
    bool same = timely && json_equal(actions, json_object_get(line, "actions")) &&
                json_equal(state, json_object_get(line, "state"));
    json_decref(actions);
    json_decref(state);
    json_decref(line);
    return same;
}

// The first line at which the live session's engine does otherwise; the log's length: at none.
static size_t replay(const char *abr_spec, const struct log *log)
{
    struct live_shell_params params = {.manifest = manifest,
                                       .abr = abr_spec,
                                       .buffer_max_us = BUFFER_US,
                                       .abandon = true,
                                       .seed = SEED};
    struct live_shell *s = live_shell_create(&params);
    size_t at = 0;
    while (at < log->count && same_line(s, log->lines[at]))
        at++;
    if (at == log->count)
        assert_int_equal(live_shell_transfers(s), 0);
    live_shell_destroy(s);
    return at;
}

// Algorithms that ask for no waits: a player refuses those while little is buffered
// (wait_floor_us).
static const char *const specs[] = {"throughput", "bba0", "robustmpc", "fixed:rung=3", "random"};
#define SPECS (sizeof(specs) / sizeof(specs[0]))

static void the_live_session_does_the_same(void **state)
{
    (void)state;
    int64_t stalls = 0, abandoned = 0;
    for (size_t i = 0; i < SPECS; i++) {
        struct log log = {0};
        struct weir_summary got = record(specs[i], &log);
        stalls += got.stall_count;
        abandoned += got.abandoned;
        assert_int_equal(got.segment_count, SEGMENTS);
        size_t at = replay(specs[i], &log);
        if (at < log.count)
            fail_msg("%s: line %zu of %zu differs: %s", specs[i], at + 1, log.count, log.lines[at]);
        clear_log(&log);
    }
    assert_true(stalls > 0); // or the log would say little
    assert_true(abandoned > 0);
}

// The line with its time moved by a millisecond.
static char *moved(const char *text)
{
    json_t *line = json_loads(text, 0, NULL);
    json_t *t = json_object_get(line, "t");
    assert_int_equal(json_integer_set(t, json_integer_value(t) + 1000), 0);
    char *out = json_dumps(line, JSON_COMPACT);
    json_decref(line);
    return out;
}

static void a_changed_time_is_found_at_its_line(void **state)
{
    (void)state;
    struct log log = {0};
    (void)record("throughput", &log);
    assert_true(log.count > SEGMENTS);
    // Not the first: an engine has no earlier time to compare its first with.
    for (size_t i = 1; i < log.count; i++) {
        char *line = log.lines[i];
        log.lines[i] = moved(line);
        assert_int_equal(replay("throughput", &log), i);
        free(log.lines[i]);
        log.lines[i] = line;
    }
    clear_log(&log);
}

static void another_algorithm_is_found_too(void **state)
{
    (void)state;
    struct log log = {0};
    (void)record("throughput", &log);
    assert_true(replay("fixed:rung=3", &log) < log.count);
    clear_log(&log);
}

static int setup(void **state)
{
    (void)state;
    write_manifest();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_live_session_does_the_same),
        cmocka_unit_test(a_changed_time_is_found_at_its_line),
        cmocka_unit_test(another_algorithm_is_found_too),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
