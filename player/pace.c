// player/pace.c — see pace.h. A baton under one lock: `turn` names who may run, everyone else waits
// on a condition of their own. Whoever goes to sleep hands it to the first in order who has
// something to do; the I/O thread always has, because it moves the time.
#include "player/pace.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include <weir/error.h>

#define NOBODY WEIR_PACE_ROLES

enum seat_state {
    SEAT_ABSENT,
    SEAT_READY,    // has something to do, or is doing it
    SEAT_ASLEEP,   // until its wake is signalled or its time comes
    SEAT_AWAITING, // until another one has left
};

struct seat {
    enum seat_state state;
    struct weir_wake *wake;
    int64_t until_us; // INT64_MAX: no time
    enum weir_pace_role awaited;
    pthread_cond_t turned;
};

struct weir_pace {
    _Atomic int64_t now_us;
    pthread_mutex_t lock;
    // Protected by lock from here down.
    enum weir_pace_role turn;
    struct seat seats[WEIR_PACE_ROLES];
};

int weir_pace_create(struct weir_pace **out)
{
    *out = NULL;
    struct weir_pace *p = calloc(1, sizeof(*p));
    if (!p)
        return WEIR_ERR_NOMEM;
    (void)pthread_mutex_init(&p->lock, NULL); // neither fails with default attributes (glibc)
    for (int r = 0; r < WEIR_PACE_ROLES; r++)
        (void)pthread_cond_init(&p->seats[r].turned, NULL);
    p->seats[WEIR_PACE_APP].state = SEAT_READY;
    p->turn = WEIR_PACE_APP;
    *out = p;
    return 0;
}

void weir_pace_destroy(struct weir_pace **pp)
{
    struct weir_pace *p = *pp;
    if (!p)
        return;
    for (int r = 0; r < WEIR_PACE_ROLES; r++)
        (void)pthread_cond_destroy(&p->seats[r].turned);
    (void)pthread_mutex_destroy(&p->lock);
    free(p);
    *pp = NULL;
}

static int64_t now_us(void *ctx)
{
    struct weir_pace *p = ctx;
    return atomic_load(&p->now_us);
}

struct weir_clock weir_pace_clock(struct weir_pace *p)
{
    return (struct weir_clock){.now_us = now_us, .ctx = p};
}

// --- turns; under the lock ---

static bool has_something_to_do(const struct weir_pace *p, const struct seat *s)
{
    switch (s->state) {
    case SEAT_ABSENT:
        return false;
    case SEAT_READY:
        return true;
    case SEAT_ASLEEP:
        return s->until_us <= atomic_load(&p->now_us) || weir_wake_pending(s->wake);
    case SEAT_AWAITING:
        return p->seats[s->awaited].state == SEAT_ABSENT;
    }
    return false;
}

static enum weir_pace_role next(const struct weir_pace *p)
{
    for (int r = 0; r < WEIR_PACE_ROLES; r++)
        if (has_something_to_do(p, &p->seats[r]))
            return (enum weir_pace_role)r;
    return NOBODY;
}

static int64_t first_until_us(const struct weir_pace *p)
{
    int64_t first_us = INT64_MAX;
    for (int r = 0; r < WEIR_PACE_ROLES; r++)
        if (p->seats[r].state == SEAT_ASLEEP && p->seats[r].until_us < first_us)
            first_us = p->seats[r].until_us;
    return first_us;
}

static void hand_on(struct weir_pace *p)
{
    enum weir_pace_role r = next(p);
    if (r == NOBODY) { // the I/O thread has left: time passes by itself
        int64_t first_us = first_until_us(p);
        if (first_us != INT64_MAX)
            atomic_store(&p->now_us, first_us);
        r = next(p);
    }
    p->turn = r;
    if (r != NOBODY)
        (void)pthread_cond_signal(&p->seats[r].turned);
}

static void wait_turn(struct weir_pace *p, enum weir_pace_role role)
{
    while (p->turn != role)
        (void)pthread_cond_wait(&p->seats[role].turned, &p->lock);
    p->seats[role].state = SEAT_READY;
}

// --- threads ---

void weir_pace_expect(struct weir_pace *p, enum weir_pace_role role)
{
    if (!p)
        return;
    (void)pthread_mutex_lock(&p->lock);
    p->seats[role].state = SEAT_READY;
    (void)pthread_mutex_unlock(&p->lock);
}

void weir_pace_enter(struct weir_pace *p, enum weir_pace_role role)
{
    if (!p)
        return;
    (void)pthread_mutex_lock(&p->lock);
    wait_turn(p, role);
    (void)pthread_mutex_unlock(&p->lock);
}

void weir_pace_leave(struct weir_pace *p, enum weir_pace_role role)
{
    if (!p)
        return;
    (void)pthread_mutex_lock(&p->lock);
    p->seats[role].state = SEAT_ABSENT;
    if (p->turn == role)
        hand_on(p);
    (void)pthread_mutex_unlock(&p->lock);
}

bool weir_pace_sleep(struct weir_pace *p, enum weir_pace_role role, struct weir_wake *wake,
                     int64_t timeout_us)
{
    if (!p)
        return weir_wake_wait(wake, timeout_us);
    (void)pthread_mutex_lock(&p->lock);
    struct seat *s = &p->seats[role];
    s->state = SEAT_ASLEEP;
    s->wake = wake;
    s->until_us = INT64_MAX;
    int64_t at_us = atomic_load(&p->now_us);
    if (timeout_us >= 0 && timeout_us < INT64_MAX - at_us)
        s->until_us = at_us + timeout_us;
    hand_on(p);
    wait_turn(p, role);
    (void)pthread_mutex_unlock(&p->lock);
    return weir_wake_wait(wake, 0);
}

void weir_pace_await(struct weir_pace *p, enum weir_pace_role role)
{
    if (!p)
        return;
    (void)pthread_mutex_lock(&p->lock);
    enum weir_pace_role self = p->turn;
    p->seats[self].state = SEAT_AWAITING;
    p->seats[self].awaited = role;
    hand_on(p);
    wait_turn(p, self);
    (void)pthread_mutex_unlock(&p->lock);
}

// --- the I/O thread ---

int64_t weir_pace_settle(struct weir_pace *p)
{
    (void)pthread_mutex_lock(&p->lock);
    hand_on(p); // comes back when nobody before it in order has anything to do
    wait_turn(p, WEIR_PACE_IO);
    int64_t first_us = first_until_us(p);
    (void)pthread_mutex_unlock(&p->lock);
    return first_us;
}

void weir_pace_advance(struct weir_pace *p, int64_t at_us)
{
    if (at_us > atomic_load(&p->now_us))
        atomic_store(&p->now_us, at_us);
}
