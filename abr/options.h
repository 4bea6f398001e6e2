// abr/options.h — reading the key=value parameters of an algorithm, alike for all of them: one
// table of keys, errors that name the key and list what there is, and decimals that no locale can
// change.
#ifndef WEIR_ABR_OPTIONS_H
#define WEIR_ABR_OPTIONS_H

#include "abr/abr.h"

enum weir_abr_param_kind {
    WEIR_ABR_PARAM_SECONDS, // decimal seconds into int64_t microseconds
    WEIR_ABR_PARAM_REAL,    // decimal into double, exact to 1e-6
    WEIR_ABR_PARAM_COUNT,   // whole number into size_t
    WEIR_ABR_PARAM_SEED,    // whole number into uint64_t
    WEIR_ABR_PARAM_CHOICE,  // one of `choices` into int, its place there
};

struct weir_abr_param {
    const char *key;
    enum weir_abr_param_kind kind;
    void *value;
    double min, max;            // bounds of SECONDS (in seconds) and REAL, inclusive
    const char *const *choices; // CHOICE; NULL-terminated
};

// CHOICE of compat= where an algorithm has it: 0 "off", 1 "sabre".
extern const char *const weir_abr_compat_choices[];

// Reads every option through the table `params`. 0, or WEIR_ERR_INVAL with the key or value named.
int weir_abr_options_read(const char *name, const struct weir_abr_options *options,
                          const struct weir_abr_param *params, size_t param_count,
                          struct weir_error *error);

#endif
