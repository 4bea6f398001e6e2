// cli/eval_check.c — see eval_check.h.
#include "cli/eval_check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/report.h"
#include "sim/condition.h"

// 0 or what is in the way. Nothing is changed, and a pipe's reader sees no writer come and go.
static int why_not_writable(const char *path)
{
    struct stat there;
    if (stat(path, &there) == 0)
        return S_ISDIR(there.st_mode) ? EISDIR : access(path, W_OK) != 0 ? errno : 0;
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0)
        return errno;
    (void)close(fd);
    (void)unlink(path);
    return 0;
}

int weir_eval_check_outputs(const struct weir_eval_options *o)
{
    const char *const outputs[] = {o->csv, o->segments, o->jsonl, o->report};
    for (size_t i = 0; i < sizeof(outputs) / sizeof(outputs[0]); i++) {
        int why = outputs[i] && strcmp(outputs[i], "-") != 0 ? why_not_writable(outputs[i]) : 0;
        if (!why)
            continue;
        (void)fprintf(stderr, "weir: %s: cannot be written (%s)\n", outputs[i],
                      strerror(why)); // NOLINT(concurrency-mt-unsafe)
        return WEIR_EXIT_OUTPUT;
    }
    return WEIR_EXIT_OK;
}

static bool is_algorithm(const struct weir_eval_options *o, const struct weir_store *store,
                         const char *name)
{
    for (size_t i = 0; i < o->abr_count; i++)
        if (strcmp(o->abrs[i], name) == 0)
            return true;
    for (size_t i = 0; o->sweep.optimal && i < WEIR_SWEEP_OPTIMA; i++)
        if (strcmp(weir_sweep_optima[i], name) == 0)
            return true;
    for (size_t i = 0; store && i < weir_store_abr_count(store); i++)
        if (strcmp(weir_store_abr(store, i)->spec, name) == 0)
            return true;
    return false;
}

static bool is_set_or_content(const struct weir_inputs *in, const struct weir_store *store,
                              const char *name)
{
    for (size_t i = 0; i < in->trace_count; i++)
        if (strcmp(in->traces[i].set, name) == 0)
            return true;
    for (size_t i = 0; i < in->content_count; i++)
        if (strcmp(in->contents[i].name, name) == 0)
            return true;
    for (size_t i = 0; store && i < weir_store_trace_count(store); i++)
        if (strcmp(weir_store_trace(store, i)->set, name) == 0)
            return true;
    for (size_t i = 0; store && i < weir_store_content_count(store); i++)
        if (strcmp(weir_store_content(store, i)->name, name) == 0)
            return true;
    return false;
}

int weir_eval_check_names(const struct weir_eval_options *o, const struct weir_inputs *inputs,
                          const struct weir_store *store)
{
    if (o->baseline && !is_algorithm(o, store, o->baseline))
        return weir_cli_usage("eval", "--baseline", "no sessions of \"%s\"", o->baseline);
    for (size_t i = 0; i < o->condition_count; i++) {
        struct weir_condition c;
        struct weir_error e = {0};
        if (weir_condition_parse(o->conditions[i], &c, &e) < 0) {
            weir_cli_print_error(&e);
            return WEIR_EXIT_USAGE;
        }
        for (size_t f = 0; f < c.filter_count; f++)
            if (!is_algorithm(o, store, c.filters[f]) &&
                !is_set_or_content(inputs, store, c.filters[f]))
                return weir_cli_usage("eval", "--fail-if",
                                      "no algorithm, trace set or content \"%s\" among the results",
                                      c.filters[f]);
    }
    return WEIR_EXIT_OK;
}
