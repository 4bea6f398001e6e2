// player/decode.h — one elementary stream's decoder: libavcodec writing into frame slots.
// Belongs to the stream's thread; FFmpeg's frame threads call back into the (locked) frame store
// only.
#ifndef WEIR_PLAYER_DECODE_H
#define WEIR_PLAYER_DECODE_H

#include <stdatomic.h>
#include <stdbool.h>

#include <libavcodec/avcodec.h>

#include <weir/error.h>

#include "core/frames.h"

// Where decoded pictures live. Pools are added when a picture larger than foreseen comes, and kept
// until the end, because pictures outlive the decoder that made them.
struct weir_frame_store;

struct weir_frame_store_params {
    size_t frame_bytes; // of the largest rung allowed; 0: learnt from the first picture
    size_t count;       // slots per pool
    struct weir_budget *budget;
};

struct weir_frame_store_stats {
    int64_t hits, misses, foreign;
};

int weir_frame_store_create(const struct weir_frame_store_params *params,
                            struct weir_frame_store **out);
// The largest picture foreseen has become known. Any thread; before the first picture.
void weir_frame_store_expect(struct weir_frame_store *s, size_t frame_bytes);
void weir_frame_store_destroy(struct weir_frame_store **s); // every picture must have been released
struct weir_frame_store_stats weir_frame_store_stats(struct weir_frame_store *s);
// Bytes of a slot for a width x height picture in this pixel format as the codec will lay it out; 0
// if not storable.
size_t weir_frame_store_picture_bytes(int width, int height, enum AVPixelFormat format);

struct weir_decoder_params {
    struct weir_frame_store *store; // NULL for sound
    int threads;                    // 0: one per core
};

struct weir_decoder {
    struct weir_decoder_params params;
    AVCodecContext *ctx;       // NULL until opened
    AVCodecParameters *opened; // what ctx was opened with
    bool draining;
};

void weir_decoder_init(struct weir_decoder *d, const struct weir_decoder_params *params);
void weir_decoder_clear(struct weir_decoder *d);
// Whether going on with `par` needs a drain and a new decoder: another codec, profile, bit depth or
// sample layout. Parameter sets alone travel as side data.
bool weir_decoder_must_reopen(const struct weir_decoder *d, const AVCodecParameters *par);
// Close what is open and open for `par`. UNSUPPORTED: no decoder in this FFmpeg, the message names
// the codec.
int weir_decoder_open(struct weir_decoder *d, const AVCodecParameters *par,
                      struct weir_error *error);
// 0, AGAIN (receive first), DECODE (damaged, go on). packet NULL: begin draining.
int weir_decoder_send(struct weir_decoder *d, const AVPacket *packet);
// 0, AGAIN (send more), END (drained), DECODE. pts are microseconds.
int weir_decoder_receive(struct weir_decoder *d, AVFrame *frame);
void weir_decoder_flush(struct weir_decoder *d); // after a seek, or after draining

#endif
