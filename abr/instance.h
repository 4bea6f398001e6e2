// abr/instance.h — what an algorithm in use is made of; for registry.c, which makes it, and
// calls.c, which calls it.
#ifndef WEIR_ABR_INSTANCE_H
#define WEIR_ABR_INSTANCE_H

#include "abr/abr.h"

#define WEIR_ABR_SPEC_MAX_BYTES 1024

struct weir_abr {
    const struct weir_abr_ops *ops;
    void *state;
    void *library; // of a plug-in, else NULL
    int64_t faults;
    const char *first_fault;
    char spec[WEIR_ABR_SPEC_MAX_BYTES];
};

#endif
