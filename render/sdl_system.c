// render/sdl_system.c — see sdl_system.h.
#include "render/sdl_system.h"

#include <pthread.h>
#include <stdlib.h>

// Guards state that is SDL's own and process-wide; Weir keeps none.
static pthread_mutex_t subsystems = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t hints = PTHREAD_ONCE_INIT;

static void SDLCALL say_nothing(void *ctx, int category, SDL_LogPriority priority,
                                const char *message)
{
    (void)ctx;
    (void)category;
    (void)priority;
    (void)message;
}

// Defaults for the process that the environment may override. SDL's own log goes nowhere: what
// fails is told by the call that failed, and a library prints nothing.
static void set_hints(void)
{
    SDL_LogSetOutputFunction(say_nothing, NULL);
    SDL_SetHint(SDL_HINT_NO_SIGNAL_HANDLERS, "1");
    SDL_SetHint(SDL_HINT_APP_NAME, "Weir");
    SDL_SetHint(SDL_HINT_AUDIO_DEVICE_APP_NAME, "Weir");
    SDL_SetHint(SDL_HINT_VIDEO_X11_NET_WM_BYPASS_COMPOSITOR, "0");
    SDL_SetHint(SDL_HINT_VIDEO_ALLOW_SCREENSAVER, "1"); // until set_playing
    SDL_SetHint(SDL_HINT_RENDER_SCALE_QUALITY, "linear");
    SDL_SetHint(SDL_HINT_MOUSE_FOCUS_CLICKTHROUGH, "1");
    // libwayland complains on standard error where there is no session to connect to: do not ask
    // it.
    if (!getenv("XDG_RUNTIME_DIR") && !getenv("WAYLAND_DISPLAY"))
        SDL_SetHint(SDL_HINT_VIDEODRIVER, "x11,KMSDRM");
}

int weir_sdl_init(Uint32 subsystem)
{
    (void)pthread_once(&hints, set_hints);
    (void)pthread_mutex_lock(&subsystems);
    int failed = SDL_InitSubSystem(subsystem);
    (void)pthread_mutex_unlock(&subsystems);
    return failed;
}

void weir_sdl_quit(Uint32 subsystem)
{
    (void)pthread_mutex_lock(&subsystems);
    SDL_QuitSubSystem(subsystem);
    (void)pthread_mutex_unlock(&subsystems);
}
