// render/sdl_texture.h — pictures into an SDL texture: planes as they are where SDL can show them,
// through swscale where it cannot. Every byte written is counted. SDL's thread only.
#ifndef WEIR_RENDER_SDL_TEXTURE_H
#define WEIR_RENDER_SDL_TEXTURE_H

#include <SDL.h>

#include <libavutil/frame.h>

#include <weir/error.h>

#include "core/budget.h"
#include "render/convert.h"

struct weir_sdl_texture {
    SDL_Renderer *renderer; // borrowed
    SDL_Texture *texture;   // NULL before the first picture
    Uint32 sdl_format;
    int texture_width, texture_height;
    int max_width, max_height;        // of the renderer; 0: no limit
    int width, height;                // of the picture within the texture
    SDL_YUV_CONVERSION_MODE yuv_mode; // to be set whenever the texture is drawn
    struct weir_convert convert;
};

void weir_sdl_texture_init(struct weir_sdl_texture *t, SDL_Renderer *renderer);
void weir_sdl_texture_clear(struct weir_sdl_texture *t);
// Replace the picture. `copies` may be NULL. WEIR_ERR_OUTPUT or WEIR_ERR_UNSUPPORTED with error.
int weir_sdl_texture_update(struct weir_sdl_texture *t, const AVFrame *frame,
                            struct weir_copy_counters *copies, struct weir_error *error);

#endif
