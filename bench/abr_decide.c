// bench/abr_decide.c — nanoseconds per decision, and per question whether to abandon, of every
// algorithm: on ladders of ten rungs, mid-video, over levels and throughputs that vary as they do
// in sessions. The time around the call is measured with `fixed` and not taken off.
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "abr/abr.h"
#include "core/rng.h"

#define OBSERVATIONS 1024
#define AHEAD        64
#define RUNGS        10

static const int64_t bitrates_kbps[RUNGS] = {230, 331, 477, 688, 991, 1427, 2056, 2962, 5027, 6000};

struct course {
    struct weir_rung rungs[RUNGS];
    struct weir_ladder ladder;
    int64_t sizes[(OBSERVATIONS + AHEAD) * RUNGS];
    struct weir_abr_observation at[OBSERVATIONS];
};

static int64_t within(int64_t x, int64_t low, int64_t high)
{
    return x < low ? low : x > high ? high : x;
}

// When a transfer would be complete, for the yardsticks: as the mean rate has it.
static int64_t oracle(const void *ctx, int64_t at_us, int64_t bytes)
{
    (void)ctx;
    return at_us + bytes * 8 / 2;
}

static void draw(struct course *c)
{
    struct weir_rng rng;
    weir_rng_seed(&rng, 1);
    c->ladder = (struct weir_ladder){c->rungs, RUNGS};
    for (size_t j = 0; j < RUNGS; j++)
        c->rungs[j].bitrate_bps = bitrates_kbps[j] * 1000;
    for (size_t i = 0; i < OBSERVATIONS + AHEAD; i++) {
        double busy = 0.5 + weir_rng_unit(&rng);
        for (size_t j = 0; j < RUNGS; j++)
            c->sizes[i * RUNGS + j] = (int64_t)((double)bitrates_kbps[j] * 375 * busy);
    }
    int64_t level_us = 12000000, bps = 2000000;
    for (size_t i = 0; i < OBSERVATIONS; i++) {
        level_us = within(level_us + (int64_t)weir_rng_below(&rng, 4000001) - 2000000, 0, 22000000);
        bps = within(bps + (int64_t)weir_rng_below(&rng, 1000001) - 500000, 200000, 8000000);
        c->at[i] = (struct weir_abr_observation){
            .ladder = &c->ladder,
            .now_us = (int64_t)i * 3000000,
            .buffer_level_us = level_us,
            .buffer_max_us = 25000000,
            .segment_index = (int64_t)i,
            .segment_count = OBSERVATIONS + AHEAD,
            .segment_duration_us = 3000000,
            .since_start_us = (int64_t)i * 3000000,
            .until_end_us = (int64_t)(OBSERVATIONS + AHEAD - i) * 3000000,
            .last_rung = (size_t)weir_rng_below(&rng, RUNGS),
            .throughput_bps = bps,
            .latency_us = 50000,
            .last_sample = {.bytes = bps / 8, .duration_us = 1000000, .latency_us = 50000},
            .sizes = c->sizes + i * RUNGS,
            .size_rows = AHEAD,
            .oracle_done_us = oracle,
        };
    }
}

static double now_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

// One pass as in a session: sample, decision, segment.
static size_t decide_all(struct weir_abr *a, const struct course *c)
{
    size_t sum = 0;
    weir_abr_reset(a);
    for (size_t i = 0; i < OBSERVATIONS; i++) {
        const struct weir_abr_observation *o = &c->at[i];
        weir_abr_sampled(a, o, &o->last_sample);
        size_t rung = weir_abr_decide(a, o).rung;
        struct weir_abr_fetched f = {.rung = rung, .bytes = o->sizes[rung], .elapsed_us = 1000000};
        weir_abr_fetched(a, o, &f);
        sum += rung;
    }
    return sum;
}

static size_t watch_all(struct weir_abr *a, const struct course *c)
{
    size_t sum = 0;
    for (size_t i = 0; i < OBSERVATIONS; i++) {
        const struct weir_abr_observation *o = &c->at[i];
        struct weir_abr_transfer t = {.rung = 1 + i % (RUNGS - 1),
                                      .size_bytes = o->sizes[1 + i % (RUNGS - 1)],
                                      .done_bytes = 20000,
                                      .elapsed_us = 600000,
                                      .since_first_byte_us = 550000};
        sum += (size_t)weir_abr_watch(a, o, &t).done_bytes;
    }
    return sum;
}

// The least of many passes, within a tenth of a second or at least three.
static double measure(struct weir_abr *a, const struct course *c,
                      size_t (*pass)(struct weir_abr *, const struct course *))
{
    double least = 1e18, began = now_ns();
    volatile size_t sink = 0;
    for (int i = 0; i < 3 || now_ns() - began < 1e8; i++) {
        double at = now_ns();
        sink += pass(a, c);
        double took = now_ns() - at;
        least = took < least ? took : least;
    }
    return least / OBSERVATIONS;
}

int main(int argc, char **argv)
{
    static struct course c;
    draw(&c);
    printf("%-32s %12s %12s\n", "algorithm", "decide ns", "watch ns");
    const struct weir_abr_ops *const *all = weir_abr_registry();
    for (size_t i = 0; argc > 1 ? i + 1 < (size_t)argc : all[i] != NULL; i++) {
        const char *spec = argc > 1 ? argv[i + 1] : all[i]->name;
        struct weir_error e = {0};
        struct weir_abr *a;
        if (weir_abr_create(spec, 1, &a, &e)) {
            (void)fprintf(stderr, "%s: %s\n", spec, e.what);
            return 2;
        }
        printf("%-32s %12.1f", spec, measure(a, &c, decide_all));
        if (weir_abr_ops(a)->watch)
            printf(" %12.1f\n", measure(a, &c, watch_all));
        else
            printf(" %12s\n", "-");
        weir_abr_destroy(&a);
    }
    return 0;
}
