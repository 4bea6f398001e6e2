// player/playclock.c — see playclock.h. Drift is corrected by slewing a twentieth of the difference
// per reading, which over the ~60 readings a second follows a sound card's clock within
// milliseconds without visible steps; a difference of 80 ms or more (half a frame at 6 fps, beyond
// what lip-sync tolerates: ITU-R BT.1359) is a jump.
#include "player/playclock.h"

#include <weir/error.h>

#include "core/rational.h"

#define SLEW_DIVISOR   20
#define JUMP_US        80000
#define HEARD_STALE_US 250000 // a callback that has not reported for so long is not playing

int weir_playclock_init(struct weir_playclock *c)
{
    *c = (struct weir_playclock){.rate_permille = 1000};
    return pthread_mutex_init(&c->lock, NULL) ? WEIR_ERR_NOMEM : 0;
}

void weir_playclock_clear(struct weir_playclock *c)
{
    (void)pthread_mutex_destroy(&c->lock);
}

static int64_t media_at(const struct weir_playclock *c, int64_t now_us)
{
    if (!c->running)
        return c->base_media_us;
    return c->base_media_us + weir_rescale(now_us - c->base_at_us, c->rate_permille, 1000);
}

static void rebase(struct weir_playclock *c, int64_t now_us, int64_t media_us)
{
    c->base_media_us = media_us;
    c->base_at_us = now_us;
}

void weir_playclock_set(struct weir_playclock *c, int64_t now_us, int64_t media_us)
{
    (void)pthread_mutex_lock(&c->lock);
    rebase(c, now_us, media_us);
    c->epoch++;
    atomic_store(&c->epoch_copy, c->epoch);
    (void)pthread_mutex_unlock(&c->lock);
}

void weir_playclock_run(struct weir_playclock *c, int64_t now_us, bool running)
{
    (void)pthread_mutex_lock(&c->lock);
    rebase(c, now_us, media_at(c, now_us));
    if (c->running != running) {
        c->running = running;
        c->epoch++; // what was heard before a pause says nothing about after it
        atomic_store(&c->epoch_copy, c->epoch);
    }
    (void)pthread_mutex_unlock(&c->lock);
}

void weir_playclock_rate(struct weir_playclock *c, int64_t now_us, int rate_permille)
{
    (void)pthread_mutex_lock(&c->lock);
    rebase(c, now_us, media_at(c, now_us));
    c->rate_permille = rate_permille;
    (void)pthread_mutex_unlock(&c->lock);
}

int weir_playclock_rate_permille(struct weir_playclock *c)
{
    (void)pthread_mutex_lock(&c->lock);
    int rate = (int)c->rate_permille;
    (void)pthread_mutex_unlock(&c->lock);
    return rate;
}

void weir_playclock_heard(struct weir_playclock *c, int64_t media_us, int64_t at_us)
{
    uint32_t seq = atomic_load_explicit(&c->heard_seq, memory_order_relaxed);
    atomic_store(&c->heard_seq, seq + 1); // odd: being written
    atomic_store(&c->heard_epoch, atomic_load(&c->epoch_copy));
    atomic_store(&c->heard_media_us, media_us);
    atomic_store(&c->heard_at_us, at_us);
    atomic_store(&c->heard_seq, seq + 2);
}

// The latest complete post of the current epoch; false when there is none, or it was used already.
static bool heard(struct weir_playclock *c, int64_t *media_us, int64_t *at_us)
{
    for (int tries = 0; tries < 4; tries++) {
        uint32_t seq = atomic_load(&c->heard_seq);
        if (seq & 1)
            continue;
        uint32_t epoch = atomic_load(&c->heard_epoch);
        *media_us = atomic_load(&c->heard_media_us);
        *at_us = atomic_load(&c->heard_at_us);
        if (atomic_load(&c->heard_seq) != seq)
            continue;
        if (seq == c->heard_seen || epoch != c->epoch)
            return false;
        c->heard_seen = seq;
        return true;
    }
    return false;
}

int64_t weir_playclock_now(struct weir_playclock *c, int64_t now_us, bool *running)
{
    (void)pthread_mutex_lock(&c->lock);
    int64_t media_us = media_at(c, now_us);
    int64_t heard_media_us, heard_at_us;
    if (c->running && heard(c, &heard_media_us, &heard_at_us) &&
        now_us - heard_at_us < HEARD_STALE_US) {
        int64_t master_us =
            heard_media_us + weir_rescale(now_us - heard_at_us, c->rate_permille, 1000);
        int64_t ahead_us = master_us - media_us;
        media_us +=
            ahead_us >= JUMP_US || ahead_us <= -JUMP_US ? ahead_us : ahead_us / SLEW_DIVISOR;
        rebase(c, now_us, media_us);
    }
    if (running)
        *running = c->running;
    (void)pthread_mutex_unlock(&c->lock);
    return media_us;
}
