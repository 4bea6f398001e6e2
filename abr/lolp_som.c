// abr/lolp_som.c — see lolp_som.h. Rates are kbit/s in every term; dash.js passes the candidate's
// in bit/s to the search, so that its rate outweighs all else there.
#include "abr/lolp_som.h"

#include <math.h>
#include <string.h>

#include "core/detmath.h"
#include "core/rng.h"

#define LN2               0x1.62e42fefa39efp-1
#define LEAST_BUFFER_S    0.3
#define LEAST_REBUFFER_S  1e-5
#define MOST_LATENCY_S    1.5
#define GOOD_LATENCY_S    1.1
#define TIGHT_WEIGHT      100.0 // of throughput, for rungs that the network does not carry
#define TIGHT_MARGIN_KBPS 10.0
#define LEARNING_RATE     0.01
#define SIGMA             0.1
// Bound on the seeding: points are the square of the centres.
#define CENTRES_MAX 16

static const double least_weight = 0.2;
static const double most_weight = 1.0;

static size_t rungs_used(const struct weir_ladder *ladder)
{
    return ladder->count < WEIR_LOLP_RUNGS_MAX ? ladder->count : WEIR_LOLP_RUNGS_MAX;
}

static double rate_kbps(const struct weir_rung *rung)
{
    return (double)rung->bitrate_bps / 1000;
}

bool weir_lolp_som_is_of(const struct weir_lolp_som *som, const struct weir_ladder *ladder)
{
    size_t j = 0;
    if (!som->count || som->count != rungs_used(ladder))
        return false;
    while (j < som->count && som->rates_kbps[j] == rate_kbps(&ladder->rungs[j]))
        j++;
    return j == som->count;
}

void weir_lolp_som_make(struct weir_lolp_som *som, const struct weir_ladder *ladder)
{
    som->count = rungs_used(ladder);
    double squares = 0;
    for (size_t j = 0; j < som->count; j++) {
        som->rates_kbps[j] = rate_kbps(&ladder->rungs[j]);
        squares += som->rates_kbps[j] * som->rates_kbps[j];
    }
    som->norm_kbps = squares > 0 ? sqrt(squares) : 1;
    memset(som->neurons, 0, sizeof(som->neurons));
    for (size_t j = 0; j < som->count; j++)
        som->neurons[j][WEIR_LOLP_THROUGHPUT] = som->rates_kbps[j] / som->norm_kbps;
}

static double squared_distance(const double *a, const double *b)
{
    double sum = 0;
    for (int k = 0; k < WEIR_LOLP_FEATURES; k++)
        sum += (a[k] - b[k]) * (a[k] - b[k]);
    return sum;
}

void weir_lolp_som_draw_weights(struct weir_lolp_som *som, uint64_t seed)
{
    double points[CENTRES_MAX * CENTRES_MAX][WEIR_LOLP_FEATURES];
    double nearest[CENTRES_MAX * CENTRES_MAX]; // squared distance to the centres so far
    size_t centres = som->count < CENTRES_MAX ? som->count : CENTRES_MAX;
    size_t count = centres * centres;
    struct weir_rng rng;
    weir_rng_seed(&rng, seed);
    for (size_t i = 0; i < count; i++) {
        for (int k = 0; k < WEIR_LOLP_FEATURES; k++)
            points[i][k] = weir_rng_unit(&rng);
        nearest[i] = (double)INFINITY;
    }
    size_t last = 0; // the first centre is the first point; each next the farthest from all
    for (size_t c = 1; c < centres; c++) {
        size_t farthest = 0;
        for (size_t i = 0; i < count; i++) {
            double d = squared_distance(points[i], points[last]);
            nearest[i] = d < nearest[i] ? d : nearest[i];
            if (nearest[i] > nearest[farthest])
                farthest = i;
        }
        last = farthest;
    }
    memcpy(som->weights, points[last], sizeof(som->weights));
}

static double download_s(const struct weir_lolp_som *som, const struct weir_lolp_input *in,
                         size_t rung)
{
    return som->rates_kbps[rung] * in->duration_s / in->throughput_kbps;
}

double weir_lolp_next_buffer_s(const struct weir_lolp_som *som, const struct weir_lolp_input *in,
                               size_t rung)
{
    double download = download_s(som, in, rung);
    if (download > in->duration_s)
        return in->buffer_s - in->duration_s;
    return in->buffer_s + in->duration_s - download;
}

// Playback is at normal speed and there is no rate before the candidate's, so the terms for speed
// and for switching are 0.
double weir_lolp_qoe(const struct weir_lolp_som *som, const struct weir_lolp_input *in, size_t rung,
                     const double *weights)
{
    double least_kbps = som->rates_kbps[0];
    double most_kbps = som->rates_kbps[som->count - 1];
    double rebuffer = download_s(som, in, rung) - weir_lolp_next_buffer_s(som, in, rung);
    rebuffer =
        (rebuffer > LEAST_REBUFFER_S ? rebuffer : LEAST_REBUFFER_S) / weights[WEIR_LOLP_REBUFFER];
    double latency = som->neurons[rung][WEIR_LOLP_LATENCY] / weights[WEIR_LOLP_LATENCY];
    double penalty = latency <= GOOD_LATENCY_S ? 0.05 * least_kbps : 0.1 * most_kbps;
    return in->duration_s * som->rates_kbps[rung] - most_kbps * rebuffer - penalty * latency;
}

bool weir_lolp_qualifies(const struct weir_lolp_som *som, const struct weir_lolp_input *in,
                         size_t rung)
{
    return weir_lolp_next_buffer_s(som, in, rung) >= LEAST_BUFFER_S &&
           in->latency_s <= MOST_LATENCY_S + fabs(in->latency_s - in->previous_latency_s);
}

// Of the four weights the QoE knows two, and only as divisors of costs: the larger they are the
// better, and a cost of 0 leaves the first of equals, the smallest. So the best vector of a neuron
// is known without trying 625 (the test tries them).
void weir_lolp_som_search(struct weir_lolp_som *som, const struct weir_lolp_input *in)
{
    bool found = false;
    double best = 0;
    double chosen[WEIR_LOLP_FEATURES];
    for (size_t j = 0; j < som->count; j++) {
        if (!weir_lolp_qualifies(som, in, j))
            continue;
        double latency = som->neurons[j][WEIR_LOLP_LATENCY];
        double weights[WEIR_LOLP_FEATURES] = {
            [WEIR_LOLP_THROUGHPUT] = least_weight,
            [WEIR_LOLP_LATENCY] = latency > 0 ? most_weight : least_weight,
            [WEIR_LOLP_REBUFFER] = most_weight,
            [WEIR_LOLP_SWITCH] = least_weight,
        };
        double qoe = weir_lolp_qoe(som, in, j, weights);
        if (!found || qoe > best) {
            found = true;
            best = qoe;
            memcpy(chosen, weights, sizeof(chosen));
        }
    }
    if (found)
        memcpy(som->weights, chosen, sizeof(chosen));
}

double weir_lolp_som_throughput(const struct weir_lolp_som *som, const struct weir_lolp_input *in)
{
    double x = in->throughput_kbps / som->norm_kbps;
    if (x <= 1)
        return x;
    double most = 0;
    for (size_t j = 0; j < som->count; j++)
        most = som->neurons[j][WEIR_LOLP_THROUGHPUT] > most ? som->neurons[j][WEIR_LOLP_THROUGHPUT]
                                                            : most;
    return most;
}

size_t weir_lolp_som_winner(const struct weir_lolp_som *som, const struct weir_lolp_input *in)
{
    const double target[WEIR_LOLP_FEATURES] = {
        [WEIR_LOLP_THROUGHPUT] = weir_lolp_som_throughput(som, in),
    };
    size_t winner = 0;
    double least = (double)INFINITY;
    for (size_t j = 0; j < som->count; j++) {
        bool tight = som->rates_kbps[j] > in->throughput_kbps - TIGHT_MARGIN_KBPS ||
                     weir_lolp_next_buffer_s(som, in, j) < LEAST_BUFFER_S;
        double sum = 0;
        for (int k = 0; k < WEIR_LOLP_FEATURES; k++) {
            double w = k == WEIR_LOLP_THROUGHPUT && tight && j > 0 ? TIGHT_WEIGHT : som->weights[k];
            double d = som->neurons[j][k] - target[k];
            sum += w * d * d;
        }
        if (sum < least) { // as its root would be
            least = sum;
            winner = j;
        }
    }
    return winner;
}

static void learn(struct weir_lolp_som *som, size_t centre, const double *towards)
{
    double from[WEIR_LOLP_FEATURES]; // before it moves itself
    memcpy(from, som->neurons[centre], sizeof(from));
    for (size_t j = 0; j < som->count; j++) {
        double exponent = -squared_distance(som->neurons[j], from) / (2 * SIGMA * SIGMA);
        double step = LEARNING_RATE * weir_exp2(exponent / LN2);
        for (int k = 0; k < WEIR_LOLP_FEATURES; k++)
            som->neurons[j][k] += step * (towards[k] - som->neurons[j][k]);
    }
}

void weir_lolp_som_learn(struct weir_lolp_som *som, const struct weir_lolp_input *in,
                         size_t current, size_t winner)
{
    double x = weir_lolp_som_throughput(som, in);
    double rebuffer = download_s(som, in, current) - in->buffer_s;
    double change = fabs(som->rates_kbps[current] - som->rates_kbps[winner]) / som->norm_kbps;
    const double happened[WEIR_LOLP_FEATURES] = {x, in->latency_s / 100,
                                                 rebuffer > 0 ? rebuffer : 0, change};
    const double aim[WEIR_LOLP_FEATURES] = {x, 0, 0, change};
    learn(som, current, happened);
    learn(som, winner, aim);
}
