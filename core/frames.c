// core/frames.c — frame slots: the pool of slots.c with most-recently-used order, a spare whose use
// is a counted miss, and accounting in one call. player/decode.c wraps the slots for FFmpeg.
#include "core/frames.h"

#include <stdlib.h>

struct weir_frame_pool {
    struct weir_slots *slots;
};

int weir_frame_pool_create(const struct weir_frame_pool_params *params,
                           struct weir_frame_pool **out)
{
    *out = NULL;
    if (params->count == 0 || params->spare > SIZE_MAX - params->count)
        return WEIR_ERR_INVAL;
    struct weir_frame_pool *p = calloc(1, sizeof(*p));
    if (!p)
        return WEIR_ERR_NOMEM;
    const struct weir_slots_params slots = {
        .range_bytes = params->frame_bytes,
        .max_slots = params->count + params->spare,
        .premapped = params->count,
        .order = WEIR_SLOTS_LIFO,
        .expected_in_use = params->count,
        .budget = params->budget,
        .name = "weir-frames",
    };
    int err = weir_slots_create(&slots, &p->slots);
    if (err) {
        free(p);
        return err;
    }
    *out = p;
    return 0;
}

void weir_frame_pool_destroy(struct weir_frame_pool **pool)
{
    if (!*pool)
        return;
    weir_slots_destroy(&(*pool)->slots);
    free(*pool);
    *pool = NULL;
}

struct weir_slot *weir_frame_acquire(struct weir_frame_pool *p, size_t size_bytes)
{
    struct weir_slot *slot = weir_slots_acquire(p->slots, size_bytes);
    if (slot && weir_slots_commit(p->slots, slot, size_bytes) != 0) {
        weir_slots_release(p->slots, slot);
        slot = NULL;
    }
    return slot;
}

void weir_frame_release(struct weir_frame_pool *p, struct weir_slot *slot)
{
    weir_slots_release(p->slots, slot);
}

struct weir_slots *weir_frame_pool_slots(struct weir_frame_pool *p)
{
    return p->slots;
}
