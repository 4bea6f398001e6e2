// player/session_open.c — from a URL to a running engine: fetch the manifest, read it, choose
// tracks, check limits. On the I/O thread; waits only inside the transport's pump, so that a stop
// is heard at once.
#include <stdlib.h>
#include <string.h>

#include <libavutil/pixdesc.h>

#include "core/url.h"
#include "demux/whole_file.h"
#include "player/session.h"

// Transfers of the host's own, apart from the engine's ids.
#define DOCUMENT_ID      (UINT64_C(1) << 63)
#define SNIFF_BYTES      4096
#define WARM_CONNECTIONS 3 // init and first segment of the second track, and one for what follows
#define DOCUMENT_MAX     (16 << 20)
#define WAIT_FLOOR_US                                                                              \
    (20 * WEIR_SECOND_US)  // chosen by hand: outlasts most outages of a mobile link
#define QUEUE_AND_RENDER 8 // output queue 4, renderer 2, 2 to spare (DESIGN: frames)

// What became of the manifest's transfer.
struct document {
    bool headers, done;
    bool media; // the first bytes are no manifest
};

static int resolve_input(struct weir_player *p, struct weir_error *error)
{
    char url[WEIR_URL_MAX_BYTES];
    const char *given = p->params.url;
    int len;
    if (weir_url_is_absolute(given))
        len = snprintf(url, sizeof(url), "%s", given);
    else
        len = weir_url_from_path(given, url, sizeof(url));
    if (len < 0 || (size_t)len >= sizeof(url))
        return weir_error_set(error, WEIR_ERR_TOO_BIG, given, "the URL is too long");
    p->file_url_given = weir_url_has_scheme(url, "file");
    free(p->document_url);
    p->document_url = strdup(url);
    return p->document_url ? 0 : weir_error_set(error, WEIR_ERR_NOMEM, given, "out of memory");
}

static int take_effective_url(struct weir_player *p, const struct weir_transfer_event *e)
{
    if (!e->effective_url)
        return 0;
    char *url = strdup(e->effective_url);
    if (!url)
        return WEIR_ERR_NOMEM;
    free(p->document_url);
    p->document_url = url;
    return 0;
}

// Bytes that no text format begins with: only then may a document turn out to be media.
static bool looks_binary(const uint8_t *data, size_t size)
{
    size_t n = size < 512 ? size : 512;
    for (size_t i = 0; i < n; i++)
        if (data[i] < 0x09 || (data[i] > 0x0d && data[i] < 0x20 && data[i] != 0x1b))
            return true;
    return n >= 3 && (!memcmp(data, "ID3", 3) || (data[0] == 0xff && (data[1] & 0xe0) == 0xe0));
}

static void sniff(struct weir_player *p, struct document *d)
{
    size_t have = weir_segment_length(p->document);
    if (have < SNIFF_BYTES && !d->done)
        return;
    const uint8_t *data = weir_segment_data(p->document);
    d->media = have > 0 && !weir_presentation_sniff(data, have) && looks_binary(data, have);
}

static void report_document(struct weir_player *p, const struct weir_transfer_event *e)
{
    if (e->kind != WEIR_TRANSFER_DONE && e->kind != WEIR_TRANSFER_FAILED)
        return;
    struct weir_telemetry_response r = {.id = 0,
                                        .status = e->http_status,
                                        .err = e->err,
                                        .bytes = e->bytes,
                                        .t_request_us = e->t_request_us,
                                        .t_first_byte_us = e->t_first_byte_us,
                                        .t_last_us = e->t_last_us,
                                        .from_cache = e->from_cache,
                                        .error = e->error};
    weir_telemetry_response(p->telemetry, e->now_us, &r);
}

// One round of the transport while the document is fetched. 0, or the failure.
static int pump_document(struct weir_player *p, struct document *d, struct weir_error *error)
{
    struct weir_transfer_event events[4];
    int n = p->transport->ops->pump(p->transport, 200000, events, 4);
    if (n < 0)
        return weir_error_set(error, n, p->document_url, "%s", weir_strerror(n));
    for (int i = 0; i < n; i++) {
        report_document(p, &events[i]);
        switch (events[i].kind) {
        case WEIR_TRANSFER_HEADERS:
            d->headers = true;
            if (take_effective_url(p, &events[i]))
                return weir_error_set(error, WEIR_ERR_NOMEM, p->params.url, "out of memory");
            break;
        case WEIR_TRANSFER_PROGRESS:
            break;
        case WEIR_TRANSFER_DONE:
            d->done = true;
            break;
        case WEIR_TRANSFER_FAILED:
            *error = *events[i].error;
            return events[i].err;
        }
    }
    return 0;
}

static int start_document(struct weir_player *p, struct weir_error *error)
{
    p->document = weir_segment_create(p->segments, 0);
    if (!p->document)
        return weir_error_set(error, WEIR_ERR_NOMEM, p->params.url, "out of memory");
    struct weir_transfer t = {.id = DOCUMENT_ID,
                              .url = p->document_url,
                              .origin_url = p->document_url,
                              .first_byte = -1,
                              .last_byte = -1,
                              .segment = p->document,
                              .document = true,
                              .allow_file = p->file_url_given};
    weir_telemetry_request_document(p->telemetry, weir_clock_now_us(&p->clock), p->document_url);
    int err = p->transport->ops->start(p->transport, &t, error);
    if (!err && !p->file_url_given)
        p->transport->ops->warm(p->transport, p->document_url, WARM_CONNECTIONS);
    return err;
}

static int fetch_document(struct weir_player *p, struct document *d, struct weir_error *error)
{
    int err = start_document(p, error);
    while (!err && !d->done && !d->media) {
        if (weir_session_stopping(p))
            return weir_error_set(error, WEIR_ERR_CANCELLED, p->params.url, "stopped");
        err = pump_document(p, d, error);
        if (!err)
            sniff(p, d);
        if (!err && !d->media && weir_segment_length(p->document) > DOCUMENT_MAX)
            err = weir_error_set(error, WEIR_ERR_TOO_BIG, p->document_url,
                                 "the manifest is larger than %d MiB", DOCUMENT_MAX >> 20);
    }
    return err;
}

static int read_manifest(struct weir_player *p, struct weir_error *error)
{
    struct weir_manifest_input in = {.data = weir_segment_data(p->document),
                                     .size_bytes = weir_segment_length(p->document),
                                     .url = p->document_url,
                                     .allow_file_urls = p->file_url_given,
                                     .wall_clock_us = WEIR_TIME_NONE};
    return weir_presentation_parse(&in, &p->presentation, error);
}

// --- a plain media file ---

// The probe runs on this thread and is fed by it: pump until more bytes are there.
static int wait_for_probe(void *ctx, const struct weir_segment *s, size_t have_bytes)
{
    struct weir_player *p = ctx;
    struct document d = {0};
    struct weir_error error = {0};
    while (weir_segment_state(s) == WEIR_SEGMENT_OPEN && weir_segment_length(s) <= have_bytes) {
        if (weir_session_stopping(p) || pump_document(p, &d, &error))
            return -1;
        if (d.done)
            p->whole_transfer = 0;
    }
    return 0;
}

static int open_whole_file(struct weir_player *p, struct weir_error *error)
{
    if (p->file_url_given) {
        p->transport->ops->cancel(p->transport, DOCUMENT_ID);
        int err = weir_whole_file_map(p->segments, p->document_url, &p->whole_file, error);
        if (err)
            return err;
    } else {
        p->whole_file = weir_segment_ref(p->document);
        p->whole_transfer = weir_segment_state(p->document) == WEIR_SEGMENT_OPEN ? DOCUMENT_ID : 0;
    }
    struct weir_file_description info = {0};
    int err =
        weir_whole_file_probe(p->whole_file, p->document_url, wait_for_probe, p, &info, error);
    if (err)
        return err;
    err = weir_presentation_for_file(p->document_url, &info, &p->presentation);
    return err ? weir_error_set(error, err, p->document_url, "%s", weir_strerror(err)) : 0;
}

// --- limits ---

static int64_t frames_need_bytes(const struct weir_player *p)
{
    const struct weir_selection *s = &p->selection;
    if (!s->has[WEIR_ENGINE_VIDEO] || s->max_width <= 0)
        return 0;
    size_t frame = weir_frame_store_picture_bytes(s->max_width, s->max_height, AV_PIX_FMT_YUV420P);
    int references = weir_codecs_reference_frames(s->video_codecs, s->max_width, s->max_height);
    return (int64_t)frame * (references + p->params.threads + 1 + QUEUE_AND_RENDER);
}

// One pool of frame slots for every rung: what a larger one has touched serves a smaller one too.
static void expect_pictures(struct weir_player *p)
{
    const struct weir_selection *s = &p->selection;
    weir_frame_store_expect(
        p->frames, weir_frame_store_picture_bytes(s->max_width, s->max_height, AV_PIX_FMT_YUV420P));
}

// Two segments of the lowest rung per track: the one being played and the one arriving.
static int64_t segments_need_bytes(const struct weir_player *p)
{
    int64_t need = 0;
    for (int k = 0; k < WEIR_ENGINE_TRACKS; k++) {
        const struct weir_engine_rungs *r = &p->selection.content.periods[0].tracks[k];
        if (r->count == 0)
            continue;
        struct weir_segment_info info;
        int64_t length_us =
            10 * WEIR_SECOND_US; // HLS: not known before the playlist; a long segment
        if (r->rungs[0]->index_need == WEIR_INDEX_READY &&
            !weir_index_segment(r->rungs[0], 0, &info))
            length_us = info.duration_us;
        need += 2 * (r->rungs[0]->bandwidth_bps / 8 * (length_us / 1000) / 1000 + 65536);
    }
    return need;
}

// Also sets how much the engine may buffer.
static int check_memory_limit(struct weir_player *p, struct weir_engine_params *ep,
                              struct weir_error *error)
{
    int64_t limit = p->params.memory_limit_bytes;
    if (limit <= 0)
        return 0;
    int64_t held =
        atomic_load(&p->budget.held_bytes); // init segments and the like come on top, a page each
    int64_t frames = frames_need_bytes(p), segments = segments_need_bytes(p) + held;
    int64_t need = frames + segments;
    if (limit < need) {
        weir_error_set(error, WEIR_ERR_LIMIT, "--memory-limit", "%lld bytes cannot work",
                       (long long)limit);
        weir_error_why(error, "the decoder needs %lld bytes for pictures and %lld for segments",
                       (long long)frames, (long long)segments);
        weir_error_hint(error, "--memory-limit %lld", (long long)need);
        return WEIR_ERR_LIMIT;
    }
    // Pictures of a size that no manifest told get half; more, and the first of them ends the
    // session with the cause.
    if (frames == 0 && p->selection.has[WEIR_ENGINE_VIDEO])
        frames = limit / 2;
    ep->memory_limit_bytes = limit - frames - held;
    return 0;
}

// --- the engine ---

static int check_start(const struct weir_player *p, struct weir_error *error)
{
    int64_t duration_us = p->presentation->duration_us;
    if (duration_us == WEIR_TIME_NONE || p->params.start_us < duration_us ||
        p->params.start_us == 0)
        return 0;
    weir_error_set(error, WEIR_ERR_INVAL, "--start", "lies beyond the end");
    weir_error_why(error, "the presentation lasts %lld.%03lld s",
                   (long long)(duration_us / WEIR_SECOND_US),
                   (long long)(duration_us % WEIR_SECOND_US / 1000));
    return WEIR_ERR_INVAL;
}

static int create_abr(struct weir_player *p, struct weir_error *error)
{
    char held[64];
    const char *spec = p->params.abr;
    if (p->params.rung >= 0) {
        (void)snprintf(held, sizeof(held), "fixed:rung=%ld", p->params.rung);
        spec = held;
    }
    for (int k = 0; k < WEIR_ENGINE_TRACKS; k++) {
        int err = weir_abr_create(spec, p->params.seed + (uint64_t)k, &p->abr[k], error);
        if (err)
            return err;
    }
    return 0;
}

static int check_rung(const struct weir_player *p, struct weir_error *error)
{
    enum weir_engine_track k =
        p->selection.has[WEIR_ENGINE_VIDEO] ? WEIR_ENGINE_VIDEO : WEIR_ENGINE_AUDIO;
    size_t count = p->selection.content.periods[0].tracks[k].count;
    if (p->params.rung < 0 || (size_t)p->params.rung < count)
        return 0;
    weir_error_set(error, WEIR_ERR_INVAL, "--rung", "there is no rung %ld", p->params.rung);
    weir_error_why(error, "the ladder has %zu: 0 to %zu", count, count - 1);
    return WEIR_ERR_INVAL;
}

static int create_engine(struct weir_player *p, struct weir_error *error)
{
    struct weir_engine_params ep = weir_engine_params_default();
    for (int k = 0; k < WEIR_ENGINE_TRACKS; k++)
        ep.abr[k] = p->abr[k];
    ep.buffer_max_us = p->params.buffer_max_us;
    ep.wait_floor_us =
        p->params.buffer_max_us / 2 < WAIT_FLOOR_US ? p->params.buffer_max_us / 2 : WAIT_FLOOR_US;
    ep.startup_us = p->params.startup_us;
    ep.resume_us = p->params.resume_us;
    ep.start_at_us = p->params.start_us;
    if (p->params.duration_us > 0)
        ep.end_at_us = p->params.start_us + p->params.duration_us;
    ep.abandon = p->params.abandon;
    ep.untimed = p->params.untimed;
    ep.small_samples = p->inject.exact_network;
    ep.seed = p->params.seed;
    int err = check_memory_limit(p, &ep, error);
    if (err)
        return err;
    err = weir_engine_create(&ep, &p->selection.content, &p->engine);
    if (!err)
        err = weir_session_record_engine(p, &ep);
    return err ? weir_error_set(error, err, p->params.url, "cannot start the engine: %s",
                                weir_strerror(err))
               : 0;
}

static void note_absent_tracks(struct weir_player *p)
{
    p->stream_absent[WEIR_ENGINE_VIDEO] = !p->selection.has[WEIR_ENGINE_VIDEO];
    p->stream_absent[WEIR_ENGINE_AUDIO] =
        !p->selection.has[WEIR_ENGINE_AUDIO] && !p->selection.muxed_audio;
    if (p->stream_absent[WEIR_ENGINE_VIDEO])
        weir_timeline_leader_passed(p->timeline, INT64_MAX); // sound pins the timeline for itself
}

int weir_session_open(struct weir_player *p, struct weir_error *error)
{
    struct document d = {0};
    int err = resolve_input(p, error);
    if (!err)
        err = fetch_document(p, &d, error);
    if (!err)
        err = d.media ? open_whole_file(p, error) : read_manifest(p, error);
    weir_segment_unref(&p->document);
    if (err)
        return err;
    struct weir_select_params sp = {.max_height = p->params.max_height,
                                    .max_bitrate_bps = p->params.max_bitrate_bps,
                                    .no_video = p->params.no_video,
                                    .no_audio = p->params.no_audio,
                                    .audio_languages = p->params.audio_languages,
                                    .audio_id = p->params.audio_id};
    err = weir_select(p->presentation, &sp, &p->selection, error);
    if (!err)
        err = check_rung(p, error);
    if (!err)
        err = check_start(p, error);
    if (!err)
        err = create_abr(p, error);
    if (!err)
        err = create_engine(p, error);
    if (err)
        return err;
    note_absent_tracks(p);
    expect_pictures(p);
    weir_telemetry_presentation(p->telemetry, weir_clock_now_us(&p->clock), p->presentation,
                                &p->selection);
    return 0;
}

void weir_session_close(struct weir_player *p)
{
    weir_engine_destroy(&p->engine);
    for (int k = 0; k < WEIR_ENGINE_TRACKS; k++)
        weir_abr_destroy(&p->abr[k]);
    weir_segment_unref(&p->document);
    weir_segment_unref(&p->whole_file);
    weir_record_names_clear(&p->names);
    weir_selection_clear(&p->selection);
    weir_presentation_destroy(&p->presentation);
    free(p->document_url);
    p->document_url = NULL;
}
