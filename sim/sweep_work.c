// sim/sweep_work.c — one thread's part of a sweep: the sessions of a group, through the model host,
// as rows. Instances are made once per thread and content; a session allocates nothing new once the
// buffers have grown.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/sweep_internal.h"

static int out_of_memory(struct weir_error *e)
{
    (void)weir_error_set(e, WEIR_ERR_NOMEM, "sweep", "memory ran out");
    return WEIR_ERR_NOMEM;
}

void weir_sweep_rows_clear(struct weir_sweep_rows *r)
{
    free(r->rows);
    free(r->decisions);
    weir_textbuf_clear(&r->segments);
    memset(r, 0, sizeof(*r));
}

int weir_sweep_worker_init(struct weir_sweep_worker *w, const struct weir_sweep_plan *p,
                           struct weir_error *e)
{
    *w = (struct weir_sweep_worker){.content = SIZE_MAX};
    w->abrs = calloc(p->abr_count ? p->abr_count : 1, sizeof(struct weir_abr *));
    int err = w->abrs ? 0 : out_of_memory(e);
    for (size_t i = 0; !err && i < p->abr_count; i++)
        err = weir_abr_create(p->abrs[i], p->params->model.seed, &w->abrs[i], e);
    for (int i = 0; !err && p->params->optimal && i < 2; i++)
        err = weir_optimum_replay_create(weir_sweep_optima[i], &w->replays[i], e);
    return err;
}

void weir_sweep_worker_clear(struct weir_sweep_worker *w, const struct weir_sweep_plan *p)
{
    weir_model_destroy(&w->model);
    weir_optimum_destroy(&w->solver);
    for (size_t i = 0; w->abrs && i < p->abr_count; i++)
        weir_abr_destroy(&w->abrs[i]);
    for (int i = 0; i < 2; i++)
        weir_abr_destroy(&w->replays[i]);
    free(w->abrs);
    *w = (struct weir_sweep_worker){.content = SIZE_MAX};
}

static int turn_to_content(struct weir_sweep_worker *w, const struct weir_sweep_plan *p,
                           size_t content, struct weir_error *e)
{
    if (w->content == content)
        return 0;
    const struct weir_content *c = p->inputs->contents[content].content;
    weir_model_destroy(&w->model);
    w->content = SIZE_MAX;
    int err = weir_model_create(c, &w->model, e);
    weir_optimum_destroy(&w->solver);
    if (!err && p->params->optimal)
        err = weir_optimum_create(c, &w->solver, e);
    if (!err)
        w->content = content;
    return err;
}

static struct weir_row *add_row(struct weir_sweep_rows *out)
{
    if (out->count == out->room) {
        size_t room = out->room ? out->room * 2 : 64;
        struct weir_row *grown = realloc(out->rows, room * sizeof(*grown));
        if (!grown)
            return NULL;
        out->rows = grown;
        out->room = room;
    }
    return &out->rows[out->count++];
}

static bool add_decisions(struct weir_sweep_rows *out, struct weir_row *row,
                          const struct weir_summary *s)
{
    size_t needed = out->decision_bytes + s->segment_count;
    if (needed > out->decision_room) {
        size_t room = needed * 2 + 4096;
        uint8_t *grown = realloc(out->decisions, room);
        if (!grown)
            return false;
        out->decisions = grown;
        out->decision_room = room;
    }
    uint8_t *at = out->decisions + out->decision_bytes;
    for (size_t i = 0; i < s->segment_count; i++)
        at[i] = (uint8_t)s->segments[i].rung;
    row->decision_count = s->segment_count;
    out->decision_bytes = needed;
    return true;
}

static void note_failure(struct weir_sweep_rows *out, const struct weir_sweep_plan *p,
                         const struct weir_sweep_group *g, const char *abr,
                         const struct weir_error *cause)
{
    const struct weir_input_trace *t = &p->inputs->traces[g->trace];
    char where[400];
    (void)snprintf(where, sizeof(where), "%s/%s, %s", t->set, t->name, abr);
    if (!out->failed++) {
        out->first_failure = *cause;
        weir_error_set(&out->first_failure, cause->code, where, "%s", cause->what);
        weir_error_why(&out->first_failure, "%s", cause->why);
    }
}

// A session that did not come to its end has no QoE: what stalled it for ever is in none of its
// segments.
static void forget_qoe(struct weir_row *row)
{
    if (row->integers[WEIR_ROW_ERRORS] == 0)
        row->integers[WEIR_ROW_ERRORS] = 1;
    row->reals[WEIR_ROW_QOE_LIN] = row->reals[WEIR_ROW_QOE_LOG] = NAN;
    row->reals[WEIR_ROW_QOE_VMAF] = NAN;
}

// The record of one session; `failed`: it ended early by an error.
static int keep_session(struct weir_sweep_rows *out, const struct weir_sweep_plan *p,
                        const struct weir_sweep_group *g, size_t column, const char *abr,
                        const struct weir_summary *s, bool failed)
{
    const struct weir_input_trace *t = &p->inputs->traces[g->trace];
    const struct weir_input_content *c = &p->inputs->contents[g->content];
    if (!weir_sweep_is_done(p, g->number, column)) {
        struct weir_row_key key = {.content = p->content_ids[g->content],
                                   .trace = p->trace_ids[g->trace],
                                   .offset = (int32_t)g->offset,
                                   .abr = p->column_ids[column]};
        struct weir_row *row = add_row(out);
        if (!row)
            return WEIR_ERR_NOMEM;
        weir_row_init(row, weir_row_id(key), g->offset_us);
        weir_row_from_summary(row, s);
        if (failed)
            forget_qoe(row);
        if (!failed && weir_sabre_is_wanted(abr)) {
            struct weir_link_params link = p->params->model.link;
            link.offset_us = g->offset_us;
            struct weir_sabre_figures f = weir_sabre_measure(
                s, c->content->video.bitrates_bps, c->content->video.rung_count, t->trace, &link);
            weir_row_sabre(row, &f);
        }
        if (!add_decisions(out, row, s))
            return WEIR_ERR_NOMEM;
    }
    if (p->params->segments) {
        struct weir_row_names names = {.set = t->set,
                                       .trace = t->name,
                                       .content = c->name,
                                       .abr = abr,
                                       .seed = p->params->model.seed};
        weir_row_segments(s, g->offset_us, &names, &out->segments);
        if (out->segments.failed)
            return WEIR_ERR_NOMEM;
    }
    return 0;
}

static int run_session(struct weir_sweep_worker *w, const struct weir_sweep_plan *p,
                       const struct weir_sweep_group *g, size_t column, struct weir_abr *abr,
                       const char *name, struct weir_sweep_rows *out, struct weir_error *e)
{
    struct weir_model_params params = p->params->model;
    struct weir_summary s = {0};
    struct weir_error failure = {0};
    params.link.offset_us = g->offset_us;
    int err =
        weir_model_run(w->model, p->inputs->traces[g->trace].trace, abr, &params, &s, &failure);
    if (err == WEIR_ERR_NOMEM || err == WEIR_ERR_INVAL || err == WEIR_ERR_UNSUPPORTED) {
        if (e)
            *e = failure;
        return err;
    }
    if (err)
        note_failure(out, p, g, name, &failure);
    err = keep_session(out, p, g, column, name, &s, err != 0);
    return err ? out_of_memory(e) : 0;
}

static int keep_bound(struct weir_sweep_rows *out, const struct weir_sweep_plan *p,
                      const struct weir_sweep_group *g, size_t column, enum weir_row_real member,
                      double bound)
{
    struct weir_row_key key = {.content = p->content_ids[g->content],
                               .trace = p->trace_ids[g->trace],
                               .offset = (int32_t)g->offset,
                               .abr = p->column_ids[column]};
    struct weir_row *row = add_row(out);
    if (!row)
        return WEIR_ERR_NOMEM;
    weir_row_init(row, weir_row_id(key), g->offset_us);
    row->reals[member] = bound;
    return 0;
}

// Both rows of one metric: what was found, replayed, and the bound.
static int run_optimum(struct weir_sweep_worker *w, const struct weir_sweep_plan *p,
                       const struct weir_sweep_group *g, int metric, struct weir_sweep_rows *out,
                       struct weir_error *e)
{
    size_t column = p->abr_count + (size_t)metric, bound = column + 2;
    bool missing = !weir_sweep_is_done(p, g->number, column);
    if (!missing && weir_sweep_is_done(p, g->number, bound) && !p->again)
        return 0;
    struct weir_optimum_params params = weir_optimum_params_default();
    struct weir_optimum found = {0};
    params.metric = metric ? WEIR_OPTIMUM_LOG : WEIR_OPTIMUM_LIN;
    params.buffer_max_us = p->params->model.buffer_max_us;
    params.link = p->params->model.link;
    params.link.offset_us = g->offset_us;
    int err = weir_optimum_find(w->solver, p->inputs->traces[g->trace].trace, &params, &found, e);
    if (err)
        return err;
    if (missing || p->again) {
        weir_optimum_replay_set(w->replays[metric], found.rungs, found.rung_count);
        err = run_session(w, p, g, column, w->replays[metric], weir_sweep_optima[metric], out, e);
    }
    if (!err && !weir_sweep_is_done(p, g->number, bound) &&
        keep_bound(out, p, g, bound, metric ? WEIR_ROW_QOE_LOG : WEIR_ROW_QOE_LIN, found.bound))
        err = out_of_memory(e);
    return err;
}

int weir_sweep_worker_run(struct weir_sweep_worker *w, const struct weir_sweep_plan *p,
                          int64_t group, struct weir_sweep_rows *out, struct weir_error *e)
{
    struct weir_sweep_group g = weir_sweep_group(p, group);
    int err = turn_to_content(w, p, g.content, e);
    for (size_t i = 0; !err && i < p->abr_count; i++)
        if (p->again || !weir_sweep_is_done(p, group, i))
            err = run_session(w, p, &g, i, w->abrs[i], p->abrs[i], out, e);
    for (int metric = 0; !err && p->params->optimal && metric < 2; metric++)
        err = run_optimum(w, p, &g, metric, out, e);
    return err;
}
