// abr/bba_others.c — BBA-Others: BBA-2, smoothed (Huang et al., SIGCOMM 2014, section 7). Looks
// ahead over as many segments as the buffer holds before it goes up, never before it goes down; and
// its map only moves to the right: the reservoir grows and never shrinks, which serves as
// protection against outages, too.
#include "abr/abandon.h"
#include "abr/algorithms.h"
#include "abr/bba.h"
#include "abr/rate.h"

enum lookahead {
    // The window's mean size must fit: looking ahead to the end is then a map of rates, the limit
    // that the paper names.
    LOOKAHEAD_MEAN,
    // No segment of the window may be so large that the map would step down again: the stricter
    // reading of its text.
    LOOKAHEAD_ALL,
    LOOKAHEAD_OFF,
};
static const char *const lookaheads[] = {"mean", "all", "off", NULL};

// 60 chunks in the paper, a full buffer; the bound is for hostile durations.
#define LOOKAHEAD_MAX 256

struct bba_others {
    struct weir_bba bba;
    int lookahead;
};

static int create(void *state, const struct weir_abr_options *options, struct weir_error *error)
{
    struct bba_others *s = state;
    struct weir_abr_param params[WEIR_BBA_PARAMS_MAX];
    weir_bba_params(&s->bba, params);
    params[3] = (struct weir_abr_param){.key = "lookahead",
                                        .kind = WEIR_ABR_PARAM_CHOICE,
                                        .value = &s->lookahead,
                                        .choices = lookaheads};
    weir_bba_reset(&s->bba);
    return weir_abr_options_read("bba-others", options, params, 4, error);
}

static void reset(void *state)
{
    struct bba_others *s = state;
    weir_bba_reset(&s->bba);
}

// As many segments as the buffer holds, at least the next.
static int64_t window_rows(const struct weir_abr_observation *o)
{
    double rows = (double)o->buffer_level_us / weir_bba_duration_us(o);
    int64_t n = rows < LOOKAHEAD_MAX ? (int64_t)rows : LOOKAHEAD_MAX;
    if (o->segment_count >= 0 && n > o->segment_count - o->segment_index)
        n = o->segment_count - o->segment_index;
    return n > 1 ? n : 1;
}

static bool window_allows(const struct bba_others *s, const struct weir_abr_observation *o,
                          size_t rung, double allowed_bytes)
{
    int64_t rows = window_rows(o);
    double bytes = 0;
    for (int64_t k = 0; k < rows; k++) {
        if (s->lookahead == LOOKAHEAD_ALL && weir_rate_size_bytes(o, k, rung - 1) >= allowed_bytes)
            return false;
        bytes += weir_rate_size_bytes(o, k, rung);
    }
    return s->lookahead == LOOKAHEAD_ALL || bytes < allowed_bytes * (double)rows;
}

// From what the map suggests down to the rung before: the first that the window bears out.
static size_t look_ahead(const struct bba_others *s, const struct weir_bba_map *map,
                         const struct weir_abr_observation *o, size_t last, size_t suggested)
{
    if (s->lookahead == LOOKAHEAD_OFF || (double)o->buffer_level_us >= map->end_us)
        return suggested;
    double allowed_bytes = weir_bba_allowed_bytes(map, o);
    while (suggested > last && !window_allows(s, o, suggested, allowed_bytes))
        suggested--;
    return suggested;
}

static struct weir_abr_decision decide(void *state, const struct weir_abr_observation *o)
{
    struct bba_others *s = state;
    struct weir_bba *b = &s->bba;
    double reservoir_us = weir_bba_reservoir_us(b, o);
    if (reservoir_us > b->highest_reservoir_us)
        b->highest_reservoir_us = reservoir_us;
    struct weir_bba_map map = weir_bba_moving_map(b, o, b->highest_reservoir_us);
    b->duration_us = (int64_t)weir_bba_duration_us(o);
    size_t last = weir_bba_last(o);
    size_t suggested = weir_bba_chunk_rung(&map, o, last);
    size_t rung = look_ahead(s, &map, o, last, suggested);
    const char *reason =
        rung != suggested ? "held: larger segments ahead" : weir_bba_reason(&map, o, last, rung);
    if (b->starting_up) {
        rung = weir_bba_start_up(b, &map, o, last, rung);
        reason = b->starting_up ? "start-up" : reason;
    }
    return (struct weir_abr_decision){.rung = rung, .reason = reason};
}

static void fetched(void *state, const struct weir_abr_observation *o,
                    const struct weir_abr_fetched *f)
{
    struct bba_others *s = state;
    weir_bba_fetched(&s->bba, o, f);
}

const struct weir_abr_ops weir_abr_bba_others = {
    .name = "bba-others",
    .summary = "BBA-2 that looks ahead before it goes up, with a reservoir that only grows (Huang "
               "et al., SIGCOMM 2014, section 7)",
    .params_help = WEIR_BBA_COMMON_HELP
    "; lookahead=mean: go up where the mean of the segments that the buffer holds allows it, "
    "all: only where none of them would bring the rung down again, off: do not look",
    .state_bytes = sizeof(struct bba_others),
    .create = create,
    .reset = reset,
    .decide = decide,
    .fetched = fetched,
    .watch = weir_abandon_watch,
};
