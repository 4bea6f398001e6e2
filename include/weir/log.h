// weir/log.h — where Weir's messages go. The library prints nothing by itself.
#ifndef WEIR_LOG_H
#define WEIR_LOG_H

#include <weir/error.h>

#ifdef __cplusplus
extern "C" {
#endif

enum weir_log_level {
    WEIR_LOG_ERROR = 0, ///< playback stops
    WEIR_LOG_WARN,      ///< the viewer may notice
    WEIR_LOG_INFO,      ///< one line per playback event
    WEIR_LOG_DEBUG,     ///< one line per segment
    WEIR_LOG_TRACE,     ///< one line per step
};

/**
 * A sink for messages. `write` gets one line without its newline, valid during the call only, and
 * may be called from any of Weir's threads at once. Messages above `level` are not formatted.
 */
struct weir_log {
    void (*write)(void *ctx, enum weir_log_level level, const char *line);
    void *ctx;
    enum weir_log_level level;
};

/** Format and write one message; `log` NULL is silent. Thread-safe if the sink is. Allocates
 * nothing. */
WEIR_API void weir_log(const struct weir_log *log, enum weir_log_level level, const char *fmt, ...)
    WEIR_PRINTF(3, 4);

#ifdef __cplusplus
}
#endif
#endif
