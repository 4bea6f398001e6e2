// abr/registry.c — the algorithms there are, "NAME:key=value,…" into one of them, and the calls
// that contain nonsense: whatever an algorithm answers, the engine gets a rung of the ladder and a
// bounded wait.
#include "abr/abr.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "abr/algorithms.h"

#define SPEC_MAX_BYTES 512
#define OPTIONS_MAX    16
#define WAIT_MAX_US    (INT64_C(60) * WEIR_SECOND_US)

struct weir_abr {
    const struct weir_abr_ops *ops;
    void *state;
    int64_t faults;
    const char *first_fault;
    char spec[SPEC_MAX_BYTES];
};

static const struct weir_abr_ops *const registry[] = {
    &weir_abr_bba_others,
    &weir_abr_bba0,
    &weir_abr_bba1,
    &weir_abr_bba2,
    &weir_abr_bola,
    &weir_abr_bolae,
    &weir_abr_dynamic,
    &weir_abr_fastmpc,
    &weir_abr_festive,
    &weir_abr_fixed,
    &weir_abr_hyb,
    &weir_abr_l2a,
    &weir_abr_lolp,
    &weir_abr_mpc,
    &weir_abr_random,
    &weir_abr_robustmpc,
    &weir_abr_soda,
    &weir_abr_throughput,
    NULL, // one a line, by name
};

const struct weir_abr_ops *const *weir_abr_registry(void)
{
    return registry;
}

static const struct weir_abr_ops *find(const char *name)
{
    for (size_t i = 0; registry[i]; i++) {
        if (strcmp(registry[i]->name, name) == 0)
            return registry[i];
    }
    return NULL;
}

static int unknown_name(const char *name, struct weir_error *error)
{
    char names[200] = "";
    size_t used = 0;
    for (size_t i = 0; registry[i] && used + strlen(registry[i]->name) + 2 < sizeof(names); i++) {
        if (used)
            names[used++] = ' ';
        size_t n = strlen(registry[i]->name);
        memcpy(names + used, registry[i]->name, n + 1);
        used += n;
    }
    weir_error_set(error, WEIR_ERR_INVAL, "--abr", "no algorithm \"%s\"", name);
    weir_error_hint(error, "one of %s", names);
    return WEIR_ERR_INVAL;
}

// Cuts "key=value,key=value" in place into options that point into it.
static int split_options(char *text, struct weir_abr_option *items, size_t *count,
                         struct weir_error *error)
{
    *count = 0;
    while (text && *text) {
        char *next = strchr(text, ',');
        if (next)
            *next++ = '\0';
        char *value = strchr(text, '=');
        if (!value || value == text)
            return weir_error_set(error, WEIR_ERR_INVAL, "--abr", "\"%s\" is not KEY=VALUE", text);
        *value++ = '\0';
        if (*count == OPTIONS_MAX)
            return weir_error_set(error, WEIR_ERR_INVAL, "--abr", "more than %d parameters",
                                  OPTIONS_MAX);
        items[(*count)++] = (struct weir_abr_option){.key = text, .value = value};
        text = next;
    }
    return 0;
}

// The text behind NAME: cut in place into options.
static int create(const struct weir_abr_ops *ops, const char *spec, uint64_t seed,
                  struct weir_abr **out, struct weir_error *error)
{
    char text[SPEC_MAX_BYTES];
    memcpy(text, spec, strlen(spec) + 1);
    char *parameters = strchr(text, ':');
    struct weir_abr_option items[OPTIONS_MAX];
    struct weir_abr_options options = {.items = items, .seed = seed};
    int err = split_options(parameters ? parameters + 1 : NULL, items, &options.count, error);
    if (err)
        return err;
    struct weir_abr *a = calloc(1, sizeof(*a));
    if (!a)
        return weir_error_set(error, WEIR_ERR_NOMEM, "--abr", "out of memory");
    memcpy(a->spec, spec, strlen(spec) + 1);
    a->state = calloc(1, ops->state_bytes ? ops->state_bytes : 1);
    err = a->state ? ops->create(a->state, &options, error)
                   : weir_error_set(error, WEIR_ERR_NOMEM, "--abr", "out of memory");
    if (!err)
        a->ops = ops; // only what was created is destroyed
    else
        weir_abr_destroy(&a);
    *out = a;
    return err;
}

static int check_length(const char *spec, struct weir_error *error)
{
    if (strlen(spec) < SPEC_MAX_BYTES)
        return 0;
    return weir_error_set(error, WEIR_ERR_INVAL, "--abr", "longer than %d bytes",
                          SPEC_MAX_BYTES - 1);
}

int weir_abr_create_from(const struct weir_abr_ops *ops, const char *spec, uint64_t seed,
                         struct weir_abr **out, struct weir_error *error)
{
    *out = NULL;
    int err = check_length(spec, error);
    return err ? err : create(ops, spec, seed, out, error);
}

int weir_abr_create(const char *spec, uint64_t seed, struct weir_abr **out,
                    struct weir_error *error)
{
    *out = NULL;
    int err = check_length(spec, error);
    if (err)
        return err;
    char name[SPEC_MAX_BYTES];
    size_t length = strcspn(spec, ":");
    memcpy(name, spec, length);
    name[length] = '\0';
    const struct weir_abr_ops *ops = find(name);
    if (!ops)
        return unknown_name(name, error);
    return create(ops, spec, seed, out, error);
}

void weir_abr_destroy(struct weir_abr **a)
{
    if (*a) {
        if ((*a)->ops && (*a)->ops->destroy)
            (*a)->ops->destroy((*a)->state);
        free((*a)->state);
    }
    free(*a);
    *a = NULL;
}

const struct weir_abr_ops *weir_abr_ops(const struct weir_abr *a)
{
    return a->ops;
}

const char *weir_abr_spec(const struct weir_abr *a)
{
    return a->spec;
}

void *weir_abr_state(struct weir_abr *a)
{
    return a->state;
}

int64_t weir_abr_faults(const struct weir_abr *a, const char **first)
{
    if (first)
        *first = a->first_fault;
    return a->faults;
}

static void note_fault(struct weir_abr *a, const char *what)
{
    if (!a->faults++)
        a->first_fault = what;
}

static size_t clamp_rung(struct weir_abr *a, const struct weir_abr_observation *o, size_t rung)
{
    if (rung < o->ladder->count)
        return rung;
    note_fault(a, "a rung beyond the ladder");
    return o->ladder->count - 1;
}

struct weir_abr_decision weir_abr_decide(struct weir_abr *a, const struct weir_abr_observation *o)
{
    assert(o->ladder->count > 0);
    struct weir_abr_decision d = a->ops->decide(a->state, o);
    d.rung = clamp_rung(a, o, d.rung);
    if (d.wait_us < 0) {
        note_fault(a, "a negative wait");
        d.wait_us = 0;
    }
    if (d.wait_us > WAIT_MAX_US)
        d.wait_us = WAIT_MAX_US;
    if (!d.reason)
        d.reason = "";
    return d;
}

void weir_abr_fetched(struct weir_abr *a, const struct weir_abr_observation *o,
                      const struct weir_abr_fetched *f)
{
    if (a->ops->fetched)
        a->ops->fetched(a->state, o, f);
}

void weir_abr_sampled(struct weir_abr *a, const struct weir_abr_observation *o,
                      const struct weir_throughput_sample *s)
{
    if (a->ops->sampled)
        a->ops->sampled(a->state, o, s);
}

struct weir_abr_watch weir_abr_watch(struct weir_abr *a, const struct weir_abr_observation *o,
                                     const struct weir_abr_transfer *t)
{
    assert(o->ladder->count > 0);
    struct weir_abr_watch never = {.done_bytes = INT64_MAX, .elapsed_us = INT64_MAX};
    if (!a->ops->watch || t->rung == 0)
        return never;
    struct weir_abr_watch w = a->ops->watch(a->state, o, t);
    // Only a smaller segment can be worth the bytes thrown away.
    if (w.abandon && w.rung >= t->rung) {
        note_fault(a, "an abandonment for a rung that is not lower");
        return never;
    }
    return w;
}

void weir_abr_abandoned(struct weir_abr *a, const struct weir_abr_observation *o, size_t to_rung)
{
    if (a->ops->abandoned)
        a->ops->abandoned(a->state, o, clamp_rung(a, o, to_rung));
}

void weir_abr_reset(struct weir_abr *a)
{
    a->ops->reset(a->state);
}
