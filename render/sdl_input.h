// render/sdl_input.h — SDL's events as struct weir_input, and what the window itself must react to.
// SDL's thread only.
#ifndef WEIR_RENDER_SDL_INPUT_H
#define WEIR_RENDER_SDL_INPUT_H

#include <SDL.h>

#include "render/video.h"

enum weir_window_change {
    WEIR_WINDOW_SAME,
    WEIR_WINDOW_REDRAW, // exposed, resized, moved to another display
    WEIR_WINDOW_LOST,   // the renderer's textures are gone
};

// Inputs waiting: one SDL event may carry several characters of text.
struct weir_sdl_input {
    struct weir_input queue[SDL_TEXTINPUTEVENT_TEXT_SIZE];
    int count, next;
};

// Digest one event: inputs go into the queue.
enum weir_window_change weir_sdl_input_event(struct weir_sdl_input *in, const SDL_Event *event,
                                             Uint32 window_id);
// The oldest input waiting; kind NONE when there is none.
struct weir_input weir_sdl_input_take(struct weir_sdl_input *in);

#endif
