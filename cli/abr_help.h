// cli/abr_help.h — `--abr help`: every algorithm with its parameters and source.
#ifndef WEIR_CLI_ABR_HELP_H
#define WEIR_CLI_ABR_HELP_H

#include <stdio.h>

void weir_cli_print_abr_help(FILE *out);

#endif
