// abr/weir_progress.h — how fast the transfer in flight has been lately, from looks at it about a
// second apart.
#ifndef WEIR_ABR_WEIR_PROGRESS_H
#define WEIR_ABR_WEIR_PROGRESS_H

#include "abr/abr.h"
#include "core/clock.h"

#define WEIR_PROGRESS_WINDOW_US WEIR_SECOND_US
#define WEIR_PROGRESS_MARKS     5 // the newest and the four before

struct weir_progress_mark {
    int64_t elapsed_us, bytes;
};

struct weir_progress {
    struct weir_progress_mark marks[WEIR_PROGRESS_MARKS]; // newest first
};

// The looks to come are at another transfer.
void weir_progress_forget(struct weir_progress *p);
void weir_progress_look(struct weir_progress *p, const struct weir_abr_transfer *t);
// Bytes per second over the last second or so; `patient`: or over the last four or five, if that
// is more. Never quite 0; 0 where it is too early to say.
double weir_progress_rate(const struct weir_progress *p, const struct weir_abr_transfer *t,
                          bool patient);

#endif
