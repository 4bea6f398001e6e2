// player/select.h — from a presentation and the user's wishes to what the engine plays: one video
// and one audio track per period, their representations as rungs by rising bandwidth.
#ifndef WEIR_PLAYER_SELECT_H
#define WEIR_PLAYER_SELECT_H

#include <stdbool.h>

#include "core/arena.h"
#include "manifest/presentation.h"
#include "player/engine/engine.h"

struct weir_select_params {
    int max_height;          // 0: no bound
    int64_t max_bitrate_bps; // 0: no bound
    bool no_video, no_audio;
    const char *audio_languages; // comma list, most wanted first; NULL
    const char *audio_id;        // track id or label wanted; NULL
};

struct weir_selection {
    struct weir_arena arena; // owns the arrays; representations stay the presentation's
    struct weir_engine_content content;
    bool has[WEIR_ENGINE_TRACKS]; // in any period
    bool muxed_audio;             // sound is (or may be) inside the video segments
    const struct weir_track *tracks[WEIR_ENGINE_TRACKS]; // of the first period that has one
    int max_width, max_height;                           // of the video rungs; 0 unknown
    const char *video_codecs;                            // of the top video rung, may be NULL
};

// 0, or with `error`: UNSUPPORTED (live, encrypted, no decoder, nothing of the kind wanted), NOMEM,
// SYNTAX.
int weir_select(const struct weir_presentation *p, const struct weir_select_params *params,
                struct weir_selection *out, struct weir_error *error);
void weir_selection_clear(struct weir_selection *s);

// Whether this FFmpeg decodes every codec of an RFC 6381 list; an absent list is believed.
// `unknown` (may be NULL) gets the first entry that it does not.
bool weir_codecs_supported(const char *codecs, char unknown[64]);
// Pictures a decoder of these codecs must hold at this size: from the level where the string has
// one (H.264 Table A-1), else the codec's own maximum.
int weir_codecs_reference_frames(const char *codecs, int width, int height);

#endif
