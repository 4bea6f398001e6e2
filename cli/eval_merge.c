// cli/eval_merge.c — `weir eval merge A B … --db OUT`: the databases of shards become one.
#include "cli/eval_merge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/report.h"
#include "sim/store.h"

static const char help[] =
    "usage: weir eval merge DB… --db OUT\n"
    "\n"
    "Joins the databases of shards (`weir eval --shard`) into OUT, which then equals\n"
    "that of one run. OUT may exist: what it holds is joined, too. Refused are\n"
    "databases of other versions or conditions, or whose traces, contents or sessions\n"
    "differ under the same name.\n"
    "\n"
    "  --db OUT  where to\n"
    "  --help    this text\n";

int weir_cli_eval_merge(int argc, char **argv)
{
    const char *out = NULL;
    size_t count = 0;
    const char **paths = calloc((size_t)argc + 1, sizeof(*paths));
    int code = WEIR_EXIT_OK;
    bool helped = false;
    if (!paths)
        return weir_cli_usage("eval merge", "DB", "memory ran out");
    for (int i = 1; code == WEIR_EXIT_OK && !helped && i < argc; i++) {
        if (!strcmp(argv[i], "--help")) {
            helped = true;
        } else if (!strcmp(argv[i], "--db")) {
            if (++i == argc)
                code = weir_cli_usage("eval", "--db", "a value is missing");
            else
                out = argv[i];
        } else if (!strncmp(argv[i], "--db=", 5)) {
            out = argv[i] + 5;
        } else if (argv[i][0] == '-') {
            code = weir_cli_usage("eval", argv[i], "unknown option");
        } else {
            paths[count++] = argv[i];
        }
    }
    if (helped)
        (void)fputs(help, stdout);
    else if (code == WEIR_EXIT_OK && !count)
        code = weir_cli_usage("eval", "merge", "which databases? They are missing");
    else if (code == WEIR_EXIT_OK && !out)
        code = weir_cli_usage("eval", "--db", "where to? It is missing");
    if (code == WEIR_EXIT_OK && !helped) {
        struct weir_error e = {0};
        if (weir_store_merge(paths, count, out, &e) < 0) {
            weir_cli_print_error(&e);
            code = (int)weir_cli_exit_code(e.code, false);
        }
    }
    free(paths);
    return code;
}
