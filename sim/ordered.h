// sim/ordered.h — work done on several threads whose results come out one after the other, in the
// order the work was handed out: so that nothing written depends on how many threads there were.
// Memory is bounded: a thread that is far ahead waits.
#ifndef WEIR_SIM_ORDERED_H
#define WEIR_SIM_ORDERED_H

#include <stdbool.h>
#include <stddef.h>

// How many units may be under way or waiting for their turn.
#define WEIR_ORDERED_WINDOW 128

struct weir_ordered {
    void *ctx;     // given to every call below
    unsigned jobs; // worker threads; >= 1
    // Room for one unit; zeroed once, reused ever after.
    size_t unit_bytes;
    // Fill `unit` with the next piece of work; false: there is no more. One call at a time.
    bool (*claim)(void *ctx, void *unit);
    // Do it. Any thread; `worker` < jobs says which. 0 or a negative error.
    int (*work)(void *ctx, unsigned worker, void *unit);
    // Take the result, in the order of claims, on the calling thread. 0 or a negative error.
    int (*sink)(void *ctx, void *unit);
    // Called on the calling thread several times a second; negative ends the run. May be NULL.
    int (*tick)(void *ctx);
    // Frees what a unit holds. May be NULL.
    void (*clear)(void *unit);
};

// Run until claim() says no, or the first error (in order of claims): everything before it has gone
// through sink(), nothing after it. 0, or that error.
int weir_ordered_run(const struct weir_ordered *o);

#endif
