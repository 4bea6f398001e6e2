// abr/weir_progress.c — see weir_progress.h.
#include "abr/weir_progress.h"

#include <string.h>

// What nothing at all is taken for.
#define NOTHING_BYTES 500

void weir_progress_forget(struct weir_progress *p)
{
    p->marks[0].elapsed_us = INT64_MAX;
}

void weir_progress_look(struct weir_progress *p, const struct weir_abr_transfer *t)
{
    struct weir_progress_mark *marks = p->marks;
    if (t->elapsed_us < marks[0].elapsed_us) {
        for (size_t i = 0; i < WEIR_PROGRESS_MARKS; i++)
            marks[i] = (struct weir_progress_mark){
                .elapsed_us = t->elapsed_us - t->since_first_byte_us,
            };
    }
    if (t->elapsed_us - marks[0].elapsed_us < WEIR_PROGRESS_WINDOW_US)
        return;
    memmove(marks + 1, marks, sizeof(*marks) * (WEIR_PROGRESS_MARKS - 1));
    marks[0] = (struct weir_progress_mark){.elapsed_us = t->elapsed_us, .bytes = t->done_bytes};
}

static double rate_since(const struct weir_abr_transfer *t, const struct weir_progress_mark *from)
{
    int64_t took_us = t->elapsed_us - from->elapsed_us;
    if (took_us < WEIR_PROGRESS_WINDOW_US / 2)
        return 0;
    return ((double)(t->done_bytes - from->bytes) + NOTHING_BYTES) * 1e6 / (double)took_us;
}

double weir_progress_rate(const struct weir_progress *p, const struct weir_abr_transfer *t,
                          bool patient)
{
    double recent = rate_since(t, &p->marks[0]);
    if (recent <= 0) // the newest mark is too fresh
        recent = rate_since(t, &p->marks[1]);
    double longer = patient ? rate_since(t, &p->marks[WEIR_PROGRESS_MARKS - 1]) : 0;
    return recent > longer ? recent : longer;
}
