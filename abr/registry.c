// abr/registry.c — the algorithms there are, and "NAME:key=value,…" into one of them or into a
// plug-in.
#include <stdlib.h>
#include <string.h>

#include "abr/algorithms.h"
#include "abr/instance.h"
#include "abr/plugin.h"
#include "core/text.h"

#define OPTIONS_MAX 16

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
    &weir_abr_weir,
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

static void mend_text(char *text, size_t bytes)
{
    text[bytes - 1] = '\0';
    (void)weir_text_clean(text);
}

// A plug-in's own refusal: any code and any text become an error that can be shown.
static int mend_refusal(const char *path, int err, struct weir_error *error)
{
    if (err > 0 || err < WEIR_ERR_DECODE)
        err = WEIR_ERR_INVAL;
    mend_text(error->where, sizeof(error->where));
    mend_text(error->what, sizeof(error->what));
    mend_text(error->why, sizeof(error->why));
    mend_text(error->hint, sizeof(error->hint));
    if (!error->what[0])
        weir_error_set(error, err, path, "the plug-in refuses its parameters");
    if (!error->where[0])
        memcpy(error->where, "--abr", sizeof("--abr"));
    error->code = err;
    return err;
}

// The text behind NAME: cut in place into options. `library` is the instance's, also on failure.
static int create(const struct weir_abr_ops *ops, void *library, const char *spec, uint64_t seed,
                  struct weir_abr **out, struct weir_error *error)
{
    char text[WEIR_ABR_SPEC_MAX_BYTES];
    memcpy(text, spec, strlen(spec) + 1);
    char *parameters = strchr(text, ':');
    struct weir_abr_option items[OPTIONS_MAX];
    struct weir_abr_options options = {.items = items, .seed = seed};
    if (parameters)
        *parameters++ = '\0'; // `text` is now the name
    int err = split_options(parameters, items, &options.count, error);
    struct weir_abr *a = err ? NULL : calloc(1, sizeof(*a));
    if (!a) {
        weir_abr_plugin_close(library);
        return err ? err : weir_error_set(error, WEIR_ERR_NOMEM, "--abr", "out of memory");
    }
    a->library = library;
    memcpy(a->spec, spec, strlen(spec) + 1);
    a->state = calloc(1, ops->state_bytes ? ops->state_bytes : 1);
    err = a->state ? ops->create(a->state, &options, error)
                   : weir_error_set(error, WEIR_ERR_NOMEM, "--abr", "out of memory");
    if (err && a->state && library)
        err = mend_refusal(text, err, error);
    if (!err)
        a->ops = ops; // only what was created is destroyed
    else
        weir_abr_destroy(&a);
    *out = a;
    return err;
}

static int check_length(const char *spec, struct weir_error *error)
{
    if (strlen(spec) < WEIR_ABR_SPEC_MAX_BYTES)
        return 0;
    return weir_error_set(error, WEIR_ERR_INVAL, "--abr", "longer than %d bytes",
                          WEIR_ABR_SPEC_MAX_BYTES - 1);
}

int weir_abr_create_from(const struct weir_abr_ops *ops, const char *spec, uint64_t seed,
                         struct weir_abr **out, struct weir_error *error)
{
    *out = NULL;
    int err = check_length(spec, error);
    return err ? err : create(ops, NULL, spec, seed, out, error);
}

int weir_abr_create(const char *spec, uint64_t seed, struct weir_abr **out,
                    struct weir_error *error)
{
    *out = NULL;
    struct weir_error unread = {0};
    if (!error)
        error = &unread; // algorithms may count on one
    int err = check_length(spec, error);
    if (err)
        return err;
    char name[WEIR_ABR_SPEC_MAX_BYTES];
    size_t length = strcspn(spec, ":");
    memcpy(name, spec, length);
    name[length] = '\0';
    const struct weir_abr_ops *ops = NULL;
    void *library = NULL;
    if (strchr(name, '/'))
        err = weir_abr_plugin_open(name, &ops, &library, error);
    else
        ops = find(name);
    if (err)
        return err;
    return ops ? create(ops, library, spec, seed, out, error) : unknown_name(name, error);
}

void weir_abr_destroy(struct weir_abr **a)
{
    if (*a) {
        if ((*a)->ops && (*a)->ops->destroy)
            (*a)->ops->destroy((*a)->state);
        free((*a)->state);
        weir_abr_plugin_close((*a)->library);
    }
    free(*a);
    *a = NULL;
}
