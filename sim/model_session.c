// sim/model_session.c — one session of the model host: the engine's actions become transfers on the
// link, the link's events become the engine's. An event's time is rounded once, from the link's
// exact clock; requests go out at the exact time.
#include "sim/model_session.h"

#include <string.h>

#include "core/rational.h"

#define NEVER_US INT64_MAX

#define TCP_STARTUP_US INT64_C(240000) // about the first pictures, as the player needs them
#define TCP_RESUME_US  (2 * WEIR_SECOND_US)

#define MANIFEST_SLOT (WEIR_MODEL_SLOTS - 1)

// An id on the link: client, slot, and the engine's id, which tells transfers of a slot apart.
#define CLIENT_SHIFT 48
#define SLOT_SHIFT   40

static uint64_t link_id(const struct weir_model *m, size_t slot)
{
    uint64_t id = m->transfers[slot].id & ((UINT64_C(1) << SLOT_SHIFT) - 1);
    return (uint64_t)m->client << CLIENT_SHIFT | (uint64_t)slot << SLOT_SHIFT | id;
}

unsigned weir_model_client_of(uint64_t id)
{
    return (unsigned)(id >> CLIENT_SHIFT);
}

static size_t slot_of(enum weir_engine_track track, enum weir_fetch_kind kind)
{
    return (size_t)track * WEIR_MODEL_KINDS + (size_t)kind;
}

// Session time of an exact link time. Without libm, so that no rounding mode matters.
static int64_t round_us(const struct weir_model *m, double link_us)
{
    return (int64_t)(link_us + 0.5) - m->begin_us;
}

static int64_t playhead_us(const struct weir_model *m)
{
    return m->playing ? m->media_us + (m->now_us - m->media_at_us) : m->media_us;
}

static const struct weir_content_track *track_of(const struct weir_model *m,
                                                 enum weir_engine_track track)
{
    return track == WEIR_ENGINE_VIDEO ? &m->content->video : &m->content->audio;
}

static int64_t content_end_us(const struct weir_model *m)
{
    return m->period.end_us;
}

// --- transfers ---

static size_t take_connection(struct weir_model *m)
{
    size_t i = 0;
    while (i + 1 < WEIR_MODEL_CONNECTIONS && m->connection_busy[i])
        i++;
    m->connection_busy[i] = true;
    return i;
}

static void start(struct weir_model *m, size_t slot)
{
    struct weir_model_transfer *t = &m->transfers[slot];
    t->used = true;
    t->mark_bytes = INT64_MAX;
    t->requested_us = m->now_us;
    t->first_byte_us = WEIR_TIME_NONE;
    t->connection = take_connection(m);
    int connection = (int)((size_t)m->client * WEIR_MODEL_CONNECTIONS + t->connection);
    // The link takes more transfers than all sessions together may have.
    (void)weir_link_start(m->link, link_id(m, slot), t->bytes, connection);
}

static void release(struct weir_model *m, struct weir_model_transfer *t)
{
    t->used = false;
    m->connection_busy[t->connection] = false;
}

static void note_decision(struct weir_model *m, const struct weir_fetch *f, int64_t bytes)
{
    const struct weir_content_track *v = &m->content->video;
    struct weir_summary_segment *s = &m->segments[f->index];
    bool first = (size_t)f->index >= m->summary.segment_count;
    int64_t level_us = f->info.start_us - playhead_us(m);
    *s = (struct weir_summary_segment){
        .rung = (int32_t)f->rung,
        .vmaf = v->vmaf ? v->vmaf[f->index * (int64_t)v->rung_count + (int64_t)f->rung] : -1,
        .bitrate_bps = f->rep->bandwidth_bps,
        .bytes = bytes,
        .start_us = f->info.start_us,
        .duration_us = f->info.duration_us,
        .buffer_us = level_us > 0 ? level_us : 0,
        .throughput_bps = weir_engine_throughput_bps(m->engine),
        .requested_us = m->now_us,
        .done_us = WEIR_TIME_NONE,
        .buffer_done_us = WEIR_TIME_NONE,
        .stall_us = first ? 0 : s->stall_us, // what the transfer given up was waited for
    };
    if (first)
        m->summary.segment_count = (size_t)f->index + 1;
}

static int64_t size_of(const struct weir_model *m, const struct weir_fetch *f)
{
    const struct weir_content_track *t = track_of(m, f->track);
    switch (f->kind) {
    case WEIR_FETCH_INIT:
        return t->init_bytes[f->rung];
    case WEIR_FETCH_INDEX:
        return t->index_bytes[f->rung];
    case WEIR_FETCH_MEDIA:
        break;
    }
    return f->info.size_bytes;
}

static void fetch(struct weir_model *m, const struct weir_fetch *f)
{
    size_t slot = slot_of(f->track, f->kind);
    struct weir_model_transfer *t = &m->transfers[slot];
    t->kind = f->kind;
    t->track = f->track;
    t->id = f->id;
    t->rep = f->rep;
    t->bytes = size_of(m, f);
    t->start_us = f->info.start_us;
    t->end_us = f->info.start_us + f->info.duration_us;
    if (f->kind == WEIR_FETCH_MEDIA && f->track == WEIR_ENGINE_VIDEO)
        note_decision(m, f, t->bytes);
    weir_model_events_request(m, f);
    start(m, slot);
}

static void cancel(struct weir_model *m, uint64_t id)
{
    for (size_t slot = 0; slot < WEIR_MODEL_SLOTS; slot++) {
        struct weir_model_transfer *t = &m->transfers[slot];
        if (!t->used || t->id != id)
            continue;
        int64_t got = weir_link_bytes(m->link, link_id(m, slot));
        weir_link_cancel(m->link, link_id(m, slot));
        m->summary.bytes += got;
        // Nothing fails here, so media are given up only for a lower rung, or at a session's end.
        if (t->kind == WEIR_FETCH_MEDIA && !m->ended) {
            m->summary.abandoned++;
            m->summary.wasted_bytes += got;
        }
        weir_model_events_response(m, t, got, true);
        release(m, t);
    }
}

// --- playback ---

static void set_playing(struct weir_model *m, bool playing, int64_t media_us)
{
    if (playing)
        m->playing_late_us = weir_link_now_us(m->link) - (double)(m->now_us + m->begin_us);
    m->media_us = media_us;
    m->media_at_us = m->now_us;
    m->playing = playing;
}

static void begin_stall(struct weir_model *m)
{
    set_playing(m, false, playhead_us(m));
    m->stalled = true;
    m->stall_began_us = m->now_us;
}

static void end_stall(struct weir_model *m)
{
    const struct weir_content_track *v = &m->content->video;
    int64_t stall_us = m->now_us - m->stall_began_us;
    if (!m->stalled || stall_us == 0) // what arrives in the microsecond it is needed is in time
        stall_us = 0;
    else
        m->summary.stall_count++;
    m->stalled = false;
    m->summary.stall_us += stall_us;
    while (m->at_segment + 1 < v->segment_count && v->starts_us[m->at_segment + 1] <= m->media_us)
        m->at_segment++;
    if ((size_t)m->at_segment < m->summary.segment_count)
        m->segments[m->at_segment].stall_us += stall_us;
}

static void start_playing(struct weir_model *m, int64_t media_us)
{
    m->summary.startup_us = m->now_us;
    if (m->summary.segment_count)
        m->segments[0].stall_us += m->now_us;
    set_playing(m, true, media_us);
}

// With all segments in hand, what is left plays out.
static void note_last(struct weir_model *m)
{
    bool all = m->playing;
    for (int t = 0; t < WEIR_ENGINE_TRACKS; t++)
        all = all && (m->eos[t] || !m->period.tracks[t].count);
    m->drained_us = all ? m->now_us + (content_end_us(m) - playhead_us(m)) : NEVER_US;
}

static void end(struct weir_model *m, int err)
{
    if (m->stalled)
        end_stall(m);
    m->ended = true;
    m->end_err = err;
    m->summary.played_us = playhead_us(m);
    m->summary.ended_us = m->now_us;
    set_playing(m, false, playhead_us(m));
    weir_model_events_end(m);
}

static void perform(struct weir_model *m, const struct weir_action *a)
{
    switch (a->kind) {
    case WEIR_ACTION_FETCH:
        fetch(m, &a->fetch);
        break;
    case WEIR_ACTION_CANCEL:
        cancel(m, a->id);
        break;
    case WEIR_ACTION_START:
        start_playing(m, a->media_us);
        break;
    case WEIR_ACTION_STALL:
        begin_stall(m);
        break;
    case WEIR_ACTION_RESUME:
        end_stall(m);
        set_playing(m, true, m->media_us);
        break;
    case WEIR_ACTION_EOS:
        m->eos[a->discard.track] = true;
        break;
    case WEIR_ACTION_END:
        end(m, a->end.err);
        break;
    case WEIR_ACTION_TIMER:
        m->timer_us = a->at_us;
        break;
    case WEIR_ACTION_REPORT:
        weir_model_events_report(m, &a->report);
        break;
    case WEIR_ACTION_DISCARD: // there is nothing to decode, and nobody presses keys
    case WEIR_ACTION_FINISH:
    case WEIR_ACTION_PAUSE:
    case WEIR_ACTION_PLAY:
    case WEIR_ACTION_RATE:
    case WEIR_ACTION_SEEK:
        break;
    }
}

// --- progress ---

static int64_t playable_us(const struct weir_model *m, const struct weir_model_transfer *t,
                           int64_t bytes)
{
    if (!m->counts_playable)
        return WEIR_TIME_NONE;
    return t->start_us + weir_rescale(t->end_us - t->start_us, bytes, t->bytes);
}

// While playback waits for media: the bytes that let it begin.
static int64_t wanted_bytes(const struct weir_model *m, const struct weir_model_transfer *t)
{
    if (!m->counts_playable || m->playing)
        return INT64_MAX;
    int64_t until_us =
        m->media_us + (m->stalled ? m->engine_params.resume_us : m->engine_params.startup_us);
    if (until_us <= t->start_us)
        until_us = t->start_us + 1;
    if (until_us >= t->end_us)
        return INT64_MAX;
    int64_t bytes = weir_rescale(t->bytes, until_us - t->start_us, t->end_us - t->start_us);
    while (bytes < t->bytes && playable_us(m, t, bytes) < until_us)
        bytes++;
    return bytes > 0 ? bytes : 1;
}

// Has the link tell when the engine wants to hear of a transfer.
static void set_mark(struct weir_model *m, size_t slot)
{
    struct weir_model_transfer *t = &m->transfers[slot];
    if (!t->used)
        return;
    int64_t mark = weir_engine_watch_bytes(m->engine, t->id);
    int64_t wanted = wanted_bytes(m, t);
    if (wanted < mark && wanted > weir_link_bytes(m->link, link_id(m, slot)))
        mark = wanted;
    // Two at once share the line: the engine must know from when on (player/engine/measure.c), as a
    // player does by the answer's header.
    if (m->two_tracks && t->first_byte_us == WEIR_TIME_NONE)
        mark = 1;
    if (mark == t->mark_bytes)
        return;
    t->mark_bytes = mark;
    weir_link_mark(m->link, link_id(m, slot), mark);
}

static void step(struct weir_model *m, const struct weir_engine_event *event)
{
    if (m->ended || weir_engine_step(m->engine, m->now_us, event, &m->actions))
        return;
    if (m->params.step)
        m->params.step(m->params.ctx, m->engine, m->now_us, event, &m->actions);
    for (size_t i = 0; i < m->actions.count; i++)
        perform(m, &m->actions.items[i]);
    if (m->ended)
        return;
    note_last(m);
    if (!m->tells_progress)
        return;
    for (int t = 0; t < WEIR_ENGINE_TRACKS; t++)
        set_mark(m, slot_of((enum weir_engine_track)t, WEIR_FETCH_MEDIA));
}

static void tell_progress(struct weir_model *m, const struct weir_model_transfer *t, int64_t bytes)
{
    struct weir_engine_event e = {.kind = WEIR_EVENT_PROGRESS};
    e.transfer.id = t->id;
    e.transfer.bytes = bytes;
    e.transfer.playable_until_us = playable_us(m, t, bytes);
    e.transfer.t_first_byte_us = t->first_byte_us;
    step(m, &e);
}

// --- events of the link ---

static struct weir_engine_event done_event(const struct weir_model *m,
                                           const struct weir_model_transfer *t)
{
    bool told = m->counts_playable && t->kind == WEIR_FETCH_MEDIA;
    struct weir_engine_event e = {.kind = WEIR_EVENT_DONE};
    e.transfer.id = t->id;
    e.transfer.bytes = t->bytes;
    e.transfer.playable_until_us = told ? t->end_us : WEIR_TIME_NONE;
    e.transfer.t_request_us = t->requested_us;
    e.transfer.t_first_byte_us = t->first_byte_us;
    e.transfer.t_last_us = m->now_us;
    return e;
}

// There is nothing to parse.
static void tell_index(struct weir_model *m, uint64_t id, struct weir_representation *rep)
{
    rep->index_need = WEIR_INDEX_READY;
    struct weir_engine_event e = {.kind = WEIR_EVENT_INDEX};
    e.index.id = id;
    step(m, &e);
}

static void open_engine(struct weir_model *m)
{
    struct weir_engine_event e = {.kind = WEIR_EVENT_OPEN};
    weir_model_events_presentation(m);
    step(m, &e);
}

static void note_done(struct weir_model *m, struct weir_model_transfer *t)
{
    m->summary.bytes += t->bytes;
    if (t->kind == WEIR_FETCH_MEDIA && t->track == WEIR_ENGINE_VIDEO) {
        struct weir_summary_segment *s = &m->segments[m->summary.segment_count - 1];
        s->done_us = m->now_us;
        s->buffer_done_us = t->end_us - playhead_us(m);
    }
    weir_model_events_response(m, t, t->bytes, false);
    release(m, t);
}

void weir_model_session_event(struct weir_model *m, const struct weir_link_event *event)
{
    size_t slot = (size_t)(event->id >> SLOT_SHIFT) & 0xFF;
    struct weir_model_transfer *t = &m->transfers[slot];
    m->now_us = round_us(m, event->at_us);
    t->first_byte_us = round_us(m, event->first_byte_us);
    if (event->kind == WEIR_LINK_MARK) {
        t->mark_bytes = INT64_MAX; // spent
        tell_progress(m, t, event->bytes);
        return;
    }
    // The transfer's slot may be taken as soon as the engine hears of it.
    struct weir_engine_event e = done_event(m, t);
    struct weir_representation *indexed = t->kind == WEIR_FETCH_INDEX ? t->rep : NULL;
    note_done(m, t);
    if (slot == MANIFEST_SLOT) {
        open_engine(m);
        return;
    }
    step(m, &e);
    if (indexed)
        tell_index(m, e.transfer.id, indexed);
}

// --- time ---

double weir_model_session_due_us(const struct weir_model *m)
{
    if (m->ended)
        return (double)NEVER_US;
    if (!m->begun)
        return (double)m->begin_us;
    int64_t at_us = m->timer_us < m->drained_us ? m->timer_us : m->drained_us;
    if (at_us == NEVER_US)
        return (double)NEVER_US;
    double exact_us = (double)(at_us + m->begin_us) + m->playing_late_us;
    double now_us = weir_link_now_us(m->link); // of an event that was rounded down just now
    return exact_us > now_us ? exact_us : now_us;
}

static void begin(struct weir_model *m)
{
    m->begun = true;
    m->now_us = 0;
    if (m->content->manifest_bytes <= 0) {
        open_engine(m);
        return;
    }
    struct weir_model_transfer *t = &m->transfers[MANIFEST_SLOT];
    t->kind = WEIR_FETCH_INDEX;
    t->id = 0;
    t->bytes = m->content->manifest_bytes;
    start(m, MANIFEST_SLOT);
}

// Whatever has arrived by now stands in for the timer: each of its events does what the timer's
// would.
static bool tell_all_progress(struct weir_model *m)
{
    bool told = false;
    for (int k = 0; k < WEIR_ENGINE_TRACKS; k++) {
        size_t slot = slot_of((enum weir_engine_track)k, WEIR_FETCH_MEDIA);
        struct weir_model_transfer *t = &m->transfers[slot];
        int64_t bytes = t->used ? weir_link_bytes(m->link, link_id(m, slot)) : 0;
        if (bytes <= 0)
            continue;
        t->first_byte_us = round_us(m, weir_link_first_byte_us(m->link, link_id(m, slot)));
        tell_progress(m, t, bytes);
        told = true;
    }
    return told;
}

void weir_model_session_wake(struct weir_model *m)
{
    if (!m->begun) {
        begin(m);
        return;
    }
    struct weir_engine_event e = {.kind = WEIR_EVENT_TIMER};
    bool drained = m->drained_us <= m->timer_us;
    m->now_us = drained ? m->drained_us : m->timer_us;
    if (drained)
        e.kind = WEIR_EVENT_DRAINED;
    else
        m->timer_us = NEVER_US; // the engine sets another, if any
    if (drained || !m->tells_progress || !tell_all_progress(m))
        step(m, &e);
}

void weir_model_session_stop(struct weir_model *m, int64_t at_us)
{
    struct weir_engine_event e = {.kind = WEIR_EVENT_STOP};
    if (at_us - m->begin_us > m->now_us)
        m->now_us = at_us - m->begin_us;
    step(m, &e);
}

// --- the beginning ---

static int prepare_audio(struct weir_model *m, struct weir_error *e)
{
    const struct weir_abr_ops *ops = weir_abr_ops(m->abr);
    const char *spec = weir_abr_spec(m->abr);
    if (!m->content->audio.rung_count)
        return 0;
    if (m->audio_abr && weir_abr_ops(m->audio_abr) == ops &&
        strcmp(weir_abr_spec(m->audio_abr), spec) == 0)
        return 0;
    weir_abr_destroy(&m->audio_abr);
    return weir_abr_create_from(ops, spec, m->params.seed + 1, &m->audio_abr, e);
}

static int64_t oracle(const void *ctx, int64_t at_us, int64_t bytes)
{
    const struct weir_model *m = ctx;
    double at = (double)(at_us + m->begin_us), now = weir_link_now_us(m->link);
    return round_us(m, weir_link_oracle_us(m->link, at > now ? at : now, bytes));
}

static void prepare_params(struct weir_model *m)
{
    bool tcp = m->params.link.kind == WEIR_LINK_TCP;
    int64_t startup_us = m->params.startup_us, resume_us = m->params.resume_us;
    struct weir_engine_params *p = &m->engine_params;
    *p = weir_engine_params_default();
    p->abr[WEIR_ENGINE_VIDEO] = m->abr;
    p->abr[WEIR_ENGINE_AUDIO] = m->audio_abr;
    p->buffer_max_us = m->params.buffer_max_us;
    // Without news of what is playable, one segment is the least there can be.
    p->startup_us = startup_us != WEIR_TIME_NONE ? startup_us : tcp ? TCP_STARTUP_US : 0;
    p->resume_us = resume_us != WEIR_TIME_NONE ? resume_us : tcp ? TCP_RESUME_US : 0;
    p->abandon = m->params.abandon;
    p->seed = m->params.seed;
    p->report = m->params.event || m->params.step;
    p->small_samples = !tcp;
    p->oracle_done_us = oracle;
    p->oracle_ctx = m;
    m->counts_playable = tcp;
    m->two_tracks = m->content->audio.rung_count > 0;
    m->tells_progress = tcp || m->two_tracks || (p->abandon && weir_abr_ops(m->abr)->watch);
}

static void forget(struct weir_model *m)
{
    memset(m->transfers, 0, sizeof(m->transfers));
    memset(m->connection_busy, 0, sizeof(m->connection_busy));
    m->now_us = m->at_segment = 0;
    m->timer_us = m->drained_us = NEVER_US;
    m->eos[WEIR_ENGINE_VIDEO] = m->eos[WEIR_ENGINE_AUDIO] = false;
    m->begun = m->playing = m->stalled = m->ended = false;
    m->end_err = 0;
    m->media_us = m->media_at_us = m->stall_began_us = 0;
    m->playing_late_us = 0;
    const struct weir_content_track *v = &m->content->video;
    m->summary = (struct weir_summary){
        .abr = weir_abr_spec(m->abr),
        .content = m->content->name,
        .host = "model",
        .seed = m->params.seed,
        .startup_us = WEIR_TIME_NONE,
        .lowest_bps = v->bitrates_bps[0],
        .highest_bps = v->bitrates_bps[v->rung_count - 1],
        .segments = m->segments,
    };
    for (int t = 0; t < WEIR_ENGINE_TRACKS; t++) {
        bool index = track_of(m, (enum weir_engine_track)t)->index_bytes != NULL;
        for (size_t i = 0; index && i < m->period.tracks[t].count; i++)
            m->rungs[t][i]->index_need = WEIR_INDEX_SIDX;
    }
}

int weir_model_session_prepare(struct weir_model *m, const struct weir_model_params *params,
                               struct weir_abr *abr, struct weir_link *link, unsigned client,
                               int64_t begin_us, struct weir_error *e)
{
    m->params = *params;
    m->abr = abr;
    m->link = link;
    m->client = client;
    m->begin_us = begin_us;
    int err = prepare_audio(m, e);
    if (err)
        return err;
    prepare_params(m);
    forget(m);
    err = m->engine ? weir_engine_reset(m->engine, &m->engine_params, &m->engine_content)
                    : weir_engine_create(&m->engine_params, &m->engine_content, &m->engine);
    if (err)
        return weir_error_set(e, err, m->content->name, "the session cannot begin");
    return weir_model_events_begin(m);
}
