// sim/content_json.c — weir.content/1, read and written:
//     {"schema", "name", "manifest_bytes", "tracks": {"video": T, "audio": T}, "warnings": [..]}
//     T = {"rungs": [{"bitrate", "init_bytes", "index_bytes"}], "segment_duration": s or [s, ..],
//          "sizes": [segment][rung], "vmaf": [segment][rung]}
// What is unknown is left out. Durations are whole microseconds, so what was written reads back as
// the same tables and the same hash.
#include <math.h>
#include <string.h>

#include "sim/content_build.h"

static int bad(struct weir_content_build *b, const char *track, const char *what)
{
    return weir_error_set(b->error, WEIR_ERR_SYNTAX, b->where, "%s: %s", track, what);
}

static int read_member(struct weir_content_build *b, const json_t *object, const char *track,
                       const char *key, int64_t *out)
{
    const json_t *value = json_object_get(object, key);
    if (value && !json_is_integer(value))
        return weir_error_set(b->error, WEIR_ERR_SYNTAX, b->where, "%s: %s is not a whole number",
                              track, key);
    *out = json_integer_value(value);
    return 0;
}

static int read_rungs(struct weir_content_build *b, const struct weir_content_track *track,
                      const json_t *rungs, const char *name)
{
    struct weir_content_tables *t = weir_content_tables(b, track);
    int64_t unused;
    for (size_t r = 0; r < track->rung_count; r++) {
        const json_t *rung = json_array_get(rungs, r);
        int err = read_member(b, rung, name, "bitrate", &t->bitrates_bps[r]);
        if (!err)
            err = read_member(b, rung, name, "init_bytes",
                              t->init_bytes ? &t->init_bytes[r] : &unused);
        if (!err)
            err = read_member(b, rung, name, "index_bytes",
                              t->index_bytes ? &t->index_bytes[r] : &unused);
        if (err)
            return err;
    }
    return 0;
}

// Starts from one duration for all, or one each.
static int read_durations(struct weir_content_build *b, struct weir_content_track *track,
                          const json_t *value, const char *name)
{
    struct weir_content_tables *t = weir_content_tables(b, track);
    if (json_is_number(value)) {
        weir_content_set_duration(b, track, json_number_value(value) * 1e6);
        return 0;
    }
    if (!json_is_array(value) || (int64_t)json_array_size(value) != track->segment_count)
        return bad(b, name, "segment_duration is neither a number nor one number a segment");
    for (int64_t i = 0; i < track->segment_count; i++) {
        const json_t *item = json_array_get(value, (size_t)i);
        double us = json_number_value(item) * 1e6;
        if (!json_is_number(item) || !(us > 0) || us > (double)WEIR_CONTENT_MAX_DURATION_US)
            return weir_error_set(b->error, WEIR_ERR_SYNTAX, b->where,
                                  "%s, segment %lld: the duration is not above 0 and below a year",
                                  name, (long long)i);
        // Two hundred thousand years fit in the sum.
        t->starts_us[i + 1] = t->starts_us[i] + (int64_t)llround(us);
    }
    return 0;
}

// One row of sizes or of VMAF, whichever table is given.
static int read_row(struct weir_content_build *b, const struct weir_content_track *track,
                    int64_t segment, const json_t *row, int64_t *sizes, float *vmaf)
{
    size_t rungs = track->rung_count, got = json_array_size(row);
    if (!json_is_array(row) || got < rungs)
        return weir_content_fail(b, WEIR_ERR_SYNTAX, segment, got,
                                 sizes ? "the size is missing" : "the VMAF is missing");
    if (got > rungs)
        return weir_error_set(b->error, WEIR_ERR_SYNTAX, b->where,
                              "segment %lld: %zu values for %zu rungs", (long long)segment, got,
                              rungs);
    for (size_t r = 0; r < rungs; r++) {
        const json_t *value = json_array_get(row, r);
        if (sizes ? !json_is_integer(value) : !json_is_number(value))
            return weir_content_fail(b, WEIR_ERR_SYNTAX, segment, r,
                                     sizes ? "the size is not a whole number"
                                           : "the VMAF is not a number");
        if (sizes)
            sizes[r] = json_integer_value(value);
        else if (vmaf)
            vmaf[r] = (float)json_number_value(value);
    }
    return 0;
}

static int read_tables(struct weir_content_build *b, const struct weir_content_track *track,
                       const json_t *sizes, const json_t *vmaf, const char *name)
{
    struct weir_content_tables *t = weir_content_tables(b, track);
    if (vmaf && (int64_t)json_array_size(vmaf) != track->segment_count)
        return bad(b, name, "vmaf has not a row for each segment");
    for (int64_t i = 0; i < track->segment_count; i++) {
        size_t cell = (size_t)i * track->rung_count;
        int err =
            read_row(b, track, i, json_array_get(sizes, (size_t)i), t->sizes_bytes + cell, NULL);
        if (!err && vmaf)
            err = read_row(b, track, i, json_array_get(vmaf, (size_t)i), NULL, t->vmaf + cell);
        if (err)
            return err;
    }
    return 0;
}

// Whether any rung has such a member: then the track has the table, with 0 for the others.
static bool any_has(const json_t *rungs, const char *key)
{
    size_t i;
    json_t *rung;
    json_array_foreach(rungs, i, rung) if (json_object_get(rung, key)) return true;
    return false;
}

static int read_track(struct weir_content_build *b, struct weir_content_track *track,
                      const json_t *object, const char *name)
{
    const json_t *rungs = json_object_get(object, "rungs"),
                 *sizes = json_object_get(object, "sizes"), *vmaf = json_object_get(object, "vmaf");
    if (!json_is_array(rungs))
        return bad(b, name, "rungs is missing or not an array");
    if (!json_is_array(sizes))
        return bad(b, name, "sizes is missing or not an array");
    bool init = any_has(rungs, "init_bytes"), index = any_has(rungs, "index_bytes");
    int err = weir_content_track_make(b, track, (int64_t)json_array_size(sizes),
                                      json_array_size(rungs), init || index, vmaf != NULL);
    if (err)
        return err;
    struct weir_content_tables *t = weir_content_tables(b, track);
    if (!init)
        track->init_bytes = t->init_bytes = NULL;
    if (!index)
        track->index_bytes = t->index_bytes = NULL;
    err = read_rungs(b, track, rungs, name);
    if (!err)
        err = read_durations(b, track, json_object_get(object, "segment_duration"), name);
    if (!err)
        err = read_tables(b, track, sizes, vmaf, name);
    return err;
}

int weir_content_read_weir(struct weir_content_build *b, const json_t *root)
{
    const json_t *tracks = json_object_get(root, "tracks"),
                 *audio = json_object_get(tracks, "audio"),
                 *warnings = json_object_get(root, "warnings");
    b->content.format = WEIR_CONTENT_WEIR;
    if (!json_is_object(tracks))
        return weir_error_set(b->error, WEIR_ERR_SYNTAX, b->where,
                              "tracks is missing or not an object");
    int err = read_member(b, root, "content", "manifest_bytes", &b->content.manifest_bytes);
    if (!err)
        err = read_track(b, &b->content.video, json_object_get(tracks, "video"), "video");
    if (!err && audio)
        err = read_track(b, &b->content.audio, audio, "audio");
    size_t i;
    json_t *line;
    json_array_foreach(warnings, i, line) if (json_is_string(line))
        weir_content_warn(b, "%s", json_string_value(line));
    return err;
}

static json_t *rungs_json(const struct weir_content_track *t)
{
    json_t *rungs = json_array();
    for (size_t r = 0; r < t->rung_count; r++) {
        json_t *rung = json_pack("{sI}", "bitrate", (json_int_t)t->bitrates_bps[r]);
        if (t->init_bytes)
            json_object_set_new(rung, "init_bytes", json_integer(t->init_bytes[r]));
        if (t->index_bytes)
            json_object_set_new(rung, "index_bytes", json_integer(t->index_bytes[r]));
        json_array_append_new(rungs, rung);
    }
    return rungs;
}

static json_t *durations_json(const struct weir_content_track *t)
{
    int64_t first = t->starts_us[1] - t->starts_us[0];
    bool equal = true;
    for (int64_t i = 1; i < t->segment_count; i++)
        equal &= t->starts_us[i + 1] - t->starts_us[i] == first;
    if (equal)
        return json_real((double)first / 1e6);
    json_t *list = json_array();
    for (int64_t i = 0; i < t->segment_count; i++)
        json_array_append_new(list,
                              json_real((double)(t->starts_us[i + 1] - t->starts_us[i]) / 1e6));
    return list;
}

static json_t *table_json(const struct weir_content_track *t, bool vmaf)
{
    json_t *rows = json_array();
    for (int64_t i = 0; i < t->segment_count; i++) {
        json_t *row = json_array();
        for (size_t r = 0; r < t->rung_count; r++) {
            size_t cell = (size_t)i * t->rung_count + r;
            json_array_append_new(row, vmaf ? json_real((double)t->vmaf[cell])
                                            : json_integer(t->sizes_bytes[cell]));
        }
        json_array_append_new(rows, row);
    }
    return rows;
}

static json_t *track_json(const struct weir_content_track *t)
{
    json_t *track = json_object();
    json_object_set_new(track, "rungs", rungs_json(t));
    json_object_set_new(track, "segment_duration", durations_json(t));
    json_object_set_new(track, "sizes", table_json(t, false));
    if (t->vmaf)
        json_object_set_new(track, "vmaf", table_json(t, true));
    return track;
}

json_t *weir_content_json(const struct weir_content *c)
{
    json_t *tracks = json_object(), *warnings = json_array();
    json_object_set_new(tracks, "video", track_json(&c->video));
    if (c->audio.rung_count)
        json_object_set_new(tracks, "audio", track_json(&c->audio));
    for (size_t i = 0; i < c->warning_count; i++)
        json_array_append_new(warnings, json_string(c->warnings[i]));
    return json_pack("{ss,ss,sI,so,so}", "schema", "weir.content/1", "name", c->name,
                     "manifest_bytes", (json_int_t)c->manifest_bytes, "tracks", tracks, "warnings",
                     warnings);
}
