// abr/lolp_som.h — LoL+'s self-organising map: a neuron for every rung, with what it stands for
// (throughput, latency, rebuffering, switching), the search for the weights of the four, the winner
// and what it learns (reference 12, steps 1 to 5). Shared by LoL+ and its test.
#ifndef WEIR_ABR_LOLP_SOM_H
#define WEIR_ABR_LOLP_SOM_H

#include "abr/abr.h"

#define WEIR_LOLP_RUNGS_MAX 128

enum weir_lolp_feature {
    WEIR_LOLP_THROUGHPUT, // of the Euclidean norm of all rates
    WEIR_LOLP_LATENCY,    // seconds behind live, of 100
    WEIR_LOLP_REBUFFER,   // seconds
    WEIR_LOLP_SWITCH,     // rate change, of the same norm
    WEIR_LOLP_FEATURES,
};

struct weir_lolp_som {
    size_t count; // 0: not made yet
    double norm_kbps;
    double rates_kbps[WEIR_LOLP_RUNGS_MAX];
    double neurons[WEIR_LOLP_RUNGS_MAX][WEIR_LOLP_FEATURES];
    double weights[WEIR_LOLP_FEATURES];
};

// What is known when a segment is to be chosen.
struct weir_lolp_input {
    double throughput_kbps; // the safe one; > 0
    double buffer_s, duration_s;
    double latency_s, previous_latency_s; // behind live; 0 on demand
};

// A neuron at its rung's rate, nothing else; rungs beyond the bound are left out.
void weir_lolp_som_make(struct weir_lolp_som *som, const struct weir_ladder *ladder);
// Was it made for a ladder of these rates, wherever they lie?
bool weir_lolp_som_is_of(const struct weir_lolp_som *som, const struct weir_ladder *ladder);
// The last of as many k-means++ centres as there are rungs (16 at most), of random points.
void weir_lolp_som_draw_weights(struct weir_lolp_som *som, uint64_t seed);
// Buffer after a segment of this rung.
double weir_lolp_next_buffer_s(const struct weir_lolp_som *som, const struct weir_lolp_input *in,
                               size_t rung);
// The single-segment QoE that the search maximises, for one neuron and one vector of weights.
double weir_lolp_qoe(const struct weir_lolp_som *som, const struct weir_lolp_input *in, size_t rung,
                     const double *weights);
// Whether the search may pick this neuron.
bool weir_lolp_qualifies(const struct weir_lolp_som *som, const struct weir_lolp_input *in,
                         size_t rung);
// The best of 5^4 vectors of weights over all neurons, the first of equals; kept where nothing
// qualifies.
void weir_lolp_som_search(struct weir_lolp_som *som, const struct weir_lolp_input *in);
// C as a neuron would have it: step 1.
double weir_lolp_som_throughput(const struct weir_lolp_som *som, const struct weir_lolp_input *in);
size_t weir_lolp_som_winner(const struct weir_lolp_som *som, const struct weir_lolp_input *in);
// Moves every neuron a little towards what happened at `current` and towards the winner's aim.
void weir_lolp_som_learn(struct weir_lolp_som *som, const struct weir_lolp_input *in,
                         size_t current, size_t winner);

#endif
