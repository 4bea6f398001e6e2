// abr/abandon.h — giving transfers up (reference 13): policies that any algorithm can use as its
// watch(). Each answers at once or names the earliest progress at which it could say yes: what it
// was told so far, and how time moves on, leave no chance before that. Pure.
#ifndef WEIR_ABR_ABANDON_H
#define WEIR_ABR_ABANDON_H

#include "abr/bola_math.h"

// Sabre asks whenever both have gone by since it asked last.
#define WEIR_ABANDON_STEP_US    INT64_C(50000)
#define WEIR_ABANDON_STEP_BYTES INT64_C(1500)

// How the alternatives' sizes are known, and when to ask.
enum weir_abandon_mode {
    WEIR_ABANDON_TRUE_SIZES, // and at the earliest moment; for all but comparisons
    WEIR_ABANDON_AS_SABRE,   // in proportion to the bitrates, at Sabre's steps
};

// Throughput's (13.1; MMSys 2018): after half a second, a transfer that would take more than 1.8
// times its segment's duration is given up for the rung that `safety` times its own throughput
// carries, if that is lower and its segment smaller than what is left.
struct weir_abr_watch weir_abandon_throughput(const struct weir_abr_observation *o,
                                              const struct weir_abr_transfer *t, double safety,
                                              enum weir_abandon_mode mode);

// The same with 0.9 and true sizes, and only where the transfer would also leave less than a
// segment in the buffer: the watch() of algorithms whose papers have nothing of their own. They
// choose by the buffer, above what the network carries where it is full; what they chose so is not
// given up while it comes in time.
struct weir_abr_watch weir_abandon_watch(void *state, const struct weir_abr_observation *o,
                                         const struct weir_abr_transfer *t);

// BOLA's (13.2; ToN 2020): given up for the best lower rung whose score over its whole size beats
// this one's over what is left. `placeholder_us` is counted on top of the buffer. With
// `latency_counts` a new request's latency, taken to be this one's, is charged (BOLA-E).
struct weir_abr_watch weir_abandon_bola(const struct weir_bola *b,
                                        const struct weir_abr_observation *o,
                                        const struct weir_abr_transfer *t, double placeholder_us,
                                        bool latency_counts, enum weir_abandon_mode mode);

#endif
