// weir/player.h — play one stream: open a URL, take pictures when they are due, give commands,
// watch what happens.
//
//     struct weir_player_params p = weir_player_params_default();
//     p.url = "https://example.com/stream.mpd";
//     weir_player_create(&p, &player, &error);
//     while ((r = weir_player_next_picture(player, &picture, &wait_us)) != WEIR_ERR_END) {
//         if (r == 0) { show(picture.frame); weir_player_release_picture(player, &picture); }
//         else weir_player_wait(player, wait_us);
//     }
//     weir_player_destroy(&player);
//
// Threads: create, destroy, next_picture, release_picture and wait belong to one thread (the
// application's); commands and status may come from any. Callbacks run on Weir's threads and must
// not call back into the player.
#ifndef WEIR_PLAYER_H
#define WEIR_PLAYER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/error.h>
#include <weir/log.h>

#ifdef __cplusplus
extern "C" {
#endif

struct AVFrame;
struct weir_player;

enum weir_audio_output {
    WEIR_AUDIO_NULL,   ///< decoded and dropped at the clock's pace
    WEIR_AUDIO_DEVICE, ///< the default sound device, through SDL2; the master clock
    WEIR_AUDIO_WAV,    ///< a float WAV file, unresampled
};

/** How to play. Zero is a sensible or rejected value everywhere; strings are copied. */
struct weir_player_params {
    const char *url; ///< required: http, https or file URL, or a local path
    const char *abr; ///< "NAME[:key=value,…]" (default "weir"); see `weir play --abr help`.
                     ///< With a `/` in it: a shared object that is loaded and run
                     ///< (weir/abr.h), so let no text from outside in
    long rung;       ///< >= 0: hold this rung, 0 the lowest; -1 (default): adapt
    int max_height;  ///< no rung above; 0: no bound
    int64_t max_bitrate_bps;
    int64_t buffer_max_us; ///< default 60 s
    int64_t startup_us;    ///< media playable before motion begins (default 0.24 s; 0: the first
                        ///< picture and sound); the first picture is shown before that, as it comes
    int64_t resume_us;             ///< media playable before a stall ends; default 2 s
    bool abandon;                  ///< default true
    int64_t start_us, duration_us; ///< what to play; duration 0: to the end
    bool no_video, no_audio;
    const char *audio_languages; ///< comma list in order of preference
    const char *audio_id;        ///< id of the track wanted
    bool untimed;                ///< deliver as fast as possible
    enum weir_audio_output audio_output;
    bool audio_required; ///< a sound device that cannot be opened is an error; else playback goes
                         ///< on silently
    const char *wav_path;
    int64_t memory_limit_bytes; ///< of segments and frames together; 0: none
    int threads;                ///< decoder threads; 0: one per core
    uint64_t seed;
    // Network.
    const char *const *headers; ///< "K: V"; to the URL's own origin only
    size_t header_count;
    const char *user_agent, *referer, *cookie_file, *proxy, *ca_file;
    bool netrc, insecure;
    int http_version;   ///< 11, 2, 3; 0: the best offered
    int64_t timeout_us; ///< connect, first byte and low speed; 0: defaults
    // Watching.
    /** One JSON object (weir.event/1) per call, no newline; from Weir's I/O thread. NULL: none. */
    void (*event)(void *ctx, const char *json);
    void *event_ctx;
    int64_t t0_us; ///< CLOCK_MONOTONIC time that events call 0; 0: create()
    struct weir_log log;
};

WEIR_API struct weir_player_params weir_player_params_default(void);

/** Start opening `params->url`; returns at once. 0 and *out, or INVAL, NOMEM, UNSUPPORTED with
 * `error`. */
WEIR_API int weir_player_create(const struct weir_player_params *params, struct weir_player **out,
                                struct weir_error *error);
/** Stops everything and joins every thread. All pictures must have been released. Accepts a pointer
 * to NULL. */
WEIR_API void weir_player_destroy(struct weir_player **player);

/** A decoded picture on loan. */
struct weir_player_picture {
    const struct AVFrame *frame;
    int64_t pts_us; ///< on the presentation timeline
    int rotation;   ///< degrees clockwise to turn for display
    void *handle;   ///< the player's own
};

/**
 * The picture that is due. 0: show it, then release it. WEIR_ERR_AGAIN: nothing is due; *wait_us is
 * how long until something may be (-1: until weir_player_wait() returns). WEIR_ERR_END: played to
 * the end. Any other error: playback failed or was stopped; weir_player_error() tells. Pictures too
 * late to be of use are dropped and counted.
 */
WEIR_API int weir_player_next_picture(struct weir_player *player, struct weir_player_picture *out,
                                      int64_t *wait_us);
WEIR_API void weir_player_release_picture(struct weir_player *player,
                                          struct weir_player_picture *picture);
/** Sleep until something happens or timeout_us (negative: no limit) has passed. */
WEIR_API void weir_player_wait(struct weir_player *player, int64_t timeout_us);
/** Why playback failed; code 0 while it has not. */
WEIR_API void weir_player_error(struct weir_player *player, struct weir_error *out);

WEIR_API void weir_player_pause(struct weir_player *player, bool paused);
WEIR_API void weir_player_seek(struct weir_player *player, int64_t media_us);
WEIR_API void weir_player_rate(struct weir_player *player, int rate_permille); ///< 250 to 4000
WEIR_API void weir_player_hold_rung(struct weir_player *player, size_t rung);
WEIR_API void weir_player_auto_rung(struct weir_player *player);
/** Media bytes that a sink of the application's own copied, for the "render" stage of the
 * statistics. */
WEIR_API void weir_player_count_render_copy(struct weir_player *player, int64_t bytes);
WEIR_API void weir_player_volume(struct weir_player *player, int percent, bool muted); ///< 0 to 130
WEIR_API void weir_player_stop(struct weir_player *player);

struct weir_player_status {
    bool opened, starting, stalled, paused, ended, rung_held, has_video, has_audio;
    int64_t position_us, duration_us; ///< duration INT64_MIN while unknown
    int64_t buffer_us, buffer_max_us, throughput_bps;
    size_t rung, rung_count;
    int64_t bitrate_bps;
    int width, height;         ///< of the current rung
    int max_width, max_height; ///< of the largest rung
    int64_t frames_delivered, frames_dropped;
    int rate_permille;
    int64_t pool_held_bytes, pool_high_water_bytes;
    char codec[64];
};
WEIR_API void weir_player_status(struct weir_player *player, struct weir_player_status *out);

/** Counters of the session so far. */
struct weir_player_statistics {
    int64_t startup_us; ///< -1 before playback began
    int64_t stall_count, stall_us, switch_count;
    int64_t segment_hits, segment_misses, frame_hits, frame_misses, foreign_frames;
    int64_t copied_net_bytes, copied_demux_bytes, copied_decode_bytes, copied_render_bytes;
};
WEIR_API void weir_player_statistics(struct weir_player *player,
                                     struct weir_player_statistics *out);

/**
 * The session as one JSON document, weir.session/1, once next_picture() said END or failed;
 * malloc'd, free() it. NULL before that, and when memory runs out.
 */
WEIR_API char *weir_player_summary(struct weir_player *player);

#ifdef __cplusplus
}
#endif
#endif
