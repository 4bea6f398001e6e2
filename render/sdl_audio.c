// render/sdl_audio.c — the sound device. SDL's thread asks the player for samples through the pull
// callback; nothing here locks or allocates on that thread. SDL tells no latency of the device:
// what is known is its buffer's length.
#include "render/audio.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <SDL.h>

#include "core/clock.h"
#include "render/sdl_system.h"

struct weir_audio_device {
    SDL_AudioDeviceID id;
    weir_audio_pull pull;
    void *ctx;
    void (*lost)(void *ctx);
    atomic_bool lost_told;
    // Set by the first unpause, with release order: what was written before it (this struct, the
    // player's ring) is there for the callback, whatever SDL's own locks order.
    atomic_bool begun;
    int channels;
    int64_t delay_us;
};

static void SDLCALL fill(void *user, Uint8 *stream, int bytes)
{
    struct weir_audio_device *d = user;
    if (!atomic_load_explicit(&d->begun, memory_order_acquire)) {
        memset(stream, 0, (size_t)bytes);
        return;
    }
    int frames = bytes / ((int)sizeof(float) * d->channels);
    // SDL hands this buffer to the device when the one before it has been played.
    d->pull(d->ctx, (float *)(void *)stream, frames, d->delay_us);
}

// Runs in whichever thread notices the loss, while it pushes the event.
static int SDLCALL watch(void *user, SDL_Event *event)
{
    struct weir_audio_device *d = user;
    if (event->type == SDL_AUDIODEVICEREMOVED && !event->adevice.iscapture &&
        event->adevice.which == d->id && d->lost && !atomic_exchange(&d->lost_told, true))
        d->lost(d->ctx);
    return 1;
}

static int no_device(struct weir_error *error)
{
    weir_error_set(error, WEIR_ERR_OUTPUT, "sound device", "cannot open it");
    weir_error_why(error, "%s", SDL_GetError());
    weir_error_hint(error, "--ao null plays without sound");
    SDL_TLSCleanup(); // SDL keeps an error buffer per thread, and this one is not SDL's to end
    return WEIR_ERR_OUTPUT;
}

// About 20 ms: short enough to follow commands, long enough for a busy machine.
static Uint16 buffer_frames(int rate_hz)
{
    int frames = 256;
    while (frames < 8192 && frames * 50 < rate_hz)
        frames *= 2;
    return (Uint16)frames;
}

int weir_audio_sdl_open(const struct weir_audio_device_params *params,
                        struct weir_audio_format *got, struct weir_audio_device **out,
                        struct weir_error *error)
{
    *out = NULL;
    const struct weir_audio_format *want = &params->want;
    if (want->rate_hz < 1 || want->rate_hz > 768000 || want->channels < 1 || want->channels > 8)
        return weir_error_set(error, WEIR_ERR_INVAL, "sound device", "no such rate or channels");
    struct weir_audio_device *d = calloc(1, sizeof(*d));
    if (!d)
        return weir_error_set(error, WEIR_ERR_NOMEM, "sound device", "out of memory");
    d->pull = params->pull;
    d->ctx = params->ctx;
    d->lost = params->lost;
    if (weir_sdl_init(SDL_INIT_AUDIO) != 0) {
        free(d);
        return no_device(error);
    }
    const SDL_AudioSpec ask = {.freq = want->rate_hz,
                               .format = AUDIO_F32SYS,
                               .channels = (Uint8)want->channels,
                               .samples = buffer_frames(want->rate_hz),
                               .callback = fill,
                               .userdata = d};
    SDL_AudioSpec spec = {0};
    d->id = SDL_OpenAudioDevice(NULL, 0, &ask, &spec,
                                SDL_AUDIO_ALLOW_FREQUENCY_CHANGE | SDL_AUDIO_ALLOW_CHANNELS_CHANGE);
    if (d->id == 0) {
        int err = no_device(error);
        weir_sdl_quit(SDL_INIT_AUDIO);
        free(d);
        return err;
    }
    // The device is paused: nobody reads these yet.
    d->channels = spec.channels;
    d->delay_us = (int64_t)spec.samples * WEIR_SECOND_US / spec.freq;
    SDL_AddEventWatch(watch, d);
    // It may have gone between being opened and being watched.
    if (SDL_GetAudioDeviceStatus(d->id) == SDL_AUDIO_STOPPED && d->lost &&
        !atomic_exchange(&d->lost_told, true))
        d->lost(d->ctx);
    weir_log(params->log, WEIR_LOG_DEBUG,
             "sound open driver=%s rate_hz=%d channels=%d buffer_us=%lld",
             SDL_GetCurrentAudioDriver(), spec.freq, spec.channels, (long long)d->delay_us);
    SDL_TLSCleanup(); // SDL keeps an error buffer per thread, and this one is not SDL's to end
    *got = (struct weir_audio_format){spec.freq, spec.channels};
    *out = d;
    return 0;
}

void weir_audio_device_pause(struct weir_audio_device *d, bool paused)
{
    if (!paused)
        atomic_store_explicit(&d->begun, true, memory_order_release);
    SDL_PauseAudioDevice(d->id, paused);
}

void weir_audio_device_close(struct weir_audio_device **d)
{
    if (!*d)
        return;
    SDL_DelEventWatch(watch, *d);
    SDL_CloseAudioDevice((*d)->id);
    weir_sdl_quit(SDL_INIT_AUDIO);
    free(*d);
    *d = NULL;
}
