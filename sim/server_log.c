// sim/server_log.c — the request log: a JSON line for each request that is over.
#include "sim/server_request.h"

#include <jansson.h>
#include <stdlib.h>

#include "core/text.h"

static json_t *seconds(const struct weir_server *s, int64_t at_us)
{
    return at_us == WEIR_TIME_NONE ? json_null() : json_real((double)(at_us - s->start_us) / 1e6);
}

void weir_server_log(const struct weir_server_request *r, int64_t end_us)
{
    const struct weir_server *s = r->server;
    const char *fault = r->fault.kind == WEIR_FAULT_NONE ? NULL : weir_fault_name(r->fault.kind);
    (void)weir_text_clean(r->path);
    if (r->range)
        (void)weir_text_clean(r->range);
    json_t *line = json_pack(
        "{s:o, s:s, s:s, s:s?, s:i, s:I, s:o, s:o, s:o, s:s?}", "t", seconds(s, end_us), "method",
        r->method, "path", r->path, "range", r->range, "status", (int)r->status, "bytes",
        (json_int_t)r->sent_bytes, "start", seconds(s, r->start_us), "first_byte",
        seconds(s, r->first_byte_us), "end", seconds(s, end_us), "fault", fault);
    char *text = line ? json_dumps(line, JSON_COMPACT | JSON_REAL_PRECISION(12)) : NULL;
    if (text) {
        (void)fprintf(s->log, "%s\n", text);
        (void)fflush(s->log);
    }
    free(text);
    json_decref(line);
}
