// abr/throughput.c — THROUGHPUT: the rung for a share of the estimated throughput (Spiteri et al.,
// MMSys 2018, section 5). Abandons a transfer that would take far longer than its segment plays.
// The rule itself is in throughput_rule.c.
#include "abr/algorithms.h"
#include "abr/options.h"
#include "abr/throughput_rule.h"

struct throughput {
    int cap, compat; // choices below
    struct weir_throughput_rule rule;
};

static const char *const cap_choices[] = {"on", "off", NULL};

static void reset(void *state)
{
    struct throughput *s = state;
    s->rule.uncapped = s->cap != 0;
    s->rule.sabre = s->compat != 0;
    weir_throughput_rule_reset(&s->rule);
}

static int create(void *state, const struct weir_abr_options *options, struct weir_error *error)
{
    struct throughput *s = state;
    s->rule.safety = 0.9;
    const struct weir_abr_param params[] = {
        {.key = "safety",
         .kind = WEIR_ABR_PARAM_REAL,
         .value = &s->rule.safety,
         .min = 0.01,
         .max = 10},
        {.key = "cap", .kind = WEIR_ABR_PARAM_CHOICE, .value = &s->cap, .choices = cap_choices},
        {.key = "compat",
         .kind = WEIR_ABR_PARAM_CHOICE,
         .value = &s->compat,
         .choices = weir_abr_compat_choices},
    };
    int err = weir_abr_options_read("throughput", options, params, 3, error);
    reset(s);
    return err;
}

static struct weir_abr_decision decide(void *state, const struct weir_abr_observation *o)
{
    struct throughput *s = state;
    return weir_throughput_rule_decide(&s->rule, o);
}

static struct weir_abr_watch watch(void *state, const struct weir_abr_observation *o,
                                   const struct weir_abr_transfer *t)
{
    const struct throughput *s = state;
    return weir_throughput_rule_watch(&s->rule, o, t);
}

const struct weir_abr_ops weir_abr_throughput = {
    .name = "throughput",
    .summary = "the rung for a share of the estimated throughput (Spiteri et al., MMSys 2018, 5)",
    .params_help = "safety=0.9: share of the estimate to use; "
                   "cap=on: lower the rung where its segment would come too late (4.4); "
                   "compat=off: sabre for exactly Sabre's behaviour",
    .state_bytes = sizeof(struct throughput),
    .create = create,
    .reset = reset,
    .decide = decide,
    .watch = watch,
};
