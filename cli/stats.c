// cli/stats.c — formats the statistics overlay. One line per subject; a subject that is absent has
// no line.
#include "cli/stats.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "core/clock.h"
#include "core/text.h"

struct text {
    char *out;
    size_t used;
};

static void line(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void line(struct text *t, const char *format, ...)
{
    char one[256];
    va_list args;
    va_start(args, format);
    weir_text_vformat(one, sizeof(one), format,
                      args); // names come from manifests: one clean line each
    va_end(args);
    int len = snprintf(t->out + t->used, WEIR_STATS_MAX_BYTES - t->used, "%s%s",
                       t->used ? "\n" : "", one);
    if (len > 0 && t->used + (size_t)len < WEIR_STATS_MAX_BYTES)
        t->used += (size_t)len;
}

static double seconds(int64_t us)
{
    return (double)us / (double)WEIR_SECOND_US;
}

static double mebibytes(int64_t bytes)
{
    return (double)bytes / (1024.0 * 1024.0);
}

static void media_lines(struct text *t, const struct weir_stats_view *v)
{
    if (v->title)
        line(t, "%s", v->title);
    if (v->video_codec)
        line(t, "Video:   %s %dx%d %s", v->video_codec, v->width, v->height,
             v->pixel_format ? v->pixel_format : "");
    if (v->audio_codec)
        line(t, "Audio:   %s %d Hz, %d channels", v->audio_codec, v->audio_rate_hz,
             v->audio_channels);
}

static void playback_lines(struct text *t, const struct weir_stats_view *v)
{
    char position[32], duration[32], bitrate[32], throughput[32];
    const struct weir_status_view *s = &v->status;
    weir_status_time(s->position_us, position);
    weir_status_time(s->duration_us, duration);
    weir_status_rate(s->bitrate_bps, bitrate);
    weir_status_rate(s->throughput_bps, throughput);
    int rate = s->rate_permille ? s->rate_permille : 1000;
    line(t, "Time:    %s / %s  x%d.%02d%s", position, duration, rate / 1000, rate % 1000 / 10,
         s->paused ? "  paused" : "");
    if (s->rung_count > 0)
        line(t, "Rung:    %zu of %zu  %dp %s  %s%s  switches %" PRId64, s->rung + 1, s->rung_count,
             s->height, bitrate, v->abr ? v->abr : "", s->rung_held ? " (held)" : "",
             v->switch_count);
    line(t, "Network: %s", throughput);
}

static void buffer_lines(struct text *t, const struct weir_stats_view *v)
{
    char bar[3 * 24 + 1];
    const struct weir_status_view *s = &v->status;
    weir_status_bar(s->buffer_us, s->buffer_max_us, 24, true, bar);
    line(t, "Buffer:  %s %.1f of %.0f s", bar, seconds(s->buffer_us), seconds(s->buffer_max_us));
    if (v->audio_buffer_us != WEIR_TIME_NONE)
        line(t, "Sound:   buffer %.1f s  A-V %+.1f ms", seconds(v->audio_buffer_us),
             -(double)v->av_offset_us / 1000.0);
    if (v->startup_us >= 0)
        line(t, "Start:   %.3f s  stalls %" PRId64 " (%.2f s)", seconds(v->startup_us),
             v->stall_count, seconds(v->stall_us));
    line(t, "Frames:  %" PRId64 " shown, %" PRId64 " dropped", v->delivered, s->dropped);
}

static void memory_lines(struct text *t, const struct weir_stats_view *v)
{
    if (v->limit_bytes > 0)
        line(t, "Memory:  %.1f MiB, at most %.1f, limit %.1f", mebibytes(v->held_bytes),
             mebibytes(v->high_water_bytes), mebibytes(v->limit_bytes));
    else
        line(t, "Memory:  %.1f MiB, at most %.1f", mebibytes(v->held_bytes),
             mebibytes(v->high_water_bytes));
    line(t,
         "Pools:   segments %" PRId64 "+%" PRId64 "  frames %" PRId64 "+%" PRId64
         "  foreign %" PRId64,
         v->segment_hits, v->segment_misses, v->frame_hits, v->frame_misses, v->foreign_frames);
    line(t, "Copied:  net %.1f  demux %.1f  decode %.1f  render %.1f MiB", mebibytes(v->net_bytes),
         mebibytes(v->demux_bytes), mebibytes(v->decode_bytes), mebibytes(v->render_bytes));
}

size_t weir_stats_format(const struct weir_stats_view *view, char out[WEIR_STATS_MAX_BYTES])
{
    struct text t = {.out = out};
    out[0] = '\0';
    media_lines(&t, view);
    playback_lines(&t, view);
    buffer_lines(&t, view);
    memory_lines(&t, view);
    return t.used;
}
