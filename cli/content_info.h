// cli/content_info.h — what a content holds, for people and as weir.content-info/1.
#ifndef WEIR_CLI_CONTENT_INFO_H
#define WEIR_CLI_CONTENT_INFO_H

#include <stdio.h>

#include "sim/content.h"

// Standard output's state is the caller's to check.
void weir_content_info_print(const struct weir_content *c, FILE *out);
// A new reference, NULL when memory runs out.
json_t *weir_content_info_json(const struct weir_content *c);

#endif
