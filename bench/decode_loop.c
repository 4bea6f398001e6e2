// bench/decode_loop.c — the yardstick: nothing but avcodec_send_packet/receive_frame over packets
// that were read into memory beforehand, one thread of ours per stream as a player has, the
// decoders' own threads as given. With --paced each picture waits for its time, as in playback.
// Prints one JSON line: frames, wall and CPU seconds of the decoding alone.
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>

#define STREAMS_MAX 4
// Pictures are decoded this far ahead of their time when paced: a player's output queue.
#define AHEAD_US 160000

struct stream {
    AVCodecParameters *par;
    AVRational time_base;
    AVPacket **packets;
    size_t count, capacity;
    AVCodecContext *ctx;
    int64_t frames, span_us, started_us;
    bool paced, failed;
    pthread_t thread;
};

static int64_t now_us(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static double cpu_seconds(void)
{
    struct rusage u;
    (void)getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void die(const char *what, const char *why)
{
    (void)fprintf(stderr, "decode_loop: %s: %s\n", what, why);
    exit(2);
}

static void keep_packet(struct stream *s, AVPacket *packet)
{
    if (s->count == s->capacity) {
        s->capacity = s->capacity ? s->capacity * 2 : 1024;
        AVPacket **grown = realloc(s->packets, s->capacity * sizeof(*grown));
        if (!grown)
            die("packets", "out of memory");
        s->packets = grown;
    }
    s->packets[s->count++] = packet;
}

// Every packet of the file's first stream, or as many as begin before span_us.
static void read_stream(struct stream *s, const char *path, int64_t span_us)
{
    AVFormatContext *in = NULL;
    if (avformat_open_input(&in, path, NULL, NULL) < 0 || avformat_find_stream_info(in, NULL) < 0 ||
        in->nb_streams < 1)
        die(path, "cannot be read");
    s->par = avcodec_parameters_alloc();
    if (!s->par || avcodec_parameters_copy(s->par, in->streams[0]->codecpar) < 0)
        die(path, "out of memory");
    s->time_base = in->streams[0]->time_base;
    int64_t end = span_us > 0 ? av_rescale_q(span_us, AV_TIME_BASE_Q, s->time_base) : INT64_MAX;
    for (;;) {
        AVPacket *packet = av_packet_alloc();
        if (!packet)
            die(path, "out of memory");
        if (av_read_frame(in, packet) < 0 || packet->dts >= end) {
            av_packet_free(&packet);
            break;
        }
        if (packet->stream_index == 0)
            keep_packet(s, packet);
        else
            av_packet_free(&packet);
    }
    avformat_close_input(&in);
}

static void open_decoder(struct stream *s, int threads)
{
    const AVCodec *codec = avcodec_find_decoder(s->par->codec_id);
    s->ctx = codec ? avcodec_alloc_context3(codec) : NULL;
    if (!s->ctx || avcodec_parameters_to_context(s->ctx, s->par) < 0)
        die(avcodec_get_name(s->par->codec_id), "no decoder");
    s->ctx->pkt_timebase = s->time_base;
    s->ctx->thread_count = s->par->codec_type == AVMEDIA_TYPE_VIDEO ? threads : 1;
    if (avcodec_open2(s->ctx, codec, NULL) < 0)
        die(codec->name, "cannot be opened");
}

static void wait_until(int64_t due_us)
{
    int64_t left_us = due_us - now_us();
    if (left_us <= 0)
        return;
    struct timespec t = {left_us / 1000000, left_us % 1000000 * 1000};
    (void)nanosleep(&t, NULL);
}

static void take_frames(struct stream *s, AVFrame *frame)
{
    while (avcodec_receive_frame(s->ctx, frame) >= 0) {
        int64_t at_us = av_rescale_q(frame->best_effort_timestamp, s->time_base, AV_TIME_BASE_Q);
        s->frames++;
        s->span_us = at_us;
        if (s->paced)
            wait_until(s->started_us + at_us - AHEAD_US);
        av_frame_unref(frame);
    }
}

static void *decode(void *arg)
{
    struct stream *s = arg;
    AVFrame *frame = av_frame_alloc();
    for (size_t i = 0; frame && i <= s->count; i++) {
        // At the end NULL drains. A packet is let go once sent, as a player does.
        if (avcodec_send_packet(s->ctx, i < s->count ? s->packets[i] : NULL) < 0)
            s->failed = true;
        if (i < s->count)
            av_packet_free(&s->packets[i]);
        take_frames(s, frame);
    }
    av_frame_free(&frame);
    return NULL;
}

static void run(struct stream *streams, int count, bool paced)
{
    double cpu = cpu_seconds();
    int64_t began_us = now_us();
    for (int i = 0; i < count; i++) {
        streams[i].paced = paced;
        streams[i].started_us = began_us;
        if (pthread_create(&streams[i].thread, NULL, decode, &streams[i]))
            die("thread", "cannot be started");
    }
    for (int i = 0; i < count; i++)
        (void)pthread_join(streams[i].thread, NULL);
    double wall = (double)(now_us() - began_us) / 1e6;
    cpu = cpu_seconds() - cpu;
    int64_t video = 0, audio = 0;
    for (int i = 0; i < count; i++) {
        if (streams[i].failed)
            die("packet", "refused by the decoder");
        *(streams[i].par->codec_type == AVMEDIA_TYPE_VIDEO ? &video : &audio) += streams[i].frames;
    }
    (void)printf("{\"video_frames\": %lld, \"audio_frames\": %lld, \"wall\": %.4f, \"cpu\": %.4f, "
                 "\"fps\": %.2f}\n",
                 (long long)video, (long long)audio, wall, cpu, (double)video / wall);
}

int main(int argc, char **argv)
{
    struct stream streams[STREAMS_MAX] = {0};
    int count = 0, threads = 1;
    int64_t span_us = 0;
    bool paced = false;
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--paced"))
            paced = true;
        else if (!strcmp(argv[i], "--threads") && i + 1 < argc)
            threads = (int)strtol(argv[++i], NULL, 10);
        else if (!strcmp(argv[i], "--span") && i + 1 < argc)
            span_us = strtoll(argv[++i], NULL, 10) * 1000000;
        else if (argv[i][0] != '-' && count < STREAMS_MAX)
            read_stream(&streams[count++], argv[i], span_us);
        else
            die(argv[i], "usage: decode_loop [--threads N] [--paced] [--span S] FILE…");
    }
    if (count == 0)
        die("usage", "decode_loop [--threads N] [--paced] [--span S] FILE…");
    for (int i = 0; i < count; i++)
        open_decoder(&streams[i], threads);
    run(streams, count, paced);
    for (int i = 0; i < count; i++) {
        avcodec_free_context(&streams[i].ctx);
        avcodec_parameters_free(&streams[i].par);
        free(streams[i].packets);
    }
    return 0;
}
