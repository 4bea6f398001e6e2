// sim/ordered.c — see ordered.h. A ring of units: workers claim the next free one, the calling
// thread sinks them in the same order. One lock, taken once per unit and side.
#include "sim/ordered.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include <weir/error.h>

#define TICK_NS 200000000

struct slot {
    bool done;
    int err;
};

struct run {
    const struct weir_ordered *o;
    char *units;
    struct slot slots[WEIR_ORDERED_WINDOW];
    pthread_mutex_t lock;
    pthread_cond_t room, done;
    // Protected by lock from here down.
    size_t claimed, sunk;
    bool ended; // no more work, or an error
};

struct worker {
    struct run *run;
    unsigned index;
    pthread_t thread;
};

static void *unit_at(struct run *r, size_t number)
{
    return r->units + (number % WEIR_ORDERED_WINDOW) * r->o->unit_bytes;
}

// The next unit's number into *number; false when there is nothing left to do.
static bool claim(struct run *r, size_t *number)
{
    while (!r->ended && r->claimed - r->sunk == WEIR_ORDERED_WINDOW)
        pthread_cond_wait(&r->room, &r->lock);
    if (r->ended)
        return false;
    if (!r->o->claim(r->o->ctx, unit_at(r, r->claimed))) {
        r->ended = true;
        pthread_cond_broadcast(&r->room);
        pthread_cond_signal(&r->done);
        return false;
    }
    *number = r->claimed++;
    r->slots[*number % WEIR_ORDERED_WINDOW] = (struct slot){.done = false};
    return true;
}

static void *work(void *arg)
{
    struct worker *w = arg;
    struct run *r = w->run;
    size_t number;
    pthread_mutex_lock(&r->lock);
    while (claim(r, &number)) {
        pthread_mutex_unlock(&r->lock);
        int err = r->o->work(r->o->ctx, w->index, unit_at(r, number));
        pthread_mutex_lock(&r->lock);
        r->slots[number % WEIR_ORDERED_WINDOW] = (struct slot){.done = true, .err = err};
        if (number == r->sunk)
            pthread_cond_signal(&r->done);
    }
    pthread_mutex_unlock(&r->lock);
    return NULL;
}

// Wait until the next unit in order is done, or nothing more comes. True: it is.
static bool wait_next(struct run *r, int *err)
{
    for (;;) {
        if (r->sunk < r->claimed && r->slots[r->sunk % WEIR_ORDERED_WINDOW].done)
            return true;
        if (r->ended && r->sunk == r->claimed)
            return false;
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += TICK_NS;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        pthread_cond_timedwait(&r->done, &r->lock, &until);
        *err = r->o->tick ? r->o->tick(r->o->ctx) : 0;
        if (*err)
            return false;
    }
}

// The calling thread's part: everything through sink(), in order.
static int drain(struct run *r)
{
    int err = 0;
    pthread_mutex_lock(&r->lock);
    while (!err && wait_next(r, &err)) {
        err = r->slots[r->sunk % WEIR_ORDERED_WINDOW].err;
        void *unit = unit_at(r, r->sunk);
        pthread_mutex_unlock(&r->lock);
        if (!err)
            err = r->o->sink(r->o->ctx, unit);
        if (!err && r->o->tick)
            err = r->o->tick(r->o->ctx);
        pthread_mutex_lock(&r->lock);
        r->sunk++;
        pthread_cond_signal(&r->room);
    }
    r->ended = true; // after an error: whatever is under way is finished and dropped
    pthread_cond_broadcast(&r->room);
    pthread_mutex_unlock(&r->lock);
    return err;
}

static int init(struct run *r)
{
    pthread_condattr_t clock;
    r->units = calloc(WEIR_ORDERED_WINDOW, r->o->unit_bytes);
    if (!r->units)
        return WEIR_ERR_NOMEM;
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->room, NULL);
    pthread_cond_init(&r->done, &clock);
    pthread_condattr_destroy(&clock);
    return 0;
}

static void clear(struct run *r)
{
    for (size_t i = 0; r->o->clear && i < WEIR_ORDERED_WINDOW; i++)
        r->o->clear(unit_at(r, i));
    pthread_cond_destroy(&r->done);
    pthread_cond_destroy(&r->room);
    pthread_mutex_destroy(&r->lock);
    free(r->units);
}

int weir_ordered_run(const struct weir_ordered *o)
{
    struct run *r = calloc(1, sizeof(*r));
    struct worker *workers = calloc(o->jobs, sizeof(*workers));
    unsigned started = 0;
    int err = WEIR_ERR_NOMEM;
    if (r && workers) {
        r->o = o;
        err = init(r);
    }
    if (!err) {
        for (; started < o->jobs; started++) {
            workers[started] = (struct worker){.run = r, .index = started};
            if (pthread_create(&workers[started].thread, NULL, work, &workers[started]) != 0)
                break; // fewer threads: slower, and the same results
        }
        err = started ? drain(r) : WEIR_ERR_NOMEM;
        for (unsigned i = 0; i < started; i++)
            pthread_join(workers[i].thread, NULL);
        clear(r);
    }
    free(workers);
    free(r);
    return err;
}
