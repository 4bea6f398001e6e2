// cli/abr_help.c — see abr_help.h. All of it is what the algorithms say of themselves.
#include "cli/abr_help.h"

#include <string.h>

#include "abr/abr.h"

// "key=default: meaning; key=…", a line each.
static void print_params(const char *text, FILE *out)
{
    while (*text) {
        size_t n = strcspn(text, ";");
        (void)fprintf(out, "      %.*s\n", (int)n, text);
        text += n;
        text += strspn(text, "; ");
    }
}

void weir_cli_print_abr_help(FILE *out)
{
    (void)fputs("--abr NAME[:key=value,…]\n\n", out);
    for (const struct weir_abr_ops *const *a = weir_abr_registry(); *a; a++) {
        (void)fprintf(out, "  %-12s %s\n", (*a)->name, (*a)->summary);
        print_params((*a)->params_help, out);
    }
}
