// player/audio_out.h — decoded sound to its destination: resampled into a ring that the device's
// callback empties, written to a WAV file, or dropped. write() is the audio stream thread's; pull
// is the device's; the rest the I/O thread's.
#ifndef WEIR_PLAYER_AUDIO_OUT_H
#define WEIR_PLAYER_AUDIO_OUT_H

#include <stdbool.h>
#include <stdint.h>

#include <libavutil/frame.h>

#include <weir/error.h>
#include <weir/player.h>

#include "core/clock.h"
#include "player/playclock.h"

struct weir_audio_out;

struct weir_audio_out_params {
    enum weir_audio_output output;
    const char *wav_path;
    bool untimed;
    struct weir_clock clock;
    struct weir_playclock *playclock;
    struct weir_copy_counters *copies;
    const struct weir_log *log;
};

// Opens the file at once, and the device with the first frame. OUTPUT with error.
int weir_audio_out_create(const struct weir_audio_out_params *params, struct weir_audio_out **out,
                          struct weir_error *error);
void weir_audio_out_destroy(struct weir_audio_out **a);

// Take one frame (pts in microseconds). 0; AGAIN: not now, ask again after *wait_us (nothing was
// taken); OUTPUT with error: the device or file is gone, sound goes on silently (the clock turns
// monotonic).
int weir_audio_out_write(struct weir_audio_out *a, const AVFrame *frame, int64_t *wait_us,
                         struct weir_error *error);
// What is in the ring is stale (seek). Stream thread.
void weir_audio_out_flush(struct weir_audio_out *a);
// What is in the ring from media_us on is still wanted, what lies before it is not (a seek within
// what was decoded). Until the next flush. Any thread.
void weir_audio_out_skip(struct weir_audio_out *a, int64_t media_us);
// What was written so far must not be heard any more (a seek). Any thread; flush() follows on the
// stream's.
void weir_audio_out_discard(struct weir_audio_out *a);
// Everything written was heard. Any thread.
bool weir_audio_out_drained(struct weir_audio_out *a);
// Silence and a still clock while false. Any thread.
void weir_audio_out_run(struct weir_audio_out *a, bool running);
void weir_audio_out_volume(struct weir_audio_out *a, int percent, bool muted);
// End of the sound written so far on the presentation timeline; NONE before any. Any thread.
bool weir_audio_out_opened(
    struct weir_audio_out *a); // whether the device was ever open. Any thread.
int64_t weir_audio_out_end_us(struct weir_audio_out *a);
int weir_audio_out_finish(struct weir_audio_out *a, struct weir_error *error); // completes the file

#endif
