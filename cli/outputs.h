// cli/outputs.h — what `weir play` writes to: window or file for pictures, checksums, events,
// summary.
#ifndef WEIR_CLI_OUTPUTS_H
#define WEIR_CLI_OUTPUTS_H

#include <stdatomic.h>
#include <stdio.h>

#include "cli/play_options.h"
#include "core/budget.h"
#include "render/framemd5.h"
#include "render/video.h"

struct weir_outputs {
    struct weir_video_sink *video;
    struct weir_framemd5 *framemd5;
    FILE *events;             // NULL: none
    _Atomic int events_errno; // of the first failed write
    struct weir_copy_counters copies;
    struct weir_log log;
};

// Open the files that the options name, before the player starts to report; then the window or
// picture file, while the stream is already being opened. 0 or the error; weir_outputs_close() in
// either case.
int weir_outputs_open_files(struct weir_outputs *out, const struct weir_play_options *o,
                            struct weir_error *error);
int weir_outputs_open_video(struct weir_outputs *out, const struct weir_play_options *o,
                            struct weir_error *error);
// Write one picture everywhere. 0 or OUTPUT with error.
int weir_outputs_picture(struct weir_outputs *out, const struct weir_player_picture *picture,
                         struct weir_error *error);
// struct weir_player_params.event; ctx is a struct weir_outputs. Any thread.
void weir_outputs_event(void *ctx, const char *json);
// Flush and close files: the last chance for a full disk to be noticed.
int weir_outputs_finish(struct weir_outputs *out, const struct weir_play_options *o,
                        struct weir_error *error);
void weir_outputs_close(struct weir_outputs *out);
// Write `text` and a newline to `path` ("-": standard output).
int weir_outputs_document(const char *path, const char *text, struct weir_error *error);

#endif
