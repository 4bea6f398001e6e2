// render/overlay.h — text on top of the picture: lines of printable ASCII (and U+2588, U+2591 to
// U+2593, for bars) drawn with the built-in font onto a half-transparent ground. Pure: into memory
// of the caller's.
#ifndef WEIR_RENDER_OVERLAY_H
#define WEIR_RENDER_OVERLAY_H

#include <stdint.h>

#define WEIR_OVERLAY_MAX_COLUMNS 120
#define WEIR_OVERLAY_MAX_LINES   40

struct weir_overlay_size {
    int width, height; // pixels; 0 × 0 for empty text
};

// Columns and lines beyond the maxima are cut off.
struct weir_overlay_size weir_overlay_measure(const char *text);
// Draw `text` into `pixels`: native-endian ARGB words, not premultiplied, `pitch_bytes` a row, of
// the measured size.
void weir_overlay_draw(const char *text, uint32_t *pixels, int pitch_bytes);

#endif
