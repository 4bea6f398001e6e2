// tests/player/engine/host.c — see host.h. Events in order of time, ties in order of fetch;
// everything from one seed.
#include "tests/player/engine/host.h"

#include <string.h>

struct flight {
    uint64_t id;
    int64_t first_us, end_us; // of its bytes
    int64_t next_us;          // its next event
    int64_t bytes;
    int err; // how it ends
    bool retryable;
};

struct host {
    const struct host_params *params;
    struct rig *rig;
    struct weir_rng rng;
    struct flight flights[RIG_OPEN];
    size_t flight_count;
    struct host_result result;
    bool playing, paused;
    int rate_permille;
};

static bool chance(struct host *h, double p)
{
    return p > 0 && weir_rng_unit(&h->rng) < p;
}

static void launch(struct host *h, const struct weir_fetch *f)
{
    const struct host_params *p = h->params;
    double scale = p->vary ? 0.1 + 1.9 * weir_rng_unit(&h->rng) : 1;
    int64_t bytes = f->kind == WEIR_FETCH_MEDIA && f->expected_bytes > 0 ? f->expected_bytes : 1000;
    if (p->vary) // variable bitrate
        bytes += bytes / 2 - (int64_t)weir_rng_below(&h->rng, (uint64_t)bytes);
    double latency = (double)p->latency_us * (p->vary ? 2 * weir_rng_unit(&h->rng) : 1);
    struct flight fl = {.id = f->id, .bytes = bytes > 0 ? bytes : 1};
    fl.first_us = h->rig->now_us + (int64_t)latency;
    fl.end_us =
        fl.first_us + (int64_t)((double)fl.bytes * 8e6 / ((double)p->bandwidth_bps * scale));
    if (chance(h, p->fail_hard)) {
        fl.err = WEIR_ERR_HTTP;
        fl.end_us = fl.first_us;
    } else if (chance(h, p->fail)) {
        fl.err = weir_rng_below(&h->rng, 2) ? WEIR_ERR_TIMEOUT : WEIR_ERR_HTTP;
        fl.retryable = true;
        fl.bytes /= 2;
        fl.end_us = fl.first_us + (fl.end_us - fl.first_us) / 2;
    }
    fl.next_us = p->progress && fl.first_us < fl.end_us ? fl.first_us : fl.end_us;
    h->flights[h->flight_count++] = fl;
}

static void land(struct host *h, uint64_t id)
{
    for (size_t i = 0; i < h->flight_count; i++) {
        if (h->flights[i].id != id)
            continue;
        memmove(&h->flights[i], &h->flights[i + 1],
                (h->flight_count - i - 1) * sizeof(h->flights[0]));
        h->flight_count--;
        return;
    }
}

static void perform(struct rig *r, const struct weir_action *a)
{
    struct host *h = r->ctx;
    if (a->kind == WEIR_ACTION_FETCH) {
        // The clock of the rig is that of the step before until the step returns.
        launch(h, &a->fetch);
    } else if (a->kind == WEIR_ACTION_CANCEL) {
        land(h, a->id);
    } else if (a->kind == WEIR_ACTION_START) {
        h->playing = true;
        h->result.starts++;
    } else if (a->kind == WEIR_ACTION_SEEK) {
        h->playing = false;
        h->result.seeks++;
    } else if (a->kind == WEIR_ACTION_STALL) {
        h->result.stalls++;
    }
}

static const struct weir_fetch *fetch_of(const struct rig *r, uint64_t id)
{
    for (size_t i = 0; i < r->open_count; i++) {
        if (r->open[i].id == id)
            return &r->open[i];
    }
    fail_msg("no such fetch");
    return NULL;
}

static void advance_flight(struct host *h, struct flight *fl)
{
    struct rig *r = h->rig;
    const struct weir_fetch *f = fetch_of(r, fl->id);
    struct weir_engine_event event = {.kind = WEIR_EVENT_DONE};
    event.transfer.id = fl->id;
    event.transfer.t_first_byte_us = fl->first_us;
    event.transfer.t_last_us = fl->end_us;
    event.transfer.playable_until_us = WEIR_TIME_NONE;
    int64_t at_us = fl->next_us;
    if (at_us < fl->end_us) {
        double part = (double)(at_us - fl->first_us) / (double)(fl->end_us - fl->first_us);
        event.kind = WEIR_EVENT_PROGRESS;
        event.transfer.bytes = (int64_t)(part * (double)fl->bytes);
        if (f->kind == WEIR_FETCH_MEDIA && !fl->err)
            event.transfer.playable_until_us =
                f->info.start_us + (int64_t)(part * (double)f->info.duration_us);
        fl->next_us = at_us + 50000 < fl->end_us ? at_us + 50000 : fl->end_us;
        rig_step(r, at_us, &event);
        return;
    }
    struct flight over = *fl;
    land(h, fl->id);
    if (over.err) {
        event.kind = WEIR_EVENT_FAILED;
        event.transfer.err = over.err;
        event.transfer.retryable = over.retryable;
    } else if (f->kind == WEIR_FETCH_INDEX) {
        rig_index(r, at_us, over.id);
        return;
    }
    event.transfer.bytes = over.bytes;
    for (size_t i = 0; i < r->open_count; i++) {
        if (r->open[i].id != over.id)
            continue;
        memmove(&r->open[i], &r->open[i + 1], (r->open_count - i - 1) * sizeof(r->open[0]));
        r->open_count--;
        r->ended_fetches++;
        break;
    }
    rig_step(r, at_us, &event);
}

static void press_key(struct host *h, int64_t now_us)
{
    struct rig *r = h->rig;
    struct weir_engine_event event = {.kind = WEIR_EVENT_PAUSE};
    int64_t duration_us = weir_engine_status(r->engine, now_us).duration_us;
    switch (weir_rng_below(&h->rng, 8)) {
    case 0:
        h->paused = true;
        break;
    case 1:
    case 2:
    case 3:
        event.kind = WEIR_EVENT_PLAY;
        h->paused = false;
        break;
    case 4:
        event.kind = WEIR_EVENT_SEEK;
        event.media_us =
            (int64_t)weir_rng_below(&h->rng, (uint64_t)duration_us + 2 * SECOND) - SECOND;
        break;
    case 5:
        event.kind = WEIR_EVENT_RATE;
        event.rate_permille = 500 + (int)weir_rng_below(&h->rng, 1500);
        break;
    case 6:
        event.kind = WEIR_EVENT_HOLD_RUNG;
        event.rung = (size_t)weir_rng_below(&h->rng, 5);
        break;
    default:
        event.kind = WEIR_EVENT_AUTO_RUNG;
        break;
    }
    rig_step(r, now_us, &event);
}

static bool all_eos(const struct rig *r)
{
    for (int t = 0; t < WEIR_ENGINE_TRACKS; t++) {
        bool has = false;
        for (size_t p = 0; p < r->content.period_count; p++)
            has = has || r->periods[p].tracks[t].count;
        if (has && !r->eos[t])
            return false;
    }
    return true;
}

// Bounds on what is buffered, whatever happens.
static void check(struct host *h)
{
    struct rig *r = h->rig;
    struct weir_engine_status s = weir_engine_status(r->engine, r->now_us);
    int64_t segment_us = (int64_t)r->spec.segment_ms * 1000;
    int64_t audio_us = (int64_t)r->spec.audio_segment_ms * 1000;
    int64_t most_us = r->params.buffer_max_us + (audio_us > segment_us ? audio_us : segment_us);
    for (int t = 0; t < WEIR_ENGINE_TRACKS; t++) {
        if (s.buffer_level_us[t] > most_us)
            fail_msg("track %d has %lld us buffered", t, (long long)s.buffer_level_us[t]);
    }
    assert_true(s.buffered_bytes >= 0);
    assert_true(r->open_most <= 6);
}

static struct flight *next_flight(struct host *h)
{
    struct flight *next = NULL;
    for (size_t i = 0; i < h->flight_count; i++) {
        if (!next || h->flights[i].next_us < next->next_us)
            next = &h->flights[i];
    }
    return next;
}

// Nothing is under way and no timer runs: the host's own turn, to drain or to go on after a pause.
static bool idle_turn(struct host *h)
{
    struct rig *r = h->rig;
    int64_t now_us = r->now_us + SECOND / 10;
    if (h->paused) {
        h->paused = false;
        rig_event(r, now_us, WEIR_EVENT_PLAY);
        return true;
    }
    if (h->playing && all_eos(r)) {
        if (r->params.untimed) {
            struct weir_engine_status s = weir_engine_status(r->engine, now_us);
            rig_playhead(r, now_us, s.duration_us);
        }
        if (!r->ended)
            rig_event(r, now_us, WEIR_EVENT_DRAINED);
        return true;
    }
    if (r->params.untimed) {
        struct weir_engine_status s = weir_engine_status(r->engine, now_us);
        rig_playhead(r, now_us, s.playable_until_us - 40000);
        return true;
    }
    return false;
}

struct host_result host_run(struct rig *r, const struct host_params *params)
{
    struct host h = {.params = params, .rig = r, .rate_permille = 1000};
    weir_rng_seed(&h.rng, params->seed);
    r->ctx = &h;
    r->on_action = perform;
    rig_open(r);
    while (!r->ended && r->now_us < params->give_up_at_us) {
        h.result.steps++;
        check(&h);
        struct flight *fl = next_flight(&h);
        int64_t flight_us = fl ? fl->next_us : INT64_MAX;
        if (fl && flight_us < r->now_us)
            flight_us = fl->next_us = r->now_us;
        int64_t event_us = flight_us < r->timer_us ? flight_us : r->timer_us;
        if (event_us != INT64_MAX && chance(&h, params->key)) {
            int64_t gap_us = event_us > r->now_us ? event_us - r->now_us : 0;
            press_key(&h, r->now_us + (int64_t)weir_rng_below(&h.rng, (uint64_t)gap_us + 1));
        } else if (event_us != INT64_MAX && params->playheads && chance(&h, 0.3)) {
            struct weir_engine_status s = weir_engine_status(r->engine, r->now_us);
            rig_playhead(r, r->now_us,
                         s.playhead_us + 20000 - (int64_t)weir_rng_below(&h.rng, 40000));
        } else if (event_us == INT64_MAX) {
            if (!idle_turn(&h))
                fail_msg("seed %llu: stuck at %lld us in state %d",
                         (unsigned long long)params->seed, (long long)r->now_us,
                         weir_engine_status(r->engine, r->now_us).state);
        } else if (r->timer_us < flight_us) {
            rig_event(r, r->timer_us > r->now_us ? r->timer_us : r->now_us, WEIR_EVENT_TIMER);
        } else {
            advance_flight(&h, fl);
        }
    }
    h.result.ended = r->ended;
    h.result.err = r->end_err;
    h.result.hash = r->hash;
    h.result.ended_at_us = r->now_us;
    r->on_action = NULL;
    return h.result;
}
