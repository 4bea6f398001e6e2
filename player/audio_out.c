// player/audio_out.c — see audio_out.h. The ring is single-producer single-consumer; the callback
// reads atomics only. Speed other than 1 is resampling: pitch moves with it.
#include "player/audio_out.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <libavutil/channel_layout.h>
#include <libavutil/opt.h>
#include <libswresample/swresample.h>

#include "core/rational.h"
#include "core/spsc.h"
#include "render/audio.h"

#define DEVICE_RATE_HZ     48000
#define RING_FRAMES        16384 // a third of a second at 48 kHz; a power of two
#define CHANNELS_MAX       8
#define MARKS              128
#define INPUT_CHANNELS_MAX 64 // libswresample's own bound
// File and null outputs take sound this far ahead of the clock: enough that the decoder never waits
// for a tick.
#define PUSH_LEAD_US 200000
#define RING_POLL_US 20000

// From this ring position on, sound counts from pts_us at `permille` of normal speed.
struct mark {
    uint64_t position;
    int64_t pts_us;
    int64_t permille;
};

struct weir_audio_out {
    struct weir_audio_out_params params;
    struct weir_audio_device *device;
    struct weir_audio_writer *writer;
    struct weir_audio_format format;
    SwrContext *swr;
    int swr_rate_hz, swr_permille;
    AVChannelLayout swr_layout;
    enum AVSampleFormat swr_format;
    float *ring; // RING_FRAMES * channels
    struct weir_spsc marks;
    struct mark current;                            // callback only
    bool has_current;                               // callback only
    bool device_failed;                             // stream thread
    int64_t taken_pts_us;                           // stream thread: frame of which `taken` samples
    int taken;                                      // are in the ring; NONE for no frame
    _Atomic uint64_t written, read, discard_before; // frames since the beginning
    _Atomic bool running, lost, opened;
    _Atomic int gain_percent;
    _Atomic int64_t end_us;
    _Atomic int64_t skip_before_us; // sound before it is not heard; INT64_MIN: all is
};

static void pull(void *ctx, float *samples, int frames, int64_t delay_us);
static void device_lost(void *ctx);

int weir_audio_out_create(const struct weir_audio_out_params *params, struct weir_audio_out **out,
                          struct weir_error *error)
{
    struct weir_audio_out *a = calloc(1, sizeof(*a));
    if (!a)
        return weir_error_set(error, WEIR_ERR_NOMEM, "sound", "out of memory");
    a->params = *params;
    a->gain_percent = 100;
    a->end_us = a->taken_pts_us = WEIR_TIME_NONE;
    a->skip_before_us = INT64_MIN;
    int err = weir_spsc_init(&a->marks, MARKS, sizeof(struct mark));
    if (!err && params->output == WEIR_AUDIO_WAV)
        err = weir_audio_wav_create(params->wav_path, params->copies, &a->writer, error);
    if (err)
        weir_audio_out_destroy(&a);
    *out = a;
    return err;
}

void weir_audio_out_destroy(struct weir_audio_out **ap)
{
    struct weir_audio_out *a = *ap;
    if (!a)
        return;
    weir_audio_device_close(&a->device);
    weir_audio_writer_destroy(&a->writer);
    swr_free(&a->swr);
    av_channel_layout_uninit(&a->swr_layout);
    weir_spsc_clear(&a->marks);
    free(a->ring);
    free(a);
    *ap = NULL;
}

static int open_device(struct weir_audio_out *a, const AVFrame *frame, struct weir_error *error)
{
    int channels = frame->ch_layout.nb_channels;
    struct weir_audio_device_params p = {
        .want = {.rate_hz = frame->sample_rate > 0 ? frame->sample_rate : DEVICE_RATE_HZ,
                 .channels = channels > CHANNELS_MAX ? CHANNELS_MAX : channels},
        .pull = pull,
        .ctx = a,
        .lost = device_lost,
        .log = a->params.log};
    // The ring must be there before the callback first runs: the device opens paused.
    int err = weir_audio_sdl_open(&p, &a->format, &a->device, error);
    if (err)
        return err;
    if (a->format.channels > CHANNELS_MAX || a->format.channels < 1)
        return weir_error_set(error, WEIR_ERR_OUTPUT, "sound device",
                              "%d channels are not supported", a->format.channels);
    a->ring = calloc((size_t)RING_FRAMES * a->format.channels, sizeof(float));
    if (!a->ring)
        return weir_error_set(error, WEIR_ERR_NOMEM, "sound", "out of memory");
    atomic_store(&a->opened, true);
    weir_audio_device_pause(a->device, false);
    return 0;
}

// The resampler follows the stream's format and the playback speed.
static int adapt_resampler(struct weir_audio_out *a, const AVFrame *frame, int permille)
{
    if (a->swr && a->swr_rate_hz == frame->sample_rate && a->swr_permille == permille &&
        a->swr_format == frame->format &&
        !av_channel_layout_compare(&a->swr_layout, &frame->ch_layout))
        return 0;
    AVChannelLayout to;
    av_channel_layout_default(&to, a->format.channels);
    int to_rate_hz = (int)weir_rescale(a->format.rate_hz, 1000, permille);
    swr_free(&a->swr);
    if (av_channel_layout_copy(&a->swr_layout, &frame->ch_layout) < 0)
        return WEIR_ERR_NOMEM;
    int averr = swr_alloc_set_opts2(&a->swr, &to, AV_SAMPLE_FMT_FLT, to_rate_hz, &a->swr_layout,
                                    frame->format, frame->sample_rate, 0, NULL);
    av_channel_layout_uninit(&to);
    if (averr < 0 || frame->ch_layout.nb_channels > INPUT_CHANNELS_MAX || swr_init(a->swr) < 0)
        return WEIR_ERR_UNSUPPORTED;
    a->swr_rate_hz = frame->sample_rate;
    a->swr_permille = permille;
    a->swr_format = frame->format;
    return 0;
}

// Where sample `from` of the frame begins, plane by plane.
static void planes_from(const AVFrame *frame, int from, const uint8_t *planes[INPUT_CHANNELS_MAX])
{
    int channels = frame->ch_layout.nb_channels;
    bool planar = av_sample_fmt_is_planar(frame->format);
    size_t step = (size_t)av_get_bytes_per_sample(frame->format) * (planar ? 1 : (size_t)channels);
    for (int i = 0; i < (planar ? channels : 1); i++)
        planes[i] = frame->extended_data[i] + (size_t)from * step;
}

// Resample straight into the ring: one stretch up to its end, one from its start.
static void fill_ring(struct weir_audio_out *a, const uint8_t **in, int in_count)
{
    for (;;) {
        uint64_t written = atomic_load_explicit(&a->written, memory_order_relaxed);
        uint64_t used = written - atomic_load_explicit(&a->read, memory_order_acquire);
        size_t at = (size_t)(written % RING_FRAMES);
        size_t room = RING_FRAMES - (size_t)used;
        if (room > RING_FRAMES - at)
            room = RING_FRAMES - at;
        if (room == 0)
            return;
        uint8_t *out = (uint8_t *)(a->ring + at * (size_t)a->format.channels);
        int n = swr_convert(a->swr, &out, (int)room, in, in_count);
        in = NULL; // the rest waits inside the resampler
        in_count = 0;
        if (n <= 0)
            return;
        if (a->params.copies)
            atomic_fetch_add(&a->params.copies->render_bytes,
                             (int64_t)n * a->format.channels * (int64_t)sizeof(float));
        atomic_store_explicit(&a->written, written + (uint64_t)n, memory_order_release);
        if ((size_t)n < room)
            return;
    }
}

// Put the next samples of the frame into the ring: all that are left, or as many as half a ring
// holds (a long frame played slowly would never fit as a whole). False: there is no room now.
static bool take_slice(struct weir_audio_out *a, const AVFrame *frame, int permille)
{
    int64_t in_rate = (int64_t)frame->sample_rate * permille, out_rate = a->format.rate_hz;
    int64_t most = weir_rescale(RING_FRAMES / 2, in_rate, out_rate * 1000);
    int64_t count = frame->nb_samples - a->taken;
    if (count > most)
        count = most > 0 ? most : 1;
    uint64_t written = atomic_load(&a->written);
    int64_t need = weir_rescale(count * out_rate, 1000, in_rate) + 64;
    const uint8_t *planes[INPUT_CHANNELS_MAX];
    if ((int64_t)(written - atomic_load(&a->read)) + need > RING_FRAMES)
        return false;
    // What the resampler still holds comes out before the first of these samples.
    int64_t at_us = weir_rescale(a->taken, WEIR_SECOND_US, frame->sample_rate);
    struct mark m = {.position = written,
                     .pts_us = frame->pts + at_us - swr_get_delay(a->swr, WEIR_SECOND_US),
                     .permille = permille};
    if (!weir_spsc_push(&a->marks, &m))
        return false;
    planes_from(frame, a->taken, planes);
    fill_ring(a, planes, (int)count);
    a->taken += (int)count;
    return true;
}

static int write_device(struct weir_audio_out *a, const AVFrame *frame, int64_t *wait_us,
                        struct weir_error *error)
{
    if (!a->device) {
        int err = open_device(a, frame, error);
        if (err)
            return err;
    }
    if (atomic_load(&a->lost)) {
        weir_error_set(error, WEIR_ERR_OUTPUT, "sound device", "went away");
        weir_error_hint(error,
                        "playback goes on without sound; start again with --ao null to choose so");
        return WEIR_ERR_OUTPUT;
    }
    int permille = weir_playclock_rate_permille(a->params.playclock);
    if (adapt_resampler(a, frame, permille))
        return weir_error_set(error, WEIR_ERR_OUTPUT, "sound",
                              "cannot convert %d Hz to the device's %d Hz", frame->sample_rate,
                              a->format.rate_hz);
    if (a->taken_pts_us != frame->pts) {
        a->taken_pts_us = frame->pts;
        a->taken = 0;
    }
    while (a->taken < frame->nb_samples) {
        if (!take_slice(a, frame, permille)) {
            *wait_us = RING_POLL_US;
            return WEIR_ERR_AGAIN;
        }
    }
    a->taken_pts_us = WEIR_TIME_NONE;
    return 0;
}

static int write_paced(struct weir_audio_out *a, const AVFrame *frame, int64_t *wait_us,
                       struct weir_error *error)
{
    if (!a->params.untimed) {
        bool running;
        int64_t clock_us =
            weir_playclock_now(a->params.playclock, weir_clock_now_us(&a->params.clock), &running);
        int64_t early_us = frame->pts - PUSH_LEAD_US - clock_us;
        if (early_us > 0) {
            *wait_us = running && early_us < 500000 ? early_us : 500000;
            return WEIR_ERR_AGAIN;
        }
    }
    return a->writer ? weir_audio_writer_write(a->writer, frame, error) : 0;
}

int weir_audio_out_write(struct weir_audio_out *a, const AVFrame *frame, int64_t *wait_us,
                         struct weir_error *error)
{
    bool to_device = a->params.output == WEIR_AUDIO_DEVICE && !a->device_failed;
    int err =
        to_device ? write_device(a, frame, wait_us, error) : write_paced(a, frame, wait_us, error);
    if (err && err != WEIR_ERR_AGAIN && to_device) {
        a->device_failed = true; // from now on dropped at the clock's pace
        atomic_store(&a->lost, true);
        weir_audio_device_close(&a->device);
    }
    if (!err)
        atomic_store(&a->end_us, frame->pts + weir_rescale(frame->nb_samples, WEIR_SECOND_US,
                                                           frame->sample_rate));
    return err;
}

// --- the device's thread ---

static int64_t media_at(const struct weir_audio_out *a, uint64_t position)
{
    const struct mark *m = &a->current;
    return m->pts_us + weir_rescale((int64_t)(position - m->position), WEIR_SECOND_US * m->permille,
                                    (int64_t)a->format.rate_hz * 1000);
}

static void take_marks(struct weir_audio_out *a, uint64_t position)
{
    struct mark m;
    while (weir_spsc_peek(&a->marks, &m) && m.position <= position &&
           weir_spsc_pop(&a->marks, &m)) {
        a->current = m;
        a->has_current = true;
    }
}

// From `read`, past what is not to be heard: the position to go on from, marks taken up to it.
static uint64_t skip_unheard(struct weir_audio_out *a, uint64_t read, uint64_t written)
{
    int64_t skip_us = atomic_load(&a->skip_before_us);
    take_marks(a, read);
    while (read < written && a->has_current && media_at(a, read) < skip_us) {
        struct mark next;
        uint64_t end =
            weir_spsc_peek(&a->marks, &next) && next.position < written ? next.position : written;
        int64_t frames =
            weir_rescale(skip_us - media_at(a, read), (int64_t)a->format.rate_hz * 1000,
                         WEIR_SECOND_US * a->current.permille) +
            1;
        read = (uint64_t)frames < end - read ? read + (uint64_t)frames : end;
        take_marks(a, read);
    }
    return read;
}

static void pull(void *ctx, float *samples, int frames, int64_t delay_us)
{
    struct weir_audio_out *a = ctx;
    size_t channels = (size_t)a->format.channels;
    size_t want = (size_t)frames, done = 0;
    uint64_t discard = atomic_load(&a->discard_before);
    uint64_t read = atomic_load_explicit(&a->read, memory_order_relaxed);
    if (read < discard)
        read = discard;
    if (a->ring && atomic_load(&a->running)) {
        uint64_t written = atomic_load_explicit(&a->written, memory_order_acquire);
        read = skip_unheard(a, read, written);
        uint64_t have = written - read < want ? written - read : want;
        if (have > 0 && a->has_current && a->current.position >= discard)
            weir_playclock_heard(a->params.playclock, media_at(a, read),
                                 weir_clock_now_us(&a->params.clock) + delay_us);
        float gain = (float)atomic_load(&a->gain_percent) / 100.0f;
        for (; done < have; done++, read++) {
            const float *from = a->ring + (size_t)(read % RING_FRAMES) * channels;
            for (size_t c = 0; c < channels; c++)
                samples[done * channels + c] = from[c] * gain;
        }
    }
    atomic_store_explicit(&a->read, read, memory_order_release);
    memset(samples + done * channels, 0, (want - done) * channels * sizeof(float));
}

static void device_lost(void *ctx)
{
    struct weir_audio_out *a = ctx;
    atomic_store(&a->lost, true);
}

void weir_audio_out_discard(struct weir_audio_out *a)
{
    atomic_store(&a->discard_before, atomic_load(&a->written));
}

void weir_audio_out_flush(struct weir_audio_out *a)
{
    atomic_store(&a->discard_before, atomic_load(&a->written));
    atomic_store(&a->end_us, WEIR_TIME_NONE);
    atomic_store(&a->skip_before_us, INT64_MIN);
    a->taken_pts_us = WEIR_TIME_NONE;
    swr_free(&a->swr); // what it held belongs to the old position
}

void weir_audio_out_skip(struct weir_audio_out *a, int64_t media_us)
{
    atomic_store(&a->skip_before_us, media_us);
}

bool weir_audio_out_drained(struct weir_audio_out *a)
{
    return a->params.output != WEIR_AUDIO_DEVICE || atomic_load(&a->lost) ||
           atomic_load(&a->read) == atomic_load(&a->written);
}

void weir_audio_out_run(struct weir_audio_out *a, bool running)
{
    atomic_store(&a->running, running);
}

void weir_audio_out_volume(struct weir_audio_out *a, int percent, bool muted)
{
    atomic_store(&a->gain_percent, muted ? 0 : percent);
}

bool weir_audio_out_opened(struct weir_audio_out *a)
{
    return atomic_load(&a->opened);
}

int64_t weir_audio_out_end_us(struct weir_audio_out *a)
{
    return atomic_load(&a->end_us);
}

int weir_audio_out_finish(struct weir_audio_out *a, struct weir_error *error)
{
    return a->writer ? weir_audio_writer_finish(a->writer, error) : 0;
}
