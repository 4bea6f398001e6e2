// sim/content_pensieve.c — reads a folder of Pensieve's files: video_size_0, video_size_1, … by
// rising rung, one size in bytes a line; and vmaf/video1, video2, … where there are any, by falling
// rung. The folder that holds them, or the one above with size/ in it.
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "sim/content_build.h"

#define PENSIEVE_SEGMENT_US 4e6 // Pensieve's VIDEO_CHUNCK_LEN

// Pensieve's VIDEO_BIT_RATE for EnvivioDash3: the files do not say.
static const int64_t envivio_bps[] = {300000, 750000, 1200000, 1850000, 2850000, 4300000};
#define ENVIVIO_RUNGS (sizeof(envivio_bps) / sizeof(envivio_bps[0]))

// One column of numbers.
struct column {
    double *values;
    size_t count;
};

static bool exists(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0;
}

// A decimal number by hand: strtod follows the locale. The digits beyond 2^53 do not matter here.
static bool read_number(const char **at, double *out)
{
    const char *s = *at;
    bool negative = *s == '-', any = false;
    double value = 0, unit = 1;
    if (*s == '-' || *s == '+')
        s++;
    for (; *s >= '0' && *s <= '9'; s++, any = true)
        value = value * 10 + (*s - '0');
    if (*s == '.')
        for (s++; *s >= '0' && *s <= '9'; s++, any = true) {
            value = value * 10 + (*s - '0');
            unit *= 10;
        }
    *out = (negative ? -value : value) / unit;
    *at = s;
    return any && isfinite(*out);
}

static int parse_column(struct weir_content_build *b, const char *path, const char *text,
                        size_t size_bytes, struct column *out)
{
    size_t line = 0;
    for (const char *at = text; at < text + size_bytes;) {
        double value;
        line++;
        at += strspn(at, " \t\r");
        if (at >= text + size_bytes)
            break;
        if (*at == '\n') { // an empty line
            at++;
            continue;
        }
        bool good = read_number(&at, &value);
        at += strspn(at, " \t\r");
        if (!good || (*at != '\n' && at != text + size_bytes))
            return weir_error_set(b->error, WEIR_ERR_SYNTAX, path, "line %zu: not one number",
                                  line);
        if (out->count == WEIR_CONTENT_MAX_SEGMENTS)
            return weir_error_set(b->error, WEIR_ERR_TOO_BIG, path, "more than %d segments",
                                  WEIR_CONTENT_MAX_SEGMENTS);
        out->values[out->count++] = value;
        at += *at == '\n';
    }
    return 0;
}

static int read_column(struct weir_content_build *b, const char *path, struct column *out)
{
    char *text = NULL;
    size_t size_bytes = 0;
    out->count = 0;
    if (!path)
        return weir_error_set(b->error, WEIR_ERR_NOMEM, b->where, "memory ran out");
    int err = weir_content_read_file(path, &text, &size_bytes, b->error);
    if (err)
        return err;
    out->values = calloc(WEIR_CONTENT_MAX_SEGMENTS, sizeof(*out->values));
    err = out->values ? parse_column(b, path, text, size_bytes, out)
                      : weir_error_set(b->error, WEIR_ERR_NOMEM, path, "memory ran out");
    free(text);
    return err;
}

// The path of file `number` below `folder`, in the build's arena; NULL without memory.
static const char *file_path(struct weir_content_build *b, const char *folder, const char *stem,
                             size_t number)
{
    return weir_arena_printf(&b->arena, "%s/%s%zu", folder, stem, number);
}

static size_t count_files(struct weir_content_build *b, const char *folder, const char *stem,
                          size_t first)
{
    size_t count = 0;
    while (count <= WEIR_CONTENT_MAX_RUNGS) {
        const char *path = file_path(b, folder, stem, first + count);
        if (!path || !exists(path))
            break;
        count++;
    }
    return count;
}

// File `rung` of the sizes, as that rung's column of the table. The first one makes the track.
static int read_sizes(struct weir_content_build *b, const char *folder, size_t rung, size_t rungs)
{
    const char *path = file_path(b, folder, "video_size_", rung);
    struct weir_content_track *video = &b->content.video;
    struct column column = {0};
    int err = read_column(b, path, &column);
    if (!err && rung == 0)
        err = weir_content_track_make(b, video, (int64_t)column.count, rungs, false, false);
    if (!err && (int64_t)column.count != video->segment_count)
        err = weir_error_set(b->error, WEIR_ERR_SYNTAX, path,
                             "rung %zu: %zu sizes, where rung 0 has %lld", rung, column.count,
                             (long long)video->segment_count);
    for (size_t i = 0; !err && i < column.count; i++) {
        double bytes = column.values[i];
        if (bytes != floor(bytes))
            err = weir_content_fail(b, WEIR_ERR_SYNTAX, (int64_t)i, rung,
                                    "the size is not a whole number");
        else if (bytes > 2.0 * (double)WEIR_CONTENT_MAX_SEGMENT_BYTES)
            err =
                weir_content_fail(b, WEIR_ERR_TOO_BIG, (int64_t)i, rung, "the size is above 1 TiB");
        else // 0 and less: refused by weir_content_build_end()
            b->video.sizes_bytes[i * rungs + rung] = bytes > 0 ? (int64_t)bytes : 0;
    }
    free(column.values);
    return err;
}

// vmaf/video1 is the highest rung.
static int read_vmaf(struct weir_content_build *b, const char *folder)
{
    struct weir_content_track *video = &b->content.video;
    size_t rungs = video->rung_count, files = count_files(b, folder, "video", 1);
    if (files != rungs) {
        weir_content_warn(b, "%s: %zu files for %zu rungs; the VMAF is left out", folder, files,
                          rungs);
        return 0;
    }
    b->video.vmaf =
        weir_arena_array(&b->arena, rungs * (size_t)video->segment_count, sizeof(float));
    video->vmaf = b->video.vmaf;
    int err =
        b->video.vmaf ? 0 : weir_error_set(b->error, WEIR_ERR_NOMEM, folder, "memory ran out");
    for (size_t r = 0; r < rungs && !err; r++) {
        const char *path = file_path(b, folder, "video", rungs - r);
        struct column column = {0};
        err = read_column(b, path, &column);
        if (!err && (int64_t)column.count != video->segment_count)
            err = weir_error_set(b->error, WEIR_ERR_SYNTAX, path,
                                 "rung %zu: %zu values for %lld segments", r, column.count,
                                 (long long)video->segment_count);
        for (size_t i = 0; !err && i < column.count; i++)
            b->video.vmaf[i * rungs + r] = (float)column.values[i];
        free(column.values);
    }
    return err;
}

static void set_bitrates(struct weir_content_build *b)
{
    struct weir_content_track *video = &b->content.video;
    size_t rungs = video->rung_count;
    if (rungs == ENVIVIO_RUNGS) {
        memcpy(b->video.bitrates_bps, envivio_bps, sizeof(envivio_bps));
        return;
    }
    weir_content_warn(b, "%s: the bitrates are estimated from the sizes", b->where);
    for (size_t r = 0; r < rungs; r++) {
        double bits = 0;
        for (int64_t i = 0; i < video->segment_count; i++)
            bits += 8.0 * (double)b->video.sizes_bytes[(size_t)i * rungs + r];
        double seconds = PENSIEVE_SEGMENT_US / 1e6 * (double)video->segment_count;
        double bps = bits / seconds;
        b->video.bitrates_bps[r] =
            bps < (double)WEIR_CONTENT_MAX_BPS ? (int64_t)llround(bps) : INT64_MAX;
    }
}

int weir_content_read_pensieve(struct weir_content_build *b, const char *folder)
{
    const char *sizes = folder, *vmaf = weir_arena_printf(&b->arena, "%s/vmaf", folder);
    size_t rungs = count_files(b, sizes, "video_size_", 0);
    b->content.format = WEIR_CONTENT_PENSIEVE;
    if (rungs == 0) {
        sizes = weir_arena_printf(&b->arena, "%s/size", folder);
        rungs = sizes ? count_files(b, sizes, "video_size_", 0) : 0;
    } else if (vmaf && !exists(vmaf)) {
        vmaf = weir_arena_printf(&b->arena, "%s/../vmaf", folder); // beside the folder size/
    }
    if (rungs == 0)
        return weir_error_set(b->error, WEIR_ERR_NOT_FOUND, folder,
                              "neither video_size_0 nor size/video_size_0 is in this folder");
    int err = 0;
    for (size_t r = 0; r < rungs && !err; r++)
        err = read_sizes(b, sizes, r, rungs);
    if (err)
        return err;
    weir_content_set_duration(b, &b->content.video, PENSIEVE_SEGMENT_US);
    set_bitrates(b);
    return vmaf && exists(vmaf) ? read_vmaf(b, vmaf) : 0;
}
