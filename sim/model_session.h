// sim/model_session.h — internal to sim/model*.c: one session of the model host. A session lives in
// its client's own time: microseconds since that client's first request, whatever the link's clock
// shows then.
#ifndef WEIR_SIM_MODEL_SESSION_H
#define WEIR_SIM_MODEL_SESSION_H

#include "player/engine/engine.h"
#include "player/telemetry.h"
#include "sim/model.h"

#define WEIR_MODEL_KINDS       3 // enum weir_fetch_kind
#define WEIR_MODEL_CONNECTIONS 8
// One transfer of each kind for each track at most; the last is the manifest's.
#define WEIR_MODEL_SLOTS (WEIR_ENGINE_TRACKS * WEIR_MODEL_KINDS + 1)

struct weir_model_transfer {
    bool used;
    enum weir_fetch_kind kind;
    enum weir_engine_track track;
    uint64_t id; // the engine's
    struct weir_representation *rep;
    int64_t bytes, mark_bytes;
    int64_t start_us, end_us; // MEDIA: what it plays
    int64_t requested_us, first_byte_us;
    size_t connection;
};

struct weir_model {
    // Made once.
    const struct weir_content *content;
    struct weir_presentation *presentation;
    struct weir_representation **rungs[WEIR_ENGINE_TRACKS];
    struct weir_engine_period period;
    struct weir_engine_content engine_content;
    struct weir_engine *engine; // NULL before the first session
    struct weir_link *own_link;
    struct weir_abr
        *audio_abr; // like the session's, for the sound; kept while the spec is the same
    struct weir_summary_segment *segments; // room for all of the video's
    struct weir_actions actions;

    // Of the session.
    struct weir_model_params params;
    struct weir_engine_params engine_params;
    struct weir_abr *abr;
    struct weir_link *link;
    struct weir_telemetry *telemetry; // NULL: no event stream
    struct weir_selection selection;  // for it
    unsigned client;                  // its number on the link
    int64_t begin_us;                 // link time of its time 0
    // How much later than its rounded time what began the playing really was. Waits end by the
    // playhead, so they end so much later too: the next request is at the exact time again.
    double playing_late_us;
    bool counts_playable; // tells the engine what is playable of a segment under way
    bool tells_progress;  // in any way
    bool two_tracks;      // sound has transfers of its own
    struct weir_model_transfer transfers[WEIR_MODEL_SLOTS];
    bool connection_busy[WEIR_MODEL_CONNECTIONS];
    int64_t now_us, timer_us;
    int64_t drained_us; // when the last media will have played; WEIR_NEVER until it is known
    bool eos[WEIR_ENGINE_TRACKS];
    bool begun, playing, stalled, ended;
    int end_err;
    int64_t media_us, media_at_us; // the playhead was there at that time, and moves if playing
    int64_t stall_began_us;
    int64_t at_segment; // that holds the playhead
    struct weir_summary summary;
};

// Ready to run on `link`, from its time `begin_us` on. The engine is reset, nothing is asked for.
int weir_model_session_prepare(struct weir_model *m, const struct weir_model_params *params,
                               struct weir_abr *abr, struct weir_link *link, unsigned client,
                               int64_t begin_us, struct weir_error *e);
// When, in link time, something is due that is not the link's; INT64_MAX: nothing.
double weir_model_session_due_us(const struct weir_model *m);
void weir_model_session_wake(struct weir_model *m); // it is due
void weir_model_session_event(struct weir_model *m, const struct weir_link_event *event);
// Give up, as it stands at link time `at_us`.
void weir_model_session_stop(struct weir_model *m, int64_t at_us);
// Which client's transfer an id on the link is.
unsigned weir_model_client_of(uint64_t link_id);

// model_events.c: the session's event stream (weir.event/1). Nothing happens without a sink.
int weir_model_events_begin(struct weir_model *m);
void weir_model_events_presentation(struct weir_model *m);
void weir_model_events_request(struct weir_model *m, const struct weir_fetch *f);
void weir_model_events_response(struct weir_model *m, const struct weir_model_transfer *t,
                                int64_t bytes, bool cancelled);
void weir_model_events_report(struct weir_model *m, const struct weir_report *r);
void weir_model_events_end(struct weir_model *m);

#endif
