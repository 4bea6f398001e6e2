// cli/inspect_print.c — what `weir inspect` shows to people: the presentation in a line, then each
// track with its rungs in a table. Text from the manifest was cleaned of control characters before
// it is printed.
#include "cli/inspect_print.h"

#include <stdlib.h>
#include <string.h>

#include "core/text.h"
#include "core/url.h"

static const char *const type_names[] = {"video", "audio", "text", "image"};

static void put_time(int64_t us, FILE *out)
{
    if (us == WEIR_TIME_NONE) {
        fputs("-", out);
        return;
    }
    int64_t ms = us < 0 ? -(us / 1000) : us / 1000;
    int64_t s = ms / 1000;
    fprintf(out, "%s%lld:%02lld:%02lld.%03lld", us < 0 ? "-" : "", (long long)(s / 3600),
            (long long)(s / 60 % 60), (long long)(s % 60), (long long)(ms % 1000));
}

// A manifest must not steer the terminal.
static const char *clean(const char *s, char *buffer, size_t room)
{
    snprintf(buffer, room, "%s", s ? s : "-");
    weir_text_clean(buffer);
    return buffer;
}

static void put_rate(int64_t bps, char *out, size_t room)
{
    if (bps <= 0)
        snprintf(out, room, "-");
    else if (bps < 1000000)
        snprintf(out, room, "%.0f kb/s", (double)bps / 1e3);
    else
        snprintf(out, room, "%.2f Mb/s", (double)bps / 1e6);
}

static void put_detail(const struct weir_representation *r, char *out, size_t room)
{
    if (r->width && r->frame_rate_den)
        snprintf(out, room, "%dx%d %.5g fps", r->width, r->height,
                 (double)r->frame_rate_num / (double)r->frame_rate_den);
    else if (r->width)
        snprintf(out, room, "%dx%d", r->width, r->height);
    else if (r->audio_rate || r->channels)
        snprintf(out, room, r->channels ? "%d Hz %d ch" : "%d Hz", r->audio_rate, r->channels);
    else
        snprintf(out, room, "-");
}

static void put_index(const struct weir_representation *r, char *out, size_t room)
{
    static const char *const needs[] = {"", "playlist not loaded", "sidx not loaded",
                                        "cues not loaded"};
    struct weir_segment_info s;
    int64_t n = weir_index_count(r);
    if (r->index_need != WEIR_INDEX_READY)
        snprintf(out, room, "%s", needs[r->index_need]);
    else if (n > 1 && weir_index_segment(r, n / 2, &s) == 0 && s.duration_us != WEIR_TIME_NONE)
        snprintf(out, room, "%lld segments of about %.3g s", (long long)n,
                 (double)s.duration_us / 1e6);
    else
        snprintf(out, room, "%lld segment%s", (long long)n, n == 1 ? "" : "s");
}

static void put_segments(const struct weir_representation *r, size_t most, FILE *out)
{
    int64_t n = weir_index_count(r);
    int64_t shown = most && n > (int64_t)most ? (int64_t)most : n;
    char url[WEIR_URL_MAX_BYTES];
    struct weir_segment_info s;
    for (int64_t i = 0; i < shown && weir_index_segment(r, i, &s) == 0; i++) {
        fputs("        ", out);
        put_time(s.start_us, out);
        fputs(" + ", out);
        put_time(s.duration_us, out);
        if (weir_index_url(r, i, 0, url, sizeof(url)) < 0)
            url[0] = '\0';
        weir_text_clean(url);
        fprintf(out, "  %s", url);
        if (s.range.first >= 0)
            fprintf(out, " [%lld-%lld]", (long long)s.range.first, (long long)s.range.last);
        fprintf(out, "%s%s%s\n", s.discontinuity ? " discontinuity" : "", s.gap ? " gap" : "",
                s.key ? " encrypted" : "");
    }
    if (shown < n)
        fprintf(out, "        ... and %lld more\n", (long long)(n - shown));
}

static int by_bandwidth(const void *a, const void *b)
{
    const struct weir_representation *x = *(const struct weir_representation *const *)a;
    const struct weir_representation *y = *(const struct weir_representation *const *)b;
    if (x->bandwidth_bps != y->bandwidth_bps)
        return x->bandwidth_bps < y->bandwidth_bps ? -1 : 1;
    return x < y ? -1 : x > y;
}

// Rungs count from 0 by rising bandwidth, as --rung does.
static void put_rungs(const struct weir_track *t, size_t most, bool list, FILE *out)
{
    const struct weir_representation **order =
        malloc(t->representation_count * sizeof(struct weir_representation *));
    if (!order)
        return;
    for (size_t i = 0; i < t->representation_count; i++)
        order[i] = &t->representations[i];
    qsort(order, t->representation_count, sizeof(order[0]), by_bandwidth);
    for (size_t i = 0; i < t->representation_count; i++) {
        char rate[32], detail[64], index[64], codecs[64], id[48];
        put_rate(order[i]->bandwidth_bps, rate, sizeof(rate));
        put_detail(order[i], detail, sizeof(detail));
        put_index(order[i], index, sizeof(index));
        fprintf(out, "    %3zu  %-12s %11s  %-20s %-26s %s\n", i,
                clean(order[i]->id, id, sizeof(id)), rate, detail,
                clean(order[i]->codecs, codecs, sizeof(codecs)), index);
        if (list)
            put_segments(order[i], most, out);
    }
    free(order);
}

static void put_track(const struct weir_track *t, size_t most, bool list, FILE *out)
{
    char buffer[160];
    fprintf(out, "  %s", type_names[t->type]);
    if (t->lang)
        fprintf(out, " [%s]", clean(t->lang, buffer, sizeof(buffer)));
    if (t->label)
        fprintf(out, " \"%s\"", clean(t->label, buffer, sizeof(buffer)));
    if (t->group_id)
        fprintf(out, " group %s", clean(t->group_id, buffer, sizeof(buffer)));
    for (size_t i = 0; i < t->role_count; i++)
        fprintf(out, "%s%s", i ? "," : " role ", clean(t->roles[i].value, buffer, sizeof(buffer)));
    fprintf(out, "%s%s%s%s%s\n", t->is_default ? " default" : "", t->forced ? " forced" : "",
            t->trick_mode ? " trick-mode" : "", t->in_band ? " (inside the video)" : "",
            t->protection_count ? " protected" : "");
    put_rungs(t, most, list, out);
}

int weir_inspect_print(const struct weir_presentation *p, size_t max_segments, bool list, FILE *out)
{
    static const char *const protocols[] = {"DASH", "HLS", "file"};
    char line[512];
    fprintf(out, "%s %s", protocols[p->protocol], p->live ? "live" : "on demand");
    if (p->duration_us != WEIR_TIME_NONE) {
        fputs(", ", out);
        put_time(p->duration_us, out);
    }
    fprintf(out, "%s, %zu period%s\n", p->low_latency ? ", low latency" : "", p->period_count,
            p->period_count == 1 ? "" : "s");
    for (size_t i = 0; i < p->period_count; i++) {
        const struct weir_period *period = &p->periods[i];
        fprintf(out, "period %s: ", clean(period->id, line, sizeof(line)));
        put_time(period->start_us, out);
        fputs(" + ", out);
        put_time(period->duration_us, out);
        fputc('\n', out);
        for (size_t k = 0; k < period->track_count; k++)
            put_track(&period->tracks[k], max_segments, list, out);
    }
    if (p->event_count)
        fprintf(out, "%zu event%s\n", p->event_count, p->event_count == 1 ? "" : "s");
    for (size_t i = 0; i < p->warning_count; i++)
        fprintf(out, "warning: %s\n", clean(p->warnings[i], line, sizeof(line)));
    return fflush(out) || ferror(out) ? EOF : 0;
}
