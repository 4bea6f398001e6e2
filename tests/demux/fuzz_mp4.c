// tests/demux/fuzz_mp4.c — init and fragments of MP4 from any bytes: the demuxer in both wants and
// the playable scan, over a segment that is first half there and then complete.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "demux/playable.h"

static void read_some(struct weir_segment_pool *pool, struct weir_segment *media,
                      enum weir_demux_want want)
{
    struct weir_demux_params params = {.want = want, .slots = weir_segment_pool_slots(pool)};
    struct weir_media_unit unit = {.media = media,
                                   .timing_exact = true,
                                   .offset_timescale = 90000,
                                   .clip_start_us = 100000,
                                   .clip_end_us = 2000000};
    struct weir_demux *d = NULL;
    struct weir_error error = {0};
    AVPacket *pkt = av_packet_alloc();
    if (!pkt || weir_demux_create(&params, &d))
        abort();
    int err = weir_demux_begin(d, &unit, &error);
    for (int i = 0; i < 5000 && (!err || err == WEIR_ERR_SYNTAX); i++) {
        err = weir_demux_read(d, pkt, &error);
        if (!err && pkt->size <= 0)
            abort();
        for (int k = 0; !err && k < pkt->size; k += 64)
            (void)*(volatile const uint8_t *)(pkt->data + k);
    }
    (void)weir_demux_seek(d, 500000);
    av_packet_free(&pkt);
    weir_demux_destroy(&d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size_bytes)
{
    // Files without fragments are libavformat's to read, and its own fuzzers' to try.
    if (size_bytes < 8 || size_bytes > 65536 || !memmem(data, size_bytes, "mvex", 4) ||
        memcmp(data + 4, "ftyp", 4) != 0)
        return 0;
    struct weir_budget budget;
    weir_budget_init(&budget, 0);
    struct weir_segment_pool_params p = {
        .range_bytes = 1 << 20, .max_segments = 2, .premapped = 1, .budget = &budget};
    struct weir_segment_pool *pool = NULL;
    struct weir_playable *playable = NULL;
    if (weir_segment_pool_create(&p, &pool) || weir_playable_create(&playable))
        abort();
    struct weir_segment *media = weir_segment_create(pool, size_bytes);
    if (!media || weir_segment_append(media, data, size_bytes / 2))
        abort();
    struct weir_media_unit unit = {
        .media = media, .timing_exact = true, .duration_us = WEIR_TIME_NONE};
    weir_playable_begin(playable, &unit, WEIR_DEMUX_VIDEO);
    int64_t before = weir_playable_until_us(playable);
    if (weir_segment_append(media, data + size_bytes / 2, size_bytes - size_bytes / 2))
        abort();
    if (weir_playable_until_us(playable) < before)
        abort();
    weir_segment_finish(media, WEIR_SEGMENT_COMPLETE);
    read_some(pool, media, WEIR_DEMUX_VIDEO);
    read_some(pool, media, WEIR_DEMUX_AUDIO);
    weir_playable_destroy(&playable);
    weir_segment_unref(&media);
    weir_segment_pool_destroy(&pool);
    weir_budget_clear(&budget);
    return 0;
}
