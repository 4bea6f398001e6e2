// sim/model.h — the model host: the shipped engine in virtual time over a virtual link, on contents
// known by their sizes alone. A model is made once per content and thread and reset for every
// session; a session allocates nothing. Equal arguments give equal sessions, to the last bit, on
// any machine. One thread per model; contents and traces are shared.
//
// A decision in the order of Sabre (reference 17): wait until there is room, ask, serve the wait
// asked for, download. In pensieve the network is Pensieve's; what the engine does stays the
// engine's, so against reference 18 waits for room are exact instead of half-second naps, the first
// segment's rung is the algorithm's choice, and its download is start-up, not a stall.
#ifndef WEIR_SIM_MODEL_H
#define WEIR_SIM_MODEL_H

#include "abr/abr.h"
#include "player/engine/engine.h"
#include "player/summary.h"
#include "sim/content.h"
#include "sim/link.h"

struct weir_model_params {
    struct weir_link_params link;
    int64_t buffer_max_us; // default 25 s
    // Media before START and RESUME; WEIR_TIME_NONE (default): the link's own rule. fluid and
    // pensieve: one segment, counted when it is complete (reference 17, 18). tcp: as the player,
    // counted as it arrives.
    int64_t startup_us, resume_us;
    bool abandon; // default true
    uint64_t seed;
    // One JSON text per event (weir.event/1), NULL: none are made.
    void (*event)(void *ctx, const char *json);
    // Every step of the engine as it was made, NULL: nobody wants to know. For logs that another
    // engine is held against.
    void (*step)(void *ctx, const struct weir_engine *engine, int64_t now_us,
                 const struct weir_engine_event *event, const struct weir_actions *actions);
    void *ctx;
    int64_t
        max_session_us; // give up (WEIR_ERR_TIMEOUT) after so much virtual time; default 10 days
};
struct weir_model_params weir_model_params_default(void);

struct weir_model;

// `content` is borrowed until destroy.
int weir_model_create(const struct weir_content *content, struct weir_model **out,
                      struct weir_error *e);
void weir_model_destroy(struct weir_model **m);
// Play the whole content over `trace` with `abr` (reset first). *out and what it points to are the
// model's, until its next run. 0, or the error the session ended with (*out is then what it got
// to).
int weir_model_run(struct weir_model *m, const struct weir_trace *trace, struct weir_abr *abr,
                   const struct weir_model_params *params, struct weir_summary *out,
                   struct weir_error *e);

// Several clients on one link: `count` models with an algorithm each; client i begins i *
// stagger_us after the first. outs[count].
int weir_model_run_shared(struct weir_model *const *models, struct weir_abr *const *abrs,
                          size_t count, int64_t stagger_us, const struct weir_trace *trace,
                          const struct weir_model_params *params, struct weir_summary *outs,
                          struct weir_error *e);

#endif
