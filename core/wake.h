// core/wake.h — a latch that one thread sleeps on and others set: wake-ups without polling.
// signal() from any thread; wait() from one. A signal before the wait is not lost; several count
// once.
#ifndef WEIR_CORE_WAKE_H
#define WEIR_CORE_WAKE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <weir/error.h>

struct weir_wake {
    pthread_mutex_t lock;
    pthread_cond_t cond; // CLOCK_MONOTONIC
    bool set;            // protected by lock
};

int weir_wake_init(struct weir_wake *w); // 0 or WEIR_ERR_NOMEM
void weir_wake_clear(struct weir_wake *w);
void weir_wake_signal(struct weir_wake *w);
// Sleep until signalled or until `timeout_us` has passed (negative: no timeout). Clears the latch;
// true if signalled.
bool weir_wake_wait(struct weir_wake *w, int64_t timeout_us);
// Whether it is signalled; the latch stays.
bool weir_wake_pending(struct weir_wake *w);

#endif
