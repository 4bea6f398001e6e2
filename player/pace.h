// player/pace.h — virtual time for a whole session. The session's threads take turns, one at a
// time, in a fixed order: streams before the application, the application before the I/O thread.
// Time stands still while anyone has something to do; when all the others sleep, the I/O thread,
// inside its transport's pump, moves it on. So a session is one sequence of steps, the same at
// every run, however its threads are scheduled. Live sessions have no pace (NULL): their threads
// sleep on their wakes in real time.
#ifndef WEIR_PLAYER_PACE_H
#define WEIR_PLAYER_PACE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/clock.h"
#include "core/wake.h"

// In the order in which those who have something to do get their turn.
enum weir_pace_role {
    WEIR_PACE_VIDEO,
    WEIR_PACE_AUDIO,
    WEIR_PACE_APP,
    WEIR_PACE_IO,
    WEIR_PACE_ROLES,
};

struct weir_pace;

// Time 0; the caller is the application's thread, and it is its turn.
int weir_pace_create(struct weir_pace **out);
void weir_pace_destroy(struct weir_pace **p); // nobody but the application is left

// The virtual clock. Any thread may read it.
struct weir_clock weir_pace_clock(struct weir_pace *p);

// Before the thread of this role is created, by the one whose turn it is.
void weir_pace_expect(struct weir_pace *p, enum weir_pace_role role);
void weir_pace_enter(struct weir_pace *p, enum weir_pace_role role); // first thing on that thread
void weir_pace_leave(struct weir_pace *p, enum weir_pace_role role); // last thing on it
// Where a thread of the session sleeps: weir_wake_wait() in virtual time, and that itself where `p`
// is NULL.
bool weir_pace_sleep(struct weir_pace *p, enum weir_pace_role role, struct weir_wake *wake,
                     int64_t timeout_us);
// The one whose turn it is waits until the thread of this role has left: before joining it. No
// effect where `p` is NULL.
void weir_pace_await(struct weir_pace *p, enum weir_pace_role role);

// --- the I/O thread ---

// Everyone else goes on until all of them sleep. When the first of them is to be woken; INT64_MAX:
// only by something that happens.
int64_t weir_pace_settle(struct weir_pace *p);
// It is at_us now; never back.
void weir_pace_advance(struct weir_pace *p, int64_t at_us);

#endif
