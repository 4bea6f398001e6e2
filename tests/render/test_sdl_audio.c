// tests/render/test_sdl_audio.c — the sound device on SDL's dummy and disk drivers: pulled samples,
// pausing, loss.
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include <SDL.h>

#include "render/audio.h"
#include "tests/render/media.h"

struct player {
    atomic_int pulled_frames, lost;
    _Atomic int64_t delay_us;
    int channels;
};

static void pull(void *ctx, float *samples, int frames, int64_t delay_us)
{
    struct player *p = ctx;
    for (int i = 0; i < frames * p->channels; i++)
        samples[i] = 0.5f;
    atomic_fetch_add(&p->pulled_frames, frames);
    atomic_store(&p->delay_us, delay_us);
}

static void lost(void *ctx)
{
    atomic_fetch_add(&((struct player *)ctx)->lost, 1);
}

static void wait_for_frames(struct player *p, int frames)
{
    for (int i = 0; i < 500 && atomic_load(&p->pulled_frames) < frames; i++)
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    assert_true(atomic_load(&p->pulled_frames) >= frames);
}

static struct weir_audio_device *open_device(struct player *p, struct weir_audio_format want,
                                             struct weir_audio_format *got)
{
    struct weir_audio_device *d = NULL;
    struct weir_error error = {0};
    const struct weir_audio_device_params params = {
        .want = want, .pull = pull, .ctx = p, .lost = lost};
    p->channels = want.channels;
    if (weir_audio_sdl_open(&params, got, &d, &error) != 0)
        fail_msg("%s (%s)", error.what, error.why);
    return d;
}

static void pulls_samples_while_not_paused(void **state)
{
    (void)state;
    setenv("SDL_AUDIODRIVER", "dummy", 1);
    struct player p = {0};
    struct weir_audio_format got = {0};
    struct weir_audio_device *d = open_device(&p, (struct weir_audio_format){48000, 2}, &got);
    assert_int_equal(got.rate_hz, 48000);
    assert_int_equal(got.channels, 2);
    nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    assert_int_equal(atomic_load(&p.pulled_frames), 0); // opened paused
    weir_audio_device_pause(d, false);
    wait_for_frames(&p, 4800);
    assert_in_range(atomic_load(&p.delay_us), 5000, 50000);
    weir_audio_device_pause(d, true);
    int before = atomic_load(&p.pulled_frames);
    nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
    assert_in_range(atomic_load(&p.pulled_frames), before,
                    before + 2048); // at most the one in flight
    weir_audio_device_close(&d);
    assert_null(d);
}

// SDL's disk driver writes what the device would have played.
static void samples_reach_the_device(void **state)
{
    (void)state;
    const char *path = media_path("played.raw");
    setenv("SDL_AUDIODRIVER", "disk", 1);
    setenv("SDL_DISKAUDIOFILE", path, 1);
    struct player p = {0};
    struct weir_audio_format got = {0};
    struct weir_audio_device *d = open_device(&p, (struct weir_audio_format){44100, 1}, &got);
    assert_int_equal(got.channels, 1);
    weir_audio_device_pause(d, false);
    wait_for_frames(&p, 4410);
    weir_audio_device_close(&d);
    size_t size;
    char *raw = media_read(path, &size);
    float sample = 0;
    size_t loud = 0;
    for (size_t i = 0; i + sizeof(sample) <= size; i += sizeof(sample)) {
        memcpy(&sample, raw + i, sizeof(sample));
        loud += sample == 0.5f;
    }
    assert_true(loud >= 2048);
    free(raw);
}

// SDL announces a removed device by this event, from whichever thread noticed.
static void loss_is_told_once_and_only_of_our_device(void **state)
{
    (void)state;
    setenv("SDL_AUDIODRIVER", "dummy", 1);
    struct player p = {0};
    struct weir_audio_format got = {0};
    struct weir_audio_device *d = open_device(&p, (struct weir_audio_format){48000, 2}, &got);
    SDL_Event event = {.type = SDL_AUDIODEVICEREMOVED};
    event.adevice.which = 77;
    SDL_PushEvent(&event);
    assert_int_equal(atomic_load(&p.lost), 0);
    for (Uint32 id = 1; id < 16; id++) { // ours is among the first
        event.adevice.which = id;
        SDL_PushEvent(&event);
        SDL_PushEvent(&event);
    }
    assert_int_equal(atomic_load(&p.lost), 1);
    weir_audio_device_close(&d);
    SDL_PushEvent(&event);
    assert_int_equal(atomic_load(&p.lost), 1);
}

static void absence_of_a_device_is_told(void **state)
{
    (void)state;
    setenv("SDL_AUDIODRIVER", "no-such-driver", 1);
    struct player p = {0};
    struct weir_audio_format got = {0};
    struct weir_audio_device *d = NULL;
    struct weir_error error = {0};
    struct weir_audio_device_params params = {.want = {48000, 2}, .pull = pull, .ctx = &p};
    assert_int_equal(weir_audio_sdl_open(&params, &got, &d, &error), WEIR_ERR_OUTPUT);
    assert_null(d);
    assert_true(error.why[0] != '\0');
    assert_non_null(strstr(error.hint, "--ao null"));
    params.want.channels = 0;
    assert_int_equal(weir_audio_sdl_open(&params, &got, &d, &error), WEIR_ERR_INVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pulls_samples_while_not_paused),
        cmocka_unit_test(samples_reach_the_device),
        cmocka_unit_test(loss_is_told_once_and_only_of_our_device),
        cmocka_unit_test(absence_of_a_device_is_told),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    media_cleanup();
    return failed;
}
