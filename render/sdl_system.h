// render/sdl_system.h — SDL's process-wide parts. The window belongs to the main thread and the
// sound device is opened by the thread that decodes, but SDL counts its subsystems and keeps its
// hints without locks: both go through here.
#ifndef WEIR_RENDER_SDL_SYSTEM_H
#define WEIR_RENDER_SDL_SYSTEM_H

#include <SDL.h>

// SDL_InitSubSystem and SDL_QuitSubSystem, one caller at a time, with Weir's hints set before the
// first.
int weir_sdl_init(Uint32 subsystem);
void weir_sdl_quit(Uint32 subsystem);

#endif
