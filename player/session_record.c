// player/session_record.c — the engine's life into the event stream (player/record.h), where that
// was asked for. On the I/O thread.
#include "player/session.h"

static int64_t now_us(const struct weir_player *p)
{
    return weir_clock_now_us(&p->clock);
}

int weir_session_record_engine(struct weir_player *p, const struct weir_engine_params *params)
{
    if (!p->inject.record)
        return 0;
    uint64_t seeds[WEIR_ENGINE_TRACKS];
    for (int k = 0; k < WEIR_ENGINE_TRACKS; k++)
        seeds[k] = p->params.seed + (uint64_t)k;
    int err = weir_record_names_fill(&p->names, &p->selection.content);
    if (!err)
        weir_telemetry_record(p->telemetry, now_us(p), "engine",
                              weir_record_engine(&p->names, params, seeds, &p->selection.content));
    return err;
}

void weir_session_record_index(struct weir_player *p, const struct weir_representation *rep)
{
    if (p->inject.record)
        weir_telemetry_record(p->telemetry, now_us(p), "index", weir_record_index(&p->names, rep));
}

void weir_session_record_step(struct weir_player *p, int64_t at_us,
                              const struct weir_engine_event *event)
{
    if (!p->inject.record)
        return;
    json_t *in = weir_record_event(event);
    json_t *out = weir_record_actions(&p->names, &p->actions);
    json_t *state = weir_record_state(p->engine, at_us);
    weir_telemetry_record(p->telemetry, at_us, "step",
                          json_pack("{s:I, s:o, s:o, s:o}", "at", (json_int_t)at_us, "in", in,
                                    "out", out, "state", state));
}
