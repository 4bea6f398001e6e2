// abr/dynamic.c — DYNAMIC: THROUGHPUT while the buffer is low, BOLA once it is not (Spiteri,
// Sitaraman, Sparacio, MMSys 2018, section 5; Sabre's `dynamic`). Both rules are asked at every
// decision, so each has the memory of its own choices. Gives transfers up as THROUGHPUT does.
#include "abr/algorithms.h"
#include "abr/bola_rule.h"
#include "abr/options.h"
#include "abr/rate.h"
#include "abr/throughput_rule.h"

struct dynamic {
    int compat;
    int64_t level_us; // BOLA above, THROUGHPUT below
    bool in_bola;
    struct weir_throughput_rule throughput;
    struct weir_bola_rule bola;
};

static void reset(void *state)
{
    struct dynamic *s = state;
    s->in_bola = false;
    s->throughput.sabre = s->bola.sabre = s->compat != 0;
    weir_throughput_rule_reset(&s->throughput);
    weir_bola_rule_reset(&s->bola);
}

static int create(void *state, const struct weir_abr_options *options, struct weir_error *error)
{
    struct dynamic *s = state;
    s->level_us = 10 * WEIR_SECOND_US;
    s->throughput.safety = 0.9;
    s->bola.variant = WEIR_BOLA_U;
    s->bola.gp = 5;
    const struct weir_abr_param params[] = {
        {.key = "level",
         .kind = WEIR_ABR_PARAM_SECONDS,
         .value = &s->level_us,
         .min = 0,
         .max = 86400},
        {.key = "variant",
         .kind = WEIR_ABR_PARAM_CHOICE,
         .value = &s->bola.variant,
         .choices = weir_bola_variants},
        {.key = "gp", .kind = WEIR_ABR_PARAM_REAL, .value = &s->bola.gp, .min = 0.01, .max = 1000},
        {.key = "safety",
         .kind = WEIR_ABR_PARAM_REAL,
         .value = &s->throughput.safety,
         .min = 0.01,
         .max = 10},
        {.key = "compat",
         .kind = WEIR_ABR_PARAM_CHOICE,
         .value = &s->compat,
         .choices = weir_abr_compat_choices},
    };
    int err = weir_abr_options_read("dynamic", options, params, 5, error);
    reset(s);
    return err;
}

static struct weir_abr_decision decide(void *state, const struct weir_abr_observation *o)
{
    struct dynamic *s = state;
    if (weir_rate_unknown(o))
        return (struct weir_abr_decision){.rung = 0, .reason = "no sample yet"};
    struct weir_abr_decision b = weir_bola_rule_decide(&s->bola, o);
    struct weir_abr_decision t = weir_throughput_rule_decide(&s->throughput, o);
    if (s->in_bola)
        s->in_bola = o->buffer_level_us >= s->level_us || b.rung >= t.rung;
    else
        s->in_bola = o->buffer_level_us > s->level_us && b.rung >= t.rung;
    return s->in_bola ? b : t;
}

static struct weir_abr_watch watch(void *state, const struct weir_abr_observation *o,
                                   const struct weir_abr_transfer *t)
{
    const struct dynamic *s = state;
    return weir_throughput_rule_watch(&s->throughput, o, t);
}

const struct weir_abr_ops weir_abr_dynamic = {
    .name = "dynamic",
    .summary = "throughput with a low buffer, else BOLA (Spiteri et al., MMSys 2018, 5)",
    .params_help = "level=10: seconds of buffer from which on BOLA may take over; "
                   "variant=u: BOLA's; gp=5: BOLA's; safety=0.9: throughput's; "
                   "compat=off: sabre for exactly Sabre's behaviour",
    .state_bytes = sizeof(struct dynamic),
    .create = create,
    .reset = reset,
    .decide = decide,
    .watch = watch,
};
