// player/frame_store.h — the side of the frame store that libavcodec sees (player/decode.c installs
// it).
#ifndef WEIR_PLAYER_FRAME_STORE_H
#define WEIR_PLAYER_FRAME_STORE_H

#include <libavcodec/avcodec.h>

#include "player/decode.h"

// AVCodecContext.get_buffer2 with ctx->opaque a struct weir_frame_store. Any thread; never waits.
int weir_frame_store_get_buffer(AVCodecContext *ctx, AVFrame *frame, int flags);
// Whether a picture ever found no slot: libavcodec tells it as damage, or as nothing at all.
bool weir_frame_store_refused(struct weir_frame_store *s);
// A picture came out of the decoder that lies in no slot.
void weir_frame_store_note_foreign(struct weir_frame_store *s);
// Whether the bytes lie in a frame slot: asked by the zero-copy check.
bool weir_frame_store_contains(struct weir_frame_store *s, const void *p, size_t size_bytes);

#endif
