// render/audio.h — where sound goes. Two kinds of sink: a device pulls samples from a callback on
// its own thread (SDL2); a file (wav) or nothing (null) is pushed frames by the audio stream's
// thread, which paces itself.
#ifndef WEIR_RENDER_AUDIO_H
#define WEIR_RENDER_AUDIO_H

#include <stdbool.h>
#include <stdint.h>

#include <libavutil/frame.h>

#include <weir/error.h>
#include <weir/log.h>

#include "core/budget.h"

struct weir_audio_format {
    int rate_hz, channels; // interleaved 32-bit float, native endian
};

// Fill `samples` with frames*channels floats (silence where there are none). Runs on the device's
// thread: must not lock, allocate or block. `delay_us`: how long until the first of these samples
// is heard.
typedef void (*weir_audio_pull)(void *ctx, float *samples, int frames, int64_t delay_us);

struct weir_audio_device_params {
    struct weir_audio_format want;
    weir_audio_pull pull;
    void *ctx;
    void (*lost)(void *ctx); // the device went away mid-play; any thread; once
    const struct weir_log *log;
};

struct weir_audio_device;
// Opens paused. `got` may differ from want in rate and channels. WEIR_ERR_OUTPUT when there is
// none.
int weir_audio_sdl_open(const struct weir_audio_device_params *params,
                        struct weir_audio_format *got, struct weir_audio_device **out,
                        struct weir_error *error);
void weir_audio_device_pause(struct weir_audio_device *d, bool paused);
void weir_audio_device_close(struct weir_audio_device **d);

// Push sinks. `frame` is decoded PCM in any sample format, borrowed.
struct weir_audio_writer;
// Float WAV (WAVE_FORMAT_IEEE_FLOAT) at the stream's own rate and channel count; header completed
// by finish. A change of rate or channels mid-way is converted to the first. "-": stdout.
int weir_audio_wav_create(const char *path, struct weir_copy_counters *copies,
                          struct weir_audio_writer **out, struct weir_error *error);
int weir_audio_writer_write(struct weir_audio_writer *w, const AVFrame *frame,
                            struct weir_error *error);
int weir_audio_writer_finish(struct weir_audio_writer *w, struct weir_error *error);
void weir_audio_writer_destroy(struct weir_audio_writer **w);

#endif
