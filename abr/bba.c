// abr/bba.c — see bba.h. Section numbers are those of Huang et al., SIGCOMM 2014.
#include "abr/bba.h"

#include "abr/rate.h"

// The paper's figures as shares of its buffer of 240 s.
#define RESERVOIR_SHARE  0.375       // 90 s
#define CUSHION_SHARE    0.525       // 126 s
#define END_SHARE        0.9         // 216 s
#define LEAST_RESERVOIR  (8.0 / 240) // of a reservoir that moves; and two segments, as 8 s were
#define MOST_RESERVOIR   (140.0 / 240)
#define PROTECTION_STEP  (0.4 / 240)
#define PROTECTION_MOST  (80.0 / 240)
#define PROTECTION_BELOW 0.75 // full
// Not in the paper: what is left of the cushion when reservoir and protection are at their largest.
#define LEAST_CUSHION 0.1

// The window is two buffers of media (480 s of 240 s); the bound is for hostile durations.
#define WINDOW_BUFFERS  2
#define WINDOW_ROWS_MAX 1024
#define SIZE_MAX_BYTES  (INT64_C(1) << 50)

// BBA-2: how much of its duration a segment must add to the buffer for a step up (section 6).
#define START_SHARE_EMPTY 0.875
#define START_SHARE_FULL  0.5

static const char *const readings[] = {"sum", "prefix", NULL};
static const char *const switches[] = {"on", "off", NULL};

void weir_bba_params(struct weir_bba *s, struct weir_abr_param params[WEIR_BBA_PARAMS_MAX])
{
    params[0] = (struct weir_abr_param){.key = "reservoir",
                                        .kind = WEIR_ABR_PARAM_SECONDS,
                                        .value = &s->reservoir_us,
                                        .max = 86400};
    params[1] = (struct weir_abr_param){
        .key = "cushion", .kind = WEIR_ABR_PARAM_SECONDS, .value = &s->cushion_us, .max = 86400};
    params[2] = (struct weir_abr_param){.key = "window",
                                        .kind = WEIR_ABR_PARAM_CHOICE,
                                        .value = &s->window_reading,
                                        .choices = readings};
    params[3] = (struct weir_abr_param){.key = "protection",
                                        .kind = WEIR_ABR_PARAM_CHOICE,
                                        .value = &s->protection_off,
                                        .choices = switches};
}

void weir_bba_reset(struct weir_bba *s)
{
    s->window = (struct weir_bba_window){0};
    s->protection_chunks = 0;
    s->duration_us = 0;
    s->starting_up = true;
    s->gain_known = false;
    s->gain_us = 0;
    s->highest_reservoir_us = 0;
}

size_t weir_bba_last(const struct weir_abr_observation *o)
{
    size_t top = o->ladder->count - 1;
    return o->last_rung == WEIR_RUNG_NONE ? 0 : o->last_rung < top ? o->last_rung : top;
}

double weir_bba_duration_us(const struct weir_abr_observation *o)
{
    return o->segment_duration_us > 0 ? (double)o->segment_duration_us : 2e6;
}

static double least(double a, double b)
{
    return a < b ? a : b;
}

static double clamped(double x, double low, double high)
{
    return x < low ? low : x > high ? high : x;
}

// A decision is asked for while another segment fits, so levels between capacity less a segment and
// capacity never are. In the paper (4 s of 240 s) they do not matter; in a buffer of a few segments
// the top rung would be out of reach. The tenth of a segment is for clocks that are late.
static double reachable_us(const struct weir_abr_observation *o, double end_us)
{
    double highest_us = (double)o->buffer_max_us - 1.1 * weir_bba_duration_us(o);
    return clamped(end_us, 0, highest_us > 0 ? highest_us : 0);
}

struct weir_bba_map weir_bba_fixed_map(const struct weir_bba *s,
                                       const struct weir_abr_observation *o)
{
    double max_us = (double)o->buffer_max_us;
    struct weir_bba_map map = {.start_us = s->reservoir_us ? (double)s->reservoir_us
                                                           : RESERVOIR_SHARE * max_us};
    double cushion_us = s->cushion_us ? (double)s->cushion_us : CUSHION_SHARE * max_us;
    map.end_us = map.start_us + cushion_us;
    if (!s->cushion_us)
        map.end_us = reachable_us(o, map.end_us);
    // A buffer of hardly more than a segment: keep the proportions within what can be reached.
    if (!s->reservoir_us && map.end_us - map.start_us < weir_bba_duration_us(o))
        map.start_us = least(map.start_us, map.end_us * (RESERVOIR_SHARE / END_SHARE));
    return map;
}

struct weir_bba_map weir_bba_moving_map(const struct weir_bba *s,
                                        const struct weir_abr_observation *o, double reservoir_us)
{
    double max_us = (double)o->buffer_max_us;
    if (s->cushion_us)
        return (struct weir_bba_map){reservoir_us, reservoir_us + (double)s->cushion_us};
    double end_us = reachable_us(o, END_SHARE * max_us);
    return (struct weir_bba_map){clamped(end_us - LEAST_CUSHION * max_us, 0, reservoir_us), end_us};
}

// Sizes come from manifests: one beyond this is nobody's segment, and the bound keeps sums exact.
static int64_t told_bytes(const struct weir_abr_observation *o, int64_t ahead, size_t rung)
{
    int64_t bytes = weir_abr_size(o, ahead, rung);
    return bytes < SIZE_MAX_BYTES ? bytes : SIZE_MAX_BYTES;
}

// How many segments ahead the window has, the one to choose for included.
static int64_t window_rows(const struct weir_abr_observation *o)
{
    double rows = WINDOW_BUFFERS * (double)o->buffer_max_us / weir_bba_duration_us(o);
    int64_t n = rows < WINDOW_ROWS_MAX ? (int64_t)rows : WINDOW_ROWS_MAX;
    if (o->segment_count >= 0 && n > o->segment_count - o->segment_index)
        n = o->segment_count - o->segment_index;
    return n > 1 ? n : 1;
}

// What `rows` segments of so many bytes take out of the buffer at the lowest rung's own rate.
static double drain_us(const struct weir_abr_observation *o, double bytes, int64_t rows)
{
    double bps = (double)o->ladder->rungs[0].bitrate_bps;
    if (bps <= 0)
        return 0;
    return bytes * 8e6 / bps - (double)rows * weir_bba_duration_us(o);
}

// Is what is carried of these sizes?
static bool is_of(const struct weir_bba_window *w, const struct weir_abr_observation *o,
                  int64_t first_bytes)
{
    return w->carried && w->lowest_bps == o->ladder->rungs[0].bitrate_bps &&
           first_bytes == told_bytes(o, 0, 0);
}

// From the one before: the oldest leaves, those behind it enter. Sums are of whole bytes, so
// nothing accumulates.
static bool slide(struct weir_bba_window *w, const struct weir_abr_observation *o, int64_t rows)
{
    if (!is_of(w, o, w->next_bytes) || o->segment_index != w->index + 1 || rows < w->rows - 1)
        return false;
    int64_t sum = w->sum_bytes - w->first_bytes;
    for (int64_t k = w->rows - 1; k < rows; k++) {
        int64_t bytes = told_bytes(o, k, 0);
        if (bytes <= 0)
            return false;
        sum += bytes;
    }
    w->sum_bytes = sum;
    return true;
}

// The sum of the whole window where every size is known; else nothing is carried on, and the sum
// ends at the first unknown size: a segment of nominal size takes out what it gives back.
static void fill(struct weir_bba_window *w, const struct weir_abr_observation *o, int64_t *rows)
{
    int64_t wanted = *rows;
    w->sum_bytes = 0;
    for (*rows = 0; *rows < wanted; (*rows)++) {
        int64_t bytes = told_bytes(o, *rows, 0);
        if (bytes <= 0)
            break;
        w->sum_bytes += bytes;
    }
    w->carried = *rows == wanted;
}

static double window_sum_us(struct weir_bba_window *w, const struct weir_abr_observation *o)
{
    int64_t rows = window_rows(o);
    if (w->index == o->segment_index && w->rows == rows && is_of(w, o, w->first_bytes))
        return drain_us(o, (double)w->sum_bytes, rows);
    if (!slide(w, o, rows))
        fill(w, o, &rows);
    w->index = o->segment_index;
    w->rows = rows;
    w->lowest_bps = o->ladder->rungs[0].bitrate_bps;
    w->first_bytes = told_bytes(o, 0, 0);
    w->next_bytes = told_bytes(o, 1, 0);
    return drain_us(o, (double)w->sum_bytes, rows);
}

static double window_prefix_us(const struct weir_abr_observation *o)
{
    int64_t rows = window_rows(o);
    double bytes = 0;
    double most_us = 0;
    for (int64_t k = 0; k < rows; k++) {
        int64_t size = told_bytes(o, k, 0);
        if (size <= 0)
            break;
        bytes += (double)size;
        double us = drain_us(o, bytes, k + 1);
        most_us = us > most_us ? us : most_us;
    }
    return most_us;
}

double weir_bba_reservoir_us(struct weir_bba *s, const struct weir_abr_observation *o)
{
    if (s->reservoir_us)
        return (double)s->reservoir_us;
    double max_us = (double)o->buffer_max_us;
    double us =
        s->window_reading == WEIR_BBA_PREFIX ? window_prefix_us(o) : window_sum_us(&s->window, o);
    // In a small buffer the scaled floor is less than a segment, and protects nothing.
    double segments_us = 2 * weir_bba_duration_us(o);
    double least_us = LEAST_RESERVOIR * max_us;
    least_us = least_us > segments_us ? least_us : least(segments_us, RESERVOIR_SHARE * max_us);
    return clamped(us, least_us, MOST_RESERVOIR * max_us);
}

double weir_bba_protection_us(const struct weir_bba *s, const struct weir_abr_observation *o)
{
    if (s->protection_off)
        return 0;
    double share = PROTECTION_STEP * (double)s->protection_chunks;
    return least(share, PROTECTION_MOST) * (double)o->buffer_max_us;
}

void weir_bba_fetched(struct weir_bba *s, const struct weir_abr_observation *o,
                      const struct weir_abr_fetched *f)
{
    s->gain_known = true;
    s->gain_us = s->duration_us - f->elapsed_us;
    bool counts =
        s->gain_us > 0 && (double)o->buffer_level_us < PROTECTION_BELOW * (double)o->buffer_max_us;
    if (counts && s->protection_chunks < INT32_MAX)
        s->protection_chunks++;
}

static double share_of_map(const struct weir_bba_map *map, const struct weir_abr_observation *o)
{
    return ((double)o->buffer_level_us - map->start_us) / (map->end_us - map->start_us);
}

// Below, within or above the rising part; within: the map's value between `low` and `high`.
static int place(const struct weir_bba_map *map, const struct weir_abr_observation *o)
{
    double level_us = (double)o->buffer_level_us;
    return level_us <= map->start_us ? -1 : level_us >= map->end_us ? 1 : 0;
}

double weir_bba_allowed_bytes(const struct weir_bba_map *map, const struct weir_abr_observation *o)
{
    const struct weir_ladder *ladder = o->ladder;
    double bytes_per_bps = weir_bba_duration_us(o) / 8e6;
    double low = (double)ladder->rungs[0].bitrate_bps * bytes_per_bps;
    double high = (double)ladder->rungs[ladder->count - 1].bitrate_bps * bytes_per_bps;
    int where = place(map, o);
    return where < 0 ? low : where > 0 ? high : low + (high - low) * share_of_map(map, o);
}

size_t weir_bba_rate_rung(const struct weir_bba_map *map, const struct weir_abr_observation *o,
                          size_t last)
{
    const struct weir_rung *rungs = o->ladder->rungs;
    size_t top = o->ladder->count - 1;
    int where = place(map, o);
    if (where)
        return where < 0 ? 0 : top;
    double low = (double)rungs[0].bitrate_bps;
    double f_bps = low + ((double)rungs[top].bitrate_bps - low) * share_of_map(map, o);
    // Algorithm 1: hold the rung until f(B) crosses a neighbour (Rate+ and Rate-); that gap alone
    // stops the choice from flapping where the level hovers at a boundary.
    size_t below = top;
    size_t above = top;
    while (below > 0 && (double)rungs[below].bitrate_bps >= f_bps)
        below--;
    while (above > 0 && (double)rungs[above - 1].bitrate_bps > f_bps)
        above--;
    return below > last ? below : above < last ? above : last;
}

size_t weir_bba_chunk_rung(const struct weir_bba_map *map, const struct weir_abr_observation *o,
                           size_t last)
{
    size_t top = o->ladder->count - 1;
    int where = place(map, o);
    if (where)
        return where < 0 ? 0 : top;
    double allowed = weir_bba_allowed_bytes(map, o);
    double cheapest = weir_rate_size_bytes(o, 0, top);
    size_t above = top;
    // From the top down, with the cheapest size so far: the first that fits is the highest rung
    // below S(B), the last that does not is the lowest above it.
    for (size_t j = top;; j--) {
        double bytes = weir_rate_size_bytes(o, 0, j);
        cheapest = least(cheapest, bytes);
        if (cheapest > allowed)
            above = j;
        if (cheapest < allowed || j == 0)
            return j > last ? j : above < last ? above : last;
    }
}

const char *weir_bba_reason(const struct weir_bba_map *map, const struct weir_abr_observation *o,
                            size_t last, size_t rung)
{
    int where = place(map, o);
    if (where)
        return where < 0 ? "reservoir" : "above the cushion";
    return rung > last ? "map rises" : rung < last ? "map falls" : "between neighbours";
}

size_t weir_bba_start_up(struct weir_bba *s, const struct weir_bba_map *map,
                         const struct weir_abr_observation *o, size_t last, size_t suggested)
{
    if (suggested > last || (s->gain_known && s->gain_us < 0)) {
        s->starting_up = false;
        return suggested;
    }
    double filled = map->end_us > 0 ? least((double)o->buffer_level_us / map->end_us, 1) : 1;
    double share = START_SHARE_EMPTY - (START_SHARE_EMPTY - START_SHARE_FULL) * filled;
    bool fast = s->gain_known && (double)s->gain_us > share * (double)s->duration_us;
    return fast && last + 1 < o->ladder->count ? last + 1 : last;
}
