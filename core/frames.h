// core/frames.h — frame slots: decoded pictures live here, are shared by reference, and return when
// the last holder lets go. Knows nothing of FFmpeg: player/decode.c wraps a slot in an AVBufferRef.
#ifndef WEIR_CORE_FRAMES_H
#define WEIR_CORE_FRAMES_H

#include <stddef.h>
#include <stdint.h>

#include "core/slots.h"

struct weir_frame_pool;

struct weir_frame_pool_params {
    size_t frame_bytes; // of the largest frame allowed; smaller ones touch only their own pages
    size_t count;       // the decoder's need + queue + renderer + 2
    size_t spare;       // further slots, each use of which is a counted miss
    struct weir_budget *budget; // borrowed, required
};

int weir_frame_pool_create(const struct weir_frame_pool_params *params,
                           struct weir_frame_pool **out);
// Every slot must have been released.
void weir_frame_pool_destroy(struct weir_frame_pool **p);
// A slot of at least `size_bytes`, accounted for; NULL when none is left or it does not fit. Never
// waits.
struct weir_slot *weir_frame_acquire(struct weir_frame_pool *p, size_t size_bytes);
void weir_frame_release(struct weir_frame_pool *p, struct weir_slot *slot); // any thread
struct weir_slots *weir_frame_pool_slots(struct weir_frame_pool *p);

#endif
