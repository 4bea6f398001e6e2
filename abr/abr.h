// abr/abr.h — the algorithms there are, and the calls that contain nonsense. The interface of an
// algorithm is public: weir/abr.h. Inside Weir one more rule holds: only + - * / sqrt and
// core/detmath.h, so that decisions are equal on every machine.
#ifndef WEIR_ABR_H
#define WEIR_ABR_H

#include <weir/abr.h>

#include "core/clock.h"

#define WEIR_RUNG_NONE WEIR_ABR_NO_RUNG

struct weir_abr;

// "NAME[:key=value,…]" or "PATH.so[:key=value,…]" (a plug-in: anything with a '/'); WEIR_ERR_INVAL
// names the unknown name or key and lists what there is.
int weir_abr_create(const char *spec, uint64_t seed, struct weir_abr **out,
                    struct weir_error *error);
// An algorithm that is in no registry. `ops` outlives it; `spec` is copied: its name and
// parameters.
int weir_abr_create_from(const struct weir_abr_ops *ops, const char *spec, uint64_t seed,
                         struct weir_abr **out, struct weir_error *error);
void weir_abr_destroy(struct weir_abr **a);
const struct weir_abr_ops *weir_abr_ops(const struct weir_abr *a);
const char *weir_abr_spec(const struct weir_abr *a); // as created
void *weir_abr_state(struct weir_abr *a);            // for whoever created it from its own ops
// Calls through, and contains nonsense: a rung beyond the ladder is clamped, wait_us is bounded.
struct weir_abr_decision weir_abr_decide(struct weir_abr *a, const struct weir_abr_observation *o);
void weir_abr_fetched(struct weir_abr *a, const struct weir_abr_observation *o,
                      const struct weir_abr_fetched *f);
void weir_abr_sampled(struct weir_abr *a, const struct weir_abr_observation *o,
                      const struct weir_throughput_sample *s);
struct weir_abr_watch weir_abr_watch(struct weir_abr *a, const struct weir_abr_observation *o,
                                     const struct weir_abr_transfer *t);
void weir_abr_abandoned(struct weir_abr *a, const struct weir_abr_observation *o, size_t to_rung);
void weir_abr_reset(struct weir_abr *a);
// How often an answer had to be mended, and the first such answer in words (NULL: none).
int64_t weir_abr_faults(const struct weir_abr *a, const char **first);
// The registry, NULL-terminated, in order of name.
const struct weir_abr_ops *const *weir_abr_registry(void);

#endif
