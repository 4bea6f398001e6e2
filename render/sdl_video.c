// render/sdl_video.c — the window. Pictures are drawn when the player says so; between them the
// last one is drawn again when the window was resized or uncovered. Everything here runs on the
// thread that created the sink (the process's main thread, as SDL wants), but for wake.
#include "render/video.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <SDL.h>

#include "core/clock.h"
#include "render/layout.h"
#include "render/overlay.h"
#include "render/screenshot.h"
#include "render/sdl_input.h"
#include "render/sdl_system.h"
#include "render/sdl_texture.h"

// With pictures coming this often a changed overlay waits for the next one.
#define OVERLAY_WAIT_US (WEIR_SECOND_US / 5)

struct sdl_sink {
    struct weir_video_sink base;
    struct weir_copy_counters *copies;
    const struct weir_log *log;
    SDL_Window *window;
    SDL_Renderer *renderer;
    Uint32 wake_event;
    bool opened; // SDL's video subsystem counts us
    bool shown, playing;
    bool shape_expected;       // the window was made in the shape of the picture to come
    struct weir_size expected; // of the largest picture to come; 0x0 not known
    struct weir_sdl_texture texture;
    AVFrame *picture; // what is in the texture; without data before the first
    int rotation;
    int64_t presented_us;
    char *overlay_text; // NULL: none
    SDL_Texture *overlay;
    struct weir_overlay_size overlay_size;
    struct weir_sdl_input input;
};

static int64_t monotonic_us(void)
{
    struct weir_clock clock = weir_clock_monotonic();
    return weir_clock_now_us(&clock);
}

static int sdl_error(struct weir_error *error, const char *what)
{
    weir_error_set(error, WEIR_ERR_OUTPUT, "window", "%s", what);
    weir_error_why(error, "%s", SDL_GetError());
    weir_error_hint(error, "--headless plays without a window and without sound");
    return WEIR_ERR_OUTPUT;
}

// Whether a GPU is there to draw with. OpenGL in software costs 100 ms and more to start, and gains
// nothing.
static bool gpu_present(void)
{
    static const char *const nodes[] = {
        "/dev/dri/renderD128", "/dev/dri/renderD129", "/dev/dri/renderD130",
        "/dev/dri/card0",      "/dev/nvidiactl",      "/dev/dxg",
        "/dev/mali0",          "/dev/kgsl-3d0",
    };
    for (size_t i = 0; i < SDL_arraysize(nodes); i++) {
        if (access(nodes[i], R_OK | W_OK) == 0)
            return true;
    }
    return false;
}

static SDL_Renderer *create_renderer(SDL_Window *window)
{
    SDL_Renderer *renderer = NULL;
    if (gpu_present() || SDL_GetHint(SDL_HINT_RENDER_DRIVER))
        renderer = SDL_CreateRenderer(window, -1, SDL_RENDERER_PRESENTVSYNC);
    if (renderer)
        return renderer;
    // Else SDL would put the software renderer's pixels on the screen through OpenGL.
    SDL_SetHint(SDL_HINT_FRAMEBUFFER_ACCELERATION, "0");
    renderer = SDL_CreateRenderer(window, -1, SDL_RENDERER_SOFTWARE);
    if (renderer)
        return renderer;
    // Wayland, in SDL 2, has no plain window memory: OpenGL it must be.
    SDL_SetHint(SDL_HINT_FRAMEBUFFER_ACCELERATION, NULL);
    return SDL_CreateRenderer(window, -1, 0);
}

static struct weir_size usable_size(int display)
{
    SDL_Rect usable;
    if (SDL_GetDisplayUsableBounds(display < 0 ? 0 : display, &usable) != 0)
        return (struct weir_size){0, 0};
    return (struct weir_size){usable.w, usable.h};
}

// SDL falls back on drivers that show nothing to anybody; somebody must have asked for those by
// name.
static bool unseen(const char *driver)
{
    return !getenv("SDL_VIDEODRIVER") && driver &&
           (!strcmp(driver, "offscreen") || !strcmp(driver, "dummy"));
}

static int open_window(struct sdl_sink *s, const struct weir_sdl_video_params *params,
                       struct weir_error *error)
{
    if (weir_sdl_init(SDL_INIT_VIDEO) != 0)
        return sdl_error(error, "cannot open a display");
    s->opened = true;
    if (unseen(SDL_GetCurrentVideoDriver())) {
        SDL_SetError("no display was found");
        return sdl_error(error, "cannot open a display");
    }
    struct weir_size size = {1280, 720};
    s->shape_expected = params->width > 0 && params->height > 0;
    if (s->shape_expected)
        size = (struct weir_size){params->width, params->height};
    size = weir_layout_window(size, usable_size(0));
    Uint32 flags = SDL_WINDOW_RESIZABLE | SDL_WINDOW_HIDDEN | SDL_WINDOW_ALLOW_HIGHDPI;
    s->window = SDL_CreateWindow(params->title ? params->title : "Weir", SDL_WINDOWPOS_UNDEFINED,
                                 SDL_WINDOWPOS_UNDEFINED, size.width, size.height, flags);
    if (!s->window)
        return sdl_error(error, "cannot open a window");
    s->renderer = create_renderer(s->window);
    if (!s->renderer)
        return sdl_error(error, "cannot draw in the window");
    if (params->fullscreen)
        SDL_SetWindowFullscreen(s->window, SDL_WINDOW_FULLSCREEN_DESKTOP);
    weir_sdl_texture_init(&s->texture, s->renderer);
    s->wake_event = SDL_RegisterEvents(1);
    SDL_StartTextInput();
    SDL_RendererInfo info = {0};
    SDL_GetRendererInfo(s->renderer, &info);
    weir_log(s->log, WEIR_LOG_DEBUG, "window open driver=%s renderer=%s width=%d height=%d",
             SDL_GetCurrentVideoDriver(), info.name ? info.name : "", size.width, size.height);
    return 0;
}

static void draw_picture(struct sdl_sink *s, struct weir_size output)
{
    struct weir_size picture = weir_layout_display_size(
        s->texture.width, s->texture.height, s->picture->sample_aspect_ratio, s->rotation);
    struct weir_rect to = weir_layout_fit(picture, output);
    const SDL_Rect from = {0, 0, s->texture.width, s->texture.height};
    SDL_SetYUVConversionMode(s->texture.yuv_mode);
    if (s->rotation == 0) {
        const SDL_Rect plain = {to.x, to.y, to.width, to.height};
        SDL_RenderCopy(s->renderer, s->texture.texture, &from, &plain);
        return;
    }
    // SDL turns the target about its centre: give it the rectangle before the turn.
    bool turned = s->rotation != 180;
    if (turned && (to.width - to.height) % 2 != 0 && to.width > 1)
        to.width--; // the centre on a whole pixel: renderers round halves differently
    float width = (float)(turned ? to.height : to.width);
    float height = (float)(turned ? to.width : to.height);
    const SDL_FRect before = {(float)to.x + ((float)to.width - width) / 2,
                              (float)to.y + ((float)to.height - height) / 2, width, height};
    SDL_RenderCopyExF(s->renderer, s->texture.texture, &from, &before, s->rotation, NULL,
                      SDL_FLIP_NONE);
}

// Glyphs are small: a whole multiple of them, by the window's height.
static void draw_overlay(struct sdl_sink *s, struct weir_size output)
{
    int scale = output.height / 360;
    scale = scale < 1 ? 1 : scale > 6 ? 6 : scale;
    while (scale > 1 && s->overlay_size.width * scale > output.width)
        scale--;
    const SDL_Rect to = {4 * scale, 4 * scale, s->overlay_size.width * scale,
                         s->overlay_size.height * scale};
    SDL_RenderCopy(s->renderer, s->overlay, NULL, &to);
}

static void draw(struct sdl_sink *s)
{
    struct weir_size output = {0, 0};
    if (!s->shown || SDL_GetRendererOutputSize(s->renderer, &output.width, &output.height) != 0)
        return;
    SDL_SetRenderDrawColor(s->renderer, 0, 0, 0, 255);
    SDL_RenderClear(s->renderer);
    if (s->texture.texture)
        draw_picture(s, output);
    if (s->overlay)
        draw_overlay(s, output);
    SDL_RenderPresent(s->renderer);
}

// With the first picture the window takes its shape and appears.
static void show_window(struct sdl_sink *s)
{
    if (!s->shape_expected && !(SDL_GetWindowFlags(s->window) & SDL_WINDOW_FULLSCREEN)) {
        struct weir_size picture = weir_layout_display_size(
            s->texture.width, s->texture.height, s->picture->sample_aspect_ratio, s->rotation);
        if (s->expected.height > picture.height) // same shape, its own width: manifests round
            picture = (struct weir_size){
                (int)((int64_t)picture.width * s->expected.height / picture.height),
                s->expected.height};
        struct weir_size size =
            weir_layout_window(picture, usable_size(SDL_GetWindowDisplayIndex(s->window)));
        SDL_SetWindowSize(s->window, size.width, size.height);
        SDL_SetWindowPosition(s->window, SDL_WINDOWPOS_CENTERED, SDL_WINDOWPOS_CENTERED);
    }
    SDL_ShowWindow(s->window);
    s->shown = true;
}

static int sdl_present(struct weir_video_sink *sink, const struct weir_picture *p,
                       struct weir_error *error)
{
    struct sdl_sink *s = (struct sdl_sink *)sink;
    int err = weir_sdl_texture_update(&s->texture, p->frame, s->copies, error);
    if (err)
        return err;
    av_frame_unref(s->picture);
    if (av_frame_ref(s->picture, p->frame) < 0)
        return weir_error_set(error, WEIR_ERR_NOMEM, "window", "out of memory");
    s->rotation = weir_layout_rotation(p->rotation);
    s->presented_us = monotonic_us();
    if (!s->shown)
        show_window(s);
    draw(s);
    return 0;
}

static void remake_overlay(struct sdl_sink *s)
{
    if (s->overlay)
        SDL_DestroyTexture(s->overlay);
    s->overlay = NULL;
    s->overlay_size = weir_overlay_measure(s->overlay_text ? s->overlay_text : "");
    if (s->overlay_size.width == 0)
        return;
    SDL_Texture *texture =
        SDL_CreateTexture(s->renderer, SDL_PIXELFORMAT_ARGB8888, SDL_TEXTUREACCESS_STREAMING,
                          s->overlay_size.width, s->overlay_size.height);
    void *pixels;
    int pitch;
    if (!texture || SDL_LockTexture(texture, NULL, &pixels, &pitch) != 0) {
        weir_log(s->log, WEIR_LOG_WARN, "cannot draw the overlay: %s", SDL_GetError());
        SDL_DestroyTexture(texture);
        return;
    }
    weir_overlay_draw(s->overlay_text, pixels, pitch);
    SDL_UnlockTexture(texture);
    SDL_SetTextureBlendMode(texture, SDL_BLENDMODE_BLEND);
    SDL_SetTextureScaleMode(texture, SDL_ScaleModeNearest);
    s->overlay = texture;
}

static void sdl_set_overlay(struct weir_video_sink *sink, const char *text)
{
    struct sdl_sink *s = (struct sdl_sink *)sink;
    if (text && s->overlay_text ? strcmp(text, s->overlay_text) == 0 : text == s->overlay_text)
        return;
    free(s->overlay_text);
    s->overlay_text = text ? strdup(text) : NULL;
    remake_overlay(s);
    if (!s->playing || monotonic_us() - s->presented_us > OVERLAY_WAIT_US)
        draw(s);
}

// Everything but the picture and the text was lost with the device.
static void recover(struct sdl_sink *s)
{
    SDL_Renderer *renderer = s->renderer;
    weir_sdl_texture_clear(&s->texture);
    weir_sdl_texture_init(&s->texture, renderer);
    remake_overlay(s);
    if (s->picture->data[0])
        weir_sdl_texture_update(&s->texture, s->picture, NULL, NULL);
}

static struct weir_input handle(struct sdl_sink *s, const SDL_Event *event, bool *redraw)
{
    enum weir_window_change change =
        weir_sdl_input_event(&s->input, event, SDL_GetWindowID(s->window));
    if (change == WEIR_WINDOW_LOST)
        recover(s);
    *redraw = *redraw || change != WEIR_WINDOW_SAME;
    return weir_sdl_input_take(&s->input);
}

// Everything waiting, until an input is among it. True: woken.
static bool drain(struct sdl_sink *s, struct weir_input *input)
{
    SDL_Event event;
    bool redraw = false;
    bool woken = false;
    while (input->kind == WEIR_INPUT_NONE && SDL_PollEvent(&event)) {
        woken = woken || event.type == s->wake_event;
        *input = handle(s, &event, &redraw);
    }
    if (redraw) // once for the burst of events that a resize is
        draw(s);
    return woken;
}

static void sleep_us(int64_t us)
{
    nanosleep(&(struct timespec){.tv_nsec = (long)us * 1000}, NULL);
}

static struct weir_input sdl_poll(struct weir_video_sink *sink, int64_t timeout_us)
{
    struct sdl_sink *s = (struct sdl_sink *)sink;
    int64_t deadline_us = monotonic_us() + timeout_us;
    struct weir_input input = weir_sdl_input_take(&s->input);
    while (input.kind == WEIR_INPUT_NONE) {
        bool woken = drain(s, &input);
        int64_t left_us = deadline_us - monotonic_us();
        if (woken || input.kind != WEIR_INPUT_NONE || left_us <= 0)
            break;
        // SDL waits in whole milliseconds; what is left of the last one is slept.
        if (left_us < 1000)
            sleep_us(left_us);
        else
            SDL_WaitEventTimeout(NULL, (int)SDL_min(left_us / 1000, 60000));
    }
    return input;
}

static void sdl_wake(struct weir_video_sink *sink)
{
    const struct sdl_sink *s = (const struct sdl_sink *)sink;
    SDL_Event event = {.type = s->wake_event};
    // One in the queue is enough.
    if (!SDL_HasEvent(s->wake_event))
        SDL_PushEvent(&event);
}

static bool sdl_fullscreen(const struct weir_video_sink *sink)
{
    const struct sdl_sink *s = (const struct sdl_sink *)sink;
    return SDL_GetWindowFlags(s->window) & SDL_WINDOW_FULLSCREEN;
}

static void sdl_set_fullscreen(struct weir_video_sink *sink, bool on)
{
    struct sdl_sink *s = (struct sdl_sink *)sink;
    SDL_SetWindowFullscreen(s->window, on ? SDL_WINDOW_FULLSCREEN_DESKTOP : 0);
    SDL_ShowCursor(on ? SDL_DISABLE : SDL_ENABLE);
    draw(s);
}

static void sdl_set_playing(struct weir_video_sink *sink, bool playing)
{
    struct sdl_sink *s = (struct sdl_sink *)sink;
    if (playing == s->playing)
        return;
    s->playing = playing;
    if (playing)
        SDL_DisableScreenSaver();
    else
        SDL_EnableScreenSaver();
}

static void sdl_set_title(struct weir_video_sink *sink, const char *title)
{
    SDL_SetWindowTitle(((struct sdl_sink *)sink)->window, title);
}

static void sdl_expect(struct weir_video_sink *sink, int width, int height)
{
    ((struct sdl_sink *)sink)->expected = (struct weir_size){width, height};
}

static void sdl_release(struct weir_video_sink *sink)
{
    struct sdl_sink *s = (struct sdl_sink *)sink;
    AVFrame *copy = av_frame_alloc();
    if (copy && s->picture->data[0] && av_frame_ref(copy, s->picture) >= 0 &&
        av_frame_make_writable(copy) >= 0) {
        av_frame_unref(s->picture);
        av_frame_move_ref(s->picture, copy);
    } else {
        av_frame_unref(s->picture); // the texture still shows it
    }
    av_frame_free(&copy);
}

static int sdl_screenshot(struct weir_video_sink *sink, const char *path, struct weir_error *error)
{
    struct sdl_sink *s = (struct sdl_sink *)sink;
    if (!s->picture->data[0])
        return weir_error_set(error, WEIR_ERR_INVAL, path, "there is no picture yet");
    return weir_screenshot_write(s->picture, s->rotation, path, error);
}

static void sdl_destroy(struct weir_video_sink *sink)
{
    struct sdl_sink *s = (struct sdl_sink *)sink;
    free(s->overlay_text);
    weir_sdl_texture_clear(&s->texture);
    if (s->overlay)
        SDL_DestroyTexture(s->overlay);
    if (s->renderer)
        SDL_DestroyRenderer(s->renderer);
    if (s->window)
        SDL_DestroyWindow(s->window);
    if (s->opened)
        weir_sdl_quit(SDL_INIT_VIDEO);
    av_frame_free(&s->picture);
    free(s);
}

static const struct weir_video_sink_ops sdl_ops = {
    .name = "sdl",
    .present = sdl_present,
    .poll = sdl_poll,
    .set_fullscreen = sdl_set_fullscreen,
    .fullscreen = sdl_fullscreen,
    .set_overlay = sdl_set_overlay,
    .set_playing = sdl_set_playing,
    .set_title = sdl_set_title,
    .expect = sdl_expect,
    .release = sdl_release,
    .screenshot = sdl_screenshot,
    .wake = sdl_wake,
    .destroy = sdl_destroy,
};

int weir_video_sdl_create(const struct weir_sdl_video_params *params, struct weir_video_sink **out,
                          struct weir_error *error)
{
    *out = NULL;
    struct sdl_sink *s = calloc(1, sizeof(*s));
    if (!s)
        return weir_error_set(error, WEIR_ERR_NOMEM, "window", "out of memory");
    s->base.ops = &sdl_ops;
    s->copies = params->copies;
    s->log = params->log;
    s->picture = av_frame_alloc();
    int err = s->picture ? open_window(s, params, error)
                         : weir_error_set(error, WEIR_ERR_NOMEM, "window", "out of memory");
    if (err)
        sdl_destroy(&s->base);
    else
        *out = &s->base;
    return err;
}
