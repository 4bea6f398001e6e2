// tests/player/engine/rig.c — see rig.h.
#include "tests/player/engine/rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void add_text(char *out, size_t room, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void add_text(char *out, size_t room, const char *fmt, ...)
{
    size_t used = strlen(out);
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(out + used, room - used, fmt, ap);
    va_end(ap);
    assert_true(n >= 0 && (size_t)n < room - used);
}

static void write_set(char *out, size_t room, const struct rig_spec *s, bool video)
{
    int ms = video ? s->segment_ms : s->audio_segment_ms;
    add_text(out, room, "<AdaptationSet contentType=\"%s\" mimeType=\"%s/mp4\">",
             video ? "video" : "audio", video ? "video" : "audio");
    if (!s->sidx)
        add_text(out, room,
                 "<SegmentTemplate timescale=\"1000\" duration=\"%d\" startNumber=\"1\""
                 " initialization=\"$RepresentationID$-init.mp4\""
                 " media=\"$RepresentationID$-$Number$.m4s\"/>",
                 ms);
    for (int i = 0; i < (video ? s->rungs : 1); i++) {
        int bandwidth = video ? 500000 * (i + 1) : 64000;
        add_text(out, room, "<Representation id=\"%c%d\" bandwidth=\"%d\" codecs=\"%s\">",
                 video ? 'v' : 'a', i, bandwidth, video ? "avc1.640028" : "mp4a.40.2");
        if (s->sidx)
            add_text(out, room,
                     "<BaseURL>%c%d.mp4</BaseURL><SegmentBase indexRange=\"1000-1999\">"
                     "<Initialization range=\"0-999\"/></SegmentBase>",
                     video ? 'v' : 'a', i);
        add_text(out, room, "</Representation>");
    }
    add_text(out, room, "</AdaptationSet>");
}

static void write_mpd(char *out, size_t room, const struct rig_spec *s)
{
    double period_s = s->segments * s->segment_ms / 1000.0;
    out[0] = '\0';
    add_text(out, room,
             "<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" type=\"static\""
             " profiles=\"urn:mpeg:dash:profile:isoff-live:2011\" minBufferTime=\"PT2S\""
             " mediaPresentationDuration=\"PT%.3fS\">",
             period_s * s->periods);
    for (int i = 0; i < s->bases; i++)
        add_text(out, room, "<BaseURL>http://host%d.example/</BaseURL>", i);
    for (int p = 0; p < s->periods; p++) {
        add_text(out, room, "<Period id=\"p%d\" duration=\"PT%.3fS\">", p, period_s);
        if (!s->no_video)
            write_set(out, room, s, true);
        if (!s->no_audio && !(s->audio_first_period && p > 0))
            write_set(out, room, s, false);
        add_text(out, room, "</Period>");
    }
    add_text(out, room, "</MPD>");
}

static void select_period(struct rig *r, size_t p)
{
    const struct weir_period *from = &r->presentation->periods[p];
    struct weir_engine_period *to = &r->periods[p];
    to->start_us = from->start_us;
    to->end_us = WEIR_TIME_NONE;
    if (from->duration_us != WEIR_TIME_NONE)
        to->end_us = from->start_us + from->duration_us;
    for (size_t t = 0; t < from->track_count; t++) {
        const struct weir_track *track = &from->tracks[t];
        enum weir_engine_track as =
            track->type == WEIR_TRACK_VIDEO ? WEIR_ENGINE_VIDEO : WEIR_ENGINE_AUDIO;
        for (size_t i = 0; i < track->representation_count; i++)
            r->reps[p][as][i] = &track->representations[i];
        to->tracks[as].rungs = r->reps[p][as];
        to->tracks[as].count = track->representation_count;
    }
}

void rig_load(struct rig *r, const struct rig_spec *spec, const char *abr_spec)
{
    static const struct rig_spec none;
    memset(r, 0, sizeof(*r));
    struct rig_spec *s = &r->spec;
    *s = spec ? *spec : none;
    s->periods = s->periods ? s->periods : 1;
    s->segments = s->segments ? s->segments : 10;
    s->segment_ms = s->segment_ms ? s->segment_ms : 2000;
    s->audio_segment_ms = s->audio_segment_ms ? s->audio_segment_ms : s->segment_ms;
    s->rungs = s->rungs ? s->rungs : 3;
    s->bases = s->bases ? s->bases : 1;

    char *mpd = malloc(65536);
    if (s->manifest)
        add_text(strcpy(mpd, ""), 65536, "%s", s->manifest);
    else
        write_mpd(mpd, 65536, s);
    struct weir_manifest_input in = {.data = (const uint8_t *)mpd,
                                     .size_bytes = strlen(mpd),
                                     .url = "http://host0.example/x.mpd",
                                     .wall_clock_us = WEIR_TIME_NONE};
    struct weir_error error = {0};
    if (weir_presentation_parse(&in, &r->presentation, &error))
        fail_msg("%s: %s (%s)\n%s", error.where, error.what, error.why, mpd);
    free(mpd);
    assert_int_equal(r->presentation->period_count, s->periods);
    for (size_t p = 0; p < r->presentation->period_count; p++)
        select_period(r, p);
    r->content.periods = r->periods;
    r->content.period_count = r->presentation->period_count;
    r->params = weir_engine_params_default();
    for (int t = 0; t < WEIR_ENGINE_TRACKS; t++) {
        assert_int_equal(weir_abr_create(abr_spec, 1, &r->abr[t], &error), 0);
        r->params.abr[t] = r->abr[t];
    }
    r->timer_us = INT64_MAX;
}

void rig_make(struct rig *r)
{
    assert_int_equal(weir_engine_create(&r->params, &r->content, &r->engine), 0);
}

void rig_open(struct rig *r)
{
    rig_event(r, 0, WEIR_EVENT_OPEN);
}

void rig_start(struct rig *r, const struct rig_spec *spec, const char *abr_spec)
{
    rig_load(r, spec, abr_spec);
    rig_make(r);
    rig_open(r);
}

void rig_clear(struct rig *r)
{
    weir_engine_destroy(&r->engine);
    for (int t = 0; t < WEIR_ENGINE_TRACKS; t++)
        weir_abr_destroy(&r->abr[t]);
    weir_presentation_destroy(&r->presentation);
}

static void close_fetch(struct rig *r, uint64_t id)
{
    for (size_t i = 0; i < r->open_count; i++) {
        if (r->open[i].id != id)
            continue;
        memmove(&r->open[i], &r->open[i + 1], (r->open_count - i - 1) * sizeof(r->open[0]));
        r->open_count--;
        r->ended_fetches++;
        return;
    }
    fail_msg("fetch %llu ended twice, or was never asked for", (unsigned long long)id);
}

static void open_fetch(struct rig *r, const struct weir_fetch *f)
{
    assert_true(r->open_count < RIG_OPEN);
    assert_non_null(f->rep);
    for (size_t i = 0; i < r->open_count; i++) {
        assert_true(r->open[i].id != f->id);
        if (r->open[i].kind == f->kind && r->open[i].track == f->track)
            fail_msg("two transfers of one kind for one track at once");
        if (f->kind == WEIR_FETCH_INIT && r->open[i].init == f->init)
            assert_true(r->open[i].kind != WEIR_FETCH_INIT);
    }
    if (f->kind == WEIR_FETCH_MEDIA)
        assert_int_equal(f->rep->index_need, WEIR_INDEX_READY);
    r->open[r->open_count++] = *f;
    r->fetches++;
    if (r->open_count > r->open_most)
        r->open_most = r->open_count;
}

// FNV-1a over the members that matter, pointers left out: two runs lay memory out differently.
static void mix(struct rig *r, uint64_t value)
{
    for (int i = 0; i < 8; i++) {
        r->hash ^= (value >> (8 * i)) & 0xff;
        r->hash *= UINT64_C(1099511628211);
    }
}

static void mix_report(struct rig *r, const struct weir_report *p)
{
    const uint64_t members[] = {
        p->kind,
        p->track,
        p->id,
        p->segment_serial,
        p->rung,
        p->from,
        p->base,
        (uint64_t)p->number,
        (uint64_t)p->media_us,
        (uint64_t)p->duration_us,
        (uint64_t)p->bytes,
        (uint64_t)p->buffer_us,
        (uint64_t)p->throughput_bps,
        (uint64_t)p->bitrate_bps,
        (uint64_t)p->at_us,
        (uint64_t)p->err,
        (uint64_t)p->attempt,
    };
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
        mix(r, members[i]);
}

static void mix_action(struct rig *r, const struct weir_action *a)
{
    struct weir_action copy = *a;
    mix(r, a->kind);
    if (a->kind == WEIR_ACTION_REPORT) {
        mix_report(r, &a->report);
        return;
    }
    if (a->kind == WEIR_ACTION_FETCH) {
        copy.fetch.rep = NULL;
        copy.fetch.init = copy.fetch.info.init = NULL;
        copy.fetch.info.key = NULL;
        const struct weir_fetch *f = &copy.fetch;
        const uint64_t members[] = {
            f->id,
            f->kind,
            f->track,
            f->period,
            f->rung,
            (uint64_t)f->index,
            f->segment_serial,
            f->base,
            (uint64_t)f->attempt,
            f->resume,
            (uint64_t)f->info.start_us,
        };
        for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
            mix(r, members[i]);
        return;
    }
    if (a->kind == WEIR_ACTION_DISCARD || a->kind == WEIR_ACTION_FINISH)
        mix(r, a->discard.segment_serial);
    mix(r, a->id); // the first eight bytes of the others say it all
}

static void note(struct rig *r, const struct weir_action *a)
{
    mix_action(r, a);
    assert_false(r->ended);
    switch (a->kind) {
    case WEIR_ACTION_FETCH:
        open_fetch(r, &a->fetch);
        assert_false(r->eos[a->fetch.track]);
        break;
    case WEIR_ACTION_CANCEL:
        close_fetch(r, a->id);
        break;
    case WEIR_ACTION_EOS:
        assert_false(r->eos[a->discard.track]);
        r->eos[a->discard.track] = true;
        break;
    case WEIR_ACTION_SEEK:
        r->head_us = INT64_MIN;
        if (!a->seek.keep_buffered)
            memset(r->eos, 0, sizeof(r->eos));
        break;
    case WEIR_ACTION_END:
        assert_int_equal(r->open_count, 0);
        r->ended = true;
        r->end_err = a->end.err;
        break;
    case WEIR_ACTION_TIMER:
        r->timer_us = a->at_us;
        break;
    case WEIR_ACTION_DISCARD:
    case WEIR_ACTION_FINISH:
    case WEIR_ACTION_START:
    case WEIR_ACTION_STALL:
    case WEIR_ACTION_RESUME:
    case WEIR_ACTION_PAUSE:
    case WEIR_ACTION_PLAY:
    case WEIR_ACTION_RATE:
    case WEIR_ACTION_REPORT:
        break;
    }
    if (r->on_action)
        r->on_action(r, a);
}

int rig_try(struct rig *r, int64_t now_us, const struct weir_engine_event *event)
{
    if (event->kind == WEIR_EVENT_TIMER)
        r->timer_us = INT64_MAX;
    int err = weir_engine_step(r->engine, now_us, event, &r->last);
    if (err)
        return err;
    r->now_us = now_us;
    for (size_t i = 0; i < r->last.count; i++)
        note(r, &r->last.items[i]);
    struct weir_engine_status s = weir_engine_status(r->engine, now_us);
    if (s.playhead_us < r->head_us)
        fail_msg("playhead went back from %lld to %lld", (long long)r->head_us,
                 (long long)s.playhead_us);
    r->head_us = s.playhead_us;
    return 0;
}

void rig_step(struct rig *r, int64_t now_us, const struct weir_engine_event *event)
{
    assert_int_equal(rig_try(r, now_us, event), 0);
}

void rig_event(struct rig *r, int64_t now_us, enum weir_engine_event_kind kind)
{
    struct weir_engine_event event = {.kind = kind};
    rig_step(r, now_us, &event);
}

void rig_done(struct rig *r, int64_t now_us, uint64_t id, int64_t bytes)
{
    struct weir_engine_event event = {.kind = WEIR_EVENT_DONE};
    event.transfer.id = id;
    event.transfer.bytes = bytes;
    event.transfer.playable_until_us = WEIR_TIME_NONE;
    event.transfer.t_first_byte_us = now_us > 1000 ? now_us - 1000 : 0;
    event.transfer.t_last_us = now_us;
    close_fetch(r, id);
    rig_step(r, now_us, &event);
}

void rig_progress(struct rig *r, int64_t now_us, uint64_t id, int64_t bytes, int64_t playable_us)
{
    struct weir_engine_event event = {.kind = WEIR_EVENT_PROGRESS};
    event.transfer.id = id;
    event.transfer.bytes = bytes;
    event.transfer.playable_until_us = playable_us;
    rig_step(r, now_us, &event);
}

void rig_fail(struct rig *r, int64_t now_us, uint64_t id, int err, bool retryable)
{
    struct weir_engine_event event = {.kind = WEIR_EVENT_FAILED};
    event.transfer.id = id;
    event.transfer.err = err;
    event.transfer.retryable = retryable;
    event.transfer.playable_until_us = WEIR_TIME_NONE;
    close_fetch(r, id);
    rig_step(r, now_us, &event);
}

static void put32(uint8_t **p, uint32_t v)
{
    for (int i = 3; i >= 0; i--)
        *(*p)++ = (uint8_t)(v >> (8 * i));
}

// A sidx of spec.segments segments of 1000 bytes each (ISO/IEC 14496-12, 8.16.3).
static size_t write_sidx(const struct rig *r, uint8_t *out)
{
    uint8_t *p = out;
    uint32_t count = (uint32_t)r->spec.segments;
    put32(&p, 32 + 12 * count);
    memcpy(p, "sidx", 4);
    p += 4;
    put32(&p, 0);    // version 0
    put32(&p, 1);    // reference_ID
    put32(&p, 1000); // timescale
    put32(&p, 0);    // earliest_presentation_time
    put32(&p, 0);    // first_offset
    put32(&p, count);
    for (uint32_t i = 0; i < count; i++) {
        put32(&p, 1000);
        put32(&p, (uint32_t)r->spec.segment_ms);
        put32(&p, 0x90000000);
    }
    return (size_t)(p - out);
}

static void load_index(struct rig *r, int64_t now_us, uint64_t id, const void *data,
                       size_t size_bytes, int64_t offset)
{
    struct weir_engine_event event = {.kind = WEIR_EVENT_INDEX};
    event.index.id = id;
    struct weir_representation *rep = NULL;
    for (size_t i = 0; i < r->open_count; i++) {
        if (r->open[i].id == id)
            rep = r->open[i].rep;
    }
    assert_non_null(rep);
    struct weir_manifest_input in = {.data = data,
                                     .size_bytes = size_bytes,
                                     .url = rep->index_url,
                                     .wall_clock_us = WEIR_TIME_NONE};
    struct weir_error error = {0};
    if (weir_presentation_load_index(r->presentation, rep, &in, offset, &error))
        fail_msg("index: %s (%s)", error.what, error.why);
    close_fetch(r, id);
    rig_step(r, now_us, &event);
}

void rig_index(struct rig *r, int64_t now_us, uint64_t id)
{
    uint8_t *sidx = calloc(1, 1024 + 12 * (size_t)r->spec.segments);
    load_index(r, now_us, id, sidx, write_sidx(r, sidx), 1000);
    free(sidx);
}

void rig_playlist(struct rig *r, int64_t now_us, uint64_t id, const char *text)
{
    load_index(r, now_us, id, text, strlen(text), 0);
}

void rig_playhead(struct rig *r, int64_t now_us, int64_t media_us)
{
    struct weir_engine_event event = {.kind = WEIR_EVENT_PLAYHEAD, .media_us = media_us};
    rig_step(r, now_us, &event);
}

void rig_seek(struct rig *r, int64_t now_us, int64_t media_us)
{
    struct weir_engine_event event = {.kind = WEIR_EVENT_SEEK, .media_us = media_us};
    rig_step(r, now_us, &event);
}

bool rig_has_fetch(const struct rig *r, enum weir_fetch_kind kind, enum weir_engine_track track)
{
    for (size_t i = 0; i < r->open_count; i++) {
        if (r->open[i].kind == kind && r->open[i].track == track)
            return true;
    }
    return false;
}

const struct weir_fetch *rig_fetch(struct rig *r, enum weir_fetch_kind kind,
                                   enum weir_engine_track track)
{
    for (size_t i = 0; i < r->open_count; i++) {
        if (r->open[i].kind == kind && r->open[i].track == track)
            return &r->open[i];
    }
    fail_msg("no open fetch of kind %d for track %d at %lld us", kind, track, (long long)r->now_us);
    return NULL;
}

const struct weir_action *rig_action(const struct rig *r, enum weir_action_kind kind)
{
    for (size_t i = 0; i < r->last.count; i++) {
        if (r->last.items[i].kind == kind)
            return &r->last.items[i];
    }
    return NULL;
}

size_t rig_actions(const struct rig *r, enum weir_action_kind kind)
{
    size_t n = 0;
    for (size_t i = 0; i < r->last.count; i++)
        n += r->last.items[i].kind == kind;
    return n;
}

const struct weir_report *rig_report(const struct rig *r, enum weir_report_kind kind)
{
    for (size_t i = 0; i < r->last.count; i++) {
        const struct weir_action *a = &r->last.items[i];
        if (a->kind == WEIR_ACTION_REPORT && a->report.kind == kind)
            return &a->report;
    }
    return NULL;
}

void rig_serve(struct rig *r, int64_t now_us)
{
    uint64_t ids[RIG_OPEN];
    int64_t sizes[RIG_OPEN];
    size_t n = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < r->open_count; i++) {
            bool media = r->open[i].kind == WEIR_FETCH_MEDIA;
            if (media != (pass == 1))
                continue;
            ids[n] = r->open[i].id;
            sizes[n++] = media ? r->open[i].expected_bytes : 1000;
        }
    }
    for (size_t i = 0; i < n; i++)
        rig_done(r, now_us, ids[i], sizes[i]);
}
