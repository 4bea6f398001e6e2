// tests/render/display.h — an X server of the test's own (Xvfb) and what is to be seen on it.
#ifndef WEIR_TESTS_RENDER_DISPLAY_H
#define WEIR_TESTS_RENDER_DISPLAY_H

#include <stdbool.h>
#include <stdint.h>

// Start Xvfb on a free display and point SDL at it; exit 77 where there is none.
void display_start(void);
void display_stop(void);
// Start a window manager on it, once (openbox). False: not installed.
bool display_window_manager(void);

struct display_image {
    int width, height;
    uint8_t *rgb;
};
// The window with this title, really read back from the X server (ImageMagick's import).
struct display_image display_window(const char *title);
// Any picture file, read by ImageMagick.
struct display_image display_read(const char *path);
void display_image_clear(struct display_image *image);
// Fail unless the pixel is that colour, each channel within `tolerance`.
void display_expect(const struct display_image *image, const char *what, int x, int y,
                    const uint8_t rgb[3], int tolerance);

#endif
