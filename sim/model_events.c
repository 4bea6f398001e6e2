// sim/model_events.c — the event stream of a model session: the live session's telemetry, told the
// same facts in virtual time.
#include <stdio.h>
#include <string.h>

#include "core/url.h"
#include "sim/model_session.h"

static bool silent(const struct weir_model *m)
{
    return !m->telemetry;
}

int weir_model_events_begin(struct weir_model *m)
{
    weir_telemetry_destroy(&m->telemetry);
    if (!m->params.event)
        return 0;
    struct weir_telemetry_params p = {.event = m->params.event,
                                      .ctx = m->params.ctx,
                                      .host = "model",
                                      .abr = weir_abr_spec(m->abr),
                                      .content = m->content->name,
                                      .seed = m->params.seed};
    int err = weir_telemetry_create(&p, &m->telemetry);
    if (err)
        return err;
    weir_telemetry_open(m->telemetry, 0);
    if (m->content->manifest_bytes > 0)
        weir_telemetry_request_document(m->telemetry, 0, m->content->name);
    return 0;
}

void weir_model_events_presentation(struct weir_model *m)
{
    if (silent(m))
        return;
    m->selection = (struct weir_selection){.content = m->engine_content};
    for (size_t t = 0; t < m->presentation->periods[0].track_count; t++) {
        m->selection.has[t] = true;
        m->selection.tracks[t] = &m->presentation->periods[0].tracks[t];
    }
    weir_telemetry_presentation(m->telemetry, m->now_us, m->presentation, &m->selection);
}

// There are no URLs: what is asked for, in words.
void weir_model_events_request(struct weir_model *m, const struct weir_fetch *f)
{
    static const char *const kinds[] = {"media", "init", "index"};
    if (silent(m))
        return;
    char url[WEIR_URL_MAX_BYTES];
    const char *track = f->track == WEIR_ENGINE_VIDEO ? "video" : "audio";
    int n = snprintf(url, sizeof(url), "%.*s#%s/%zu/%s", WEIR_URL_MAX_BYTES - 64, m->content->name,
                     track, f->rung, kinds[f->kind]);
    if (f->kind == WEIR_FETCH_MEDIA)
        (void)snprintf(url + n, sizeof(url) - (size_t)n, "/%lld", (long long)f->index);
    weir_telemetry_request(m->telemetry, m->now_us, f, url);
}

void weir_model_events_response(struct weir_model *m, const struct weir_model_transfer *t,
                                int64_t bytes, bool cancelled)
{
    if (silent(m))
        return;
    struct weir_telemetry_response r = {.id = t->id,
                                        .err = cancelled ? WEIR_ERR_CANCELLED : 0,
                                        .bytes = bytes,
                                        .t_request_us = t->requested_us,
                                        .t_first_byte_us = t->first_byte_us,
                                        .t_last_us = cancelled ? WEIR_TIME_NONE : m->now_us};
    weir_telemetry_response(m->telemetry, m->now_us, &r);
}

void weir_model_events_report(struct weir_model *m, const struct weir_report *r)
{
    if (!silent(m))
        weir_telemetry_report(m->telemetry, m->now_us, r);
}

void weir_model_events_end(struct weir_model *m)
{
    if (silent(m))
        return;
    const char *reason = m->end_err == WEIR_ERR_CANCELLED ? "stop"
                         : m->end_err                     ? weir_strerror(m->end_err)
                                                          : "end";
    weir_telemetry_end(m->telemetry, m->now_us, reason);
}
