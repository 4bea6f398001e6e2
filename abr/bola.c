// abr/bola.c — BOLA: the rung with the best ratio of (utility less buffer) to size (Spiteri,
// Urgaonkar, Sitaraman, INFOCOM 2016; variants from ToN 2020). The rule itself is in bola_rule.c.
#include "abr/algorithms.h"
#include "abr/bola_rule.h"
#include "abr/options.h"

struct bola {
    int compat;
    struct weir_bola_rule rule;
};

static void reset(void *state)
{
    struct bola *s = state;
    s->rule.sabre = s->compat != 0;
    weir_bola_rule_reset(&s->rule);
}

static int create(void *state, const struct weir_abr_options *options, struct weir_error *error)
{
    struct bola *s = state;
    s->rule.variant = WEIR_BOLA_U;
    s->rule.gp = 5;
    const struct weir_abr_param params[] = {
        {.key = "variant",
         .kind = WEIR_ABR_PARAM_CHOICE,
         .value = &s->rule.variant,
         .choices = weir_bola_variants},
        {.key = "gp", .kind = WEIR_ABR_PARAM_REAL, .value = &s->rule.gp, .min = 0.01, .max = 1000},
        {.key = "compat",
         .kind = WEIR_ABR_PARAM_CHOICE,
         .value = &s->compat,
         .choices = weir_abr_compat_choices},
    };
    int err = weir_abr_options_read("bola", options, params, 3, error);
    reset(s);
    return err;
}

static struct weir_abr_decision decide(void *state, const struct weir_abr_observation *o)
{
    struct bola *s = state;
    return weir_bola_rule_decide(&s->rule, o);
}

static struct weir_abr_watch watch(void *state, const struct weir_abr_observation *o,
                                   const struct weir_abr_transfer *t)
{
    struct bola *s = state;
    return weir_bola_rule_watch(&s->rule, o, t);
}

static void abandoned(void *state, const struct weir_abr_observation *o, size_t to_rung)
{
    struct bola *s = state;
    (void)o;
    weir_bola_rule_abandoned(&s->rule, to_rung);
}

const struct weir_abr_ops weir_abr_bola = {
    .name = "bola",
    .summary = "utility against buffer (Spiteri et al., INFOCOM 2016; variants ToN 2020)",
    .params_help = "variant=u: basic, finite, o or u; gp=5: weight of not stalling; "
                   "compat=off: sabre for exactly Sabre's behaviour (basic: its -ab, o: its -ao)",
    .state_bytes = sizeof(struct bola),
    .create = create,
    .reset = reset,
    .decide = decide,
    .watch = watch,
    .abandoned = abandoned,
};
