// abr/bba.h — what the buffer-based algorithms share (Huang et al., SIGCOMM 2014): the straight map
// from buffer level to rate or to chunk size, the two barriers that keep the rung, BBA-1's
// reservoir over the segments to come, and BBA-2's start-up. The paper's seconds are of a 240 s
// buffer; here they are the same shares of whatever buffer there is.
#ifndef WEIR_ABR_BBA_H
#define WEIR_ABR_BBA_H

#include "abr/abr.h"
#include "abr/options.h"

// Where the map rises: rung 0 up to start_us, the top rung from end_us on.
struct weir_bba_map {
    double start_us, end_us;
};

enum weir_bba_window_reading {
    WEIR_BBA_SUM,    // the paper's plain sum over the window
    WEIR_BBA_PREFIX, // the largest sum of a part that begins now: safe where a quiet scene follows
};

// The sum over the window of segments ahead, carried from one segment to the next.
struct weir_bba_window {
    bool carried;
    int64_t lowest_bps; // whose, and what it says of the first segment and the next: another
    int64_t index, rows, first_bytes, next_bytes, sum_bytes; // period's may have the same address
};

struct weir_bba {
    int64_t reservoir_us, cushion_us;   // parameters; 0: the algorithm's own
    int window_reading, protection_off; // parameters
    struct weir_bba_window window;
    int64_t protection_chunks; // fetched while the buffer grew and was not full (7.1)
    int64_t duration_us;       // of the segment last decided for
    bool starting_up;          // BBA-2
    bool gain_known;
    int64_t gain_us;             // by how much the last segment grew the buffer
    double highest_reservoir_us; // BBA-Others: it only grows
};

// reservoir, cushion, window, protection, in this order: an algorithm reads as many as it has.
#define WEIR_BBA_PARAMS_MAX 4
#define WEIR_BBA_COMMON_HELP                                                                       \
    "reservoir=from the sizes to come: seconds of buffer kept for the lowest rung; "               \
    "cushion=to 90 % of the buffer: seconds over which the map rises; "                            \
    "window=sum: how the reservoir reads the next two buffers of media: sum, or prefix for the "   \
    "largest sum that begins now"
#define WEIR_BBA_PARAMS_HELP                                                                       \
    WEIR_BBA_COMMON_HELP "; protection=on: move the map by 1/600 of the buffer for each segment "  \
                         "that grows it below 75 %, up to a third"
void weir_bba_params(struct weir_bba *s, struct weir_abr_param params[WEIR_BBA_PARAMS_MAX]);
// Forget history.
void weir_bba_reset(struct weir_bba *s);

// The rung before, within the ladder; 0 before the first.
size_t weir_bba_last(const struct weir_abr_observation *o);
// The segment's duration, or two seconds where none is told.
double weir_bba_duration_us(const struct weir_abr_observation *o);
// BBA-0's map: 37.5 % of the buffer, then 52.5 %, unless given. The end is never beyond the highest
// level at which anybody can be asked, a segment below capacity.
struct weir_bba_map weir_bba_fixed_map(const struct weir_bba *s,
                                       const struct weir_abr_observation *o);
// BBA-1's reservoir, before protection: what the window takes out of the buffer at the lowest
// rung's rate, between 8 and 140 s of 240 s.
double weir_bba_reservoir_us(struct weir_bba *s, const struct weir_abr_observation *o);
// The map with a reservoir of its own; the end stays where it is (the cushion absorbs what the
// reservoir takes), with at least 10 % of the buffer left to rise in.
struct weir_bba_map weir_bba_moving_map(const struct weir_bba *s,
                                        const struct weir_abr_observation *o, double reservoir_us);
// By how much protection against outages moves the map (7.1): 0.4 s of 240 s for each chunk that
// counted, at most 80 s.
double weir_bba_protection_us(const struct weir_bba *s, const struct weir_abr_observation *o);
// A segment is complete: how much it grew the buffer, and whether it counts for protection.
void weir_bba_fetched(struct weir_bba *s, const struct weir_abr_observation *o,
                      const struct weir_abr_fetched *f);

// S(B): the size in bytes that the chunk map allows at this level.
double weir_bba_allowed_bytes(const struct weir_bba_map *map, const struct weir_abr_observation *o);
// The sticky rule: `last`, unless the map crosses a neighbour's rate (BBA-0).
size_t weir_bba_rate_rung(const struct weir_bba_map *map, const struct weir_abr_observation *o,
                          size_t last);
// The same with the sizes of the next segment (BBA-1). Where they do not rise with the rung, a rung
// costs as little as the cheapest rung from it upwards.
size_t weir_bba_chunk_rung(const struct weir_bba_map *map, const struct weir_abr_observation *o,
                           size_t last);
// Where on the map the decision fell, in words.
const char *weir_bba_reason(const struct weir_bba_map *map, const struct weir_abr_observation *o,
                            size_t last, size_t rung);
// BBA-2: within start-up, turns what the chunk map suggests into the rung to take, or ends it.
size_t weir_bba_start_up(struct weir_bba *s, const struct weir_bba_map *map,
                         const struct weir_abr_observation *o, size_t last, size_t suggested);

#endif
