// core/log.c — formats a message on the stack and hands it to the sink. The library prints nothing
// itself.
#include <weir/log.h>

#include <stdarg.h>

#include "core/text.h"

void weir_log(const struct weir_log *log, enum weir_log_level level, const char *fmt, ...)
{
    if (!log || !log->write || level > log->level)
        return;
    char line[1024];
    va_list args;
    va_start(args, fmt);
    weir_text_vformat(line, sizeof(line), fmt, args);
    va_end(args);
    log->write(log->ctx, level, line);
}
