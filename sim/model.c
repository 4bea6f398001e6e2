// sim/model.c — a model's life, and the loop that runs one session or several on one link: go to
// whatever comes first, the link's next event or a session's own timer.
#include "sim/model.h"

#include <stdlib.h>
#include <string.h>

#include "sim/model_session.h"

#define DAY_US (INT64_C(86400) * WEIR_SECOND_US)

struct weir_model_params weir_model_params_default(void)
{
    return (struct weir_model_params){
        .link = {.kind = WEIR_LINK_FLUID, .rtt_us = WEIR_TIME_NONE},
        .buffer_max_us = 25 * WEIR_SECOND_US,
        .startup_us = WEIR_TIME_NONE,
        .resume_us = WEIR_TIME_NONE,
        .abandon = true,
        .max_session_us = 10 * DAY_US,
    };
}

// --- create ---

static struct weir_table_track table_of(const struct weir_content_track *t,
                                        enum weir_track_type type)
{
    return (struct weir_table_track){
        .type = type,
        .rung_count = t->rung_count,
        .segment_count = t->segment_count,
        .bitrates_bps = t->bitrates_bps,
        .starts_us = t->starts_us,
        .sizes_bytes = t->sizes_bytes,
        .has_init = t->init_bytes != NULL,
        .has_index = t->index_bytes != NULL,
    };
}

static int list_rungs(struct weir_model *m, enum weir_engine_track track,
                      const struct weir_track *from)
{
    size_t count = from->representation_count;
    m->rungs[track] = calloc(count, sizeof(struct weir_representation *));
    if (!m->rungs[track])
        return WEIR_ERR_NOMEM;
    for (size_t i = 0; i < count; i++)
        m->rungs[track][i] = &from->representations[i];
    m->period.tracks[track] = (struct weir_engine_rungs){.rungs = m->rungs[track], .count = count};
    return 0;
}

static int fill(struct weir_model *m)
{
    const struct weir_content *c = m->content;
    const struct weir_table_track tables[] = {table_of(&c->video, WEIR_TRACK_VIDEO),
                                              table_of(&c->audio, WEIR_TRACK_AUDIO)};
    size_t count = c->audio.rung_count ? 2 : 1;
    int err = weir_presentation_for_tables(c->name, tables, count, &m->presentation);
    for (size_t t = 0; !err && t < count; t++)
        err = list_rungs(m, (enum weir_engine_track)t, &m->presentation->periods[0].tracks[t]);
    if (err)
        return err;
    m->period.start_us = c->video.starts_us[0];
    m->period.end_us = m->presentation->duration_us;
    m->engine_content = (struct weir_engine_content){.periods = &m->period, .period_count = 1};
    m->segments = calloc((size_t)c->video.segment_count, sizeof(*m->segments));
    return m->segments ? weir_link_create(&m->own_link) : WEIR_ERR_NOMEM;
}

int weir_model_create(const struct weir_content *content, struct weir_model **out,
                      struct weir_error *e)
{
    *out = NULL;
    if (!content->video.rung_count || content->video.segment_count <= 0)
        return weir_error_set(e, WEIR_ERR_INVAL, content->name, "there is no video in it");
    struct weir_model *m = calloc(1, sizeof(*m));
    if (!m)
        return weir_error_set(e, WEIR_ERR_NOMEM, content->name, "memory ran out");
    m->content = content;
    int err = fill(m);
    if (err) {
        weir_model_destroy(&m);
        return weir_error_set(e, err, content->name, "memory ran out");
    }
    *out = m;
    return 0;
}

void weir_model_destroy(struct weir_model **mp)
{
    struct weir_model *m = *mp;
    if (!m)
        return;
    weir_engine_destroy(&m->engine);
    weir_telemetry_destroy(&m->telemetry);
    weir_abr_destroy(&m->audio_abr);
    weir_link_destroy(&m->own_link);
    for (int t = 0; t < WEIR_ENGINE_TRACKS; t++)
        free(m->rungs[t]);
    free(m->segments);
    weir_presentation_destroy(&m->presentation);
    free(m);
    *mp = NULL;
}

// --- run ---

// Whose timer is the next; count: nobody's.
static size_t first_due(struct weir_model *const *models, size_t count, double *at_us)
{
    size_t first = count;
    *at_us = (double)INT64_MAX;
    for (size_t i = 0; i < count; i++) {
        double due_us = weir_model_session_due_us(models[i]);
        if (due_us < *at_us) {
            *at_us = due_us;
            first = i;
        }
    }
    return first;
}

static bool all_ended(struct weir_model *const *models, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!models[i]->ended)
            return false;
    }
    return true;
}

// False: there is no end to it.
static bool play(struct weir_model *const *models, size_t count, struct weir_link *link,
                 double limit_us)
{
    while (!all_ended(models, count)) {
        double due_us;
        size_t first = first_due(models, count, &due_us);
        struct weir_link_event event;
        double until_us = due_us < limit_us ? due_us : limit_us;
        if (weir_link_advance(link, until_us, &event))
            weir_model_session_event(models[weir_model_client_of(event.id)], &event);
        else if (until_us >= limit_us)
            return false;
        else
            weir_model_session_wake(models[first]);
    }
    return true;
}

static int check(const struct weir_model_params *p, struct weir_error *e)
{
    if (p->buffer_max_us <= 0 || p->link.offset_us < 0 || p->max_session_us <= 0)
        return weir_error_set(e, WEIR_ERR_INVAL, "session", "the parameters cannot work");
    return 0;
}

static int endless(struct weir_model *const *models, size_t count, int64_t limit_us,
                   struct weir_error *e)
{
    for (size_t i = 0; i < count; i++) {
        if (!models[i]->ended)
            weir_model_session_stop(models[i], limit_us);
    }
    return weir_error_set(e, WEIR_ERR_TIMEOUT, models[0]->content->name,
                          "the session has not ended after %lld s: the trace carries too little",
                          (long long)(limit_us / WEIR_SECOND_US));
}

int weir_model_run_shared(struct weir_model *const *models, struct weir_abr *const *abrs,
                          size_t count, int64_t stagger_us, const struct weir_trace *trace,
                          const struct weir_model_params *params, struct weir_summary *outs,
                          struct weir_error *e)
{
    int err = check(params, e);
    if (err)
        return err;
    struct weir_link *link = models[0]->own_link;
    weir_link_reset(link, trace, &params->link);
    for (size_t i = 0; i < count; i++) {
        err = weir_model_session_prepare(models[i], params, abrs[i], link, (unsigned)i,
                                         (int64_t)i * stagger_us, e);
        if (err)
            return err;
    }
    int64_t limit_us = params->max_session_us;
    if (!play(models, count, link, (double)limit_us))
        err = endless(models, count, limit_us, e);
    for (size_t i = 0; i < count; i++) {
        outs[i] = models[i]->summary;
        if (!err && models[i]->end_err)
            err = weir_error_set(e, models[i]->end_err, models[i]->content->name,
                                 "the session failed");
    }
    return err;
}

int weir_model_run(struct weir_model *m, const struct weir_trace *trace, struct weir_abr *abr,
                   const struct weir_model_params *params, struct weir_summary *out,
                   struct weir_error *e)
{
    return weir_model_run_shared(&m, &abr, 1, 0, trace, params, out, e);
}
