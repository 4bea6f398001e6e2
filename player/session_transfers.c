// player/session_transfers.c — the transport's events turned into the engine's; indexes are read on
// the way. On the I/O thread.
#include <stdlib.h>
#include <string.h>

#include "player/session.h"

static void load_index(struct weir_player *p, struct weir_session_fetch *f,
                       struct weir_engine_event *e)
{
    struct weir_byte_range range = f->what.rep->index_range;
    struct weir_manifest_input in = {.data = weir_segment_data(f->segment),
                                     .size_bytes = weir_segment_length(f->segment),
                                     .url = f->effective_url ? f->effective_url
                                                             : f->what.rep->index_url,
                                     .allow_file_urls = p->file_url_given,
                                     .wall_clock_us = WEIR_TIME_NONE};
    struct weir_error error = {0};
    *e = (struct weir_engine_event){.kind = WEIR_EVENT_INDEX};
    e->index.id = f->what.id;
    e->index.err = weir_presentation_load_index(p->presentation, f->what.rep, &in,
                                                range.first < 0 ? 0 : range.first, &error);
    if (e->index.err)
        weir_session_note_failure(p, f->what.track, &error);
    else
        weir_session_record_index(p, f->what.rep);
    if (!e->index.err && p->presentation->live) {
        weir_error_set(&error, WEIR_ERR_UNSUPPORTED, in.url, "live streams are not supported yet");
        weir_session_fail(p, &error);
    }
}

static void respond(struct weir_player *p, const struct weir_transfer_event *t, uint64_t id)
{
    struct weir_telemetry_response r = {.id = id,
                                        .status = t->http_status,
                                        .err = t->kind == WEIR_TRANSFER_FAILED ? t->err : 0,
                                        .bytes = t->bytes,
                                        .t_request_us = t->t_request_us,
                                        .t_first_byte_us = t->t_first_byte_us,
                                        .t_last_us = t->t_last_us,
                                        .from_cache = t->from_cache,
                                        .error = t->error};
    weir_telemetry_response(p->telemetry, t->now_us, &r);
}

static struct weir_engine_event engine_event(struct weir_player *p,
                                             const struct weir_transfer_event *t,
                                             const struct weir_session_fetch *f)
{
    struct weir_engine_event e = {.kind = WEIR_EVENT_PROGRESS};
    e.transfer.id = f->what.id;
    e.transfer.bytes = t->bytes;
    e.transfer.playable_until_us = WEIR_TIME_NONE;
    e.transfer.t_request_us = t->t_request_us;
    e.transfer.t_first_byte_us = t->t_first_byte_us;
    e.transfer.t_last_us = t->t_last_us;
    // A local file is the network of a local session: as fast as it is read.
    e.transfer.from_cache = t->from_cache && !p->file_url_given;
    if (p->file_url_given && t->from_cache && t->kind == WEIR_TRANSFER_DONE)
        e.transfer.t_first_byte_us = t->t_request_us;
    e.transfer.err = t->err;
    e.transfer.http_status = t->http_status;
    e.transfer.retryable = t->retryable;
    e.transfer.retry_after_us = t->retry_after_us;
    if (f->what.kind == WEIR_FETCH_MEDIA && t->kind != WEIR_TRANSFER_HEADERS)
        e.transfer.playable_until_us = weir_playable_until_us(p->playable[f->what.track]);
    return e;
}

// An init segment that just grew may make media playable that was there before it.
static void recheck_playable(struct weir_player *p, const struct weir_session_fetch *init)
{
    for (int i = 0; i < WEIR_FETCHES_MAX; i++) {
        const struct weir_session_fetch *f = &p->fetches[i];
        if (!f->used || f->what.kind != WEIR_FETCH_MEDIA || f->what.init != init->what.init)
            continue;
        struct weir_engine_event e = {.kind = WEIR_EVENT_PROGRESS};
        e.transfer.id = f->what.id;
        e.transfer.bytes = (int64_t)weir_segment_length(f->segment) - f->had_bytes;
        e.transfer.playable_until_us = weir_playable_until_us(p->playable[f->what.track]);
        weir_session_step(p, &e);
    }
}

void weir_session_transfer_event(struct weir_player *p, const struct weir_transfer_event *t)
{
    uint64_t id = t->id == p->whole_transfer ? p->whole_fetch : t->id;
    bool over = t->kind == WEIR_TRANSFER_DONE || t->kind == WEIR_TRANSFER_FAILED;
    if (over && t->id == p->whole_transfer)
        p->whole_transfer = 0;
    struct weir_session_fetch *f = id ? weir_session_find_fetch(p, id) : NULL;
    if (!f)
        return;
    struct weir_engine_event e = engine_event(p, t, f);
    switch (t->kind) {
    case WEIR_TRANSFER_HEADERS:
        e.kind = WEIR_EVENT_HEADERS;
        e.transfer.bytes = t->length_bytes;
        if (f->what.kind == WEIR_FETCH_INDEX && t->effective_url) {
            free(f->effective_url);
            f->effective_url = strdup(t->effective_url);
        }
        break;
    case WEIR_TRANSFER_PROGRESS:
        break;
    case WEIR_TRANSFER_DONE:
        e.kind = WEIR_EVENT_DONE;
        if (f->what.kind == WEIR_FETCH_INDEX)
            load_index(p, f, &e);
        else if (f->what.kind == WEIR_FETCH_MEDIA)
            p->failure[f->what.track] = (struct weir_error){0};
        break;
    case WEIR_TRANSFER_FAILED:
        e.kind = WEIR_EVENT_FAILED;
        weir_session_note_failure(p, f->what.track, t->error);
        break;
    }
    if (over)
        respond(p, t, id);
    // The fetch is over for the engine the moment it hears so; its slot may be needed by the
    // actions that follow.
    struct weir_session_fetch ended = *f;
    if (over)
        *f = (struct weir_session_fetch){0};
    weir_session_step(p, &e);
    if (ended.what.kind == WEIR_FETCH_INIT && t->kind != WEIR_TRANSFER_HEADERS)
        recheck_playable(p, &ended);
    if (over)
        weir_session_release_fetch(&ended);
}
