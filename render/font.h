// render/font.h — the overlay's font: five by nine pixels a glyph, drawn for Weir. Lines of one
// text per glyph show it.
#ifndef WEIR_RENDER_FONT_H
#define WEIR_RENDER_FONT_H

enum {
    WEIR_FONT_FIRST = 32, // code points
    WEIR_FONT_LAST = 126,
    WEIR_FONT_COLUMNS = 5,
    WEIR_FONT_ROWS = 9, // seven above the base line, two below
};

// Rows of '#' and '.', one space between; rows left out at the end are empty.
extern const char *const weir_font[WEIR_FONT_LAST - WEIR_FONT_FIRST + 1];

#endif
