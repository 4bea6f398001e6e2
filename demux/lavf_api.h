// demux/lavf_api.h — libavformat, loaded when a container first needs it. It brings some seventy
// libraries of protocols along that Weir never uses: linking them at start costs about 10 ms of
// every exec, a quarter of the time to the first picture (docs/results.md), and most streams
// (fragmented MP4) are read without it.
#ifndef WEIR_DEMUX_LAVF_API_H
#define WEIR_DEMUX_LAVF_API_H

#include <libavformat/avformat.h>

// The functions in use, under their own names.
struct weir_lavf_api {
    unsigned (*avformat_version)(void);
    AVFormatContext *(*avformat_alloc_context)(void);
    void (*avformat_free_context)(AVFormatContext *s);
    int (*avformat_open_input)(AVFormatContext **s, const char *url, const AVInputFormat *format,
                               AVDictionary **options);
    void (*avformat_close_input)(AVFormatContext **s);
    int (*avformat_find_stream_info)(AVFormatContext *s, AVDictionary **options);
    int (*av_read_frame)(AVFormatContext *s, AVPacket *packet);
    int (*av_seek_frame)(AVFormatContext *s, int stream, int64_t timestamp, int flags);
    const AVInputFormat *(*av_find_input_format)(const char *name);
    uint8_t *(*av_stream_get_side_data)(const AVStream *stream, enum AVPacketSideDataType type,
                                        size_t *size);
    AVIOContext *(*avio_alloc_context)(unsigned char *buffer, int buffer_size, int write_flag,
                                       void *opaque,
                                       int (*read)(void *opaque, uint8_t *buf, int size),
                                       int (*write)(void *opaque, uint8_t *buf, int size),
                                       int64_t (*seek)(void *opaque, int64_t offset, int whence));
    void (*avio_context_free)(AVIOContext **s);
};

// The table, loaded once per process; NULL where the library of the version compiled against is not
// installed. Thread-safe.
const struct weir_lavf_api *weir_lavf_api(void);

#endif
