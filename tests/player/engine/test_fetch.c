// tests/player/engine/test_fetch.c — the steady state: what is fetched when, the bounds on buffer
// and memory, tracks in step, periods, the end, the algorithm's waits, abandonment and held rungs.
#include "tests/player/engine/rig.h"

#include <string.h>

static const struct rig_spec video_only = {.no_audio = true};

// Plays on, with each transfer served as it is asked for, to `until_us`.
static void play_until(struct rig *r, int64_t until_us)
{
    for (int guard = 0; guard < 1000; guard++) {
        if (r->open_count)
            rig_serve(r, r->now_us + 1000);
        else if (r->timer_us <= until_us)
            rig_event(r, r->timer_us, WEIR_EVENT_TIMER);
        else
            return;
    }
    fail_msg("did not settle");
}

// 10 s of buffer and 2 s segments: five segments at once, then one whenever the playhead has passed
// 2 s more.
static void keeps_to_the_buffer_maximum(void **state)
{
    (void)state;
    struct rig r;
    rig_load(&r, &video_only, "fixed");
    r.params.buffer_max_us = 10 * SECOND;
    rig_make(&r);
    rig_open(&r);
    for (int i = 0; i < 5; i++)
        rig_serve(&r, 0);
    assert_int_equal(r.open_count, 0);
    assert_int_equal(weir_engine_status(r.engine, 0).buffer_level_us[WEIR_ENGINE_VIDEO],
                     10 * SECOND);
    for (int i = 1; i <= 3; i++) {
        assert_int_equal(r.timer_us, i * 2 * SECOND);
        rig_event(&r, r.timer_us, WEIR_EVENT_TIMER);
        assert_int_equal(rig_fetch(&r, WEIR_FETCH_MEDIA, WEIR_ENGINE_VIDEO)->index, 4 + i);
        rig_serve(&r, r.now_us);
        assert_int_equal(r.open_count, 0);
    }
    rig_clear(&r);
}

// A timer that comes early finds nothing to do, and is set again.
static void an_early_timer_does_no_harm(void **state)
{
    (void)state;
    struct rig r;
    rig_load(&r, &video_only, "fixed");
    r.params.buffer_max_us = 4 * SECOND;
    rig_make(&r);
    rig_open(&r);
    rig_serve(&r, 0);
    rig_serve(&r, 0);
    int64_t due_us = r.timer_us;
    rig_event(&r, due_us - 500000, WEIR_EVENT_TIMER);
    assert_int_equal(r.open_count, 0);
    assert_int_equal(r.timer_us, due_us);
    rig_clear(&r);
}

static void a_segment_longer_than_the_buffer_is_fetched_when_dry(void **state)
{
    (void)state;
    struct rig r;
    rig_load(&r, &(struct rig_spec){.no_audio = true, .segment_ms = 8000}, "fixed");
    r.params.buffer_max_us = 3 * SECOND;
    r.params.resume_us = 5 * SECOND;
    rig_make(&r);
    rig_open(&r);
    rig_serve(&r, 0);
    assert_int_equal(r.open_count, 0);
    rig_event(&r, 8 * SECOND, WEIR_EVENT_TIMER);
    assert_non_null(rig_action(&r, WEIR_ACTION_STALL));
    rig_serve(&r, 9 * SECOND);
    assert_non_null(rig_action(&r, WEIR_ACTION_RESUME));
    rig_clear(&r);
}

// 500 kbit/s for 2 s are 125 000 bytes: three of them fit into 400 000.
static void keeps_to_the_memory_limit(void **state)
{
    (void)state;
    struct rig r;
    rig_load(&r, &video_only, "fixed");
    r.params.memory_limit_bytes = 400000;
    rig_make(&r);
    rig_open(&r);
    for (int i = 0; i < 3; i++)
        rig_serve(&r, 0);
    assert_int_equal(r.open_count, 0);
    assert_int_equal(weir_engine_status(r.engine, 0).buffered_bytes, 375000);
    assert_int_equal(r.timer_us, 2 * SECOND); // when the first has been played
    rig_event(&r, r.timer_us, WEIR_EVENT_TIMER);
    assert_int_equal(r.open_count, 1);
    assert_int_equal(weir_engine_status(r.engine, r.now_us).buffered_bytes, 250000);
    rig_clear(&r);
}

// A first segment that would not fit comes from the highest rung that does.
static void the_first_segment_fits_the_memory_limit(void **state)
{
    (void)state;
    struct rig r;
    rig_load(&r, &video_only, "fixed:rung=2"); // 375 000 bytes a segment
    r.params.memory_limit_bytes = 260000;
    rig_make(&r);
    rig_open(&r);
    assert_int_equal(rig_fetch(&r, WEIR_FETCH_MEDIA, WEIR_ENGINE_VIDEO)->rung, 1);
    rig_clear(&r);
}

// While nothing plays the sound's second segment does not compete with the picture's first; later
// sound may run one segment ahead, not more, while a slow picture segment arrives.
static void keeps_sound_and_picture_in_step(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, NULL, "fixed");
    uint64_t video = rig_fetch(&r, WEIR_FETCH_MEDIA, WEIR_ENGINE_VIDEO)->id;
    rig_done(&r, 0, rig_fetch(&r, WEIR_FETCH_INIT, WEIR_ENGINE_VIDEO)->id, 1000);
    rig_done(&r, 0, rig_fetch(&r, WEIR_FETCH_INIT, WEIR_ENGINE_AUDIO)->id, 1000);
    rig_done(&r, 0, rig_fetch(&r, WEIR_FETCH_MEDIA, WEIR_ENGINE_AUDIO)->id, 16000);
    assert_false(rig_has_fetch(&r, WEIR_FETCH_MEDIA, WEIR_ENGINE_AUDIO));
    rig_progress(&r, 1000, video, 1000, SECOND); // playing from here
    assert_int_equal(rig_fetch(&r, WEIR_FETCH_MEDIA, WEIR_ENGINE_AUDIO)->index, 1);
    rig_done(&r, 2000, rig_fetch(&r, WEIR_FETCH_MEDIA, WEIR_ENGINE_AUDIO)->id, 16000);
    assert_false(rig_has_fetch(&r, WEIR_FETCH_MEDIA, WEIR_ENGINE_AUDIO));
    rig_done(&r, 3000, video, 125000);
    assert_int_equal(rig_fetch(&r, WEIR_FETCH_MEDIA, WEIR_ENGINE_VIDEO)->index, 1);
    assert_int_equal(rig_fetch(&r, WEIR_FETCH_MEDIA, WEIR_ENGINE_AUDIO)->index, 2);
    rig_clear(&r);
}

// Segments of 2 s and 3 s: each lane goes by its own.
static void tracks_with_other_segment_lengths(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, &(struct rig_spec){.segments = 6, .audio_segment_ms = 3000}, "fixed");
    play_until(&r, 60 * SECOND);
    assert_true(r.eos[WEIR_ENGINE_VIDEO]);
    assert_true(r.eos[WEIR_ENGINE_AUDIO]);
    assert_int_equal(r.fetches, 2 + 6 + 4);
    rig_clear(&r);
}

static void ends_after_the_last_segment(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, &(struct rig_spec){.segments = 3}, "fixed");
    for (int i = 0; i < 3; i++)
        rig_serve(&r, 1000);
    assert_true(r.eos[WEIR_ENGINE_VIDEO]);
    assert_true(r.eos[WEIR_ENGINE_AUDIO]);
    rig_event(&r, 6 * SECOND, WEIR_EVENT_TIMER);
    assert_null(rig_action(&r, WEIR_ACTION_STALL)); // all is there: running out is the end
    rig_event(&r, 6 * SECOND + 20000, WEIR_EVENT_DRAINED);
    assert_true(r.ended);
    assert_int_equal(r.end_err, 0);
    rig_event(&r, 7 * SECOND, WEIR_EVENT_TIMER); // late events are harmless
    assert_int_equal(r.last.count, 0);
    rig_clear(&r);
}

// Nothing that starts at or after the end position is fetched.
static void stops_fetching_at_the_end_position(void **state)
{
    (void)state;
    struct rig r;
    rig_load(&r, &video_only, "fixed");
    r.params.end_at_us = 4 * SECOND;
    rig_make(&r);
    rig_open(&r);
    rig_serve(&r, 0);
    rig_serve(&r, 0);
    assert_true(r.eos[WEIR_ENGINE_VIDEO]);
    assert_int_equal(weir_engine_status(r.engine, 0).duration_us, 4 * SECOND);
    rig_clear(&r);
}

// Two periods of 3 segments: new representations, a new init segment, serials that go on.
static void goes_on_into_the_next_period(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, &(struct rig_spec){.periods = 2, .segments = 3}, "fixed:rung=1");
    for (int i = 0; i < 3; i++)
        rig_serve(&r, 1000);
    const struct weir_fetch *media = rig_fetch(&r, WEIR_FETCH_MEDIA, WEIR_ENGINE_VIDEO);
    assert_int_equal(media->period, 1);
    assert_int_equal(media->index, 0);
    assert_int_equal(media->segment_serial, 3);
    assert_int_equal(media->info.start_us, 6 * SECOND);
    assert_ptr_equal(media->rep, r.reps[1][WEIR_ENGINE_VIDEO][1]);
    assert_true(rig_has_fetch(&r, WEIR_FETCH_INIT, WEIR_ENGINE_VIDEO));
    play_until(&r, 60 * SECOND);
    rig_event(&r, 60 * SECOND, WEIR_EVENT_DRAINED);
    assert_int_equal(r.end_err, 0);
    assert_int_equal(r.fetches, 4 + 12);
    rig_clear(&r);
}

static void a_track_that_ends_early_holds_nobody_up(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, &(struct rig_spec){.periods = 2, .segments = 3, .audio_first_period = true},
              "fixed");
    play_until(&r, 11 * SECOND);
    assert_true(r.eos[WEIR_ENGINE_AUDIO]);
    struct weir_engine_status s = weir_engine_status(r.engine, 11 * SECOND);
    assert_int_equal(s.state, WEIR_STATE_PLAYING);
    assert_in_range(s.playhead_us, 10 * SECOND, 11 * SECOND);
    rig_clear(&r);
}

static void asks_for_each_init_segment_once(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, &(struct rig_spec){.no_audio = true, .segments = 40}, "random:seed=1");
    int inits = 0;
    for (int guard = 0; guard < 400 && !r.eos[WEIR_ENGINE_VIDEO]; guard++) {
        inits += rig_has_fetch(&r, WEIR_FETCH_INIT, WEIR_ENGINE_VIDEO);
        if (r.open_count)
            rig_serve(&r, r.now_us + 1000);
        else
            rig_event(&r, r.timer_us, WEIR_EVENT_TIMER);
    }
    assert_true(r.eos[WEIR_ENGINE_VIDEO]);
    assert_int_equal(inits, 3); // of three rungs
    rig_clear(&r);
}

// One sidx for each rung that is used, and only then.
static void asks_for_an_index_when_its_rung_is_chosen(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, &(struct rig_spec){.no_audio = true, .sidx = true}, "fixed:rung=1");
    const struct weir_fetch *index = rig_fetch(&r, WEIR_FETCH_INDEX, WEIR_ENGINE_VIDEO);
    assert_ptr_equal(index->rep, r.reps[0][WEIR_ENGINE_VIDEO][1]);
    rig_index(&r, 1000, index->id);
    rig_serve(&r, 1000);
    struct weir_engine_event hold = {.kind = WEIR_EVENT_HOLD_RUNG, .rung = 2};
    rig_step(&r, 2000, &hold);
    assert_int_equal(rig_fetch(&r, WEIR_FETCH_MEDIA, WEIR_ENGINE_VIDEO)->rung, 1);
    rig_serve(&r, 3000); // the segment in flight stays what it is
    index = rig_fetch(&r, WEIR_FETCH_INDEX, WEIR_ENGINE_VIDEO);
    assert_ptr_equal(index->rep, r.reps[0][WEIR_ENGINE_VIDEO][2]);
    rig_index(&r, 4000, index->id);
    const struct weir_fetch *media = rig_fetch(&r, WEIR_FETCH_MEDIA, WEIR_ENGINE_VIDEO);
    assert_int_equal(media->rung, 2);
    assert_int_equal(media->index, 2);
    rig_clear(&r);
}

#define PLAYLIST "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXT-X-PLAYLIST-TYPE:VOD\n"

static const char variants[] =
    "#EXTM3U\n"
    "#EXT-X-STREAM-INF:BANDWIDTH=500000,CODECS=\"avc1.640028\"\nlow.m3u8\n"
    "#EXT-X-STREAM-INF:BANDWIDTH=900000,CODECS=\"avc1.640028\"\nhigh.m3u8\n";
static const char low[] = PLAYLIST "#EXTINF:4,\n0.ts\n#EXTINF:4,\n1.ts\n#EXTINF:4,\n2.ts\n"
                                   "#EXT-X-ENDLIST\n";

static void hold_rung(struct rig *r, size_t rung)
{
    struct weir_engine_event hold = {.kind = WEIR_EVENT_HOLD_RUNG, .rung = rung};
    rig_step(r, r->now_us, &hold);
}

// Plays segment 0 of `low`, then switches to `high` as given.
static const struct weir_fetch *switch_to(struct rig *r, const char *high)
{
    rig_start(r, &(struct rig_spec){.manifest = variants}, "fixed");
    rig_playlist(r, 0, rig_fetch(r, WEIR_FETCH_INDEX, WEIR_ENGINE_VIDEO)->id, low);
    hold_rung(r, 1);
    rig_serve(r, 1000);
    rig_playlist(r, 2000, rig_fetch(r, WEIR_FETCH_INDEX, WEIR_ENGINE_VIDEO)->id, high);
    return rig_fetch(r, WEIR_FETCH_MEDIA, WEIR_ENGINE_VIDEO);
}

// Durations of variants may be rounded otherwise; a boundary a little later is the same boundary.
static void a_switch_tolerates_rounded_durations(void **state)
{
    (void)state;
    struct rig r;
    const struct weir_fetch *f =
        switch_to(&r, PLAYLIST "#EXTINF:4.08,\n0.ts\n#EXTINF:3.96,\n1.ts\n#EXT-X-ENDLIST\n");
    assert_int_equal(f->rung, 1);
    assert_int_equal(f->index, 1);
    rig_clear(&r);
}

// Where the other variant is cut otherwise, its segment that holds the place is taken: doubled
// media, but no hole.
static void a_switch_between_other_cuts_leaves_no_hole(void **state)
{
    (void)state;
    struct rig r;
    const struct weir_fetch *f = switch_to(
        &r, PLAYLIST "#EXTINF:3,\n0.ts\n#EXTINF:3,\n1.ts\n#EXTINF:3,\n2.ts\n#EXT-X-ENDLIST\n");
    assert_int_equal(f->index, 1);
    assert_int_equal(f->info.start_us, 3 * SECOND);
    rig_serve(&r, 3000);
    assert_int_equal(weir_engine_status(r.engine, 3000).buffer_level_us[WEIR_ENGINE_VIDEO],
                     6 * SECOND - 2000);
    rig_clear(&r);
}

// A variant that lists the segment as a gap is passed by; the next one that has it serves.
static void a_gap_in_one_variant_comes_from_another(void **state)
{
    (void)state;
    struct rig r;
    const struct weir_fetch *f =
        switch_to(&r, PLAYLIST "#EXTINF:4,\n0.ts\n#EXT-X-GAP\n#EXTINF:4,\n1.ts\n#EXTINF:4,\n2.ts\n"
                               "#EXT-X-ENDLIST\n");
    assert_int_equal(f->rung, 0);
    assert_int_equal(f->index, 1);
    assert_int_equal(f->segment_serial, 1);
    rig_serve(&r, 3000);
    f = rig_fetch(&r, WEIR_FETCH_MEDIA, WEIR_ENGINE_VIDEO);
    assert_int_equal(f->rung, 1); // back as soon as it can
    assert_int_equal(f->index, 2);
    rig_clear(&r);
}

// A file is one segment; where nothing tells how long it is, what can be played tells enough.
static void plays_a_file_of_unknown_length(void **state)
{
    (void)state;
    struct rig r;
    rig_load(&r, &video_only, "fixed");
    weir_presentation_destroy(&r.presentation);
    struct weir_file_description file = {.duration_us = WEIR_TIME_NONE, .has_video = true};
    assert_int_equal(weir_presentation_for_file("file:///x.ts", &file, &r.presentation), 0);
    r.reps[0][WEIR_ENGINE_VIDEO][0] = &r.presentation->periods[0].tracks[0].representations[0];
    r.periods[0].tracks[WEIR_ENGINE_VIDEO].count = 1;
    r.periods[0].end_us = WEIR_TIME_NONE;
    rig_make(&r);
    rig_open(&r);
    uint64_t id = rig_fetch(&r, WEIR_FETCH_MEDIA, WEIR_ENGINE_VIDEO)->id;
    rig_progress(&r, 1000, id, 1000, 40000);
    assert_int_equal(rig_action(&r, WEIR_ACTION_START)->media_us, 0);
    rig_event(&r, 41000, WEIR_EVENT_TIMER);
    assert_non_null(rig_action(&r, WEIR_ACTION_STALL));
    rig_progress(&r, 50000, id, 1000000, 5 * SECOND);
    assert_non_null(rig_action(&r, WEIR_ACTION_RESUME));
    rig_done(&r, 60000, id, 2000000);
    assert_true(r.eos[WEIR_ENGINE_VIDEO]);
    assert_in_range(weir_engine_status(r.engine, 30 * SECOND).playhead_us, 29 * SECOND,
                    30 * SECOND);
    rig_event(&r, 31 * SECOND, WEIR_EVENT_DRAINED);
    assert_int_equal(r.end_err, 0);
    rig_clear(&r);
}

static void a_held_rung_lasts_until_auto(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, &video_only, "fixed");
    struct weir_engine_event hold = {.kind = WEIR_EVENT_HOLD_RUNG, .rung = 77};
    rig_step(&r, 0, &hold);
    rig_serve(&r, 1000);
    assert_int_equal(rig_fetch(&r, WEIR_FETCH_MEDIA, WEIR_ENGINE_VIDEO)->rung, 2); // the top
    assert_string_equal(rig_report(&r, WEIR_REPORT_DECISION)->reason, "held");
    assert_true(weir_engine_status(r.engine, 1000).rung_held);
    rig_event(&r, 1000, WEIR_EVENT_AUTO_RUNG);
    rig_serve(&r, 2000);
    assert_int_equal(rig_report(&r, WEIR_REPORT_SWITCH)->from, 0);
    assert_int_equal(rig_report(&r, WEIR_REPORT_SWITCH)->rung, 2);
    assert_int_equal(rig_fetch(&r, WEIR_FETCH_MEDIA, WEIR_ENGINE_VIDEO)->rung, 0);
    rig_clear(&r);
}

// BOLA's virtual buffer near the start of a video is three segments: it waits until one more fits.
static void grants_the_algorithm_its_wait(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, &(struct rig_spec){.no_audio = true, .segments = 100}, "bola");
    for (int i = 0; i < 3; i++)
        rig_serve(&r, 2000);
    assert_int_equal(r.open_count, 0); // 6 s there, wants 4
    assert_in_range(r.timer_us, 2 * SECOND - 100000, 2 * SECOND + 100000);
    rig_event(&r, r.timer_us, WEIR_EVENT_TIMER);
    assert_int_equal(r.open_count, 1);
    rig_clear(&r);
}

// A choice of the viewer's while the algorithm waits with its decision made: at once, not a segment
// later.
static void a_rung_held_while_a_committed_wait_lasts_is_the_next(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, &(struct rig_spec){.no_audio = true, .segments = 100}, "festive:target=4");
    for (int i = 0; i < 30 && (i == 0 || r.open_count); i++)
        rig_serve(&r, r.now_us + 1000);
    assert_int_equal(r.open_count, 0); // waits, its rung committed
    hold_rung(&r, 2);
    assert_int_equal(rig_fetch(&r, WEIR_FETCH_MEDIA, WEIR_ENGINE_VIDEO)->rung, 2);
    assert_string_equal(rig_report(&r, WEIR_REPORT_DECISION)->reason, "held");
    rig_clear(&r);
}

static void a_decision_is_reported_with_what_it_saw(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, &video_only, "throughput");
    rig_done(&r, 1000, rig_fetch(&r, WEIR_FETCH_INIT, WEIR_ENGINE_VIDEO)->id, 1000);
    uint64_t id = rig_fetch(&r, WEIR_FETCH_MEDIA, WEIR_ENGINE_VIDEO)->id;
    // 125 000 bytes in half a second: 2 Mbit/s.
    rig_progress(&r, 100000, id, 0, WEIR_TIME_NONE);
    struct weir_engine_event done = {.kind = WEIR_EVENT_DONE};
    done.transfer.id = id;
    done.transfer.bytes = 125000;
    done.transfer.t_first_byte_us = 100000;
    done.transfer.t_last_us = 600000;
    r.open_count = 0;
    rig_step(&r, 600000, &done);
    const struct weir_report *d = rig_report(&r, WEIR_REPORT_DECISION);
    assert_int_equal(d->throughput_bps, 2000000);
    assert_int_equal(d->buffer_us, 2 * SECOND);
    assert_int_equal(d->rung, 2); // 1.5 of 0.9 * 2 Mbit/s, latency 0.1 s of 2
    const struct weir_report *s = rig_report(&r, WEIR_REPORT_SEGMENT);
    assert_int_equal(s->bytes, 125000);
    assert_int_equal(s->media_us, 0);
    assert_int_equal(s->duration_us, 2 * SECOND);
    assert_int_equal(weir_engine_status(r.engine, 600000).latency_us, 100000);
    rig_clear(&r);
}

// Two transfers at once share the line: 125 000 and 16 000 bytes over the second during which
// either came.
static void measures_transfers_together(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, NULL, "fixed");
    uint64_t video = rig_fetch(&r, WEIR_FETCH_MEDIA, WEIR_ENGINE_VIDEO)->id;
    uint64_t audio = rig_fetch(&r, WEIR_FETCH_MEDIA, WEIR_ENGINE_AUDIO)->id;
    rig_progress(&r, 100000, video, 0, WEIR_TIME_NONE);
    rig_progress(&r, 200000, audio, 0, WEIR_TIME_NONE);
    struct weir_engine_event done = {.kind = WEIR_EVENT_DONE};
    done.transfer.id = audio;
    done.transfer.bytes = 16000;
    done.transfer.t_first_byte_us = 200000;
    done.transfer.t_last_us = 700000;
    rig_step(&r, 700000, &done);
    assert_int_equal(weir_engine_status(r.engine, 700000).throughput_bps, 0); // still busy
    done.transfer.id = video;
    done.transfer.bytes = 125000;
    done.transfer.t_last_us = 1100000;
    rig_step(&r, 1100000, &done);
    assert_int_equal(weir_engine_status(r.engine, 1100000).throughput_bps, 141000 * 8);
    rig_clear(&r);
}

static void an_answer_from_a_cache_tells_nothing(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, &video_only, "fixed");
    struct weir_engine_event done = {.kind = WEIR_EVENT_DONE};
    done.transfer.id = rig_fetch(&r, WEIR_FETCH_MEDIA, WEIR_ENGINE_VIDEO)->id;
    done.transfer.bytes = 125000;
    done.transfer.t_first_byte_us = 100;
    done.transfer.t_last_us = 200;
    done.transfer.from_cache = true;
    rig_step(&r, 1000, &done);
    assert_int_equal(weir_engine_status(r.engine, 1000).throughput_bps, 0);
    rig_clear(&r);
}

// A top-rung segment that crawls: cancelled, its unit discarded, and the same place asked for again
// lower down.
static void abandons_a_crawling_transfer(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, &video_only, "throughput:cap=off");
    rig_serve(&r, 1000); // fast: the next one is of the top rung
    const struct weir_fetch *top = rig_fetch(&r, WEIR_FETCH_MEDIA, WEIR_ENGINE_VIDEO);
    assert_int_equal(top->rung, 2);
    uint64_t id = top->id, serial = top->segment_serial;
    rig_progress(&r, 101000, id, 1000, WEIR_TIME_NONE);
    assert_null(rig_action(&r, WEIR_ACTION_CANCEL));
    // 20 000 of 375 000 bytes in a second.
    rig_progress(&r, 1001000, id, 20000, WEIR_TIME_NONE);
    assert_int_equal(rig_action(&r, WEIR_ACTION_CANCEL)->id, id);
    assert_int_equal(rig_action(&r, WEIR_ACTION_DISCARD)->discard.segment_serial, serial);
    const struct weir_fetch *again = rig_fetch(&r, WEIR_FETCH_MEDIA, WEIR_ENGINE_VIDEO);
    assert_int_equal(again->rung, 0);
    assert_int_equal(again->segment_serial, serial);
    assert_int_equal(again->index, 1);
    assert_int_equal(again->attempt, 0);
    assert_int_equal(rig_report(&r, WEIR_REPORT_ABANDON)->bytes, 20000);
    // A late event of the cancelled transfer changes nothing.
    struct weir_engine_event late = {.kind = WEIR_EVENT_DONE};
    late.transfer.id = id;
    late.transfer.bytes = 375000;
    rig_step(&r, 1002000, &late);
    assert_null(rig_report(&r, WEIR_REPORT_SEGMENT));
    rig_clear(&r);
}

// Even when no byte more comes, and so no event but the timer.
static void abandons_a_transfer_that_stopped(void **state)
{
    (void)state;
    struct rig r;
    rig_start(&r, &video_only, "throughput:cap=off");
    rig_serve(&r, 1000);
    uint64_t id = rig_fetch(&r, WEIR_FETCH_MEDIA, WEIR_ENGINE_VIDEO)->id;
    rig_progress(&r, 101000, id, 100000, WEIR_TIME_NONE);
    for (int i = 0; i < 100 && r.now_us < 20 * SECOND && !rig_action(&r, WEIR_ACTION_CANCEL); i++)
        rig_event(&r, r.timer_us, WEIR_EVENT_TIMER);
    assert_int_equal(rig_action(&r, WEIR_ACTION_CANCEL)->id, id);
    rig_clear(&r);
}

static void does_not_abandon_when_told_not_to(void **state)
{
    (void)state;
    struct rig r;
    rig_load(&r, &video_only, "throughput:cap=off");
    r.params.abandon = false;
    rig_make(&r);
    rig_open(&r);
    rig_serve(&r, 1000);
    uint64_t id = rig_fetch(&r, WEIR_FETCH_MEDIA, WEIR_ENGINE_VIDEO)->id;
    rig_progress(&r, 1001000, id, 20000, WEIR_TIME_NONE);
    assert_null(rig_action(&r, WEIR_ACTION_CANCEL));
    rig_clear(&r);
}

static void reports_nothing_when_told_not_to(void **state)
{
    (void)state;
    struct rig r;
    rig_load(&r, NULL, "fixed");
    r.params.report = false;
    rig_make(&r);
    rig_open(&r);
    rig_serve(&r, 1000);
    assert_int_equal(rig_actions(&r, WEIR_ACTION_REPORT), 0);
    rig_clear(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_to_the_buffer_maximum),
        cmocka_unit_test(an_early_timer_does_no_harm),
        cmocka_unit_test(a_segment_longer_than_the_buffer_is_fetched_when_dry),
        cmocka_unit_test(keeps_to_the_memory_limit),
        cmocka_unit_test(the_first_segment_fits_the_memory_limit),
        cmocka_unit_test(keeps_sound_and_picture_in_step),
        cmocka_unit_test(tracks_with_other_segment_lengths),
        cmocka_unit_test(ends_after_the_last_segment),
        cmocka_unit_test(stops_fetching_at_the_end_position),
        cmocka_unit_test(goes_on_into_the_next_period),
        cmocka_unit_test(a_track_that_ends_early_holds_nobody_up),
        cmocka_unit_test(asks_for_each_init_segment_once),
        cmocka_unit_test(asks_for_an_index_when_its_rung_is_chosen),
        cmocka_unit_test(a_switch_tolerates_rounded_durations),
        cmocka_unit_test(a_switch_between_other_cuts_leaves_no_hole),
        cmocka_unit_test(a_gap_in_one_variant_comes_from_another),
        cmocka_unit_test(plays_a_file_of_unknown_length),
        cmocka_unit_test(a_held_rung_lasts_until_auto),
        cmocka_unit_test(grants_the_algorithm_its_wait),
        cmocka_unit_test(a_rung_held_while_a_committed_wait_lasts_is_the_next),
        cmocka_unit_test(a_decision_is_reported_with_what_it_saw),
        cmocka_unit_test(measures_transfers_together),
        cmocka_unit_test(an_answer_from_a_cache_tells_nothing),
        cmocka_unit_test(abandons_a_crawling_transfer),
        cmocka_unit_test(abandons_a_transfer_that_stopped),
        cmocka_unit_test(does_not_abandon_when_told_not_to),
        cmocka_unit_test(reports_nothing_when_told_not_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
