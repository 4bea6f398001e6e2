// tests/player/test_audio_out.c — sound to a device (SDL's dummy driver, which takes sound at its
// own pace and drops it), to nothing, and what the clock learns from it.
#include "player/audio_out.h"

#include <libavutil/channel_layout.h>
#include <libavutil/samplefmt.h>

#include "core/budget.h"
#include "tests/player/player_test.h"

#define RATE_HZ 44100

struct rig {
    struct weir_playclock clock;
    struct weir_copy_counters copies;
    struct weir_audio_out *out;
    struct weir_clock time;
};

static void open_rig(struct rig *r, enum weir_audio_output output, bool untimed)
{
    *r = (struct rig){.time = weir_clock_monotonic()};
    assert_int_equal(weir_playclock_init(&r->clock), 0);
    struct weir_audio_out_params p = {.output = output,
                                      .untimed = untimed,
                                      .clock = r->time,
                                      .playclock = &r->clock,
                                      .copies = &r->copies};
    struct weir_error error = {0};
    assert_int_equal(weir_audio_out_create(&p, &r->out, &error), 0);
}

static void close_rig(struct rig *r)
{
    weir_audio_out_destroy(&r->out);
    weir_playclock_clear(&r->clock);
}

static AVFrame *sound(int64_t pts_us, int samples, enum AVSampleFormat format)
{
    AVFrame *f = av_frame_alloc();
    assert_non_null(f);
    f->format = format;
    f->nb_samples = samples;
    f->sample_rate = RATE_HZ;
    av_channel_layout_default(&f->ch_layout, 2);
    assert_int_equal(av_frame_get_buffer(f, 0), 0);
    assert_int_equal(av_samples_set_silence(f->extended_data, 0, samples, 2, format), 0);
    f->pts = pts_us;
    return f;
}

// As the stream's thread does: again until it is taken.
static int write_all(struct rig *r, const AVFrame *f)
{
    struct weir_error error = {0};
    int err = WEIR_ERR_AGAIN;
    for (int waited_ms = 0; err == WEIR_ERR_AGAIN && waited_ms < PATIENCE_MS; waited_ms += 5) {
        int64_t wait_us = -1;
        err = weir_audio_out_write(r->out, f, &wait_us, &error);
        if (err == WEIR_ERR_AGAIN) {
            assert_true(wait_us > 0);
            nap_ms(5);
        }
    }
    return err;
}

static void start(struct rig *r, int64_t media_us)
{
    int64_t now_us = weir_clock_now_us(&r->time);
    weir_playclock_set(&r->clock, now_us, media_us);
    weir_playclock_run(&r->clock, now_us, true);
    weir_audio_out_run(r->out, true);
}

static int64_t clock_us(struct rig *r)
{
    return weir_playclock_now(&r->clock, weir_clock_now_us(&r->time), NULL);
}

// The clock stays where it was put (but for the device's delay), until everything was heard.
static void assert_stays_beyond(struct rig *r, int64_t media_us)
{
    for (int ms = 0; ms < 400 && !weir_audio_out_drained(r->out); ms += 2) {
        assert_true(clock_us(r) >= media_us - 300000);
        nap_ms(2);
    }
    assert_true(clock_us(r) >= media_us - 300000);
}

static void sound_is_played_to_its_end(void **state)
{
    struct rig r;
    (void)state;
    open_rig(&r, WEIR_AUDIO_DEVICE, false);
    assert_int_equal(weir_audio_out_end_us(r.out), WEIR_TIME_NONE);
    for (int i = 0; i < 8; i++) {
        AVFrame *f = sound(i * 23220, 1024, AV_SAMPLE_FMT_FLTP);
        assert_int_equal(write_all(&r, f), 0);
        av_frame_free(&f);
    }
    assert_int_equal(weir_audio_out_end_us(r.out), 7 * 23220 + 23220 - 1 + 1);
    assert_false(weir_audio_out_drained(r.out)); // nothing runs yet
    start(&r, 0);
    wait_until(weir_audio_out_drained(r.out));
    assert_true(r.copies.render_bytes >= 7 * 1024 * 2 * 4);
    close_rig(&r);
}

static void the_clock_follows_what_is_heard(void **state)
{
    struct rig r;
    (void)state;
    open_rig(&r, WEIR_AUDIO_DEVICE, false);
    AVFrame *f = sound(5000000, 8192, AV_SAMPLE_FMT_S16);
    assert_int_equal(write_all(&r, f), 0);
    start(&r, 0); // five seconds off
    wait_until(clock_us(&r) >= 4900000);
    av_frame_free(&f);
    close_rig(&r);
}

// 4608 samples (a block of FLAC) played at a quarter of the speed are more than the ring.
static void a_long_frame_played_slowly_is_taken(void **state)
{
    static const enum AVSampleFormat formats[] = {AV_SAMPLE_FMT_S16, AV_SAMPLE_FMT_FLTP};
    (void)state;
    for (int k = 0; k < 2; k++) {
        struct rig r;
        open_rig(&r, WEIR_AUDIO_DEVICE, false);
        weir_playclock_rate(&r.clock, 0, 250);
        start(&r, 0);
        AVFrame *f = sound(0, 4608, formats[k]), *next = sound(104490, 1024, formats[k]);
        assert_int_equal(write_all(&r, f), 0);
        assert_int_equal(write_all(&r, next), 0);
        // 4608 + 1024 samples, four times as many; the resampler may hold a few back.
        assert_in_range(r.copies.render_bytes / (2 * 4), 4 * 5632 - 400, 4 * 5632 + 64);
        av_frame_free(&f);
        av_frame_free(&next);
        close_rig(&r);
    }
}

static void sound_before_the_place_sought_is_not_heard(void **state)
{
    struct rig r;
    (void)state;
    open_rig(&r, WEIR_AUDIO_DEVICE, false);
    for (int i = 0; i < 12; i++) { // 0 to 279 ms
        AVFrame *f = sound(i * 23220, 1024, AV_SAMPLE_FMT_FLTP);
        assert_int_equal(write_all(&r, f), 0);
        av_frame_free(&f);
    }
    AVFrame *f = sound(9000000, 1024, AV_SAMPLE_FMT_FLTP); // what is decoded next
    assert_int_equal(write_all(&r, f), 0);
    av_frame_free(&f);
    weir_audio_out_skip(r.out, 9000000);
    start(&r, 9000000);
    assert_stays_beyond(&r, 9000000); // it never follows the old place
    wait_until(weir_audio_out_drained(r.out));
    close_rig(&r);
}

static void what_was_flushed_is_gone(void **state)
{
    struct rig r;
    (void)state;
    open_rig(&r, WEIR_AUDIO_DEVICE, false);
    AVFrame *f = sound(1000000, 8192, AV_SAMPLE_FMT_FLTP),
            *next = sound(70000000, 8192, AV_SAMPLE_FMT_FLTP);
    assert_int_equal(write_all(&r, f), 0);
    weir_audio_out_skip(r.out, 1000000);
    weir_audio_out_flush(r.out);
    assert_int_equal(weir_audio_out_end_us(r.out), WEIR_TIME_NONE);
    wait_until(weir_audio_out_drained(r.out)); // even while nothing runs
    assert_int_equal(write_all(&r, next), 0);
    start(&r, 70000000);
    assert_stays_beyond(&r, 70000000);
    av_frame_free(&f);
    av_frame_free(&next);
    close_rig(&r);
}

static void a_full_ring_says_when_to_ask_again(void **state)
{
    struct rig r;
    struct weir_error error = {0};
    int64_t wait_us = -1;
    int taken = 0, err = 0;
    (void)state;
    open_rig(&r, WEIR_AUDIO_DEVICE, false);
    AVFrame *f = sound(0, 1024, AV_SAMPLE_FMT_FLTP);
    for (; taken < 100 && !err; taken += !err) {
        f->pts = taken * 23220;
        err = weir_audio_out_write(r.out, f, &wait_us, &error);
    }
    assert_int_equal(err, WEIR_ERR_AGAIN);
    assert_true(wait_us > 0);
    assert_in_range(taken, 12, 17); // a third of a second
    assert_int_equal(weir_audio_out_end_us(r.out), (taken - 1) * 23220 + 23219 + 1);
    av_frame_free(&f);
    close_rig(&r);
}

static void nothing_takes_sound_at_the_clocks_pace(void **state)
{
    struct rig r;
    struct weir_error error = {0};
    int64_t wait_us = -1;
    (void)state;
    open_rig(&r, WEIR_AUDIO_NULL, false);
    AVFrame *now = sound(0, 1024, AV_SAMPLE_FMT_FLTP),
            *later = sound(60000000, 1024, AV_SAMPLE_FMT_FLTP);
    assert_int_equal(weir_audio_out_write(r.out, now, &wait_us, &error), 0);
    assert_int_equal(weir_audio_out_write(r.out, later, &wait_us, &error), WEIR_ERR_AGAIN);
    assert_true(wait_us > 0);
    weir_playclock_set(&r.clock, weir_clock_now_us(&r.time), 60000000);
    assert_int_equal(weir_audio_out_write(r.out, later, &wait_us, &error), 0);
    assert_true(weir_audio_out_drained(r.out));
    av_frame_free(&now);
    av_frame_free(&later);
    close_rig(&r);
}

static void untimed_sound_never_waits(void **state)
{
    struct rig r;
    struct weir_error error = {0};
    int64_t wait_us = -1;
    (void)state;
    open_rig(&r, WEIR_AUDIO_NULL, true);
    AVFrame *f = sound(60000000, 1024, AV_SAMPLE_FMT_FLTP);
    assert_int_equal(weir_audio_out_write(r.out, f, &wait_us, &error), 0);
    av_frame_free(&f);
    close_rig(&r);
}

int main(void)
{
    (void)setenv("SDL_AUDIODRIVER", "dummy", 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sound_is_played_to_its_end),
        cmocka_unit_test(the_clock_follows_what_is_heard),
        cmocka_unit_test(a_long_frame_played_slowly_is_taken),
        cmocka_unit_test(sound_before_the_place_sought_is_not_heard),
        cmocka_unit_test(what_was_flushed_is_gone),
        cmocka_unit_test(a_full_ring_says_when_to_ask_again),
        cmocka_unit_test(nothing_takes_sound_at_the_clocks_pace),
        cmocka_unit_test(untimed_sound_never_waits),
    };
    return cmocka_run_group_tests_name("audio_out", tests, NULL, NULL);
}
