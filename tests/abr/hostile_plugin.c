// tests/abr/hostile_plugin.c — a plug-in that answers nonsense, of the kind its parameter `mode`
// names; and, built with VARIANT, one that cannot be loaded. For test_plugin.c and the end-to-end
// test.
#include <string.h>

#include <weir/abr.h>

enum variant {
    GOOD,
    WRONG_INTERFACE,
    SMALL_TABLE,
    NO_DECIDE,
    NO_NAME,
    NO_OPS,
    NO_TABLE,
    HUGE_STATE,
};
#ifndef VARIANT
#define VARIANT GOOD
#endif

struct state {
    char mode[32];
    int64_t calls;
};

static bool is(const struct state *s, const char *mode)
{
    return strcmp(s->mode, mode) == 0 || strcmp(s->mode, "all") == 0;
}

static int create(void *state, const struct weir_abr_options *options, struct weir_error *error)
{
    struct state *s = state;
    for (size_t i = 0; i < options->count; i++)
        if (strcmp(options->items[i].key, "mode") == 0)
            strncpy(s->mode, options->items[i].value, sizeof(s->mode) - 1);
    if (strcmp(s->mode, "refuse") == 0)
        return 12345; // no code, no words
    if (strcmp(s->mode, "garble") == 0) {
        memset(error, 0x9b, sizeof(*error)); // no end, no UTF-8, control characters
        return WEIR_ERR_SYNTAX;
    }
    return 0;
}

static void reset(void *state)
{
    (void)state;
}

static const char *reason(const struct state *s)
{
    static char endless[100000];
    if (is(s, "long-reason"))
        memset(endless, 'x', sizeof(endless) - 1);
    return is(s, "null-reason")   ? NULL
           : is(s, "long-reason") ? endless
           : is(s, "bad-reason")  ? "\033[2Jgone\xff"
                                  : "as told";
}

static struct weir_abr_decision decide(void *state, const struct weir_abr_observation *o)
{
    struct state *s = state;
    struct weir_abr_decision d = {.rung = o->ladder->count - 1, .reason = reason(s)};
    int64_t n = s->calls++;
    if (is(s, "rung"))
        d.rung = n % 3 == 0 ? SIZE_MAX : n % 3 == 1 ? o->ladder->count : SIZE_MAX / 2;
    if (is(s, "negative-wait"))
        d.wait_us = n % 2 ? INT64_MIN : -1;
    if (is(s, "huge-wait"))
        d.wait_us = INT64_MAX;
    if (is(s, "committed-wait")) {
        d.wait_us = INT64_MAX;
        d.committed = true;
    }
    // What the bits of a NaN or of -0.0 make of whole numbers.
    double nan = -(double)__builtin_nanf("");
    if (is(s, "nan"))
        memcpy(&d.wait_us, &nan, sizeof(nan));
    if (is(s, "nan-rung"))
        memcpy(&d.rung, &nan, sizeof(nan));
    if (is(s, "all"))
        d.committed = n % 2;
    return d;
}

static struct weir_abr_watch watch(void *state, const struct weir_abr_observation *o,
                                   const struct weir_abr_transfer *t)
{
    struct state *s = state;
    struct weir_abr_watch w = {.done_bytes = INT64_MIN, .elapsed_us = INT64_MIN};
    if (is(s, "abandon-up"))
        return (struct weir_abr_watch){.abandon = true, .rung = o->ladder->count - 1};
    if (is(s, "abandon-same"))
        return (struct weir_abr_watch){.abandon = true, .rung = t->rung};
    if (is(s, "abandon-beyond"))
        return (struct weir_abr_watch){.abandon = true, .rung = SIZE_MAX};
    if (is(s, "abandon-always"))
        return (struct weir_abr_watch){.abandon = true, .rung = t->rung - 1};
    return w; // "watch": ask at every moment
}

static const struct weir_abr_ops ops = {
    .name = VARIANT == NO_NAME ? NULL : "hostile",
    .summary = "nonsense",
    .params_help = "mode=: which",
    .state_bytes = VARIANT == HUGE_STATE ? SIZE_MAX : sizeof(struct state),
    .create = create,
    .reset = reset,
    .decide = VARIANT == NO_DECIDE ? NULL : decide,
    .watch = watch,
};

#define ENTRY(name)                                                                                \
    WEIR_API const struct weir_abr_plugin *name(void);                                             \
    const struct weir_abr_plugin *name(void)                                                       \
    {                                                                                              \
        static const struct weir_abr_plugin plugin = {                                             \
            .interface = VARIANT == WRONG_INTERFACE ? 77 : WEIR_ABR_INTERFACE,                     \
            .ops_size = VARIANT == SMALL_TABLE ? 8 : sizeof(ops),                                  \
            .ops = VARIANT == NO_OPS ? NULL : &ops,                                                \
        };                                                                                         \
        return VARIANT == NO_TABLE ? NULL : &plugin;                                               \
    }
#ifdef NO_ENTRY_POINT
ENTRY(something_else)
#else
ENTRY(weir_abr_plugin)
#endif
