// cli/content_info.c — see content_info.h. How variable the bitrate is, per rung: the mean and the
// heaviest segment against what is declared.
#include "cli/content_info.h"

#include <inttypes.h>

#include "cli/status.h"

struct rung_figures {
    double bytes, mean_bps, peak_bps;
    double vmaf; // mean; < 0 unknown
};

static int64_t duration_of(const struct weir_content_track *t, int64_t segment)
{
    return t->starts_us[segment + 1] - t->starts_us[segment];
}

static struct rung_figures measure(const struct weir_content_track *t, size_t rung)
{
    struct rung_figures f = {.vmaf = t->vmaf ? 0 : -1};
    for (int64_t i = 0; i < t->segment_count; i++) {
        size_t cell = (size_t)i * t->rung_count + rung;
        double bytes = (double)t->sizes_bytes[cell];
        double bps = bytes * 8e6 / (double)duration_of(t, i);
        f.bytes += bytes;
        f.peak_bps = bps > f.peak_bps ? bps : f.peak_bps;
        if (t->vmaf)
            f.vmaf += (double)t->vmaf[cell] / (double)t->segment_count;
    }
    f.mean_bps = f.bytes * 8e6 / (double)(t->starts_us[t->segment_count] - t->starts_us[0]);
    return f;
}

struct spread {
    int64_t least_us, most_us;
    double mean_us;
};

static struct spread durations(const struct weir_content_track *t)
{
    struct spread s = {.least_us = INT64_MAX};
    for (int64_t i = 0; i < t->segment_count; i++) {
        int64_t us = duration_of(t, i);
        s.least_us = us < s.least_us ? us : s.least_us;
        s.most_us = us > s.most_us ? us : s.most_us;
    }
    s.mean_us =
        (double)(t->starts_us[t->segment_count] - t->starts_us[0]) / (double)t->segment_count;
    return s;
}

static const char *format_name(enum weir_content_format format)
{
    switch (format) {
    case WEIR_CONTENT_SABRE:
        return "sabre";
    case WEIR_CONTENT_PENSIEVE:
        return "pensieve";
    case WEIR_CONTENT_WEIR:
        return "weir";
    case WEIR_CONTENT_MANIFEST:
        return "manifest";
    }
    return "unknown";
}

static void print_rung(const struct weir_content_track *t, size_t rung, FILE *out)
{
    struct rung_figures f = measure(t, rung);
    double declared_bps = (double)t->bitrates_bps[rung];
    (void)fprintf(out, "  %4zu  %8.0f  %8.0f  %8.0f  %9.2f  %13.2f  %11.0f", rung,
                  declared_bps / 1e3, f.mean_bps / 1e3, f.peak_bps / 1e3, f.peak_bps / f.mean_bps,
                  f.mean_bps / declared_bps, f.bytes);
    if (t->init_bytes || t->index_bytes)
        (void)fprintf(out, "  %6" PRId64 "  %6" PRId64, t->init_bytes ? t->init_bytes[rung] : 0,
                      t->index_bytes ? t->index_bytes[rung] : 0);
    if (t->vmaf)
        (void)fprintf(out, "  %5.1f", f.vmaf);
    (void)fputc('\n', out);
}

static void print_track(const struct weir_content_track *t, const char *name, FILE *out)
{
    char length[32];
    struct spread s = durations(t);
    weir_status_time(t->starts_us[t->segment_count] - t->starts_us[0], length);
    (void)fprintf(out, "\n%s: %s, %" PRId64 " segments of ", name, length, t->segment_count);
    if (s.least_us == s.most_us)
        (void)fprintf(out, "%.6g s\n", s.mean_us / 1e6);
    else
        (void)fprintf(out, "%.3g to %.3g s (mean %.4g)\n", (double)s.least_us / 1e6,
                      (double)s.most_us / 1e6, s.mean_us / 1e6);
    (void)fprintf(out, "  rung  %8s  %8s  %8s  %9s  %13s  %11s%s%s\n", "declared", "mean", "peak",
                  "peak/mean", "mean/declared", "bytes",
                  t->init_bytes || t->index_bytes ? "    init   index" : "",
                  t->vmaf ? "   VMAF" : "");
    (void)fprintf(out, "        %8s  %8s  %8s\n", "kbit/s", "kbit/s", "kbit/s");
    for (size_t r = 0; r < t->rung_count; r++)
        print_rung(t, r, out);
}

void weir_content_info_print(const struct weir_content *c, FILE *out)
{
    (void)fprintf(out, "%s (%s), hash %016" PRIx64 "\n", c->name, format_name(c->format), c->hash);
    if (c->manifest_bytes)
        (void)fprintf(out, "manifest: %" PRId64 " bytes\n", c->manifest_bytes);
    print_track(&c->video, "video", out);
    if (c->audio.rung_count)
        print_track(&c->audio, "audio", out);
    for (size_t i = 0; i < c->warning_count; i++)
        (void)fprintf(out, "%swarning: %s\n", i ? "" : "\n", c->warnings[i]);
}

static json_t *rung_json(const struct weir_content_track *t, size_t rung)
{
    struct rung_figures f = measure(t, rung);
    json_t *o = json_pack("{sI,sf,sf,sf,sf,sI}", "bitrate", (json_int_t)t->bitrates_bps[rung],
                          "mean_bitrate", f.mean_bps, "peak_bitrate", f.peak_bps, "vbr_ratio",
                          f.peak_bps / f.mean_bps, "mean_to_declared",
                          f.mean_bps / (double)t->bitrates_bps[rung], "bytes", (json_int_t)f.bytes);
    if (t->init_bytes)
        json_object_set_new(o, "init_bytes", json_integer(t->init_bytes[rung]));
    if (t->index_bytes)
        json_object_set_new(o, "index_bytes", json_integer(t->index_bytes[rung]));
    if (t->vmaf)
        json_object_set_new(o, "mean_vmaf", json_real(f.vmaf));
    return o;
}

static json_t *track_json(const struct weir_content_track *t)
{
    struct spread s = durations(t);
    json_t *rungs = json_array();
    for (size_t r = 0; r < t->rung_count; r++)
        json_array_append_new(rungs, rung_json(t, r));
    return json_pack("{sI,sf,s{sf,sf,sf},so}", "segments", (json_int_t)t->segment_count, "duration",
                     (double)(t->starts_us[t->segment_count] - t->starts_us[0]) / 1e6,
                     "segment_duration", "min", (double)s.least_us / 1e6, "mean", s.mean_us / 1e6,
                     "max", (double)s.most_us / 1e6, "rungs", rungs);
}

json_t *weir_content_info_json(const struct weir_content *c)
{
    char hash[17];
    (void)snprintf(hash, sizeof(hash), "%016" PRIx64, c->hash);
    json_t *tracks = json_object(), *warnings = json_array();
    json_object_set_new(tracks, "video", track_json(&c->video));
    if (c->audio.rung_count)
        json_object_set_new(tracks, "audio", track_json(&c->audio));
    for (size_t i = 0; i < c->warning_count; i++)
        json_array_append_new(warnings, json_string(c->warnings[i]));
    return json_pack("{ss,ss,ss,ss,sI,so,so}", "schema", "weir.content-info/1", "name", c->name,
                     "format", format_name(c->format), "hash", hash, "manifest_bytes",
                     (json_int_t)c->manifest_bytes, "tracks", tracks, "warnings", warnings);
}
