// render/video.h — where pictures go: a window (SDL2), a file (y4m), or nowhere (null). One ops
// table. A sink belongs to one thread, for SDL the process's main thread. It never waits for
// presentation time: the player calls it when due.
#ifndef WEIR_RENDER_VIDEO_H
#define WEIR_RENDER_VIDEO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libavutil/frame.h>

#include <weir/error.h>
#include <weir/log.h>

#include "core/budget.h"

struct weir_picture {
    const AVFrame *frame; // borrowed for the call; a sink that keeps it takes its own reference
    int64_t pts_us;
    int rotation; // degrees clockwise: 0, 90, 180, 270
};

// What a window reports. Keys use mpv's names in the table of cli/keys.c.
enum weir_input_kind {
    WEIR_INPUT_NONE,
    WEIR_INPUT_KEY,  // key: a Unicode code point, or one of enum weir_named_key
    WEIR_INPUT_QUIT, // window closed
    WEIR_INPUT_DROP, // reserved
};
enum weir_named_key {
    WEIR_KEY_LEFT = 0x110000,
    WEIR_KEY_RIGHT,
    WEIR_KEY_UP,
    WEIR_KEY_DOWN,
    WEIR_KEY_ESCAPE,
    WEIR_KEY_ENTER,
    WEIR_KEY_BACKSPACE,
};
struct weir_input {
    enum weir_input_kind kind;
    uint32_t key;
};

struct weir_video_sink;

struct weir_video_sink_ops {
    const char *name;
    // Show (or write) one picture now; the one before is let go. 0 or WEIR_ERR_OUTPUT with error.
    int (*present)(struct weir_video_sink *s, const struct weir_picture *p,
                   struct weir_error *error);
    // Next input event; kind NONE when there is none. Waits up to timeout_us. NULL op: a sink
    // without input.
    struct weir_input (*poll)(struct weir_video_sink *s, int64_t timeout_us);
    void (*set_fullscreen)(struct weir_video_sink *s, bool on); // may be NULL, as all below
    bool (*fullscreen)(const struct weir_video_sink *s);
    void (*set_overlay)(struct weir_video_sink *s,
                        const char *text); // multi-line; NULL: none. Redraws.
    void (*set_playing)(struct weir_video_sink *s,
                        bool playing); // inhibits the screensaver while true
    void (*set_title)(struct weir_video_sink *s, const char *title);
    // Size in square pixels of the largest picture to come: a window opens in that size rather than
    // in that of the first rung. Before the first present().
    void (*expect)(struct weir_video_sink *s, int width, int height);
    // Give up the reference to the picture shown: its owner goes away. What is shown stays, as a
    // copy.
    void (*release)(struct weir_video_sink *s);
    int (*screenshot)(struct weir_video_sink *s, const char *path,
                      struct weir_error *error); // PNG of the picture shown
    // Any thread: a poll in progress, or the next one, returns NONE at once. NULL: poll does not
    // wait.
    void (*wake)(struct weir_video_sink *s);
    int (*finish)(struct weir_video_sink *s,
                  struct weir_error *error); // flush files; the last chance to fail
    void (*destroy)(struct weir_video_sink *s);
};

struct weir_video_sink {
    const struct weir_video_sink_ops *ops;
};

struct weir_sdl_video_params {
    const char *title;
    bool fullscreen;
    int width, height; // of the picture expected; 0: unknown. The window takes its shape with the
                       // first one
    struct weir_copy_counters *copies; // conversions and uploads are counted under render
    const struct weir_log *log;
};

int weir_video_null_create(struct weir_video_sink **out);
// YUV4MPEG2 to `path` ("-": stdout); a change of size or format mid-way is scaled to the first, and
// counted.
int weir_video_y4m_create(const char *path, struct weir_copy_counters *copies,
                          struct weir_video_sink **out, struct weir_error *error);
// Opens the display, the window (hidden until the first picture) and the renderer: do it while
// bytes are in flight. WEIR_ERR_OUTPUT when no display can be opened; the hint suggests --headless.
int weir_video_sdl_create(const struct weir_sdl_video_params *params, struct weir_video_sink **out,
                          struct weir_error *error);
void weir_video_sink_destroy(struct weir_video_sink **s);

#endif
