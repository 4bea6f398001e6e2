// player/playclock.h — the presentation clock: media time as a function of monotonic time, rate and
// pause. Sound is the master where a device plays it: the audio callback posts what is heard when,
// and the clock is slewed towards that. Any thread may read it; the audio callback's post neither
// locks nor allocates.
#ifndef WEIR_PLAYER_PLAYCLOCK_H
#define WEIR_PLAYER_PLAYCLOCK_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct weir_playclock {
    pthread_mutex_t lock;
    // Protected by lock from here down.
    int64_t base_media_us, base_at_us; // media time at a moment
    int64_t rate_permille;
    bool running;
    uint32_t epoch; // rises at every set(): posts of an older epoch are stale
    uint32_t heard_seen;
    // One writer (the audio callback), many readers: a sequence lock.
    _Atomic uint32_t heard_seq;
    _Atomic uint32_t heard_epoch;
    _Atomic int64_t heard_media_us, heard_at_us;
    _Atomic uint32_t epoch_copy; // epoch for the callback, which may not lock
};

int weir_playclock_init(struct weir_playclock *c); // stopped at 0, rate 1000
void weir_playclock_clear(struct weir_playclock *c);
// Jump to media_us; keeps running or stopped.
void weir_playclock_set(struct weir_playclock *c, int64_t now_us, int64_t media_us);
void weir_playclock_run(struct weir_playclock *c, int64_t now_us, bool running);
void weir_playclock_rate(struct weir_playclock *c, int64_t now_us, int rate_permille);
// Media time now; corrects drift against what was heard. *running may be NULL.
int64_t weir_playclock_now(struct weir_playclock *c, int64_t now_us, bool *running);
int weir_playclock_rate_permille(struct weir_playclock *c);
// The audio callback: media_us will be heard at at_us (monotonic). One thread.
void weir_playclock_heard(struct weir_playclock *c, int64_t media_us, int64_t at_us);

#endif
