// tests/render/media.c — temporary files, ffmpeg runs and decoding for the tests of render/.
#include "tests/render/media.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/pixdesc.h>

static char directory[64];

const char *media_dir(void)
{
    if (!directory[0]) {
        snprintf(directory, sizeof(directory), "/tmp/weir-render-XXXXXX");
        if (!mkdtemp(directory))
            exit(1);
    }
    return directory;
}

void media_cleanup(void)
{
    if (directory[0])
        free(media_run("rm -r %s", directory));
    directory[0] = '\0';
}

const char *media_path(const char *name)
{
    static char paths[4][128];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof(paths[0]), "%s/%s", media_dir(), name);
    return path;
}

void media_require(const char *program)
{
    char command[128];
    snprintf(command, sizeof(command), "command -v %s >/dev/null", program);
    if (system(command) != 0) {
        fprintf(stderr, "skipped: %s is not installed\n", program);
        exit(77);
    }
}

static char *read_all(FILE *file, size_t *size_bytes)
{
    size_t used = 0;
    size_t room = 1 << 16;
    char *data = malloc(room);
    for (;;) {
        used += fread(data + used, 1, room - used - 1, file);
        if (used + 1 < room)
            break;
        data = realloc(data, room *= 2);
    }
    data[used] = '\0';
    if (size_bytes)
        *size_bytes = used;
    return data;
}

char *media_run(const char *format, ...)
{
    char command[2048];
    va_list args;
    va_start(args, format);
    vsnprintf(command, sizeof(command), format, args);
    va_end(args);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    char *text = read_all(pipe, NULL);
    int status = pclose(pipe);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail_msg("exit status %d of: %s", status, command);
    return text;
}

char *media_read(const char *path, size_t *size_bytes)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    char *data = read_all(file, size_bytes);
    fclose(file);
    return data;
}

static void keep_frames(struct media_frames *out, AVCodecContext *codec)
{
    for (;;) {
        AVFrame *frame = av_frame_alloc();
        if (avcodec_receive_frame(codec, frame) < 0) {
            av_frame_free(&frame);
            return;
        }
        out->items = realloc(out->items, (out->count + 1) * sizeof(*out->items));
        out->items[out->count++] = frame;
    }
}

struct media_frames media_decode(const char *path, bool sound, bool apply_cropping)
{
    struct media_frames out = {0};
    AVFormatContext *input = NULL;
    const AVCodec *decoder = NULL;
    assert_true(avformat_open_input(&input, path, NULL, NULL) >= 0);
    assert_true(avformat_find_stream_info(input, NULL) >= 0);
    enum AVMediaType type = sound ? AVMEDIA_TYPE_AUDIO : AVMEDIA_TYPE_VIDEO;
    int stream = av_find_best_stream(input, type, -1, -1, &decoder, 0);
    assert_true(stream >= 0);
    AVCodecContext *codec = avcodec_alloc_context3(decoder);
    avcodec_parameters_to_context(codec, input->streams[stream]->codecpar);
    codec->apply_cropping = apply_cropping;
    assert_true(avcodec_open2(codec, decoder, NULL) >= 0);
    AVPacket *packet = av_packet_alloc();
    while (av_read_frame(input, packet) >= 0) {
        if (packet->stream_index == stream) {
            assert_true(avcodec_send_packet(codec, packet) >= 0);
            keep_frames(&out, codec);
        }
        av_packet_unref(packet);
    }
    avcodec_send_packet(codec, NULL);
    keep_frames(&out, codec);
    av_packet_free(&packet);
    avcodec_free_context(&codec);
    avformat_close_input(&input);
    return out;
}

void media_frames_clear(struct media_frames *frames)
{
    for (size_t i = 0; i < frames->count; i++)
        av_frame_free(&frames->items[i]);
    free(frames->items);
    *frames = (struct media_frames){0};
}

char *media_md5_column(const char *text)
{
    char *copy = strdup(text);
    char *out = calloc(1, strlen(text) + 1);
    char *rest = NULL;
    for (char *line = strtok_r(copy, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        const char *comma = strrchr(line, ',');
        if (line[0] == '#' || !comma)
            continue;
        comma += strspn(comma, ", ");
        strcat(strncat(out, comma, 32), " ");
    }
    free(copy);
    return out;
}

// One colour as Y, Cb, Cr codes of 8 bits (ITU-R BT.601-7, BT.709-6).
static void to_ycbcr(const uint8_t rgb[3], enum AVColorSpace matrix, bool full_range, int out[3])
{
    double kr = matrix == AVCOL_SPC_BT709 ? 0.2126 : 0.299;
    double kb = matrix == AVCOL_SPC_BT709 ? 0.0722 : 0.114;
    double r = rgb[0] / 255.0, g = rgb[1] / 255.0, b = rgb[2] / 255.0;
    double y = kr * r + (1 - kr - kb) * g + kb * b;
    double cb = (b - y) / (2 * (1 - kb)), cr = (r - y) / (2 * (1 - kr));
    out[0] = (int)(full_range ? 255 * y + 0.5 : 16 + 219 * y + 0.5);
    out[1] = (int)(128.5 + (full_range ? 255 : 224) * cb);
    out[2] = (int)(128.5 + (full_range ? 255 : 224) * cr);
    for (int i = 0; i < 3; i++)
        out[i] = out[i] < 0 ? 0 : out[i] > 255 ? 255 : out[i];
}

// Through the format's descriptor, so any planar, semi-planar or deep format will do.
static void fill(AVFrame *frame, const AVPixFmtDescriptor *desc, const int codes[4][3])
{
    for (int c = 0; c < desc->nb_components && c < 3; c++) {
        const AVComponentDescriptor *comp = &desc->comp[c];
        int width = c ? AV_CEIL_RSHIFT(frame->width, desc->log2_chroma_w) : frame->width;
        int height = c ? AV_CEIL_RSHIFT(frame->height, desc->log2_chroma_h) : frame->height;
        for (int y = 0; y < height; y++) {
            uint8_t *row = frame->data[comp->plane] + (ptrdiff_t)y * frame->linesize[comp->plane];
            for (int x = 0; x < width; x++) {
                int code = codes[(y * 2 >= height) * 2 + (x * 2 >= width)][c];
                uint8_t *at = row + (ptrdiff_t)x * comp->step + comp->offset;
                if (comp->depth > 8)
                    *(uint16_t *)(void *)at = (uint16_t)(code << (comp->depth - 8 + comp->shift));
                else
                    *at = (uint8_t)code;
            }
        }
    }
}

AVFrame *media_quadrants(enum AVPixelFormat format, int width, int height, const uint8_t rgb[4][3],
                         enum AVColorSpace matrix, bool full_range)
{
    AVFrame *frame = av_frame_alloc();
    const AVPixFmtDescriptor *desc = av_pix_fmt_desc_get(format);
    int codes[4][3];
    frame->format = format;
    frame->width = width;
    frame->height = height;
    frame->colorspace = matrix;
    frame->color_range = full_range ? AVCOL_RANGE_JPEG : AVCOL_RANGE_MPEG;
    assert_int_equal(av_frame_get_buffer(frame, 0), 0);
    for (int i = 0; i < 4; i++) {
        to_ycbcr(rgb[i], matrix, full_range, codes[i]);
        for (int c = 0; (desc->flags & AV_PIX_FMT_FLAG_RGB) && c < 3; c++)
            codes[i][c] = rgb[i][c];
    }
    fill(frame, desc, codes);
    return frame;
}
