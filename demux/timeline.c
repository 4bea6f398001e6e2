// demux/timeline.c — see timeline.h. A small table of pinned sequences under one lock, taken once
// per segment and stream; the oldest sequence is forgotten when the table is full, which a player
// never comes back to within one buffer.
#include "demux/timeline.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include <weir/error.h>

#define MAX_SEQUENCES 64

struct pin {
    int64_t sequence, offset_us;
    bool known;
};

struct weir_timeline {
    bool video_leads;
    pthread_mutex_t lock;
    pthread_cond_t pinned; // CLOCK_MONOTONIC
    // Protected by lock from here down.
    struct pin pins[MAX_SEQUENCES];
    size_t next; // slot to overwrite
    bool leader_passed_any;
    int64_t leader_passed; // sequences up to this one are given up by the leader
};

int weir_timeline_create(bool video_leads, struct weir_timeline **out)
{
    *out = NULL;
    struct weir_timeline *t = calloc(1, sizeof(*t));
    if (!t)
        return WEIR_ERR_NOMEM;
    t->video_leads = video_leads;
    pthread_condattr_t attr;
    if (pthread_condattr_init(&attr))
        goto fail;
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    int err = pthread_cond_init(&t->pinned, &attr);
    (void)pthread_condattr_destroy(&attr);
    if (err)
        goto fail;
    if (pthread_mutex_init(&t->lock, NULL)) {
        (void)pthread_cond_destroy(&t->pinned);
        goto fail;
    }
    *out = t;
    return 0;
fail:
    free(t);
    return WEIR_ERR_NOMEM;
}

void weir_timeline_destroy(struct weir_timeline **tp)
{
    struct weir_timeline *t = *tp;
    if (!t)
        return;
    (void)pthread_mutex_destroy(&t->lock);
    (void)pthread_cond_destroy(&t->pinned);
    free(t);
    *tp = NULL;
}

static const struct pin *find(const struct weir_timeline *t, int64_t sequence)
{
    for (size_t i = 0; i < MAX_SEQUENCES; i++) {
        if (t->pins[i].known && t->pins[i].sequence == sequence)
            return &t->pins[i];
    }
    return NULL;
}

static const struct pin *add(struct weir_timeline *t, int64_t sequence, int64_t offset_us)
{
    struct pin *p = &t->pins[t->next];
    t->next = (t->next + 1) % MAX_SEQUENCES;
    *p = (struct pin){.sequence = sequence, .offset_us = offset_us, .known = true};
    (void)pthread_cond_broadcast(&t->pinned);
    return p;
}

bool weir_timeline_offset(struct weir_timeline *t, bool leader, int64_t discontinuity_sequence,
                          int64_t first_media_us, int64_t start_us, int64_t *offset_us)
{
    (void)pthread_mutex_lock(&t->lock);
    const struct pin *p = find(t, discontinuity_sequence);
    bool may_pin = leader || !t->video_leads ||
                   (t->leader_passed_any && discontinuity_sequence <= t->leader_passed);
    if (!p && may_pin) {
        int64_t offset;
        if (__builtin_sub_overflow(start_us, first_media_us, &offset))
            offset = 0;
        p = add(t, discontinuity_sequence, offset);
    }
    if (p)
        *offset_us = p->offset_us;
    (void)pthread_mutex_unlock(&t->lock);
    return p;
}

void weir_timeline_leader_passed(struct weir_timeline *t, int64_t discontinuity_sequence)
{
    (void)pthread_mutex_lock(&t->lock);
    if (!t->leader_passed_any || discontinuity_sequence > t->leader_passed)
        t->leader_passed = discontinuity_sequence;
    t->leader_passed_any = true;
    (void)pthread_cond_broadcast(&t->pinned);
    (void)pthread_mutex_unlock(&t->lock);
}

void weir_timeline_leader_back(struct weir_timeline *t)
{
    (void)pthread_mutex_lock(&t->lock);
    if (t->leader_passed < INT64_MAX) // absent or ended: nobody will come
        t->leader_passed_any = false;
    (void)pthread_mutex_unlock(&t->lock);
}

void weir_timeline_wait(struct weir_timeline *t, int64_t discontinuity_sequence, int64_t timeout_us)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    int64_t ns = until.tv_nsec + timeout_us % 1000000 * 1000;
    until.tv_sec += (time_t)(timeout_us / 1000000 + ns / 1000000000);
    until.tv_nsec = (long)(ns % 1000000000);
    (void)pthread_mutex_lock(&t->lock);
    while (!find(t, discontinuity_sequence) &&
           !(t->leader_passed_any && discontinuity_sequence <= t->leader_passed)) {
        if (pthread_cond_timedwait(&t->pinned, &t->lock, &until) == ETIMEDOUT)
            break;
    }
    (void)pthread_mutex_unlock(&t->lock);
}
