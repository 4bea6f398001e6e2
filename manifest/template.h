// manifest/template.h — URL templates of DASH: $RepresentationID$, $Number%05d$, $Time$,
// $Bandwidth$, $$ (ISO/IEC 23009-1, 5.3.9.4.4). Formatted by hand: template text never reaches
// printf.
#ifndef WEIR_MANIFEST_TEMPLATE_H
#define WEIR_MANIFEST_TEMPLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct weir_template_values {
    const char *representation_id; // NULL: unknown
    int64_t number, time, bandwidth_bps;
};

struct weir_template_uses {
    bool representation_id, number, time, bandwidth, sub_number;
};

// What a template uses. False, with a reason in *why (static text), for an unclosed "$", an unknown
// identifier, or a format other than %0Nd.
bool weir_template_check(const char *text, struct weir_template_uses *uses, const char **why);

// Fill in into out[out_size_bytes]. Length without the NUL, or -1 when it is malformed or does not
// fit.
int weir_template_format(const char *text, const struct weir_template_values *values, char *out,
                         size_t out_size_bytes);

#endif
