// abr/algorithms.h — every algorithm of Weir's own, one line each; the registry lists them.
#ifndef WEIR_ABR_ALGORITHMS_H
#define WEIR_ABR_ALGORITHMS_H

#include "abr/abr.h"

extern const struct weir_abr_ops weir_abr_bba0;
extern const struct weir_abr_ops weir_abr_bba1;
extern const struct weir_abr_ops weir_abr_bba2;
extern const struct weir_abr_ops weir_abr_bba_others;
extern const struct weir_abr_ops weir_abr_bola;
extern const struct weir_abr_ops weir_abr_bolae;
extern const struct weir_abr_ops weir_abr_dynamic;
extern const struct weir_abr_ops weir_abr_fastmpc;
extern const struct weir_abr_ops weir_abr_festive;
extern const struct weir_abr_ops weir_abr_fixed;
extern const struct weir_abr_ops weir_abr_hyb;
extern const struct weir_abr_ops weir_abr_l2a;
extern const struct weir_abr_ops weir_abr_lolp;
extern const struct weir_abr_ops weir_abr_mpc;
extern const struct weir_abr_ops weir_abr_random;
extern const struct weir_abr_ops weir_abr_robustmpc;
extern const struct weir_abr_ops weir_abr_soda;
extern const struct weir_abr_ops weir_abr_throughput;
extern const struct weir_abr_ops weir_abr_weir;

#endif
