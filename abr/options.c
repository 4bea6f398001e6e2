// abr/options.c — see options.h. Decimals are read as whole millionths, so that the decimal point
// of the locale plays no part and equal text gives equal bits.
#include "abr/options.h"

#include <stdio.h>
#include <string.h>

const char *const weir_abr_compat_choices[] = {"off", "sabre", NULL};

#define MICRO INT64_C(1000000)
// Whole parts beyond this are nobody's intent, and the bound keeps the sums below exact.
#define WHOLE_MAX INT64_C(1000000000000)

static bool read_micro(const char *s, int64_t *out)
{
    int64_t whole = 0;
    int64_t fraction = 0;
    int64_t unit = MICRO;
    bool any = false;
    for (; *s >= '0' && *s <= '9'; s++, any = true) {
        whole = whole * 10 + (*s - '0');
        if (whole > WHOLE_MAX)
            return false;
    }
    if (*s == '.') {
        for (s++; *s >= '0' && *s <= '9'; s++, any = true) {
            unit /= 10;
            fraction += unit * (*s - '0'); // digits beyond the sixth have unit 0
        }
    }
    *out = whole * MICRO + fraction;
    return any && *s == '\0';
}

static bool read_whole(const char *s, uint64_t max, uint64_t *out)
{
    uint64_t n = 0;
    if (*s == '\0')
        return false;
    for (; *s; s++) {
        if (*s < '0' || *s > '9')
            return false;
        uint64_t digit = (uint64_t)(*s - '0');
        if (n > (max - digit) / 10)
            return false;
        n = n * 10 + digit;
    }
    *out = n;
    return true;
}

static bool read_choice(const char *s, const char *const *choices, int *out)
{
    for (int i = 0; choices[i]; i++) {
        if (strcmp(choices[i], s) == 0) {
            *out = i;
            return true;
        }
    }
    return false;
}

static bool in_bounds(const struct weir_abr_param *p, int64_t micro)
{
    double x = (double)micro / (double)MICRO;
    return x >= p->min && x <= p->max;
}

static bool read_value(const struct weir_abr_param *p, const char *text)
{
    int64_t micro;
    uint64_t whole;
    switch (p->kind) {
    case WEIR_ABR_PARAM_SECONDS:
        if (!read_micro(text, &micro) || !in_bounds(p, micro))
            return false;
        *(int64_t *)p->value = micro;
        return true;
    case WEIR_ABR_PARAM_REAL:
        if (!read_micro(text, &micro) || !in_bounds(p, micro))
            return false;
        *(double *)p->value = (double)micro / (double)MICRO;
        return true;
    case WEIR_ABR_PARAM_COUNT:
        if (!read_whole(text, SIZE_MAX - 1, &whole))
            return false;
        *(size_t *)p->value = (size_t)whole;
        return true;
    case WEIR_ABR_PARAM_SEED:
        return read_whole(text, UINT64_MAX, p->value);
    case WEIR_ABR_PARAM_CHOICE:
        return read_choice(text, p->choices, p->value);
    }
    return false;
}

static void join(char *out, size_t room, const char *word)
{
    size_t used = strlen(out);
    (void)snprintf(out + used, room - used, "%s%s", used ? " " : "", word);
}

static int unknown_key(const char *name, const char *key, const struct weir_abr_param *params,
                       size_t count, struct weir_error *error)
{
    char keys[160] = "";
    for (size_t i = 0; i < count; i++)
        join(keys, sizeof(keys), params[i].key);
    weir_error_set(error, WEIR_ERR_INVAL, "--abr", "%s: no parameter \"%s\"", name, key);
    if (count)
        weir_error_hint(error, "parameters of %s: %s", name, keys);
    else
        weir_error_hint(error, "%s takes no parameters", name);
    return WEIR_ERR_INVAL;
}

static int bad_value(const char *name, const struct weir_abr_param *p, const char *value,
                     struct weir_error *error)
{
    char words[160] = "";
    weir_error_set(error, WEIR_ERR_INVAL, "--abr", "%s: bad value \"%s\" for %s", name, value,
                   p->key);
    switch (p->kind) {
    case WEIR_ABR_PARAM_SECONDS:
    case WEIR_ABR_PARAM_REAL:
        weir_error_hint(error, "%s: a number from %g to %g", p->key, p->min, p->max);
        break;
    case WEIR_ABR_PARAM_COUNT:
    case WEIR_ABR_PARAM_SEED:
        weir_error_hint(error, "%s: a whole number from 0", p->key);
        break;
    case WEIR_ABR_PARAM_CHOICE:
        for (size_t i = 0; p->choices[i]; i++)
            join(words, sizeof(words), p->choices[i]);
        weir_error_hint(error, "%s: one of %s", p->key, words);
        break;
    }
    return WEIR_ERR_INVAL;
}

int weir_abr_options_read(const char *name, const struct weir_abr_options *options,
                          const struct weir_abr_param *params, size_t param_count,
                          struct weir_error *error)
{
    for (size_t i = 0; i < options->count; i++) {
        const struct weir_abr_option *option = &options->items[i];
        size_t k = 0;
        while (k < param_count && strcmp(params[k].key, option->key) != 0)
            k++;
        if (k == param_count)
            return unknown_key(name, option->key, params, param_count, error);
        if (!read_value(&params[k], option->value))
            return bad_value(name, &params[k], option->value, error);
    }
    return 0;
}
