// tests/player/engine/rig.h — an engine over a small presentation read from an MPD written here,
// and steps that keep book: which fetches are open, which actions came. Breaks the test when the
// engine breaks its contract.
#ifndef WEIR_TESTS_ENGINE_RIG_H
#define WEIR_TESTS_ENGINE_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/clock.h"
#include "manifest/presentation.h"
#include "player/engine/engine.h"

#define SECOND WEIR_SECOND_US

#define RIG_PERIODS 4
#define RIG_RUNGS   8
#define RIG_OPEN    16

// What the presentation is like; zeroes are replaced by the defaults named.
struct rig_spec {
    int periods;          // 1
    int segments;         // a period: 10
    int segment_ms;       // 2000
    int audio_segment_ms; // as segment_ms
    int rungs;            // video: 3, of 500 kbit/s times 1, 2, 3 …
    int bases;            // alternative base URLs: 1
    bool no_audio;
    bool no_video;
    bool audio_first_period; // sound in the first period only
    const char *manifest;    // read this instead of writing an MPD; one period
    bool sidx;               // one file a representation, indexed by a sidx that must be fetched
};

struct rig {
    struct weir_presentation *presentation;
    struct weir_representation *reps[RIG_PERIODS][WEIR_ENGINE_TRACKS][RIG_RUNGS];
    struct weir_engine_period periods[RIG_PERIODS];
    struct weir_engine_content content;
    struct weir_engine_params params;
    struct weir_abr *abr[WEIR_ENGINE_TRACKS];
    struct weir_engine *engine;
    struct rig_spec spec;
    int64_t now_us;
    struct weir_actions last; // of the last step
    struct weir_fetch open[RIG_OPEN];
    size_t open_count;
    size_t open_most;
    uint64_t fetches, ended_fetches;
    int64_t timer_us;
    bool eos[WEIR_ENGINE_TRACKS];
    bool ended;
    int end_err;
    int64_t head_us; // never goes back but by SEEK
    uint64_t hash;   // of all actions so far
    void (*on_action)(struct rig *r, const struct weir_action *a);
    void *ctx;
};

// params start from the defaults; change r->params between rig_load and rig_make.
void rig_load(struct rig *r, const struct rig_spec *spec, const char *abr_spec);
void rig_make(struct rig *r);
void rig_open(struct rig *r); // load-made rig: the first event
void rig_clear(struct rig *r);
// rig_load, rig_make and the first event with default params.
void rig_start(struct rig *r, const struct rig_spec *spec, const char *abr_spec);

int rig_try(struct rig *r, int64_t now_us, const struct weir_engine_event *event);
void rig_step(struct rig *r, int64_t now_us, const struct weir_engine_event *event);
void rig_event(struct rig *r, int64_t now_us, enum weir_engine_event_kind kind);
void rig_done(struct rig *r, int64_t now_us, uint64_t id, int64_t bytes);
void rig_progress(struct rig *r, int64_t now_us, uint64_t id, int64_t bytes, int64_t playable_us);
void rig_fail(struct rig *r, int64_t now_us, uint64_t id, int err, bool retryable);
void rig_index(struct rig *r, int64_t now_us, uint64_t id); // loads a true sidx first
void rig_playlist(struct rig *r, int64_t now_us, uint64_t id, const char *text); // HLS
void rig_playhead(struct rig *r, int64_t now_us, int64_t media_us);
void rig_seek(struct rig *r, int64_t now_us, int64_t media_us);

// The open fetch of this kind and track, or a failed test.
const struct weir_fetch *rig_fetch(struct rig *r, enum weir_fetch_kind kind,
                                   enum weir_engine_track track);
bool rig_has_fetch(const struct rig *r, enum weir_fetch_kind kind, enum weir_engine_track track);
// In the last step.
const struct weir_action *rig_action(const struct rig *r, enum weir_action_kind kind);
const struct weir_report *rig_report(const struct rig *r, enum weir_report_kind kind);
size_t rig_actions(const struct rig *r, enum weir_action_kind kind);
// Answers every open init, then every open media fetch, once. Each takes no time.
void rig_serve(struct rig *r, int64_t now_us);

#endif
