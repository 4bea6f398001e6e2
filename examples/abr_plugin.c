// abr_plugin.c — an algorithm of your own, as a plug-in: weir sim --abr ./abr_plugin.so:least=40 …
//
// It takes the highest rung whose next segment arrives within a share of the time that the buffer
// allows, and that share grows with the buffer: cautious when there is little in hand, bold when
// there is much. Compare it with the published ones on your own traces:
//
//   cc -std=c11 -O2 -shared -fPIC -o abr_plugin.so abr_plugin.c $(pkg-config --cflags weir)
// (in a checkout -Iinclude does for pkg-config)
//   weir eval --traces TRACES --contents CONTENT --abr bola,./abr_plugin.so --report out.html
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/abr.h>

// Parameters, and all that is remembered between calls. Weir allocates it, zeroed.
struct state {
    double least, most; // shares of a segment's duration that its transfer may take
};

static int read_percent(const struct weir_abr_option *option, double *out, struct weir_error *error)
{
    char *end;
    long percent = strtol(option->value, &end, 10);
    if (end == option->value || *end || percent < 1 || percent > 1000) {
        // No function of libweir is needed to report an error: these are plain arrays.
        (void)snprintf(error->what, sizeof(error->what), "bad value \"%.40s\" for %s",
                       option->value, option->key);
        (void)snprintf(error->hint, sizeof(error->hint), "%s: percent, from 1 to 1000",
                       option->key);
        return WEIR_ERR_INVAL;
    }
    *out = (double)percent / 100;
    return 0;
}

static int create(void *state, const struct weir_abr_options *options, struct weir_error *error)
{
    struct state *s = state;
    s->least = 0.5;
    s->most = 1.5;
    int err = 0;
    for (size_t i = 0; i < options->count && !err; i++) {
        const struct weir_abr_option *option = &options->items[i];
        if (strcmp(option->key, "least") == 0) {
            err = read_percent(option, &s->least, error);
        } else if (strcmp(option->key, "most") == 0) {
            err = read_percent(option, &s->most, error);
        } else {
            (void)snprintf(error->what, sizeof(error->what), "no parameter \"%.40s\"", option->key);
            (void)snprintf(error->hint, sizeof(error->hint), "parameters: least most");
            err = WEIR_ERR_INVAL;
        }
    }
    return err;
}

// A new session, or a seek. There is no history to forget here.
static void reset(void *state)
{
    (void)state;
}

// How long the next segment takes at the throughput known, in seconds. Its true size where the
// manifest tells it, else what the bitrate promises.
static double transfer_s(const struct weir_abr_observation *o, size_t rung)
{
    int64_t bytes = weir_abr_size(o, 0, rung);
    double bits = bytes > 0 ? 8.0 * (double)bytes
                            : (double)o->ladder->rungs[rung].bitrate_bps *
                                  (double)o->segment_duration_us / 1e6;
    return (double)o->latency_us / 1e6 + bits / (double)o->throughput_bps;
}

static struct weir_abr_decision decide(void *state, const struct weir_abr_observation *o)
{
    const struct state *s = state;
    struct weir_abr_decision d = {.rung = 0, .reason = "no throughput known"};
    if (o->throughput_bps <= 0 || o->buffer_max_us <= 0)
        return d;
    double filled = (double)o->buffer_level_us / (double)o->buffer_max_us;
    double share = s->least + (s->most - s->least) * filled;
    double allowed_s = share * (double)o->segment_duration_us / 1e6;
    for (size_t j = 1; j < o->ladder->count && transfer_s(o, j) <= allowed_s; j++)
        d.rung = j;
    d.reason = "arrives in its share of time";
    return d;
}

// A transfer that takes twice its segment's duration is given up for the lowest rung: not to be
// asked before that much time has passed.
static struct weir_abr_watch watch(void *state, const struct weir_abr_observation *o,
                                   const struct weir_abr_transfer *t)
{
    (void)state;
    struct weir_abr_watch w = {.elapsed_us = 2 * o->segment_duration_us};
    w.abandon = t->elapsed_us >= w.elapsed_us && t->done_bytes < t->size_bytes / 2;
    if (!w.abandon && t->elapsed_us >= w.elapsed_us) {
        w.elapsed_us = INT64_MAX; // half of it is here: let it come
        w.done_bytes = INT64_MAX;
    }
    return w;
}

static const struct weir_abr_ops ops = {
    .name = "my-own",
    .summary = "the rung that arrives within a share of its duration, larger the fuller the buffer",
    .params_help = "least=50: percent of the duration with an empty buffer; "
                   "most=150: with a full one",
    .state_bytes = sizeof(struct state),
    .create = create,
    .reset = reset,
    .decide = decide,
    .watch = watch,
};

// What Weir looks for in the shared object.
WEIR_API const struct weir_abr_plugin *weir_abr_plugin(void);

const struct weir_abr_plugin *weir_abr_plugin(void)
{
    static const struct weir_abr_plugin plugin = {
        .interface = WEIR_ABR_INTERFACE,
        .ops_size = sizeof(struct weir_abr_ops),
        .ops = &ops,
    };
    return &plugin;
}
