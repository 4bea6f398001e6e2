// cli/content.h — `weir content make|info`.
#ifndef WEIR_CLI_CONTENT_H
#define WEIR_CLI_CONTENT_H

int weir_cli_content(int argc, char **argv);

#endif
