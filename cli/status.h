// cli/status.h — the status line: where playback is, what it plays, and how the buffer and the
// network are doing, in one line of the terminal that is drawn over again.
#ifndef WEIR_CLI_STATUS_H
#define WEIR_CLI_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct weir_status_view {
    int64_t position_us, duration_us; // WEIR_TIME_NONE: not known
    size_t rung, rung_count;          // 0: lowest; count 0: nothing chosen yet
    int height;                       // of the rung, 0: none or not known
    int64_t bitrate_bps;              // declared, 0: not known
    int64_t buffer_us, buffer_max_us;
    int64_t throughput_bps; // 0: not measured yet
    int64_t dropped;
    bool paused, stalled, starting, rung_held;
    int rate_permille; // 0 counts as 1000
    int volume_percent;
    bool muted;
    const char *note; // borrowed; shown last; may be NULL
};

enum { WEIR_STATUS_MAX_BYTES = 1024 };

// The line for a terminal of that many columns: what does not fit is left out, the least important
// first. No control characters. Returns its length in bytes.
size_t weir_status_format(const struct weir_status_view *view, size_t columns, bool utf8,
                          char out[WEIR_STATUS_MAX_BYTES]);

// "1:02:03" or "2:03"; "-:--" for WEIR_TIME_NONE. `out` of 32 bytes.
void weir_status_time(int64_t us, char out[32]);
// "850 kbit/s", "2.4 Mbit/s". `out` of 32 bytes.
void weir_status_rate(int64_t bps, char out[32]);
// A bar of `columns` cells, `part` of `whole` filled, in UTF-8 blocks or ASCII. `out` of 3 ×
// columns + 1 bytes.
void weir_status_bar(int64_t part, int64_t whole, size_t columns, bool utf8, char *out);

// The line on the terminal at `fd`; nothing is drawn where that is no terminal that can clear a
// line.
struct weir_status_line {
    int fd;
    bool enabled, utf8, drawn;
};
void weir_status_line_init(struct weir_status_line *l, int fd);
void weir_status_line_draw(struct weir_status_line *l, const struct weir_status_view *view);
// Take it away, before anything else is written there.
void weir_status_line_clear(struct weir_status_line *l);
// Leave the last state standing and go to the next line.
void weir_status_line_finish(struct weir_status_line *l);

#endif
