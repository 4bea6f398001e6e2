// render/sdl_input.c — characters come from text input, so that every keyboard layout's '#' and '+'
// work; keys without a character come from key presses.
#include "render/sdl_input.h"

static void push(struct weir_sdl_input *in, enum weir_input_kind kind, uint32_t key)
{
    if (in->next == in->count)
        in->next = in->count = 0;
    if (in->count < (int)SDL_arraysize(in->queue))
        in->queue[in->count++] = (struct weir_input){kind, key};
}

struct weir_input weir_sdl_input_take(struct weir_sdl_input *in)
{
    if (in->next < in->count)
        return in->queue[in->next++];
    return (struct weir_input){WEIR_INPUT_NONE, 0};
}

// SDL's text is valid UTF-8 of at most 31 bytes.
static void push_text(struct weir_sdl_input *in, const char *text)
{
    const unsigned char *s = (const unsigned char *)text;
    while (*s) {
        int more = *s >= 0xF0 ? 3 : *s >= 0xE0 ? 2 : *s >= 0xC0 ? 1 : 0;
        uint32_t code = more == 0 ? *s : *s & (0x3Fu >> more);
        for (s++; more > 0 && (*s & 0xC0) == 0x80; more--, s++)
            code = code << 6 | (*s & 0x3Fu);
        push(in, WEIR_INPUT_KEY, code);
    }
}

static uint32_t special_key(SDL_Keycode sym)
{
    switch (sym) {
    case SDLK_LEFT:
        return WEIR_KEY_LEFT;
    case SDLK_RIGHT:
        return WEIR_KEY_RIGHT;
    case SDLK_UP:
        return WEIR_KEY_UP;
    case SDLK_DOWN:
        return WEIR_KEY_DOWN;
    case SDLK_ESCAPE:
        return WEIR_KEY_ESCAPE;
    case SDLK_RETURN:
    case SDLK_KP_ENTER:
        return WEIR_KEY_ENTER;
    case SDLK_BACKSPACE:
        return WEIR_KEY_BACKSPACE;
    default:
        return 0;
    }
}

static enum weir_window_change window_event(struct weir_sdl_input *in, const SDL_WindowEvent *event)
{
    switch (event->event) {
    case SDL_WINDOWEVENT_CLOSE:
        push(in, WEIR_INPUT_QUIT, 0);
        return WEIR_WINDOW_SAME;
    case SDL_WINDOWEVENT_EXPOSED:
    case SDL_WINDOWEVENT_SIZE_CHANGED:
    case SDL_WINDOWEVENT_RESTORED:
    case SDL_WINDOWEVENT_SHOWN:
    case SDL_WINDOWEVENT_DISPLAY_CHANGED:
        return WEIR_WINDOW_REDRAW;
    default:
        return WEIR_WINDOW_SAME;
    }
}

enum weir_window_change weir_sdl_input_event(struct weir_sdl_input *in, const SDL_Event *event,
                                             Uint32 window_id)
{
    switch (event->type) {
    case SDL_QUIT: // the last window was closed, or the session ends
        push(in, WEIR_INPUT_QUIT, 0);
        return WEIR_WINDOW_SAME;
    case SDL_WINDOWEVENT:
        return event->window.windowID == window_id ? window_event(in, &event->window)
                                                   : WEIR_WINDOW_SAME;
    case SDL_TEXTINPUT:
        push_text(in, event->text.text);
        return WEIR_WINDOW_SAME;
    case SDL_KEYDOWN: {
        uint32_t key = special_key(event->key.keysym.sym);
        if (key)
            push(in, WEIR_INPUT_KEY, key);
        return WEIR_WINDOW_SAME;
    }
    case SDL_MOUSEBUTTONDOWN: // as in mpv, a double click toggles fullscreen
        if (event->button.button == SDL_BUTTON_LEFT && event->button.clicks == 2)
            push(in, WEIR_INPUT_KEY, 'f');
        return WEIR_WINDOW_SAME;
    case SDL_RENDER_TARGETS_RESET:
    case SDL_RENDER_DEVICE_RESET:
        return WEIR_WINDOW_LOST;
    default:
        return WEIR_WINDOW_SAME;
    }
}
