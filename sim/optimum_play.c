// sim/optimum_play.c — a session of known rungs under the engine's rules, without the engine:
// for the searches, which try millions of them. A test holds it against weir_model_run().
#include "sim/optimum_internal.h"

// Thirty years: no session gets there (sim/model.h gives up after days), and sums stay small.
#define NEVER_US 1e15

// With nothing to play any segment may be fetched, however long.
int64_t weir_opt_room_us(const struct weir_opt_problem *p, size_t segment, int64_t stall_us)
{
    int64_t level_us = p->buffer_max_us - (p->start_us[segment + 1] - p->start_us[segment]);
    return stall_us + p->start_us[segment] - (level_us > 0 ? level_us : 0);
}

struct weir_opt_session weir_opt_session_begin(const struct weir_opt_problem *p)
{
    return (struct weir_opt_session){.cursor = weir_opt_cursor_at(&p->line, (double)p->offset_us)};
}

void weir_opt_session_request(const struct weir_opt_problem *p, struct weir_opt_session *s,
                              size_t segment, double *bits)
{
    double us = s->done_us;
    if (segment > 0) {
        double room_us = (double)weir_opt_room_us(p, segment, s->stall_us);
        us = us > room_us ? us : room_us;
    }
    us += (double)p->offset_us;
    weir_opt_cursor_go(&p->line, &s->cursor, us);
    us = weir_opt_cursor_latency(&p->line, &s->cursor, us);
    *bits = weir_opt_cursor_bits(&p->line, &s->cursor, us);
}

void weir_opt_session_complete(const struct weir_opt_problem *p, struct weir_opt_session *s,
                               size_t segment, double bits)
{
    double us = weir_opt_cursor_reach(&p->line, &s->cursor, bits) - (double)p->offset_us;
    s->done_us = us < NEVER_US ? us : NEVER_US;
    // The engine sees whole microseconds. The buffer ran dry when segments before this one ended.
    int64_t late_us = (int64_t)(s->done_us + 0.5) - p->start_us[segment];
    s->stall_us = s->stall_us > late_us ? s->stall_us : late_us;
}

double weir_opt_reward(const struct weir_opt_problem *p, size_t segment, int32_t before,
                       int32_t rung)
{
    double q = p->quality[rung];
    if (segment == 0)
        return q;
    double change = q - p->quality[before];
    return q - (change < 0 ? -change : change);
}

double weir_opt_play(const struct weir_opt_problem *p, const int32_t *rungs)
{
    struct weir_opt_session s = weir_opt_session_begin(p);
    double sum = 0, bits;
    for (size_t i = 0; i < p->segments; i++) {
        weir_opt_session_request(p, &s, i, &bits);
        weir_opt_session_complete(p, &s, i, bits + p->size_bits[i * p->rungs + (size_t)rungs[i]]);
        sum += weir_opt_reward(p, i, i ? rungs[i - 1] : 0, rungs[i]);
    }
    return sum - p->stall_cost * (double)s.stall_us;
}

void weir_opt_least(struct weir_opt_problem *p)
{
    struct weir_opt_session s = weir_opt_session_begin(p);
    p->least_done_us[0] = p->least_stall_us[0] = 0;
    for (size_t i = 0; i < p->segments; i++) {
        const double *size_bits = p->size_bits + i * p->rungs;
        double least_bits = size_bits[0], bits;
        for (size_t k = 1; k < p->rungs; k++)
            least_bits = size_bits[k] < least_bits ? size_bits[k] : least_bits;
        weir_opt_session_request(p, &s, i, &bits);
        weir_opt_session_complete(p, &s, i, bits + least_bits);
        double done_us = s.done_us - WEIR_OPT_EARLY_US;
        int64_t stall_us = s.stall_us - (int64_t)WEIR_OPT_EARLY_US;
        p->least_done_us[i + 1] = done_us > 0 ? (int64_t)done_us : 0;
        p->least_stall_us[i + 1] = stall_us > 0 ? stall_us : 0;
    }
}
