// core/wake.c — the latch that threads sleep on (see wake.h). Its lock is a leaf: signal() may be
// called with other locks held, because nothing else is taken inside.
#include "core/wake.h"

#include <time.h>

#include <weir/error.h>

#define MAX_SLEEP_US (INT64_C(3600) * 24 * 365 * 1000000) // keeps the sum below within any time_t

int weir_wake_init(struct weir_wake *w)
{
    pthread_condattr_t attr;
    w->set = false;
    if (pthread_mutex_init(&w->lock, NULL) != 0)
        return WEIR_ERR_NOMEM;
    if (pthread_condattr_init(&attr) != 0)
        goto fail_mutex;
    int err = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    if (err == 0)
        err = pthread_cond_init(&w->cond, &attr);
    pthread_condattr_destroy(&attr);
    if (err == 0)
        return 0;
fail_mutex:
    pthread_mutex_destroy(&w->lock);
    return WEIR_ERR_NOMEM;
}

void weir_wake_clear(struct weir_wake *w)
{
    pthread_cond_destroy(&w->cond);
    pthread_mutex_destroy(&w->lock);
}

void weir_wake_signal(struct weir_wake *w)
{
    pthread_mutex_lock(&w->lock);
    w->set = true;
    // Under the lock: the waiter may clear the latch as soon as it wakes, and must find us done
    // with it.
    pthread_cond_signal(&w->cond);
    pthread_mutex_unlock(&w->lock);
}

static struct timespec deadline_after(int64_t timeout_us)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    if (timeout_us > MAX_SLEEP_US)
        timeout_us = MAX_SLEEP_US;
    ts.tv_sec += (time_t)(timeout_us / 1000000);
    ts.tv_nsec += (long)(timeout_us % 1000000) * 1000;
    if (ts.tv_nsec >= 1000000000) {
        ts.tv_nsec -= 1000000000;
        ts.tv_sec++;
    }
    return ts;
}

bool weir_wake_wait(struct weir_wake *w, int64_t timeout_us)
{
    struct timespec deadline = deadline_after(timeout_us > 0 ? timeout_us : 0);
    int err = 0;
    pthread_mutex_lock(&w->lock);
    while (!w->set && err == 0 && timeout_us != 0) {
        if (timeout_us < 0)
            pthread_cond_wait(&w->cond, &w->lock);
        else
            err = pthread_cond_timedwait(&w->cond, &w->lock, &deadline);
    }
    bool was_set = w->set;
    w->set = false;
    pthread_mutex_unlock(&w->lock);
    return was_set;
}

bool weir_wake_pending(struct weir_wake *w)
{
    pthread_mutex_lock(&w->lock);
    bool set = w->set;
    pthread_mutex_unlock(&w->lock);
    return set;
}
