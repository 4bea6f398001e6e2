// cli/html.h — the verb `weir report`, and `weir eval --report`.
#ifndef WEIR_CLI_HTML_H
#define WEIR_CLI_HTML_H

#include "sim/report.h"

// argv[0] is "report". Returns the exit status.
int weir_cli_html(int argc, char **argv);

// Write the page to `path`, "-": standard output. Returns the exit status.
int weir_cli_html_write(const struct weir_report_params *params, const char *path);

#endif
