// manifest/dump.c — a presentation as JSON, for `weir inspect --json` and golden files. The members
// and their meaning are fixed (weir.presentation/1); nothing here decides anything.
#include "manifest/dump.h"

#include <stdlib.h>
#include <string.h>

#include "core/text.h"
#include "manifest/internal.h"

// Each representation may list `most` segments, the whole document TOTAL_FACTOR times as many: a
// small manifest can name thousands of representations with endless segments.
#define TOTAL_FACTOR 8
struct listing {
    int64_t most, left;
    size_t cut; // representations not listed to their end
};

static json_t *text(const char *s)
{
    if (!s)
        return json_null();
    json_t *j = json_string(s);
    if (j)
        return j;
    // Outside text need not be UTF-8; JSON must be.
    char *copy = strdup(s);
    if (copy)
        weir_text_clean(copy);
    j = json_string(copy ? copy : "");
    free(copy);
    return j;
}

static json_t *seconds(int64_t us)
{
    return us == WEIR_TIME_NONE ? json_null() : json_real((double)us / 1e6);
}

static json_t *positive(int64_t n)
{
    return n > 0 ? json_integer(n) : json_null();
}

static json_t *counted(int64_t n)
{
    return n >= 0 ? json_integer(n) : json_null();
}

static json_t *range(struct weir_byte_range r)
{
    if (r.first < 0)
        return json_null();
    return r.last < 0 ? json_pack("[I,n]", (json_int_t)r.first)
                      : json_pack("[I,I]", (json_int_t)r.first, (json_int_t)r.last);
}

static json_t *key(const struct weir_key *k)
{
    if (!k)
        return json_null();
    return json_pack("{s:o, s:o, s:o, s:o}", "method", text(k->method), "uri", text(k->uri), "iv",
                     text(k->iv), "format", text(k->key_format));
}

static json_t *init(const struct weir_init *i)
{
    if (!i)
        return json_null();
    return json_pack("{s:o, s:o}", "url", text(i->url), "range", range(i->range));
}

static json_t *segment(const struct weir_representation *r, int64_t i,
                       const struct weir_segment_info *s)
{
    char url[WEIR_URL_MAX_BYTES];
    bool known = weir_index_url(r, i, 0, url, sizeof(url)) >= 0;
    json_t *j =
        json_pack("{s:o, s:o, s:o, s:o, s:o, s:b, s:o, s:b}", "url", text(known ? url : NULL),
                  "range", range(s->range), "start", seconds(s->start_us), "duration",
                  seconds(s->duration_us), "number", counted(s->number), "discontinuity",
                  (int)s->discontinuity, "key", key(s->key), "gap", (int)s->gap);
    if (j && s->init != r->init) // the representation's own holds unless a segment says otherwise
        json_object_set_new(j, "init", init(s->init));
    return j;
}

static json_t *segments(const struct weir_representation *r, struct listing *l)
{
    json_t *list = json_array();
    int64_t count = weir_index_count(r), room = l->most < l->left ? l->most : l->left;
    if (count > room) {
        count = room;
        l->cut++;
    }
    l->left -= count;
    for (int64_t i = 0; i < count && list; i++) {
        struct weir_segment_info s;
        if (weir_index_segment(r, i, &s) || json_array_append_new(list, segment(r, i, &s))) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *index_place(const struct weir_representation *r)
{
    const struct weir_source *src = r->parser;
    if (!src || !src->index_url)
        return json_null();
    return json_pack("{s:o, s:o}", "url", text(src->index_url), "range", range(src->index_range));
}

static json_t *bases(const struct weir_representation *r)
{
    const struct weir_source *src = r->parser;
    json_t *list = json_array();
    for (size_t i = 0; src && i < src->base_count && list; i++) {
        const char *location = r->service_locations ? r->service_locations[i] : NULL;
        json_array_append_new(
            list, json_pack("{s:o, s:o}", "url", text(src->bases[i]), "location", text(location)));
    }
    return list;
}

static json_t *muxed(enum weir_muxed m)
{
    return m == WEIR_MUXED_UNKNOWN ? json_null() : json_boolean(m == WEIR_MUXED_YES);
}

static json_t *representation(const struct weir_representation *r, struct listing *l)
{
    double fps = r->frame_rate_den ? (double)r->frame_rate_num / (double)r->frame_rate_den : 0;
    json_t *j = json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "id", text(r->id), "bandwidth",
        json_integer(r->bandwidth_bps), "codecs", text(r->codecs), "mime", text(r->mime), "width",
        positive(r->width), "height", positive(r->height), "frame_rate",
        fps > 0 ? json_real(fps) : json_null(), "audio_rate", positive(r->audio_rate), "channels",
        positive(r->channels), "init", init(r->init), "sidx", index_place(r));
    if (!j)
        return NULL;
    json_object_set_new(j, "average_bandwidth", positive(r->average_bandwidth_bps));
    json_object_set_new(j, "muxed", muxed(r->muxed));
    json_object_set_new(j, "audio_group", text(r->audio_group));
    json_object_set_new(j, "text_group", text(r->text_group));
    json_object_set_new(j, "base_urls", bases(r));
    if (r->index_need == WEIR_INDEX_PLAYLIST)
        json_object_set_new(j, "playlist", text(r->index_url));
    if (r->index_need == WEIR_INDEX_READY && r->index) {
        json_object_set_new(j, "segment_count", json_integer(weir_index_count(r)));
        json_object_set_new(j, "segments", segments(r, l));
    }
    return j;
}

static const char *type_name(enum weir_track_type type)
{
    static const char *const names[] = {"video", "audio", "text", "image"};
    return names[type];
}

static json_t *track(const struct weir_track *t, struct listing *l)
{
    json_t *roles = json_array(), *access = json_array(), *protection = json_array(),
           *reps = json_array();
    for (size_t i = 0; i < t->role_count; i++)
        json_array_append_new(roles, text(t->roles[i].value));
    for (size_t i = 0; i < t->accessibility_count; i++)
        json_array_append_new(access,
                              json_pack("{s:o, s:o}", "scheme", text(t->accessibility[i].scheme),
                                        "value", text(t->accessibility[i].value)));
    for (size_t i = 0; i < t->protection_count; i++)
        json_array_append_new(protection,
                              json_pack("{s:o, s:o}", "scheme", text(t->protections[i].scheme),
                                        "default_kid", text(t->protections[i].default_kid)));
    for (size_t i = 0; i < t->representation_count; i++)
        json_array_append_new(reps, representation(&t->representations[i], l));
    return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:b, s:b, s:b, s:b, s:b, s:o, s:o, s:o}",
                     "type", type_name(t->type), "id", text(t->id), "lang", text(t->lang), "role",
                     roles, "label", text(t->label), "group_id", text(t->group_id), "default",
                     (int)t->is_default, "autoselect", (int)t->autoselect, "forced", (int)t->forced,
                     "trick_mode", (int)t->trick_mode, "in_band", (int)t->in_band, "accessibility",
                     access, "protection", protection, "representations", reps);
}

static json_t *period(const struct weir_period *p, struct listing *l)
{
    json_t *tracks = json_array();
    for (size_t i = 0; i < p->track_count; i++)
        json_array_append_new(tracks, track(&p->tracks[i], l));
    return json_pack("{s:o, s:o, s:o, s:o}", "id", text(p->id), "start", seconds(p->start_us),
                     "duration", seconds(p->duration_us), "tracks", tracks);
}

static json_t *live(const struct weir_live_info *l)
{
    if (!l)
        return json_null();
    json_t *timings = json_array();
    for (size_t i = 0; i < l->utc_timing_count; i++)
        json_array_append_new(timings,
                              json_pack("{s:o, s:o}", "scheme", text(l->utc_timings[i].scheme),
                                        "value", text(l->utc_timings[i].value)));
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
                     "availability_start", seconds(l->availability_start_us), "publish_time",
                     seconds(l->publish_time_us), "minimum_update_period",
                     seconds(l->minimum_update_period_us), "time_shift_buffer_depth",
                     seconds(l->time_shift_buffer_depth_us), "suggested_presentation_delay",
                     seconds(l->suggested_presentation_delay_us), "location", text(l->location),
                     "patch_location", text(l->patch_location), "utc_timing", timings,
                     "media_sequence", counted(l->media_sequence), "discontinuity_sequence",
                     counted(l->discontinuity_sequence), "target_duration",
                     seconds(l->target_duration_us), "part_target", seconds(l->part_target_us));
}

static json_t *rate(double r)
{
    return r > 0 ? json_real(r) : json_null();
}

static json_t *service(const struct weir_service_description *s)
{
    if (!s)
        return json_null();
    return json_pack("{s:{s:o, s:o, s:o}, s:{s:o, s:o}}", "latency", "target",
                     seconds(s->latency_target_us), "min", seconds(s->latency_min_us), "max",
                     seconds(s->latency_max_us), "playback_rate", "min", rate(s->rate_min), "max",
                     rate(s->rate_max));
}

static json_t *steering(const struct weir_content_steering *s)
{
    if (!s)
        return json_null();
    return json_pack("{s:o, s:o, s:b}", "url", text(s->url), "default", text(s->default_location),
                     "before_start", (int)s->before_start);
}

static json_t *event(const struct weir_event *e)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "scheme", text(e->scheme), "value",
                     text(e->value), "id", text(e->id), "start", seconds(e->start_us), "duration",
                     seconds(e->duration_us), "data", text(e->data));
}

json_t *weir_presentation_to_json(const struct weir_presentation *p, size_t max_segments)
{
    static const char *const protocols[] = {"dash", "hls", "file"};
    json_t *periods = json_array(), *events = json_array(), *warnings = json_array();
    struct listing l = {INT64_MAX, INT64_MAX, 0};
    if (max_segments && max_segments < INT64_MAX / TOTAL_FACTOR)
        l = (struct listing){(int64_t)max_segments, (int64_t)max_segments * TOTAL_FACTOR, 0};
    for (size_t i = 0; i < p->period_count; i++)
        json_array_append_new(periods, period(&p->periods[i], &l));
    for (size_t i = 0; i < p->event_count; i++)
        json_array_append_new(events, event(&p->events[i]));
    for (size_t i = 0; i < p->warning_count; i++)
        json_array_append_new(warnings, text(p->warnings[i]));
    if (l.cut)
        json_array_append_new(
            warnings,
            json_sprintf("the segments of %zu representations are listed in part", l.cut));
    return json_pack("{s:s, s:s, s:s, s:o, s:o, s:b, s:o, s:o, s:o, s:o, s:o, s:o}", "schema",
                     "weir.presentation/1", "protocol", protocols[p->protocol], "type",
                     p->live ? "live" : "vod", "duration", seconds(p->duration_us),
                     "min_buffer_time", seconds(p->min_buffer_time_us), "low_latency",
                     (int)p->low_latency, "periods", periods, "live", live(p->live_info),
                     "service_description", service(p->service), "content_steering",
                     steering(p->steering), "events", events, "warnings", warnings);
}
